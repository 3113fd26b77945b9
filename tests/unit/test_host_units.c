#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "host_machine.h"
#include "source/host_parts.h"

static bool recorded_size(const char *path, struct bn_fs_size *out)
{
    (void)path, (void)out;
    return false;
}

/* The manager of the test. A thread that was left behind may still be listening to it. */
static pthread_mutex_t mouth = PTHREAD_MUTEX_INITIALIZER;
static struct bn_units said;
static struct bn_failed_unit said_failed[BN_UNITS_TOLD];
static char said_why[BN_ERR_TEXT_MAX]; /* "": it answers */
static atomic_int asked;
static atomic_int left; /* questions that are over */
static atomic_bool hangs;

static bool read_units(const char *address, const struct bn_units_limits *limits,
        struct bn_units *out, struct bn_err *err)
{
    assert(strncmp(address, "unix:", 5) == 0);
    assert(limits->units_max == BN_UNITS_MAX && limits->failed_max == BN_UNITS_TOLD);
    assert(limits->deadline_ms == BN_UNITS_DEADLINE_MS);
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&hangs))
        usleep(1000);
    pthread_mutex_lock(&mouth);
    bool knows = !said_why[0];
    memcpy(out->counts, said.counts, sizeof out->counts);
    out->failed_count = said.failed_count;
    memcpy(out->failed, said_failed, sizeof said_failed);
    if (!knows)
        bn_fail(err, BN_E_UNAVAILABLE, "%s", said_why);
    pthread_mutex_unlock(&mouth);
    atomic_fetch_add(&left, 1);
    return knows;
}

static void say(uint64_t ok, uint64_t changing, uint64_t inactive)
{
    pthread_mutex_lock(&mouth);
    said_why[0] = 0;
    said.counts[BN_UNIT_OK] = ok;
    said.counts[BN_UNIT_CHANGING] = changing;
    said.counts[BN_UNIT_INACTIVE] = inactive;
    said.counts[BN_UNIT_FAILED] = said.failed_count = 0;
    pthread_mutex_unlock(&mouth);
}

static void say_nothing(const char *why)
{
    pthread_mutex_lock(&mouth);
    snprintf(said_why, sizeof said_why, "%s", why);
    pthread_mutex_unlock(&mouth);
}

static void say_failed(const char *name)
{
    pthread_mutex_lock(&mouth);
    struct bn_failed_unit *unit = &said_failed[said.failed_count++];
    *unit = (struct bn_failed_unit){.description = "Of the test",
            .sub_state = "failed",
            .failed_ms = 1763668000000};
    bn_text_clip(unit->name, sizeof unit->name, bn_str(name));
    said.counts[BN_UNIT_FAILED]++;
    pthread_mutex_unlock(&mouth);
}

static void begin(struct machine *m)
{
    atomic_store(&asked, 0);
    atomic_store(&left, 0);
    atomic_store(&hangs, false);
    machine_start(m, "bare64", recorded_size);
    m->sampler->world.units_read = read_units;
}

/* Threads answer when they like: samples without time passing until the answer was heard, at most
   five seconds. */
static bool comes_to(struct machine *m, int64_t units_ok)
{
    for (int i = 0; i < 5000 && machine_host(m)->units_ok != units_ok; i++) {
        usleep(1000);
        machine_sample(m);
    }
    return machine_host(m)->units_ok == units_ok;
}

static void start(struct machine *m, int64_t units_ok)
{
    begin(m);
    machine_sample(m);
    CHECK(comes_to(m, units_ok));
}

/* The next question comes after so many seconds and not before. A slow thread makes no difference:
   it is waited for. */
static void check_asked_after(struct machine *m, int seconds)
{
    int before = atomic_load(&asked);
    for (int i = 1; i < seconds; i++) {
        machine_wait_ms(m, 1000);
        machine_sample(m);
    }
    usleep(20000);
    CHECK_INT(atomic_load(&asked), before);
    machine_wait_ms(m, 1000);
    machine_sample(m);
    for (int i = 0; i < 5000 && atomic_load(&asked) == before; i++)
        usleep(1000);
    CHECK_INT(atomic_load(&asked), before + 1);
    while (!atomic_load(&hangs) && atomic_load(&left) < before + 1)
        usleep(1000);
}

