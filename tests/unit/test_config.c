#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#include "app/config.h"
#include "bn_test.h"
#include "model/limits.h"

static struct bn_config config;
static struct bn_err err;
static char dir[64];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/binnacle-config-XXXXXX");
    CHECK(mkdtemp(dir));
}

static void write_file(const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/binnacle.conf", dir);
    CHECK(bn_file_write(path, bn_str(text), &err));
}

static void remove_dir(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/binnacle.conf", dir);
    CHECK(bn_file_remove(path, &err));
    CHECK_INT(rmdir(dir), 0);
}

/* argv and environ are not const by tradition; nobody writes to these. */
static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Flags after --data DIR; lists end with NULL. */
static bool load(const char *const *env, const char *const *flags)
{
    char *args[20] = {word("--data"), dir};
    char *vars[10] = {NULL};
    int n = 2;
    for (size_t i = 0; env && env[i]; i++)
        vars[i] = word(env[i]);
    while (flags && *flags)
        args[n++] = word(*flags++);
    memset(&err, 0, sizeof err);
    return bn_config_load(n, args, vars, &config, &err);
}

static bool load_file(const char *text)
{
    write_file(text);
    return load(NULL, NULL);
}

static uint8_t from(const char *name)
{
    for (size_t i = 0; i < bn_setting_count; i++) {
        if (strcmp(bn_settings[i].name, name) == 0)
            return config.from[i];
    }
    fail_msg("no setting %s", name);
    return 0;
}

BN_TEST(without_anything_said_the_defaults_hold)
{
    make_dir();
    CHECK(load(NULL, NULL));
    CHECK_STR(config.listen, "127.0.0.1:8470");
    CHECK_STR(config.listen_host, "127.0.0.1");
    CHECK_INT(config.listen_port, 8470);
    CHECK_STR(config.base_path, "");
    CHECK_STR(config.config, "");
    CHECK_INT(config.max_listeners, BN_LISTENERS_DEFAULT);
    CHECK_INT(config.db_max_bytes, BN_STORE_BYTES_DEFAULT);
    CHECK_INT(config.max_servers, BN_SERVERS_MAX_DEFAULT);
    CHECK_INT(config.check_interval, BN_CHECK_EVERY_MS);
    CHECK_INT(config.offline_alert, BN_OFFLINE_ALERT_MS);
    CHECK_INT(config.console_idle, BN_CONSOLE_IDLE_MS);
    CHECK_INT(config.console_longest, BN_CONSOLE_LONGEST_MS);
    CHECK_STR(config.key_file, "");
    CHECK_INT(config.log_level, BN_INFO);
    CHECK_INT(config.log_format, BN_LOG_TEXT);
    CHECK_INT(config.operations, 1);
    CHECK_INT(config.allow_host.count + config.trusted_proxies.count, 0);
    CHECK_INT(from("listen"), BN_FROM_DEFAULT);
    remove_dir();
}

BN_TEST(flags_win_over_variables_and_variables_over_the_file)
{
    make_dir();
    write_file("# comment\nmax_listeners = 1\nlog_level = warn\nbase_path=/file\n");
    const char *env[] = {"HOME=/", "BINNACLE_MAX_LISTENERS=2", "BINNACLE_LOG_LEVEL=error", NULL};
    const char *flags[] = {"--max-listeners=3", NULL};
    CHECK(load(env, flags));
    CHECK_INT(config.max_listeners, 3);
    CHECK_INT(config.log_level, BN_ERROR);
    CHECK_STR(config.base_path, "/file");
    CHECK_INT(from("max_listeners"), BN_FROM_FLAG);
    CHECK_INT(from("log_level"), BN_FROM_ENV);
    CHECK_INT(from("base_path"), BN_FROM_FILE);
    CHECK(strstr(config.config, "/binnacle.conf"));
    remove_dir();
}

BN_TEST(lists_grow_within_one_source_and_are_replaced_by_a_stronger_one)
{
    make_dir();
    write_file("allow_host = nas.lan, Box\nallow_host = third\ntrusted_proxies = 10.0.0.0/8\n"
               "allow_origin = https://Wall.lan:3000/, http://b\n");
    const char *flags[] = {"--trusted-proxies", "127.0.0.1", "--trusted-proxies", "fd00::/8,::1",
            NULL};
    CHECK(load(NULL, flags));
    CHECK_INT(config.allow_host.count, 3);
    CHECK_STR(config.allow_host.items[1], "box");
    CHECK_INT(config.allow_origin.count, 2);
    CHECK_STR(config.allow_origin.items[0], "https://wall.lan:3000");
    CHECK_INT(config.trusted_proxies.count, 3);
    CHECK_INT(config.trusted_proxies.items[0].bits, 128);
    CHECK_INT(config.trusted_proxies.items[1].bits, 8);
    remove_dir();
}

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X300 X50 X50 X50 X50 X50 X50
#define N8   "a,b,c,d,e,f,g,h,"
#define O2   "http://a,http://b,"
#define O8   O2 O2 O2 O2
#define A8   "::1,::2,::3,::4,::5,::6,::7,::8,"

