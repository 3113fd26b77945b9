#include "app/config.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "app/config_value.h"
#include "model/limits.h"

#define BN_STRINGIFY_(x) #x
#define BN_STRINGIFY(x)  BN_STRINGIFY_(x)

#define ROW(member_, type_, absent_, ...)                                                  \
    {                                                                                      \
        .name = #member_, .type = (type_), .offset = offsetof(struct bn_config, member_),  \
        .size = sizeof(((struct bn_config *)0)->member_), .absent = (absent_), __VA_ARGS__ \
    }

const struct bn_setting bn_settings[] = {
        ROW(data, BN_SET_TEXT, "data", .flags = BN_SET_OUTSIDE,
                .doc = "The data folder; made when missing. Database, set-up code and binnacle.conf "
                       "stand in it."),
        ROW(config, BN_SET_TEXT, "", .flags = BN_SET_OUTSIDE,
                .doc = "The settings file; else binnacle.conf in the data folder, when there is one."),
        ROW(listen, BN_SET_LISTEN, "127.0.0.1:8470",
                .doc = "HOST:PORT to listen on; port 0 takes any free one and says which."),
        ROW(base_path, BN_SET_BASE_PATH, "",
                .doc = "Path before every URL, when a proxy gives Binnacle only a part of a site."),
        ROW(public_url, BN_SET_URL, "", .flags = BN_SET_RELOAD,
                .doc = "How browsers reach this server when a proxy stands before it, without "
                       "base_path; its name passes the Host check and printed links use it."),
        ROW(allow_host, BN_SET_NAMES, "", .flags = BN_SET_RELOAD,
                .doc = "More names the Host header may carry. IP addresses and localhost always "
                       "may; any other name is answered 421."),
        ROW(allow_origin, BN_SET_ORIGINS, "", .flags = BN_SET_RELOAD,
                .doc = "Pages of other sites that may connect to /socket.io/ with a token, by "
                       "their origin, like https://wall.lan:3000. Pages of this server always "
                       "may."),
        ROW(trusted_proxies, BN_SET_NETS, "", .flags = BN_SET_RELOAD,
                .doc = "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; from "
                       "anybody else they are ignored."),
        ROW(tls_cert, BN_SET_TEXT, "", .flags = BN_SET_RELOAD,
                .doc = "PEM file with the certificate chain; with tls_key, HTTPS is served instead "
                       "of HTTP."),
        ROW(tls_key, BN_SET_TEXT, "", .flags = BN_SET_RELOAD,
                .doc = "PEM file with the private key."),
        ROW(ui_dir, BN_SET_TEXT, "",
                .doc = "Serve the page from this folder instead of from the binary (development)."),
        ROW(allow_target, BN_SET_NETS, "",
                .doc = "Target networks opened although the default policy refuses them: loopback, "
                       "link-local and metadata addresses."),
        ROW(key_file, BN_SET_TEXT, "",
                .doc = "File with the master key of stored secrets, 32 bytes, made when missing; "
                       "not in the data folder. systemd's credential master.key comes first; else "
                       "it is the data folder's name with .key."),
        ROW(max_servers, BN_SET_COUNT, BN_STRINGIFY(BN_SERVERS_MAX_DEFAULT), .min = 1,
                .max = BN_SERVERS_MAX,
                .doc = "Proxmox VE servers of one tenant; the next one is refused with 409."),
        ROW(demo, BN_SET_TEXT, "",
                .doc = "File in which a lab (lab/main.mjs --port-file) says where the servers of a "
                       "demo fleet are; with it the page can load them. ./run demo sets it."),
        ROW(check_interval, BN_SET_DURATION, "120s", .min = 5000, .max = 86400000,
                .doc = "How often a server that answers is checked; after failures it is asked "
                       "again sooner."),
        ROW(offline_alert, BN_SET_DURATION, "60s", .min = BN_OFFLINE_ALERT_MIN_MS,
                .max = BN_OFFLINE_ALERT_MAX_MS,
                .doc = "How long a server is offline, without a break, before it alerts; for the "
                       "whole server now, and for each tenant once there are tenants."),
        ROW(max_listeners, BN_SET_COUNT, BN_STRINGIFY(BN_LISTENERS_DEFAULT), .min = 1,
                .max = 1000000, .flags = BN_SET_RELOAD,
                .doc = "Live connections at once; the next one is answered 503. Administrators "
                       "have a few more."),
        ROW(console_idle, BN_SET_DURATION, "30m", .min = BN_CONSOLE_IDLE_MIN_MS,
                .max = BN_CONSOLE_IDLE_MAX_MS, .flags = BN_SET_RELOAD | BN_SET_OR_ZERO,
                .doc = "A console into which nothing is typed for so long is closed; 0: it may "
                       "stay open."),
        ROW(console_longest, BN_SET_DURATION, "8h", .min = BN_CONSOLE_LONGEST_MIN_MS,
                .max = BN_CONSOLE_LONGEST_MAX_MS, .flags = BN_SET_RELOAD | BN_SET_OR_ZERO,
                .doc = "A console is closed after so long whatever is typed; 0: never. The end of "
                       "the login, 7 days after it, ends its consoles always."),
        ROW(operations, BN_SET_SWITCH, "on", .flags = BN_SET_RELOAD,
                .doc = "off: nothing is begun on targets over SSH, no operation, no batch and no "
                       "shell. What is under way is followed to its end, and the history stays."),
        ROW(db_max_bytes, BN_SET_BYTES, "1G", .min = 32 << 20, .max = 1LL << 40,
                .doc = "The oldest history goes when the database would grow beyond this."),
        ROW(log_level, BN_SET_LEVEL, "info", .flags = BN_SET_RELOAD,
                .doc = "debug, info, warn or error: less important lines are not written."),
        ROW(log_format, BN_SET_FORMAT, "text", .flags = BN_SET_RELOAD,
                .doc = "text for people, key=value; json for programs that collect logs: each line "
                       "one object."),
};

