#include "source/console.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/doc_foreign.h"
#include "source/console_private.h"
#include "source/pve.h"

/* A proxy's listener waits ten seconds for its one caller (PVE-API 9.1); asking for it may go over
   another node. */
#define ASK_MS   15000
#define LOGIN_MS 10000
#define TICK_MS  1000

/* --- the end of an attempt ------------------------------------------------------------------- */

static void opening_destroy(struct bn_opening *opening)
{
    bn_list_remove(&opening->link);
    opening->consoles->opening_count--;
    bn_fetch_job_finish(&opening->fetch);
    bn_wipe(opening, sizeof *opening);
    free(opening);
}

/* Which half of the work failed, in words of journey 5. */
static void refuse(struct bn_opening *opening, const char *con, const char *hint,
        const struct bn_err *err)
{
    static const char *const steps[] = {"proxy", "connect", "upgrade", "login"};
    struct bn_console_refusal refusal = {.err = *err, .step = steps[opening->step]};
    const bn_console_opened opened = opening->opened;
    void *user = opening->user;
    bn_text_clip(refusal.con, sizeof refusal.con, bn_str(con));
    bn_text_clip(refusal.hint, sizeof refusal.hint, bn_str(hint));
    bn_remote_close(opening->guest);
    opening_destroy(opening);
    opened(user, NULL, &refusal);
}

static void refuse_with(struct bn_opening *opening, const char *con, const char *text)
{
    struct bn_err err;
    bn_fail(&err, BN_E_UPSTREAM, "%s", text);
    refuse(opening, con, "", &err);
}

void bn_opening_done(struct bn_opening *opening)
{
    struct bn_remote *guest = opening->guest;
    const bn_console_opened opened = opening->opened;
    void *user = opening->user;
    guest->opening = NULL;
    opening_destroy(opening);
    opened(user, guest, NULL);
}

/* The far side left, or said something wrong, before it was through. */
void bn_opening_broke(struct bn_opening *opening, const char *why)
{
    char text[BN_ERR_TEXT_MAX];
    struct bn_remote *guest = opening->guest;
    opening->guest = NULL;
    if (why[0])
        bn_text_clip(text, sizeof text, bn_str(why));
    else if (opening->step == BN_CONSOLE_UPGRADE)
        snprintf(text, sizeof text,
                "Proxmox VE opened a console and closed it again: node %.60s may not be reachable from the one that was asked",
                opening->wish.node);
    else if (opening->wish.kind == BN_CONSOLE_TERMINAL)
        snprintf(text, sizeof text,
                "Proxmox VE closed the terminal instead of letting the token in: this version may know %s",
                opening->wish.vmid > 0 ? "tokens for screens only"
                                       : "no tokens for shells of nodes, as 9.0.13 and later do");
    else
        snprintf(text, sizeof text, "the screen closed the connection before it let us in");
    if (guest)
        guest->opening = NULL;
    refuse_with(opening,
            opening->step == BN_CONSOLE_UPGRADE                    ? "CON-04"
            : opening->wish.kind == BN_CONSOLE_TERMINAL && !why[0] ? "CON-03"
                                                                   : "",
            text);
}

/* --- connect --------------------------------------------------------------------------------- */

static void dialled(void *user, const struct bn_dialled *result)
{
    struct bn_opening *opening = user;
    opening->dial = NULL;
    if (!result->stream) {
        char text[BN_ERR_TEXT_MAX + 40];
        snprintf(text, sizeof text, "the console's connection failed: %s", result->text);
        refuse_with(opening, "", text);
        return;
    }
    opening->step = BN_CONSOLE_UPGRADE;
    opening->until_mono_ms = opening->consoles->config.clock->mono_ms + LOGIN_MS;
    opening->guest = bn_remote_create(opening, result->stream);
    struct bn_err err;
    if (bn_remote_begin(opening->guest, &err))
        return;
    struct bn_remote *guest = opening->guest;
    opening->guest = NULL;
    guest->opening = NULL;
    bn_remote_close(guest);
    refuse(opening, "", "", &err);
}

static const struct bn_server *server_of(const struct bn_opening *opening)
{
    return bn_live_get(&opening->consoles->config.hub->live, opening->wish.tenant, BN_KIND_SERVER,
            opening->speaker_id);
}

