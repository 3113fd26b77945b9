/* Looking names up: what the system's resolver says is the test's, and it can hang. */
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "bn_test.h"
#include "io/resolve.h"

#define MADE_UP __attribute__((visibility("default")))

static atomic_int lookups;
static atomic_bool hangs;
static bool has_no_thread;

static struct addrinfo *add_v4(struct addrinfo *next, const char *text)
{
    struct addrinfo *info = bn_alloc(sizeof *info + sizeof(struct sockaddr_in));
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct bn_addr addr;
    CHECK(bn_addr_parse(bn_str(text), &addr));
    memcpy(&in.sin_addr, addr.bytes + 12, 4);
    info->ai_addr = (struct sockaddr *)(void *)(info + 1);
    memcpy(info->ai_addr, &in, sizeof in);
    info->ai_next = next;
    return info;
}

static struct addrinfo *add_v6(struct addrinfo *next, const char *text)
{
    struct addrinfo *info = bn_alloc(sizeof *info + sizeof(struct sockaddr_in6));
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct bn_addr addr;
    CHECK(bn_addr_parse(bn_str(text), &addr));
    memcpy(&in6.sin6_addr, addr.bytes, 16);
    info->ai_addr = (struct sockaddr *)(void *)(info + 1);
    memcpy(info->ai_addr, &in6, sizeof in6);
    info->ai_next = next;
    return info;
}

MADE_UP int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
        struct addrinfo **out)
{
    (void)service;
    (void)hints;
    lookups++;
    while (hangs)
        sched_yield();
    *out = NULL;
    if (strcmp(name, "nowhere") == 0)
        return EAI_NONAME;
    if (strcmp(name, "crowd") == 0) {
        for (int i = 0; i < 12; i++)
            *out = add_v4(*out, "192.0.2.1");
        return 0;
    }
    *out = add_v4(NULL, "192.0.2.7");
    (*out)->ai_next = add_v6(NULL, "2001:db8::7");
    struct addrinfo *other = add_v4(*out, "192.0.2.9");
    other->ai_addr->sa_family = AF_UNIX; /* what is no IP address is passed over */
    *out = other;
    return 0;
}

MADE_UP void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

