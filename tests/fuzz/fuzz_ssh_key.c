/* Any text as a private key for SSH: taken or refused with a sentence that names the field, and the
   same said of the same text with the line ends of another system. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(const struct bn_err *err)
{
    assert(strcmp(err->field, "key") == 0 && strncmp(err->text, "key ", 4) == 0);
    assert(bn_utf8_is_valid(err->text, strlen(err->text)));
}

static bool read_with_crlf(struct bn_str text, struct bn_ssh_key *key, struct bn_err *err)
{
    char *copy = bn_alloc(2 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\n')
            copy[len++] = '\r';
        copy[len++] = text.p[i];
    }
    const bool is_good = bn_ssh_key_read((struct bn_str){copy, len}, "key", key, err);
    free(copy);
    return is_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bn_str text = {(const char *)data, size};
    struct bn_ssh_key key;
    struct bn_ssh_key other;
    struct bn_err err = {0};
    struct bn_err other_err = {0};
    const bool is_good = bn_ssh_key_read(text, "key", &key, &err);
    if (!is_good)
        check_sentence(&err);
    else
        assert(key.label[0] && bn_utf8_is_valid(key.label, strlen(key.label)));
    if (size <= 4096) {
        assert(read_with_crlf(text, &other, &other_err) == is_good);
        assert(is_good || strcmp(err.text, other_err.text) == 0);
        assert(!is_good ||
                (strcmp(key.label, other.label) == 0 && key.is_encrypted == other.is_encrypted));
    }
    (void)bn_ssh_fingerprint_is_valid(text);
    return 0;
}
