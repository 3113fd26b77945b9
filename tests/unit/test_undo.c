#include "bn_test.h"
#include "model/limits.h"
#include "web/undo.h"

static struct bn_server make(const char *id)
{
    struct bn_server server;
    memset(&server, 0, sizeof server);
    bn_record_clear(&bn_server_type, &server);
    bn_text_clip(server.id, sizeof server.id, bn_str(id));
    bn_text_clip(server.name, sizeof server.name, bn_str(id));
    return server;
}

static struct bn_undo *undo_of(const char *tenant, size_t rows)
{
    struct bn_undo *undo = bn_undo_create(tenant, "max");
    for (size_t i = 0; i < rows; i++) {
        char id[24];
        snprintf(id, sizeof id, "s%zu", i);
        const struct bn_server server = make(id);
        bn_undo_note(undo, NULL, &server);
    }
    return undo;
}

BN_TEST(an_import_is_remembered_for_its_time_and_for_its_tenant)
{
    struct bn_undos *undos = bn_undos_create();
    struct bn_undo *undo = undo_of("one", 3);
    char id[BN_UNDO_ID_SIZE];
    memcpy(id, undo->id, sizeof id);
    CHECK(!bn_undos_find(undos, "one", bn_str(id), 0));
    CHECK(bn_undos_keep(undos, undo, 1000));
    CHECK(bn_undos_find(undos, "one", bn_str(id), 1000 + BN_UNDO_MS - 1) == undo);
    CHECK(!bn_undos_find(undos, "two", bn_str(id), 1000));
    CHECK(!bn_undos_find(undos, "one", BN_STR("x"), 1000));
    CHECK(!bn_undos_find(undos, "one", bn_str(id), 1000 + BN_UNDO_MS));
    bn_undos_sweep(undos, 1000 + BN_UNDO_MS - 1);
    CHECK(bn_undos_find(undos, "one", bn_str(id), 1000) == undo);
    bn_undos_sweep(undos, 1000 + BN_UNDO_MS);
    CHECK(!bn_undos_find(undos, "one", bn_str(id), 1000));
    bn_undos_destroy(undos);
    bn_undos_destroy(NULL);
    bn_undo_destroy(NULL);
}

BN_TEST(what_is_being_taken_back_is_not_forgotten_meanwhile)
{
    struct bn_undos *undos = bn_undos_create();
    struct bn_undo *undo = undo_of("one", 1);
    CHECK(bn_undos_keep(undos, undo, 0));
    undo->is_under_way = true;
    bn_undos_sweep(undos, 2 * BN_UNDO_MS);
    CHECK(bn_undos_find(undos, "one", bn_str(undo->id), 2 * BN_UNDO_MS) == undo);
    CHECK(bn_undos_keep(undos, undo_of("one", BN_UNDO_ROWS_MAX), 0));
    CHECK(bn_undos_find(undos, "one", bn_str(undo->id), 0) == undo);
    bn_undos_remove(undos, undo);
    bn_undos_destroy(undos);
}

BN_TEST(the_oldest_of_a_tenant_makes_room_and_nobody_elses)
{
    struct bn_undos *undos = bn_undos_create();
    char ids[3][BN_UNDO_ID_SIZE];
    struct bn_undo *made[] = {undo_of("one", BN_UNDO_ROWS_MAX - 1), undo_of("two", 5),
            undo_of("one", 1)};
    for (size_t i = 0; i < COUNT(made); i++) {
        memcpy(ids[i], made[i]->id, sizeof ids[i]);
        CHECK(bn_undos_keep(undos, made[i], 0));
    }
    for (size_t i = 0; i < COUNT(made); i++)
        CHECK(bn_undos_find(undos, i == 1 ? "two" : "one", bn_str(ids[i]), 0));
    CHECK(bn_undos_keep(undos, undo_of("one", 1), 0));
    CHECK(!bn_undos_find(undos, "one", bn_str(ids[0]), 0));
    CHECK(bn_undos_find(undos, "two", bn_str(ids[1]), 0));
    CHECK(bn_undos_find(undos, "one", bn_str(ids[2]), 0));
    CHECK(!bn_undos_keep(undos, undo_of("one", BN_UNDO_ROWS_MAX + 1), 0));
    CHECK(bn_undos_find(undos, "one", bn_str(ids[2]), 0));
    bn_undos_destroy(undos);
}

BN_TEST(what_is_kept_counts_as_a_change_and_what_checks_find_does_not)
{
    struct bn_undo *undo = bn_undo_create("one", "max");
    struct bn_server before = make("a");
    struct bn_server after = make("a");
    snprintf(after.notes, sizeof after.notes, "x");
    bn_undo_note(undo, &before, &after);
    CHECK(undo->rows[0].was_there);
    CHECK_INT(bn_record_diff(&bn_server_type, &before, &undo->befores[undo->rows[0].before]), 0);
    after.connection_status = BN_SERVER_ONLINE;
    after.success_rate = 99;
    memset(after.version, 'v', sizeof after.version - 1);
    memset(after.notes + 2, 'z', sizeof after.notes - 2); /* behind the NUL */
    CHECK(bn_undo_is_unchanged(&undo->rows[0], &after));
    for (size_t i = 0; i < bn_server_type.field_count; i++) {
        const struct bn_field *field = &bn_server_type.fields[i];
        struct bn_server other = after;
        ((char *)&other)[field->offset] ^= 1;
        CHECK_INT(bn_undo_is_unchanged(&undo->rows[0], &other), (field->flags & BN_F_DERIVED) != 0);
    }
    bn_undo_destroy(undo);
}

BN_TEST_MAIN()
