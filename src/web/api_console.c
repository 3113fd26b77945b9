#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/terminal.h"
#include "web/api_dispatch.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/api_targets.h"
#include "web/console.h"
#include "web/guest_path.h"
#include "web/guest_right.h"

#define TAB_MIN           8
#define REFUSAL_BYTES_MAX (256 << 10) /* BN_CONSOLES_OPEN_MAX who hold them */

const char *const bn_console_join_query[] = {"t", "tab", NULL};

/* --- opening one ----------------------------------------------------------------------------- */

/* An error that also names the step that failed and the number under which the manual explains
   it. */
static void reply_refusal(struct bn_request *req, const struct bn_console_refusal *refusal)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, REFUSAL_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "error");
    bn_json_object(&json);
    bn_json_key(&json, "code");
    bn_json_text(&json, bn_code_word(refusal->err.code));
    bn_json_key(&json, "message");
    bn_json_text(&json, refusal->err.text);
    if (refusal->con[0]) {
        bn_json_key(&json, "con");
        bn_json_text(&json, refusal->con);
    }
    if (refusal->step) {
        bn_json_key(&json, "step");
        bn_json_text(&json, refusal->step);
    }
    if (refusal->hint[0]) {
        bn_json_key(&json, "hint");
        bn_json_text(&json, refusal->hint);
    }
    if (refusal->err.code == BN_E_TOO_MANY) {
        bn_json_key(&json, "held_by");
        bn_console_put_holders(req, &json);
    }
    bn_json_key(&json, "request_id");
    bn_json_text(&json, req->id);
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, bn_code_status(refusal->err.code), &out);
}

static void note_open(const struct bn_console_session *session, const char *detail, bool ok)
{
    bn_audit_deed(session->web, session->tenant, session->record.address,
            &(struct bn_deed){.actor = session->record.user_name,
                    .action = "console.open",
                    .object = session->record.subject,
                    .detail = detail,
                    .ok = ok});
}

static void reply_ready(struct bn_request *req, const struct bn_console_session *session)
{
    char url[BN_ID_MAX + BN_CONSOLE_TICKET_SIZE + 192];
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    struct bn_json json;
    snprintf(url, sizeof url, "%s/console/%s?t=%s", bn_web_parts(req->web)->base_path,
            session->record.id, session->secret);
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "id");
    bn_json_text(&json, session->record.id);
    bn_json_key(&json, "url");
    bn_json_text(&json, url);
    bn_json_key(&json, "kind");
    bn_json_text(&json, bn_console_kind_word(session->record.kind));
    bn_json_key(&json, "view_only");
    bn_json_bool(&json, session->record.view_only == 1);
    bn_json_key(&json, "expires_at");
    bn_json_time(&json, bn_web_clock(req->web)->now_ms + BN_CONSOLE_TICKET_MS);
    bn_json_object_end(&json);
    bn_reply_json(req, 201, &out);
    bn_wipe(url, sizeof url);
}

static void on_kept(struct bn_console_session *session, const struct bn_err *err)
{
    struct bn_request *req = bn_request_find(session->web, session->ticket);
    if (err) {
        if (req)
            bn_reply_err(req, err);
        note_open(session, err->text, false);
        bn_console_forget(session);
        return;
    }
    session->state = BN_CONSOLE_WAITING;
    session->since_mono_ms = session->web->config.clock->mono_ms;
    char detail[40];
    snprintf(detail, sizeof detail, "%s%s", bn_console_kind_word(session->record.kind),
            session->record.view_only == 1 ? ", view only" : "");
    note_open(session, detail, true);
    if (req)
        reply_ready(req, session);
    else
        bn_console_end(session, 1000, "whoever asked for it left");
}

static void make_secret(char out[BN_CONSOLE_TICKET_SIZE])
{
    uint8_t random[32];
    bn_random(random, sizeof random);
    bn_b64url_encode(random, sizeof random, out);
    bn_wipe(random, sizeof random);
}

static void on_opened(void *user, struct bn_remote *guest,
        const struct bn_console_refusal *refusal);

