#include "source/action.h"

#include <stdio.h>
#include <string.h>

#define MINUTES (60LL * 1000)
#define RESTART (10 * MINUTES) /* FEATURES J9 */
#define LOOK    (1 * MINUTES)
#define VOS     "admin:"

const struct bn_action bn_actions[] = {
        {BN_WORK_SERVICE_RESTART, BN_PLATFORM_SYSTEMD, "restart", BN_WAY_DETACHED, BN_RIGHT_OPERATE,
                true, true, "systemctl restart {service}", "", "", "", RESTART, 15000,
                "restarting {service}"},
        {BN_WORK_SERVICE_RESTART, BN_PLATFORM_VOS, "restart", BN_WAY_DIALOGUE, BN_RIGHT_OPERATE,
                true, true, "utils service restart {service}", "[STARTED]", "[FAILED]", VOS,
                RESTART, 300000, "restarting {service}"},
        {BN_WORK_SERVICE_RESTART, BN_PLATFORM_CUSTOM, "restart", BN_WAY_DETACHED, BN_RIGHT_OPERATE,
                false, true, "{custom}", "", "", "", RESTART, 60000, "restarting"},
        {BN_WORK_SERVICE_STATUS, BN_PLATFORM_SYSTEMD, "status", BN_WAY_WATCHED, BN_RIGHT_OPERATE,
                true, false, "systemctl status --no-pager --lines=20 {service}", "", "", "", LOOK,
                2000, "looking at {service}"},
        {BN_WORK_SERVICE_STATUS, BN_PLATFORM_VOS, "status", BN_WAY_DIALOGUE, BN_RIGHT_OPERATE,
                false, false, "utils service list", "", "", VOS, 2 * MINUTES, 30000,
                "looking at its services"},
        {BN_WORK_LOGS, BN_PLATFORM_SYSTEMD, "logs", BN_WAY_WATCHED, BN_RIGHT_OPERATE, true, false,
                "journalctl --no-pager --lines=200 --unit={service}", "", "", "", LOOK, 3000,
                "reading the journal of {service}"},
        {BN_WORK_SSH_TEST, BN_PLATFORM_SYSTEMD, "test", BN_WAY_WATCHED, BN_RIGHT_OPERATE, false,
                false, "uname -sr", "", "", "", LOOK, 2000, "testing the connection"},
        {BN_WORK_SSH_TEST, BN_PLATFORM_VOS, "test", BN_WAY_DIALOGUE, BN_RIGHT_OPERATE, false, false,
                "", "", "", VOS, 2 * MINUTES, 30000, "testing the connection"},
        {BN_WORK_SSH_TEST, BN_PLATFORM_CUSTOM, "test", BN_WAY_WATCHED, BN_RIGHT_OPERATE, false,
                false, "uname -sr", "", "", "", LOOK, 2000, "testing the connection"},
        {BN_WORK_COMMAND, BN_PLATFORM_SYSTEMD, "command", BN_WAY_DETACHED, BN_RIGHT_ADMIN, false,
                true, "", "", "", "", RESTART, 15000, "running a command"},
        {BN_WORK_COMMAND, BN_PLATFORM_CUSTOM, "command", BN_WAY_DETACHED, BN_RIGHT_ADMIN, false,
                true, "", "", "", "", RESTART, 15000, "running a command"},
};

const size_t bn_action_count = COUNT(bn_actions);

const struct bn_action *bn_action_find(int64_t type, const struct bn_target *target)
{
    for (size_t i = 0; i < bn_action_count; i++)
        if (bn_actions[i].type == type && bn_actions[i].platform == target->platform)
            return &bn_actions[i];
    return NULL;
}

/* Only what an administrator wrote for this target's restart is its own. */
static bool is_custom(const struct bn_action *action)
{
    return strcmp(action->command, "{custom}") == 0;
}

enum bn_action_way bn_action_way(const struct bn_action *action, const struct bn_target *target)
{
    return is_custom(action) && target->custom_prompt[0] ? BN_WAY_DIALOGUE : action->way;
}

const char *bn_action_prompt(const struct bn_action *action, const struct bn_target *target)
{
    return is_custom(action) ? target->custom_prompt : action->prompt;
}

const char *bn_action_success(const struct bn_action *action, const struct bn_target *target)
{
    return is_custom(action) ? target->custom_success : action->success;
}

const char *bn_action_failure(const struct bn_action *action, const struct bn_target *target)
{
    return is_custom(action) ? target->custom_failure : action->failure;
}

/* Each {name} of the pattern by its value. */
static bool fill(const char *pattern, const char *service, const char *custom, struct bn_buf *out)
{
    const struct {
        const char *name;
        const char *value;
    } values[] = {{"{service}", service}, {"{custom}", custom}};

    while (*pattern) {
        size_t i = 0;
        while (i < COUNT(values) && strncmp(pattern, values[i].name, strlen(values[i].name)) != 0)
            i++;
        if (i == COUNT(values)) {
            bn_buf_putc(out, *pattern++);
            continue;
        }
        bn_buf_puts(out, values[i].value);
        pattern += strlen(values[i].name);
    }
    return bn_buf_ok(out);
}

static bool check_words(const struct bn_action *action, const struct bn_target *target,
        const char *service, struct bn_err *err)
{
    if (action->needs_service && !service[0])
        return bn_fail_field(err, "service", "service is required: which is meant?");
    return target->platform == BN_PLATFORM_VOS ? bn_vos_service_check(service, "service", err)
                                               : bn_service_name_check(service, "service", err);
}

bool bn_action_command(const struct bn_action *action, const struct bn_target *target,
        const char *service, char out[512], struct bn_err *err)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1024);
    if (!check_words(action, target, service, err))
        return false;
    if (action->changes && action->needs_service && target->platform == BN_PLATFORM_SYSTEMD &&
            target->sudo == 1)
        bn_buf_puts(&buf, "sudo -n ");
    return (fill(action->command, service, target->custom_command, &buf) &&
                   bn_text_copy(out, 512, bn_buf_str(&buf))) ||
           bn_fail(err, BN_E_TOO_BIG, "the command is longer than 511 bytes");
}

/* The last one ends the text in which it is sent (dispatch_script.c). */
bool bn_command_check(const char *command, const char *field, struct bn_err *err)
{
    static const char end[] = "BINNACLE_ENDS_HERE";
    if (!command[strspn(command, " \t\n")])
        return bn_fail_field(err, field, "%s is required: what is to be run?", field);
    for (const char *p = command; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7F)
            return bn_fail_field(err, field, "%s must not hold the control character 0x%02X", field,
                    (unsigned)(unsigned char)*p);
    struct bn_str rest = bn_str(command);
    while (rest.len)
        if (bn_str_is(bn_str_cut(&rest, '\n'), end))
            return bn_fail_field(err, field, "%s must not hold the line %s", field, end);
    return true;
}

void bn_action_doing(const struct bn_action *action, const char *service, char *out, size_t size)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1024);
    (void)fill(action->doing, service, "", &buf);
    bn_text_clip(out, size, bn_buf_str(&buf));
}
