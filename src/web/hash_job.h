/*
 * hash_job: checking and hashing passwords on the workers, with what the request needs afterwards.
 */
#pragma once

#include "model/limits.h"
#include "web/route.h"

struct bn_hash_job;

/* Loop thread; req NULL when the client has left. Answers req; the job is freed afterwards. */
typedef void (*bn_hash_done)(struct bn_hash_job *job, struct bn_request *req);

/* Copies only. */
struct bn_hash_job {
    struct bn_web *web;
    uint64_t ticket;
    bn_hash_done done;
    /* in: what to do. A password that does not match ends it: nothing is hashed then. */
    bool must_check;
    bool must_hash;
    char given[BN_PASSWORD_MAX + 1];
    char stored[BN_PWHASH_SIZE]; /* "": spends the same time and does not match */
    char wanted[BN_PASSWORD_MAX + 1];
    /* out */
    bool was_run;
    bool matched;
    char fresh[BN_PWHASH_SIZE];
    struct bn_err err; /* code OK: none */
    /* what done() needs; no business of the job */
    struct bn_who who;
    bool is_secure;
    char address[48];
    char agent[160];
    char user_id[BN_ID_MAX];
    char name[64];
    char old_session[BN_ID_MAX];
    char code[32];
    char try_name[112]; /* what throttling counts this by */
    int64_t role;
    int64_t disabled;
    int64_t is_restricted;
    uint64_t given_mask;
};

/* Filled with what req says of its asker. */
struct bn_hash_job *bn_hash_job_create(struct bn_request *req, bn_hash_done done);
void bn_hash_job_destroy(struct bn_hash_job *job);
/* False: the queue was full, req has been answered 503, the job is gone. */
bool bn_hash_job_start(struct bn_hash_job *job, struct bn_request *req);
