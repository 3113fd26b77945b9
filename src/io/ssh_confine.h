/*
 * ssh_confine: takes from a child of ours whatever an SSH conversation over sockets it was given
 * does not need.
 *
 * A list of the system calls that remain (seccomp(2), a filter that cannot be taken off), limits
 * of memory and descriptors, no core file, no new privileges. What is not on the list fails with
 * EPERM, so that a library which merely looks for a file goes on without it. Built with a
 * sanitizer, which must read /proc and stop threads, only the calls that reach outside are refused.
 */
#pragma once

#include "base/err.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define BN_SSH_SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BN_SSH_SANITIZED 1
#endif
#endif
#ifndef BN_SSH_SANITIZED
#define BN_SSH_SANITIZED 0
#endif

enum bn_ssh_role {
    BN_SSH_FORKER, /* forks, waits and kills besides; still opens, connects and executes nothing */
    BN_SSH_RUNNER,
};

/* For the calling process, which has one thread. The second call may only take more away. False:
   this machine cannot confine it, so it must not speak with strangers. */
BN_MUST_CHECK bool bn_ssh_confine(enum bn_ssh_role role, struct bn_err *err);
