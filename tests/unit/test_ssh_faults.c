/* io/ssh with OpenSSH's and Dropbear's servers behind a proxy that stops, breaks or loses the
   connection in each phase (SECURITY A23): each ends within its limit and two seconds, and both
   processes are as they were before. Where a server is not installed that is said. */
#include "ssh_world.h"

#define LIMIT_MS 900
#define LATE_MS  2000
#define PACE_MS  40 /* of the proxy: so long each piece waits, so that a phase is heard of first */

enum wire_fault {
    WIRE_WHOLE,
    WIRE_HELD, /* a black hole: nothing passes any more, either way */
    WIRE_HALF, /* half open: the server is gone, and nobody told the client */
    WIRE_RESET,
};

struct wire {
    volatile enum wire_fault fault; /* what happens from now on */
    volatile int far_port;
    volatile int connections;
};

static struct wire *wire;

/* --- the proxy ------------------------------------------------------------------------------- */

static _Noreturn void break_it(int near, int far)
{
    const struct linger now = {.l_onoff = 1};
    if (wire->fault != WIRE_HELD)
        close(far);
    if (wire->fault == WIRE_RESET) {
        setsockopt(near, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(near);
        _exit(0);
    }
    for (;;)
        pause();
}

/* False: that side has ended. */
static bool pass(int from, int to)
{
    char piece[65536];
    const ssize_t len = read(from, piece, sizeof piece);
    if (len <= 0)
        return false;
    for (ssize_t at = 0; at < len;) {
        const ssize_t n = write(to, piece + at, (size_t)(len - at));
        if (n <= 0)
            return false;
        at += n;
    }
    return true;
}

static void serve(int near, void *with)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            .sin_port = htons((uint16_t)wire->far_port)};
    const int far = socket(AF_INET, SOCK_STREAM, 0);
    (void)with;
    __atomic_add_fetch(&wire->connections, 1, __ATOMIC_SEQ_CST);
    if (connect(far, (struct sockaddr *)&at, sizeof at) != 0)
        _exit(1);
    for (;;) {
        struct pollfd fds[2] = {{.fd = near, .events = POLLIN}, {.fd = far, .events = POLLIN}};
        const int ready = poll(fds, 2, 5);
        if (ready > 0)
            poll(NULL, 0, PACE_MS);
        if (wire->fault != WIRE_WHOLE)
            break_it(near, far);
        if ((fds[0].revents && !pass(near, far)) || (fds[1].revents && !pass(far, near)))
            _exit(0);
    }
}

/* --- the scene ------------------------------------------------------------------------------- */

struct servers {
    struct world world;
    struct peer proxy;
    enum bn_ssh_phase phase; /* at which it breaks */
    enum wire_fault fault;
    int64_t broken_ms;
};

static struct servers *breaking;

static int64_t mono_ms(void)
{
    return bn_clock_mono_ns() / 1000000;
}

static void hear_phase(void *user, enum bn_ssh_phase phase)
{
    on_phase(user, phase);
    if (breaking && phase == breaking->phase) {
        breaking->broken_ms = mono_ms();
        wire->fault = breaking->fault;
    }
}

static void hear_started(void *user)
{
    on_started(user);
    hear_phase(user, BN_SSH_PHASE_RUN);
}

static const struct bn_ssh_ops heard = {.phase = hear_phase,
        .opened = on_opened,
        .ended = on_ended};
static const struct bn_ssh_run_ops run_heard = {.started = hear_started,
        .output = on_output,
        .done = on_done};

static bool use_dropbear(struct world *w)
{
    char pin[128];
    static char line[1000];
    static char kept[128];
    ssh_key public = NULL;
    if (access("/usr/sbin/dropbear", X_OK) != 0 || !may_unmount()) {
        print_message("no dropbear or no mount namespaces here: passed over\n");
        return false;
    }
    peer_stop(&w->peer);
    unlink(w->files.host_key);
    make_dropbear_key(&w->files);
    CHECK_INT(ssh_pki_import_pubkey_file(w->files.config, &public), SSH_OK);
    peer_fingerprint(public, pin);
    ssh_key_free(public);
    snprintf(kept, sizeof kept, "%s", pin);
    start_dropbear(w, line, sizeof line);
    w->to.host_key = kept;
    return true;
}

