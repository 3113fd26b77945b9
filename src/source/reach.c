#include "source/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* One of the machines on the way, the last is the target. */
struct hop {
    struct bn_reach *reach;
    struct bn_target target;
    struct bn_ssh_session *session;
};

struct bn_reach {
    struct bn_reach_config config;
    char tenant[BN_TENANT_MAX];
    const struct bn_reach_ops *ops;
    void *user;
    struct hop *hops[BN_TARGET_JUMPS_MAX + 1]; /* from ours on */
    int count;
    int at; /* which is being opened, or the last */
    bool is_open;
};

static void forget(struct bn_reach *reach)
{
    for (int i = 0; i < reach->count; i++)
        free(reach->hops[i]);
    free(reach);
}

void bn_reach_close(struct bn_reach *reach)
{
    if (!reach)
        return;
    for (int i = reach->count - 1; i >= 0; i--)
        bn_ssh_close(reach->hops[i]->session);
    forget(reach);
}

struct bn_ssh_session *bn_reach_session(const struct bn_reach *reach)
{
    return reach && reach->is_open ? reach->hops[reach->count - 1]->session : NULL;
}

/* --- secrets --------------------------------------------------------------------------------- */

/* A password, or a key with its passphrase, in clear for as long as it is handed over. */
struct secret {
    char password[BN_TARGET_SECRET_MAX + 1];
    char key[BN_TARGET_KEY_MAX + BN_TARGET_SECRET_MAX + 2]; /* passphrase, NUL, key */
    size_t key_len;
};

static bool open_key(const struct bn_reach *reach, const struct bn_target *target,
        struct secret *out)
{
    char aad[BN_TARGET_AAD_SIZE];
    char sealed[sizeof((struct bn_target_key *)0)->text * BN_TARGET_KEY_PARTS_MAX] = "";
    size_t len = 0;
    for (int64_t i = 0; i < target->key_parts; i++) {
        char id[BN_ID_MAX];
        bn_target_key_id(target->id, i, id);
        const struct bn_target_key *part = bn_live_get(&reach->config.hub->live, reach->tenant,
                BN_KIND_TARGET_KEY, id);
        if (!part || len + strlen(part->text) >= sizeof sealed)
            return false;
        len += (size_t)snprintf(sealed + len, sizeof sealed - len, "%s", part->text);
    }
    bn_target_aad(reach->tenant, target->id, "key", aad);
    return bn_unseal(reach->config.key, aad, bn_str(sealed), out->key, sizeof out->key - 1,
                   &out->key_len) &&
           memchr(out->key, '\0', out->key_len);
}

static bool open_secret(const struct bn_reach *reach, const struct bn_target *target,
        struct secret *out)
{
    char aad[BN_TARGET_AAD_SIZE];
    size_t len = 0;
    memset(out, 0, sizeof *out);
    if (target->auth_kind == BN_AUTH_KEY)
        return open_key(reach, target, out);
    bn_target_aad(reach->tenant, target->id, "password", aad);
    return bn_unseal(reach->config.key, aad, bn_str(target->password), out->password,
            sizeof out->password - 1, &len);
}

/* --- host keys ------------------------------------------------------------------------------- */

/* What it showed is for people to compare and confirm. */
static void tell_host_key(const struct bn_reach *reach, const struct bn_target *target,
        const struct bn_ssh_end *end)
{
    struct bn_fact fact;
    struct bn_err err;
    const struct bn_target *newest = bn_live_get_newest(&reach->config.hub->live, reach->tenant,
            BN_KIND_TARGET, target->id);
    if (!newest || strcmp(newest->seen_host_key, end->host_key) == 0)
        return;
    bn_fact_init(&fact, BN_KIND_TARGET, reach->tenant);
    fact.u.target = *newest;
    struct bn_target *seen = &fact.u.target;
    memset(seen->seen_host_key, 0, sizeof seen->seen_host_key);
    memset(seen->seen_host_key_type, 0, sizeof seen->seen_host_key_type);
    bn_text_clip(seen->seen_host_key, sizeof seen->seen_host_key, bn_str(end->host_key));
    bn_text_clip(seen->seen_host_key_type, sizeof seen->seen_host_key_type,
            bn_str(end->host_key_type));
    seen->seen_at = reach->config.hub->clock->now_ms;
    if (!bn_hub_ask(reach->config.hub, &fact, NULL, NULL, &err))
        bn_log(BN_DEBUG, "target.seen", BN_KV("text", err.text));
}

/* --- opening --------------------------------------------------------------------------------- */

static bool open_hop(struct bn_reach *reach, struct bn_err *err);

