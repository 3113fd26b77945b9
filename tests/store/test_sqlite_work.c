#include "sql.h"
#include "store/store_work.h"
#include "store_test.h"

/* Operations in the store: one at a time by the tables themselves, pages of the history, what comes
   back at a start, and retention. */

#define NOW 1795204800000

static struct bn_fact operation_fact(int number, int64_t started_at, enum bn_work_status status)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OPERATION, "default");
    struct bn_operation *operation = &fact.u.operation;
    snprintf(operation->id, sizeof operation->id, "op%d", number);
    snprintf(operation->server_id, sizeof operation->server_id, "s%d", number % 2);
    operation->type = BN_WORK_VM_POWER;
    operation->vmid = 100 + number;
    snprintf(operation->node, sizeof operation->node, "pve%d", number % 4);
    operation->status = status;
    operation->progress = 10;
    operation->started_at = started_at;
    if (bn_operation_is_over(operation))
        operation->completed_at = started_at + 1000;
    return fact;
}

static struct bn_fact line_fact(const char *operation, int n)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OUTPUT, "default");
    snprintf(fact.u.output.id, sizeof fact.u.output.id, "%s/%06d", operation, n);
    fact.u.output.n = n;
    snprintf(fact.u.output.text, sizeof fact.u.output.text, "line %d", n);
    return fact;
}

static void keep(struct bn_store *store, const struct bn_fact *fact)
{
    struct bn_err err;
    bn_store_put(store, fact);
    if (!bn_store_keep(store, &err))
        fail_msg("%s", err.text);
}

static size_t read_page(struct bn_store *store, const struct bn_operation_query *query,
        struct bn_operation *out, size_t most, int64_t *total)
{
    struct bn_err err;
    if (!bn_store_read_operations(store, query, out, &most, total, &err))
        fail_msg("%s", err.text);
    return most;
}

