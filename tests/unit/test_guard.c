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

BN_TEST_MAIN()
