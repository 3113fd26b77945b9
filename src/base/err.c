#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    int status;
} codes[] = {

#define X(name, word, status) {word, status},
        BN_CODES(X)
#undef X
};

/* Ends a text that did not fit in "...", between two characters. */
static void end_cut(char *out, size_t size)
{
    size_t n = size - 4;
    while (n > 0 && ((unsigned char)out[n] & 0xC0) == 0x80)
        n--;
    memcpy(out + n, "...", 4);
}

static BN_PRINTF(3, 0) void write_text(char *out, size_t size, const char *fmt, va_list args)
{
    int n = vsnprintf(out, size, fmt, args);
    if (n >= (int)size)
        end_cut(out, size);
}

const char *bn_code_word(enum bn_code code)
{
    return codes[code].word;
}

int bn_code_status(enum bn_code code)
{
    return codes[code].status;
}

bool(bn_fail)(struct bn_err *err, enum bn_code code, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, fmt);
    err->code = code;
    err->field[0] = 0;
    write_text(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return false;
}

bool(bn_fail_field)(struct bn_err *err, const char *field, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, fmt);
    err->code = BN_E_INVALID;
    snprintf(err->field, sizeof err->field, "%s", field);
    write_text(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return false;
}

bool(bn_fail_in)(struct bn_err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char where[BN_ERR_TEXT_MAX];
    char what[BN_ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    write_text(where, sizeof where, fmt, args);
    va_end(args);
    memcpy(what, err->text, sizeof what);
    int n = snprintf(err->text, sizeof err->text, "%s: %s", where, what);
    if (n >= (int)sizeof err->text)
        end_cut(err->text, sizeof err->text);
    return false;
}
