/*
 * conformance_sio: the Socket.IO app of the conformance server: echoes, rooms, acks, goodbyes.
 */
#pragma once

#include "conformance.h"
#include "conformance_recovery.h"

#define ANSWER_MS   1500 /* for the client's ack of a question */
#define BURST_BYTES (32 << 20)

/* A question the client has not acknowledged yet. */
struct question {
    struct bn_list link;
    uint64_t id;       /* of ours */
    uint64_t reply_to; /* of the client's, who waits for the outcome */
    int64_t until_mono_ms;
};

/* What the app keeps of one socket. */
struct member {
    struct bn_list questions;
    struct footing footing;
    bool is_taken; /* somebody came back as it while it was still here */
    const struct bn_clock *clock;
};

struct sio_world {
    struct bn_eio *eio;
    struct recovery recovery;
};

/* To one client; numbered where connections are taken up again. */
static void say(struct bn_sio_socket *socket, struct bn_sio_args *args)
{
    struct sio_world *world = bn_sio_server_user(socket);
    if (world->recovery.is_on && !socket->is_over)
        emit_logged(socket, log_event(&world->recovery, socket->nsp, socket->sid, false, args));
    else
        bn_sio_emit(socket, args);
}

/* The items of an event after its name. */
static struct bn_str after_name(const struct bn_sio_packet *packet)
{
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str name;
    (void)bn_sio_json_item(&rest, &name);
    return rest;
}

static void put_rest(struct bn_sio_args *args, const struct bn_sio_packet *packet,
        struct bn_str rest)
{
    struct bn_str item;
    while (bn_sio_json_item(&rest, &item))
        bn_sio_put_item(args, packet, item);
}

#define ARGS_MAX (4 << 20)

static void ack_text(struct bn_sio_socket *socket, const struct bn_sio_packet *packet,
        const char *text)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, bn_str(text));
    if (packet->has_id)
        bn_sio_acknowledge(socket, packet->id, &args);
}

/* --- rooms ------------------------------------------------------------------------------------ */

static void on_join(struct bn_sio_socket *socket, const struct bn_sio_packet *packet, bool joins)
{
    struct member *member = socket->user;
    struct bn_str rest = after_name(packet);
    struct bn_str item;
    char room[ROOM_MAX];
    if (!bn_sio_json_item(&rest, &item) || !bn_sio_json_text(item, room, sizeof room))
        return;
    struct footing *footing = &member->footing;
    const size_t at = find_room(footing, room);
    if (joins && at == footing->room_count && at < ROOMS_MAX)
        memcpy(footing->rooms[footing->room_count++], room, sizeof room);
    else if (!joins && at < footing->room_count)
        memmove(footing->rooms[at], footing->rooms[--footing->room_count], ROOM_MAX);
    ack_text(socket, packet, "ok");
}

static void on_publish(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    struct sio_world *world = bn_sio_server_user(socket);
    const struct logged *logged = NULL;
    struct bn_str rest = after_name(packet);
    struct bn_str item;
    char room[ROOM_MAX];
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    if (!bn_sio_json_item(&rest, &item) || !bn_sio_json_text(item, room, sizeof room))
        return;
    put_rest(&args, packet, rest);
    if (world->recovery.is_on)
        logged = log_event(&world->recovery, socket->nsp, room, true, &args);
    struct bn_sio_socket *next = bn_sio_next_socket(world->eio, NULL);
    for (; next; next = bn_sio_next_socket(world->eio, next)) {
        const struct member *member = next->user;
        if (strcmp(next->nsp, socket->nsp) != 0 || !is_in(&member->footing, room))
            continue;
        if (logged)
            emit_logged(next, logged);
        else
            bn_sio_emit(next, &args);
    }
    ack_text(socket, packet, "ok");
}

/* --- questions -------------------------------------------------------------------------------- */

