/*
 * tls_peer: a TLS client whose every byte is the test's; it can hold back, send half of what it
 * should and read nothing.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <spawn.h>

#include "stream_scene.h"

extern char **environ;

static char folder[64];

static inline char *in_folder(const char *name)
{
    static char paths[4][128];
    static size_t next;
    char *path = paths[next++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void make_folder(void)
{
    char command[400];
    if (folder[0])
        return;
    snprintf(folder, sizeof folder, "/tmp/bn-stream-tls-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command,
            "cd %s && for n in a b; do openssl req -x509 -newkey ec -pkeyopt "
            "ec_paramgen_curve:P-256 -nodes -subj /CN=$n -days 1 -keyout $n.key -out $n.pem "
            ">log 2>&1 || exit 1; done",
            folder);
    char shell[] = "sh";
    char option[] = "-c";
    char *argv[] = {shell, option, command, NULL};
    pid_t child;
    int status = -1;
    CHECK_INT(posix_spawnp(&child, shell, NULL, NULL, argv, environ), 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static inline struct bn_tls_config *make_config(const char *cert, const char *key)
{
    struct bn_tls_config *config;
    struct bn_err err;
    make_folder();
    if (!bn_tls_config_create(in_folder(cert), in_folder(key), &config, &err))
        fail_msg("%s", err.text);
    return config;
}

struct peer {
    struct scene scene;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
    size_t junk;  /* bytes to come that are not TLS: the test filled the socket with them */
    uint64_t seq; /* of the next raw record */
    bool saw_end; /* the server shut its side */
};

static uint8_t secret[32]; /* of the client's traffic, as TLS 1.3 tells its keylog */

static inline void note_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    (void)ssl;
    if (strncmp(line, label, sizeof label - 1) != 0)
        return;
    const char *hex = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < sizeof secret; i++) {
        unsigned byte;
        CHECK_INT(sscanf(hex + 2 * i, "%2x", &byte), 1);
        secret[i] = (uint8_t)byte;
    }
}

static inline void peer_open(struct peer *peer, int version)
{
    struct bn_tls_config *config = make_config("a.pem", "a.key");
    scene_open(&peer->scene, config);
    bn_tls_config_unref(config);
    fcntl(peer->scene.fd, F_SETFL, O_NONBLOCK);
    peer->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(peer->ctx, version);
    SSL_CTX_set_ciphersuites(peer->ctx, "TLS_AES_128_GCM_SHA256"); /* the one send_record knows */
    SSL_CTX_set_keylog_callback(peer->ctx, note_secret);
    peer->ssl = SSL_new(peer->ctx);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(peer->in, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
}

static inline void peer_finish(struct peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    scene_finish(&peer->scene);
}

static inline void peer_send(struct peer *peer)
{
    char bytes[4096];
    int n;
    while ((n = BIO_read(peer->out, bytes, sizeof bytes)) > 0)
        CHECK_INT(send(peer->scene.fd, bytes, (size_t)n, MSG_NOSIGNAL), n);
}

/* Takes at most max bytes off the socket. */
static inline void peer_receive(struct peer *peer, size_t max)
{
    char bytes[65536];
    ssize_t n = peer->scene.fd < 0 ? -1 : recv(peer->scene.fd, bytes, BN_MIN(max, sizeof bytes), 0);
    if (n == 0)
        peer->saw_end = true;
    if (n <= 0)
        return;
    size_t junk = BN_MIN(peer->junk, (size_t)n);
    peer->junk -= junk;
    BIO_write(peer->in, bytes + junk, (int)((size_t)n - junk));
}

static inline void shake(struct peer *peer)
{
    for (int i = 0; i < 200 && !SSL_is_init_finished(peer->ssl); i++) {
        SSL_do_handshake(peer->ssl);
        peer_send(peer);
        bn_loop_round(peer->scene.loop, 5, NULL, NULL);
        peer_receive(peer, SIZE_MAX);
    }
    CHECK(SSL_is_init_finished(peer->ssl));
    for (int i = 0; i < 200 && bn_stream_is_handshaking(peer->scene.stream); i++)
        rounds(&peer->scene, 1);
}

static inline void peer_init(struct peer *peer, int version)
{
    memset(peer, 0, sizeof *peer);
    peer_open(peer, version);
    shake(peer);
}

static inline void say(struct peer *peer, const char *text)
{
    CHECK_INT(SSL_write(peer->ssl, text, (int)strlen(text)), strlen(text));
    peer_send(peer);
}

/* Reads until the text has come, turning the loop. */
static inline void expect(struct peer *peer, const char *text)
{
    char got[64] = "";
    size_t len = 0;
    for (int i = 0; i < 400 && len < strlen(text); i++) {
        int n = SSL_read(peer->ssl, got + len, (int)(strlen(text) - len));
        if (n > 0)
            len += (size_t)n;
        peer_send(peer);
        bn_loop_round(peer->scene.loop, 2, NULL, NULL);
        peer_receive(peer, SIZE_MAX);
    }
    CHECK_STR(got, text);
}

static inline void expect_heard(struct scene *scene, const char *text)
{
    for (int i = 0; i < 200 && scene->got_len < strlen(text); i++)
        rounds(scene, 1);
    CHECK_INT(scene->got_len, strlen(text));
    CHECK_MEM(scene->got, text, strlen(text));
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) for at most one block. */
static inline void expand(const char *label, uint8_t *out, size_t len)
{
    uint8_t info[32] = {0, (uint8_t)len, (uint8_t)(6 + strlen(label))};
    uint8_t block[32];
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, strlen(label));
    size_t n = 9 + strlen(label);
    info[n++] = 0;
    info[n++] = 1;
    HMAC(EVP_sha256(), secret, sizeof secret, info, n, block, NULL);
    memcpy(out, block, len);
}

/* One record of the client's own making: SSL's idea of its sequence is behind from now on. */
static inline void send_record(struct peer *peer, uint8_t type, const char *p, size_t len)
{
    uint8_t key[16];
    uint8_t iv[12];
    uint8_t record[100] = {0x17, 3, 3, 0, (uint8_t)(len + 17)};
    int n;
    expand("key", key, sizeof key);
    expand("iv", iv, sizeof iv);
    for (int i = 0; i < 8; i++)
        iv[11 - i] ^= (uint8_t)(peer->seq >> (8 * i));
    peer->seq++;
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, iv);
    EVP_EncryptUpdate(gcm, NULL, &n, record, 5);
    EVP_EncryptUpdate(gcm, record + 5, &n, (const uint8_t *)p, (int)len);
    EVP_EncryptUpdate(gcm, record + 5 + len, &n, &type, 1);
    EVP_EncryptFinal_ex(gcm, record + 6 + len, &n);
    EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_GET_TAG, 16, record + 6 + len);
    EVP_CIPHER_CTX_free(gcm);
    CHECK_INT(send(peer->scene.fd, record, len + 22, 0), len + 22);
}

/* Fills the server's side of the connection, so that it cannot write. */
static inline void stuff(struct peer *peer)
{
    static const char junk[4096];
    ssize_t n;
    for (int i = 0; i < 20; i++) { /* what the kernel still shuffles along */
        while ((n = send(bn_stream_fd(peer->scene.stream), junk, sizeof junk, MSG_DONTWAIT)) > 0)
            peer->junk += (size_t)n;
        usleep(1000);
    }
}
