/*
 * undo: what imports changed, remembered for ten minutes so that it can be taken back.
 *
 * In memory only, and bounded: the oldest of a tenant makes room. Tokens are as the registry keeps
 * them, sealed. Loop thread.
 */
#pragma once

#include "base/secret.h"

#include "model/fact.h"

#define BN_UNDO_ID_SIZE 24

/* One server as it was left. */
struct bn_undo_row {
    char id[BN_ID_MAX];
    char name[101];
    uint8_t after[BN_HASH_SIZE]; /* of all that is kept of it */
    bool was_there;
    size_t before; /* index into befores, when it was there */
};

struct bn_undo {
    struct bn_list link;
    char id[BN_UNDO_ID_SIZE];
    char tenant[BN_TENANT_MAX];
    char who[BN_ID_MAX]; /* user or key that did it */
    int64_t until_mono_ms;
    bool is_under_way; /* being taken back: the store has not spoken */
    struct bn_undo_row *rows;
    size_t count;
    size_t cap;
    struct bn_server *befores;
    size_t before_count;
    size_t before_cap;
};

struct bn_undos;

struct bn_undos *bn_undos_create(void);
void bn_undos_destroy(struct bn_undos *undos); /* NULL is fine */

/* Nobody finds it until it is kept. */
struct bn_undo *bn_undo_create(const char *tenant, const char *who);
void bn_undo_destroy(struct bn_undo *undo); /* NULL is fine */
/* before NULL: it was added. */
void bn_undo_note(struct bn_undo *undo, const struct bn_server *before,
        const struct bn_server *after);
/* For BN_UNDO_MS. Takes it; one of more than BN_UNDO_ROWS_MAX rows is destroyed: false. */
bool bn_undos_keep(struct bn_undos *undos, struct bn_undo *undo, int64_t mono_ms);
/* NULL when there is none, or its time is over. */
struct bn_undo *bn_undos_find(struct bn_undos *undos, const char *tenant, struct bn_str id,
        int64_t mono_ms);
void bn_undos_remove(struct bn_undos *undos, struct bn_undo *undo); /* and destroys it */
void bn_undos_sweep(struct bn_undos *undos, int64_t mono_ms);

/* Is server, as far as it is kept, what the import left? */
bool bn_undo_is_unchanged(const struct bn_undo_row *row, const struct bn_server *server);
