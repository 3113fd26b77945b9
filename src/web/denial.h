/*
 * denial: what somebody was refused stands in the audit, only so often of each, and is always
 * counted.
 */
#pragma once

#include "hub/hub.h"
#include "web/throttle.h"

/* A page that asks for what its user may not see asks again with each click; a stranger with a key
   that was removed asks every second. BN_DENIALS_AT_ONCE of one asker are written one by one, then
   one after a minute, two, four, …, at most one an hour. */
extern const struct bn_throttle_rule bn_throttle_denial;

struct bn_denial {
    const char *tenant;
    const char *asker; /* what is counted: the id of a session or key, or a place */
    const char *actor; /* what the audit says; "": nobody known */
    const char *action;
    const char *object; /* "GET /api/v1/users", a topic, the name of a key */
    const char *detail;
    const char *address;
};

/* False: this asker has so many already, the entry was not written. */
bool bn_denial_note(struct bn_hub *hub, struct bn_throttle *throttle,
        const struct bn_denial *denial);