BN_TEST(each_wrong_line_of_a_file_is_named_with_its_number)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
            {"\n\nnonsense = 1\n", "line 3: there is no setting \"nonsense\""},
            {"listen\n", "line 1: \"name = value\" is wanted"},
            {"max_listeners = 0\n", "line 1: max_listeners: must be 1..1000000, got \"0\""},
            {"max_listeners = many", "line 1: max_listeners: must be 1..1000000, got \"many\""},
            {"max_listeners = 1\n# x\nmax_listeners = 2\n",
                    "line 3: max_listeners: is given twice"},
            {"[server]\nlisten = 1", "sections like [server] are not used here"},
            {"data = /x\n", "line 1: data says where this file is"},
            {"listen = 8470\n", "line 1: listen: must be HOST:PORT"},
            {"listen = a:65536\n", "line 1: listen: must be HOST:PORT"},
            {"listen = ::1:80\n", "an IPv6 address goes in brackets: [::1]:80"},
            {"listen = a b:80\n", "\"a b\" is neither an address nor a host name"},
            {"base_path = x\n", "base_path: must begin with '/'"},
            {"base_path = /a/../b\n", "base_path: must begin with '/'"},
            {"base_path = /a//b\n", "base_path: must begin with '/'"},
            {"base_path = /a?b\n", "base_path: must begin with '/'"},
            {"public_url = ftp://x\n", "public_url: must be http://HOST or https://HOST"},
            {"public_url = https://x/path\n", "public_url: must be http://HOST"},
            {"allow_origin = " O8 O8 O8 O8 "http://a\n", "at most 32 origins are taken"},
            {"allow_origin = wall.lan\n", "allow_origin: must be http://HOST or https://HOST"},
            {"allow_origin = https://a/b\n", "without a path"},
            {"allow_host = http://x\n", "allow_host: must be a host name without scheme"},
            {"allow_host = a,,b\n", "an entry of \"a,,b\" is empty"},
            {"trusted_proxies = 10.0.0.0/33\n", "the prefix of 10.0.0.0 must be 0..32"},
            {"trusted_proxies = 10.1.0.0/8\n", "the network is 10.0.0.0/8"},
            {"allow_target = somewhere\n", "an address or network like 10.0.0.0/8"},
            {"check_interval = 4s\n", "line 1: check_interval: must be 5s..24h"},
            {"offline_alert = 9s\n", "line 1: offline_alert: must be 10s..5m"},
            {"offline_alert = 301s\n", "line 1: offline_alert: must be 10s..5m"},
            {"offline_alert = 0\n", "line 1: offline_alert: must be 10s..5m, with"},
            {"console_idle = 59s\n", "line 1: console_idle: must be 60s..24h or 0, with a unit"},
            {"console_idle = 24h1s\n", "line 1: console_idle: must be 60s..24h or 0"},
            {"console_idle = 86401s\n", "line 1: console_idle: must be 60s..24h or 0"},
            {"console_longest = 59999ms\n", "console_longest: must be 60s..168h or 0"},
            {"console_longest = 8d\n", "console_longest: must be 60s..168h or 0"},
            {"console_longest = 00\n", "console_longest: must be 60s..168h or 0"},
            {"check_interval = 120\n", "with a unit: ms, s, m, h or d, got \"120\""},
            {"max_servers = 10001\n", "line 1: max_servers: must be 1..10000"},
            {"db_max_bytes = 1M\n", "db_max_bytes: must be 32M..1024G"},
            {"log_level = loud\n", "log_level: must be debug, info, warn or error, got \"loud\""},
            {"log_format = xml\n", "log_format: must be text or json, got \"xml\""},
            {"operations = no\n", "operations: must be on or off, got \"no\""},
            {"tls_cert = /x\n", "tls_cert and tls_key go together: tls_key is missing"},
            {"tls_key = /x\n", "tls_cert and tls_key go together: tls_cert is missing"},
            {"ui_dir = \xff\n", "line 1: ui_dir: the value is not valid UTF-8"},
            {"ui_dir = /" X300 "\n", "ui_dir: must be at most 255 bytes, got 301"},
            {"base_path = /" X300 "\n", "base_path: must be at most 127 bytes, got 301"},
            {"public_url = http://" X300 "\n", "public_url: must be at most 255 bytes, got 307"},
            {"public_url = http://\n", "public_url: must be http://HOST or https://HOST"},
            {"listen = " X300 ":1\n", "listen: must be at most"},
            {"allow_host = " X300 "\n", "allow_host: must be at most 127 bytes, got 300"},
            {"allow_host = a..b\n", "allow_host: must be a host name without scheme"},
            {"allow_host = .a\n", "allow_host: must be a host name without scheme"},
            {"allow_host = " N8 N8 N8 N8 "a\n", "at most 32 names are taken"},
            {"allow_host = " N8 N8 N8 "a\nallow_host = " N8 "a\n",
                    "line 2: allow_host: at most 32 names are taken"},
            {"allow_target = " A8 A8 A8 A8 "::1\n", "at most 32 networks are taken"},
    };

    make_dir();
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (load_file(rows[i].text) || !strstr(err.text, rows[i].why))
            fail_msg("%s: %s", rows[i].text, err.text);
    }
    remove_dir();
}

