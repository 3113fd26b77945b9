/*
 * route: one table of everything that can be asked; method, path, right, handler, and its
 * description.
 *
 * /openapi.json, the authorisation test and docs are made from the same rows.
 */
#pragma once

#include "hub/hub.h"
#include "io/worker.h"
#include "model/doc.h"
#include "web/session.h"
#include "wire/http.h"

struct bn_web;
struct bn_web_config;
struct bn_route;

/* One request, from its head to its answer. Lives in its connection; memory in arena. */
struct bn_request {
    struct bn_web *web;
    uint64_t ticket; /* names it for late answers; never used again */
    const struct bn_route *route;
    const struct bn_http_head *head;
    struct bn_who who;       /* who asks; kind NOBODY on open routes */
    const char *address;     /* of the client, trusted proxies considered */
    bool is_secure;          /* came over TLS, or a trusted proxy says so */
    struct bn_str params[4]; /* the {names} of the route's path, in order, decoded */
    struct bn_http_param query[BN_HTTP_PARAMS_MAX];
    size_t query_count;
    struct bn_str body; /* whole; at most the route's body_max */
    struct bn_arena *arena;
    char id[12]; /* request_id of errors and logs */
};

typedef void (*bn_handler)(struct bn_request *req);

struct bn_route {
    const char *method;
    const char *path; /* "/api/v1/keys/{id}" */
    enum bn_right right;
    bn_handler handler;
    size_t body_max;                    /* 0: a body is refused */
    const char *summary;                /* one sentence for openapi.json */
    const struct bn_record_type *takes; /* request body, or NULL */
    const struct bn_record_type *gives; /* answer, or NULL */
    const char *json_schema;            /* of a body no record describes, or NULL */
    const char *body_type; /* of the request, or several: "a/b, c/d"; NULL: application/json; "*":
                              any, and none */
    const char *const *query; /* for openapi.json, as for bn_query_only; NULL: none */
    bool judges_origin;       /* right NONE: the handler says which pages may ask */
};

/* Unknown parameters are refused by name, and repeated ones, for which of two values counts is a
   guess; a name written "*topic" may come several times. */
BN_MUST_CHECK bool bn_query_only(const struct bn_request *req, const char *const *names,
        struct bn_err *err);
/* One value of a query parameter, the first; `or` when absent. */
struct bn_str bn_query(const struct bn_request *req, const char *name, const char * or);

/* Exactly one of these ends a request. Loop thread. */
void bn_reply(struct bn_request *req, int status, const char *type, struct bn_str body);
void bn_reply_json(struct bn_request *req, int status,
        const struct bn_buf *body); /* failed buf: internal */
void bn_reply_empty(struct bn_request *req, int status);
void bn_reply_err(struct bn_request *req, const struct bn_err *err);
/* The same with what to do about it, "" for nothing: somebody else's server refused, which is no
   line in our log and no denial of ours. */
void bn_reply_refusal(struct bn_request *req, const struct bn_err *err, const char *hint);
/* A header for the answer, before one of the above: Set-Cookie, Retry-After, ETag. */
void bn_reply_field(struct bn_request *req, const char *name, const char *value);

/* The request with that ticket, or NULL when its client has left meanwhile: every late answer asks.
 */
struct bn_request *bn_request_find(struct bn_web *web, uint64_t ticket);

/* What handlers work with. */
struct bn_hub *bn_web_hub(struct bn_web *web);
struct bn_sessions *bn_web_sessions(struct bn_web *web);
struct bn_worker *bn_web_hash_worker(struct bn_web *web);  /* argon2: 2 at once, 16 waiting */
struct bn_worker *bn_web_query_worker(struct bn_web *web); /* history: 2 at once, 64 waiting */
const struct bn_clock *bn_web_clock(struct bn_web *web);
const struct bn_web_config *bn_web_parts(struct bn_web *web); /* web/server.h */