MADE_UP int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size)
{
    int (*real)(pthread_attr_t *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
    return real(attr, has_no_thread ? (size_t)1 << 46 : size); /* more than there is memory */
}

struct asked {
    struct bn_resolve_ask ask;
    struct bn_addresses found;
    int done;
};

struct scene {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_resolver *resolver;
};

static void on_done(struct bn_resolve_ask *ask, const struct bn_addresses *found)
{
    struct asked *asked = container_of(ask, struct asked, ask);
    asked->found = *found;
    asked->done++;
}

static void start(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    lookups = 0;
    hangs = false;
    CHECK(bn_loop_create(&scene->loop, &scene->clock, NULL));
    CHECK(bn_resolver_create(scene->loop, &scene->resolver, NULL));
}

static void stop(struct scene *scene)
{
    bn_resolver_destroy(scene->resolver);
    bn_loop_destroy(scene->loop);
}

static bool begin(struct scene *scene, struct asked *asked, const char *name, bool is_fresh)
{
    *asked = (struct asked){.ask = {.done = on_done}};
    return bn_resolve(scene->resolver, name, is_fresh, &asked->ask, &asked->found);
}

static void wait_for(struct scene *scene, const struct asked *asked)
{
    const int64_t until = scene->clock.mono_ms + 20000;
    while (!asked->done && scene->clock.mono_ms < until)
        bn_loop_round(scene->loop, 10, NULL, NULL);
    CHECK_INT(asked->done, 1);
}

BN_TEST(a_name_is_looked_up_once_and_known_for_a_minute)
{
    struct scene scene;
    struct asked asked;
    struct asked other;
    char text[BN_ADDR_TEXT_SIZE];
    start(&scene);
    CHECK(!begin(&scene, &asked, "somewhere", false));
    CHECK(!begin(&scene, &other, "somewhere", false));
    CHECK_INT(asked.done, 0);
    wait_for(&scene, &asked);
    wait_for(&scene, &other);
    CHECK_INT(lookups, 1);
    CHECK_INT(asked.found.count, 2);
    bn_addr_text(&asked.found.items[0], text);
    CHECK_STR(text, "192.0.2.7");
    bn_addr_text(&other.found.items[1], text);
    CHECK_STR(text, "2001:db8::7");

    CHECK(begin(&scene, &asked, "somewhere", false));
    CHECK_INT(asked.found.count, 2);
    CHECK(!begin(&scene, &asked, "somewhere", true)); /* who measures asks anew */
    wait_for(&scene, &asked);
    CHECK_INT(lookups, 2);
    scene.clock.mono_ms += 59000;
    CHECK(begin(&scene, &asked, "somewhere", false));
    scene.clock.mono_ms += 2000;
    CHECK(!begin(&scene, &asked, "somewhere", false));
    bn_loop_round(scene.loop, 0, NULL, NULL); /* reads the clock again */
    wait_for(&scene, &asked);
    CHECK_INT(lookups, 3);
    stop(&scene);
}

BN_TEST(what_is_not_known_is_asked_again_and_what_is_too_much_is_left)
{
    struct scene scene;
    struct asked asked;
    start(&scene);
    for (int i = 1; i <= 2; i++) {
        CHECK(!begin(&scene, &asked, "nowhere", false));
        wait_for(&scene, &asked);
        CHECK_INT(asked.found.count, 0);
        CHECK_INT(lookups, i);
    }
    CHECK(!begin(&scene, &asked, "crowd", false));
    wait_for(&scene, &asked);
    CHECK_INT(asked.found.count, BN_RESOLVE_MAX);
    stop(&scene);
}

BN_TEST(a_resolver_that_hangs_holds_up_nobody_not_even_the_end)
{
    static struct asked asked[40];
    struct scene scene;
    char name[16];
    start(&scene);
    hangs = true;
    for (size_t i = 0; i < COUNT(asked); i++) {
        snprintf(name, sizeof name, "n%zu", i);
        CHECK(!begin(&scene, &asked[i], name, false));
    }
    const int64_t until = scene.clock.mono_ms + 20000;
    while (lookups < 32 && scene.clock.mono_ms < until)
        bn_loop_round(scene.loop, 10, NULL, NULL);
    CHECK_INT(lookups, 32); /* at once; the others wait for a thread */
    for (size_t i = 0; i < COUNT(asked); i++) {
        if (i != 35)
            bn_resolve_cancel(&asked[i].ask);
        CHECK_INT(asked[i].done, 0);
    }
    hangs = false;
    wait_for(&scene, &asked[35]);
    CHECK_INT(lookups, 33); /* those nobody waits for any more are not looked up */
    CHECK_INT(asked[0].done, 0);

    hangs = true;
    CHECK(!begin(&scene, &asked[0], "last", false));
    while (lookups < 34 && scene.clock.mono_ms < until)
        bn_loop_round(scene.loop, 10, NULL, NULL);
    bn_resolve_cancel(&asked[0].ask);
    stop(&scene); /* at once */
    hangs = false;
}

BN_TEST(names_nobody_asks_for_make_room)
{
    struct scene scene;
    struct asked asked;
    char name[16];
    start(&scene);
    for (int i = 0; i < 4100; i++) {
        snprintf(name, sizeof name, "n%d", i);
        CHECK(!begin(&scene, &asked, name, false));
        wait_for(&scene, &asked);
    }
    CHECK(!begin(&scene, &asked, "n1", false)); /* forgotten */
    wait_for(&scene, &asked);
    CHECK(begin(&scene, &asked, "n4099", false)); /* not forgotten */
    stop(&scene);
}

BN_TEST(without_a_thread_nothing_is_found)
{
    struct scene scene;
    struct asked asked;
    start(&scene);
    has_no_thread = true;
    CHECK(!begin(&scene, &asked, "somewhere", false));
    wait_for(&scene, &asked);
    CHECK_INT(asked.found.count, 0);
    CHECK_INT(lookups, 0);
    has_no_thread = false;
    stop(&scene);
}

BN_TEST_MAIN()