static bool call_target(struct bn_console_session *session, struct bn_err *err)
{
    struct bn_terminals *terminals = bn_web_parts(session->web)->terminals;
    const struct bn_target *target = bn_live_get(&bn_web_hub(session->web)->live, session->tenant,
            BN_KIND_TARGET, session->record.target_id);
    if (!terminals || !target)
        return bn_fail(err, BN_E_UNAVAILABLE, "SSH is not available");
    session->is_opening = bn_terminal_open(terminals, session->tenant, target, on_opened, session,
            err);
    return session->is_opening;
}

static bool call_server(struct bn_console_session *session, struct bn_err *err)
{
    const struct bn_console *record = &session->record;
    const bool is_node = record->vmid == BN_UNKNOWN;
    struct bn_console_wish wish = {.vm_type = is_node ? BN_VM_QEMU
                                                      : (enum bn_vm_type)record->vm_type,
            .vmid = is_node ? 0 : record->vmid,
            .kind = (enum bn_console_kind)record->kind};
    memcpy(wish.tenant, session->tenant, sizeof wish.tenant);
    memcpy(wish.server_id, record->server_id, sizeof wish.server_id);
    memcpy(wish.node, record->node, sizeof wish.node);
    session->is_opening = bn_console_open(bn_web_parts(session->web)->consoles, &wish, on_opened,
            session, err);
    return session->is_opening;
}

/* A version whose terminals know no tokens shows the screen instead (PVE-API 9.5). */
static bool falls_back(struct bn_console_session *session, const struct bn_console_refusal *refusal)
{
    if (!session->may_fall_back || session->state != BN_CONSOLE_OPENING ||
            strcmp(refusal->con, "CON-03") != 0)
        return false;
    session->may_fall_back = false;
    session->record.kind = BN_CONSOLE_VNC;
    return call_server(session, NULL);
}

static void on_opened(void *user, struct bn_remote *guest, const struct bn_console_refusal *refusal)
{
    struct bn_console_session *session = user;
    struct bn_request *req = bn_request_find(session->web, session->ticket);
    struct bn_err err;
    session->guest = guest;
    session->is_opening = false;
    if (!guest && req && falls_back(session, refusal))
        return;
    if (!guest) {
        note_open(session, refusal->err.text, false);
        if (req)
            reply_refusal(req, refusal);
    } else if (session->state == BN_CONSOLE_OPENING && req) {
        session->state = BN_CONSOLE_KEEPING;
        session->record.started_at = session->web->config.clock->now_ms;
        make_secret(session->secret);
        if (bn_console_keep(session, on_kept, &err))
            return;
        note_open(session, err.text, false);
        bn_reply_err(req, &err);
    }
    bn_console_forget(session);
}

/* When the page did not say the choice is ours, and *out stays. */
static bool read_kind(const struct bn_doc *doc, int64_t *out, bool *is_ours, struct bn_err *err)
{
    struct bn_str text;
    if (!bn_doc_text_or(doc, "kind", "", &text, err))
        return false;
    *is_ours = text.len == 0;
    if (bn_str_is(text, "vnc"))
        *out = BN_CONSOLE_VNC;
    else if (bn_str_is(text, "terminal"))
        *out = BN_CONSOLE_TERMINAL;
    else
        return *is_ours || bn_fail_field(err, "kind", "kind must be vnc or terminal");
    return true;
}

static bool read_tab(const struct bn_doc *doc, char out[BN_CONSOLE_TAB_MAX], struct bn_err *err)
{
    struct bn_str text;
    if (!bn_doc_text_or(doc, "tab", "", &text, err))
        return false;
    return (bn_text_copy(out, BN_CONSOLE_TAB_MAX, text) &&
                   (text.len == 0 || text.len >= TAB_MIN)) ||
           bn_fail_field(err, "tab", "tab must have 8 to 64 characters");
}

/* What is asked for. */
struct wish {
    struct bn_console record; /* kind: the usual one unless another is asked for */
    char tab[BN_CONSOLE_TAB_MAX];
    bool is_ours; /* the kind */

    enum { AS_ALLOWED, TO_TYPE, TO_LOOK } aim;
};

