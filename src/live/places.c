#include "live/places.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEY_SIZE (sizeof(((struct bn_server *)0)->host) + 24)

struct holder {
    struct holder *next;
    size_t times;
    char id[BN_ID_MAX];
};

struct bn_place {
    UT_hash_handle hh;
    struct holder *holders; /* one, but for what was kept before places were unique */
    char key[];
};

static size_t put_key(const struct bn_server *server, char out[KEY_SIZE])
{
    const int len = snprintf(out, KEY_SIZE, "%s %lld", server->host, (long long)server->port);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return (size_t)len;
}

static struct bn_place *find(struct bn_place *places, const char *key, size_t len)
{
    struct bn_place *place;
    HASH_FIND(hh, places, key, len, place);
    return place;
}

static void arrive(struct bn_place **places, const struct bn_server *server)
{
    char key[KEY_SIZE];
    const size_t len = put_key(server, key);
    struct bn_place *place = find(*places, key, len);
    if (!place) {
        place = bn_alloc(sizeof *place + len + 1);
        memcpy(place->key, key, len + 1);
        HASH_ADD_KEYPTR(hh, *places, place->key, len, place);
    }
    struct holder *holder = place->holders;
    while (holder && strcmp(holder->id, server->id) != 0)
        holder = holder->next;
    if (!holder) {
        holder = bn_alloc(sizeof *holder);
        memcpy(holder->id, server->id, sizeof holder->id);
        holder->next = place->holders;
        place->holders = holder;
    }
    holder->times++;
}

static void leave(struct bn_place **places, const struct bn_server *server)
{
    char key[KEY_SIZE];
    const size_t len = put_key(server, key);
    struct bn_place *place = find(*places, key, len);
    struct holder **at = place ? &place->holders : NULL;
    while (at && *at && strcmp((*at)->id, server->id) != 0)
        at = &(*at)->next;
    if (!at || !*at || --(*at)->times > 0)
        return;
    struct holder *gone = *at;
    *at = gone->next;
    free(gone);
    if (place->holders)
        return;
    HASH_DELETE(hh, *places, place);
    free(place);
}

void bn_places_move(struct bn_place **places, const struct bn_server *from,
        const struct bn_server *to)
{
    if (from && to && strcmp(from->host, to->host) == 0 && from->port == to->port)
        return;
    if (from)
        leave(places, from);
    if (to)
        arrive(places, to);
}

const char *bn_places_other(struct bn_place *places, const struct bn_server *server)
{
    char key[KEY_SIZE];
    const size_t len = put_key(server, key);
    const struct bn_place *place = find(places, key, len);
    for (const struct holder *it = place ? place->holders : NULL; it; it = it->next)
        if (strcmp(it->id, server->id) != 0)
            return it->id;
    return NULL;
}

void bn_places_finish(struct bn_place **places)
{
    struct bn_place *place;
    struct bn_place *next;
    HASH_ITER(hh, *places, place, next)
    {
        // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
        HASH_DEL(*places, place);
        while (place->holders) {
            struct holder *holder = place->holders;
            place->holders = holder->next;
            free(holder);
        }
        free(place);
    }
}
