#include "io/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/text.h"

#include "io/tls_private.h"

/* The session of one key. */
struct known {
    UT_hash_handle hh;
    struct bn_list link; /* least recently used first */
    SSL_SESSION *session;
    char key[];
};

struct bn_tls_client {
    SSL_CTX *ctx;
    uint32_t refs;
    bool has_authorities;
    size_t sessions_max;
    struct known *sessions;
    struct bn_list order;
};

/* --- sessions -------------------------------------------------------------------------------- */

static void forget(struct bn_tls_client *client, struct known *known)
{
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(client->sessions, known);
    bn_list_remove(&known->link);
    SSL_SESSION_free(known->session);
    free(known);
}

static struct known *find(struct bn_tls_client *client, const char *key)
{
    struct known *known = NULL;
    HASH_FIND_STR(client->sessions, key, known);
    return known;
}

static struct known *add(struct bn_tls_client *client, const char *key)
{
    const size_t size = strlen(key) + 1;
    struct known *known = bn_alloc(sizeof *known + size);
    known->session = NULL;
    memcpy(known->key, key, size);
    bn_list_init(&known->link);
    HASH_ADD_STR(client->sessions, key, known);
    return known;
}

/* The newest counts: the tickets of TLS 1.3 are meant for one use each. */
static void remember(struct bn_tls_client *client, const char *key, SSL_SESSION *session)
{
    struct known *known = find(client, key);
    if (!known)
        known = add(client, key);
    SSL_SESSION_free(known->session);
    known->session = session;
    bn_list_remove(&known->link);
    bn_list_append(&client->order, &known->link);
    while (HASH_COUNT(client->sessions) > client->sessions_max)
        forget(client, container_of(client->order.next, struct known, link));
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct bn_tls *tls = SSL_get_app_data(ssl);
    remember(tls->client, tls->key, session);
    return 1; /* ours now */
}

static void resume(struct bn_tls_client *client, SSL *ssl, const char *key)
{
    struct known *known = find(client, key);
    if (!known || !SSL_SESSION_is_resumable(known->session))
        return;
    SSL_set_session(ssl, known->session);
    bn_list_remove(&known->link);
    bn_list_append(&client->order, &known->link);
}

/* --- the client ------------------------------------------------------------------------------ */

static int on_certificate(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct bn_tls *tls = SSL_get_app_data(ssl);
    return bn_tls_peer_judge(store, tls->peer);
}

static void set_policy(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Later handshakes on the connection would be judged by a peer that is gone (and by nobody's
       wish: TLS 1.3 has none). A server that closes an idle connection does not say so in TLS:
       without IGNORE_UNEXPECTED_EOF its session would be thrown away with the connection, and what
       is cut short is seen by its length. */
    SSL_CTX_set_options(ctx,
            SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One record a call: who sends tickets without end would keep the loop inside SSL_read. */
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    /* The same order but for the first two: SHA-256 has instructions of its own, and its key
       schedule costs a tenth of a handshake less. */
    SSL_CTX_set_ciphersuites(ctx,
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL); /* what on_certificate() says is what counts */
    SSL_CTX_set_cert_verify_callback(ctx, on_certificate, NULL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
}

bool bn_tls_client_create(size_t sessions_max, struct bn_tls_client **out, struct bn_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) {
        ERR_clear_error();
        return bn_fail(err, BN_E_INTERNAL, "TLS cannot be prepared");
    }
    set_policy(ctx);
    struct bn_tls_client *client = bn_alloc(sizeof *client);
    *client = (struct bn_tls_client){.ctx = ctx, .refs = 1, .sessions_max = sessions_max};
    bn_list_init(&client->order);
    *out = client;
    return true;
}

void bn_tls_client_unref(struct bn_tls_client *client)
{
    if (!client || --client->refs > 0)
        return;
    bn_list_each_safe(it, tmp, &client->order)
        forget(client, container_of(it, struct known, link));
    SSL_CTX_free(client->ctx);
    free(client);
}

size_t bn_tls_client_sessions(const struct bn_tls_client *client)
{
    return HASH_COUNT(client->sessions);
}

/* --- a connection ---------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Asked for by its name, which its certificate must bear; addresses have no SNI (RFC 6066). */
static bool set_host(SSL *ssl, const char *host)
{
    char name[254];
    size_t len = strlen(host);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    len -= len > 1 && host[len - 1] == '.';
    bn_text_clip(name, sizeof name, (struct bn_str){host, len});
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static SSL *make_ssl(struct bn_tls_client *client, int fd, const struct bn_tls_to *to)
{
    SSL *ssl = SSL_new(client->ctx);
    if (ssl && SSL_set_fd(ssl, fd) == 1 && set_host(ssl, to->host))
        return ssl;
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

struct bn_tls *bn_tls_client_open(struct bn_tls_client *client, int fd, const struct bn_tls_to *to)
{
    if (to->peer->trust == BN_TRUST_CA && !client->has_authorities) {
        SSL_CTX_set_default_verify_paths(client->ctx); /* without one nobody is vouched for */
        client->has_authorities = true;
    }
    SSL *ssl = make_ssl(client, fd, to);
    if (!ssl)
        return NULL;
    bn_tls_peer_reset(to->peer);
    SSL_set_connect_state(ssl);
    if (!to->is_fresh)
        resume(client, ssl, to->key);
    struct bn_tls *tls = bn_alloc(sizeof *tls);
    *tls = (struct bn_tls){.ssl = ssl,
            .client = client,
            .peer = to->peer,
            .key = bn_strdup(to->key)};
    client->refs++;
    SSL_set_app_data(ssl, tls);
    return tls;
}

/* The session of TLS 1.2 is there with the handshake; those of TLS 1.3 come later, by themselves.
 */
static void keep_session(struct bn_tls *tls)
{
    if (SSL_version(tls->ssl) >= TLS1_3_VERSION || SSL_session_reused(tls->ssl))
        return;
    SSL_SESSION *session = SSL_get1_session(tls->ssl);
    if (session)
        remember(tls->client, tls->key, session);
}

enum bn_tls_result bn_tls_client_shake(struct bn_tls *tls, struct bn_err *err)
{
    SSL_CTX *ctx = tls->client->ctx;
    /* At the end of a handshake OpenSSL takes the ticket it used out of use, for most servers send
       another; those that do not would be greeted in full every second time. So it only keeps
       track of sessions after it. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    enum bn_tls_result result = bn_tls_handshake(tls, err);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (result == BN_TLS_WANT_READ || result == BN_TLS_WANT_WRITE)
        return result;
    struct bn_tls_peer *peer = tls->peer;
    tls->peer = NULL;
    if (result != BN_TLS_OK)
        return result;
    if (!bn_tls_peer_may_use(tls->ssl, peer)) {
        bn_fail(err, BN_E_UPSTREAM, "%s", peer->why);
        return BN_TLS_FAILED;
    }
    keep_session(tls);
    return BN_TLS_OK;
}

bool bn_tls_client_is_resumed(const struct bn_tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

/* OpenSSL takes the session of a connection that was not said goodbye to out of use; the network is
   not the session's fault. What TLS itself called broken it has taken out of use already. */
void bn_tls_client_let_go(struct bn_tls *tls)
{
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    bn_tls_client_unref(tls->client);
    free(tls->key);
}
