/* io/ssh with the servers people have: OpenSSH's and Dropbear's. Where one is not installed its
   tests say so and are passed over. */
#include "ssh_world.h"

BN_TEST(openssh_runs_commands_and_keeps_their_two_outputs_apart)
{
    struct world w;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        CHECK(strstr(w.scene.banner, "SSH-2.0-OpenSSH"));
        const struct bn_ssh_result *result = run(&w.scene, "echo one; echo two >&2; exit 7");
        CHECK(result->has_status);
        CHECK_INT(result->status, 7);
        said(&w.scene.out, "one\n");
        said(&w.scene.err, "two\n");
        result = run(&w.scene, "kill -9 $$");
        CHECK(!result->has_status);
        CHECK_STR(result->signal, "KILL");
        CHECK_INT(run(&w.scene, "true")->status, 0);
    }
    tear_down(&w);
}

BN_TEST(keys_of_every_kind_log_in_and_one_with_a_passphrase_too)
{
    static const struct {
        enum ssh_keytypes_e type;
        int bits;
        const char *phrase;
    } kinds[] = {{SSH_KEYTYPE_RSA, 2048, NULL}, {SSH_KEYTYPE_ECDSA_P256, 256, NULL},
            {SSH_KEYTYPE_ECDSA_P521, 521, NULL}, {SSH_KEYTYPE_ED25519, 0, "open sesame"}};
    struct world w;
    if (set_up(&w, "")) {
        for (size_t i = 0; i < COUNT(kinds); i++) {
            char *text = NULL;
            struct peer_files files;
            ssh_key key = peer_key(kinds[i].type, kinds[i].bits);
            peer_make_files(&files, w.scene.host_key, key);
            CHECK_INT(rename(files.authorized, w.files.authorized), 0);
            CHECK_INT(ssh_pki_export_privkey_base64(key, kinds[i].phrase, NULL, NULL, &text),
                    SSH_OK);
            w.to.key = bn_str(text);
            w.to.passphrase = bn_str(kinds[i].phrase ? kinds[i].phrase : "");
            open_session(&w.scene, &w.to);
            CHECK_INT(run(&w.scene, "true")->status, 0);
            close_session(&w.scene);
            ssh_string_free_char(text);
            ssh_key_free(key);
            remove_tree(files.dir);
        }
    }
    tear_down(&w);
}

BN_TEST(a_key_the_server_does_not_know_is_refused)
{
    struct world w;
    if (set_up(&w, "PasswordAuthentication no\nKbdInteractiveAuthentication no")) {
        char *text = NULL;
        ssh_key other = peer_key(SSH_KEYTYPE_ED25519, 0);
        CHECK_INT(ssh_pki_export_privkey_base64(other, NULL, NULL, NULL, &text), SSH_OK);
        w.to.key = bn_str(text);
        fails(&w.scene, &w.to, "auth_refused", "auth", "does not accept the key of this user");
        CHECK_STR(w.scene.end.methods, "publickey");
        w.to.key = BN_STR("");
        w.to.password = BN_STR("secret");
        fails(&w.scene, &w.to, "auth_refused", "auth",
                "the server takes only: publickey; a password was given");
        ssh_string_free_char(text);
        ssh_key_free(other);
    }
    tear_down(&w);
}

BN_TEST(a_goodbye_is_told_in_the_words_of_the_server)
{
    struct world w;
    if (set_up(&w, "MaxAuthTries 1")) {
        char *text = NULL;
        ssh_key other = peer_key(SSH_KEYTYPE_ED25519, 0);
        CHECK_INT(ssh_pki_export_privkey_base64(other, NULL, NULL, NULL, &text), SSH_OK);
        w.to.key = bn_str(text);
        fails(&w.scene, &w.to, "lost", "auth", "said goodbye while logging in: ");
        CHECK(strstr(w.scene.end.text, "Too many authentication failures"));
        ssh_string_free_char(text);
        ssh_key_free(other);
    }
    tear_down(&w);
}

