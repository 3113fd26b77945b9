/*
 * http_answer: HTTP/1.1 answers in, heads and body pieces out; bounded, and knowing no socket.
 *
 * The other end of wire/http, with the same events and the same promise: same bytes, same events,
 * whatever the cuts.
 *
 *     bn_http_answer_init(&answer); bn_http_answer_expect_head(&answer) if HEAD was asked
 *     size_t used = bn_http_answer_parse(&answer, p, len, &event);
 *
 * Feed bytes as they come until MORE; after HEAD and BODY call again even when no bytes are left
 * (len 0), for that call may say DONE. When the connection ended, ask bn_http_answer_end(). After
 * DONE bn_http_answer_next() makes ready for the next answer; bytes not used are untouched, so
 * those after a 101 are the other protocol's. After BAD the connection is beyond repair.
 *
 * RFC 9112, refusing what two readers could understand differently: both Content-Length and
 * Transfer-Encoding, differing lengths, any coding but "chunked", HTTP/1.0 with one, blanks before
 * ':', lines of blanks, control bytes in fields. Forgiven, because one reading alone is possible:
 *   - lines ended by LF alone (section 2.2 allows it, and what asked servers before did), when all
 *     of the head are: a single one among CR LF is what a LF smuggled into a value looks like;
 *   - equal lengths said twice (section 6.3) and fields folded over lines (section 5.2: joined);
 *   - a status line without the blank before its reason (section 4), and control bytes in the
 *     reason: it decides nothing, and Proxmox VE puts there what some program of its said. Each is
 *     shown as a blank (section 2.2).
 * 1xx answers are passed over (RFC 9110 section 15.2) but for 101.
 */
#pragma once

#include "wire/http.h"

#define BN_HTTP_ANSWER_HEAD_BYTES_MAX (32 << 10) /* PVE-API 13.12; theirs have about 300 bytes */
#define BN_HTTP_ANSWER_FIELDS_MAX     100        /* pveproxy sends 8, a proxy before it some more */
#define BN_HTTP_ANSWER_INTERIM_MAX    8          /* 1xx before the answer: nobody sends two */

/* Its views hold no NUL; none of them is UTF-8 by promise. */
struct bn_http_answer_head {
    int status;           /* 100..999; what is beyond 599 is the caller's to treat as 5xx */
    struct bn_str reason; /* trimmed; "" is common */
    bool minor_0;         /* HTTP/1.0 */
    bool keep_alive;      /* the connection may be asked again after DONE */
    int64_t body_bytes;   /* 0 for none, -1 for chunked, -2: until the connection ends */
    size_t field_count;
    struct bn_http_field fields[]; /* as many as were sent */
};

struct bn_http_answer {
    struct bn_http_answer_head *head; /* from HEAD to next(), with all it shows; NULL otherwise */
    struct bn_str body;               /* on BODY, inside the bytes just fed */
    struct bn_err err; /* on BAD: invalid or too_big by what was sent, upstream: ended too early */
    /* private; an idle parser is these 336 bytes and nothing on the heap */
    uint16_t line_len;
    uint8_t line_count;
    uint8_t state;
    uint8_t interim_count;
    uint8_t line_end;
    bool is_after_cr;
    bool is_for_head;
    struct bn_buf raw;
    struct bn_http_body rest;
};

void bn_http_answer_init(struct bn_http_answer *answer);
void bn_http_answer_finish(struct bn_http_answer *answer);
/* Ready for the next answer, of a request that was not HEAD; releases the memory of the head. */
void bn_http_answer_next(struct bn_http_answer *answer);
/* The request was HEAD: whatever the head announces, no body follows (RFC 9112 section 6.3). */
void bn_http_answer_expect_head(struct bn_http_answer *answer);

size_t bn_http_answer_parse(struct bn_http_answer *answer, const char *p, size_t len,
        enum bn_http_event *out_event);
/* The connection ended, after all its bytes were parsed. DONE when the answer was whole or had the
   connection's end for its own, else BAD: "closed without an answer", ... */
enum bn_http_event bn_http_answer_end(struct bn_http_answer *answer);
/* True between the first byte of an answer and its DONE. */
bool bn_http_answer_is_busy(const struct bn_http_answer *answer);

/* The first field of that name, or a str with p NULL. */
struct bn_str bn_http_answer_find(const struct bn_http_answer_head *head, const char *name);
/* True when a comma-separated field lists the token (case-insensitive), over all fields of that
 * name. */
bool bn_http_answer_lists(const struct bn_http_answer_head *head, const char *name,
        const char *token);
