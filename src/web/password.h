/*
 * password: which new passwords are refused, and the sentence that says why.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* BN_PASSWORD_MIN..MAX bytes, taken exactly as they are; valid UTF-8; at least 5 different
   characters; neither a common password nor a common word, the user's name or "binnacle" with only
   digits and signs around it, nor one that contains a user name of 4 or more. No composition rules.
   field names the request member at fault. */
BN_MUST_CHECK bool bn_password_check(struct bn_str password, struct bn_str user_name,
        const char *field, struct bn_err *err);

/* Is it on the list of common passwords? ASCII case aside. */
bool bn_password_is_common(struct bn_str password);
