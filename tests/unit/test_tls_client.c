/* Connections of ours with a server whose TLS is the test's: both ends in one thread. */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <time.h>

#include "bn_test.h"
#include "io/tls_client.h"
#include "tls_ca.h"

static time_t later_s; /* by so much everybody's clock is ahead */

__attribute__((visibility("default"))) time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += later_s;
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

struct scene {
    struct bn_tls_client *client;
    SSL_CTX *ctx; /* the server's */
    /* one connection */
    int fds[2];
    struct bn_tls *tls;
    SSL *server;
    struct bn_tls_peer peer;
};

static SSL_CTX *make_server(const char *name, int version)
{
    char path[160];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    bn_tls_config_unref(load("a")); /* makes the certificates */
    snprintf(path, sizeof path, "%s/%s.pem", cert_folder, name);
    CHECK_INT(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
    snprintf(path, sizeof path, "%s/%s.key", cert_folder, name);
    CHECK_INT(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
    CHECK_INT(SSL_CTX_set_min_proto_version(ctx, version), 1);
    CHECK_INT(SSL_CTX_set_max_proto_version(ctx, version), 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
    return ctx;
}

static void start(struct scene *scene, size_t sessions_max, int version)
{
    memset(scene, 0, sizeof *scene);
    signal(SIGPIPE, SIG_IGN);
    CHECK(bn_tls_client_create(sessions_max, &scene->client, NULL));
    scene->ctx = make_server("a", version);
}

static void stop(struct scene *scene)
{
    bn_tls_client_unref(scene->client);
    SSL_CTX_free(scene->ctx);
}

/* Both ends in turn, until ours has said what it thinks. */
static enum bn_tls_result shake(struct scene *scene, struct bn_err *err)
{
    enum bn_tls_result result = BN_TLS_WANT_READ;
    for (int i = 0; i < 50 && result == BN_TLS_WANT_READ; i++) {
        result = bn_tls_client_shake(scene->tls, err);
        (void)SSL_do_handshake(scene->server);
    }
    return result;
}

static enum bn_tls_result open_as(struct scene *scene, const char *key, enum bn_trust trust,
        const char *pin)
{
    struct bn_err err;
    scene->peer = (struct bn_tls_peer){.trust = trust};
    if (pin)
        fingerprint_of(pin, scene->peer.pin);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, scene->fds), 0);
    const struct bn_tls_to to = {.host = "127.0.0.1", .key = key, .peer = &scene->peer};
    scene->tls = bn_tls_client_open(scene->client, scene->fds[0], &to);
    CHECK(scene->tls != NULL);
    CHECK(!bn_tls_is_ready(scene->tls));
    scene->server = SSL_new(scene->ctx);
    CHECK_INT(SSL_set_fd(scene->server, scene->fds[1]), 1);
    SSL_set_accept_state(scene->server);
    return shake(scene, &err);
}

/* What the server says reaches us, and with it its tickets. */
static void listen_to(struct scene *scene)
{
    char out[16];
    size_t len = 0;
    struct bn_err err;
    CHECK_INT(SSL_write(scene->server, "x", 1), 1);
    enum bn_tls_result result = BN_TLS_WANT_READ;
    for (int i = 0; i < 10 && result == BN_TLS_WANT_READ; i++)
        result = bn_tls_read(scene->tls, out, sizeof out, &len, &err);
    CHECK_INT(result, BN_TLS_OK);
    CHECK_INT(len, 1);
}

/* says_bye: the server sends close_notify; without it the line just ends, as Proxmox VE's does. */
static void hang_up(struct scene *scene, bool says_bye)
{
    if (says_bye)
        SSL_shutdown(scene->server);
    close(scene->fds[1]);
    SSL_free(scene->server);
    bn_tls_destroy(scene->tls);
    close(scene->fds[0]);
}

static bool talks_resumed(struct scene *scene, const char *key, bool says_bye)
{
    CHECK_INT(open_as(scene, key, BN_TRUST_PIN, "a"), BN_TLS_OK);
    CHECK(bn_tls_is_ready(scene->tls));
    CHECK(scene->peer.fingerprint[0] && scene->peer.expires_at > 0); /* also when resumed */
    const bool is_resumed = bn_tls_client_is_resumed(scene->tls);
    listen_to(scene);
    hang_up(scene, says_bye);
    return is_resumed;
}

BN_TEST(a_session_outlives_its_connection_however_that_ended)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct scene scene;
        start(&scene, 8, versions[i]);
        CHECK(!talks_resumed(&scene, "k", false));
        CHECK(talks_resumed(&scene, "k", false));
        CHECK(talks_resumed(&scene, "k", true));
        CHECK(talks_resumed(&scene, "k", false));
        CHECK(!talks_resumed(&scene, "other key", false));
        CHECK_INT(bn_tls_client_sessions(scene.client), 2);
        stop(&scene);
    }
}

