#include "web/throttle.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "model/limits.h"

#define SLOTS 1024 /* four entries per chain when full */

const struct bn_throttle_rule bn_throttle_login = {
        .free_tries = BN_LOGIN_TRIES,
        .first_wait_ms = 1000,
        .wait_max_ms = 15 * 60 * 1000,
        .forget_ms = 10 * 60 * 1000,
};
const struct bn_throttle_rule bn_throttle_setup = {
        .free_tries = BN_SETUP_TRIES,
        .first_wait_ms = 60 * 1000,
        .wait_max_ms = 60 * 1000,
        .forget_ms = 60 * 1000,
};

const struct bn_throttle_rule bn_throttle_check = {
        .free_tries = BN_CHECKS_AT_ONCE,
        .first_wait_ms = 60 * 1000 / BN_CHECKS_AT_ONCE,
        .wait_max_ms = 60 * 1000 / BN_CHECKS_AT_ONCE,
        .forget_ms = 60 * 1000 / BN_CHECKS_AT_ONCE,
};

const struct bn_throttle_rule bn_throttle_history = {
        .free_tries = BN_HISTORIES_FREE,
        .first_wait_ms = 1000,
        .wait_max_ms = 1000,
        .forget_ms = 1000,
};

const struct bn_throttle_rule bn_throttle_test = {
        .free_tries = BN_TESTS_AT_ONCE,
        .first_wait_ms = BN_TESTS_EVERY_MS,
        .wait_max_ms = BN_TESTS_EVERY_MS,
        .forget_ms = BN_TESTS_EVERY_MS,
};

const struct bn_throttle_rule bn_throttle_import = {
        .free_tries = BN_IMPORT_TESTS,
        .first_wait_ms = 60 * 1000 / BN_IMPORT_TESTS,
        .wait_max_ms = 60 * 1000 / BN_IMPORT_TESTS,
        .forget_ms = 60 * 1000 / BN_IMPORT_TESTS,
};

struct entry {
    struct entry *next;  /* of the same slot */
    struct bn_list link; /* tried longest ago first */
    uint64_t name;       /* keyed hash: names themselves are not kept */
    int64_t tried_ms;
    int64_t next_ms; /* not before */
    int32_t tries;
    bool was_refused;
};

struct bn_throttle {
    struct bn_throttle_rule rule;
    uint8_t seed[16];
    struct entry *slots[SLOTS];
    struct bn_list order;
    size_t count;
};

struct bn_throttle *bn_throttle_create(const struct bn_throttle_rule *rule)
{
    struct bn_throttle *throttle = bn_alloc(sizeof *throttle);
    throttle->rule = *rule;
    bn_random(throttle->seed, sizeof throttle->seed);
    bn_list_init(&throttle->order);
    return throttle;
}

void bn_throttle_destroy(struct bn_throttle *throttle)
{
    if (!throttle)
        return;
    bn_list_each_safe(it, tmp, &throttle->order)
        free(container_of(it, struct entry, link));
    free(throttle);
}

/* 64 bits of a keyed hash: nobody outside can make two names meet. */
static uint64_t hash_name(const struct bn_throttle *throttle, struct bn_str name)
{
    uint8_t text[16 + 256];
    memcpy(text, throttle->seed, 16);
    const size_t len = BN_MIN(name.len, sizeof text - 16);
    for (size_t i = 0; i < len; i++)
        text[16 + i] = (uint8_t)tolower((unsigned char)name.p[i]);
    uint8_t hash[BN_HASH_SIZE];
    bn_sha256(text, 16 + len, hash);
    uint64_t out;
    memcpy(&out, hash, sizeof out);
    return out;
}

static struct entry *find(struct bn_throttle *throttle, uint64_t name)
{
    struct entry *entry = throttle->slots[name % SLOTS];
    while (entry && entry->name != name)
        entry = entry->next;
    return entry;
}

static void drop(struct bn_throttle *throttle, struct entry *entry)
{
    struct entry **at = &throttle->slots[entry->name % SLOTS];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    bn_list_remove(&entry->link);
    throttle->count--;
    free(entry);
}

static struct entry *add(struct bn_throttle *throttle, uint64_t name)
{
    if (throttle->count == BN_THROTTLE_ENTRIES)
        drop(throttle, container_of(throttle->order.next, struct entry, link));
    struct entry *entry = bn_alloc(sizeof *entry);
    entry->name = name;
    entry->next = throttle->slots[name % SLOTS];
    throttle->slots[name % SLOTS] = entry;
    bn_list_init(&entry->link);
    throttle->count++;
    return entry;
}

/* What stands between the try with that number and the next. */
static int64_t wait_after(const struct bn_throttle_rule *rule, int32_t tries)
{
    if (tries < rule->free_tries)
        return 0;
    int64_t wait_ms = rule->first_wait_ms;
    for (int32_t i = rule->free_tries; i < tries && wait_ms < rule->wait_max_ms; i++)
        wait_ms *= 2;
    return BN_MIN(wait_ms, rule->wait_max_ms);
}

static void forgive(const struct bn_throttle_rule *rule, struct entry *entry, int64_t mono_ms)
{
    const int64_t steps = (mono_ms - entry->tried_ms) / rule->forget_ms;
    entry->tries = steps >= entry->tries ? 0 : entry->tries - (int32_t)steps;
}

struct bn_throttle_answer bn_throttle_try(struct bn_throttle *throttle, struct bn_str name,
        int64_t mono_ms)
{
    const uint64_t hash = hash_name(throttle, name);
    struct entry *entry = find(throttle, hash);
    struct bn_throttle_answer answer = {.may_try = true};
    if (entry && mono_ms < entry->next_ms) {
        answer.may_try = false;
        answer.is_first_refusal = !entry->was_refused;
        answer.wait_ms = entry->next_ms - mono_ms;
        entry->was_refused = true;
    } else {
        if (!entry)
            entry = add(throttle, hash);
        else
            forgive(&throttle->rule, entry, mono_ms);
        entry->tries++;
        entry->tried_ms = mono_ms;
        entry->next_ms = mono_ms + wait_after(&throttle->rule, entry->tries);
        entry->was_refused = false;
    }
    bn_list_remove(&entry->link);
    bn_list_append(&throttle->order, &entry->link);
    return answer;
}

void bn_throttle_forget(struct bn_throttle *throttle, struct bn_str name)
{
    struct entry *entry = find(throttle, hash_name(throttle, name));
    if (entry)
        drop(throttle, entry);
}

void bn_throttle_refund(struct bn_throttle *throttle, struct bn_str name)
{
    struct entry *entry = find(throttle, hash_name(throttle, name));
    if (!entry || entry->tries == 0)
        return;
    entry->tries--;
    entry->next_ms = entry->tried_ms + wait_after(&throttle->rule, entry->tries);
}

int64_t bn_throttle_wait_s(int64_t wait_ms)
{
    return wait_ms <= 1000 ? 1 : (wait_ms + 999) / 1000;
}

void bn_throttle_wait_text(int64_t wait_ms, char out[BN_WAIT_TEXT_SIZE])
{
    const int64_t wait_s = bn_throttle_wait_s(wait_ms);
    if (wait_s < 120)
        snprintf(out, BN_WAIT_TEXT_SIZE, "%d s", (int)wait_s);
    else
        snprintf(out, BN_WAIT_TEXT_SIZE, "%d min", (int)((wait_s + 59) / 60));
}
