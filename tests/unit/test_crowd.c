#include "bn_test.h"
#include "web/crowd.h"

static struct bn_addr addr(const char *text)
{
    struct bn_addr out;
    CHECK(bn_addr_parse(bn_str(text), &out));
    return out;
}

BN_TEST(each_address_is_counted_by_itself)
{
    struct bn_crowd *crowd = bn_crowd_create();
    struct bn_addr one = addr("192.0.2.1");
    struct bn_addr two = addr("192.0.2.2");
    CHECK_INT(bn_crowd_add(crowd, &one), 1);
    CHECK_INT(bn_crowd_add(crowd, &one), 2);
    CHECK_INT(bn_crowd_add(crowd, &two), 1);
    bn_crowd_remove(crowd, &one);
    CHECK_INT(bn_crowd_add(crowd, &one), 2);
    bn_crowd_destroy(crowd);
}

BN_TEST(an_ipv6_subscriber_is_one_place)
{
    struct bn_crowd *crowd = bn_crowd_create();
    struct bn_addr a = addr("2001:db8:1:2::1");
    struct bn_addr b = addr("2001:db8:1:2:ffff::9");
    struct bn_addr c = addr("2001:db8:1:3::1");
    CHECK_INT(bn_crowd_add(crowd, &a), 1);
    CHECK_INT(bn_crowd_add(crowd, &b), 2);
    CHECK_INT(bn_crowd_add(crowd, &c), 1);
    bn_crowd_destroy(crowd);
}

BN_TEST(an_address_whose_connections_left_is_forgotten)
{
    struct bn_crowd *crowd = bn_crowd_create();
    struct bn_addr one = addr("192.0.2.1");
    for (int i = 0; i < 3; i++) {
        CHECK_INT(bn_crowd_add(crowd, &one), 1);
        bn_crowd_remove(crowd, &one);
    }
    bn_crowd_destroy(crowd); /* the leak check sees whether anything stayed */
    bn_crowd_destroy(NULL);
}

BN_TEST(taking_away_what_never_came_is_a_mistake)
{
    struct bn_crowd *crowd = bn_crowd_create();
    struct bn_addr one = addr("192.0.2.1");
    CHECK_ABORTS(bn_crowd_remove(crowd, &one));
    bn_crowd_destroy(crowd);
}

BN_TEST_MAIN()
