#include "bn_test.h"
#include "web/asset_table.h"
#include "web/web_private.h"

static struct bn_str find(const char *ui_dir, const char *path)
{
    static struct bn_web web;
    struct bn_request req = {.web = &web};
    snprintf(web.config.ui_dir, sizeof web.config.ui_dir, "%s", ui_dir);
    return bn_assets_find(&req, bn_str(path));
}

BN_TEST(places_inside_the_page_are_the_page)
{
    static const char *const places[] = {"/", "/host", "/host/disks", "/settings/keys/", "/a.b/c",
            "/apiary"};
    for (size_t i = 0; i < COUNT(places); i++)
        if (!bn_str_is(find("", places[i]), "/index.html"))
            fail_msg("%s is no place", places[i]);
}

BN_TEST(the_api_is_not_the_page)
{
    CHECK(find("", "/api").p == NULL);
    CHECK(find("", "/api/").p == NULL);
    CHECK(find("", "/api/v1/nothing").p == NULL);
    CHECK(find("/tmp", "/api/v1/nothing").p == NULL);
}

BN_TEST(only_files_inside_the_binary_are_found)
{
    for (uint64_t i = 0; i < bn_asset_count; i++)
        CHECK(bn_str_is(find("", bn_assets[i].path), bn_assets[i].path));
    CHECK(find("", "/no-such-file.js").p == NULL);
    CHECK(find("", "/index.htm").p == NULL);
    CHECK(find("", "/x/index.html").p == NULL);
    CHECK(find("", "/.").p == NULL);
}

BN_TEST(the_table_is_what_its_header_says)
{
    CHECK(bn_asset_count > 0);
    for (uint64_t i = 0; i < bn_asset_count; i++) {
        const struct bn_asset *asset = &bn_assets[i];
        if (i > 0)
            CHECK(strcmp(bn_assets[i - 1].path, asset->path) < 0);
        CHECK_INT(strlen(asset->etag), 34);
        CHECK(asset->etag[0] == '"' && asset->etag[33] == '"');
        CHECK(!asset->gzip_len || asset->gzip_len < asset->plain_len);
        CHECK(!asset->br_len || asset->br_len < asset->plain_len);
    }
}

BN_TEST_MAIN()
