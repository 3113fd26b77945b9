#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/pve.h"
#include "source/pve_read.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/server.h"

#define NODES_PATH "/api2/json/nodes"
#define ANSWER_MAX 4096

/* One attempt at a server that nobody has added. */
struct test {
    struct bn_fetch_job job;
    struct bn_web *web;
    uint64_t ticket;
    char token_hint[96];
    int64_t nodes;
    bool was_read;
    struct bn_err unreadable;
};

static void test_destroy(struct test *test)
{
    bn_fetch_job_finish(&test->job);
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
    bn_pve_judge(job, test->token_hint, out);
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

static void put_result(const struct test *test, struct bn_json *json)
{
    const struct bn_fetch_answer *answer = &test->job.answer;
    const struct bn_tls_peer *peer = &test->job.peer;
    struct bn_pve_verdict verdict;
    judge(test, &verdict);
    bn_json_object(json);
    bn_json_key(json, "success");
    bn_json_bool(json, verdict.is_ok);
    put_text(json, "error", verdict.text);
    put_text(json, "error_class", verdict.error_class);
    put_text(json, "error_phase", verdict.phase);
    bn_json_key(json, "nodes");
    if (verdict.is_ok)
        bn_json_i64(json, test->nodes);
    else
        bn_json_null(json);
    put_text(json, "resolved_ip", answer->address);
    put_ms(json, "dns_ms", answer->dns_ms);
    put_ms(json, "tcp_ms", answer->tcp_ms);
    put_ms(json, "tls_ms", answer->tls_ms);
    put_ms(json, "wait_ms", answer->wait_ms);
    put_ms(json, "total_ms", answer->total_ms);
    put_text(json, "fingerprint", peer->fingerprint);
    bn_json_key(json, "cert_expires_at");
    bn_json_time(json, peer->expires_at);
    bn_json_object_end(json);
}

static void tested(struct bn_fetch_job *job)
{
    struct test *test = container_of(job, struct test, job);
    struct bn_request *req = bn_request_find(test->web, test->ticket);
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    if (req) {
        put_result(test, &json);
        bn_reply_json(req, 200, &out);
    }
    test_destroy(test);
}

static bool start(const struct bn_request *req, const struct bn_server *server, struct bn_err *err)
{
    const struct bn_web_config *parts = bn_web_parts(req->web);
    struct test *test = bn_alloc(sizeof *test);
    bn_fetch_job_init(&test->job, 1);
    test->web = req->web;
    test->ticket = req->ticket;
    memcpy(test->token_hint, server->token_hint, sizeof test->token_hint);
    test->job.read = read_nodes;
    test->job.done = tested;
    test->job.request.connect_ms = test->job.request.total_ms = server->connection_timeout_ms;
    if (bn_pve_ask(server, req->who.tenant, parts->key, NODES_PATH, &test->job, err) &&
            bn_fetch_do(parts->fetch, &test->job, err))
        return true;
    test_destroy(test);
    return false;
}

void bn_server_test(struct bn_request *req)
{
    struct bn_server_form form;
    struct bn_server server;
    struct bn_err err;
    char detail[400];
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
    snprintf(asker, sizeof asker, "test %s",
            req->who.user_id[0] ? req->who.user_id : req->who.key_id);
    if (!bn_may_try(req, BN_TRY_CHECK, bn_str(asker), "trying servers"))
        return;
    snprintf(detail, sizeof detail, "%s, %s", server.host, server.token_hint);
    const bool is_asked = start(req, &server, &err);
    bn_audit_request(req, &(struct bn_deed){.action = "server.test",
                                  .object = server.host,
                                  .detail = detail,
                                  .ok = is_asked});
    if (!is_asked)
        bn_reply_err(req, &err);
}
