#include "web/guest_path.h"

#include <stdio.h>

#include "web/api_infra.h"
#include "web/guest_right.h"

static bool read_vmid(const struct bn_request *req, int64_t *out, struct bn_err *err)
{
    return bn_parse_i64(req->params[2], 1, 999999999, out) ||
           bn_fail_field(err, "vmid", "vmid must be 1..999999999, got \"%.*s\"",
                   (int)BN_MIN(req->params[2].len, (size_t)40), req->params[2].p);
}

static const struct bn_vm *find_vm(const struct bn_request *req, const struct bn_server *server,
        enum bn_vm_type type, int64_t vmid, struct bn_err *err)
{
    char key[BN_ID_MAX];
    snprintf(key, sizeof key, "%.64s/%lld", server->id, (long long)vmid);
    const struct bn_vm *vm = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_VM,
            key);
    if (!vm && server->listed_under[0])
        bn_fail(err, BN_E_NOT_FOUND,
                "the guests of %.80s are listed under another server of its cluster", server->name);
    else if (!vm)
        bn_fail(err, BN_E_NOT_FOUND, "%.80s has no guest %lld", server->name, (long long)vmid);
    else if (vm->type != (int64_t)type)
        bn_fail(err, BN_E_NOT_FOUND, "guest %lld on %.80s is a %s", (long long)vmid, server->name,
                vm->type == BN_VM_LXC ? "container: ask for lxc" : "virtual machine: ask for qemu");
    else if (!bn_str_is(req->params[1], vm->node))
        bn_fail(err, BN_E_NOT_FOUND, "guest %lld is on node %.64s now, not on %.*s",
                (long long)vmid, vm->node, (int)BN_MIN(req->params[1].len, (size_t)40),
                req->params[1].p);
    else
        return vm;
    return NULL;
}

static bool is_enabled(const struct bn_server *server, struct bn_err *err)
{
    return server->is_active != 0 ||
           bn_fail(err, BN_E_INVALID, "the server \"%.100s\" is disabled: enable it first",
                   server->name);
}

static bool is_usable(const struct bn_server *server, const struct bn_vm *vm, struct bn_err *err)
{
    if (!is_enabled(server, err))
        return false;
    return vm->template != 1 ||
           bn_fail(err, BN_E_INVALID, "%.80s is a template, and a template does not run", vm->name);
}

const struct bn_vm *bn_guest_of_path(const struct bn_request *req, enum bn_vm_type type,
        const char *action, const struct bn_server **out_server, struct bn_err *err)
{
    int64_t vmid;
    if (!read_vmid(req, &vmid, err))
        return NULL;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], err);
    if (!server || !bn_may_act_on_guest(req, server->id, vmid, action, err))
        return NULL;
    const struct bn_vm *vm = find_vm(req, server, type, vmid, err);
    *out_server = server;
    return vm && is_usable(server, vm, err) ? vm : NULL;
}

const struct bn_node *bn_node_of_path(const struct bn_request *req,
        const struct bn_server **out_server, struct bn_err *err)
{
    char key[BN_ID_MAX];
    const struct bn_server *server = bn_server_with_id(req, req->params[0], err);
    if (!server)
        return NULL;
    const int len = snprintf(key, sizeof key, "%.64s/%.*s", server->id, BN_ARG(req->params[1]));
    const struct bn_node *node = len < 0 || (size_t)len >= sizeof key
                                         ? NULL
                                         : bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
                                                   BN_KIND_NODE, key);
    *out_server = server;
    if (!node && server->listed_under[0])
        bn_fail(err, BN_E_NOT_FOUND,
                "the nodes of %.80s are listed under another server of its cluster", server->name);
    else if (!node)
        bn_fail(err, BN_E_NOT_FOUND, "%.80s has no node %.*s", server->name,
                (int)BN_MIN(req->params[1].len, (size_t)40), req->params[1].p);
    return node && is_enabled(server, err) ? node : NULL;
}

void bn_guest_subject(const struct bn_server *server, const struct bn_vm *vm, char *out,
        size_t size)
{
    if (vm->name[0])
        snprintf(out, size, "%.80s (%lld) on %.80s", vm->name, (long long)vm->vmid, server->name);
    else
        snprintf(out, size, "%lld on %.80s", (long long)vm->vmid, server->name);
}