BN_TEST(what_a_server_has_not_in_common_is_named)
{
    static const char *const settings[][2] = {
            {"KexAlgorithms diffie-hellman-group14-sha1",
                    "nothing in common for the kex algos; the server offers "
                    "diffie-hellman-group14-sha1"},
            {"Ciphers aes128-cbc",
                    "nothing in common for the encryption client->server; the server offers "
                    "aes128-cbc"}};
    struct world w;
    for (size_t i = 0; i < COUNT(settings); i++) {
        if (set_up(&w, settings[i][0]))
            fails(&w.scene, &w.to, "kex", "kex", settings[i][1]);
        tear_down(&w);
    }
}

/* --- input ----------------------------------------------------------------------------------- */

struct feeder {
    struct world *w;
    size_t left;
};

static void feed(struct feeder *feeder)
{
    static char bytes[20000];
    while (feeder->left > 0) {
        memset(bytes, 'a' + (int)(feeder->left % 26), sizeof bytes);
        const size_t len = BN_MIN(feeder->left, sizeof bytes);
        const size_t n = bn_ssh_send(feeder->w->scene.session, bytes, len);
        feeder->left -= n;
        if (n < len)
            return;
    }
    bn_ssh_send_end(feeder->w->scene.session);
}

static struct feeder feeder;

static void on_room(void *user)
{
    (void)user;
    feed(&feeder);
}

BN_TEST(input_goes_in_as_fast_as_it_is_taken_and_ends)
{
    static const struct bn_ssh_run_ops ops = {.output = on_output,
            .room = on_room,
            .done = on_done};
    struct world w;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        const struct bn_ssh_run count = {.command = "sleep 0.2; wc -c"};
        CHECK(bn_ssh_run(w.scene.session, &count, &ops, &w.scene, NULL));
        feeder = (struct feeder){&w, 3000000};
        feed(&feeder);
        CHECK_INT(feeder.left, 3000000 - BN_SSH_INPUT_WINDOW);
        WAIT_FOR(&w.scene, w.scene.done);
        said(&w.scene.out, "3000000\n");
        CHECK_INT(bn_ssh_send(w.scene.session, "x", 1), 0); /* nothing runs */
    }
    tear_down(&w);
}

static void stop_all(const struct peer *peer, int signo)
{
    CHECK_INT(kill(-peer->pid, signo), 0);
}

BN_TEST(a_server_that_takes_nothing_delays_nobody)
{
    static const struct peer_config config = {.password = "secret"};
    static char bytes[BN_SSH_INPUT_WINDOW];
    struct world w;
    struct peer other = {.pid = 0};
    if (set_up(&w, "")) {
        struct scene *scene = &w.scene;
        peer_start_libssh(&other, &config, scene->host_key);
        open_session(scene, &w.to);
        struct bn_ssh_session *stuck = scene->session;
        run_begin(scene, &(struct bn_ssh_run){.command = "sleep 30"});
        WAIT_FOR(scene, scene->started);
        stop_all(&w.peer, SIGSTOP);
        size_t sent = 0;
        /* Two megabytes are what OpenSSH takes by itself; the kernel has room for some of it. */
        for (int idle = 0; idle < 20; idle++) {
            const size_t n = bn_ssh_send(stuck, bytes, sizeof bytes);
            sent += n;
            if (n > 0)
                idle = 0;
            bn_loop_round(scene->loop, 10, NULL, NULL);
        }
        const struct bn_ssh_to to = to_port(scene, other.port);
        open_session(scene, &to);
        CHECK_INT(run(scene, "status 0")->status, 0);
        close_session(scene);
        bn_ssh_close(stuck);
        CHECK(sent > 60000);
        stop_all(&w.peer, SIGCONT);
        peer_stop(&other);
    }
    tear_down(&w);
}

/* --- output ---------------------------------------------------------------------------------- */

BN_TEST(output_of_64_mib_comes_whole)
{
    struct world w;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        w.scene.keeps_nothing = true;
        CHECK_INT(run(&w.scene, "head -c 67108864 /dev/zero")->status, 0);
        CHECK_INT(w.scene.out_bytes, 64 << 20);
    }
    tear_down(&w);
}

