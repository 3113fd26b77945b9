#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE /* ABI 3, Linux 6.2; bookworm's header is of 6.1 */
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define WRITING                                                            \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
            LANDLOCK_ACCESS_FS_MAKE_REG)
#define NEVER                                                                                    \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                        \
            LANDLOCK_ACCESS_FS_MAKE_SYM)

/* glibc 2.36 has no wrappers for these. */
static int create_ruleset(const struct landlock_ruleset_attr *attr, size_t size, uint32_t flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

static bool fail(struct bn_err *err, const char *what, const char *folder)
{
    return bn_fail(err, BN_E_INTERNAL, "cannot %s %s: %s", what, folder, strerror(errno));
}

static uint64_t writing(int abi)
{
    uint64_t access = WRITING;
    if (abi >= 2)
        access |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        access |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return access;
}

static bool restrict_to(int ruleset, const char *folder, int abi, struct bn_err *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = writing(abi)};
    rule.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return fail(err, "enter the folder", folder);
    const long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    const int why = errno;
    close(rule.parent_fd);
    errno = why;
    if (rc != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return fail(err, "confine this process to", folder);
    return true;
}

bool bn_sandbox_enter(const char *folder, int *out_abi, struct bn_err *err)
{
    *out_abi = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(err, "give up new privileges for", folder);
    const int abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true; /* built without it, switched off, or forbidden by the service manager */
    const struct landlock_ruleset_attr attr = {.handled_access_fs = writing(abi) | NEVER};
    const int ruleset = create_ruleset(&attr, sizeof attr, 0);
    if (ruleset < 0)
        return fail(err, "confine this process to", folder);
    const bool is_done = restrict_to(ruleset, folder, abi, err);
    close(ruleset);
    if (is_done)
        *out_abi = abi;
    return is_done;
}
