/*
 * outbox: what waits to be sent, as parts of shared blocks, oldest first, counted in bytes.
 *
 * All zeros is an empty one. An empty one owns no memory.
 */
#pragma once

#include <sys/uio.h>

#include "base/bytes.h"

struct bn_outbox {
    size_t bytes; /* all that waits */
    struct bn_outbox_part *parts;
    uint32_t head; /* the oldest part */
    uint32_t count;
    uint32_t room;
};

/* Takes a reference of its own. Nothing is put when len is 0. */
void bn_outbox_put(struct bn_outbox *outbox, struct bn_bytes *bytes, size_t offset, size_t len);
/* n bytes from the front are sent, or n is all that waits: their blocks are let go. */
void bn_outbox_took(struct bn_outbox *outbox, size_t n);
/* Shows the oldest parts to writev; how many, at most max. */
int bn_outbox_show(const struct bn_outbox *outbox, struct iovec *iov, int max);
/* The oldest bytes in one piece of at most size: as they lie when they are one part, else copied
   into scratch. */
struct iovec bn_outbox_join(const struct bn_outbox *outbox, char *scratch, size_t size);
