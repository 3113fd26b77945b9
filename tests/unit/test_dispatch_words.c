#include "bn_test.h"
#include "source/dispatch_private.h"

/* What targets are given and what they answer, and the sentences made of it, without a target. */

static struct bn_target web3(void)
{
    struct bn_target target;
    bn_record_clear(&bn_target_type, &target);
    snprintf(target.name, sizeof target.name, "web3");
    snprintf(target.username, sizeof target.username, "deploy");
    snprintf(target.public_key, sizeof target.public_key, "ssh-ed25519 SHA256:abc");
    target.auth_kind = BN_AUTH_KEY;
    return target;
}

static const char *script(void (*put)(struct bn_buf *out, const char *id))
{
    static char text[BN_REMOTE_ANSWER_MAX];
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, sizeof text - 1);
    put(&buf, "AbC-_9");
    CHECK(bn_buf_ok(&buf));
    bn_text_clip(text, sizeof text, bn_buf_str(&buf));
    return text;
}

/* --- scripts --------------------------------------------------------------------------------- */

BN_TEST(a_command_of_any_length_fits_its_script_and_stands_in_it_as_it_is)
{
    char command[512];
    BN_BUF_AUTO buf;
    memset(command, '\'', sizeof command - 1);
    command[sizeof command - 1] = '\0';
    bn_buf_init(&buf, BN_REMOTE_ANSWER_MAX);
    bn_dispatch_put_start(&buf, "AbC-_9", command);
    CHECK(bn_buf_ok(&buf));
    bn_buf_putc(&buf, '\0');
    CHECK(strstr(buf.p, command));
    CHECK(strstr(buf.p, "mkdir \"$home/AbC-_9\" || exit 97\n"));
    CHECK(strstr(buf.p, "binnacle exit"));
}

BN_TEST(a_follower_reads_from_the_first_byte_and_the_rest_is_removed)
{
    CHECK(strstr(script(bn_dispatch_put_follow), "cd \"$HOME/.binnacle/AbC-_9\""));
    CHECK(strstr(script(bn_dispatch_put_follow), "at=0\n"));
    CHECK_STR(script(bn_dispatch_put_tidy), "rm -rf \"$HOME/.binnacle/AbC-_9\"\n");
}

BN_TEST(sudo_is_asked_only_where_it_is_used)
{
    BN_BUF_AUTO with;
    BN_BUF_AUTO without;
    bn_buf_init(&with, 4096);
    bn_buf_init(&without, 4096);
    bn_dispatch_put_probe(&with, "nginx", "systemctl restart nginx");
    bn_dispatch_put_probe(&without, "nginx", "");
    bn_buf_putc(&with, '\0');
    bn_buf_putc(&without, '\0');
    CHECK(strstr(with.p, "sudo -n -l systemctl restart nginx "));
    CHECK(!strstr(without.p, "sudo"));
    CHECK(strstr(without.p, "ExecMainStatus nginx\n"));
}

/* --- answers --------------------------------------------------------------------------------- */

BN_TEST(the_state_of_a_unit_is_read_and_what_is_not_said_is_unknown)
{
    struct bn_unit_state unit;
    bn_dispatch_read_unit(
            BN_STR("Systemctl=yes\nLoadState=loaded\nActiveState=active\nSubState=running\n"
                   "Result=success\nNRestarts=2\nExecMainStatus=0\n"),
            &unit);
    CHECK(unit.has_systemctl);
    CHECK_STR(unit.load, "loaded");
    CHECK_STR(unit.active, "active");
    CHECK_STR(unit.sub, "running");
    CHECK_STR(unit.result, "success");
    CHECK_STR(unit.sudo, "");
    CHECK_INT(unit.restarts, 2);
    CHECK_INT(unit.status, 0);
    bn_dispatch_read_unit(
            BN_STR("Sudo=sudo: a password is required\nNRestarts=-1\nExecMainStatus=x"), &unit);
    CHECK(!unit.has_systemctl);
    CHECK_STR(unit.sudo, "sudo: a password is required");
    CHECK_INT(unit.restarts, BN_UNKNOWN);
    CHECK_INT(unit.status, BN_UNKNOWN);
    bn_dispatch_read_unit(BN_STR(""), &unit);
    CHECK_STR(unit.active, "");
}

