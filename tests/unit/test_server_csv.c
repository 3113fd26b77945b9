#include <sys/resource.h>
#include <time.h>

#include "bn_test.h"
#include "bn_vectors.h"
#include "web/server_csv.h"

#define SECRET "11111111-2222-3333-4444-555555555555"

/* The cost comes first, while the process is small. */

/* --- cost ------------------------------------------------------------------------------------ */

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Of the process since it was last asked to forget it. */
static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    CHECK(file != NULL);
    CHECK(fputs("5", file) >= 0);
    fclose(file);
}

/* Milliseconds for a file of so many rows; *grown is by how much the process' peak grew. */
static double read_rows(size_t rows, size_t *bytes, long *grown)
{
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err;
    size_t good = 0;
    BN_BUF_AUTO file;
    bn_buf_init(&file, BN_CSV_BYTES_MAX);
    bn_buf_puts(&file, "name,host,api_token,port,verify_ssl,notes\n");
    for (size_t i = 0; i < rows; i++)
        bn_buf_printf(&file,
                "P%zu,p%zu.example.com,root@pam!b=" SECRET ",8006,yes,\"a \"\"quoted\"\" b\"\n", i,
                i);
    CHECK(bn_buf_ok(&file));
    forget_peak();
    const long before_kib = peak_kib();
    const double from_ms = cpu_ms();
    CHECK(bn_server_csv_open(&csv, bn_buf_str(&file), rows, &err));
    while (bn_server_csv_next(&csv, &row))
        good += row.error_count == 0;
    bn_server_csv_close(&csv);
    const double ms = cpu_ms() - from_ms;
    CHECK_INT(good, rows);
    *grown = peak_kib() - before_kib;
    *bytes = file.len;
    return ms;
}

BN_TEST(fifty_rows_take_milliseconds_and_a_mebibyte_less_than_a_second)
{
    size_t bytes;
    long grown;
    const double small_ms = read_rows(50, &bytes, &grown);
    print_message("50 rows: %.2f ms of processor time\n", small_ms);
    CHECK(small_ms < 50);
    const double large_ms = read_rows(10000, &bytes, &grown);
    print_message("10000 rows, %zu bytes: %.1f ms, peak + %ld KiB\n", bytes, large_ms, grown);
    CHECK(bytes > 950000);
    CHECK(large_ms < 1000);
    CHECK(grown <= 8 << 10);
}

/* --- whole files ----------------------------------------------------------------------------- */

static struct bn_buf gathered;
static size_t slots;

static void begin(const struct bn_vector *vector)
{
    const char *option = strstr(vector->options, "slots=");
    slots = option ? strtoul(option + 6, NULL, 10) : 1000;
    bn_buf_init(&gathered, 4 << 20);
}

static bool feed(struct wire_log *log BN_UNUSED, const char *p, size_t len)
{
    bn_buf_put(&gathered, p, len);
    return true;
}

static void log_notes(struct wire_log *log, const char *word, const struct bn_err *notes,
        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wire_log_line(log, word);
        bn_buf_printf(&log->text, " %s: ", notes[i].field);
        bn_buf_puts(&log->text, notes[i].text);
    }
}

static void log_place(struct wire_log *log, const char *before, const char *host, int64_t port)
{
    bn_buf_puts(&log->text, before);
    bn_buf_puts(&log->text, host);
    if (port == BN_UNKNOWN)
        bn_buf_puts(&log->text, ":unknown");
    else
        bn_buf_printf(&log->text, ":%lld", (long long)port);
}

static void log_text(struct wire_log *log, const char *before, const char *text)
{
    if (text[0])
        wire_log_word(log, before, bn_str(text));
}

