#include <stdlib.h>
#include <string.h>

#include "source/fleet_private.h"

#define KIN_KEEP_MS                                                                              \
    900000                 /* without a new proof: a certificate may have been renewed meanwhile \
                            */
#define KIN_AWAIT_MS 15000 /* after the start: for the first check of those that may be kin */

/* --- who belongs together -------------------------------------------------------------------- */

void bn_fleet_learn_members(struct bn_fleet_ask *ask)
{
    static bn_fingerprint prints[BN_PVE_MEMBERS_MAX]; /* loop thread only */
    const size_t count = bn_pve_read_fingerprints(bn_buf_str(&ask->job.answer.body), prints,
            COUNT(prints));
    free(ask->members);
    ask->members = bn_alloc_array(count + 1, sizeof *ask->members);
    memcpy(ask->members, prints, count * sizeof *prints);
    ask->member_count = count;
    memcpy(ask->shown, ask->job.peer.fingerprint, sizeof ask->shown);
}

void bn_fleet_learn_cluster(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry,
        const char *name)
{
    bn_fingerprint *before = entry->members;
    entry->members = ask->members;
    entry->member_count = ask->member_count;
    ask->members = before;
    ask->member_count = 0;
    if (ask->shown[0])
        memcpy(entry->shown, ask->shown, sizeof entry->shown);
    bn_text_clip(entry->cluster, sizeof entry->cluster, bn_str(name));
}

static bool lists(const struct bn_fleet_entry *entry, const char *fingerprint)
{
    for (size_t i = 0; i < entry->member_count; i++)
        if (strcmp(entry->members[i], fingerprint) == 0)
            return true;
    return false;
}

/* Names of clusters and of nodes come twice in the world, and anybody may say them. A certificate
   that was shown to us needs its key: each must list the one the other showed. */
static bool are_kin(const struct bn_fleet_entry *one, const struct bn_fleet_entry *other)
{
    return one != other && one->cluster[0] && strcmp(one->cluster, other->cluster) == 0 &&
           strcmp(one->tenant, other->tenant) == 0 && one->shown[0] && other->shown[0] &&
           lists(one, other->shown) && lists(other, one->shown);
}

struct bn_fleet_entry *bn_fleet_home(struct bn_fleet_entry *entry)
{
    return entry->home ? entry->home : entry;
}

static bool is_older(const struct bn_fleet *fleet, const struct bn_fleet_entry *one,
        const struct bn_fleet_entry *other)
{
    const struct bn_server *a = bn_fleet_server(fleet, one);
    const struct bn_server *b = bn_fleet_server(fleet, other);
    if (!a || !b || a->created_at == b->created_at)
        return strcmp(one->id, other->id) < 0;
    return a->created_at < b->created_at;
}

/* --- homes ----------------------------------------------------------------------------------- */

static void check_soon(const struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    entry->check_due_mono_ms = fleet->config.clock->mono_ms; /* its row says under whom it is */
}

static void poll_soon(const struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    if (entry->poll_due_mono_ms)
        entry->poll_due_mono_ms = fleet->config.clock->mono_ms;
}

static void follow(struct bn_fleet_entry *entry, struct bn_fleet_entry *home)
{
    entry->home = home;
    bn_list_append(&home->kin, &entry->kin);
}

static void join(struct bn_fleet *fleet, struct bn_fleet_entry *entry, struct bn_fleet_entry *home)
{
    bn_list_each_safe(it, tmp, &entry->kin) {
        struct bn_fleet_entry *kin = container_of(it, struct bn_fleet_entry, kin);
        bn_list_remove(&kin->kin);
        follow(kin, home);
        check_soon(fleet, kin);
    }
    bn_fleet_clear(fleet, entry);
    follow(entry, home);
    check_soon(fleet, entry);
    poll_soon(fleet, home);
}

void bn_fleet_part(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_fleet_entry *heir = NULL;
    if (entry->home) {
        bn_list_remove(&entry->kin);
        entry->home = NULL;
        return;
    }
    bn_list_each(it, &entry->kin) {
        struct bn_fleet_entry *kin = container_of(it, struct bn_fleet_entry, kin);
        if (!heir || is_older(fleet, kin, heir))
            heir = kin;
    }
    bn_list_each_safe(it, tmp, &entry->kin) {
        struct bn_fleet_entry *kin = container_of(it, struct bn_fleet_entry, kin);
        bn_list_remove(&kin->kin);
        kin->home = NULL;
        if (kin != heir)
            follow(kin, heir);
        check_soon(fleet, kin);
        poll_soon(fleet, kin);
    }
}

/* Its cluster is another one, or for a quarter of an hour nobody could prove that it is the same.
 */
static bool is_estranged(const struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    return entry->home && (strcmp(entry->home->cluster, entry->cluster) != 0 ||
                                  fleet->config.clock->mono_ms - entry->kin_mono_ms >= KIN_KEEP_MS);
}

static void part_estranged(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    if (!is_estranged(fleet, entry))
        return;
    bn_fleet_part(fleet, entry);
    check_soon(fleet, entry);
    poll_soon(fleet, entry);
}

void bn_fleet_relate(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    const int64_t now = fleet->config.clock->mono_ms;
    struct bn_fleet_entry *other = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, other, next)
    {
        if (!are_kin(entry, other))
            continue;
        struct bn_fleet_entry *mine = bn_fleet_home(entry);
        struct bn_fleet_entry *theirs = bn_fleet_home(other);
        entry->kin_mono_ms = other->kin_mono_ms = now;
        if (mine == theirs)
            continue;
        if (is_older(fleet, mine, theirs))
            join(fleet, theirs, mine);
        else
            join(fleet, mine, theirs);
    }
    part_estranged(fleet, entry);
    bn_list_each_safe(it, tmp, &bn_fleet_home(entry)->kin)
        part_estranged(fleet, container_of(it, struct bn_fleet_entry, kin));
}

/* --- who speaks for the cluster -------------------------------------------------------------- */

/* A member with a quorum knows better than one without (PVE-API 10). */
static int rank_of(const struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    const struct bn_server *server = bn_fleet_server(fleet, entry);
    if (!server || !entry->is_up)
        return 0;
    return server->is_quorate == 0 ? 1 : 2;
}

struct bn_fleet_entry *bn_fleet_speaker(const struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    struct bn_fleet_entry *home = bn_fleet_home(entry);
    struct bn_fleet_entry *best = home;
    int best_rank = rank_of(fleet, home);
    bn_list_each(it, &home->kin) {
        struct bn_fleet_entry *kin = container_of(it, struct bn_fleet_entry, kin);
        const int rank = rank_of(fleet, kin);
        if (rank > best_rank || (rank == best_rank && best != home && is_older(fleet, kin, best))) {
            best = kin;
            best_rank = rank;
        }
    }
    return best;
}

/* At the start of the program the first to answer would tell guests under its name, and take them
   back when the home of its cluster has answered. */
static bool may_have_home(const struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    struct bn_fleet_entry *other = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, other, next)
    {
        const struct bn_server *server = other->was_checked ? NULL : bn_fleet_server(fleet, other);
        if (server && strcmp(server->cluster, entry->cluster) == 0 &&
                strcmp(other->tenant, entry->tenant) == 0 && is_older(fleet, other, entry))
            return true;
    }
    return false;
}

bool bn_fleet_may_poll(const struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    const int64_t age_ms = fleet->config.clock->mono_ms - fleet->begun_mono_ms;
    if (age_ms < KIN_AWAIT_MS && entry->cluster[0] && may_have_home(fleet, entry))
        return false;
    return bn_fleet_speaker(fleet, entry) == entry;
}
