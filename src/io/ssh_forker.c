#include "io/ssh_forker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/ssh_confine.h"
#include "io/ssh_runner.h"

#define OWN_FD      3
#define FAR_FD      64
#define LESS_URGENT 5    /* than the server: 200 key exchanges at once delay nobody's page */
#define ENDS_MS     1000 /* a runner whose socket was closed may take so long to end */

/* To the forker one byte, a fork with the socket beside it; from it this. */
enum { DO_FORK = 'F', DO_KILL = 'K', BEGAN = 'B', ENDED = 'E' };

struct note {
    int what;
    pid_t pid;
    int status;
};

/* --- inside the forker ----------------------------------------------------------------------- */

static pid_t child;
static int child_status;

static void on_child(int signo)
{
    (void)signo; /* that it ends the wait is the whole effect */
}

static void tell(int what, int status)
{
    const struct note note = {what, child, status};
    (void)!send(OWN_FD, &note, sizeof note, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void reap(int options)
{
    if (child == 0 || waitpid(child, &child_status, options) != child)
        return;
    tell(ENDED, child_status);
    child = 0;
}

static void end_child(void)
{
    if (child == 0)
        return;
    kill(child, SIGKILL);
    reap(0);
}

/* The socket becomes the only descriptor but the standard ones, which lead nowhere. */
static void keep_only(int fd)
{
    dup2(fd, OWN_FD);
    if (close_range(OWN_FD + 1, ~0U, 0) != 0) { /* before Linux 5.9, or where it is filtered */
        const int end = (int)sysconf(_SC_OPEN_MAX);
        for (int other = OWN_FD + 1; other < end; other++)
            close(other);
    }
    fcntl(OWN_FD, F_SETFD, FD_CLOEXEC);
}

static void fork_runner(int fd)
{
    sigset_t all;
    struct bn_err err;
    end_child();
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "ssh-runner");
        (void)!nice(LESS_URGENT);
        keep_only(fd);
        sigemptyset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        const bool is_safe = bn_ssh_confine(BN_SSH_RUNNER, &err);
        bn_ssh_runner_end(bn_ssh_runner_main(OWN_FD, is_safe ? "" : err.text));
    }
    close(fd);
    if (child < 0)
        child = 0;
    else
        tell(BEGAN, 0);
}

/* False: whoever started us is gone. */
static bool obey(void)
{
    char what = 0;

    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&what, 1};
    struct msghdr msg = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control};
    const ssize_t n = recvmsg(OWN_FD, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    const struct cmsghdr *passed = CMSG_FIRSTHDR(&msg);
    /* libuv closes the descriptors its pipe had before, in whoever is forked (pthread_atfork): out
       of their way. */
    if (n == 1 && what == DO_FORK && passed && passed->cmsg_type == SCM_RIGHTS) {
        int fd;
        memcpy(&fd, CMSG_DATA(passed), sizeof fd);
        const int far = fcntl(fd, F_DUPFD_CLOEXEC, FAR_FD);
        close(fd);
        fork_runner(far);
    } else if (n == 1 && what == DO_KILL) {
        end_child();
    }
    return n > 0;
}

static int serve(void)
{
    sigset_t none;
    sigset_t blocked;
    struct pollfd own = {.fd = OWN_FD, .events = POLLIN};
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    do {
        ppoll(&own, 1, NULL, &none);
        reap(WNOHANG);
    } while (obey());
    const struct timespec wait = {ENDS_MS / 1000, 0};
    if (child > 0)
        ppoll(NULL, 0, &wait, &none);
    reap(WNOHANG);
    const bool hangs = child > 0;
    end_child();
    return hangs ? 1 : WIFEXITED(child_status) ? WEXITSTATUS(child_status) : 0;
}

/* Nothing of the program that started us is needed, so nothing is kept. */
static void forget(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int signo = 1; signo < NSIG; signo++) /* handlers of the program that started us */
        (void)signal(signo, SIG_DFL);
    for (size_t i = 0; i < COUNT(ignored); i++) /* it ends with its socket, not with a group */
        signal(ignored[i], SIG_IGN);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    if (!BN_SSH_SANITIZED) /* whose findings must be seen */
        dup2(nowhere, STDERR_FILENO);
    setsid();
    (void)!chdir("/");
    for (char **variable = environ; variable && *variable; variable++)
        explicit_bzero(*variable, strlen(*variable));
    clearenv();
}

static _Noreturn void live(int fd, pid_t parent)
{
    struct bn_err err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "ssh-forker");
    if (getppid() != parent)
        _exit(1);
    forget();
    keep_only(fd);
    bn_ssh_runner_prepare();
    /* One that cannot be confined still forks runners: those say why they do nothing. */
    (void)!bn_ssh_confine(BN_SSH_FORKER, &err);
    bn_ssh_runner_end(serve());
}

/* --- the server's side ----------------------------------------------------------------------- */

bool bn_ssh_forker_start(struct bn_ssh_forker *forker, struct bn_err *err)
{
    int pair[2];
    const pid_t parent = getpid();
    *forker = (struct bn_ssh_forker){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return bn_fail(err, BN_E_INTERNAL, "a socket pair for SSH: %s", strerror(errno));
    fflush(NULL);
    forker->pid = fork();
    if (forker->pid == 0)
        live(pair[1], parent);
    close(pair[1]);
    if (forker->pid < 0) {
        close(pair[0]);
        forker->pid = 0;
        return bn_fail(err, BN_E_INTERNAL, "a process for SSH: %s", strerror(errno));
    }
    forker->fd = pair[0];
    return true;
}

bool bn_ssh_forker_stop(struct bn_ssh_forker *forker)
{
    int status = 0;
    if (forker->pid <= 0)
        return true;
    close(forker->fd);
    for (int waited_ms = 0; waitpid(forker->pid, &status, WNOHANG) == 0; waited_ms++) {
        if (waited_ms == 2 * ENDS_MS)
            kill(forker->pid, SIGKILL);
        poll(NULL, 0, 1);
    }
    *forker = (struct bn_ssh_forker){.fd = -1};
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool bn_ssh_forker_fork(struct bn_ssh_forker *forker, int fd, struct bn_err *err)
{
    char what = DO_FORK;

    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct iovec iov = {&what, 1};
    struct msghdr msg = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control};
    struct cmsghdr *passed = CMSG_FIRSTHDR(&msg);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(passed), &fd, sizeof fd);
    bn_ssh_forker_look(forker);
    forker->runner = 0;
    if (forker->fd >= 0 && sendmsg(forker->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        return true;
    return bn_fail(err, BN_E_UNAVAILABLE,
            "the process that starts SSH runners is gone; restart Binnacle");
}

void bn_ssh_forker_kill(struct bn_ssh_forker *forker)
{
    const char what = DO_KILL;
    (void)!send(forker->fd, &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void bn_ssh_forker_look(struct bn_ssh_forker *forker)
{
    struct note note;
    while (recv(forker->fd, &note, sizeof note, MSG_DONTWAIT) == sizeof note) {
        forker->runner = note.what == BEGAN ? note.pid : 0;
        if (note.what == ENDED) {
            forker->runner_status = note.status;
            forker->has_status = true;
        }
    }
}
