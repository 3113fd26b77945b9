#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"

#include "io/tls_peer.h"
#include "model/token.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/many.h"
#include "web/server.h"

/* The fleet is a lab (lab/main.mjs) that somebody started beside this server; the setting `demo`
   names the file in which it says where its servers are. Whoever may add servers may load and
   remove it: only servers marked is_demo are touched. */

#define FILE_MAX   (256 << 10) /* 100 servers with their five tokens are 60 KB */
#define ANSWER_MAX 512

const struct bn_route bn_demo_routes[] = {
        {.method = "GET",
                .path = "/api/v1/demo",
                .right = BN_RIGHT_READ,
                .handler = bn_demo_show,
                .summary = "Is a demo fleet at hand, and how many of its servers are here"},
        {.method = "POST",
                .path = "/api/v1/demo",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_demo_load,
                .summary = "Add the servers of the demo fleet, marked is_demo; those that are here "
                           "are brought up to date"},
        {.method = "DELETE",
                .path = "/api/v1/demo",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_demo_remove,
                .summary = "Remove every server marked is_demo, with all that is known of it"},
};

const size_t bn_demo_route_count = COUNT(bn_demo_routes);

/* --- what there is --------------------------------------------------------------------------- */

static size_t count_demo(const struct bn_request *req)
{
    size_t count = 0;
    bn_table_each(row, bn_servers_of(req))
            count += ((const struct bn_server *)(const void *)row->record)->is_demo == 1;
    return count;
}

/* NULL: there is a fleet to load. */
static const char *why_absent(const struct bn_request *req)
{
    const char *file = bn_web_parts(req->web)->demo_file;
    if (!file[0])
        return "this server was started without a demo fleet: ./run demo starts both";
    return bn_file_exists(file) ? NULL : "the demo fleet is not running: ./run demo starts it";
}

void bn_demo_show(struct bn_request *req)
{
    const char *why = why_absent(req);
    const size_t count = count_demo(req);
    struct bn_json json;
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_MAX);
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "available");
    bn_json_bool(&json, !why);
    bn_json_key(&json, "loaded");
    bn_json_bool(&json, count > 0);
    bn_json_key(&json, "servers");
    bn_json_i64(&json, (int64_t)count);
    bn_json_key(&json, "why");
    bn_json_text(&json, why);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static void note(const struct bn_request *req, const char *action, size_t count, const char *detail)
{
    char object[40];
    snprintf(object, sizeof object, "%zu server%s", count, count == 1 ? "" : "s");
    bn_audit_request(req,
            &(struct bn_deed){.action = action, .object = object, .detail = detail, .ok = true});
}

static void put_counts(struct bn_buf *out, const char *const *names, const size_t *counts)
{
    struct bn_json json;
    bn_json_init(&json, out);
    bn_json_object(&json);
    for (size_t i = 0; names[i]; i++) {
        bn_json_key(&json, names[i]);
        bn_json_i64(&json, (int64_t)counts[i]);
    }
    bn_json_object_end(&json);
}

/* --- loading --------------------------------------------------------------------------------- */

/* What is to be written so that the fleet is here. */
struct plan {
    struct bn_server *servers;
    size_t count;
    size_t new_count;
};

static const struct bn_server *find_named(const struct bn_request *req, const char *name)
{
    bn_table_each(row, bn_servers_of(req))
    {
        const struct bn_server *server = (const void *)row->record;
        if (server->is_demo == 1 && strcmp(server->name, name) == 0)
            return server;
    }
    return NULL;
}

static bool read_entry(const struct bn_doc *item, struct bn_server *out, struct bn_str *token,
        struct bn_err *err)
{
    struct bn_str name;
    struct bn_str host;
    struct bn_str cluster;
    struct bn_str pin;
    char text[BN_FINGERPRINT_SIZE];
    if (!bn_doc_text(item, "name", &name, err) || !bn_doc_text(item, "host", &host, err) ||
            !bn_doc_i64_or(item, "port", 8006, &out->port, err) ||
            !bn_doc_text(item, "token", token, err) ||
            !bn_doc_text_or(item, "cluster", "", &cluster, err) ||
            !bn_doc_text(item, "fingerprint", &pin, err))
        return false;
    bn_text_clip(out->name, sizeof out->name, name);
    bn_text_clip(out->site, sizeof out->site, cluster);
    bn_text_clip(out->tags, sizeof out->tags, BN_STR("demo"));
    if (!bn_text_copy(out->host, sizeof out->host, host) || !bn_text_copy(text, sizeof text, pin) ||
            !bn_fingerprint_read(text, out->fingerprint))
        return bn_fail(err, BN_E_INVALID, "host or fingerprint is none");
    return true;
}

static void begin_server(const struct bn_request *req, struct bn_server *server)
{
    uint8_t id[16];
    bn_server_set_defaults(server);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, server->id);
    bn_text_clip(server->created_by, sizeof server->created_by, bn_str(req->who.name));
    server->created_at = bn_web_clock(req->web)->now_ms;
    server->verify_ssl = 0; /* its fingerprint is what counts */
    server->is_demo = 1;
}

