#include <stdio.h>
#include <string.h>

#include "source/fleet.h"
#include "source/pve_read.h"
#include "source/pve_rrd.h"
#include "source/rrd.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/guest_right.h"
#include "web/server.h"

const char *const bn_rrd_query[] = {"range", NULL};

/* --- what is asked --------------------------------------------------------------------------- */

static const struct bn_server *active_server(const struct bn_request *req, struct bn_err *err)
{
    const struct bn_server *server = bn_server_with_id(req, req->params[0], err);
    if (server && server->is_active == 0) {
        bn_fail(err, BN_E_NOT_FOUND, "the server \"%.100s\" is disabled", server->name);
        return NULL;
    }
    return server;
}

/* Another member of its cluster, while it does not answer itself. */
static const struct bn_server *speaker_for(const struct bn_request *req,
        const struct bn_server *server)
{
    struct bn_fleet *fleet = bn_web_parts(req->web)->fleet;
    const char *id = fleet ? bn_fleet_voice(fleet, req->who.tenant, server->id) : server->id;
    const struct bn_server *other = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
            BN_KIND_SERVER, id);
    return other ? other : server;
}

static const void *row_of(const struct bn_request *req, enum bn_kind kind, const char *server_id,
        struct bn_str part)
{
    char id[BN_ID_MAX];
    const int len = snprintf(id, sizeof id, "%s/%.*s", server_id, BN_ARG(part));
    if (len >= (int)sizeof id)
        return NULL;
    return bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, kind, id);
}

/* What a node that is away would answer takes 30 s and is no answer (PVE-API 10). */
static bool check_node(const struct bn_request *req, const struct bn_server *server,
        struct bn_str name, struct bn_err *err)
{
    const struct bn_node *node = row_of(req, BN_KIND_NODE, server->id, name);
    if (!node)
        return bn_fail(err, BN_E_NOT_FOUND, "\"%.60s\" has no node \"%.*s\"", server->name,
                (int)BN_MIN(name.len, (size_t)63), name.p);
    return strcmp(node->status, "online") == 0 ||
           bn_fail(err, BN_E_UNAVAILABLE,
                   "the node %s is %s, and only it knows its history: see when it is back",
                   node->node, node->status[0] ? node->status : "unknown");
}

static const struct bn_vm *guest_of(const struct bn_request *req, const struct bn_server *server,
        const char *type, struct bn_err *err)
{
    const struct bn_str node = req->params[1];
    const struct bn_str vmid = req->params[2];
    const struct bn_vm *vm = row_of(req, BN_KIND_VM, server->id, vmid);
    const bool is_type = vm && (vm->type == BN_VM_LXC) == (strcmp(type, "lxc") == 0);
    if (vm && !bn_may_act_on_guest(req, server->id, vm->vmid, "view", err))
        return NULL;
    if (is_type && bn_str_is(node, vm->node))
        return vm;
    if (is_type)
        bn_fail(err, BN_E_NOT_FOUND, "guest %lld is on the node %s now", (long long)vm->vmid,
                vm->node);
    else
        bn_fail(err, BN_E_NOT_FOUND, "\"%.60s\" has no %s guest %.*s", server->name, type,
                (int)BN_MIN(vmid.len, (size_t)16), vmid.p);
    return NULL;
}

static bool read_range(const struct bn_request *req, char out[8], struct bn_err *err)
{
    const struct bn_str range = bn_query(req, "range", "hour");
    if (!bn_query_only(req, bn_rrd_query, err))
        return false;
    if (!bn_pve_rrd_range_is_known(range))
        return bn_fail_field(err, "range", "range must be hour, day, week, month or year");
    bn_text_clip(out, 8, range);
    return true;
}

/* --- answering ------------------------------------------------------------------------------- */

static void answered(void *user, uint64_t ticket, const struct bn_rrd_answer *answer)
{
    struct bn_request *req = bn_request_find(user, ticket);
    if (req && answer->json)
        bn_reply_json(req, 200, answer->json);
    else if (req)
        bn_reply_refusal(req, &answer->err, answer->hint);
}

static void ask(struct bn_request *req, const struct bn_rrd_subject *subject)
{
    struct bn_rrd *rrd = bn_web_parts(req->web)->rrd;
    const struct bn_rrd_waiter waiter = {answered, req->web, req->ticket};
    const struct bn_who *who = &req->who;
    struct bn_err err;
    if (!bn_rrd_is_known(rrd, subject) &&
            !bn_may_try(req, BN_TRY_HISTORY, bn_str(who->user_id[0] ? who->user_id : who->key_id),
                    "asking for histories"))
        return;
    if (!bn_rrd_ask(rrd, subject, &waiter, &err))
        bn_reply_err(req, &err);
}

static void history(struct bn_request *req, const char *type)
{
    struct bn_err err;
    char range[8];
    struct bn_rrd_subject subject = {.tenant = req->who.tenant, .type = type, .range = range};
    const struct bn_vm *vm = NULL;
    subject.server = active_server(req, &err);
    if (!subject.server || (type && !(vm = guest_of(req, subject.server, type, &err))) ||
            !read_range(req, range, &err) ||
            !check_node(req, subject.server, req->params[1], &err)) {
        bn_reply_err(req, &err);
        return;
    }
    char node[64];
    bn_text_clip(node, sizeof node, req->params[1]);
    subject.node = node;
    subject.vmid = vm ? vm->vmid : 0;
    subject.server = speaker_for(req, subject.server);
    ask(req, &subject);
}

void bn_qemu_rrd(struct bn_request *req)
{
    history(req, "qemu");
}

void bn_lxc_rrd(struct bn_request *req)
{
    history(req, "lxc");
}

void bn_node_rrd(struct bn_request *req)
{
    history(req, NULL);
}
