#include "why_trace.h"

/* Failures and the tasks of Proxmox VE: its edges, and chance. */

#define MINUTE INT64_C(60000)

/* A check every two minutes for ten hours; those in the stretches of 70 min that begin `hours` ago
   fail every other time. */
static void make_hours(const int *hours, size_t count)
{
    make_plain(300, 300, "", "");
    for (size_t i = 0; i < 300; i += 2)
        for (size_t h = 0; h < count; h++) {
            struct bn_check *check = &trace.checks[i];
            const int64_t in_ms = check->at - (NOW - hours[h] * HOUR_MS);
            if (in_ms < 0 || in_ms > 70 * MINUTE)
                continue;
            check->success = 0;
            snprintf(check->error_class, sizeof check->error_class, "timeout");
            snprintf(check->error_phase, sizeof check->error_phase, "answer");
        }
}

static void backup_at(int hours, const char *type)
{
    (void)add_task(NOW - hours * HOUR_MS, NOW - hours * HOUR_MS + 70 * MINUTE, type, "pve3");
}

BN_TEST(failures_in_two_backups_are_theirs_with_the_task_named)
{
    make_hours((const int[]){8, 4}, 2);
    backup_at(8, "vzdump");
    backup_at(4, "vzdump");
    judge();
    CHECK_STR(why.findings[0].kind, "backup");
    CHECK_STR(why.findings[0].title, "It fails while a backup runs: 36 of 36 failures");
    CHECK_STR(why.findings[0].evidence,
            "2 such tasks in the day, failures in 2 of them, last vzdump on pve3, 07:01 to 08:11"
            " UTC; they ran during 14 % of the checks");
    CHECK_STR(why.findings[0].verdict, "likely backup load");
    CHECK(why.findings[0].task == &trace.tasks[1]);
    CHECK(why.findings[0].confidence > 0.9);
    CHECK(strstr(why.advice[0].text, "bwlimit"));
}

BN_TEST(in_one_task_it_is_less_sure_and_other_kinds_have_their_words)
{
    make_hours((const int[]){4}, 1);
    backup_at(4, "vzdump");
    judge();
    CHECK(has("backup") && why.findings[0].confidence < 0.85);
    make_hours((const int[]){8, 4}, 2);
    backup_at(8, "qmigrate");
    backup_at(4, "hamigrate");
    judge();
    CHECK_STR(why.findings[0].kind, "task");
    CHECK(strstr(why.findings[0].title, "while a migration runs"));
}

BN_TEST(tasks_at_other_times_or_all_the_time_or_of_a_moment_say_nothing)
{
    make_hours((const int[]){8, 4}, 2);
    backup_at(6, "vzdump");
    judge();
    CHECK(!has("backup"));
    CHECK_STR(excluded("backup"), "Not a backup: it did not begin to fail in the one that ran");
    make_hours((const int[]){8, 4}, 2);
    (void)add_task(NOW - 10 * HOUR_MS, NOW, "vzdump", "pve3");
    judge();
    CHECK(!has("backup") && !excludes("backup"));
    make_hours((const int[]){8, 4}, 2);
    backup_at(8, "vncproxy"); /* somebody watches, for it fails */
    backup_at(4, "qmstart");
    judge();
    CHECK(!has("task") && !has("backup") && !excludes("backup"));
    make_hours((const int[]){8, 6, 4}, 3);
    backup_at(4, "vzdump"); /* a third of them */
    judge();
    CHECK(!has("backup"));
}

BN_TEST(two_failures_in_a_backup_are_chance)
{
    make_plain(300, 300, "", "");
    for (size_t i = 200; i <= 204; i += 4) {
        trace.checks[i].success = 0;
        snprintf(trace.checks[i].error_class, sizeof trace.checks[i].error_class, "timeout");
    }
    (void)add_task(trace.checks[198].at, trace.checks[206].at, "vzdump", "pve3");
    judge();
    CHECK(!has("backup"));
}

/* A night's backups, migrations now and then, and failures that have nothing to do with them. */
BN_TEST(a_thousand_seeds_of_noise_have_no_backup_load)
{
    static const double rates[] = {0.01, 0.03, 0.1, 0.3};
    int found = 0;
    for (uint32_t i = 1; i <= 1000; i++) {
        make_noise(i, rates[i % COUNT(rates)]);
        for (int k = 0; k < 12; k++) {
            const int64_t from_ms = NOW - (int64_t)(chance() * 24 * (double)HOUR_MS);
            (void)add_task(from_ms, from_ms + (int64_t)(chance() * 90 * (double)MINUTE),
                    k % 3 ? "vzdump" : "qmigrate", "pve3");
        }
        judge();
        found += has("backup") || has("task");
    }
    CHECK_INT(found, 0);
}

BN_TEST_MAIN()
