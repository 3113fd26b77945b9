/*
 * browser_scene: the web with a Proxmox VE of console_peer.h behind it, browsers that are sockets
 * of the test, and a clock for consoles that the test moves.
 */
#pragma once

#include "console_peer.h"
#include "people_rig.h"
#include "pve_peer.h"
#include "web/api_infra.h"
#include "web/console.h"

#define QEMU  "/api/v1/servers/s1/nodes/n1/qemu/100/console"
#define LXC   "/api/v1/servers/s1/nodes/n1/lxc/200/console"
#define NODE  "/api/v1/servers/s1/nodes/n1/console"
#define TAB   "tab-0123456789"
#define BODY  "{\"tab\":\"" TAB "\"}"
#define HOUR  INT64_C(3600000)
#define GREET "RFB 003.008\n"

static struct people_rig rig;
static struct console_peer peer;
static struct bn_seal_key key = {.id = "k"};
static struct bn_clock now; /* of the web */
static char max[BN_COOKIE_SECRET_SIZE];

struct browser {
    int fd;
    struct bn_ws ws;
    struct bn_buf raw; /* the answer's head */
    struct bn_buf got;
    bool is_open; /* frames follow */
    bool is_gone;
    int pings;
    int pongs;
    int code; /* of its close; 0: none came */
    char why[130];
};

BN_UNUSED static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    struct bn_target_policy policy = {.allowed_count = 0};
    now = web->clock;
    web->fetch = pve_fetch(web->loop);
    pve_allow(&policy);
    CHECK(bn_dialer_create(web->loop, &policy, 8, &web->dialer, NULL));
    const struct bn_consoles_config consoles = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock, /* the guest lives in real time */
            .fetch = web->fetch,
            .dialer = web->dialer,
            .key = &key};
    web->consoles = bn_consoles_start(&consoles);
    config->fetch = web->fetch;
    config->consoles = web->consoles;
    config->clock = &now;
    config->key = &key;
    config->connections_max = 300;
    config->console_idle_ms = BN_CONSOLE_IDLE_MS;
    config->console_longest_ms = BN_CONSOLE_LONGEST_MS;
}

BN_UNUSED static void add_vm(const char *server, int64_t vmid, enum bn_vm_type type,
        const char *status)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_VM, BN_TENANT_DEFAULT);
    snprintf(fact.u.vm.id, sizeof fact.u.vm.id, "%s/%d", server, (int)vmid);
    snprintf(fact.u.vm.server_id, sizeof fact.u.vm.server_id, "%s", server);
    snprintf(fact.u.vm.node, sizeof fact.u.vm.node, "n1");
    snprintf(fact.u.vm.name, sizeof fact.u.vm.name, "vm%d", (int)vmid);
    snprintf(fact.u.vm.status, sizeof fact.u.vm.status, "%s", status);
    fact.u.vm.vmid = vmid;
    fact.u.vm.type = type;
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
}

BN_UNUSED static void add_node(const char *server, const char *name, const char *status)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_NODE, BN_TENANT_DEFAULT);
    snprintf(fact.u.node.id, sizeof fact.u.node.id, "%s/%s", server, name);
    snprintf(fact.u.node.server_id, sizeof fact.u.node.server_id, "%s", server);
    snprintf(fact.u.node.node, sizeof fact.u.node.node, "%s", name);
    snprintf(fact.u.node.status, sizeof fact.u.node.status, "%s", status);
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
}

static int server_port; /* of the next one */

BN_UNUSED static struct bn_fact server_fact(const char *id)
{
    struct bn_fact fact;
    char aad[BN_TOKEN_AAD_SIZE];
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    struct bn_server *server = &fact.u.server;
    snprintf(server->id, sizeof server->id, "%s", id);
    snprintf(server->name, sizeof server->name, "alpha-%s", id);
    snprintf(server->host, sizeof server->host, "127.0.0.1");
    server->port = server_port;
    server->is_active = 1;
    server->connection_timeout_ms = 5000;
    fingerprint_of("a", server->fingerprint);
    bn_token_aad(BN_TENANT_DEFAULT, id, aad);
    CHECK(bn_seal(&key, aad, BN_STR(PVE_TOKEN), server->token, sizeof server->token));
    return fact;
}

BN_UNUSED static void add_server(const char *id)
{
    const struct bn_fact fact = server_fact(id);
    people_ask(&rig, &fact);
    add_vm(id, 100, BN_VM_QEMU, "running");
    add_vm(id, 200, BN_VM_LXC, "running");
    add_vm(id, 300, BN_VM_QEMU, "stopped");
}

static struct bn_audit audits[400];
static size_t audit_count;

BN_UNUSED static void on_audit(void *user, const struct bn_fact *fact)
{
    (void)user;
    CHECK(audit_count < COUNT(audits));
    audits[audit_count++] = fact->u.audit;
}

