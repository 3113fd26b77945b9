/*
 * host_machine: a recorded machine in a folder of its own, whose texts a test changes between
 * samples, and a listener that holds every fact against the rules.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bn_test.h"
#include "model/fact.h"
#include "source/host_sample.h"

#define HEARD_MAX 2048

struct machine {
    char root[64];
    struct bn_host_sampler *sampler;
    struct bn_host_moment at;
    int64_t now_ms;
    int64_t cost_ns;
    /* what the listener knows: rows told and not gone */
    struct bn_fact *rows;
    size_t row_count;
    size_t told;
    size_t gone;
};

static const char *machine_copy_from;
static const char *machine_copy_to;

static void machine_write(const char *path, const void *bytes, size_t len)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *p = folder + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(folder, 0755);
            *p = '/';
        }
    /* Written in place: whoever holds the file open reads the new text, as with /proc. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, len), len);
    close(fd);
}

static int machine_copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    char to[512];
    static char bytes[1 << 18];
    if (type != FTW_F)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    snprintf(to, sizeof to, "%s%s", machine_copy_to, path + strlen(machine_copy_from));
    machine_write(to, bytes, (size_t)n);
    return 0;
}

/* Lays the texts of a recorded machine over those that are there. */
static inline void machine_become(struct machine *m, const char *name)
{
    char from[512];
    snprintf(from, sizeof from, "%s/fixtures/host/%s", BN_TESTS_DIR, name);
    machine_copy_from = from;
    machine_copy_to = m->root;
    CHECK_INT(nftw(from, machine_copy_one, 16, FTW_PHYS), 0);
}

static inline void machine_put(struct machine *m, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", m->root, path);
    machine_write(full, text, strlen(text));
}

static int machine_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void machine_remove(struct machine *m, const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", m->root, path);
    CHECK_INT(nftw(full, machine_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
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

static void machine_moment(void *user, struct bn_host_moment *out)
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
    snprintf(m->root, sizeof m->root, "/tmp/bn_machine_XXXXXX");
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
