/*
 * tls_ca: an authority the test's process trusts, and certificates it signed, made once for a
 * program.
 *
 * "good" is made out to here.example and 127.0.0.1, "other" to elsewhere.example, and "old"
 * has expired.
 */
#pragma once

#include "certs.h"

static char ca_folder[64];

BN_UNUSED static void make_authority(void)
{
    char path[128];
    if (ca_folder[0])
        return;
    bn_tls_config_unref(load("a")); /* makes the folder */
    snprintf(ca_folder, sizeof ca_folder, "%s", cert_folder);
    run_in_folder("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                  "-subj /CN=authority -days 9 -keyout ca.key -out ca.pem");
    run_in_folder(
            "mkdir -p db && : >db/index && echo 01 >db/serial && "
            "printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=db/index' 'serial=db/serial' "
            "'new_certs_dir=db' 'default_md=sha256' 'policy=p' 'copy_extensions=copy' "
            "'unique_subject=no' '[p]' 'commonName=supplied' >conf");
    run_in_folder(
            "echo 'openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 "
            "-addext subjectAltName=$2 -keyout $1.key -out $1.csr && openssl ca -batch "
            "-config conf -cert ca.pem -keyfile ca.key -in $1.csr -out $1.pem -notext "
            "-startdate $3 -enddate $4' >one");
    run_in_folder("n=$(date -u -d yesterday +%y%m%d%H%M%SZ); m=$(date -u -d 'next month' "
                  "+%y%m%d%H%M%SZ); sh one good DNS:here.example,IP:127.0.0.1 $n $m && "
                  "sh one other DNS:elsewhere.example $n $m && "
                  "sh one old DNS:here.example,IP:127.0.0.1 200101000000Z 210101000000Z");
    snprintf(path, sizeof path, "%s/ca.pem", ca_folder);
    setenv("SSL_CERT_FILE", path, 1);
    setenv("SSL_CERT_DIR", "/nowhere", 1);
}
