/*
 * config: one table of settings; file, environment, flags and docs/config.md follow from it.
 *
 * What is given later wins: default, file, BINNACLE_* variable, flag. The file is --config FILE, or
 * binnacle.conf in the data folder when there is one: "name = value" per line, '#' for comments.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/log.h"

#define BN_CONFIG_LIST_MAX 32
#define BN_CONFIG_FILE_MAX (64 << 10) /* bytes */

struct bn_net_list {
    size_t count;
    struct bn_net items[BN_CONFIG_LIST_MAX];
};

struct bn_name_list {
    size_t count;
    char items[BN_CONFIG_LIST_MAX][128]; /* lower case */
};

/* Where a value came from, weakest first. */
enum bn_config_from { BN_FROM_DEFAULT, BN_FROM_FILE, BN_FROM_ENV, BN_FROM_FLAG };

#define BN_SETTINGS_MAX 32

/* Filled once, passed const; a value. */
struct bn_config {
    char listen[160];      /* as given: "127.0.0.1:8470", "[::1]:8470" */
    char listen_host[128]; /* of it, without brackets */
    int64_t listen_port;   /* of it; 0: any free one */
    char data[256];        /* the data folder, no '/' at the end */
    char config[256];      /* the file that was read, or "" */
    char base_path[128];   /* "" or "/x", no '/' at the end */
    char public_url[256];  /* "" or "https://host[:port]", without base_path */
    char tls_cert[256];
    char tls_key[256];
    char ui_dir[256];
    struct bn_name_list
            allow_host; /* names the Host header may carry besides literals and localhost */
    struct bn_name_list allow_origin;   /* pages that may connect to /socket.io/ */
    struct bn_net_list trusted_proxies; /* peers whose X-Forwarded-* is believed */
    struct bn_net_list allow_target;    /* opened although the default policy refuses them */
    char key_file[256];                 /* the master key, or "": beside the data folder */
    int64_t max_servers;                /* per tenant */
    char demo[256];                     /* where a demo fleet says what it has, or "" */
    int64_t check_interval;             /* milliseconds */
    int64_t offline_alert;              /* milliseconds */
    int64_t max_listeners;
    int64_t console_idle;    /* milliseconds; 0: never */
    int64_t console_longest; /* milliseconds; 0: for ever */
    int64_t db_max_bytes;
    int64_t operations;            /* 1: things may be begun on targets over SSH */
    int64_t log_level;             /* enum bn_level */
    int64_t log_format;            /* enum bn_log_format */
    uint8_t from[BN_SETTINGS_MAX]; /* enum bn_config_from, per row of bn_settings */
    /* What it was read from, for reading it again at SIGHUP; the caller's. */
    int argc;
    char **argv;
    char *const *env;
};

enum bn_setting_type {
    BN_SET_TEXT,
    BN_SET_LISTEN,
    BN_SET_BASE_PATH,
    BN_SET_URL,
    BN_SET_NETS,
    BN_SET_NAMES,
    BN_SET_ORIGINS,
    BN_SET_COUNT,
    BN_SET_BYTES,
    BN_SET_DURATION,
    BN_SET_LEVEL,
    BN_SET_FORMAT,
    BN_SET_SWITCH,
};

enum {
    BN_SET_RELOAD = 1,  /* SIGHUP takes the new value */
    BN_SET_OUTSIDE = 2, /* says where the file is, so it cannot stand in it */
    BN_SET_OR_ZERO = 4, /* of a duration: or 0, which is no limit */
};

struct bn_setting {
    const char *name; /* "base_path"; --base-path, BINNACLE_BASE_PATH */
    uint8_t type;
    uint8_t flags;
    uint16_t offset;
    uint16_t size;
    const char *absent; /* default, as text */
    int64_t min;        /* COUNT, BYTES, DURATION in milliseconds */
    int64_t max;
    const char *doc; /* one sentence */
};

extern const struct bn_setting bn_settings[];
extern const size_t bn_setting_count;

/* args: only settings ("--listen" "127.0.0.1:0", or "--listen=127.0.0.1:0"). env: NULL-terminated
   "NAME=value". err says where: "binnacle.conf line 3: max_listeners must be …"; err->field begins
   with
   "--" when a flag was at fault. */
BN_MUST_CHECK bool bn_config_load(int argc, char **argv, char *const *env, struct bn_config *out,
        struct bn_err *err);

/* Reads everything again and takes the settings SIGHUP may change; the others stay. Names of
   others that differ are put into out_kept, comma-separated, "" for none: they need a restart.
   False: nothing was changed. */
BN_MUST_CHECK bool bn_config_reload(struct bn_config *config, struct bn_buf *out_kept,
        struct bn_err *err);

/* The value of setting i as one would write it in the file; "" for an empty one. */
void bn_config_put_value(const struct bn_config *config, size_t i, struct bn_buf *out);
const char *bn_config_from_word(uint8_t from); /* "default", "file", "environment", "flag" */

/* docs/config.md. */
void bn_config_put_doc(struct bn_buf *out);
