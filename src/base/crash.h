/*
 * crash: moments at which a test has the process killed, to see what the next start makes of it.
 *
 * In test builds (BN_CRASH_POINTS) BINNACLE_CRASH_AT=NAME kills the process when it comes by that
 * point, NAME:3 the third time. Elsewhere a point is nothing at all. Any thread.
 */
#pragma once

/* By the floor it belongs to: store, hub, operations, operations over SSH, the start. */
#define BN_CRASH_LIST(X)      \
    X(store_before_migrate)   \
    X(store_migrated)         \
    X(store_before_begin)     \
    X(store_begun)            \
    X(store_before_commit)    \
    X(store_committed)        \
    X(store_before_answer)    \
    X(hub_before_ask)         \
    X(hub_before_flush)       \
    X(hub_flushed)            \
    X(hub_before_settle)      \
    X(hub_before_publish)     \
    X(hub_published)          \
    X(work_before_begin)      \
    X(work_begun)             \
    X(work_before_step)       \
    X(work_before_end)        \
    X(work_kept)              \
    X(dispatch_begun)         \
    X(dispatch_connecting)    \
    X(dispatch_connected)     \
    X(dispatch_before_intent) \
    X(dispatch_intent_kept)   \
    X(dispatch_sent)          \
    X(dispatch_output)        \
    X(dispatch_exited)        \
    X(dispatch_ending)        \
    X(dispatch_end_kept)      \
    X(dispatch_tidied)        \
    X(start_loaded)           \
    X(start_taken_up)

enum bn_crash_point {

#define X(name) BN_CRASH_##name,
    BN_CRASH_LIST(X)
#undef X
            BN_CRASH_COUNT
};

const char *bn_crash_word(enum bn_crash_point point);

#ifdef BN_CRASH_POINTS
void bn_crash_at(enum bn_crash_point point);
#define BN_CRASH_POINT(name) bn_crash_at(BN_CRASH_##name)
#else
#define BN_CRASH_POINT(name) ((void)0)
#endif
