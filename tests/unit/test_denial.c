#include "model/people.h"
#include "web/api_people.h"
#include "web/denial.h"
#include "web/web_private.h"
#include "web_rig.h"

/* The entries the audit got, newest last. */
struct notes {
    size_t count;
    struct bn_audit last;
};

static void noted(void *user, const struct bn_fact *fact)
{
    struct notes *notes = user;
    notes->count++;
    notes->last = fact->u.audit;
}

static void begin(struct web_rig *rig, struct notes *notes)
{
    memset(notes, 0, sizeof *notes);
    web_rig_init(rig, NULL, bn_people_routes, bn_people_route_count);
    bn_hub_watch(&rig->hub, BN_KIND_AUDIT, noted, notes);
}

static void get(struct web_rig *rig, const char *key, const char *target, int status)
{
    const char *body;
    CHECK_INT(web_rig_get(rig, key, target, &body), status);
    web_rig_round(rig);
}

BN_TEST(what_a_key_may_not_do_stands_in_the_audit)
{
    struct web_rig rig;
    struct notes notes;
    begin(&rig, &notes);
    get(&rig, "reader", "/api/v1/users?x=1", 403);
    CHECK_INT(notes.count, 1);
    CHECK_STR(notes.last.actor, "key:reader");
    CHECK_STR(notes.last.action, "denied");
    CHECK_STR(notes.last.object, "GET /api/v1/users");
    CHECK_STR(notes.last.detail, "key:reader may not do this");
    CHECK_STR(notes.last.address, "127.0.0.1");
    CHECK_INT(notes.last.ok, 0);
    get(&rig, "reader", "/api/v1/state?topic=self.log", 403);
    CHECK_INT(notes.count, 2);
    CHECK_STR(notes.last.object, "GET /api/v1/state");
    CHECK_INT(rig.web->stats.denied, 2);
    get(&rig, "reader", "/api/v1/state?topic=meter.host", 200);
    CHECK_INT(notes.count, 2);
    web_rig_finish(&rig);
}

BN_TEST(a_topic_that_is_refused_to_a_stream_stands_in_the_audit)
{
    struct web_rig rig;
    struct notes notes;
    begin(&rig, &notes);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rig.port)};
    static const char ask[] = "GET /api/v1/events?topic=people.audit HTTP/1.1\r\n"
                              "Host: 127.0.0.1\r\nAuthorization: Bearer bnk_reader_x\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK_INT(send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL), sizeof ask - 1);
    WEB_AWAIT(&rig, notes.count > 0);
    CHECK_INT(notes.count, 1);
    CHECK_STR(notes.last.actor, "key:reader");
    CHECK_STR(notes.last.object, "people.audit");
    CHECK_INT(rig.web->stats.denied, 1);
    close(fd);
    web_rig_finish(&rig);
}

BN_TEST(a_key_that_is_none_stands_in_the_audit_without_what_was_sent)
{
    struct web_rig rig;
    struct notes notes;
    begin(&rig, &notes);
    get(&rig, "nobody", "/api/v1/users", 401);
    CHECK_INT(notes.count, 1);
    CHECK_STR(notes.last.actor, "");
    CHECK_STR(notes.last.action, "key.refuse");
    CHECK_STR(notes.last.object, "");
    CHECK_STR(notes.last.detail, "there is no such key");
    CHECK_STR(notes.last.address, "127.0.0.1");
    get(&rig, NULL, "/api/v1/users", 401); /* who sends nothing tries nothing */
    CHECK_INT(notes.count, 1);
    web_rig_finish(&rig);
}

BN_TEST(one_asker_cannot_fill_the_audit_with_refusals_and_keeps_nobody_else_out_of_it)
{
    struct web_rig rig;
    struct notes notes;
    begin(&rig, &notes);
    web_rig_key(&rig, "other", "read");
    for (int i = 0; i < BN_DENIALS_AT_ONCE + 30; i++)
        get(&rig, "reader", "/api/v1/users", 403);
    CHECK_INT(notes.count, BN_DENIALS_AT_ONCE);
    CHECK_INT(rig.web->stats.denied, BN_DENIALS_AT_ONCE + 30);
    get(&rig, "other", "/api/v1/users", 403);
    CHECK_INT(notes.count, BN_DENIALS_AT_ONCE + 1);
    CHECK_STR(notes.last.actor, "key:other");
    web_rig_finish(&rig);
}

BN_TEST(a_day_of_refusals_every_second_is_a_few_dozen_entries)
{
    struct web_rig rig;
    struct notes notes;
    begin(&rig, &notes);
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_denial);
    const struct bn_denial denial = {"default", "s1", "ada", "denied", "x", "", ""};
    int written = 0;
    for (int s = 0; s < 24 * 3600; s++) {
        written += bn_denial_note(&rig.hub, throttle, &denial);
        rig.clock.mono_ms += 1000;
    }
    CHECK(written > BN_DENIALS_AT_ONCE);
    CHECK(written <= BN_DENIALS_AT_ONCE + 30);
    bn_throttle_destroy(throttle);
    web_rig_finish(&rig);
}

BN_TEST_MAIN()