const size_t bn_setting_count = COUNT(bn_settings);
_Static_assert(COUNT(bn_settings) <= BN_SETTINGS_MAX, "bn_config.from is too short");

static const struct bn_setting *find(struct bn_str name, char between)
{
    for (size_t i = 0; i < bn_setting_count; i++) {
        const char *want = bn_settings[i].name;
        size_t n = 0;
        while (n < name.len && want[n] &&
                (name.p[n] == want[n] || (want[n] == '_' && name.p[n] == between)))
            n++;
        if (n == name.len && !want[n])
            return &bn_settings[i];
    }
    return NULL;
}

/* A stronger source replaces what a weaker one said; within one source lists grow and scalars may
   be said once. */
static bool give(struct bn_config *config, const struct bn_setting *setting, uint8_t from,
        struct bn_str text, struct bn_err *err)
{
    uint8_t *said = &config->from[setting - bn_settings];
    if (*said == from && from != BN_FROM_DEFAULT && !bn_setting_is_list(setting))
        return bn_fail(err, BN_E_INVALID, "is given twice");
    if (*said != from)
        bn_setting_clear(setting, config);
    *said = from;
    return bn_setting_set(setting, config, text, err);
}

static bool give_defaults(struct bn_config *config, struct bn_err *err)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < bn_setting_count; i++) {
        if (!give(config, &bn_settings[i], BN_FROM_DEFAULT, bn_str(bn_settings[i].absent), err))
            return bn_fail_in(err, "default of %s", bn_settings[i].name);
    }
    return true;
}

static bool give_env(struct bn_config *config, char *const *env, struct bn_err *err)
{
    for (size_t i = 0; i < bn_setting_count; i++) {
        char name[64] = "BINNACLE_";
        size_t len = strlen(name);
        for (const char *p = bn_settings[i].name; *p && len + 1 < sizeof name; p++)
            name[len++] = (char)toupper((unsigned char)*p);
        for (char *const *item = env; item && *item; item++) {
            if (strncmp(*item, name, len) != 0 || (*item)[len] != '=')
                continue;
            if (!give(config, &bn_settings[i], BN_FROM_ENV, bn_str(*item + len + 1), err))
                return bn_fail_in(err, "%.*s", (int)len, name);
            break;
        }
    }
    return true;
}