static bool plan_one(const struct bn_request *req, const struct bn_doc *item, struct plan *plan,
        struct bn_err *err)
{
    struct bn_server read;
    struct bn_str token;
    char text[BN_TOKEN_MAX];
    begin_server(req, &read);
    if (!read_entry(item, &read, &token, err) ||
            !bn_server_check_host(req, "host", read.host, err) ||
            !bn_token_read(token, text, sizeof text, err))
        return false;
    const struct bn_server *known = find_named(req, read.name);
    struct bn_server *server = &plan->servers[plan->count];
    *server = known ? *known : read;
    memcpy(server->host, read.host, sizeof server->host);
    memcpy(server->fingerprint, read.fingerprint, sizeof server->fingerprint);
    server->port = read.port;
    bool is_good = true;
    if (!known || !bn_server_has_token(req, known, text))
        is_good = bn_server_seal(req, text, server, err);
    bn_wipe(text, sizeof text);
    if (known && bn_record_diff(&bn_server_type, known, server) == 0)
        return is_good; /* as it should be */
    server->updated_at = bn_web_clock(req->web)->now_ms;
    plan->count++;
    plan->new_count += !known;
    return is_good;
}

static bool plan_all(const struct bn_request *req, const struct bn_doc *list, struct plan *plan,
        struct bn_err *err)
{
    const size_t count = bn_doc_count(list);
    const int64_t slots = bn_server_slots_left(req);
    if (count == 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "the demo fleet has no servers");
    plan->servers = bn_alloc_array(count, sizeof *plan->servers);
    for (size_t i = 0; i < count; i++)
        if (!plan_one(req, bn_doc_item(list, i), plan, err))
            return bn_fail_in(err, "server %zu of the demo fleet", i + 1);
    return (int64_t)plan->new_count <= slots ||
           bn_fail(err, BN_E_CONFLICT, "Cannot import %zu servers. Only %lld slots remaining.",
                   plan->new_count, (long long)slots);
}

static void carry_out(struct bn_request *req, const struct plan *plan)
{
    static const char *const names[] = {"servers", "added", "updated", NULL};
    struct bn_many *many = bn_many_create(req, "no demo server was added", ANSWER_MAX);
    struct bn_fact fact;
    struct bn_err err = {.code = BN_E_OK};
    size_t written = 0;
    size_t added = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const bool is_new = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
                                    BN_KIND_SERVER, plan->servers[i].id) == NULL;
        bn_fact_init(&fact, BN_KIND_SERVER, req->who.tenant);
        fact.u.server = plan->servers[i];
        if (!bn_many_ask(many, &fact, &err)) /* its place is somebody else's: the others go on */
            continue;
        written++;
        added += is_new;
    }
    if (written == 0 && err.code != BN_E_OK) {
        many->err = err;
    } else {
        const size_t counts[] = {count_demo(req) + added, added, written - added};
        put_counts(&many->body, names, counts);
        if (written > 0)
            note(req, "demo.load", written, "");
    }
    bn_many_end(many);
}

static bool read_file(const struct bn_request *req, struct bn_doc **doc, struct bn_err *err)
{
    const char *why = why_absent(req);
    char *text = bn_alloc(FILE_MAX);
    size_t len = 0;
    bool is_good = !why || bn_fail(err, BN_E_UNAVAILABLE, "%s", why);
    is_good = is_good && bn_server_may_seal(req, err) &&
              bn_file_read(bn_web_parts(req->web)->demo_file, text, FILE_MAX, &len, err) &&
              bn_doc_parse((struct bn_str){text, len}, doc, err);
    bn_wipe(text, FILE_MAX);
    free(text);
    return is_good;
}

void bn_demo_load(struct bn_request *req)
{
    struct plan plan = {0};
    struct bn_err err;
    BN_DOC_AUTO *doc = NULL;
    if (!read_file(req, &doc, &err) || !plan_all(req, bn_doc_at(doc, "servers"), &plan, &err))
        bn_reply_err(req, &err);
    else
        carry_out(req, &plan);
    free(plan.servers);
}

/* --- removing -------------------------------------------------------------------------------- */

void bn_demo_remove(struct bn_request *req)
{
    static const char *const names[] = {"servers", "left", NULL};
    struct bn_many *many = bn_many_create(req, "nothing was removed", ANSWER_MAX);
    size_t counts[2] = {0, 0}; /* removed, and those that cannot be */
    bn_table_each(row, bn_servers_of(req))
    {
        const struct bn_server *server = (const void *)row->record;
        struct bn_fact fact;
        struct bn_err err;
        if (server->is_demo != 1)
            continue;
        bn_fact_init(&fact, BN_KIND_SERVER, req->who.tenant);
        fact.op = BN_GONE;
        fact.u.server = *server;
        counts[!bn_many_ask(many, &fact, &err)]++;
    }
    put_counts(&many->body, names, counts);
    if (counts[0] > 0)
        note(req, "demo.remove", counts[0], "all servers marked as demo");
    bn_many_end(many);
}