static bool begin_servers(struct servers *s, bool is_dropbear)
{
    memset(s, 0, sizeof *s);
    breaking = NULL;
    wire = mmap(NULL, sizeof *wire, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(wire != MAP_FAILED);
    const bool is_there = set_up(&s->world, "") && (!is_dropbear || use_dropbear(&s->world));
    wire->far_port = s->world.peer.port;
    if (is_there)
        peer_start(&s->proxy, serve, NULL);
    s->world.to.kex_ms = s->world.to.auth_ms = s->world.to.channel_ms = LIMIT_MS;
    return is_there;
}

static void end_servers(struct servers *s)
{
    peer_stop(&s->proxy);
    tear_down(&s->world);
    munmap(wire, sizeof *wire);
    breaking = NULL;
}

static int count_in(pid_t pid, const char *folder)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, folder);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

struct baseline {
    pid_t runner;
    int fds, runner_fds, threads, runner_threads;
};

static struct baseline take_baseline(const struct servers *s)
{
    struct bn_ssh_stats stats;
    bn_ssh_get_stats(s->world.scene.ssh, &stats);
    const pid_t pid = stats.runner_pid;
    return (struct baseline){.runner = pid,
            .fds = count_fds(),
            .runner_fds = count_in(pid, "fd"),
            .threads = count_in(getpid(), "task"),
            .runner_threads = count_in(pid, "task")};
}

static bool is_like(const struct servers *s, const struct baseline *was)
{
    const struct baseline now = take_baseline(s);
    return now.runner == was->runner && now.fds <= was->fds && now.runner_fds <= was->runner_fds &&
           now.threads <= was->threads && now.runner_threads <= was->runner_threads;
}

static void open_through(struct servers *s)
{
    struct scene *scene = &s->world.scene;
    struct bn_err err;
    wire->fault = WIRE_WHOLE;
    scene->opened = scene->ended = scene->done = scene->started = 0;
    memset(&scene->end, 0, sizeof scene->end);
    s->world.to.port = s->proxy.port;
    if (!bn_ssh_open(scene->ssh, &s->world.to, &heard, scene, &scene->session, &err))
        fail_msg("%s", err.text);
    WAIT_FOR(scene, scene->opened || scene->ended);
}

/* --- the matrix ------------------------------------------------------------------------------ */

/* False: the machine was so slow that it was over before it could be broken, which says nothing. */
static bool check_broken(struct servers *s)
{
    struct scene *scene = &s->world.scene;
    struct bn_err err;
    const bool is_reset = s->fault == WIRE_RESET;
    s->broken_ms = 0;
    breaking = s;
    open_through(s);
    if (scene->opened && !scene->ended) {
        const struct bn_ssh_run what = {.command = "sleep 60", .limit_ms = LIMIT_MS};
        if (!bn_ssh_run(scene->session, &what, &run_heard, scene, &err))
            fail_msg("%s", err.text);
        if (s->phase == BN_SSH_PHASE_CHANNEL)
            hear_phase(scene, BN_SSH_PHASE_CHANNEL);
        WAIT_FOR(scene, scene->done || scene->ended);
    }
    const int64_t took_ms = mono_ms() - s->broken_ms;
    const enum bn_ssh_fault fault = scene->ended ? scene->end.fault : scene->result.fault;
    const char *text = scene->ended ? scene->end.text : scene->result.text;
    breaking = NULL;
    if (s->broken_ms == 0) {
        if (scene->session)
            close_session(scene);
        return false;
    }
    if (took_ms > LIMIT_MS + LATE_MS)
        fail_msg("broken in %s it took %lld ms", bn_ssh_phase_word(s->phase), (long long)took_ms);
    CHECK_STR(bn_ssh_fault_word(fault), is_reset ? "lost" : "timeout");
    CHECK(text[0] != '\0');
    CHECK(!scene->ended || scene->end.phase >= s->phase);
    if (scene->session)
        close_session(scene);
    return true;
}

