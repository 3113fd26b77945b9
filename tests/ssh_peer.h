/*
 * ssh_peer: SSH servers for tests: OpenSSH's and Dropbear's behind a port that is free, and one
 * made of libssh that stops, cuts or says no wherever the test wants.
 *
 * Each is a process that accepts and forks; a program is given the connection as its standard input
 * and output (sshd -i), so that nobody has to guess a port. What the libssh one saw of a client
 * stands in shared memory.
 */
#pragma once

#define SSH_SUPPRESS_DEPRECATED /* the simple way to be a server */
#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef CHECK /* not a test but a bench */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(cond)                                 \
    do {                                            \
        if (!(cond)) {                              \
            fprintf(stderr, "failed: " #cond "\n"); \
            exit(1);                                \
        }                                           \
    } while (0)
#define CHECK_INT(got, want) CHECK((long long)(got) == (long long)(want))
#endif

/* Where the libssh server does what `fault` says. */
enum peer_stage {
    AT_NOTHING,
    AT_ACCEPT, /* before the first word */
    AT_BANNER, /* after it */
    AT_AUTH,
    AT_CHANNEL,
    AT_EXEC,
    AT_RUN,
};

enum peer_fault { HANG, CLOSE, RESET, REFUSE };

struct peer_config {
    enum peer_stage stage;
    enum peer_fault fault;
    const char *says;     /* AT_BANNER: these bytes, then the fault */
    const char *password; /* NULL: not this way */
    const char *answer;   /* to a question; NULL: not this way */
    const char *question;
    bool takes_keys;
    bool wants_both; /* key, then password */
};

struct peer_seen {
    volatile int connections;
    volatile int auths; /* requests of a service or a login */
    volatile int passwords;
    volatile int commands;
    volatile int cols, rows;
    char command[256];
    volatile int signals;
};

struct peer {
    pid_t pid;
    int port;
    struct peer_seen *seen;
};

/* --- a port and a process -------------------------------------------------------------------- */

static inline int peer_listen(int *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int little =
            16 << 10; /* the kernel is to take little in for a server that reads nothing */
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
    CHECK_INT(listen(fd, 512), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

/* Calls serve(fd) in a process of its own for each connection. */
static inline void peer_start(struct peer *peer, void (*serve)(int fd, void *with), void *with)
{
    const int listener = peer_listen(&peer->port);
    fflush(NULL);
    peer->pid = fork();
    if (peer->pid != 0) {
        close(listener);
        CHECK(peer->pid > 0);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            signal(SIGCHLD, SIG_DFL);
            close(listener);
            serve(fd, with);
            _exit(0);
        }
        close(fd);
    }
}

static inline void peer_stop(struct peer *peer)
{
    if (peer->pid <= 0)
        return;
    kill(-peer->pid, SIGKILL);
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    if (peer->seen)
        munmap(peer->seen, sizeof *peer->seen);
    *peer = (struct peer){.pid = 0};
}

/* --- keys ------------------------------------------------------------------------------------ */

static inline ssh_key peer_key(enum ssh_keytypes_e type, int bits)
{
    ssh_key key = NULL;
    CHECK_INT(ssh_pki_generate(type, bits, &key), SSH_OK);
    return key;
}

static inline void peer_fingerprint(ssh_key key, char out[128])
{
    unsigned char *hash = NULL;
    size_t len = 0;
    CHECK_INT(ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len), SSH_OK);
    char *text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    snprintf(out, 128, "%s", text);
    ssh_string_free_char(text);
    ssh_clean_pubkey_hash(&hash);
}

/* --- the libssh one -------------------------------------------------------------------------- */

struct libssh_peer {
    const struct peer_config *config;
    struct peer_seen *seen;
    ssh_key host_key;
    /* of one connection */
    int fd;
    ssh_session session;
    ssh_channel channel;
    bool has_key;
    bool is_in;
    bool is_asked;
    bool is_started;
};

static inline _Noreturn void peer_fault(struct libssh_peer *p)
{
    if (p->config->fault == RESET)
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    if (p->config->fault != HANG)
        _exit(0); /* and every copy of the descriptor with it */
    for (;;)
        pause();
}

static inline bool peer_is_at(struct libssh_peer *p, enum peer_stage stage)
{
    if (p->config->stage != stage)
        return false;
    if (p->config->fault != REFUSE)
        peer_fault(p);
    return true;
}

static inline int peer_methods(const struct libssh_peer *p)
{
    const struct peer_config *c = p->config;
    if (c->wants_both)
        return p->has_key ? SSH_AUTH_METHOD_PASSWORD : SSH_AUTH_METHOD_PUBLICKEY;
    return (c->password ? SSH_AUTH_METHOD_PASSWORD : 0) |
           (c->answer ? SSH_AUTH_METHOD_INTERACTIVE : 0) |
           (c->takes_keys ? SSH_AUTH_METHOD_PUBLICKEY : 0);
}

static inline bool peer_questions(struct libssh_peer *p, ssh_message m)
{
    static const char *prompts[1];
    static char echo[1];
    if (!p->config->answer)
        return false;
    if (!ssh_message_auth_kbdint_is_response(m)) {
        echo[0] = p->config->question != NULL; /* what may be seen is no password */
        prompts[0] = p->config->question ? p->config->question : "Password: ";
        ssh_message_auth_interactive_request(m, "", "", 1, prompts, echo);
        p->is_asked = true;
        return true;
    }
    const char *answer = ssh_userauth_kbdint_getanswer(p->session, 0);
    p->seen->passwords++;
    if (answer && strcmp(answer, p->config->answer) == 0) {
        p->is_in = true;
        ssh_message_auth_reply_success(m, 0);
        return true;
    }
    return false;
}

static inline bool peer_auth(struct libssh_peer *p, ssh_message m)
{
    const struct peer_config *c = p->config;
    p->seen->auths++;
    peer_is_at(p, AT_AUTH);
    switch (ssh_message_subtype(m)) {
    case SSH_AUTH_METHOD_PASSWORD:
        p->seen->passwords++;
        if (c->password && strcmp(ssh_message_auth_password(m), c->password) == 0 &&
                (!c->wants_both || p->has_key)) {
            p->is_in = true;
            ssh_message_auth_reply_success(m, 0);
            return true;
        }
        break;
    case SSH_AUTH_METHOD_PUBLICKEY:
        if (!c->takes_keys && !c->wants_both)
            break;
        if (ssh_message_auth_publickey_state(m) == SSH_PUBLICKEY_STATE_NONE) {
            ssh_message_auth_reply_pk_ok_simple(m);
            return true;
        }
        if (ssh_message_auth_publickey_state(m) != SSH_PUBLICKEY_STATE_VALID)
            break;
        p->has_key = true;
        p->is_in = !c->wants_both;
        ssh_message_auth_set_methods(m, peer_methods(p));
        ssh_message_auth_reply_success(m, c->wants_both);
        return true;
    case SSH_AUTH_METHOD_INTERACTIVE:
        if (peer_questions(p, m))
            return true;
        break;
    default: break;
    }
    ssh_message_auth_set_methods(m, peer_methods(p));
    return false;
}

/* The command says what comes of it. */
static inline void peer_obey(struct libssh_peer *p, const char *command)
{
    static const char out[] = "out", err[] = "err";
    if (strncmp(command, "status ", 7) == 0) {
        ssh_channel_write(p->channel, out, 3);
        ssh_channel_write_stderr(p->channel, err, 3);
        ssh_channel_request_send_exit_status(p->channel, (int)strtol(command + 7, NULL, 10));
    } else if (strcmp(command, "signal") == 0) {
        ssh_channel_request_send_exit_signal(p->channel, "SEGV", 1, "it \033[31mcrashed", "");
    } else if (strcmp(command, "silent end") != 0) {
        return;
    }
    ssh_channel_send_eof(p->channel);
    ssh_channel_close(p->channel);
    p->channel = NULL;
}

static inline bool peer_channel_request(struct libssh_peer *p, ssh_message m)
{
    const char *command;
    switch (ssh_message_subtype(m)) {
    case SSH_CHANNEL_REQUEST_PTY:
        p->seen->cols = ssh_message_channel_request_pty_width(m);
        p->seen->rows = ssh_message_channel_request_pty_height(m);
        ssh_message_channel_request_reply_success(m);
        return true;
    case SSH_CHANNEL_REQUEST_WINDOW_CHANGE:
        p->seen->cols = ssh_message_channel_request_pty_width(m);
        p->seen->rows = ssh_message_channel_request_pty_height(m);
        return true;
    case SSH_CHANNEL_REQUEST_SHELL: command = "shell"; break;
    case SSH_CHANNEL_REQUEST_EXEC: command = ssh_message_channel_request_command(m); break;
    default: return false;
    }
    p->seen->commands++;
    snprintf(p->seen->command, sizeof p->seen->command, "%s", command);
    if (peer_is_at(p, AT_EXEC))
        return false;
    ssh_message_channel_request_reply_success(m);
    peer_is_at(p, AT_RUN);
    peer_obey(p, p->seen->command);
    return true;
}

static inline bool peer_message(struct libssh_peer *p, ssh_message m)
{
    switch (ssh_message_type(m)) {
    case SSH_REQUEST_SERVICE:
        p->seen->auths++;
        ssh_message_service_reply_success(m);
        return true;
    case SSH_REQUEST_AUTH: return peer_auth(p, m);
    case SSH_REQUEST_CHANNEL_OPEN:
        if (ssh_message_subtype(m) != SSH_CHANNEL_SESSION || peer_is_at(p, AT_CHANNEL))
            return false;
        p->channel = ssh_message_channel_request_open_reply_accept(m);
        return p->channel != NULL;
    case SSH_REQUEST_CHANNEL: return peer_channel_request(p, m);
    default: return false;
    }
}

static inline void peer_serve(int fd, void *with)
{
    struct libssh_peer *p = with;
    ssh_bind bind = ssh_bind_new();
    const int no = 0;
    p->fd = fd;
    p->seen->connections++;
    peer_is_at(p, AT_ACCEPT);
    if (p->config->says)
        (void)!write(fd, p->config->says, strlen(p->config->says));
    peer_is_at(p, AT_BANNER);
    p->session = ssh_new();
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, ssh_key_dup(p->host_key));
    if (ssh_bind_accept_fd(bind, p->session, fd) != SSH_OK ||
            ssh_handle_key_exchange(p->session) != SSH_OK)
        return;
    ssh_set_auth_methods(p->session, peer_methods(p));
    for (;;) {
        ssh_message m = ssh_message_get(p->session);
        if (!m)
            return;
        if (!peer_message(p, m))
            ssh_message_reply_default(m);
        ssh_message_free(m);
    }
}

