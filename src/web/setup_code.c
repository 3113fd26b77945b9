#include "web/setup_code.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"

#define HALF 4

static bool path_of(const char *data_dir, char *out, size_t size, struct bn_err *err)
{
    if (!data_dir[0])
        return bn_fail(err, BN_E_NOT_FOUND, "there is no data folder");
    if (snprintf(out, size, "%s/setup-code", data_dir) >= (int)size)
        return bn_fail(err, BN_E_INVALID, "the path of the data folder is too long");
    return true;
}

bool bn_setup_code_read(const char *data_dir, char out[BN_SETUP_CODE_SIZE], struct bn_err *err)
{
    char path[300];
    char text[64];
    size_t len = 0;
    if (!path_of(data_dir, path, sizeof path, err) ||
            !bn_file_read(path, text, sizeof text, &len, err))
        return false;
    const struct bn_str code = {text, strcspn(text, "\n")};
    if (code.len != BN_SETUP_CODE_SIZE - 1)
        return bn_fail(err, BN_E_STORAGE,
                "%s does not hold a set-up code: make a new one with `binnacle setup-url --reset`",
                path);
    return bn_text_copy(out, BN_SETUP_CODE_SIZE, code);
}

bool bn_setup_code_write(const char *data_dir, const char *code, struct bn_err *err)
{
    char path[300];
    char line[BN_SETUP_CODE_SIZE + 1];
    snprintf(line, sizeof line, "%s\n", code);
    return path_of(data_dir, path, sizeof path, err) && bn_file_write(path, bn_str(line), err);
}

bool bn_setup_code_make(const char *data_dir, char out[BN_SETUP_CODE_SIZE], struct bn_err *err)
{
    char code[BN_SETUP_CODE_SIZE];
    bn_random_code(code, HALF);
    code[HALF] = '-';
    bn_random_code(code + HALF + 1, HALF);
    if (!bn_setup_code_write(data_dir, code, err))
        return false;
    memcpy(out, code, sizeof code);
    return true;
}

bool bn_setup_code_remove(const char *data_dir, struct bn_err *err)
{
    char path[300];
    return path_of(data_dir, path, sizeof path, err) && bn_file_remove(path, err);
}

bool bn_setup_code_is_open(const char *data_dir)
{
    char path[300];
    return path_of(data_dir, path, sizeof path, NULL) && bn_file_exists(path);
}

bool bn_setup_code_matches(const char *code, struct bn_str given)
{
    char plain[BN_SETUP_CODE_SIZE] = {0};
    size_t len = 0;
    for (size_t i = 0; i < given.len && len < sizeof plain; i++) {
        const char c = given.p[i];
        if (c == '-' || c == ' ')
            continue;
        if (len == HALF)
            plain[len++] = '-';
        if (len < sizeof plain)
            plain[len++] = (char)toupper((unsigned char)c);
    }
    return len == BN_SETUP_CODE_SIZE - 1 && bn_equal_secret(plain, code, BN_SETUP_CODE_SIZE - 1);
}
