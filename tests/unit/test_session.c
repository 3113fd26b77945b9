#include "base/secret.h"

#include "bn_test.h"
#include "model/limits.h"
#include "web/session.h"

#define HOUR_MS (3600LL * 1000)

static struct bn_clock wall;
static struct bn_hub hub;
static struct bn_sessions *sessions;
static struct bn_who who;
static struct bn_err err;

static void quiet(void *user)
{
    (void)user;
}

static void turn(void)
{
    while (bn_hub_turn(&hub))
        ;
}

static void put_user(const char *id, const char *name, enum bn_role role, bool disabled)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(id));
    bn_text_clip(fact.u.user.name, sizeof fact.u.user.name, bn_str(name));
    fact.u.user.role = role;
    fact.u.user.disabled = disabled;
    CHECK(bn_hub_ask(&hub, &fact, NULL, NULL, &err));
    turn();
}

static void begin(void)
{
    CHECK(bn_secret_start(&err));
    wall = (struct bn_clock){.now_ms = 1795000000000, .mono_ms = 5000};
    bn_hub_init(&hub, &wall, NULL, quiet, NULL);
    sessions = bn_sessions_create(&hub);
    put_user("u1", "owner", BN_ROLE_ADMIN, false);
    put_user("u2", "guest", BN_ROLE_VIEWER, false);
    memset(&who, 0, sizeof who);
}

static void end(void)
{
    turn();
    bn_hub_finish(&hub);
    bn_sessions_destroy(sessions);
}

static void log_in(const char *user_id, char secret[BN_COOKIE_SECRET_SIZE])
{
    const struct bn_login login = {BN_TENANT_DEFAULT, user_id, "192.0.2.1", BN_STR("a browser")};
    CHECK(bn_sessions_begin(sessions, &login, NULL, NULL, secret, &err));
    turn();
}

/* Through the real parser, as requests come. */
static bool identify_text(const char *fields, const char *query, bool secure)
{
    char text[700];
    struct bn_http http;
    enum bn_http_event event;
    snprintf(text, sizeof text, "GET /x?%s HTTP/1.1\r\nHost: h\r\n%s\r\n", query, fields);
    bn_http_init(&http);
    bn_http_parse(&http, text, strlen(text), &event);
    CHECK_INT(event, BN_HTTP_HEAD);
    memset(&err, 0, sizeof err);
    const bool known = bn_sessions_identify(sessions, http.head, secure, "192.0.2.1", &who, &err);
    bn_http_finish(&http);
    return known;
}

static bool identify(const char *cookie, const char *authorization, const char *query, bool secure)
{
    char fields[500] = "";
    size_t len = 0;
    if (cookie)
        len = (size_t)snprintf(fields, sizeof fields, "Cookie: theme=dark; %s=%s\r\n",
                secure ? "__Host-binnacle" : "binnacle", cookie);
    if (authorization)
        snprintf(fields + len, sizeof fields - len, "Authorization: %s\r\n", authorization);
    return identify_text(fields, query, secure);
}

static void put_key(const char *id, const char *text, const char *scopes, const char *user_id,
        int64_t expires_at)
{
    struct bn_fact fact;
    uint8_t hash[BN_HASH_SIZE];
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    bn_sha256(text, strlen(text), hash);
    bn_b64url_encode(hash, sizeof hash, fact.u.key.hash);
    bn_text_clip(fact.u.key.id, sizeof fact.u.key.id, bn_str(id));
    bn_text_clip(fact.u.key.name, sizeof fact.u.key.name, BN_STR("backup"));
    bn_text_clip(fact.u.key.scopes, sizeof fact.u.key.scopes, bn_str(scopes));
    bn_text_clip(fact.u.key.user_id, sizeof fact.u.key.user_id, bn_str(user_id));
    fact.u.key.expires_at = expires_at;
    CHECK(bn_hub_ask(&hub, &fact, NULL, NULL, &err));
    turn();
}

