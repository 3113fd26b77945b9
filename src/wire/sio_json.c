#include "wire/sio_json.h"

#include <string.h>

enum member { MEMBER_OTHER, MEMBER_FLAG, MEMBER_NUM };

struct level {
    size_t at;
    bool is_object;
    bool is_mark;
    bool has_num;
    uint32_t num;
    enum member member; /* whose value comes, or came */
};

struct walk {
    struct bn_str text;
    size_t at;
    size_t depth;
    struct bn_sio_marks *marks;
    struct level levels[BN_SIO_DEPTH_MAX];
};

static char peek(const struct walk *w)
{
    return w->at < w->text.len ? w->text.p[w->at] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct walk *w)
{
    while (is_blank(peek(w)))
        w->at++;
}

static bool take(struct walk *w, char c)
{
    if (peek(w) != c)
        return false;
    w->at++;
    return true;
}

/* --- what has no inside ----------------------------------------------------------------------- */

static bool take_word(struct walk *w, const char *word)
{
    const size_t len = strlen(word);
    if (w->text.len - w->at < len || memcmp(w->text.p + w->at, word, len) != 0)
        return false;
    w->at += len;
    return true;
}

static bool take_digits(struct walk *w)
{
    const size_t begin = w->at;
    while (is_digit(peek(w)))
        w->at++;
    return w->at > begin;
}

static bool take_number(struct walk *w)
{
    (void)take(w, '-');
    if (!take(w, '0') && !take_digits(w))
        return false;
    if (take(w, '.') && !take_digits(w))
        return false;
    if (!take(w, 'e') && !take(w, 'E'))
        return true;
    if (!take(w, '+'))
        (void)take(w, '-');
    return take_digits(w);
}

