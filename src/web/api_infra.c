#include "web/api_infra.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/target.h"

#include "model/endpoint.h"
#include "source/pve.h"
#include "web/server.h"

#define FORM_MAX  8192      /* texts of a server, escaped */
#define NONE_MAX  16        /* "{}" */
#define CHECK_MAX (1 << 20) /* ids of 10,000 servers */

const struct bn_route bn_infra_routes[] = {
        {.method = "GET",
                .path = "/api/v1/servers",
                .right = BN_RIGHT_READ,
                .handler = bn_servers_list,
                .summary = "Proxmox VE servers with their state, newest first"},
        {.method = "POST",
                .path = "/api/v1/servers",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_server_add,
                .body_max = FORM_MAX,
                .summary = "Add a server; its token is sealed and never shown again",
                .takes = &bn_server_form_type,
                .gives = &bn_server_type},
        {.method = "POST",
                .path = "/api/v1/servers/test",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_server_test,
                .body_max = FORM_MAX,
                .summary = "Try to reach a server without adding it, once",
                .takes = &bn_server_test_form_type},
        {.method = "POST",
                .path = "/api/v1/servers/health-check",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_servers_check,
                .body_max = CHECK_MAX,
                .summary = "Check all active servers, or those in server_ids; wait=1 answers when "
                           "all are done",
                .takes = &bn_check_form_type,
                .query = bn_servers_check_query},
        {.method = "PATCH",
                .path = "/api/v1/servers/{id}",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_server_change,
                .body_max = FORM_MAX,
                .summary = "Change a server; another place or certificate needs the token again",
                .takes = &bn_server_change_form_type,
                .gives = &bn_server_type},
        {.method = "DELETE",
                .path = "/api/v1/servers/{id}",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_server_remove,
                .summary = "Remove a server with all that is known of it"},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/test",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_server_test_saved,
                .body_max = NONE_MAX,
                .summary = "Try to reach a server once, with every phase measured; its history and "
                           "state stay as they are"},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/history",
                .right = BN_RIGHT_READ,
                .handler = bn_server_history,
                .summary = "How checks of a server went, by the hour or the day; raw=1 adds the "
                           "attempts of the last day",
                .query = bn_server_history_query},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/stats",
                .right = BN_RIGHT_READ,
                .handler = bn_server_stats,
                .summary = "Figures of the last 100 attempts on a server, with the last 5 errors"},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/why",
                .right = BN_RIGHT_READ,
                .handler = bn_server_why,
                .summary = "Why a server fails or flaps: causes by likelihood with their evidence, "
                           "and what it is not"},
        {.method = "GET",
                .path = "/api/v1/vms",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_vms_list,
                .summary = "Guests of all active servers, and which servers do not answer",
                .query = bn_vms_query},
        {.method = "GET",
                .path = "/api/v1/summary",
                .right = BN_RIGHT_READ,
                .handler = bn_summary_show,
                .summary = "The fleet in numbers; topic summary is the same, live",
                .gives = &bn_summary_type},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/nodes/{node}/qemu/{vmid}/rrd",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_qemu_rrd,
                .summary = "History of a virtual machine as its node keeps it, for charts",
                .query = bn_rrd_query},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/nodes/{node}/lxc/{vmid}/rrd",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_lxc_rrd,
                .summary = "History of a container as its node keeps it, for charts",
                .query = bn_rrd_query},
        {.method = "GET",
                .path = "/api/v1/servers/{id}/nodes/{node}/rrd",
                .right = BN_RIGHT_READ,
                .handler = bn_node_rrd,
                .summary = "History of a node as it keeps it, for charts",
                .query = bn_rrd_query},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/nodes/{node}/qemu/{vmid}/{action}",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_qemu_act,
                .summary = "Start, stop, shutdown, reboot, reset, suspend or resume a virtual "
                           "machine; the answer names the operation that follows it"},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/nodes/{node}/lxc/{vmid}/{action}",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_lxc_act,
                .summary = "The same for a container, which has no reset"},
        {.method = "GET",
                .path = "/api/v1/alerts",
                .right = BN_RIGHT_READ,
                .handler = bn_alerts_list,
                .summary = "Alerts that fire and those resolved in the last five minutes, newest "
                           "first; topic alerts is the same, live",
                .query = bn_alerts_query},
        {.method = "POST",
                .path = "/api/v1/alerts/{id}/dismiss",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_alert_dismiss,
                .summary = "Say that somebody knows of an alert: it no longer wants attention, "
                           "and stays in the list with who dismissed it until it is over"},
        {.method = "GET",
                .path = "/api/v1/operations",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_operations_list,
                .summary = "Operations of the last 90 days, newest first, 50 on a page; status "
                           "may also be active",
                .query = bn_operations_query},
        {.method = "GET",
                .path = "/api/v1/operations.csv",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_operations_csv,
                .summary = "The same as a CSV file, all pages in one",
                .query = bn_operations_csv_query},
        {.method = "GET",
                .path = "/api/v1/operations/{id}",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_operation_show,
                .summary = "One operation with the last lines of its task's log",
                .gives = &bn_operation_type},
        {.method = "POST",
                .path = "/api/v1/operations/{id}/cancel",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_operation_cancel,
                .summary = "Stop an operation that is under way at the next safe point"},
};

