/*
 * series: numbers over time, one second apart for an hour, and the ten-second points the store
 * keeps.
 *
 * A series is one SERIES field of one row: "core/3.busy_pct", "host/local.load1",
 * "mount//.used_bytes". Unknown values and missed seconds are gaps, never zeros. Loop thread only.
 */
#pragma once

#include "model/fact.h"
#include "model/point.h"

#define BN_SERIES_SECONDS 3600 /* kept in memory at one point a second: 14 KiB per series */

struct bn_series {
    char name[BN_SERIES_NAME_MAX];
    struct bn_series *next_slot;
    float *ring;     /* private: a value per second, NaN for gaps */
    int64_t ring_s;  /* private: seconds it has room for, growing to BN_SERIES_SECONDS */
    int64_t last_s;  /* second of the newest value, 0 for none */
    int64_t first_s; /* second of the oldest value ever held */
    double sum;      /* private: of the ten seconds being filled */
    float min;
    float max;
    int32_t n;
    int64_t filling_s;
};

struct bn_series_set {
    struct bn_series **slots; /* chains over next_slot, to walk them all */
    size_t slot_count;
    size_t count;
    uint64_t refused; /* values not taken because BN_SERIES_MAX names were held, since the start */
    /* private */
    struct bn_list groups; /* the series of one row, oldest first */
    struct bn_series_group **group_slots;
    size_t group_slot_count;
    size_t group_count;
    int64_t swept_s;
    uint64_t seed;
};

void bn_series_init(struct bn_series_set *set);
void bn_series_finish(struct bn_series_set *set);

/* "kind/id.field" */
void bn_series_name(char out[BN_SERIES_NAME_MAX], enum bn_kind kind, const char *id,
        const char *field);
struct bn_series *bn_series_find(const struct bn_series_set *set, const char *name);

/* Adds every SERIES field of the fact's record at its second. For each ten seconds that this
   closes, each(user, name, point) is called. A fact older than the newest value is ignored (the
   clock went back: the record keeps it, the chart does not run backwards) until the clock has
   caught up or is more than 60 s behind, when the series starts anew. Every ten seconds the others
   of the set are looked after: what a silent series was filling is closed, and one silent for an
   hour is forgotten. */
void bn_series_add(struct bn_series_set *set, const struct bn_fact *fact, int64_t now_ms,
        void (*each)(void *user, const char *name, const struct bn_point *point), void *user);
/* Closes what is being filled, at shutdown. */
void bn_series_close(struct bn_series_set *set,
        void (*each)(void *user, const char *name, const struct bn_point *point), void *user);

/* The oldest second still in memory; older ones are with the store. */
int64_t bn_series_oldest_s(const struct bn_series *series);
/* Copies seconds [from_s, to_s) into out (to_s - from_s floats, NaN for gaps). */
void bn_series_read(const struct bn_series *series, int64_t from_s, int64_t to_s, float *out);