static int hex_of(char c)
{
    static const char hex[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(hex, c) : NULL;
    return at ? (int)((at - hex) & 15) : -1;
}

static bool take_escape(struct walk *w)
{
    const char c = peek(w);
    if (!c || !strchr("\"\\/bfnrtu", c))
        return false;
    w->at++;
    for (int i = 0; c == 'u' && i < 4; i++, w->at++)
        if (hex_of(peek(w)) < 0)
            return false;
    return true;
}

static bool take_string(struct walk *w)
{
    if (!take(w, '"'))
        return false;
    while (!take(w, '"')) {
        uint32_t code;
        if (w->at == w->text.len)
            return false;
        w->at += bn_utf8_next(w->text.p + w->at, w->text.len - w->at, &code);
        if (code == BN_UTF8_BAD || code < ' ' || (code == '\\' && !take_escape(w)))
            return false;
    }
    return true;
}

static bool take_scalar(struct walk *w)
{
    switch (peek(w)) {
    case '"': return take_string(w);
    case 't': return take_word(w, "true");
    case 'f': return take_word(w, "false");
    case 'n': return take_word(w, "null");
    default: return take_number(w);
    }
}

/* --- attachments' places ---------------------------------------------------------------------- */

static struct bn_str since(const struct walk *w, size_t begin)
{
    return (struct bn_str){w->text.p + begin, w->at - begin};
}

static enum member member_of(struct bn_str key)
{
    char name[16];
    if (!bn_sio_json_text(key, name, sizeof name))
        return MEMBER_OTHER;
    if (strcmp(name, "_placeholder") == 0)
        return MEMBER_FLAG;
    return strcmp(name, "num") == 0 ? MEMBER_NUM : MEMBER_OTHER;
}

/* The value of a member has been read: of two of one name the last counts. */
static void note_member(struct level *level, struct bn_str value)
{
    int64_t num = 0;
    if (level->member == MEMBER_FLAG)
        level->is_mark = bn_str_is(value, "true");
    if (level->member != MEMBER_NUM)
        return;
    level->has_num = bn_parse_i64(value, 0, UINT32_MAX, &num);
    level->num = (uint32_t)num;
}

static void note_mark(const struct walk *w, const struct level *level)
{
    struct bn_sio_marks *marks = w->marks;
    if (!marks || !level->is_mark)
        return;
    while (marks->count > 0 && marks->list[marks->count - 1].at > level->at)
        marks->count--; /* inside this one */
    if (!level->has_num || marks->count == BN_SIO_MARKS_MAX) {
        marks->has_bad = true;
        return;
    }
    marks->list[marks->count++] = (struct bn_sio_mark){level->at, w->at - level->at, level->num};
}

/* --- the walk --------------------------------------------------------------------------------- */

static bool take_key(struct walk *w)
{
    skip_blanks(w);
    const size_t begin = w->at;
    if (!take_string(w))
        return false;
    w->levels[w->depth - 1].member = member_of(since(w, begin));
    skip_blanks(w);
    return take(w, ':');
}

/* A value ended at `begin`..at: what holds it may end as well. False: ill-formed. */
static bool end_value(struct walk *w, size_t begin)
{
    while (w->depth > 0) {
        struct level *level = &w->levels[w->depth - 1];
        if (level->is_object)
            note_member(level, since(w, begin));
        skip_blanks(w);
        if (take(w, ','))
            return !level->is_object || take_key(w);
        if (!take(w, level->is_object ? '}' : ']'))
            return false;
        note_mark(w, level);
        begin = level->at;
        w->depth--;
    }
    return true;
}

/* A list or an object begins: with its first key, or it ends at once. False: ill-formed. */
static bool begin_level(struct walk *w, bool *out_is_open)
{
    const bool is_object = peek(w) == '{';
    if (w->depth == BN_SIO_DEPTH_MAX)
        return false;
    w->levels[w->depth++] = (struct level){.at = w->at++, .is_object = is_object};
    skip_blanks(w);
    *out_is_open = !take(w, is_object ? '}' : ']');
    if (*out_is_open)
        return !is_object || take_key(w);
    w->depth--;
    return true;
}

static bool take_value(struct walk *w)
{
    do {
        skip_blanks(w);
        const size_t begin = w->at;
        bool is_open = false;
        if (peek(w) == '[' || peek(w) == '{') {
            if (!begin_level(w, &is_open))
                return false;
        } else if (!take_scalar(w)) {
            return false;
        }
        if (!is_open && !end_value(w, begin))
            return false;
    } while (w->depth > 0);
    return true;
}

size_t bn_sio_json_value(struct bn_str text, struct bn_sio_marks *out_marks)
{
    struct walk w;
    w.text = text;
    w.at = w.depth = 0;
    w.marks = out_marks;
    if (out_marks)
        *out_marks = (struct bn_sio_marks){0};
    return take_value(&w) ? w.at : 0;
}

bool bn_sio_json_is_whole(struct bn_str text, struct bn_sio_marks *out_marks)
{
    size_t used = bn_sio_json_value(text, out_marks);
    while (used > 0 && used < text.len && is_blank(text.p[used]))
        used++;
    return used > 0 && used == text.len;
}

/* --- parts ------------------------------------------------------------------------------------ */

static struct bn_str skipped(struct bn_str text)
{
    while (text.len > 0 && is_blank(text.p[0]))
        text = (struct bn_str){text.p + 1, text.len - 1};
    return text;
}

char bn_sio_json_kind(struct bn_str value)
{
    value = skipped(value);
    return value.len > 0 ? value.p[0] : '\0';
}

struct bn_str bn_sio_json_inside(struct bn_str list)
{
    list = skipped(list);
    return (struct bn_str){list.p + 1, list.len - 1};
}

/* After a list's last item stands its end. */
bool bn_sio_json_item(struct bn_str *rest, struct bn_str *out_item)
{
    *rest = skipped(*rest);
    const size_t used = bn_sio_json_value(*rest, NULL);
    *out_item = (struct bn_str){rest->p, used};
    if (used == 0)
        return false;
    *rest = skipped((struct bn_str){rest->p + used, rest->len - used});
    if (bn_sio_json_kind(*rest) == ',')
        *rest = (struct bn_str){rest->p + 1, rest->len - 1};
    return true;
}

static struct bn_str after_colon(struct bn_str rest, size_t used)
{
    rest = skipped((struct bn_str){rest.p + used, rest.len - used});
    return skipped((struct bn_str){rest.p + 1, rest.len - 1});
}

struct bn_str bn_sio_json_member(struct bn_str object, const char *name)
{
    struct bn_str found = {NULL, 0};
    struct bn_str rest = skipped(bn_sio_json_inside(object));
    size_t used;
    while ((used = bn_sio_json_value(rest, NULL)) > 0) {
        char key[64];
        struct bn_str value;
        const bool is_it = bn_sio_json_text((struct bn_str){rest.p, used}, key, sizeof key) &&
                           strcmp(key, name) == 0;
        rest = after_colon(rest, used);
        (void)bn_sio_json_item(&rest, &value);
        rest = skipped(rest);
        if (is_it)
            found = value;
    }
    return found;
}

/* --- strings ---------------------------------------------------------------------------------- */

static uint32_t hex4(const char *p)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t)hex_of(p[i]);
    return code;
}

/* What stands behind a backslash; *used bytes of it. 0: nothing that a text may hold. */
static uint32_t escaped(const char *p, size_t *used)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    const char *at = strchr(from, *p);
    *used = 1;
    if (*p != 'u')
        return (uint32_t)(unsigned char)(at ? to[at - from] : *p);
    uint32_t code = hex4(p + 1);
    *used = 5;
    if (code < 0xd800 || code > 0xdfff)
        return code;
    if (code > 0xdbff || p[5] != '\\' || p[6] != 'u') /* the string's end stands at p[5] at least */
        return 0;
    const uint32_t low = hex4(p + 7);
    *used = 11;
    return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0;
}

static size_t put_utf8(uint32_t code, char out[4])
{
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i > 1; i--, code >>= 6)
        out[i - 1] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[n] | code);
    return n;
}

bool bn_sio_json_text(struct bn_str value, char *out, size_t size)
{
    size_t len = 0;
    value = skipped(value);
    out[0] = '\0';
    if (value.len < 2 || value.p[0] != '"')
        return false;
    for (size_t at = 1; value.p[at] != '"';) {
        char bytes[4] = {value.p[at]};
        size_t used = 1;
        size_t n = 1;
        if (value.p[at] == '\\') {
            const uint32_t code = escaped(value.p + at + 1, &used);
            if (code == 0)
                return false;
            n = put_utf8(code, bytes);
            used++;
        }
        if (len + n >= size)
            return false;
        memcpy(out + len, bytes, n);
        len += n;
        at += used;
    }
    out[len] = '\0';
    return true;
}
