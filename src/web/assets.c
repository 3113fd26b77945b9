#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#include "web/asset_table.h"
#include "web/web_private.h"

#define FILE_BYTES_MAX (16 << 20)   /* from --ui-dir, for developers */
#define ASSET_PREFIX   "\"/assets/" /* as index.html names its files */

static const struct bn_asset *find(struct bn_str path)
{
    for (uint64_t i = 0; i < bn_asset_count; i++)
        if (bn_str_is(path, bn_assets[i].path))
            return &bn_assets[i];
    return NULL;
}

/* Under a proxy's path the page's files stand there too. Every name is written out, because a
   <base> element is what the page's policy forbids; the tag is then of the bytes as sent. */
static void reply_index(struct bn_request *req, const char *p, size_t len)
{
    BN_BUF_AUTO page;
    uint8_t hash[BN_HASH_SIZE];
    char name[32];
    char etag[40];
    bn_buf_init(&page, FILE_BYTES_MAX);
    const char *at;
    while ((at = memmem(p, len, ASSET_PREFIX, sizeof ASSET_PREFIX - 1)) != NULL) {
        const size_t before = (size_t)(at - p) + 1; /* with the quotation mark */
        bn_buf_put(&page, p, before);
        bn_buf_puts(&page, req->web->config.base_path);
        p += before;
        len -= before;
    }
    bn_buf_put(&page, p, len);
    bn_sha256(page.p, page.len, hash);
    bn_b64url_encode(hash, 16, name);
    snprintf(etag, sizeof etag, "\"%s\"", name);
    bn_reply_field(req, "ETag", etag);
    bn_reply_field(req, "Cache-Control", "no-cache");
    if (bn_request_knows(req, etag))
        bn_reply_empty(req, 304);
    else
        bn_reply(req, 200, "text/html; charset=utf-8", bn_buf_str(&page));
}

static void reply_asset(struct bn_request *req, const struct bn_asset *asset)
{
    const char *coding = bn_http_accepted_coding(req->head);
    const unsigned char *p = asset->plain;
    uint64_t len = asset->plain_len;
    if (strcmp(coding, "br") == 0 && asset->br_len > 0) {
        p = asset->br;
        len = asset->br_len;
    } else if (asset->gzip_len > 0 &&
               (strcmp(coding, "gzip") == 0 ||
                       bn_http_lists(req->head, "Accept-Encoding", "gzip"))) {
        coding = "gzip";
        p = asset->gzip;
        len = asset->gzip_len;
    } else {
        coding = "";
    }
    char etag[80]; /* each coding is other bytes, so it has a tag of its own (RFC 9110
                      section 8.8.3) */
    snprintf(etag, sizeof etag, "%.*s%s%s\"", (int)strlen(asset->etag) - 1, asset->etag,
            coding[0] ? "-" : "", coding);
    bn_reply_field(req, "ETag", etag);
    bn_reply_field(req, "Vary", "Accept-Encoding");
    bn_reply_field(req, "Cache-Control",
            asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (bn_request_knows(req, etag)) {
        bn_reply_empty(req, 304);
        return;
    }
    if (coding[0])
        bn_reply_field(req, "Content-Encoding", coding);
    bn_reply_bytes(req, 200, asset->type, (const char *)p, len);
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
            {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
            {".svg", "image/svg+xml; charset=utf-8"}, {".png", "image/png"},
            {".woff2", "font/woff2"}, {".json", "application/json; charset=utf-8"},
            {".webmanifest", "application/manifest+json"},
            {".map", "application/json; charset=utf-8"}};
    size_t len = strlen(path);
    for (size_t i = 0; i < COUNT(types); i++) {
        size_t n = strlen(types[i][0]);
        if (len > n && strcmp(path + len - n, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

/* --ui-dir: only names that are also safe as text; the path was decoded and checked before. */
static bool reply_file(struct bn_request *req, const char *path)
{
    char full[600];
    if (strstr(path, "..") ||
            snprintf(full, sizeof full, "%s%s", req->web->config.ui_dir, path) >= (int)sizeof full)
        return false;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return false;
    BN_BUF_AUTO bytes;
    bn_buf_init(&bytes, FILE_BYTES_MAX);
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_BYTES_MAX;
    char *room = ok ? bn_buf_room(&bytes, (size_t)st.st_size) : NULL;
    ssize_t n = room ? read(fd, room, (size_t)st.st_size) : -1;
    close(fd);
    if (n < 0)
        return false;
    bn_buf_added(&bytes, (size_t)n);
    if (strcmp(path, "/index.html") == 0) {
        reply_index(req, bytes.p, bytes.len);
        return true;
    }
    bn_reply_field(req, "Cache-Control", "no-cache");
    bn_reply(req, 200, type_of(path), bn_buf_str(&bytes));
    return true;
}

/* Whatever is not of the API. Names without a dot are places inside the page. */
struct bn_str bn_assets_find(const struct bn_request *req, struct bn_str path)
{
    const struct bn_str none = {NULL, 0};
    if (bn_str_is(path, "/api") || bn_str_starts(path, "/api/"))
        return none;
    const char *slash = memrchr(path.p, '/', path.len);
    if (!slash || !memchr(slash, '.', path.len - (size_t)(slash - path.p)))
        return BN_STR("/index.html");
    return req->web->config.ui_dir[0] || find(path) ? path : none;
}

void bn_assets_serve(struct bn_request *req, struct bn_str file)
{
    const struct bn_asset *asset = find(file);
    char *name = bn_arena_copy(req->arena, file);
    if (req->web->config.ui_dir[0]) {
        if (name && reply_file(req, name))
            return;
    } else if (asset && bn_str_is(file, "/index.html") && req->web->config.base_path[0]) {
        reply_index(req, (const char *)asset->plain, asset->plain_len);
        return;
    } else if (asset) {
        reply_asset(req, asset);
        return;
    }
    struct bn_err err;
    bn_fail(&err, BN_E_NOT_FOUND, "there is no %.*s", BN_ARG(file));
    bn_reply_err(req, &err);
}
