#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/infra.h"
#include "source/pve.h"
#include "source/pve_read.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/server.h"

#define NODES_PATH     "/api2/json/nodes"
#define VERSION_PATH   "/api2/json/version"
#define VERSION_MS     5000 /* for what a test would like to know besides */
#define ANSWER_MAX     4096
#define TIMEOUT_MIN_MS 5000 /* of what is recommended, as E20 has it */
#define TIMEOUT_MAX_MS 120000

/* One attempt at a server, added or not. */
struct test {
    struct bn_fetch_job job;
    struct bn_web *web;
    uint64_t ticket;
    char tenant[BN_TENANT_MAX];
    struct bn_server server; /* as it was when it was asked for */
    int64_t nodes;
    bool was_read;
    struct bn_err unreadable;
    struct bn_buf answer; /* ours, while the version is asked for */
    struct bn_json json;
    void (*told)(void *user, struct bn_str result); /* NULL: the request of ticket is answered */
    void *user;
};

static void test_destroy(struct test *test)
{
    bn_fetch_job_finish(&test->job);
    bn_buf_finish(&test->answer);
    free(test);
}

static void read_nodes(struct bn_fetch_job *job)
{
    struct test *test = container_of(job, struct test, job);
    if (job->answer.status == 200)
        test->was_read = bn_pve_read_nodes(bn_buf_str(&job->answer.body), &test->nodes,
                &test->unreadable);
}

static void judge(const struct test *test, struct bn_pve_verdict *out)
{
    const struct bn_fetch_job *job = &test->job;
    bn_pve_judge(job, test->server.token_hint, out);
    if (out->is_ok && !test->was_read)
        bn_pve_judge_unreadable(&test->unreadable, out);
    if (job->peer.trust != BN_TRUST_LOOK || !job->peer.fingerprint[0])
        return;
    bn_text_clip(out->error_class, sizeof out->error_class, BN_STR("unconfirmed"));
    bn_text_clip(out->phase, sizeof out->phase, BN_STR("tls"));
    bn_text_clip(out->text, sizeof out->text,
            BN_STR("its certificate is not known yet: compare the fingerprint and confirm it"));
}

static void put_ms(struct bn_json *json, const char *name, double ms)
{
    bn_json_key(json, name);
    bn_json_f64(json, ms, 2);
}

static void put_text(struct bn_json *json, const char *name, const char *text)
{
    bn_json_key(json, name);
    bn_json_text(json, text[0] ? text : NULL);
}

static void put_i64(struct bn_json *json, const char *name, int64_t value)
{
    bn_json_key(json, name);
    if (value == BN_UNKNOWN)
        bn_json_null(json);
    else
        bn_json_i64(json, value);
}

/* What was learned of it; else half as much again as this attempt took (E20's rule for one). */
static int64_t recommended_ms(const struct test *test, bool is_ok)
{
    if (test->server.learned_timeout_ms != BN_UNKNOWN)
        return test->server.learned_timeout_ms;
    if (!is_ok)
        return BN_UNKNOWN;
    return BN_MIN(BN_MAX(llround(ceil(1.5 * test->job.answer.total_ms)), TIMEOUT_MIN_MS),
            TIMEOUT_MAX_MS);
}

/* Begins the object; the version comes behind it. */
static bool put_result(struct test *test)
{
    const struct bn_fetch_answer *answer = &test->job.answer;
    const struct bn_tls_peer *peer = &test->job.peer;
    const bool by_vpn = test->server.vpn_enabled == 1 && test->server.vpn_host[0];
    struct bn_json *json = &test->json;
    struct bn_pve_verdict verdict;
    judge(test, &verdict);
    bn_json_object(json);
    bn_json_key(json, "success");
    bn_json_bool(json, verdict.is_ok);
    put_text(json, "error", verdict.text);
    put_text(json, "error_class", verdict.error_class);
    put_text(json, "error_phase", verdict.phase);
    put_i64(json, "nodes", verdict.is_ok ? test->nodes : BN_UNKNOWN);
    put_text(json, "resolved_ip", answer->address);
    put_ms(json, "dns_ms", answer->dns_ms);
    put_ms(json, "tcp_ms", answer->tcp_ms);
    put_ms(json, "tls_ms", answer->tls_ms);
    put_ms(json, "wait_ms", answer->wait_ms);
    put_ms(json, "total_ms", answer->total_ms);
    put_text(json, "fingerprint", peer->fingerprint);
    bn_json_key(json, "cert_expires_at");
    bn_json_time(json, peer->expires_at);
    put_text(json, "path", by_vpn ? "vpn" : "direct");
    put_i64(json, "timeout_ms", test->job.request.total_ms);
    put_i64(json, "recommended_timeout_ms", recommended_ms(test, verdict.is_ok));
    return verdict.is_ok;
}

