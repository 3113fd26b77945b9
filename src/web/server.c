#include "web/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "source/rrd.h"
#include "web/api_infra.h"
#include "web/console.h"
#include "web/crowd.h"
#include "web/guest_right.h"
#include "web/socketio.h"
#include "web/undo.h"
#include "web/web_private.h"

#define TICK_MS  1000
#define SWEEP_MS 60000

static const char not_tls[] = "HTTP/1.1 400 Bad Request\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Length: 36\r\n"
                              "Connection: close\r\n\r\n"
                              "This port speaks TLS: use https://.\n";

static void tick(void *user)
{
    struct bn_web *web = user;
    int64_t mono_ms = web->config.clock->mono_ms;
    bn_streams_tick(web->config.loop);
    bn_conn_tick(web, mono_ms);
    bn_live_tick(web, mono_ms);
    bn_console_tick(web, mono_ms);
    bn_socketio_tick(web);
    if (mono_ms - web->swept_mono_ms >= SWEEP_MS) {
        web->swept_mono_ms = mono_ms;
        bn_sessions_sweep(web->config.sessions);
        bn_undos_sweep(web->undos, mono_ms);
    }
}

/* Users change what they may; sessions and keys only end (that they were used is no change of
 * rights). */
static void people_changed(void *user, const struct bn_fact *fact)
{
    if (fact->kind == BN_KIND_USER || fact->op == BN_GONE)
        ((struct bn_web *)user)->people_changed = true;
}

struct bn_web *bn_web_create(const struct bn_web_config *config)
{
    struct bn_web *web = bn_alloc(sizeof *web);
    web->config = *config;
    bn_list_init(&web->conns);
    bn_list_init(&web->ears);
    bn_list_init(&web->polls);
    bn_list_init(&web->check_runs);
    bn_list_init(&web->consoles);
    bn_list_init(&web->dirty);
    web->undos = bn_undos_create();
    bn_random_code(web->node, 8);
    web->crowd = bn_crowd_create();
    web->tick = bn_timer_create(config->loop, tick, web);
    bn_timer_start(web->tick, TICK_MS, TICK_MS);
    web->pace = bn_timer_create(config->loop, bn_live_pace, web);
    bn_hub_watch(config->hub, BN_KIND_USER, people_changed, web);
    bn_assignments_watch(config->hub);
    bn_hub_watch(config->hub, BN_KIND_SESSION, people_changed, web);
    bn_hub_watch(config->hub, BN_KIND_KEY, people_changed, web);
    bn_web_add_routes(web, bn_self_routes, bn_self_route_count);
    bn_web_add_routes(web, bn_live_routes, bn_live_route_count);
    bn_web_add_routes(web, bn_socketio_routes, bn_socketio_route_count);
    web->socketio = bn_socketio_create(web);
    return web;
}

bool bn_web_listen(struct bn_web *web, const char *host, int port, struct bn_tls_config *tls,
        int *out_port, struct bn_err *err)
{
    struct bn_listener_config config = {.port = port,
            .tls = tls,
            .not_tls = not_tls,
            .accepted = bn_conn_accepted,
            .user = web};
    if (web->listener_count == COUNT(web->listeners))
        return bn_fail(err, BN_E_TOO_MANY, "at most %zu places to listen", COUNT(web->listeners));
    bn_text_clip(config.host, sizeof config.host, bn_str(host));
    struct bn_listener *listener;
    if (!bn_listener_open(web->config.loop, &config, &listener, err))
        return false;
    web->listeners[web->listener_count++] = listener;
    *out_port = bn_listener_port(listener);
    return true;
}

void bn_web_set_tls(struct bn_web *web, struct bn_tls_config *tls)
{
    for (size_t i = 0; i < web->listener_count; i++)
        bn_listener_set_tls(web->listeners[i], tls);
}

