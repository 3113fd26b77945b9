#include "bn_test.h"
#include "people_rig.h"
#include "store/bad_disk.h"
#include "web/key.h"

static struct people_rig rig;

static const struct bn_session *session_of(const char *user)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    CHECK(bn_sessions_of(rig.web.sessions, BN_TENANT_DEFAULT, user, all) > 0);
    return all[0];
}

static size_t sessions_of(const char *user)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    return bn_sessions_of(rig.web.sessions, BN_TENANT_DEFAULT, user, all);
}

static void check_that(const char *who, const char *verb, const char *path, const char *id,
        int status, const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "%s %s/%s", verb, path, id);
    people_check(&rig, who, line, "", status, part);
}

#define TEN      "0123456789"
#define TOO_LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN /* for an id */

#define LOGIN "POST /api/v1/session"
#define VERA  "{\"username\":\"vera\",\"password\":\"" PASSWORD "\"}"

/* --- sessions --------------------------------------------------------------------------------- */

BN_TEST(a_session_of_somebody_else_is_not_there_except_for_administrators)
{
    char id[BN_ID_MAX];
    people_init(&rig);
    bn_text_clip(id, sizeof id, bn_str(session_of("ada")->id));
    check_that(rig.vera, "DELETE", "/api/v1/sessions", id, 404, "there is no such session");
    check_that(rig.vera, "DELETE", "/api/v1/sessions", "x", 404, "there is no such session");
    check_that(rig.vera, "DELETE", "/api/v1/sessions", TOO_LONG, 404, "there is no such session");
    bn_text_clip(id, sizeof id, bn_str(session_of("vera")->id));
    check_that(rig.ada, "DELETE", "/api/v1/sessions", id, 204, "");
    CHECK(!strstr(rig.web.answer.p, "Set-Cookie"));
    people_check(&rig, rig.vera, "GET /api/v1/session", "", 401, "unauthorized");
    people_finish(&rig);
}

BN_TEST(to_end_the_session_one_asks_with_clears_its_cookie)
{
    people_init(&rig);
    char id[BN_ID_MAX];
    bn_text_clip(id, sizeof id, bn_str(session_of("vera")->id));
    check_that(rig.vera, "DELETE", "/api/v1/sessions", id, 204, "Set-Cookie: binnacle=; ");
    CHECK_INT(sessions_of("vera"), 0);
    people_finish(&rig);
}

BN_TEST(all_other_sessions_end_or_there_are_none)
{
    char other[BN_COOKIE_SECRET_SIZE];
    people_init(&rig);
    people_check(&rig, rig.vera, "DELETE /api/v1/sessions", "", 204, "");
    CHECK_INT(sessions_of("vera"), 1);
    people_log_in(&rig, "vera", other);
    people_check(&rig, rig.vera, "DELETE /api/v1/sessions", "", 204, "");
    CHECK_INT(sessions_of("vera"), 1);
    people_check(&rig, other, "GET /api/v1/session", "", 401, "unauthorized");
    people_check(&rig, rig.vera, "GET /api/v1/session", "", 200, "\"name\":\"vera\"");
    people_finish(&rig);
}

BN_TEST(who_leaves_while_the_password_is_checked_has_no_session)
{
    people_init(&rig);
    people_leave(&rig, people_send(&rig, NULL, LOGIN, VERA));
    CHECK_INT(sessions_of("vera"), 1);
    people_finish(&rig);
}

/* Leaves while the session is on its way to the disk; how many sessions there are afterwards. */
static int64_t leave_early(void)
{
    people_init(&rig);
    const int fd = people_send(&rig, NULL, LOGIN, VERA);
    people_await_waiting(&rig, 1);
    WEB_AWAIT(&rig.web, bn_hub_is_asked(&rig.web.hub));
    people_reset(fd);
    people_await_waiting(&rig, 0);
    people_settle(&rig);
    const int64_t sessions = (int64_t)sessions_of("vera");
    people_finish(&rig);
    return sessions;
}

BN_TEST(who_leaves_before_the_cookie_comes_leaves_no_session_behind)
{
    int64_t sessions = leave_early();
    for (int i = 0; i < 20 && sessions != 1; i++) /* a fast disk may have answered before */
        sessions = leave_early();
    CHECK_INT(sessions, 1);
}

BN_TEST(a_login_replaces_the_session_the_browser_had)
{
    char before[BN_ID_MAX];
    people_init(&rig);
    bn_text_clip(before, sizeof before, bn_str(session_of("vera")->id));
    people_check(&rig, rig.vera, LOGIN, VERA, 200, "Set-Cookie: binnacle=");
    people_settle(&rig);
    CHECK_INT(sessions_of("vera"), 1);
    CHECK(strcmp(session_of("vera")->id, before) != 0);
    people_finish(&rig);
}

