#include "web/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "model/limits.h"
#include "model/right.h"
#include "web/api_people.h"
#include "web/denial.h"

#define SLOTS           1024
#define SWEEP_MAX       200
#define MINUTE_MS       60000
#define KEY_START       "bnk_"
#define KEY_TEXT_MAX    200 /* ours have 64 characters */
#define HASH_TEXT_SIZE  44  /* SHA-256 as base64url, and its NUL */
#define SESSION_ID_SIZE 23  /* 128 of those bits: names the session, cannot be turned back */

/* Which sessions a user has, so that nobody walks over all 50,000 to find them. An entry whose
   session is gone is dropped when its user is asked for. */
struct owned {
    struct owned *next; /* of the same slot */
    uint32_t user_hash;
    char id[BN_ID_MAX];
};

struct bn_sessions {
    struct bn_hub *hub;
    struct owned *slots[SLOTS];
    struct bn_throttle *throttles[BN_TRY_COUNT];
    char data_dir[256];
    int64_t note_after_mono_ms; /* the store refused a "last seen": not before */
};

/* --- whose sessions -------------------------------------------------------------------------- */

static uint32_t hash_user(const char *user_id)
{
    uint32_t hash = 2166136261u; /* FNV-1a; user ids are random and ours */
    for (const char *p = user_id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return hash;
}

static void own(struct bn_sessions *sessions, const struct bn_session *session)
{
    const uint32_t hash = hash_user(session->user_id);
    struct owned **slot = &sessions->slots[hash % SLOTS];
    for (struct owned *it = *slot; it; it = it->next) {
        if (strcmp(it->id, session->id) == 0)
            return;
    }
    struct owned *owned = bn_alloc(sizeof *owned);
    owned->user_hash = hash;
    memcpy(owned->id, session->id, sizeof owned->id);
    owned->next = *slot;
    *slot = owned;
}

static void session_told(void *user, const struct bn_fact *fact)
{
    if (fact->op == BN_PUT)
        own(user, &fact->u.session);
}

size_t bn_sessions_of(struct bn_sessions *sessions, const char *tenant, const char *user_id,
        const struct bn_session *out[])
{
    const uint32_t hash = hash_user(user_id);
    struct owned **at = &sessions->slots[hash % SLOTS];
    size_t count = 0;
    while (*at) {
        struct owned *owned = *at;
        if (owned->user_hash != hash) {
            at = &owned->next;
            continue;
        }
        const struct bn_session *session = bn_live_get(&sessions->hub->live, tenant,
                BN_KIND_SESSION, owned->id);
        if (!session) {
            *at = owned->next;
            free(owned);
            continue;
        }
        if (strcmp(session->user_id, user_id) == 0 && count < BN_SESSIONS_PER_USER_MAX)
            out[count++] = session;
        at = &owned->next;
    }
    return count;
}

/* --- making and unmaking --------------------------------------------------------------------- */

static const struct bn_throttle_rule *const rules[BN_TRY_COUNT] = {
        [BN_TRY_ACCOUNT] = &bn_throttle_login,
        [BN_TRY_ADDRESS] = &bn_throttle_login,
        [BN_TRY_PASSWORD] = &bn_throttle_login,
        [BN_TRY_SETUP] = &bn_throttle_setup,
        [BN_TRY_DENIAL] = &bn_throttle_denial,
        [BN_TRY_CHECK] = &bn_throttle_check,
        [BN_TRY_HISTORY] = &bn_throttle_history,
        [BN_TRY_TEST] = &bn_throttle_test,
        [BN_TRY_IMPORT] = &bn_throttle_import,
};

struct bn_sessions *bn_sessions_create(struct bn_hub *hub)
{
    struct bn_sessions *sessions = bn_alloc(sizeof *sessions);
    sessions->hub = hub;
    for (int i = 0; i < BN_TRY_COUNT; i++)
        sessions->throttles[i] = bn_throttle_create(rules[i]);
    for (struct bn_tenant_live *tenant = hub->live.tenants; tenant; tenant = tenant->next) {
        bn_table_each(row, &tenant->tables[BN_KIND_SESSION])
                own(sessions, (const void *)row->record);
    }
    bn_hub_watch(hub, BN_KIND_SESSION, session_told, sessions);
    return sessions;
}

void bn_sessions_destroy(struct bn_sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        while (sessions->slots[i]) {
            struct owned *owned = sessions->slots[i];
            sessions->slots[i] = owned->next;
            free(owned);
        }
    }
    for (int i = 0; i < BN_TRY_COUNT; i++)
        bn_throttle_destroy(sessions->throttles[i]);
    free(sessions);
}