static void reply(struct test *test, const char *version)
{
    struct bn_request *req = bn_request_find(test->web, test->ticket);
    put_text(&test->json, "version", version);
    bn_json_object_end(&test->json);
    if (test->told)
        test->told(test->user, bn_buf_str(&test->answer));
    else if (req)
        bn_reply_json(req, 200, &test->answer);
    test_destroy(test);
}

static void version_came(struct bn_fetch_job *job)
{
    struct test *test = container_of(job, struct test, job);
    struct bn_pve_version version = {.text = ""};
    if (job->answer.fault != BN_FETCH_NONE || job->answer.status != 200 ||
            !bn_pve_read_version(bn_buf_str(&job->answer.body), &version, NULL))
        version.text[0] = '\0';
    reply(test, version.text);
}

static bool ask(struct test *test, const char *path, int64_t total_ms,
        void (*done)(struct bn_fetch_job *job), struct bn_err *err)
{
    const struct bn_web_config *parts = bn_web_parts(test->web);
    test->job.done = done;
    test->job.request.connect_ms = test->job.request.total_ms = total_ms;
    return bn_pve_ask(&test->server, test->tenant, parts->key, path, &test->job, err) &&
           bn_fetch_do(parts->fetch, &test->job, err);
}

static void tested(struct bn_fetch_job *job)
{
    struct test *test = container_of(job, struct test, job);
    bn_buf_init(&test->answer, ANSWER_MAX);
    bn_json_init(&test->json, &test->answer);
    if (!put_result(test)) {
        reply(test, "");
        return;
    }
    bn_fetch_job_finish(&test->job);
    bn_fetch_job_init(&test->job, 1);
    if (!ask(test, VERSION_PATH, VERSION_MS, version_came, NULL))
        reply(test, "");
}

static bool begin(const struct bn_request *req, const struct bn_server *server, int64_t timeout_ms,
        const struct bn_server_test *then, struct bn_err *err)
{
    struct test *test = bn_alloc(sizeof *test);
    if (then) {
        test->told = then->told;
        test->user = then->user;
    }
    bn_fetch_job_init(&test->job, 1);
    test->web = req->web;
    test->ticket = req->ticket;
    test->server = *server;
    memcpy(test->tenant, req->who.tenant, sizeof test->tenant);
    test->job.read = read_nodes;
    test->job.request.is_fresh = true;
    if (ask(test, NODES_PATH, timeout_ms, tested, err))
        return true;
    test_destroy(test);
    return false;
}

bool bn_server_test_begin(const struct bn_request *req, const struct bn_server *server,
        int64_t timeout_ms, const struct bn_server_test *then, struct bn_err *err)
{
    char detail[400];
    snprintf(detail, sizeof detail, "%s, %s", server->host, server->token_hint);
    const bool is_asked = begin(req, server, timeout_ms, then, err);
    bn_audit_request(req, &(struct bn_deed){.action = "server.test",
                                  .object = server->name[0] ? server->name : server->host,
                                  .detail = detail,
                                  .ok = is_asked});
    return is_asked;
}

static void run(struct bn_request *req, const struct bn_server *server, int64_t timeout_ms)
{
    struct bn_err err;
    if (!bn_server_test_begin(req, server, timeout_ms, NULL, &err))
        bn_reply_err(req, &err);
}

static const char *asker_id(const struct bn_request *req)
{
    return req->who.user_id[0] ? req->who.user_id : req->who.key_id;
}

void bn_server_test(struct bn_request *req)
{
    struct bn_server_form form;
    struct bn_server server;
    struct bn_err err;
    char asker[BN_ID_MAX + 8];
    uint64_t given = 0;
    if (!bn_form_read(req, &bn_server_test_form_type, &form, &given))
        return;
    bn_server_set_defaults(&server);
    bn_text_clip(server.id, sizeof server.id, BN_STR("test"));
    if (!bn_server_take_form(req, &bn_server_test_form_type, &form, given, &server, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    snprintf(asker, sizeof asker, "test %s", asker_id(req));
    if (bn_may_try(req, BN_TRY_CHECK, bn_str(asker), "trying servers"))
        run(req, &server, server.connection_timeout_ms);
}

/* Nothing, or an object with nothing in it. */
static bool is_bodiless(const struct bn_request *req, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    return req->body.len == 0 || (bn_doc_parse(req->body, &doc, err) &&
                                         bn_doc_only(doc, (const char *const[]){NULL}, err));
}

void bn_server_test_saved(struct bn_request *req)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    struct bn_err err;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], &err);
    if (!server || !is_bodiless(req, &err))
        bn_reply_err(req, &err);
    else if (bn_may_try(req, BN_TRY_TEST, bn_str(asker_id(req)), "trying servers"))
        run(req, server, bn_infra_timeout_ms(tenant, server));
}
