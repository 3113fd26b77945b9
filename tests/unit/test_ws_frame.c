#include "base/text.h"

#include "bn_test.h"
#include "wire/ws.h"

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

BN_TEST(a_header_uses_the_fewest_bytes)
{
    uint8_t out[BN_WS_HEADER_MAX];
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, false, 0, NULL), 2);
    CHECK_MEM(out, "\x81\x00", 2);
    CHECK_INT(bn_ws_header(out, BN_WS_BINARY, false, 125, NULL), 2);
    CHECK_MEM(out, "\x82\x7d", 2);
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, false, 126, NULL), 4);
    CHECK_MEM(out, "\x81\x7e\x00\x7e", 4);
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, false, 65535, NULL), 4);
    CHECK_MEM(out, "\x81\x7e\xff\xff", 4);
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, false, 65536, NULL), 10);
    CHECK_MEM(out, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, false, 0x0102030405060708, NULL), 10);
    CHECK_MEM(out + 2, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
}

BN_TEST(a_header_carries_the_mask_and_the_compression_bit)
{
    uint8_t out[BN_WS_HEADER_MAX];
    CHECK_INT(bn_ws_header(out, BN_WS_PING, false, 5, mask), 6);
    CHECK_MEM(out, "\x89\x85\x37\xfa\x21\x3d", 6);
    CHECK_INT(bn_ws_header(out, BN_WS_TEXT, true, 200, mask), 8);
    CHECK_MEM(out, "\xc1\xfe\x00\xc8\x37\xfa\x21\x3d", 8);
    CHECK_INT(bn_ws_header(out, BN_WS_BINARY, true, 65536, mask), 14);
    CHECK_MEM(out, "\xc2\xff\x00\x00\x00\x00\x00\x01\x00\x00\x37\xfa\x21\x3d", 14);
}

BN_TEST(masking_is_the_same_for_every_length_and_place)
{
    char from[120];
    char to[140];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (char)(i * 7);
    for (size_t start = 0; start < 9; start++) {
        for (size_t len = 0; len + start <= sizeof from; len++) {
            memset(to, 'x', sizeof to);
            bn_ws_mask_to(to + 3, from + start, len, mask);
            for (size_t i = 0; i < len; i++)
                CHECK_INT((uint8_t)to[3 + i], (uint8_t)(from[start + i] ^ mask[i % 4]));
            CHECK_INT(to[2], 'x');
            CHECK_INT(to[3 + len], 'x');
            bn_ws_mask(to + 3, len, mask);
            CHECK_MEM(to + 3, from + start, len);
        }
    }
}

BN_TEST(a_close_payload_is_code_and_reason)
{
    uint8_t out[125];
    CHECK_INT(bn_ws_close_payload(out, 1001, "bye"), 5);
    CHECK_MEM(out,
            "\x03\xe9"
            "bye",
            5);
    CHECK_INT(bn_ws_close_payload(out, 4002, ""), 2);
    CHECK_MEM(out, "\x0f\xa2", 2);
    CHECK_INT(bn_ws_close_payload(out, 1005, "ignored"), 0);
}

BN_TEST(a_long_reason_is_cut_between_characters)
{
    uint8_t out[125];
    char reason[200];
    memset(reason, 'a', sizeof reason);
    reason[123] = 0;
    CHECK_INT(bn_ws_close_payload(out, 1000, reason), 125);
    reason[123] = 'a';
    reason[150] = 0;
    CHECK_INT(bn_ws_close_payload(out, 1000, reason), 125);
    for (size_t shift = 1; shift < 4; shift++) {
        memcpy(reason + 123 - shift, "\xf0\x9f\x98\x80", 4);
        CHECK_INT(bn_ws_close_payload(out, 1000, reason), 125 - shift);
        CHECK(bn_utf8_is_valid((char *)out + 2, 123 - shift));
        memset(reason, 'a', 150);
    }
}

BN_TEST(a_reason_without_a_beginning_of_a_character_is_left_out)
{
    uint8_t out[125];
    char reason[200];
    memset(reason, 0x80, sizeof reason);
    reason[150] = 0;
    CHECK_INT(bn_ws_close_payload(out, 1000, reason), 2);
}

BN_TEST(only_codes_of_the_registry_may_be_sent)
{
    int count = 0;
    for (int code = -1; code < 6000; code++)
        count += bn_ws_may_send_code(code);
    CHECK_INT(count, 4 + 8 + 2000);
    CHECK(bn_ws_may_send_code(1000) && bn_ws_may_send_code(1003));
    CHECK(!bn_ws_may_send_code(1004) && !bn_ws_may_send_code(1006) && !bn_ws_may_send_code(1015));
    CHECK(bn_ws_may_send_code(1007) && bn_ws_may_send_code(1014));
    CHECK(bn_ws_may_send_code(3000) && bn_ws_may_send_code(4999) && !bn_ws_may_send_code(5000));
}

BN_TEST_MAIN()
