/*
 * sio_json: JSON inside Socket.IO packets, checked and walked where it lies; nothing is built.
 *
 * RFC 8259 to the letter, UTF-8, and never deeper than BN_SIO_DEPTH_MAX, because whoever handles it
 * may walk it by calling itself. Objects that stand for an attachment, {"_placeholder":true,
 * "num":0}, are found on the way.
 */
#pragma once

#include "base/text.h"

#define BN_SIO_DEPTH_MAX 64 /* a known server died of a text nested deeper than its stack */
#define BN_SIO_MARKS_MAX 10 /* places where attachments stand: as many as a packet may have */

/* Where an attachment stands. */
struct bn_sio_mark {
    size_t at; /* in the text */
    size_t len;
    uint32_t num;
};

struct bn_sio_marks {
    size_t count;
    struct bn_sio_mark list[BN_SIO_MARKS_MAX];
    bool has_bad; /* one without a proper number, or too many of them */
};

/* The length of the value the text begins with; blanks before it count, blanks after it do not.
   0: there is none. out_marks may be NULL; its places are counted from text.p, the outer one of two
   that hold each other, in the order of the text. */
size_t bn_sio_json_value(struct bn_str text, struct bn_sio_marks *out_marks);
/* Is the text one value and nothing else? */
bool bn_sio_json_is_whole(struct bn_str text, struct bn_sio_marks *out_marks);
/* The first byte that is no blank: '[', '{', '"', 't', … of a value. '\0': there is none. */
char bn_sio_json_kind(struct bn_str value);
/* Cuts the next item off the inside of a list that was checked: begin with bn_sio_json_inside(),
   false after the last. */
struct bn_str bn_sio_json_inside(struct bn_str list);
bool bn_sio_json_item(struct bn_str *rest, struct bn_str *out_item);
/* Decodes a string that was checked, with a NUL. False: it is no string, it has a NUL or half a
   surrogate inside, or it does not fit. */
BN_MUST_CHECK bool bn_sio_json_text(struct bn_str value, char *out, size_t size);
/* The value of a member of an object that was checked, the last of that name; p NULL when there is
   none. */
struct bn_str bn_sio_json_member(struct bn_str object, const char *name);
