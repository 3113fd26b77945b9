#include <math.h>

#include "bn_test.h"
#include "model/doc.h"
#include "web_rig.h"

static void act(struct bn_request *req)
{
    bn_reply(req, 200, "text/plain", BN_STR("done"));
}

/* Two methods of one path that do not stand together, a parameter, a body that is no JSON. */
static const struct bn_route routes[] = {
        {"GET", "/api/v1/things/{id}", BN_RIGHT_READ, act, 0, "One thing", NULL, NULL, NULL, NULL,
                NULL, false},
        {"POST", "/api/v1/open", BN_RIGHT_NONE, act, 100, "For everybody", NULL, NULL, NULL, NULL,
                NULL, false},
        {"PUT", "/api/v1/things/{id}/parts/{part}", BN_RIGHT_OPERATE, act, 100, "A part", NULL,
                NULL, NULL, "text/plain", NULL, false},
        {"DELETE", "/api/v1/things/{id}", BN_RIGHT_ADMIN, act, 0, "No thing", NULL, NULL, NULL,
                NULL, NULL, false},
};

static struct web_rig rig;

static struct bn_doc *get_doc(const char *key, const char *target)
{
    const char *body;
    struct bn_doc *doc;
    struct bn_err err;
    CHECK_INT(web_rig_get(&rig, key, target, &body), 200);
    if (!bn_doc_parse(bn_str(body), &doc, &err))
        fail_msg("%s: %s", target, err.text);
    return doc;
}

static const struct bn_doc *at(const struct bn_doc *doc, const char *const *path)
{
    for (; doc && *path; path++)
        doc = bn_doc_at(doc, *path);
    return doc;
}

#define AT(doc, ...) at(doc, (const char *const[]){__VA_ARGS__, NULL})

static size_t members_of(const struct bn_doc *object)
{
    void *place = NULL;
    const char *name;
    size_t count = 0;
    while (bn_doc_next(object, &place, &name))
        count++;
    return count;
}

static void check_text(const struct bn_doc *doc, const char *want)
{
    struct bn_str text = {0};
    CHECK(doc && bn_doc_get_text(doc, &text));
    if (!bn_str_is(text, want))
        fail_msg("wanted %s, got %.*s", want, BN_ARG(text));
}

BN_TEST(about_tells_administrators_what_runs_here)
{
    static const char *const libraries[] = {"jansson", "libsodium", "libuv", "openssl", "sqlite",
            "zlib"};
    const char *body;
    int64_t limit = 0;
    web_rig_init(&rig, NULL, NULL, 0);
    bn_sessions_use_dir(rig.sessions, "/var/lib/a folder");
    CHECK_INT(web_rig_get(&rig, "reader", "/api/v1/about", &body), 403);
    BN_DOC_AUTO *doc = get_doc("admin", "/api/v1/about");
    check_text(AT(doc, "version"), BN_VERSION);
    check_text(AT(doc, "data_dir"), "/var/lib/a folder");
    check_text(AT(doc, "base_path"), "");
    CHECK(bn_doc_get_i64(AT(doc, "listeners_max"), &limit));
    CHECK_INT(limit, 10);
    CHECK(bn_doc_get_i64(AT(doc, "connections_max"), &limit));
    CHECK_INT(limit, 10);
    CHECK_INT(members_of(AT(doc, "libraries")), COUNT(libraries));
    for (size_t i = 0; i < COUNT(libraries); i++) {
        struct bn_str version;
        CHECK(bn_doc_get_text(AT(doc, "libraries", libraries[i]), &version));
        if (!memchr(version.p, '.', version.len))
            fail_msg("%s has the version \"%.*s\"", libraries[i], BN_ARG(version));
    }
    web_rig_finish(&rig);
}

