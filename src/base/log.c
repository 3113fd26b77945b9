#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINES_KEPT 1000
#define LINE_BYTES 2048 /* bytes of a line with its newline */
#define VALUE_BYTES \
    1024 /* bytes of one value as written, so that a long one leaves room for the others */
#define EVENT_WIDTH 13

/* At most REPEAT_LINES lines of one event about one thing in a window; the rest are counted. */
#define REPEAT_LINES     10
#define REPEAT_WINDOW_MS 60000
#define REPEAT_SETS      128
#define REPEAT_WAYS      4

struct line {
    bool is_json;
    size_t len;
    char p[LINE_BYTES];
};

struct repeat {
    uint64_t hash; /* of event and value; 0: free */
    int64_t since_mono_ms;
    uint32_t lines;
    uint32_t held; /* lines not printed */
    enum bn_level level;
    char event[48];
    char name[32];
    char value[128]; /* of the first pair, clipped */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(int) min_level = BN_INFO;
static _Atomic(uint64_t) counts[BN_ERROR + 1];
static const struct bn_clock *test_clock;
static int out_fd = 2;
static bool is_json;
static void (*line_hook)(void *user, uint64_t seq, const char *line);
static void *hook_user;
static char *kept[LINES_KEPT]; /* line seq is at seq % LINES_KEPT */
static uint64_t last_seq;
static struct repeat repeats[REPEAT_SETS][REPEAT_WAYS];
static int64_t next_close_mono_ms = INT64_MAX; /* when the first window with held lines ends */
static _Thread_local bool in_hook;

static void enter(void)
{
    assert(!in_hook); /* a hook that logs or reads would wait for itself */
    pthread_mutex_lock(&lock);
}

static void leave(void)
{
    pthread_mutex_unlock(&lock);
}

const char *bn_level_word(enum bn_level level)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    return words[level];
}

void bn_log_set_level(enum bn_level level)
{
    atomic_store(&min_level, (int)level);
}

void bn_log_set_fd(int fd)
{
    enter();
    out_fd = fd;
    leave();
}

void bn_log_set_format(enum bn_log_format format)
{
    enter();
    is_json = format == BN_LOG_JSON;
    leave();
}

void bn_log_set_hook(void (*hook)(void *user, uint64_t seq, const char *line), void *user)
{
    enter();
    line_hook = hook;
    hook_user = user;
    leave();
}

void bn_log_set_clock(const struct bn_clock *clock)
{
    enter();
    test_clock = clock;
    leave();
}

uint64_t bn_log_count(enum bn_level level)
{
    return atomic_load(&counts[level]);
}

/* --- one line ------------------------------------------------------------------------------------
 */

/* All of piece or nothing of it: an escape cut in half would say something else. */
static bool line_put(struct line *line, size_t limit, const char *piece, size_t len)
{
    if (line->len + len > limit)
        return false;
    memcpy(line->p + line->len, piece, len);
    line->len += len;
    return true;
}

/* Invisible, or moving what is around it: a name must not rewrite the line it stands in. */
static bool is_hidden(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E ||
           code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

static bool needs_quotes(const char *text)
{
    size_t len = strnlen(text, VALUE_BYTES);
    for (size_t i = 0; i < len;) {
        uint32_t code;
        i += bn_utf8_next(text + i, len - i, &code);
        if (code == ' ' || code == '"' || code == '\\' || code == '=' || is_hidden(code))
            return true;
    }
    return len == 0;
}

/* One code point as it may stand in a line; returns how many bytes of out it took. */
static size_t show_code(char out[8], const char *p, size_t n, uint32_t code)
{
    if (code == BN_UTF8_BAD) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        return 3;
    }
    if (code == '"' || code == '\\' || code == '\n' || code == '\t') {
        out[0] = '\\';
        out[1] = code == '\n' ? 'n' : code == '\t' ? 't' : (char)code;
        return 2;
    }
    if (is_hidden(code))
        return (size_t)snprintf(out, 8, "\\u%04x", (unsigned)code);
    memcpy(out, p, n);
    return n;
}

static void put_value(struct line *line, const char *text)
{
    bool quoted = line->is_json || needs_quotes(text);
    size_t room = LINE_BYTES - 2 - line->len;                         /* "}" and the newline */
    size_t limit = line->len + BN_MIN(room, (size_t)VALUE_BYTES) - 5; /* "…" and two quotes */
    size_t len = strnlen(text, VALUE_BYTES);
    bool whole = true;
    if (quoted)
        line->p[line->len++] = '"';
    for (size_t i = 0; i < len && whole;) {
        uint32_t code;
        char shown[8];
        size_t n = bn_utf8_next(text + i, len - i, &code);
        whole = line_put(line, limit, shown, show_code(shown, text + i, n, code));
        i += n;
    }
    if (!whole)
        line_put(line, limit + 5, "\xE2\x80\xA6", 3);
    if (quoted)
        line->p[line->len++] = '"';
}

