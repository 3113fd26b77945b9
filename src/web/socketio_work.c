#include "web/socketio_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"

#include "model/limits.h"
#include "web/socketio_operation.h"

#define ARGS_MAX   (1 << 20)
#define SECTION    "operations"
#define ADMIN_ROOM "" /* its name among the rooms */
#define ENDED      "the session ended"
#define KEPT_MAX   4096 /* changed operations of one message that are kept encoded */

/* A target somebody watches, or all of them. */
struct room {
    struct room *next;
    bool owes; /* what there is now was not told yet */
    char id[BN_ID_MAX];
};

/* One socket. */
struct member {
    struct bn_socketio *socketio;
    struct bn_sio_socket *socket;
    struct bn_who who;
    struct bn_sink sink;
    struct room *rooms; /* as they were joined */
    size_t room_count;
};

/* A change as it was told: whoever hears of it next need not have it encoded again. */
struct bn_socketio_told {
    uint32_t alias;
    uint64_t from, to;
    size_t count;

    struct told_one {
        char target[BN_ID_MAX];
        struct bn_bytes *bytes;
    } ones[];
};

void bn_socketio_told_destroy(struct bn_socketio_told *told)
{
    for (size_t i = 0; told && i < told->count; i++)
        bn_bytes_unref(told->ones[i].bytes);
    free(told);
}

/* --- targets and their topic ------------------------------------------------------------------ */

static bool target_exists(const struct member *member, const char *id)
{
    struct bn_live *live = &member->socketio->web->config.hub->live;
    return bn_live_get(live, member->who.tenant, BN_KIND_TARGET, id) ||
           bn_live_get(live, member->who.tenant, BN_KIND_SERVER, id);
}

/* The topic of a target's room. All operations of a tenant stand in one, from which each room takes
   its own: 200 rooms of one client are one position, and servers have no topic of their own. */
static struct bn_topic *topic_of(const struct member *member, const char *target)
{
    (void)target;
    return bn_hub_topic(member->socketio->web->config.hub, member->who.tenant,
            BN_STR("work.operations"));
}

static struct room *find_room(const struct member *member, const char *id)
{
    struct room *room = member->rooms;
    while (room && strcmp(room->id, id) != 0)
        room = room->next;
    return room;
}

/* --- what is told ----------------------------------------------------------------------------- */

static void emit_object(struct bn_sio_socket *socket, const char *event, const struct bn_buf *json)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, bn_str(event));
    if (json)
        bn_sio_put_json(&args, bn_buf_str(json));
    bn_sio_emit(socket, &args);
}

static void emit_error(struct bn_sio_socket *socket, const char *message)
{
    struct bn_json json;
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1024);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_socketio_put_text(&json, "message", message);
    bn_json_object_end(&json);
    emit_object(socket, "error", &buf);
}

/* Newest first, so that what is left out is old. */
static void put_operations(struct bn_json *json, const struct bn_table *table, const char *target)
{
    size_t n = 0;
    bn_json_key(json, "operations");
    bn_json_array(json);
    for (const struct bn_list *it = table ? table->rows.prev : NULL;
            it && it != &table->rows && n < BN_SIO_SNAPSHOT_MAX; it = it->prev) {
        const struct bn_row *row = (const void *)((const char *)it - offsetof(struct bn_row, link));
        const struct bn_operation *operation = (const void *)row->record;
        if (strcmp(target, ADMIN_ROOM) != 0 &&
                strcmp(target, bn_socketio_target_of(operation)) != 0)
            continue;
        bn_socketio_put_operation(json, operation);
        n++;
    }
    bn_json_array_end(json);
}

static const struct bn_table *table_of(const struct bn_topic *topic)
{
    for (size_t i = 0; i < topic->section_count; i++)
        if (strcmp(topic->sections[i].name, SECTION) == 0)
            return topic->sections[i].table;
    return NULL;
}

static void tell_room(struct member *member, struct room *room)
{
    const struct bn_topic *topic = topic_of(member, room->id);
    const bool is_admin = strcmp(room->id, ADMIN_ROOM) == 0;
    struct bn_json json;
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, ARGS_MAX);
    bn_json_init(&json, &buf);
    room->owes = false;
    bn_json_object(&json);
    if (!is_admin) {
        bn_json_key(&json, "connectionId");
        bn_socketio_put_id(&json, room->id);
    }
    put_operations(&json, topic ? table_of(topic) : NULL, room->id);
    bn_json_object_end(&json);
    emit_object(member->socket, is_admin ? "admin:operations" : "connection:operations", &buf);
}