static void log_row(struct wire_log *log, const struct bn_server_csv_row *row)
{
    const struct bn_server *server = &row->server;
    wire_log_line(log, "ROW");
    bn_buf_printf(&log->text, " %zu line %zu ", row->index, row->line);
    wire_log_word(log, "", bn_str(server->name));
    log_place(log, " at ", server->host, server->port);
    log_text(log, " token ", row->token[0] ? strchr(row->token, '=') + 1 : "");
    bn_buf_puts(&log->text, server->verify_ssl ? "" : " pinned");
    log_text(log, " tags=", server->tags);
    log_text(log, " site=", server->site);
    log_text(log, " notes=", server->notes);
    if (server->vpn_enabled || server->vpn_host[0]) {
        bn_buf_printf(&log->text, " vpn=%lld", (long long)server->vpn_enabled);
        log_place(log, " ", server->vpn_host, server->vpn_port);
    }
    if (server->connection_timeout_ms != BN_UNKNOWN)
        bn_buf_printf(&log->text, " timeout=%lld", (long long)server->connection_timeout_ms);
    bn_buf_puts(&log->text, server->is_active ? "" : " disabled");
    log_text(log, " fingerprint=", server->fingerprint);
    if (row->duplicate_of >= 0)
        bn_buf_printf(&log->text, " duplicate of %lld", (long long)row->duplicate_of);
    log_notes(log, "ERROR", row->errors, row->error_count);
    log_notes(log, "WARNING", row->warnings, row->warning_count);
}

static void judge(struct wire_log *log, struct bn_str file)
{
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err = {.code = BN_E_OK};
    if (!bn_server_csv_open(&csv, file, slots, &err)) {
        wire_log_line(log, "REFUSED");
        wire_log_err(log, &err);
        return;
    }
    wire_log_line(log, "FILE");
    bn_buf_printf(&log->text, " rows=%zu separator=", csv.rows);
    wire_log_bytes(log, (struct bn_str){&csv.separator, 1});
    for (size_t i = 0; i < csv.unknown_count; i++)
        bn_buf_printf(&log->text, "%s[%s]", i ? "" : " unknown=", csv.unknown[i]);
    while (bn_server_csv_next(&csv, &row))
        log_row(log, &row);
    bn_server_csv_close(&csv);
}

static void end(struct wire_log *log)
{
    judge(log, bn_buf_str(&gathered));
    bn_buf_finish(&gathered);
}

BN_TEST(files_of_servers_get_the_verdicts_written_beside_them)
{
    const struct bn_codec codec = {.begin = begin, .feed = feed, .end = end};
    CHECK(bn_vectors_run("server_csv", &codec) > 40);
}

/* --- single cells ---------------------------------------------------------------------------- */

