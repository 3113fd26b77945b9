#include "ssh_rig.h"

static const struct peer_config plain_config = {.password = "secret"};

/* --- what it is for -------------------------------------------------------------------------- */

BN_TEST(a_command_runs_on_a_session_and_says_how_it_ended)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    CHECK(strstr(scene.banner, "SSH-2.0-libssh"));
    const struct bn_ssh_result *result = run(&scene, "status 3");
    CHECK_INT(result->fault, BN_SSH_FAULT_NONE);
    CHECK(result->has_status);
    CHECK_INT(result->status, 3);
    CHECK_STR(result->signal, "");
    said(&scene.out, "out");
    said(&scene.err, "err");
    CHECK_INT(scene.started, 1);
    CHECK_STR(peer.seen->command, "status 3");
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(commands_run_one_after_the_other_on_one_session)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    struct bn_err err;
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    for (unsigned i = 0; i < 5; i++) {
        char command[20];
        snprintf(command, sizeof command, "status %u", i);
        run_begin(&scene, &(struct bn_ssh_run){.command = command});
        CHECK(!bn_ssh_run(scene.session, &(struct bn_ssh_run){.command = "x"}, &run_ops, &scene,
                &err));
        CHECK_STR(err.text, "another command still runs on this SSH session");
        WAIT_FOR(&scene, scene.done);
        CHECK_INT(scene.result.status, i);
    }
    CHECK_INT(peer.seen->connections, 1);
    CHECK_INT(peer.seen->commands, 5);
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_signal_is_told_and_so_is_an_end_without_a_word)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    const struct bn_ssh_result *result = run(&scene, "signal");
    CHECK_STR(result->text, "");
    CHECK_INT(result->fault, BN_SSH_FAULT_NONE);
    CHECK(!result->has_status);
    CHECK_STR(result->signal, "SEGV");
    CHECK(result->is_dumped);
    result = run(&scene, "silent end");
    CHECK_INT(result->fault, BN_SSH_FAULT_NONE);
    CHECK(!result->has_status);
    CHECK_STR(result->signal, "");
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

/* --- who the server is ----------------------------------------------------------------------- */

BN_TEST(an_unknown_server_shows_its_fingerprint_and_is_told_nothing)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    to.host_key = "";
    to.host_key_type = "";
    fails(&scene, &to, "host_key_unknown", "kex", "compare its fingerprint");
    CHECK_STR(scene.end.host_key, scene.pin);
    CHECK_STR(scene.end.host_key_type, "ssh-ed25519");
    CHECK_INT(peer.seen->connections, 1);
    CHECK_INT(peer.seen->auths, 0);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(another_server_than_the_known_one_is_told_nothing)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    char other[128];
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    snprintf(other, sizeof other, "%s", scene.pin);
    other[20] = other[20] == 'a' ? 'b' : 'a';
    to.host_key = other;
    fails(&scene, &to, "host_key_changed", "kex", "another key than the known one");
    CHECK_STR(scene.end.host_key, scene.pin);
    CHECK_STR(scene.end.known_key, other);
    other[20] = 0; /* a part of it is not it */
    fails(&scene, &to, "host_key_changed", "kex", "nothing was sent");
    CHECK_INT(peer.seen->connections, 2);
    CHECK_INT(peer.seen->auths, 0);
    peer_stop(&peer);
    stop(&scene);
}

/* --- logging in ------------------------------------------------------------------------------ */

BN_TEST(a_wrong_password_is_refused_once_and_the_methods_are_named)
{
    static const struct peer_config config = {.password = "other", .answer = "other"};
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    fails(&scene, &to, "auth_refused", "auth", "does not accept the password of this user");
    CHECK_STR(scene.end.methods, "password, keyboard-interactive");
    CHECK_INT(peer.seen->passwords, 1); /* servers count */
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_question_is_answered_with_the_password)
{
    static const struct peer_config config = {.answer = "secret"};
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    CHECK_INT(run(&scene, "status 0")->status, 0);
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_key_logs_in_and_a_server_may_want_the_password_too)
{
    static const struct peer_config only_key = {.takes_keys = true};
    static const struct peer_config both = {.password = "secret", .wants_both = true};
    const struct peer_config *configs[] = {&only_key, &both};
    struct scene scene;
    char *text = NULL;
    start(&scene);
    ssh_key key = peer_key(SSH_KEYTYPE_ECDSA_P256, 256);
    CHECK_INT(ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &text), SSH_OK);
    for (size_t i = 0; i < COUNT(configs); i++) {
        struct peer peer = {.pid = 0};
        peer_start_libssh(&peer, configs[i], scene.host_key);
        struct bn_ssh_to to = to_port(&scene, peer.port);
        to.key = bn_str(text);
        open_session(&scene, &to);
        CHECK_INT(peer.seen->passwords, i);
        close_session(&scene);
        to.key = BN_STR("");
        fails(&scene, &to, "auth_refused", "auth", "publickey");
        peer_stop(&peer);
    }
    ssh_string_free_char(text);
    ssh_key_free(key);
    stop(&scene);
}