static const struct bn_session *my_session(void)
{
    return bn_live_get(&hub.live, BN_TENANT_DEFAULT, BN_KIND_SESSION, who.session_id);
}

BN_TEST(a_cookie_is_a_user_and_only_its_hash_is_kept)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    CHECK(identify(secret, NULL, "", false));
    CHECK_INT(who.kind, BN_WHO_USER);
    CHECK_STR(who.name, "owner");
    CHECK_STR(who.tenant, "default");
    CHECK(bn_who_may(&who, BN_RIGHT_ADMIN) && bn_who_may(&who, BN_RIGHT_SELF));
    const struct bn_session *session = my_session();
    CHECK(session);
    CHECK(strcmp(session->hash, secret) != 0 && !strstr(secret, session->id));
    CHECK_STR(session->address, "192.0.2.1");
    CHECK_STR(session->agent, "a browser");
    CHECK_INT(session->expires_at - session->created_at, 7 * 24 * HOUR_MS);
    end();
}

BN_TEST(a_wrong_cookie_is_refused_whatever_is_wrong_with_it)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    for (size_t i = 0; i < sizeof secret - 1; i++) {
        char bad[BN_COOKIE_SECRET_SIZE];
        memcpy(bad, secret, sizeof bad);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        CHECK(!identify(bad, NULL, "", false));
        CHECK_INT(err.code, BN_E_UNAUTHORIZED);
    }
    CHECK(!identify("", NULL, "", false));
    CHECK(!identify("short", NULL, "", false));
    CHECK(!identify(NULL, NULL, "", false));
    CHECK_STR(err.text, "log in, or send a key");
    CHECK_INT(who.kind, BN_WHO_NOBODY); /* nothing was written */
    end();
}

BN_TEST(the_cookie_of_plain_http_does_not_count_over_tls)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    char field[100];
    log_in("u1", secret);
    CHECK(identify(secret, NULL, "", true));
    snprintf(field, sizeof field, "Cookie: binnacle=%s\r\n", secret);
    CHECK(identify_text(field, "", false));
    CHECK(!identify_text(field, "", true));
    end();
}

BN_TEST(a_session_ends_after_twelve_idle_hours)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    for (int i = 0; i < 5; i++) {
        wall.now_ms += 11 * HOUR_MS;
        CHECK(identify(secret, NULL, "", false));
        turn();
    }
    wall.now_ms += 12 * HOUR_MS + 60001;
    CHECK(!bn_sessions_refresh(sessions, &who));
    CHECK(!identify(secret, NULL, "", false));
    CHECK_STR(err.text, "this session has ended: log in again");
    end();
}

BN_TEST(what_is_used_without_a_request_is_not_idle_and_what_is_over_stays_over)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    CHECK(identify(secret, NULL, "", false));
    turn();
    for (int i = 0; i < 13; i++) {
        wall.now_ms += 11 * HOUR_MS;
        bn_sessions_note_use(sessions, &who);
        turn();
        CHECK(bn_sessions_refresh(sessions, &who));
    }
    wall.now_ms += 12 * HOUR_MS + 60001;
    bn_sessions_note_use(sessions, &who);
    turn();
    CHECK(!bn_sessions_refresh(sessions, &who));
    CHECK(!identify(secret, NULL, "", false));
    end();
}

BN_TEST(a_session_ends_after_seven_days_however_busy)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    for (int i = 0; i < 7 * 24 - 1; i++) {
        wall.now_ms += HOUR_MS;
        CHECK(identify(secret, NULL, "", false));
        turn();
    }
    wall.now_ms += HOUR_MS;
    CHECK(!identify(secret, NULL, "", false));
    end();
}

BN_TEST(a_clock_that_goes_back_ends_nobody)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    wall.now_ms -= 48 * HOUR_MS;
    CHECK(identify(secret, NULL, "", false));
    CHECK(bn_sessions_refresh(sessions, &who));
    end();
}