/* Each is a file of one row, written with each separator. want: "" is taken; else the sentence. */
static const struct cell {
    const char *column;
    const char *text;
    const char *want;
} cells[] = {
        {"name", "Prod A", ""},
        {"name", "\xE6\x9D\xB1\xE4\xBA\xAC", ""},
        {"name", "", "name is needed"},
        {"name", "   ", "name is needed"},
        {"name", "a\nb", "name must not hold the control character 0x0A"},
        {"name", "a\x1B[31m", "name must not hold the control character 0x1B"},
        {"name", "a\x7F", "name must not hold the control character 0x7F"},
        {"host", "pve1", ""},
        {"host", "", "host is needed"},
        {"host", "[fd00::1]:8443", ""},
        {"host", "https://h:8006/", ""},
        {"host", "http://h", "host must be called by https, got \"http://h\""},
        {"host", "a b", "host must be a name or an IP address, got \"a b\""},
        {"host", "h;reboot", "host must be a name or an IP address, got \"h;reboot\""},
        {"host", "`id`", "host must be a name or an IP address, got \"`id`\""},
        {"host", "../etc/passwd", "host must be a name or an IP address, got \"../etc/passwd\""},
        {"host", "h:99999", "the port in host must be 1..65535, got \"99999\""},
        {"host", "h\r\nX-Y: z", "the port in host must be 1..65535, got \" z\""},
        {"api_token", "", "api_token is needed, form USER@REALM!TOKENID=SECRET"},
        {"api_token", "root@pam", "api_token must have the form USER@REALM!TOKENID=SECRET"},
        {"api_token", "root@pam!t", "api_token must have the form USER@REALM!TOKENID=SECRET"},
        {"api_token", SECRET, "api_token must have the form USER@REALM!TOKENID=SECRET"},
        {"api_token", "PVEAPIToken=root@pam!t=" SECRET, ""},
        {"api_token", "root@pam!t=a\r\nHost: x",
                "api_token must have the form USER@REALM!TOKENID=SECRET"},
        {"port", "", ""},
        {"port", "1", ""},
        {"port", " 65535 ", ""},
        {"port", "0", "port must be 1..65535, got \"0\""},
        {"port", "65536", "port must be 1..65535, got \"65536\""},
        {"port", "99999", "port must be 1..65535, got \"99999\""},
        {"port", "-1", "port must be 1..65535, got \"-1\""},
        {"port", "+1", "port must be 1..65535, got \"+1\""},
        {"port", "abc", "port must be 1..65535, got \"abc\""},
        {"port", "8006x", "port must be 1..65535, got \"8006x\""},
        {"port", "8006.0", "port must be 1..65535, got \"8006.0\""},
        {"port", "8 006", "port must be 1..65535, got \"8 006\""},
        {"port", "0x1F46", "port must be 1..65535, got \"0x1F46\""},
        {"port", "1e3", "port must be 1..65535, got \"1e3\""},
        {"port", "\xD9\xA8", "port must be 1..65535, got \"\xD9\xA8\""},
        {"port", "18446744073709559622", "port must be 1..65535, got \"18446744073709559622\""},
        {"port", "=8006", "port must be 1..65535, got \"=8006\""},
        {"verify_ssl", "", ""},
        {"verify_ssl", "true", ""},
        {"verify_ssl", "FALSE", ""},
        {"verify_ssl", "Yes", ""},
        {"verify_ssl", "no", ""},
        {"verify_ssl", "1", ""},
        {"verify_ssl", "0", ""},
        {"verify_ssl", "2", "verify_ssl must be true, false, yes, no, 1 or 0, got \"2\""},
        {"verify_ssl", "on", "verify_ssl must be true, false, yes, no, 1 or 0, got \"on\""},
        {"verify_ssl", "wahr", "verify_ssl must be true, false, yes, no, 1 or 0, got \"wahr\""},
        {"verify_ssl", "truee", "verify_ssl must be true, false, yes, no, 1 or 0, got \"truee\""},
        {"fingerprint", "", ""},
        {"fingerprint",
                "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
                ""},
        {"fingerprint", "AA:BB",
                "fingerprint must be a SHA-256 of 32 pairs, like AA:BB:\xE2\x80\xA6, got \"AA:BB\""},
        {"fingerprint",
                "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:00",
                "fingerprint must be a SHA-256 of 32 pairs, like AA:BB:\xE2\x80\xA6, got \"aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99\""},
        {"tags", "prod,eu", ""},
        {"tags", "a\tb", "tags must not hold the control character 0x09"},
        {"site", "Hall 2; rack 4", ""},
        {"site", "x\n", "site must not hold the control character 0x0A"},
        {"notes", "one\r\ntwo\tthree", ""},
        {"notes", "=cmd|' /C calc'!A0", ""},
        {"notes", "bell\x07", "notes must not hold the control character 0x07"},
        {"vpn_host", "", ""},
        {"vpn_host", "v.example", ""},
        {"vpn_host", "v/x", "vpn_host must be a name or an IP address, got \"v/x\""},
        {"tailscale_hostname", "100.64.0.7", ""},
        {"tailscale_hostname", "_", ""},
        {"tailscale_hostname", "-", "vpn_host must be a name or an IP address, got \"-\""},
        {"vpn_port", "8006", ""},
        {"vpn_port", "x", "vpn_port must be 1..65535, got \"x\""},
        {"tailscale_port", "0", "vpn_port must be 1..65535, got \"0\""},
        {"vpn_enabled", "0", ""},
        {"vpn_enabled", "1", "vpn_host is needed where vpn_enabled is true"},
        {"use_tailscale", "no", ""},
        {"use_tailscale", "perhaps",
                "vpn_enabled must be true, false, yes, no, 1 or 0, got \"perhaps\""},
        {"connection_timeout", "", ""},
        {"connection_timeout", "5", ""},
        {"connection_timeout", "120", ""},
        {"connection_timeout", "7.5", ""},
        {"connection_timeout", "7.125", ""},
        {"connection_timeout", "120.000", ""},
        {"connection_timeout", "4", "connection_timeout must be 5..120 seconds, got \"4\""},
        {"connection_timeout", "4.999", "connection_timeout must be 5..120 seconds, got \"4.999\""},
        {"connection_timeout", "120.001",
                "connection_timeout must be 5..120 seconds, got \"120.001\""},
        {"connection_timeout", "121", "connection_timeout must be 5..120 seconds, got \"121\""},
        {"connection_timeout", "10000", "connection_timeout must be 5..120 seconds, got \"10000\""},
        {"connection_timeout", "-5", "connection_timeout must be 5..120 seconds, got \"-5\""},
        {"connection_timeout", "10s", "connection_timeout must be 5..120 seconds, got \"10s\""},
        {"connection_timeout", "7.", "connection_timeout must be 5..120 seconds, got \"7.\""},
        {"connection_timeout", "7.1234",
                "connection_timeout must be 5..120 seconds, got \"7.1234\""},
        {"connection_timeout", "7.-1", "connection_timeout must be 5..120 seconds, got \"7.-1\""},
        {"connection_timeout", "7,5", "connection_timeout must be 5..120 seconds, got \"7,5\""},
        {"enabled", "", ""},
        {"enabled", "no", ""},
        {"enabled", "off", "enabled must be true, false, yes, no, 1 or 0, got \"off\""},
};

