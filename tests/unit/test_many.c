#include "import_rig.h"
#include "store/bad_disk.h"
#include "web/many.h"

/* A file system that fails stands below all of these. */

static void begin(void)
{
    static bool is_installed;
    if (!is_installed)
        bad_disk_install();
    is_installed = true;
    import_begin();
    people_settle(&rig);
}

static void break_disk(void)
{
    bad_disk_plan(BAD_FULL, 1, 1 << 30);
}

static void mend_disk(void)
{
    bad_disk_plan(BAD_FULL, 0, 0);
    bn_store_tidy(rig.store); /* tries it again before it answers */
}

static void end(void)
{
    bad_disk_plan(BAD_FULL, 0, 0);
    import_end();
}

/* Until the store says that it is well: it looks by itself, now and then. */
static void import_until_well(const char *file)
{
    int status = 0;
    for (int i = 0; i < 200 && status != 200; i++) {
        status = import_send(max, "POST " IMPORT, CSV_BODY, file);
        if (status != 200)
            usleep(50000);
    }
    CHECK_INT(status, 200);
}

BN_TEST(a_disk_that_refuses_has_nothing_of_an_import)
{
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    begin();
    import_rows(&file, 0, 20);
    break_disk();
    csv(IMPORT, file.p, 507, "nothing was imported: ");
    CHECK_INT(import_count(), 0);
    csv(DRY, file.p, 200, "\"slots_left\":50"); /* nor is a slot taken */
    mend_disk();
    import_until_well(file.p);
    CHECK_INT(import_count(), 20);
    end();
}

BN_TEST(what_could_not_be_taken_back_can_be_asked_for_again)
{
    BN_BUF_AUTO file;
    char line[200];
    int status = 0;
    bn_buf_init(&file, 1 << 20);
    begin();
    csv(IMPORT, import_rows(&file, 0, 5), 200, "5 added");
    const char *at = strstr(rig.web.answer.p, "\"undo_id\":\"") + 11;
    snprintf(line, sizeof line, "POST " IMPORT "/%.*s/undo", (int)strcspn(at, "\""), at);
    break_disk();
    for (int i = 0; i < 100 && status != 507; i++) /* a delete may find room in the reserve */
        status = import_send(max, line, "application/json", "");
    import_has("nothing was taken back: ");
    CHECK_INT(import_count(), 5);
    mend_disk();
    for (int i = 0; i < 200 && status != 200; i++) {
        status = import_send(max, line, "application/json", "");
        if (status != 200)
            usleep(50000);
    }
    CHECK_INT(status, 200);
    import_has("\"removed\":5");
    CHECK_INT(import_count(), 0);
    end();
}

BN_TEST(who_leaves_before_the_store_has_spoken_has_it_kept_all_the_same)
{
    BN_BUF_AUTO file;
    BN_BUF_AUTO text;
    bn_buf_init(&file, 1 << 20);
    bn_buf_init(&text, 1 << 20);
    begin();
    import_rows(&file, 0, 5);
    bn_buf_printf(&text,
            "POST " IMPORT " HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
            "Cookie: binnacle=%s\r\nContent-Type: text/csv\r\nContent-Length: %zu\r\n\r\n%s",
            max, strlen(file.p), file.p);
    bn_buf_putc(&text, 0);
    int fd = web_rig_send(&rig.web, text.p);
    people_await_waiting(&rig, 1);
    people_reset(fd);
    people_await_waiting(&rig, 0);
    people_settle(&rig);
    CHECK_INT(import_count(), 5);
    end();
}

BN_TEST_MAIN()
