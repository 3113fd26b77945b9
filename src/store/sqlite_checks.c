#include "store/sqlite_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_writer.h"

#define WALL_SLACK_MS (47LL * BN_HOUR_MS) /* within the hours that are kept, as with points */

/* --- values ---------------------------------------------------------------------------------- */

static void put_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text[0])
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void put_number(sqlite3_stmt *stmt, int at, int64_t value)
{
    if (value != BN_UNKNOWN)
        sqlite3_bind_int64(stmt, at, value);
}

static void put_phase(sqlite3_stmt *stmt, int at, double ms)
{
    if (!isnan(ms))
        sqlite3_bind_int64(stmt, at, llround(ms * 1000));
}

static int64_t get_number(sqlite3_stmt *stmt, int at)
{
    bool is_known = sqlite3_column_type(stmt, at) != SQLITE_NULL;
    return is_known ? sqlite3_column_int64(stmt, at) : BN_UNKNOWN;
}

static double get_phase(sqlite3_stmt *stmt, int at)
{
    int64_t us = get_number(stmt, at);
    return us == BN_UNKNOWN ? NAN : (double)us / 1000;
}

static void get_text(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    if (text && bn_utf8_is_valid(text, len))
        bn_text_clip(out, size, (struct bn_str){text, len});
}

/* --- a server's number ----------------------------------------------------------------------- */

static sqlite3_stmt *bind_name(struct bn_conn *conn, enum bn_sql which, const char *tenant,
        const char *server_id)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, server_id, -1, SQLITE_STATIC);
    }
    return stmt;
}

static int find_number(struct bn_conn *conn, const char *tenant, const char *server_id,
        int64_t *out)
{
    sqlite3_stmt *stmt = bind_name(conn, BN_SQL_FLEET_FIND, tenant, server_id);
    int rc = stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(conn->db);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A check may come when its server was deleted a moment ago: then it gets no number. */
static int give_number(struct bn_conn *conn, const struct bn_check_in *in, int64_t *out)
{
    int rc = find_number(conn, in->tenant, in->check.server_id, out);
    if (rc != SQLITE_OK || *out)
        return rc;
    rc = bn_conn_run(conn, bind_name(conn, BN_SQL_FLEET_ADD, in->tenant, in->check.server_id));
    if (rc == SQLITE_OK && sqlite3_changes(conn->db) == 1)
        *out = sqlite3_last_insert_rowid(conn->db);
    return rc;
}

/* What live/infra forgets when a server's address or token changes is not played back either. */
static sqlite3_stmt *bind_moved(struct bn_store *store, const struct bn_fact *fact)
{
    const struct bn_server *server = &fact->u.server;
    sqlite3_stmt *stmt = bind_name(&store->writer.conn, BN_SQL_FLEET_MOVED, fact->tenant,
            server->id);
    if (!stmt)
        return NULL;
    sqlite3_bind_int64(stmt, 3, bn_store_now_ms(store));
    put_text(stmt, 4, server->host);
    put_number(stmt, 5, server->port);
    put_text(stmt, 6, server->token);
    put_number(stmt, 7, server->vpn_enabled);
    put_text(stmt, 8, server->vpn_host);
    put_number(stmt, 9, server->vpn_port);
    return stmt;
}

int bn_checks_follow(struct bn_store *store, const struct bn_fact *fact)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = fact->op == BN_GONE ? bind_name(conn, BN_SQL_FLEET_GONE, fact->tenant,
                                                       fact->u.server.id)
                                             : bind_moved(store, fact);
    return bn_conn_run(conn, stmt);
}

/* --- writing --------------------------------------------------------------------------------- */

static int add_check(struct bn_conn *conn, int64_t server, const struct bn_check *check)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_CHECK_ADD);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, server);
    sqlite3_bind_int64(stmt, 2, check->at);
    sqlite3_bind_int64(stmt, 3, check->success == 1);
    put_number(stmt, 4, check->response_time_ms);
    put_phase(stmt, 5, check->dns_ms);
    put_phase(stmt, 6, check->tcp_ms);
    put_phase(stmt, 7, check->tls_ms);
    put_phase(stmt, 8, check->wait_ms);
    put_text(stmt, 9, check->error_class);
    put_text(stmt, 10, check->error_phase);
    put_text(stmt, 11, check->error);
    put_number(stmt, 12, check->timeout_used_ms);
    put_number(stmt, 13, check->retry_count);
    put_number(stmt, 14, check->used_vpn);
    put_number(stmt, 15, check->http_status);
    put_number(stmt, 16, check->nodes);
    put_text(stmt, 17, check->address);
    return bn_conn_run(conn, stmt);
}