static void put_quoted(struct bn_buf *file, const char *text)
{
    bn_buf_putc(file, '"');
    for (; *text; text++) {
        if (*text == '"')
            bn_buf_putc(file, '"');
        bn_buf_putc(file, *text);
    }
    bn_buf_putc(file, '"');
}

/* A header and a row in which only this cell is unusual. */
static void put_file(struct bn_buf *file, const struct cell *cell, char separator)
{
    static const char *const names[] = {"name", "host", "api_token"};
    static const char token[] = "a@b!c=" SECRET;
    static const char *const good[] = {"P", "h", token};
    const char *row[4] = {NULL};
    size_t count = 3;
    for (size_t i = 0; i < 3; i++)
        row[i] = strcmp(names[i], cell->column) == 0 ? cell->text : good[i];
    if (row[0] != cell->text && row[1] != cell->text && row[2] != cell->text)
        row[count++] = cell->text;
    for (size_t i = 0; i < count; i++)
        bn_buf_printf(file, "%.*s%s", (int)(i > 0), &separator, i < 3 ? names[i] : cell->column);
    bn_buf_putc(file, '\n');
    for (size_t i = 0; i < count; i++) {
        bn_buf_printf(file, "%.*s", (int)(i > 0), &separator);
        put_quoted(file, row[i]);
    }
}

static void check_cell(const struct cell *cell, char separator)
{
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err = {.code = BN_E_OK};
    BN_BUF_AUTO file;
    bn_buf_init(&file, 4096);
    put_file(&file, cell, separator);
    if (!bn_server_csv_open(&csv, bn_buf_str(&file), 1, &err))
        fail_msg("%s: %s", cell->text, err.text);
    CHECK(bn_server_csv_next(&csv, &row));
    if (row.error_count != (cell->want[0] ? 1 : 0))
        fail_msg("%s \"%s\": %zu errors, %s", cell->column, cell->text, row.error_count,
                row.error_count ? row.errors[0].text : "");
    bn_text_clip(row.server.id, sizeof row.server.id, BN_STR("s1"));
    if (cell->want[0])
        CHECK_STR(row.errors[0].text, cell->want);
    else if (!bn_record_check(&bn_server_type, &row.server, &err))
        fail_msg("%s \"%s\": the registry says %s", cell->column, cell->text, err.text);
    CHECK(bn_utf8_is_valid(row.errors[0].text, strlen(row.errors[0].text)));
    CHECK(!bn_server_csv_next(&csv, &row));
    bn_server_csv_close(&csv);
}

BN_TEST(every_cell_is_judged_strictly_with_every_separator)
{
    CHECK(COUNT(cells) > 90);
    for (size_t i = 0; i < COUNT(cells); i++)
        for (const char *separator = ",;\t"; *separator; separator++)
            check_cell(&cells[i], *separator);
}