BN_TEST(a_paused_command_waits_and_then_goes_on)
{
    struct world w;
    struct bn_ssh_stats stats;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        w.scene.keeps_nothing = true;
        run_begin(&w.scene, &(struct bn_ssh_run){.command = "head -c 20000000 /dev/zero"});
        bn_ssh_pause(w.scene.session);
        WAIT_FOR(&w.scene, w.scene.out_bytes == BN_SSH_OUTPUT_WINDOW);
        for (int i = 0; i < 30; i++)
            bn_loop_round(w.scene.loop, 10, NULL, NULL);
        CHECK_INT(w.scene.out_bytes, BN_SSH_OUTPUT_WINDOW);
        CHECK(!w.scene.done);
        bn_ssh_get_stats(w.scene.ssh, &stats);
        CHECK_INT(stats.waiting_bytes, 0);
        bn_ssh_resume(w.scene.session);
        WAIT_FOR(&w.scene, w.scene.done);
        CHECK_INT(w.scene.out_bytes, 20000000);
        CHECK_INT(w.scene.result.status, 0);
    }
    tear_down(&w);
}

BN_TEST(a_paused_command_can_be_cancelled_and_the_session_runs_the_next)
{
    struct world w;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        w.scene.keeps_nothing = true;
        run_begin(&w.scene, &(struct bn_ssh_run){.command = "cat /dev/zero"});
        bn_ssh_pause(w.scene.session);
        WAIT_FOR(&w.scene, w.scene.out_bytes == BN_SSH_OUTPUT_WINDOW);
        bn_ssh_cancel(w.scene.session);
        WAIT_FOR(&w.scene, w.scene.done);
        CHECK_INT(w.scene.result.fault, BN_SSH_FAULT_CANCELLED);
        w.scene.keeps_nothing = false;
        CHECK_INT(run(&w.scene, "echo next")->status, 0);
        said(&w.scene.out, "next\n");
    }
    tear_down(&w);
}

BN_TEST(a_command_is_ended_at_its_limit_and_the_session_lives)
{
    struct world w;
    if (set_up(&w, "")) {
        open_session(&w.scene, &w.to);
        run_begin(&w.scene, &(struct bn_ssh_run){.command = "sleep 30", .limit_ms = 300});
        WAIT_FOR(&w.scene, w.scene.done);
        CHECK_INT(w.scene.result.fault, BN_SSH_FAULT_TIMEOUT);
        CHECK_INT(run(&w.scene, "true")->status, 0);
    }
    tear_down(&w);
}

/* --- terminals ------------------------------------------------------------------------------- */

static bool has(const struct scene *scene, const char *text)
{
    return scene->out.len > 0 && memmem(scene->out.p, scene->out.len, text, strlen(text));
}

BN_TEST(a_shell_has_a_terminal_of_the_size_it_is_given)
{
    struct world w;
    const bool has_sshd = set_up(&w, "");
    if (has_sshd && getuid() != 0) {
        print_message("only an sshd of root gives terminals: passed over\n");
    } else if (has_sshd) {
        open_session(&w.scene, &w.to);
        run_begin(&w.scene,
                &(struct bn_ssh_run){.command = "", .term = "vt100", .cols = 97, .rows = 31});
        WAIT_FOR(&w.scene, w.scene.started);
        const char ask[] = "PS1=; stty size; echo $TERM; tty >/dev/null && echo tty\n";
        CHECK_INT(bn_ssh_send(w.scene.session, ask, strlen(ask)), strlen(ask));
        WAIT_FOR(&w.scene, has(&w.scene, "31 97\r\n") && has(&w.scene, "vt100\r\n") &&
                                   has(&w.scene, "\ntty\r\n"));
        bn_ssh_resize(w.scene.session, 120, 50);
        const char again[] = "stty size; exit 3\n";
        CHECK_INT(bn_ssh_send(w.scene.session, again, strlen(again)), strlen(again));
        WAIT_FOR(&w.scene, w.scene.done);
        CHECK(has(&w.scene, "50 120\r\n"));
        CHECK_INT(w.scene.result.status, 3);
    }
    tear_down(&w);
}

