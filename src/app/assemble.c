#include "app/assemble.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

#include "app/outside.h"
#include "app/setup.h"
#include "app/url.h"
#include "hub/audit.h"
#include "hub/hub.h"
#include "hub/inbox.h"
#include "io/notify.h"
#include "io/sandbox.h"
#include "io/stream.h"
#include "io/worker.h"
#include "source/host.h"
#include "source/lines.h"
#include "source/self.h"
#include "web/api_infra.h"
#include "web/api_meter.h"
#include "web/api_people.h"
#include "web/server.h"

#define DRAIN_CHECK_MS 50
#define DRAIN_MAX_MS   3000 /* of the 5 s that SIGTERM may take; the store has the rest */
#define CROWD          100  /* so many listeners are sent away over a while, not all at once */
#define CROWD_WAIT_MS  1500
#define SETTLE_MS      1000 /* of those: for what the store was given and has not acknowledged */
#define QUERY_THREADS  2
#define QUERY_WAITING  64

/* The parts, in the order they are built; taken down in reverse. */
struct app {
    struct bn_config config; /* what SIGHUP may change does */
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_tls_config *tls;
    struct bn_store *store;
    struct bn_hub hub;
    bool has_hub;
    struct bn_sessions *sessions;
    struct bn_worker *hash_worker;
    struct bn_worker *query_worker;
    struct bn_outside outside;
    struct bn_web *web;
    struct bn_host_source *host;
    struct bn_self_source *self;
    char degraded_why[160]; /* what the last figures point to */
    struct bn_timer *drain;
    int64_t drain_until_mono_ms;
    struct bn_notify notify;
    struct bn_timer
            *pulse; /* turns for the service manager's watchdog, also when nothing happens */
    int port;
};

/* The order is the design: what came in, what it changed, what leaves, what is freed (by the loop).
 */
static bool turn(void *user)
{
    struct app *app = user;
    bn_worker_collect(app->hash_worker);
    bn_worker_collect(app->query_worker);
    bn_outside_collect(&app->outside);
    bn_hub_turn(&app->hub);
    bn_web_flush(app->web);
    bn_notify_beat(&app->notify, app->clock.mono_ms);
    return bn_hub_is_waiting(&app->hub);
}

static void tell(void *user, const struct bn_fact *fact)
{
    bn_hub_tell(user, fact);
}

static void replay(void *user, const struct bn_fact *fact)
{
    bn_hub_replay(user, fact);
}

/* --- going away ------------------------------------------------------------------------------ */

static void check_drained(void *user)
{
    struct app *app = user;
    if (bn_web_is_empty(app->web) || app->clock.mono_ms >= app->drain_until_mono_ms)
        bn_loop_stop(app->loop);
}

static void stop(void *user)
{
    struct app *app = user;
    if (app->drain) {
        bn_loop_stop(app->loop); /* asked twice: at once */
        return;
    }
    struct bn_web_stats stats;
    bn_web_get_stats(app->web, &stats);
    bn_log(BN_INFO, "server.stopping", BN_KV_I64("listeners", stats.listeners));
    bn_notify_say(&app->notify, "STOPPING=1\nSTATUS=Saying goodbye to listeners");
    bn_web_drain(app->web, stats.listeners > CROWD ? CROWD_WAIT_MS : 0);
    app->drain_until_mono_ms = app->clock.mono_ms + DRAIN_MAX_MS;
    app->drain = bn_timer_create(app->loop, check_drained, app);
    bn_timer_start(app->drain, DRAIN_CHECK_MS, DRAIN_CHECK_MS);
}

static void reload_tls(struct app *app)
{
    struct bn_tls_config *fresh = NULL;
    struct bn_err err;
    if (!app->tls)
        return;
    if (!bn_tls_config_create(app->config.tls_cert, app->config.tls_key, &fresh, &err)) {
        bn_log(BN_ERROR, "tls.reload", BN_KV("text", err.text),
                BN_KV("act", "the old certificate stays in use"));
        return;
    }
    bn_web_set_tls(app->web, fresh);
    bn_tls_config_unref(app->tls);
    app->tls = fresh;
    bn_log(BN_INFO, "tls.reload", BN_KV("cert", app->config.tls_cert));
}

/* --- coming up ------------------------------------------------------------------------------- */