BN_TEST(the_tables_themselves_refuse_a_second_one_for_the_same_guest)
{
    struct place place;
    struct bn_err err;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact first = operation_fact(1, NOW, BN_WORK_IN_PROGRESS);
    struct bn_fact second = operation_fact(3, NOW, BN_WORK_PENDING);
    keep(store, &first);
    second.u.operation.vmid = first.u.operation.vmid;
    bn_store_put(store, &second);
    CHECK(!bn_store_keep(store, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "there is already such an operation");
    struct bn_fact elsewhere = second;
    snprintf(elsewhere.u.operation.server_id, sizeof elsewhere.u.operation.server_id, "s2");
    keep(store, &elsewhere);
    first = operation_fact(1, NOW, BN_WORK_COMPLETED);
    keep(store, &first);
    keep(store, &second);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(the_history_comes_in_pages_newest_first_and_filtered)
{
    static struct bn_operation out[100];
    struct place place;
    int64_t total;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 60; i++) {
        const struct bn_fact fact = operation_fact(i, NOW + i * 1000,
                i < 2        ? BN_WORK_PENDING
                : i % 3 == 0 ? BN_WORK_FAILED
                             : BN_WORK_COMPLETED);
        bn_store_put(store, &fact);
    }
    struct bn_fact other = operation_fact(900, NOW, BN_WORK_FAILED);
    snprintf(other.tenant, sizeof other.tenant, "else");
    keep(store, &other);
    struct bn_operation_query query = {.tenant = "default"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 50);
    CHECK_INT(total, 60);
    CHECK_STR(out[0].id, "op59");
    CHECK_STR(out[49].id, "op10");
    query.skip = 50;
    CHECK_INT(read_page(store, &query, out, 50, &total), 10);
    CHECK_STR(out[9].id, "op0");
    query = (struct bn_operation_query){.tenant = "default", .status = "active"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 2);
    CHECK_INT(total, 2);
    query = (struct bn_operation_query){.tenant = "default", .status = "failed", .server_id = "s1"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 10);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(out[i].status, BN_WORK_FAILED);
        CHECK_STR(out[i].server_id, "s1");
    }
    query = (struct bn_operation_query){.tenant = "default", .since_ms = NOW + 58000};
    CHECK_INT(read_page(store, &query, out, 50, &total), 2);
    query = (struct bn_operation_query){.tenant = "default", .type = "import"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 0);
    CHECK_INT(total, 0);
    /* Of some guests only: 105 is on s1, so s0/105 is none. */
    query = (struct bn_operation_query){.tenant = "default",
            .guests = "[\"s0/104\",\"s1/107\",\"s0/105\"]"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 2);
    CHECK_INT(total, 2);
    CHECK_STR(out[0].id, "op7");
    CHECK_STR(out[1].id, "op4");
    query = (struct bn_operation_query){.tenant = "default", .server_id = "s1", .vmid = 107};
    CHECK_INT(read_page(store, &query, out, 50, &total), 1);
    CHECK_STR(out[0].id, "op7");
    query.server_id = "s0";
    CHECK_INT(read_page(store, &query, out, 50, &total), 0);
    query = (struct bn_operation_query){.tenant = "default", .node = "pve3"};
    CHECK_INT(read_page(store, &query, out, 50, &total), 15);
    CHECK_INT(total, 15);
    query = (struct bn_operation_query){.tenant = "default"};
    query.guests = "[]";
    CHECK_INT(read_page(store, &query, out, 50, &total), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(one_comes_with_the_lines_of_its_task_in_their_order)
{
    static struct bn_operation_told told;
    struct place place;
    struct bn_err err;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    const struct bn_fact one = operation_fact(1, NOW, BN_WORK_COMPLETED);
    const struct bn_fact ten = operation_fact(10, NOW, BN_WORK_COMPLETED);
    bn_store_put(store, &one);
    keep(store, &ten);
    for (int i = 12; i >= 1; i--) {
        const struct bn_fact line = line_fact("op1", i);
        bn_store_put(store, &line);
    }
    const struct bn_fact not_mine = line_fact("op10", 1);
    keep(store, &not_mine);
    CHECK(bn_store_read_operation(store, "default", "op1", &told, &err));
    CHECK_INT(told.line_count, 12);
    CHECK_STR(told.operation.id, "op1");
    for (size_t i = 0; i < told.line_count; i++)
        CHECK_INT(told.lines[i].n, i + 1);
    CHECK_STR(told.lines[11].text, "line 12");
    CHECK(!bn_store_read_operation(store, "else", "op1", &told, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    CHECK_STR(err.text, "there is no such operation");
    bn_store_close(store);
    place_finish(&place);
}

static bool count_one(void *user, const struct bn_operation *operation)
{
    int *count = user;
    CHECK(operation->started_at <= NOW + (2 - *count) * 1000); /* newest first */
    return ++*count < 2;
}

BN_TEST(the_history_is_walked_by_who_asked_and_when_and_too_many_are_refused)
{
    static struct bn_operation out[10];
    struct place place;
    struct bn_err err;
    int64_t total;
    int count = 0;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 3; i++) {
        struct bn_fact fact = operation_fact(i, NOW + i * 1000, BN_WORK_COMPLETED);
        snprintf(fact.u.operation.created_by, 64, i ? "ada" : "max");
        snprintf(fact.u.operation.created_by_id, BN_ID_MAX, i == 1 ? "u1" : "u2");
        fact.u.operation.created_by_kind = (const int64_t[]){BN_MADE_BY_USER, BN_MADE_BY_SCHEDULE,
                BN_MADE_BY_AUTO}[i];
        keep(store, &fact);
    }
    struct bn_operation_query query = {.tenant = "default", .created_by = "ada"};
    CHECK_INT(read_page(store, &query, out, 10, &total), 2);
    query.until_ms = NOW + 2000; /* not of it */
    CHECK_INT(read_page(store, &query, out, 10, &total), 1);
    CHECK_STR(out[0].id, "op1");
    query = (struct bn_operation_query){.tenant = "default", .created_by = "u2"};
    CHECK_INT(read_page(store, &query, out, 10, &total), 2);
    query = (struct bn_operation_query){.tenant = "default", .created_by_kind = "auto"};
    CHECK_INT(read_page(store, &query, out, 10, &total), 1);
    CHECK_STR(out[0].id, "op2");
    query.created_by_kind = "nobody";
    CHECK_INT(read_page(store, &query, out, 10, &total), 2);
    query = (struct bn_operation_query){.tenant = "default"};
    struct bn_operation_walk walk = {3, count_one, &count};
    CHECK(bn_store_walk_operations(store, &query, &walk, &err));
    CHECK_INT(count, 2); /* it wanted no more */
    walk.most = 2;
    CHECK(!bn_store_walk_operations(store, &query, &walk, &err));
    CHECK_INT(err.code, BN_E_TOO_BIG);
    CHECK_STR(err.text, "these are 3 operations, 2 at most at once");
    bn_store_close(store);
    place_finish(&place);
}

struct seen {
    char ids[20][BN_ID_MAX];
    size_t count;
};

static void note_operation(void *user, const struct bn_fact *fact)
{
    struct seen *seen = user;
    if (fact->kind == BN_KIND_OPERATION)
        memcpy(seen->ids[seen->count++], fact->u.operation.id, BN_ID_MAX);
}

BN_TEST(a_start_brings_back_what_is_under_way_and_what_ended_just_now)
{
    struct place place;
    struct bn_err err;
    struct seen seen = {.count = 0};
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    const struct bn_fact facts[] = {operation_fact(1, NOW - 86400000, BN_WORK_IN_PROGRESS),
            operation_fact(2, NOW - BN_OPERATION_PAST_MS - 2000, BN_WORK_COMPLETED),
            operation_fact(3, NOW - 60000, BN_WORK_FAILED),
            operation_fact(4, NOW, BN_WORK_PENDING)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    CHECK(bn_store_load(store, note_operation, &seen, &err));
    CHECK_INT(seen.count, 3);
    CHECK_STR(seen.ids[0], "op1");
    CHECK_STR(seen.ids[1], "op3");
    CHECK_STR(seen.ids[2], "op4");
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_start_brings_back_all_of_a_batch_under_way_and_the_history_lists_them)
{
    static struct bn_operation out[10];
    struct place place;
    struct bn_err err;
    struct seen seen = {.count = 0};
    int64_t total;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    struct bn_fact facts[] = {operation_fact(1, NOW - 7200000, BN_WORK_IN_PROGRESS),
            operation_fact(2, NOW - 7200000, BN_WORK_COMPLETED),
            operation_fact(3, NOW - 7200000, BN_WORK_PENDING),
            operation_fact(4, NOW - 7200000, BN_WORK_COMPLETED),
            operation_fact(5, NOW - 7200000, BN_WORK_FAILED)};
    facts[0].u.operation.type = facts[3].u.operation.type = BN_WORK_BATCH;
    for (size_t i = 0; i < COUNT(facts); i++) {
        if (i != 0 && i != 3)
            snprintf(facts[i].u.operation.parent_id, BN_ID_MAX, i < 3 ? "op1" : "op4");
        keep(store, &facts[i]);
    }
    const struct bn_operation_query of_one = {.tenant = "default", .parent_id = "op1"};
    CHECK_INT(read_page(store, &of_one, out, 10, &total), 2);
    CHECK_STR(out[0].id, "op3");
    CHECK_STR(out[1].id, "op2");
    CHECK(bn_store_load(store, note_operation, &seen, &err));
    CHECK_INT(seen.count, 3); /* op4 and op5 ended long ago */
    CHECK_STR(seen.ids[0], "op1");
    CHECK_STR(seen.ids[1], "op2");
    CHECK_STR(seen.ids[2], "op3");
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(after_ninety_days_an_operation_goes_with_its_lines_and_one_under_way_never)
{
    static struct bn_operation out[10];
    static struct bn_operation_told told;
    struct place place;
    struct bn_err err;
    int64_t total;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    const struct bn_fact facts[] = {operation_fact(1, NOW, BN_WORK_COMPLETED),
            operation_fact(2, NOW + 5000, BN_WORK_FAILED), operation_fact(3, NOW, BN_WORK_PENDING),
            line_fact("op1", 1), line_fact("op2", 1)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    const struct bn_operation_query all = {.tenant = "default"};
    place.now_ms = NOW + 1000 + BN_OPERATION_KEEP_MS;
    bn_store_tidy(store);
    CHECK_INT(read_page(store, &all, out, 10, &total), 3);
    place.now_ms++;
    bn_store_tidy(store);
    CHECK_INT(read_page(store, &all, out, 10, &total), 2);
    CHECK(bn_store_read_operation(store, "default", "op2", &told, &err));
    CHECK_INT(told.line_count, 1);
    place.now_ms += 10000;
    bn_store_tidy(store);
    CHECK_INT(read_page(store, &all, out, 10, &total), 1);
    CHECK_STR(out[0].id, "op3");
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM outputs"), 0);
    place_finish(&place);
}

static struct bn_fact alert_fact(int number, int64_t resolved_at)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_ALERT, "default");
    struct bn_alert *alert = &fact.u.alert;
    snprintf(alert->id, sizeof alert->id, "al%d", number);
    snprintf(alert->subject_id, sizeof alert->subject_id, "s1");
    alert->rule = BN_ALERT_SERVER_OFFLINE;
    alert->severity = BN_ALERT_CRITICAL;
    alert->subject_kind = BN_ALERT_OF_SERVER;
    alert->state = resolved_at ? BN_ALERT_RESOLVED : BN_ALERT_FIRING;
    alert->fired_at = NOW;
    alert->resolved_at = resolved_at;
    return fact;
}

BN_TEST(of_one_server_one_alert_fires_and_ninety_days_after_its_end_it_goes)
{
    struct place place;
    struct bn_err err;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    struct bn_fact over = alert_fact(1, NOW + 1000);
    struct bn_fact firing = alert_fact(2, 0);
    struct bn_fact second = alert_fact(3, 0);
    keep(store, &over);
    keep(store, &firing);
    bn_store_put(store, &second);
    CHECK(!bn_store_keep(store, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "there is already such an alert");
    place.now_ms = NOW + 1000 + BN_ALERT_KEEP_MS;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM alerts"), 2);
    place.now_ms++;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM alerts"), 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM alerts WHERE state = 'firing'"), 1);
    bn_store_close(store);
    place_finish(&place);
}

static struct bn_fact piece_fact(const char *operation, int64_t at)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_PIECE, "default");
    struct bn_piece *piece = &fact.u.piece;
    snprintf(piece->id, sizeof piece->id, "%s/%012lld", operation, (long long)at);
    snprintf(piece->operation_id, sizeof piece->operation_id, "%s", operation);
    piece->at = at;
    piece->bytes = 10;
    snprintf(piece->text, sizeof piece->text, "at %lld\n", (long long)at);
    return fact;
}

static size_t read_pieces(struct bn_store *store, const char *operation, int64_t from,
        struct bn_piece *out, size_t most)
{
    struct bn_err err;
    const struct bn_piece_query query = {"default", operation, from};
    if (!bn_store_read_pieces(store, &query, out, &most, &err))
        fail_msg("%s", err.text);
    return most;
}

BN_TEST(what_a_command_wrote_comes_back_in_its_order_and_goes_with_its_operation)
{
    static struct bn_piece out[4];
    struct place place;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    const struct bn_fact facts[] = {operation_fact(1, NOW, BN_WORK_COMPLETED),
            piece_fact("op1", 1000000), piece_fact("op1", 0), piece_fact("op1", 10),
            piece_fact("op2", 5), piece_fact("op1", 20)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    CHECK_INT(read_pieces(store, "op1", 0, out, 4), 4);
    CHECK_INT(out[0].at, 0);
    CHECK_INT(out[2].at, 20);
    CHECK_INT(out[3].at, 1000000);
    CHECK_STR(out[3].text, "at 1000000\n");
    CHECK_INT(out[3].bytes, 10);
    CHECK_INT(read_pieces(store, "op1", 10, out, 2), 2);
    CHECK_INT(out[0].at, 10);
    CHECK_INT(read_pieces(store, "op1", 15, out, 2), 2); /* in the middle of one: with that one */
    CHECK_INT(out[0].at, 10);
    CHECK_INT(read_pieces(store, "op1", 1000009, out, 4), 1);
    CHECK_INT(read_pieces(store, "op1", 1000010, out, 4), 0);
    CHECK_INT(read_pieces(store, "nobody", 0, out, 4), 0);
    CHECK_INT(read_pieces(store, "op1", BN_UNKNOWN, out, 2), 2);
    CHECK_INT(out[0].at, 20);
    CHECK_INT(out[1].at, 1000000);
    CHECK_INT(read_pieces(store, "op1", BN_UNKNOWN, out, 4), 4);
    place.now_ms = NOW + 1001 + BN_OPERATION_KEEP_MS;
    bn_store_tidy(store);
    CHECK_INT(read_pieces(store, "op1", 0, out, 4), 0);
    CHECK_INT(read_pieces(store, "op2", 0, out, 4), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_deleted_operation_takes_its_lines_and_pieces_and_nothing_else_and_old_ones_are_found)
{
    static struct bn_operation out[4];
    static struct bn_operation_told told;
    static struct bn_piece pieces[4];
    struct place place;
    struct bn_err err;
    int64_t total;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    struct bn_fact facts[] = {operation_fact(1, NOW, BN_WORK_COMPLETED),
            operation_fact(2, NOW + 1, BN_WORK_FAILED), operation_fact(3, NOW, BN_WORK_PENDING),
            line_fact("op1", 1), line_fact("op2", 1), piece_fact("op1", 0), piece_fact("op2", 0)};
    for (size_t i = 0; i < COUNT(facts); i++)
        keep(store, &facts[i]);
    struct bn_operation_query query = {.tenant = "default", .ended_before_ms = NOW + 1001};
    CHECK_INT(read_page(store, &query, out, 4, &total), 1); /* not in it is what ends just then */
    CHECK_STR(out[0].id, "op1");
    query.ended_before_ms = NOW + 1002;
    CHECK_INT(read_page(store, &query, out, 4, &total), 2);
    CHECK_STR(out[0].id, "op2");
    facts[0].op = BN_GONE;
    keep(store, &facts[0]);
    keep(store, &facts[0]); /* twice is once */
    CHECK(!bn_store_read_operation(store, "default", "op1", &told, &err));
    CHECK_INT(read_pieces(store, "op1", 0, pieces, 4), 0);
    CHECK(bn_store_read_operation(store, "default", "op2", &told, &err));
    CHECK_INT(told.line_count, 1);
    CHECK_INT(read_pieces(store, "op2", 0, pieces, 4), 1);
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM outputs"), 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM operations"), 2);
    place_finish(&place);
}

BN_TEST(the_tables_themselves_refuse_the_same_on_a_target_twice)
{
    struct place place;
    struct bn_err err;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact fact = operation_fact(1, NOW, BN_WORK_PENDING);
    fact.u.operation.type = BN_WORK_SSH_TEST; /* of no service, which is a value here as well */
    fact.u.operation.vmid = BN_UNKNOWN;
    fact.u.operation.server_id[0] = fact.u.operation.node[0] = '\0';
    snprintf(fact.u.operation.target_id, sizeof fact.u.operation.target_id, "t1");
    keep(store, &fact);
    snprintf(fact.u.operation.id, sizeof fact.u.operation.id, "op2");
    bn_store_put(store, &fact);
    CHECK(!bn_store_keep(store, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    fact.u.operation.status = BN_WORK_FAILED;
    fact.u.operation.completed_at = NOW;
    keep(store, &fact);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST_MAIN()
