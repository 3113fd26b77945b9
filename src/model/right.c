#include "model/right.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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

const struct bn_user *bn_user_named(const struct bn_table *users, struct bn_str name)
{
    bn_table_each(row, users)
    {
        const struct bn_user *user = (const void *)row->record;
        if (bn_str_is_nocase(name, user->name))
            return user;
    }
    return NULL;
}

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
    uint32_t rights = RIGHT(READ) | RIGHT(METRICS) | RIGHT(GUESTS) | RIGHT(SELF);
    if (role >= BN_ROLE_MANAGER)
        rights |= RIGHT(OPERATE);
    if (role >= BN_ROLE_ADMIN)
        rights |= RIGHT(ADMIN);
    return rights;
}

uint32_t bn_user_rights(const struct bn_user *user)
{
    const bool is_restricted = user->is_restricted == 1 && user->role == BN_ROLE_VIEWER;
    return is_restricted ? RIGHT(GUESTS) | RIGHT(SELF) : bn_role_rights(user->role);
}

uint32_t bn_scopes_rights(uint32_t scopes)
{
    uint32_t rights = 0;
    if (scopes & (BN_SCOPE_READ | BN_SCOPE_OPERATE | BN_SCOPE_ADMIN | BN_SCOPE_ALL))
        rights |= RIGHT(READ) | RIGHT(METRICS) | RIGHT(GUESTS);
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

/* --- assignments ----------------------------------------------------------------------------- */

/* In the order of the bits. */
static const char *const guest_words[] = {"view", "console", "start", "stop", "restart",
        "console_view"};

static uint32_t guest_bit(struct bn_str word)
{
    for (size_t i = 0; i < COUNT(guest_words); i++)
        if (bn_str_is(word, guest_words[i]))
            return 1u << i;
    return 0;
}

bool bn_guest_permissions_parse(struct bn_str text, uint32_t *out, struct bn_err *err)
{
    uint32_t permissions = 0;
    struct bn_str rest = text;
    while (rest.p) {
        const struct bn_str word = bn_str_trim(bn_str_cut(&rest, ','));
        const uint32_t bit = guest_bit(word);
        if (!bit)
            return bn_fail_field(err, "permissions",
                    "permissions must be of " BN_GUEST_PERMISSIONS ", got \"%.*s\"",
                    (int)BN_MIN(word.len, (size_t)40), word.p ? word.p : "");
        if (permissions & bit)
            return bn_fail_field(err, "permissions", "permissions names \"%.*s\" twice",
                    BN_ARG(word));
        permissions |= bit;
    }
    *out = permissions | BN_GUEST_VIEW;
    return true;
}

void bn_guest_permissions_text(uint32_t permissions, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < COUNT(guest_words) && len < size; i++)
        if (permissions & (1u << i))
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? "," : "", guest_words[i]);
}

uint32_t bn_guest_permission_for(const char *action)
{
    static const struct {
        const char *action;
        uint32_t permission;
    } needs[] = {
            {"view", BN_GUEST_VIEW},
            {"console", BN_GUEST_CONSOLE | BN_GUEST_CONSOLE_VIEW},
            {"type", BN_GUEST_CONSOLE},
            {"start", BN_GUEST_START},
            {"resume", BN_GUEST_START},
            {"stop", BN_GUEST_STOP},
            {"shutdown", BN_GUEST_STOP},
            {"suspend", BN_GUEST_STOP},
            {"reset", BN_GUEST_RESTART},
            {"reboot", BN_GUEST_RESTART},
    };

    for (size_t i = 0; i < COUNT(needs); i++)
        if (strcmp(action, needs[i].action) == 0)
            return needs[i].permission;
    return 0;
}