static void on_ask_me(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    struct member *member = socket->user;
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, BN_STR("question"));
    put_rest(&args, packet, after_name(packet));
    struct question *question = bn_alloc(sizeof *question);
    question->id = bn_sio_ask(socket, &args);
    question->reply_to = packet->id;
    question->until_mono_ms = member->clock->mono_ms + ANSWER_MS;
    bn_list_append(&member->questions, &question->link);
}

static void settle(struct bn_sio_socket *socket, struct question *question, const char *outcome,
        const struct bn_sio_packet *reply)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, bn_str(outcome));
    if (reply)
        put_rest(&args, reply, bn_sio_json_inside(reply->json));
    bn_sio_acknowledge(socket, question->reply_to, &args);
    bn_list_remove(&question->link);
    free(question);
}

static void sio_ack(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_packet *packet)
{
    struct member *member = socket->user;
    bn_list_each_safe(it, tmp, &member->questions) {
        struct question *question = container_of(it, struct question, link);
        if (question->id == id)
            settle(socket, question, "answered", packet);
    }
}

static void sio_tick(const struct sio_world *world, int64_t mono_ms)
{
    struct bn_sio_socket *socket = bn_sio_next_socket(world->eio, NULL);
    for (; socket; socket = bn_sio_next_socket(world->eio, socket)) {
        struct member *member = socket->user;
        bn_list_each_safe(it, tmp, &member->questions) {
            struct question *question = container_of(it, struct question, link);
            if (mono_ms >= question->until_mono_ms)
                settle(socket, question, "timeout", NULL);
        }
    }
}

/* --- the others ------------------------------------------------------------------------------- */

static void on_message(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, BN_STR("message-back"));
    put_rest(&args, packet, after_name(packet));
    say(socket, &args);
}

static void on_message_with_ack(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    put_rest(&args, packet, after_name(packet));
    if (packet->has_id)
        bn_sio_acknowledge(socket, packet->id, &args);
}

static int64_t number_of(struct bn_str *rest, int64_t max)
{
    struct bn_str item;
    int64_t value = 0;
    return bn_sio_json_item(rest, &item) && bn_parse_i64(item, 0, max, &value) ? value : 0;
}

static void on_send_binary(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    struct bn_str rest = after_name(packet);
    const size_t n = (size_t)number_of(&rest, PAYLOAD_MAX);
    char *bytes = bn_alloc(n + 1);
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i % 256);
    bn_sio_put_text(&args, BN_STR("binary"));
    bn_sio_put_binary(&args, (struct bn_str){bytes, n});
    bn_sio_put_json(&args, BN_STR("{\"k\":{\"_placeholder\":true,\"num\":1}}"));
    args.attachments[args.attachment_count++] = BN_STR("\x09\x08\x07");
    say(socket, &args);
    free(bytes);
}

static void on_burst(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    struct bn_str rest = after_name(packet);
    const int64_t n = number_of(&rest, 100000);
    const int64_t size = number_of(&rest, PAYLOAD_MAX);
    char *text = bn_alloc((size_t)size + 3);
    memset(text, 'x', (size_t)size + 2);
    text[0] = text[size + 1] = '"';
    for (int64_t i = 0; i < n && i * size < BURST_BYTES; i++) {
        char number[24];
        BN_SIO_ARGS_AUTO args;
        bn_sio_args_init(&args, ARGS_MAX);
        snprintf(number, sizeof number, "%lld", (long long)i);
        bn_sio_put_text(&args, BN_STR("burst-item"));
        bn_sio_put_json(&args, bn_str(number));
        bn_sio_put_json(&args, (struct bn_str){text, (size_t)size + 2});
        say(socket, &args);
    }
    free(text);
}

