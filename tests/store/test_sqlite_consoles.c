#include "sql.h"
#include "store/store_work.h"
#include "store_test.h"

#define NOW 1795000000000

static struct bn_fact console_fact(int number, int64_t started_at, int64_t ended_at)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CONSOLE, "default");
    struct bn_console *console = &fact.u.console;
    snprintf(console->id, sizeof console->id, "c%d", number);
    snprintf(console->user_id, sizeof console->user_id, "%s", number % 2 ? "ann" : "bob");
    snprintf(console->server_id, sizeof console->server_id, "s%d", number % 3);
    console->kind = BN_CONSOLE_TERMINAL;
    console->started_at = started_at;
    console->ended_at = ended_at;
    console->bytes_in = number;
    return fact;
}

static void keep(struct bn_store *store, const struct bn_fact *fact)
{
    struct bn_err err;
    bn_store_put(store, fact);
    if (!bn_store_keep(store, &err))
        fail_msg("%s", err.text);
}

static size_t read_page(struct bn_store *store, const struct bn_console_query *query,
        struct bn_console *out, size_t most, int64_t *total)
{
    struct bn_err err;
    if (!bn_store_read_consoles(store, query, out, &most, total, &err))
        fail_msg("%s", err.text);
    return most;
}

BN_TEST(the_history_of_consoles_comes_in_pages_newest_first_and_filtered)
{
    static struct bn_console out[60];
    struct place place;
    int64_t total;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 60; i++) {
        const struct bn_fact fact = console_fact(i, NOW + i * 1000, i < 57 ? NOW + 70000 : 0);
        bn_store_put(store, &fact);
    }
    struct bn_fact other = console_fact(900, NOW, 0);
    snprintf(other.tenant, sizeof other.tenant, "else");
    keep(store, &other);
    struct bn_console_query query = {.tenant = "default"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 50);
    CHECK_INT(total, 60);
    CHECK_STR(out[0].id, "c59");
    CHECK_STR(out[49].id, "c10");
    CHECK_INT(out[49].bytes_in, 10);
    CHECK_INT(out[49].kind, BN_CONSOLE_TERMINAL);
    query.skip = 50;
    CHECK_INT(read_page(store, &query, out, 50, &total), 10);
    CHECK_STR(out[9].id, "c0");
    query = (struct bn_console_query){.tenant = "default", .user_id = "ann", .is_open = true};
    CHECK_INT(read_page(store, &query, out, 50, &total), 2);
    CHECK_STR(out[0].id, "c59");
    CHECK_STR(out[1].id, "c57");
    query = (struct bn_console_query){.tenant = "default", .server_id = "s1"};
    CHECK_INT(read_page(store, &query, out, 5, &total), 5);
    CHECK_INT(total, 20);
    bn_store_close(store);
    place_finish(&place);
}

static void note_console(void *user, const struct bn_fact *fact)
{
    char *ids = user;
    if (fact->kind == BN_KIND_CONSOLE)
        snprintf(ids + strlen(ids), 10, "%.4s ", fact->u.console.id);
}

BN_TEST(a_start_brings_back_what_was_open_and_what_closed_just_now)
{
    char ids[100] = "";
    struct place place;
    struct bn_err err;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    const struct bn_fact facts[] = {console_fact(1, NOW - 86400000, 0),
            console_fact(2, NOW - 86400000, NOW - BN_CONSOLE_PAST_MS - 1000),
            console_fact(3, NOW - 60000, NOW - 1000)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    CHECK(bn_store_load(store, note_console, ids, &err));
    CHECK_STR(ids, "c1 c3 ");
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(ninety_days_after_its_end_a_console_goes_and_an_open_one_never)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    const struct bn_fact facts[] = {console_fact(1, NOW, 0), console_fact(2, NOW, NOW + 1000)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    place.now_ms = NOW + 1000 + BN_CONSOLE_KEEP_MS;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM consoles"), 2);
    place.now_ms++;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM consoles"), 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM consoles WHERE id = 'c1'"), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST_MAIN()
