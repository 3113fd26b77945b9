/*
 * pve_peer: one Proxmox VE of canned answers on loopback, calls that may go there, and its place in
 * the registry.
 */
#pragma once

#include "certs.h"
#include "http_peer.h"
#include "io/fetch.h"
#include "model/token.h"

#define PVE_TOKEN   "root@pam!t=0123456789abcdef"
#define PVE_ANSWERS 10
#define OK(body)    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

struct pve {
    struct peer peer;
    struct peer_answer answers[PVE_ANSWERS]; /* a test changes them while it runs */
    struct bn_tls_config *tls;
    const char *cert;
};

/* With the certificate of that name, "a" or "b". */
BN_UNUSED static void pve_open(struct pve *pve, struct bn_loop *loop, const char *cert,
        const struct peer_answer *answers, size_t count)
{
    CHECK(count <= COUNT(pve->answers));
    memset(pve, 0, sizeof *pve);
    memcpy(pve->answers, answers, count * sizeof *answers);
    pve->peer.answers = pve->answers;
    pve->peer.answer_count = count;
    pve->cert = cert;
    pve->tls = load(cert);
    peer_open(&pve->peer, loop, pve->tls);
}

/* It calls back nobody: what is under way to it fails. Once more is fine. */
BN_UNUSED static void pve_close(struct pve *pve)
{
    if (pve->peer.listener)
        peer_close(&pve->peer);
    bn_tls_config_unref(pve->tls);
    pve->peer.listener = NULL;
    pve->tls = NULL;
}

/* The loopback network and nothing else. */
BN_UNUSED static void pve_allow(struct bn_target_policy *policy)
{
    CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &policy->allowed[0], NULL));
    policy->allowed_count = 1;
}

BN_UNUSED static struct bn_fetch *pve_fetch(struct bn_loop *loop)
{
    struct bn_fetch *fetch = NULL;
    struct bn_fetch_config config = {.at_once = 200,
            .queue_max = 200,
            .per_host = 2,
            .idle_max = 8,
            .bodies_max = 1 << 20,
            .keep_ms = 100};
    pve_allow(&config.policy);
    CHECK(bn_fetch_create(loop, &config, &fetch, NULL));
    return fetch;
}

/* Fills in a server of the registry that is this one, its certificate confirmed. */
BN_UNUSED static void pve_server(const struct pve *pve, const char *id,
        const struct bn_seal_key *key, struct bn_server *out)
{
    char aad[BN_TOKEN_AAD_SIZE];
    snprintf(out->id, sizeof out->id, "%s", id);
    snprintf(out->name, sizeof out->name, "alpha");
    snprintf(out->host, sizeof out->host, "127.0.0.1");
    snprintf(out->token_hint, sizeof out->token_hint, "root@pam!t=x");
    out->port = bn_listener_port(pve->peer.listener);
    out->is_active = 1;
    out->connection_timeout_ms = 5000;
    fingerprint_of(pve->cert, out->fingerprint);
    bn_token_aad(BN_TENANT_DEFAULT, id, aad);
    CHECK(bn_seal(key, aad, BN_STR(PVE_TOKEN), out->token, sizeof out->token));
}
