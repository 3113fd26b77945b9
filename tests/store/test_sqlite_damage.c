/* Files that are not what they were: opened when they can be, moved aside and said when they
   cannot, never overwritten, never a crash. */
#include "old_history.h"
#include "sql.h"
#include "store_test.h"

#define MUTATIONS (is_sweep() ? 1000 : 60)

struct bytes {
    uint8_t *p;
    size_t len;
};

static struct bytes read_whole(const char *path)
{
    struct bytes bytes = {NULL, 0};
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return bytes;
    CHECK_INT(fstat(fd, &st), 0);
    bytes.len = (size_t)st.st_size;
    bytes.p = malloc(bytes.len + 1);
    CHECK_INT(read(fd, bytes.p, bytes.len), bytes.len);
    close(fd);
    return bytes;
}

static void write_whole(const char *path, const uint8_t *p, size_t len)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, p, len), len);
    close(fd);
}

/* A store with rows in every table, points in the tail and in blocks. */
static void furnish(struct place *place)
{
    struct bn_store *store = place_open(place);
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        struct bn_fact user = user_fact(id, id);
        struct bn_fact audit = audit_fact(id, 1795000000000);
        struct bn_point point = {place->now_ms - 100000 * (int64_t)i, 1, 2, 3};
        bn_store_put(store, &user);
        bn_store_put(store, &audit);
        bn_store_point(store, "default", "host/local.load1", &point);
        bn_store_point(store, "default", id, &point);
        if (i == 80)
            flush_and_tidy(store);
    }
    struct bn_err err;
    CHECK(bn_store_keep(store, &err));
    bn_store_close(store);
}

/* The path of what was moved aside, "" when nothing was; the notice must name it. */
static void find_aside(const struct place *place, const char *notice, char out[300])
{
    out[0] = '\0';
    DIR *folder = opendir(place->dir);
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        size_t len = strlen(entry->d_name);
        bool is_log = len > 4 && (!strcmp(entry->d_name + len - 4, "-wal") ||
                                         !strcmp(entry->d_name + len - 4, "-shm"));
        if (is_log || strncmp(entry->d_name, "binnacle.db.damaged-", 20) != 0)
            continue;
        CHECK_STR(out, ""); /* one */
        snprintf(out, 300, "%s/%.90s", place->dir, entry->d_name);
        CHECK(strstr(notice, entry->d_name) != NULL);
    }
    closedir(folder);
    CHECK((*out != '\0') == (*notice != '\0'));
}

/* Everything the store can do, whatever it answers. */
static void use(struct bn_store *store, struct place *place)
{
    struct heard heard = {0};
    struct bn_err err;
    struct bn_point out[360];
    struct bn_audit page[20];
    size_t n = 20;
    struct bn_fact fact = user_fact("new", "new");
    (void)!bn_store_load(store, hear_fact, &heard, &err);
    bn_store_put(store, &fact);
    (void)!bn_store_keep(store, &err);
    for (int level = 0; level < BN_LEVELS; level++) {
        struct bn_span span = {"default", "host/local.load1", level, 0,
                bn_level_step_ms[level] * 360};
        span.from_ms = place->now_ms / 3600000 * 3600000 - 3600000;
        span.to_ms += span.from_ms;
        (void)!bn_store_read_series(store, &span, out, &err);
    }
    (void)!bn_store_read_audit(store, "default", "", page, &n, &err);
    flush_and_tidy(store);
    bn_store_collect_foreign(store, hear_fact, &heard);
}

static void mutate(struct bytes *bytes, uint32_t random)
{
    size_t at = (random >> 8) % bytes->len;
    size_t len = BN_MIN((size_t)1 << (random >> 4 & 12), bytes->len - at);
    switch (random & 7) {
    case 0: bytes->len = at; break;                                          /* truncated */
    case 1: memset(bytes->p + at, 0, len); break;                            /* zeroed */
    case 2: memset(bytes->p + at / 4096 * 4096, 0xA5, 4096); break;          /* a page of noise */
    case 3: bytes->p[at % 100] ^= (uint8_t)(1 + (random >> 3 & 127)); break; /* the header */
    case 4: memmove(bytes->p + at, bytes->p, len); break; /* a piece of elsewhere */
    default:
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            bytes->p[at + i] ^= (uint8_t)(random >> 24);
        }
    }
}

