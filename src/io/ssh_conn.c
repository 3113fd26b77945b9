/* One session in the runner: from its socket to the moment it is logged in, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"

#include "io/ssh_private.h"

#define NOISE_MAX (8 << 10) /* of lines before the banner (RFC 4253 section 4.2) */
#define LINE_MAX_ 255       /* of one line, the banner too */
#define RSA_BITS  2048      /* fewer are refused */

/* What both sides may agree on: nothing with SHA-1, nothing that takes the runner 50 ms. */
static const struct {
    enum ssh_options_e option;
    const char *value;
} choices[] = {
        {SSH_OPTIONS_KEY_EXCHANGE,
                "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
                "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
                "diffie-hellman-group14-sha256"},
        {SSH_OPTIONS_CIPHERS_C_S, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
                                  "chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"},
        {SSH_OPTIONS_CIPHERS_S_C, "aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
                                  "chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"},
        {SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                               "hmac-sha2-256,hmac-sha2-512"},
        {SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                               "hmac-sha2-256,hmac-sha2-512"},
        {SSH_OPTIONS_COMPRESSION_C_S, "none"},
        {SSH_OPTIONS_COMPRESSION_S_C, "none"},
        {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
                "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
                "rsa-sha2-512,rsa-sha2-256"},
        /* No file of this machine is asked, nor could it be read. */
        {SSH_OPTIONS_SSH_DIR, "/nonexistent"},
        {SSH_OPTIONS_KNOWNHOSTS, "/nonexistent/known_hosts"},
        {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/nonexistent/known_hosts"},
};

static const char *const host_keys[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256"};

/* --- the end --------------------------------------------------------------------------------- */

static char *copy(struct bn_str text)
{
    char *out = bn_alloc(text.len + 1);
    memcpy(out, text.p, text.len);
    return out;
}

static struct bn_str clipped(char out[BN_SSH_TEXT_MAX + 1], const char *text)
{
    bn_text_clip(out, BN_SSH_TEXT_MAX + 1, bn_str(text));
    return bn_str(out);
}

static void end(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text,
        const char *key_type, const char *key)
{
    char words[BN_SSH_TEXT_MAX + 1];
    if (conn->is_over)
        return;
    const struct bn_ssh_frame frame = {.kind = BN_SSH_ENDED,
            .session = conn->id,
            .number = {[BN_SSH_ENDED_FAULT] = fault, [BN_SSH_ENDED_PHASE] = conn->phase},
            .text = {[BN_SSH_ENDED_TEXT] = clipped(words, text),
                    [BN_SSH_ENDED_KEY_TYPE] = bn_str(key_type),
                    [BN_SSH_ENDED_KEY] = bn_str(key)}};
    bn_ssh_tell(conn->runner, &frame);
    bn_ssh_bury(conn->runner, conn);
}

void bn_ssh_fail(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text)
{
    end(conn, fault, text ? text : ssh_get_error(conn->ssh), "", "");
}

/* The library's words begin with what it did inside. */
void bn_ssh_lost(struct bn_ssh_conn *conn)
{
    char text[BN_SSH_TEXT_MAX + 1];
    const char *why = ssh_get_error(conn->ssh);
    const char *goodbye = strstr(why, "SSH_MSG_DISCONNECT: ");
    const char *doing = bn_ssh_phase_doing(conn->phase);
    if (goodbye)
        snprintf(text, sizeof text, "the server said goodbye while %s: %s", doing,
                goodbye + strlen("SSH_MSG_DISCONNECT: "));
    else if (strstr(why, "reset by peer") || strstr(why, "Broken pipe"))
        snprintf(text, sizeof text, "the connection was reset while %s", doing);
    else
        snprintf(text, sizeof text, "the server closed the connection while %s", doing);
    bn_ssh_fail(conn, BN_SSH_FAULT_LOST, text);
}

void bn_ssh_enter(struct bn_ssh_conn *conn, enum bn_ssh_phase phase, int64_t limit_ms)
{
    const bool is_new = conn->phase != phase;
    conn->phase = phase;
    conn->phase_until_mono_ms = limit_ms ? bn_ssh_now(conn->runner) + limit_ms : INT64_MAX;
    if (is_new)
        bn_ssh_tell(conn->runner, &(struct bn_ssh_frame){.kind = BN_SSH_PHASE,
                                          .session = conn->id,
                                          .number = {phase}});
}

void bn_ssh_conn_free(struct bn_ssh_conn *conn)
{
    bn_ssh_watch_set(conn->runner, &conn->watch, 0);
    bn_ssh_tunnels_close(conn);
    bn_ssh_run_forget(conn);
    if (conn->event) {
        ssh_event_remove_session(conn->event, conn->ssh);
        ssh_event_free(conn->event);
    }
    if (conn->ssh) {
        /* A descriptor that was given to it the library leaves open, unless the server closed it.
         */
        const int copy_fd = ssh_get_fd(conn->ssh);
        if (ssh_is_connected(conn->ssh))
            ssh_disconnect(conn->ssh);
        ssh_free(conn->ssh);
        if (copy_fd >= 0)
            close(copy_fd);
    }
    if (conn->through)
        bn_ssh_tunnel_leave(conn->through);
    bn_ssh_auth_wipe(conn);
    free(conn->user);
    free(conn->host);
    if (conn->watch.fd >= 0)
        close(conn->watch.fd);
    free(conn);
}

/* --- before the library: the first words ----------------------------------------------------- */

static void keep_noise(struct bn_ssh_conn *conn, const char *p, size_t len)
{
    if (!conn->noise_text[0])
        bn_text_clip(conn->noise_text, sizeof conn->noise_text,
                (struct bn_str){p, BN_MIN(strcspn(p, "\r\n"), len)});
    conn->noise += len;
}

static void not_ssh(struct bn_ssh_conn *conn)
{
    char text[BN_SSH_TEXT_MAX + 1];
    if (strncmp(conn->noise_text, "SSH-", 4) == 0)
        snprintf(text, sizeof text, "speaks another SSH than version 2: \"%s\"", conn->noise_text);
    else
        snprintf(text, sizeof text, "is no SSH server: it said \"%s\"", conn->noise_text);
    bn_ssh_fail(conn, BN_SSH_FAULT_NOT_SSH, text);
}

static void no_banner(struct bn_ssh_conn *conn, const char *text)
{
    if (conn->noise > 0)
        not_ssh(conn);
    else
        bn_ssh_fail(conn, BN_SSH_FAULT_LOST, text);
}

/* Lines before the banner are taken away, the banner is left for the library. True: it is there. */
static bool find_banner(struct bn_ssh_conn *conn)
{
    char line[LINE_MAX_ + 1];
    for (;;) {
        const ssize_t n = recv(conn->watch.fd, line, LINE_MAX_, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (n <= 0) {
            no_banner(conn, n == 0 ? "the server closed the connection before it said a word"
                                   : "the connection was reset before the server said a word");
            return false;
        }
        line[n] = 0;
        const char *newline = memchr(line, '\n', (size_t)n);
        if (newline && (strncmp(line, "SSH-2.", 6) == 0 || strncmp(line, "SSH-1.99-", 9) == 0))
            return true;
        const size_t len = newline ? (size_t)(newline - line) + 1 : (size_t)n;
        if (!newline && n < LINE_MAX_)
            return false; /* looked at again when the rest came */
        keep_noise(conn, line, len);
        if (!newline || conn->noise > NOISE_MAX || strncmp(line, "SSH-", 4) == 0) {
            not_ssh(conn);
            return false;
        }
        (void)!recv(conn->watch.fd, line, len, MSG_DONTWAIT);
    }
}

/* --- the library's turn ---------------------------------------------------------------------- */

/* The kind of key that is known comes first, so that a server with several shows that one. */
static void put_host_keys(const struct bn_ssh_conn *conn, char *out, size_t size)
{
    const bool is_rsa = strcmp(conn->want_type, "ssh-rsa") == 0;
    size_t len = 0;
    out[0] = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < COUNT(host_keys); i++) {
            const bool is_known = is_rsa ? strncmp(host_keys[i], "rsa-", 4) == 0
                                         : strcmp(host_keys[i], conn->want_type) == 0;
            if (is_known == (pass == 0))
                len += (size_t)snprintf(out + len, size - len, "%s%s", len ? "," : "",
                        host_keys[i]);
        }
    }
}

static bool set_up(struct bn_ssh_conn *conn)
{
    const int no = 0;
    const int copy_fd = fcntl(conn->watch.fd, F_DUPFD_CLOEXEC, 0);
    const int bits = RSA_BITS;
    char keys[160];
    bool ok = copy_fd >= 0;
    put_host_keys(conn, keys, sizeof keys);
    ssh_set_blocking(conn->ssh, 0);
    ok = ok && ssh_options_set(conn->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
         ssh_options_set(conn->ssh, SSH_OPTIONS_HOST, "target") == SSH_OK &&
         ssh_options_set(conn->ssh, SSH_OPTIONS_RSA_MIN_SIZE, &bits) == SSH_OK &&
         ssh_options_set(conn->ssh, SSH_OPTIONS_HOSTKEYS, keys) == SSH_OK &&
         ssh_options_set(conn->ssh, SSH_OPTIONS_GSSAPI_AUTH, &no) == SSH_OK;
    for (size_t i = 0; ok && i < COUNT(choices); i++)
        ok = ssh_options_set(conn->ssh, choices[i].option, choices[i].value) == SSH_OK;
    if (ok && ssh_options_set(conn->ssh, SSH_OPTIONS_USER, conn->user) != SSH_OK) {
        close(copy_fd);
        bn_ssh_fail(conn, BN_SSH_FAULT_AUTH_REFUSED,
                "the user's name holds characters SSH is not given here");
        return false;
    }
    ok = ok && ssh_options_set(conn->ssh, SSH_OPTIONS_FD, &copy_fd) == SSH_OK;
    if (!ok) {
        if (copy_fd >= 0)
            close(copy_fd);
        bn_ssh_fail(conn, BN_SSH_FAULT_RUNNER, "SSH could not be set up");
    }
    return ok;
}

static bool fingerprint(struct bn_ssh_conn *conn, char out[BN_SSH_WORD_MAX + 1],
        const char **out_type)
{
    ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t len = 0;
    char *text = NULL;
    if (ssh_get_server_publickey(conn->ssh, &key) == SSH_OK &&
            ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == SSH_OK)
        text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    *out_type = key ? ssh_key_type_to_char(ssh_key_type(key)) : "";
    bn_text_clip(out, BN_SSH_WORD_MAX + 1, bn_str(text ? text : ""));
    ssh_clean_pubkey_hash(&hash);
    ssh_key_free(key);
    ssh_string_free_char(text);
    return out[0] != 0;
}

/* Nothing of the login is sent to a server that is not the one it is meant for. */
static void judge_host(struct bn_ssh_conn *conn)
{
    char got[BN_SSH_WORD_MAX + 1] = "";
    const char *type;
    const size_t len = strlen(conn->want_key);
    if (!fingerprint(conn, got, &type)) {
        bn_ssh_fail(conn, BN_SSH_FAULT_KEX, "the server showed no key");
        return;
    }
    if (len == 0) {
        end(conn, BN_SSH_FAULT_HOST_KEY_UNKNOWN,
                "this server was not seen before: compare its fingerprint", type, got);
        return;
    }
    if (strlen(got) != len || !bn_equal_secret(got, conn->want_key, len)) {
        end(conn, BN_SSH_FAULT_HOST_KEY_CHANGED,
                "the server shows another key than the known one; nothing was sent", type, got);
        return;
    }
    bn_text_clip(conn->want_type, sizeof conn->want_type, bn_str(type));
    conn->step = BN_SSH_STEP_NONE;
    bn_ssh_enter(conn, BN_SSH_PHASE_AUTH, conn->auth_ms);
}

/* What the two have not in common is said once, inside, and then forgotten for the end of the
   socket that follows from it. Only here, where no secret is near, is the library listened to. */
static void on_log(int priority, const char *function, const char *line, void *user)
{
    struct bn_ssh_conn *conn = user;
    const char *method = strstr(line, "no match for method ");
    (void)priority;
    (void)function;
    if (method && !conn->mismatch[0])
        bn_text_clip(conn->mismatch, sizeof conn->mismatch, bn_str(method));
}

static int shake_hands(struct bn_ssh_conn *conn)
{
    ssh_set_log_callback(on_log);
    ssh_set_log_userdata(conn);
    ssh_set_log_level(SSH_LOG_TRACE);
    const int rc = ssh_connect(conn->ssh);
    ssh_set_log_level(SSH_LOG_NOLOG);
    ssh_set_log_userdata(NULL);
    /* Its first call makes the socket one that blocks, and one server that takes nothing would then
       stop all. It writes only what poll() says will be taken, so it never meets EAGAIN. */
    fcntl(conn->watch.fd, F_SETFL, O_RDWR | O_NONBLOCK);
    return rc;
}

/* "no match for method server host key algo: server [a,b], client [c]" */
static void kex_failed(struct bn_ssh_conn *conn)
{
    char text[BN_SSH_TEXT_MAX + 1];
    const char *why = ssh_get_error(conn->ssh);
    const char *server = strstr(conn->mismatch, ": server [");
    if (server) {
        const char *method = conn->mismatch + strlen("no match for method ");
        server += strlen(": server [");
        snprintf(text, sizeof text, "nothing in common for the %.*s; the server offers %.*s",
                (int)strcspn(method, ":"), method, (int)BN_MIN(strcspn(server, "]"), (size_t)100),
                server);
        bn_ssh_fail(conn, BN_SSH_FAULT_KEX, text);
    } else if (strstr(why, "Socket error") || strstr(why, "disconnect") ||
               strstr(why, "DISCONNECT")) {
        bn_ssh_lost(conn);
    } else {
        bn_ssh_fail(conn, BN_SSH_FAULT_KEX, why);
    }
}

static void drive_kex(struct bn_ssh_conn *conn)
{
    switch (shake_hands(conn)) {
    case SSH_OK: judge_host(conn); return;
    case SSH_AGAIN: return;
    default: kex_failed(conn);
    }
}

static void drive_banner(struct bn_ssh_conn *conn)
{
    if (!find_banner(conn) || !set_up(conn))
        return;
    conn->step = BN_SSH_STEP_KEX;
    bn_ssh_enter(conn, BN_SSH_PHASE_KEX, conn->kex_ms);
    drive_kex(conn);
}

/* Whatever came goes to the channels it is for, by their callbacks: asking a channel for its bytes
   would read those of others unseen, and nothing more once it was told its end. Somebody must read
   also when nothing runs: a goodbye, a question whether we live. */
static void pump(struct bn_ssh_conn *conn)
{
    for (int i = 0; i < BN_SSH_PIECES; i++) {
        const uint64_t before = conn->moved;
        if (bn_ssh_is_blocked(conn->runner) ||
                (!bn_ssh_run_reads(conn) && bn_list_is_empty(&conn->tunnels)))
            return;
        ssh_event_dopoll(conn->event, 0);
        if (conn->moved == before)
            return;
    }
}

static void drive_open(struct bn_ssh_conn *conn)
{
    pump(conn);
    if (conn->run.step != BN_SSH_RUN_NONE)
        bn_ssh_run_drive(conn);
    else if (!ssh_is_connected(conn->ssh))
        bn_ssh_lost(conn);
    bn_list_each_safe(link, next, &conn->tunnels) {
        if (!conn->is_over)
            bn_ssh_tunnel_drive(container_of(link, struct bn_ssh_tunnel, link));
    }
}

static void step(struct bn_ssh_conn *conn)
{
    switch (conn->step) {
    case BN_SSH_STEP_TUNNEL: break; /* the tunnel drives it */
    case BN_SSH_STEP_BANNER: drive_banner(conn); break;
    case BN_SSH_STEP_KEX: drive_kex(conn); break;
    case BN_SSH_STEP_OPEN: drive_open(conn); break;
    default: bn_ssh_auth_drive(conn);
    }
}

void bn_ssh_conn_drive(struct bn_ssh_conn *conn)
{
    enum bn_ssh_step before;
    conn->again = false;
    do {
        before = conn->step;
        step(conn);
    } while (!conn->is_over && conn->step != before);
    bn_ssh_conn_watch(conn);
}

void bn_ssh_conn_check(struct bn_ssh_conn *conn)
{
    const int64_t now = bn_ssh_now(conn->runner);
    char text[BN_SSH_TEXT_MAX + 1];
    if (now >= conn->phase_until_mono_ms && conn->noise > 0 && conn->step == BN_SSH_STEP_BANNER) {
        not_ssh(conn);
    } else if (now >= conn->phase_until_mono_ms || now >= conn->total_until_mono_ms) {
        snprintf(text, sizeof text, "timed out while %s%s", bn_ssh_phase_doing(conn->phase),
                now >= conn->phase_until_mono_ms ? ""
                                                 : ", as the whole session may take no longer");
        bn_ssh_fail(conn, BN_SSH_FAULT_TIMEOUT, text);
    } else if (conn->run.step == BN_SSH_RUN_RUNNING && now >= conn->run.until_mono_ms) {
        bn_ssh_run_stop(conn, BN_SSH_FAULT_TIMEOUT, "timed out while running the command");
        bn_ssh_conn_watch(conn);
    }
}

/* --- what is waited for ---------------------------------------------------------------------- */

void bn_ssh_conn_watch(struct bn_ssh_conn *conn)
{
    uint32_t events = 0;
    if (conn->is_over) {
        bn_ssh_watch_set(conn->runner, &conn->watch, 0);
        return;
    }
    if (conn->step == BN_SSH_STEP_BANNER) /* which is only looked at: told once for each arrival */
        events |= EPOLLIN | EPOLLET;
    else if (conn->step != BN_SSH_STEP_OPEN || bn_ssh_run_reads(conn) ||
             !bn_list_is_empty(&conn->tunnels))
        events |= EPOLLIN;
    if (conn->step >= BN_SSH_STEP_KEX && (ssh_get_poll_flags(conn->ssh) & SSH_WRITE_PENDING))
        events |= EPOLLOUT;
    bn_ssh_watch_set(conn->runner, &conn->watch, events);
}

static void ready(struct bn_ssh_watch *watch, uint32_t events)
{
    struct bn_ssh_conn *conn = container_of(watch, struct bn_ssh_conn, watch);
    (void)events;
    if (!conn->is_over && !bn_ssh_is_blocked(conn->runner))
        bn_ssh_conn_drive(conn);
}

/* --- the beginning --------------------------------------------------------------------------- */

static struct bn_ssh_conn *make(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame)
{
    struct bn_ssh_conn *conn = bn_alloc(sizeof *conn);
    const int64_t now = bn_ssh_now(runner);
    conn->runner = runner;
    conn->id = frame->session;
    conn->watch = (struct bn_ssh_watch){.fd = -1, .ready = ready};
    conn->phase = BN_SSH_PHASE_CONNECT;
    conn->phase_until_mono_ms = INT64_MAX;
    conn->total_until_mono_ms = now + frame->number[BN_SSH_OPEN_TOTAL_MS];
    conn->kex_ms = frame->number[BN_SSH_OPEN_KEX_MS];
    conn->auth_ms = frame->number[BN_SSH_OPEN_AUTH_MS];
    conn->channel_ms = frame->number[BN_SSH_OPEN_CHANNEL_MS];
    conn->port = (int)frame->number[BN_SSH_OPEN_PORT];
    conn->user = copy(frame->text[BN_SSH_OPEN_USER]);
    conn->password = copy(frame->text[BN_SSH_OPEN_PASSWORD]);
    conn->key_text = copy(frame->text[BN_SSH_OPEN_KEY]);
    conn->passphrase = copy(frame->text[BN_SSH_OPEN_PASSPHRASE]);
    conn->host = copy(frame->text[BN_SSH_OPEN_HOST]);
    bn_text_clip(conn->want_key, sizeof conn->want_key, frame->text[BN_SSH_OPEN_HOST_KEY]);
    bn_text_clip(conn->want_type, sizeof conn->want_type, frame->text[BN_SSH_OPEN_HOST_KEY_TYPE]);
    bn_list_init(&conn->tunnels);
    conn->ssh = ssh_new();
    return conn;
}

void bn_ssh_conn_begin(struct bn_ssh_conn *conn, int fd)
{
    conn->watch.fd = fd;
    conn->step = BN_SSH_STEP_BANNER;
    bn_ssh_enter(conn, BN_SSH_PHASE_BANNER, conn->kex_ms);
    bn_ssh_conn_drive(conn);
}

void bn_ssh_conn_open(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame, int fd)
{
    struct bn_ssh_conn *conn = make(runner, frame);
    if (bn_ssh_find(runner, conn->id)) {
        bn_ssh_conn_free(conn);
        if (fd >= 0)
            close(fd);
        return;
    }
    bn_ssh_add(runner, conn);
    if (!conn->ssh)
        bn_ssh_fail(conn, BN_SSH_FAULT_RUNNER, "there is no memory for one more session");
    else if (bn_ssh_auth_read_key(conn) && fd < 0)
        bn_ssh_tunnel_open(conn, frame->number[BN_SSH_OPEN_VIA]);
    if (conn->is_over || fd < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    bn_ssh_conn_begin(conn, fd);
}