static void check_matrix(bool is_dropbear)
{
    static const enum bn_ssh_phase phases[] = {BN_SSH_PHASE_KEX, BN_SSH_PHASE_AUTH,
            BN_SSH_PHASE_CHANNEL, BN_SSH_PHASE_RUN};
    struct servers s;
    if (begin_servers(&s, is_dropbear)) {
        struct scene *scene = &s.world.scene;
        open_through(&s); /* once as it should be */
        CHECK_INT(scene->opened, 1);
        CHECK_INT(run(scene, "exit 3")->status, 3);
        close_session(scene);
        bn_loop_round(scene->loop, 50, NULL, NULL);
        const struct baseline was = take_baseline(&s);
        for (size_t i = 0; i < COUNT(phases); i++)
            for (s.fault = WIRE_HELD; s.fault <= WIRE_RESET; s.fault++) {
                s.phase = phases[i];
                int tries = 1;
                while (!check_broken(&s) && tries < 10)
                    tries++;
                CHECK(tries < 10);
                WAIT_FOR(scene, is_like(&s, &was));
            }
        open_through(&s); /* and afterwards */
        CHECK_INT(run(scene, "exit 4")->status, 4);
    }
    end_servers(&s);
}

BN_TEST(openssh_behind_a_wire_that_fails_in_any_phase_is_left_in_time)
{
    check_matrix(false);
}

BN_TEST(dropbear_behind_a_wire_that_fails_in_any_phase_is_left_in_time)
{
    check_matrix(true);
}

/* A listener whose queue is full takes no connection and says nothing. */
BN_TEST(a_machine_that_takes_no_connection_is_left_in_time)
{
    struct servers s;
    int port = 0;
    int waiting[4];
    if (begin_servers(&s, false)) {
        struct scene *scene = &s.world.scene;
        const int listener = peer_listen(&port);
        CHECK_INT(listen(listener, 0), 0);
        struct sockaddr_in at = {.sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons((uint16_t)port)};
        for (size_t i = 0; i < COUNT(waiting); i++) {
            waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            (void)!connect(waiting[i], (struct sockaddr *)&at, sizeof at);
        }
        s.world.to.port = port;
        s.world.to.connect_ms = LIMIT_MS;
        const int64_t begun_ms = mono_ms();
        fails(scene, &s.world.to, "timeout", "connect", "connect");
        CHECK(mono_ms() - begun_ms <= LIMIT_MS + LATE_MS);
        for (size_t i = 0; i < COUNT(waiting); i++)
            close(waiting[i]);
        close(listener);
    }
    end_servers(&s);
}

BN_TEST(dropbear_tells_a_signal_and_sixty_four_mebibytes_come_whole)
{
    struct servers s;
    if (begin_servers(&s, true)) {
        struct scene *scene = &s.world.scene;
        s.world.to.kex_ms = s.world.to.auth_ms = 0;
        open_session(scene, &s.world.to);
        const struct bn_ssh_result *result = run(scene, "kill -9 $$");
        CHECK(!result->has_status);
        CHECK_STR(result->signal, "KILL");
        scene->keeps_nothing = true;
        CHECK_INT(run(scene, "head -c 67108864 /dev/zero")->status, 0);
        CHECK_INT(scene->out_bytes, 64 << 20);
    }
    end_servers(&s);
}

BN_TEST(a_server_that_is_killed_while_its_command_runs_is_lost_and_says_no_status)
{
    struct servers s;
    if (begin_servers(&s, false)) {
        struct scene *scene = &s.world.scene;
        open_session(scene, &s.world.to);
        run_begin(scene, &(struct bn_ssh_run){.command = "echo it runs; exec sleep 60"});
        WAIT_FOR(scene, scene->out_bytes > 0);
        peer_stop(&s.world.peer); /* its processes with it */
        WAIT_FOR(scene, scene->ended);
        CHECK_STR(bn_ssh_fault_word(scene->end.fault), "lost");
        CHECK_INT(scene->done, 1);
        CHECK(!scene->result.has_status);
    }
    end_servers(&s);
}

BN_TEST_MAIN()
