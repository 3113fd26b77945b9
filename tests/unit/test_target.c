#include "base/target.h"

#include "bn_test.h"

static void refused(const char *address, const char *why)
{
    struct bn_target_policy policy = {.allowed_count = 0};
    struct bn_addr addr;
    struct bn_err err;
    CHECK(bn_addr_parse(bn_str(address), &addr));
    if (bn_target_check(&policy, &addr, &err))
        fail_msg("%s was let through", address);
    CHECK_INT(err.code, BN_E_FORBIDDEN);
    if (!strstr(err.text, why) || !strstr(err.text, "--allow-target"))
        fail_msg("%s: \"%s\", wanted \"%s\"", address, err.text, why);
}

BN_TEST(what_only_this_machine_or_its_hypervisor_should_hear_is_closed)
{
    refused("127.0.0.1", "this machine itself");
    refused("127.255.255.254", "this machine itself");
    refused("0.0.0.0", "no host's address");
    refused("0.1.2.3", "no host's address");
    refused("169.254.169.254", "where clouds keep their secrets");
    refused("169.254.0.1", "a link-local address");
    refused("100.100.100.200", "where clouds keep their secrets");
    refused("224.0.0.1", "a multicast address");
    refused("239.255.255.255", "a multicast address");
    refused("255.255.255.255", "a reserved address");
    refused("::", "no host's address");
    refused("::1", "this machine itself");
    refused("fe80::1", "a link-local address");
    refused("febf::1", "a link-local address");
    refused("ff02::1", "a multicast address");
    refused("fd00:ec2::254", "where clouds keep their secrets");
}

BN_TEST(an_address_inside_an_address_is_judged_too)
{
    refused("::ffff:127.0.0.1", "this machine itself");
    refused("::127.0.0.1", "this machine itself");
    refused("2002:7f00:1::", "this machine itself");
    refused("2002:a9fe:a9fe::1", "where clouds keep their secrets");
    refused("64:ff9b::169.254.169.254", "where clouds keep their secrets");
    refused("2001:0:1:2:3:4:80ff:fffe", "this machine itself"); /* ~127.0.0.1 */
}

BN_TEST(private_and_public_addresses_pass)
{
    static const char *const open[] = {"10.0.0.1", "172.16.0.1", "192.168.1.10", "100.64.0.1",
            "8.8.8.8", "1.0.0.1", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0",
            "223.255.255.255", "fd00::1", "2001:db8::1", "fec0::1",
            "2002:0a00:1::", "64:ff9b::10.0.0.1"};
    struct bn_target_policy policy = {.allowed_count = 0};
    for (size_t i = 0; i < COUNT(open); i++) {
        struct bn_addr addr;
        struct bn_err err;
        CHECK(bn_addr_parse(bn_str(open[i]), &addr));
        if (!bn_target_check(&policy, &addr, &err))
            fail_msg("%s", err.text);
    }
}

BN_TEST(an_operator_opens_one_network_and_nothing_beside_it)
{
    struct bn_target_policy policy = {.allowed_count = 1};
    struct bn_addr addr;
    struct bn_err err;
    CHECK(bn_net_parse(BN_STR("127.0.0.0/30"), &policy.allowed[0], NULL));
    CHECK(bn_addr_parse(BN_STR("127.0.0.3"), &addr));
    CHECK(bn_target_check(&policy, &addr, &err));
    CHECK(bn_addr_parse(BN_STR("127.0.0.4"), &addr));
    CHECK(!bn_target_check(&policy, &addr, &err));
    CHECK_STR(err.text, "127.0.0.4 is this machine itself: --allow-target 127.0.0.4 opens it");
}

BN_TEST_MAIN()
