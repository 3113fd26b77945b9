/*
 * ssh_rig: io/ssh with its runner on a loop of the test, a session at a time or many.
 */
#pragma once

#include <dirent.h>

#include "bn_test.h"
#include "io/ssh.h"
#include "remove_tree.h"
#include "ssh_peer.h"

#define WAIT_MS 60000

struct scene {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_dialer *dialer;
    struct bn_ssh_forker forker;
    struct bn_ssh *ssh;
    ssh_key host_key;
    char pin[128];
    int fds; /* before */
    /* the session */
    struct bn_ssh_session *session;
    int opened, ended, done, started;
    enum bn_ssh_phase phase;
    struct bn_ssh_end end;
    struct bn_ssh_result result;
    char banner[BN_SSH_TEXT_MAX + 1];
    struct bn_buf out, err;
    uint64_t out_bytes;
    bool keeps_nothing;
};

/* Descriptors of this process. */
static inline int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline void start(struct scene *scene)
{
    struct bn_target_policy policy = {.allowed_count = 0};
    struct bn_err err;
    memset(scene, 0, sizeof *scene);
    CHECK(bn_loop_create(&scene->loop, &scene->clock,
            NULL)); /* the library keeps a pipe for good */
    bn_loop_destroy(scene->loop);
    scene->fds = count_fds();
    if (!bn_ssh_forker_start(&scene->forker, &err))
        fail_msg("%s", err.text);
    CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &policy.allowed[0], NULL));
    policy.allowed_count = 1;
    CHECK(bn_loop_create(&scene->loop, &scene->clock, NULL));
    CHECK(bn_dialer_create(scene->loop, &policy, 8, &scene->dialer, NULL));
    scene->ssh = bn_ssh_create(scene->loop, scene->dialer, &scene->forker);
    scene->host_key = peer_key(SSH_KEYTYPE_ED25519, 0);
    peer_fingerprint(scene->host_key, scene->pin);
    bn_buf_init(&scene->out, 8 << 20);
    bn_buf_init(&scene->err, 1 << 20);
}

static inline void stop(struct scene *scene)
{
    bn_ssh_destroy(scene->ssh);
    bn_loop_reap_now(scene->loop);
    for (int i = 0; i < 3; i++)
        bn_loop_round(scene->loop, 1, NULL, NULL);
    bn_dialer_destroy(scene->dialer);
    bn_loop_destroy(scene->loop);
    ssh_key_free(scene->host_key);
    bn_buf_finish(&scene->out);
    bn_buf_finish(&scene->err);
    CHECK(bn_ssh_forker_stop(&scene->forker)); /* no leak in either process */
    CHECK_INT(count_fds(), scene->fds);
}

/* --- what is heard --------------------------------------------------------------------------- */

static inline void on_phase(void *user, enum bn_ssh_phase phase)
{
    ((struct scene *)user)->phase = phase;
}

static inline void on_opened(void *user, const struct bn_ssh_peer *peer)
{
    struct scene *scene = user;
    scene->opened++;
    snprintf(scene->banner, sizeof scene->banner, "%s", peer->banner);
}

static inline void on_ended(void *user, const struct bn_ssh_end *end)
{
    struct scene *scene = user;
    scene->ended++;
    scene->end = *end;
    scene->session = NULL;
}

static inline void on_started(void *user)
{
    ((struct scene *)user)->started++;
}

static inline void on_output(void *user, enum bn_ssh_output from, const char *p, size_t len)
{
    struct scene *scene = user;
    scene->out_bytes += len;
    if (!scene->keeps_nothing)
        bn_buf_put(from == BN_SSH_STDERR ? &scene->err : &scene->out, p, len);
}

static inline void on_done(void *user, const struct bn_ssh_result *result)
{
    struct scene *scene = user;
    scene->done++;
    scene->result = *result;
}

static const struct bn_ssh_ops session_ops = {.phase = on_phase,
        .opened = on_opened,
        .ended = on_ended};
