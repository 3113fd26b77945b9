#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/fleet_private.h"

#define RESOURCES_PATH "/api2/json/cluster/resources"
#define POLL_MS        10000 /* served from memory by any member (PVE-API 11) */
#define RATE_MIN_MS    1000  /* between two samples (PVE-API 13.5) */

/* What the last listings said of one guest. */
struct bn_guest_seen {
    UT_hash_handle hh;
    char id[BN_ID_MAX];
    int64_t net_in;
    int64_t net_out;
    int64_t disk_read;
    int64_t disk_write;
    int64_t uptime;
    double net_in_bps; /* between the last two samples */
    double net_out_bps;
    double disk_read_bps;
    double disk_write_bps;
    char name[128];
    char tags[160];
    uint8_t missing; /* listings in a row without it */
    bool is_listed;  /* in this one */
};

/* And of one node. */
struct bn_node_seen {
    UT_hash_handle hh;
    char id[BN_ID_MAX];
    int64_t uptime;
    int64_t moved_mono_ms;
    uint8_t missing;
};

/* And of one storage. */
struct bn_storage_seen {
    UT_hash_handle hh;
    char id[BN_ID_MAX];
    uint8_t missing;
};

/* --- rates ----------------------------------------------------------------------------------- */

/* A counter that fell was reset; a guest that was restarted counts from 0. */
static double rate_of(int64_t before, int64_t now, int64_t ms)
{
    if (before == BN_UNKNOWN || now == BN_UNKNOWN || now < before || ms < RATE_MIN_MS)
        return NAN;
    return (double)(now - before) * 1000 / (double)ms;
}

/* Between two samples of the server's own, by the clock that stands in them: the guest's uptime. A
   listing that brings the sample of the one before has no news. */
static void put_rates(struct bn_pve_guest *guest, struct bn_guest_seen *seen)
{
    const struct bn_vm *vm = &guest->vm;
    const bool is_known = seen->uptime != BN_UNKNOWN && vm->uptime != BN_UNKNOWN;
    if (is_known && vm->uptime == seen->uptime)
        return;
    const int64_t ms = is_known && vm->uptime > seen->uptime ? (vm->uptime - seen->uptime) * 1000
                                                             : 0;
    seen->net_in_bps = rate_of(seen->net_in, guest->net_in, ms);
    seen->net_out_bps = rate_of(seen->net_out, guest->net_out, ms);
    seen->disk_read_bps = rate_of(seen->disk_read, guest->disk_read, ms);
    seen->disk_write_bps = rate_of(seen->disk_write, guest->disk_write, ms);
    seen->net_in = guest->net_in;
    seen->net_out = guest->net_out;
    seen->disk_read = guest->disk_read;
    seen->disk_write = guest->disk_write;
    seen->uptime = vm->uptime;
}

/* --- one listing ----------------------------------------------------------------------------- */

static const struct bn_node *node_of(const struct bn_pve_listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->node_count; i++)
        if (strcmp(listing->nodes[i].node, name) == 0)
            return &listing->nodes[i];
    return NULL;
}

static struct bn_guest_seen *seen_get(struct bn_fleet_entry *entry, const struct bn_vm *vm)
{
    struct bn_guest_seen *seen = NULL;
    HASH_FIND_STR(entry->guests, vm->id, seen);
    if (seen)
        return seen;
    seen = bn_alloc(sizeof *seen);
    memcpy(seen->id, vm->id, sizeof seen->id);
    seen->uptime = BN_UNKNOWN;
    HASH_ADD_STR(entry->guests, id, seen);
    return seen;
}

/* Five minutes after its node died a guest is listed without a name: the last known one stays. */
static void keep_names(struct bn_guest_seen *seen, struct bn_vm *vm)
{
    if (vm->name[0])
        memcpy(seen->name, vm->name, sizeof seen->name);
    else
        memcpy(vm->name, seen->name, sizeof vm->name);
    if (strcmp(vm->status, "unknown") == 0 && !vm->tags[0])
        memcpy(vm->tags, seen->tags, sizeof vm->tags);
    else
        memcpy(seen->tags, vm->tags, sizeof seen->tags);
}

static void tell_guest(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        struct bn_pve_listing *listing, struct bn_pve_guest *guest)
{
    struct bn_fact fact;
    struct bn_vm *vm = &guest->vm;
    struct bn_guest_seen *seen = seen_get(entry, vm);
    const struct bn_node *node = node_of(listing, vm->node);
    put_rates(guest, seen);
    vm->net_in_bps = seen->net_in_bps;
    vm->net_out_bps = seen->net_out_bps;
    vm->disk_read_bps = seen->disk_read_bps;
    vm->disk_write_bps = seen->disk_write_bps;
    keep_names(seen, vm);
    vm->is_stale = node && strcmp(node->status, "online") != 0;
    seen->missing = 0;
    seen->is_listed = true;
    bn_fact_init(&fact, BN_KIND_VM, entry->tenant);
    fact.u.vm = *vm;
    bn_fleet_tell(fleet, &fact);
}

