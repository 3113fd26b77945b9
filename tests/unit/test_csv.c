#include <time.h>

#include "bn_test.h"
#include "bn_vectors.h"
#include "wire/csv.h"

/* --- read ------------------------------------------------------------------------------------ */

static struct bn_csv reader;
static bool is_bad;

static void begin(const struct bn_vector *vector BN_UNUSED)
{
    bn_csv_init(&reader);
    is_bad = false;
}

static bool feed(struct wire_log *log, const char *p, size_t len)
{
    is_bad = !wire_log_csv(log, &reader, p, len);
    return !is_bad;
}

static void end(struct wire_log *log)
{
    if (!is_bad)
        wire_log_csv_end(log, &reader);
    bn_csv_finish(&reader);
}

BN_TEST(csv_vectors_say_the_same_wherever_they_are_cut)
{
    const struct bn_codec codec = {.begin = begin, .feed = feed, .end = end};
    CHECK(bn_vectors_run("csv", &codec) > 55);
}

/* The last event of a file of count times text after first. */
static enum bn_csv_event read_many(struct bn_csv *csv, const char *first, const char *text,
        size_t count)
{
    enum bn_csv_event event = BN_CSV_ROW;
    BN_BUF_AUTO file;
    bn_buf_init(&file, 4 << 20);
    bn_buf_puts(&file, first);
    while (count--)
        bn_buf_puts(&file, text);
    bn_csv_init(csv);
    for (size_t used = 0; event == BN_CSV_ROW;)
        used += bn_csv_parse(csv, file.p + used, file.len - used, &event);
    while (event == BN_CSV_MORE && bn_csv_end(csv) == BN_CSV_ROW)
        continue;
    bn_csv_finish(csv);
    return event;
}

BN_TEST(a_file_may_have_ten_thousand_rows_after_its_header)
{
    struct bn_csv csv;
    CHECK_INT(read_many(&csv, "h\n", "a\n", BN_CSV_ROWS_MAX), BN_CSV_MORE);
    CHECK_INT(csv.rows, BN_CSV_ROWS_MAX + 1);
    CHECK_INT(read_many(&csv, "#\nh\n", "a\n", BN_CSV_ROWS_MAX + 1), BN_CSV_BAD);
    CHECK_INT(csv.err.code, BN_E_TOO_BIG);
    CHECK_STR(csv.err.text, "line 10003: more than 10000 rows after the header");
}

BN_TEST(a_file_may_have_a_mebibyte_however_few_rows_that_is)
{
    struct bn_csv csv;
    CHECK_INT(read_many(&csv, "#234567\n", "#234567\n", BN_CSV_BYTES_MAX / 8 - 1), BN_CSV_MORE);
    CHECK_INT(csv.bytes, BN_CSV_BYTES_MAX);
    CHECK_INT(read_many(&csv, "\n#234567\n", "#234567\n", BN_CSV_BYTES_MAX / 8 - 1), BN_CSV_BAD);
    CHECK_INT(csv.err.code, BN_E_TOO_BIG);
    CHECK_STR(csv.err.text, "line 131073: the file has more than 1048576 bytes");
}

BN_TEST(what_was_refused_stays_refused)
{
    struct bn_csv csv;
    enum bn_csv_event event;
    bn_csv_init(&csv);
    CHECK_INT(bn_csv_parse(&csv, "a\rb", 3, &event), 3);
    CHECK_INT(event, BN_CSV_BAD);
    CHECK_INT(bn_csv_parse(&csv, "c\n", 2, &event), 0);
    CHECK_INT(event, BN_CSV_BAD);
    CHECK_INT(bn_csv_end(&csv), BN_CSV_BAD);
    CHECK_STR(csv.err.text,
            "line 1: a carriage return without a line feed: lines must end in CRLF or LF");
    bn_csv_finish(&csv);
    bn_csv_finish(&csv);
}

/* Rows may hold tokens, and freed memory is given to the next who asks. */
BN_TEST(the_text_of_rows_is_made_once_and_never_moves)
{
    struct bn_csv csv;
    enum bn_csv_event event = BN_CSV_ROW;
    bn_csv_init(&csv);
    const char *at = csv.text.p;
    for (size_t i = 0; i < 2000; i++)
        bn_csv_parse(&csv, "0123456789,\"\"\"\"", 15, &event);
    CHECK_INT(event, BN_CSV_BAD); /* 64 columns */
    CHECK(csv.text.p == at);
    bn_csv_finish(&csv);
    CHECK(csv.text.p == NULL);
}

/* --- written --------------------------------------------------------------------------------- */

static void writes(struct bn_str text, const char *want)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    struct bn_csv_out out = {.buf = &buf};
    bn_csv_text(&out, text);
    bn_csv_i64(&out, -7);
    bn_csv_row_end(&out);
    bn_buf_putc(&buf, 0);
    char line[200];
    snprintf(line, sizeof line, "%s,-7\r\n", want);
    CHECK_STR(buf.p, line);
}

BN_TEST(texts_are_quoted_only_where_they_must)
{
    writes(BN_STR("plain"), "plain");
    writes(BN_STR(""), "");
    writes(BN_STR("two words"), "two words");
    writes(BN_STR("a,b"), "\"a,b\"");
    writes(BN_STR("a;b"), "\"a;b\"");
    writes(BN_STR("a\tb"), "\"a\tb\"");
    writes(BN_STR("a\"b"), "\"a\"\"b\"");
    writes(BN_STR("a\nb"), "\"a\nb\"");
    writes(BN_STR("a\rb"), "\"a\rb\"");
    writes(BN_STR(" a"), "\" a\"");
    writes(BN_STR("a "), "\"a \"");
    writes(BN_STR("#a"), "\"#a\"");
    writes(BN_STR("\xEF\xBB\xBF"
                  "a"),
            "\"\xEF\xBB\xBF"
            "a\"");
    writes(BN_STR("\xC3\xA4"), "\xC3\xA4");
}

