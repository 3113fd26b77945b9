#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/work.h"
#include "source/power.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/guest_right.h"
#include "web/server.h"

/* One action that somebody waits for. */
struct act {
    struct bn_web *web;
    uint64_t ticket;
    char tenant[BN_TENANT_MAX];
    char address[48];
    char actor[64];
};

/* --- what is asked --------------------------------------------------------------------------- */

static bool read_action(const struct bn_request *req, enum bn_vm_type type, char out[16],
        struct bn_err *err)
{
    for (const char *const *word = bn_power_actions; *word; word++)
        if (bn_str_is(req->params[3], *word)) {
            snprintf(out, 16, "%s", *word);
            return type != BN_VM_LXC || strcmp(*word, "reset") != 0 ||
                   bn_fail_field(err, "action",
                           "a container has no reset: reboot it, or stop and start it");
        }
    return bn_fail_field(err, "action",
            "action must be start, stop, shutdown, reboot, reset, suspend or resume");
}

static bool read_vmid(const struct bn_request *req, int64_t *out, struct bn_err *err)
{
    return bn_parse_i64(req->params[2], 1, 999999999, out) ||
           bn_fail_field(err, "vmid", "vmid must be 1..999999999, got \"%.*s\"",
                   (int)BN_MIN(req->params[2].len, (size_t)40), req->params[2].p);
}

/* The guest of exactly that server with that number, on that node, of that type: a number alone
   names nothing (FEATURES D14). */
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

static bool may_act(const struct bn_server *server, const struct bn_vm *vm, struct bn_err *err)
{
    if (server->is_active == 0)
        return bn_fail(err, BN_E_INVALID, "the server \"%.100s\" is disabled: enable it first",
                server->name);
    return vm->template != 1 ||
           bn_fail(err, BN_E_INVALID, "%.80s is a template, and a template does not run", vm->name);
}

static void describe(const struct bn_request *req, const struct bn_server *server,
        const struct bn_vm *vm, struct bn_operation *out)
{
    memcpy(out->server_id, server->id, sizeof out->server_id);
    memcpy(out->node, vm->node, sizeof out->node);
    out->type = BN_WORK_VM_POWER;
    out->vm_type = vm->type;
    out->vmid = vm->vmid;
    if (vm->name[0])
        snprintf(out->subject, sizeof out->subject, "%.80s (%lld) on %.80s", vm->name,
                (long long)vm->vmid, server->name);
    else
        snprintf(out->subject, sizeof out->subject, "%lld on %.80s", (long long)vm->vmid,
                server->name);
    bn_operation_made_by(req, out);
}

static bool read_wanted(const struct bn_request *req, enum bn_vm_type type,
        struct bn_operation *out, struct bn_err *err)
{
    int64_t vmid;
    bn_record_clear(&bn_operation_type, out);
    if (!read_action(req, type, out->action, err) || !read_vmid(req, &vmid, err))
        return false;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], err);
    if (!server || !bn_may_act_on_guest(req, server->id, vmid, out->action, err))
        return false;
    const struct bn_vm *vm = find_vm(req, server, type, vmid, err);
    if (!vm || !may_act(server, vm, err))
        return false;
    describe(req, server, vm, out);
    return true;
}

/* --- answers --------------------------------------------------------------------------------- */

static void put_id(struct bn_json *json, const char *name, const char *id)
{
    bn_json_key(json, name);
    bn_json_text(json, id);
}

/* What is under way for that guest, for whoever asked a second time (FEATURES J5). */
static void reply_running(struct bn_request *req, const struct bn_operation *running,
        const struct bn_err *err)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "error");
    bn_json_object(&json);
    put_id(&json, "code", bn_code_word(err->code));
    put_id(&json, "message", err->text);
    put_id(&json, "request_id", req->id);
    bn_json_object_end(&json);
    put_id(&json, "operation_id", running->id);
    put_id(&json, "status", "already_running");
    put_id(&json, "action", running->action);
    bn_json_key(&json, "progress");
    bn_json_i64(&json, running->progress);
    bn_json_key(&json, "started_at");
    bn_json_time(&json, running->started_at);
    bn_json_object_end(&json);
    bn_reply_json(req, 409, &out);
}

static void reply_begun(struct bn_request *req, const struct bn_operation *operation)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    put_id(&json, "operation_id", operation->id);
    put_id(&json, "upid", operation->upid);
    bn_json_object_end(&json);
    bn_reply_json(req, 202, &out);
}

static void note(const struct act *act, const struct bn_operation *operation, const char *detail)
{
    char action[32];
    snprintf(action, sizeof action, "vm.%s", operation->action);
    bn_audit_deed(act->web, act->tenant, act->address,
            &(struct bn_deed){.actor = act->actor,
                    .action = action,
                    .object = operation->subject,
                    .detail = detail,
                    .ok = operation->error[0] == '\0'});
}

static void on_begun(void *user, const struct bn_operation *operation, const struct bn_err *err)
{
    struct act *act = user;
    struct bn_request *req = bn_request_find(act->web, act->ticket);
    note(act, operation, operation->error[0] ? operation->error : operation->upid);
    if (req && err)
        bn_reply_refusal(req, err, operation->hint);
    else if (req)
        reply_begun(req, operation);
    free(act);
}

/* --- routes ---------------------------------------------------------------------------------- */

static void act_on(struct bn_request *req, enum bn_vm_type type)
{
    struct bn_operation wanted;
    struct bn_err err;
    if (!read_wanted(req, type, &wanted, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    struct act *act = bn_alloc(sizeof *act);
    act->web = req->web;
    act->ticket = req->ticket;
    memcpy(act->tenant, req->who.tenant, sizeof act->tenant);
    bn_text_clip(act->address, sizeof act->address, bn_str(req->address));
    bn_text_clip(act->actor, sizeof act->actor, bn_str(req->who.name));
    if (bn_power_do(bn_web_parts(req->web)->power, req->who.tenant, &wanted, on_begun, act, &err))
        return;
    free(act);
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    const struct bn_operation *running = bn_work_find_same(tenant, &wanted);
    if (err.code == BN_E_CONFLICT && running)
        reply_running(req, running, &err);
    else
        bn_reply_err(req, &err);
}

void bn_qemu_act(struct bn_request *req)
{
    act_on(req, BN_VM_QEMU);
}

void bn_lxc_act(struct bn_request *req)
{
    act_on(req, BN_VM_LXC);
}
