/*
 * dial_rig: io/dial with a server beside it on the same loop, names that lead where the test says,
 * and ports that never answer.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bn_test.h"
#include "certs.h"
#include "io/dial.h"

#define WAIT_MS 20000
#define MADE_UP 4242 /* in place of a protocol: of a list that is ours */

/* --- a name that leads where the test says --------------------------------------------------- */

static const char *_Atomic leads_to[4];
static atomic_bool hangs;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
        const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!strstr(name, ".example")) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(name, service, hints, out);
    }
    while (hangs)
        poll(NULL, 0, 1);
    struct addrinfo **end = out;
    for (size_t i = 0; i < COUNT(leads_to) && leads_to[i]; i++) {
        struct addrinfo *info = bn_alloc(sizeof *info + sizeof(struct sockaddr_in));
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct bn_addr addr;
        CHECK(bn_addr_parse(bn_str(leads_to[i]), &addr));
        memcpy(&in.sin_addr, addr.bytes + 12, 4);
        info->ai_protocol = MADE_UP;
        info->ai_addr = (struct sockaddr *)(void *)(info + 1);
        memcpy(info->ai_addr, &in, sizeof in);
        *end = info;
        end = &info->ai_next;
    }
    *end = NULL;
    return leads_to[0] ? 0 : EAI_NONAME;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *list)
{
    void (*real)(struct addrinfo *);
    if (list && list->ai_protocol != MADE_UP) {
        *(void **)&real = dlsym(RTLD_NEXT, "freeaddrinfo");
        real(list);
        return;
    }
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

/* --- who dials ------------------------------------------------------------------------------- */

struct scene {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_dialer *dialer;
    struct bn_listener *listener;
    struct bn_stream *served; /* the last one accepted */
    int accepted;
    bool is_mute;
    char heard[64];
    size_t heard_len;
    /* our end */
    struct bn_tls_peer peer;
    struct bn_dialled result;
    int done;
    struct bn_stream *stream;
    char got[64];
};

static inline size_t on_served_data(void *user, const char *p, size_t len)
{
    struct scene *scene = user;
    memcpy(scene->heard, p, BN_MIN(len, sizeof scene->heard));
    scene->heard_len += len;
    if (scene->is_mute)
        return len;
    bn_stream_put(scene->served, "pong", 4);
    bn_stream_flush(scene->served);
    return len;
}

static inline void on_served_closed(void *user, const struct bn_err *err)
{
    struct scene *scene = user;
    (void)err;
    scene->served = NULL;
}

static inline void on_accepted(void *user, struct bn_stream *stream)
{
    static const struct bn_stream_ops ops = {.data = on_served_data, .closed = on_served_closed};
    static const struct bn_stream_ops nobody = {.data = NULL};
    struct scene *scene = user;
    if (scene->served) {
        bn_stream_set(scene->served, &nobody, NULL);
        bn_stream_abort(scene->served);
    }
    scene->served = stream;
    scene->accepted++;
    bn_stream_set(stream, &ops, scene);
}

static inline size_t on_data(void *user, const char *p, size_t len)
{
    struct scene *scene = user;
    CHECK(len < sizeof scene->got);
    memcpy(scene->got, p, len);
    return len;
}

static inline void on_closed(void *user, const struct bn_err *err)
{
    struct scene *scene = user;
    (void)err;
    scene->stream = NULL;
}

static inline void on_dialled(void *user, const struct bn_dialled *result)
{
    static const struct bn_stream_ops ops = {.data = on_data, .closed = on_closed};
    struct scene *scene = user;
    scene->result = *result;
    scene->done++;
    scene->stream = result->stream;
    if (result->stream)
        bn_stream_set(result->stream, &ops, scene);
}

static inline void start(struct scene *scene, bool is_open)
{
    struct bn_target_policy policy = {.allowed_count = 0};
    memset(scene, 0, sizeof *scene);
    signal(SIGPIPE, SIG_IGN);
    hangs = false;
    for (size_t i = 0; i < COUNT(leads_to); i++)
        leads_to[i] = NULL;
    if (is_open) {
        CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &policy.allowed[0], NULL));
        CHECK(bn_net_parse(BN_STR("::1"), &policy.allowed[1], NULL));
        policy.allowed_count = 2;
    }
    CHECK(bn_loop_create(&scene->loop, &scene->clock, NULL));
    CHECK(bn_dialer_create(scene->loop, &policy, 8, &scene->dialer, NULL));
}

