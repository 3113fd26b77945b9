#include "live/why.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/infra.h"
#include "live/why_private.h"

#define STEP_MS      300000  /* of the strip */
#define QUIET_MS     900000  /* without an attempt for so long nobody knows how it was */
#define BLIPS        2       /* episodes ... */
#define BLIP_MS      600000  /* ... of at most so long together ... */
#define BLIP_OVER_MS 1200000 /* ... the last of them so long ago */
#define RECENT       20      /* failures whose phases are shown */
#define SLOW_FACTOR  3.0
#define SLOW_MS      50.0

const char *bn_why_state_word(enum bn_why_state state)
{
    static const char *const words[] = {"ok", "failing", "flapping", "early"};
    return words[state];
}

bool bn_check_failed(const struct bn_check *check)
{
    return check->success != 1;
}

/* --- figures --------------------------------------------------------------------------------- */

static void note_times(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    double *ms = bn_alloc_array(ask->check_count + 1, sizeof *ms);
    size_t n = 0;
    for (size_t i = 0; i < ask->check_count; i++)
        if (!bn_check_failed(&ask->checks[i]) && ask->checks[i].response_time_ms != BN_UNKNOWN)
            ms[n++] = (double)ask->checks[i].response_time_ms;
    work->typical_ms = work->out->median_ms = bn_median(ms, n);
    work->out->p95_ms = bn_rank(ms, n, 95);
    n = 0;
    for (size_t i = 1; i < ask->check_count; i++)
        ms[n++] = (double)(ask->checks[i].at - ask->checks[i - 1].at);
    work->every_ms = n > 0 ? (int64_t)bn_median(ms, n) : 0;
    free(ms);
}

static void note_counts(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    struct bn_why *out = work->out;
    out->attempts = ask->check_count;
    for (size_t i = 0; i < ask->check_count; i++) {
        const bool fails = bn_check_failed(&ask->checks[i]);
        out->failures += fails;
        out->changes += i > 0 && fails != bn_check_failed(&ask->checks[i - 1]) &&
                        ask->checks[i].at > ask->now_ms - 3600000;
    }
    out->success_rate_pct = ask->check_count == 0
                                    ? NAN
                                    : 100.0 * (double)(out->attempts - out->failures) /
                                              (double)out->attempts;
}

static void add_episode(struct bn_why_work *work, size_t first, size_t last)
{
    const struct bn_check *checks = work->ask->checks;
    if (work->episode_count == BN_WHY_EPISODES_MAX) {
        memmove(work->episodes, work->episodes + 1,
                (BN_WHY_EPISODES_MAX - 1) * sizeof *work->episodes);
        work->episode_count--;
    }
    work->episodes[work->episode_count++] = (struct bn_episode){first, last, checks[first].at,
            checks[last].at};
}

static void note_episodes(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    for (size_t i = 0; i < ask->check_count; i++) {
        size_t last = i;
        if (!bn_check_failed(&ask->checks[i]))
            continue;
        while (last + 1 < ask->check_count && bn_check_failed(&ask->checks[last + 1]))
            last++;
        add_episode(work, i, last);
        i = last;
    }
}

/* --- state ----------------------------------------------------------------------------------- */

/* When it began to flap, as live/attempts says it. */
static int64_t flapping_since(const struct bn_why_ask *ask)
{
    struct bn_attempts attempts;
    int64_t since = 0;
    bn_attempts_init(&attempts);
    attempts.fail_after = (uint16_t)bn_server_fail_after(ask->server);
    for (size_t i = 0; i < ask->check_count; i++) {
        const struct bn_check *check = &ask->checks[i];
        const bool was = attempts.is_flapping;
        bn_attempts_add(&attempts, check->at, bn_check_failed(check) ? -1 : 1);
        if (attempts.is_flapping && !was)
            since = check->at;
    }
    return since || ask->check_count == 0 ? since : ask->checks[0].at;
}

static bool is_short(const struct bn_why_work *work)
{
    int64_t sum_ms = 0;
    for (size_t i = 0; i < work->episode_count; i++)
        sum_ms += work->episodes[i].to_ms - work->episodes[i].from_ms;
    return work->episode_count > 0 && work->episode_count <= BLIPS && sum_ms <= BLIP_MS;
}

