#include "bn_test.h"
#include "web/web_private.h"

/* What a proxy on 10.0.0.1 or 10.0.0.2 passed on, and who asked. */
struct passed {
    const char *peer;
    const char *fields[6]; /* name, value, … */
    const char *address;
    bool is_secure;
};

#define FIELDS_MAX 4

static struct bn_http_head *make_head(void)
{
    return bn_alloc(sizeof(struct bn_http_head) + FIELDS_MAX * sizeof(struct bn_http_field));
}

static void add_field(struct bn_http_head *head, const char *name, const char *value)
{
    CHECK(head->field_count < FIELDS_MAX);
    struct bn_http_field *field = &head->fields[head->field_count++];
    field->name = bn_str(name);
    field->value = bn_str(value);
}

static void trust(struct bn_web_config *config, const char *net)
{
    CHECK(bn_net_parse(bn_str(net), &config->proxies[config->proxy_count++], NULL));
}

static void check_client(const struct passed *passed, bool is_trusted)
{
    struct bn_web_config config = {0};
    struct bn_http_head *head = make_head();
    struct bn_arena arena;
    bn_arena_init(&arena, 4096);
    if (is_trusted) {
        trust(&config, "10.0.0.1");
        trust(&config, "10.0.0.2/32");
    }
    for (size_t i = 0; i < COUNT(passed->fields) && passed->fields[i]; i += 2)
        add_field(head, passed->fields[i], passed->fields[i + 1]);
    struct bn_request req = {.head = head, .arena = &arena, .address = passed->peer};
    bn_guard_client(&config, &req);
    CHECK_STR(req.address, passed->address);
    CHECK_INT(req.is_secure, passed->is_secure);
    bn_arena_finish(&arena);
    free(head);
}