/* Many sockets, no core files (they would hold secrets), no writing to a closed pipe by surprise.
 */
static void prepare_process(void)
{
    struct rlimit files;
    bn_memory_prepare();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
}

static int64_t connections_max(void)
{
    struct rlimit files = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    int64_t left = BN_MAX((int64_t)files.rlim_cur - BN_FD_RESERVE, (int64_t)files.rlim_cur / 4);
    return BN_MIN(left, BN_CONNECTIONS_MAX);
}

static bool open_store(struct app *app, struct bn_err *err)
{
    struct bn_store_config config = {.bytes_max = app->config.db_max_bytes,
            .wake = bn_loop_wake,
            .user = app->loop};
    char notice[200];
    bn_text_clip(config.dir, sizeof config.dir, bn_str(app->config.data));
    if (!bn_store_open(&config, &app->store, notice, err))
        return false;
    if (notice[0])
        bn_log(BN_ERROR, "store.damaged", BN_KV("text", notice),
                BN_KV("act", "restore a backup, or go on anew"));
    return true;
}

static void ensure_tenant(struct app *app)
{
    struct bn_fact fact;
    if (bn_live_get(&app->hub.live, BN_TENANT_DEFAULT, BN_KIND_TENANT, BN_TENANT_DEFAULT))
        return;
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, BN_STR(BN_TENANT_DEFAULT));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, BN_STR("Default"));
    fact.u.tenant.created_at = app->clock.now_ms;
    bn_hub_tell(&app->hub, &fact);
}

static_assert(BN_CONFIG_LIST_MAX < BN_HOSTS_MAX && BN_CONFIG_LIST_MAX <= BN_PROXIES_MAX,
        "what the settings name has room, and the name of public_url");

static void fill_web_config(struct app *app, struct bn_web_config *web)
{
    const struct bn_config *config = &app->config;
    *web = (struct bn_web_config){.loop = app->loop,
            .hub = &app->hub,
            .clock = &app->clock,
            .sessions = app->sessions,
            .hash_worker = app->hash_worker,
            .query_worker = app->query_worker,
            .fetch = app->outside.fetch,
            .fleet = app->outside.fleet,
            .rrd = app->outside.rrd,
            .operations = app->outside.operations,
            .power = app->outside.power,
            .tasks = app->outside.tasks,
            .consoles = app->outside.consoles,
            .batches = app->outside.batches,
            .dispatch = app->outside.dispatch,
            .terminals = app->outside.terminals,
            .key = &app->outside.key.key,
            .key_absent = app->outside.key.absent,
            .targets = &app->outside.targets,
            .listeners_max = config->max_listeners,
            .no_remote = !config->operations,
            .console_idle_ms = config->console_idle,
            .console_longest_ms = config->console_longest,
            .connections_max = connections_max()};
    bn_text_clip(web->base_path, sizeof web->base_path, bn_str(config->base_path));
    bn_text_clip(web->demo_file, sizeof web->demo_file, bn_str(config->demo));
    bn_text_clip(web->ui_dir, sizeof web->ui_dir, bn_str(config->ui_dir));
    for (size_t i = 0; i < config->allow_host.count; i++)
        bn_text_clip(web->hosts[web->host_count++], 128, bn_str(config->allow_host.items[i]));
    for (size_t i = 0; i < config->allow_origin.count; i++)
        bn_text_clip(web->origins[web->origin_count++], 128, bn_str(config->allow_origin.items[i]));
    for (size_t i = 0; i < config->trusted_proxies.count; i++)
        web->proxies[web->proxy_count++] = config->trusted_proxies.items[i];
    const char *host = strstr(config->public_url, "://");
    if (host)
        bn_text_clip(web->hosts[web->host_count++], 128,
                (struct bn_str){host + 3, strcspn(host + 3, ":/")});
}

/* Whoever may send a signal to the server may also write its settings. */
static void audit_reload(struct app *app, const char *detail, bool ok)
{
    struct bn_audit entry = {.ok = ok};
    bn_text_clip(entry.actor, sizeof entry.actor, BN_STR("SIGHUP"));
    bn_text_clip(entry.action, sizeof entry.action, BN_STR("config.reload"));
    bn_text_clip(entry.object, sizeof entry.object, bn_str(app->config.config));
    bn_text_clip(entry.detail, sizeof entry.detail, bn_str(detail));
    bn_audit_note(&app->hub, BN_TENANT_DEFAULT, &entry);
}

