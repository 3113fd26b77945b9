#include <stdlib.h>

#include "bn_test.h"
#include "model/meter.h"
#include "topic/changes.h"

/* One table's rows, and what is remembered of them under a stamp per commit. */
struct scene {
    struct bn_changes *changes;
    struct bn_table table;
    uint64_t seq;
};

static void scene_init(struct scene *scene)
{
    scene->changes = bn_changes_create();
    scene->seq = 0;
    bn_table_init(&scene->table, &bn_core_type, 100000);
}

static void scene_finish(struct scene *scene)
{
    bn_changes_destroy(scene->changes);
    bn_table_finish(&scene->table);
}

static struct bn_row *row_of(struct scene *scene, const char *id)
{
    struct bn_core core;
    uint64_t changed;
    bn_record_clear(&bn_core_type, &core);
    snprintf(core.id, sizeof core.id, "%s", id);
    return bn_table_put(&scene->table, &core, &changed);
}

static void change(struct scene *scene, uint8_t section, const char *id, uint64_t fields)
{
    bn_changes_add(scene->changes, scene->seq + 1, section, row_of(scene, id), id, fields);
}

static void gone(struct scene *scene, const char *id)
{
    bn_changes_add_gone(scene->changes, 0, id);
    bn_table_remove(&scene->table, id);
}

static void commit(struct scene *scene)
{
    bn_changes_commit(scene->changes, ++scene->seq);
}

/* "SECTION.KEY:FIELDS[!] …", ! for what was gone. */
static void check_since(struct scene *scene, uint64_t after, const char *want)
{
    struct bn_changed *list;
    char got[500] = "";
    size_t len = 0;
    size_t n = bn_changes_since(scene->changes, after, &list);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%d.%s:%llx%s", i ? " " : "",
                list[i].section, list[i].key, (unsigned long long)(list[i].fields & 0xff),
                list[i].was_gone ? "!" : "");
    free(list);
    CHECK_STR(got, want);
}

BN_TEST(what_is_added_is_pending_until_it_is_committed)
{
    struct scene scene;
    scene_init(&scene);
    CHECK(!bn_changes_has_pending(scene.changes));
    change(&scene, 0, "0", 1);
    CHECK(bn_changes_has_pending(scene.changes));
    check_since(&scene, 0, "");
    commit(&scene);
    CHECK(!bn_changes_has_pending(scene.changes));
    check_since(&scene, 0, "0.0:1");
    check_since(&scene, 1, "");
    scene_finish(&scene);
}

BN_TEST(a_row_changed_twice_in_a_commit_is_one_change)
{
    struct scene scene;
    scene_init(&scene);
    change(&scene, 0, "0", 1);
    change(&scene, 0, "1", 1);
    change(&scene, 0, "0", 4);
    commit(&scene);
    check_since(&scene, 0, "0.0:5 0.1:1");
    scene_finish(&scene);
}

BN_TEST(a_range_names_each_row_once_in_order_of_section_and_key)
{
    struct scene scene;
    scene_init(&scene);
    change(&scene, 1, "b", 1);
    commit(&scene);
    change(&scene, 0, "z", 2);
    change(&scene, 1, "a", 2);
    commit(&scene);
    change(&scene, 1, "b", 4);
    commit(&scene);
    check_since(&scene, 0, "0.z:2 1.a:2 1.b:5");
    check_since(&scene, 1, "0.z:2 1.a:2 1.b:4");
    check_since(&scene, 2, "1.b:4");
    check_since(&scene, 3, "");
    scene_finish(&scene);
}

BN_TEST(a_row_that_was_gone_in_the_range_says_so_even_when_it_came_back)
{
    struct scene scene;
    scene_init(&scene);
    change(&scene, 0, "0", 1);
    commit(&scene);
    gone(&scene, "0");
    change(&scene, 0, "0", 2);
    commit(&scene);
    check_since(&scene, 0, "0.0:ff!");
    check_since(&scene, 1, "0.0:ff!");
    scene_finish(&scene);
}

BN_TEST(the_oldest_commits_are_forgotten_first)
{
    struct scene scene;
    scene_init(&scene);
    for (int i = 0; i < BN_TOPIC_RING_COMMITS + 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        change(&scene, 0, id, 1);
        commit(&scene);
        CHECK_INT(bn_changes_oldest_after(scene.changes, scene.seq),
                i < BN_TOPIC_RING_COMMITS ? 0 : i + 1 - BN_TOPIC_RING_COMMITS);
    }
    struct bn_changed *list;
    CHECK_INT(bn_changes_since(scene.changes, 3, &list), BN_TOPIC_RING_COMMITS);
    free(list);
    scene_finish(&scene);
}

/* Commits of many rows: what is remembered is always right, however the ring of changes wraps. */
BN_TEST(commits_are_forgotten_when_their_changes_do_not_fit_and_never_in_part)
{
    struct scene scene;
    scene_init(&scene);
    const int rows = 1000;
    const int commits = 40; /* 40,000 changes; 16,384 are kept */
    for (int c = 0; c < commits; c++) {
        for (int i = 0; i < rows; i++) {
            char id[16];
            snprintf(id, sizeof id, "%d", (c * rows + i) % (rows * 7));
            change(&scene, 0, id, 1);
        }
        commit(&scene);
    }
    uint64_t oldest = bn_changes_oldest_after(scene.changes, scene.seq);
    CHECK_INT(scene.seq - oldest, BN_TOPIC_RING_CHANGES / rows);
    for (uint64_t after = oldest; after <= scene.seq; after++) {
        struct bn_changed *list;
        size_t n = bn_changes_since(scene.changes, after, &list);
        CHECK_INT(n, BN_MIN((scene.seq - after) * (uint64_t)rows, (uint64_t)rows * 7));
        free(list);
    }
    scene_finish(&scene);
}

BN_TEST(one_commit_larger_than_the_ring_is_remembered_whole)
{
    struct scene scene;
    scene_init(&scene);
    const int rows = BN_TOPIC_RING_CHANGES + 5000;
    change(&scene, 0, "before", 1);
    commit(&scene);
    for (int i = 0; i < rows; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        change(&scene, 0, id, 1);
    }
    commit(&scene);
    struct bn_changed *list;
    CHECK_INT(bn_changes_oldest_after(scene.changes, scene.seq), 1);
    CHECK_INT(bn_changes_since(scene.changes, 1, &list), rows);
    free(list);
    scene_finish(&scene);
}

BN_TEST(nothing_made_is_nothing_to_destroy)
{
    bn_changes_destroy(NULL);
}

BN_TEST_MAIN()
