#include "base/file.h"

#include "bn_test.h"
#include "people_rig.h"
#include "store/bad_disk.h"

static char code[BN_SETUP_CODE_SIZE];
static struct people_rig rig;

static void begin(void)
{
    people_init(&rig);
    CHECK(bn_setup_code_make(rig.place.dir, code, NULL));
}

static int finish_setup(const char *name)
{
    char body[200];
    snprintf(body, sizeof body,
            "{\"code\":\"%s\",\"username\":\"%s\",\"password\":\"" PASSWORD "\"}", code, name);
    return people_send(&rig, NULL, "POST /api/v1/setup", body);
}

static void check_code_stands(void)
{
    char now[BN_SETUP_CODE_SIZE];
    CHECK(bn_setup_code_read(rig.place.dir, now, NULL));
    CHECK_STR(now, code);
}

#define DONE "set-up is done already; a new code: binnacle setup-url --reset"

BN_TEST(without_a_code_set_up_is_done)
{
    people_init(&rig);
    people_check(&rig, NULL, "GET /api/v1/setup", "", 200, "{\"needed\":false,\"done_at\":");
    people_check(&rig, NULL, "GET /api/v1/setup", "", 200, "\"done_by\":\"ada\"}");
    people_check_answer(&rig, finish_setup("bob"), 409, DONE);
    people_finish(&rig);
}

BN_TEST(a_file_that_holds_no_code_is_said_and_lets_nobody_in)
{
    char path[300];
    begin();
    place_path(&rig.place, "setup-code", path);
    CHECK(bn_file_write(path, BN_STR("12\n"), NULL));
    people_check_answer(&rig, finish_setup("bob"), 507, "does not hold a set-up code");
    CHECK(!people_find(&rig, "bob"));
    people_finish(&rig);
}

BN_TEST(a_name_that_is_taken_does_not_use_up_the_code)
{
    begin();
    people_check_answer(&rig, finish_setup("Vera"), 409, "there is already a user named Vera");
    check_code_stands();
    people_finish(&rig);
}

BN_TEST(a_name_taken_while_the_password_was_hashed_does_not_use_up_the_code)
{
    begin();
    const int fd = finish_setup("bob");
    people_await_waiting(&rig, 1);
    people_add(&rig, "bob", BN_ROLE_VIEWER);
    people_check_answer(&rig, fd, 409, "there is already a user named bob");
    check_code_stands();
    CHECK_INT(people_find(&rig, "bob")->role, BN_ROLE_VIEWER);
    people_finish(&rig);
}

BN_TEST(of_two_at_once_one_is_made_administrator)
{
    begin();
    const int first = finish_setup("bob");
    people_await_waiting(&rig, 1);
    const int second = finish_setup("eve");
    people_await_waiting(&rig, 2);
    people_check_answer(&rig, first, 201, "\"name\":\"bob\",\"role\":\"admin\"");
    people_check_answer(&rig, second, 409, DONE);
    CHECK(!people_find(&rig, "eve"));
    people_finish(&rig);
}

BN_TEST(who_leaves_before_the_answer_can_use_the_code_again)
{
    begin();
    people_leave(&rig, finish_setup("bob"));
    CHECK(!people_find(&rig, "bob"));
    check_code_stands();
    people_check_answer(&rig, finish_setup("bob"), 201, "Set-Cookie: binnacle=");
    CHECK(!bn_setup_code_is_open(rig.place.dir));
    people_finish(&rig);
}

BN_TEST(the_name_the_owner_came_by_is_known_from_then_on)
{
    struct bn_fact fact;
    begin();
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, BN_STR(BN_TENANT_DEFAULT));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, BN_STR("Default"));
    people_ask(&rig, &fact);
    people_check_answer(&rig, finish_setup("bob"), 201, "\"name\":\"Default\"");
    const struct bn_tenant *tenant = bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT,
            BN_KIND_TENANT, BN_TENANT_DEFAULT);
    CHECK_STR(tenant->host, "127.0.0.1");
    people_finish(&rig);
}

BN_TEST(what_the_disk_refuses_does_not_use_up_the_code)
{
    bad_disk_install();
    begin();
    const size_t sessions = people_count(&rig, BN_KIND_SESSION);
    bad_disk_plan(BAD_FULL, 1, 1 << 30);
    people_check_answer(&rig, finish_setup("bob"), 507, "\"code\":\"storage\"");
    CHECK(!people_find(&rig, "bob"));
    CHECK_INT(people_count(&rig, BN_KIND_SESSION), sessions);
    check_code_stands();
    bad_disk_plan(BAD_FULL, 0, 0);
    people_finish(&rig);
}

BN_TEST_MAIN()
