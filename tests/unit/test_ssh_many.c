/* io/ssh under load: what many sessions and much output take. Memory is judged where no sanitizer
   keeps what was freed. */
#include "base/secret.h"

#include "io/ssh_confine.h"
#include "ssh_rig.h"

#define MANY      200 /* SECURITY T02, issue of operations: 150 MB at most */
#define MANY_MAX  (150 << 10)
#define GROWS_MAX (8 << 10)

struct one {
    struct bn_ssh_session *session;
    struct bn_buf said;
    bool is_done;
    uint32_t status;
};

static struct one all[MANY];
static int opened, done, ended;

static void one_output(void *user, enum bn_ssh_output from, const char *p, size_t len)
{
    struct one *one = user;
    (void)from;
    bn_buf_put(&one->said, p, len);
}

static void one_done(void *user, const struct bn_ssh_result *result)
{
    struct one *one = user;
    one->status = result->status;
    one->is_done = true;
    done++;
}

static void one_opened(void *user, const struct bn_ssh_peer *peer)
{
    static const struct bn_ssh_run_ops ops = {.output = one_output, .done = one_done};
    struct one *one = user;
    (void)peer;
    opened++;
    CHECK(bn_ssh_run(one->session, &(struct bn_ssh_run){.command = "read line; echo \"got $line\""},
            &ops, one, NULL));
}

static void one_ended(void *user, const struct bn_ssh_end *end)
{
    (void)user;
    print_message("%s: %s\n", bn_ssh_fault_word(end->fault), end->text);
    ended++;
}

static long resident_kb(pid_t pid)
{
    char path[64];
    char line[200];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kb;
}

static pid_t runner(struct scene *scene)
{
    struct bn_ssh_stats stats;
    do {
        bn_loop_round(scene->loop, 1, NULL, NULL);
        bn_ssh_get_stats(scene->ssh, &stats);
    } while (stats.runner_pid == 0);
    return stats.runner_pid;
}

struct world {
    struct scene scene;
    struct peer peer;
    struct peer_files files;
    char *key_text;
    struct bn_ssh_to to;
};

static bool set_up(struct world *w)
{
    memset(w, 0, sizeof *w);
    start(&w->scene);
    ssh_key key = peer_key(SSH_KEYTYPE_ED25519, 0);
    peer_make_files(&w->files, w->scene.host_key, key);
    CHECK_INT(ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &w->key_text), SSH_OK);
    ssh_key_free(key);
    if (!peer_start_sshd(&w->peer, &w->files, "")) {
        print_message("no sshd here: passed over\n");
        return false;
    }
    w->to = to_port(&w->scene, w->peer.port);
    w->to.user = peer_user();
    w->to.password = BN_STR("");
    w->to.key = bn_str(w->key_text);
    return true;
}

static void tear_down(struct world *w)
{
    peer_stop(&w->peer);
    ssh_string_free_char(w->key_text);
    remove_tree(w->files.dir);
    stop(&w->scene);
}

BN_TEST(two_hundred_sessions_at_once_stay_small_and_each_hears_its_own)
{
    static const struct bn_ssh_ops ops = {.opened = one_opened, .ended = one_ended};
    struct world w;
    if (set_up(&w)) {
        w.to.kex_ms = w.to.auth_ms = w.to.channel_ms = 60000; /* 200 sshd on a few cores */
        for (int i = 0; i < MANY; i++) {
            bn_buf_init(&all[i].said, 1000);
            CHECK(bn_ssh_open(w.scene.ssh, &w.to, &ops, &all[i], &all[i].session, NULL));
        }
        WAIT_FOR(&w.scene, opened + ended == MANY);
        CHECK_INT(ended, 0);
        const long kb = resident_kb(getpid()) + resident_kb(runner(&w.scene));
        if (!BN_SSH_SANITIZED && kb > MANY_MAX)
            fail_msg("both processes have %ld KB", kb);
        for (int i = 0; i < MANY; i++) {
            char line[20];
            const int len = snprintf(line, sizeof line, "line %d\n", i);
            CHECK_INT(bn_ssh_send(all[i].session, line, (size_t)len), len);
        }
        WAIT_FOR(&w.scene, done == MANY || ended > 0);
        CHECK_INT(ended, 0);
        for (int i = 0; i < MANY; i++) {
            char want[20];
            snprintf(want, sizeof want, "got line %d\n", i);
            said(&all[i].said, want);
            CHECK_INT(all[i].status, 0);
            bn_ssh_close(all[i].session);
            bn_buf_finish(&all[i].said);
        }
    }
    tear_down(&w);
}