static void note_state(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    struct bn_why *out = work->out;
    const size_t n = ask->check_count;
    const struct bn_episode *last = work->episode_count ? &work->episodes[work->episode_count - 1]
                                                        : NULL;
    const bool is_down = last && last->last + 1 == n;
    if (ask->server->is_flapping == 1) {
        out->state = BN_WHY_FLAPPING;
        out->since_ms = flapping_since(ask);
    } else if (is_down) {
        out->state = BN_WHY_FAILING;
        out->since_ms = last->from_ms;
    } else if (n > 0) {
        out->since_ms = last ? ask->checks[last->last + 1].at : ask->checks[0].at;
    }
    if (n < BN_FLAP_STATES)
        out->state = BN_WHY_EARLY;
    work->is_blip = last && out->state == BN_WHY_OK && is_short(work) &&
                    ask->now_ms - last->to_ms > BLIP_OVER_MS;
}

static void say_early(struct bn_why_work *work)
{
    struct bn_why *out = work->out;
    char when[BN_WORDS_SIZE];
    const int64_t every_ms = work->every_ms ? work->every_ms : BN_CHECK_EVERY_MS;
    bn_while_words(every_ms * (int64_t)(BN_FLAP_STATES - out->attempts), when);
    if (out->attempts == 0)
        snprintf(out->headline, sizeof out->headline,
                "No check in the last day yet; %d are needed (about %s)", BN_FLAP_STATES, when);
    else
        snprintf(out->headline, sizeof out->headline,
                "Only %zu check%s so far; %d are needed (about %s)", out->attempts,
                out->attempts == 1 ? "" : "s", BN_FLAP_STATES, when);
}

static void say_state(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    struct bn_why *out = work->out;
    char since[BN_WORDS_SIZE];
    bn_while_words(ask->now_ms - out->since_ms, since);
    if (out->state == BN_WHY_EARLY)
        say_early(work);
    else if (out->state == BN_WHY_FLAPPING)
        snprintf(out->headline, sizeof out->headline,
                "Flapping for %s: %zu changes in the last hour (score %.0f %%, limit %.0f %%)%s",
                since, out->changes, ask->server->flap_pct, BN_FLAP_ENTER_PCT,
                ask->server->flap_pct < BN_FLAP_ENTER_PCT ? "; calming down" : "");
    else if (out->state == BN_WHY_FAILING)
        snprintf(out->headline, sizeof out->headline, "Failing for %s: %.150s", since,
                ask->checks[ask->check_count - 1].error);
    else if (out->failures == 0)
        snprintf(out->headline, sizeof out->headline,
                "Fine: none of %zu checks failed in the last day", out->attempts);
    else
        snprintf(out->headline, sizeof out->headline,
                "Fine for %s; %zu of %zu checks failed in the last day", since, out->failures,
                out->attempts);
}

/* --- phases, errors, strip ------------------------------------------------------------------- */

static const char *const phase_names[4] = {"dns", "tcp", "tls", "wait"};

static double phase_of(const struct bn_check *check, size_t which)
{
    const double ms[4] = {check->dns_ms, check->tcp_ms, check->tls_ms, check->wait_ms};
    return ms[which];
}

/* How long it hung where it hung: what was left of its time. */
static double hung_ms(const struct bn_check *check, size_t which)
{
    static const char *const words[4] = {"dns", "tcp", "tls", "answer"};
    double left_ms = (double)check->timeout_used_ms;
    if (strcmp(check->error_class, "timeout") != 0 || check->timeout_used_ms == BN_UNKNOWN ||
            strcmp(check->error_phase, words[which]) != 0)
        return phase_of(check, which);
    for (size_t i = 0; i < which; i++)
        if (!isnan(phase_of(check, i)))
            left_ms -= phase_of(check, i);
    return BN_MAX(left_ms, 0);
}

static double median_phase(const struct bn_why_ask *ask, size_t which, bool fails, size_t most)
{
    double *ms = bn_alloc_array(BN_MIN(most, ask->check_count) + 1, sizeof *ms);
    size_t n = 0;
    size_t seen = 0;
    for (size_t i = ask->check_count; i > 0 && seen < most; i--) {
        const struct bn_check *check = &ask->checks[i - 1];
        if (bn_check_failed(check) != fails)
            continue;
        const double value = fails ? hung_ms(check, which) : phase_of(check, which);
        seen++;
        if (!isnan(value))
            ms[n++] = value;
    }
    const double median = bn_median(ms, n);
    free(ms);
    return median;
}