BN_TEST(a_browser_whose_name_is_no_text_is_let_in_without_it)
{
    char text[600];
    people_init(&rig);
    snprintf(text, sizeof text,
            LOGIN " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: \xff\xfe\r\nConnection: close\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            strlen(VERA), VERA);
    people_check(&rig, rig.vera, "DELETE /api/v1/session", "", 204, "");
    people_check_answer(&rig, web_rig_send(&rig.web, text), 200, "\"name\":\"vera\"");
    CHECK_STR(session_of("vera")->agent, "");
    people_finish(&rig);
}

/* Hashing is what the server is busy with when it is told to stop. */
static void be_busy(void *user)
{
    (void)user;
    pause_ms(300);
}

static const struct bn_job_ops busy = {be_busy, people_nothing};

BN_TEST(a_login_the_server_has_no_time_for_any_more_is_told)
{
    people_init(&rig);
    CHECK(bn_worker_do(rig.web.hash_worker, &busy, NULL, NULL));
    const int stays = people_send(&rig, NULL, LOGIN, VERA);
    const int leaves = people_send(&rig, NULL, LOGIN, VERA);
    people_await_waiting(&rig, 2);
    people_reset(leaves);
    people_await_waiting(&rig, 1);
    bn_worker_destroy(rig.web.hash_worker);
    rig.web.hash_worker = NULL;
    people_check_answer(&rig, stays, 503, "the server is going down");
    CHECK_INT(sessions_of("vera"), 1);
    people_finish(&rig);
}

/* --- one's own password ----------------------------------------------------------------------- */

#define CHANGE "POST /api/v1/password"

BN_TEST(a_new_password_is_refused_by_name)
{
    people_init(&rig);
    people_check(&rig, rig.vera, CHANGE, "{\"current\":\"" PASSWORD "\",\"new\":\"" PASSWORD "\"}",
            400, "\"message\":\"the new password is the old one\",\"field\":\"new\"");
    people_check(&rig, rig.vera, CHANGE, "{\"current\":\"" PASSWORD "\",\"new\":\"short\"}", 400,
            "\"field\":\"new\"");
    people_check(&rig, rig.vera, CHANGE,
            "{\"current\":\"wrong-Lantern-48\",\"new\":\"harbour-Pilot-93\"}", 400,
            "\"message\":\"this is not the current password\",\"field\":\"current\"");
    people_finish(&rig);
}

BN_TEST(who_leaves_before_the_password_is_changed_keeps_the_old_one)
{
    static const char body[] = "{\"current\":\"" PASSWORD "\",\"new\":\"harbour-Pilot-93\"}";
    people_init(&rig);
    people_leave(&rig, people_send(&rig, rig.vera, CHANGE, body));
    CHECK(bn_password_verify(people_find(&rig, "vera")->password, BN_STR(PASSWORD)));
    people_check(&rig, rig.vera, CHANGE, body, 204, "");
    CHECK(bn_password_verify(people_find(&rig, "vera")->password, BN_STR("harbour-Pilot-93")));
    people_finish(&rig);
}

/* --- users ------------------------------------------------------------------------------------ */

#define USERS "POST /api/v1/users"
#define BOB   "{\"username\":\"bob\",\"password\":\"" PASSWORD "\",\"role\":\"viewer\"}"

BN_TEST(of_two_additions_of_one_name_the_second_is_refused)
{
    people_init(&rig);
    const int first = people_send(&rig, rig.ada, USERS, BOB);
    people_await_waiting(&rig, 1);
    const int second = people_send(&rig, rig.ada, USERS, BOB);
    people_await_waiting(&rig, 2);
    people_check_answer(&rig, first, 201, "\"name\":\"bob\",\"role\":\"viewer\"");
    people_check_answer(&rig, second, 409, "there is already a user named bob");
    CHECK_INT(people_count(&rig, BN_KIND_USER), 3);
    people_finish(&rig);
}

BN_TEST(nobody_is_added_for_who_has_left)
{
    people_init(&rig);
    people_leave(&rig, people_send(&rig, rig.ada, USERS, BOB));
    CHECK(!people_find(&rig, "bob"));
    people_finish(&rig);
}

BN_TEST(a_user_who_was_removed_while_a_password_was_hashed_is_not_there)
{
    struct bn_fact fact;
    people_init(&rig);
    const int fd = people_send(&rig, rig.ada, "PATCH /api/v1/users/vera",
            "{\"password\":\"harbour-Pilot-93\"}");
    people_await_waiting(&rig, 1);
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    fact.u.user = *people_find(&rig, "vera");
    people_ask(&rig, &fact);
    people_check_answer(&rig, fd, 404, "there is no such user");
    CHECK(!people_find(&rig, "vera"));
    people_finish(&rig);
}

BN_TEST(a_change_for_who_has_left_is_not_made)
{
    people_init(&rig);
    people_leave(&rig, people_send(&rig, rig.ada, "PATCH /api/v1/users/vera",
                               "{\"password\":\"harbour-Pilot-93\",\"role\":\"admin\"}"));
    CHECK_INT(people_find(&rig, "vera")->role, BN_ROLE_VIEWER);
    CHECK(bn_password_verify(people_find(&rig, "vera")->password, BN_STR(PASSWORD)));
    people_finish(&rig);
}

BN_TEST(what_cannot_be_changed_is_said_by_name)
{
    static const struct {
        const char *who; /* is changed */
        const char *body;
        int status;
        const char *part;
    } rows[] = {
            {"vera", "{}", 400, "role, disabled, is_restricted or password is wanted"},
            {"vera", "{\"role\":null}", 400, "role must be viewer, manager or admin, got null"},
            {"vera", "{\"role\":\"king\"}", 400, "\"field\":\"role\""},
            {"vera", "{\"password\":\"short\"}", 400, "\"field\":\"password\""},
            {"vera", "{\"name\":\"anna\"}", 400, "name"},
            {"ghost", "{\"role\":\"admin\"}", 404, "there is no such user"},
            {"ada", "{\"role\":\"viewer\"}", 403, "nobody changes or removes himself"},
    };

    people_init(&rig);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[100];
        snprintf(line, sizeof line, "PATCH /api/v1/users/%s", rows[i].who);
        people_check(&rig, rig.ada, line, rows[i].body, rows[i].status, rows[i].part);
    }
    people_finish(&rig);
}

