#include "io/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#define AT_ONCE_MAX 32   /* threads: as many name servers may hang before others wait for them */
#define NAMES_MAX   4096 /* remembered: two for each server of the largest fleet */
#define KEEP_MS     60000
#define STACK_BYTES (512 << 10) /* modules of the system's resolver run on it */

/* What a thread and the resolver share; freed by the last. */
struct shared {
    pthread_mutex_t lock;
    size_t refs;
    uv_async_t *came; /* NULL: the resolver is gone */
    struct bn_list answers;
};

struct job {
    struct bn_list link;
    struct shared *shared;
    struct bn_addresses found;
    char text[];
};

struct name {
    UT_hash_handle hh;
    struct bn_list queue; /* while it waits for a thread */
    struct bn_list asks;
    bool is_asked; /* somebody waits for it */
    int64_t until_mono_ms;
    struct bn_addresses found;
    char text[];
};

struct bn_resolver {
    struct bn_loop *loop;
    struct shared *shared;
    uv_async_t came;
    struct name *names;
    struct bn_list queue;
    size_t running;
};

/* --- a thread -------------------------------------------------------------------------------- */

/* With the lock held; gives it up. */
static void unlock_and_leave(struct shared *shared)
{
    const bool is_last = --shared->refs == 0;
    pthread_mutex_unlock(&shared->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

static bool read_address(const struct sockaddr *from, struct bn_addr *out)
{
    static const uint8_t v4[12] = {[10] = 0xFF, [11] = 0xFF};
    struct sockaddr_in6 in6;
    struct sockaddr_in in;
    if (from->sa_family == AF_INET6) {
        memcpy(&in6, from, sizeof in6);
        memcpy(out->bytes, &in6.sin6_addr, sizeof out->bytes);
        return true;
    }
    if (from->sa_family != AF_INET)
        return false;
    memcpy(&in, from, sizeof in);
    memcpy(out->bytes, v4, sizeof v4);
    memcpy(out->bytes + sizeof v4, &in.sin_addr, sizeof in.sin_addr);
    return true;
}

static void look_up(struct job *job)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct bn_addresses *found = &job->found;
    if (getaddrinfo(job->text, NULL, &hints, &list) != 0)
        return;
    for (struct addrinfo *it = list; it && found->count < BN_RESOLVE_MAX; it = it->ai_next)
        found->count += read_address(it->ai_addr, &found->items[found->count]);
    freeaddrinfo(list);
}

static void *thread_main(void *arg)
{
    struct job *job = arg;
    struct shared *shared = job->shared;
    look_up(job);
    pthread_mutex_lock(&shared->lock);
    if (shared->came) {
        bn_list_append(&shared->answers, &job->link);
        uv_async_send(shared->came);
    } else
        free(job);
    unlock_and_leave(shared);
    return NULL;
}

/* Signals are the loop's: this thread takes none. */
static bool start_thread(struct job *job)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    const bool is_started = pthread_create(&thread, &attr, thread_main, job) == 0;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

/* --- the resolver ---------------------------------------------------------------------------- */

static void forget(struct bn_resolver *resolver, struct name *name)
{
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(resolver->names, name);
    bn_list_remove(&name->queue);
    free(name);
}

/* Who asks in done() is told at once, or asks anew. */
static void tell(struct name *name)
{
    struct bn_list asks;
    bn_list_init(&asks);
    bn_list_each_safe(it, tmp, &name->asks) {
        bn_list_remove(it);
        bn_list_append(&asks, it);
    }
    const struct bn_addresses found = name->found;
    while (!bn_list_is_empty(&asks)) {
        struct bn_resolve_ask *ask = container_of(asks.next, struct bn_resolve_ask, link);
        bn_list_remove(&ask->link);
        ask->done(ask, &found);
    }
}

static void learn(struct bn_resolver *resolver, struct name *name, const struct bn_addresses *found)
{
    name->is_asked = false;
    name->found = *found;
    name->until_mono_ms = bn_loop_clock(resolver->loop)->mono_ms + (found->count ? KEEP_MS : 0);
    tell(name);
}

static struct name *find(struct bn_resolver *resolver, const char *text)
{
    struct name *name = NULL;
    HASH_FIND_STR(resolver->names, text, name);
    return name;
}

static bool begin(struct bn_resolver *resolver, struct name *name)
{
    const size_t size = strlen(name->text) + 1;
    struct job *job = bn_alloc(sizeof *job + size);
    job->shared = resolver->shared;
    job->found.count = 0;
    bn_list_init(&job->link);
    memcpy(job->text, name->text, size);
    pthread_mutex_lock(&resolver->shared->lock);
    resolver->shared->refs++;
    pthread_mutex_unlock(&resolver->shared->lock);
    resolver->running++;
    if (start_thread(job))
        return true;
    resolver->running--;
    free(job);
    pthread_mutex_lock(&resolver->shared->lock);
    resolver->shared->refs--; /* not the last: ours */
    pthread_mutex_unlock(&resolver->shared->lock);
    return false;
}

/* Without a thread the name stays in the queue, for the next that is free; when none runs at all
   there would be no next, and what is asked is answered with nothing. */
static void begin_more(struct bn_resolver *resolver)
{
    static const struct bn_addresses none = {.count = 0};
    while (resolver->running < AT_ONCE_MAX && !bn_list_is_empty(&resolver->queue)) {
        struct name *name = container_of(resolver->queue.next, struct name, queue);
        if (bn_list_is_empty(&name->asks)) {
            forget(resolver, name); /* nobody waits any more */
            continue;
        }
        if (begin(resolver, name)) {
            bn_list_remove(&name->queue);
            continue;
        }
        if (resolver->running > 0)
            return;
        bn_list_remove(&name->queue);
        learn(resolver, name, &none);
    }
}

static void on_came(uv_async_t *handle)
{
    struct bn_resolver *resolver = container_of(handle, struct bn_resolver, came);
    struct bn_list mine;
    bn_loop_note_time(handle->loop);
    bn_list_init(&mine);
    pthread_mutex_lock(&resolver->shared->lock);
    bn_list_each_safe(it, tmp, &resolver->shared->answers) {
        bn_list_remove(it);
        bn_list_append(&mine, it);
    }
    pthread_mutex_unlock(&resolver->shared->lock);
    bn_list_each_safe(it, tmp, &mine) {
        struct job *job = container_of(it, struct job, link);
        bn_list_remove(it);
        resolver->running--;
        struct name *name = find(resolver, job->text);
        if (name)
            learn(resolver, name, &job->found);
        free(job);
    }
    begin_more(resolver);
}

bool bn_resolver_create(struct bn_loop *loop, struct bn_resolver **out, struct bn_err *err)
{
    struct bn_resolver *resolver = bn_alloc(sizeof *resolver);
    *resolver = (struct bn_resolver){.loop = loop};
    if (uv_async_init(bn_loop_uv(loop), &resolver->came, on_came) != 0) {
        free(resolver);
        return bn_fail(err, BN_E_INTERNAL, "cannot prepare for looking up names");
    }
    bn_list_init(&resolver->queue);
    resolver->shared = bn_alloc(sizeof *resolver->shared);
    *resolver->shared = (struct shared){.refs = 1, .came = &resolver->came};
    pthread_mutex_init(&resolver->shared->lock, NULL);
    bn_list_init(&resolver->shared->answers);
    *out = resolver;
    return true;
}

static void free_resolver(uv_handle_t *handle)
{
    free(container_of((uv_async_t *)handle, struct bn_resolver, came));
}

static void forget_all(struct bn_resolver *resolver)
{
    struct name *name = NULL;
    struct name *next = NULL;
    HASH_ITER(hh, resolver->names, name, next)
    if (!name->is_asked)
        forget(resolver, name);
}

void bn_resolver_destroy(struct bn_resolver *resolver)
{
    struct name *name = NULL;
    struct name *next = NULL;
    if (!resolver)
        return;
    struct shared *shared = resolver->shared;
    pthread_mutex_lock(&shared->lock);
    shared->came = NULL;
    bn_list_each_safe(it, tmp, &shared->answers) {
        bn_list_remove(it);
        free(container_of(it, struct job, link));
    }
    unlock_and_leave(shared);
    HASH_ITER(hh, resolver->names, name, next)
    {
        forget(resolver, name);
    }
    uv_close((uv_handle_t *)&resolver->came, free_resolver);
}

static struct name *add(struct bn_resolver *resolver, const char *text)
{
    const size_t size = strlen(text) + 1;
    if (HASH_COUNT(resolver->names) >= NAMES_MAX)
        forget_all(resolver);
    struct name *name = bn_alloc(sizeof *name + size);
    *name = (struct name){.until_mono_ms = 0};
    bn_list_init(&name->queue);
    bn_list_init(&name->asks);
    memcpy(name->text, text, size);
    HASH_ADD_STR(resolver->names, text, name); // NOLINT(clang-analyzer-*): as in forget()
    return name;
}

bool bn_resolve(struct bn_resolver *resolver, const char *text, bool is_fresh,
        struct bn_resolve_ask *ask, struct bn_addresses *out)
{
    struct name *name = find(resolver, text);
    bn_list_init(&ask->link);
    if (name && !is_fresh && bn_loop_clock(resolver->loop)->mono_ms < name->until_mono_ms) {
        *out = name->found;
        return true;
    }
    if (!name)
        name = add(resolver, text);
    bn_list_append(&name->asks, &ask->link);
    if (name->is_asked)
        return false;
    name->is_asked = true;
    bn_list_append(&resolver->queue, &name->queue);
    uv_async_send(&resolver->came); /* begins with the next turn: done() never runs in here */
    return false;
}

void bn_resolve_cancel(struct bn_resolve_ask *ask)
{
    bn_list_remove(&ask->link);
}