static bool read_aim(const struct bn_doc *doc, struct wish *wish, struct bn_err *err)
{
    const struct bn_doc *value = bn_doc_at(doc, "view_only");
    bool is_view_only = false;
    if (!value || bn_doc_is_null(value))
        return true;
    if (!bn_doc_get_bool(value, &is_view_only))
        return bn_fail_field(err, "view_only", "view_only must be true or false, got %s",
                bn_doc_type_word(value));
    wish->aim = is_view_only ? TO_LOOK : TO_TYPE;
    return true;
}

static bool read_body(const struct bn_request *req, struct wish *wish, struct bn_err *err)
{
    static const char *const names[] = {"kind", "tab", "view_only", NULL};
    struct bn_doc *doc = NULL;
    if (!bn_doc_parse(req->body.len ? req->body : BN_STR("{}"), &doc, err))
        return false;
    const bool is_good = bn_doc_only(doc, names, err) &&
                         read_kind(doc, &wish->record.kind, &wish->is_ours, err) &&
                         read_tab(doc, wish->tab, err) && read_aim(doc, wish, err);
    bn_doc_destroy(doc);
    return is_good;
}

static bool is_up(const struct bn_node *node, struct bn_console_refusal *refusal)
{
    if (strcmp(node->status, "online") == 0)
        return true;
    snprintf(refusal->con, sizeof refusal->con, "CON-04");
    return bn_fail(&refusal->err, BN_E_CONFLICT, "node %.60s is %s: it has no shell now",
            node->node, node->status[0] ? node->status : "out of sight");
}

static bool runs(const struct bn_vm *vm, struct bn_console_refusal *refusal)
{
    if (strcmp(vm->status, "running") == 0 || strcmp(vm->status, "paused") == 0)
        return true;
    snprintf(refusal->con, sizeof refusal->con, "CON-01");
    return bn_fail(&refusal->err, BN_E_CONFLICT, "%.80s is %s: start it, then open its console",
            vm->name[0] ? vm->name : "the guest", vm->status);
}

static void describe_asker(const struct bn_request *req, struct bn_console *out)
{
    if (req->who.kind == BN_WHO_USER)
        memcpy(out->user_id, req->who.user_id, sizeof out->user_id);
    bn_text_clip(out->user_name, sizeof out->user_name, bn_str(req->who.name));
    bn_text_clip(out->address, sizeof out->address, bn_str(req->address));
    out->bytes_in = out->bytes_out = 0;
}

/* Who may only look gets what he may, unless he asks for more. */
static bool settle_aim(struct wish *wish, bool may_type, struct bn_err *err)
{
    wish->record.view_only = wish->aim == TO_LOOK || (wish->aim == AS_ALLOWED && !may_type);
    return may_type || wish->record.view_only == 1 ||
           bn_fail(err, BN_E_FORBIDDEN,
                   "you may look at this console and not type into it: ask for it with view_only");
}

/* is_ready: what it is of runs; otherwise refusal says why not. */
static bool begin(struct bn_request *req, struct wish *wish, bool is_ready,
        struct bn_console_refusal *refusal)
{
    struct bn_err *err = &refusal->err;
    struct bn_console_session *session = NULL;
    if (!is_ready || !(session = bn_console_create(req, &wish->record, err))) {
        bn_audit_request(req, &(struct bn_deed){.action = "console.open",
                                      .object = wish->record.subject,
                                      .detail = err->text,
                                      .ok = false});
        return false;
    }
    memcpy(session->tab, wish->tab, sizeof session->tab);
    session->may_fall_back = wish->is_ours && wish->record.kind == BN_CONSOLE_TERMINAL;
    if (wish->record.target_id[0] ? call_target(session, err) : call_server(session, err))
        return true;
    bn_console_forget(session);
    return false;
}

