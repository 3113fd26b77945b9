#include <math.h>
#include <stdio.h>
#include <string.h>

#include "live/why_private.h"

#define ADDRESSES_MAX \
    8 /* of one name; who has more is a balancer, and chance finds something there */
#define BAD_MIN      3
#define BAD_SHARE    0.6 /* of the attempts there fail */
#define GOOD_MIN     5
#define GOOD_SHARE   0.2
#define FIRST        3 /* attempts at a new address: they fail from the first on ... */
#define FIRST_FAILED 2 /* ... or the address is not why */
#define CHANCE_MAX   1e-4

struct place {
    char address[48];
    size_t attempts;
    size_t failures;
    size_t first_failures; /* of the first FIRST attempts */
    bool is_bad;
};

struct places {
    struct place all[ADDRESSES_MAX];
    size_t count;
    bool is_crowd;  /* more than are remembered */
    size_t blocks;  /* stretches of attempts at bad addresses, without a good one in between */
    int64_t bad_ms; /* the first attempt at a bad one */
};

static struct place *place_of(struct places *places, const char *address)
{
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->all[i].address, address) == 0)
            return &places->all[i];
    if (places->count == ADDRESSES_MAX) {
        places->is_crowd = true;
        return NULL;
    }
    struct place *place = &places->all[places->count++];
    bn_text_clip(place->address, sizeof place->address, bn_str(address));
    return place;
}

static void count_places(const struct bn_why_ask *ask, struct places *out)
{
    for (size_t i = 0; i < ask->check_count; i++) {
        const bool fails = bn_check_failed(&ask->checks[i]);
        struct place *place = ask->checks[i].address[0] ? place_of(out, ask->checks[i].address)
                                                        : NULL;
        if (!place)
            continue;
        place->first_failures += fails && place->attempts < FIRST;
        place->attempts++;
        place->failures += fails;
    }
    for (size_t i = 0; i < out->count; i++) {
        struct place *place = &out->all[i];
        place->is_bad = place->attempts >= BAD_MIN &&
                        (double)place->failures >= BAD_SHARE * (double)place->attempts;
    }
}

static void count_blocks(const struct bn_why_ask *ask, struct places *places)
{
    bool was_bad = false;
    for (size_t i = 0; i < ask->check_count; i++) {
        if (!ask->checks[i].address[0])
            continue;
        const struct place *place = place_of(places, ask->checks[i].address);
        const bool is_bad = place && place->is_bad;
        places->blocks += is_bad && !was_bad;
        if (is_bad && !places->bad_ms)
            places->bad_ms = ask->checks[i].at;
        was_bad = is_bad;
    }
}

struct sides {
    struct place bad;
    struct place good;
    size_t bad_places;
    bool began_bad; /* each bad one failed from its first attempts on */
};

static struct sides sum_sides(const struct places *places)
{
    struct sides sides = {.began_bad = true};
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->all[i];
        struct place *side = place->is_bad ? &sides.bad : &sides.good;
        /* It is named by where most attempts went. */
        if (place->attempts > side->attempts)
            memcpy(side->address, place->address, sizeof side->address);
        side->attempts += place->attempts;
        side->failures += place->failures;
        sides.bad_places += place->is_bad;
        sides.began_bad &= !place->is_bad || place->first_failures >= FIRST_FAILED;
    }
    return sides;
}

/* Does it go by the address, more than by chance, whichever of them are called bad? */
static bool is_divided(const struct sides *sides, const struct places *places)
{
    const size_t all = sides->bad.attempts + sides->good.attempts;
    return !places->is_crowd && sides->bad_places > 0 && sides->good.attempts >= GOOD_MIN &&
           (double)sides->good.failures <= GOOD_SHARE * (double)sides->good.attempts &&
           bn_hypergeometric_tail(sides->bad.failures, sides->bad.attempts,
                   sides->bad.failures + sides->good.failures,
                   all) * exp2((double)places->count) <
                   CHANCE_MAX;
}

static bool is_v6(const char *address)
{
    return strchr(address, ':') != NULL;
}

static bool is_by_family(const struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (is_v6(places->all[i].address) != places->all[i].is_bad)
            return false;
    return true;
}