struct bn_throttle *bn_sessions_throttle(struct bn_sessions *sessions, enum bn_try which)
{
    return sessions->throttles[which];
}

void bn_sessions_use_dir(struct bn_sessions *sessions, const char *data_dir)
{
    bn_text_clip(sessions->data_dir, sizeof sessions->data_dir, bn_str(data_dir));
}

const char *bn_sessions_dir(const struct bn_sessions *sessions)
{
    return sessions->data_dir;
}

/* --- last use -------------------------------------------------------------------------------- */

static void noted(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_sessions *sessions = user;
    (void)fact;
    if (err)
        sessions->note_after_mono_ms = sessions->hub->clock->mono_ms + MINUTE_MS;
}

/* Asked, not told: what is told is applied at the next turn, and could bring back a session that
   was ended in between. A refusal is no news: a sick store says so itself. */
static void note(struct bn_sessions *sessions, const struct bn_fact *fact)
{
    if (sessions->hub->clock->mono_ms < sessions->note_after_mono_ms)
        return;
    if (!bn_hub_ask(sessions->hub, fact, noted, sessions, NULL))
        sessions->note_after_mono_ms = sessions->hub->clock->mono_ms + MINUTE_MS;
}

static int64_t this_minute(const struct bn_sessions *sessions)
{
    const int64_t now_ms = sessions->hub->clock->now_ms;
    return now_ms - now_ms % MINUTE_MS;
}

static void note_session(struct bn_sessions *sessions, const char *tenant,
        const struct bn_session *session)
{
    const int64_t minute = this_minute(sessions);
    if (session->seen_at >= minute)
        return;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SESSION, tenant);
    fact.u.session = *session;
    fact.u.session.seen_at = minute;
    note(sessions, &fact);
}

static void note_key(struct bn_sessions *sessions, const char *tenant, const struct bn_key *key)
{
    const int64_t minute = this_minute(sessions);
    if (key->last_used_at >= minute)
        return;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, tenant);
    fact.u.key = *key;
    fact.u.key.last_used_at = minute;
    note(sessions, &fact);
}

/* --- who ------------------------------------------------------------------------------------- */

static bool is_over(const struct bn_session *session, int64_t now_ms)
{
    return now_ms >= session->expires_at || now_ms - session->seen_at > BN_SESSION_IDLE_MS;
}

static const struct bn_user *user_of(struct bn_sessions *sessions, const char *tenant,
        const char *user_id)
{
    const struct bn_user *user = bn_live_get(&sessions->hub->live, tenant, BN_KIND_USER, user_id);
    return user && user->disabled != 1 ? user : NULL;
}

static bool fill_user(struct bn_sessions *sessions, const char *tenant,
        const struct bn_session *session, struct bn_who *out)
{
    const struct bn_user *user = user_of(sessions, tenant, session->user_id);
    if (!user || is_over(session, sessions->hub->clock->now_ms))
        return false;
    struct bn_who who = {.kind = BN_WHO_USER,
            .rights = bn_user_rights(user),
            .until_ms = BN_MIN(session->expires_at, session->seen_at + BN_SESSION_IDLE_MS + 1)};
    bn_text_clip(who.tenant, sizeof who.tenant, bn_str(tenant));
    memcpy(who.user_id, user->id, sizeof who.user_id);
    memcpy(who.session_id, session->id, sizeof who.session_id);
    memcpy(who.name, user->name, sizeof who.name);
    *out = who;
    return true;
}

/* A key may do what its scopes say and its maker may do himself, now. */
static bool fill_key(struct bn_sessions *sessions, const char *tenant, const struct bn_key *key,
        struct bn_who *out)
{
    uint32_t scopes = 0;
    if (key->expires_at > 0 && sessions->hub->clock->now_ms >= key->expires_at)
        return false;
    if (!bn_scopes_parse(bn_str(key->scopes), &scopes, NULL))
        return false;
    struct bn_who who = {.kind = BN_WHO_KEY,
            .rights = bn_scopes_rights(scopes),
            .until_ms = key->expires_at > 0 ? key->expires_at : INT64_MAX};
    if (key->user_id[0]) {
        const struct bn_user *user = user_of(sessions, tenant, key->user_id);
        if (!user)
            return false;
        who.rights &= bn_user_rights(user);
    }
    bn_text_clip(who.tenant, sizeof who.tenant, bn_str(tenant));
    memcpy(who.user_id, key->user_id, sizeof who.user_id);
    memcpy(who.key_id, key->id, sizeof who.key_id);
    char name[sizeof "key:" + sizeof key->name];
    snprintf(name, sizeof name, "key:%s", key->name);
    bn_text_clip(who.name, sizeof who.name, bn_str(name));
    *out = who;
    return true;
}