/* config must live as long as the peer; the key stays the caller's. */
static inline void peer_start_libssh(struct peer *peer, const struct peer_config *config,
        ssh_key host_key)
{
    static struct libssh_peer p;
    peer->seen = mmap(NULL, sizeof *peer->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
            -1, 0);
    CHECK(peer->seen != MAP_FAILED);
    p = (struct libssh_peer){.config = config, .seen = peer->seen, .host_key = host_key};
    peer_start(peer, peer_serve, &p);
}

/* --- programs that take the connection as standard input ------------------------------------- */

static inline void peer_exec(int fd, void *with)
{
    char *const *argv = with;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    for (int i = 3; i < 64; i++)
        close(i);
    execv(argv[0], argv);
    _exit(127);
}

static inline const char *peer_user(void)
{
    const struct passwd *me = getpwuid(getuid());
    return me ? me->pw_name : "nobody";
}

/* A folder for one server's files. */
struct peer_files {
    char dir[64];
    char host_key[96], authorized[96], config[96];
    char option[120];
};

static inline void peer_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file);
    fputs(text, file);
    CHECK_INT(fclose(file), 0);
    CHECK_INT(chmod(path, 0600), 0);
}

static inline void peer_make_files(struct peer_files *files, ssh_key host_key, ssh_key user_key)
{
    char *text = NULL;
    char line[2000];
    snprintf(files->dir, sizeof files->dir, "/tmp/bn-sshd-XXXXXX");
    CHECK(mkdtemp(files->dir));
    snprintf(files->host_key, sizeof files->host_key, "%s/host_key", files->dir);
    snprintf(files->authorized, sizeof files->authorized, "%s/authorized", files->dir);
    snprintf(files->config, sizeof files->config, "%s/config", files->dir);
    CHECK_INT(ssh_pki_export_privkey_file(host_key, NULL, NULL, NULL, files->host_key), SSH_OK);
    CHECK_INT(chmod(files->host_key, 0600), 0);
    CHECK_INT(ssh_pki_export_pubkey_base64(user_key, &text), SSH_OK);
    snprintf(line, sizeof line, "%s %s test\n", ssh_key_type_to_char(ssh_key_type(user_key)), text);
    ssh_string_free_char(text);
    peer_write(files->authorized, line);
}

/* False: there is no sshd here. extra: more lines of its settings. A bash of some depth reads no
   .bashrc of whoever runs the tests. */
static inline bool peer_start_sshd(struct peer *peer, struct peer_files *files, const char *extra)
{
    static const char *argv[] = {"/usr/sbin/sshd", "-i", "-e", "-f", NULL, NULL};
    char config[2000];
    if (access(argv[0], X_OK) != 0)
        return false;
    if (getuid() == 0)
        mkdir("/run/sshd", 0755); /* which its service would make */
    snprintf(config, sizeof config,
            "HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
            "PidFile none\nSetEnv SHLVL=3\nPrintMotd no\nPrintLastLog no\nLogLevel QUIET\n%s\n",
            files->host_key, files->authorized, extra);
    peer_write(files->config, config);
    argv[4] = files->config;
    peer_start(peer, peer_exec, (void *)argv);
    return true;
}
