/*
 * conformance_recovery: connections of the conformance server that are taken up where they broke
 * off.
 *
 * With --recovery every event bears its position in a log as a last argument. Who comes back with
 * the secret of its connection and a position that is still in the log is told what it missed, and
 * has its id and its rooms again. Off by default, as the public suite wants it.
 */
#pragma once

#include "base/secret.h"

#include "conformance.h"

#define ROOM_MAX       64
#define ROOMS_MAX      32
#define RECOVERY_MS    120000
#define LOG_BYTES_MAX  (64 << 20)
#define BROKEN_MAX     10000
#define MISSED_RESERVE 32 /* of an offset as an argument */

/* What belongs to a connection and outlives it. */
struct footing {
    char nsp[64];
    char sid[BN_EIO_SID_SIZE];
    char pid[BN_EIO_SID_SIZE];
    char rooms[ROOMS_MAX][ROOM_MAX];
    size_t room_count;
};

/* One that broke off. */
struct broken {
    struct bn_list link;
    int64_t at_mono_ms;
    struct footing footing;
};

/* An event that was told: to one connection, or to a room. */
struct logged {
    struct bn_list link;
    int64_t at_mono_ms;
    uint64_t offset;
    char nsp[64];
    char to[ROOM_MAX]; /* a room, or an id */
    bool is_room;
    struct bn_bytes *text;
    size_t attachment_count;
    struct bn_bytes *attachments[BN_SIO_ATTACHMENTS_MAX];
};

struct recovery {
    bool is_on;
    const struct bn_clock *clock;
    struct bn_list log;
    struct bn_list broken;
    size_t log_bytes;
    size_t broken_count;
    uint64_t next_offset;
};

static size_t find_room(const struct footing *footing, const char *room)
{
    size_t i = 0;
    while (i < footing->room_count && strcmp(footing->rooms[i], room) != 0)
        i++;
    return i;
}

static bool is_in(const struct footing *footing, const char *room)
{
    return find_room(footing, room) < footing->room_count;
}

/* --- the log ---------------------------------------------------------------------------------- */

static void forget_logged(struct recovery *recovery, struct logged *logged)
{
    recovery->log_bytes -= logged->text->len;
    bn_bytes_unref(logged->text);
    for (size_t i = 0; i < logged->attachment_count; i++) {
        recovery->log_bytes -= logged->attachments[i]->len;
        bn_bytes_unref(logged->attachments[i]);
    }
    bn_list_remove(&logged->link);
    free(logged);
}

static void forget_broken(struct recovery *recovery, struct broken *broken)
{
    recovery->broken_count--;
    bn_list_remove(&broken->link);
    free(broken);
}

/* What is too old, or too much; everything when the server ends. */
static void recovery_sweep(struct recovery *recovery, bool all)
{
    const int64_t since = recovery->clock->mono_ms - RECOVERY_MS;
    bn_list_each_safe(it, tmp, &recovery->log) {
        struct logged *logged = container_of(it, struct logged, link);
        if (all || logged->at_mono_ms < since || recovery->log_bytes > LOG_BYTES_MAX)
            forget_logged(recovery, logged);
    }
    bn_list_each_safe(it, tmp, &recovery->broken) {
        struct broken *broken = container_of(it, struct broken, link);
        if (all || broken->at_mono_ms < since || recovery->broken_count > BROKEN_MAX)
            forget_broken(recovery, broken);
    }
}

static void put_offset(uint64_t offset, char out[MISSED_RESERVE])
{
    snprintf(out, MISSED_RESERVE, "o%llu", (unsigned long long)offset);
}

static void emit_logged(struct bn_sio_socket *socket, const struct logged *logged)
{
    struct bn_eio_session *session = bn_sio_session(socket);
    bn_eio_send(session, logged->text, false);
    for (size_t i = 0; i < logged->attachment_count; i++)
        bn_eio_send(session, logged->attachments[i], true);
}

