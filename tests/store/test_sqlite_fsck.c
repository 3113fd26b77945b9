/* store/fsck: each rule holds of what the store wrote, and each is seen to find what breaks it. */
#include "sql.h"
#include "store/fsck.h"
#include "store_test.h"

struct told {
    int rules, broken;
    int64_t most;
    char last[200];
};

static void hear(void *user, const char *rule, const char *problem, int64_t count)
{
    struct told *told = user;
    told->rules += count <= 1;
    told->broken += count == 1;
    told->most = BN_MAX(told->most, count);
    if (problem)
        snprintf(told->last, sizeof told->last, "%s: %s", rule, problem);
}

static int64_t problems(const struct place *place, struct told *told)
{
    struct bn_err err;
    int64_t count = -1;
    memset(told, 0, sizeof *told);
    if (!bn_fsck(place->dir, hear, told, &count, &err))
        fail_msg("%s", err.text);
    return count;
}

static void begin(struct place *place)
{
    place_init(place);
    struct bn_store *store = place_open(place);
    struct bn_fact fact = user_fact("ada", "ada");
    put_now(store, &fact);
    bn_store_close(store);
}

#define OPERATION(rest) \
    "INSERT INTO operations(tenant, id, type, target_id, status, started_at, progress" rest
#define VALUES(id) ") VALUES('default', '" id "', 'logs', 't', "

static const struct {
    const char *sql, *says;
} breaks[] = {
        {OPERATION(", completed_at") VALUES("a") "'completed', 5, 70, 6)", "progress is a share"},
        {OPERATION(", completed_at") VALUES("a") "'lost', 5, 0, 6)", "known states"},
        {OPERATION("") VALUES("a") "'completed', 5, 100)", "a time of its end exactly"},
        {OPERATION(", completed_at") VALUES("a") "'completed', 5, 100, 4)", "ends after it began"},
        {OPERATION(", sent_at") VALUES("a") "'in_progress', 5, 50, 6)", "says what was sent"},
        {OPERATION(", completed_at") VALUES("a") "'failed', 5, 100, 6)", "what failed says why"},
        {OPERATION(", parent_id") VALUES("a") "'pending', 5, 0, 'gone')", "a child has its batch"},
        {"INSERT INTO operations(tenant, id, type, status, started_at, progress) VALUES('default', 'a', "
         "'logs', 'pending', 5, 0)",
                "says on what"},
        {"INSERT INTO pieces VALUES('default', 'x/0', 'x', 0, 5, 'hello')", "output belongs"},
        {"INSERT INTO outputs(tenant, id, n, text) VALUES('default', 'x/0', 0, 'hello')",
                "a line of an operation"},
        {"INSERT INTO target_keys(tenant, id, text) VALUES('default', 'x/0', 'k')",
                "a part of a key"},
        {"INSERT INTO alerts(tenant, id, state, resolved_at) VALUES('default', 'a', 'firing', 5)",
                "an alert has a time"},
        {"INSERT INTO consoles(tenant, id, started_at, ended_at) VALUES('default', 'a', 5, 4)",
                "a console ends"},
        {"INSERT INTO blocks VALUES(77, 0, 0, x'00')", "points belong"},
        {"INSERT INTO checks(server, at, success) VALUES(77, 5, 1)", "a check belongs"},
        {"INSERT INTO check_hours VALUES(77, 0, 5, 6, 0, 0, NULL, NULL)", "an hour of checks"},
};

BN_TEST(what_the_store_wrote_holds_and_what_breaks_a_rule_is_found)
{
    for (size_t i = 0; i < COUNT(breaks); i++) {
        struct place place;
        struct told told;
        begin(&place);
        CHECK_INT(problems(&place, &told), 0);
        CHECK(told.rules >= 20 && !told.broken);
        ask_sql(&place, breaks[i].sql);
        if (problems(&place, &told) != 1 || !strstr(told.last, breaks[i].says))
            fail_msg("%s: %s", breaks[i].sql, told.last);
        place_finish(&place);
    }
}

BN_TEST(two_at_a_time_are_found_though_the_index_is_gone_and_of_many_problems_the_first_are_said)
{
    struct place place;
    struct told told;
    begin(&place);
    ask_sql(&place, "DROP INDEX operations_one_on_a_target");
    ask_sql(&place, OPERATION("") VALUES("a") "'pending', 5, 0)");
    ask_sql(&place, OPERATION("") VALUES("b") "'in_progress', 5, 0)");
    CHECK_INT(problems(&place, &told), 1);
    CHECK(strstr(told.last, "one deed on a target at a time: t: 2 of logs"));
    ask_sql(&place, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
                    " INSERT INTO pieces SELECT 'default', 'x/' || i, 'x', i * 9, 5, 'x' FROM n");
    CHECK_INT(problems(&place, &told), 51);
    CHECK_INT(told.most, BN_FSCK_SAID_MAX);
    place_finish(&place);
}

BN_TEST(what_is_no_database_of_this_version_is_refused)
{
    struct place place;
    struct told told;
    struct bn_err err;
    int64_t count = 0;
    place_init(&place);
    CHECK(!bn_fsck(place.dir, hear, &told, &count, &err));
    CHECK(strstr(err.text, "there is no Binnacle in"));
    place_finish(&place);
    begin(&place);
    ask_sql(&place, "PRAGMA user_version = 1");
    CHECK(!bn_fsck(place.dir, hear, &told, &count, &err));
    CHECK(strstr(err.text, "start the server once on it"));
    ask_sql(&place, "PRAGMA user_version = 9999");
    CHECK(!bn_fsck(place.dir, hear, &told, &count, &err));
    CHECK(strstr(err.text, "use the newer one"));
    place_finish(&place);
}

BN_TEST_MAIN()
