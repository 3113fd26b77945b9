#include <ctype.h>

#include "app/config.h"
#include "app/config_value.h"

static const char *const type_words[] = {
        [BN_SET_TEXT] = "text",
        [BN_SET_LISTEN] = "HOST:PORT",
        [BN_SET_BASE_PATH] = "path",
        [BN_SET_URL] = "URL",
        [BN_SET_NETS] = "list of networks",
        [BN_SET_NAMES] = "list of names",
        [BN_SET_ORIGINS] = "list of origins",
        [BN_SET_COUNT] = "number",
        [BN_SET_BYTES] = "bytes, or with K, M, G",
        [BN_SET_DURATION] = "time with ms, s, m, h or d",
        [BN_SET_LEVEL] = "level",
        [BN_SET_FORMAT] = "format",
        [BN_SET_SWITCH] = "on or off",
};

static void put_spelled(struct bn_buf *out, const struct bn_setting *setting, bool is_flag)
{
    bn_buf_puts(out, is_flag ? "`--" : "`BINNACLE_");
    for (const char *p = setting->name; *p; p++)
        bn_buf_putc(out, is_flag ? (*p == '_' ? '-' : *p) : (char)toupper((unsigned char)*p));
    bn_buf_putc(out, '`');
}

static void put_setting(struct bn_buf *out, const struct bn_setting *setting)
{
    char unit;
    const long long max = bn_setting_max(setting, &unit);
    bn_buf_printf(out, "\n## %s\n\n%s\n\n", setting->name, setting->doc);
    put_spelled(out, setting, true);
    bn_buf_puts(out, " · ");
    put_spelled(out, setting, false);
    bn_buf_printf(out, " · %s", type_words[setting->type]);
    if (setting->type == BN_SET_NETS || setting->type == BN_SET_NAMES ||
            setting->type == BN_SET_ORIGINS)
        bn_buf_printf(out, ", at most %d, comma-separated or repeated", BN_CONFIG_LIST_MAX);
    if (setting->type == BN_SET_COUNT)
        bn_buf_printf(out, ", %lld to %lld", (long long)setting->min, (long long)setting->max);
    if (setting->type == BN_SET_BYTES)
        bn_buf_printf(out, ", %lldM to %lldG", (long long)(setting->min >> 20),
                (long long)(setting->max >> 30));
    if (setting->type == BN_SET_DURATION)
        bn_buf_printf(out, ", %llds to %lld%c%s", (long long)(setting->min / 1000), max, unit,
                setting->flags & BN_SET_OR_ZERO ? ", or 0 for no limit" : "");
    if (setting->absent[0])
        bn_buf_printf(out, " · default `%s`", setting->absent);
    else
        bn_buf_puts(out, " · default: none");
    if (setting->flags & BN_SET_RELOAD)
        bn_buf_puts(out, " · taken anew at SIGHUP");
    if (setting->flags & BN_SET_OUTSIDE)
        bn_buf_puts(out, " · not in the file");
    bn_buf_putc(out, '\n');
}

void bn_config_put_doc(struct bn_buf *out)
{
    bn_buf_puts(out,
            "# Settings\n\n"
            "Made by `binnacle config doc` from the table in src/app/config.c.\n\n"
            "Each setting can stand in the settings file as `name = value`, in the environment, or "
            "among the flags of `binnacle serve`; a flag wins over the environment, which wins over "
            "the file. The file is `--config FILE`, or `binnacle.conf` in the data folder when "
            "there is one; lines that begin with `#` are comments. `binnacle config check` says "
            "whether all is well and what each setting is.\n");
    for (size_t i = 0; i < bn_setting_count; i++)
        put_setting(out, &bn_settings[i]);
}
