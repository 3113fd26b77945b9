#include "live/people.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HASH_TEXT_LEN 43 /* SHA-256 as base64url */

/* In the order of the bits. */
static const char *const scope_words[] = {"read", "operate", "admin", "metrics", "ingest", "all"};

bool bn_user_name_check(struct bn_str name, const char *field, struct bn_err *err)
{
    if (!name.len || name.len > 63)
        return bn_fail_field(err, field, "%s must have 1..63 characters, got %zu", field, name.len);
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        if (c >= 0x80 || (!isalnum(c) && !strchr("._-@", c)) || c == 0)
            return bn_fail_field(err, field, "%s may hold letters a-z, digits and . _ - @ only",
                    field);
    }
    if (!isalnum((unsigned char)name.p[0]))
        return bn_fail_field(err, field, "%s must begin with a letter or a digit", field);
    return true;
}

const struct bn_user *bn_people_user_named(const struct bn_tenant_live *tenant, struct bn_str name)
{
    bn_table_each(row, &tenant->tables[BN_KIND_USER])
    {
        const struct bn_user *user = (const void *)row->record;
        if (bn_str_is_nocase(name, user->name))
            return user;
    }
    return NULL;
}

size_t bn_people_count_admins(const struct bn_tenant_live *tenant, const char *except_id)
{
    size_t count = 0;
    bn_table_each(row, &tenant->tables[BN_KIND_USER])
    {
        const struct bn_user *user = (const void *)row->record;
        if (user->role == BN_ROLE_ADMIN && user->disabled != 1 && strcmp(user->id, except_id) != 0)
            count++;
    }
    return count;
}

static const struct bn_user *user_find(const struct bn_tenant_live *tenant, const char *id)
{
    const struct bn_row *row = bn_table_find(&tenant->tables[BN_KIND_USER], id);
    return row ? (const void *)row->record : NULL;
}

/* --- scopes and roles
 * ----------------------------------------------------------------------------- */

bool bn_scopes_parse(struct bn_str text, uint32_t *out, struct bn_err *err)
{
    uint32_t scopes = 0;
    struct bn_str rest = text;
    while (rest.p) {
        const struct bn_str word = bn_str_trim(bn_str_cut(&rest, ','));
        uint32_t bit = 0;
        for (size_t i = 0; i < COUNT(scope_words); i++) {
            if (bn_str_is(word, scope_words[i]))
                bit = 1u << i;
        }
        if (!bit)
            return bn_fail_field(err, "scopes", "scopes must be of " BN_SCOPES ", got \"%.*s\"",
                    (int)BN_MIN(word.len, (size_t)60), word.p ? word.p : "");
        if (scopes & bit)
            return bn_fail_field(err, "scopes", "scopes names \"%.*s\" twice", BN_ARG(word));
        scopes |= bit;
    }
    if (!scopes)
        return bn_fail_field(err, "scopes", "scopes must be of " BN_SCOPES ", got none");
    *out = scopes;
    return true;
}

void bn_scopes_text(uint32_t scopes, char *out, size_t size)
{
    size_t len = 0;
    out[0] = 0;
    for (size_t i = 0; i < COUNT(scope_words) && len < size; i++) {
        if (scopes & (1u << i))
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? "," : "", scope_words[i]);
    }
}

#define RIGHT(name) (1u << BN_RIGHT_##name)

uint32_t bn_role_rights(int64_t role)
{
    uint32_t rights = RIGHT(READ) | RIGHT(METRICS) | RIGHT(SELF);
    if (role >= BN_ROLE_MANAGER)
        rights |= RIGHT(OPERATE);
    if (role >= BN_ROLE_ADMIN)
        rights |= RIGHT(ADMIN);
    return rights;
}

uint32_t bn_scopes_rights(uint32_t scopes)
{
    uint32_t rights = 0;
    if (scopes & (BN_SCOPE_READ | BN_SCOPE_OPERATE | BN_SCOPE_ADMIN | BN_SCOPE_ALL))
        rights |= RIGHT(READ) | RIGHT(METRICS);
    if (scopes & (BN_SCOPE_OPERATE | BN_SCOPE_ADMIN | BN_SCOPE_ALL))
        rights |= RIGHT(OPERATE);
    if (scopes & (BN_SCOPE_ADMIN | BN_SCOPE_ALL))
        rights |= RIGHT(ADMIN);
    if (scopes & BN_SCOPE_METRICS)
        rights |= RIGHT(METRICS);
    return rights;
}

