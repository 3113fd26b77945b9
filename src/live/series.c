#include "live/series.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/secret.h"

#include "model/limits.h"

#define SLOTS_MIN   64
#define BACK_MAX_S  60 /* a clock further back than this will not catch up soon */
#define RING_MIN_S  60
#define RING_GROWTH 4
#define FILL_S      (BN_SERIES_STEP_MS / 1000)

/* The series of one row, so that a fact finds its thirty series with one lookup and builds no
 * names. */
struct bn_series_group {
    struct bn_list link;
    struct bn_series_group *next_slot;
    uint64_t hash;
    enum bn_kind kind;
    char id[BN_ID_MAX];
    size_t n;

    struct member {
        const struct bn_field *field;
        struct bn_series *series; /* NULL until a first value */
    } members[];
};

/* Whom to tell of closed points. */
struct teller {
    void (*each)(void *user, const char *name, const struct bn_point *point);
    void *user;
};

static uint64_t name_hash(const struct bn_series_set *set, const char *name)
{
    return bn_hash(set->seed, name, strlen(name));
}

/* --- one series ------------------------------------------------------------------------------ */

static void close_point(struct bn_series *series, const struct teller *teller)
{
    if (series->n == 0)
        return;
    struct bn_point point = {
            .at_ms = series->filling_s * 1000,
            .min = series->min,
            .avg = (float)(series->sum / series->n),
            .max = series->max,
    };
    series->n = 0;
    series->sum = 0;
    if (teller->each)
        teller->each(teller->user, series->name, &point);
}

static float *at_second(const struct bn_series *series, int64_t second)
{
    return &series->ring[second % series->ring_s];
}

int64_t bn_series_oldest_s(const struct bn_series *series)
{
    return BN_MAX(series->first_s, series->last_s - series->ring_s + 1);
}

static void clear_seconds(struct bn_series *series, int64_t from_s, int64_t to_s)
{
    for (int64_t s = BN_MAX(from_s, to_s - series->ring_s); s < to_s; s++)
        *at_second(series, s) = NAN;
}

static void start_anew(struct bn_series *series, int64_t now_s)
{
    clear_seconds(series, now_s, now_s + series->ring_s);
    series->first_s = now_s;
    series->last_s = now_s;
}

/* Rings begin with a minute and grow with the life of their series: interfaces of containers come
   and go by the hundred. */
static void grow_ring(struct bn_series *series, int64_t now_s)
{
    struct bn_series old = *series;
    while (series->ring_s < BN_SERIES_SECONDS && series->ring_s <= now_s - series->first_s)
        series->ring_s = BN_MIN(RING_GROWTH * series->ring_s, BN_SERIES_SECONDS);
    if (series->ring_s == old.ring_s)
        return;
    series->ring = bn_alloc_array((size_t)series->ring_s, sizeof(float));
    clear_seconds(series, 0, series->ring_s);
    for (int64_t s = bn_series_oldest_s(&old); s <= old.last_s; s++)
        *at_second(series, s) = *at_second(&old, s);
    free(old.ring);
}

static void add_value(struct bn_series *series, int64_t now_s, float value,
        const struct teller *teller)
{
    if (now_s < series->last_s) {
        if (series->last_s - now_s <= BACK_MAX_S)
            return;
        close_point(series, teller);
        start_anew(series, now_s);
    } else if (now_s > series->last_s) {
        grow_ring(series, now_s);
        clear_seconds(series, series->last_s + 1, now_s);
        series->last_s = now_s;
    }
    *at_second(series, now_s) = value;
    int64_t filling_s = now_s - now_s % FILL_S;
    if (series->filling_s != filling_s)
        close_point(series, teller);
    if (series->n == 0) {
        series->filling_s = filling_s;
        series->min = value;
        series->max = value;
    }
    series->min = BN_MIN(series->min, value);
    series->max = BN_MAX(series->max, value);
    series->sum += (double)value;
    series->n++;
}

void bn_series_read(const struct bn_series *series, int64_t from_s, int64_t to_s, float *out)
{
    int64_t oldest_s = bn_series_oldest_s(series);
    for (int64_t s = from_s; s < to_s; s++) {
        bool is_held = s >= oldest_s && s <= series->last_s;
        out[s - from_s] = is_held ? *at_second(series, s) : NAN;
    }
}