BN_TEST(the_last_administrator_stays_even_for_a_key)
{
    people_init(&rig);
    people_check(&rig, "bnk_admin_x", "DELETE /api/v1/users/ada", "", 409,
            "ada is the last administrator: make somebody else one first");
    people_check(&rig, "bnk_admin_x", "PATCH /api/v1/users/ada", "{\"disabled\":true}", 409,
            "ada is the last administrator: make somebody else one first");
    people_check(&rig, rig.ada, "GET /api/v1/session", "", 200, "\"name\":\"ada\"");
    people_finish(&rig);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void add_key(const char *user_id, int number)
{
    struct bn_fact fact;
    char text[BN_KEY_TEXT_SIZE];
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    bn_key_make(&fact.u.key, text);
    snprintf(fact.u.key.name, sizeof fact.u.key.name, "key %d", number);
    bn_text_clip(fact.u.key.scopes, sizeof fact.u.key.scopes, BN_STR("read"));
    bn_text_clip(fact.u.key.user_id, sizeof fact.u.key.user_id, bn_str(user_id));
    CHECK(bn_hub_ask(&rig.web.hub, &fact, NULL, NULL, NULL));
}

BN_TEST(keys_go_with_their_maker_and_others_stay)
{
    people_init(&rig);
    const size_t before = people_count(&rig, BN_KIND_KEY);
    add_key("vera", 1);
    add_key("ada", 2);
    add_key("vera", 3);
    people_settle(&rig);
    people_check(&rig, rig.ada, "DELETE /api/v1/users/vera", "", 204, "");
    people_settle(&rig);
    web_rig_round(&rig.web);
    CHECK_INT(people_count(&rig, BN_KIND_KEY), before + 1);
    people_check(&rig, rig.ada, "GET /api/v1/keys", "", 200, "\"name\":\"key 2\"");
    people_finish(&rig);
}

BN_TEST(a_key_too_many_is_refused)
{
    people_init(&rig);
    for (int i = 0; i < BN_KEYS_PER_USER_MAX - 1; i++)
        add_key("vera", i);
    people_settle(&rig);
    people_check(&rig, rig.vera, "POST /api/v1/keys", "{\"name\":\"a\",\"scopes\":\"read\"}", 201,
            "\"key\":\"bnk_");
    people_check(&rig, rig.vera, "POST /api/v1/keys", "{\"name\":\"b\",\"scopes\":\"read\"}", 409,
            "you have 100 keys already, which is the limit");
    people_finish(&rig);
}

BN_TEST(what_is_no_key_is_refused_by_name)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } rows[] = {
            {"{\"scopes\":\"read\"}", 400, "\"field\":\"name\""},
            {"{\"name\":\"a\",\"scopes\":\"fly\"}", 400, "fly"},
            {"{\"name\":\"a\",\"scopes\":\"admin\"}", 403,
                    "your own role does not reach as far as admin"},
            {"{\"name\":\"a\",\"scopes\":\"read\",\"expires_at\":\"2001-01-01T00:00:00Z\"}", 400,
                    "expires_at must be in the future"},
            {"[", 400, ""},
    };

    people_init(&rig);
    for (size_t i = 0; i < COUNT(rows); i++)
        people_check(&rig, rig.vera, "POST /api/v1/keys", rows[i].body, rows[i].status,
                rows[i].part);
    check_that(rig.vera, "DELETE", "/api/v1/keys", "admin", 404, "there is no such key");
    check_that(rig.ada, "DELETE", "/api/v1/keys", "ghost", 404, "there is no such key");
    check_that(rig.ada, "DELETE", "/api/v1/keys", "admin", 204, "");
    people_finish(&rig);
}