BN_TEST(last_use_is_noted_once_a_minute)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    wall.now_ms -= wall.now_ms % 60000;
    log_in("u1", secret);
    CHECK(identify(secret, NULL, "", false));
    turn();
    const uint64_t before = hub.fact_count;
    for (int i = 0; i < 59; i++) {
        wall.now_ms += 1000;
        CHECK(identify(secret, NULL, "", false));
    }
    CHECK_INT(hub.fact_count, before);
    wall.now_ms += 1000;
    CHECK(identify(secret, NULL, "", false));
    CHECK(identify(secret, NULL, "", false));
    CHECK_INT(hub.fact_count, before + 1);
    CHECK_INT(my_session()->seen_at, wall.now_ms);
    end();
}

BN_TEST(noting_last_use_never_brings_an_ended_session_back)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    wall.now_ms += 120000;
    CHECK(identify(secret, NULL, "", false)); /* notes */
    CHECK(bn_sessions_end(sessions, who.tenant, who.session_id, NULL, NULL, &err));
    turn();
    CHECK(!my_session());
    CHECK(!identify(secret, NULL, "", false));
    CHECK(!bn_sessions_end(sessions, who.tenant, who.session_id, NULL, NULL, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    end();
}

BN_TEST(rights_follow_the_role_and_the_user_at_once)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u2", secret);
    CHECK(identify(secret, NULL, "", false));
    CHECK(!bn_who_may(&who, BN_RIGHT_OPERATE) && bn_who_may(&who, BN_RIGHT_READ));
    put_user("u2", "guest", BN_ROLE_MANAGER, false);
    CHECK(bn_sessions_refresh(sessions, &who));
    CHECK(bn_who_may(&who, BN_RIGHT_OPERATE) && !bn_who_may(&who, BN_RIGHT_ADMIN));
    put_user("u2", "guest", BN_ROLE_MANAGER, true);
    CHECK(!bn_sessions_refresh(sessions, &who));
    CHECK(!identify(secret, NULL, "", false));
    put_user("u2", "guest", BN_ROLE_VIEWER, false);
    CHECK(identify(secret, NULL, "", false));
    struct bn_fact gone;
    bn_fact_init(&gone, BN_KIND_USER, BN_TENANT_DEFAULT);
    gone.op = BN_GONE;
    bn_text_clip(gone.u.user.id, sizeof gone.u.user.id, BN_STR("u2"));
    CHECK(bn_hub_ask(&hub, &gone, NULL, NULL, &err));
    CHECK(!bn_sessions_refresh(sessions, &who));
    end();
}

BN_TEST(ending_the_others_keeps_this_one_and_other_people)
{
    begin();
    char mine[BN_COOKIE_SECRET_SIZE];
    char other[BN_COOKIE_SECRET_SIZE];
    char guest[BN_COOKIE_SECRET_SIZE];
    log_in("u1", other);
    log_in("u1", mine);
    log_in("u2", guest);
    CHECK(identify(mine, NULL, "", false));
    CHECK_INT(bn_sessions_end_others(sessions, who.tenant, "u1", who.session_id, NULL, NULL), 1);
    turn();
    CHECK(identify(mine, NULL, "", false));
    CHECK(!identify(other, NULL, "", false));
    CHECK(identify(guest, NULL, "", false));
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    CHECK_INT(bn_sessions_of(sessions, who.tenant, "u1", all), 1);
    end();
}

BN_TEST(the_fifty_first_session_ends_the_one_seen_longest_ago)
{
    begin();
    char first[BN_COOKIE_SECRET_SIZE];
    char second[BN_COOKIE_SECRET_SIZE];
    char more[BN_COOKIE_SECRET_SIZE];
    log_in("u1", first);
    log_in("u1", second);
    wall.now_ms += 60000;
    CHECK(identify(first, NULL, "", false)); /* seen later than second */
    for (int i = 2; i < BN_SESSIONS_PER_USER_MAX + 1; i++)
        log_in("u1", more);
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    CHECK_INT(bn_sessions_of(sessions, BN_TENANT_DEFAULT, "u1", all), BN_SESSIONS_PER_USER_MAX);
    CHECK(identify(first, NULL, "", false));
    CHECK(!identify(second, NULL, "", false));
    CHECK(identify(more, NULL, "", false));
    end();
}

