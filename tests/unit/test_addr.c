#include "base/addr.h"

#include "bn_test.h"

static struct bn_addr addr_of(const char *text)
{
    struct bn_addr addr;
    if (!bn_addr_parse(bn_str(text), &addr))
        fail_msg("refused %s", text);
    return addr;
}

static struct bn_net net_of(const char *text)
{
    struct bn_net net;
    struct bn_err err;
    if (!bn_net_parse(bn_str(text), &net, &err))
        fail_msg("refused %s: %s", text, err.text);
    return net;
}

static bool has(const char *net_text, const char *addr_text)
{
    struct bn_net net = net_of(net_text);
    struct bn_addr addr = addr_of(addr_text);
    return bn_net_has(&net, &addr);
}

static void check_refused(const char *text, const char *sentence)
{
    struct bn_net net = {.bits = 77};
    struct bn_err err = {0};
    if (bn_net_parse(bn_str(text), &net, &err))
        fail_msg("accepted %s", text);
    CHECK_INT(net.bits, 77);
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_STR(err.text, sentence);
}

BN_TEST(an_address_is_written_in_its_usual_form)
{
    static const char *const cases[][2] = {{"10.0.0.1", "10.0.0.1"}, {"::1", "::1"},
            {"[::1]", "::1"}, {"::ffff:10.0.0.1", "10.0.0.1"}, {"::FFFF:0a00:1", "10.0.0.1"},
            {"FD00:0:0:0:0:0:0:1", "fd00::1"}, {"::", "::"}, {"255.255.255.255", "255.255.255.255"},
            {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[BN_ADDR_TEXT_SIZE];
        struct bn_addr addr = addr_of(cases[i][0]);
        bn_addr_text(&addr, text);
        CHECK_STR(text, cases[i][1]);
    }
}

BN_TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {"", "[]", "[", "localhost", "10.0.0", "10.0.0.256",
            "10.0.0.1:80", "[::1]:80", "[::1", "::1]", "fe80::1%eth0", " 10.0.0.1", "10.0.0.1 ",
            "010.0.0.1", "0x0a.0.0.1", "1.2.3.4.5", ":::1", "1::2::3", "12345::", "10.0.0.0/8",
            "0000:0000:0000:0000:0000:ffff:255.255.255.255.255"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct bn_addr addr = {{77}};
        if (bn_addr_parse(bn_str(wrong[i]), &addr))
            fail_msg("accepted %s", wrong[i]);
        CHECK_INT(addr.bytes[0], 77);
    }
    struct bn_addr addr;
    CHECK(!bn_addr_parse((struct bn_str){"10.0.0.1\0", 9}, &addr));
    CHECK(!bn_addr_parse(bn_str(NULL), &addr));
}

BN_TEST(loopback_is_127_and_one)
{
    static const char *const inside[] = {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"};
    static const char *const outside[] = {"126.255.255.255", "128.0.0.1", "::", "::2", "::7f00:1"};
    for (size_t i = 0; i < COUNT(inside); i++)
        CHECK(bn_addr_is_loopback(&(struct bn_addr[]){addr_of(inside[i])}[0]));
    for (size_t i = 0; i < COUNT(outside); i++)
        CHECK(!bn_addr_is_loopback(&(struct bn_addr[]){addr_of(outside[i])}[0]));
    CHECK(bn_addr_is_v4(&(struct bn_addr[]){addr_of("::ffff:1.2.3.4")}[0]));
    CHECK(!bn_addr_is_v4(&(struct bn_addr[]){addr_of("::1.2.3.4")}[0]));
}

BN_TEST(a_network_has_its_first_and_last_address_and_no_neighbour)
{
    CHECK(has("10.0.0.0/8", "10.0.0.0") && has("10.0.0.0/8", "10.255.255.255"));
    CHECK(!has("10.0.0.0/8", "9.255.255.255") && !has("10.0.0.0/8", "11.0.0.0"));
    CHECK(has("192.168.6.0/23", "192.168.7.255") && !has("192.168.6.0/23", "192.168.8.0"));
    CHECK(has("192.168.1.1", "192.168.1.1") && !has("192.168.1.1", "192.168.1.0"));
    CHECK(has("192.168.1.1/32", "::ffff:192.168.1.1"));
    CHECK(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe00::"));
    CHECK(has("2001:db8::/33", "2001:db8:7fff::") && !has("2001:db8::/33", "2001:db8:8000::"));
    CHECK(has("::1", "::1") && !has("::1/128", "::"));
}

BN_TEST(everything_in_one_family_is_not_everything_in_the_other)
{
    CHECK(has("0.0.0.0/0", "255.1.2.3"));
    CHECK(!has("0.0.0.0/0", "2001:db8::1"));
    CHECK(has("::/0", "2001:db8::1"));
    CHECK(!has("10.0.0.0/8", "a00::1"));
}

BN_TEST(a_network_that_is_not_one_is_refused_by_name)
{
    check_refused("10.0.0.1/8",
            "10.0.0.1/8 has bits set beyond its prefix; the network is 10.0.0.0/8");
    check_refused("fd00::1/8", "fd00::1/8 has bits set beyond its prefix; the network is fd00::/8");
    check_refused("10.0.0.0/33", "the prefix of 10.0.0.0 must be 0..32, got \"33\"");
    check_refused("10.0.0.0/-1", "the prefix of 10.0.0.0 must be 0..32, got \"-1\"");
    check_refused("10.0.0.0/", "the prefix of 10.0.0.0 must be 0..32, got \"\"");
    check_refused("10.0.0.0/8/8", "the prefix of 10.0.0.0 must be 0..32, got \"8/8\"");
    check_refused("fd00::/129", "the prefix of fd00:: must be 0..128, got \"129\"");
    check_refused("everywhere", "an address or network like 10.0.0.0/8 or fd00::/8 is wanted, "
                                "got \"everywhere\"");
    check_refused("", "an address or network like 10.0.0.0/8 or fd00::/8 is wanted, got \"\"");
}

BN_TEST(a_network_comes_back_from_its_text)
{
    static const char *const texts[] = {"10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/32", "fd00::/8",
            "::/0", "2001:db8::/33", "::1/128"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        char text[BN_ADDR_TEXT_SIZE + 4];
        struct bn_net net = net_of(texts[i]);
        bn_net_text(&net, text);
        CHECK_STR(text, texts[i]);
    }
}

BN_TEST(masking_keeps_exactly_the_first_bits)
{
    struct bn_addr ones;
    memset(ones.bytes, 0xFF, sizeof ones.bytes);
    for (int bits = 0; bits <= 128; bits++) {
        struct bn_addr masked = bn_addr_masked(&ones, (uint8_t)bits);
        for (int i = 0; i < 128; i++)
            CHECK_INT(masked.bytes[i / 8] >> (7 - i % 8) & 1, i < bits);
    }
}

BN_TEST_MAIN()
