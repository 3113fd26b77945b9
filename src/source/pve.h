/*
 * pve: a question to one Proxmox VE server as a job for io/fetch, and what its answer means.
 */
#pragma once

#include "base/secret.h"

#include "io/fetch.h"
#include "model/infra.h"
#include "model/token.h"

/* Fills a job just initialised: address (by VPN where that is on), trust and credentials. The token
   is opened with the key and wiped when the job is over. False: `invalid`, the token cannot be
   opened with this key. */
BN_MUST_CHECK bool bn_pve_ask(const struct bn_server *server, const char *tenant,
        const struct bn_seal_key *key, const char *path, struct bn_fetch_job *job,
        struct bn_err *err);

#define BN_PVE_HINT_MAX 256

/* Why an answer is no success: a word to count, how far it came, and a sentence for people. */
struct bn_pve_verdict {
    bool is_ok; /* 2xx */
    char error_class[24];
    char phase[12];
    char text[BN_ERR_TEXT_MAX];
    char hint[BN_PVE_HINT_MAX]; /* what grants the privilege that is missing, or "" */
};

void bn_pve_judge(const struct bn_fetch_job *job, const char *token_hint,
        struct bn_pve_verdict *out);
/* After an answer that cannot be read for what it should be: the reader's sentence. */
void bn_pve_judge_unreadable(const struct bn_err *err, struct bn_pve_verdict *out);