BN_TEST(sessions_known_before_the_start_are_found_too)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    struct bn_sessions *later = bn_sessions_create(&hub);
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    CHECK_INT(bn_sessions_of(later, BN_TENANT_DEFAULT, "u1", all), 1);
    end();
    bn_sessions_destroy(later);
}

BN_TEST(the_sweep_ends_what_has_expired)
{
    begin();
    char old[BN_COOKIE_SECRET_SIZE];
    char fresh[BN_COOKIE_SECRET_SIZE];
    log_in("u1", old);
    wall.now_ms += 13 * HOUR_MS;
    log_in("u1", fresh);
    bn_sessions_sweep(sessions);
    turn();
    CHECK_INT(hub.live.tenants->tables[BN_KIND_SESSION].count, 1);
    CHECK(identify(fresh, NULL, "", false));
    end();
}

BN_TEST(a_key_may_what_its_scopes_and_its_maker_may)
{
    static const char text[] = "bnk_abc_secret-with_underscores_in-it";
    begin();
    put_key("abc", text, "read,operate,admin", "u1", 0);
    char line[100];
    snprintf(line, sizeof line, "Bearer %s", text);
    CHECK(identify(NULL, line, "", false));
    CHECK_INT(who.kind, BN_WHO_KEY);
    CHECK_STR(who.name, "key:backup");
    CHECK_STR(who.key_id, "abc");
    CHECK(bn_who_may(&who, BN_RIGHT_ADMIN) && !bn_who_may(&who, BN_RIGHT_SELF));
    put_user("u3", "second", BN_ROLE_ADMIN, false);
    put_user("u1", "owner", BN_ROLE_VIEWER, false);
    CHECK(bn_sessions_refresh(sessions, &who));
    CHECK(!bn_who_may(&who, BN_RIGHT_OPERATE) && bn_who_may(&who, BN_RIGHT_READ));
    put_user("u1", "owner", BN_ROLE_VIEWER, true);
    CHECK(!bn_sessions_refresh(sessions, &who));
    CHECK(!identify(NULL, line, "", false));
    end();
}

BN_TEST(a_key_of_the_command_line_needs_no_maker)
{
    begin();
    put_key("abc", "bnk_abc_x", "metrics", "", 0);
    CHECK(identify(NULL, "bearer bnk_abc_x", "", false));
    CHECK_INT(who.rights, 1u << BN_RIGHT_METRICS);
    wall.now_ms += 60000;
    CHECK(identify(NULL, "Bearer bnk_abc_x", "", false));
    turn();
    const struct bn_key *key = bn_live_get(&hub.live, "default", BN_KIND_KEY, "abc");
    CHECK_INT(key->last_used_at, wall.now_ms - wall.now_ms % 60000);
    end();
}

BN_TEST(a_key_expires)
{
    begin();
    put_key("abc", "bnk_abc_x", "all", "", wall.now_ms + 1000);
    CHECK(identify(NULL, "Bearer bnk_abc_x", "", false));
    wall.now_ms += 1000;
    CHECK(!bn_sessions_refresh(sessions, &who));
    CHECK(!identify(NULL, "Bearer bnk_abc_x", "", false));
    CHECK_STR(err.text, "this key has expired, or its maker has left");
    end();
}

BN_TEST(wrong_keys_are_refused)
{
    static const char *const lines[] = {"Bearer bnk_abc_y", "Bearer bnk_abd_x", "Bearer bnk_abc_",
            "Bearer bnk_abc", "Bearer bnk__x", "Bearer ", "Bearer", "Bearer xyz", "Bearer bnk_",
            "Basic bnk_abc_x", "bnk_abc_x"};
    begin();
    put_key("abc", "bnk_abc_x", "all", "", 0);
    for (size_t i = 0; i < COUNT(lines); i++) {
        CHECK(!identify(NULL, lines[i], "", false));
        CHECK_INT(err.code, BN_E_UNAUTHORIZED);
    }
    end();
}