BN_TEST(a_key_that_cannot_be_read_is_told_before_a_word_is_said)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    char *text = NULL;
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    to.key = BN_STR("-----BEGIN OPENSSH PRIVATE KEY-----\nnothing\n");
    fails(&scene, &to, "key_passphrase", "connect", "needs its passphrase");
    to.key = BN_STR("ssh-ed25519 AAAA the wrong half");
    fails(&scene, &to, "key_unreadable", "connect", "cannot be read");
    ssh_key key = peer_key(SSH_KEYTYPE_ED25519, 0);
    CHECK_INT(ssh_pki_export_privkey_base64(key, "phrase", NULL, NULL, &text), SSH_OK);
    to.key = bn_str(text);
    fails(&scene, &to, "key_passphrase", "connect", "needs its passphrase");
    to.passphrase = BN_STR("wrong");
    fails(&scene, &to, "key_passphrase", "connect", "does not open");
    to.passphrase = BN_STR("phrase");
    to.password = BN_STR("");
    fails(&scene, &to, "auth_refused", "auth", "takes only: password; a key was given");
    ssh_string_free_char(text);
    ssh_key_free(key);
    peer_stop(&peer);
    stop(&scene);
}

/* --- what goes wrong, and where (SECURITY A23) ----------------------------------------------- */

struct trouble {
    struct peer_config config;
    const char *fault, *phase, *text;
};

static void check_troubles(const struct trouble *troubles, size_t count)
{
    struct scene scene;
    start(&scene);
    for (size_t i = 0; i < count; i++) {
        struct peer peer = {.pid = 0};
        peer_start_libssh(&peer, &troubles[i].config, scene.host_key);
        struct bn_ssh_to to = to_port(&scene, peer.port);
        to.kex_ms = to.auth_ms = to.channel_ms = 700;
        begin(&scene, &to);
        WAIT_FOR(&scene, scene.opened || scene.ended);
        if (scene.opened) {
            const int64_t limit_ms = 700;
            run_begin(&scene, &(struct bn_ssh_run){.command = "nothing", .limit_ms = limit_ms});
            WAIT_FOR(&scene, scene.done || scene.ended);
        }
        if (scene.ended) {
            check_end(&scene, troubles[i].fault, troubles[i].phase, troubles[i].text);
        } else {
            CHECK_STR(bn_ssh_fault_word(scene.result.fault), troubles[i].fault);
            if (!strstr(scene.result.text, troubles[i].text))
                fail_msg("\"%s\", wanted \"%s\"", scene.result.text, troubles[i].text);
            close_session(&scene);
        }
        peer_stop(&peer);
    }
    stop(&scene);
}

BN_TEST(a_server_that_says_nothing_more_is_left_at_the_limit_of_each_phase)
{
    static const struct trouble troubles[] = {
            {{.stage = AT_ACCEPT, .password = "secret"}, "timeout", "banner",
                    "waiting for the server's first words"},
            {{.stage = AT_BANNER, .says = "SSH-2.0-stuck\r\n", .password = "secret"}, "timeout",
                    "kex", "agreeing on keys"},
            {{.stage = AT_AUTH, .password = "secret"}, "timeout", "auth", "logging in"},
            {{.stage = AT_CHANNEL, .password = "secret"}, "timeout", "channel",
                    "asking the server to start the command"},
            {{.stage = AT_EXEC, .password = "secret"}, "timeout", "channel",
                    "asking the server to start the command"},
            {{.stage = AT_RUN, .password = "secret"}, "timeout", "run", "running the command"},
    };
    check_troubles(troubles, COUNT(troubles));
}