static bool fail_flag(struct bn_err *err, struct bn_str flag)
{
    if (!err)
        return false;
    bn_text_clip(err->field, sizeof err->field, flag);
    return bn_fail_in(err, "%.*s", BN_ARG(flag));
}

static bool give_flags(struct bn_config *config, int argc, char **argv, struct bn_err *err)
{
    for (int i = 0; i < argc; i++) {
        struct bn_str rest = bn_str(argv[i]);
        const struct bn_str flag = bn_str_cut(&rest, '=');
        if (!bn_str_starts(flag, "--")) {
            bn_fail(err, BN_E_INVALID, "is not a flag");
            return fail_flag(err, flag.len ? flag : BN_STR("--"));
        }
        const struct bn_setting *setting = find((struct bn_str){flag.p + 2, flag.len - 2}, '-');
        if (!setting) {
            bn_fail(err, BN_E_INVALID, "no such flag; `binnacle help` lists them");
            return fail_flag(err, flag);
        }
        if (!rest.p && i + 1 == argc) {
            bn_fail(err, BN_E_INVALID, "needs a value after it");
            return fail_flag(err, flag);
        }
        if (!give(config, setting, BN_FROM_FLAG, rest.p ? rest : bn_str(argv[++i]), err))
            return fail_flag(err, flag);
    }
    return true;
}

/* --- the file -------------------------------------------------------------------------------- */

#define LINE_MAX_BYTES 2000 /* a full list of networks; inih would cut longer lines in two */

struct reading {
    struct bn_config *config;
    const char *at; /* what is left of the text */
    int line;
    bool is_too_long;
    bool is_refused; /* err is written */
    struct bn_err *err;
};

static char *read_line(char *out, int size, void *stream)
{
    struct reading *reading = stream;
    if (!*reading->at || reading->is_too_long)
        return NULL;
    const size_t len = strcspn(reading->at, "\n");
    reading->line++;
    if (len > LINE_MAX_BYTES || (int)len + 2 > size) {
        reading->is_too_long = true;
        return NULL;
    }
    memcpy(out, reading->at, len);
    out[len] = '\n';
    out[len + 1] = 0;
    reading->at += len + (reading->at[len] == '\n');
    return out;
}

/* inih's contract: 0 is an error. */
static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    const struct bn_setting *setting = find(bn_str(name), '_');
    bool is_good = false;
    if (section[0])
        bn_fail(reading->err, BN_E_INVALID, "sections like [%s] are not used here", section);
    else if (!setting)
        bn_fail(reading->err, BN_E_INVALID, "there is no setting \"%s\"", name);
    else if (setting->flags & BN_SET_OUTSIDE)
        bn_fail(reading->err, BN_E_INVALID,
                "%s says where this file is: give it as a flag or variable", name);
    else if (give(reading->config, setting, BN_FROM_FILE, bn_str(value), reading->err))
        is_good = true;
    else
        bn_fail_in(reading->err, "%s", name);
    reading->is_refused = !is_good;
    return is_good;
}

static bool give_text(struct bn_config *config, const char *path, const char *text,
        struct bn_err *err)
{
    /* Settings of inih are process-wide; this is its only user. */
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    ini_use_stack = false;
    ini_max_line = LINE_MAX_BYTES + 3;
    ini_initial_alloc = LINE_MAX_BYTES + 3;
    struct reading reading = {.config = config, .at = text, .err = err};
    const int result = ini_parse_stream(read_line, &reading, take_line, &reading);
    if (reading.is_too_long)
        bn_fail(err, BN_E_INVALID, "a line may have at most %d bytes", LINE_MAX_BYTES);
    else if (result == 0)
        return true;
    else if (!reading.is_refused)
        bn_fail(err, BN_E_INVALID, "\"name = value\" is wanted");
    return bn_fail_in(err, "%s line %d", path, reading.line);
}

