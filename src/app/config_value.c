#include "app/config_value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The member of config a setting fills; the table gives its place. */
static void *member(const struct bn_setting *setting, struct bn_config *config)
{
    return (char *)config + setting->offset;
}

static const void *const_member(const struct bn_setting *setting, const struct bn_config *config)
{
    return (const char *)config + setting->offset;
}

bool bn_setting_is_list(const struct bn_setting *setting)
{
    return setting->type == BN_SET_NETS || setting->type == BN_SET_NAMES ||
           setting->type == BN_SET_ORIGINS;
}

void bn_setting_clear(const struct bn_setting *setting, struct bn_config *config)
{
    memset(member(setting, config), 0, setting->size);
    if (setting->type == BN_SET_LISTEN) {
        config->listen_host[0] = 0;
        config->listen_port = 0;
    }
}

static bool copy(char *out, size_t size, struct bn_str text, struct bn_err *err)
{
    if (!bn_utf8_is_valid(text.p, text.len))
        return bn_fail(err, BN_E_INVALID, "the value is not valid UTF-8");
    if (!bn_text_copy(out, size, text))
        return bn_fail(err, BN_E_INVALID, "must be at most %zu bytes, got %zu", size - 1, text.len);
    return true;
}

/* A host name as DNS has them, or the like: letters, digits, '-', '_' and dots between them. */
static bool is_host_name(struct bn_str name)
{
    if (!name.len || name.p[0] == '.' || name.p[name.len - 1] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.p[i];
        if (!isalnum((unsigned char)c) && c != '-' && c != '_' && c != '.')
            return false;
        if (c == '.' && name.p[i + 1] == '.')
            return false;
    }
    return true;
}

static bool set_listen(struct bn_config *config, struct bn_str text, struct bn_err *err)
{
    size_t colon = text.len;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    const struct bn_str port = {text.p + colon, text.len - colon};
    struct bn_str host = {text.p, colon ? colon - 1 : 0};
    int64_t number = 0;
    if (!host.len || !bn_parse_i64(port, 0, 65535, &number))
        return bn_fail(err, BN_E_INVALID,
                "must be HOST:PORT with a port of 0..65535, like 127.0.0.1:8470, got \"%.*s\"",
                BN_ARG(text));
    const bool is_bracketed = host.p[0] == '[' && host.p[host.len - 1] == ']';
    struct bn_addr addr;
    const bool is_literal = bn_addr_parse(host, &addr);
    if (is_literal && !bn_addr_is_v4(&addr) && !is_bracketed)
        return bn_fail(err, BN_E_INVALID, "an IPv6 address goes in brackets: [%.*s]:%.*s",
                BN_ARG(host), BN_ARG(port));
    if (is_literal && is_bracketed)
        host = (struct bn_str){host.p + 1, host.len - 2};
    if (!is_literal && !is_host_name(host))
        return bn_fail(err, BN_E_INVALID, "\"%.*s\" is neither an address nor a host name",
                BN_ARG(host));
    struct bn_config fresh = *config;
    if (!copy(fresh.listen, sizeof fresh.listen, text, err) ||
            !copy(fresh.listen_host, sizeof fresh.listen_host, host, err))
        return false;
    fresh.listen_port = number;
    *config = fresh;
    return true;
}

static bool set_base_path(char *out, size_t size, struct bn_str text, struct bn_err *err)
{
    while (text.len && text.p[text.len - 1] == '/')
        text.len--;
    bool is_good = !text.len || text.p[0] == '/';
    for (size_t i = 0; i < text.len && is_good; i++) {
        const char c = text.p[i];
        const bool is_segment_start = i > 0 && text.p[i - 1] == '/';
        is_good = isalnum((unsigned char)c) || c == '-' || c == '_' || c == '~' || c == '/' ||
                  c == '.';
        if (is_segment_start && (c == '/' || c == '.'))
            is_good = false;
    }
    if (!is_good)
        return bn_fail(err, BN_E_INVALID,
                "must begin with '/' and hold letters, digits and -_~. only, like /binnacle, "
                "got \"%.*s\"",
                BN_ARG(text));
    return copy(out, size, text, err);
}

static bool set_url(char *out, size_t size, struct bn_str text, struct bn_err *err)
{
    struct bn_str rest = text;
    if (bn_str_starts(rest, "https://"))
        rest = (struct bn_str){rest.p + 8, rest.len - 8};
    else if (bn_str_starts(rest, "http://"))
        rest = (struct bn_str){rest.p + 7, rest.len - 7};
    else
        rest.len = 0;
    while (rest.len && rest.p[rest.len - 1] == '/') {
        rest.len--;
        text.len--;
    }
    bool is_good = rest.len > 0;
    for (size_t i = 0; i < rest.len && is_good; i++)
        is_good = isalnum((unsigned char)rest.p[i]) || strchr("-_.:[]", rest.p[i]) != NULL;
    if (!is_good)
        return bn_fail(err, BN_E_INVALID,
                "must be http://HOST or https://HOST[:PORT] without a path, got \"%.*s\"",
                BN_ARG(text));
    return copy(out, size, text, err);
}

