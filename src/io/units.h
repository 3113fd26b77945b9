/*
 * units: what the service manager says of its units, asked over D-Bus (libsystemd).
 *
 * One question is one connection: nothing is kept open, nothing is stale after the bus or the
 * manager began anew, and a bus that appears later is found. Ask from a thread nobody waits for.
 */
#pragma once

#include "base/err.h"

#define BN_UNIT_NAME_MAX 256 /* systemd's own bound with its NUL; a longer one is clipped */

/* How a unit stands, by its ActiveState. */
enum bn_unit_state {
    BN_UNIT_OK,       /* active, reloading, refreshing */
    BN_UNIT_FAILED,   /* failed */
    BN_UNIT_CHANGING, /* activating, deactivating, and words we do not know */
    BN_UNIT_INACTIVE, /* loaded and not running, as most sockets' services are */
    BN_UNIT_STATES,
};

/* One that failed; texts as the bus brought them, valid UTF-8 and otherwise anything. */
struct bn_failed_unit {
    char name[BN_UNIT_NAME_MAX];
    char description[160];
    char sub_state[32];
    int64_t failed_ms; /* wall time, 0 when it could not be learned */
};

struct bn_units_limits {
    size_t units_max;    /* more than these are refused */
    size_t failed_max;   /* so many failed ones are told by name, the first by the alphabet */
    int64_t deadline_ms; /* for all of it */
};

struct bn_units {
    uint64_t counts[BN_UNIT_STATES];
    size_t failed_count;           /* rows of failed; counts says how many there are */
    struct bn_failed_unit *failed; /* the caller's, room for failed_max */
};

/* DBUS_SYSTEM_BUS_ADDRESS, or the place where it always is. */
const char *bn_units_address(void);

/* Takes at most deadline_ms. False: no bus, no manager, no leave to ask, no answer in time; then
 *out is not written, except for the rows of failed. */
typedef bool (*bn_units_read_fn)(const char *address, const struct bn_units_limits *limits,
        struct bn_units *out, struct bn_err *err);
BN_MUST_CHECK bool bn_units_read(const char *address, const struct bn_units_limits *limits,
        struct bn_units *out, struct bn_err *err);
