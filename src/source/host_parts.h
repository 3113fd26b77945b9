/*
 * host_parts: what the parts of the host sampler share: a world to read, facts to tell.
 */
#pragma once

#include "io/fs_probe.h"
#include "io/units.h"
#include "model/fact.h"
#include "source/host_file.h"
#include "source/host_rows.h"
#include "source/rate.h"

#define BN_HOST_ID "local"

/* What the sampler asks of the world; tests bring their own. */
struct bn_host_world {
    const char *root; /* "" for this machine */
    void (*tell)(void *user, const struct bn_fact *fact);
    void *tell_user;
    void (*moment)(void *user, struct bn_moment *out);
    int64_t (*cost_ns)(void *user); /* CPU time of this thread, to pace what is dear */
    bn_fs_read_fn fs_read;
    bn_units_read_fn units_read; /* NULL: there is nobody to ask */
    void *user;
};

struct bn_host_cpus;
struct bn_host_vitals;
struct bn_host_disks;
struct bn_host_nics;
struct bn_host_mounts;
struct bn_host_tcp;
struct bn_host_procs;
struct bn_host_about;
struct bn_host_units;

struct bn_host_sampler {
    struct bn_host_world world;
    struct bn_host_reader reader;
    struct bn_moment at; /* of the sample being taken */
    int64_t now_ms;      /* its wall time */
    struct bn_host host; /* the root record; each part writes its fields and keeps them fresh */
    struct bn_fact fact; /* for the parts to fill and tell */
    struct bn_host_cpus *cpus;
    struct bn_host_vitals *vitals;
    struct bn_host_disks *disks;
    struct bn_host_nics *nics;
    struct bn_host_mounts *mounts;
    struct bn_host_tcp *tcp;
    struct bn_host_procs *procs;
    struct bn_host_about *about;
    struct bn_host_units *units;
};

/* An empty fact of that kind in s->fact, with its key. */
union bn_record *bn_host_fact(struct bn_host_sampler *s, enum bn_kind kind, const char *id);
void bn_host_tell(struct bn_host_sampler *s);
void bn_host_tell_gone(struct bn_host_sampler *s, enum bn_kind kind, const char *id);

/* Something done every so often: true when it is time, and then not before period_ns have passed.
 */
struct bn_host_due {
    bool has_begun;
    int64_t next_ns;
};

bool bn_host_is_due(struct bn_host_due *due, const struct bn_host_sampler *s, int64_t period_ns);
/* When the thing cost cost_ns of CPU time: period_ns, but rarely enough that it stays below 1/share
   of a core, and at least every max_ns. */
int64_t bn_host_pace(int64_t cost_ns, int64_t period_ns, int64_t share, int64_t max_ns);

/* Each part: create, sample once a second, destroy. _more continues what a sample left unfinished;
   true while there is more. */
#define BN_HOST_PART(name)                                      \
    struct bn_host_##name *bn_host_##name##_create(void);       \
    void bn_host_##name##_destroy(struct bn_host_##name *name); \
    void bn_host_##name##_sample(struct bn_host_##name *name, struct bn_host_sampler *s)

BN_HOST_PART(cpus);   /* /proc/stat, clock rates */
BN_HOST_PART(vitals); /* memory, load, pressure, descriptors, temperature */
BN_HOST_PART(disks);
BN_HOST_PART(nics);
BN_HOST_PART(mounts);
BN_HOST_PART(tcp);
BN_HOST_PART(procs);
BN_HOST_PART(about); /* names, processor, operating system */
BN_HOST_PART(units); /* of the service manager */

bool bn_host_tcp_more(struct bn_host_tcp *tcp, struct bn_host_sampler *s);
bool bn_host_procs_more(struct bn_host_procs *procs, struct bn_host_sampler *s);
