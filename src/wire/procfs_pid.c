#include "wire/procfs_pid.h"

#include <string.h>

bool bn_procfs_pid_stat(struct bn_str text, struct bn_procfs_pid *out)
{
    struct bn_str line;
    uint64_t value[20]; /* ppid is field 4 of proc(5): field n is value[n - 4] */
    uint64_t pid;
    if (!bn_scan_line(&text, &line) || !bn_scan_u64(&line, &pid))
        return false;
    const char *from = memchr(line.p, '(', line.len);
    const char *to = memrchr(line.p, ')', line.len);
    if (!from || !to || to < from)
        return false;
    struct bn_str rest = {to + 1, line.len - (size_t)(to + 1 - line.p)};
    struct bn_str state = bn_scan_word(&rest);
    if (state.len != 1)
        return false;
    for (size_t i = 0; i < COUNT(value); i++) {
        struct bn_str word = rest;
        if (!bn_scan_u64(&rest, &value[i]) && bn_scan_word(&word).len == 0)
            return false; /* some fields are signed and stay BN_ABSENT, but all must be there */
    }
    uint64_t resident;
    bn_scan_u64(&rest, &resident);
    if (value[10] == BN_ABSENT || value[11] == BN_ABSENT || value[18] == BN_ABSENT)
        return false;
    *out = (struct bn_procfs_pid){.name = {from + 1, (size_t)(to - from - 1)},
            .state = state.p[0],
            .cpu_ticks = value[10] + value[11],
            .threads = value[16],
            .started_ticks = value[18],
            .resident_pages = resident};
    return true;
}

bool bn_procfs_pid_user(struct bn_str text, uint64_t *out_uid)
{
    struct bn_str line;
    while (bn_scan_line(&text, &line)) {
        uint64_t uid[2]; /* real, effective */
        if (!bn_scan_prefix(&line, "Uid:"))
            continue;
        if (bn_scan_numbers(&line, uid, 2) < 2)
            return false;
        *out_uid = uid[1];
        return true;
    }
    return false;
}

/* --- arguments ---------------------------------------------------------------------------------
 */

#define HIDDEN "***"

struct line {
    char *p;
    size_t size;
    size_t len;
};

static void put(struct line *line, const char *p, size_t len)
{
    size_t n = BN_MIN(len, line->size - 1 - line->len);
    memcpy(line->p + line->len, p, n);
    line->len += n;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool holds_word(struct bn_str in, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= in.len; i++) {
        size_t same = 0;
        while (same < len && lower(in.p[i + same]) == word[same])
            same++;
        if (same == len)
            return true;
    }
    return false;
}

static bool names_a_secret(struct bn_str name)
{
    static const char *const words[] = {"password", "passwd", "passphrase", "secret", "token",
            "apikey", "api-key", "api_key"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (holds_word(name, words[i]))
            return true;
    return false;
}

/* "scheme://user:secret@…": where the secret begins and ends. */
static bool find_userinfo(struct bn_str word, size_t *out_from, size_t *out_to)
{
    const char *scheme = memmem(word.p, word.len, "://", 3);
    if (!scheme)
        return false;
    size_t from = (size_t)(scheme - word.p) + 3;
    size_t end = from;
    while (end < word.len && word.p[end] != '/' && word.p[end] != '?')
        end++;
    const char *at = memrchr(word.p + from, '@', end - from);
    if (!at)
        return false;
    const char *colon = memchr(word.p + from, ':', (size_t)(at - word.p) - from);
    if (!colon)
        return false;
    *out_from = (size_t)(colon - word.p) + 1;
    *out_to = (size_t)(at - word.p);
    return true;
}

/* Writes one argument; true when its value is the next one and must be hidden. */
static bool put_argument(struct line *line, struct bn_str word)
{
    struct bn_str value = word;
    struct bn_str name = bn_str_cut(&value, '=');
    size_t from;
    size_t to;
    if (value.p && names_a_secret(name)) {
        put(line, name.p, name.len);
        put(line, "=" HIDDEN, sizeof HIDDEN);
        return false;
    }
    if (find_userinfo(word, &from, &to)) {
        put(line, word.p, from);
        put(line, HIDDEN, sizeof HIDDEN - 1);
        put(line, word.p + to, word.len - to);
        return false;
    }
    put(line, word.p, word.len);
    return !value.p && word.len > 2 && word.p[0] == '-' && names_a_secret(word);
}

void bn_procfs_pid_command(struct bn_str text, char *out, size_t size)
{
    char plain[1024];
    struct line line = {plain, sizeof plain, 0};
    bool hide = false;
    while (text.len > 0 && line.len + 1 < line.size) {
        const char *end = memchr(text.p, 0, text.len);
        struct bn_str word = {text.p, end ? (size_t)(end - text.p) : text.len};
        if (line.len > 0)
            put(&line, " ", 1);
        if (hide) {
            put(&line, HIDDEN, sizeof HIDDEN - 1);
            hide = false;
        } else {
            hide = put_argument(&line, word);
        }
        size_t used = BN_MIN(word.len + 1, text.len);
        text.p += used;
        text.len -= used;
    }
    bn_scan_label(out, size, (struct bn_str){plain, line.len});
}