BN_UNUSED static void begin(void)
{
    web_rig_prepare = prepare;
    people_init(&rig);
    audit_count = 0;
    bn_hub_watch(&rig.web.hub, BN_KIND_AUDIT, on_audit, NULL);
    bn_web_add_routes(rig.web.web, bn_console_routes, bn_console_route_count);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    people_add(&rig, "max", BN_ROLE_MANAGER);
    people_log_in(&rig, "max", max);
    cp_open(&peer, rig.web.loop);
    server_port = bn_listener_port(peer.listener);
    add_server("s1");
}

BN_UNUSED static void end(void)
{
    bn_web_drain(rig.web.web, 0);
    WEB_AWAIT(&rig.web, !peer.console);
    cp_close(&peer);
    people_finish(&rig);
}

BN_UNUSED static void pass(int64_t ms)
{
    now.mono_ms += ms;
    now.now_ms += ms;
    bn_console_tick(rig.web.web, now.mono_ms);
    people_settle(&rig);
}

BN_UNUSED static void ask(const char *who, const char *line, const char *body, int status,
        const char *part)
{
    people_check(&rig, who, line, body, status, part);
}

BN_UNUSED static size_t sessions(void)
{
    size_t count = 0;
    bn_list_each(it, &rig.web.web->consoles)
        count++;
    return count;
}

/* What is over and kept is no session any more. */
BN_UNUSED static void await_forgotten(void)
{
    WEB_AWAIT(&rig.web, (bn_console_tick(rig.web.web, now.mono_ms), sessions() == 0));
}

BN_UNUSED static const struct bn_console *record(const char *id)
{
    return bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT, BN_KIND_CONSOLE, id);
}

/* A member of the last answer, a text. */
BN_UNUSED static const char *member(const char *name, char *out, size_t size)
{
    char pattern[60];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *at = strstr(rig.web.answer.p, pattern);
    if (!at) {
        fail_msg("no %s in %.500s", name, rig.web.answer.p);
        return "";
    }
    at += strlen(pattern);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
    return out;
}

struct opened {
    char id[BN_ID_MAX];
    char url[300];
};

BN_UNUSED static struct opened open_console(const char *who, const char *path)
{
    struct opened it;
    char line[300];
    snprintf(line, sizeof line, "POST %s", path);
    ask(who, line, BODY, 201, "\"expires_at\":");
    member("id", it.id, sizeof it.id);
    member("url", it.url, sizeof it.url);
    CHECK(!strstr(rig.web.answer.p, "PVEVNC"));
    CHECK(!strstr(rig.web.answer.p, CP_PASSWORD));
    CHECK(!strstr(rig.web.answer.p, "5901"));
    return it;
}

BN_UNUSED static int audited(const char *action, const char *part)
{
    int count = 0;
    web_rig_round(&rig.web);
    people_settle(&rig);
    for (size_t i = 0; i < audit_count; i++) {
        CHECK(!strstr(audits[i].detail, "PVEVNC"));
        count += strcmp(audits[i].action, action) == 0 && strstr(audits[i].detail, part);
    }
    return count;
}

/* --- browsers -------------------------------------------------------------------------------- */

BN_UNUSED static void call(struct browser *browser, const char *who, const char *url,
        const char *tab)
{
    char text[1000];
    memset(browser, 0, sizeof *browser);
    bn_ws_init(&browser->ws, BN_WS_CLIENT, 1 << 20, false);
    bn_buf_init(&browser->raw, 16384);
    bn_buf_init(&browser->got, 64 << 20);
    snprintf(text, sizeof text,
            "GET %s%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
            "Cookie: binnacle=%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: binary\r\n\r\n",
            url, tab ? "&tab=" : "", tab ? tab : "", who);
    browser->fd = web_rig_send(&rig.web, text);
}

BN_UNUSED static void show_frames(struct browser *browser, const char *p, size_t len)
{
    enum bn_ws_event event = BN_WS_CONTROL;
    size_t used = 0;
    while (event != BN_WS_MORE) {
        used += bn_ws_parse(&browser->ws, p + used, len - used, &event);
        CHECK(event != BN_WS_BAD);
        if (event == BN_WS_MESSAGE) {
            CHECK_INT(browser->ws.op, BN_WS_BINARY);
            CHECK(browser->ws.payload.len > 0);
            bn_buf_put(&browser->got, browser->ws.payload.p, browser->ws.payload.len);
        }
        if (event != BN_WS_CONTROL)
            continue;
        browser->pings += browser->ws.op == BN_WS_PING;
        browser->pongs += browser->ws.op == BN_WS_PONG;
        if (browser->ws.op == BN_WS_CLOSE) {
            browser->code = browser->ws.close_code;
            snprintf(browser->why, sizeof browser->why, "%.*s", BN_ARG(browser->ws.payload));
        }
    }
}