static struct bn_bytes *encode_update(const struct bn_operation *operation)
{
    struct bn_json json;
    BN_BUF_AUTO buf;
    BN_SIO_ARGS_AUTO args;
    bn_buf_init(&buf, ARGS_MAX);
    bn_sio_args_init(&args, ARGS_MAX);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_json_key(&json, "operation");
    bn_socketio_put_operation(&json, operation);
    bn_json_object_end(&json);
    bn_sio_put_text(&args, BN_STR("operation:update"));
    bn_sio_put_json(&args, bn_buf_str(&buf));
    return bn_sio_encode("/", &args);
}

/* The operations a message names, as they are now; those that are gone are no news. */
static void encode_all(struct bn_socketio_told *told, const struct bn_doc *rows,
        const struct bn_table *table)
{
    void *at = NULL;
    const char *id;
    const struct bn_doc *value;
    while ((value = bn_doc_next(rows, &at, &id)) && told->count < KEPT_MAX) {
        const struct bn_row *row = bn_doc_is_null(value) ? NULL : bn_table_find(table, id);
        if (!row)
            continue;
        const struct bn_operation *operation = (const void *)row->record;
        struct told_one *one = &told->ones[told->count++];
        memcpy(one->target, bn_socketio_target_of(operation), sizeof one->target);
        one->bytes = encode_update(operation);
    }
}

static size_t count_members(const struct bn_doc *object)
{
    void *at = NULL;
    const char *name;
    size_t n = 0;
    while (bn_doc_next(object, &at, &name))
        n++;
    return n;
}

/* What a message says, encoded once for all who hear it. NULL: no operation changed. */
static const struct bn_socketio_told *told_of(struct bn_socketio *socketio,
        const struct bn_msg *msg, const struct bn_table *table)
{
    const struct bn_bytes *text = msg->forms[BN_FORM_JSON];
    struct bn_socketio_told *told = socketio->told;
    struct bn_err err;
    BN_DOC_AUTO *doc = NULL;
    if (told && told->alias == msg->alias && told->from == msg->from && told->to == msg->to)
        return told;
    if (!bn_doc_parse((struct bn_str){text->p, text->len}, &doc, &err))
        return NULL;
    const struct bn_doc *patch = bn_doc_at(doc, "p");
    const struct bn_doc *rows = patch ? bn_doc_at(patch, SECTION) : NULL;
    if (!rows || !bn_doc_is_object(rows))
        return NULL;
    const size_t max = BN_MIN(count_members(rows), (size_t)KEPT_MAX);
    told = bn_alloc(sizeof *told + max * sizeof told->ones[0]);
    told->alias = msg->alias;
    told->from = msg->from;
    told->to = msg->to;
    encode_all(told, rows, table);
    bn_socketio_told_destroy(socketio->told);
    socketio->told = told;
    return told;
}

static bool hears_of(const struct member *member, const struct told_one *one)
{
    return find_room(member, ADMIN_ROOM) || find_room(member, one->target);
}

static void tell_anew(const struct member *member)
{
    for (struct room *room = member->rooms; room; room = room->next)
        room->owes = true;
}

static void tell_changes(struct member *member, const struct bn_msg *msg,
        const struct bn_table *table)
{
    const struct bn_socketio_told *told = NULL;
    size_t n = 0;
    if (msg->mode != BN_MODE_SNAPSHOT && table)
        told = told_of(member->socketio, msg, table);
    for (size_t i = 0; told && i < told->count; i++)
        n += hears_of(member, &told->ones[i]);
    if (msg->mode == BN_MODE_SNAPSHOT || n > BN_SIO_UPDATES_MAX) {
        tell_anew(member); /* it was away for too long, or missed too much */
        return;
    }
    for (size_t i = 0; n > 0 && i < told->count; i++)
        if (hears_of(member, &told->ones[i]))
            bn_sio_emit_bytes(member->socket, told->ones[i].bytes);
}

static struct room *next_owing(const struct member *member)
{
    struct room *room = member->rooms;
    while (room && !room->owes)
        room = room->next;
    return room;
}

/* As much as it can take: the rest waits as positions, not as messages. */
static void pump(void *owner)
{
    struct member *member = owner;
    const struct bn_topic *topic = topic_of(member, ADMIN_ROOM);
    while (bn_sio_is_idle(member->socket) && !member->socket->is_over) {
        struct room *room = next_owing(member);
        if (room) {
            tell_room(member, room);
            continue;
        }
        struct bn_msg *msg;
        if (bn_sink_take(&member->sink, member->socketio->web->config.clock->mono_ms, &msg, 1,
                    BN_LIVE_INFLIGHT_MAX) == 0)
            return;
        tell_changes(member, msg, topic ? table_of(topic) : NULL);
        bn_msg_unref(msg);
    }
}

/* --- rooms ------------------------------------------------------------------------------------ */