const size_t bn_infra_route_count = COUNT(bn_infra_routes);

/* --- shared ---------------------------------------------------------------------------------- */

const struct bn_table *bn_servers_of(const struct bn_request *req)
{
    return &bn_live_find(&bn_web_hub(req->web)->live, req->who.tenant)->tables[BN_KIND_SERVER];
}

const struct bn_server *bn_server_with_id(const struct bn_request *req, struct bn_str id,
        struct bn_err *err)
{
    char text[BN_ID_MAX];
    const struct bn_server *server = NULL;
    if (bn_text_copy(text, sizeof text, id))
        server = bn_live_get_newest(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_SERVER,
                text);
    if (!server)
        bn_fail(err, BN_E_NOT_FOUND, "there is no such server");
    return server;
}

void bn_server_set_defaults(struct bn_server *server)
{
    bn_record_clear(&bn_server_type, server);
    server->port = server->vpn_port = 8006;
    server->verify_ssl = server->is_active = 1;
    server->connection_timeout_ms = BN_SERVER_TIMEOUT_MS;
    server->fail_after = BN_FAIL_AFTER;
    server->connection_status = BN_SERVER_UNKNOWN;
    server->is_quorate = BN_UNKNOWN;
}

/* --- forms ----------------------------------------------------------------------------------- */

bool bn_server_check_host(const struct bn_request *req, const char *field, const char *host,
        struct bn_err *err)
{
    struct bn_addr addr;
    const bool is_addr = bn_addr_parse(bn_str(host), &addr);
    if (!bn_endpoint_is_host(bn_str(host)))
        return bn_fail_field(err, field,
                "%s must be a name or an address without scheme and port, like pve1.lan, got "
                "\"%.60s\"",
                field, host);
    if (!is_addr || bn_target_check(bn_web_parts(req->web)->targets, &addr, err))
        return true;
    err->code = BN_E_INVALID;
    bn_text_clip(err->field, sizeof err->field, bn_str(field));
    return false;
}

int64_t bn_server_slots_left(const struct bn_request *req)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    const struct bn_table *known = &tenant->tables[BN_KIND_SERVER];
    int64_t used = (int64_t)known->count;
    bn_table_each(row, &tenant->coming[BN_KIND_SERVER])
            used += !bn_table_find(known, bn_record_key(&bn_server_type, row->record));
    return BN_MAX(tenant->servers_max - used, 0);
}

bool bn_server_has_token(const struct bn_request *req, const struct bn_server *server,
        const char *token)
{
    char aad[BN_TOKEN_AAD_SIZE];
    char known[BN_TOKEN_MAX];
    size_t len = 0;
    bn_token_aad(req->who.tenant, server->id, aad);
    const bool is_open = bn_unseal(bn_web_parts(req->web)->key, aad, bn_str(server->token), known,
            sizeof known, &len);
    const bool is_same = is_open && len == strlen(token) && bn_equal_secret(known, token, len);
    bn_wipe(known, sizeof known);
    return is_same;
}

bool bn_server_may_seal(const struct bn_request *req, struct bn_err *err)
{
    const char *absent = bn_web_parts(req->web)->key_absent;
    return !absent || !absent[0] || bn_fail(err, BN_E_UNAVAILABLE, "%s", absent);
}

