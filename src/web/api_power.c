#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/work.h"
#include "source/power.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/guest_path.h"
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

static void describe(const struct bn_request *req, const struct bn_server *server,
        const struct bn_vm *vm, struct bn_operation *out)
{
    memcpy(out->server_id, server->id, sizeof out->server_id);
    memcpy(out->node, vm->node, sizeof out->node);
    out->type = BN_WORK_VM_POWER;
    out->vm_type = vm->type;
    out->vmid = vm->vmid;
    bn_guest_subject(server, vm, out->subject, sizeof out->subject);
    bn_operation_made_by(req, out);
}

static bool read_wanted(const struct bn_request *req, enum bn_vm_type type,
        struct bn_operation *out, struct bn_err *err)
{
    const struct bn_server *server = NULL;
    bn_record_clear(&bn_operation_type, out);
    if (!read_action(req, type, out->action, err))
        return false;
    const struct bn_vm *vm = bn_guest_of_path(req, type, out->action, &server, err);
    if (!vm)
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
