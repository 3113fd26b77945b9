/*
 * target: a machine on which operations run over SSH: where it stands, how to log in, whom to trust
 * there, and what a restart means on it.
 */
#pragma once

#include "model/field.h"

#define BN_TARGET_KEY_PARTS_MAX 3 /* of a private key: 4 KiB of text, sealed, in pieces */

/* How commands are given to it. */
enum bn_platform {
    BN_PLATFORM_SYSTEMD, /* units by systemctl */
    BN_PLATFORM_VOS,     /* Cisco Voice OS: a dialogue after the prompt "admin:" */
    BN_PLATFORM_CUSTOM,  /* a command of an administrator's choice */
};

enum bn_target_auth { BN_AUTH_PASSWORD, BN_AUTH_KEY };

struct bn_target {
    char id[BN_ID_MAX];
    char name[101];
    char host[254];
    int64_t port;
    char username[64];
    int64_t auth_kind;   /* enum bn_target_auth */
    char password[320];  /* sealed: of the account */
    int64_t key_parts;   /* how many TARGET_KEY records hold its key; 0: none */
    char public_key[96]; /* "ssh-ed25519 SHA256:…", or what else may be shown of the key */
    char host_key[64];   /* "SHA256:…": the only one it may show; "": nobody has confirmed any */
    char host_key_type[32];
    char seen_host_key[64]; /* the one it showed instead; nothing was said to it */
    char seen_host_key_type[32];
    int64_t seen_at;
    char jump_id[BN_ID_MAX]; /* another target, through which it is reached; "": directly */
    int64_t platform;        /* enum bn_platform */
    int64_t sudo;            /* systemd: commands that change something run by sudo */
    int64_t allows_commands; /* administrators may run what they write: operations `command` */
    char service[128];       /* what "Restart" restarts when nothing else is said */
    char custom_command[512];
    char custom_success[128]; /* a text whose coming means that it went well */
    char custom_failure[128];
    char custom_prompt[64]; /* not "": the command is typed after it, instead of being executed */
    int64_t is_active;      /* operations may be started on it */
    char tags[128];
    char site[64];
    char notes[256];
    int64_t is_demo;
    char created_by[64];
    int64_t created_at;
    int64_t updated_at;
};

/* A piece of a private key, sealed as a whole: larger than a record should be. */
struct bn_target_key {
    char id[BN_ID_MAX]; /* TARGET/NUMBER, from 0 */
    char text[2304];
};

extern const struct bn_record_type bn_target_type;
extern const struct bn_record_type bn_target_key_type;

/* What binds a sealed secret to its target: which is "password" or "key". */
#define BN_TARGET_AAD_SIZE 200
void bn_target_aad(const char *tenant, const char *target_id, const char *which,
        char out[BN_TARGET_AAD_SIZE]);
/* "TARGET/0". */
void bn_target_key_id(const char *target_id, int64_t part, char out[BN_ID_MAX]);

/* Names of accounts and services reach a shell or a dialogue: whole-string allow-lists (SECURITY
   T27), the sentence under the name of field. A service may be "" (none is named). */
BN_MUST_CHECK bool bn_target_user_check(const char *name, const char *field, struct bn_err *err);
BN_MUST_CHECK bool bn_service_name_check(const char *name, const char *field, struct bn_err *err);
/* The same of a Voice OS, whose services have several words: "Cisco Tomcat". */
BN_MUST_CHECK bool bn_vos_service_check(const char *name, const char *field, struct bn_err *err);
const char *bn_platform_word(int64_t platform);
