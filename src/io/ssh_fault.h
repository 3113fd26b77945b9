/*
 * ssh_fault: why an SSH conversation ended, how far it had come, and the words for both.
 */
#pragma once

#include "base/base.h"

/* The words stand in histories and answers. Up to CANCELLED they are what io/dial says. */
#define BN_SSH_FAULTS(X)                    \
    X(NONE, "ok")                           \
    X(DNS, "dns")                           \
    X(REFUSED, "refused")                   \
    X(UNREACHABLE, "unreachable")           \
    X(NOT_ALLOWED, "not_allowed")           \
    X(TIMEOUT, "timeout")                   \
    X(LOST, "lost")                         \
    X(NOT_SSH, "not_ssh")                   \
    X(KEX, "kex")                           \
    X(HOST_KEY_UNKNOWN, "host_key_unknown") \
    X(HOST_KEY_CHANGED, "host_key_changed") \
    X(KEY_UNREADABLE, "key_unreadable")     \
    X(KEY_PASSPHRASE, "key_passphrase")     \
    X(AUTH_REFUSED, "auth_refused")         \
    X(CHANNEL_REFUSED, "channel_refused")   \
    X(PTY_REFUSED, "pty_refused")           \
    X(EXEC_REFUSED, "exec_refused")         \
    X(CANCELLED, "cancelled")               \
    X(RUNNER, "runner")

enum bn_ssh_fault {

#define X(name, word) BN_SSH_FAULT_##name,
    BN_SSH_FAULTS(X)
#undef X
            BN_SSH_FAULT_COUNT,
};

/* How far it came. */
#define BN_SSH_PHASES(X)                                            \
    X(CONNECT, "connect", "connecting (a firewall?)")               \
    X(BANNER, "banner", "waiting for the server's first words")     \
    X(KEX, "kex", "agreeing on keys")                               \
    X(AUTH, "auth", "logging in")                                   \
    X(IDLE, "idle", "being open with nothing to do")                \
    X(CHANNEL, "channel", "asking the server to start the command") \
    X(RUN, "run", "running the command")

enum bn_ssh_phase {

#define X(name, word, doing) BN_SSH_PHASE_##name,
    BN_SSH_PHASES(X)
#undef X
            BN_SSH_PHASE_COUNT,
};

const char *bn_ssh_fault_word(enum bn_ssh_fault fault);
const char *bn_ssh_phase_word(enum bn_ssh_phase phase);
const char *bn_ssh_phase_doing(enum bn_ssh_phase phase); /* "logging in" */