BN_TEST(noting_the_last_use_on_a_sick_disk_is_tried_once_a_minute)
{
    bad_disk_install();
    people_init(&rig);
    bad_disk_plan(BAD_FULL, 1, 1 << 30);
    people_check(&rig, "bnk_reader_x", "GET /api/v1/session", "", 200, "\"key_id\":\"reader\"");
    people_settle(&rig);
    const struct bn_key *key = bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT, BN_KIND_KEY,
            "reader");
    CHECK(key->last_used_at <= 0); /* taken back */
    const uint64_t facts = rig.web.hub.fact_count;
    people_check(&rig, "bnk_reader_x", "GET /api/v1/session", "", 200, "\"key_id\":\"reader\"");
    CHECK_INT(rig.web.hub.fact_count, facts);
    bad_disk_plan(BAD_FULL, 0, 0);
    people_finish(&rig);
}

/* --- audit ------------------------------------------------------------------------------------ */

BN_TEST(an_audit_question_is_refused_by_name)
{
    static const char *const rows[][2] = {
            {"limit=0", "limit must be 1..200, got \\\"0\\\""},
            {"limit=201", "limit must be 1..200, got \\\"201\\\""},
            {"limit=x", "limit must be 1..200, got \\\"x\\\""},
            {"limit=1&limit=1", "limit was given 2 times"},
            {"before=a&before=b", "before was given 2 times"},
            {"before=" TOO_LONG, "before must be the id of an entry"},
            {"after=a", "unknown parameter \\\"after\\\""},
    };
    people_init(&rig);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[300];
        snprintf(line, sizeof line, "GET /api/v1/audit?%s", rows[i][0]);
        people_check(&rig, rig.ada, line, "", 400, rows[i][1]);
    }
    people_check(&rig, rig.vera, "GET /api/v1/audit", "", 403, "forbidden");
    people_finish(&rig);
}

BN_TEST(an_audit_question_waits_for_its_turn_is_refused_or_told_that_the_server_goes)
{
    people_init(&rig);
    for (int i = 0; i < 2; i++)
        CHECK(bn_worker_do(rig.web.query_worker, &busy, NULL, NULL));
    const int stays = people_send(&rig, rig.ada, "GET /api/v1/audit", "");
    const int leaves = people_send(&rig, rig.ada, "GET /api/v1/audit", "");
    people_await_waiting(&rig, 2);
    people_reset(leaves);
    people_await_waiting(&rig, 1);
    while (bn_worker_do(rig.web.query_worker, &busy, NULL, NULL))
        continue; /* until there is no room */
    const int refused = people_send(&rig, rig.ada, "GET /api/v1/audit", "");
    people_check_answer(&rig, refused, 503, "\"code\":\"unavailable\"");
    bn_worker_destroy(rig.web.query_worker);
    rig.web.query_worker = NULL;
    people_check_answer(&rig, stays, 503, "the server is going down");
    people_finish(&rig);
}

/* --- places ----------------------------------------------------------------------------------- */

BN_TEST(a_place_is_an_ipv4_address_or_the_network_of_an_ipv6_one)
{
    static const char *const rows[][2] = {{"192.0.2.7", "192.0.2.7"},
            {"::ffff:192.0.2.7", "192.0.2.7"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
            {"2001:db8:1:2::1", "2001:db8:1:2::"}, {"2001:db8:1:3::1", "2001:db8:1:3::"},
            {"a pipe", "a pipe"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char place[BN_PLACE_SIZE];
        bn_place_of(rows[i][0], place);
        CHECK_STR(place, rows[i][1]);
    }
}

BN_TEST_MAIN()
