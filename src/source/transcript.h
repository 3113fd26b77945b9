/*
 * transcript: what a command wrote, as text that can be shown, in pieces; its head and its tail are
 * kept, and what was between them is known by the offsets.
 *
 * Escape sequences of terminals are left out, ends of lines become LF, other control characters are
 * spelled as \x1b, and what is no UTF-8 is U+FFFD. The same bytes give the same text however they
 * are cut. Pure: no clock, no socket.
 */
#pragma once

#include "base/base.h"

#include "model/work.h"

struct bn_transcript_piece {
    struct bn_list link;
    int64_t at;    /* offset of its first byte as it came */
    int64_t bytes; /* as they came */
    bool is_head;  /* it stays, whatever comes */
    size_t len;
    char text[]; /* with a NUL */
};

struct bn_transcript {
    struct bn_list pieces; /* oldest first */
    int64_t bytes;         /* that have come, all told */
    /* A piece that is complete; it may be gone after the next call. NULL is fine. */
    void (*told)(void *user, const struct bn_transcript_piece *piece);
    void *user;
    /* private */
    int64_t head_max, tail_max;
    int64_t head_len, tail_len; /* bytes of text, each with what a piece costs */
    size_t head_count, tail_count;
    bool is_head_over;
    int state;
    uint8_t partial[4]; /* of a UTF-8 sequence */
    size_t partial_len;
    int64_t from;  /* offset of what is being gathered */
    int64_t until; /* and its end */
    size_t len;
    char text[sizeof(((struct bn_piece *)0)->text)];
};

void bn_transcript_init(struct bn_transcript *transcript, int64_t head_max, int64_t tail_max);
void bn_transcript_finish(struct bn_transcript *transcript);
void bn_transcript_feed(struct bn_transcript *transcript, const char *p, size_t len);
/* What was gathered becomes a piece now; half a character waits for its rest, unless nothing comes
   any more. */
void bn_transcript_flush(struct bn_transcript *transcript, bool is_over);
/* Has something come since the last piece? */
bool bn_transcript_is_gathering(const struct bn_transcript *transcript);
/* Bytes that came and stand in no piece: cut between head and tail. */
int64_t bn_transcript_lost(const struct bn_transcript *transcript);
/* The last n bytes of text, for looking at what was said; out gets a NUL. */
void bn_transcript_last(const struct bn_transcript *transcript, char *out, size_t size);
