/*
 * setup_code: the one-time code that lets the first administrator in, in a file until it is used.
 *
 * The file is the state: set-up is open while it exists. It is 0600, so whoever may read the data
 * folder may print the code again (`binnacle setup-url`), and nobody else.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define BN_SETUP_CODE_SIZE 10 /* "KX4P-9QMT" and its NUL: 40 random bits, without look-alikes */

/* not_found when set-up is closed. */
BN_MUST_CHECK bool bn_setup_code_read(const char *data_dir, char out[BN_SETUP_CODE_SIZE],
        struct bn_err *err);
/* A new code; one there was is no good any more. */
BN_MUST_CHECK bool bn_setup_code_make(const char *data_dir, char out[BN_SETUP_CODE_SIZE],
        struct bn_err *err);
/* Puts back a code that was taken but not used. */
BN_MUST_CHECK bool bn_setup_code_write(const char *data_dir, const char *code, struct bn_err *err);
BN_MUST_CHECK bool bn_setup_code_remove(const char *data_dir, struct bn_err *err);
bool bn_setup_code_is_open(const char *data_dir);

/* Constant time; case, blanks and dashes are the typist's. */
bool bn_setup_code_matches(const char *code, struct bn_str given);
