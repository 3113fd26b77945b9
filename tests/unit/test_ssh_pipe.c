/* io/ssh with a runner that was taken over: the test is the forker, and the runner it forks. */
#include "ssh_rig.h"

struct hostile {
    struct scene scene;
    struct peer peer;
    struct bn_ssh_to to;
    int forker;  /* its end */
    int runner;  /* -1: none was asked for yet */
    uint32_t id; /* of the session it was given */
    bool is_killed;
};

/* What the server asked of the forker since. */
static void obey(struct hostile *h)
{
    char what;

    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&what, 1};
    struct msghdr msg = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control};
    while (recvmsg(h->forker, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1) {
        const struct cmsghdr *passed = CMSG_FIRSTHDR(&msg);
        h->is_killed = h->is_killed || what == 'K';
        if (what == 'F') {
            CHECK(passed);
            if (h->runner >= 0)
                close(h->runner);
            memcpy(&h->runner, CMSG_DATA(passed), sizeof h->runner);
        }
        msg.msg_controllen = sizeof control;
    }
}

/* The next message to the runner of that kind; descriptors beside it are closed by the kernel. */
static bool hear(struct hostile *h, enum bn_ssh_frame_kind kind, struct bn_ssh_frame *out)
{
    static char bytes[BN_SSH_FRAME_MAX];
    ssize_t n;
    while ((n = recv(h->runner, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        CHECK(bn_ssh_frame_decode(BN_SSH_TO_RUNNER, bytes, (size_t)n, out, NULL));
        if (out->kind == kind)
            return true;
    }
    return false;
}

static void say(struct hostile *h, const struct bn_ssh_frame *frame)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, BN_SSH_FRAME_MAX);
    bn_ssh_frame_encode(frame, &out);
    CHECK_INT(send(h->runner, out.p, out.len, MSG_NOSIGNAL), out.len);
}

/* A session is asked for, and given to the runner. */
static void set_up(struct hostile *h)
{
    static const struct peer_config config = {.password = "secret"};
    struct bn_ssh_frame frame;
    int pair[2];
    memset(h, 0, sizeof *h);
    start(&h->scene);
    CHECK(bn_ssh_forker_stop(&h->scene.forker));
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    h->scene.forker.fd = pair[0];
    h->forker = pair[1];
    h->runner = -1;
    peer_start_libssh(&h->peer, &config, h->scene.host_key);
    h->to = to_port(&h->scene, h->peer.port);
    begin(&h->scene, &h->to);
    obey(h);
    CHECK(h->runner >= 0);
    bool has_heard = false;
    WAIT_FOR(&h->scene, (has_heard = has_heard || hear(h, BN_SSH_OPEN, &frame)));
    CHECK(bn_str_is(frame.text[BN_SSH_OPEN_PASSWORD], "secret"));
    h->id = frame.session;
}

static void tear_down(struct hostile *h)
{
    close_session(&h->scene);
    if (h->runner >= 0)
        close(h->runner);
    close(h->forker);
    close(h->scene.forker.fd);
    h->scene.forker.fd = -1;
    peer_stop(&h->peer);
    stop(&h->scene);
}

BN_TEST(a_runner_that_says_what_it_must_not_is_ended)
{
    static const char *const words[] = {"", "\xff", "\1\1\0\0\0", "garbage of some length"};
    for (size_t i = 1; i < COUNT(words); i++) {
        struct hostile h;
        set_up(&h);
        CHECK(send(h.runner, words[i], strlen(words[i]), MSG_NOSIGNAL) > 0);
        check_end(&h.scene, "runner", "banner", "said what it must not");
        obey(&h);
        CHECK(h.is_killed);
        tear_down(&h);
    }
}

