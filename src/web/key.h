/*
 * key: making an API key, for the page and for the command line.
 */
#pragma once

#include "model/people.h"

/* bnk_<16 of base32>_<256 bits as base64url>, and its NUL */
#define BN_KEY_TEXT_SIZE (4 + 16 + 1 + 43 + 1)

/* Fills id, prefix and hash of key; text is the key itself, which is kept nowhere. */
void bn_key_make(struct bn_key *key, char out_text[BN_KEY_TEXT_SIZE]);
