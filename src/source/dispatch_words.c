#include <stdio.h>
#include <string.h>

#include "source/dispatch_private.h"

static void say_unknown_key(const struct bn_target *target, const struct bn_ssh_end *end,
        struct bn_dispatch_words *out)
{
    snprintf(out->error, sizeof out->error,
            "%.80s shows a host key that nobody has confirmed: %.60s (%.30s). Nothing was sent to it.",
            target->name, end->host_key, end->host_key_type);
    snprintf(out->hint, sizeof out->hint,
            "Compare it on the machine itself with ssh-keygen -lf "
            "/etc/ssh/ssh_host_%.20s_key.pub, then confirm it.",
            strstr(end->host_key_type, "ecdsa") ? "ecdsa"
            : strstr(end->host_key_type, "rsa") ? "rsa"
                                                : "ed25519");
}

static void say_changed_key(const struct bn_target *target, const struct bn_ssh_end *end,
        struct bn_dispatch_words *out)
{
    snprintf(out->error, sizeof out->error,
            "The host key of %.60s has changed: it was %.60s, now it is %.60s. Nothing was sent to it.",
            target->name, end->known_key, end->host_key);
    snprintf(out->hint, sizeof out->hint,
            "If you reinstalled %.60s, accept the new key. If not, do not: somebody may be in between.",
            target->name);
}

static void say_auth(const struct bn_target *target, const struct bn_ssh_end *end,
        struct bn_dispatch_words *out)
{
    snprintf(out->error, sizeof out->error, "%.80s does not let %.60s in: %.120s", target->name,
            target->username, end->text);
    if (target->auth_kind == BN_AUTH_KEY)
        snprintf(out->hint, sizeof out->hint,
                "Is %.90s in ~/.ssh/authorized_keys of %.40s there? Offered: %.60s.",
                target->public_key, target->username, end->methods);
    else
        snprintf(out->hint, sizeof out->hint, "The server offers %.100s.",
                end->methods[0] ? end->methods : "no way to log in");
}

void bn_dispatch_explain(const struct bn_target *target, const struct bn_ssh_end *end,
        struct bn_dispatch_words *out)
{
    out->hint[0] = '\0';
    switch (end->fault) {
    case BN_SSH_FAULT_HOST_KEY_UNKNOWN: say_unknown_key(target, end, out); break;
    case BN_SSH_FAULT_HOST_KEY_CHANGED: say_changed_key(target, end, out); break;
    case BN_SSH_FAULT_AUTH_REFUSED: say_auth(target, end, out); break;
    default:
        snprintf(out->error, sizeof out->error, "SSH to %.80s failed while %.60s: %.150s",
                target->name, bn_ssh_phase_doing(end->phase), end->text);
    }
}

static bool is_one_of(const char *said, const char *const *signs)
{
    for (; *signs; signs++)
        if (strstr(said, *signs))
            return true;
    return false;
}

bool bn_dispatch_explain_sudo(const struct bn_target *target, const char *command, const char *said,
        struct bn_dispatch_words *out)
{
    static const char *const absent[] = {"sudo: command not found", "sudo: not found", NULL};
    static const char *const refused[] = {"a password is required", "a terminal is required",
            "not in the sudoers", "not allowed to execute", "no tty present", "may not run sudo",
            NULL};
    const char *run = strncmp(command, "sudo -n ", 8) == 0 ? command + 8 : command;
    if (is_one_of(said, absent)) {
        snprintf(out->error, sizeof out->error, "There is no sudo on %.80s.", target->name);
        snprintf(out->hint, sizeof out->hint,
                "Install it, or log in as root and switch sudo off for this target.");
        return true;
    }
    if (!is_one_of(said, refused))
        return false;
    snprintf(out->error, sizeof out->error, "sudo needs a password for %.60s on %.80s.",
            target->username, target->name);
    snprintf(out->hint, sizeof out->hint,
            "Add this line with visudo: %.60s ALL=(root) NOPASSWD: /usr/bin/%.120s",
            target->username, run);
    return true;
}
