#include "live/infra.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "live/places.h"

struct bn_server_past {
    UT_hash_handle hh;
    struct bn_attempts attempts;
    uint64_t serial;              /* of the last attempt; counts from 1 */
    struct bn_past_error *errors; /* the last failures, a ring; NULL: it never failed */
    uint64_t error_count;         /* since it began */
    int64_t status_before;        /* the attempt that is under way */
    char server_id[BN_ID_MAX];
};

static struct bn_server_past *past_find(const struct bn_tenant_live *tenant, const char *server_id)
{
    struct bn_server_past *past = NULL;
    HASH_FIND_STR(tenant->past, server_id, past);
    return past;
}

static struct bn_server_past *past_get(struct bn_tenant_live *tenant, const char *server_id)
{
    struct bn_server_past *past = past_find(tenant, server_id);
    if (past)
        return past;
    past = bn_alloc(sizeof *past);
    bn_attempts_init(&past->attempts);
    bn_text_clip(past->server_id, sizeof past->server_id, bn_str(server_id));
    HASH_ADD_STR(tenant->past, server_id, past);
    return past;
}

static void past_destroy(struct bn_server_past *past)
{
    free(past->errors);
    free(past);
}

void bn_infra_forget(struct bn_tenant_live *tenant, const char *server_id)
{
    struct bn_server_past *past = past_find(tenant, server_id);
    if (!past)
        return;
    HASH_DEL(tenant->past, past);
    past_destroy(past);
}

void bn_infra_finish(struct bn_tenant_live *tenant)
{
    struct bn_server_past *past;
    struct bn_server_past *next;
    HASH_ITER(hh, tenant->past, past, next)
    {
        // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
        HASH_DEL(tenant->past, past);
        past_destroy(past);
    }
}

static struct bn_row *server_row(const struct bn_tenant_live *tenant, const char *server_id)
{
    return bn_table_find(&tenant->tables[BN_KIND_SERVER], server_id);
}

/* --- admit ----------------------------------------------------------------------------------- */

static bool is_free(const struct bn_tenant_live *tenant, const struct bn_server *server,
        struct bn_err *err)
{
    const char *other = bn_places_other(tenant->places, server);
    if (!other)
        return true;
    const struct bn_row *row = server_row(tenant, other);
    if (!row)
        row = bn_table_find(&tenant->coming[BN_KIND_SERVER], other);
    bn_fail_field(err, "host", "%s:%lld already exists, as \"%s\"", server->host,
            (long long)server->port,
            row ? ((const struct bn_server *)(const void *)row->record)->name : "");
    if (err)
        err->code = BN_E_CONFLICT;
    return false;
}

static bool has_room(const struct bn_tenant_live *tenant, const struct bn_server *server,
        struct bn_err *err)
{
    int64_t count = (int64_t)tenant->tables[BN_KIND_SERVER].count;
    if (server_row(tenant, server->id))
        return true;
    bn_table_each(row, &tenant->coming[BN_KIND_SERVER])
    {
        const struct bn_server *other = (const void *)row->record;
        if (strcmp(other->id, server->id) == 0)
            return true;
        count += !server_row(tenant, other->id);
    }
    return count < tenant->servers_max ||
           bn_fail(err, BN_E_CONFLICT,
                   "all %lld server slots are used: remove a server or raise --max-servers",
                   (long long)tenant->servers_max);
}

static bool admit_server(const struct bn_tenant_live *tenant, const struct bn_server *server,
        struct bn_err *err)
{
    return has_room(tenant, server, err) && is_free(tenant, server, err);
}

static const char *owner_of(const struct bn_fact *fact)
{
    switch (fact->kind) {
    case BN_KIND_CHECK: return fact->u.check.server_id;
    case BN_KIND_NODE: return fact->u.node.server_id;
    case BN_KIND_VM: return fact->u.vm.server_id;
    case BN_KIND_STORAGE: return fact->u.storage.server_id;
    default: return NULL;
    }
}

