#include "bn_test.h"
#include "people_rig.h"
#include "web/api_infra.h"

static struct people_rig rig;

static void ask(const char *who, const char *line, int status, const char *part)
{
    people_check(&rig, who, line, "", status, part);
}

static void put_alert(const char *tenant, const char *id, enum bn_alert_state state)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_ALERT, tenant);
    struct bn_alert *alert = &fact.u.alert;
    snprintf(alert->id, sizeof alert->id, "%s", id);
    snprintf(alert->subject_id, sizeof alert->subject_id, "s-%s", id);
    snprintf(alert->subject, sizeof alert->subject, "server-%s", id);
    snprintf(alert->message, sizeof alert->message, "Server %s is offline.", id);
    alert->rule = BN_ALERT_SERVER_OFFLINE;
    alert->severity = BN_ALERT_CRITICAL;
    alert->state = state;
    alert->fired_at = rig.web.clock.now_ms;
    alert->resolved_at = state == BN_ALERT_RESOLVED ? rig.web.clock.now_ms : 0;
    people_ask(&rig, &fact);
}

static void begin(void)
{
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    put_alert(BN_TENANT_DEFAULT, "one", BN_ALERT_FIRING);
    put_alert(BN_TENANT_DEFAULT, "two", BN_ALERT_FIRING);
    put_alert(BN_TENANT_DEFAULT, "old", BN_ALERT_RESOLVED);
}

static const struct bn_alert *known(const char *id)
{
    return bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT, BN_KIND_ALERT, id);
}

BN_TEST(what_fires_and_what_is_just_over_is_listed_by_state)
{
    begin();
    ask(rig.vera, "GET /api/v1/alerts", 200, "\"dismissed_at\":null,\"dismissed_by\":null");
    CHECK(strstr(rig.web.answer.p, "\"one\"") && strstr(rig.web.answer.p, "\"old\""));
    ask(rig.vera, "GET /api/v1/alerts?state=firing", 200, "\"two\"");
    CHECK(!strstr(rig.web.answer.p, "\"old\""));
    ask(rig.vera, "GET /api/v1/alerts?state=resolved", 200, "\"old\"");
    CHECK(!strstr(rig.web.answer.p, "\"one\""));
    ask(rig.vera, "GET /api/v1/alerts?state=loud", 400, "\"field\":\"state\"");
    people_finish(&rig);
}

BN_TEST(who_may_operate_dismisses_an_alert_once_and_it_says_who_knows)
{
    begin();
    ask(rig.vera, "POST /api/v1/alerts/one/dismiss", 403, "forbidden");
    CHECK_INT(known("one")->dismissed_at, 0);
    ask(rig.ada, "POST /api/v1/alerts/one/dismiss", 204, "");
    const int64_t at_ms = known("one")->dismissed_at;
    CHECK(at_ms > 0);
    CHECK_STR(known("one")->dismissed_by, "ada");
    CHECK_INT(known("one")->state, BN_ALERT_FIRING);
    CHECK_INT(known("two")->dismissed_at, 0);
    ask(rig.vera, "GET /api/v1/alerts?state=firing", 200, "\"dismissed_by\":\"ada\"");
    ask(rig.ada, "GET /api/v1/audit", 200, "alert.dismiss");
    CHECK(strstr(rig.web.answer.p, "server-one"));
    people_add(&rig, "grace", BN_ROLE_ADMIN);
    char grace[BN_COOKIE_SECRET_SIZE];
    people_log_in(&rig, "grace", grace);
    rig.web.clock.now_ms += 1000;
    ask(grace, "POST /api/v1/alerts/one/dismiss", 204, "");
    CHECK_STR(known("one")->dismissed_by, "ada"); /* the first who knew */
    CHECK_INT(known("one")->dismissed_at, at_ms);
    people_finish(&rig);
}

BN_TEST(what_is_over_unknown_or_of_another_tenant_is_not_dismissed)
{
    struct bn_fact fact;
    begin();
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    snprintf(fact.u.tenant.id, sizeof fact.u.tenant.id, "other");
    snprintf(fact.u.tenant.name, sizeof fact.u.tenant.name, "Other");
    people_ask(&rig, &fact);
    put_alert("other", "theirs", BN_ALERT_FIRING);
    ask(rig.ada, "POST /api/v1/alerts/old/dismiss", 409, "this alert is over");
    ask(rig.ada, "POST /api/v1/alerts/none/dismiss", 404, "there is no such alert");
    ask(rig.ada, "POST /api/v1/alerts/theirs/dismiss", 404, "there is no such alert");
    ask(rig.ada, "POST /api/v1/alerts/0123456789012345678901234567890123456789012345678/dismiss",
            404, "there is no such alert");
    people_finish(&rig);
}

BN_TEST_MAIN()
