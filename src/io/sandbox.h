/*
 * sandbox: gives up, for good, what this process never needs, so that nobody who takes it over has
 * it.
 *
 * No program it could start has more rights than it (no_new_privs); it starts none at all and
 * writes in one folder only (Landlock, landlock(7)). Reading stays open: the files of /proc, of
 * /sys and of every mount are what Binnacle measures.
 */
#pragma once

#include "base/err.h"

/* For the calling thread and those it begins from now on, so before any other thread begins. The
   folder must be there. *out_abi is Landlock's version, 0 when this kernel has none: then only
   no_new_privs holds. False: the folder cannot be opened, or the kernel refused what it offers. */
BN_MUST_CHECK bool bn_sandbox_enter(const char *folder, int *out_abi, struct bn_err *err);
