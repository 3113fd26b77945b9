/*
 * store_work: the history of operations and of console sessions, as the store tells it.
 *
 * Any thread but the loop; each call borrows a read-only connection.
 */
#pragma once

#include "store/store.h"

/* Which operations. NULL and 0: whatever it is. */
struct bn_operation_query {
    const char *tenant;
    int64_t since_ms;   /* started then or later */
    const char *status; /* a word, or "active": not over */
    const char *type;   /* a word */
    const char *server_id;
    const char *target_id;
    int64_t vmid;
    const char *node;
    const char *parent_id;       /* of that batch */
    const char *created_by;      /* the name or the id of who asked for it */
    const char *created_by_kind; /* a word, or "nobody": neither a user nor a key */
    int64_t ended_before_ms;     /* 0: whenever, or not at all */
    int64_t until_ms;            /* started before then; 0: whenever */
    const char *guests;          /* a JSON array of "server_id/vmid": of these only */
    int64_t skip;                /* so many of the newest */
};

/* Newest first: at most *n, then *n are there; *out_total counts all the query means. */
BN_MUST_CHECK bool bn_store_read_operations(struct bn_store *store,
        const struct bn_operation_query *query, struct bn_operation *out, size_t *n,
        int64_t *out_total, struct bn_err *err);

/* One after the other. */
struct bn_operation_walk {
    size_t most;
    bool (*each)(void *user, const struct bn_operation *operation); /* false: no more */
    void *user;
};

/* Newest first, all that the query means, as of one moment. `too_big`: they are more than most. */
BN_MUST_CHECK bool bn_store_walk_operations(struct bn_store *store,
        const struct bn_operation_query *query, const struct bn_operation_walk *each,
        struct bn_err *err);

/* Which console sessions. NULL: of whomever and whichever. */
struct bn_console_query {
    const char *tenant;
    const char *server_id;
    const char *user_id;
    bool is_open; /* these only */
    int64_t skip; /* so many of the newest */
};

/* Newest first: at most *n, then *n are there; *out_total counts all the query means. */
BN_MUST_CHECK bool bn_store_read_consoles(struct bn_store *store,
        const struct bn_console_query *query, struct bn_console *out, size_t *n, int64_t *out_total,
        struct bn_err *err);

/* One with what its task said. Some 70 KB. */
struct bn_operation_told {
    struct bn_operation operation;
    struct bn_output lines[BN_WORK_LINES_MAX];
    size_t line_count;
};

/* `not_found` when that tenant has none with that id. */
BN_MUST_CHECK bool bn_store_read_operation(struct bn_store *store, const char *tenant,
        const char *id, struct bn_operation_told *out, struct bn_err *err);

/* Of what an operation's command wrote: from that offset on, in order; BN_UNKNOWN: the last ones.
 */
struct bn_piece_query {
    const char *tenant;
    const char *operation_id;
    int64_t from; /* those that end behind it, or begin there */
};

/* At most *n, then *n are there; none when there is none, or no such operation. */
BN_MUST_CHECK bool bn_store_read_pieces(struct bn_store *store, const struct bn_piece_query *query,
        struct bn_piece *out, size_t *n, struct bn_err *err);