static bool begin_guest(struct bn_request *req, enum bn_vm_type type,
        struct bn_console_refusal *refusal)
{
    struct wish wish = {.is_ours = false};
    struct bn_console *record = &wish.record;
    const struct bn_server *server = NULL;
    const struct bn_vm *vm = bn_guest_of_path(req, type, "console", &server, &refusal->err);
    if (!vm)
        return false;
    bn_record_clear(&bn_console_type, record);
    memcpy(record->server_id, server->id, sizeof record->server_id);
    memcpy(record->node, vm->node, sizeof record->node);
    record->vm_type = vm->type;
    record->vmid = vm->vmid;
    record->kind = vm->type == BN_VM_LXC ? BN_CONSOLE_TERMINAL : BN_CONSOLE_VNC;
    bn_guest_subject(server, vm, record->subject, sizeof record->subject);
    describe_asker(req, record);
    struct bn_err why;
    const bool may_type = bn_may_act_on_guest(req, server->id, vm->vmid, "type", &why);
    return read_body(req, &wish, &refusal->err) && settle_aim(&wish, may_type, &refusal->err) &&
           begin(req, &wish, runs(vm, refusal), refusal);
}

/* A node's shell is of the machine all its guests live on. */
static bool begin_node(struct bn_request *req, struct bn_console_refusal *refusal)
{
    struct wish wish = {.is_ours = false};
    struct bn_console *record = &wish.record;
    const struct bn_server *server = NULL;
    const struct bn_node *node = bn_node_of_path(req, &server, &refusal->err);
    if (!node)
        return false;
    bn_record_clear(&bn_console_type, record); /* of no guest */
    memcpy(record->server_id, server->id, sizeof record->server_id);
    memcpy(record->node, node->node, sizeof record->node);
    record->kind = BN_CONSOLE_TERMINAL;
    snprintf(record->subject, sizeof record->subject, "node %.60s of %.80s", node->node,
            server->name);
    describe_asker(req, record);
    return read_body(req, &wish, &refusal->err) && settle_aim(&wish, true, &refusal->err) &&
           begin(req, &wish, is_up(node, refusal), refusal);
}

/* A shell of the account Binnacle logs in to. */
static bool begin_target(struct bn_request *req, struct bn_console_refusal *refusal)
{
    struct wish wish = {.is_ours = false};
    struct bn_console *record = &wish.record;
    const struct bn_target *target = bn_target_with_id(req, req->params[0], &refusal->err);
    if (!target)
        return false;
    bn_record_clear(&bn_console_type, record);
    memcpy(record->target_id, target->id, sizeof record->target_id);
    record->kind = BN_CONSOLE_TERMINAL;
    snprintf(record->subject, sizeof record->subject, "%.60s on %.100s", target->username,
            target->name);
    describe_asker(req, record);
    if (!read_body(req, &wish, &refusal->err) || !settle_aim(&wish, true, &refusal->err))
        return false;
    if (wish.record.kind != BN_CONSOLE_TERMINAL)
        return bn_fail_field(&refusal->err, "kind",
                "a target has no screen: kind must be terminal");
    const bool is_on = bn_operate_is_on(req, &refusal->err) &&
                       (target->is_active == 1 || bn_fail_field(&refusal->err, "is_active",
                                                          "%.100s is switched off", target->name));
    return begin(req, &wish, is_on, refusal);
}

static void reply_not_begun(struct bn_request *req, const struct bn_console_refusal *refusal)
{
    if (refusal->con[0] || refusal->err.code == BN_E_TOO_MANY)
        reply_refusal(req, refusal);
    else
        bn_reply_err(req, &refusal->err);
}

void bn_qemu_console(struct bn_request *req)
{
    struct bn_console_refusal refusal = {.step = NULL};
    if (!begin_guest(req, BN_VM_QEMU, &refusal))
        reply_not_begun(req, &refusal);
}

void bn_lxc_console(struct bn_request *req)
{
    struct bn_console_refusal refusal = {.step = NULL};
    if (!begin_guest(req, BN_VM_LXC, &refusal))
        reply_not_begun(req, &refusal);
}

void bn_node_console(struct bn_request *req)
{
    struct bn_console_refusal refusal = {.step = NULL};
    if (!begin_node(req, &refusal))
        reply_not_begun(req, &refusal);
}

