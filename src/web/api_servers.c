#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/late.h"

#define LIST_BYTES_MAX (48 << 20) /* 10,000 servers with long texts */

static void put_server(struct bn_json *json, const struct bn_server *server)
{
    bn_json_object(json);
    bn_record_json(&bn_server_type, server, BN_MASK_ALL, BN_ABSENT_NULL, json);
    bn_json_object_end(json);
}

/* --- listing --------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct bn_server *one = *(const struct bn_server *const *)a;
    const struct bn_server *other = *(const struct bn_server *const *)b;
    if (one->created_at != other->created_at)
        return one->created_at > other->created_at ? -1 : 1;
    return strcmp(one->id, other->id);
}

void bn_servers_list(struct bn_request *req)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    const struct bn_table *table = bn_servers_of(req);
    const struct bn_server **servers = bn_alloc((table->count + 1) * sizeof *servers);
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    size_t count = 0;
    bn_table_each(row, table) servers[count++] = (const void *)row->record;
    qsort(servers, count, sizeof *servers, newest_first);
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "servers");
    bn_json_array(&json);
    for (size_t i = 0; i < count; i++)
        put_server(&json, servers[i]);
    bn_json_array_end(&json);
    bn_json_key(&json, "servers_max");
    bn_json_i64(&json, tenant->servers_max);
    bn_json_object_end(&json);
    free(servers);
    bn_reply_json(req, 200, &out);
}

/* --- adding and changing --------------------------------------------------------------------- */

static void note(const struct bn_request *req, const char *action, const struct bn_server *server,
        const char *detail)
{
    bn_audit_request(req, &(struct bn_deed){.action = action,
                                  .object = server->name,
                                  .detail = detail,
                                  .ok = true});
}

static bool keep(struct bn_request *req, const struct bn_fact *fact, int status)
{
    struct bn_late *late = bn_late_create(req, status);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    put_server(&json, &fact->u.server);
    return bn_late_ask(req, late, fact);
}

void bn_server_add(struct bn_request *req)
{
    struct bn_server_form form;
    struct bn_err err;
    struct bn_fact fact;
    uint64_t given = 0;
    uint8_t id[16];
    char detail[400];
    if (!bn_form_read(req, &bn_server_form_type, &form, &given))
        return;
    bn_fact_init(&fact, BN_KIND_SERVER, req->who.tenant);
    struct bn_server *server = &fact.u.server;
    bn_server_set_defaults(server);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, server->id);
    bn_text_clip(server->created_by, sizeof server->created_by, bn_str(req->who.name));
    server->created_at = server->updated_at = bn_web_clock(req->web)->now_ms;
    if (!bn_server_take_form(req, &bn_server_form_type, &form, given, server, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    snprintf(detail, sizeof detail, "%s:%lld, %s", server->host, (long long)server->port,
            server->token_hint);
    if (keep(req, &fact, 201))
        note(req, "server.add", server, detail);
}

static bool is_same_place(const struct bn_server *a, const struct bn_server *b)
{
    return strcasecmp(a->host, b->host) == 0 && a->port == b->port &&
           a->vpn_enabled == b->vpn_enabled &&
           (a->vpn_enabled != 1 ||
                   (strcasecmp(a->vpn_host, b->vpn_host) == 0 && a->vpn_port == b->vpn_port));
}

static bool is_same_trust(const struct bn_server *a, const struct bn_server *b)
{
    return strcmp(a->fingerprint, b->fingerprint) == 0 &&
           (b->fingerprint[0] || a->verify_ssl == b->verify_ssl || b->verify_ssl == 1);
}

bool bn_server_judge_change(const struct bn_server *before, struct bn_server *after, bool has_token,
        bool has_pin, struct bn_err *err)
{
    const bool is_here = is_same_place(before, after);
    if (!is_here && !has_pin) {
        after->fingerprint[0] = '\0'; /* of another machine */
        after->is_pin_auto = 0;
    }
    if (!is_here || has_token)
        after->connection_status = BN_SERVER_UNKNOWN;
    if (has_token || (is_here && is_same_trust(before, after)))
        return true;
    return bn_fail_field(err, "api_token",
            "api_token must be given again when %s changes, for it would be sent somewhere else",
            is_here ? "the certificate to trust" : "host, port or VPN");
}

/* The names of what differs; never a value. */
static void list_changes(const struct bn_server *before, const struct bn_server *after, char *out,
        size_t size)
{
    const uint64_t mask = bn_record_diff(&bn_server_type, before, after);
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < bn_server_type.field_count; i++) {
        const struct bn_field *field = &bn_server_type.fields[i];
        if (!(mask & BN_BIT(i)) || (field->flags & (BN_F_DERIVED | BN_F_FIXED)))
            continue;
        const int n = snprintf(out + len, size - len, "%s%s", len ? ", " : "", field->name);
        len = BN_MIN(len + (size_t)n, size - 1);
    }
}

