#include "bn_test.h"
#include "model/alert.h"

static struct bn_alert good(void)
{
    struct bn_alert alert;
    bn_record_clear(&bn_alert_type, &alert);
    snprintf(alert.id, sizeof alert.id, "a1");
    alert.rule = BN_ALERT_SERVER_OFFLINE;
    alert.severity = BN_ALERT_CRITICAL;
    alert.state = BN_ALERT_FIRING;
    alert.fired_at = 1000;
    return alert;
}

static void check_refused(const struct bn_alert *alert, const char *field)
{
    struct bn_err err;
    CHECK(!bn_record_check(&bn_alert_type, alert, &err));
    CHECK_STR(err.field, field);
}

BN_TEST(three_severities_and_no_other)
{
    struct bn_err err;
    struct bn_alert alert = good();
    for (int64_t i = BN_ALERT_CRITICAL; i <= BN_ALERT_INFO; i++) {
        alert.severity = i;
        CHECK(bn_record_check(&bn_alert_type, &alert, &err));
    }
    alert.severity = BN_ALERT_INFO + 1;
    check_refused(&alert, "severity");
}

BN_TEST(rule_state_and_the_time_it_fired_are_needed)
{
    struct bn_alert alert = good();
    alert.rule = BN_UNKNOWN;
    check_refused(&alert, "rule");
    alert = good();
    alert.state = BN_ALERT_RESOLVED + 1;
    check_refused(&alert, "state");
    alert = good();
    alert.fired_at = 0;
    check_refused(&alert, "fired_at");
}

BN_TEST_MAIN()