static void reload_all(struct app *app)
{
    struct bn_web_config web;
    struct bn_err err;
    BN_BUF_AUTO kept;
    bn_buf_init(&kept, 1024);
    if (!bn_config_reload(&app->config, &kept, &err)) {
        bn_log(BN_ERROR, "config.reload", BN_KV("text", err.text),
                BN_KV("act", "the old settings stay in use"));
        audit_reload(app, err.text, false);
        return;
    }
    bn_log_set_level((enum bn_level)app->config.log_level);
    bn_log_set_format((enum bn_log_format)app->config.log_format);
    fill_web_config(app, &web);
    bn_web_set_policy(app->web, &web);
    reload_tls(app);
    bn_buf_putc(&kept, 0);
    audit_reload(app, "", true);
    if (kept.len > 1)
        bn_log(BN_WARN, "config.reload", BN_KV("kept", kept.p),
                BN_KV("text", "changing these needs a restart"));
    else
        bn_log(BN_INFO, "config.reload", BN_KV("file", app->config.config));
}

static void reload(void *user)
{
    struct app *app = user;
    bn_notify_reloading(&app->notify);
    reload_all(app);
    bn_notify_say(&app->notify, app->drain ? "STOPPING=1" : "READY=1");
}

static bool open_web(struct app *app, struct bn_err *err)
{
    const struct bn_config *config = &app->config;
    struct bn_web_config web;
    if (!bn_worker_create(app->loop, "hash", BN_HASH_AT_ONCE, BN_HASH_QUEUE_MAX, &app->hash_worker,
                err) ||
            !bn_worker_create(app->loop, "query", QUERY_THREADS, QUERY_WAITING, &app->query_worker,
                    err))
        return false;
    fill_web_config(app, &web);
    app->web = bn_web_create(&web);
    bn_web_add_routes(app->web, bn_people_routes, bn_people_route_count);
    bn_web_add_routes(app->web, bn_meter_routes, bn_meter_route_count);
    bn_web_add_routes(app->web, bn_demo_routes, bn_demo_route_count);
    bn_web_add_routes(app->web, bn_import_routes, bn_import_route_count);
    bn_web_add_routes(app->web, bn_console_routes, bn_console_route_count);
    bn_web_add_routes(app->web, bn_infra_routes, bn_infra_route_count);
    bn_web_add_routes(app->web, bn_target_routes, bn_target_route_count);
    bn_web_add_routes(app->web, bn_dispatch_routes, bn_dispatch_route_count);
    bn_web_add_routes(app->web, bn_batch_routes, bn_batch_route_count);
    bn_web_add_routes(app->web, bn_operation_admin_routes, bn_operation_admin_route_count);
    return bn_web_listen(app->web, config->listen_host, (int)config->listen_port, app->tls,
            &app->port, err);
}

/* A slip of the pen would otherwise be a page that is not there. */
static bool check_ui_dir(const struct bn_config *config, struct bn_err *err)
{
    char index[sizeof config->ui_dir + 16];
    snprintf(index, sizeof index, "%s/index.html", config->ui_dir);
    return !config->ui_dir[0] || bn_file_exists(index) ||
           bn_fail(err, BN_E_INVALID, "ui_dir must be a folder with the page, but there is no %s",
                   index);
}

/* Before the first thread, because threads inherit it. A folder that cannot be made or entered is
   the store's to explain: the server does not start then. */
static void enter_sandbox(const char *data)
{
#ifndef BN_COVERAGE /* which writes its counters elsewhere at the end */
    struct bn_err err;
    int abi;
    (void)mkdir(data, 0700);
    if (!bn_sandbox_enter(data, &abi, &err))
        bn_log(BN_DEBUG, "sandbox", BN_KV("text", err.text));
    else if (abi == 0)
        bn_log(BN_INFO, "sandbox",
                BN_KV("text", "this kernel offers no Landlock: writing outside the data folder is "
                              "only forbidden by file modes"));
#else
    (void)data;
#endif
}

