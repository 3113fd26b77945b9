#include "bn_test.h"
#include "web/web_private.h"

static void nothing(struct bn_request *req)
{
    (void)req;
}

static const struct bn_route first[] = {
        {"GET", "/", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL, false},
        {"GET", "/things", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL, false},
        {"POST", "/things", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL, false},
        {"GET", "/things/new", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL, false},
        {"DELETE", "/things/{id}", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL,
                false},
};
static const struct bn_route second[] = {
        {"PATCH", "/things/{id}", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL,
                false},
        {"GET", "/a/{x}/b/{y}/{z}", BN_RIGHT_NONE, nothing, 0, "", NULL, NULL, NULL, NULL, NULL,
                false},
};

struct found {
    const struct bn_route *route;
    struct bn_str params[4];
    char allowed[64];
    char scratch[200];
};

static const struct bn_route *find(struct found *found, const char *method, const char *path)
{
    static struct bn_web web = {.sets = {{first, COUNT(first)}, {second, COUNT(second)}},
            .set_count = 2};
    struct bn_str segments[BN_HTTP_SEGMENTS_MAX];
    size_t count;
    memset(found, 0, sizeof *found);
    CHECK(bn_http_split_path(bn_str(path), found->scratch, sizeof found->scratch, segments, &count,
            NULL));
    found->route = bn_web_route(&web, bn_str(method), segments, count, found->params,
            found->allowed);
    return found->route;
}

BN_TEST(a_route_is_found_by_method_and_path)
{
    struct found found;
    CHECK(find(&found, "GET", "/") == &first[0]);
    CHECK(find(&found, "GET", "/things") == &first[1]);
    CHECK(find(&found, "POST", "/things") == &first[2]);
    CHECK(find(&found, "GET", "/things/new") == &first[3]);
    CHECK(find(&found, "DELETE", "/things/7") == &first[4]);
    CHECK(bn_str_is(found.params[0], "7"));
    CHECK(find(&found, "PATCH", "/things/a%20b") == &second[0]);
    CHECK(bn_str_is(found.params[0], "a b"));
    CHECK(find(&found, "GET", "/a/1/b/2/3") == &second[1]);
    CHECK(bn_str_is(found.params[0], "1"));
    CHECK(bn_str_is(found.params[1], "2"));
    CHECK(bn_str_is(found.params[2], "3"));
}

BN_TEST(head_is_served_where_get_is)
{
    struct found found;
    CHECK(find(&found, "HEAD", "/things") == &first[1]);
    CHECK(!find(&found, "HEAD", "/things/7"));
}

BN_TEST(another_method_learns_which_are_possible)
{
    struct found found;
    CHECK(!find(&found, "PUT", "/things"));
    CHECK_STR(found.allowed, "GET, HEAD, POST");
    CHECK(!find(&found, "GET", "/things/7"));
    CHECK_STR(found.allowed, "DELETE, PATCH");
    CHECK(!find(&found, "get", "/"));
    CHECK_STR(found.allowed, "GET, HEAD");
}

BN_TEST(what_is_not_there_has_no_methods)
{
    static const char *const paths[] = {"/thing", "/things/", "/things/7/8", "/things/new/",
            "/a/1/b/2", "/Things", "/a//b/2/3", "/a/1/c/2/3"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct found found;
        struct bn_str segments[BN_HTTP_SEGMENTS_MAX];
        size_t count;
        if (!bn_http_split_path(bn_str(paths[i]), found.scratch, sizeof found.scratch, segments,
                    &count, NULL))
            continue; /* refused before */
        if (find(&found, "GET", paths[i]) || found.allowed[0])
            fail_msg("%s was found", paths[i]);
    }
}

/* --- queries ---------------------------------------------------------------------------------- */

struct query {
    struct bn_request req;
    char scratch[200];
};

static const struct bn_request *query(struct query *query, const char *text)
{
    memset(query, 0, sizeof *query);
    CHECK(bn_http_split_query(bn_str(text), query->scratch, sizeof query->scratch, query->req.query,
            &query->req.query_count, NULL));
    return &query->req;
}

BN_TEST(unknown_and_repeated_parameters_are_refused_by_name)
{
    static const char *const names[] = {"limit", "*topic", NULL};

    static const struct {
        const char *text;
        const char *field;
        const char *sentence; /* NULL: fine */
    } rows[] = {
            {"", "", NULL},
            {"limit=1", "", NULL},
            {"topic=a&topic=b&limit=5&topic=a", "", NULL},
            {"limit=1&limit=1", "limit", "limit was given 2 times"},
            {"limit=1&topic=a&limit=&limit=3", "limit", "limit was given 3 times"},
            {"x=1", "query", "unknown parameter \"x\""},
            {"Limit=1", "query", "unknown parameter \"Limit\""},
            {"*topic=1", "query", "unknown parameter \"*topic\""},
            {"limit=1&=2", "query", "unknown parameter \"\""},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct query q;
        struct bn_err err = {0};
        bool is_fine = bn_query_only(query(&q, rows[i].text), names, &err);
        CHECK_INT(is_fine, rows[i].sentence == NULL);
        CHECK_STR(err.field, rows[i].field);
        if (rows[i].sentence)
            CHECK_STR(err.text, rows[i].sentence);
    }
}

BN_TEST(a_parameter_has_its_first_value_or_the_one_for_absence)
{
    struct query q;
    const struct bn_request *req = query(&q, "a=1&a=2&b");
    CHECK(bn_str_is(bn_query(req, "a", "x"), "1"));
    CHECK(bn_str_is(bn_query(req, "b", "x"), ""));
    CHECK(bn_str_is(bn_query(req, "c", "x"), "x"));
    CHECK(bn_query(req, "c", NULL).p == NULL);
}

BN_TEST(routes_beyond_the_room_for_them_are_a_mistake_and_not_left_out_in_silence)
{
    struct bn_web web = {.set_count = BN_ROUTE_SETS_MAX - 1};
    bn_web_add_routes(&web, first, COUNT(first));
    CHECK_INT(web.set_count, BN_ROUTE_SETS_MAX);
    CHECK_ABORTS(bn_web_add_routes(&web, second, COUNT(second)));
}

BN_TEST_MAIN()