static void end(struct bn_reach *reach, const struct bn_target *at, const struct bn_ssh_end *why)
{
    const struct bn_reach_ops *ops = reach->ops;
    const struct bn_target target = *at;
    const struct bn_ssh_end copy = *why;
    void *user = reach->user;
    bn_reach_close(reach);
    ops->ended(user, &target, &copy);
}

static void on_ended(void *user, const struct bn_ssh_end *why)
{
    struct hop *hop = user;
    struct bn_reach *reach = hop->reach;
    hop->session = NULL;
    if (why->fault == BN_SSH_FAULT_HOST_KEY_UNKNOWN || why->fault == BN_SSH_FAULT_HOST_KEY_CHANGED)
        tell_host_key(reach, &hop->target, why);
    end(reach, &hop->target, why);
}

static void on_opened(void *user, const struct bn_ssh_peer *peer)
{
    struct hop *hop = user;
    struct bn_reach *reach = hop->reach;
    struct bn_err err;
    (void)peer;
    if (reach->at + 1 == reach->count) {
        reach->is_open = true;
        reach->ops->opened(reach->user, hop->session);
        return;
    }
    reach->at++;
    if (open_hop(reach, &err))
        return;
    struct bn_ssh_end why = {.fault = BN_SSH_FAULT_RUNNER, .phase = BN_SSH_PHASE_CONNECT};
    bn_text_clip(why.text, sizeof why.text, bn_str(err.text));
    end(reach, &reach->hops[reach->at]->target, &why);
}

static const struct bn_ssh_ops session_ops = {.opened = on_opened, .ended = on_ended};

static bool open_session(struct bn_reach *reach, const struct secret *secret, struct bn_err *err)
{
    struct hop *hop = reach->hops[reach->at];
    const struct bn_target *target = &hop->target;
    const size_t pass_len = strlen(secret->key);
    const struct bn_ssh_to to = {.host = target->host,
            .port = (int)target->port,
            .via = reach->at ? reach->hops[reach->at - 1]->session : NULL,
            .user = target->username,
            .password = bn_str(secret->password),
            .key = secret->key_len > pass_len ? (struct bn_str){secret->key + pass_len + 1,
                                                        secret->key_len - pass_len - 1}
                                              : BN_STR(""),
            .passphrase = bn_str(secret->key),
            .host_key = target->host_key,
            .host_key_type = target->host_key_type};
    return bn_ssh_open(reach->config.ssh, &to, &session_ops, hop, &hop->session, err);
}

static bool open_hop(struct bn_reach *reach, struct bn_err *err)
{
    struct secret secret;
    const struct bn_target *target = &reach->hops[reach->at]->target;
    const bool is_readable = open_secret(reach, target, &secret);
    const bool is_open = is_readable && open_session(reach, &secret, err);
    bn_wipe(&secret, sizeof secret);
    return is_open || (is_readable ? false
                                   : bn_fail(err, BN_E_INVALID,
                                             "%.80s: what it logs in with cannot be read any more; "
                                             "enter its password or key again",
                                             target->name));
}

static void add_first(struct bn_reach *reach, const struct bn_target *target)
{
    struct hop *hop = bn_alloc(sizeof *hop);
    hop->reach = reach;
    hop->target = *target;
    memmove(reach->hops + 1, reach->hops, (size_t)reach->count * sizeof *reach->hops);
    reach->hops[0] = hop;
    reach->count++;
}

/* From the machine nearest to us on. */
static bool list_hops(struct bn_reach *reach, const struct bn_target *target)
{
    while (target && reach->count <= BN_TARGET_JUMPS_MAX) {
        add_first(reach, target);
        if (!target->jump_id[0])
            return true;
        target = bn_live_get(&reach->config.hub->live, reach->tenant, BN_KIND_TARGET,
                target->jump_id);
    }
    return false;
}

bool bn_reach_open(const struct bn_reach_config *config, const struct bn_reach_to *to,
        struct bn_reach **out, struct bn_err *err)
{
    struct bn_reach *reach = bn_alloc(sizeof *reach);
    reach->config = *config;
    reach->ops = to->ops;
    reach->user = to->user;
    bn_text_clip(reach->tenant, sizeof reach->tenant, bn_str(to->tenant));
    bool is_good = list_hops(reach, to->target);
    if (!is_good)
        bn_fail(err, BN_E_INVALID, "a target %.80s is reached through is not in the list any more",
                to->target->name);
    if (is_good && open_hop(reach, err)) {
        *out = reach;
        return true;
    }
    forget(reach);
    return false;
}
