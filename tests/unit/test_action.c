#include "bn_test.h"
#include "source/action.h"

static struct bn_target target_on(enum bn_platform platform)
{
    struct bn_target target;
    bn_record_clear(&bn_target_type, &target);
    target.platform = platform;
    target.sudo = 1;
    return target;
}

static const char *command(int64_t type, const struct bn_target *target, const char *service)
{
    static char out[512];
    struct bn_err err;
    const struct bn_action *action = bn_action_find(type, target);
    CHECK(action);
    if (!bn_action_command(action, target, service, out, &err))
        fail_msg("%s", err.text);
    return out;
}

BN_TEST(commands_are_constants_with_a_service_in_them)
{
    struct bn_target target = target_on(BN_PLATFORM_SYSTEMD);
    CHECK_STR(command(BN_WORK_SERVICE_RESTART, &target, "nginx.service"),
            "sudo -n systemctl restart nginx.service");
    CHECK_STR(command(BN_WORK_SERVICE_STATUS, &target, "nginx"),
            "systemctl status --no-pager --lines=20 nginx");
    CHECK_STR(command(BN_WORK_LOGS, &target, "a@b:c"),
            "journalctl --no-pager --lines=200 --unit=a@b:c");
    CHECK_STR(command(BN_WORK_SSH_TEST, &target, ""), "uname -sr");
    target.sudo = 0;
    CHECK_STR(command(BN_WORK_SERVICE_RESTART, &target, "nginx.service"),
            "systemctl restart nginx.service");
    target = target_on(BN_PLATFORM_VOS);
    CHECK_STR(command(BN_WORK_SERVICE_RESTART, &target, "Cisco Tomcat"),
            "utils service restart Cisco Tomcat");
    target = target_on(BN_PLATFORM_CUSTOM);
    snprintf(target.custom_command, sizeof target.custom_command,
            "rc-service web {service} restart");
    CHECK_STR(command(BN_WORK_SERVICE_RESTART, &target, ""),
            "rc-service web {service} restart"); /* as it was written */
}

BN_TEST(what_a_shell_would_read_is_refused)
{
    static const char *const bad[] = {"", "-H", "a;b", "$(id)", "a b", "a\nb", "a|b", "../x"};
    struct bn_target target = target_on(BN_PLATFORM_SYSTEMD);
    const struct bn_action *action = bn_action_find(BN_WORK_SERVICE_RESTART, &target);
    char out[512];
    struct bn_err err;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!bn_action_command(action, &target, bad[i], out, &err));
        CHECK_STR(err.field, "service");
    }
    target = target_on(BN_PLATFORM_VOS);
    action = bn_action_find(BN_WORK_SERVICE_RESTART, &target);
    CHECK(!bn_action_command(action, &target, "Cisco\nTomcat", out, &err));
    CHECK_STR(err.field, "service");
}

BN_TEST(what_cannot_be_done_on_a_platform_is_not_found)
{
    struct bn_target target = target_on(BN_PLATFORM_VOS);
    CHECK(!bn_action_find(BN_WORK_LOGS, &target));
    CHECK(!bn_action_find(BN_WORK_VM_POWER, &target));
    target = target_on(BN_PLATFORM_CUSTOM);
    CHECK(!bn_action_find(BN_WORK_SERVICE_STATUS, &target));
}

BN_TEST(a_custom_restart_is_as_its_administrator_wrote_it)
{
    struct bn_target target = target_on(BN_PLATFORM_CUSTOM);
    const struct bn_action *action = bn_action_find(BN_WORK_SERVICE_RESTART, &target);
    CHECK_INT(bn_action_way(action, &target), BN_WAY_DETACHED);
    snprintf(target.custom_prompt, sizeof target.custom_prompt, "router#");
    snprintf(target.custom_success, sizeof target.custom_success, "up");
    snprintf(target.custom_failure, sizeof target.custom_failure, "down");
    CHECK_INT(bn_action_way(action, &target), BN_WAY_DIALOGUE);
    CHECK_STR(bn_action_prompt(action, &target), "router#");
    CHECK_STR(bn_action_success(action, &target), "up");
    CHECK_STR(bn_action_failure(action, &target), "down");
    /* Its prompt means nothing for the others. */
    action = bn_action_find(BN_WORK_SSH_TEST, &target);
    CHECK_INT(bn_action_way(action, &target), BN_WAY_WATCHED);
}

BN_TEST(every_action_says_what_it_does)
{
    for (size_t i = 0; i < bn_action_count; i++) {
        char doing[100];
        bn_action_doing(&bn_actions[i], "nginx", doing, sizeof doing);
        CHECK(doing[0] && !strchr(doing, '{'));
        CHECK(bn_actions[i].limit_ms > bn_actions[i].estimate_ms);
        CHECK(bn_actions[i].way == BN_WAY_DIALOGUE ? bn_actions[i].prompt[0] != '\0'
                                                   : !bn_actions[i].prompt[0]);
        CHECK(strlen(bn_actions[i].verb) < sizeof((struct bn_operation *)0)->action);
    }
}

BN_TEST(a_command_of_an_administrators_own_is_as_it_was_written_or_refused)
{
    static const char *const good[] = {"id", "a\n\tb\n", " echo BINNACLE_ENDS_HERE",
            "BINNACLE_ENDS_HERE2", "caf\xC3\xA9"};

    static const struct {
        const char *command;
        const char *text;
    } bad[] = {{"", "params.command is required: what is to be run?"},
            {" \n\t\n", "params.command is required: what is to be run?"},
            {"a\rb", "params.command must not hold the control character 0x0D"},
            {"\x7F", "params.command must not hold the control character 0x7F"},
            {"BINNACLE_ENDS_HERE", "params.command must not hold the line BINNACLE_ENDS_HERE"},
            {"a\nBINNACLE_ENDS_HERE\n",
                    "params.command must not hold the line BINNACLE_ENDS_HERE"}};

    struct bn_err err;
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_command_check(good[i], "params.command", &err));
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!bn_command_check(bad[i].command, "params.command", &err));
        CHECK_STR(err.field, "params.command");
        CHECK_STR(err.text, bad[i].text);
    }
    struct bn_target target = target_on(BN_PLATFORM_VOS);
    CHECK(!bn_action_find(BN_WORK_COMMAND, &target)); /* there is no shell */
    target = target_on(BN_PLATFORM_SYSTEMD);
    CHECK_INT(bn_action_find(BN_WORK_COMMAND, &target)->right, BN_RIGHT_ADMIN);
    CHECK_STR(command(BN_WORK_COMMAND, &target, ""), ""); /* no sudo of ours before it */
}

BN_TEST_MAIN()
