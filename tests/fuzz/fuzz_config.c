/* The settings file on any bytes: refused with a sentence, or taken; and what was taken reads back.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

static bool load(const void *text, size_t len, struct bn_config *out, struct bn_err *err)
{
    const int fd = memfd_create("config", MFD_CLOEXEC);
    char path[64];
    assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *args[] = {word("--config"), path};
    const bool is_good = bn_config_load(2, args, NULL, out, err);
    close(fd);
    return is_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bn_config first;
    static struct bn_config second;
    struct bn_err err = {.code = BN_E_OK};
    if (!load(data, size, &first, &err)) {
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
        if (!(bn_settings[i].flags & BN_SET_OUTSIDE))
            assert(memcmp((const char *)&first + bn_settings[i].offset,
                           (const char *)&second + bn_settings[i].offset,
                           bn_settings[i].size) == 0);
    }
    return 0;
}
