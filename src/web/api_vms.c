#include <stdio.h>
#include <string.h>

#include "model/right.h"
#include "web/api_infra.h"
#include "web/guest_right.h"

#define LIST_BYTES_MAX (96 << 20) /* 50,000 guests */

const char *const bn_vms_query[] = {"server_id", "status", "q", NULL};

struct filter {
    const char *server_id; /* NULL: all */
    struct bn_str status;
    struct bn_str q;
};

static bool has_word(const char *text, struct bn_str word)
{
    char part[128];
    return bn_text_copy(part, sizeof part, word) && strcasestr(text, part) != NULL;
}

static bool passes(const struct filter *filter, const struct bn_vm *vm,
        const struct bn_server *server)
{
    char vmid[24];
    snprintf(vmid, sizeof vmid, "%lld", (long long)vm->vmid);
    if (filter->server_id && strcmp(vm->server_id, filter->server_id) != 0)
        return false;
    if (filter->status.len && !bn_str_is(filter->status, vm->status))
        return false;
    return !filter->q.len || has_word(vm->name, filter->q) || has_word(vmid, filter->q) ||
           has_word(vm->node, filter->q) || has_word(server->name, filter->q);
}

static void put_vms(struct bn_json *json, const struct bn_request *req, const struct filter *filter)
{
    const struct bn_table *servers = bn_servers_of(req);
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    char words[48];
    bn_json_key(json, "vms");
    bn_json_array(json);
    bn_table_each(row, &tenant->tables[BN_KIND_VM])
    {
        const struct bn_vm *vm = (const void *)row->record;
        const struct bn_row *owner = bn_table_find(servers, vm->server_id);
        const struct bn_server *server = owner ? (const void *)owner->record : NULL;
        const uint32_t permissions = bn_guest_permissions_of(req, vm->server_id, vm->vmid);
        if (!server || server->is_active == 0 || !permissions || !passes(filter, vm, server))
            continue;
        bn_json_object(json);
        bn_record_json(&bn_vm_type, vm, BN_MASK_ALL, BN_ABSENT_NULL, json);
        bn_json_key(json, "server_name");
        bn_json_text(json, server->name);
        bn_guest_permissions_text(permissions, words, sizeof words);
        bn_json_key(json, "permissions");
        bn_json_text(json, words);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

/* Somebody who is restricted hears of servers with guests of his only. */
static bool may_know(const struct bn_request *req, const struct bn_server *server)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    if (!bn_is_restricted(&req->who))
        return true;
    bn_table_each(row, &tenant->tables[BN_KIND_ASSIGNMENT])
    {
        const struct bn_assignment *it = (const void *)row->record;
        if (strcmp(it->user_id, req->who.user_id) == 0 && strcmp(it->server_id, server->id) == 0)
            return true;
    }
    return false;
}

/* Its last attempt failed: what is listed of it is what was known before (FEATURES D4). */
static bool is_failing(const struct bn_server *server)
{
    return server->health_check_error[0] != '\0';
}

static void put_servers(struct bn_json *json, const struct bn_request *req,
        const struct filter *filter, bool only_failing)
{
    bn_json_key(json, only_failing ? "errors" : "servers");
    bn_json_array(json);
    bn_table_each(row, bn_servers_of(req))
    {
        const struct bn_server *server = (const void *)row->record;
        if (server->is_active == 0 || (only_failing && !is_failing(server)) ||
                (filter->server_id && strcmp(server->id, filter->server_id) != 0) ||
                !may_know(req, server))
            continue;
        bn_json_object(json);
        bn_json_key(json, only_failing ? "server_id" : "id");
        bn_json_text(json, server->id);
        bn_json_key(json, "name");
        bn_json_text(json, server->name);
        if (only_failing) {
            bn_json_key(json, "error");
            /* The sentence may name tokens and addresses. */
            bn_json_text(json, bn_is_restricted(&req->who) ? "it does not answer"
                                                           : server->health_check_error);
        }
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static bool read_filter(const struct bn_request *req, struct filter *out, struct bn_err *err)
{
    const struct bn_str id = bn_query(req, "server_id", "");
    if (!bn_query_only(req, bn_vms_query, err))
        return false;
    *out = (struct filter){.status = bn_query(req, "status", ""), .q = bn_query(req, "q", "")};
    if (!id.len)
        return true;
    const struct bn_server *server = bn_server_with_id(req, id, err);
    if (!server)
        return false;
    if (!may_know(req, server))
        return bn_fail(err, BN_E_NOT_FOUND, "there is no such server");
    if (server->is_active == 0)
        return bn_fail(err, BN_E_NOT_FOUND, "the server \"%.100s\" is disabled", server->name);
    /* Guests of a cluster are told once: asked for those of one member, all are meant. */
    out->server_id = server->listed_under[0] ? server->listed_under : server->id;
    return true;
}

void bn_vms_list(struct bn_request *req)
{
    struct bn_err err;
    struct filter filter;
    if (!read_filter(req, &filter, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    put_vms(&json, req, &filter);
    put_servers(&json, req, &filter, false);
    put_servers(&json, req, &filter, true);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}