/* An event or a key: the program's own word, and still one word if it was not. */
static void put_word(struct line *line, const char *word, size_t max)
{
    for (size_t i = 0; word[i] && i < max; i++)
        line->p[line->len++] = word[i] > ' ' && word[i] < 0x7F && !strchr("=\"\\", word[i])
                                       ? word[i]
                                       : '_';
}

static void put_known(struct line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->p + line->len, text, len);
    line->len += len;
}

static void begin_line(struct line *line, enum bn_level level, const char *event)
{
    struct bn_clock now;
    if (test_clock)
        now = *test_clock;
    else
        bn_clock_read(&now);
    char time[BN_TIME_TEXT_SIZE];
    bn_time_text(now.now_ms, time);
    line->len = 0;
    put_known(line, line->is_json ? "{\"time\":\"" : "");
    put_known(line, time);
    if (line->is_json) {
        put_known(line, "\",\"level\":\"");
        put_known(line, bn_level_word(level));
        put_known(line, "\",\"event\":\"");
        put_word(line, event, 64);
        put_known(line, "\"");
        return;
    }
    line->len += (size_t)snprintf(line->p + line->len, 8, " %-5s ", bn_level_word(level));
    size_t start = line->len;
    put_word(line, event, 64);
    while (line->len - start < EVENT_WIDTH)
        line->p[line->len++] = ' ';
}

static void put_pair(struct line *line, struct bn_kv pair)
{
    /* A key, one value of a few bytes, and what ends the line: below that it is left out. */
    if (line->len + 64 > LINE_BYTES)
        return;
    put_known(line, line->is_json ? ",\"" : " ");
    put_word(line, pair.key, 32);
    put_known(line, line->is_json ? "\":" : "=");
    if (pair.text)
        put_value(line, pair.text);
    else
        line->len += (size_t)snprintf(line->p + line->len, 24, "%lld", (long long)pair.number);
}

/* --- where lines go ------------------------------------------------------------------------------
 */

static void print_line(struct line *line)
{
    line->p[line->len] = '\n';
    /* What does not go at once is lost here and still kept in memory: a full pipe must not stop us.
     */
    while (out_fd >= 0 && write(out_fd, line->p, line->len + 1) < 0 && errno == EINTR)
        continue;
    line->p[line->len] = 0;
}

static void keep_line(const struct line *line)
{
    last_seq++;
    char **slot = &kept[last_seq % LINES_KEPT];
    *slot = bn_realloc(*slot, line->len + 1);
    memcpy(*slot, line->p, line->len + 1);
    if (line_hook) {
        in_hook = true;
        line_hook(hook_user, last_seq, line->p);
        in_hook = false;
    }
}

/* The same event twice: as text for the memory, and as it is to be printed. */
static void make_line(struct line *line, enum bn_level level, const char *event,
        const struct bn_kv *pairs, size_t n)
{
    begin_line(line, level, event);
    for (size_t i = 0; i < n; i++)
        put_pair(line, pairs[i]);
    put_known(line, line->is_json ? "}" : "");
}

static void keep_event(enum bn_level level, const char *event, const struct bn_kv *pairs, size_t n)
{
    struct line line = {.is_json = is_json};
    make_line(&line, level, event, pairs, n);
    print_line(&line);
    if (is_json) {
        line.is_json = false;
        make_line(&line, level, event, pairs, n);
        line.p[line.len] = 0;
    }
    keep_line(&line);
}

void bn_log_read(uint64_t after, void (*each)(void *user, uint64_t seq, const char *line),
        void *user)
{
    enter();
    uint64_t end = last_seq;
    leave();
    for (uint64_t seq = after; seq < end;) {
        char line[LINE_BYTES];
        enter();
        seq = BN_MAX(seq, last_seq > LINES_KEPT ? last_seq - LINES_KEPT : 0) + 1;
        memcpy(line, kept[seq % LINES_KEPT], strlen(kept[seq % LINES_KEPT]) + 1);
        leave();
        each(user, seq, line);
    }
}

/* --- repetition ----------------------------------------------------------------------------------
 */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    } while (*text++);
    return hash;
}

