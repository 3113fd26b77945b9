#include <dlfcn.h>
#include <openssl/ssl.h>
#include <spawn.h>

#include "base/text.h"

#include "bn_test.h"
#include "io/tls.h"

/* Handshakes, refusals and reloads over real sockets are tests/e2e/life.test.mjs; here is what can
   go wrong with files. */

static bool makes_no_context;

__attribute__((visibility("default"))) SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*real)(const SSL_METHOD *);
    *(void **)&real = dlsym(RTLD_NEXT, "SSL_CTX_new");
    return makes_no_context ? NULL : real(method);
}

static char folder[64];

static char *in_folder(const char *name)
{
    static char paths[8][128];
    static size_t next;
    char *path = paths[next++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Runs a line of shell in the folder; its words to the terminal are not ours. */
static void run(const char *line)
{
    char shell[] = "sh";
    char option[] = "-c";
    char command[400];
    char *argv[] = {shell, option, command, NULL};
    pid_t child;
    int status = -1;
    snprintf(command, sizeof command, "cd %s && exec >log 2>&1; %s", folder, line);
    CHECK_INT(posix_spawnp(&child, shell, NULL, NULL, argv, environ), 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void make_folder(void)
{
    if (folder[0])
        return;
    snprintf(folder, sizeof folder, "/tmp/bn-tls-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    run("for n in a b; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj /CN=x -days 1 -keyout $n.key -out $n.pem || exit 1; done");
    run("openssl ec -in a.key -aes256 -passout pass:secret -out locked.key && : >empty");
}

static void refused(const char *cert, const char *key, const char *want)
{
    struct bn_tls_config *config = NULL;
    struct bn_err err = {0};
    CHECK(!bn_tls_config_create(cert, key, &config, &err));
    CHECK(config == NULL);
    CHECK_INT(err.code, BN_E_INVALID);
    if (!strstr(err.text, want))
        fail_msg("got \"%s\", wanted \"%s\"", err.text, want);
}

BN_TEST(a_pair_that_fits_is_loaded_and_counted)
{
    struct bn_tls_config *config;
    struct bn_err err;
    make_folder();
    if (!bn_tls_config_create(in_folder("a.pem"), in_folder("a.key"), &config, &err))
        fail_msg("%s", err.text);
    CHECK(bn_tls_config_ref(config) == config);
    bn_tls_config_unref(config);
    bn_tls_config_unref(config); /* the leak check sees whether it stayed */
    bn_tls_config_unref(NULL);
}

BN_TEST(files_that_are_missing_are_named)
{
    make_folder();
    refused("/no/cert.pem", in_folder("a.key"),
            "cannot use the certificate /no/cert.pem: No such file or directory");
    refused(in_folder("a.pem"), "/no/key.pem",
            "cannot use the key /no/key.pem: No such file or directory");
}

BN_TEST(files_that_hold_something_else_are_named)
{
    make_folder();
    refused(in_folder("empty"), in_folder("a.key"), "/empty: no start line");
    refused(in_folder("a.key"), in_folder("a.key"), "cannot use the certificate ");
    refused(in_folder("a.pem"), in_folder("a.pem"), "cannot use the key ");
    refused(in_folder("a.pem"), in_folder("empty"), "cannot use the key ");
    refused(folder, in_folder("a.key"), "cannot use the certificate ");
}

BN_TEST(a_key_of_another_certificate_is_refused)
{
    make_folder();
    refused(in_folder("a.pem"), in_folder("b.key"), "b.key: key values mismatch");
}

BN_TEST(an_encrypted_key_is_refused_instead_of_asking_the_terminal)
{
    make_folder();
    refused(in_folder("a.pem"), in_folder("locked.key"), "locked.key: it is encrypted");
}

BN_TEST(what_went_wrong_once_does_not_speak_for_the_next)
{
    make_folder();
    refused("/no/cert.pem", in_folder("a.key"), "No such file");
    refused(in_folder("a.pem"), in_folder("b.key"), "mismatch");
    a_pair_that_fits_is_loaded_and_counted(NULL);
}

BN_TEST(openssl_that_fails_without_a_reason_is_refused_with_a_sentence)
{
    make_folder();
    makes_no_context = true;
    refused(in_folder("a.pem"), in_folder("a.key"), "TLS: unknown reason");
    makes_no_context = false;
}

BN_TEST(the_folder_is_removed)
{
    static const char *const names[] = {"a.key", "a.pem", "b.key", "b.pem", "locked.key", "empty",
            "log"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(in_folder(names[i]));
    CHECK_INT(rmdir(folder), 0);
}

BN_TEST_MAIN()