static void sio_event(struct bn_sio_socket *socket, const char *name,
        const struct bn_sio_packet *packet)
{
    if (strcmp(name, "message") == 0)
        on_message(socket, packet);
    else if (strcmp(name, "message-with-ack") == 0)
        on_message_with_ack(socket, packet);
    else if (strcmp(name, "join") == 0 || strcmp(name, "leave") == 0)
        on_join(socket, packet, name[0] == 'j');
    else if (strcmp(name, "publish") == 0)
        on_publish(socket, packet);
    else if (strcmp(name, "ask-me") == 0 && packet->has_id)
        on_ask_me(socket, packet);
    else if (strcmp(name, "send-binary") == 0)
        on_send_binary(socket, packet);
    else if (strcmp(name, "burst") == 0)
        on_burst(socket, packet);
    else if (strcmp(name, "drop-transport") == 0)
        bn_eio_close(bn_sio_session(socket), "forced close");
    else if (strncmp(name, "kick", 4) == 0 && (!name[4] || strcmp(name, "kick-hard") == 0)) {
        struct bn_eio_session *session = bn_sio_session(socket);
        bn_sio_disconnect(socket, "server namespace disconnect");
        if (name[4])
            bn_eio_close(session, "server namespace disconnect");
    }
}

/* --- coming and going ------------------------------------------------------------------------- */

/* One that comes back while we have not noticed that it left: the old one goes. */
static void take_over(struct sio_world *world, const char *nsp, struct bn_str auth)
{
    char pid[BN_EIO_SID_SIZE];
    struct bn_sio_socket *socket = NULL;
    if (!read_member(auth, "pid", pid, sizeof pid))
        return;
    while ((socket = bn_sio_next_socket(world->eio, socket))) {
        struct member *member = socket->user;
        if (strcmp(socket->nsp, nsp) != 0 || strcmp(member->footing.pid, pid) != 0 ||
                member->is_taken)
            continue;
        member->is_taken = true;
        recovery_keep(&world->recovery, &member->footing);
        bn_eio_close(bn_sio_session(socket), "forced close");
    }
}

static bool may_connect(const struct bn_sio_socket *socket, struct bn_str auth,
        struct bn_buf *refusal)
{
    char token[32];
    if (strcmp(socket->nsp, "/") == 0 || strcmp(socket->nsp, "/custom") == 0)
        return true;
    if (strcmp(socket->nsp, "/secure") != 0) {
        bn_buf_puts(refusal, "{\"message\":\"Invalid namespace\"}");
        return false;
    }
    if (read_member(auth, "token", token, sizeof token) && strcmp(token, "letmein") == 0)
        return true;
    bn_buf_puts(refusal,
            "{\"message\":\"not authorized\",\"data\":{\"code\":\"E_AUTH\",\"retry\":false}}");
    return false;
}

static bool sio_connect(struct bn_sio_socket *socket, struct bn_str auth, struct bn_buf *refusal)
{
    struct sio_world *world = bn_sio_server_user(socket);
    if (!may_connect(socket, auth, refusal))
        return false;
    struct member *member = bn_alloc(sizeof *member);
    bn_list_init(&member->questions);
    member->clock = bn_eio_clock(bn_sio_session(socket));
    socket->user = member;
    if (world->recovery.is_on) {
        take_over(world, socket->nsp, auth);
        recovery_begin(&world->recovery, socket, auth, &member->footing);
    }
    return true;
}

static void sio_connected(struct bn_sio_socket *socket, struct bn_str auth)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, ARGS_MAX);
    bn_sio_put_text(&args, BN_STR("auth"));
    bn_sio_put_json(&args, auth.len > 0 ? auth : BN_STR("{}"));
    say(socket, &args);
}

static void sio_disconnected(struct bn_sio_socket *socket, const char *why)
{
    struct member *member = socket->user;
    struct sio_world *world = bn_sio_server_user(socket);
    if (world->recovery.is_on && !member->is_taken && was_lost(why))
        recovery_keep(&world->recovery, &member->footing);
    bn_list_each_safe(it, tmp, &member->questions)
        free(container_of(it, struct question, link));
    free(member);
}

static void sio_drained(struct bn_sio_socket *socket)
{
    (void)socket;
}

static const struct bn_sio_app sio_app = {sio_connect, sio_connected, sio_event, sio_ack,
        sio_disconnected, sio_drained};
