#include "base/file.h"

#include "bn_test.h"
#include "store/place.h"
#include "web/asset_table.h"
#include "web/web_private.h"
#include "web_rig.h"

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

/* --- --ui-dir: a folder instead of the binary ---------------------------------------------------
 */

static struct web_rig rig;
static struct place place;

static void write_file(const char *name, struct bn_str bytes)
{
    char path[300];
    struct bn_err err;
    place_path(&place, name, path);
    if (!bn_file_write(path, bytes, &err))
        fail_msg("%s", err.text);
}

static void begin_folder(const char *base_path)
{
    place_init(&place);
    web_rig_init(&rig, NULL, NULL, 0);
    bn_text_clip(rig.web->config.ui_dir, sizeof rig.web->config.ui_dir, bn_str(place.dir));
    bn_text_clip(rig.web->config.base_path, sizeof rig.web->config.base_path, bn_str(base_path));
}

static void end_folder(void)
{
    web_rig_finish(&rig);
    place_finish(&place);
}

BN_TEST(files_of_a_folder_are_what_their_names_say)
{
    static const char *const rows[][2] = {{"a.html", "text/html; charset=utf-8"},
            {"a.js", "text/javascript; charset=utf-8"}, {"a.css", "text/css; charset=utf-8"},
            {"a.svg", "image/svg+xml; charset=utf-8"}, {"a.png", "image/png"},
            {"a.woff2", "font/woff2"}, {"a.json", "application/json; charset=utf-8"},
            {"a.webmanifest", "application/manifest+json"},
            {"a.js.map", "application/json; charset=utf-8"}, {"a.bin", "application/octet-stream"},
            {"a.", "application/octet-stream"}};

    begin_folder("");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char field[100];
        const char *body;
        write_file(rows[i][0], bn_str(rows[i][0]));
        snprintf(field, sizeof field, "/%s", rows[i][0]);
        CHECK_INT(web_rig_get(&rig, NULL, field, &body), 200);
        CHECK_STR(body, rows[i][0]);
        snprintf(field, sizeof field, "\r\nContent-Type: %s\r\n", rows[i][1]);
        CHECK(strstr(rig.answer.p, field));
        CHECK(strstr(rig.answer.p, "\r\nCache-Control: no-cache\r\n"));
    }
    end_folder();
}

BN_TEST(what_is_no_plain_file_of_the_folder_is_not_there)
{
    static const char *const targets[] = {"/link.js", "/folder.js", "/missing.js", "/huge.js",
            "/a..b.js"};
    char path[300];
    const char *body;
    begin_folder("");
    place_path(&place, "link.js", path);
    CHECK_INT(symlink("/etc/hostname", path), 0);
    place_path(&place, "folder.js", path);
    CHECK_INT(mkdir(path, 0700), 0);
    write_file("huge.js", BN_STR(""));
    place_path(&place, "huge.js", path);
    CHECK_INT(truncate(path, (16 << 20) + 1), 0);
    write_file("a..b.js", BN_STR("two dots are never a name here"));
    for (size_t i = 0; i < COUNT(targets); i++) {
        char want[100];
        snprintf(want, sizeof want, "there is no %s", targets[i]);
        if (web_rig_get(&rig, NULL, targets[i], &body) != 404 || !strstr(body, want))
            fail_msg("%s: %.300s", targets[i], rig.answer.p);
    }
    CHECK_INT(web_rig_get(&rig, NULL, "/", &body), 404); /* there is no index.html yet */
    end_folder();
}

BN_TEST(the_page_names_its_own_place_and_its_tag_is_of_what_was_sent)
{
    char tag[60];
    char text[300];
    const char *body;
    begin_folder("/ops");
    write_file("index.html", BN_STR("<script src=\"/assets/a.js\"></script>"));
    CHECK_INT(web_rig_get(&rig, NULL, "/ops/settings", &body), 200);
    CHECK_STR(body, "<script src=\"/ops/assets/a.js\"></script>");
    const char *etag = strstr(rig.answer.p, "\r\nETag: \"");
    CHECK(etag);
    bn_text_clip(tag, sizeof tag, (struct bn_str){etag + 8, strcspn(etag + 8, "\r")});
    snprintf(text, sizeof text,
            "GET /ops/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nIf-None-Match: %s\r\n\r\n",
            tag);
    CHECK_INT(web_rig_answer(&rig, web_rig_send(&rig, text), &body), 304);
    CHECK_STR(body, "");
    rig.web->config.base_path[0] = 0;
    CHECK_INT(web_rig_get(&rig, NULL, "/", &body), 200);
    CHECK_STR(body, "<script src=\"/assets/a.js\"></script>");
    end_folder();
}

BN_TEST_MAIN()