BN_TEST(a_line_that_is_too_long_is_refused_not_cut)
{
    make_dir();
    char text[4000];
    memset(text, 'x', sizeof text);
    memcpy(text, "\nallow_host = ", 14);
    text[sizeof text - 1] = 0;
    CHECK(!load_file(text));
    CHECK(strstr(err.text, "line 2: a line may have at most 2000 bytes"));
    remove_dir();
}

BN_TEST(good_values_are_normal)
{
    make_dir();
    CHECK(load_file(
            "listen = [fd00::1]:0\nbase_path = /a/b-c_~.d/\npublic_url = "
            "https://Box.lan:8443/\ndb_max_bytes = 64M\r\nallow_target = ::1 ; loopback\n"));
    CHECK_STR(config.listen_host, "fd00::1");
    CHECK_INT(config.listen_port, 0);
    CHECK_STR(config.base_path, "/a/b-c_~.d");
    CHECK_STR(config.public_url, "https://Box.lan:8443");
    CHECK_INT(config.db_max_bytes, 64 << 20);
    CHECK_INT(config.allow_target.count, 1);
    CHECK(load_file("console_idle = 1m\nconsole_longest = 7d\n"));
    CHECK_INT(config.console_idle, BN_CONSOLE_IDLE_MIN_MS);
    CHECK_INT(config.console_longest, BN_CONSOLE_LONGEST_MAX_MS);
    CHECK(load_file("console_idle = 24h\nconsole_longest = 0\n"));
    CHECK_INT(config.console_idle, BN_CONSOLE_IDLE_MAX_MS);
    CHECK_INT(config.console_longest, 0);
    CHECK(load_file("public_url = http://box/\nbase_path = /\nallow_host =\nlisten = [::1]:80\n"));
    CHECK_STR(config.public_url, "http://box");
    CHECK_STR(config.base_path, "");
    CHECK_INT(config.allow_host.count, 0);
    remove_dir();
}

BN_TEST(a_wrong_flag_is_told_from_a_wrong_value_elsewhere)
{
    static const struct {
        const char *flags[4];
        const char *why;
    } rows[] = {
            {{"--nonsense", "1"}, "--nonsense: no such flag"},
            {{"--listen"}, "--listen: needs a value after it"},
            {{"--log-level=x"}, "--log-level: must be debug"},
            {{"word"}, "word: is not a flag"},
            {{"--listen=a:1", "--listen=b:1"}, "--listen: is given twice"},
            {{"--max_listenersx", "1"}, "no such flag"},
    };

    make_dir();
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (load(NULL, rows[i].flags) || !strstr(err.text, rows[i].why))
            fail_msg("%s: %s", rows[i].flags[0], err.text);
        CHECK(err.field[0] && (err.field[0] == '-' || strcmp(err.field, "word") == 0));
    }
    const char *env[] = {"BINNACLE_LOG_LEVEL=x", NULL};
    CHECK(!load(env, NULL));
    CHECK(strstr(err.text, "BINNACLE_LOG_LEVEL: must be"));
    CHECK_STR(err.field, "");
    remove_dir();
}

BN_TEST(the_data_folder_has_a_name_and_no_slash_behind_it)
{
    char *empty[] = {word("--data=")};
    char *slashes[] = {word("--data=/nowhere/at/all///")};
    char *root[] = {word("--data=///")};
    CHECK(!bn_config_load(1, empty, NULL, &config, &err));
    CHECK_STR(err.text, "data must name a folder");
    CHECK(bn_config_load(1, slashes, NULL, &config, &err));
    CHECK_STR(config.data, "/nowhere/at/all");
    CHECK(bn_config_load(1, root, NULL, &config, &err));
    CHECK_STR(config.data, "/");
}

BN_TEST(a_file_with_a_nul_is_refused)
{
    char path[96];
    make_dir();
    snprintf(path, sizeof path, "%s/binnacle.conf", dir);
    CHECK(bn_file_write(path, (struct bn_str){"log_level = info\n\0x", 19}, &err));
    CHECK(!load(NULL, NULL));
    CHECK(strstr(err.text, "/binnacle.conf holds a NUL byte"));
    remove_dir();
}

