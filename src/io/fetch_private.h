/*
 * fetch_private: what the files of fetch share; the collector thread's side of a conversation.
 */
#pragma once

#include <curl/curl.h>
#include <pthread.h>
#include <uthash.h>
#include <uv.h>

#include "io/fetch.h"

/* One endpoint under one trust: its handle keeps the TLS session for the next request. */
#define BN_FETCH_KEY_SIZE 400

struct bn_fetch_easy {
    UT_hash_handle hh;
    struct bn_list link; /* least recently used first */
    CURL *handle;
    char key[BN_FETCH_KEY_SIZE];
};

/* A job under way. */
struct bn_fetch_call {
    struct bn_fetch *fetch;
    struct bn_fetch_job *job;
    struct bn_fetch_easy *easy;
    struct curl_slist *fields;
    size_t head_bytes;
    /* Monotonic nanoseconds, 0 until then. The library's own times of TCP and TLS come only with
       success. */
    int64_t opened_ns; /* the first socket */
    int64_t tls_ns;    /* TCP stands, TLS begins */
    int64_t ready_ns;  /* everything stands */
    bool was_sent;     /* the connection stood and was judged good */
    bool is_closed;    /* an address was refused by the policy; answer.text says why */
    bool is_too_big;
    char said[CURL_ERROR_SIZE];
};

struct bn_fetch {
    struct bn_loop *loop; /* of those who ask */
    struct bn_fetch_config config;
    pthread_t thread;

    pthread_mutex_t lock; /* guards from here on */
    struct bn_list asked;
    struct bn_list answered;
    size_t waiting;
    size_t active;
    uint64_t answers;
    uint64_t handshakes;
    bool is_stopping;

    /* collector thread only, from here on */
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timer;
    CURLM *multi;
    struct bn_list queue; /* jobs taken from asked, not begun */
    struct bn_list running;
    size_t running_count;
    size_t body_bytes; /* of all answers that are being read */
    struct bn_fetch_easy *idle;
    struct bn_list idle_order;
    size_t idle_count;
};

/* fetch_call.c: from a job to a transfer, and from its end to an answer. */
BN_MUST_CHECK bool bn_fetch_call_start(struct bn_fetch *fetch, struct bn_fetch_job *job);
void bn_fetch_call_end(struct bn_fetch_call *call, CURLcode code);
void bn_fetch_forget_idle(struct bn_fetch *fetch, size_t keep);

/* fetch_fault.c: what a code of the library means to somebody who runs servers. */
void bn_fetch_explain(struct bn_fetch_call *call, CURLcode code);