/* Who comes and goes, and to what he listens, for who looks for a fault. */
static void note(const struct member *member, const char *event, const char *subject)
{
    const struct bn_socketio_owner *owner = bn_eio_owner(bn_sio_session(member->socket));
    bn_log(BN_DEBUG, event, BN_KV("what", subject), BN_KV("by", member->who.name),
            BN_KV("from", owner->address));
}

/* NULL: joined; else why not. */
static const char *join(struct member *member, const char *id)
{
    struct bn_topic *topic = topic_of(member, id);
    struct room **end = &member->rooms;
    struct room *room = find_room(member, id);
    if (!topic)
        return "Failed to subscribe to connection";
    if (room) { /* again, after a reconnect or by another part of a page: told again */
        room->owes = true;
        return NULL;
    }
    if (member->room_count >= BN_SIO_ROOMS_MAX)
        return "too many subscriptions on this connection";
    while (*end)
        end = &(*end)->next;
    *end = room = bn_alloc(sizeof *room);
    bn_text_clip(room->id, sizeof room->id, bn_str(id));
    room->owes = true;
    member->room_count++;
    note(member, "socketio.join", id);
    if (!bn_sink_find(&member->sink, topic))
        bn_sink_join(&member->sink, topic, topic->seq, 0);
    return NULL;
}

static void leave(struct member *member, const char *id)
{
    struct room **at = &member->rooms;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    struct room *room = *at;
    if (!room)
        return;
    *at = room->next;
    member->room_count--;
    note(member, "socketio.leave", id);
    free(room);
    if (!member->rooms) { /* nothing is wanted: nothing is taken */
        bn_sink_finish(&member->sink);
        bn_sink_init(&member->sink, &member->socketio->web->config.hub->topics, member);
        member->sink.pump = pump;
    }
}

/* A number or a text; false when it is neither, or no id could be so long. */
static bool read_id(struct bn_str item, char out[BN_ID_MAX])
{
    int64_t number;
    if (bn_sio_json_kind(item) == '"')
        return bn_sio_json_text(item, out, BN_ID_MAX) && out[0];
    return bn_parse_i64(item, 0, INT64_MAX, &number) && bn_text_copy(out, BN_ID_MAX, item);
}

static const char *join_item(struct member *member, struct bn_str item)
{
    char id[BN_ID_MAX];
    if (!read_id(item, id))
        return "Failed to subscribe to connection";
    return target_exists(member, id) ? join(member, id) : "Connection not found";
}

static const char *rejoin(struct member *member, struct bn_str list)
{
    struct bn_str rest;
    struct bn_str item;
    if (bn_sio_json_kind(list) != '[')
        return "Failed to rejoin connections";
    rest = bn_sio_json_inside(list);
    while (bn_sio_json_item(&rest, &item)) {
        const char *why = join_item(member, item);
        if (why)
            emit_error(member->socket, why);
    }
    return NULL;
}

static const char *join_admin(struct member *member)
{
    struct bn_web *web = member->socketio->web;
    const struct bn_socketio_owner *owner = bn_eio_owner(bn_sio_session(member->socket));
    if (bn_who_may(&member->who, BN_RIGHT_ADMIN))
        return join(member, ADMIN_ROOM);
    web->stats.denied++;
    bn_sessions_note_denial(web->config.sessions, &member->who, owner->address, "subscribe:admin",
            "only administrators watch all operations");
    return "Access denied";
}

/* --- events ----------------------------------------------------------------------------------- */

static const char *obey(struct member *member, const char *name, struct bn_str first)
{
    char id[BN_ID_MAX];
    if (strcmp(name, "subscribe:connection") == 0)
        return join_item(member, first);
    if (strcmp(name, "rejoin:connections") == 0)
        return rejoin(member, first);
    if (strcmp(name, "subscribe:admin") == 0)
        return join_admin(member);
    if (strcmp(name, "unsubscribe:admin") == 0)
        leave(member, ADMIN_ROOM);
    else if (strcmp(name, "unsubscribe:connection") == 0 && read_id(first, id))
        leave(member, id);
    else if (strcmp(name, "ping") == 0)
        emit_object(member->socket, "pong", NULL);
    return NULL;
}

static void on_event(struct bn_sio_socket *socket, const char *name,
        const struct bn_sio_packet *packet)
{
    struct member *member = socket->user;
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str item;
    (void)bn_sio_json_item(&rest, &item); /* its name */
    if (!bn_sio_json_item(&rest, &item))
        item = BN_STR("null");
    const char *why = obey(member, name, item);
    if (why)
        emit_error(socket, why);
    if (packet->has_id) {
        BN_SIO_ARGS_AUTO args;
        bn_sio_args_init(&args, 1000);
        bn_sio_put_text(&args, bn_str(why ? why : "ok"));
        bn_sio_acknowledge(socket, packet->id, &args);
    }
    pump(member);
}