BN_TEST(a_server_that_sends_no_second_ticket_is_not_greeted_in_full_every_other_time)
{
    struct scene scene;
    start(&scene, 8, TLS1_3_VERSION);
    CHECK(!talks_resumed(&scene, "k", false));
    SSL_CTX_set_num_tickets(scene.ctx, 0);
    SSL_CTX_set_options(scene.ctx, SSL_OP_NO_ANTI_REPLAY);
    for (int i = 0; i < 4; i++)
        CHECK(talks_resumed(&scene, "k", false));
    stop(&scene);
}

BN_TEST(the_session_used_least_recently_goes_first)
{
    struct scene scene;
    start(&scene, 2, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(scene.ctx, 1);
    CHECK(!talks_resumed(&scene, "1", false));
    CHECK(!talks_resumed(&scene, "2", false));
    CHECK(talks_resumed(&scene, "1", false));
    CHECK(!talks_resumed(&scene, "3", false));
    CHECK_INT(bn_tls_client_sessions(scene.client), 2);
    CHECK(talks_resumed(&scene, "1", false));
    CHECK(!talks_resumed(&scene, "2", false)); /* it went for 3 */
    stop(&scene);
}

BN_TEST(who_is_refused_leaves_no_session_and_hears_no_byte)
{
    struct scene scene;
    start(&scene, 8, TLS1_3_VERSION);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_PIN, "b"), BN_TLS_FAILED);
    CHECK(scene.peer.is_refused);
    CHECK_STR(scene.peer.why, "another certificate than the pinned one");
    hang_up(&scene, false);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_LOOK, NULL), BN_TLS_FAILED);
    CHECK_STR(scene.peer.why, "the certificate was only looked at");
    hang_up(&scene, false);
    CHECK_INT(bn_tls_client_sessions(scene.client), 0);
    stop(&scene);
}

/* The key should keep such apart; that it does is not what safety rests on. */
BN_TEST(a_resumed_session_is_judged_by_what_is_trusted_now)
{
    struct scene scene;
    start(&scene, 8, TLS1_3_VERSION);
    CHECK(!talks_resumed(&scene, "k", false));
    CHECK_INT(open_as(&scene, "k", BN_TRUST_PIN, "b"), BN_TLS_FAILED);
    CHECK_STR(scene.peer.why, "another certificate than the pinned one");
    hang_up(&scene, false);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_CA, NULL), BN_TLS_FAILED);
    CHECK_STR(scene.peer.why, "no authority of this system vouches for it");
    hang_up(&scene, false);
    stop(&scene);
}

BN_TEST(an_authority_is_asked_once_and_its_word_kept_with_the_session)
{
    struct scene scene;
    make_authority();
    start(&scene, 8, TLS1_2_VERSION);
    SSL_CTX_free(scene.ctx);
    scene.ctx = make_server("good", TLS1_2_VERSION);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(open_as(&scene, "k", BN_TRUST_CA, NULL), BN_TLS_OK);
        CHECK(bn_tls_client_is_resumed(scene.tls) == (i == 1));
        CHECK(!scene.peer.is_refused);
        hang_up(&scene, true);
    }
    SSL_CTX_free(scene.ctx);
    scene.ctx = make_server("other", TLS1_2_VERSION);
    CHECK_INT(open_as(&scene, "k2", BN_TRUST_CA, NULL), BN_TLS_FAILED);
    CHECK(scene.peer.is_refused && scene.peer.is_other_name);
    hang_up(&scene, false);
    stop(&scene);
}

BN_TEST(a_certificate_that_expired_since_its_session_was_made_is_refused)
{
    struct scene scene;
    make_authority();
    start(&scene, 8, TLS1_2_VERSION);
    SSL_CTX_free(scene.ctx);
    scene.ctx = make_server("good", TLS1_2_VERSION);
    SSL_CTX_set_timeout(scene.ctx, 365 * 86400L);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_CA, NULL), BN_TLS_OK);
    hang_up(&scene, true);
    later_s = 60 * 86400L;
    CHECK_INT(open_as(&scene, "k", BN_TRUST_CA, NULL), BN_TLS_FAILED);
    CHECK(bn_tls_client_is_resumed(scene.tls));
    CHECK_STR(scene.peer.why, "certificate has expired");
    later_s = 0;
    hang_up(&scene, false);
    stop(&scene);
}

BN_TEST(connections_may_outlive_their_client)
{
    struct scene scene;
    start(&scene, 8, TLS1_3_VERSION);
    bn_tls_client_unref(NULL);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_PIN, "a"), BN_TLS_OK);
    bn_tls_client_unref(scene.client);
    listen_to(&scene); /* its tickets still find their table */
    hang_up(&scene, true);
    SSL_CTX_free(scene.ctx);
}

BN_TEST(a_server_of_tls_1_1_is_refused)
{
    struct scene scene;
    start(&scene, 8, TLS1_3_VERSION);
    SSL_CTX_free(scene.ctx);
    scene.ctx = make_server("a", TLS1_1_VERSION);
    CHECK_INT(open_as(&scene, "k", BN_TRUST_PIN, "a"), BN_TLS_FAILED);
    CHECK(!scene.peer.is_refused);
    hang_up(&scene, false);
    stop(&scene);
}

BN_TEST_MAIN()