BN_TEST(a_server_without_terminals_or_channels_says_so)
{
    struct world w;
    if (set_up(&w, "PermitTTY no")) {
        open_session(&w.scene, &w.to);
        run_begin(&w.scene,
                &(struct bn_ssh_run){.command = "true", .term = "vt100", .cols = 80, .rows = 24});
        WAIT_FOR(&w.scene, w.scene.done);
        CHECK_STR(bn_ssh_fault_word(w.scene.result.fault), "pty_refused");
        CHECK_INT(run(&w.scene, "true")->status, 0);
    }
    tear_down(&w);
    if (set_up(&w, "MaxSessions 0")) {
        open_session(&w.scene, &w.to);
        CHECK_STR(bn_ssh_fault_word(run(&w.scene, "true")->fault), "channel_refused");
    }
    tear_down(&w);
}

/* --- through another ------------------------------------------------------------------------- */

BN_TEST(a_session_goes_through_another_one)
{
    struct world w;
    struct scene *scene = &w.scene;
    if (set_up(&w, "")) {
        open_session(scene, &w.to);
        struct bn_ssh_session *jump = scene->session;
        struct bn_ssh_to to = w.to;
        to.via = jump;
        open_session(scene, &to);
        struct bn_ssh_session *far = scene->session;
        scene->keeps_nothing = true;
        CHECK_INT(run(scene, "head -c 10000000 /dev/zero")->status, 0);
        CHECK_INT(scene->out_bytes, 10000000);
        scene->keeps_nothing = false;
        scene->session = jump; /* and the one in between runs commands of its own */
        CHECK_INT(run(scene, "echo between")->status, 0);
        said(&scene->out, "between\n");
        scene->session = far;
        CHECK_INT(run(scene, "echo far")->status, 0);
        int closed;
        close(peer_listen(&closed));
        to.port = closed;
        fails(scene, &to, "channel_refused", "connect", "the jump host does not connect");
        scene->session = far;
        scene->ended = 0;
        bn_ssh_close(jump); /* and what goes through it ends */
        WAIT_FOR(scene, scene->ended);
        CHECK_STR(bn_ssh_fault_word(scene->end.fault), "lost");
    }
    tear_down(&w);
}

/* --- another one altogether ------------------------------------------------------------------ */

/* Its own kind of file, and the public half beside it. */
BN_TEST(dropbear_shows_its_key_and_runs_commands)
{
    struct world w;
    char line[1000];
    char pin[128];
    ssh_key public = NULL;
    set_up(&w, "");
    peer_stop(&w.peer);
    if (access("/usr/sbin/dropbear", X_OK) == 0) {
        unlink(w.files.host_key);
        make_dropbear_key(&w.files);
        CHECK_INT(ssh_pki_import_pubkey_file(w.files.config, &public), SSH_OK);
        peer_fingerprint(public, pin);
        ssh_key_free(public);
        start_dropbear(&w, line, sizeof line);
        w.to.host_key = "";
        fails(&w.scene, &w.to, "host_key_unknown", "kex", "compare");
        CHECK_STR(w.scene.end.host_key, pin);
        w.to.host_key = pin;
        if (may_unmount()) {
            open_session(&w.scene, &w.to);
            CHECK(strstr(w.scene.banner, "dropbear"));
            CHECK_INT(run(&w.scene, "echo out; echo err >&2; exit 5")->status, 5);
            said(&w.scene.out, "out\n");
            said(&w.scene.err, "err\n");
            w.scene.keeps_nothing = true;
            CHECK_INT(run(&w.scene, "head -c 5000000 /dev/zero")->status, 0);
            CHECK_INT(w.scene.out_bytes, 5000000);
        } else {
            print_message("no mount namespaces here: dropbear's login is passed over\n");
            fails(&w.scene, &w.to, "auth_refused", "auth", "does not accept the key of this user");
            CHECK_STR(w.scene.end.methods, "publickey");
        }
    } else {
        print_message("no dropbear here: passed over\n");
    }
    tear_down(&w);
}

BN_TEST_MAIN()
