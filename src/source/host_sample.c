#include "source/host_sample.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- what the parts share ----------------------------------------------------------------------
 */

union bn_record *bn_host_fact(struct bn_host_sampler *s, enum bn_kind kind, const char *id)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    bn_fact_init(&s->fact, kind, BN_TENANT_DEFAULT);
    size_t i = 0;
    while (!(type->fields[i].flags & BN_F_KEY)) {
        i++;
        assert(i < type->field_count);
    }
    bn_text_clip((char *)&s->fact.u + type->fields[i].offset, type->fields[i].size, bn_str(id));
    return &s->fact.u;
}

void bn_host_tell(struct bn_host_sampler *s)
{
    s->world.tell(s->world.tell_user, &s->fact);
}

void bn_host_tell_gone(struct bn_host_sampler *s, enum bn_kind kind, const char *id)
{
    bn_host_fact(s, kind, id);
    s->fact.op = BN_GONE;
    bn_host_tell(s);
}

bool bn_host_is_due(struct bn_host_due *due, const struct bn_host_sampler *s, int64_t period_ns)
{
    /* Half a second early is better than a whole one late: ticks are never exactly a second apart.
     */
    if (due->has_begun && s->at.mono_ns < due->next_ns - BN_SECOND_NS / 2)
        return false;
    due->has_begun = true;
    due->next_ns = s->at.mono_ns + period_ns;
    return true;
}

int64_t bn_host_pace(int64_t cost_ns, int64_t period_ns, int64_t share, int64_t max_ns)
{
    int64_t wanted = cost_ns > max_ns / share ? max_ns : cost_ns * share;
    return BN_MAX(period_ns, wanted);
}

/* --- one sample --------------------------------------------------------------------------------
 */

struct bn_host_sampler *bn_host_sampler_create(const struct bn_host_world *world)
{
    struct bn_host_sampler *s = bn_alloc(sizeof *s);
    s->world = *world;
    bn_host_reader_init(&s->reader, world->root);
    s->world.root = s->reader.root;
    bn_record_clear(bn_kinds[BN_KIND_HOST].type, &s->host);
    bn_text_clip(s->host.id, sizeof s->host.id, bn_str(BN_HOST_ID));
    s->cpus = bn_host_cpus_create();
    s->vitals = bn_host_vitals_create();
    s->disks = bn_host_disks_create();
    s->nics = bn_host_nics_create();
    s->mounts = bn_host_mounts_create();
    s->tcp = bn_host_tcp_create();
    s->procs = bn_host_procs_create();
    s->about = bn_host_about_create();
    s->units = bn_host_units_create();
    return s;
}

void bn_host_sampler_destroy(struct bn_host_sampler *s)
{
    if (!s)
        return;
    bn_host_units_destroy(s->units);
    bn_host_about_destroy(s->about);
    bn_host_procs_destroy(s->procs);
    bn_host_tcp_destroy(s->tcp);
    bn_host_mounts_destroy(s->mounts);
    bn_host_nics_destroy(s->nics);
    bn_host_disks_destroy(s->disks);
    bn_host_vitals_destroy(s->vitals);
    bn_host_cpus_destroy(s->cpus);
    bn_host_reader_finish(&s->reader);
    free(s);
}

bool bn_host_sample(struct bn_host_sampler *s, int64_t now_ms)
{
    s->world.moment(s->world.user, &s->at);
    s->now_ms = now_ms;
    bn_host_about_sample(s->about, s);
    bn_host_cpus_sample(s->cpus, s);
    bn_host_vitals_sample(s->vitals, s);
    bn_host_disks_sample(s->disks, s);
    bn_host_nics_sample(s->nics, s);
    bn_host_mounts_sample(s->mounts, s);
    bn_host_tcp_sample(s->tcp, s);
    bn_host_procs_sample(s->procs, s);
    bn_host_units_sample(s->units, s);
    bool more = bn_host_sample_more(s);
    s->host.at = now_ms;
    bn_host_fact(s, BN_KIND_HOST, BN_HOST_ID)->host = s->host;
    bn_host_tell(s);
    return more;
}

bool bn_host_sample_more(struct bn_host_sampler *s)
{
    bool tcp = bn_host_tcp_more(s->tcp, s);
    bool procs = bn_host_procs_more(s->procs, s);
    return tcp || procs;
}

int64_t bn_host_cost_now(void *user)
{
    struct timespec spent;
    (void)user;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (int64_t)spent.tv_sec * BN_SECOND_NS + spent.tv_nsec;
}