static bool build(struct app *app, struct bn_err *err)
{
    const struct bn_config *config = &app->config;
    if (!check_ui_dir(config, err))
        return false;
    bn_outside_fork(&app->outside); /* before the first thread and the first secret */
    if (!bn_secret_start(err) || !bn_loop_create(&app->loop, &app->clock, err))
        return false;
    bn_loop_on_signal(app->loop, SIGTERM, stop, app); /* heard from the first turn on */
    bn_loop_on_signal(app->loop, SIGINT, stop, app);
    bn_loop_on_signal(app->loop, SIGHUP, reload, app);
    if (config->tls_cert[0] &&
            !bn_tls_config_create(config->tls_cert, config->tls_key, &app->tls, err))
        return false;
    struct bn_err port_err = {0}; /* inside the sandbox nobody can be named any more */
    const bool is_port_free = bn_listener_check(config->listen_host, (int)config->listen_port,
            &port_err);
    struct bn_err key_err;
    const bool has_key = bn_master_key_find(config, getenv("CREDENTIALS_DIRECTORY"),
            &app->outside.key, &key_err);
    enter_sandbox(config->data);
    if (!open_store(app, err)) /* which explains what is wrong with the folder */
        return false;
    if (!has_key) {
        *err = key_err;
        return false;
    }
    bn_hub_init(&app->hub, &app->clock, app->store, bn_loop_wake, app->loop);
    app->has_hub = true;
    app->hub.live.servers_max = app->hub.live.tenants->servers_max = config->max_servers;
    app->sessions = bn_sessions_create(&app->hub);
    bn_sessions_use_dir(app->sessions, config->data);
    if (!bn_store_load(app->store, replay, &app->hub, err) ||
            !bn_outside_open(&app->outside, config, app->loop, &app->hub, err))
        return false;
    ensure_tenant(app);
    if (open_web(app, err))
        return true;
    if (!is_port_free && err->code == port_err.code)
        *err = port_err;
    return false;
}

/* --- what the service manager is told -------------------------------------------------------- */

static void say_status(struct app *app, const char *trouble)
{
    char url[BN_URL_SIZE];
    char text[BN_URL_SIZE + 200];
    bn_config_url(&app->config, app->port, url, sizeof url);
    snprintf(text, sizeof text, "STATUS=Serving on %s%s%s", url, trouble[0] ? "/; " : "/", trouble);
    bn_notify_say(&app->notify, text);
}

static void wake_up(void *user)
{
    (void)user; /* the turn that follows is what is wanted */
}

/* Listening, and everything runs. */
static void say_ready(struct app *app)
{
    bn_notify_say(&app->notify, "READY=1");
    say_status(app, app->degraded_why);
    if (!app->notify.every_ms)
        return;
    app->pulse = bn_timer_create(app->loop, wake_up, app);
    bn_timer_start(app->pulse, app->notify.every_ms, BN_MAX(app->notify.every_ms / 2, 1));
}

/* What only the parts know of themselves, once a second. */
static void fill_figures(void *user, struct bn_self_figures *figures)
{
    struct app *app = user;
    struct bn_loop_stats loop;
    struct bn_store_stats store;
    struct bn_web_stats web;
    bn_loop_get_stats(app->loop, &loop);
    bn_store_get_stats(app->store, &store);
    bn_web_get_stats(app->web, &web);
    figures->turns = loop.turns;
    figures->worst_lag_ms = loop.worst_lag_ms;
    figures->facts = app->hub.fact_count;
    figures->inbox_depth = bn_inbox_depth(app->hub.inbox);
    figures->inbox_lost = bn_inbox_lost(app->hub.inbox);
    figures->conflated = app->hub.topics.conflated;
    figures->gaps = app->hub.topics.gaps;
    figures->subscriptions = app->hub.topics.sub_count;
    figures->topics = app->hub.topics.count;
    figures->connections = (uint64_t)web.connections;
    figures->listeners = (uint64_t)web.listeners;
    figures->requests = web.requests;
    figures->messages = web.messages;
    figures->sent_bytes = web.sent_bytes;
    figures->slow_closed = web.slow_closed;
    figures->store_queue = (uint64_t)store.queue;
    figures->store_lost = (uint64_t)(store.lost_points + store.lost_checks);
    figures->store_ms = store.worst_ms;
    figures->db_bytes = (uint64_t)store.db_bytes;
    figures->wal_bytes = (uint64_t)store.wal_bytes;
    figures->is_degraded = store.degraded;
    if (strcmp(store.why, app->degraded_why) != 0)
        say_status(app, store.why);
    bn_text_clip(app->degraded_why, sizeof app->degraded_why, bn_str(store.why));
    figures->degraded_why = app->degraded_why;
}

