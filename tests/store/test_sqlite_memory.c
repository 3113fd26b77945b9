/* SQLite without memory, at any of its allocations: a statement that cannot be prepared or finished
   is refused with a sentence, no sound file is moved aside, and the store goes on afterwards. */
#include <stdatomic.h>

#include "sql.h"
#include "store_test.h"

#define NOW     INT64_C(1795000000000)
#define SAMPLES 60
#define BATCHES 6

static sqlite3_mem_methods real;
static atomic_int count;
static atomic_int from; /* allocations from..until-1 fail; 0: none */
static atomic_int until;

static bool fails(void)
{
    int n = atomic_fetch_add(&count, 1) + 1;
    int first = atomic_load(&from);
    return first && n >= first && n < atomic_load(&until);
}

static void *failing_malloc(int size)
{
    return fails() ? NULL : real.xMalloc(size);
}

static void *failing_realloc(void *p, int size)
{
    return fails() ? NULL : real.xRealloc(p, size);
}

static void plan(int first, int last)
{
    atomic_store(&from, 0);
    atomic_store(&count, 0);
    atomic_store(&until, last);
    atomic_store(&from, first);
}

static struct bn_store *try_to_open(struct place *place, bool is_guest)
{
    struct bn_store_config config = place_config(place);
    struct bn_store *store = NULL;
    struct bn_err err = {0};
    char notice[200];
    config.is_guest = is_guest;
    config.bytes_max = 200000; /* retention by size has something to do */
    if (!bn_store_open(&config, &store, notice, &err)) {
        CHECK(err.text[0]);
        return NULL;
    }
    CHECK_STR(notice, ""); /* nothing is damaged, whatever SQLite could not do */
    return store;
}

struct script {
    bool acked[BATCHES];
    size_t found;
    bool is_kept[BATCHES];
};

static void put_batch(struct bn_store *store, struct script *script, int i)
{
    struct bn_err err = {0};
    char id[16];
    snprintf(id, sizeof id, "u%d", i);
    struct bn_fact user = user_fact(id, id);
    struct bn_fact audit = audit_fact(id, NOW - INT64_C(400) * 24 * 3600000);
    bn_store_put(store, &user);
    bn_store_put(store, &audit);
    for (int n = 0; n < 40; n++) {
        struct bn_point point = {NOW - n * 3600000, 1, 2, 3};
        bn_store_point(store, "default", n % 2 ? "host/local.load1" : id, &point);
    }
    script->acked[i] = bn_store_keep(store, &err);
    if (!script->acked[i])
        CHECK(err.text[0]);
}

static void read_all(struct bn_store *store)
{
    struct bn_err err;
    struct bn_audit page[10];
    struct heard heard = {0};
    size_t n = COUNT(page);
    for (int level = 0; level < BN_LEVELS; level++) {
        static struct bn_point out[400];
        int64_t step = bn_level_step_ms[level];
        struct bn_span span = {"default", "host/local.load1", level, NOW / step * step - 10 * step,
                NOW / step * step};
        (void)!bn_store_read_series(store, &span, out, &err);
    }
    (void)!bn_store_read_audit(store, "default", "", page, &n, &err);
    (void)!bn_store_load(store, hear_fact, &heard, &err);
    bn_store_collect_foreign(store, hear_fact, &heard);
}

static void beside(struct place *place)
{
    struct bn_store *guest = try_to_open(place, true);
    struct bn_fact fact = user_fact("guest", "guest");
    struct bn_err err;
    if (!guest)
        return;
    bn_store_put(guest, &fact);
    (void)!bn_store_keep(guest, &err);
    bn_store_close(guest);
}

static void play(struct bn_store *store, struct place *place, struct script *script)
{
    for (int i = 0; i < BATCHES; i++) {
        put_batch(store, script, i);
        if (i == 2)
            beside(place);
        if (i % 2)
            flush_and_tidy(store);
        read_all(store);
    }
}

static void find(void *user, const struct bn_fact *fact)
{
    struct script *script = user;
    int64_t i;
    if (fact->kind == BN_KIND_USER && fact->u.user.id[0] == 'u' &&
            bn_parse_i64(bn_str(fact->u.user.id + 1), 0, BATCHES - 1, &i))
        script->is_kept[i] = true;
}

static int play_with(int first, int last)
{
    struct place place;
    struct script script = {0};
    struct bn_err err;
    place_init(&place);
    place.now_ms = NOW;
    plan(first, last);
    struct bn_store *store = try_to_open(&place, false);
    if (store) {
        play(store, &place, &script);
        bn_store_close(store);
    }
    int n = atomic_load(&count);
    plan(0, 0);
    store = place_open(&place);
    CHECK(bn_store_load(store, find, &script, &err));
    for (int i = 0; i < BATCHES; i++)
        if (script.acked[i] != script.is_kept[i])
            fail_msg("allocations %d to %d failed: batch %d was %s", first, last - 1, i,
                    script.acked[i] ? "acknowledged and is missing" : "refused and is there");
    flush_and_tidy(store);
    struct bn_fact after = user_fact("after", "after");
    put_now(store, &after);
    bn_store_close(store);
    check_integrity(&place);
    place_finish(&place);
    return n;
}

BN_TEST(where_memory_is_short_records_are_refused_and_nothing_is_lost)
{
    int all = play_with(0, 0);
    int samples = is_sweep() ? all : SAMPLES;
    int stride = all / samples;
    CHECK(all > 1000);
    for (int i = 0; i < samples; i++) {
        int first = 1 + i * stride + i % BN_MAX(stride, 1);
        play_with(first, first + (i % 2 ? 1 : 300));
    }
    print_message("%d allocations, %d times failed at one of them\n", all, samples);
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    sqlite3_mem_methods methods = real;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    return _cmocka_run_group_tests(__FILE__, bn_tests, bn_test_count, NULL, NULL);
}
