/*
 * people: tenant, user, session, key, audit entry; who may come in and what they did.
 */
#pragma once

#include "base/secret.h"

#include "model/field.h"

#define BN_TENANT_DEFAULT "default"

/* What a user may do in a tenant; each includes those before it. */
enum bn_role { BN_ROLE_VIEWER, BN_ROLE_MANAGER, BN_ROLE_ADMIN };

/* What a route or topic asks for. */
enum bn_right {
    BN_RIGHT_NONE,    /* no login: health, login page, assets */
    BN_RIGHT_READ,    /* see */
    BN_RIGHT_OPERATE, /* act on things: managers */
    BN_RIGHT_ADMIN,   /* people, settings, secrets, diagnostics */
    BN_RIGHT_METRICS, /* /metrics: keys with that scope, or read */
    BN_RIGHT_GUESTS,  /* guests: all of them with READ, without it those that are assigned */
    BN_RIGHT_SELF,    /* a person's own password, sessions and keys: any cookie session */
};

/* What an assignment may allow. */
#define BN_GUEST_PERMISSIONS "view,console,start,stop,restart,console_view"

/* Scopes of a key, comma-separated in bn_key.scopes. */
#define BN_SCOPES "read,operate,admin,metrics,ingest,all"

struct bn_tenant {
    char id[BN_ID_MAX]; /* "default" from day one */
    char name[96];
    char host[128]; /* the name browsers used at set-up: it passes the Host check from then on */
    int64_t created_at;
};

struct bn_user {
    char id[BN_ID_MAX]; /* 128 random bits, base64url */
    char name[64];      /* login name, unique without case; 1-63 of letters, digits . _ - @ */
    char password[BN_PWHASH_SIZE];
    int64_t role;
    int64_t disabled;
    int64_t is_restricted; /* of a viewer: sees what is assigned to him, and nothing else */
    int64_t created_at;
    int64_t last_login_at;
};

/* A guest that somebody may see, and what else he may do with it. */
struct bn_assignment {
    char id[BN_ID_MAX]; /* USER ID/SERVER ID/VMID */
    char user_id[BN_ID_MAX];
    char server_id[BN_ID_MAX];
    int64_t vmid;
    char permissions[48]; /* of BN_GUEST_PERMISSIONS, separated by commas */
    char created_by[64];
    int64_t created_at;
};

struct bn_session {
    char id[BN_ID_MAX]; /* public id, shown in lists; not the cookie */
    char hash[48];      /* SHA-256 of the cookie, base64url */
    char user_id[BN_ID_MAX];
    char address[48];
    char agent[160];
    int64_t created_at;
    int64_t seen_at; /* to the minute, so that reading does not write */
    int64_t expires_at;
};

struct bn_key {
    char id[BN_ID_MAX]; /* the middle part of bnk_<id>_<secret> */
    char name[96];
    char prefix[24]; /* "bnk_k3x9…": what lists show */
    char hash[48];   /* SHA-256 of the whole key, base64url */
    char scopes[96];
    char user_id[BN_ID_MAX]; /* who made it; "" for the command line */
    int64_t created_at;
    int64_t last_used_at;
    int64_t expires_at; /* unknown: never */
};

struct bn_audit {
    char id[BN_ID_MAX];
    int64_t at;
    char actor[64];  /* user name, "key:NAME", "command line" */
    char action[48]; /* "session.create", "user.add", … */
    char object[96];
    char address[48];
    char detail[160];
    int64_t ok;
};

extern const struct bn_record_type bn_tenant_type;
extern const struct bn_record_type bn_user_type;
extern const struct bn_record_type bn_session_type;
extern const struct bn_record_type bn_key_type;
extern const struct bn_record_type bn_audit_type;
extern const struct bn_record_type bn_assignment_type;
