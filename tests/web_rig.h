/*
 * web_rig: a whole server on a loopback port without a main, and one blocking request at a time.
 *
 * The keys "bnk_reader_x" (scope read) and "bnk_admin_x" (scope all) are known to it.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#include "bn_test.h"
#include "io/fetch.h"
#include "source/console.h"
#include "source/fleet.h"
#include "source/power.h"
#include "web/server.h"

#define WEB_AWAIT_NS INT64_C(20000000000)

struct web_rig {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_hub hub;
    struct bn_sessions *sessions;
    struct bn_worker *hash_worker;
    struct bn_worker *query_worker;
    struct bn_fetch *fetch; /* of tests that call others */
    struct bn_fleet *fleet;
    struct bn_operations *operations;
    struct bn_power *power;
    struct bn_dialer *dialer;
    struct bn_consoles *consoles;
    struct bn_web *web;
    int port;
    struct bn_buf answer; /* the last one, head and body, with a NUL behind it */
};

/* What a test adds before the web is made: parts of its configuration. */
BN_UNUSED static void (*web_rig_prepare)(struct web_rig *rig, struct bn_web_config *config);

BN_UNUSED static bool web_rig_turn(void *user)
{
    struct web_rig *rig = user;
    if (rig->hash_worker) /* NULL once a test has ended it */
        bn_worker_collect(rig->hash_worker);
    if (rig->query_worker)
        bn_worker_collect(rig->query_worker);
    if (rig->fetch)
        bn_fetch_collect(rig->fetch);
    bool more = bn_hub_turn(&rig->hub);
    bn_web_flush(rig->web);
    return more;
}

BN_UNUSED static void web_rig_key(struct web_rig *rig, const char *id, const char *scopes)
{
    struct bn_fact fact;
    char text[80];
    uint8_t hash[BN_HASH_SIZE];
    bn_fact_init(&fact, BN_KIND_KEY, "default");
    fact.replay = true;
    snprintf(text, sizeof text, "bnk_%s_x", id);
    snprintf(fact.u.key.id, sizeof fact.u.key.id, "%s", id);
    snprintf(fact.u.key.name, sizeof fact.u.key.name, "%s", id);
    snprintf(fact.u.key.scopes, sizeof fact.u.key.scopes, "%s", scopes);
    bn_sha256(text, strlen(text), hash);
    bn_b64url_encode(hash, sizeof hash, fact.u.key.hash);
    bn_hub_replay(&rig->hub, &fact);
}

BN_UNUSED static void web_rig_init(struct web_rig *rig, struct bn_store *store,
        const struct bn_route *routes, size_t count)
{
    struct bn_err err;
    bn_log_set_fd(-1);
    memset(rig, 0, sizeof *rig);
    bn_buf_init(&rig->answer, 64 << 20);
    bool ok = bn_secret_start(&err) && bn_loop_create(&rig->loop, &rig->clock, &err);
    bn_clock_read(&rig->clock);
    ok = ok && bn_worker_create(rig->loop, "hash", 1, 16, &rig->hash_worker, &err);
    ok = ok && bn_worker_create(rig->loop, "query", 2, 64, &rig->query_worker, &err);
    if (!ok)
        fail_msg("%s", err.text);
    bn_hub_init(&rig->hub, &rig->clock, store, bn_loop_wake, rig->loop);
    rig->sessions = bn_sessions_create(&rig->hub);
    struct bn_web_config config = {
            .loop = rig->loop,
            .hub = &rig->hub,
            .clock = &rig->clock,
            .sessions = rig->sessions,
            .hash_worker = rig->hash_worker,
            .query_worker = rig->query_worker,
            .listeners_max = 10,
            .connections_max = 10,
    };
    if (web_rig_prepare)
        web_rig_prepare(rig, &config);
    rig->web = bn_web_create(&config);
    bn_web_add_routes(rig->web, routes, count);
    if (!bn_web_listen(rig->web, "127.0.0.1", 0, NULL, &rig->port, &err))
        fail_msg("%s", err.text);
    web_rig_key(rig, "reader", "read");
    web_rig_key(rig, "admin", "all");
}

BN_UNUSED static void web_rig_finish(struct web_rig *rig)
{
    bn_worker_destroy(rig->query_worker);
    bn_worker_destroy(rig->hash_worker);
    bn_fetch_destroy(rig->fetch);
    bn_fleet_stop(rig->fleet);
    bn_power_stop(rig->power);
    bn_consoles_stop(rig->consoles);
    bn_dialer_destroy(rig->dialer);
    bn_operations_stop(rig->operations);
    bn_web_destroy(rig->web);
    bn_sessions_destroy(rig->sessions);
    bn_hub_finish(&rig->hub);
    bn_loop_destroy(rig->loop);
    bn_buf_finish(&rig->answer);
}

BN_UNUSED static void web_rig_round(struct web_rig *rig)
{
    bn_loop_round(rig->loop, 1, web_rig_turn, rig);
}

/* Until it is true, by the clock: others may have the processor. */
#define WEB_AWAIT(rig, condition)                                   \
    do {                                                            \
        const int64_t until_ns = bn_clock_mono_ns() + WEB_AWAIT_NS; \
        while (!(condition)) {                                      \
            if (bn_clock_mono_ns() > until_ns)                      \
                fail_msg("waited in vain for %s", #condition);      \
            web_rig_round(rig);                                     \
        }                                                           \
    } while (0)

/* A connection on which that text has been sent. */
BN_UNUSED static int web_rig_send(const struct web_rig *rig, const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail_msg("connect: %s", strerror(errno));
    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return fd;
}

/* Turns the loop until the server has closed that connection, closes it too, and returns the status
   of the answer; its body is in *out_body. */
BN_UNUSED static int web_rig_answer(struct web_rig *rig, int fd, const char **out_body)
{
    bn_buf_reset(&rig->answer);
    ssize_t n = -1;
    const int64_t until_ns = bn_clock_mono_ns() + WEB_AWAIT_NS;
    while (n != 0 && bn_clock_mono_ns() < until_ns) {
        web_rig_round(rig);
        char *room = bn_buf_room(&rig->answer, 64 << 10);
        n = recv(fd, room, 64 << 10, MSG_DONTWAIT);
        if (n > 0)
            bn_buf_added(&rig->answer, (size_t)n);
    }
    close(fd);
    bn_buf_putc(&rig->answer, 0);
    const char *end = strstr(rig->answer.p, "\r\n\r\n");
    int64_t status = 0;
    if (n != 0 || !end || !bn_str_starts(bn_str(rig->answer.p), "HTTP/1.1 ") ||
            !bn_parse_i64((struct bn_str){rig->answer.p + 9, 3}, 100, 599, &status))
        fail_msg("no whole answer: %.200s", rig->answer.p);
    *out_body = end + 4;
    return (int)status;
}

/* One GET with that key (NULL for none). */
BN_UNUSED static int web_rig_get(struct web_rig *rig, const char *key, const char *target,
        const char **out_body)
{
    char head[8192];
    char field[120] = "";
    if (key)
        snprintf(field, sizeof field, "Authorization: Bearer bnk_%s_x\r\n", key);
    int len = snprintf(head, sizeof head,
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", target, field);
    CHECK(len < (int)sizeof head);
    return web_rig_answer(rig, web_rig_send(rig, head), out_body);
}