BN_TEST(a_connection_that_breaks_is_told_with_how_far_it_came)
{
    static const struct trouble troubles[] = {
            {{.stage = AT_ACCEPT, .fault = CLOSE}, "lost", "banner", "before it said a word"},
            {{.stage = AT_ACCEPT, .fault = RESET}, "lost", "banner", "reset"},
            {{.stage = AT_BANNER, .fault = CLOSE, .says = "SSH-2.0-stuck\r\n"}, "lost", "kex",
                    "while agreeing on keys"},
            {{.stage = AT_AUTH, .fault = CLOSE, .password = "secret"}, "lost", "auth",
                    "closed the connection while logging in"},
            {{.stage = AT_AUTH, .fault = RESET, .password = "secret"}, "lost", "auth",
                    "while logging in"},
            {{.stage = AT_CHANNEL, .fault = CLOSE, .password = "secret"}, "lost", "channel",
                    "while asking the server to start the command"},
            {{.stage = AT_EXEC, .fault = RESET, .password = "secret"}, "lost", "channel",
                    "while asking the server to start the command"},
            {{.stage = AT_RUN, .fault = CLOSE, .password = "secret"}, "lost", "run",
                    "while running the command"},
            {{.stage = AT_RUN, .fault = RESET, .password = "secret"}, "lost", "run",
                    "while running the command"},
    };
    check_troubles(troubles, COUNT(troubles));
}

BN_TEST(what_a_server_refuses_is_told_apart)
{
    static const struct trouble troubles[] = {
            {{.stage = AT_CHANNEL, .fault = REFUSE, .password = "secret"}, "channel_refused",
                    "channel", "refuses one more channel"},
            {{.stage = AT_EXEC, .fault = REFUSE, .password = "secret"}, "exec_refused", "channel",
                    "refuses to start the command"},
    };
    check_troubles(troubles, COUNT(troubles));
}

#define LINE64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

BN_TEST(what_is_no_ssh_server_is_quoted)
{
    static const struct trouble troubles[] = {
            {{.stage = AT_BANNER, .says = "SSH-1.5-old\r\n"}, "not_ssh", "banner",
                    "another SSH than version 2: \"SSH-1.5-old\""},
            {{.stage = AT_BANNER, .says = "HTTP/1.1 400 Bad Request\r\n"}, "not_ssh", "banner",
                    "is no SSH server: it said \"HTTP/1.1 400 Bad Request\""},
            {{.stage = AT_BANNER, .says = LINE64 LINE64 LINE64 LINE64}, "not_ssh", "banner",
                    "it said \"aaaaaaaaaaaaaaaa"},
            {{.stage = AT_BANNER, .says = "220 \033[1m\xff smtp\r\n", .fault = CLOSE}, "not_ssh",
                    "banner", "it said \"220 ?[1m? smtp\""},
    };
    check_troubles(troubles, COUNT(troubles));
}

