/*
 * live_lab: a server of loop, hub, sessions and web with a synthetic source, for benches and for
 * the checks of the live protocol.
 *
 *   live_lab [--port 0] [--hz H] [--rows R] [--bytes B] [--events-hz E] [--max-listeners N]
 *            [--chaos] [--seed N] [--warm TURNS]
 *
 * Prints `port N`, `key bnk_…` (of an administrator, may everything) and `reader bnk_…` (may read).
 * Each tick changes R rows of meter.host so that its delta has about B bytes; with --chaos rows of
 * every section come, change and go at random instead. GET /lab/source takes the same words while
 * it runs, and ticks=N for so many ticks in this turn; GET /lab/role?role=viewer changes what the
 * owner of the first key may do. --warm lets turns pass before anybody can listen, so that the
 * memories of the past are full. SIGTERM ends it.
 */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/secret.h"

#include "flags.h"
#include "web/server.h"
#include "wire/deflate.h"

#define ROWS_MAX    128
#define COMMAND_MAX 150 /* of the 159 bytes a command may have */
#define HEAD_BYTES  44  /* {"t":"d","k":1,"s":123456,"p":{"procs":{…}}}\n */
#define ROW_BYTES   36  /* "p0001.1":{"command":"…"}, and what stands before the dots */
#define EVENT_MAX   500 /* of the 511 bytes the text of a line may have */
#define CHAOS_KEYS  24
#define DRAIN_MS    1000

struct lab {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_hub hub;
    struct bn_sessions *sessions;
    struct bn_web *web;
    struct bn_timer *source;
    struct bn_timer *talk;
    struct bn_timer *stop;
    int64_t hz;
    int64_t rows;
    int64_t bytes;
    int64_t events_hz;
    int64_t event_bytes;
    bool chaos;
    uint64_t tick;
    uint64_t lines;
    uint64_t random;
};

/* --- the source ------------------------------------------------------------------------------- */

static uint32_t next_random(struct lab *lab)
{
    lab->random = lab->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(lab->random >> 33);
}

/* A delta of the wanted length: each row's command is when this was (milliseconds), a number, dots.
 */
static void change_rows(struct lab *lab)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_PROC, BN_TENANT_DEFAULT);
    int64_t dots = (lab->bytes - HEAD_BYTES) / BN_MAX(lab->rows, 1) - ROW_BYTES;
    dots = BN_MIN(BN_MAX(dots, 0), COMMAND_MAX - 20);
    for (int64_t i = 0; i < lab->rows; i++) {
        struct bn_proc *proc = &fact.u.proc;
        snprintf(proc->id, sizeof proc->id, "p%04lld.1", (long long)i);
        proc->pid = i + 1;
        int n = snprintf(proc->command, sizeof proc->command, "%06lld %04llu",
                (long long)(lab->clock.mono_ms % 1000000), (unsigned long long)(lab->tick % 10000));
        memset(proc->command + n, '.', (size_t)dots);
        proc->command[n + dots] = 0;
        bn_hub_tell(&lab->hub, &fact);
    }
}

static double any_percent(struct lab *lab)
{
    return next_random(lab) % 5 ? (double)(next_random(lab) % 1000) / 10 : NAN;
}

static void chaos_row(struct lab *lab)
{
    static const enum bn_kind kinds[] = {BN_KIND_CORE, BN_KIND_MOUNT, BN_KIND_DISK, BN_KIND_NIC,
            BN_KIND_PROC};
    struct bn_fact fact;
    enum bn_kind kind = kinds[next_random(lab) % COUNT(kinds)];
    bn_fact_init(&fact, kind, BN_TENANT_DEFAULT);
    char *id = (char *)&fact.u; /* the key stands first in each of them */
    snprintf(id, sizeof fact.u.core.id, "k%u", (unsigned)(next_random(lab) % CHAOS_KEYS));
    if (next_random(lab) % 4 == 0)
        fact.op = BN_GONE;
    switch (kind) {
    case BN_KIND_CORE: fact.u.core.busy_pct = any_percent(lab); break;
    case BN_KIND_MOUNT: fact.u.mount.used_pct = any_percent(lab); break;
    case BN_KIND_DISK: fact.u.disk.busy_pct = any_percent(lab); break;
    case BN_KIND_NIC: fact.u.nic.rx_bps = any_percent(lab); break;
    default:
        fact.u.proc.pid = 1 + next_random(lab) % 1000;
        fact.u.proc.cpu_pct = any_percent(lab);
        snprintf(fact.u.proc.command, sizeof fact.u.proc.command, "%s \"%u\" \xc3\xa9",
                "every\tsort of text", (unsigned)next_random(lab));
    }
    bn_hub_tell(&lab->hub, &fact);
}

