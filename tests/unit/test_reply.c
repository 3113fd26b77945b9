#include "base/log.h"

#include "bn_test.h"
#include "web_rig.h"

static void grow(struct bn_request *req)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 10);
    bn_buf_puts(&out, "{\"much\":\"more than fits\"}");
    bn_reply_json(req, 200, &out);
}

static void refuse(struct bn_request *req)
{
    struct bn_err err;
    bn_fail(&err, BN_E_UPSTREAM, "it may not");
    bn_reply_refusal(req, &err, "let it");
}

static const struct bn_route routes[] = {
        {"GET", "/api/v1/grow", BN_RIGHT_NONE, grow, 0, "Too much", NULL, NULL, NULL, NULL, NULL,
                false},
        {"GET", "/api/v1/refuse", BN_RIGHT_NONE, refuse, 0, "Theirs", NULL, NULL, NULL, NULL, NULL,
                false},
};

BN_TEST(an_answer_that_grew_too_large_is_an_error_of_ours_and_logged)
{
    struct web_rig rig;
    const char *body;
    web_rig_init(&rig, NULL, routes, COUNT(routes));
    const uint64_t warnings = bn_log_count(BN_WARN);
    CHECK_INT(web_rig_get(&rig, NULL, "/api/v1/grow", &body), 500);
    CHECK(strstr(body, "\"code\":\"internal\""));
    CHECK(strstr(body, "the answer grew beyond 10 bytes"));
    CHECK_INT(bn_log_count(BN_WARN), warnings + 1);
    web_rig_finish(&rig);
}

BN_TEST(what_somebody_elses_server_refuses_says_what_to_do_and_is_no_line_of_ours)
{
    struct web_rig rig;
    const char *body;
    web_rig_init(&rig, NULL, routes, COUNT(routes));
    const uint64_t warnings = bn_log_count(BN_WARN);
    CHECK_INT(web_rig_get(&rig, NULL, "/api/v1/refuse", &body), 502);
    CHECK(strstr(body, "\"message\":\"it may not\",\"hint\":\"let it\",\"request_id\""));
    CHECK_INT(bn_log_count(BN_WARN), warnings);
    web_rig_finish(&rig);
}

BN_TEST_MAIN()