static void hash_text(struct bn_str secret, char out[HASH_TEXT_SIZE])
{
    uint8_t hash[BN_HASH_SIZE];
    bn_sha256(secret.p, secret.len, hash);
    bn_b64url_encode(hash, sizeof hash, out);
}

/* A session is named by the first half of its cookie's hash, so the cookie finds it directly; all
   of the hash is compared then. */
static bool identify_cookie(struct bn_sessions *sessions, struct bn_str cookie, struct bn_who *out,
        struct bn_err *err)
{
    static const char refusal[] = "this session has ended: log in again";
    char hash[HASH_TEXT_SIZE];
    uint8_t raw[BN_HASH_SIZE];
    char id[SESSION_ID_SIZE];
    if (cookie.len != BN_COOKIE_SECRET_SIZE - 1)
        return bn_fail(err, BN_E_UNAUTHORIZED, refusal);
    bn_sha256(cookie.p, cookie.len, raw);
    bn_b64url_encode(raw, sizeof raw, hash);
    bn_b64url_encode(raw, 16, id);
    struct bn_tenant_live *tenant = sessions->hub->live.tenants;
    for (; tenant; tenant = tenant->next) {
        const struct bn_row *row = bn_table_find(&tenant->tables[BN_KIND_SESSION], id);
        const struct bn_session *session = row ? (const void *)row->record : NULL;
        if (!session || !bn_equal_secret(session->hash, hash, sizeof hash))
            continue;
        if (!fill_user(sessions, tenant->id, session, out))
            return bn_fail(err, BN_E_UNAUTHORIZED, refusal);
        note_session(sessions, tenant->id, session);
        return true;
    }
    return bn_fail(err, BN_E_UNAUTHORIZED, refusal);
}

/* bnk_<id>_<secret>; ids hold no '_'. False: it is not even the shape of a key. */
static bool key_id_of(struct bn_str key, char out[BN_ID_MAX])
{
    if (!bn_str_starts(key, KEY_START) || key.len > KEY_TEXT_MAX)
        return false;
    struct bn_str rest = {key.p + strlen(KEY_START), key.len - strlen(KEY_START)};
    const struct bn_str id = bn_str_cut(&rest, '_');
    return rest.p && rest.len && bn_text_copy(out, BN_ID_MAX, id);
}

/* A key that does not let in: somebody guesses, or uses one that was taken away. What was sent is
   not kept, it may be a good key with a letter missing. False, always. */
static bool refuse_key(struct bn_sessions *sessions, const char *address, const char *name,
        struct bn_err *err)
{
    char place[BN_PLACE_SIZE];
    bn_place_of(address, place);
    bn_denial_note(sessions->hub, sessions->throttles[BN_TRY_DENIAL],
            &(struct bn_denial){.tenant = BN_TENANT_DEFAULT,
                    .asker = place,
                    .actor = "",
                    .action = "key.refuse",
                    .object = name,
                    .detail = err->text,
                    .address = address});
    return false;
}

static bool identify_key(struct bn_sessions *sessions, struct bn_str text, const char *address,
        struct bn_who *out, struct bn_err *err)
{
    char id[BN_ID_MAX];
    char hash[HASH_TEXT_SIZE];
    if (!key_id_of(text, id))
        return bn_fail(err, BN_E_UNAUTHORIZED, "a key looks like bnk_…_…, and this one does not");
    hash_text(text, hash);
    struct bn_tenant_live *tenant = sessions->hub->live.tenants;
    for (; tenant; tenant = tenant->next) {
        const struct bn_row *row = bn_table_find(&tenant->tables[BN_KIND_KEY], id);
        const struct bn_key *key = row ? (const void *)row->record : NULL;
        if (!key || !bn_equal_secret(key->hash, hash, sizeof hash))
            continue;
        if (!fill_key(sessions, tenant->id, key, out)) {
            bn_fail(err, BN_E_UNAUTHORIZED, "this key has expired, or its maker has left");
            return refuse_key(sessions, address, key->name, err);
        }
        note_key(sessions, tenant->id, key);
        return true;
    }
    bn_fail(err, BN_E_UNAUTHORIZED, "there is no such key");
    return refuse_key(sessions, address, "", err);
}

