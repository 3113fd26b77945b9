/*
 * host_text: recorded texts of machines (tests/fixtures/host), whole, cut at every byte and
 * garbled.
 */
#pragma once

#include <stdlib.h>

#include "base/text.h"

#include "bn_test.h"

/* The file of a recorded machine; the caller frees str.p, which is exactly as long as the text so
   that the address sanitizer sees every read behind it. */
static inline struct bn_str host_text(const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s/fixtures/host/%s", BN_TESTS_DIR, path);
    FILE *file = fopen(full, "rb");
    CHECK(file != NULL);
    char *all = malloc(1 << 20);
    size_t len = fread(all, 1, 1 << 20, file);
    fclose(file);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, all, len);
    free(all);
    return (struct bn_str){exact, len};
}

static inline void host_text_free(struct bn_str text)
{
    free((char *)(uintptr_t)text.p);
}

/* read(text) for every beginning of the text, each in a block of its own length. */
static inline void host_text_cut(struct bn_str text, size_t step,
        void (*read)(struct bn_str text, struct bn_str cut))
{
    for (size_t len = 0; len <= text.len; len += step) {
        char *block = malloc(len ? len : 1);
        memcpy(block, text.p, len);
        read(text, (struct bn_str){block, len});
        free(block);
    }
}

/* read(text) with each byte (every step-th) replaced by bytes that mean something to some reader.
 */
static inline void host_text_garble(struct bn_str text, size_t step,
        void (*read)(struct bn_str text))
{
    static const char bad[] = {0, ' ', '\n', '9', '-', ':', '(', ')', '\\', '/', ',', (char)0xFF};
    char *block = malloc(text.len ? text.len : 1);
    memcpy(block, text.p, text.len);
    for (size_t i = 0; i < text.len; i += step) {
        char was = block[i];
        for (size_t k = 0; k < sizeof bad; k++) {
            block[i] = bad[k];
            read((struct bn_str){block, text.len});
        }
        block[i] = was;
    }
    free(block);
}
