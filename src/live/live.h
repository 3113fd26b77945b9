/*
 * live: all we know now, per tenant and kind; apply a fact and learn what it changed.
 *
 * Pure: no sockets, no threads, no clock of its own. Loop thread only; only the hub calls apply.
 */
#pragma once

#include "live/series.h"
#include "model/fact.h"
#include "model/limits.h"
#include "model/table.h"

struct bn_topic;
struct bn_server_past;
struct bn_place;

struct bn_tenant_live {
    char id[BN_TENANT_MAX];
    struct bn_table tables[BN_KIND_COUNT]; /* type NULL for kinds not held in memory */
    struct bn_table
            coming[BN_KIND_COUNT]; /* of kinds kept first: what the store has not spoken of */
    struct bn_series_set series;
    struct bn_topic *topics[BN_KIND_COUNT]; /* the hub's: where each kind is told, or NULL */
    struct bn_server_past *past;            /* of each server, by its id */
    struct bn_place *places;                /* where servers stand or will, see live/places.h */
    int64_t servers_max;
    struct bn_tenant_live *next;
};

struct bn_live {
    struct bn_tenant_live *tenants; /* oldest first; "default" always exists */
    size_t tenant_count;
    int64_t servers_max; /* of tenants made from now on; BN_SERVERS_MAX_DEFAULT */
    struct bn_tenant_live
            *last; /* private: the tenant of the last fact, usually also of the next */
};

/* What a fact changed; changed 0 ends its journey. */
struct bn_change {
    struct bn_tenant_live *tenant;
    enum bn_kind kind;
    const struct bn_table *table; /* NULL: an event, nothing is held */
    struct bn_row *row;           /* NULL when it is gone, and for events */
    const char *key;              /* into the fact */
    uint64_t changed;             /* mask of fields */
    bool is_new;
    bool is_gone;
    struct bn_tenant_live *tenant_made; /* a TENANT fact that opened a new one */
};

void bn_live_init(struct bn_live *live);
void bn_live_finish(struct bn_live *live);

struct bn_tenant_live *bn_live_find(struct bn_live *live, const char *id); /* may be NULL */
/* NULL when the tenant or the row is unknown. The record stays until the next turn. */
const void *bn_live_get(struct bn_live *live, const char *tenant, enum bn_kind kind,
        const char *key);

/* The same, or what is coming when the store has kept it: what a change of a row stands on. */
const void *bn_live_get_newest(struct bn_live *live, const char *tenant, enum bn_kind kind,
        const char *key);

/* May this fact come in? Its tenant exists, its record is valid, there is room, and for records:
   what the others say of it (a user name is free, a session's user exists). Changes nothing. */
BN_MUST_CHECK bool bn_live_admit(struct bn_live *live, const struct bn_fact *fact,
        struct bn_err *err);
/* A record of a kind kept first is on its way to the store: nobody sees it, but its name is taken
   and its place counted. */
void bn_live_expect(struct bn_live *live, const struct bn_fact *fact);
/* The store has spoken of the last one of that row that was on its way. */
void bn_live_unexpect(struct bn_live *live, const struct bn_fact *fact);
/* What else we know now that the fact is applied: derived fields of another row. False: nothing. */
bool bn_live_derive(struct bn_live *live, const struct bn_fact *fact, struct bn_change *out);
/* Changes what we know. Admitted facts cannot fail. */
void bn_live_apply(struct bn_live *live, const struct bn_fact *fact, struct bn_change *out);
