/*
 * people_rig: a web_rig with people: ada, an administrator, and vera, who may look, both logged in.
 */
#pragma once

#include "model/right.h"
#include "store/place.h"
#include "web/api_people.h"
#include "web/setup_code.h"
#include "web/web_private.h"
#include "web_rig.h"

#define PASSWORD "tidal-Lantern-47"

struct people_rig {
    struct web_rig web;
    struct place place; /* also the data folder */
    struct bn_store *store;
    char ada[BN_COOKIE_SECRET_SIZE];
    char vera[BN_COOKIE_SECRET_SIZE];
};

/* Turns until the store has spoken of all that was asked. */
BN_UNUSED static void people_settle(struct people_rig *rig)
{
    WEB_AWAIT(&rig->web, !bn_hub_is_asked(&rig->web.hub));
}

BN_UNUSED static void people_ask(struct people_rig *rig, const struct bn_fact *fact)
{
    struct bn_err err;
    if (!bn_hub_ask(&rig->web.hub, fact, NULL, NULL, &err))
        fail_msg("%s", err.text);
    people_settle(rig);
}

BN_UNUSED static void people_add_tenant(struct people_rig *rig, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    snprintf(fact.u.tenant.id, sizeof fact.u.tenant.id, "%s", id);
    snprintf(fact.u.tenant.name, sizeof fact.u.tenant.name, "%s", id);
    people_ask(rig, &fact);
}

/* The name is the id as well. */
BN_UNUSED static void people_add(struct people_rig *rig, const char *name, enum bn_role role)
{
    static char hash[BN_PWHASH_SIZE];
    struct bn_err err;
    struct bn_fact fact;
    if (!hash[0] && !bn_password_hash(BN_STR(PASSWORD), hash, &err))
        fail_msg("%s", err.text);
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(name));
    bn_text_clip(fact.u.user.name, sizeof fact.u.user.name, bn_str(name));
    memcpy(fact.u.user.password, hash, sizeof hash);
    fact.u.user.role = role;
    fact.u.user.disabled = 0;
    people_ask(rig, &fact);
}

BN_UNUSED static void people_log_in(struct people_rig *rig, const char *name,
        char out_cookie[BN_COOKIE_SECRET_SIZE])
{
    const struct bn_login login = {BN_TENANT_DEFAULT, name, "127.0.0.1", BN_STR("a browser")};
    struct bn_err err;
    if (!bn_sessions_begin(rig->web.sessions, &login, NULL, NULL, out_cookie, &err))
        fail_msg("%s", err.text);
    people_settle(rig);
}

BN_UNUSED static const struct bn_user *people_find(struct people_rig *rig, const char *name)
{
    return bn_user_named(bn_home_users(rig->web.web), bn_str(name));
}

BN_UNUSED static size_t people_count(struct people_rig *rig, enum bn_kind kind)
{
    return bn_live_find(&rig->web.hub.live, BN_TENANT_DEFAULT)->tables[kind].count;
}

BN_UNUSED static void people_init(struct people_rig *rig)
{
    place_init(&rig->place);
    rig->store = place_open(&rig->place);
    web_rig_init(&rig->web, rig->store, bn_people_routes, bn_people_route_count);
    bn_sessions_use_dir(rig->web.sessions, rig->place.dir);
    people_add(rig, "ada", BN_ROLE_ADMIN);
    people_add(rig, "vera", BN_ROLE_VIEWER);
    people_log_in(rig, "ada", rig->ada);
    people_log_in(rig, "vera", rig->vera);
}

BN_UNUSED static void people_finish(struct people_rig *rig)
{
    people_settle(rig);
    bn_store_close(rig->store); /* while the hub is there to hear its last word */
    web_rig_finish(&rig->web);
    place_finish(&rig->place);
}

/* A request on a connection of its own, from a cookie, a key, or with NULL from nobody. */
BN_UNUSED static int people_send(struct people_rig *rig, const char *who, const char *line,
        const char *body)
{
    char text[8192];
    char field[120] = "";
    if (who)
        snprintf(field, sizeof field, "%s%s\r\n",
                strncmp(who, "bnk_", 4) == 0 ? "Authorization: Bearer " : "Cookie: binnacle=", who);
    int len = snprintf(text, sizeof text,
            "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n%sConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            line, field, strlen(body), body);
    CHECK(len < (int)sizeof text);
    return web_rig_send(&rig->web, text);
}

/* Turns until that many requests have come and wait for their answers. */
BN_UNUSED static void people_await_waiting(struct people_rig *rig, unsigned count)
{
    WEB_AWAIT(&rig->web, HASH_COUNT(rig->web.web->requests) == count);
}

BN_UNUSED static void people_check_answer(struct people_rig *rig, int fd, int status,
        const char *part)
{
    const char *body;
    int got = web_rig_answer(&rig->web, fd, &body);
    if (got != status || !strstr(rig->web.answer.p, part))
        fail_msg("wanted %d with \"%s\", got %.1000s", status, part, rig->web.answer.p);
}

BN_UNUSED static void people_check(struct people_rig *rig, const char *who, const char *line,
        const char *body, int status, const char *part)
{
    people_check_answer(rig, people_send(rig, who, line, body), status, part);
}

BN_UNUSED static void people_nothing(void *user)
{
    (void)user;
}

BN_UNUSED static void people_note(void *user)
{
    *(bool *)user = true;
}

/* What is being hashed has come back: one thread works at it in order. */
BN_UNUSED static void people_await_hashed(struct people_rig *rig)
{
    static const struct bn_job_ops ops = {people_nothing, people_note};
    bool is_done = false;
    CHECK(bn_worker_do(rig->web.hash_worker, &ops, &is_done, NULL));
    WEB_AWAIT(&rig->web, is_done);
    people_settle(rig);
}

/* Resets the connection: closing alone could be a client that has only nothing more to say. */
BN_UNUSED static void people_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

/* The client goes while its request waits, and what it asked for is worked at to the end. */
BN_UNUSED static void people_leave(struct people_rig *rig, int fd)
{
    people_await_waiting(rig, 1);
    people_reset(fd);
    people_await_waiting(rig, 0);
    people_await_hashed(rig);
}