BN_TEST(fifty_megabytes_of_output_make_neither_process_grow)
{
    struct world w;
    struct scene *scene = &w.scene;
    if (set_up(&w)) {
        open_session(scene, &w.to);
        CHECK_INT(run(scene, "true")->status, 0);
        scene->keeps_nothing = true;
        const pid_t pid = runner(scene);
        const long ours_kb = resident_kb(getpid());
        const long runners_kb = resident_kb(pid);
        long most_kb = 0;
        long runners_most_kb = 0;
        run_begin(scene, &(struct bn_ssh_run){.command = "head -c 50000000 /dev/zero"});
        for (int i = 0; !scene->done; i++) {
            bn_loop_round(scene->loop, 10, NULL, NULL);
            if (i % 16 == 0 && i < 4000) { /* a reader that stops now and then */
                bn_ssh_pause(scene->session);
                bn_loop_round(scene->loop, 1, NULL, NULL);
                bn_ssh_resume(scene->session);
                most_kb = BN_MAX(most_kb, resident_kb(getpid()));
                runners_most_kb = BN_MAX(runners_most_kb, resident_kb(pid));
            }
        }
        CHECK_INT(scene->out_bytes, 50000000);
        if (!BN_SSH_SANITIZED &&
                (most_kb - ours_kb > GROWS_MAX || runners_most_kb - runners_kb > GROWS_MAX))
            fail_msg("grew by %ld and %ld KB", most_kb - ours_kb, runners_most_kb - runners_kb);
        close_session(scene);
    }
    tear_down(&w);
}

/* --- what is left behind --------------------------------------------------------------------- */

/* How often the bytes stand in what a process may write. -1: we may not look. */
static int count_in_memory(pid_t pid, const char *what, size_t len)
{
    static char piece[1 << 20];
    char path[64];
    char line[400];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    const int mem = open(path, O_RDONLY | O_CLOEXEC);
    while (maps && mem >= 0 && fgets(line, sizeof line, maps)) {
        unsigned long from;
        unsigned long to;
        char mode;
        if (sscanf(line, "%lx-%lx %*c%c", &from, &to, &mode) != 3 || mode != 'w') /* NOLINT */
            continue;
        for (unsigned long at = from; at < to; at += sizeof piece - len) {
            const ssize_t n = pread(mem, piece, BN_MIN(sizeof piece, to - at), (off_t)at);
            const char *found = piece;
            while (n > 0 && (found = memmem(found, (size_t)(piece + n - found), what, len))) {
                count++;
                found += len;
            }
        }
    }
    if (maps)
        fclose(maps);
    if (mem < 0)
        return -1;
    close(mem);
    return count;
}

BN_TEST(a_password_is_nowhere_in_the_runner_once_it_was_used)
{
    static struct peer_config config;
    static char password[33];
    struct scene scene;
    struct peer peer = {.pid = 0};
    start(&scene);
    bn_random_code(password,
            sizeof password - 1); /* after the forker, which has a copy of all before */
    config = (struct peer_config){.password = password};
    peer_start_libssh(&peer, &config, scene.host_key);
    struct bn_ssh_to to = to_port(&scene, peer.port);
    to.password = bn_str(password);
    open_session(&scene, &to);
    /* A sanitizer's own memory has terabytes. */
    const int there = BN_SSH_SANITIZED
                              ? -1
                              : count_in_memory(runner(&scene), password, sizeof password - 1);
    if (there < 0) {
        print_message("the memory of others is not to be seen here: passed over\n");
    } else {
        CHECK_INT(there, 0);
        CHECK_INT(count_in_memory(getpid(), password, sizeof password - 1), 1); /* the test's own */
    }
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
}

static long status_of(pid_t pid, const char *name)
{
    char path[64];
    char line[200];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* Its descriptors beyond sockets, epoll and /dev/null. -1: we may not look. */
static int strange_fds(pid_t pid)
{
    char path[300];
    char to[200];
    int count = 0;
    struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
        const ssize_t len = readlink(path, to, sizeof to - 1);
        if (len < 0)
            continue;
        to[len] = 0;
        const bool is_error = BN_SSH_SANITIZED && strcmp(entry->d_name, "2") == 0;
        if (!is_error && strcmp(to, "/dev/null") != 0 && strncmp(to, "socket:", 7) != 0 &&
                strcmp(to, "anon_inode:[eventpoll]") != 0) {
            print_message("%s is %s\n", entry->d_name, to);
            count++;
        }
    }
    if (dir)
        closedir(dir);
    return dir ? count : -1;
}

BN_TEST(the_runner_has_sockets_and_nothing_else)
{
    static const struct peer_config config = {.password = "secret"};
    struct scene scene;
    struct peer peer = {.pid = 0};
    const int file = open("/etc/hostname", O_RDONLY); /* which a child would inherit */
    start(&scene);
    peer_start_libssh(&peer, &config, scene.host_key);
    const struct bn_ssh_to to = to_port(&scene, peer.port);
    open_session(&scene, &to);
    const pid_t pid = runner(&scene);
    CHECK(strange_fds(pid) <= 0);
    CHECK_INT(status_of(pid, "NoNewPrivs:"), 1);
#ifndef BN_COVERAGE
    CHECK_INT(status_of(pid, "Seccomp:"), 2);
#endif
    CHECK(BN_SSH_SANITIZED || status_of(pid, "Threads:") == 1); /* ThreadSanitizer has one itself */
    close_session(&scene);
    peer_stop(&peer);
    stop(&scene);
    close(file);
}

BN_TEST_MAIN()
