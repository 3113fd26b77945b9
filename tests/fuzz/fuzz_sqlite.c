/* A data folder whose files are damaged. The store's own small database is made once; an input is
   changes to it: a first byte (bit 0: to the log, else the database; bit 1: the file ends there),
   then four bytes each: where (three) and what. With bit 2 the rest of the input is the file, and
   with bit 3 the database is one that lacks a column; bit 4 makes its file one of 9 MiB, which is
   not read as a whole. The store opens, or says why not; a file it gives up is moved aside byte for
   byte and what begins anew keeps records; what it opens is read, written to and closed without
   harm. */
#include <assert.h>
#include <sqlite3.h>

#include "base/log.h"

#include "fuzz_folder.h"
#include "store/store.h"

#define NOW_MS     INT64_C(1795204807250) /* 2026-11-20T20:00:07.250Z */
#define FILE_MAX   (1 << 20)
#define EDITS_MAX  16
#define LONG_BYTES (9 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    uint8_t *p;
    size_t len;
};

static struct file sound[3]; /* the database, a log not yet written back, and an older database */
static bool is_long; /* the last file read had more than FILE_MAX bytes, of which these were read */
static const char *const names[] = {"binnacle.db", "binnacle.db-wal"};

/* --- files --------------------------------------------------------------------------------------
 */

static void path_of(const char *name, char out[400])
{
    snprintf(out, 400, "%s/%s", fuzz_folder, name);
}

static struct file read_file(const char *name)
{
    char path[400];
    path_of(name, path);
    FILE *file = fopen(path, "rb");
    struct file out = {.p = malloc(FILE_MAX)};
    if (!file || !out.p)
        abort();
    out.len = fread(out.p, 1, FILE_MAX, file);
    is_long = fgetc(file) != EOF;
    fclose(file);
    return out;
}

static void write_file(const char *name, struct file from)
{
    char path[400];
    path_of(name, path);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(from.p, 1, from.len, file) != from.len || fclose(file) != 0)
        abort();
}

static void make_long(void)
{
    char path[400];
    path_of(names[0], path);
    if (truncate(path, LONG_BYTES) != 0)
        abort();
}

/* --- the store ----------------------------------------------------------------------------------
 */

static int64_t now_ms(void *user)
{
    (void)user;
    return NOW_MS;
}

static bool open_store(struct bn_store **out, char notice[200], struct bn_err *err)
{
    struct bn_store_config config = {.now_ms = now_ms};
    snprintf(config.dir, sizeof config.dir, "%s", fuzz_folder);
    return bn_store_open(&config, out, notice, err);
}

static void put_user(struct bn_store *store, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(id));
    bn_text_clip(fact.u.user.name, sizeof fact.u.user.name, bn_str(id));
    fact.u.user.role = BN_ROLE_ADMIN;
    fact.u.user.created_at = NOW_MS;
    bn_store_put(store, &fact);
}

static void drop_user(struct bn_store *store, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(id));
    fact.op = BN_GONE;
    bn_store_put(store, &fact);
}

static void put_points(struct bn_store *store)
{
    for (int i = 0; i < 40; i++) {
        const struct bn_point point = {NOW_MS / 10000 * 10000 - 10000 * i, 1, 2, 3};
        bn_store_point(store, BN_TENANT_DEFAULT, "host/local.load1", &point);
    }
}

static void put_checks(struct bn_store *store)
{
    struct bn_check check;
    bn_record_clear(&bn_check_type, &check);
    bn_text_clip(check.server_id, sizeof check.server_id, BN_STR("s1"));
    bn_text_clip(check.error_class, sizeof check.error_class, BN_STR("timeout"));
    bn_text_clip(check.seen_fingerprint, sizeof check.seen_fingerprint, BN_STR("AB:CD"));
    for (int i = 0; i < 5; i++) {
        check.at = NOW_MS - i * 120000;
        check.success = i % 2;
        check.response_time_ms = i % 2 ? 40 : BN_UNKNOWN;
        bn_store_check(store, BN_TENANT_DEFAULT, &check);
    }
}

static void put_server(struct bn_store *store)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.server.id, sizeof fact.u.server.id, BN_STR("s1"));
    bn_store_put(store, &fact);
}

/* A database with everything in it, and a log that holds one user more. */
static void make_sound(void)
{
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    bool ok = open_store(&store, notice, &err);
    assert(ok);
    put_points(store);
    put_server(store);
    put_checks(store);
    put_user(store, "ann");
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.audit.id, sizeof fact.u.audit.id, BN_STR("a1"));
    fact.u.audit.at = NOW_MS;
    bn_store_put(store, &fact);
    ok = bn_store_keep(store, &err);
    assert(ok);
    bn_store_tidy(store);
    put_user(store, "bob");
    ok = bn_store_keep(store, &err);
    assert(ok);
    for (size_t i = 0; i < COUNT(names); i++)
        sound[i] = read_file(names[i]);
    bn_store_close(store);
    sqlite3 *db;
    char path[400];
    path_of(names[0], path);
    ok = sqlite3_open(path, &db) == SQLITE_OK &&
         sqlite3_exec(db, "ALTER TABLE audit DROP COLUMN detail", NULL, NULL, NULL) == SQLITE_OK;
    assert(ok);
    sqlite3_close(db);
    sound[2] = read_file(names[0]);
}

