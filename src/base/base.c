#include "base/base.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAPS       2           /* the loop's; the store and the workers share the other */
#define LARGE_BYTES (128 << 10) /* as it begins; left alone it rises with what is freed */
#define SPARE_BYTES (256 << 10)

static void *must(void *ptr, size_t size)
{
    if (!ptr) {
        fprintf(stderr, "binnacle: out of memory (%zu bytes)\n", size);
        abort();
    }
    return ptr;
}

void *bn_alloc(size_t size)
{
    return must(calloc(1, size ? size : 1), size);
}

void *bn_alloc_array(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1), size);
}

void *bn_realloc(void *ptr, size_t size)
{
    return must(realloc(ptr, size ? size : 1), size);
}

char *bn_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(bn_alloc(size), text, size);
}

void bn_memory_prepare(void)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, SPARE_BYTES);
}
