/*
 * password_common: some 800 passwords of 12 bytes or more that everybody tries first.
 *
 * Entries of published lists of leaked passwords, and keyboard runs, that the minimum length alone
 * would let through.
 */
#pragma once

#include "base/base.h"

/* Lower case; groups of them, each with a line feed before its first and after each; ends with
 * NULL. */
extern const char *const bn_common_passwords[];