BN_TEST(who_asks_is_the_last_address_that_no_proxy_of_ours_has)
{
    static const struct passed cases[] = {
            {"10.0.0.1", {NULL}, "10.0.0.1", false},
            {"10.0.0.1", {"X-Forwarded-For", "192.0.2.7"}, "192.0.2.7", false},
            {"10.0.0.1", {"x-forwarded-for", "203.0.113.9, 192.0.2.7"}, "192.0.2.7", false},
            {"10.0.0.1", {"X-Forwarded-For", "203.0.113.9, 192.0.2.7 ,10.0.0.2"}, "192.0.2.7",
                    false},
            {"10.0.0.1", {"X-Forwarded-For", "10.0.0.2,10.0.0.1"}, "10.0.0.2", false},
            {"10.0.0.1", {"X-Forwarded-For", "2001:db8::7"}, "2001:db8::7", false},
            {"10.0.0.1", {"X-Forwarded-For", "192.0.2.7,unknown"}, "10.0.0.1", false},
            {"10.0.0.1", {"X-Forwarded-For", "192.0.2.7,,10.0.0.2"}, "10.0.0.2", false},
            {"10.0.0.1", {"X-Forwarded-For", ""}, "10.0.0.1", false},
            {"192.0.2.50", {"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https"},
                    "192.0.2.50", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_client(&cases[i], true);
}

/* HAProxy's "option forwardfor" adds a field of its own behind the one the client made up. */
BN_TEST(several_fields_are_one_list_so_what_the_client_made_up_is_not_believed)
{
    static const struct passed cases[] = {
            {"10.0.0.1", {"X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "192.0.2.7"},
                    "192.0.2.7", false},
            {"10.0.0.1",
                    {"X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "192.0.2.7",
                            "X-Forwarded-For", "10.0.0.2"},
                    "192.0.2.7", false},
            {"10.0.0.1", {"X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "nonsense"},
                    "10.0.0.1", false},
            {"10.0.0.1", {"X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"}, "10.0.0.1",
                    false},
            {"10.0.0.1", {"X-Forwarded-Proto", "http", "X-Forwarded-Proto", "https"}, "10.0.0.1",
                    true},
            {"10.0.0.1", {"X-Forwarded-Proto", "https, http"}, "10.0.0.1", false},
            {"10.0.0.1", {"X-Forwarded-Proto", "HTTPS"}, "10.0.0.1", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_client(&cases[i], true);
}

BN_TEST(a_peer_without_an_address_is_no_proxy)
{
    struct bn_web_config config = {0};
    trust(&config, "10.0.0.1");
    CHECK(bn_guard_is_proxy(&config, "10.0.0.1"));
    CHECK(!bn_guard_is_proxy(&config, ""));
    CHECK(!bn_guard_is_proxy(&config, "unknown"));
}

BN_TEST(without_trusted_proxies_no_word_of_them_counts)
{
    static const struct passed none = {"10.0.0.1",
            {"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https"}, "10.0.0.1", false};
    check_client(&none, false);
}

BN_TEST(a_connection_that_is_encrypted_stays_so_whatever_is_said)
{
    struct bn_web_config config = {0};
    struct bn_http_head *head = make_head();
    add_field(head, "X-Forwarded-Proto", "http");
    trust(&config, "10.0.0.1");
    struct bn_request req = {.head = head, .address = "10.0.0.1", .is_secure = true};
    bn_guard_client(&config, &req);
    free(head);
    CHECK(req.is_secure);
}

/* --- whose page, which name ------------------------------------------------------------------- */

/* A head as the parser gives it. */
struct asked {
    struct bn_http http;
    char text[1024];
};

static const struct bn_http_head *ask(struct asked *asked, const char *host, const char *fields)
{
    enum bn_http_event event;
    int n = snprintf(asked->text, sizeof asked->text, "POST / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host,
            fields);
    bn_http_init(&asked->http);
    bn_http_parse(&asked->http, asked->text, (size_t)n, &event);
    if (event != BN_HTTP_HEAD)
        fail_msg("%s %s: %s", host, fields, asked->http.err.text);
    return asked->http.head;
}

BN_TEST(addresses_localhost_and_known_names_are_answered_others_are_not)
{
    static const struct {
        const char *host;
        bool is_known;
    } rows[] = {
            {"127.0.0.1", true}, {"127.0.0.1:8470", true}, {"192.0.2.7:80", true}, {"[::1]", true},
            {"[::1]:8470", true}, {"[2001:db8::1]:8470", true}, {"localhost", true},
            {"LocalHost:8470", true}, {"nas.home", true}, {"NAS.home:8470", true},
            {"", true}, /* HTTP/1.0 without Host */
            {"nas.home.evil", false}, {"evil-nas.home", false}, {"nas", false}, {"home", false},
            {"nas.home.", false}, {"localhost.evil", false}, {"localhost.", false},
            {"127.0.0.1.evil", false}, {"2130706433", false}, {"0x7f.1", false}, {"127.1", false},
            {"[::1", false},
            {"[::1].evil", true}, /* cannot come: wire/http refuses what follows the bracket */
    };
    static struct bn_web_config config = {.hosts = {"other.home", "nas.home"}, .host_count = 2};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (bn_guard_host(&config, bn_str(rows[i].host)) != rows[i].is_known)
            fail_msg("\"%s\" is %sanswered", rows[i].host, rows[i].is_known ? "not " : "");
}

BN_TEST(the_own_name_of_the_machine_is_known)
{
    static struct bn_web_config config;
    char own[128] = "";
    CHECK_INT(gethostname(own, sizeof own - 1), 0);
    CHECK(bn_guard_host(&config, bn_str(own)));
}

BN_TEST(the_name_in_a_host_is_what_stands_before_the_port)
{
    static const char *const rows[][2] = {{"a", "a"}, {"a:1", "a"}, {"[::1]:2", "[::1]"},
            {"[::1]", "[::1]"}, {"", ""}};
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(bn_str_is(bn_guard_host_name(bn_str(rows[i][0])), rows[i][1]));
}

BN_TEST(only_our_own_origin_may_do_something)
{
    static const struct {
        const char *fields;
        bool is_own;
        bool is_foreign;
        bool is_own_over_tls;
    } rows[] = {
            {"", false, false, false},
            {"Origin: http://nas.home:8470\r\n", true, false, false},
            {"Origin: http://NAS.home:8470\r\n", true, false, false},
            {"Origin: https://nas.home:8470\r\n", true, false, true},
            {"Origin: https://nas.home:8470\r\nSec-Fetch-Site: same-origin\r\n", true, false, true},
            {"Origin: https://nas.home:8470\r\nSec-Fetch-Site: none\r\n", true, false, true},
            {"Origin: https://nas.home:8470\r\nSec-Fetch-Site: same-site\r\n", false, true, false},
            {"Origin: https://nas.home:8470\r\nSec-Fetch-Site: cross-site\r\n", false, true, false},
            {"Origin: https://nas.home:8470\r\nSec-Fetch-Site: Same-Origin\r\n", false, true,
                    false},
            {"Sec-Fetch-Site: same-origin\r\n", false, false, false},
            {"Sec-Fetch-Site: none\r\n", false, false, false},
            {"Sec-Fetch-Site: cross-site\r\n", false, true, false},
            {"Origin: null\r\n", false, true, false},
            {"Origin: \r\n", false, true, false},
            {"Origin: http://\r\n", false, true, false},
            {"Origin: nas.home:8470\r\n", false, true, false},
            {"Origin: http://nas.home\r\n", false, true, false},
            {"Origin: http://nas.home:847\r\n", false, true, false},
            {"Origin: http://nas.home:84700\r\n", false, true, false},
            {"Origin: http://nas.home:8470/\r\n", false, true, false},
            {"Origin: http://x.nas.home:8470\r\n", false, true, false},
            {"Origin: http://nas.home:8470.evil\r\n", false, true, false},
            {"Origin: http://user@nas.home:8470\r\n", false, true, false},
            {"Origin: ftp://nas.home:8470\r\n", false, true, false},
            {"Origin: HTTP://nas.home:8470\r\n", false, true, false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct asked asked;
        const struct bn_http_head *head = ask(&asked, "nas.home:8470", rows[i].fields);
        if (bn_guard_origin(head, false) != rows[i].is_own ||
                bn_guard_is_foreign(head, false) != rows[i].is_foreign ||
                bn_guard_origin(head, true) != rows[i].is_own_over_tls)
            fail_msg("row %zu: %s", i, rows[i].fields);
        bn_http_finish(&asked.http);
    }
}

BN_TEST(an_origin_equals_no_missing_host)
{
    struct asked asked;
    enum bn_http_event event;
    static const char old[] = "POST / HTTP/1.0\r\nOrigin: http://\r\n\r\n";
    bn_http_init(&asked.http);
    bn_http_parse(&asked.http, old, sizeof old - 1, &event);
    CHECK_INT(event, BN_HTTP_HEAD);
    CHECK(!bn_guard_origin(asked.http.head, false));
    bn_http_finish(&asked.http);
}

BN_TEST(reading_is_safe_everything_else_is_not)
{
    static const char *const unsafe[] = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"};
    CHECK(!bn_guard_is_unsafe(BN_STR("GET")));
    CHECK(!bn_guard_is_unsafe(BN_STR("HEAD")));
    for (size_t i = 0; i < COUNT(unsafe); i++)
        CHECK(bn_guard_is_unsafe(bn_str(unsafe[i])));
}

BN_TEST_MAIN()