static bool add_net(struct bn_net_list *list, struct bn_str text, struct bn_err *err)
{
    if (list->count == BN_CONFIG_LIST_MAX)
        return bn_fail(err, BN_E_INVALID, "at most %d networks are taken", BN_CONFIG_LIST_MAX);
    if (!bn_net_parse(text, &list->items[list->count], err))
        return false;
    list->count++;
    return true;
}

static bool add_name(struct bn_name_list *list, struct bn_str text, struct bn_err *err)
{
    if (list->count == BN_CONFIG_LIST_MAX)
        return bn_fail(err, BN_E_INVALID, "at most %d names are taken", BN_CONFIG_LIST_MAX);
    char *item = list->items[list->count];
    if (!is_host_name(text))
        return bn_fail(err, BN_E_INVALID,
                "must be a host name without scheme and port, like nas.lan, got \"%.*s\"",
                BN_ARG(text));
    if (!copy(item, sizeof list->items[0], text, err))
        return false;
    for (char *p = item; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    list->count++;
    return true;
}

static bool add_origin(struct bn_name_list *list, struct bn_str text, struct bn_err *err)
{
    if (list->count == BN_CONFIG_LIST_MAX)
        return bn_fail(err, BN_E_INVALID, "at most %d origins are taken", BN_CONFIG_LIST_MAX);
    char *item = list->items[list->count];
    if (!set_url(item, sizeof list->items[0], text, err))
        return false;
    for (char *p = item; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    list->count++;
    return true;
}

static bool add_item(const struct bn_setting *setting, void *list, struct bn_str text,
        struct bn_err *err)
{
    if (setting->type == BN_SET_NETS)
        return add_net(list, text, err);
    return setting->type == BN_SET_ORIGINS ? add_origin(list, text, err)
                                           : add_name(list, text, err);
}

/* "a, b" is two entries; an entry of nothing is a slip and refused. */
static bool add_list(const struct bn_setting *setting, void *list, struct bn_str text,
        struct bn_err *err)
{
    struct bn_str rest = text;
    while (rest.p) {
        const struct bn_str piece = bn_str_trim(bn_str_cut(&rest, ','));
        if (!piece.len && text.len)
            return bn_fail(err, BN_E_INVALID, "an entry of \"%.*s\" is empty", BN_ARG(text));
        if (!piece.len)
            break;
        if (!add_item(setting, list, piece, err))
            return false;
    }
    return true;
}

int64_t bn_setting_max(const struct bn_setting *setting, char *out_unit)
{
    const bool is_hours = setting->max >= 3600000;
    *out_unit = is_hours ? 'h' : 'm';
    return setting->max / (is_hours ? 3600000 : 60000);
}

static bool set_number(const struct bn_setting *setting, int64_t *out, struct bn_str text,
        struct bn_err *err)
{
    int64_t value = 0;
    char unit;
    if (setting->type == BN_SET_COUNT && bn_parse_i64(text, setting->min, setting->max, &value)) {
        *out = value;
        return true;
    }
    if (setting->type == BN_SET_BYTES && bn_parse_size(text, &value) && value >= setting->min &&
            value <= setting->max) {
        *out = value;
        return true;
    }
    if ((setting->flags & BN_SET_OR_ZERO) && bn_str_is(text, "0")) {
        *out = 0;
        return true;
    }
    if (setting->type == BN_SET_DURATION && bn_parse_duration_ms(text, &value) &&
            value >= setting->min && value <= setting->max) {
        *out = value;
        return true;
    }
    const long long max = bn_setting_max(setting, &unit);
    if (setting->type == BN_SET_DURATION)
        return bn_fail(err, BN_E_INVALID,
                "must be %llds..%lld%c%s, with a unit: ms, s, m, h or d, got \"%.*s\"",
                (long long)(setting->min / 1000), max, unit,
                setting->flags & BN_SET_OR_ZERO ? " or 0" : "", BN_ARG(text));
    if (setting->type == BN_SET_BYTES)
        return bn_fail(err, BN_E_INVALID,
                "must be %lldM..%lldG, as bytes or with K, M or G, got \"%.*s\"",
                (long long)(setting->min >> 20), (long long)(setting->max >> 30), BN_ARG(text));
    return bn_fail(err, BN_E_INVALID, "must be %lld..%lld, got \"%.*s\"", (long long)setting->min,
            (long long)setting->max, BN_ARG(text));
}

static bool set_level(int64_t *out, struct bn_str text, struct bn_err *err)
{
    for (int level = BN_DEBUG; level <= BN_ERROR; level++) {
        if (bn_str_is(text, bn_level_word((enum bn_level)level))) {
            *out = level;
            return true;
        }
    }
    return bn_fail(err, BN_E_INVALID, "must be debug, info, warn or error, got \"%.*s\"",
            BN_ARG(text));
}

static const char *format_word(int64_t format)
{
    return format == BN_LOG_JSON ? "json" : "text";
}

static bool set_format(int64_t *out, struct bn_str text, struct bn_err *err)
{
    for (int64_t format = BN_LOG_TEXT; format <= BN_LOG_JSON; format++) {
        if (bn_str_is(text, format_word(format))) {
            *out = format;
            return true;
        }
    }
    return bn_fail(err, BN_E_INVALID, "must be text or json, got \"%.*s\"", BN_ARG(text));
}

static bool set_switch(int64_t *out, struct bn_str text, struct bn_err *err)
{
    if (!bn_str_is(text, "on") && !bn_str_is(text, "off"))
        return bn_fail(err, BN_E_INVALID, "must be on or off, got \"%.*s\"", BN_ARG(text));
    *out = bn_str_is(text, "on");
    return true;
}

bool bn_setting_set(const struct bn_setting *setting, struct bn_config *config, struct bn_str text,
        struct bn_err *err)
{
    void *at = member(setting, config);
    switch ((enum bn_setting_type)setting->type) {
    case BN_SET_LISTEN: return set_listen(config, text, err);
    case BN_SET_BASE_PATH: return set_base_path(at, setting->size, text, err);
    case BN_SET_URL: return !text.len || set_url(at, setting->size, text, err);
    case BN_SET_NETS:
    case BN_SET_ORIGINS:
    case BN_SET_NAMES: return add_list(setting, at, text, err);
    case BN_SET_COUNT:
    case BN_SET_DURATION:
    case BN_SET_BYTES: return set_number(setting, at, text, err);
    case BN_SET_LEVEL: return set_level(at, text, err);
    case BN_SET_FORMAT: return set_format(at, text, err);
    case BN_SET_SWITCH: return set_switch(at, text, err);
    case BN_SET_TEXT: break;
    }
    return copy(at, setting->size, text, err);
}

static void put_list(const struct bn_setting *setting, const void *at, struct bn_buf *out)
{
    if (setting->type != BN_SET_NETS) {
        const struct bn_name_list *names = at;
        for (size_t i = 0; i < names->count; i++)
            bn_buf_printf(out, "%s%s", i ? ", " : "", names->items[i]);
        return;
    }
    const struct bn_net_list *nets = at;
    for (size_t i = 0; i < nets->count; i++) {
        char text[BN_ADDR_TEXT_SIZE + 4];
        bn_net_text(&nets->items[i], text);
        bn_buf_printf(out, "%s%s", i ? ", " : "", text);
    }
}

static void put_duration(int64_t ms, struct bn_buf *out)
{
    bn_buf_put_i64(out, ms % 1000 ? ms : ms / 1000);
    bn_buf_puts(out, ms % 1000 ? "ms" : "s");
}

void bn_setting_put(const struct bn_setting *setting, const struct bn_config *config,
        struct bn_buf *out)
{
    const void *at = const_member(setting, config);
    switch ((enum bn_setting_type)setting->type) {
    case BN_SET_NETS:
    case BN_SET_ORIGINS:
    case BN_SET_NAMES: put_list(setting, at, out); return;
    case BN_SET_COUNT:
    case BN_SET_BYTES: bn_buf_put_i64(out, *(const int64_t *)at); return;
    case BN_SET_DURATION:
        if (*(const int64_t *)at == 0) /* no limit, which has no unit */
            bn_buf_puts(out, "0");
        else
            put_duration(*(const int64_t *)at, out);
        return;
    case BN_SET_LEVEL:
        bn_buf_puts(out, bn_level_word((enum bn_level) * (const int64_t *)at));
        return;
    case BN_SET_FORMAT: bn_buf_puts(out, format_word(*(const int64_t *)at)); return;
    case BN_SET_SWITCH: bn_buf_puts(out, *(const int64_t *)at ? "on" : "off"); return;
    case BN_SET_TEXT:
    case BN_SET_LISTEN:
    case BN_SET_BASE_PATH:
    case BN_SET_URL: break;
    }
    bn_buf_puts(out, at);
}