static bool give_file(struct bn_config *config, const char *path, bool must_exist,
        struct bn_err *err)
{
    char *text = bn_alloc(BN_CONFIG_FILE_MAX);
    size_t len = 0;
    struct bn_err why;
    bool is_good = false;
    if (bn_file_read(path, text, BN_CONFIG_FILE_MAX, &len, &why)) {
        is_good = strlen(text) == len ? give_text(config, path, text, err)
                                      : bn_fail(err, BN_E_INVALID, "%s holds a NUL byte", path);
    } else if (why.code == BN_E_NOT_FOUND && !must_exist) {
        config->config[0] = 0;
        is_good = true;
    } else if (err) {
        *err = why;
    }
    free(text);
    return is_good;
}

/* --- together -------------------------------------------------------------------------------- */

static bool check_together(struct bn_config *config, struct bn_err *err)
{
    size_t len = strlen(config->data);
    while (len > 1 && config->data[len - 1] == '/')
        config->data[--len] = 0;
    if (!len)
        return bn_fail(err, BN_E_INVALID, "data must name a folder");
    if (!config->tls_cert[0] != !config->tls_key[0])
        return bn_fail(err, BN_E_INVALID, "tls_cert and tls_key go together: %s is missing",
                config->tls_cert[0] ? "tls_key" : "tls_cert");
    return true;
}

bool bn_config_load(int argc, char **argv, char *const *env, struct bn_config *out,
        struct bn_err *err)
{
    /* Twice: flags and variables say where the file is, and they also win over it. */
    struct bn_config config;
    if (!give_defaults(&config, err) || !give_env(&config, env, err) ||
            !give_flags(&config, argc, argv, err) || !check_together(&config, err))
        return false;
    const bool is_named = config.config[0] != 0;
    char path[sizeof config.config + sizeof "/binnacle.conf"];
    snprintf(path, sizeof path, "%s%s", is_named ? config.config : config.data,
            is_named ? "" : "/binnacle.conf");
    if (!give_defaults(&config, err))
        return false;
    bn_text_clip(config.config, sizeof config.config, bn_str(path));
    if (!give_file(&config, path, is_named, err))
        return false;
    const bool was_read = config.config[0] != 0;
    if (!give_env(&config, env, err) || !give_flags(&config, argc, argv, err) ||
            !check_together(&config, err))
        return false;
    bn_text_clip(config.config, sizeof config.config, was_read ? bn_str(path) : bn_str(""));
    config.argc = argc;
    config.argv = argv;
    config.env = env;
    *out = config;
    return true;
}

bool bn_config_reload(struct bn_config *config, struct bn_buf *out_kept, struct bn_err *err)
{
    struct bn_config fresh;
    if (!bn_config_load(config->argc, config->argv, config->env, &fresh, err))
        return false;
    for (size_t i = 0; i < bn_setting_count; i++) {
        const struct bn_setting *setting = &bn_settings[i];
        void *at = (char *)config + setting->offset;
        const void *from = (const char *)&fresh + setting->offset;
        if (memcmp(at, from, setting->size) == 0)
            continue;
        /* Flags and variables stay as they are: the file has come or gone, which is no news. */
        if (setting->flags & (BN_SET_RELOAD | BN_SET_OUTSIDE)) {
            memcpy(at, from, setting->size);
            config->from[i] = fresh.from[i];
        } else {
            bn_buf_printf(out_kept, "%s%s", out_kept->len ? ", " : "", setting->name);
        }
    }
    return true;
}

void bn_config_put_value(const struct bn_config *config, size_t i, struct bn_buf *out)
{
    bn_setting_put(&bn_settings[i], config, out);
}

const char *bn_config_from_word(uint8_t from)
{
    static const char *const words[] = {"default", "file", "environment", "flag"};
    return words[from];
}
