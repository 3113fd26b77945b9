/*
 * setup: the address people open, with the set-up code while set-up is to be done.
 */
#pragma once

#include "app/config.h"

#define BN_URL_SIZE 512

/* For serve, once it listens: makes a set-up code when there is no administrator and none is open,
   and notes the address in the data folder for `binnacle setup-url`. out_url is the set-up URL, or
   "" when set-up is done. */
BN_MUST_CHECK bool bn_setup_begin(const struct bn_config *config, int port, bool has_admin,
        char out_url[BN_URL_SIZE], struct bn_err *err);
/* For serve, when it ends: the address is nobody's any more. */
void bn_setup_end(const struct bn_config *config);

/* The address the running server noted, or what the settings say. */
void bn_setup_address(const struct bn_config *config, char out[BN_URL_SIZE]);
void bn_setup_url(const char *server_url, const char *code, char out[BN_URL_SIZE]);