BN_TEST(an_exit_status_is_a_whole_line_of_its_own)
{
    static const struct {
        const char *said;
        int64_t want; /* -1: none */
    } table[] = {{"binnacle exit 0\n", 0}, {"warning\nbinnacle exit 255", 255},
            {"binnacle exit 256\n", -1}, {"binnacle exit \n", -1}, {"binnacle exit 1x\n", -1},
            {"x binnacle exit 1\n", -1}, {"binnacle absent\n", -1}, {"", -1}};

    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t status = -1;
        const bool is_there = bn_dispatch_read_exit(bn_str(table[i].said), &status);
        CHECK(is_there == (table[i].want >= 0));
        CHECK_INT(is_there ? status : -1, table[i].want);
    }
}

/* --- sentences ------------------------------------------------------------------------------- */

static struct bn_dispatch_words words;

static void explain(const struct bn_target *target, const struct bn_ssh_end *end)
{
    bn_dispatch_explain(target, end, &words);
    CHECK(bn_utf8_is_valid(words.error, strlen(words.error)) &&
            bn_utf8_is_valid(words.hint, strlen(words.hint)));
}

BN_TEST(a_host_key_is_shown_with_what_to_compare_it_to)
{
    const struct bn_target target = web3();
    struct bn_ssh_end end = {.fault = BN_SSH_FAULT_HOST_KEY_UNKNOWN,
            .phase = BN_SSH_PHASE_KEX,
            .host_key = "SHA256:new",
            .host_key_type = "ecdsa-sha2-nistp256"};
    explain(&target, &end);
    CHECK_STR(words.error, "web3 shows a host key that nobody has confirmed: SHA256:new "
                           "(ecdsa-sha2-nistp256). Nothing was sent to it.");
    CHECK(strstr(words.hint, "/etc/ssh/ssh_host_ecdsa_key.pub"));
    snprintf(end.host_key_type, sizeof end.host_key_type, "ssh-rsa");
    explain(&target, &end);
    CHECK(strstr(words.hint, "ssh_host_rsa_key.pub"));
    end.fault = BN_SSH_FAULT_HOST_KEY_CHANGED;
    snprintf(end.known_key, sizeof end.known_key, "SHA256:old");
    explain(&target, &end);
    CHECK_STR(words.error,
            "The host key of web3 has changed: it was SHA256:old, now it is SHA256:new. Nothing "
            "was sent to it.");
    CHECK_STR(words.hint,
            "If you reinstalled web3, accept the new key. If not, do not: somebody may be in "
            "between.");
}

BN_TEST(a_refused_login_names_the_key_and_what_the_server_offers)
{
    struct bn_target target = web3();
    struct bn_ssh_end end = {.fault = BN_SSH_FAULT_AUTH_REFUSED,
            .phase = BN_SSH_PHASE_AUTH,
            .text = "no way was accepted",
            .methods = "publickey"};
    explain(&target, &end);
    CHECK_STR(words.error, "web3 does not let deploy in: no way was accepted");
    CHECK_STR(words.hint,
            "Is ssh-ed25519 SHA256:abc in ~/.ssh/authorized_keys of deploy there? Offered: "
            "publickey.");
    target.auth_kind = BN_AUTH_PASSWORD;
    explain(&target, &end);
    CHECK_STR(words.hint, "The server offers publickey.");
    end.methods[0] = '\0';
    explain(&target, &end);
    CHECK_STR(words.hint, "The server offers no way to log in.");
    end = (struct bn_ssh_end){.fault = BN_SSH_FAULT_REFUSED,
            .phase = BN_SSH_PHASE_CONNECT,
            .text = "x"};
    explain(&target, &end);
    CHECK_STR(words.error, "SSH to web3 failed while connecting (a firewall?): x");
    CHECK_STR(words.hint, "");
}

BN_TEST(what_sudo_says_becomes_the_line_that_helps)
{
    static const char *const said[] = {"sudo: a password is required",
            "sudo: a terminal is required to read the password",
            "deploy is not in the sudoers file.",
            "Sorry, user deploy is not allowed to execute '/usr/bin/systemctl' as root on web3.",
            "Sorry, user deploy may not run sudo on web3."};
    const struct bn_target target = web3();
    const char *command = "sudo -n systemctl restart nginx.service";
    for (size_t i = 0; i < COUNT(said); i++) {
        CHECK(bn_dispatch_explain_sudo(&target, command, said[i], &words));
        CHECK_STR(words.error, "sudo needs a password for deploy on web3.");
        CHECK_STR(words.hint,
                "Add this line with visudo: deploy ALL=(root) NOPASSWD: /usr/bin/systemctl "
                "restart nginx.service");
    }
    CHECK(bn_dispatch_explain_sudo(&target, command, "sh: 1: sudo: not found", &words));
    CHECK_STR(words.error, "There is no sudo on web3.");
    CHECK(!bn_dispatch_explain_sudo(&target, command, "Job for nginx.service failed", &words));
}

BN_TEST_MAIN()