static void tell_gone(struct bn_fleet *fleet, const struct bn_fleet_entry *entry, enum bn_kind kind,
        const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, kind, entry->tenant);
    fact.op = BN_GONE;
    _Static_assert(offsetof(struct bn_vm, id) == offsetof(struct bn_node, id), "the id is first");
    bn_text_clip(fact.u.vm.id, sizeof fact.u.vm.id, bn_str(id));
    bn_fleet_tell(fleet, &fact);
}

/* Guests that three listings in a row do not have are gone (PVE-API 13.4). */
static void tell_missing(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_guest_seen *seen = NULL;
    struct bn_guest_seen *next = NULL;
    HASH_ITER(hh, entry->guests, seen, next)
    {
        const bool is_listed = seen->is_listed;
        seen->is_listed = false;
        if (is_listed || ++seen->missing < BN_GONE_AFTER_POLLS)
            continue;
        tell_gone(fleet, entry, BN_KIND_VM, seen->id);
        // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
        HASH_DEL(entry->guests, seen);
        free(seen);
    }
}

/* A node whose uptime stands still is not there, whatever is said of it (PVE-API 6.2). */
static bool is_still(const struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        const struct bn_node *node)
{
    const int64_t now = fleet->config.clock->mono_ms;
    struct bn_node_seen *seen = NULL;
    HASH_FIND_STR(entry->nodes, node->id, seen);
    if (!seen) {
        seen = bn_alloc(sizeof *seen);
        memcpy(seen->id, node->id, sizeof seen->id);
        seen->uptime = BN_UNKNOWN;
        HASH_ADD_STR(entry->nodes, id, seen);
    }
    seen->missing = 0;
    if (seen->uptime != node->uptime || node->uptime == BN_UNKNOWN)
        seen->moved_mono_ms = now;
    seen->uptime = node->uptime;
    return now - seen->moved_mono_ms >= BN_STALE_AFTER_MS;
}

static void drop_node(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        struct bn_node_seen *seen)
{
    tell_gone(fleet, entry, BN_KIND_NODE, seen->id);
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(entry->nodes, seen);
    free(seen);
}

static void tell_nodes(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        struct bn_pve_listing *listing)
{
    struct bn_node_seen *seen = NULL;
    struct bn_node_seen *next = NULL;
    HASH_ITER(hh, entry->nodes, seen, next)
    {
        seen->missing++;
    }
    for (size_t i = 0; i < listing->node_count; i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_NODE, entry->tenant);
        fact.u.node = listing->nodes[i];
        const bool stands_still = is_still(fleet, entry, &fact.u.node);
        fact.u.node.is_stale = stands_still && strcmp(fact.u.node.status, "online") == 0;
        bn_fleet_tell(fleet, &fact);
    }
    HASH_ITER(hh, entry->nodes, seen, next)
    {
        if (seen->missing >= BN_GONE_AFTER_POLLS)
            drop_node(fleet, entry, seen);
    }
}

static void drop_storage(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        struct bn_storage_seen *seen)
{
    tell_gone(fleet, entry, BN_KIND_STORAGE, seen->id);
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(entry->storages, seen);
    free(seen);
}

static void tell_storage(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        const struct bn_storage *storage)
{
    struct bn_fact fact;
    struct bn_storage_seen *seen = NULL;
    HASH_FIND_STR(entry->storages, storage->id, seen);
    if (!seen) {
        seen = bn_alloc(sizeof *seen);
        memcpy(seen->id, storage->id, sizeof seen->id);
        HASH_ADD_STR(entry->storages, id, seen);
    }
    seen->missing = 0;
    bn_fact_init(&fact, BN_KIND_STORAGE, entry->tenant);
    fact.u.storage = *storage;
    bn_fleet_tell(fleet, &fact);
}

static void tell_storages(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        const struct bn_pve_listing *listing)
{
    struct bn_storage_seen *seen = NULL;
    struct bn_storage_seen *next = NULL;
    HASH_ITER(hh, entry->storages, seen, next)
    {
        seen->missing++;
    }
    for (size_t i = 0; i < listing->storage_count; i++)
        tell_storage(fleet, entry, &listing->storages[i]);
    HASH_ITER(hh, entry->storages, seen, next)
    {
        if (seen->missing >= BN_GONE_AFTER_POLLS)
            drop_storage(fleet, entry, seen);
    }
}