uint32_t bn_role_scopes(int64_t role)
{
    uint32_t scopes = BN_SCOPE_READ | BN_SCOPE_METRICS;
    if (role >= BN_ROLE_MANAGER)
        scopes |= BN_SCOPE_OPERATE | BN_SCOPE_INGEST;
    if (role >= BN_ROLE_ADMIN)
        scopes |= BN_SCOPE_ADMIN | BN_SCOPE_ALL;
    return scopes;
}

/* --- rules, one per kind
 * -------------------------------------------------------------------------- */

/* Somebody must always be able to let others in. */
static bool check_last_admin(const struct bn_tenant_live *tenant, const struct bn_user *before,
        struct bn_err *err)
{
    if (!before || before->role != BN_ROLE_ADMIN || before->disabled == 1 ||
            bn_people_count_admins(tenant, before->id))
        return true;
    return bn_fail(err, BN_E_CONFLICT, "%s is the last administrator: make somebody else one first",
            before->name);
}

static bool admit_user(const struct bn_tenant_live *tenant, const struct bn_user *user,
        struct bn_err *err)
{
    if (!bn_user_name_check(bn_str(user->name), "name", err))
        return false;
    const struct bn_user *named = bn_people_user_named(tenant, bn_str(user->name));
    if (named && strcmp(named->id, user->id) != 0) {
        bn_fail_field(err, "name", "there is already a user named %s", named->name);
        if (err)
            err->code = BN_E_CONFLICT;
        return false;
    }
    if (user->role == BN_ROLE_ADMIN && user->disabled != 1)
        return true;
    return check_last_admin(tenant, user_find(tenant, user->id), err);
}

static bool check_hash(const char *hash, const char *of, struct bn_err *err)
{
    if (strlen(hash) == HASH_TEXT_LEN)
        return true;
    return bn_fail(err, BN_E_INVALID, "the hash of a %s has %d characters, got %zu", of,
            HASH_TEXT_LEN, strlen(hash));
}

static bool admit_session(const struct bn_tenant_live *tenant, const struct bn_session *session,
        struct bn_err *err)
{
    const struct bn_user *user = user_find(tenant, session->user_id);
    if (!user)
        return bn_fail(err, BN_E_NOT_FOUND, "the user of this session does not exist any more");
    if (user->disabled == 1)
        return bn_fail(err, BN_E_FORBIDDEN, "%s is disabled", user->name);
    return check_hash(session->hash, "session", err);
}

static bool admit_key(const struct bn_tenant_live *tenant, const struct bn_key *key,
        struct bn_err *err)
{
    uint32_t scopes = 0;
    if (!bn_scopes_parse(bn_str(key->scopes), &scopes, err))
        return false;
    if (key->user_id[0] && !user_find(tenant, key->user_id))
        return bn_fail(err, BN_E_NOT_FOUND, "the user of this key does not exist any more");
    return check_hash(key->hash, "key", err);
}

bool bn_people_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    if (fact->replay)
        return true;
    if (fact->op == BN_GONE) {
        if (fact->kind == BN_KIND_USER)
            return check_last_admin(tenant, user_find(tenant, fact->u.user.id), err);
        if (fact->kind == BN_KIND_TENANT && strcmp(fact->u.tenant.id, BN_TENANT_DEFAULT) == 0)
            return bn_fail(err, BN_E_CONFLICT, "the tenant \"%s\" stays", BN_TENANT_DEFAULT);
        return true;
    }
    switch (fact->kind) {
    case BN_KIND_USER: return admit_user(tenant, &fact->u.user, err);
    case BN_KIND_SESSION: return admit_session(tenant, &fact->u.session, err);
    case BN_KIND_KEY: return admit_key(tenant, &fact->u.key, err);
    default: return true;
    }
}
