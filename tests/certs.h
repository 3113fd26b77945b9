/*
 * certs: two self-signed certificates, "a" and "b", made once for a test program.
 */
#pragma once

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bn_test.h"
#include "io/stream.h"
#include "io/tls.h"
#include "io/tls_peer.h"
#include "remove_tree.h"

static char cert_folder[64];

BN_UNUSED static void remove_cert_folder(void)
{
    remove_tree(cert_folder);
}

BN_UNUSED static void run_in_folder(const char *line)
{
    char shell[] = "sh";
    char option[] = "-c";
    char command[400];
    char *argv[] = {shell, option, command, NULL};
    pid_t child;
    int status = -1;
    snprintf(command, sizeof command, "cd %s && exec >log 2>&1; %s", cert_folder, line);
    CHECK_INT(posix_spawnp(&child, shell, NULL, NULL, argv, environ), 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

BN_UNUSED static struct bn_tls_config *load(const char *name)
{
    struct bn_tls_config *config = NULL;
    char cert[128];
    char key[128];
    if (!cert_folder[0]) {
        snprintf(cert_folder, sizeof cert_folder, "/tmp/bn-fetch-XXXXXX");
        CHECK(mkdtemp(cert_folder) != NULL);
        atexit(remove_cert_folder);
        run_in_folder(
                "for n in a b; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                "-subj /CN=pve -days 2 -keyout $n.key -out $n.pem || exit 1; "
                "openssl x509 -in $n.pem -noout -sha256 -fingerprint | sed 's/.*=//' >$n.print; done");
    }
    snprintf(cert, sizeof cert, "%s/%s.pem", cert_folder, name);
    snprintf(key, sizeof key, "%s/%s.key", cert_folder, name);
    CHECK(bn_tls_config_create(cert, key, &config, NULL));
    return config;
}

BN_UNUSED static void fingerprint_of(const char *name, char out[BN_FINGERPRINT_SIZE])
{
    char path[128];
    char line[256] = "";
    snprintf(path, sizeof path, "%s/%s.print", cert_folder, name);
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(line, sizeof line, file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    CHECK(bn_fingerprint_read(line, out));
}
