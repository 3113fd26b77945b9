#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "live/why_private.h"

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bn_rank(const double *sorted, size_t count, int pct)
{
    return count == 0 ? NAN : sorted[((size_t)pct * count + 99) / 100 - 1];
}

double bn_median(double *values, size_t count)
{
    if (count > 0)
        qsort(values, count, sizeof *values, by_size);
    return bn_rank(values, count, 50);
}

/* Of n!; lgamma() itself writes to a global, and workers share it. */
static double log_factorial(size_t n)
{
    int sign;
    return lgamma_r((double)n + 1, &sign);
}

static double log_choose(size_t n, size_t k)
{
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

double bn_binomial_tail(size_t hits, size_t tries, double p)
{
    double sum = 0;
    if (hits == 0 || p >= 1)
        return 1;
    if (p <= 0)
        return 0;
    for (size_t k = hits; k <= tries; k++)
        sum += exp(log_choose(tries, k) + (double)k * log(p) + (double)(tries - k) * log1p(-p));
    return fmin(sum, 1);
}

double bn_hypergeometric_tail(size_t hits, size_t size, size_t marked, size_t total)
{
    double sum = 0;
    for (size_t k = hits; k <= BN_MIN(size, marked); k++)
        if (size - k <= total - marked)
            sum += exp(log_choose(marked, k) + log_choose(total - marked, size - k) -
                       log_choose(total, size));
    return fmin(sum, 1);
}

const char *bn_ms_words(double ms, char out[BN_WORDS_SIZE])
{
    if (isnan(ms))
        snprintf(out, BN_WORDS_SIZE, "-");
    else if (ms < 1000)
        snprintf(out, BN_WORDS_SIZE, "%.0f ms", ms);
    else
        snprintf(out, BN_WORDS_SIZE, ms < 9950 ? "%.1f s" : "%.0f s", ms / 1000);
    return out;
}

const char *bn_while_words(int64_t ms, char out[BN_WORDS_SIZE])
{
    const int64_t s = BN_MAX(ms, 0) / 1000;
    if (s < 120)
        snprintf(out, BN_WORDS_SIZE, "%lld s", (long long)s);
    else if (s < 120 * 60)
        snprintf(out, BN_WORDS_SIZE, "%lld min", (long long)(s / 60));
    else if (s < 48 * 3600)
        snprintf(out, BN_WORDS_SIZE, "%lld h", (long long)(s / 3600));
    else
        snprintf(out, BN_WORDS_SIZE, "%lld d", (long long)(s / 86400));
    return out;
}