BN_TEST(who_does_not_want_to_know_why_is_not_told)
{
    char *wrong[] = {word("--nonsense")};
    make_dir();
    CHECK(!bn_config_load(1, wrong, NULL, &config, NULL));
    write_file("nonsense = 1\n");
    char *there[] = {word("--data"), dir};
    CHECK(!bn_config_load(2, there, NULL, &config, NULL));
    char *missing[] = {word("--config=/nowhere/at/all.conf")};
    CHECK(!bn_config_load(1, missing, NULL, &config, NULL));
    remove_dir();
}

BN_TEST(a_named_file_must_exist_and_may_stand_anywhere)
{
    make_dir();
    char path[96];
    snprintf(path, sizeof path, "%s/other.conf", dir);
    const char *flags[] = {"--config", path, NULL};
    CHECK(!load(NULL, flags));
    CHECK(strstr(err.text, "cannot open"));
    CHECK(bn_file_write(path, BN_STR("max_listeners = 7\n"), &err));
    CHECK(load(NULL, flags));
    CHECK_INT(config.max_listeners, 7);
    CHECK_STR(config.config, path);
    CHECK(bn_file_remove(path, &err));
    remove_dir();
}

BN_TEST(nothing_is_written_on_failure)
{
    make_dir();
    CHECK(load(NULL, NULL));
    const struct bn_config before = config;
    CHECK(!load_file("max_listeners = 5\nlisten = wrong\n"));
    CHECK_MEM(&before, &config, sizeof before);
    remove_dir();
}

BN_TEST(reloading_takes_what_may_change_and_names_the_rest)
{
    make_dir();
    CHECK(load(NULL, NULL));
    struct bn_config running = config;
    char *args[] = {word("--data"), dir}; /* those of load() are gone */
    running.argc = 2;
    running.argv = args;
    running.env = NULL;
    write_file("log_level = debug\nlog_format = json\nlisten = 127.0.0.1:1\nallow_host = box\n"
               "ui_dir = /x\noperations = off\n");
    BN_BUF_AUTO kept;
    bn_buf_init(&kept, 1000);
    CHECK(bn_config_reload(&running, &kept, &err));
    bn_buf_putc(&kept, 0);
    CHECK_STR(kept.p, "listen, ui_dir");
    CHECK(strstr(running.config, "/binnacle.conf")); /* it was not there at the start */
    CHECK_INT(running.log_level, BN_DEBUG);
    CHECK_INT(running.log_format, BN_LOG_JSON);
    CHECK_INT(running.operations, 0);
    CHECK_STR(running.allow_host.items[0], "box");
    CHECK_STR(running.listen, "127.0.0.1:8470");
    const struct bn_config before = running;
    write_file("log_level = loud\n");
    CHECK(!bn_config_reload(&running, &kept, &err));
    CHECK_MEM(&running, &before, sizeof before);
    remove_dir();
}

BN_TEST(values_read_back_as_they_are_written)
{
    make_dir();
    const char *flags[] = {"--allow-host=b,a", "--trusted-proxies=10.0.0.0/8,::1",
            "--db-max-bytes=1G", NULL};
    CHECK(load(NULL, flags));
    BN_BUF_AUTO out;
    bn_buf_init(&out, 20000);
    for (size_t i = 0; i < bn_setting_count; i++) {
        if (bn_settings[i].flags & BN_SET_OUTSIDE)
            continue;
        bn_buf_printf(&out, "%s = ", bn_settings[i].name);
        bn_config_put_value(&config, i, &out);
        bn_buf_putc(&out, '\n');
    }
    bn_buf_putc(&out, 0);
    const struct bn_config before = config;
    CHECK(load_file(out.p));
    CHECK_STR(config.allow_host.items[0], before.allow_host.items[0]);
    CHECK_MEM(&config.trusted_proxies, &before.trusted_proxies, sizeof before.trusted_proxies);
    CHECK_INT(config.db_max_bytes, before.db_max_bytes);
    CHECK_STR(config.listen, before.listen);
    remove_dir();
}

BN_TEST(the_written_documentation_is_the_table)
{
    static char text[64 << 10];
    size_t len = 0;
    CHECK(bn_file_read(BN_TESTS_DIR "/../docs/config.md", text, sizeof text, &len, &err));
    BN_BUF_AUTO out;
    bn_buf_init(&out, sizeof text);
    bn_config_put_doc(&out);
    CHECK(bn_buf_ok(&out));
    if (len != out.len || memcmp(text, out.p, len) != 0)
        fail_msg("docs/config.md is old: binnacle config doc > docs/config.md");
}

BN_TEST_MAIN()