static void put_encoded(struct bn_buf *out, const char *from)
{
    for (; *from; from++) {
        const unsigned char c = (unsigned char)*from;
        if (isalnum(c) || strchr("-._~", c))
            bn_buf_putc(out, (char)c);
        else
            bn_buf_printf(out, "%%%02X", c);
    }
}

/* "/api2/json/nodes/pve1/qemu/100/" and what is asked of it. */
static void put_path(struct bn_buf *out, const struct bn_console_wish *wish, const char *what)
{
    bn_buf_puts(out, "/api2/json/nodes/");
    put_encoded(out, wish->node);
    if (wish->vmid > 0)
        bn_buf_printf(out, "/%s/%lld", wish->vm_type == BN_VM_LXC ? "lxc" : "qemu",
                (long long)wish->vmid);
    bn_buf_printf(out, "/%s", what);
}

/* The address, the trust and the credentials once more, for the WebSocket: the job of the question
   has wiped them. */
static bool prepare_call(struct bn_opening *opening, struct bn_err *err)
{
    const struct bn_server *server = server_of(opening);
    char path[1024];
    BN_BUF_AUTO out;
    bn_buf_init(&out, sizeof path - 1);
    put_path(&out, &opening->wish, "vncwebsocket?port=");
    bn_buf_printf(&out, "%lld&vncticket=", (long long)opening->port);
    put_encoded(&out, opening->ticket);
    if (!bn_buf_ok(&out) || !bn_text_copy(path, sizeof path, bn_buf_str(&out)))
        return bn_fail(err, BN_E_UPSTREAM, "the console's ticket is too long");
    bn_wipe(out.p, out.len);
    if (!server)
        return bn_fail(err, BN_E_NOT_FOUND, "the server is not in the list any more");
    bn_fetch_job_finish(&opening->fetch);
    bn_fetch_job_init(&opening->fetch, 1);
    const bool is_good = bn_pve_ask(server, opening->wish.tenant, opening->consoles->config.key,
            path, &opening->fetch, err);
    bn_wipe(path, sizeof path);
    opening->connect_ms = server->connection_timeout_ms;
    return is_good;
}

static void connect_to(struct bn_opening *opening)
{
    struct bn_err err;
    opening->step = BN_CONSOLE_CONNECT;
    if (!prepare_call(opening, &err)) {
        refuse(opening, "", "", &err);
        return;
    }
    const struct bn_dial_to to = {.host = opening->fetch.request.host,
            .port = opening->fetch.request.port,
            .limit_ms = opening->connect_ms,
            .peer = &opening->fetch.peer};
    opening->until_mono_ms = INT64_MAX; /* the dial has its own limit */
    opening->dial = bn_dial_start(opening->consoles->config.dialer, &to, dialled, opening);
}

/* --- the proxy ------------------------------------------------------------------------------- */

static bool read_proxy(struct bn_opening *opening, struct bn_str body, struct bn_err *err)
{
    struct bn_doc *doc = NULL;
    if (!bn_doc_parse_foreign(body, &doc, err))
        return false;
    const struct bn_doc *data = bn_doc_at(doc, "data");
    if (data) {
        bn_foreign_text(data, "ticket", opening->ticket, sizeof opening->ticket);
        bn_foreign_text(data, "user", opening->login, sizeof opening->login);
        bn_foreign_text(data, "password", opening->password, sizeof opening->password);
        (void)bn_foreign_i64(data, "port", &opening->port);
    }
    bn_doc_destroy(doc);
    /* PVE-API 9.2: of what the ticket begins with, VNC takes eight bytes. */
    if (!opening->password[0])
        bn_text_clip(opening->password, BN_VNC_PASSWORD_BYTES + 1, bn_str(opening->ticket));
    return (opening->ticket[0] && opening->port > 0 && opening->port < 65536) ||
           bn_fail(err, BN_E_UPSTREAM, "No connection data received");
}

/* "root@pam!tok" does not look like a valid user name: versions that know no tokens here (PVE-API
   9.5). */
static bool is_token_unknown(const char *text)
{
    return strstr(text, "does not look like a valid user name") != NULL;
}

/* Versions before 8 give shells of nodes to users of PAM only. */
static bool is_realm_wrong(const char *text)
{
    return strstr(text, "realm != pam") != NULL;
}

static bool is_stopped(const char *text)
{
    return strstr(text, "not running") != NULL;
}

