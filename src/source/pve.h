/*
 * pve: a question to one Proxmox VE server as a job for io/fetch, and what its answer means.
 */
#pragma once

#include "base/secret.h"

#include "io/fetch.h"
#include "model/infra.h"

/* Fills a job just initialised: address (by VPN where that is on), trust and credentials. The token
   is opened with the key and wiped when the job is over. False: `invalid`, the token cannot be
   opened with this key. */
BN_MUST_CHECK bool bn_pve_ask(const struct bn_server *server, const char *tenant,
        const struct bn_seal_key *key, const char *path, struct bn_fetch_job *job,
        struct bn_err *err);

/* What binds a sealed token to its row. */
#define BN_TOKEN_AAD_SIZE 200
void bn_token_aad(const char *tenant, const char *server_id, char out[BN_TOKEN_AAD_SIZE]);

/* "USER@REALM!TOKENID=SECRET", also with "PVEAPIToken=" before it, which is left out (FEATURES A3).
   out needs the length of text and a NUL. The sentence names the form. */
BN_MUST_CHECK bool bn_token_read(struct bn_str text, char *out, size_t size, struct bn_err *err);
/* "root@pam!bnc=••••3f9a": what may be shown of it. */
void bn_token_hint(const char *token, char *out, size_t size);

/* Why an answer is no success: a word to count, how far it came, and a sentence for people. */
struct bn_pve_verdict {
    bool is_ok; /* 2xx */
    char error_class[24];
    char phase[12];
    char text[BN_ERR_TEXT_MAX];
};

void bn_pve_judge(const struct bn_fetch_job *job, const char *token_hint,
        struct bn_pve_verdict *out);
/* After an answer that cannot be read for what it should be: the reader's sentence. */
void bn_pve_judge_unreadable(const struct bn_err *err, struct bn_pve_verdict *out);