static int add_to_hour(struct bn_conn *conn, int64_t server, const struct bn_check *check)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_HOUR_ADD);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, server);
    sqlite3_bind_int64(stmt, 2, check->at - check->at % BN_HOUR_MS);
    sqlite3_bind_int64(stmt, 3, check->success == 1);
    if (check->success == 1)
        put_number(stmt, 4, check->response_time_ms);
    return bn_conn_run(conn, stmt);
}

/* Kept once for each server, not with each attempt: they hardly ever change. */
static int note_seen(struct bn_conn *conn, int64_t server, const struct bn_check *check)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_FLEET_SAW);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, server);
    sqlite3_bind_int64(stmt, 4, check->success == 1);
    if (check->success == 1) {
        put_text(stmt, 2, check->version);
        put_text(stmt, 3, check->cluster);
        put_number(stmt, 5, check->is_quorate);
    }
    put_text(stmt, 6, check->seen_fingerprint);
    if (check->cert_expires_at)
        sqlite3_bind_int64(stmt, 7, check->cert_expires_at);
    return bn_conn_run(conn, stmt);
}

static int write_check(struct bn_conn *conn, const struct bn_check_in *in)
{
    int64_t server;
    int rc = give_number(conn, in, &server);
    if (rc != SQLITE_OK || !server)
        return rc;
    rc = add_check(conn, server, &in->check);
    if (rc != SQLITE_OK || sqlite3_changes(conn->db) == 0) /* it is there already, and counted */
        return rc;
    rc = add_to_hour(conn, server, &in->check);
    return rc == SQLITE_OK ? note_seen(conn, server, &in->check) : rc;
}

int bn_checks_write(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int64_t now_ms = bn_store_now_ms(store);
    size_t lost = 0;
    int rc = SQLITE_OK;
    bn_list_each(link, &writer->batches) {
        struct bn_batch *batch = container_of(link, struct bn_batch, link);
        for (size_t i = 0; rc == SQLITE_OK && i < batch->check_count; i++) {
            int64_t at = batch->checks[i].check.at;
            bool is_in_time = at > 0 && at > now_ms - WALL_SLACK_MS && at < now_ms + WALL_SLACK_MS;
            lost += !is_in_time;
            if (is_in_time)
                rc = write_check(&writer->conn, &batch->checks[i]);
        }
    }
    if (rc == SQLITE_OK)
        bn_store_lose_checks(store, lost);
    return rc;
}

/* --- reading --------------------------------------------------------------------------------- */

static void read_check(sqlite3_stmt *stmt, const char *server_id, struct bn_check *out)
{
    bn_record_clear(&bn_check_type, out);
    out->is_quorate = BN_UNKNOWN; /* of a flag no is what "clear" means */
    out->at = sqlite3_column_int64(stmt, 0);
    bn_text_clip(out->server_id, sizeof out->server_id, bn_str(server_id));
    snprintf(out->id, sizeof out->id, "%.64s/%lld", server_id, (long long)out->at);
    out->success = sqlite3_column_int64(stmt, 1) == 1;
    out->response_time_ms = get_number(stmt, 2);
    out->dns_ms = get_phase(stmt, 3);
    out->tcp_ms = get_phase(stmt, 4);
    out->tls_ms = get_phase(stmt, 5);
    out->wait_ms = get_phase(stmt, 6);
    get_text(stmt, 7, out->error_class, sizeof out->error_class);
    get_text(stmt, 8, out->error_phase, sizeof out->error_phase);
    get_text(stmt, 9, out->error, sizeof out->error);
    out->timeout_used_ms = get_number(stmt, 10);
    out->retry_count = get_number(stmt, 11);
    out->used_vpn = get_number(stmt, 12);
    out->http_status = get_number(stmt, 13);
    out->nodes = get_number(stmt, 14);
    get_text(stmt, 15, out->address, sizeof out->address);
}

static sqlite3_stmt *bind_range(struct bn_conn *conn, enum bn_sql which, int64_t server,
        const struct bn_check_span *span, size_t most)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, server);
        sqlite3_bind_int64(stmt, 2, span->from_ms);
        sqlite3_bind_int64(stmt, 3, span->to_ms);
        sqlite3_bind_int64(stmt, 4, (int64_t)BN_MIN(most, (size_t)INT32_MAX));
    }
    return stmt;
}

/* A question about a span, and what writes the row under stmt to place i of out. */
struct listing {
    enum bn_sql which;
    void (*read)(sqlite3_stmt *stmt, const struct bn_check_span *span, void *out, size_t i);
};

static void read_check_row(sqlite3_stmt *stmt, const struct bn_check_span *span, void *out,
        size_t i)
{
    read_check(stmt, span->server_id, &((struct bn_check *)out)[i]);
}