BN_TEST(a_runner_that_cannot_be_confined_serves_nobody)
{
    struct hostile h;
    struct bn_err err;
    set_up(&h);
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_HELLO,
                    .text = {BN_STR("the SSH runner could still connect")}});
    check_end(&h.scene, "runner", "banner", "could still connect");
    CHECK(!bn_ssh_open(h.scene.ssh, &h.to, &session_ops, &h.scene, &h.scene.session, &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK_STR(err.text, "SSH is off on this machine: the SSH runner could still connect");
    tear_down(&h);
}

BN_TEST(without_a_forker_nothing_is_opened)
{
    struct hostile h;
    struct bn_err err;
    set_up(&h);
    close(h.runner);
    h.runner = -1;
    check_end(&h.scene, "runner", "banner", "ended unexpectedly");
    shutdown(h.forker, SHUT_RDWR);
    CHECK(!bn_ssh_open(h.scene.ssh, &h.to, &session_ops, &h.scene, &h.scene.session, &err));
    CHECK_STR(err.text, "the process that starts SSH runners is gone; restart Binnacle");
    tear_down(&h);
}

BN_TEST(numbers_that_mean_nothing_and_sessions_that_are_not_there_are_passed_over)
{
    struct hostile h;
    struct scene *scene = &h.scene;
    set_up(&h);
    const uint32_t nobody = h.id + 1000;
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_OPENED, .session = nobody});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_PHASE, .session = h.id, .number = {4000000000}});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_STARTED, .session = h.id}); /* nothing runs */
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_GIVE, .session = h.id, .number = {UINT32_MAX}});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_DONE, .session = h.id});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_OUTPUT,
                    .session = h.id,
                    .number = {7},
                    .text = {BN_STR("x")}});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_OPENED, .session = h.id});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_OPENED, .session = h.id}); /* once is enough */
    WAIT_FOR(scene, scene->opened);
    run_begin(scene, &(struct bn_ssh_run){.command = "x"});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_GIVE, .session = h.id, .number = {UINT32_MAX}});
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_STARTED, .session = h.id});
    WAIT_FOR(scene, scene->started);
    static char bytes[3 * BN_SSH_INPUT_WINDOW];
    CHECK_INT(bn_ssh_send(scene->session, bytes, sizeof bytes), BN_SSH_INPUT_WINDOW);
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_ENDED, .session = h.id, .number = {77, 99}});
    WAIT_FOR(scene, scene->ended);
    CHECK_INT(scene->opened, 1);
    CHECK_INT(scene->done, 1);
    CHECK_INT(scene->end.fault, BN_SSH_FAULT_RUNNER);
    CHECK_INT(scene->out_bytes, 0);
    tear_down(&h);
}

BN_TEST(words_of_strangers_lose_what_is_no_text)
{
    struct hostile h;
    set_up(&h);
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_ENDED,
                    .session = h.id,
                    .number = {0, BN_SSH_PHASE_KEX},
                    .text = {BN_STR("a\033[31m\r\nb\xff\xe2\x80\xae"
                                    "c\xc3\xa9"),
                            BN_STR("t\n"), BN_STR("k"), BN_STR("m\x7f")}});
    check_end(&h.scene, "lost", "kex", "a?[31m??b??c\xc3\xa9");
    CHECK_STR(h.scene.end.host_key_type, "t?");
    CHECK_STR(h.scene.end.methods, "m?");
    tear_down(&h);
}

BN_TEST(what_a_runner_does_not_take_waits_and_is_bounded_by_the_window)
{
    static char bytes[BN_SSH_INPUT_WINDOW];
    struct hostile h;
    struct scene *scene = &h.scene;
    struct bn_ssh_stats stats;
    struct bn_ssh_frame frame;
    size_t got = 0;
    set_up(&h);
    const int little = 4096;
    say(&h, &(struct bn_ssh_frame){.kind = BN_SSH_OPENED, .session = h.id});
    WAIT_FOR(scene, scene->opened);
    CHECK_INT(setsockopt(scene->forker.fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
    run_begin(scene, &(struct bn_ssh_run){.command = "x"});
    /* A resize is sent whenever a person drags a window: the kernel has room for some. */
    for (int i = 0; i < 2000; i++)
        bn_ssh_resize(scene->session, 80, 24);
    CHECK_INT(bn_ssh_send(scene->session, bytes, sizeof bytes), sizeof bytes);
    CHECK_INT(bn_ssh_send(scene->session, bytes, sizeof bytes), 0);
    bn_ssh_get_stats(scene->ssh, &stats);
    CHECK(stats.waiting_bytes > 0 && stats.waiting_bytes < 2 * BN_SSH_INPUT_WINDOW);
    while (got < sizeof bytes) {
        if (hear(&h, BN_SSH_INPUT, &frame))
            got += frame.text[0].len;
        else
            bn_loop_round(scene->loop, 1, NULL, NULL);
    }
    CHECK_INT(got, sizeof bytes);
    bn_ssh_get_stats(scene->ssh, &stats);
    CHECK_INT(stats.waiting_bytes, 0);
    tear_down(&h);
}

BN_TEST(a_question_that_is_no_password_is_not_answered)
{
    static const struct peer_config config = {.answer = "secret", .question = "One-time code: "};
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    peer_start_libssh(&peer, &config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    fails(&scene, &to, "auth_refused", "auth", "asks more than a password: \"One-time code: \"");
    CHECK_INT(peer.seen->passwords, 0);
    peer_stop(&peer);
    stop(&scene);
}

BN_TEST_MAIN()