void bn_web_set_policy(struct bn_web *web, const struct bn_web_config *config)
{
    memcpy(web->config.hosts, config->hosts, sizeof web->config.hosts);
    memcpy(web->config.proxies, config->proxies, sizeof web->config.proxies);
    memcpy(web->config.origins, config->origins, sizeof web->config.origins);
    web->config.host_count = config->host_count;
    web->config.origin_count = config->origin_count;
    web->config.proxy_count = config->proxy_count;
    web->config.listeners_max = config->listeners_max;
    web->config.no_remote = config->no_remote;
    web->config.console_idle_ms = config->console_idle_ms;
    web->config.console_longest_ms = config->console_longest_ms;
}

void bn_web_add_routes(struct bn_web *web, const struct bn_route *routes, size_t count)
{
    assert(web->set_count < BN_ROUTE_SETS_MAX);
    web->sets[web->set_count++] = (struct bn_route_set){routes, count};
}

static void check_owners(struct bn_web *web)
{
    bn_live_check_owners(web);
    bn_console_check_owners(web);
    bn_socketio_check_owners(web);
}

void bn_web_flush(struct bn_web *web)
{
    if (web->people_changed)
        check_owners(web); /* before anything more is told */
    bn_live_flush(web);
    bn_socketio_flush(web);
    while (!bn_list_is_empty(&web->dirty)) {
        struct bn_conn *conn = container_of(web->dirty.next, struct bn_conn, dirty_link);
        bn_list_remove(&conn->dirty_link);
        bool owes = conn->request && !conn->request->has_answer;
        if (conn->must_close && !owes)
            bn_stream_close(conn->stream);
        else
            bn_stream_flush(conn->stream);
        if (bn_stream_queued(conn->stream) == 0)
            bn_conn_drained(conn);
    }
}

static void close_listeners(struct bn_web *web)
{
    for (size_t i = 0; i < web->listener_count; i++)
        bn_listener_close(web->listeners[i]);
    web->listener_count = 0;
}

void bn_web_drain(struct bn_web *web, int64_t window_ms)
{
    web->draining = true;
    close_listeners(web);
    bn_live_drain(web, window_ms);
    bn_console_drain(web);
    bn_socketio_drain(web);
    bn_list_each_safe(it, tmp, &web->conns) {
        struct bn_conn *conn = container_of(it, struct bn_conn, link);
        if (conn->live || conn->console || conn->socketio)
            continue;            /* goes with a bye of its own */
        conn->must_close = true; /* after the answer, where one is due */
        if (!conn->request)
            bn_conn_dirty(conn);
    }
    bn_live_state_tick(web,
            web->config.clock->mono_ms); /* who waits for a change is answered now */
    bn_servers_check_hurry(web);
    bn_rrd_hurry(web->config.rrd);
}

bool bn_web_is_empty(const struct bn_web *web)
{
    return bn_list_is_empty(&web->conns);
}

void bn_web_destroy(struct bn_web *web)
{
    if (!web)
        return;
    close_listeners(web);
    bn_timer_destroy(web->tick);
    bn_timer_destroy(web->pace);
    bn_list_each_safe(it, tmp, &web->conns)
        bn_stream_abort(container_of(it, struct bn_conn, link)->stream);
    bn_loop_reap_now(web->config.loop); /* closed() of each reaches into the server */
    bn_console_destroy_all(web);
    bn_socketio_destroy(web->socketio);
    bn_crowd_destroy(web->crowd);
    bn_undos_destroy(web->undos);
    free(web);
}

void bn_web_get_stats(const struct bn_web *web, struct bn_web_stats *out)
{
    *out = web->stats;
    bn_list_each(it, &web->conns)
        out->sent_bytes += bn_stream_sent(container_of(it, struct bn_conn, link)->stream);
}

struct bn_hub *bn_web_hub(struct bn_web *web)
{
    return web->config.hub;
}

const struct bn_web_config *bn_web_parts(struct bn_web *web)
{
    return &web->config;
}

struct bn_sessions *bn_web_sessions(struct bn_web *web)
{
    return web->config.sessions;
}

struct bn_worker *bn_web_hash_worker(struct bn_web *web)
{
    return web->config.hash_worker;
}

struct bn_worker *bn_web_query_worker(struct bn_web *web)
{
    return web->config.query_worker;
}

const struct bn_clock *bn_web_clock(struct bn_web *web)
{
    return web->config.clock;
}
