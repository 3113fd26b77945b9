#include <math.h>
#include <stdio.h>
#include <string.h>

#include "live/why_private.h"

#define MINUTE_MS       60000
#define BINS            60 /* of a period */
#define EPISODES_MIN    5
#define CYCLES_MIN      4
#define CYCLES_MAX      512
#define IN_WINDOW_SHARE 0.75
#define COVERAGE        0.6
#define CHANCE_MAX      1e-4

/* Every minute from 4 to 60, and some longer ones that timetables have. */
static const int long_periods_min[] = {90, 120, 180, 240, 360};
#define SHORT_MIN 4
#define SHORT_MAX 60
#define PERIODS   (SHORT_MAX - SHORT_MIN + 1 + (int)COUNT(long_periods_min))

/* Shares of a period a window may take, in bins. */
static const size_t widths[] = {3, 6, 12, 18, 24};

struct fit {
    int64_t period_ms;
    size_t from_bin;
    size_t width;
    size_t hits;    /* episodes in the window */
    size_t cycles;  /* with an attempt in the window */
    size_t covered; /* ... and a failure */
    double chance;
};

struct folded {
    size_t begins[BINS];    /* episodes that began there */
    size_t exposures[BINS]; /* attempts at which one could have begun */
    size_t begin_count;
    size_t exposure_count;
};

static size_t bin_of(int64_t at, int64_t period_ms)
{
    return (size_t)(at % period_ms * BINS / period_ms);
}

/* Episodes say where failures begin; how often they are retried meanwhile says nothing. */
static void fold(const struct bn_why_work *work, int64_t period_ms, struct folded *out)
{
    const struct bn_why_ask *ask = work->ask;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ask->check_count; i++) {
        if (i > 0 && bn_check_failed(&ask->checks[i - 1]))
            continue;
        const size_t bin = bin_of(ask->checks[i].at, period_ms);
        const bool fails = bn_check_failed(&ask->checks[i]);
        out->exposures[bin]++;
        out->exposure_count++;
        out->begins[bin] += fails;
        out->begin_count += fails;
    }
}

static size_t sum_bins(const size_t bins[BINS], size_t from, size_t width)
{
    size_t sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += bins[(from + i) % BINS];
    return sum;
}

/* The window of that width with most beginnings; of those the first with fewest exposures. */
static void best_window(const struct folded *folded, struct fit *fit)
{
    size_t hits = sum_bins(folded->begins, 0, fit->width);
    size_t exposures = sum_bins(folded->exposures, 0, fit->width);
    size_t fewest = SIZE_MAX;
    fit->hits = 0;
    for (size_t from = 0; from < BINS; from++) {
        if (hits > fit->hits || (hits == fit->hits && exposures < fewest)) {
            fit->hits = hits;
            fit->from_bin = from;
            fewest = exposures;
        }
        const size_t next = (from + fit->width) % BINS;
        hits = hits - folded->begins[from] + folded->begins[next];
        exposures = exposures - folded->exposures[from] + folded->exposures[next];
    }
    fit->chance = bn_hypergeometric_tail(fit->hits, fewest, folded->begin_count,
            folded->exposure_count);
}

static bool is_within(const struct fit *fit, int64_t at)
{
    return (bin_of(at, fit->period_ms) + BINS - fit->from_bin) % BINS < fit->width;
}

/* In how many rounds, of those in which it was looked at, did it fail in the window? */
static void count_cycles(const struct bn_why_work *work, struct fit *fit)
{
    const struct bn_why_ask *ask = work->ask;
    const int64_t shift_ms = (int64_t)fit->from_bin * fit->period_ms / BINS;
    const int64_t from_ms = work->episodes[0].from_ms - fit->period_ms / 2;
    const int64_t to_ms = work->episodes[work->episode_count - 1].to_ms + fit->period_ms / 2;
    int64_t cycle = -1;
    bool has_failed = false;
    fit->cycles = fit->covered = 0;
    for (size_t i = 0; i < ask->check_count; i++) {
        const int64_t at = ask->checks[i].at;
        if (at < from_ms || at > to_ms || !is_within(fit, at))
            continue;
        if ((at - shift_ms) / fit->period_ms != cycle) {
            cycle = (at - shift_ms) / fit->period_ms;
            fit->cycles++;
            has_failed = false;
        }
        if (bn_check_failed(&ask->checks[i]) && !has_failed) {
            has_failed = true;
            fit->covered++;
        }
    }
}