/* One turn, and what came of it. */
BN_UNUSED static void listen_once(struct browser *browser)
{
    static char bytes[256 << 10];
    web_rig_round(&rig.web);
    const ssize_t n = recv(browser->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    browser->is_gone = browser->is_gone || n == 0 || (n < 0 && errno == ECONNRESET);
    if (n <= 0)
        return;
    if (browser->is_open) {
        show_frames(browser, bytes, (size_t)n);
        return;
    }
    bn_buf_put(&browser->raw, bytes, (size_t)n);
    bn_buf_putc(&browser->raw, 0);
    browser->raw.len--;
    const char *head_end = strstr(browser->raw.p, "\r\n\r\n");
    browser->is_open = head_end && strncmp(browser->raw.p, "HTTP/1.1 101 ", 13) == 0;
    if (browser->is_open)
        show_frames(browser, head_end + 4,
                (size_t)(browser->raw.p + browser->raw.len - head_end) - 4);
}

#define HEAR(browser, condition)                                    \
    do {                                                            \
        const int64_t until_ns = bn_clock_mono_ns() + WEB_AWAIT_NS; \
        while (!(condition)) {                                      \
            if (bn_clock_mono_ns() > until_ns)                      \
                fail_msg("waited in vain for %s", #condition);      \
            listen_once(browser);                                   \
        }                                                           \
    } while (0)

BN_UNUSED static void say_as(struct browser *browser, enum bn_ws_op op, const char *p, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    BN_BUF_AUTO out;
    uint8_t header[BN_WS_HEADER_MAX];
    bn_buf_init(&out, len + BN_WS_HEADER_MAX);
    bn_buf_put(&out, (char *)header, bn_ws_header(header, op, false, len, mask));
    const size_t at = out.len;
    bn_buf_put(&out, p, len);
    bn_ws_mask(out.p + at, len, mask);
    for (size_t sent = 0; sent < out.len;) {
        const ssize_t n = send(browser->fd, out.p + sent, out.len - sent,
                MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else
            listen_once(browser);
    }
}

BN_UNUSED static void say(struct browser *browser, const char *p, size_t len)
{
    say_as(browser, BN_WS_BINARY, p, len);
}

BN_UNUSED static void expect(struct browser *browser, const char *p, size_t len)
{
    HEAR(browser, browser->got.len >= len);
    CHECK_INT(browser->got.len, len);
    CHECK_MEM(browser->got.p, p, len);
    browser->got.len = 0;
}

BN_UNUSED static void leave(struct browser *browser)
{
    close(browser->fd);
    bn_ws_finish(&browser->ws);
    bn_buf_finish(&browser->raw);
    bn_buf_finish(&browser->got);
}

BN_UNUSED static void not_found(const char *who, const char *url, const char *tab)
{
    struct browser browser;
    call(&browser, who, url, tab);
    HEAR(&browser, browser.raw.len > 0);
    if (!strstr(browser.raw.p, "HTTP/1.1 404 ") ||
            !strstr(browser.raw.p, "there is no such console, or its ticket was used"))
        fail_msg("%s", browser.raw.p);
    leave(&browser);
}

BN_UNUSED static void join(struct browser *browser, const char *who, const struct opened *opened)
{
    call(browser, who, opened->url, TAB);
    HEAR(browser, browser->is_open);
    CHECK(strstr(browser->raw.p, "\r\nSec-WebSocket-Protocol: binary\r\n"));
}

/* Through the greeting, as noVNC goes. */
BN_UNUSED static void greet(struct browser *browser)
{
    expect(browser, GREET, 12);
    say(browser, GREET, 12);
    expect(browser, "\x01\x01", 2);
    say(browser, "\x01", 1);
    expect(browser, "\0\0\0\0", 4);
}

BN_UNUSED static struct opened begin_screen(struct browser *browser)
{
    begin();
    struct opened it = open_console(max, QEMU);
    join(browser, max, &it);
    greet(browser);
    return it;
}

BN_UNUSED static void closed_with(struct browser *browser, int code, const char *why)
{
    HEAR(browser, browser->code);
    CHECK_INT(browser->code, code);
    CHECK_STR(browser->why, why);
    WEB_AWAIT(&rig.web, !peer.console); /* the other side goes too */
}

BN_UNUSED static void check_record(const char *id, int64_t in, int64_t out, const char *reason)
{
    people_settle(&rig);
    const struct bn_console *it = record(id);
    CHECK(it);
    CHECK(it->ended_at >= it->started_at);
    CHECK_INT(it->bytes_in, in);
    CHECK_INT(it->bytes_out, out);
    CHECK_STR(it->reason, reason);
}
