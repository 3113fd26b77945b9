#include "web/guest_right.h"

#include <stdio.h>
#include <string.h>

#include "model/right.h"

#define ALL (BN_GUEST_VIEW | BN_GUEST_CONSOLE | BN_GUEST_START | BN_GUEST_STOP | BN_GUEST_RESTART)

void bn_assignment_id(const char *user_id, const char *server_id, int64_t vmid, char out[BN_ID_MAX])
{
    snprintf(out, BN_ID_MAX, "%.40s/%.40s/%lld", user_id, server_id, (long long)vmid);
}

bool bn_is_restricted(const struct bn_who *who)
{
    return bn_who_may(who, BN_RIGHT_GUESTS) && !bn_who_may(who, BN_RIGHT_READ);
}

static uint32_t assigned(const struct bn_request *req, const char *server_id, int64_t vmid)
{
    char id[BN_ID_MAX];
    uint32_t permissions = 0;
    if (!req->who.user_id[0])
        return 0;
    bn_assignment_id(req->who.user_id, server_id, vmid, id);
    const struct bn_assignment *assignment = bn_live_get(&bn_web_hub(req->web)->live,
            req->who.tenant, BN_KIND_ASSIGNMENT, id);
    if (!assignment ||
            !bn_guest_permissions_parse(bn_str(assignment->permissions), &permissions, NULL))
        return 0;
    /* A key acts by its scopes: an assignment lets it see, and no more. */
    return req->who.kind == BN_WHO_KEY ? permissions & BN_GUEST_VIEW : permissions;
}

uint32_t bn_guest_permissions_of(const struct bn_request *req, const char *server_id, int64_t vmid)
{
    if (bn_who_may(&req->who, BN_RIGHT_OPERATE))
        return ALL;
    if (!bn_who_may(&req->who, BN_RIGHT_GUESTS))
        return 0;
    return (bn_who_may(&req->who, BN_RIGHT_READ) ? BN_GUEST_VIEW : 0) |
           assigned(req, server_id, vmid);
}

bool bn_may_act_on_guest(const struct bn_request *req, const char *server_id, int64_t vmid,
        const char *action, struct bn_err *err)
{
    const uint32_t needed = bn_guest_permission_for(action);
    const uint32_t permissions = bn_guest_permissions_of(req, server_id, vmid);
    char word[48];
    if (needed && (permissions & needed))
        return true;
    if (!(permissions & BN_GUEST_VIEW))
        return bn_fail(err, BN_E_NOT_FOUND, "there is no such guest");
    bn_guest_permissions_text(needed & (0 - needed), word, sizeof word); /* the first will do */
    return bn_fail(err, BN_E_FORBIDDEN,
            "you may not %s this guest: an administrator can assign it to you with \"%s\"", action,
            word);
}

bool bn_may_see_operation(const struct bn_request *req, const struct bn_operation *operation)
{
    if (!bn_is_restricted(&req->who))
        return true;
    return operation->type == BN_WORK_VM_POWER &&
           (bn_guest_permissions_of(req, operation->server_id, operation->vmid) & BN_GUEST_VIEW);
}

void bn_put_assigned_guests(const struct bn_request *req, struct bn_buf *out)
{
    char guest[BN_ID_MAX];
    struct bn_json json;
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    bn_json_init(&json, out);
    bn_json_array(&json);
    bn_table_each(row, &tenant->tables[BN_KIND_ASSIGNMENT])
    {
        const struct bn_assignment *it = (const void *)row->record;
        if (strcmp(it->user_id, req->who.user_id) != 0)
            continue;
        snprintf(guest, sizeof guest, "%.64s/%lld", it->server_id, (long long)it->vmid);
        bn_json_text(&json, guest);
    }
    bn_json_array_end(&json);
    bn_buf_putc(out, '\0');
}

/* --- what goes with others ------------------------------------------------------------------- */

static void drop_all(struct bn_hub *hub, const char *tenant_id, const char *user_id,
        const char *server_id)
{
    const struct bn_tenant_live *tenant = bn_live_find(&hub->live, tenant_id);
    struct bn_fact fact;
    bn_table_each(row, &tenant->tables[BN_KIND_ASSIGNMENT])
    {
        const struct bn_assignment *it = (const void *)row->record;
        if ((user_id && strcmp(it->user_id, user_id) != 0) ||
                (server_id && strcmp(it->server_id, server_id) != 0))
            continue;
        bn_fact_init(&fact, BN_KIND_ASSIGNMENT, tenant_id);
        fact.op = BN_GONE;
        memcpy(fact.u.assignment.id, it->id, sizeof fact.u.assignment.id);
        bn_hub_tell(hub, &fact);
    }
}

static void user_told(void *user, const struct bn_fact *fact)
{
    if (fact->op == BN_GONE && !fact->replay)
        drop_all(user, fact->tenant, fact->u.user.id, NULL);
}

static void server_told(void *user, const struct bn_fact *fact)
{
    if (fact->op == BN_GONE && !fact->replay)
        drop_all(user, fact->tenant, NULL, fact->u.server.id);
}

void bn_assignments_watch(struct bn_hub *hub)
{
    bn_hub_watch(hub, BN_KIND_USER, user_told, hub);
    bn_hub_watch(hub, BN_KIND_SERVER, server_told, hub);
}