BN_TEST(texts_end_at_the_size_of_their_field)
{
    static const struct {
        const char *column;
        int max;
    } walls[] = {{"name", 100}, {"tags", 127}, {"site", 63}, {"notes", 255}, {"host", 253}};

    for (size_t i = 0; i < COUNT(walls); i++) {
        char text[300];
        char want[100];
        memset(text, 'a', sizeof text);
        for (size_t k = 50; k < sizeof text; k += 50)
            text[k] = '.';
        text[walls[i].max] = 0;
        check_cell(&(struct cell){walls[i].column, text, ""}, ',');
        text[walls[i].max] = 'a';
        text[walls[i].max + 1] = 0;
        snprintf(want, sizeof want, "%s must have at most %d %s, got %d", walls[i].column,
                walls[i].max, i == 4 ? "characters" : "bytes", walls[i].max + 1);
        check_cell(&(struct cell){walls[i].column, text, want}, ';');
    }
}

/* --- rows ------------------------------------------------------------------------------------ */

BN_TEST(a_row_knows_what_was_given_and_where_it_stands_in_the_file)
{
    static struct bn_server_csv_row row;
    static const char file[] = "\xEF\xBB\xBF#x\r\nname;host;api_token;port;notes\r\n\r\n"
                               "P;h;a@b!c=" SECRET ";;\"one\r\ntwo\"\r\nQ;i;;1;";
    struct bn_server_csv csv;
    struct bn_err err;
    CHECK(bn_server_csv_open(&csv, bn_str(file), 2, &err));
    CHECK(bn_str_is(csv.header, "\xEF\xBB\xBF#x\r\nname;host;api_token;port;notes"));
    CHECK(bn_server_csv_next(&csv, &row));
    CHECK(bn_str_is(row.raw, "P;h;a@b!c=" SECRET ";;\"one\r\ntwo\""));
    CHECK(row.given == (BN_BIT(bn_field_index(&bn_server_type, "name")) |
                               BN_BIT(bn_field_index(&bn_server_type, "host")) |
                               BN_BIT(bn_field_index(&bn_server_type, "token")) |
                               BN_BIT(bn_field_index(&bn_server_type, "notes"))));
    CHECK_STR(row.token, "a@b!c=" SECRET);
    CHECK(bn_server_csv_next(&csv, &row));
    CHECK(bn_str_is(row.raw, "Q;i;;1;"));
    CHECK_STR(row.token, "");
    bn_server_csv_close(&csv);
}

BN_TEST(a_missing_token_may_be_forgiven_and_a_wrong_one_not)
{
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err;
    CHECK(bn_server_csv_open(&csv,
            BN_STR("name,host,api_token,port\n,h,,x\nQ,i,bad,\nR,j,a@b!c=d,\n"), 9, &err));
    CHECK(bn_server_csv_next(&csv, &row));
    CHECK_INT(row.error_count, 3);
    bn_server_csv_keep_token(&row);
    CHECK_INT(row.error_count, 2);
    CHECK_STR(row.errors[0].field, "port");
    CHECK_STR(row.errors[1].field, "name");
    bn_server_csv_keep_token(&row);
    CHECK_INT(row.error_count, 2);
    CHECK(bn_server_csv_next(&csv, &row));
    bn_server_csv_keep_token(&row);
    CHECK_INT(row.error_count, 1);
    CHECK(bn_server_csv_next(&csv, &row));
    bn_server_csv_keep_token(&row);
    CHECK_INT(row.error_count, 0);
    bn_server_csv_close(&csv);
}

BN_TEST(a_file_that_is_not_there_is_empty)
{
    struct bn_server_csv csv;
    CHECK(!bn_server_csv_open(&csv, (struct bn_str){NULL, 0}, 9, NULL));
}

/* --- export and import ------------------------------------------------------------------------ */

static uint64_t random_state = 1;