bool bn_infra_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    const char *owner = owner_of(fact);
    if (fact->op != BN_PUT)
        return true;
    if (owner)
        return server_row(tenant, owner) ||
               bn_fail(err, BN_E_NOT_FOUND, "there is no server \"%s\"", owner);
    return fact->kind != BN_KIND_SERVER || fact->replay ||
           admit_server(tenant, &fact->u.server, err);
}

/* --- apply ----------------------------------------------------------------------------------- */

static bool is_elsewhere(const struct bn_server *a, const struct bn_server *b)
{
    return strcasecmp(a->host, b->host) != 0 || a->port != b->port ||
           strcmp(a->token, b->token) != 0 || a->vpn_enabled != b->vpn_enabled ||
           strcasecmp(a->vpn_host, b->vpn_host) != 0 || a->vpn_port != b->vpn_port;
}

void bn_infra_carry(struct bn_tenant_live *tenant, struct bn_server *server)
{
    const struct bn_row *row = server_row(tenant, server->id);
    const struct bn_server *before = row ? (const void *)row->record : NULL;
    struct bn_server fresh;
    bn_record_clear(&bn_server_type, &fresh);
    fresh.connection_status = BN_SERVER_UNKNOWN;
    fresh.is_quorate = BN_UNKNOWN; /* a cleared yes or no is a no */
    if (before && is_elsewhere(before, server)) {
        bn_infra_forget(tenant, server->id);
        before = NULL;
    }
    const void *from = before ? (const void *)before : &fresh;
    for (size_t i = 0; i < bn_server_type.field_count; i++) {
        const struct bn_field *field = &bn_server_type.fields[i];
        if (field->flags & BN_F_DERIVED)
            memcpy((char *)server + field->offset, (const char *)from + field->offset, field->size);
    }
}

bool bn_check_is_over(const struct bn_check *check)
{
    return check->success != BN_UNKNOWN;
}

static void note_begin(struct bn_server_past *past, const struct bn_check *check,
        struct bn_server *server)
{
    if (strcmp(check->error_class, "cancelled") == 0) {
        if (server->connection_status == BN_SERVER_CHECKING)
            server->connection_status = past->status_before;
        return;
    }
    if (server->connection_status != BN_SERVER_CHECKING)
        past->status_before = server->connection_status;
    server->connection_status = BN_SERVER_CHECKING;
}

static void note_figures(const struct bn_attempts *attempts, struct bn_server *server)
{
    struct bn_attempt_figures figures;
    bn_attempts_figure(attempts, &figures);
    server->success_rate = figures.success_rate_pct;
    server->avg_response_time_ms = figures.avg_ms == BN_NO_FIGURE ? BN_UNKNOWN : figures.avg_ms;
    server->learned_timeout_ms = figures.learned_timeout_ms == BN_NO_FIGURE
                                         ? BN_UNKNOWN
                                         : figures.learned_timeout_ms;
    server->flap_pct = figures.flap_pct;
    server->is_flapping = attempts->is_flapping;
    server->failed_in_row = attempts->failed_in_row;
}

static void note_success(const struct bn_check *check, struct bn_server *server)
{
    server->connection_status = BN_SERVER_ONLINE;
    server->last_connected_at = check->at;
    server->error_class[0] = server->health_check_error[0] = '\0';
    if (check->nodes != BN_UNKNOWN)
        server->nodes = check->nodes;
    if (check->version[0])
        memcpy(server->version, check->version, sizeof server->version);
    if (check->cluster[0])
        memcpy(server->cluster, check->cluster, sizeof server->cluster);
    server->is_quorate = check->is_quorate;
    memcpy(server->listed_under, check->listed_under, sizeof server->listed_under);
}

int64_t bn_server_fail_after(const struct bn_server *server)
{
    return server->fail_after == BN_UNKNOWN ? BN_FAIL_AFTER : server->fail_after;
}

/* Whoever was online stays so until enough attempts in a row have failed; whether one that never
   answered ever will is no question. */