bool bn_server_seal(const struct bn_request *req, const char *token, struct bn_server *server,
        struct bn_err *err)
{
    char aad[BN_TOKEN_AAD_SIZE];
    if (!bn_server_may_seal(req, err))
        return false;
    bn_token_hint(token, server->token_hint, sizeof server->token_hint);
    bn_token_aad(req->who.tenant, server->id, aad);
    return bn_seal(bn_web_parts(req->web)->key, aad, bn_str(token), server->token,
                   sizeof server->token) ||
           bn_fail_field(err, "api_token", "api_token is too long");
}

static bool seal_token(const struct bn_request *req, struct bn_server_form *form,
        struct bn_server *server, struct bn_err *err)
{
    char token[sizeof form->api_token];
    const bool is_sealed = bn_token_read(bn_str(form->api_token), token, sizeof token, err) &&
                           bn_server_seal(req, token, server, err);
    bn_wipe(token, sizeof token);
    return is_sealed;
}

static bool take_pin(const struct bn_server_form *form, struct bn_server *server,
        struct bn_err *err)
{
    server->fingerprint[0] = '\0';
    server->is_pin_auto = 0; /* whoever names it has looked at it */
    return !form->fingerprint[0] || bn_fingerprint_read(form->fingerprint, server->fingerprint) ||
           bn_fail_field(err, "fingerprint",
                   "fingerprint must be a SHA-256: 32 pairs of hexadecimal digits");
}

/* Members of the same name and size; the token and the fingerprint are not as they come. */
static void copy_members(const struct bn_record_type *type, const struct bn_server_form *form,
        uint64_t given, struct bn_server *server)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *from = &type->fields[i];
        const struct bn_field *to = bn_field_find(&bn_server_type, bn_str(from->name));
        if (!(given & BN_BIT(i)) || !to || to->size != from->size)
            continue;
        if (from->type != BN_T_TEXT && bn_field_is_unknown(from, form))
            continue; /* null: as if it had not been said */
        memcpy((char *)server + to->offset, (const char *)form + from->offset, from->size);
    }
}

/* What an export could not bring back, or what would show a secret wherever the server is named. */
static bool check_text(const char *field, const char *text, const char *allowed, struct bn_err *err)
{
    char token[sizeof((struct bn_server_form *)0)->api_token];
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && !strchr(allowed, *p)) || *p == 0x7F)
            return bn_fail_field(err, field, "%s must not hold the control character 0x%02X", field,
                    (unsigned)*p);
    if (strlen(text) < sizeof token &&
            bn_token_read(bn_str_trim(bn_str(text)), token, sizeof token, NULL)) {
        bn_wipe(token, sizeof token);
        return bn_fail_field(err, field, "%s holds an API token, and is shown to everybody", field);
    }
    return true;
}

static bool check_texts(const struct bn_server *server, struct bn_err *err)
{
    if (server->name[0] && bn_str_trim(bn_str(server->name)).len == 0)
        return bn_fail_field(err, "name", "name must hold more than blanks");
    return check_text("name", server->name, "", err) && check_text("tags", server->tags, "", err) &&
           check_text("site", server->site, "", err) &&
           check_text("notes", server->notes, "\t\r\n", err);
}

bool bn_server_take_form(const struct bn_request *req, const struct bn_record_type *type,
        struct bn_server_form *form, uint64_t given, struct bn_server *server, struct bn_err *err)
{
    _Static_assert(sizeof form->fingerprint != sizeof server->fingerprint, "not copied as it is");
    const bool has_pin = (given & BN_BIT(bn_field_index(type, "fingerprint"))) != 0;
    copy_members(type, form, given, server);
    bool is_good = bn_server_check_host(req, "host", server->host, err) && check_texts(server, err);
    if (is_good && (server->vpn_enabled == 1 || server->vpn_host[0]))
        is_good = bn_server_check_host(req, "vpn_host", server->vpn_host, err);
    if (is_good && has_pin)
        is_good = take_pin(form, server, err);
    if (is_good && form->api_token[0])
        is_good = seal_token(req, form, server, err);
    bn_wipe(form->api_token, sizeof form->api_token);
    return is_good;
}
