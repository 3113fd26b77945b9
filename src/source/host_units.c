#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "io/probe.h"
#include "source/host_parts.h"
#include "wire/scan.h"

_Static_assert(sizeof((struct bn_unit *)0)->name == BN_UNIT_NAME_MAX, "a whole name is told");
_Static_assert(sizeof((struct bn_unit *)0)->description ==
                       sizeof((struct bn_failed_unit *)0)->description,
        "clipped once");

/* Asked, not listened to: with Manager.Subscribe the manager tells every change of every unit,
   which a machine full of timers and containers has by the hundred each second, and a copy of its
   list would have to be kept in step. One question costs the same on every machine with as many
   units. */
#define NS_PER_MS    (BN_SECOND_NS / 1000)
#define EVERY_NS     (BN_UNITS_EVERY_MS * NS_PER_MS)
#define RARELY_NS    (BN_UNITS_RARELY_MS * NS_PER_MS)
#define ANSWER_SHARE 200 /* of the time somebody is busy answering, at most one part */
#define HANGS_NS \
    ((BN_UNITS_DEADLINE_MS + 1000) * NS_PER_MS) /* the thread itself keeps no deadline */

static const struct bn_units_limits limits = {.units_max = BN_UNITS_MAX,
        .failed_max = BN_UNITS_TOLD,
        .deadline_ms = BN_UNITS_DEADLINE_MS};

/* What the thread holds. */
struct job {
    bn_units_read_fn read;
    char *address;
    bool is_read;
    struct bn_units units;
    struct bn_failed_unit failed[BN_UNITS_TOLD];
    struct bn_err err;
    int64_t took_ns;
};

struct bn_host_units {
    struct bn_probe *probe; /* from the first question on */
    bool is_asked;
    int64_t asked_ns;
    int64_t next_ns;
    int64_t wait_ns; /* after a failure, doubled by the next */
    struct bn_host_rows rows;
};

struct bn_host_units *bn_host_units_create(void)
{
    struct bn_host_units *units = bn_alloc(sizeof *units);
    bn_host_rows_init(&units->rows, sizeof(struct bn_host_row), BN_ID_MAX, BN_UNITS_TOLD);
    units->wait_ns = EVERY_NS;
    return units;
}

void bn_host_units_destroy(struct bn_host_units *units)
{
    bn_probe_destroy(units->probe);
    bn_host_rows_finish(&units->rows);
    free(units);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void work(void *user)
{
    struct job *job = user;
    int64_t from_ns = bn_clock_mono_ns();
    job->units.failed = job->failed;
    job->is_read = job->read(job->address, &limits, &job->units, &job->err);
    job->took_ns = bn_clock_mono_ns() - from_ns;
}

static void free_job(void *user)
{
    struct job *job = user;
    free(job->address);
    free(job);
}

static const struct bn_probe_ops ops = {.work = work, .free = free_job};

static bool start(struct bn_host_units *units, struct bn_host_sampler *s, struct bn_err *err)
{
    struct job *job = bn_alloc(sizeof *job);
    job->read = s->world.units_read;
    job->address = bn_strdup(bn_units_address());
    if (bn_probe_create("the units of systemd", &ops, job, &units->probe, err))
        return true;
    free_job(job);
    return false;
}

/* --- what is told ----------------------------------------------------------------------------- */

static void tell_gone(void *user, void *row)
{
    bn_host_tell_gone(user, BN_KIND_UNIT, ((struct bn_host_row *)row)->id);
}

static void tell_failed(struct bn_host_units *units, struct bn_host_sampler *s,
        const struct bn_failed_unit *failed)
{
    bool is_new;
    if (!failed->name[0])
        return;
    const struct bn_host_row *row = bn_host_rows_get(&units->rows, bn_str(failed->name), &is_new);
    if (!row)
        return;
    struct bn_unit *out = &bn_host_fact(s, BN_KIND_UNIT, row->id)->unit;
    bn_scan_label(out->name, sizeof out->name, bn_str(failed->name));
    bn_scan_label(out->description, sizeof out->description, bn_str(failed->description));
    bn_scan_label(out->sub_state, sizeof out->sub_state, bn_str(failed->sub_state));
    out->failed_at = failed->failed_ms;
    bn_host_tell(s);
}

/* First those that are gone, so that there is room for those that are new. */
static void tell_rows(struct bn_host_units *units, struct bn_host_sampler *s,
        const struct bn_units *answer)
{
    bool is_new;
    bn_host_rows_begin(&units->rows);
    for (size_t i = 0; i < answer->failed_count; i++) {
        struct bn_str name = bn_str(answer->failed[i].name);
        if (bn_host_rows_find(&units->rows, name))
            bn_host_rows_get(&units->rows, name, &is_new);
    }
    bn_host_rows_end(&units->rows, tell_gone, s);
    for (size_t i = 0; i < answer->failed_count; i++)
        tell_failed(units, s, &answer->failed[i]);
}

static void note(struct bn_host_units *units, struct bn_host_sampler *s,
        const struct bn_units *answer)
{
    struct bn_host *host = &s->host;
    host->units_ok = bn_gauge(answer->counts[BN_UNIT_OK]);
    host->units_failed = bn_gauge(answer->counts[BN_UNIT_FAILED]);
    host->units_changing = bn_gauge(answer->counts[BN_UNIT_CHANGING]);
    host->units_inactive = bn_gauge(answer->counts[BN_UNIT_INACTIVE]);
    host->units_why[0] = 0;
    tell_rows(units, s, answer);
}

static void forget(struct bn_host_units *units, struct bn_host_sampler *s, const char *why)
{
    struct bn_host *host = &s->host;
    host->units_ok = host->units_failed = BN_UNKNOWN;
    host->units_changing = host->units_inactive = BN_UNKNOWN;
    bn_scan_label(host->units_why, sizeof host->units_why, bn_str(why));
    bn_host_rows_begin(&units->rows);
    bn_host_rows_end(&units->rows, tell_gone, s);
}

/* --- when it is asked ------------------------------------------------------------------------- */

static void fail(struct bn_host_units *units, struct bn_host_sampler *s, const char *why)
{
    forget(units, s, why);
    units->next_ns = units->asked_ns + units->wait_ns;
    units->wait_ns = BN_MIN(units->wait_ns * 2, RARELY_NS);
}

static void hear(struct bn_host_units *units, struct bn_host_sampler *s)
{
    const struct job *job = bn_probe_take(units->probe);
    if (!job) {
        if (s->at.mono_ns - units->asked_ns > HANGS_NS)
            forget(units, s, "the thread that asks systemd hangs");
        return;
    }
    units->is_asked = false;
    if (!job->is_read) {
        fail(units, s, job->err.text);
        return;
    }
    units->wait_ns = EVERY_NS;
    units->next_ns = units->asked_ns +
                     bn_host_pace(job->took_ns, EVERY_NS, ANSWER_SHARE, RARELY_NS);
    note(units, s, &job->units);
}

void bn_host_units_sample(struct bn_host_units *units, struct bn_host_sampler *s)
{
    struct bn_err err;
    if (!s->world.units_read)
        return;
    if (units->is_asked)
        hear(units, s);
    if (units->is_asked || s->at.mono_ns < units->next_ns - BN_SECOND_NS / 2)
        return;
    units->asked_ns = s->at.mono_ns;
    if (!units->probe && !start(units, s, &err)) {
        fail(units, s, err.text);
        return;
    }
    bn_probe_ask(units->probe);
    units->is_asked = true;
}