/* --- the set: series by name ----------------------------------------------------------------- */

void bn_series_name(char out[BN_SERIES_NAME_MAX], enum bn_kind kind, const char *id,
        const char *field)
{
    snprintf(out, BN_SERIES_NAME_MAX, "%s/%s.%s", bn_kinds[kind].word, id, field);
}

static struct bn_series **slot_of(const struct bn_series_set *set, const char *name)
{
    return &set->slots[name_hash(set, name) & (set->slot_count - 1)];
}

static void put_in_slot(struct bn_series_set *set, struct bn_series *series)
{
    struct bn_series **slot = slot_of(set, series->name);
    series->next_slot = *slot;
    *slot = series;
}

static void grow_slots(struct bn_series_set *set)
{
    struct bn_series **old = set->slots;
    size_t old_count = set->slot_count;
    set->slot_count = old_count ? 2 * old_count : SLOTS_MIN;
    set->slots = bn_alloc_array(set->slot_count, sizeof(struct bn_series *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct bn_series *it = old[i], *next; it; it = next) {
            next = it->next_slot;
            put_in_slot(set, it);
        }
    }
    free(old);
}

struct bn_series *bn_series_find(const struct bn_series_set *set, const char *name)
{
    if (set->count == 0)
        return NULL;
    struct bn_series *series = *slot_of(set, name);
    while (series && strcmp(series->name, name) != 0)
        series = series->next_slot;
    return series;
}

static struct bn_series *create_series(struct bn_series_set *set,
        const struct bn_series_group *group, const char *field, int64_t now_s)
{
    if (set->count >= set->slot_count)
        grow_slots(set);
    struct bn_series *series = bn_alloc(sizeof *series);
    bn_series_name(series->name, group->kind, group->id, field);
    series->ring_s = RING_MIN_S;
    series->ring = bn_alloc_array(RING_MIN_S, sizeof(float));
    start_anew(series, now_s);
    put_in_slot(set, series);
    set->count++;
    return series;
}

static void destroy_series(struct bn_series_set *set, struct bn_series *series)
{
    struct bn_series **at = slot_of(set, series->name);
    while (*at != series)
        at = &(*at)->next_slot;
    *at = series->next_slot;
    set->count--;
    free(series->ring);
    free(series);
}

/* --- the set: groups by row ------------------------------------------------------------------ */

static uint64_t group_hash(const struct bn_series_set *set, enum bn_kind kind, const char *id)
{
    return bn_hash(set->seed + (uint64_t)kind, id, strlen(id));
}

static struct bn_series_group **group_slot_of(const struct bn_series_set *set, uint64_t hash)
{
    return &set->group_slots[hash & (set->group_slot_count - 1)];
}

static void put_group_in_slot(struct bn_series_set *set, struct bn_series_group *group)
{
    struct bn_series_group **slot = group_slot_of(set, group->hash);
    group->next_slot = *slot;
    *slot = group;
}

static void grow_group_slots(struct bn_series_set *set)
{
    free(set->group_slots);
    set->group_slot_count = set->group_slot_count ? 2 * set->group_slot_count : SLOTS_MIN;
    set->group_slots = bn_alloc_array(set->group_slot_count, sizeof(struct bn_series_group *));
    bn_list_each(it, &set->groups)
        put_group_in_slot(set, container_of(it, struct bn_series_group, link));
}

static struct bn_series_group *find_group(const struct bn_series_set *set, enum bn_kind kind,
        const char *id, uint64_t hash)
{
    if (set->group_count == 0)
        return NULL;
    struct bn_series_group *group = *group_slot_of(set, hash);
    while (group && (group->hash != hash || group->kind != kind || strcmp(group->id, id) != 0))
        group = group->next_slot;
    return group;
}

static struct bn_series_group *create_group(struct bn_series_set *set, enum bn_kind kind,
        const char *id, uint64_t hash)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    size_t n = 0;
    for (size_t i = 0; i < type->field_count; i++)
        n += (type->fields[i].flags & BN_F_SERIES) != 0;
    if (n == 0)
        return NULL;
    if (set->group_count >= set->group_slot_count)
        grow_group_slots(set);
    struct bn_series_group *group = bn_alloc(sizeof *group + n * sizeof group->members[0]);
    group->hash = hash;
    group->kind = kind;
    bn_text_clip(group->id, sizeof group->id, bn_str(id));
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].flags & BN_F_SERIES)
            group->members[group->n++].field = &type->fields[i];
    put_group_in_slot(set, group);
    bn_list_append(&set->groups, &group->link);
    set->group_count++;
    return group;
}

