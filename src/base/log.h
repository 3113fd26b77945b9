/*
 * log: one event per line, key=value; the last 1,000 lines are kept for the Diagnostics page.
 *
 *   2026-11-20T19:57:04.112Z warn  check.failed  server=pve-3 code=timeout text="no answer in 10 s"
 *
 * error: a person must act, and the text says how. warn: we coped. info: a diary. debug: off by default.
 * Values with blanks, quotes or control bytes are quoted and escaped, so one event is one line (A36).
 * Any thread.
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

#define BN_KV(key_, text_)     ((struct bn_kv){.key = (key_), .text = (text_) ? (text_) : ""})
#define BN_KV_I64(key_, value) ((struct bn_kv){.key = (key_), .number = (int64_t)(value)})

/* bn_log(BN_WARN, "check.failed", BN_KV("server", name), BN_KV_I64("ms", 10000)); at least one pair. */
#define bn_log(level, event, ...)                                                                  \
    bn_log_pairs(level, event, (const struct bn_kv[]){__VA_ARGS__},                                \
            sizeof((const struct bn_kv[]){__VA_ARGS__}) / sizeof(struct bn_kv))

void bn_log_pairs(enum bn_level level, const char *event, const struct bn_kv *pairs, size_t n);

/* Lines below level are neither printed nor kept. Default BN_INFO. */
void bn_log_set_level(enum bn_level level);

/* Where lines go besides the memory: a file descriptor, -1 for nowhere. Default 2. */
void bn_log_set_fd(int fd);

/* Called on the logging thread with each line kept (no newline), after it was printed; NULL to stop.
   It must be quick and must not log. */
void bn_log_set_hook(void (*hook)(void *user, uint64_t seq, const char *line), void *user);

const char *bn_level_word(enum bn_level level);

/* Calls each() with kept lines whose seq > after, oldest first; seq counts from 1 and never repeats. */
void bn_log_read(uint64_t after, void (*each)(void *user, uint64_t seq, const char *line), void *user);

/* Warnings and errors since the start, for /metrics. */
uint64_t bn_log_count(enum bn_level level);