static size_t unit_count(struct machine *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->row_count; i++)
        count += m->rows[i].kind == BN_KIND_UNIT;
    return count;
}

/* --- what is told -----------------------------------------------------------------------------
 */

BN_TEST(counts_are_told_and_the_failed_ones_are_rows)
{
    struct machine m;
    say(132, 2, 40);
    say_failed("smartd.service");
    start(&m, 132);
    CHECK_INT(machine_host(&m)->units_failed, 1);
    CHECK_INT(machine_host(&m)->units_changing, 2);
    CHECK_INT(machine_host(&m)->units_inactive, 40);
    CHECK_STR(machine_host(&m)->units_why, "");
    const struct bn_unit *unit = MACHINE_ROW(&m, UNIT, unit, "smartd.service");
    CHECK_STR(unit->name, "smartd.service");
    CHECK_STR(unit->description, "Of the test");
    CHECK_STR(unit->sub_state, "failed");
    CHECK_INT(unit->failed_at, 1763668000000);
    machine_stop(&m);
}

BN_TEST(where_nobody_can_be_asked_nothing_is_known)
{
    struct machine m;
    begin(&m);
    m.sampler->world.units_read = NULL;
    machine_sample(&m);
    CHECK_INT(machine_host(&m)->units_ok, BN_UNKNOWN);
    CHECK_INT(machine_host(&m)->units_failed, BN_UNKNOWN);
    CHECK_INT(atomic_load(&asked), 0);
    machine_stop(&m);
}

BN_TEST(a_unit_that_was_mended_is_gone_and_a_new_one_comes)
{
    struct machine m;
    say(10, 0, 0);
    say_failed("a.service");
    say_failed("b.service");
    start(&m, 10);
    say(11, 0, 0);
    say_failed("b.service");
    say_failed("c.service");
    machine_wait_ms(&m, 10000);
    machine_sample(&m);
    CHECK(comes_to(&m, 11));
    CHECK_INT(unit_count(&m), 2);
    CHECK(machine_find(&m, BN_KIND_UNIT, "a.service") == NULL);
    CHECK(machine_find(&m, BN_KIND_UNIT, "b.service") != NULL);
    CHECK(machine_find(&m, BN_KIND_UNIT, "c.service") != NULL);
    machine_stop(&m);
}

/* As many rows as the table of live/ has room for, all of them others than before. */
BN_TEST(at_the_wall_as_many_as_fit_are_rows_and_all_are_counted)
{
    struct machine m;
    char name[32];
    for (int round = 0; round < 2; round++) {
        say(round + 1, 0, 0);
        for (int i = 0; i < BN_UNITS_TOLD; i++) {
            snprintf(name, sizeof name, "job-%d-%d.service", round, i);
            say_failed(name);
        }
        said.counts[BN_UNIT_FAILED] += 12;
        if (round == 0) {
            start(&m, 1);
        } else {
            machine_wait_ms(&m, 10000);
            machine_sample(&m);
            CHECK(comes_to(&m, 2));
        }
        CHECK_INT(unit_count(&m), BN_UNITS_TOLD);
        CHECK(machine_find(&m, BN_KIND_UNIT, name) != NULL);
        CHECK_INT(machine_host(&m)->units_failed, BN_UNITS_TOLD + 12);
    }
    CHECK_INT(m.gone, BN_UNITS_TOLD);
    machine_stop(&m);
}

BN_TEST(strange_names_have_ids_of_their_own_and_are_cleaned)
{
    struct machine m;
    char longest[BN_UNIT_NAME_MAX];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = 0;
    say(1, 0, 0);
    say_failed("");
    say_failed("tab\there\x1b[31m.service");
    say_failed("tab here?[31m.service");
    say_failed(longest);
    longest[sizeof longest - 2] = 'm';
    say_failed(longest);
    start(&m, 1);
    CHECK_INT(unit_count(&m), 4);
    CHECK_INT(machine_host(&m)->units_failed, 5);
    CHECK_STR(MACHINE_ROW(&m, UNIT, unit, "tab here?[31m.service")->name, "tab here?[31m.service");
    for (size_t i = 0; i < m.row_count; i++)
        if (m.rows[i].kind == BN_KIND_UNIT)
            for (const char *p = m.rows[i].u.unit.name; *p; p++)
                CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    machine_stop(&m);
}