static void note_failure(const struct bn_server_past *past, const struct bn_check *check,
        struct bn_server *server)
{
    if (server->connection_status == BN_SERVER_CHECKING)
        server->connection_status = past->status_before;
    if (server->connection_status == BN_SERVER_ONLINE &&
            past->attempts.failed_in_row < bn_server_fail_after(server))
        return;
    server->connection_status = BN_SERVER_OFFLINE;
    memcpy(server->error_class, check->error_class, sizeof server->error_class);
    memcpy(server->health_check_error, check->error, sizeof server->health_check_error);
}

static void remember_error(struct bn_server_past *past, const struct bn_check *check)
{
    if (!past->errors)
        past->errors = bn_alloc(BN_PAST_ERRORS * sizeof *past->errors);
    struct bn_past_error *error = &past->errors[past->error_count++ % BN_PAST_ERRORS];
    error->at = check->at;
    error->serial = past->serial;
    memcpy(error->error_class, check->error_class, sizeof error->error_class);
    memcpy(error->error_phase, check->error_phase, sizeof error->error_phase);
    memcpy(error->error, check->error, sizeof error->error);
}

static void note_end(struct bn_server_past *past, const struct bn_check *check,
        struct bn_server *server)
{
    past->attempts.fail_after = (uint16_t)bn_server_fail_after(server);
    bn_attempts_add(&past->attempts, check->at, check->success == 1 ? check->response_time_ms : -1);
    past->serial++;
    server->last_health_check_at = check->at;
    if (check->success == 1) {
        note_success(check, server);
    } else {
        note_failure(past, check, server);
        remember_error(past, check);
    }
    if (check->seen_fingerprint[0]) {
        memcpy(server->seen_fingerprint, check->seen_fingerprint, sizeof server->seen_fingerprint);
        server->cert_expires_at = check->cert_expires_at;
    }
    note_figures(&past->attempts, server);
}

bool bn_infra_derive(struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_change *out)
{
    if (fact->kind != BN_KIND_CHECK || fact->op != BN_PUT)
        return false;
    const struct bn_check *check = &fact->u.check;
    struct bn_table *servers = &tenant->tables[BN_KIND_SERVER];
    struct bn_server server;
    memcpy(&server, server_row(tenant, check->server_id)->record, sizeof server);
    struct bn_server_past *past = past_get(tenant, check->server_id);
    if (bn_check_is_over(check))
        note_end(past, check, &server);
    else
        note_begin(past, check, &server);
    *out = (struct bn_change){.tenant = tenant, .kind = BN_KIND_SERVER, .table = servers};
    out->row = bn_table_put(servers, &server, &out->changed);
    out->key = bn_record_key(&bn_server_type, out->row->record);
    return out->changed != 0;
}

int64_t bn_infra_timeout_ms(const struct bn_tenant_live *tenant, const struct bn_server *server)
{
    const struct bn_server_past *past = past_find(tenant, server->id);
    const int64_t configured_ms = server->connection_timeout_ms == BN_UNKNOWN
                                          ? BN_SERVER_TIMEOUT_MS
                                          : server->connection_timeout_ms;
    return past ? bn_attempts_timeout_ms(&past->attempts, configured_ms) : configured_ms;
}

const struct bn_attempts *bn_infra_attempts(const struct bn_tenant_live *tenant,
        const char *server_id)
{
    const struct bn_server_past *past = past_find(tenant, server_id);
    return past ? &past->attempts : NULL;
}

size_t bn_infra_errors(const struct bn_tenant_live *tenant, const char *server_id,
        struct bn_past_error out[BN_PAST_ERRORS])
{
    const struct bn_server_past *past = past_find(tenant, server_id);
    size_t n = 0;
    while (past && n < BN_PAST_ERRORS && n < past->error_count) {
        const struct bn_past_error *error =
                &past->errors[(past->error_count - 1 - n) % BN_PAST_ERRORS];
        if (error->serial + BN_ATTEMPTS_MAX <= past->serial)
            break;
        out[n++] = *error;
    }
    return n;
}
