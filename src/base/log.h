/*
 * log: one event per line, key=value; the last 1,000 lines are kept for the Diagnostics page.
 *
 *   2026-11-20T19:57:04.112Z warn  check.failed  server=pve-3 code=timeout text="no answer in 10 s"
 *
 * error: a person must act, and the text says how. warn: we coped. info: a diary. debug: off.
 *
 * Values with blanks, quotes or control bytes are quoted and escaped, so one event is one
 * line of at most 2 KiB, whatever a stranger put into it (A36); what was cut ends in "…". After ten
 * lines of one event about one thing (the first pair's value) within a minute the rest are counted
 * and said once. Any thread.
 */
#pragma once

#include "base/base.h"

enum bn_level { BN_DEBUG, BN_INFO, BN_WARN, BN_ERROR };

/* One key=value pair; made by the macros below, consumed by bn_log. */
struct bn_kv {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

/* Functions because gcc warns of `array ? array : ""` in a macro. A NULL text is written as "". */
static inline struct bn_kv bn_kv(const char *key, const char *text)
{
    return (struct bn_kv){.key = key, .text = text ? text : ""};
}

static inline struct bn_kv bn_kv_i64(const char *key, int64_t number)
{
    return (struct bn_kv){.key = key, .number = number};
}

#define BN_KV(key_, text_)     bn_kv(key_, text_)
#define BN_KV_I64(key_, value) bn_kv_i64(key_, (int64_t)(value))

/* bn_log(BN_WARN, "check.failed", BN_KV("server", name), BN_KV_I64("ms", 10)); one pair or more */
#define bn_log(level, event, ...)                                   \
    bn_log_pairs(level, event, (const struct bn_kv[]){__VA_ARGS__}, \
            sizeof((const struct bn_kv[]){__VA_ARGS__}) / sizeof(struct bn_kv))

void bn_log_pairs(enum bn_level level, const char *event, const struct bn_kv *pairs, size_t n);

/* How lines are written to the descriptor: as above, or each as one JSON object with time, level,
   event and the pairs, for programs that collect logs: {"time":"…","level":"warn", …}. What memory
   keeps and the hook gets is text either way. Default BN_LOG_TEXT. */
enum bn_log_format { BN_LOG_TEXT, BN_LOG_JSON };

void bn_log_set_format(enum bn_log_format format);

/* Lines below level are neither printed nor kept. Default BN_INFO. */
void bn_log_set_level(enum bn_level level);

/* Where lines go besides the memory: a file descriptor, -1 for nowhere. Default 2. */
void bn_log_set_fd(int fd);

/* Called on the logging thread with each line kept (no newline), after it was printed; NULL to
   stop. It must be quick, and it must neither log nor read: it runs under the log's lock. */
void bn_log_set_hook(void (*hook)(void *user, uint64_t seq, const char *line), void *user);

/* Times come from clock, which the caller keeps and moves; NULL for the kernel's own (default). */
struct bn_clock;
void bn_log_set_clock(const struct bn_clock *clock);

const char *bn_level_word(enum bn_level level);

/* Calls each() with kept lines whose seq > after, oldest first. seq counts from 1, never twice. */
void bn_log_read(uint64_t after, void (*each)(void *user, uint64_t seq, const char *line),
        void *user);

/* Events since the start, printed or not, for /metrics. */
uint64_t bn_log_count(enum bn_level level);