static const char *token_sentence(const struct bn_console_wish *wish)
{
    return wish->vmid > 0
                   ? "this Proxmox VE refuses terminals for API tokens: open its screen instead, or update it"
                   : "this Proxmox VE gives no shell of a node to API tokens: its terminal from pve-manager 9.0.13 on, its screen never";
}

static void refuse_proxy(struct bn_opening *opening, const struct bn_pve_verdict *verdict)
{
    struct bn_err err;
    const int status = opening->fetch.answer.status;
    const char *con = "";
    bn_fail(&err, BN_E_UPSTREAM, "%s", verdict->text);
    if (status == 403) {
        con = "CON-02";
        if (is_realm_wrong(verdict->text))
            bn_fail(&err, BN_E_UPSTREAM,
                    "this Proxmox VE gives shells of nodes to users of the realm pam only: use a token of such a user, or update it");
    } else if (is_token_unknown(verdict->text)) {
        con = "CON-03";
        bn_fail(&err, BN_E_UPSTREAM, "%s", token_sentence(&opening->wish));
    } else if (is_stopped(verdict->text)) {
        con = "CON-01";
    } else if (status >= 595 && status <= 599) {
        con = "CON-04";
    }
    refuse(opening, con, verdict->hint, &err);
}

static void asked(struct bn_fetch_job *fetch)
{
    struct bn_opening *opening = container_of(fetch, struct bn_opening, fetch);
    const struct bn_server *server = server_of(opening);
    struct bn_pve_verdict verdict;
    struct bn_err err;
    opening->is_asking = false;
    bn_pve_judge(fetch, server ? server->token_hint : "", &verdict);
    if (!verdict.is_ok)
        refuse_proxy(opening, &verdict);
    else if (!read_proxy(opening, bn_buf_str(&fetch->answer.body), &err))
        refuse(opening, "", "", &err);
    else
        connect_to(opening);
}

/* The job of a question is ready but for its address and who is called when it is answered. */
static bool send(struct bn_opening *opening, const char *what, void (*done)(struct bn_fetch_job *),
        struct bn_err *err)
{
    const struct bn_server *server = server_of(opening);
    struct bn_fetch_job *fetch = &opening->fetch;
    BN_BUF_AUTO path;
    bn_buf_init(&path, sizeof fetch->request.path - 1);
    put_path(&path, &opening->wish, what);
    bn_buf_putc(&path, '\0');
    if (!server)
        return bn_fail(err, BN_E_NOT_FOUND, "the server is not in the list any more");
    fetch->request.connect_ms = server->connection_timeout_ms;
    fetch->request.total_ms = ASK_MS;
    fetch->done = done;
    opening->is_asking = bn_pve_ask(server, opening->wish.tenant, opening->consoles->config.key,
                                 path.p, fetch, err) &&
                         bn_fetch_do(opening->consoles->config.fetch, fetch, err);
    return opening->is_asking;
}

static bool ask_proxy(struct bn_opening *opening, struct bn_err *err)
{
    const struct bn_console_wish *wish = &opening->wish;
    struct bn_fetch_request *request = &opening->fetch.request;
    const bool is_screen = wish->kind == BN_CONSOLE_VNC;
    bn_fetch_job_init(&opening->fetch, 4096);
    snprintf(request->method, sizeof request->method, "POST");
    snprintf(request->body_type, sizeof request->body_type, "application/x-www-form-urlencoded");
    if (is_screen) /* without it the listener would be open to the world (PVE-API 9.1) */
        bn_buf_puts(&request->body, "websocket=1");
    return send(opening,
            !is_screen       ? "termproxy"
            : wish->vmid > 0 ? "vncproxy"
                             : "vncshell",
            asked, err);
}

/* --- the serial port ------------------------------------------------------------------------- */

/* Proxmox VE opens the terminal of a machine without a serial port, says so in it, and closes it:
   an answer that comes before is better. */
static bool has_no_serial(struct bn_str body, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    int64_t serial = 0;
    if (!bn_doc_parse_foreign(body, &doc, err))
        return false;
    const struct bn_doc *data = bn_doc_at(doc, "data");
    return bn_doc_is_object(data) && (!bn_foreign_i64(data, "serial", &serial) || serial == 0);
}

static void refuse_serial(struct bn_opening *opening)
{
    char hint[64];
    struct bn_err err;
    const long long vmid = (long long)opening->wish.vmid;
    snprintf(hint, sizeof hint, "qm set %lld --serial0 socket", vmid);
    bn_fail(&err, BN_E_CONFLICT,
            "guest %lld has no serial port, which is what its terminal shows: add one on its node, then stop and start the guest",
            vmid);
    refuse(opening, "CON-06", hint, &err);
}