static unsigned next_random(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static void make_text(char *out, size_t size, bool is_prose)
{
    static const char *const words[] = {"=", "+", "-", "@", "'", "\"", ",", ";", " ", "#",
            "\xC3\xA4", "a", "1", "<b>", "x y", "\xEF\xBB\xBF", "\t", "\r", "\n", "\r\n"};
    out[0] = 0;
    for (unsigned n = next_random(7); n > 0; n--) {
        const char *word = words[next_random(is_prose ? COUNT(words) : 16)];
        const size_t len = strlen(out);
        if (len + strlen(word) < size)
            memcpy(out + len, word, strlen(word) + 1);
    }
    if (bn_str_trim(bn_str(out)).len == 0)
        out[0] = 0; /* nothing but blanks is nothing */
}

static void make_host(char *out, size_t size, size_t number)
{
    static const char *const starts[] = {"pve-", "10.1.2.", "fd00::", "PVE_a."};
    const unsigned kind = next_random(COUNT(starts));
    snprintf(out, size, "%s%zu%s", starts[kind], number, kind == 3 ? ".com" : "");
}

static void make_server(struct bn_server *server, size_t number)
{
    memset(server, 0, sizeof *server);
    bn_record_clear(&bn_server_type, server);
    make_text(server->name, sizeof server->name - 1, false);
    server->name[0] = server->name[0] ? server->name[0] : 'n';
    make_text(server->tags, sizeof server->tags, false);
    make_text(server->site, sizeof server->site, false);
    make_text(server->notes, sizeof server->notes, true);
    make_host(server->host, sizeof server->host, number);
    server->port = 1 + next_random(65535);
    server->verify_ssl = next_random(2);
    server->is_active = next_random(2);
    server->vpn_enabled = next_random(2);
    if (server->vpn_enabled || next_random(2)) {
        make_host(server->vpn_host, sizeof server->vpn_host, number);
        server->vpn_port = 1 + next_random(65535);
    }
    if (next_random(2))
        server->connection_timeout_ms = 5000 + next_random(2) * next_random(115001);
    if (next_random(3) == 0)
        for (size_t i = 0; i < 95; i++)
            server->fingerprint[i] = i % 3 == 2 ? ':' : "0123456789ABCDEF"[next_random(16)];
}

/* No cell of a text column begins a formula; the columns of numbers are as they were. */
static void check_cells(struct bn_str file)
{
    struct bn_csv csv;
    enum bn_csv_event event = BN_CSV_ROW;
    bn_csv_init(&csv);
    for (size_t used = 0; used < file.len;) {
        used += bn_csv_parse(&csv, file.p + used, file.len - used, &event);
        CHECK_INT(event, BN_CSV_ROW);
        for (size_t i = 0; i < csv.row.count; i++)
            CHECK(!csv.row.field[i].len || !memchr("=+-@\t\r", csv.row.field[i].p[0], 6));
    }
    bn_csv_finish(&csv);
}

BN_TEST(what_is_exported_is_imported_without_a_change)
{
    enum { MANY = 2000 };
    struct bn_server *servers = bn_alloc_array(MANY, sizeof *servers);
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err = {.code = BN_E_OK};
    BN_BUF_AUTO file;
    bn_buf_init(&file, BN_CSV_BYTES_MAX);
    struct bn_csv_out out = {.buf = &file};
    bn_server_csv_write_header(&out);
    for (size_t i = 0; i < MANY; i++) {
        make_server(&servers[i], i % 255);
        servers[i].port = (int64_t)(1 + i); /* so that none is a duplicate */
        bn_text_clip(servers[i].id, sizeof servers[i].id, BN_STR("s1"));
        if (!bn_record_check(&bn_server_type, &servers[i], &err))
            fail_msg("%s", err.text);
        servers[i].id[0] = 0; /* files have none */
        bn_server_csv_write(&out, &servers[i]);
    }
    CHECK(bn_buf_ok(&file));
    check_cells(bn_buf_str(&file));
    if (!bn_server_csv_open(&csv, bn_buf_str(&file), MANY, &err))
        fail_msg("%s", err.text);
    CHECK_INT(csv.unknown_count, 0);
    for (size_t i = 0; i < MANY; i++) {
        CHECK(bn_server_csv_next(&csv, &row));
        bn_server_csv_keep_token(&row);
        if (row.error_count)
            fail_msg("row %zu: %s", i, row.errors[0].text);
        const uint64_t changed = bn_record_diff(&bn_server_type, &servers[i], &row.server);
        if (changed)
            fail_msg("row %zu differs, mask %llx: %.*s", i, (unsigned long long)changed,
                    BN_ARG(row.raw));
    }
    CHECK(!bn_server_csv_next(&csv, &row));
    bn_server_csv_close(&csv);
    free(servers);
}

BN_TEST_MAIN()