BN_TEST(openapi_tells_each_route_once_under_its_path)
{
    web_rig_init(&rig, NULL, routes, COUNT(routes));
    BN_DOC_AUTO *doc = get_doc("reader", "/openapi.json");
    check_text(AT(doc, "openapi"), "3.1.0");
    check_text(AT(doc, "info", "version"), BN_VERSION);
    const struct bn_doc *things = AT(doc, "paths", "/api/v1/things/{id}");
    CHECK_INT(members_of(things), 2);
    check_text(AT(things, "get", "summary"), "One thing");
    check_text(AT(things, "get", "description"), "Needs: read.");
    check_text(AT(things, "delete", "description"), "Needs: admin.");
    check_text(AT(bn_doc_item(AT(things, "delete", "parameters"), 0), "name"), "id");
    CHECK(!AT(things, "get", "requestBody"));
    CHECK(!AT(things, "get", "security"));
    const struct bn_doc *part = AT(doc, "paths", "/api/v1/things/{id}/parts/{part}", "put");
    CHECK_INT(bn_doc_count(AT(part, "parameters")), 2);
    check_text(AT(bn_doc_item(AT(part, "parameters"), 1), "name"), "part");
    check_text(AT(bn_doc_item(AT(part, "parameters"), 1), "in"), "path");
    CHECK(AT(part, "requestBody", "content", "text/plain"));
    const struct bn_doc *open = AT(doc, "paths", "/api/v1/open", "post");
    check_text(AT(open, "description"), "Needs: no login.");
    CHECK(AT(open, "requestBody", "content", "application/json"));
    CHECK(AT(open, "security"));
    CHECK_INT(bn_doc_count(AT(open, "security")), 0);
    CHECK(AT(doc, "paths", "/healthz", "get"));
    web_rig_finish(&rig);
}

/* Each line is a comment or ends in a number. */
static void check_values(const char *body)
{
    struct bn_str rest = {body, strlen(body)};
    while (rest.len) {
        const struct bn_str line = bn_str_cut(&rest, '\n');
        const char *blank = memrchr(line.p, ' ', line.len);
        char *end = NULL;
        if (line.p[0] == '#')
            continue;
        CHECK(blank);
        if (!isfinite(strtod(blank + 1, &end)) || *end != '\n')
            fail_msg("no value: %.*s", BN_ARG(line));
    }
}

BN_TEST(metrics_tell_what_was_measured_and_nothing_else)
{
    struct bn_fact fact;
    const char *body;
    web_rig_init(&rig, NULL, NULL, 0);
    web_rig_key(&rig, "scraper", "metrics");
    CHECK_INT(web_rig_get(&rig, NULL, "/metrics", &body), 401);
    CHECK_INT(web_rig_get(&rig, "scraper", "/metrics", &body), 200);
    CHECK(strstr(body, "\nbinnacle_info{version=\"" BN_VERSION "\"} 1\n"));
    CHECK(strstr(body, "# TYPE binnacle_requests_total counter\nbinnacle_requests_total 2\n"));
    CHECK(strstr(body, "\nbinnacle_live_connections{proto=\"ws\"} 0\n"));
    CHECK(!strstr(body, "binnacle_self_"));
    bn_fact_init(&fact, BN_KIND_SELF, "default");
    snprintf(fact.u.self.id, sizeof fact.u.self.id, "local");
    fact.u.self.rss_bytes = 12345678;
    bn_hub_tell(&rig.hub, &fact);
    web_rig_round(&rig);
    CHECK_INT(web_rig_get(&rig, "scraper", "/metrics", &body), 200);
    CHECK(strstr(body, "\nbinnacle_self_rss_bytes 12345678\n"));
    check_values(body);
    CHECK_INT(web_rig_get(&rig, "scraper", "/openapi.json", &body), 403);
    web_rig_finish(&rig);
}

BN_TEST(health_is_asked_without_a_key)
{
    const char *body;
    web_rig_init(&rig, NULL, NULL, 0);
    CHECK_INT(web_rig_get(&rig, NULL, "/healthz", &body), 200);
    CHECK_STR(body, "ok");
    web_rig_finish(&rig);
}

BN_TEST(there_are_so_many_places_to_listen_and_no_more)
{
    struct bn_err err;
    int port = 0;
    web_rig_init(&rig, NULL, NULL, 0);
    for (int i = 0; i < 3; i++)
        CHECK(bn_web_listen(rig.web, "127.0.0.1", 0, NULL, &port, &err));
    CHECK(!bn_web_listen(rig.web, "127.0.0.1", 0, NULL, &port, &err));
    CHECK_STR(err.text, "at most 4 places to listen");
    web_rig_finish(&rig);
}

BN_TEST_MAIN()