static void note_phases(struct bn_why_work *work)
{
    const bool fails = work->out->failures > 0 && work->out->state != BN_WHY_OK;
    for (size_t i = 0; i < COUNT(phase_names); i++) {
        struct bn_why_phase *phase = &work->out->phases[i];
        phase->name = phase_names[i];
        phase->ms = median_phase(work->ask, i, fails, fails ? RECENT : 5);
        phase->typical_ms = median_phase(work->ask, i, false, SIZE_MAX);
        phase->is_slow = phase->ms > SLOW_FACTOR * phase->typical_ms &&
                         phase->ms > phase->typical_ms + SLOW_MS;
    }
}

static int commonest_first(const void *a, const void *b)
{
    const struct bn_why_error *x = a;
    const struct bn_why_error *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : strcmp(x->error_class, y->error_class);
}

static void count_error(struct bn_why *out, const char *error_class)
{
    for (size_t i = 0; i < out->error_count; i++)
        if (strcmp(out->errors[i].error_class, error_class) == 0) {
            out->errors[i].count++;
            return;
        }
    if (out->error_count == BN_WHY_ERRORS_MAX)
        return;
    struct bn_why_error *error = &out->errors[out->error_count++];
    bn_text_clip(error->error_class, sizeof error->error_class, bn_str(error_class));
    error->count = 1;
}

static void note_errors(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    for (size_t i = ask->check_count; i > 0; i--)
        if (bn_check_failed(&ask->checks[i - 1]))
            count_error(work->out, ask->checks[i - 1].error_class);
    qsort(work->out->errors, work->out->error_count, sizeof *work->out->errors, commonest_first);
}

/* The attempts of five minutes. */
struct step {
    size_t ups;
    size_t downs;
    const struct bn_check *failure; /* the last */
    bool is_carried;                /* it is the last one before them */
};

static const char *state_of_step(const struct step *step)
{
    return step->ups && step->downs ? "mixed" : step->ups ? "up" : step->downs ? "down" : "unknown";
}

static bool goes_on(const struct bn_why_run *run, const struct bn_why_run *next)
{
    return strcmp(run->state, next->state) == 0 &&
           strcmp(run->error_class, next->error_class) == 0 &&
           strcmp(run->error_phase, next->error_phase) == 0;
}

static void add_run(struct bn_why *out, int64_t from_ms, int64_t to_ms, const struct step *step)
{
    struct bn_why_run next = {.from_ms = from_ms,
            .to_ms = to_ms,
            .state = state_of_step(step),
            .failures = step->is_carried ? 0 : step->downs};
    struct bn_why_run *last = out->run_count ? &out->strip[out->run_count - 1] : NULL;
    if (step->failure) {
        memcpy(next.error_class, step->failure->error_class, sizeof next.error_class);
        memcpy(next.error_phase, step->failure->error_phase, sizeof next.error_phase);
    }
    if (last && goes_on(last, &next)) {
        last->to_ms = to_ms;
        last->failures += next.failures;
    } else if (out->run_count < BN_WHY_RUNS_MAX) {
        out->strip[out->run_count++] = next;
    }
}

static void count_step(struct step *step, const struct bn_check *check)
{
    const bool fails = bn_check_failed(check);
    step->downs += fails;
    step->ups += !fails;
    if (fails)
        step->failure = check;
}

/* A step without an attempt of its own is as the last one was, unless that was long ago. */
static void note_strip(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    const int64_t begin_ms = ask->now_ms - BN_WHY_DAY_MS;
    const int64_t quiet_ms = BN_MAX(QUIET_MS, 3 * work->every_ms);
    size_t i = 0;
    while (i < ask->check_count && ask->checks[i].at < begin_ms)
        i++;
    for (int64_t at = begin_ms; at < ask->now_ms; at += STEP_MS) {
        const int64_t end_ms = BN_MIN(at + STEP_MS, ask->now_ms);
        struct step step = {0};
        for (; i < ask->check_count && (ask->checks[i].at < end_ms || end_ms == ask->now_ms); i++)
            count_step(&step, &ask->checks[i]);
        if (step.ups + step.downs == 0 && i > 0 && at - ask->checks[i - 1].at < quiet_ms) {
            count_step(&step, &ask->checks[i - 1]);
            step.is_carried = true;
        }
        add_run(work->out, at, end_ms, &step);
    }
}