void bn_target_console(struct bn_request *req)
{
    struct bn_console_refusal refusal = {.step = NULL};
    if (!begin_target(req, &refusal))
        reply_not_begun(req, &refusal);
}

/* --- joining it ------------------------------------------------------------------------------ */

static bool is_owner(const struct bn_console_session *session, const struct bn_who *who)
{
    return bn_console_is_of(session, who) && strcmp(session->who.session_id, who->session_id) == 0;
}

/* In the same time whatever is wrong, and with the same words: a ticket is known or it is not. */
static bool may_join(const struct bn_request *req, const struct bn_console_session *session,
        struct bn_err *err)
{
    static const char none[BN_CONSOLE_TICKET_SIZE] = "";
    char given[BN_CONSOLE_TICKET_SIZE] = "";
    const bool is_waiting = session && session->state == BN_CONSOLE_WAITING;
    const bool fits = bn_text_copy(given, sizeof given, bn_query(req, "t", ""));
    const bool is_same = bn_equal_secret(given, is_waiting ? session->secret : none, sizeof given);
    bn_wipe(given, sizeof given);
    return (fits && is_waiting && is_same && session->secret[0] && is_owner(session, &req->who) &&
                   bn_str_is(bn_query(req, "tab", ""), session->tab)) ||
           bn_fail(err, BN_E_NOT_FOUND, "there is no such console, or its ticket was used");
}

void bn_console_join_route(struct bn_request *req)
{
    struct bn_console_session *session = bn_console_find(req->web, req->who.tenant, req->params[0]);
    struct bn_err err;
    if (!bn_query_only(req, bn_console_join_query, &err) || !may_join(req, session, &err)) {
        if (session && !is_owner(session, &req->who))
            bn_audit_request(req, &(struct bn_deed){.action = "console.join",
                                          .object = session->record.subject,
                                          .detail = "the ticket of somebody else",
                                          .ok = false});
        bn_reply_err(req, &err);
        return;
    }
    bn_console_join(req, session);
}

/* --- routes ---------------------------------------------------------------------------------- */

#define OPEN_SCHEMA                                                                                    \
    "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":[\"string\",\"null\"],\"enum\":[\"vnc\"," \
    "\"terminal\",null]},\"tab\":{\"type\":\"string\",\"minLength\":8,\"maxLength\":64},"              \
    "\"view_only\":{\"type\":[\"boolean\",\"null\"]}},"                                                \
    "\"required\":[],\"additionalProperties\":false}"

const struct bn_route bn_console_routes[] = {
        {.method = "POST",
                .path = "/api/v1/targets/{id}/console",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_target_console,
                .body_max = 1024,
                .json_schema = OPEN_SCHEMA,
                .summary = "Open a shell on a target over SSH"},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/nodes/{node}/qemu/{vmid}/console",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_qemu_console,
                .body_max = 1024,
                .json_schema = OPEN_SCHEMA,
                .summary = "Open the console of a virtual machine; the answer has the address of a "
                           "WebSocket, good for one connection within 30 s"},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/nodes/{node}/lxc/{vmid}/console",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_lxc_console,
                .body_max = 1024,
                .json_schema = OPEN_SCHEMA,
                .summary = "The same for a container: its terminal, or its screen"},
        {.method = "POST",
                .path = "/api/v1/servers/{id}/nodes/{node}/console",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_node_console,
                .body_max = 1024,
                .json_schema = OPEN_SCHEMA,
                .summary = "The same for a node: its own shell"},
        {.method = "GET",
                .path = "/console/{id}",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_console_join_route,
                .summary = "The WebSocket of a console, sub-protocol binary: RFB without a "
                           "password, or the bytes of a terminal",
                .query = bn_console_join_query},
        {.method = "GET",
                .path = "/api/v1/consoles",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_consoles_list,
                .summary = "Consoles of the last 90 days, newest first, 50 on a page; who is no "
                           "administrator sees his own",
                .query = bn_consoles_query},
        {.method = "DELETE",
                .path = "/api/v1/consoles/{id}",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_console_end_route,
                .summary = "End an open console: an administrator any, others their own"},
};

const size_t bn_console_route_count = COUNT(bn_console_routes);