static inline void listen_at(struct scene *scene, const char *host, struct bn_tls_config *tls)
{
    struct bn_listener_config config = {.tls = tls, .accepted = on_accepted, .user = scene};
    snprintf(config.host, sizeof config.host, "%s", host);
    CHECK(bn_listener_open(scene->loop, &config, &scene->listener, NULL));
}

static inline bool turn(void *user)
{
    struct scene *scene = user;
    bn_streams_tick(scene->loop);
    return false;
}

static inline void settle(struct scene *scene)
{
    for (int i = 0; i < 5; i++)
        bn_loop_round(scene->loop, 1, turn, scene);
}

static inline void hang_up(struct scene *scene)
{
    if (scene->stream)
        bn_stream_abort(scene->stream);
    if (scene->served)
        bn_stream_abort(scene->served);
    settle(scene);
}

static inline void stop(struct scene *scene)
{
    bn_dialer_destroy(scene->dialer);
    bn_listener_close(scene->listener);
    hang_up(scene);
    bn_loop_destroy(scene->loop);
}

static inline struct bn_dial_to plain(const struct scene *scene, const char *host)
{
    return (struct bn_dial_to){.host = host,
            .port = scene->listener ? bn_listener_port(scene->listener) : 1,
            .is_plain = true,
            .limit_ms = 10000};
}

static inline struct bn_dial_to secure(struct scene *scene, const char *host, enum bn_trust trust,
        const char *pin)
{
    struct bn_dial_to to = plain(scene, host);
    scene->peer = (struct bn_tls_peer){.trust = trust};
    if (pin)
        fingerprint_of(pin, scene->peer.pin);
    to.is_plain = false;
    to.peer = &scene->peer;
    return to;
}

static inline const struct bn_dialled *dial(struct scene *scene, const struct bn_dial_to *to)
{
    const int64_t until = scene->clock.mono_ms + WAIT_MS;
    const int before = scene->done;
    CHECK(bn_dial_start(scene->dialer, to, on_dialled, scene) != NULL);
    CHECK_INT(scene->done, before); /* later */
    while (scene->done == before && scene->clock.mono_ms < until)
        bn_loop_round(scene->loop, 10, turn, scene);
    CHECK_INT(scene->done, before + 1);
    return &scene->result;
}

static inline void fails(struct scene *scene, const struct bn_dial_to *to, const char *fault,
        const char *phase, const char *text)
{
    const struct bn_dialled *result = dial(scene, to);
    CHECK(!result->stream);
    if (strcmp(bn_fetch_fault_word(result->fault), fault) != 0 ||
            strcmp(bn_fetch_phase_word(result->phase), phase) != 0 || !strstr(result->text, text))
        fail_msg("got %s in %s: \"%s\"; wanted %s in %s: \"%s\"",
                bn_fetch_fault_word(result->fault), bn_fetch_phase_word(result->phase),
                result->text, fault, phase, text);
}

static inline void ping(struct scene *scene)
{
    const int64_t until = scene->clock.mono_ms + WAIT_MS;
    scene->got[0] = '\0';
    bn_stream_put(scene->stream, "ping", 4);
    bn_stream_flush(scene->stream);
    while (!scene->got[0] && scene->clock.mono_ms < until)
        bn_loop_round(scene->loop, 10, turn, scene);
    CHECK_MEM(scene->got, "pong", 4);
}

/* A socket of 127.0.0.1 that takes calls and never answers, or, full, does not even take them. */
struct hole {
    int fd;
    int port;
    int callers[64];
    size_t count;
};

static inline void open_hole(struct hole *hole, bool is_full)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    memset(hole, 0, sizeof *hole);
    hole->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(bind(hole->fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(hole->fd, is_full ? 0 : 8), 0);
    CHECK_INT(getsockname(hole->fd, (struct sockaddr *)&at, &len), 0);
    hole->port = ntohs(at.sin_port);
    for (bool fits = is_full; fits && hole->count < COUNT(hole->callers);) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(connect(fd, (struct sockaddr *)&at, sizeof at) == 0 || errno == EINPROGRESS);
        hole->callers[hole->count++] = fd;
        fits = poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 50) == 1;
    }
}

static inline void close_hole(const struct hole *hole)
{
    for (size_t i = 0; i < hole->count; i++)
        close(hole->callers[i]);
    close(hole->fd);
}