BN_TEST(damaged_files_are_opened_or_moved_aside_and_never_overwritten)
{
    struct place whole;
    place_init(&whole);
    whole.now_ms = INT64_C(1795000000000);
    furnish(&whole);
    char path[300];
    place_path(&whole, "binnacle.db", path);
    struct bytes sound = read_whole(path);
    CHECK(sound.len > 40000);
    size_t opened = 0;
    size_t aside = 0;
    size_t refused = 0;
    uint32_t random = 20261120;
    for (int i = 0; i < MUTATIONS; i++) {
        struct place place;
        struct bn_store *store;
        struct bn_err err;
        char notice[200];
        char other[300];
        place_init(&place);
        place.now_ms = whole.now_ms;
        random = random * 1664525 + 1013904223;
        struct bytes bytes = {malloc(sound.len + 4096), sound.len};
        memcpy(bytes.p, sound.p, sound.len);
        mutate(&bytes, random >> 3);
        place_path(&place, "binnacle.db", path);
        write_whole(path, bytes.p, bytes.len);
        struct bn_store_config config = place_config(&place);
        if (bn_store_open(&config, &store, notice, &err)) {
            find_aside(&place, notice, other);
            use(store, &place);
            bn_store_close(store);
            *(*other ? &aside : &opened) += 1;
        } else { /* as another program's or a newer one: left as it was */
            snprintf(other, sizeof other, "%s", path);
            if (!strstr(err.text, "it was not touched") && !strstr(err.text, "another type") &&
                    !strstr(err.text, "not as a Binnacle makes them"))
                fail_msg("refused with: %s", err.text);
            refused++;
        }
        if (*other) {
            struct bytes left = read_whole(other);
            CHECK_INT(left.len, bytes.len);
            CHECK_MEM(left.p, bytes.p, bytes.len);
            free(left.p);
        }
        free(bytes.p);
        place_finish(&place);
    }
    print_message("%zu opened, %zu moved aside, %zu refused\n", opened, aside, refused);
    CHECK(aside > MUTATIONS / 4);
    CHECK(opened > MUTATIONS / 20);
    free(sound.p);
    place_finish(&whole);
}

BN_TEST(a_new_database_begins_after_a_damaged_one)
{
    struct place place;
    place_init(&place);
    char path[300];
    char other[300];
    place_path(&place, "binnacle.db", path);
    write_whole(path, (const uint8_t *)"this is not a database, it is a letter", 38);
    place_path(&place, "binnacle.db-wal", path);
    write_whole(path, (const uint8_t *)"nor is this its log", 19);
    struct bn_store_config config = place_config(&place);
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    CHECK(bn_store_open(&config, &store, notice, &err));
    find_aside(&place, notice, other);
    CHECK(*other);
    struct bytes left = read_whole(other);
    CHECK_INT(left.len, 38);
    free(left.p);
    strncat(other, "-wal", sizeof other - strlen(other) - 1);
    left = read_whole(other);
    CHECK_MEM(left.p, "nor is this its log", 19);
    free(left.p);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    bn_store_close(store);
    CHECK(bn_store_open(&config, &store, notice, &err));
    CHECK_STR(notice, "");
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_damaged_log_costs_at_most_what_was_in_it)
{
    struct place place;
    struct place copy;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    flush_and_tidy(store); /* ann is in the database, bob in the log */
    struct bn_fact bob = user_fact("u2", "bob");
    put_now(store, &bob);
    char path[300];
    place_path(&place, "binnacle.db", path);
    struct bytes db = read_whole(path);
    place_path(&place, "binnacle.db-wal", path);
    struct bytes log = read_whole(path);
    CHECK(log.len > 4096);
    for (size_t at = 0; at < log.len; at += log.len / (is_sweep() ? 200 : 20)) {
        place_init(&copy);
        log.p[at] ^= 0x55;
        place_path(&copy, "binnacle.db", path);
        write_whole(path, db.p, db.len);
        place_path(&copy, "binnacle.db-wal", path);
        write_whole(path, log.p, log.len);
        log.p[at] ^= 0x55;
        struct bn_store *other = place_open(&copy);
        size_t rows = count_rows(other);
        CHECK(rows == 1 || rows == 2);
        bn_store_close(other);
        check_integrity(&copy);
        place_finish(&copy);
    }
    bn_store_close(store);
    free(db.p);
    free(log.p);
    place_finish(&place);
}

