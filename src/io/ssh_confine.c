#include "io/ssh_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define FILES_MAX  1024         /* three for each session, and a few */
#define MEMORY_MAX (512L << 20) /* three times what 200 sessions may have together */
#define RULES_MAX  256

struct program {
    struct sock_filter rules[RULES_MAX];
    unsigned short count;
};

/* --- limits ---------------------------------------------------------------------------------- */

static void limit(int resource, rlim_t value)
{
    struct rlimit old;
    if (getrlimit(resource, &old) == 0)
        value = BN_MIN(value, old.rlim_max);
    setrlimit(resource, &(struct rlimit){value, value});
}

static void set_limits(void)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, FILES_MAX);
#if !BN_SSH_SANITIZED && !defined BN_COVERAGE
    limit(RLIMIT_DATA, MEMORY_MAX);
    limit(RLIMIT_FSIZE, 0);
#endif
}

/* --- the filter ------------------------------------------------------------------------------ */

#if defined ARCH && !defined BN_COVERAGE

static void rule(struct program *program, struct sock_filter one)
{
    if (program->count < RULES_MAX)
        program->rules[program->count++] = one;
}

static void answer(struct program *program, uint32_t action)
{
    rule(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

static void begin(struct program *program)
{
    rule(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                          offsetof(struct seccomp_data, arch)));
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    answer(program, SECCOMP_RET_KILL_PROCESS);
    rule(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                          offsetof(struct seccomp_data, nr)));
}

static void judge(struct program *program, long nr, uint32_t action)
{
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1));
    answer(program, action);
}

#if BN_SSH_SANITIZED

static void fill(struct program *program, enum bn_ssh_role role)
{
    static const long reaching_out[] = {SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept4,
            SYS_execve, SYS_execveat, SYS_unlinkat, SYS_renameat2, SYS_bpf, SYS_mount};
    (void)role;
    for (size_t i = 0; i < COUNT(reaching_out); i++)
        judge(program, reaching_out[i], REFUSED);
    answer(program, SECCOMP_RET_ALLOW);
}

#else

/* Refused when the bits are set in the low half of an argument. */
static void judge_bits(struct program *program, long nr, int argument, uint32_t bits)
{
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4));
    rule(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                          offsetof(struct seccomp_data, args) + 8 * (size_t)argument));
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0));
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, REFUSED);
}

/* Allowed only when an argument has this value. */
static void judge_value(struct program *program, long nr, int argument, uint32_t value)
{
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4));
    rule(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                          offsetof(struct seccomp_data, args) + 8 * (size_t)argument));
    rule(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, REFUSED);
}

/* Sockets it was given, memory, time, chance, and its end. */
static const long runner_calls[] = {
        SYS_read,
        SYS_write,
        SYS_readv,
        SYS_writev,
        SYS_recvfrom,
        SYS_sendto,
        SYS_recvmsg,
        SYS_sendmsg,
        SYS_close,
        SYS_dup,
        SYS_fcntl,
        SYS_shutdown,
        SYS_getsockopt,
        SYS_setsockopt,
        SYS_getsockname,
        SYS_getpeername,
        SYS_ioctl,
        SYS_ppoll,
        SYS_epoll_create1,
        SYS_epoll_ctl,
        SYS_epoll_pwait,
#ifdef SYS_poll
        SYS_poll,
        SYS_epoll_wait,
        SYS_time,
#endif
        SYS_munmap,
        SYS_mremap,
        SYS_brk,
        SYS_madvise,
        SYS_futex,
        SYS_getrandom,
        SYS_clock_gettime,
        SYS_gettimeofday,
        SYS_nanosleep,
        SYS_clock_nanosleep,
        SYS_getpid,
        SYS_gettid,
        SYS_getuid,
        SYS_geteuid,
        SYS_getgid,
        SYS_getegid,
        SYS_getppid,
        SYS_rt_sigreturn,
        SYS_rt_sigprocmask,
        SYS_sigaltstack,
        SYS_restart_syscall,
        SYS_exit,
        SYS_exit_group,
        SYS_sched_yield,
};

/* And what makes and ends runners. */
static const long forker_calls[] = {
        SYS_clone,
        SYS_wait4,
        SYS_kill,
        SYS_prctl,
        SYS_seccomp,
        SYS_prlimit64,
        SYS_set_robust_list,
        SYS_rt_sigaction,
        SYS_dup3,
        SYS_close_range,
        SYS_pipe2, /* libuv's, in whoever is forked */
#ifdef SYS_fork
        SYS_fork,
        SYS_dup2,
#endif
#ifdef SYS_rseq
        SYS_rseq,
#endif
};

static void fill(struct program *program, enum bn_ssh_role role)
{
    for (size_t i = 0; i < COUNT(runner_calls); i++)
        judge(program, runner_calls[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; role == BN_SSH_FORKER && i < COUNT(forker_calls); i++)
        judge(program, forker_calls[i], SECCOMP_RET_ALLOW);
    judge_bits(program, SYS_mmap, 2, PROT_EXEC);
    judge_bits(program, SYS_mprotect, 2, PROT_EXEC);
    judge_value(program, SYS_socketpair, 0, AF_UNIX);
    answer(program, REFUSED);
}

#endif

static bool filter(enum bn_ssh_role role, struct bn_err *err)
{
    struct program program = {.count = 0};
    begin(&program);
    fill(&program, role);
    const struct sock_fprog prog = {program.count, program.rules};
    if (program.count < RULES_MAX && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
        return true;
    return bn_fail(err, BN_E_INTERNAL, "this kernel takes no filter of system calls: %s",
            strerror(errno));
}

/* Without the filter each of these would do what it says, or fail in another way. */
static bool test(struct bn_err *err)
{
    static const struct {
        const char *what;
        long nr, a, b, c;
    } calls[] =
    { {"make a socket", SYS_socket, AF_INET, SOCK_STREAM, 0},
        {"connect", SYS_connect, -1, 0, 0},
        {"listen", SYS_listen, -1, 0, 0},
        {"execute", SYS_execve, 0, 0, 0},
#if !BN_SSH_SANITIZED
        {"open a file", SYS_openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY},
        {"look into processes", SYS_ptrace, -1, 0, 0},
        {"make executable memory", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC},
#endif
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        errno = 0;
        if (syscall(calls[i].nr, calls[i].a, calls[i].b, calls[i].c, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0) != -1 ||
                errno != EPERM)
            return bn_fail(err, BN_E_INTERNAL, "the SSH runner could still %s", calls[i].what);
    }
    return true;
}

#elif defined BN_COVERAGE /* which writes its counters at the end */

static bool filter(enum bn_ssh_role role, struct bn_err *err)
{
    (void)role;
    (void)err;
    return true;
}

static bool test(struct bn_err *err)
{
    (void)err;
    return true;
}

#else

static bool filter(enum bn_ssh_role role, struct bn_err *err)
{
    (void)role;
    return bn_fail(err, BN_E_INTERNAL, "system calls are not filtered on this kind of machine");
}

static bool test(struct bn_err *err)
{
    (void)err;
    return true;
}

#endif

bool bn_ssh_confine(enum bn_ssh_role role, struct bn_err *err)
{
    prctl(PR_SET_DUMPABLE, 0);
    set_limits();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return bn_fail(err, BN_E_INTERNAL, "cannot give up new privileges: %s", strerror(errno));
    return filter(role, err) && test(err);
}