/* --- unknown ----------------------------------------------------------------------------------
 */

BN_TEST(without_an_answer_the_units_are_unknown_and_the_reason_is_told)
{
    struct machine m;
    say(10, 0, 0);
    say_failed("a.service");
    start(&m, 10);
    say_nothing("there is no systemd on the system bus\n");
    machine_wait_ms(&m, 10000);
    machine_sample(&m);
    CHECK(comes_to(&m, BN_UNKNOWN));
    CHECK_INT(machine_host(&m)->units_failed, BN_UNKNOWN);
    CHECK_INT(machine_host(&m)->units_changing, BN_UNKNOWN);
    CHECK_INT(machine_host(&m)->units_inactive, BN_UNKNOWN);
    CHECK_STR(machine_host(&m)->units_why, "there is no systemd on the system bus?");
    CHECK_INT(unit_count(&m), 0);
    say(12, 0, 0);
    machine_wait_ms(&m, 10000);
    machine_sample(&m);
    CHECK(comes_to(&m, 12));
    CHECK_STR(machine_host(&m)->units_why, "");
    machine_stop(&m);
}

BN_TEST(a_thread_that_hangs_holds_up_nobody_and_is_not_asked_again)
{
    struct machine m;
    say(10, 0, 0);
    start(&m, 10);
    atomic_store(&hangs, true);
    check_asked_after(&m, 10);
    for (int i = 0; i < 6; i++) {
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
        CHECK_INT(machine_host(&m)->units_ok, 10);
    }
    for (int i = 0; i < 300; i++) {
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
    }
    usleep(20000);
    CHECK_INT(atomic_load(&asked), 2);
    CHECK_INT(machine_host(&m)->units_ok, BN_UNKNOWN);
    CHECK_STR(machine_host(&m)->units_why, "the thread that asks systemd hangs");
    atomic_store(&hangs, false);
    CHECK(comes_to(&m, 10));
    machine_stop(&m);
}

BN_TEST(the_end_does_not_wait_for_one_that_hangs)
{
    struct machine m;
    say(10, 0, 0);
    begin(&m);
    atomic_store(&hangs, true);
    machine_sample(&m);
    for (int i = 0; i < 5000 && atomic_load(&asked) == 0; i++)
        usleep(1000);
    machine_stop(&m); /* would wait for ever */
    atomic_store(&hangs, false);
    while (atomic_load(&left) == 0)
        usleep(1000);
    usleep(20000); /* what was left behind frees itself: the leak checker looks at the end */
}

/* --- how often --------------------------------------------------------------------------------
 */

BN_TEST(it_is_asked_every_ten_seconds)
{
    struct machine m;
    say(10, 0, 0);
    start(&m, 10);
    for (int i = 0; i < 3; i++)
        check_asked_after(&m, 10);
    machine_stop(&m);
}

BN_TEST(without_a_bus_it_is_asked_ever_more_rarely_down_to_once_a_minute)
{
    static const int waits[] = {10, 20, 40, 60, 60};
    struct machine m;
    begin(&m);
    say(10, 0, 0);
    say_nothing("no bus");
    machine_sample(&m);
    for (int i = 0; i < 5000 && !machine_host(&m)->units_why[0]; i++) {
        usleep(1000);
        machine_sample(&m);
    }
    for (size_t i = 0; i < COUNT(waits); i++)
        check_asked_after(&m, waits[i]);
    say(10, 0, 0); /* the next minute finds the bus, and what was before is forgotten */
    check_asked_after(&m, 60);
    CHECK(comes_to(&m, 10));
    check_asked_after(&m, 10);
    machine_stop(&m);
}

BN_TEST_MAIN()
