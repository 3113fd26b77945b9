/* The settings on any bytes: refused with a sentence, or taken; and what was taken of the file
   reads back. The first piece is the file; each that follows a NUL is a flag when it begins with
   "--", else a variable of the environment. Reading all of it again changes nothing. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"

#define PIECES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Flags and variables behind the file; text has a NUL at its end. */
static void split(char *text, size_t len, char **args, int *arg_count, char **env)
{
    size_t env_count = 0;
    for (char *at = text; at < text + len; at += strlen(at) + 1) {
        if (at[0] == '-' && *arg_count < PIECES_MAX)
            args[(*arg_count)++] = at;
        else if (env_count < PIECES_MAX)
            env[env_count++] = at;
    }
    env[env_count] = NULL;
}

static bool load(const char *text, size_t len, struct bn_config *out, struct bn_err *err)
{
    const int fd = memfd_create("config", MFD_CLOEXEC);
    char path[64];
    size_t file = strnlen(text, len);
    assert(fd >= 0 && write(fd, text, file) == (ssize_t)file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *args[PIECES_MAX] = {word("--config"), path};
    char *env[PIECES_MAX + 1];
    int arg_count = 2;
    char *rest = calloc(1, len - file + 1);
    if (!rest)
        abort();
    if (file < len)
        memcpy(rest, text + file + 1, len - file - 1);
    split(rest, file < len ? len - file - 1 : 0, args, &arg_count, env);
    const bool is_good = bn_config_load(arg_count, args, env, out, err);
    if (is_good) {
        BN_BUF_AUTO kept;
        bn_buf_init(&kept, 1 << 10);
        bool is_good_again = bn_config_reload(out, &kept, err);
        assert(is_good_again && kept.len == 0);
    }
    close(fd);
    free(rest);
    return is_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bn_config first;
    static struct bn_config second;
    struct bn_err err = {.code = BN_E_OK};
    if (!load(size ? (const char *)data : "", size, &first, &err)) {
        assert(err.code != BN_E_OK && err.text[0]);
        return 0;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, 256 << 10);
    for (size_t i = 0; i < bn_setting_count; i++) {
        if (first.from[i] != BN_FROM_FILE || (bn_settings[i].flags & BN_SET_OUTSIDE))
            continue;
        bn_buf_printf(&out, "%s = ", bn_settings[i].name);
        bn_config_put_value(&first, i, &out);
        bn_buf_putc(&out, '\n');
    }
    assert(bn_buf_ok(&out));
    if (!load(out.p ? out.p : "", out.len, &second, &err)) {
        fprintf(stderr, "%s\n%.*s", err.text, (int)out.len, out.p);
        abort();
    }
    for (size_t i = 0; i < bn_setting_count; i++) {
        if (!(bn_settings[i].flags & BN_SET_OUTSIDE) && first.from[i] <= BN_FROM_FILE)
            assert(memcmp((const char *)&first + bn_settings[i].offset,
                           (const char *)&second + bn_settings[i].offset,
                           bn_settings[i].size) == 0);
    }
    return 0;
}