static void on_ack(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_packet *packet)
{
    (void)socket;
    (void)id;
    (void)packet; /* nothing is asked of clients */
}

/* --- coming and going ------------------------------------------------------------------------- */

static bool refuse(struct bn_buf *refusal, const char *message, const char *code)
{
    struct bn_json json;
    bn_json_init(&json, refusal);
    bn_json_object(&json);
    bn_socketio_put_text(&json, "message", message);
    if (code) {
        bn_json_key(&json, "data");
        bn_json_object(&json);
        bn_socketio_put_text(&json, "code", code);
        bn_json_object_end(&json);
    }
    bn_json_object_end(&json);
    return false;
}

/* The login of the first request, or the token of this one. */
static bool identify(struct bn_socketio *socketio, const struct bn_socketio_owner *owner,
        struct bn_str auth, struct bn_who *out, struct bn_err *err)
{
    char token[256] = "";
    const struct bn_str value = auth.len > 0 ? bn_sio_json_member(auth, "token")
                                             : (struct bn_str){NULL, 0};
    *out = owner->who;
    if (!value.p || bn_sio_json_kind(value) == 'n')
        return owner->who.kind != BN_WHO_NOBODY ||
               bn_fail(err, BN_E_UNAUTHORIZED, "%s", owner->refusal);
    if (!bn_sio_json_text(value, token, sizeof token))
        return bn_fail(err, BN_E_UNAUTHORIZED, "a token is a text that looks like bnk_…_…");
    const bool is_good = bn_sessions_identify_key(socketio->web->config.sessions, bn_str(token),
            owner->address, out, err);
    bn_wipe(token, sizeof token);
    return is_good;
}

static bool on_connect(struct bn_sio_socket *socket, struct bn_str auth, struct bn_buf *refusal)
{
    struct bn_socketio *socketio = bn_sio_server_user(socket);
    struct bn_socketio_owner *owner = bn_eio_owner(bn_sio_session(socket));
    struct bn_who who;
    struct bn_err err = {0};
    if (strcmp(socket->nsp, "/") != 0)
        return refuse(refusal, "Invalid namespace", NULL);
    if (!identify(socketio, owner, auth, &who, &err))
        return refuse(refusal, err.text, bn_code_word(BN_E_UNAUTHORIZED));
    if (!bn_who_may(&who, BN_RIGHT_READ))
        return refuse(refusal, "you may not watch operations", bn_code_word(BN_E_FORBIDDEN));
    struct member *member = bn_alloc(sizeof *member);
    member->socketio = socketio;
    member->socket = socket;
    member->who = who;
    bn_sink_init(&member->sink, &socketio->web->config.hub->topics, member);
    member->sink.pump = pump;
    socket->user = member;
    owner->is_known = true;
    note(member, "socketio.open", socket->nsp);
    return true;
}

static void on_connected(struct bn_sio_socket *socket, struct bn_str auth)
{
    (void)socket;
    (void)auth;
}

static void on_disconnected(struct bn_sio_socket *socket, const char *why)
{
    struct member *member = socket->user;
    note(member, "socketio.close", why);
    while (member->rooms) {
        struct room *room = member->rooms;
        member->rooms = room->next;
        free(room);
    }
    bn_sink_finish(&member->sink);
    free(member);
}

static void on_drained(struct bn_sio_socket *socket)
{
    pump(socket->user);
}

const struct bn_sio_app bn_socketio_work_app = {on_connect, on_connected, on_event, on_ack,
        on_disconnected, on_drained};

/* --- rights that end -------------------------------------------------------------------------- */

/* After a goodbye of the server a client does not come back by itself: it would be refused. */
static void send_away(struct bn_sio_socket *socket, void *unused)
{
    (void)unused;
    bn_sio_disconnect(socket, ENDED);
}

static void check_member(struct bn_sio_socket *socket, void *unused)
{
    struct member *member = socket->user;
    (void)unused;
    if (!bn_sessions_refresh(member->socketio->web->config.sessions, &member->who) ||
            !bn_who_may(&member->who, BN_RIGHT_READ)) {
        bn_sio_disconnect(socket, ENDED);
        bn_eio_close(bn_sio_session(socket), ENDED);
    } else if (!bn_who_may(&member->who, BN_RIGHT_ADMIN)) {
        leave(member, ADMIN_ROOM);
    }
}

void bn_socketio_work_dismiss(struct bn_eio_session *session)
{
    bn_sio_each_socket(session, send_away, NULL);
    bn_eio_close(session, ENDED);
}

void bn_socketio_work_check(struct bn_eio_session *session)
{
    bn_sio_each_socket(session, check_member, NULL);
}
