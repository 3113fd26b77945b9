/*
 * stream_scene: a listener, the one connection it accepts, and the descriptor of a client.
 */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bn_test.h"
#include "io/stream.h"

#define WAIT_MS 5000

struct scene {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_listener *listener;
    struct bn_stream *stream;
    int fd;
    char got[256];
    size_t got_len;
    size_t use_max; /* how much of the input is used at once */
    int drained;
    int ended;
    bool owes; /* an answer, when the peer ends */
    int closed;
    bool had_err;
    struct bn_err err;
    void (*at_accept)(struct scene *scene);
};

static size_t on_data(void *user, const char *p, size_t len)
{
    struct scene *scene = user;
    size_t n = BN_MIN(BN_MIN(len, scene->use_max), sizeof scene->got - scene->got_len);
    memcpy(scene->got + scene->got_len, p, n);
    scene->got_len += n;
    return n;
}

static void on_drained(void *user)
{
    ((struct scene *)user)->drained++;
}

static bool on_ended(void *user)
{
    struct scene *scene = user;
    scene->ended++;
    return scene->owes;
}

static void on_closed(void *user, const struct bn_err *err)
{
    struct scene *scene = user;
    scene->closed++;
    scene->had_err = err != NULL;
    if (err)
        scene->err = *err;
    scene->stream = NULL;
}

static const struct bn_stream_ops ops = {on_data, on_drained, on_ended, on_closed};

static void on_accepted(void *user, struct bn_stream *stream)
{
    struct scene *scene = user;
    scene->stream = stream;
    if (scene->at_accept)
        scene->at_accept(scene);
    bn_stream_set(stream, &ops, scene);
}

static void rounds(struct scene *scene, int n)
{
    for (int i = 0; i < n; i++)
        bn_loop_round(scene->loop, 5, NULL, NULL);
}

/* Nothing to do is nothing done: the loop waits, it does not turn (SECURITY T04). */
static inline void check_rests(struct scene *scene)
{
    rounds(scene, 3);
    int64_t begun_ns = bn_clock_mono_ns();
    bn_loop_round(scene->loop, 150, NULL, NULL);
    CHECK(bn_clock_mono_ns() - begun_ns >= 100000000);
}

static int dial(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static void scene_open(struct scene *scene, struct bn_tls_config *tls)
{
    struct bn_listener_config config = {.host = "127.0.0.1",
            .tls = tls,
            .not_tls = tls ? "this is TLS\n" : NULL,
            .accepted = on_accepted,
            .user = scene};
    scene->use_max = sizeof scene->got;
    CHECK(bn_loop_create(&scene->loop, &scene->clock, NULL));
    CHECK(bn_listener_open(scene->loop, &config, &scene->listener, NULL));
    scene->fd = dial(bn_listener_port(scene->listener));
    while (!scene->stream)
        bn_loop_round(scene->loop, 100, NULL, NULL);
}

static void scene_finish(struct scene *scene)
{
    if (scene->fd >= 0)
        close(scene->fd);
    if (scene->stream)
        bn_stream_abort(scene->stream);
    bn_listener_close(scene->listener);
    bn_loop_destroy(scene->loop);
}

static inline void hang_up(struct scene *scene)
{
    close(scene->fd);
    scene->fd = -1;
}

/* A reset instead of a goodbye. */
static inline void reset(struct scene *scene)
{
    setsockopt(scene->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    hang_up(scene);
}

static inline void wait_closed(struct scene *scene)
{
    int64_t begun_ms = scene->clock.mono_ms;
    while (!scene->closed && scene->clock.mono_ms - begun_ms < WAIT_MS) {
        bn_loop_round(scene->loop, 10, NULL, NULL);
        bn_streams_tick(scene->loop);
    }
    CHECK_INT(scene->closed, 1);
}