/* null ends it, which copying does not do. */
static bool take_silence(const struct bn_request *req, const struct bn_server_form *form,
        uint64_t given, struct bn_server *server, struct bn_err *err)
{
    const int64_t now_ms = bn_web_clock(req->web)->now_ms;
    const int64_t until_ms = form->silenced_until;
    if (!(given & BN_BIT(bn_field_index(&bn_server_change_form_type, "silenced_until"))))
        return true;
    server->silenced_until = until_ms;
    return !until_ms || (until_ms > now_ms && until_ms <= now_ms + BN_SILENCE_MAX_MS) ||
           bn_fail_field(err, "silenced_until",
                   "silenced_until must be a time within the next 30 days, or null");
}

/* How long is what matters about a silence, and no secret. */
static void say_silence(const struct bn_server *before, const struct bn_server *after, char *out,
        size_t size)
{
    char until[BN_TIME_TEXT_SIZE];
    const size_t len = strlen(out);
    if (before->silenced_until == after->silenced_until)
        return;
    if (!after->silenced_until) {
        snprintf(out + len, size - len, " (ended)");
        return;
    }
    bn_time_text(after->silenced_until, until);
    snprintf(out + len, size - len, " %s", until);
}

void bn_server_change(struct bn_request *req)
{
    struct bn_server_form form;
    struct bn_err err;
    struct bn_fact fact;
    uint64_t given = 0;
    char detail[400];
    const struct bn_record_type *type = &bn_server_change_form_type;
    const struct bn_server *before = bn_server_with_id(req, req->params[0], &err);
    if (!before) {
        bn_reply_err(req, &err);
        return;
    }
    if (!bn_form_read(req, type, &form, &given))
        return;
    const bool has_token = form.api_token[0] != '\0';
    const bool has_pin = (given & BN_BIT(bn_field_index(type, "fingerprint"))) != 0;
    bn_fact_init(&fact, BN_KIND_SERVER, req->who.tenant);
    fact.u.server = *before;
    fact.u.server.updated_at = bn_web_clock(req->web)->now_ms;
    if (!bn_server_take_form(req, type, &form, given, &fact.u.server, &err) ||
            !take_silence(req, &form, given, &fact.u.server, &err) ||
            !bn_server_judge_change(before, &fact.u.server, has_token, has_pin, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    list_changes(before, &fact.u.server, detail, sizeof detail);
    say_silence(before, &fact.u.server, detail, sizeof detail);
    if (keep(req, &fact, 200))
        note(req, "server.change", &fact.u.server, detail);
}

void bn_server_remove(struct bn_request *req)
{
    struct bn_err err;
    struct bn_fact fact;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], &err);
    if (!server) {
        bn_reply_err(req, &err);
        return;
    }
    bn_fact_init(&fact, BN_KIND_SERVER, req->who.tenant);
    fact.op = BN_GONE;
    fact.u.server = *server;
    char detail[300];
    snprintf(detail, sizeof detail, "%s:%lld", server->host, (long long)server->port);
    if (bn_late_ask(req, bn_late_create(req, 204), &fact))
        note(req, "server.delete", &fact.u.server, detail);
}