static void chaos_root(struct lab *lab)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_HOST, BN_TENANT_DEFAULT);
    snprintf(fact.u.host.id, sizeof fact.u.host.id, "local");
    fact.u.host.load1 = any_percent(lab);
    fact.u.host.load5 = any_percent(lab);
    bn_hub_tell(&lab->hub, &fact);
    bn_fact_init(&fact, BN_KIND_SELF, BN_TENANT_DEFAULT);
    snprintf(fact.u.self.id, sizeof fact.u.self.id, "local");
    fact.u.self.facts_ps = any_percent(lab);
    fact.u.self.conflated = (int64_t)lab->hub.topics.conflated;
    bn_hub_tell(&lab->hub, &fact);
}

static void source_tick(void *user)
{
    struct lab *lab = user;
    lab->tick++;
    if (!lab->chaos) {
        change_rows(lab);
        return;
    }
    for (int64_t i = next_random(lab) % (lab->rows + 1); i >= 0; i--)
        chaos_row(lab);
    chaos_root(lab);
}

static void talk_tick(void *user)
{
    struct lab *lab = user;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, BN_TENANT_DEFAULT);
    struct bn_line *line = &fact.u.line;
    snprintf(line->id, sizeof line->id, "%llu", (unsigned long long)++lab->lines);
    snprintf(line->level, sizeof line->level, "info");
    snprintf(line->event, sizeof line->event, "lab.line");
    int n = snprintf(line->text, sizeof line->text, "n=%llu ", (unsigned long long)lab->lines);
    if (lab->event_bytes > n)
        memset(line->text + n, '.', (size_t)(lab->event_bytes - n));
    line->at = lab->clock.now_ms;
    bn_hub_tell(&lab->hub, &fact);
}

static void set_pace(struct bn_timer *timer, int64_t hz)
{
    if (hz == 0)
        bn_timer_stop(timer);
    else
        bn_timer_start(timer, BN_MAX(1000 / hz, 1), BN_MAX(1000 / hz, 1));
}

/* --- its controls ----------------------------------------------------------------------------- */

static struct lab *the_lab; /* handlers get a request and nothing of ours */

static void read_number(const struct bn_request *req, const char *name, int64_t max, int64_t *value)
{
    struct bn_str text = bn_query(req, name, NULL);
    if (text.p && !bn_parse_i64(text, 0, max, value))
        fprintf(stderr, "live_lab: %s must be 0..%lld\n", name, (long long)max);
}

static void put_source(struct bn_request *req)
{
    struct lab *lab = the_lab;
    int64_t chaos = lab->chaos;
    int64_t ticks = 0;
    read_number(req, "hz", 1000, &lab->hz);
    read_number(req, "rows", ROWS_MAX, &lab->rows);
    read_number(req, "bytes", 1 << 20, &lab->bytes);
    read_number(req, "events_hz", 1000, &lab->events_hz);
    read_number(req, "event_bytes", EVENT_MAX, &lab->event_bytes);
    read_number(req, "chaos", 1, &chaos);
    read_number(req, "ticks", 1000, &ticks);
    lab->chaos = chaos;
    for (; ticks > 0; ticks--)
        source_tick(lab);
    set_pace(lab->source, lab->hz);
    set_pace(lab->talk, lab->events_hz);
    bn_reply(req, 200, "text/plain", BN_STR("ok\n"));
}

static void tell_user(struct lab *lab, const char *name, enum bn_role role)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    snprintf(fact.u.user.id, sizeof fact.u.user.id, "%s", name);
    snprintf(fact.u.user.name, sizeof fact.u.user.name, "%s", name);
    fact.u.user.role = role;
    bn_hub_tell(&lab->hub, &fact);
}

static void put_role(struct bn_request *req)
{
    bool is_admin = bn_str_is(bn_query(req, "role", "admin"), "admin");
    tell_user(the_lab, "ada", is_admin ? BN_ROLE_ADMIN : BN_ROLE_VIEWER);
    bn_reply(req, 200, "text/plain", BN_STR("ok\n"));
}

static const struct bn_route lab_routes[] = {
        {"GET", "/lab/source", BN_RIGHT_READ, put_source, 0, "", NULL, NULL, NULL, NULL, NULL,
                false},
        {"GET", "/lab/role", BN_RIGHT_READ, put_role, 0, "", NULL, NULL, NULL, NULL, NULL, false},
};

/* --- life ------------------------------------------------------------------------------------- */

