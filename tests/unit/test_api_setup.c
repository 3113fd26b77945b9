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

static void begin_on_bad_disk(void)
{
    static bool is_installed;
    if (!is_installed)
        bad_disk_install();
    is_installed = true;
    begin();
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

static void check_host(const char *host, int status)
{
    char text[200];
    const char *body;
    snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
            host);
    if (web_rig_answer(&rig.web, web_rig_send(&rig.web, text), &body) != status)
        fail_msg("%s: %.100s", host, rig.web.answer.p);
}

BN_TEST(the_name_the_owner_came_by_is_known_from_then_on)
{
    struct bn_fact fact;
    char body[200];
    char text[600];
    begin();
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, BN_STR(BN_TENANT_DEFAULT));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, BN_STR("Default"));
    people_ask(&rig, &fact);
    check_host("other.lan", 200); /* whoever has the code may come by any name */
    snprintf(body, sizeof body,
            "{\"code\":\"%s\",\"username\":\"bob\",\"password\":\"" PASSWORD "\"}", code);
    snprintf(text, sizeof text,
            "POST /api/v1/setup HTTP/1.1\r\nHost: nas.lan:8470\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            strlen(body), body);
    people_check_answer(&rig, web_rig_send(&rig.web, text), 201, "\"name\":\"Default\"");
    people_settle(&rig);
    check_host("nas.lan:8470", 200);
    check_host("NAS.lan", 200);
    check_host("other.lan", 421);
    check_host("nas.lan.evil", 421);
    people_finish(&rig);
}

BN_TEST(what_the_disk_refuses_does_not_use_up_the_code)
{
    begin_on_bad_disk();
    const size_t sessions = people_count(&rig, BN_KIND_SESSION);
    bad_disk_plan(BAD_FULL, 1, 1 << 30);
    people_check_answer(&rig, finish_setup("bob"), 507, "\"code\":\"storage\"");
    CHECK(!people_find(&rig, "bob"));
    CHECK_INT(people_count(&rig, BN_KIND_SESSION), sessions);
    check_code_stands();
    bad_disk_plan(BAD_FULL, 0, 0);
    people_finish(&rig);
}

BN_TEST(a_code_that_cannot_be_put_back_is_said_to_be_lost)
{
    begin_on_bad_disk();
    bad_disk_plan(BAD_FULL, 1, 1 << 30);
    const int fd = finish_setup("bob");
    WEB_AWAIT(&rig.web, bn_hub_is_asked(&rig.web.hub));
    bn_sessions_use_dir(rig.web.sessions, "/nowhere/at/all");
    const uint64_t errors = bn_log_count(BN_ERROR);
    people_check_answer(&rig, fd, 507, "\"code\":\"storage\"");
    CHECK(bn_log_count(BN_ERROR) > errors);
    bad_disk_plan(BAD_FULL, 0, 0);
    people_finish(&rig);
}

BN_TEST_MAIN()