static void start_once(void)
{
    bn_log_set_fd(-1);
    fuzz_folder_make();
    make_sound();
}

/* --- what must hold -----------------------------------------------------------------------------
 */

static void check_sentence(const struct bn_err *err)
{
    assert(err->code != BN_E_OK && err->text[0] && memchr(err->text, 0, sizeof err->text));
}

static void count_fact(void *user, const struct bn_fact *fact)
{
    assert(fact->kind < BN_KIND_COUNT && fact->replay && memchr(fact->tenant, 0, BN_TENANT_MAX));
    const struct bn_record_type *type = bn_kinds[fact->kind].type;
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].type == BN_T_TEXT)
            assert(memchr((const char *)&fact->u + type->fields[i].offset, 0,
                    type->fields[i].size));
    *(size_t *)user += fact->kind == BN_KIND_USER;
}

static void check_points(struct bn_store *store)
{
    struct bn_point points[60];
    struct bn_err err;
    for (int level = 0; level < BN_LEVELS; level++) {
        int64_t step_ms = bn_level_step_ms[level];
        int64_t to_ms = NOW_MS / step_ms * step_ms + step_ms;
        const struct bn_span span = {BN_TENANT_DEFAULT, "host/local.load1", level,
                to_ms - 60 * step_ms, to_ms};
        if (!bn_store_read_series(store, &span, points, &err))
            check_sentence(&err);
    }
}

static void check_checks(struct bn_store *store)
{
    struct bn_err err;
    struct bn_check checks[8];
    struct bn_check_hour hours[8];
    const struct bn_check_span span = {BN_TENANT_DEFAULT, "s1", 0, INT64_MAX};
    size_t n = COUNT(checks);
    if (!bn_store_read_checks(store, &span, checks, &n, &err))
        check_sentence(&err);
    assert(n <= COUNT(checks));
    n = COUNT(hours);
    if (!bn_store_read_check_hours(store, &span, hours, &n, &err))
        check_sentence(&err);
    assert(n <= COUNT(hours));
}

/* Reads all of it, and writes; a file that proves damaged only now is said to be. */
static void use(struct bn_store *store, bool is_anew)
{
    struct bn_err err;
    size_t users = 0;
    size_t n = 10;
    struct bn_audit audit[10];
    bool is_loaded = bn_store_load(store, count_fact, &users, &err);
    if (!is_loaded)
        check_sentence(&err);
    assert(!is_anew || (is_loaded && users == 0));
    check_points(store);
    check_checks(store);
    if (!bn_store_read_audit(store, BN_TENANT_DEFAULT, "", audit, &n, &err))
        check_sentence(&err);
    put_user(store, "eve");
    if (is_loaded && users == 0)
        drop_user(store, "eve");
    put_points(store);
    put_checks(store);
    bool is_kept = bn_store_keep(store, &err);
    if (!is_kept)
        check_sentence(&err);
    assert(!is_anew || is_kept);
}

/* What was given up stands beside, as it was. */
static void check_aside(const char *notice, struct file given)
{
    char name[160] = "";
    const char *start = strstr(notice, "binnacle.db.damaged-");
    assert(start && strlen(start) < sizeof name);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, " "), start);
    struct file aside = read_file(name);
    assert(aside.len == given.len || is_long);
    assert(memcmp(aside.p, given.p, given.len) == 0);
    free(aside.p);
}

/* --- one input ----------------------------------------------------------------------------------
 */

static struct file damage(const uint8_t *data, size_t size, const struct file *from)
{
    struct file out = {.p = malloc(FILE_MAX), .len = from->len};
    if (!out.p)
        abort();
    memcpy(out.p, from->p, from->len);
    if (data[0] & 4) {
        out.len = size - 1;
        memcpy(out.p, data + 1, out.len);
        return out;
    }
    for (size_t i = 1; i + 4 <= size && i < 4 * EDITS_MAX; i += 4) {
        size_t at = ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % from->len;
        out.p[at] = data[i + 3];
        if (data[0] & 2)
            out.len = at;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_store *store = NULL;
    struct bn_err err = {.code = BN_E_OK};
    char notice[200] = "";
    if (size == 0 || size > FILE_MAX)
        return 0;
    if (!fuzz_folder[0])
        start_once();
    fuzz_folder_empty("reserve");
    bool is_older = data[0] & 8;
    size_t which = is_older ? 0 : data[0] & 1;
    struct file damaged = damage(data, size, &sound[is_older ? 2 : which]);
    struct file db = which == 0 ? damaged : sound[0];
    write_file(names[0], db);
    if (data[0] & 16)
        make_long();
    if (!is_older)
        write_file(names[1], which == 1 ? damaged : sound[1]);
    if (open_store(&store, notice, &err)) {
        if (notice[0] && which == 0)
            check_aside(notice, db);
        use(store, notice[0]);
        bn_store_close(store);
    } else {
        check_sentence(&err);
        /* Not ours to touch: it stands where it was. Of what is ours, the log may be written back.
         */
        struct file left = read_file(names[0]);
        assert(!strstr(err.text, "not touched") ||
                ((left.len == db.len || is_long) && memcmp(left.p, db.p, db.len) == 0));
        free(left.p);
    }
    free(damaged.p);
    return 0;
}
