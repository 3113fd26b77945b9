#include "live/attempts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEARN_FROM     10 /* successes, E20 */
#define LEARN_RATE_PCT 80 /* B7 */
#define TIMEOUT_MIN_MS 5000
#define TIMEOUT_MAX_MS 120000
#define FLAP_LEAVE_PCT 8.0
#define FLAP_CALM_MS   600000 /* below FLAP_LEAVE_PCT for so long */
#define WEIGHT_OLDEST  0.8    /* of a change; the newest counts half as much again */
#define WEIGHT_NEWEST  1.2

void bn_attempts_init(struct bn_attempts *attempts)
{
    memset(attempts, 0, sizeof *attempts);
    attempts->fail_after = 1;
}

/* The i-th oldest of the last n. */
static int32_t at_back(const struct bn_attempts *attempts, size_t n, size_t i)
{
    return attempts->ms[(attempts->next + BN_ATTEMPTS_MAX - n + i) % BN_ATTEMPTS_MAX];
}

/* Whether it counted as up after each attempt, the oldest first: too few failures change nothing.
 */
static void list_states(const struct bn_attempts *attempts, bool out[BN_ATTEMPTS_MAX])
{
    unsigned failed = 0;
    for (size_t i = 0; i < attempts->count; i++) {
        failed = at_back(attempts, attempts->count, i) >= 0 ? 0 : failed + 1;
        out[i] = failed == 0 || (failed < attempts->fail_after && i > 0 && out[i - 1]);
    }
}

static double flap_pct(const struct bn_attempts *attempts)
{
    bool is_up[BN_ATTEMPTS_MAX];
    double sum = 0;
    if (attempts->count < BN_FLAP_STATES)
        return NAN;
    list_states(attempts, is_up);
    const bool *last = is_up + attempts->count - BN_FLAP_STATES;
    for (size_t i = 1; i < BN_FLAP_STATES; i++) {
        if (last[i - 1] != last[i])
            sum += WEIGHT_OLDEST +
                   (WEIGHT_NEWEST - WEIGHT_OLDEST) * (double)(i - 1) / (BN_FLAP_STATES - 2);
    }
    return 100 * sum / (BN_FLAP_STATES - 1);
}

/* Two thresholds and a wait, so that the word does not flap itself. */
static void judge_flapping(struct bn_attempts *attempts, int64_t at)
{
    const double pct = flap_pct(attempts);
    if (!(pct < FLAP_LEAVE_PCT))
        attempts->calm_since = 0;
    else if (attempts->calm_since == 0)
        attempts->calm_since = at;
    if (pct > BN_FLAP_ENTER_PCT)
        attempts->is_flapping = true;
    else if (attempts->calm_since != 0 && at - attempts->calm_since >= FLAP_CALM_MS)
        attempts->is_flapping = false;
}

void bn_attempts_add(struct bn_attempts *attempts, int64_t at, int64_t ms)
{
    attempts->ms[attempts->next] = (int32_t)BN_MIN(BN_MAX(ms, -1), INT32_MAX);
    attempts->next = (uint16_t)((attempts->next + 1) % BN_ATTEMPTS_MAX);
    if (attempts->count < BN_ATTEMPTS_MAX)
        attempts->count++;
    attempts->failed_in_row = ms >= 0 ? 0 : attempts->failed_in_row + 1;
    if (ms >= 0)
        attempts->failing_since = 0;
    else if (!attempts->failing_since)
        attempts->failing_since = at;
    judge_flapping(attempts, at);
}

static int by_size(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The times of successes, ascending. */
static size_t sort_successes(const struct bn_attempts *attempts, int32_t out[BN_ATTEMPTS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < attempts->count; i++)
        if (attempts->ms[i] >= 0)
            out[n++] = attempts->ms[i];
    qsort(out, n, sizeof *out, by_size);
    return n;
}

void bn_attempts_figure(const struct bn_attempts *attempts, struct bn_attempt_figures *out)
{
    int32_t sorted[BN_ATTEMPTS_MAX] = {0};
    const size_t n = sort_successes(attempts, sorted);
    int64_t sum = 0;
    *out = (struct bn_attempt_figures){.total = attempts->count,
            .successes = (int64_t)n,
            .success_rate_pct = NAN,
            .avg_ms = BN_NO_FIGURE,
            .p95_ms = BN_NO_FIGURE,
            .learned_timeout_ms = BN_NO_FIGURE,
            .flap_pct = flap_pct(attempts)};
    if (attempts->count > 0)
        out->success_rate_pct = round(10000.0 * (double)n / attempts->count) / 100;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        sum += sorted[i];
    out->avg_ms = (sum + (int64_t)n / 2) / (int64_t)n;
    out->p95_ms = sorted[(95 * n + 99) / 100 - 1];
    if (n >= LEARN_FROM)
        out->learned_timeout_ms = BN_MIN(BN_MAX(out->p95_ms + (out->p95_ms + 1) / 2,
                                                 TIMEOUT_MIN_MS),
                TIMEOUT_MAX_MS);
}

int64_t bn_attempts_timeout_ms(const struct bn_attempts *attempts, int64_t configured_ms)
{
    struct bn_attempt_figures figures;
    bn_attempts_figure(attempts, &figures);
    return figures.learned_timeout_ms != BN_NO_FIGURE && figures.success_rate_pct > LEARN_RATE_PCT
                   ? figures.learned_timeout_ms
                   : configured_ms;
}