/* What the window of this event and this thing would be called. */
static void name_window(struct repeat *out, const char *event, const struct bn_kv *first)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)first->number);
    const char *value = first->text ? first->text : number;
    uint64_t hash = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), event), value);
    out->hash = hash ? hash : 1;
    bn_text_clip(out->event, sizeof out->event,
            (struct bn_str){event, strnlen(event, sizeof out->event)});
    bn_text_clip(out->name, sizeof out->name,
            (struct bn_str){first->key, strnlen(first->key, sizeof out->name)});
    bn_text_clip(out->value, sizeof out->value,
            (struct bn_str){value, strnlen(value, sizeof out->value)});
}

/* The texts are compared too: nobody may silence another's line by a name with the same hash. */
static bool is_same_window(const struct repeat *a, const struct repeat *b)
{
    return a->hash == b->hash && strcmp(a->event, b->event) == 0 && strcmp(a->value, b->value) == 0;
}

static bool is_over(const struct repeat *repeat, int64_t now_mono_ms)
{
    return now_mono_ms - repeat->since_mono_ms >= REPEAT_WINDOW_MS;
}

/* Says how many lines the window held back, and frees it. */
static void close_window(struct repeat *repeat, int64_t now_mono_ms)
{
    if (repeat->held > 0) {
        char text[48];
        /* Less than the whole window when another thing needed its place. */
        int64_t ms = BN_MIN(now_mono_ms - repeat->since_mono_ms, (int64_t)REPEAT_WINDOW_MS);
        snprintf(text, sizeof text, "%u more in %lld s", repeat->held,
                (long long)BN_MAX((ms + 999) / 1000, INT64_C(1)));
        const struct bn_kv pairs[] = {BN_KV(repeat->name, repeat->value),
                BN_KV(strcmp(repeat->name, "text") == 0 ? "more" : "text", text)};
        keep_event(repeat->level, repeat->event, pairs, COUNT(pairs));
    }
    repeat->hash = 0;
    repeat->held = 0;
}

static void close_windows(int64_t now_mono_ms)
{
    if (now_mono_ms < next_close_mono_ms)
        return;
    next_close_mono_ms = INT64_MAX;
    for (size_t i = 0; i < (size_t)REPEAT_SETS * REPEAT_WAYS; i++) {
        struct repeat *repeat = &repeats[i / REPEAT_WAYS][i % REPEAT_WAYS];
        if (!repeat->hash || repeat->held == 0)
            continue;
        if (is_over(repeat, now_mono_ms))
            close_window(repeat, now_mono_ms);
        else
            next_close_mono_ms = BN_MIN(next_close_mono_ms,
                    repeat->since_mono_ms + REPEAT_WINDOW_MS);
    }
}

/* The running window called `name`; a new one takes a free place, or that of the oldest. */
static struct repeat *get_window(const struct repeat *name, int64_t now_mono_ms)
{
    struct repeat *set = repeats[name->hash % REPEAT_SETS];
    struct repeat *place = &set[0];
    for (size_t i = 0; i < REPEAT_WAYS; i++) {
        if (set[i].hash && is_over(&set[i], now_mono_ms))
            close_window(&set[i], now_mono_ms);
        if (set[i].hash && is_same_window(&set[i], name))
            return &set[i];
        if (place->hash && (!set[i].hash || set[i].since_mono_ms < place->since_mono_ms))
            place = &set[i];
    }
    close_window(place, now_mono_ms);
    *place = *name;
    place->since_mono_ms = now_mono_ms;
    return place;
}

static bool is_repetition(enum bn_level level, const char *event, const struct bn_kv *first)
{
    int64_t now = test_clock ? test_clock->mono_ms : bn_clock_mono_ns() / 1000000;
    struct repeat name = {0};
    close_windows(now);
    name_window(&name, event, first);
    struct repeat *repeat = get_window(&name, now);
    if (repeat->lines < REPEAT_LINES) {
        repeat->lines++;
        return false;
    }
    repeat->held++;
    repeat->level = level;
    next_close_mono_ms = BN_MIN(next_close_mono_ms, repeat->since_mono_ms + REPEAT_WINDOW_MS);
    return true;
}

void bn_log_pairs(enum bn_level level, const char *event, const struct bn_kv *pairs, size_t n)
{
    atomic_fetch_add(&counts[level], 1);
    if ((int)level < atomic_load(&min_level))
        return;
    assert(n > 0);
    enter();
    if (!is_repetition(level, event, &pairs[0]))
        keep_event(level, event, pairs, n);
    leave();
}