BN_TEST(one_way_in_at_a_time)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    put_key("abc", "bnk_abc_x", "all", "", 0);
    CHECK(!identify(secret, "Bearer bnk_abc_x", "", false));
    CHECK_STR(err.text, "both a session and a key were sent: send one");
    CHECK(identify(secret, "Basic dXNlcjpwYXNz", "", false)); /* the login of a proxy before us */
    CHECK_INT(who.kind, BN_WHO_USER);
    end();
}

BN_TEST(a_key_in_the_query_string_is_refused_even_beside_a_good_login)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    CHECK(!identify(secret, NULL, "topic=self&token=bnk_abc_x", false));
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK(identify(secret, NULL, "topic=self", false));
    end();
}

BN_TEST(a_sweep_ends_so_many_and_the_next_goes_on)
{
    static const char *const ids[] = {"u1", "u2", "u3", "u4", "u5"};
    char secret[BN_COOKIE_SECRET_SIZE];
    begin();
    for (size_t i = 0; i < COUNT(ids); i++) {
        if (i > 1)
            put_user(ids[i], ids[i], BN_ROLE_VIEWER, false);
        for (int n = 0; n < BN_SESSIONS_PER_USER_MAX; n++)
            log_in(ids[i], secret);
    }
    const struct bn_table *table = &hub.live.tenants->tables[BN_KIND_SESSION];
    CHECK_INT(table->count, 250);
    wall.now_ms += 13 * HOUR_MS;
    bn_sessions_sweep(sessions);
    turn();
    CHECK_INT(table->count, 50);
    bn_sessions_sweep(sessions);
    turn();
    CHECK_INT(table->count, 0);
    end();
}

BN_TEST(a_key_whose_scopes_mean_nothing_opens_nothing)
{
    struct bn_fact fact;
    uint8_t hash[BN_HASH_SIZE];
    begin();
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    fact.replay = true; /* from a file that somebody wrote into */
    bn_sha256("bnk_odd_x", 9, hash);
    bn_b64url_encode(hash, sizeof hash, fact.u.key.hash);
    bn_text_clip(fact.u.key.id, sizeof fact.u.key.id, BN_STR("odd"));
    bn_text_clip(fact.u.key.scopes, sizeof fact.u.key.scopes, BN_STR("fly"));
    bn_hub_replay(&hub, &fact);
    CHECK(!identify(NULL, "Bearer bnk_odd_x", "", false));
    CHECK_INT(err.code, BN_E_UNAUTHORIZED);
    end();
}

BN_TEST(nobody_ends_as_nobody)
{
    begin();
    struct bn_who nobody = {.kind = BN_WHO_NOBODY};
    CHECK(!bn_sessions_refresh(sessions, &nobody));
    end();
}

BN_TEST(cookies_say_how_they_may_be_used)
{
    char text[BN_SET_COOKIE_SIZE];
    bn_cookie_put("s3cret", false, "", text);
    CHECK_STR(text, "binnacle=s3cret; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict");
    bn_cookie_put("s3cret", false, "/ops", text);
    CHECK_STR(text, "binnacle=s3cret; Path=/ops; Max-Age=604800; HttpOnly; SameSite=Strict");
    bn_cookie_put("s3cret", true, "/ops", text);
    CHECK_STR(text,
            "__Host-binnacle=s3cret; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure");
    bn_cookie_put(NULL, false, "", text);
    CHECK_STR(text, "binnacle=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}

BN_TEST(identifying_is_cheap)
{
    begin();
    char secret[BN_COOKIE_SECRET_SIZE];
    log_in("u1", secret);
    const int64_t from = bn_clock_mono_ns();
    for (int i = 0; i < 2000; i++)
        CHECK(identify(secret, NULL, "", false));
    /* 20 us is the bar of a release build; sanitizers and a shared machine get ten times that. */
    CHECK((bn_clock_mono_ns() - from) / 2000 < 200000);
    end();
}

BN_TEST_MAIN()
