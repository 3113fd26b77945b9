#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bn_test.h"
#include "io/sandbox.h"

static char inside[] = "/tmp/bn-sandbox-in-XXXXXX";
static char outside[] = "/tmp/bn-sandbox-out-XXXXXX";
static char *const no_words[] = {NULL};

static int make_file(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

static int read_file(const char *path)
{
    char byte;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, &byte, 1) : -1;
    if (fd >= 0)
        close(fd);
    return n == 1 ? 0 : errno;
}

static bool works_inside(void)
{
    char from[128];
    char to[128];
    snprintf(from, sizeof from, "%s/a", inside);
    snprintf(to, sizeof to, "%s/b", inside);
    return make_file(inside, "a") == 0 && make_file(inside, "a") == 0 && rename(from, to) == 0 &&
           truncate(to, 0) == 0 && unlink(to) == 0 && mkdir(from, 0700) == 0 && rmdir(from) == 0;
}

/* In a child, because it is for good. Returns where it failed, 0: nowhere, 77: no Landlock here. */
static int be_confined(void)
{
    struct bn_err err;
    char path[128];
    int abi;
    snprintf(path, sizeof path, "%s/kept", outside);
    if (!bn_sandbox_enter(inside, &abi, &err))
        return 1;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 2;
    if (abi == 0)
        return 77;
    if (!works_inside())
        return 3;
    if (make_file(outside, "new") != EACCES || make_file(outside, "kept") != EACCES)
        return 4;
    if (unlink(path) == 0 || errno != EACCES)
        return 5;
    if (read_file("/proc/stat") != 0 || read_file("/proc/1/stat") != 0 || read_file(path) != 0)
        return 6;
    if (execv("/bin/true", no_words) == 0 || errno != EACCES)
        return 7;
    return 0;
}

static int in_child(int (*work)(void))
{
    int status;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(work());
    CHECK(pid > 0);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

BN_TEST(writing_is_possible_in_the_folder_only_and_reading_everywhere)
{
    char path[128];
    CHECK(mkdtemp(inside) && mkdtemp(outside));
    snprintf(path, sizeof path, "%s/kept", outside);
    FILE *kept = fopen(path, "w");
    CHECK(kept && fputs("kept", kept) >= 0 && fclose(kept) == 0);
    const int code = in_child(be_confined);
    unlink(path);
    rmdir(inside);
    rmdir(outside);
    if (code == 77)
        skip(); /* the kernel has no Landlock */
    CHECK_INT(code, 0);
}

static int be_confined_to_nothing(void)
{
    struct bn_err err;
    int abi = 0;
    if (bn_sandbox_enter("/no/such/folder", &abi, &err))
        return 77;
    return strstr(err.text, "cannot enter the folder /no/such/folder") && abi == 0 ? 0 : 1;
}

BN_TEST(a_folder_that_is_not_there_is_said)
{
    const int code = in_child(be_confined_to_nothing);
    if (code == 77)
        skip();
    CHECK_INT(code, 0);
}

BN_TEST_MAIN()