BN_TEST(damage_that_a_write_meets_is_said_and_the_next_start_moves_the_file_aside)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 40000; i++) { /* more than is read at a start */
        char id[16];
        snprintf(id, sizeof id, "%d", i * 7919);
        struct bn_fact fact = audit_fact(id, 1795000000000);
        memset(fact.u.audit.detail, 'x', sizeof fact.u.audit.detail - 1);
        bn_store_put(store, &fact);
        if (i % 5000 == 4999)
            flush_and_tidy(store);
    }
    bn_store_close(store);
    int64_t root = ask_sql(&place, "SELECT rootpage FROM sqlite_schema WHERE name = 'audit'");
    char path[300];
    place_path(&place, "binnacle.db", path);
    int fd = open(path, O_WRONLY);
    uint8_t noise[4096];
    memset(noise, 0xA5, sizeof noise);
    CHECK_INT(pwrite(fd, noise, sizeof noise, (root - 1) * 4096), 4096);
    close(fd);
    store = place_open(&place);
    struct bn_fact fact = audit_fact("new", 1795000000000);
    struct bn_err err;
    bn_store_put(store, &fact);
    CHECK(!bn_store_keep(store, &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    CHECK_STR(err.text, "the database is damaged: restart to move it aside");
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    CHECK(stats.degraded);
    CHECK(strstr(stats.why, "damaged"));
    bn_store_put(store, &fact);
    CHECK(!bn_store_keep(store, &err));
    bn_store_close(store);
    struct bn_store_config config = place_config(&place);
    char notice[200];
    CHECK(bn_store_open(&config, &store, notice, &err));
    CHECK(strstr(notice, "was moved aside as binnacle.db.damaged-"));
    put_now(store, &fact);
    bn_store_close(store);
    CHECK(bn_store_open(&config, &store, notice, &err));
    CHECK_STR(notice, "");
    bn_store_close(store);
    place_finish(&place);
}

/* Whether the whole file is sound is known a while after the start. */
static void await_check(struct place *place, struct bn_store_stats *stats)
{
    struct bn_store_config config = place_config(place);
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    config.check_after_ms = 1;
    config.bytes_max = 1 << 30;
    CHECK(bn_store_open(&config, &store, notice, &err));
    CHECK_STR(notice, "");
    for (int i = 0; i < 300; i++) {
        bn_store_get_stats(store, stats);
        if (stats->degraded)
            break;
        pause_ms(5);
    }
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann); /* watching goes on */
    bn_store_close(store);
}

BN_TEST(damaged_history_is_said_a_while_after_the_start_and_records_are_kept_all_the_same)
{
    struct place place;
    struct bn_store_stats stats;
    char path[300];
    int64_t series;
    place_init(&place);
    place.now_ms = INT64_C(1795000000000);
    bn_store_close(place_open(&place));
    place_path(&place, "binnacle.db", path);
    CHECK(old_history(path, 12, place.now_ms, &series)); /* more than is read at a start */
    await_check(&place, &stats);
    CHECK(!stats.degraded);
    CHECK_STR(stats.why, "");
    int64_t root = ask_sql(&place, "SELECT rootpage FROM sqlite_schema WHERE name = 'blocks'");
    int fd = open(path, O_WRONLY);
    CHECK_INT(pwrite(fd, "noise", 5, (root - 1) * 4096), 5);
    close(fd);
    await_check(&place, &stats);
    CHECK(stats.degraded);
    CHECK(strstr(stats.why, "the database is damaged: stop Binnacle and restore a copy (") ==
            stats.why);
    CHECK_INT(access(path, F_OK), 0); /* in its place */
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM users"), 1);
    place_finish(&place);
}

BN_TEST_MAIN()