/* A key as `binnacle key add` makes it: only the hash is known to the server. */
static void add_key(struct lab *lab, const char *word, const char *scopes, const char *owner)
{
    char secret[33];
    char text[80];
    uint8_t hash[BN_HASH_SIZE];
    bn_random_code(secret, sizeof secret - 1);
    snprintf(text, sizeof text, "bnk_%s_%s", word, secret);
    bn_sha256(text, strlen(text), hash);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    struct bn_key *key = &fact.u.key;
    snprintf(key->id, sizeof key->id, "%s", word);
    snprintf(key->name, sizeof key->name, "%s", word);
    snprintf(key->scopes, sizeof key->scopes, "%s", scopes);
    bn_b64url_encode(hash, sizeof hash, key->hash);
    snprintf(key->user_id, sizeof key->user_id, "%s", owner);
    key->created_at = lab->clock.now_ms;
    bn_hub_tell(&lab->hub, &fact);
    printf("%s %s\n", word, text);
}

static bool turn(void *user)
{
    struct lab *lab = user;
    bool more = bn_hub_turn(&lab->hub);
    bn_web_flush(lab->web);
    if (lab->stop && bn_web_is_empty(lab->web))
        bn_loop_stop(lab->loop);
    return more;
}

static void stop_now(void *user)
{
    bn_loop_stop(((struct lab *)user)->loop);
}

static void ask_to_stop(void *user)
{
    struct lab *lab = user;
    if (lab->stop)
        return;
    bn_web_drain(lab->web, 0);
    lab->stop = bn_timer_create(lab->loop, stop_now, lab);
    bn_timer_start(lab->stop, DRAIN_MS, 0);
}

static bool open_lab(struct lab *lab, char **argv, int *out_port, struct bn_err *err)
{
    struct rlimit files = {.rlim_cur = 0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (!bn_secret_start(err) || !bn_loop_create(&lab->loop, &lab->clock, err))
        return false;
    bn_hub_init(&lab->hub, &lab->clock, NULL, bn_loop_wake, lab->loop);
    lab->sessions = bn_sessions_create(&lab->hub);
    struct bn_web_config config = {.loop = lab->loop,
            .hub = &lab->hub,
            .clock = &lab->clock,
            .sessions = lab->sessions,
            .listeners_max = flag_number(argv, "--max-listeners", BN_LISTENERS_DEFAULT),
            .connections_max = (int64_t)files.rlim_cur - BN_FD_RESERVE};
    lab->web = bn_web_create(&config);
    bn_web_add_routes(lab->web, lab_routes, COUNT(lab_routes));
    lab->source = bn_timer_create(lab->loop, source_tick, lab);
    lab->talk = bn_timer_create(lab->loop, talk_tick, lab);
    return bn_web_listen(lab->web, "127.0.0.1", (int)flag_number(argv, "--port", 0), NULL, out_port,
            err);
}

static void close_lab(struct lab *lab)
{
    bn_web_destroy(lab->web);
    bn_timer_destroy(lab->source);
    bn_timer_destroy(lab->talk);
    bn_timer_destroy(lab->stop);
    bn_hub_finish(&lab->hub);
    bn_sessions_destroy(lab->sessions);
    bn_loop_destroy(lab->loop);
    bn_deflate_finish_thread();
}

int main(int argc, char **argv)
{
    (void)argc;
    static struct lab lab;
    struct bn_err err;
    int port;
    lab.rows = BN_MIN(flag_number(argv, "--rows", 4), ROWS_MAX);
    lab.bytes = flag_number(argv, "--bytes", 512);
    lab.hz = flag_number(argv, "--hz", 0);
    lab.events_hz = flag_number(argv, "--events-hz", 0);
    lab.chaos = flag_is_set(argv, "--chaos");
    lab.random = (uint64_t)flag_number(argv, "--seed", 1);
    the_lab = &lab;
    if (!open_lab(&lab, argv, &port, &err)) {
        fprintf(stderr, "live_lab: %s\n", err.text);
        return 1;
    }
    printf("port %d\n", port);
    tell_user(&lab, "bob", BN_ROLE_ADMIN); /* the last administrator could not become less */
    tell_user(&lab, "ada", BN_ROLE_ADMIN);
    add_key(&lab, "key", "all", "ada");
    add_key(&lab, "reader", "read", "");
    fflush(stdout);
    for (int64_t i = flag_number(argv, "--warm", 1); i > 0;
            i--) { /* 1: there is something to hear */
        source_tick(&lab);
        bn_hub_turn(&lab.hub);
    }
    set_pace(lab.source, lab.hz);
    set_pace(lab.talk, lab.events_hz);
    bn_loop_on_signal(lab.loop, SIGTERM, ask_to_stop, &lab);
    bn_loop_on_signal(lab.loop, SIGINT, ask_to_stop, &lab);
    bn_loop_run(lab.loop, turn, &lab);
    close_lab(&lab);
    return 0;
}