static const struct bn_ssh_run_ops run_ops = {.started = on_started,
        .output = on_output,
        .done = on_done};

#define WAIT_FOR(scene, cond)                                                                 \
    do {                                                                                      \
        const int64_t until_ = bn_clock_mono_ns() / 1000000 + WAIT_MS;                        \
        while (!(cond) && bn_clock_mono_ns() / 1000000 < until_)                              \
            bn_loop_round((scene)->loop, 10, NULL, NULL);                                     \
        if (!(cond))                                                                          \
            fail_msg("waited in vain for " #cond "; in %s, ended %s: %s",                     \
                    bn_ssh_phase_word((scene)->phase), bn_ssh_fault_word((scene)->end.fault), \
                    (scene)->end.text);                                                       \
    } while (0)

/* --- a session ------------------------------------------------------------------------------- */

static inline struct bn_ssh_to to_port(const struct scene *scene, int port)
{
    return (struct bn_ssh_to){.host = "127.0.0.1",
            .port = port,
            .user = "operator",
            .password = BN_STR("secret"),
            .host_key = scene->pin,
            .host_key_type = "ssh-ed25519"};
}

static inline void begin(struct scene *scene, const struct bn_ssh_to *to)
{
    struct bn_err err;
    scene->opened = scene->ended = 0;
    memset(&scene->end, 0, sizeof scene->end);
    if (!bn_ssh_open(scene->ssh, to, &session_ops, scene, &scene->session, &err))
        fail_msg("%s", err.text);
    CHECK_INT(scene->opened + scene->ended, 0); /* later */
}

static inline void open_session(struct scene *scene, const struct bn_ssh_to *to)
{
    begin(scene, to);
    WAIT_FOR(scene, scene->opened || scene->ended);
    if (scene->ended)
        fail_msg("ended in %s: %s: %s", bn_ssh_phase_word(scene->end.phase),
                bn_ssh_fault_word(scene->end.fault), scene->end.text);
}

static inline void check_end(struct scene *scene, const char *fault, const char *phase,
        const char *text)
{
    WAIT_FOR(scene, scene->ended);
    if (strcmp(bn_ssh_fault_word(scene->end.fault), fault) != 0 ||
            strcmp(bn_ssh_phase_word(scene->end.phase), phase) != 0 ||
            !strstr(scene->end.text, text))
        fail_msg("ended in %s: %s: \"%s\"; wanted %s: %s: \"%s\"",
                bn_ssh_phase_word(scene->end.phase), bn_ssh_fault_word(scene->end.fault),
                scene->end.text, phase, fault, text);
}

static inline void fails(struct scene *scene, const struct bn_ssh_to *to, const char *fault,
        const char *phase, const char *text)
{
    begin(scene, to);
    check_end(scene, fault, phase, text);
    CHECK_INT(scene->opened, 0);
}

/* --- a command ------------------------------------------------------------------------------- */

static inline void run_begin(struct scene *scene, const struct bn_ssh_run *run)
{
    struct bn_err err;
    bn_buf_reset(&scene->out);
    bn_buf_reset(&scene->err);
    scene->out_bytes = 0;
    scene->done = scene->started = 0;
    if (!bn_ssh_run(scene->session, run, &run_ops, scene, &err))
        fail_msg("%s", err.text);
    CHECK_INT(scene->done, 0);
}

static inline const struct bn_ssh_result *run(struct scene *scene, const char *command)
{
    run_begin(scene, &(struct bn_ssh_run){.command = command});
    WAIT_FOR(scene, scene->done);
    return &scene->result;
}

static inline void said(const struct bn_buf *buf, const char *want)
{
    if (buf->len != strlen(want) || memcmp(buf->p, want, buf->len) != 0)
        fail_msg("got \"%.*s\", wanted \"%s\"", (int)buf->len, buf->p ? buf->p : "", want);
}

static inline void close_session(struct scene *scene)
{
    bn_ssh_close(scene->session);
    scene->session = NULL;
}