/* Of what fails, by how recent it is. */
static double share_of_bad(const struct bn_why_work *work, struct places *places)
{
    double bad = 0;
    double all = 0;
    for (size_t i = 0; i < work->ask->check_count; i++) {
        const struct bn_check *check = &work->ask->checks[i];
        if (!bn_check_failed(check))
            continue;
        const double weight = bn_why_weight(work, check);
        const struct place *place = check->address[0] ? place_of(places, check->address) : NULL;
        all += weight;
        bad += place && place->is_bad ? weight : 0;
    }
    return all > 0 ? bad / all : 0;
}

static void say(const struct bn_why_work *work, const struct sides *sides, const char *kind,
        struct bn_why_finding *finding)
{
    char ago[BN_WORDS_SIZE];
    const char *bad = sides->bad.address;
    const char *good = sides->good.address;
    bn_while_words(work->ask->now_ms - work->episodes[work->episode_count - 1].to_ms, ago);
    if (strcmp(kind, "ipv6") == 0) {
        snprintf(finding->title, sizeof finding->title,
                "IPv6 fails, IPv4 works: %s does not answer, %s does", bad, good);
        snprintf(finding->verdict, sizeof finding->verdict,
                "likely IPv6 on the way, or an old AAAA record of its name");
    } else if (strcmp(kind, "dns_changed") == 0) {
        snprintf(finding->title, sizeof finding->title,
                "The DNS answer changed: its name leads to %s, and %s is what works", bad, good);
        snprintf(finding->verdict, sizeof finding->verdict,
                "likely a wrong or an early DNS change");
    } else {
        snprintf(finding->title, sizeof finding->title, "One of its addresses fails: %s; %s works",
                bad, good);
        snprintf(finding->verdict, sizeof finding->verdict,
                "likely the host at that address, or an old DNS record");
    }
    snprintf(finding->evidence, sizeof finding->evidence,
            "%zu of %zu checks at %s failed, %zu of %zu at %s; last %s ago", sides->bad.failures,
            sides->bad.attempts, bad, sides->good.failures, sides->good.attempts, good, ago);
}

void bn_why_address(struct bn_why_work *work)
{
    struct places places = {.count = 0};
    count_places(work->ask, &places);
    const struct sides sides = sum_sides(&places);
    if (work->is_blip || !is_divided(&sides, &places))
        return;
    count_blocks(work->ask, &places);
    /* Elsewhere once is a change, and what fails later than it is not of it; to and fro it is a
       name with several addresses. */
    if (places.blocks <= 2 && !sides.began_bad)
        return;
    const char *kind = is_by_family(&places) ? "ipv6"
                       : places.blocks <= 2  ? "dns_changed"
                                             : "address";
    struct bn_why_finding *finding = bn_why_find(work, kind, 0.97 * share_of_bad(work, &places),
            true);
    if (finding)
        say(work, &sides, kind, finding);
}

/* --- what it is not -------------------------------------------------------------------------- */

/* NULL: none was seen, or several. */
static const char *only_address(const struct bn_why_ask *ask, bool fails)
{
    const char *found = NULL;
    for (size_t i = 0; i < ask->check_count; i++) {
        const struct bn_check *check = &ask->checks[i];
        if (bn_check_failed(check) != fails || !check->address[0])
            continue;
        if (found && strcmp(found, check->address) != 0)
            return NULL;
        found = check->address;
    }
    return found;
}

bool bn_why_is_same_address(const struct bn_why_work *work, const char **out)
{
    const char *bad = only_address(work->ask, true);
    const char *good = only_address(work->ask, false);
    *out = bad;
    return bad && good && strcmp(bad, good) == 0;
}

/* By both families it fails as much. */
bool bn_why_is_any_family(const struct bn_why_work *work)
{
    size_t failures[2] = {0};
    for (size_t i = 0; i < work->ask->check_count; i++)
        if (bn_check_failed(&work->ask->checks[i]) && work->ask->checks[i].address[0])
            failures[is_v6(work->ask->checks[i].address)]++;
    return failures[0] >= BAD_MIN && failures[1] >= BAD_MIN;
}
