/*
 * console_scene: the scripted server of console_peer.h as server "s1", and one console at a time.
 */
#pragma once

#include "console_peer.h"
#include "hub_rig.h"
#include "pve_peer.h"
#include "source/console.h"

static struct console_peer peer;
static struct bn_dialer *dialer;
static struct bn_consoles *consoles;

static struct {
    int opened;
    struct bn_remote *guest;
    struct bn_console_refusal refusal;
    /* taken */
    struct bn_buf got;
    int pieces;
    size_t wants; /* bytes, then it is full; 0: all */
    int drained;
    int closed;
    char why[200];
    bool closes; /* the guest, when bytes come */
} scene;

BN_UNUSED static void begin(void)
{
    struct bn_target_policy policy = {.allowed_count = 0};
    struct bn_fact fact;
    char aad[BN_TOKEN_AAD_SIZE];
    rig_begin();
    rig_open_hub(NULL);
    memset(&scene, 0, sizeof scene);
    bn_buf_init(&scene.got, 16 << 20);
    cp_open(&peer, rig.loop);
    rig.fetch = pve_fetch(rig.loop);
    pve_allow(&policy);
    CHECK(bn_dialer_create(rig.loop, &policy, 8, &dialer, NULL));
    const struct bn_consoles_config config = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .fetch = rig.fetch,
            .dialer = dialer,
            .key = &rig.key};
    consoles = bn_consoles_start(&config);
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    struct bn_server *server = &fact.u.server;
    snprintf(server->id, sizeof server->id, "s1");
    snprintf(server->name, sizeof server->name, "alpha");
    snprintf(server->host, sizeof server->host, "127.0.0.1");
    snprintf(server->token_hint, sizeof server->token_hint, "root@pam!t=x");
    server->port = bn_listener_port(peer.listener);
    server->is_active = 1;
    server->connection_timeout_ms = 5000;
    fingerprint_of("a", server->fingerprint);
    bn_token_aad(BN_TENANT_DEFAULT, "s1", aad);
    CHECK(bn_seal(&rig.key, aad, BN_STR(PVE_TOKEN), server->token, sizeof server->token));
    put(&fact);
}

BN_UNUSED static void stop(void)
{
    bn_fetch_destroy(rig.fetch);
    rig.fetch = NULL;
    bn_consoles_stop(consoles);
    bn_dialer_destroy(dialer);
    consoles = NULL;
    dialer = NULL;
}

BN_UNUSED static void end(void)
{
    if (consoles)
        stop();
    cp_close(&peer);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
    bn_buf_finish(&scene.got);
}

BN_UNUSED static void on_opened(void *user, struct bn_remote *guest,
        const struct bn_console_refusal *refusal)
{
    CHECK(user == &scene);
    CHECK((guest == NULL) == (refusal != NULL));
    scene.opened++;
    scene.guest = guest;
    if (refusal)
        scene.refusal = *refusal;
}

BN_UNUSED static struct bn_console_wish wish_for(enum bn_console_kind kind)
{
    struct bn_console_wish wish = {.tenant = BN_TENANT_DEFAULT,
            .server_id = "s1",
            .node = "n 1",
            .vm_type = kind == BN_CONSOLE_VNC ? BN_VM_QEMU : BN_VM_LXC,
            .vmid = 100,
            .kind = kind};
    return wish;
}

BN_UNUSED static void ask_for(struct bn_console_wish wish)
{
    struct bn_err err;
    if (wish.kind == BN_CONSOLE_TERMINAL && !peer.greeting)
        peer.greeting = "OK";
    scene.opened = 0;
    if (!bn_console_open(consoles, &wish, on_opened, &scene, &err))
        fail_msg("%s", err.text);
    CHECK_INT(scene.opened, 0);
}

BN_UNUSED static void ask(enum bn_console_kind kind)
{
    ask_for(wish_for(kind));
}

BN_UNUSED static void open_one(enum bn_console_kind kind)
{
    ask(kind);
    AWAIT(scene.opened);
    if (!scene.guest)
        fail_msg("%s", scene.refusal.err.text);
}

BN_UNUSED static void refused(const char *step, const char *con, const char *text)
{
    AWAIT(scene.opened);
    CHECK(!scene.guest);
    CHECK_INT(scene.opened, 1);
    CHECK_STR(scene.refusal.step, step);
    CHECK_STR(scene.refusal.con, con);
    if (!strstr(scene.refusal.err.text, text))
        fail_msg("wanted \"%s\", got \"%s\"", text, scene.refusal.err.text);
    CHECK(!strstr(scene.refusal.err.text, CP_TICKET));
    AWAIT(!peer.console); /* nothing is left open */
}

/* --- somebody takes it ----------------------------------------------------------------------- */

BN_UNUSED static bool on_bytes(void *user, const char *p, size_t len)
{
    CHECK(user == &scene);
    CHECK(len > 0);
    scene.pieces++;
    bn_buf_put(&scene.got, p, len);
    if (scene.closes) {
        bn_remote_close(scene.guest);
        scene.guest = NULL;
    }
    return !scene.wants || scene.got.len < scene.wants;
}

BN_UNUSED static void on_drained(void *user)
{
    CHECK(user == &scene);
    scene.drained++;
}

BN_UNUSED static void on_closed(void *user, const char *why)
{
    CHECK(user == &scene);
    scene.closed++;
    scene.guest = NULL;
    snprintf(scene.why, sizeof scene.why, "%s", why);
}

static const struct bn_remote_ops ops = {on_bytes, on_drained, on_closed};

BN_UNUSED static void take(void)
{
    bn_remote_take(scene.guest, &ops, &scene);
}

BN_UNUSED static bool got(const char *text)
{
    return scene.got.len == strlen(text) && memcmp(scene.got.p, text, scene.got.len) == 0;
}

BN_UNUSED static bool heard(const char *text)
{
    return peer.heard.len == strlen(text) && memcmp(peer.heard.p, text, peer.heard.len) == 0;
}
