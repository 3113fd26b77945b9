#include "app/setup.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

#include "app/url.h"
#include "web/setup_code.h"

#define NOTE "server-url"

static bool note_path(const struct bn_config *config, char *out, size_t size)
{
    return snprintf(out, size, "%s/" NOTE, config->data) < (int)size;
}

void bn_setup_url(const char *server_url, const char *code, char out[BN_URL_SIZE])
{
    /* In the fragment, which browsers never send: no log ever sees it. */
    snprintf(out, BN_URL_SIZE, "%.480s/setup#c=%s", server_url, code);
}

void bn_setup_address(const struct bn_config *config, char out[BN_URL_SIZE])
{
    char path[300];
    char text[BN_URL_SIZE];
    size_t len = 0;
    if (note_path(config, path, sizeof path) && bn_file_read(path, text, sizeof text, &len, NULL) &&
            len > 0) {
        text[strcspn(text, "\n")] = 0;
        bn_text_clip(out, BN_URL_SIZE, bn_str(text));
        return;
    }
    bn_config_url(config, (int)config->listen_port, out, BN_URL_SIZE);
}

bool bn_setup_begin(const struct bn_config *config, int port, bool has_admin,
        char out_url[BN_URL_SIZE], struct bn_err *err)
{
    char path[300];
    char address[BN_URL_SIZE];
    char code[BN_SETUP_CODE_SIZE];
    char line[BN_URL_SIZE + 1];
    bn_config_url(config, port, address, sizeof address);
    snprintf(line, sizeof line, "%s\n", address);
    if (!note_path(config, path, sizeof path))
        return bn_fail(err, BN_E_INVALID, "the path of the data folder is too long");
    if (!bn_file_write(path, bn_str(line), err))
        return false;
    if (!has_admin && !bn_setup_code_is_open(config->data)) {
        if (!bn_setup_code_make(config->data, code, err))
            return false;
    } else if (!bn_setup_code_is_open(config->data)) {
        out_url[0] = 0;
        return true;
    } else if (!bn_setup_code_read(config->data, code, err)) {
        return false;
    }
    bn_setup_url(address, code, out_url);
    return true;
}

void bn_setup_end(const struct bn_config *config)
{
    char path[300];
    /* A stale note is only a wrong port in a printed URL. */
    if (note_path(config, path, sizeof path))
        (void)!bn_file_remove(path, NULL);
}