static bool start_sources(struct app *app, struct bn_err *err)
{
    struct bn_self_config self = {.tell = tell,
            .tell_user = &app->hub,
            .fill = fill_figures,
            .fill_user = app};
    bn_lines_start(&app->hub);
    return bn_host_source_start(app->loop, tell, &app->hub, "", &app->host, err) &&
           bn_self_source_start(app->loop, &self, &app->self, err);
}

/* Who was promised an answer gets it, when the store is well; then nobody waits any more, so that
   nothing reaches for the web once it is gone. */
static void settle(struct app *app)
{
    const int64_t until_mono_ms = app->clock.mono_ms + SETTLE_MS;
    while (bn_hub_is_asked(&app->hub) && app->clock.mono_ms < until_mono_ms)
        bn_loop_round(app->loop, 20, turn, app);
    bn_worker_destroy(app->query_worker);
    bn_worker_destroy(app->hash_worker);
    app->query_worker = app->hash_worker = NULL;
    bn_hub_close_series(&app->hub);
    bn_hub_turn(&app->hub);
    bn_hub_abandon(&app->hub);
}

static void take_down(struct app *app)
{
    bn_lines_stop();
    bn_self_source_stop(app->self);
    bn_host_source_stop(app->host);
    bn_timer_destroy(app->drain);
    bn_timer_destroy(app->pulse);
    if (app->port)
        bn_setup_end(&app->config);
    if (app->web)
        settle(app);
    bn_worker_destroy(app->query_worker);
    bn_worker_destroy(app->hash_worker);
    bn_outside_close(&app->outside);
    bn_web_destroy(app->web);
    bn_store_close(app->store);
    bn_sessions_destroy(app->sessions);
    if (app->has_hub)
        bn_hub_finish(&app->hub);
    bn_tls_config_unref(app->tls);
    bn_loop_destroy(app->loop);
    bn_notify_close(&app->notify);
}

static bool has_admin(struct app *app)
{
    bn_table_each(row, &bn_live_find(&app->hub.live, BN_TENANT_DEFAULT)->tables[BN_KIND_USER])
    {
        const struct bn_user *user = (const void *)row->record;
        if (user->role == BN_ROLE_ADMIN && user->disabled != 1)
            return true;
    }
    return false;
}

/* The first three lines an operator sees. While nobody is an owner yet, they lead to the set-up
 * page. */
static bool greet(struct app *app, struct bn_err *err)
{
    const struct bn_config *config = &app->config;
    char url[BN_URL_SIZE];
    if (!bn_setup_begin(config, app->port, has_admin(app), url, err))
        return false;
    const bool is_new = url[0] != 0;
    if (!is_new)
        bn_config_url(config, app->port, url, sizeof url);
    printf("Binnacle " BN_VERSION " is running.\nOpen   %s%s\n", url, is_new ? "" : "/");
    if (is_new)
        printf("The code works once. New code: binnacle setup-url --reset --data %s\n",
                config->data);
    fflush(stdout);
    return true;
}

int bn_serve(const struct bn_config *config)
{
    struct app app = {.config = *config, .outside.key.fd = -1};
    struct bn_err err;
    char status[BN_ERR_TEXT_MAX + 8];
    prepare_process();
    bn_log_set_level((enum bn_level)config->log_level);
    bn_log_set_format((enum bn_log_format)config->log_format);
    if (!bn_notify_open(&app.notify, &err))
        bn_log(BN_WARN, "notify.open", BN_KV("text", err.text));
    if (!build(&app, &err) || !start_sources(&app, &err) || !greet(&app, &err)) {
        fprintf(stderr, "binnacle: %s\n", err.text);
        snprintf(status, sizeof status, "STATUS=%s", err.text);
        bn_notify_say(&app.notify, status);
        take_down(&app);
        return 1;
    }
    say_ready(&app);
    bn_loop_run(app.loop, turn, &app);
    take_down(&app);
    return 0;
}
