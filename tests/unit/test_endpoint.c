#include "bn_test.h"
#include "model/endpoint.h"

static void takes(const char *text, const char *host, int64_t port)
{
    struct bn_endpoint out;
    struct bn_err err = {0};
    if (!bn_endpoint_read(bn_str(text), "host", &out, &err))
        fail_msg("\"%s\" was refused: %s", text, err.text);
    CHECK_STR(out.host, host);
    CHECK_INT(out.port, port);
}

static void refuses(const char *text, const char *sentence)
{
    struct bn_endpoint out = {.port = 7};
    struct bn_err err = {0};
    if (bn_endpoint_read(bn_str(text), "vpn_host", &out, &err))
        fail_msg("\"%s\" was taken", text);
    CHECK_STR(err.text, sentence);
    CHECK_STR(err.field, "vpn_host");
    CHECK_INT(out.port, 7);
}

BN_TEST(a_place_is_read_in_every_form_people_paste)
{
    takes("pve1.company.com", "pve1.company.com", 0);
    takes(" PVE_1:8443 ", "PVE_1", 8443);
    takes("192.168.1.100", "192.168.1.100", 0);
    takes("10.0.0.5:1", "10.0.0.5", 1);
    takes("fd00::1", "fd00::1", 0);
    takes("[fd00::1]", "fd00::1", 0);
    takes("[fd00::1]:65535", "fd00::1", 65535);
    takes("https://h:8006/", "h", 8006);
    takes("HTTPS://h", "h", 0);
    takes("https://[::2]:8006/#v1:0:18:4:::::::", "::2", 8006);
    takes("https://h/?console=shell", "h", 0);
    takes("1host.example", "1host.example", 0);
    takes("xn--mnchen-3ya.de", "xn--mnchen-3ya.de", 0);
}

BN_TEST(what_is_no_place_is_refused_with_the_reason)
{
    refuses("", "vpn_host is needed");
    refuses("  ", "vpn_host is needed");
    refuses("http://h:8006/", "vpn_host must be called by https, got \"http://h:8006/\"");
    refuses("https://h/pve/", "vpn_host must not have a path, got \"/pve/\"");
    refuses("h/", "vpn_host must be a name or an IP address, got \"h/\"");
    refuses("10.0.0.256", "vpn_host must be a name or an IP address, got \"10.0.0.256\"");
    refuses("1.2.3", "vpn_host must be a name or an IP address, got \"1.2.3\"");
    refuses("a..b", "vpn_host must be a name or an IP address, got \"a..b\"");
    refuses("-a", "vpn_host must be a name or an IP address, got \"-a\"");
    refuses("a-", "vpn_host must be a name or an IP address, got \"a-\"");
    refuses("a b", "vpn_host must be a name or an IP address, got \"a b\"");
    refuses("user@h", "vpn_host must be a name or an IP address, got \"user@h\"");
    refuses("$(id)", "vpn_host must be a name or an IP address, got \"$(id)\"");
    refuses("fd00::1::2", "vpn_host must be a name or an IP address, got \"fd00::1::2\"");
    refuses("https://:8006", "vpn_host must be a name or an IP address, got \"\"");
    refuses("https:///", "vpn_host must be a name or an IP address, got \"\"");
    refuses("h::", "vpn_host must be a name or an IP address, got \"h::\"");
    refuses("m\xC3\xBC.de",
            "vpn_host must be written in ASCII, as DNS has it (xn--…), got \"m\xC3\xBC.de\"");
    refuses("h:", "the port in vpn_host must be 1..65535, got \"\"");
    refuses("h:0", "the port in vpn_host must be 1..65535, got \"0\"");
    refuses("h:65536", "the port in vpn_host must be 1..65535, got \"65536\"");
    refuses("h:8006x", "the port in vpn_host must be 1..65535, got \"8006x\"");
    refuses("[fd00::1", "vpn_host must be like [fd00::1]:8006, got \"[fd00::1\"");
    refuses("[fd00::1]8006", "vpn_host must be like [fd00::1]:8006, got \"[fd00::1]8006\"");
    refuses("[h]:8006", "vpn_host must be like [fd00::1]:8006, got \"[h]:8006\"");
}

BN_TEST(names_end_at_253_characters_and_labels_at_63)
{
    char name[300];
    struct bn_endpoint out;
    struct bn_err err = {0};
    memset(name, 'a', sizeof name);
    for (size_t i = 63; i < sizeof name; i += 64)
        name[i] = '.';
    CHECK(bn_endpoint_read((struct bn_str){name, 253}, "host", &out, &err));
    CHECK_INT(strlen(out.host), 253);
    CHECK(!bn_endpoint_read((struct bn_str){name, 254}, "host", &out, &err));
    CHECK_STR(err.text, "host must have at most 253 characters, got 254");
    memset(name, 'a', 64);
    CHECK(bn_endpoint_read((struct bn_str){name, 63}, "host", &out, &err));
    CHECK(!bn_endpoint_read((struct bn_str){name, 64}, "host", &out, &err));
}

BN_TEST(a_host_is_a_name_or_an_address_and_nothing_a_resolver_would_make_one_of)
{
    static const char *const good[] = {"web3", "web3.lan", "web3.lan.", "a_b", "10.0.0.5", "::1",
            "fd00::1", "xn--bcher-kva.example", "0x7f"};
    static const char *const bad[] = {"", ".", "..", "a..b", "a..", ".a", "-a", "a-.b", "a.-b",
            "[::1]", "fe80::1%eth0", "h:22", "127.1", "1.2.3", "2130706433", "017700000001",
            "256.1.1.1", "0x7f.1", "a b", "a/b", "u@h", "$(id)", "a\nb", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!bn_endpoint_is_host(bn_str(good[i])))
            fail_msg("refused: \"%s\"", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (bn_endpoint_is_host(bn_str(bad[i])))
            fail_msg("taken: \"%s\"", bad[i]);
}

BN_TEST_MAIN()