/* --- findings -------------------------------------------------------------------------------- */

struct bn_why_finding *bn_why_find(struct bn_why_work *work, const char *kind, double confidence,
        bool is_cause)
{
    struct bn_why *out = work->out;
    if (out->finding_count == BN_WHY_FINDINGS_MAX)
        return NULL;
    struct bn_why_finding *finding = &out->findings[out->finding_count++];
    bn_text_clip(finding->kind, sizeof finding->kind, bn_str(kind));
    finding->confidence = fmin(fmax(confidence, 0), 1);
    finding->is_cause = is_cause && finding->confidence >= BN_WHY_CAUSE;
    return finding;
}

const struct bn_why_finding *bn_why_found(const struct bn_why_work *work, const char *kind)
{
    for (size_t i = 0; i < work->out->finding_count; i++)
        if (strcmp(work->out->findings[i].kind, kind) == 0)
            return &work->out->findings[i];
    return NULL;
}

static void find_blip(struct bn_why_work *work)
{
    const struct bn_episode *last = &work->episodes[work->episode_count - 1];
    char ago[BN_WORDS_SIZE];
    struct bn_why_finding *finding = bn_why_find(work, "blip", 0.8, false);
    if (!finding)
        return;
    bn_while_words(work->ask->now_ms - last->to_ms, ago);
    snprintf(finding->title, sizeof finding->title, "%s, %s ago, and it has been fine since",
            work->out->failures == 1 ? "One failure" : "A short failure", ago);
    snprintf(finding->evidence, sizeof finding->evidence, "%zu of %zu checks in the last day: %s",
            work->out->failures, work->out->attempts, work->ask->checks[last->last].error);
    snprintf(finding->verdict, sizeof finding->verdict, "nothing to do unless it comes back");
}

static void find_nothing(struct bn_why_work *work)
{
    struct bn_why_finding *finding = bn_why_find(work, "none", 0, false);
    if (!finding)
        return;
    snprintf(finding->title, sizeof finding->title, "No clear cause yet");
    snprintf(finding->evidence, sizeof finding->evidence,
            "%zu of %zu checks failed in %zu episodes, and no rule explains most of them",
            work->out->failures, work->out->attempts, work->episode_count);
    snprintf(finding->verdict, sizeof finding->verdict, "diagnose now, while it fails");
}

/* What describes the whole stands first, then the likeliest. */
static int likeliest_first(const void *a, const void *b)
{
    const struct bn_why_finding *x = a;
    const struct bn_why_finding *y = b;
    const bool x_none = strcmp(x->kind, "none") == 0;
    const bool y_none = strcmp(y->kind, "none") == 0;
    if (x_none != y_none)
        return x_none ? -1 : 1;
    return x->confidence != y->confidence
                   ? (x->confidence < y->confidence) - (x->confidence > y->confidence)
                   : strcmp(x->kind, y->kind);
}

static void find_causes(struct bn_why_work *work)
{
    struct bn_why *out = work->out;
    bool is_explained = work->is_blip;
    bn_why_company(work);
    if (work->is_blip)
        find_blip(work);
    bn_why_peers(work);
    bn_why_vpn(work);
    bn_why_address(work);
    bn_why_tasks(work);
    bn_why_change(work);
    bn_why_overload(work);
    bn_why_periodic(work);
    bn_why_by_class(work);
    for (size_t i = 0; i < out->finding_count; i++)
        is_explained |= out->findings[i].is_cause;
    if (!is_explained)
        find_nothing(work);
    qsort(out->findings, out->finding_count, sizeof *out->findings, likeliest_first);
}

void bn_why_judge(const struct bn_why_ask *ask, struct bn_why *out)
{
    struct bn_why_work *work = bn_alloc(sizeof *work);
    memset(out, 0, sizeof *out);
    memset(work, 0, sizeof *work);
    work->ask = ask;
    work->out = out;
    note_times(work);
    note_counts(work);
    note_episodes(work);
    note_state(work);
    note_phases(work);
    note_errors(work);
    note_strip(work);
    if (work->episode_count > 0) {
        find_causes(work);
        bn_why_exclude(work);
    }
    bn_why_advise(work);
    say_state(work);
    free(work);
}