static bool is_regular(const struct bn_why_work *work, const struct folded *folded, struct fit *fit)
{
    const size_t tried = PERIODS * BINS * COUNT(widths);
    if ((double)fit->hits < IN_WINDOW_SHARE * (double)folded->begin_count ||
            fit->chance * (double)tried > CHANCE_MAX)
        return false;
    count_cycles(work, fit);
    return fit->covered >= CYCLES_MIN && (double)fit->covered >= COVERAGE * (double)fit->cycles;
}

static double score(const struct fit *fit, size_t episodes)
{
    return (double)fit->hits / (double)episodes * (double)fit->covered / (double)fit->cycles;
}

static void try_period(const struct bn_why_work *work, int64_t period_ms, struct fit *best)
{
    struct folded folded;
    fold(work, period_ms, &folded);
    for (size_t i = 0; folded.begin_count >= EPISODES_MIN && i < COUNT(widths); i++) {
        struct fit fit = {.period_ms = period_ms, .width = widths[i]};
        best_window(&folded, &fit);
        if (!is_regular(work, &folded, &fit))
            continue;
        if (!best->period_ms ||
                score(&fit, folded.begin_count) > score(best, folded.begin_count) + 0.02)
            *best = fit;
    }
}

/* Of a window the minutes in which it was seen to fail. */
static void seen_minutes(const struct bn_why_work *work, const struct fit *fit, int *out_from,
        int *out_to)
{
    const int64_t begin_ms = (int64_t)fit->from_bin * fit->period_ms / BINS;
    int64_t from_ms = fit->period_ms;
    int64_t to_ms = 0;
    for (size_t i = 0; i < work->episode_count; i++) {
        const struct bn_episode *episode = &work->episodes[i];
        if (!is_within(fit, episode->from_ms))
            continue;
        const int64_t in_ms = (episode->from_ms - begin_ms) % fit->period_ms;
        from_ms = BN_MIN(from_ms, in_ms);
        to_ms = BN_MAX(to_ms, BN_MIN(in_ms + episode->to_ms - episode->from_ms, fit->period_ms));
    }
    *out_from = (int)((begin_ms + from_ms) % fit->period_ms / MINUTE_MS);
    *out_to = (int)(((begin_ms + to_ms) % fit->period_ms + MINUTE_MS - 1) / MINUTE_MS);
}

static void say(const struct bn_why_work *work, const struct fit *fit,
        struct bn_why_finding *finding)
{
    const int period_min = (int)(fit->period_ms / MINUTE_MS);
    int from;
    int to;
    char every[BN_WORDS_SIZE];
    seen_minutes(work, fit, &from, &to);
    if (period_min == 60)
        snprintf(every, sizeof every, "hour");
    else if (period_min % 60 == 0)
        snprintf(every, sizeof every, "%d h", period_min / 60);
    else
        snprintf(every, sizeof every, "%d min", period_min);
    if (60 % period_min == 0)
        snprintf(finding->title, sizeof finding->title, "Every %s, from :%02d to :%02d", every,
                from, to);
    else
        snprintf(finding->title, sizeof finding->title, "Every %s, for up to %d min", every,
                (to + period_min - from) % period_min);
    snprintf(finding->evidence, sizeof finding->evidence,
            "it failed in %zu of %zu rounds; %zu of %zu failures began at these minutes, which chance"
            " would not do",
            fit->covered, fit->cycles, fit->hits, work->episode_count);
    snprintf(finding->verdict, sizeof finding->verdict,
            "likely a scheduled job: backup, replication or cron");
}

void bn_why_periodic(struct bn_why_work *work)
{
    struct fit best = {0};
    if (work->episode_count < EPISODES_MIN)
        return;
    for (int minutes = SHORT_MIN; minutes <= SHORT_MAX; minutes++)
        try_period(work, (int64_t)minutes * MINUTE_MS, &best);
    for (size_t i = 0; i < COUNT(long_periods_min); i++)
        try_period(work, (int64_t)long_periods_min[i] * MINUTE_MS, &best);
    if (!best.period_ms)
        return;
    struct bn_why_finding *finding = bn_why_find(work, "periodic",
            0.72 + 0.25 * score(&best, work->episode_count), true);
    if (finding)
        say(work, &best, finding);
}
