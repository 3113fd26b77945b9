#include "bn_test.h"
#include "live/places.h"

static struct bn_server at(const char *id, const char *host, int64_t port)
{
    struct bn_server server;
    memset(&server, 0, sizeof server);
    bn_record_clear(&bn_server_type, &server);
    bn_text_clip(server.id, sizeof server.id, bn_str(id));
    bn_text_clip(server.host, sizeof server.host, bn_str(host));
    server.port = port;
    return server;
}

static const char *other(struct bn_place *places, const char *id, const char *host, int64_t port)
{
    const struct bn_server server = at(id, host, port);
    const char *found = bn_places_other(places, &server);
    return found ? found : "";
}

BN_TEST(a_place_is_the_same_in_capitals_and_another_with_another_port)
{
    struct bn_place *places = NULL;
    const struct bn_server a = at("a", "PVE1.lan", 8006);
    CHECK_STR(other(places, "b", "pve1.lan", 8006), "");
    bn_places_move(&places, NULL, &a);
    CHECK_STR(other(places, "b", "pve1.LAN", 8006), "a");
    CHECK_STR(other(places, "a", "pve1.lan", 8006), ""); /* itself */
    CHECK_STR(other(places, "b", "pve1.lan", 8007), "");
    CHECK_STR(other(places, "b", "pve1.la", 8006), "");
    bn_places_finish(&places);
    CHECK(!places);
}

BN_TEST(who_moves_is_there_and_no_longer_here)
{
    struct bn_place *places = NULL;
    const struct bn_server here = at("a", "h", 1);
    const struct bn_server there = at("a", "i", 1);
    bn_places_move(&places, NULL, &here);
    bn_places_move(&places, &here, &here);
    bn_places_move(&places, &here, &there);
    CHECK_STR(other(places, "b", "h", 1), "");
    CHECK_STR(other(places, "b", "i", 1), "a");
    bn_places_move(&places, &there, NULL);
    CHECK_STR(other(places, "b", "i", 1), "");
    CHECK(!places);
    bn_places_move(&places, &there, NULL); /* nobody there: nothing happens */
    CHECK(!places);
}

/* As it is, and as it is about to be. */
BN_TEST(a_server_that_stands_somewhere_twice_must_leave_twice)
{
    struct bn_place *places = NULL;
    const struct bn_server a = at("a", "h", 1);
    const struct bn_server b = at("b", "h", 1);
    bn_places_move(&places, NULL, &a);
    bn_places_move(&places, NULL, &a);
    bn_places_move(&places, NULL, &b); /* kept before places were unique */
    CHECK_STR(other(places, "a", "h", 1), "b");
    bn_places_move(&places, &a, NULL);
    CHECK_STR(other(places, "b", "h", 1), "a");
    bn_places_move(&places, &a, NULL);
    CHECK_STR(other(places, "b", "h", 1), "");
    CHECK_STR(other(places, "c", "h", 1), "b");
    bn_places_move(&places, &b, NULL);
    CHECK(!places);
}

BN_TEST_MAIN()