/* Numbers an event, to whom it may concern, and keeps it. */
static const struct logged *log_event(struct recovery *recovery, const char *nsp, const char *to,
        bool is_room, struct bn_sio_args *args)
{
    char offset[MISSED_RESERVE];
    struct logged *logged = bn_alloc(sizeof *logged);
    logged->at_mono_ms = recovery->clock->mono_ms;
    logged->offset = recovery->next_offset++;
    logged->is_room = is_room;
    bn_text_clip(logged->nsp, sizeof logged->nsp, bn_str(nsp));
    bn_text_clip(logged->to, sizeof logged->to, bn_str(to));
    put_offset(logged->offset, offset);
    bn_sio_put_text(args, bn_str(offset));
    logged->text = bn_sio_encode(nsp, args);
    recovery->log_bytes += logged->text->len;
    for (size_t i = 0; i < args->attachment_count; i++) {
        logged->attachments[i] = bn_bytes_create(args->attachments[i].p, args->attachments[i].len);
        recovery->log_bytes += args->attachments[i].len;
    }
    logged->attachment_count = args->attachment_count;
    bn_list_append(&recovery->log, &logged->link);
    return logged;
}

/* --- coming back ------------------------------------------------------------------------------ */

static void recovery_keep(struct recovery *recovery, const struct footing *footing)
{
    struct broken *broken = bn_alloc(sizeof *broken);
    broken->at_mono_ms = recovery->clock->mono_ms;
    broken->footing = *footing;
    bn_list_append(&recovery->broken, &broken->link);
    recovery->broken_count++;
}

static bool read_member(struct bn_str auth, const char *name, char *out, size_t size)
{
    const struct bn_str value = auth.len > 0 ? bn_sio_json_member(auth, name)
                                             : (struct bn_str){NULL, 0};
    return value.p && bn_sio_json_text(value, out, size);
}

/* The event behind which it goes on; NULL: it is no longer there. */
static const struct logged *find_offset(const struct recovery *recovery, const char *offset)
{
    bn_list_each(it, &recovery->log) {
        const struct logged *logged = container_of(it, struct logged, link);
        char text[MISSED_RESERVE];
        put_offset(logged->offset, text);
        if (strcmp(text, offset) == 0)
            return logged;
    }
    return NULL;
}

static struct broken *find_broken(const struct recovery *recovery, const char *nsp, const char *pid)
{
    bn_list_each(it, &recovery->broken) {
        struct broken *broken = container_of(it, struct broken, link);
        if (strcmp(broken->footing.nsp, nsp) == 0 && strcmp(broken->footing.pid, pid) == 0)
            return broken;
    }
    return NULL;
}

static void tell_missed(const struct recovery *recovery, struct bn_sio_socket *socket,
        const struct footing *footing, const struct logged *last)
{
    for (const struct bn_list *it = last->link.next; it != &recovery->log; it = it->next) {
        const struct logged *logged = (const void *)((const char *)it -
                                                     offsetof(struct logged, link));
        if (strcmp(logged->nsp, footing->nsp) == 0 &&
                (logged->is_room ? is_in(footing, logged->to)
                                 : strcmp(logged->to, footing->sid) == 0))
            emit_logged(socket, logged);
    }
}

/* Takes up the old one and tells what it missed, or begins anew. */
static void recovery_begin(struct recovery *recovery, struct bn_sio_socket *socket,
        struct bn_str auth, struct footing *out)
{
    char pid[BN_EIO_SID_SIZE];
    char offset[MISSED_RESERVE];
    uint8_t secret[16];
    struct broken *broken = NULL;
    const struct logged *last = NULL;
    recovery_sweep(recovery, false);
    if (read_member(auth, "pid", pid, sizeof pid) &&
            read_member(auth, "offset", offset, sizeof offset)) {
        broken = find_broken(recovery, socket->nsp, pid);
        last = find_offset(recovery, offset);
    }
    if (broken && last) {
        *out = broken->footing;
        forget_broken(recovery, broken);
        memcpy(socket->sid, out->sid, sizeof socket->sid);
        memcpy(socket->pid, out->pid, sizeof socket->pid);
        tell_missed(recovery, socket, out, last);
        return;
    }
    *out = (struct footing){0};
    bn_random(secret, sizeof secret);
    bn_b64url_encode(secret, sizeof secret, socket->pid);
    bn_text_clip(out->nsp, sizeof out->nsp, bn_str(socket->nsp));
    memcpy(out->sid, socket->sid, sizeof out->sid);
    memcpy(out->pid, socket->pid, sizeof out->pid);
}

/* Only a connection that was lost is waited for. */
static bool was_lost(const char *why)
{
    return strstr(why, "namespace disconnect") == NULL;
}
