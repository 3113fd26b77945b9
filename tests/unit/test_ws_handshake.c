#include "base/text.h"

#include "bn_test.h"
#include "wire/ws.h"

BN_TEST(the_accept_key_is_that_of_the_rfc)
{
    char out[29];
    CHECK(bn_ws_accept_key(bn_str("dGhlIHNhbXBsZSBub25jZQ=="), out));
    CHECK_STR(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /* Others computed with Python's hashlib. */
    CHECK(bn_ws_accept_key(bn_str("AQIDBAUGBwgJCgsMDQ4PEC=="), out));
    CHECK_STR(out, "OfS0wDaT5NoxF2gqm7Zj2YtetzM=");
    CHECK(bn_ws_accept_key(bn_str("x3JJHMbDL1EzLkh9GBhXDw=="), out));
    CHECK_STR(out, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
    CHECK(bn_ws_accept_key(bn_str("++++++++++++++++++++++=="), out));
    CHECK_STR(out, "C0o3Ovh8UpcaIgcDTjj6slVZpdM=");
}

BN_TEST(a_key_that_is_not_16_bytes_of_base64_is_refused)
{
    static const char *const keys[] = {"", "a", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQAA",
            "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZ-==",
            " GhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbX\xc3ZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=a"};
    char out[29] = "untouched";
    for (size_t i = 0; i < COUNT(keys); i++)
        CHECK(!bn_ws_accept_key(bn_str(keys[i]), out));
    CHECK(!bn_ws_accept_key((struct bn_str){"dGhlIHNhbX\0ZSBub25jZQA==", 24}, out));
    CHECK(!bn_ws_accept_key((struct bn_str){NULL, 0}, out));
    CHECK_STR(out, "untouched");
}

static const char *choose(const char *offers)
{
    static char out[128];
    snprintf(out, sizeof out, "none");
    if (!bn_ws_choose_deflate(bn_str(offers), out, sizeof out))
        CHECK_STR(out, "none");
    return out;
}

#define PLAIN  "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define WINDOW PLAIN "; server_max_window_bits=15"

BN_TEST(an_offer_of_permessage_deflate_is_accepted)
{
    CHECK_STR(choose("permessage-deflate"), PLAIN);
    CHECK_STR(choose("permessage-deflate; client_max_window_bits"), PLAIN);
    CHECK_STR(choose("permessage-deflate;client_max_window_bits=8"), PLAIN);
    CHECK_STR(choose("permessage-deflate;client_max_window_bits=\"15\""), PLAIN);
    CHECK_STR(choose("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            PLAIN);
    CHECK_STR(choose("permessage-deflate; server_max_window_bits=15"), WINDOW);
    CHECK_STR(
            choose("permessage-deflate\t;\tserver_max_window_bits = \"15\" ; client_max_window_bits"),
            WINDOW);
    CHECK_STR(choose("permessage-deflate;client_max_window_bits=9"), PLAIN);
    CHECK_STR(choose(",, permessage-deflate ,"), PLAIN);
}

BN_TEST(offers_that_cannot_be_served_are_passed_over)
{
    CHECK_STR(choose("x-webkit-deflate-frame, permessage-deflate"), PLAIN);
    CHECK_STR(choose("permessage-deflate, foo"), PLAIN);
    CHECK_STR(choose("foo; a=b; c=\"d\", permessage-deflate"), PLAIN);
    CHECK_STR(choose("permessage-deflate; server_max_window_bits=10, permessage-deflate"), PLAIN);
    CHECK_STR(
            choose("permessage-deflate; foo, permessage-deflate; server_max_window_bits=15, permessage-deflate"),
            WINDOW);
    static const char *const none[] = {
            "",
            "foo",
            "permessage-deflat",
            "permessage-deflate-2",
            "Permessage-Deflate",
            "permessage-deflate; foo",
            "permessage-deflate; foo=bar",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover=\"x\"",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=015",
            "permessage-deflate; server_max_window_bits=1x",
            "permessage-deflate; server_max_window_bits=1.",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=1/",
            "permessage-deflate; client_max_window_bits=1:",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; client_max_window_bits=1",
            "permessage-deflate; client_max_window_bits=-9",
            "permessage-deflate; client_max_window_bits=150",
            "permessage-deflate; client_max_window_bits=25",
    };
    for (size_t i = 0; i < COUNT(none); i++)
        CHECK_STR(choose(none[i]), "none");
}

BN_TEST(a_smaller_window_for_what_we_send_is_agreed_and_told)
{
    char out[128];
    for (int bits = 8; bits <= 15; bits++) {
        char offer[80];
        char want[160];
        snprintf(offer, sizeof offer, "permessage-deflate; server_max_window_bits=%d", bits);
        snprintf(want, sizeof want, PLAIN "; server_max_window_bits=%d", bits);
        CHECK_INT(bn_ws_choose_deflate(bn_str(offer), out, sizeof out), bits);
        CHECK_STR(out, want);
    }
    CHECK_INT(bn_ws_choose_deflate(BN_STR("permessage-deflate"), out, sizeof out), 15);
    CHECK_INT(bn_ws_choose_deflate(BN_STR("permessage-deflate; server_max_window_bits=9, "
                                          "permessage-deflate; server_max_window_bits=12"),
                      out, sizeof out),
            12);
}

BN_TEST(an_ill_formed_header_offers_nothing)
{
    static const char *const bad[] = {
            "permessage-deflate;",
            "permessage-deflate; ;",
            "permessage-deflate; =1",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_max_window_bits=;",
            "permessage-deflate; client_max_window_bits=\"15",
            "permessage-deflate; client_max_window_bits=\"",
            "permessage-deflate; client_max_window_bits=\"\"",
            "permessage-deflate; client_max_window_bits=\"1\\5\"",
            "permessage-deflate; \"client_max_window_bits\"",
            "permessage-deflate foo",
            "permessage-deflate=1",
            "permessage-deflate, foo bar",
            "permessage-deflate, foo;",
            "\"permessage-deflate\"",
            "; permessage-deflate",
            "=permessage-deflate",
            "permessage-deflate, \xc3\xa4",
            "permessage-deflate (comment)",
            "permessage-deflate; client_max_window_bits=15=15",
            "permessage-deflate\x7f",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (strcmp(choose(bad[i]), "none") != 0)
            fail_msg("\"%s\" gave \"%s\"", bad[i], choose(bad[i]));
    }
}

BN_TEST_MAIN()