BN_TEST(lines_before_the_banner_are_passed_over)
{
    static const struct peer_config config = {.says = "Welcome.\r\nNo trespassing.\r\n",
            .password = "secret"};
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(what_cannot_be_connected_to_is_told_as_dial_tells_it)
{
    struct scene scene;
    int port;
    start(&scene);
    close(peer_listen(&port));
    struct bn_ssh_to to = to_port(&scene, port);
    fails(&scene, &to, "refused", "connect", "nothing listens on that port");
    to.host = "10.0.0.1.invalid";
    fails(&scene, &to, "dns", "connect", "not known");
    to.host = "169.254.169.254";
    fails(&scene, &to, "not_allowed", "connect", "");
    stop(&scene);
}

/* --- the runner ------------------------------------------------------------------------------ */

BN_TEST(a_runner_that_dies_ends_its_sessions_and_the_next_one_serves)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    struct bn_ssh_stats stats;
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    run_begin(&scene, &(struct bn_ssh_run){.command = "nothing"});
    WAIT_FOR(&scene, scene.started);
    bn_ssh_get_stats(scene.ssh, &stats);
    CHECK(stats.runner_pid > 0);
    CHECK_INT(kill(stats.runner_pid, SIGKILL), 0);
    check_end(&scene, "runner", "run", "ended unexpectedly");
    CHECK_INT(scene.done, 1);
    CHECK_INT(scene.result.fault, BN_SSH_FAULT_RUNNER);
    open_session(&scene, &to); /* the first death is followed by a new one at once */
    CHECK_INT(run(&scene, "status 4")->status, 4);
    bn_ssh_get_stats(scene.ssh, &stats);
    CHECK_INT(stats.deaths, 1);
    CHECK(WIFSIGNALED(stats.runner_status) && WTERMSIG(stats.runner_status) == SIGKILL);
    CHECK_INT(kill(stats.runner_pid, SIGKILL), 0);
    check_end(&scene, "runner", "idle", "ended unexpectedly");
    struct bn_err err;
    CHECK(!bn_ssh_open(scene.ssh, &to, &session_ops, &scene, &scene.session, &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK(strstr(err.text, "died several times"));
    peer_stop(&peer);
    stop(&scene);
}

/* It can be stopped by nothing it reads, but a debugger, or a flaw, could. */
BN_TEST(a_runner_that_hangs_is_left_at_the_limit_and_then_ended)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    struct bn_ssh_stats stats;
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    struct bn_ssh_session *first = scene.session;
    bn_ssh_get_stats(scene.ssh, &stats);
    CHECK_INT(kill(stats.runner_pid, SIGSTOP), 0);
    to.kex_ms = 300;
    const int64_t begun_ms = bn_clock_mono_ns() / 1000000;
    fails(&scene, &to, "timeout", "banner", "waiting for the server's first words");
    CHECK(bn_clock_mono_ns() / 1000000 - begun_ms >= 300 + BN_SSH_GRACE_MS);
    scene.session = first;
    scene.ended = 0;
    check_end(&scene, "runner", "idle", "did not answer");
    open_session(&scene, &to);
    CHECK_INT(run(&scene, "status 0")->status, 0);
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_session_ends_at_its_own_limit_whatever_it_does)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    to.total_ms = 800;
    open_session(&scene, &to);
    check_end(&scene, "timeout", "idle", "the whole session may take no longer");
    open_session(&scene, &to);
    run_begin(&scene, &(struct bn_ssh_run){.command = "nothing"});
    check_end(&scene, "timeout", "run", "the whole session may take no longer");
    CHECK_INT(scene.done, 1);
    CHECK_INT(scene.result.fault, BN_SSH_FAULT_TIMEOUT);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_session_can_be_closed_at_any_moment)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    begin(&scene, &to); /* while it is dialled */
    close_session(&scene);
    for (enum bn_ssh_phase phase = BN_SSH_PHASE_BANNER; phase < BN_SSH_PHASE_CHANNEL; phase++) {
        begin(&scene, &to);
        WAIT_FOR(&scene, scene.phase >= phase);
        close_session(&scene);
        scene.phase = BN_SSH_PHASE_CONNECT;
    }
    open_session(&scene, &to);
    run_begin(&scene, &(struct bn_ssh_run){.command = "nothing"});
    close_session(&scene);
    open_session(&scene, &to); /* who is closed is not heard of any more, and the rest goes on */
    CHECK_INT(run(&scene, "status 1")->status, 1);
    CHECK_INT(scene.ended, 0);
    close_session(&scene);
    bn_ssh_close(NULL);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST(a_command_is_cancelled_before_it_began_and_while_it_runs)
{
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    for (int i = 0; i < 2; i++) {
        run_begin(&scene, &(struct bn_ssh_run){.command = "nothing"});
        if (i == 1)
            WAIT_FOR(&scene, scene.started);
        bn_ssh_cancel(scene.session);
        WAIT_FOR(&scene, scene.done);
        CHECK_INT(scene.result.fault, BN_SSH_FAULT_CANCELLED);
    }
    bn_ssh_cancel(scene.session); /* nothing runs */
    CHECK_INT(run(&scene, "status 2")->status, 2);
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

/* --- what is refused before anything is done ------------------------------------------------- */

static void refused(struct scene *scene, const struct bn_ssh_to *to, const char *field,
        const char *text)
{
    struct bn_ssh_session *session;
    struct bn_err err;
    CHECK(!bn_ssh_open(scene->ssh, to, &session_ops, scene, &session, &err));
    CHECK_STR(err.field, field);
    if (!strstr(err.text, text))
        fail_msg("\"%s\", wanted \"%s\"", err.text, text);
}

BN_TEST(what_no_runner_should_see_is_refused_by_the_name_of_its_field)
{
    static char secret[BN_SSH_SECRET_MAX + 2];
    static char key[BN_SSH_KEY_MAX + 2];
    static char user[BN_SSH_USER_MAX + 2];
    struct scene scene;
    start(&scene);
    memset(secret, 'x', sizeof secret - 1);
    memset(key, 'x', sizeof key - 1);
    memset(user, 'x', sizeof user - 1);
    struct bn_ssh_to to = to_port(&scene, 0);
    refused(&scene, &to, "port", "must be 1..65535, got 0");
    to.port = 65536;
    refused(&scene, &to, "port", "must be 1..65535, got 65536");
    to.port = 22;
    to.user = "";
    refused(&scene, &to, "user", "must not be empty");
    to.user = user;
    refused(&scene, &to, "user", "must have at most 255 bytes, got 256");
    to.user = "operator";
    to.host = "";
    refused(&scene, &to, "host", "must not be empty");
    to.host = "127.0.0.1";
    to.password = bn_str(secret);
    refused(&scene, &to, "password", "at most 1024 bytes, got 1025");
    to.password = (struct bn_str){"a\0b", 3};
    refused(&scene, &to, "password", "must not hold a NUL");
    to.password = BN_STR("");
    to.key = bn_str(key);
    refused(&scene, &to, "key", "at most 16384 bytes, got 16385");
    to.key = BN_STR("");
    to.passphrase = bn_str(secret);
    refused(&scene, &to, "passphrase", "at most 1024 bytes");
    stop(&scene);
}

BN_TEST(no_more_sessions_than_the_limit_are_open)
{
    static struct bn_ssh_session *sessions[BN_SSH_SESSIONS_MAX];
    struct scene scene;
    struct bn_err err;
    int port;
    start(&scene);
    const int hole = peer_listen(&port); /* takes calls, says nothing */
    const struct bn_ssh_to to = to_port(&scene, port);
    for (size_t i = 0; i < BN_SSH_SESSIONS_MAX; i++)
        CHECK(bn_ssh_open(scene.ssh, &to, &session_ops, &scene, &sessions[i], NULL));
    CHECK(!bn_ssh_open(scene.ssh, &to, &session_ops, &scene, &scene.session, &err));
    CHECK_INT(err.code, BN_E_TOO_MANY);
    CHECK_STR(err.text, "256 SSH sessions are open, and no more may be");
    bn_ssh_close(sessions[0]);
    CHECK(bn_ssh_open(scene.ssh, &to, &session_ops, &scene, &sessions[0], NULL));
    WAIT_FOR(&scene, scene.phase == BN_SSH_PHASE_BANNER);
    for (size_t i = 0; i < BN_SSH_SESSIONS_MAX; i++)
        bn_ssh_close(sessions[i]);
    close(hole);
    stop(&scene);
}

BN_TEST(a_command_that_cannot_be_sent_is_refused)
{
    static char line[BN_SSH_COMMAND_MAX + 2];
    struct scene scene;
    struct peer peer = {.pid = 0};
    struct bn_err err;
    start(&scene);
    peer_start_libssh(&peer, &plain_config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    begin(&scene, &to);
    CHECK(!bn_ssh_run(scene.session, &(struct bn_ssh_run){.command = "x"}, &run_ops, &scene, &err));
    CHECK_STR(err.text, "the SSH session is not open");
    WAIT_FOR(&scene, scene.opened);
    memset(line, 'x', sizeof line - 1);
    CHECK(!bn_ssh_run(scene.session, &(struct bn_ssh_run){.command = line}, &run_ops, &scene,
            &err));
    CHECK_STR(err.field, "command");
    line[BN_SSH_COMMAND_MAX] = 0;
    run_begin(&scene, &(struct bn_ssh_run){.command = line});
    WAIT_FOR(&scene, peer.seen->commands == 1);
    bn_ssh_cancel(scene.session);
    WAIT_FOR(&scene, scene.done);
    CHECK(!bn_ssh_run(scene.session,
            &(struct bn_ssh_run){.command = "", .term = "vt100", .cols = 0, .rows = 24}, &run_ops,
            &scene, &err));
    CHECK_STR(err.text, "a terminal has 1..1000 columns and rows, got 0 x 24");
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST_MAIN()
