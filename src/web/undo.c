#include "web/undo.h"

#include <stdlib.h>
#include <string.h>

struct bn_undos {
    struct bn_list list; /* oldest first */
};

struct bn_undos *bn_undos_create(void)
{
    struct bn_undos *undos = bn_alloc(sizeof *undos);
    bn_list_init(&undos->list);
    return undos;
}

struct bn_undo *bn_undo_create(const char *tenant, const char *who)
{
    struct bn_undo *undo = bn_alloc(sizeof *undo);
    uint8_t id[16];
    bn_list_init(&undo->link);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, undo->id);
    bn_text_clip(undo->tenant, sizeof undo->tenant, bn_str(tenant));
    bn_text_clip(undo->who, sizeof undo->who, bn_str(who));
    return undo;
}

void bn_undo_destroy(struct bn_undo *undo)
{
    if (!undo)
        return;
    free(undo->rows);
    free(undo->befores);
    free(undo);
}

void bn_undos_remove(struct bn_undos *undos, struct bn_undo *undo)
{
    (void)undos;
    bn_list_remove(&undo->link);
    bn_undo_destroy(undo);
}

void bn_undos_destroy(struct bn_undos *undos)
{
    if (!undos)
        return;
    bn_list_each_safe(it, tmp, &undos->list)
        bn_undos_remove(undos, container_of(it, struct bn_undo, link));
    free(undos);
}

/* Texts up to their NUL: what stands behind it is nobody's. */
static void digest(const struct bn_server *server, uint8_t out[BN_HASH_SIZE])
{
    static struct bn_server plain; /* loop thread */
    memset(&plain, 0, sizeof plain);
    for (size_t i = 0; i < bn_server_type.field_count; i++) {
        const struct bn_field *field = &bn_server_type.fields[i];
        const char *from = (const char *)server + field->offset;
        if (field->flags & BN_F_DERIVED)
            continue;
        memcpy((char *)&plain + field->offset, from,
                field->type == BN_T_TEXT ? strnlen(from, field->size) : field->size);
    }
    bn_sha256(&plain, sizeof plain, out);
}

static size_t grown(size_t cap)
{
    return cap ? cap * 2 : 16;
}

void bn_undo_note(struct bn_undo *undo, const struct bn_server *before,
        const struct bn_server *after)
{
    if (undo->count == undo->cap) {
        undo->cap = grown(undo->cap);
        undo->rows = bn_realloc(undo->rows, undo->cap * sizeof *undo->rows);
    }
    struct bn_undo_row *row = &undo->rows[undo->count++];
    memcpy(row->id, after->id, sizeof row->id);
    memcpy(row->name, after->name, sizeof row->name);
    digest(after, row->after);
    row->was_there = before != NULL;
    row->before = undo->before_count;
    if (!before)
        return;
    if (undo->before_count == undo->before_cap) {
        undo->before_cap = grown(undo->before_cap);
        undo->befores = bn_realloc(undo->befores, undo->before_cap * sizeof *undo->befores);
    }
    undo->befores[undo->before_count++] = *before;
}

bool bn_undo_is_unchanged(const struct bn_undo_row *row, const struct bn_server *server)
{
    uint8_t now[BN_HASH_SIZE];
    digest(server, now);
    return memcmp(now, row->after, sizeof now) == 0;
}

void bn_undos_sweep(struct bn_undos *undos, int64_t mono_ms)
{
    bn_list_each_safe(it, tmp, &undos->list) {
        struct bn_undo *undo = container_of(it, struct bn_undo, link);
        if (mono_ms >= undo->until_mono_ms && !undo->is_under_way)
            bn_undos_remove(undos, undo);
    }
}

static size_t count_rows(const struct bn_undos *undos, const char *tenant)
{
    size_t rows = 0;
    bn_list_each(it, &undos->list) {
        const struct bn_undo *undo = container_of(it, struct bn_undo, link);
        if (strcmp(undo->tenant, tenant) == 0)
            rows += undo->count;
    }
    return rows;
}

/* Room for so many rows of the tenant: its oldest go, but for those that are being taken back. */
static void make_room(struct bn_undos *undos, const char *tenant, size_t count)
{
    size_t rows = count_rows(undos, tenant) + count;
    bn_list_each_safe(it, tmp, &undos->list) {
        struct bn_undo *undo = container_of(it, struct bn_undo, link);
        if (rows <= BN_UNDO_ROWS_MAX)
            return;
        if (undo->is_under_way || strcmp(undo->tenant, tenant) != 0)
            continue;
        rows -= undo->count;
        bn_undos_remove(undos, undo);
    }
}

bool bn_undos_keep(struct bn_undos *undos, struct bn_undo *undo, int64_t mono_ms)
{
    if (undo->count > BN_UNDO_ROWS_MAX) {
        bn_undo_destroy(undo);
        return false;
    }
    make_room(undos, undo->tenant, undo->count);
    undo->until_mono_ms = mono_ms + BN_UNDO_MS;
    bn_list_append(&undos->list, &undo->link);
    return true;
}

struct bn_undo *bn_undos_find(struct bn_undos *undos, const char *tenant, struct bn_str id,
        int64_t mono_ms)
{
    bn_list_each(it, &undos->list) {
        struct bn_undo *undo = container_of(it, struct bn_undo, link);
        if (strcmp(undo->tenant, tenant) == 0 && bn_str_is(id, undo->id))
            return mono_ms < undo->until_mono_ms || undo->is_under_way ? undo : NULL;
    }
    return NULL;
}
