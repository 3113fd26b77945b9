/*
 * server: accept, parse, route, answer or upgrade; one write per connection and turn.
 */
#pragma once

#include "base/addr.h"

#include "hub/hub.h"
#include "io/stream.h"
#include "io/worker.h"
#include "web/route.h"
#include "web/session.h"

struct bn_fetch;
struct bn_fleet;
struct bn_rrd;
struct bn_operations;
struct bn_power;
struct bn_tasks;
struct bn_consoles;
struct bn_batches;
struct bn_dispatch;
struct bn_terminals;
struct bn_seal_key;
struct bn_target_policy;

#define BN_HOSTS_MAX   33 /* as many as the setting takes, and the one used at set-up */
#define BN_PROXIES_MAX 32
#define BN_ORIGINS_MAX 32 /* as many as the setting takes */

struct bn_web_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_sessions *sessions;
    struct bn_worker *hash_worker;
    struct bn_worker *query_worker;
    struct bn_fetch *fetch; /* these eight: for the routes about servers */
    struct bn_fleet *fleet;
    struct bn_rrd *rrd;
    struct bn_operations *operations;
    struct bn_power *power;
    struct bn_tasks *tasks; /* NULL: nothing is known of them */
    struct bn_consoles *consoles;
    struct bn_dispatch *dispatch; /* NULL, as the next two: nothing is done over SSH */
    struct bn_batches *batches;
    struct bn_terminals *terminals;
    const struct bn_seal_key *key;
    const char *key_absent; /* why nothing can be sealed; NULL or "": it can */
    const struct bn_target_policy *targets;
    char base_path[128]; /* "" or "/ops", no slash at the end */
    char demo_file[256]; /* where the demo fleet's servers are; "" without one */
    char ui_dir[256];    /* serve the page from here instead of from the binary; "" */
    char hosts[BN_HOSTS_MAX]
              [128]; /* names that may stand in Host, besides addresses and localhost */
    size_t host_count;
    char origins[BN_ORIGINS_MAX][128]; /* pages that may connect to /socket.io/, "https://a.b" */
    size_t origin_count;
    struct bn_net proxies[BN_PROXIES_MAX]; /* whose X-Forwarded-* is believed */
    size_t proxy_count;
    int64_t listeners_max;
    int64_t console_idle_ms;    /* nothing typed for so long ends a console; 0: never */
    int64_t console_longest_ms; /* and this whatever is typed; 0: never */
    int64_t connections_max;
    bool no_remote; /* nothing is begun on targets over SSH */
};

struct bn_web_stats {
    int64_t connections;
    int64_t listeners;
    uint64_t requests;
    uint64_t messages;   /* writes to listeners */
    uint64_t sent_bytes; /* over all connections, closed ones too */
    uint64_t slow_closed;
    uint64_t denied; /* things somebody asked for without the right to them */
};

/* Everything in config must outlive the server; the struct itself is copied. */
struct bn_web *bn_web_create(const struct bn_web_config *config);
/* Listens on one more place. */
BN_MUST_CHECK bool bn_web_listen(struct bn_web *web, const char *host, int port,
        struct bn_tls_config *tls, int *out_port, struct bn_err *err);
void bn_web_set_tls(struct bn_web *web, struct bn_tls_config *tls); /* new connections */
/* Takes hosts, proxies and listeners_max from config, for whoever comes from now on, and the limits
   of consoles, for the open ones too; and whether anything is begun on targets. */
void bn_web_set_policy(struct bn_web *web, const struct bn_web_config *config);
void bn_web_add_routes(struct bn_web *web, const struct bn_route *routes, size_t count);

/* The web's part of a turn, after the hub's: what became known leaves, what is done is closed. */
void bn_web_flush(struct bn_web *web);

/* No new connections; listeners are told `bye` and sent away over window_ms. */
void bn_web_drain(struct bn_web *web, int64_t window_ms);
bool bn_web_is_empty(const struct bn_web *web);
void bn_web_destroy(struct bn_web *web); /* aborts what is left; NULL is fine */

void bn_web_get_stats(const struct bn_web *web, struct bn_web_stats *out);
