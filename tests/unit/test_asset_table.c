/* What tools/embed.sh wrote into this binary: the page, or the placeholder where none was built. */
#include <stdlib.h>
#define ZLIB_CONST /* inflate reads; the page in the binary is const */
#include <zlib.h>

#include "bn_test.h"
#include "web/asset_table.h"

static const struct bn_asset *find(const char *path)
{
    for (uint64_t i = 0; i < bn_asset_count; i++)
        if (strcmp(bn_assets[i].path, path) == 0)
            return &bn_assets[i];
    return NULL;
}

BN_TEST(a_binary_always_carries_a_page)
{
    const struct bn_asset *page = find("/index.html");
    CHECK(page != NULL);
    CHECK_STR(page->type, "text/html; charset=utf-8");
    CHECK_INT(page->immutable, 0);
    CHECK(page->plain_len > 15);
    CHECK_MEM(page->plain, "<!doctype html>", 15);
}

BN_TEST(every_asset_says_what_it_is)
{
    CHECK(bn_asset_count > 0);
    for (uint64_t i = 0; i < bn_asset_count; i++) {
        const struct bn_asset *a = &bn_assets[i];
        CHECK_INT(a->path[0], '/');
        CHECK(strchr(a->type, '/') != NULL);
        CHECK_INT(strlen(a->etag), 34);
        CHECK_INT(a->etag[0], '"');
        CHECK_INT(a->etag[33], '"');
        CHECK(a->immutable <= 1);
        CHECK(i == 0 || strcmp(bn_assets[i - 1].path, a->path) < 0);
    }
}

BN_TEST(a_compressed_variant_exists_only_where_it_is_smaller)
{
    for (uint64_t i = 0; i < bn_asset_count; i++) {
        const struct bn_asset *a = &bn_assets[i];
        CHECK((a->gzip == NULL) == (a->gzip_len == 0));
        CHECK((a->br == NULL) == (a->br_len == 0));
        CHECK(a->gzip == NULL || a->gzip_len < a->plain_len);
        CHECK(a->br == NULL || a->br_len < a->plain_len);
    }
}

BN_TEST(the_gzip_variant_is_the_same_file)
{
    for (uint64_t i = 0; i < bn_asset_count; i++) {
        const struct bn_asset *a = &bn_assets[i];
        if (a->gzip == NULL)
            continue;
        z_stream z = {.next_in = a->gzip, .avail_in = (uInt)a->gzip_len};
        unsigned char *got = malloc(a->plain_len + 1);
        CHECK(got != NULL);
        CHECK_INT(inflateInit2(&z, 31), Z_OK);
        z.next_out = got;
        z.avail_out = (uInt)a->plain_len + 1;
        CHECK_INT(inflate(&z, Z_FINISH), Z_STREAM_END);
        CHECK_INT(z.total_out, a->plain_len);
        CHECK_MEM(got, a->plain, a->plain_len);
        inflateEnd(&z);
        free(got);
    }
}

BN_TEST_MAIN()