static void read_hour_row(sqlite3_stmt *stmt, const struct bn_check_span *span, void *out, size_t i)
{
    (void)span;
    ((struct bn_check_hour *)out)[i] = (struct bn_check_hour){
            .at_ms = sqlite3_column_int64(stmt, 0),
            .attempts = sqlite3_column_int64(stmt, 1),
            .successes = sqlite3_column_int64(stmt, 2),
            .ms_count = sqlite3_column_int64(stmt, 3),
            .ms_sum = sqlite3_column_int64(stmt, 4),
            .ms_min = get_number(stmt, 5),
            .ms_max = get_number(stmt, 6),
    };
}

static int read_rows(struct bn_conn *conn, const struct listing *listing, int64_t server,
        const struct bn_check_span *span, void *out, size_t *n)
{
    sqlite3_stmt *stmt = bind_range(conn, listing->which, server, span, *n);
    size_t count = 0;
    int rc = stmt ? SQLITE_ROW : sqlite3_extended_errcode(conn->db);
    while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        listing->read(stmt, span, out, count++);
    sqlite3_reset(stmt);
    *n = count;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The number and the rows of the same moment. */
static int begin_reading(struct bn_conn *conn, const struct bn_check_span *span, int64_t *out)
{
    int rc = bn_conn_do(conn, BN_SQL_BEGIN_READ);
    return rc == SQLITE_OK ? find_number(conn, span->tenant, span->server_id, out) : rc;
}

static const struct listing check_listing = {BN_SQL_CHECK_RANGE, read_check_row};
static const struct listing hour_listing = {BN_SQL_HOUR_RANGE, read_hour_row};

static bool read_span(struct bn_store *store, const struct listing *listing,
        const struct bn_check_span *span, void *out, size_t *n, struct bn_err *err)
{
    struct bn_conn *conn;
    int64_t server;
    size_t count = *n;
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = begin_reading(conn, span, &server);
    if (rc == SQLITE_OK)
        rc = read_rows(conn, listing, server, span, out, &count);
    bn_readers_return(store, conn);
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    *n = count;
    return true;
}

bool bn_store_read_check_hours(struct bn_store *store, const struct bn_check_span *span,
        struct bn_check_hour *out, size_t *n, struct bn_err *err)
{
    return read_span(store, &hour_listing, span, out, n, err);
}

bool bn_store_read_checks(struct bn_store *store, const struct bn_check_span *span,
        struct bn_check *out, size_t *n, struct bn_err *err)
{
    return read_span(store, &check_listing, span, out, n, err);
}

/* --- playing back ---------------------------------------------------------------------------- */

struct playback {
    struct bn_conn *conn;
    void (*each)(void *user, const struct bn_fact *fact);
    void *user;
    struct bn_check checks[BN_CHECKS_REPLAYED]; /* newest first */
};

/* What is kept once for a server belongs to the newest that can have seen it. */
static void give_seen(sqlite3_stmt *servers, struct bn_check *checks, size_t n)
{
    size_t i = 0;
    get_text(servers, 7, checks[0].seen_fingerprint, sizeof checks[0].seen_fingerprint);
    checks[0].cert_expires_at = sqlite3_column_int64(servers, 8);
    while (i < n && checks[i].success != 1)
        i++;
    if (i == n)
        return;
    get_text(servers, 4, checks[i].version, sizeof checks[i].version);
    get_text(servers, 5, checks[i].cluster, sizeof checks[i].cluster);
    checks[i].is_quorate = get_number(servers, 6);
}

static int play_back(struct playback *playback, sqlite3_stmt *servers)
{
    struct bn_fact fact;
    char tenant[BN_TENANT_MAX] = "";
    char name[BN_ID_MAX] = "";
    size_t n = BN_CHECKS_REPLAYED;
    get_text(servers, 2, tenant, sizeof tenant);
    get_text(servers, 3, name, sizeof name);
    struct bn_check_span span = {tenant, name, sqlite3_column_int64(servers, 1), INT64_MAX};
    int rc = read_rows(playback->conn, &check_listing, sqlite3_column_int64(servers, 0), &span,
            playback->checks, &n);
    if (rc != SQLITE_OK || n == 0)
        return rc;
    give_seen(servers, playback->checks, n);
    bn_fact_init(&fact, BN_KIND_CHECK, tenant);
    fact.replay = true;
    while (n-- > 0) {
        fact.u.check = playback->checks[n];
        playback->each(playback->user, &fact);
    }
    return SQLITE_OK;
}

int bn_checks_load(struct bn_conn *conn, void (*each)(void *user, const struct bn_fact *fact),
        void *user)
{
    sqlite3_stmt *servers = bn_conn_sql(conn, BN_SQL_FLEET_ALL);
    if (!servers)
        return sqlite3_extended_errcode(conn->db);
    struct playback *playback = bn_alloc(sizeof *playback);
    playback->conn = conn;
    playback->each = each;
    playback->user = user;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && (rc = sqlite3_step(servers)) == SQLITE_ROW)
        rc = play_back(playback, servers);
    sqlite3_reset(servers);
    free(playback);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
