#include "store_test.h"

/* One record of each kept kind with every field set to something of its own. */
static void fill(struct bn_fact *fact, enum bn_kind kind, int seed)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    bn_fact_init(fact, kind, "default");
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        char *to = (char *)&fact->u + field->offset;
        int64_t number = 1795000000000 + seed * 1000 + (int64_t)i;
        double real = 0.1 * (double)number;
        switch ((enum bn_type)field->type) {
        case BN_T_TEXT:
            snprintf(to, field->size, "%s %d é€😀 '\"; DROP", field->name, seed);
            if (!bn_utf8_is_valid(to, strlen(to)))
                snprintf(to, field->size, "%s%d", type->name, seed);
            break;
        case BN_T_F64: memcpy(to, &real, sizeof real); break;
        case BN_T_BOOL:
            number = seed % 2;
            memcpy(to, &number, sizeof number);
            break;
        case BN_T_ENUM:
            number = field->words[1] ? 1 : 0;
            memcpy(to, &number, sizeof number);
            break;
        case BN_T_I64:
        case BN_T_TIME: memcpy(to, &number, sizeof number); break;
        }
    }
}

struct found {
    struct bn_fact facts[64];
    size_t count;
};

static void find(void *user, const struct bn_fact *fact)
{
    struct found *found = user;
    CHECK(found->count < COUNT(found->facts));
    found->facts[found->count++] = *fact;
}

static void load(struct bn_store *store, struct found *found)
{
    struct bn_err err;
    found->count = 0;
    if (!bn_store_load(store, find, found, &err))
        fail_msg("load: %s", err.text);
}

/* What follows from other facts is not kept with the row. */
static uint64_t derived(const struct bn_record_type *type)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < type->field_count; i++)
        mask |= type->fields[i].flags & BN_F_DERIVED ? BN_BIT(i) : 0;
    return mask;
}

static void check_same(const struct bn_fact *got, const struct bn_fact *want)
{
    CHECK_INT(got->kind, want->kind);
    CHECK_STR(got->tenant, want->tenant);
    CHECK(got->replay);
    CHECK_INT(bn_record_diff(bn_kinds[want->kind].type, &got->u, &want->u) &
                      ~derived(bn_kinds[want->kind].type),
            0);
}

