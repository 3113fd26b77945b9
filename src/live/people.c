#include "live/people.h"

#include <string.h>

#include "model/right.h"

#define HASH_TEXT_LEN 43 /* SHA-256 as base64url */

static size_t count_admins(const struct bn_tenant_live *tenant, const char *except_id)
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

/* --- rules, one per kind --------------------------------------------------------------------- */

/* Somebody must always be able to let others in. */
static bool check_last_admin(const struct bn_tenant_live *tenant, const struct bn_user *before,
        struct bn_err *err)
{
    if (!before || before->role != BN_ROLE_ADMIN || before->disabled == 1 ||
            count_admins(tenant, before->id))
        return true;
    return bn_fail(err, BN_E_CONFLICT, "%s is the last administrator: make somebody else one first",
            before->name);
}

static bool admit_user(const struct bn_tenant_live *tenant, const struct bn_user *user,
        struct bn_err *err)
{
    if (!bn_user_name_check(bn_str(user->name), "name", err))
        return false;
    const struct bn_user *named = bn_user_named(&tenant->tables[BN_KIND_USER], bn_str(user->name));
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

static bool admit_tenant(const struct bn_tenant_live *in, const struct bn_tenant *tenant,
        struct bn_err *err)
{
    if (strcmp(in->id, BN_TENANT_DEFAULT) != 0)
        return bn_fail(err, BN_E_INVALID, "tenants are made in \"%s\", not in \"%s\"",
                BN_TENANT_DEFAULT, in->id);
    return strlen(tenant->id) < BN_TENANT_MAX ||
           bn_fail(err, BN_E_INVALID, "the id of a tenant may have %d bytes, got %zu",
                   BN_TENANT_MAX - 1, strlen(tenant->id));
}

static bool admit_assignment(const struct bn_tenant_live *tenant,
        const struct bn_assignment *assignment, struct bn_err *err)
{
    uint32_t permissions = 0;
    if (!user_find(tenant, assignment->user_id))
        return bn_fail(err, BN_E_NOT_FOUND, "there is no such user");
    if (!bn_table_find(&tenant->tables[BN_KIND_SERVER], assignment->server_id))
        return bn_fail(err, BN_E_NOT_FOUND, "there is no such server");
    return bn_guest_permissions_parse(bn_str(assignment->permissions), &permissions, err);
}

bool bn_people_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    if (fact->replay)
        return true;
    if (fact->op != BN_PUT) {
        if (fact->kind == BN_KIND_USER)
            return check_last_admin(tenant, user_find(tenant, fact->u.user.id), err);
        if (fact->kind == BN_KIND_TENANT && strcmp(fact->u.tenant.id, BN_TENANT_DEFAULT) == 0)
            return bn_fail(err, BN_E_CONFLICT, "the tenant \"%s\" stays", BN_TENANT_DEFAULT);
        return true;
    }
    switch (fact->kind) {
    case BN_KIND_TENANT: return admit_tenant(tenant, &fact->u.tenant, err);
    case BN_KIND_USER: return admit_user(tenant, &fact->u.user, err);
    case BN_KIND_SESSION: return admit_session(tenant, &fact->u.session, err);
    case BN_KIND_KEY: return admit_key(tenant, &fact->u.key, err);
    case BN_KIND_ASSIGNMENT: return admit_assignment(tenant, &fact->u.assignment, err);
    default: return true;
    }
}
