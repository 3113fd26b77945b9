/*
 * import_rig: the web with people and the routes that import servers; bodies of any size.
 */
#pragma once

#include "base/file.h"

#include "people_rig.h"
#include "web/api_import.h"
#include "web/api_infra.h"

#define SECRET   "0f3c1d2e-aaaa-bbbb-cccc-123456789f3a"
#define TOKEN    "root@pam!bnc=" SECRET
#define SERVERS  "/api/v1/servers"
#define IMPORT   SERVERS "/import"
#define DRY      IMPORT "?dry_run=1"
#define HEADER   "name,host,api_token,port,verify_ssl,tags,site,notes\n"
#define CSV_BODY "text/csv"

static struct people_rig rig;
static struct bn_seal_key import_key = {.id = "k"};
static struct bn_target_policy import_targets;
static char max[BN_COOKIE_SECRET_SIZE]; /* a manager */
static const char *import_body;         /* of the last answer */

BN_UNUSED static void import_prepare(struct web_rig *web, struct bn_web_config *config)
{
    (void)web;
    config->key = &import_key;
    config->targets = &import_targets;
}

BN_UNUSED static void import_begin(void)
{
    if (!web_rig_prepare)
        web_rig_prepare = import_prepare;
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_import_routes, bn_import_route_count);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    people_add(&rig, "max", BN_ROLE_MANAGER);
    people_log_in(&rig, "max", max);
}

BN_UNUSED static void import_end(void)
{
    people_finish(&rig);
}

/* A request with a body of that type; its status. */
BN_UNUSED static int import_send(const char *who, const char *line, const char *type,
        const char *body)
{
    BN_BUF_AUTO text;
    char field[120] = "";
    bn_buf_init(&text, 4 << 20);
    if (who)
        snprintf(field, sizeof field, "Cookie: binnacle=%s\r\n", who);
    bn_buf_printf(&text,
            "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n%sConnection: close\r\n"
            "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
            line, field, type, strlen(body));
    bn_buf_puts(&text, body);
    bn_buf_putc(&text, 0);
    return web_rig_answer(&rig.web, web_rig_send(&rig.web, text.p), &import_body);
}

BN_UNUSED static void import_has(const char *part)
{
    if (!strstr(rig.web.answer.p, part))
        fail_msg("no \"%s\" in %.3000s", part, rig.web.answer.p);
}

BN_UNUSED static void import_lacks(const char *part)
{
    if (strstr(rig.web.answer.p, part))
        fail_msg("\"%s\" is in %.3000s", part, rig.web.answer.p);
}

BN_UNUSED static void import_ask(const char *who, const char *line, const char *type,
        const char *body, int status, const char *part)
{
    char verb_line[300];
    snprintf(verb_line, sizeof verb_line, "%s%s", strchr(line, ' ') ? "" : "POST ", line);
    const int got = import_send(who, verb_line, type, body);
    if (got != status || !strstr(rig.web.answer.p, part))
        fail_msg("wanted %d with \"%s\", got %.2000s", status, part, rig.web.answer.p);
    import_lacks(SECRET);
}

BN_UNUSED static void csv(const char *path, const char *body, int status, const char *part)
{
    import_ask(max, path, CSV_BODY, body, status, part);
}

BN_UNUSED static void json(const char *path, const char *body, int status, const char *part)
{
    import_ask(max, path, "application/json", body, status, part);
}

BN_UNUSED static struct bn_tenant_live *import_tenant(void)
{
    return bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT);
}

BN_UNUSED static size_t import_count(void)
{
    return people_count(&rig, BN_KIND_SERVER);
}

BN_UNUSED static const struct bn_server *import_named(const char *name)
{
    bn_table_each(row, &import_tenant()->tables[BN_KIND_SERVER])
    {
        const struct bn_server *server = (const void *)row->record;
        if (strcmp(server->name, name) == 0)
            return server;
    }
    return NULL;
}

/* Rows "pN,pN.lan,TOKEN,,,,," from first on. */
BN_UNUSED static const char *import_rows(struct bn_buf *out, size_t first, size_t count)
{
    bn_buf_reset(out);
    bn_buf_puts(out, HEADER);
    for (size_t i = first; i < first + count; i++)
        bn_buf_printf(out, "p%zu,p%zu.lan," TOKEN ",,,,,\n", i, i);
    bn_buf_putc(out, 0);
    CHECK(bn_buf_ok(out));
    return out->p;
}