static void destroy_group(struct bn_series_set *set, struct bn_series_group *group)
{
    struct bn_series_group **at = group_slot_of(set, group->hash);
    while (*at != group)
        at = &(*at)->next_slot;
    *at = group->next_slot;
    bn_list_remove(&group->link);
    set->group_count--;
    for (size_t i = 0; i < group->n; i++)
        if (group->members[i].series)
            destroy_series(set, group->members[i].series);
    free(group);
}

void bn_series_init(struct bn_series_set *set)
{
    *set = (struct bn_series_set){.seed = bn_random_u64()};
    bn_list_init(&set->groups);
}

void bn_series_finish(struct bn_series_set *set)
{
    bn_list_each_safe(it, tmp, &set->groups)
        destroy_group(set, container_of(it, struct bn_series_group, link));
    free(set->slots);
    free(set->group_slots);
    *set = (struct bn_series_set){.seed = set->seed};
    bn_list_init(&set->groups);
}

/* --- time passes ----------------------------------------------------------------------------- */

static bool is_forgotten(const struct bn_series *series, int64_t now_s)
{
    return llabs(now_s - series->last_s) > BN_SERIES_SECONDS;
}

/* Closes what silent series were filling and drops what an hour of silence has emptied; false when
   nothing of the group is left. */
static bool look_after(struct bn_series_set *set, struct bn_series_group *group, int64_t now_s,
        const struct teller *teller)
{
    bool is_left = false;
    for (size_t i = 0; i < group->n; i++) {
        struct bn_series *series = group->members[i].series;
        if (!series)
            continue;
        if (is_forgotten(series, now_s) || now_s >= series->filling_s + FILL_S)
            close_point(series, teller);
        if (is_forgotten(series, now_s)) {
            destroy_series(set, series);
            group->members[i].series = NULL;
            continue;
        }
        is_left = true;
    }
    return is_left;
}

static void sweep(struct bn_series_set *set, int64_t now_s, const struct teller *teller)
{
    if (llabs(now_s - set->swept_s) < FILL_S)
        return;
    set->swept_s = now_s;
    bn_list_each_safe(it, tmp, &set->groups) {
        struct bn_series_group *group = container_of(it, struct bn_series_group, link);
        if (!look_after(set, group, now_s, teller))
            destroy_group(set, group);
    }
}

void bn_series_add(struct bn_series_set *set, const struct bn_fact *fact, int64_t now_ms,
        void (*each)(void *user, const char *name, const struct bn_point *point), void *user)
{
    const struct teller teller = {each, user};
    int64_t now_s = now_ms / 1000;
    if (fact->op != BN_PUT || now_s <= 0)
        return;
    sweep(set, now_s, &teller);
    const char *id = bn_record_key(bn_kinds[fact->kind].type, &fact->u);
    uint64_t hash = group_hash(set, fact->kind, id);
    struct bn_series_group *group = find_group(set, fact->kind, id, hash);
    if (!group)
        group = create_group(set, fact->kind, id, hash);
    for (size_t i = 0; group && i < group->n; i++) {
        struct member *member = &group->members[i];
        double value = bn_field_number(member->field, &fact->u);
        if (!(fabs(value) <= (double)FLT_MAX))
            continue;
        if (!member->series && set->count >= BN_SERIES_MAX) {
            set->refused++;
            continue;
        }
        if (!member->series)
            member->series = create_series(set, group, member->field->name, now_s);
        add_value(member->series, now_s, (float)value, &teller);
    }
}

void bn_series_close(struct bn_series_set *set,
        void (*each)(void *user, const char *name, const struct bn_point *point), void *user)
{
    const struct teller teller = {each, user};
    bn_list_each(it, &set->groups) {
        struct bn_series_group *group = container_of(it, struct bn_series_group, link);
        for (size_t i = 0; i < group->n; i++)
            if (group->members[i].series)
                close_point(group->members[i].series, &teller);
    }
}