/* Of the server that was asked; told under its home. */
static void take_listing(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        struct bn_pve_listing *listing)
{
    struct bn_fleet_entry *home = bn_fleet_home(entry);
    tell_nodes(fleet, home, listing);
    tell_storages(fleet, home, listing);
    for (size_t i = 0; i < listing->guest_count; i++)
        tell_guest(fleet, home, listing, &listing->guests[i]);
    /* What a cluster without a quorum does not list may run all the same (PVE-API 13.4). */
    if (listing->skipped == 0 && bn_fleet_server(fleet, entry)->is_quorate != 0)
        tell_missing(fleet, home);
}

/* What was asked for is told under a server that may have got another home meanwhile. */
static bool is_of_home(struct bn_fleet_entry *entry, const struct bn_fleet_ask *ask)
{
    return strcmp(bn_fleet_home(entry)->id, ask->server_id) == 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void read_listing(struct bn_fetch_job *job)
{
    struct bn_fleet_ask *ask = container_of(job, struct bn_fleet_ask, job);
    if (job->answer.status == 200)
        ask->was_read = bn_pve_read_resources(bn_buf_str(&job->answer.body), ask->server_id,
                &ask->listing, &ask->unreadable);
}

static void poll_done(struct bn_fetch_job *job)
{
    struct bn_fleet_ask *ask = container_of(job, struct bn_fleet_ask, job);
    struct bn_fleet *fleet = ask->fleet;
    struct bn_fleet_entry *entry = bn_fleet_find(fleet, ask);
    if (entry) {
        const int64_t now = fleet->config.clock->mono_ms;
        entry->is_polling = false;
        fleet->stats.polls++;
        if (entry->poll_due_mono_ms)
            entry->poll_due_mono_ms = now + bn_fleet_about(fleet->config.poll_every_ms);
        if (ask->was_read && is_of_home(entry, ask))
            take_listing(fleet, entry, &ask->listing);
        else if (!ask->was_read && job->answer.fault != BN_FETCH_CANCELLED)
            entry->check_due_mono_ms = now; /* it will say what is wrong */
    }
    bn_fleet_ask_destroy(ask);
}

void bn_fleet_poll(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_fleet_ask *ask = bn_fleet_ask_create(fleet, entry);
    memcpy(ask->server_id, bn_fleet_home(entry)->id, sizeof ask->server_id);
    ask->job.read = read_listing;
    ask->job.done = poll_done;
    entry->is_polling = true;
    if (bn_fleet_ask_send(ask, RESOURCES_PATH, POLL_MS, NULL))
        return;
    entry->is_polling = false;
    entry->poll_due_mono_ms = fleet->config.clock->mono_ms + fleet->config.poll_every_ms;
    bn_fleet_ask_destroy(ask);
}

void bn_fleet_clear(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_guest_seen *seen = NULL;
    struct bn_guest_seen *next = NULL;
    struct bn_node_seen *node = NULL;
    struct bn_node_seen *next_node = NULL;
    HASH_ITER(hh, entry->guests, seen, next)
    {
        tell_gone(fleet, entry, BN_KIND_VM, seen->id);
        // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
        HASH_DEL(entry->guests, seen);
        free(seen);
    }
    HASH_ITER(hh, entry->nodes, node, next_node)
    {
        drop_node(fleet, entry, node);
    }
    struct bn_storage_seen *storage = NULL;
    struct bn_storage_seen *next_storage = NULL;
    HASH_ITER(hh, entry->storages, storage, next_storage)
    {
        drop_storage(fleet, entry, storage);
    }
}

/* Nobody answers for it: what is known of it was so once. */
void bn_fleet_doubt(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_live *live = &fleet->config.hub->live;
    struct bn_guest_seen *guest = NULL;
    struct bn_guest_seen *next = NULL;
    struct bn_node_seen *node = NULL;
    struct bn_node_seen *next_node = NULL;
    struct bn_fact fact;
    HASH_ITER(hh, entry->guests, guest, next)
    {
        const struct bn_vm *vm = bn_live_get(live, entry->tenant, BN_KIND_VM, guest->id);
        if (!vm || vm->is_stale == 1)
            continue;
        bn_fact_init(&fact, BN_KIND_VM, entry->tenant);
        fact.u.vm = *vm;
        fact.u.vm.is_stale = 1;
        bn_fleet_tell(fleet, &fact);
    }
    HASH_ITER(hh, entry->nodes, node, next_node)
    {
        const struct bn_node *row = bn_live_get(live, entry->tenant, BN_KIND_NODE, node->id);
        if (!row || row->is_stale == 1)
            continue;
        bn_fact_init(&fact, BN_KIND_NODE, entry->tenant);
        fact.u.node = *row;
        fact.u.node.is_stale = 1;
        bn_fleet_tell(fleet, &fact);
    }
}