BN_TEST(an_empty_folder_becomes_a_store_only_its_owner_can_read)
{
    struct place place;
    place_init(&place);
    struct bn_store_config config = place_config(&place);
    snprintf(config.dir, sizeof config.dir, "%s/data", place.dir);
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    CHECK(bn_store_open(&config, &store, notice, &err));
    CHECK_STR(notice, "");
    CHECK_INT(count_rows(store), 0);

    static const struct {
        const char *name;
        int mode;
    } want[] = {{"", 0700}, {"/binnacle.db", 0600}, {"/binnacle.db-wal", 0600},
            {"/binnacle.db-shm", 0600}, {"/lock", 0600}, {"/reserve", 0600}};

    for (size_t i = 0; i < COUNT(want); i++) {
        char path[600];
        struct stat st;
        snprintf(path, sizeof path, "%s%s", config.dir, want[i].name);
        CHECK_INT(stat(path, &st), 0);
        CHECK_INT(st.st_mode & 0777, want[i].mode);
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(every_kept_kind_comes_back_as_it_was)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact put[BN_KIND_COUNT];
    size_t n = 0;
    for (size_t k = 0; k < BN_KIND_COUNT; k++) {
        if (!bn_kinds[k].type->table || !bn_kinds[k].rows_max)
            continue;
        fill(&put[n], (enum bn_kind)k, (int)k);
        if (k == BN_KIND_OPERATION) /* one that ended long ago is history */
            put[n].u.operation.completed_at = 0;
        if (k == BN_KIND_ALERT)
            put[n].u.alert.resolved_at = 0;
        if (k == BN_KIND_CONSOLE)
            put[n].u.console.ended_at = 0;
        bn_store_put(store, &put[n++]);
    }
    CHECK(n >= 4);
    struct heard heard = {0};
    CHECK_INT(bn_store_flush(store), 1);
    await_acks(store, &heard, 1);
    CHECK(heard.last.ok);
    struct found found;
    for (int round = 0; round < 2; round++) {
        load(store, &found);
        CHECK_INT(found.count, n);
        CHECK_INT(found.facts[0].kind, BN_KIND_TENANT);
        for (size_t i = 0; i < n; i++)
            check_same(&found.facts[i], &put[i]);
        bn_store_close(store);
        store = place_open(&place);
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(what_is_unknown_stays_unknown)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (size_t k = 0; k < BN_KIND_COUNT; k++) {
        if (!bn_kinds[k].type->table || !bn_kinds[k].rows_max)
            continue;
        struct bn_fact put;
        struct bn_fact gone;
        bn_fact_init(&put, (enum bn_kind)k, "default");
        memcpy(&put.u, "x", 2); /* the key stands first in every record */
        put_now(store, &put);
        struct found found;
        load(store, &found);
        CHECK_INT(found.count, 1);
        check_same(&found.facts[0], &put);
        gone = put;
        gone.op = BN_GONE;
        put_now(store, &gone);
    }
    CHECK_INT(count_rows(store), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(the_newest_state_of_a_row_wins_and_gone_rows_are_gone)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    struct bn_fact bob = user_fact("u2", "bob");
    struct bn_fact other = user_fact("u1", "of another tenant");
    snprintf(other.tenant, sizeof other.tenant, "other");
    bn_store_put(store, &ann);
    bn_store_put(store, &bob);
    bn_store_put(store, &other);
    ann.u.user.role = BN_ROLE_ADMIN;
    bn_store_put(store, &ann);
    bob.op = BN_GONE;
    put_now(store, &bob);
    struct found found;
    load(store, &found);
    CHECK_INT(found.count, 2);
    check_same(&found.facts[0], &ann);
    check_same(&found.facts[1], &other);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(samples_and_replayed_facts_are_not_kept_and_an_empty_batch_has_no_number)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_HOST, "default");
    bn_store_put(store, &fact);
    fact = user_fact("u1", "ann");
    fact.replay = true;
    bn_store_put(store, &fact);
    CHECK_INT(bn_store_flush(store), 0);
    struct bn_point point = {.at_ms = 1795000000000, .min = 1, .avg = 1, .max = 1};
    bn_store_point(store, "default", "host/local.load1", &point);
    CHECK_INT(bn_store_flush(store), 0);
    CHECK_INT(count_rows(store), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(acknowledgements_come_once_and_in_order)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct heard heard = {0};
    for (int i = 1; i <= 200; i++) {
        char id[16];
        snprintf(id, sizeof id, "u%d", i);
        struct bn_fact fact = user_fact(id, id);
        bn_store_put(store, &fact);
        CHECK_INT(bn_store_flush(store), i);
    }
    await_acks(store, &heard, 200);
    CHECK_INT(heard.ok, 200);
    CHECK_INT(heard.last.batch, 200);
    bn_store_collect(store, hear_ack, &heard);
    CHECK_INT(heard.count, 200);
    CHECK_INT(count_rows(store), 200);
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.queue, 0);
    CHECK(stats.worst_ms > 0);
    CHECK(stats.db_bytes + stats.wal_bytes > 0);
    CHECK(!stats.degraded);
    bn_store_get_stats(store, &stats);
    CHECK(stats.worst_ms == 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(the_audit_log_is_read_newest_first_in_pages)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 25; i++) {
        char id[16];
        snprintf(id, sizeof id, "a%d", i);
        struct bn_fact fact = audit_fact(id, 1795000000000 - i); /* a clock that runs backwards */
        bn_store_put(store, &fact);
        snprintf(fact.tenant, sizeof fact.tenant, "other");
        bn_store_put(store, &fact);
    }
    struct bn_err err;
    CHECK(bn_store_keep(store, &err));
    struct bn_audit page[10];
    size_t n = 10;
    CHECK(bn_store_read_audit(store, "default", "", page, &n, &err));
    CHECK_INT(n, 10);
    CHECK_STR(page[0].id, "a24");
    CHECK_STR(page[9].id, "a15");
    CHECK_INT(page[0].ok, 1);
    CHECK(bn_store_read_audit(store, "default", page[9].id, page, &n, &err));
    CHECK_STR(page[0].id, "a14");
    CHECK(bn_store_read_audit(store, "default", "a4", page, &n, &err));
    CHECK_INT(n, 4);
    n = 10;
    CHECK_STR(page[3].id, "a0");
    CHECK(bn_store_read_audit(store, "default", "never was", page, &n, &err));
    CHECK_INT(n, 0);
    CHECK_INT(count_rows(store), 0); /* not held in memory: not loaded */
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_close_writes_what_waits)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact fact = user_fact("u1", "ann");
    CHECK_INT(count_rows(store), 0); /* a reader is open, too */
    bn_store_put(store, &fact);      /* not even flushed */
    bn_store_close(store);
    char path[300];
    place_path(&place, "binnacle.db-wal", path);
    CHECK_INT(access(path, F_OK), -1); /* all of it is in the database itself */
    store = place_open(&place);
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    bn_store_close(NULL);
    place_finish(&place);
}

BN_TEST_MAIN()