/* The key of an Authorization field; p NULL when it is of another scheme, as a proxy's own login
 * is. */
static struct bn_str bearer(const struct bn_http_head *head)
{
    struct bn_str rest = bn_http_find(head, "Authorization");
    if (!rest.p)
        return rest;
    const struct bn_str scheme = bn_str_cut(&rest, ' ');
    if (!bn_str_is_nocase(scheme, "Bearer") || !rest.p)
        return (struct bn_str){NULL, 0};
    return bn_str_trim(rest);
}

bool bn_sessions_identify(struct bn_sessions *sessions, const struct bn_http_head *head,
        bool is_secure, const char *address, struct bn_who *out, struct bn_err *err)
{
    static const char in_query[] = "=" KEY_START;
    struct bn_err unused;
    if (!err)
        err = &unused;
    if (head->query.len && memmem(head->query.p, head->query.len, in_query, strlen(in_query)))
        return bn_fail(err, BN_E_INVALID,
                "a key does not belong in the address, which logs keep: send it as "
                "\"Authorization: Bearer bnk_…\" and make a new one");
    const struct bn_str cookie = bn_http_cookie(head, is_secure ? "__Host-binnacle" : "binnacle");
    const struct bn_str key = bearer(head);
    if (cookie.p && key.p)
        return bn_fail(err, BN_E_UNAUTHORIZED, "both a session and a key were sent: send one");
    if (key.p)
        return identify_key(sessions, key, address, out, err);
    if (cookie.p)
        return identify_cookie(sessions, cookie, out, err);
    return bn_fail(err, BN_E_UNAUTHORIZED,
            bn_http_find(head, "Authorization").p ? "Authorization must be \"Bearer bnk_…\""
                                                  : "log in, or send a key");
}

bool bn_sessions_identify_key(struct bn_sessions *sessions, struct bn_str key, const char *address,
        struct bn_who *out, struct bn_err *err)
{
    return identify_key(sessions, key, address, out, err);
}

void bn_sessions_note_denial(struct bn_sessions *sessions, const struct bn_who *who,
        const char *address, const char *object, const char *why)
{
    const bool is_known = who->kind != BN_WHO_NOBODY;
    bn_denial_note(sessions->hub, sessions->throttles[BN_TRY_DENIAL],
            &(struct bn_denial){.tenant = is_known ? who->tenant : BN_TENANT_DEFAULT,
                    .asker = who->kind == BN_WHO_USER  ? who->session_id
                             : who->kind == BN_WHO_KEY ? who->key_id
                                                       : "nobody", /* all strangers together */
                    .actor = who->name,
                    .action = "denied",
                    .object = object,
                    .detail = why,
                    .address = address});
}

bool bn_sessions_refresh(struct bn_sessions *sessions, struct bn_who *who)
{
    struct bn_live *live = &sessions->hub->live;
    if (who->kind == BN_WHO_USER) {
        const struct bn_session *session = bn_live_get(live, who->tenant, BN_KIND_SESSION,
                who->session_id);
        return session && fill_user(sessions, who->tenant, session, who);
    }
    if (who->kind == BN_WHO_KEY) {
        const struct bn_key *key = bn_live_get(live, who->tenant, BN_KIND_KEY, who->key_id);
        return key && fill_key(sessions, who->tenant, key, who);
    }
    return false;
}

void bn_sessions_note_use(struct bn_sessions *sessions, const struct bn_who *who)
{
    struct bn_live *live = &sessions->hub->live;
    const struct bn_session *session = bn_live_get(live, who->tenant, BN_KIND_SESSION,
            who->session_id);
    const struct bn_key *key = bn_live_get(live, who->tenant, BN_KIND_KEY, who->key_id);
    if (session && !is_over(session, sessions->hub->clock->now_ms))
        note_session(sessions, who->tenant, session);
    if (key)
        note_key(sessions, who->tenant, key);
}

/* --- beginning and ending -------------------------------------------------------------------- */