static void serial_told(struct bn_fetch_job *fetch)
{
    struct bn_opening *opening = container_of(fetch, struct bn_opening, fetch);
    const struct bn_server *server = server_of(opening);
    struct bn_pve_verdict verdict;
    struct bn_err err;
    opening->is_asking = false;
    bn_pve_judge(fetch, server ? server->token_hint : "", &verdict);
    if (!verdict.is_ok && fetch->answer.status != 403) { /* it may open what it may not look at */
        refuse_proxy(opening, &verdict);
        return;
    }
    if (verdict.is_ok && has_no_serial(bn_buf_str(&fetch->answer.body), &err)) {
        refuse_serial(opening);
        return;
    }
    bn_fetch_job_finish(fetch);
    if (!ask_proxy(opening, &err))
        refuse(opening, "", "", &err);
}

static bool ask(struct bn_opening *opening, struct bn_err *err)
{
    const struct bn_console_wish *wish = &opening->wish;
    if (wish->kind != BN_CONSOLE_TERMINAL || wish->vm_type != BN_VM_QEMU || wish->vmid == 0)
        return ask_proxy(opening, err);
    bn_fetch_job_init(&opening->fetch, 1);
    return send(opening, "status/current", serial_told, err);
}

/* --- beginning ------------------------------------------------------------------------------- */

/* The same host takes both calls (PVE-API 9.1): chosen once. */
static void choose_speaker(struct bn_opening *opening)
{
    struct bn_fleet *fleet = opening->consoles->config.fleet;
    const char *id = opening->wish.server_id;
    if (fleet)
        id = bn_fleet_voice(fleet, opening->wish.tenant, id);
    bn_text_clip(opening->speaker_id, sizeof opening->speaker_id, bn_str(id));
}

bool bn_console_open(struct bn_consoles *consoles, const struct bn_console_wish *wish,
        bn_console_opened opened, void *user, struct bn_err *err)
{
    if (consoles->opening_count >= BN_CONSOLES_OPENING_MAX)
        return bn_fail(err, BN_E_UNAVAILABLE, "%d consoles are being opened already: try again",
                BN_CONSOLES_OPENING_MAX);
    struct bn_opening *opening = bn_alloc(sizeof *opening);
    opening->consoles = consoles;
    opening->wish = *wish;
    opening->opened = opened;
    opening->user = user;
    opening->until_mono_ms = INT64_MAX; /* the question has its own limit */
    bn_list_append(&consoles->openings, &opening->link);
    consoles->opening_count++;
    choose_speaker(opening);
    if (ask(opening, err))
        return true;
    opening_destroy(opening);
    return false;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void on_tick(void *user)
{
    struct bn_consoles *consoles = user;
    const int64_t mono_ms = consoles->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &consoles->openings) {
        struct bn_opening *opening = container_of(it, struct bn_opening, link);
        if (mono_ms >= opening->until_mono_ms)
            bn_remote_lose(opening->guest, opening->step == BN_CONSOLE_UPGRADE
                                                   ? ""
                                                   : "the guest's side did not answer in time");
    }
    bn_list_each_safe(it, tmp, &consoles->guests)
        bn_remote_tick(container_of(it, struct bn_remote, link), mono_ms);
}

struct bn_consoles *bn_consoles_start(const struct bn_consoles_config *config)
{
    struct bn_consoles *consoles = bn_alloc(sizeof *consoles);
    consoles->config = *config;
    bn_list_init(&consoles->openings);
    bn_list_init(&consoles->guests);
    consoles->timer = bn_timer_create(config->loop, on_tick, consoles);
    bn_timer_start(consoles->timer, TICK_MS, TICK_MS);
    return consoles;
}

void bn_consoles_stop(struct bn_consoles *consoles)
{
    if (!consoles)
        return;
    bn_list_each_safe(it, tmp, &consoles->openings) {
        struct bn_opening *opening = container_of(it, struct bn_opening, link);
        bn_dial_cancel(opening->dial);
        opening_destroy(opening);
    }
    bn_list_each_safe(it, tmp, &consoles->guests)
        bn_remote_drop(container_of(it, struct bn_remote, link));
    bn_loop_reap_now(consoles->config.loop);
    bn_timer_destroy(consoles->timer);
    free(consoles);
}
