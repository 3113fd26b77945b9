/*
 * resolve: host names looked up by the system's resolver, on threads nobody waits for.
 *
 * getaddrinfo(3) hangs as long as a name server does, and libuv's pool would be waited for at the
 * end of the program. What was found counts for a minute; a name that is being looked up is not
 * looked up a second time. Loop thread only.
 */
#pragma once

#include "base/addr.h"

#include "io/loop.h"

#define BN_RESOLVE_MAX 8 /* addresses of one name; the rest is not tried */

/* In the order in which they should be tried (RFC 6724). */
struct bn_addresses {
    struct bn_addr items[BN_RESOLVE_MAX];
    size_t count; /* 0: the resolver knows none */
};

struct bn_resolver;

/* A question under way; the asker's memory. */
struct bn_resolve_ask {
    struct bn_list link; /* private */
    void (*done)(struct bn_resolve_ask *ask, const struct bn_addresses *found);
};

BN_MUST_CHECK bool bn_resolver_create(struct bn_loop *loop, struct bn_resolver **out,
        struct bn_err *err);
/* Nothing may be under way. Returns at once; threads that hang free what they hold. NULL is fine.
 */
void bn_resolver_destroy(struct bn_resolver *resolver);

/* True: *out is written, the name is known from before. False: done() will be called, on the loop.
   is_fresh: what is known does not count. */
BN_MUST_CHECK bool bn_resolve(struct bn_resolver *resolver, const char *name, bool is_fresh,
        struct bn_resolve_ask *ask, struct bn_addresses *out);
void bn_resolve_cancel(struct bn_resolve_ask *ask); /* done() is not called; fine when it was */
