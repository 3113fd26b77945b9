/*
 * host_machine: a recorded machine in a folder of its own, whose texts a test changes between
 * samples, and a listener that holds every fact against the rules.
 */
#pragma once

#include "host_folder.h"
#include "model/fact.h"
#include "source/host_sample.h"

#define HEARD_MAX 2048

struct machine {
    char root[64];
    struct bn_host_sampler *sampler;
    struct bn_moment at;
    int64_t now_ms;
    int64_t cost_ns;
    /* what the listener knows: rows told and not gone */
    struct bn_fact *rows;
    size_t row_count;
    size_t told;
    size_t gone;
};

static inline void machine_become(struct machine *m, const char *name)
{
    folder_copy(m->root, name);
}

static inline void machine_put(struct machine *m, const char *path, const char *text)
{
    folder_put(m->root, path, text, strlen(text));
}

static inline void machine_remove(struct machine *m, const char *path)
{
    folder_remove(m->root, path);
}

static struct bn_fact *machine_find(struct machine *m, enum bn_kind kind, const char *id)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    for (size_t i = 0; i < m->row_count; i++)
        if (m->rows[i].kind == kind && strcmp(bn_record_key(type, &m->rows[i].u), id) == 0)
            return &m->rows[i];
    return NULL;
}

/* Every fact is a valid record of the default tenant; only what is there can go. */
static void machine_hear(void *user, const struct bn_fact *fact)
{
    struct machine *m = user;
    const struct bn_record_type *type = bn_kinds[fact->kind].type;
    struct bn_err err;
    const char *id = bn_record_key(type, &fact->u);
    struct bn_fact *row = machine_find(m, fact->kind, id);
    CHECK_STR(fact->tenant, "default");
    CHECK(!fact->replay);
    CHECK(id[0] != 0);
    if (fact->op == BN_GONE) {
        CHECK(row != NULL);
        m->gone++;
        *row = m->rows[--m->row_count];
        return;
    }
    if (!bn_record_check(type, &fact->u, &err))
        fail_msg("%s %s: %s", type->name, id, err.text);
    m->told++;
    if (!row) {
        CHECK(m->row_count < HEARD_MAX);
        row = &m->rows[m->row_count++];
    }
    *row = *fact;
}

static void machine_moment(void *user, struct bn_moment *out)
{
    struct machine *m = user;
    *out = m->at;
}

static int64_t machine_cost(void *user)
{
    struct machine *m = user;
    return m->cost_ns;
}

static inline void machine_start(struct machine *m, const char *name, bn_fs_read_fn fs_read)
{
    *m = (struct machine){.at = {7 * BN_SECOND_NS, 9 * BN_SECOND_NS}, .now_ms = 1763668800000};
    /* In memory where there is such a place: texts are written thousands of times. */
    snprintf(m->root, sizeof m->root, "%s/bn_machine_XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(m->root) != NULL);
    machine_become(m, name);
    m->rows = calloc(HEARD_MAX, sizeof *m->rows);
    m->sampler = bn_host_sampler_create(&(struct bn_host_world){.root = m->root,
            .tell = machine_hear,
            .tell_user = m,
            .moment = machine_moment,
            .cost_ns = machine_cost,
            .fs_read = fs_read,
            .user = m});
}

static inline void machine_stop(struct machine *m)
{
    bn_host_sampler_destroy(m->sampler);
    machine_remove(m, "");
    free(m->rows);
}

static inline void machine_wait_ms(struct machine *m, int64_t ms)
{
    m->at.mono_ns += ms * 1000000;
    m->at.boot_ns += ms * 1000000;
    m->now_ms += ms;
}

/* A whole sample, whatever its length. */
static inline void machine_sample(struct machine *m)
{
    bool more = bn_host_sample(m->sampler, m->now_ms);
    while (more)
        more = bn_host_sample_more(m->sampler);
}

static inline const struct bn_host *machine_host(struct machine *m)
{
    struct bn_fact *fact = machine_find(m, BN_KIND_HOST, "local");
    CHECK(fact != NULL);
    return &fact->u.host;
}

#define MACHINE_ROW(m, kind_, member, id)                 \
    (CHECK(machine_find(m, BN_KIND_##kind_, id) != NULL), \
            &machine_find(m, BN_KIND_##kind_, id)->u.member)
