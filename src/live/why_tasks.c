#include <stdio.h>
#include <string.h>
#include <time.h>

#include "live/why_private.h"

#define AFTER_MS     60000 /* a host is busy a little longer than its task */
#define EPISODES_MIN 3
#define IN_SHARE     0.6 /* of the failures begin in such a task ... */
#define DAY_SHARE    0.5 /* ... and they run at most so much of the time that was looked at */
#define CHANCE_MAX   1e-4
#define LOOKED_MIN   5 /* checks while one ran, before it is said that it is not that */

/* Tasks that keep a host busy, or its service away. Others last a moment, or wait for a person. */
static const struct heavy {
    const char *types[4];
    const char *kind;
    const char *what;
    const char *verdict;
} heavies[] = {
        {{"vzdump"}, "backup", "a backup", "likely backup load"},
        {{"qmrestore", "vzrestore"}, "task", "a restore", "likely the load of restores"},
        {{"qmigrate", "vzmigrate", "hamigrate"}, "task", "a migration",
                "likely the load of migrations"},
        {{"imgcopy", "qmmove", "move_volume", "imgdel"}, "task", "a disk being moved",
                "likely the load of its storage"},
        {{"qmclone", "vzclone"}, "task", "a clone", "likely the load of clones"},
        {{"srvreload", "srvrestart"}, "task", "a restart of a service", "likely that restart"},
};

#define HEAVIES   6.0 /* so often chance has its chance */
#define SPANS_MAX 64
_Static_assert(COUNT(heavies) == (size_t)HEAVIES, "as many as are tried");

struct spans {
    const struct bn_why_task *tasks[SPANS_MAX];
    size_t count;
    size_t hits;                    /* episodes that began in one */
    size_t exposed;                 /* attempts in one at which an episode could have begun */
    size_t begins;                  /* episodes */
    size_t attempts;                /* at which one could have begun */
    size_t struck;                  /* tasks in which one began */
    const struct bn_why_task *last; /* ... the newest of them */
};

static bool is_type(const struct heavy *heavy, const char *type)
{
    for (size_t i = 0; i < COUNT(heavy->types) && heavy->types[i]; i++)
        if (strcmp(heavy->types[i], type) == 0)
            return true;
    return false;
}

bool bn_why_is_heavy(const char *type)
{
    for (size_t i = 0; i < COUNT(heavies); i++)
        if (is_type(&heavies[i], type))
            return true;
    return false;
}

static bool covers(const struct bn_why_task *task, int64_t at)
{
    return at >= task->from_ms && at <= task->to_ms + AFTER_MS;
}

static const struct bn_why_task *covering(const struct spans *spans, int64_t at)
{
    const struct bn_why_task *found = NULL;
    for (size_t i = 0; i < spans->count; i++)
        if (covers(spans->tasks[i], at) && (!found || spans->tasks[i]->from_ms > found->from_ms))
            found = spans->tasks[i];
    return found;
}

static bool is_struck(const struct bn_why_work *work, const struct bn_why_task *task)
{
    for (size_t i = 0; i < work->episode_count; i++)
        if (covers(task, work->episodes[i].from_ms))
            return true;
    return false;
}

static void count_spans(const struct bn_why_work *work, const struct heavy *heavy,
        struct spans *out)
{
    const struct bn_why_ask *ask = work->ask;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ask->task_count && out->count < SPANS_MAX; i++)
        if (is_type(heavy, ask->tasks[i].type))
            out->tasks[out->count++] = &ask->tasks[i];
    for (size_t i = 0; i < ask->check_count && out->count > 0; i++) {
        if (i > 0 && bn_check_failed(&ask->checks[i - 1]))
            continue;
        const struct bn_why_task *in = covering(out, ask->checks[i].at);
        const bool fails = bn_check_failed(&ask->checks[i]);
        out->attempts++;
        out->begins += fails;
        out->exposed += in != NULL;
        out->hits += in && fails;
    }
    for (size_t i = 0; i < out->count; i++) {
        if (!is_struck(work, out->tasks[i]))
            continue;
        out->struck++;
        if (!out->last || out->tasks[i]->from_ms > out->last->from_ms)
            out->last = out->tasks[i];
    }
}

static bool is_overlap(const struct spans *spans)
{
    return spans->last && spans->hits >= EPISODES_MIN &&
           (double)spans->hits >= IN_SHARE * (double)spans->begins &&
           (double)spans->exposed <= DAY_SHARE * (double)spans->attempts &&
           bn_hypergeometric_tail(spans->hits, spans->exposed, spans->begins, spans->attempts) *
                           HEAVIES <
                   CHANCE_MAX;
}

/* "02:00 to 03:10": of UTC, for a sentence knows no place; the page says its own. */
static void say_span(const struct bn_why_task *task, char *out, size_t size)
{
    const time_t from_s = (time_t)(task->from_ms / 1000);
    const time_t to_s = (time_t)(task->to_ms / 1000);
    struct tm from;
    struct tm to;
    gmtime_r(&from_s, &from);
    gmtime_r(&to_s, &to);
    snprintf(out, size, "%s on %s, %02d:%02d to %02d:%02d UTC%s", task->type, task->node,
            from.tm_hour, from.tm_min, to.tm_hour, to.tm_min,
            task->is_running ? " and still running" : "");
}

static void say(const struct heavy *heavy, const struct spans *spans,
        struct bn_why_finding *finding)
{
    char span[160];
    say_span(spans->last, span, sizeof span);
    snprintf(finding->title, sizeof finding->title, "It fails while %s runs: %zu of %zu failures",
            heavy->what, spans->hits, spans->begins);
    snprintf(finding->evidence, sizeof finding->evidence,
            "%zu such task%s in the day, failures in %zu of them, last %s; they ran during %.0f %% of"
            " the checks",
            spans->count, spans->count == 1 ? "" : "s", spans->struck, span,
            100.0 * (double)spans->exposed / (double)spans->attempts);
    snprintf(finding->verdict, sizeof finding->verdict, "%s", heavy->verdict);
    finding->task = spans->last;
}

void bn_why_tasks(struct bn_why_work *work)
{
    struct spans spans;
    for (size_t i = 0; !work->is_blip && i < COUNT(heavies); i++) {
        count_spans(work, &heavies[i], &spans);
        if (!is_overlap(&spans))
            continue;
        /* In one task it may still be chance that both were then. */
        const double share = (double)spans.hits / (double)spans.begins;
        struct bn_why_finding *finding = bn_why_find(work, heavies[i].kind,
                (spans.struck > 1 ? 0.72 : 0.55) + 0.25 * share, true);
        if (finding)
            say(&heavies[i], &spans, finding);
    }
}

bool bn_why_is_no_backup(const struct bn_why_work *work, char *out, size_t size)
{
    struct spans spans;
    count_spans(work, &heavies[0], &spans);
    if (spans.hits > 0 || spans.exposed < LOOKED_MIN)
        return false;
    snprintf(out, size, "Not a backup: it did not begin to fail in %s that ran",
            spans.count == 1 ? "the one" : "any of those");
    return true;
}
