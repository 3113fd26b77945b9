/*
 * err: why something did not happen: one of a dozen codes, one sentence, perhaps one field.
 */
#pragma once

#include "base/base.h"

/* The whole product's reasons: code, API word, HTTP status (FIXED-POINTS 2). */
#define BN_CODES(X)                      \
    X(OK, "ok", 200)                     \
    X(INVALID, "invalid", 400)           \
    X(UNAUTHORIZED, "unauthorized", 401) \
    X(FORBIDDEN, "forbidden", 403)       \
    X(NOT_FOUND, "not_found", 404)       \
    X(CONFLICT, "conflict", 409)         \
    X(TOO_BIG, "too_big", 413)           \
    X(TOO_MANY, "too_many", 429)         \
    X(UNAVAILABLE, "unavailable", 503)   \
    X(TIMEOUT, "timeout", 504)           \
    X(UPSTREAM, "upstream", 502)         \
    X(STORAGE, "storage", 507)           \
    X(INTERNAL, "internal", 500)

enum bn_code {

#define X(name, word, status) BN_E_##name,
    BN_CODES(X)
#undef X
};

#define BN_ERR_TEXT_MAX  192 /* one sentence with one quoted name in it */
#define BN_ERR_FIELD_MAX 48

/* Lives on the caller's stack: nothing to allocate, nothing to free. Written on failure only. */
struct bn_err {
    enum bn_code code;
    char field[BN_ERR_FIELD_MAX]; /* the request field at fault, or "" */
    char text[BN_ERR_TEXT_MAX];
};

const char *bn_code_word(enum bn_code code);
int bn_code_status(enum bn_code code);

/* Both return false, so that a refusal reads `return bn_fail(err, …)`. err may be NULL. A text that
   does not fit ends in "...". */
bool bn_fail(struct bn_err *err, enum bn_code code, const char *fmt, ...) BN_PRINTF(3, 4);
bool bn_fail_field(struct bn_err *err, const char *field, const char *fmt, ...) BN_PRINTF(3, 4);

/* Puts where it happened before the sentence: "servers.csv line 3: port must be ...". False. */
bool bn_fail_in(struct bn_err *err, const char *fmt, ...) BN_PRINTF(2, 3);

/* The analyzer reads one file at a time and could not know that they answer false. */
#ifdef __clang_analyzer__
#define bn_fail(...)       ((void)bn_fail(__VA_ARGS__), false)
#define bn_fail_field(...) ((void)bn_fail_field(__VA_ARGS__), false)
#define bn_fail_in(...)    ((void)bn_fail_in(__VA_ARGS__), false)
#endif