bool bn_sessions_end(struct bn_sessions *sessions, const char *tenant, const char *session_id,
        bn_answer_fn answer, void *user, struct bn_err *err)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SESSION, tenant);
    fact.op = BN_GONE;
    bn_text_clip(fact.u.session.id, sizeof fact.u.session.id, bn_str(session_id));
    return bn_hub_ask(sessions->hub, &fact, answer, user, err);
}

static void end_oldest(struct bn_sessions *sessions, const char *tenant, const char *user_id)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    const size_t count = bn_sessions_of(sessions, tenant, user_id, all);
    if (count < BN_SESSIONS_PER_USER_MAX)
        return;
    const struct bn_session *oldest = all[0];
    for (size_t i = 1; i < count; i++) {
        if (all[i]->seen_at < oldest->seen_at)
            oldest = all[i];
    }
    /* Refused only when it is not there any more. */
    (void)!bn_sessions_end(sessions, tenant, oldest->id, NULL, NULL, NULL);
}

bool bn_sessions_begin(struct bn_sessions *sessions, const struct bn_login *login,
        bn_answer_fn answer, void *user, char out_secret[BN_COOKIE_SECRET_SIZE], struct bn_err *err)
{
    end_oldest(sessions, login->tenant, login->user_id);
    uint8_t random[BN_HASH_SIZE];
    uint8_t hash[BN_HASH_SIZE];
    char secret[BN_COOKIE_SECRET_SIZE];
    bn_random(random, sizeof random);
    bn_b64url_encode(random, sizeof random, secret);
    bn_sha256(secret, sizeof secret - 1, hash);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SESSION, login->tenant);
    struct bn_session *session = &fact.u.session;
    bn_b64url_encode(hash, 16, session->id);
    bn_b64url_encode(hash, sizeof hash, session->hash);
    bn_text_clip(session->user_id, sizeof session->user_id, bn_str(login->user_id));
    bn_text_clip(session->address, sizeof session->address, bn_str(login->address));
    if (login->agent.p && bn_utf8_is_valid(login->agent.p, login->agent.len))
        bn_text_clip(session->agent, sizeof session->agent, login->agent);
    session->created_at = sessions->hub->clock->now_ms;
    session->seen_at = this_minute(sessions);
    session->expires_at = session->created_at + BN_SESSION_ABSOLUTE_MS;
    const bool begun = bn_hub_ask(sessions->hub, &fact, answer, user, err);
    if (begun)
        memcpy(out_secret, secret, sizeof secret);
    bn_wipe(random, sizeof random);
    bn_wipe(secret, sizeof secret);
    return begun;
}

/* All are asked in one turn, so they are kept or refused together: one answer speaks for all. */
size_t bn_sessions_end_others(struct bn_sessions *sessions, const char *tenant, const char *user_id,
        const char *keep_id, bn_answer_fn answer, void *user)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    size_t ended = 0;
    const size_t count = bn_sessions_of(sessions, tenant, user_id, all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i]->id, keep_id) != 0 &&
                bn_sessions_end(sessions, tenant, all[i]->id, ended ? NULL : answer, user, NULL))
            ended++;
    }
    return ended;
}

void bn_sessions_sweep(struct bn_sessions *sessions)
{
    const int64_t now_ms = sessions->hub->clock->now_ms;
    int left = SWEEP_MAX;
    struct bn_tenant_live *tenant = sessions->hub->live.tenants;
    for (; tenant; tenant = tenant->next) {
        bn_table_each(row, &tenant->tables[BN_KIND_SESSION])
        {
            const struct bn_session *session = (const void *)row->record;
            if (!left)
                return;
            if (!is_over(session, now_ms))
                continue;
            struct bn_fact fact;
            bn_fact_init(&fact, BN_KIND_SESSION, tenant->id);
            fact.op = BN_GONE;
            memcpy(fact.u.session.id, session->id, sizeof fact.u.session.id);
            bn_hub_tell(sessions->hub, &fact);
            left--;
        }
    }
}

void bn_cookie_put(const char *secret, bool is_secure, const char *base_path,
        char out[BN_SET_COOKIE_SIZE])
{
    const int64_t age_s = secret ? BN_SESSION_ABSOLUTE_MS / 1000 : 0;
    snprintf(out, BN_SET_COOKIE_SIZE, "%s=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
            is_secure ? "__Host-binnacle" : "binnacle", secret ? secret : "",
            is_secure || !base_path[0] ? "/" : base_path, (int)age_s, is_secure ? "; Secure" : "");
}
