/*
 * terminal: a shell on a target over SSH, as the far end of a console.
 *
 * The page speaks to it as to Proxmox VE's termproxy (wire/term_input), so that one page shows
 * both. Loop thread.
 */
#pragma once

#include "source/console.h"
#include "source/reach.h"

struct bn_terminals;

struct bn_terminals *bn_terminals_start(const struct bn_reach_config *config);
/* What is open ends without a word. NULL is fine. */
void bn_terminals_stop(struct bn_terminals *terminals);

/* False: not begun, and opened will not come. */
BN_MUST_CHECK bool bn_terminal_open(struct bn_terminals *terminals, const char *tenant,
        const struct bn_target *target, bn_console_opened opened, void *user, struct bn_err *err);