BN_TEST(what_a_spreadsheet_would_run_gets_an_apostrophe)
{
    writes(BN_STR("=1+1"), "'=1+1");
    writes(BN_STR("+49 30"), "'+49 30");
    writes(BN_STR("-1"), "'-1");
    writes(BN_STR("@SUM(A1)"), "'@SUM(A1)");
    writes(BN_STR("\tx"), "\"'\tx\"");
    writes(BN_STR("\rx"), "\"'\rx\"");
    writes(BN_STR("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
    writes(BN_STR("'=1"), "''=1");
    writes(BN_STR("'tis"), "'tis");
    writes(BN_STR("'"), "'");
    writes(BN_STR("a=1"), "a=1");
}

BN_TEST(words_and_numbers_of_ours_are_never_guarded)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    struct bn_csv_out out = {.buf = &buf};
    bn_csv_word(&out, "-");
    bn_csv_i64(&out, INT64_MIN + 1);
    bn_csv_row_end(&out);
    bn_csv_word(&out, "");
    bn_csv_row_end(&out);
    bn_csv_word(&out, "");
    bn_csv_word(&out, "");
    bn_csv_row_end(&out);
    bn_csv_word(&out, "a,b");
    bn_csv_row_end(&out);
    bn_buf_putc(&buf, 0);
    CHECK_STR(buf.p, "-,-9223372036854775807\r\n\"\"\r\n,\r\n\"a,b\"\r\n");
}

static void unguards(const char *text, const char *want)
{
    CHECK(bn_str_is(bn_csv_unguard(bn_str(text)), want));
}

BN_TEST(the_guard_is_taken_off_where_it_was_put_and_nowhere_else)
{
    unguards("'=1", "=1");
    unguards("''=1", "'=1");
    unguards("'\tx", "\tx");
    unguards("'tis", "'tis");
    unguards("'", "'");
    unguards("''", "''");
    unguards("", "");
    unguards("=1", "=1");
    unguards("-1", "-1");
}

static uint64_t random_state;

static unsigned next_random(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static size_t make_text(char *out)
{
    static const char *const words[] = {"=", "+", "-", "@", "\t", "\r", "\n", "'", "\"", ",", ";",
            " ", "#", "\xEF\xBB\xBF", "\xC3\xA4", "a", "1", "\r\n", "\"\"", "x y"};
    size_t len = 0;
    for (unsigned n = next_random(6); n > 0; n--) {
        const char *word = words[next_random(COUNT(words))];
        memcpy(out + len, word, strlen(word));
        len += strlen(word);
    }
    return len;
}

/* No cell of what is written begins like a formula, and what is read is what was written. */
static void check_rows(struct bn_csv *csv, const struct bn_buf *file, char texts[20][3][40],
        size_t rows)
{
    size_t used = 0;
    for (size_t i = 0; i < rows; i++) {
        enum bn_csv_event event;
        used += bn_csv_parse(csv, file->p + used, file->len - used, &event);
        CHECK_INT(event, BN_CSV_ROW);
        CHECK_INT(csv->row.count, 3);
        for (size_t k = 0; k < 3; k++) {
            const struct bn_str field = csv->row.field[k];
            CHECK(field.len == 0 || !memchr("=+-@\t\r", field.p[0], 6));
            CHECK(bn_str_is(bn_csv_unguard(field), texts[i][k]));
        }
    }
    CHECK_INT(used, file->len);
    CHECK_INT(bn_csv_end(csv), BN_CSV_MORE);
}

BN_TEST(whatever_texts_are_written_are_read_again_and_no_cell_is_a_formula)
{
    static char texts[20][3][40];
    for (random_state = 1; random_state < 3000; random_state += 2) {
        const uint64_t seed = random_state;
        struct bn_csv csv;
        BN_BUF_AUTO file;
        bn_buf_init(&file, 1 << 16);
        struct bn_csv_out out = {.buf = &file};
        memset(texts, 0, sizeof texts);
        texts[0][0][0] = 'h'; /* so that the comma is the first separator: quotes hide others */
        const size_t rows = 1 + next_random(19);
        for (size_t i = 0; i < rows; i++) {
            for (size_t k = 0; k < 3; k++) {
                const size_t len = i ? make_text(texts[i][k]) : strlen(texts[i][k]);
                bn_csv_text(&out, (struct bn_str){texts[i][k], len});
            }
            bn_csv_row_end(&out);
        }
        bn_csv_init(&csv);
        check_rows(&csv, &file, texts, rows);
        bn_csv_finish(&csv);
        random_state = seed;
    }
}

/* --- cost ------------------------------------------------------------------------------------ */

BN_TEST(a_mebibyte_is_read_in_a_second)
{
    struct bn_csv csv;
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    CHECK_INT(
            read_many(&csv, "name,host,api_token\n",
                    "\"pve, \"\"one\"\"\",pve1.company.com,root@pam!bnc=11111111-2222-3333-4444-555555555555,8006,\xC3\xA4\n",
                    9900),
            BN_CSV_MORE);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    const double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 +
                      (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    print_message("%zu bytes in %.1f ms of processor time\n", csv.bytes, ms);
    CHECK(csv.bytes > 850000);
    CHECK(ms < 1000);
}

BN_TEST_MAIN()
