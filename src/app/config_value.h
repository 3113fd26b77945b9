/*
 * config_value: one value of one setting, from its text and back.
 */
#pragma once

#include "app/config.h"

/* Checks text and writes it into config; lists are appended to. The sentence begins with what was
   wanted and does not name the setting: the caller knows where it stood. */
BN_MUST_CHECK bool bn_setting_set(const struct bn_setting *setting, struct bn_config *config,
        struct bn_str text, struct bn_err *err);
/* As if nothing had been given. */
void bn_setting_clear(const struct bn_setting *setting, struct bn_config *config);
/* Of a duration: its ceiling in hours or, below one, in minutes; *out_unit is h or m. */
int64_t bn_setting_max(const struct bn_setting *setting, char *out_unit);
bool bn_setting_is_list(const struct bn_setting *setting);
void bn_setting_put(const struct bn_setting *setting, const struct bn_config *config,
        struct bn_buf *out);
