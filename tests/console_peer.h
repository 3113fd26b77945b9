/*
 * console_peer: a Proxmox VE on loopback that opens consoles, step by step as the test says.
 *
 * It answers vncproxy and termproxy with canned bytes, switches to WebSocket, and plays the screen
 * or the terminal up to the login; then bytes are the test's.
 */
#pragma once

#include "bn_test.h"
#include "certs.h"
#include "io/stream.h"
#include "io/vnc_auth.h"
#include "wire/ws.h"

#define CP_TICKET   "PVEVNC:6A0B:: a+b/c="
#define CP_PASSWORD "hunter22"
#define CP_HEARD    (8 << 20)
#define CP_PROXY(body) \
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body
#define CP_GRANTED                                                                                \
    CP_PROXY("{\"data\":{\"port\":\"5901\",\"ticket\":\"" CP_TICKET "\",\"user\":\"root@pam!t\"," \
             "\"password\":\"" CP_PASSWORD "\"}}")

enum cp_stage { CP_NEW, CP_VERSION, CP_TYPE, CP_ANSWER, CP_LINE, CP_OPEN };

struct console_peer {
    struct bn_loop *loop;
    struct bn_listener *listener;
    struct bn_tls_config *tls;
    /* what the test says */
    const char *proxy;    /* the answer to the question, whole; NULL: none comes */
    const char *status;   /* the answer about the guest, whole */
    const char *upgrade;  /* instead of 101; "" says nothing, "close" closes */
    const char *password; /* a screen expects */
    const char *refuses;  /* a screen that says no gives this reason */
    const char *greeting; /* a terminal's first bytes, "OK" and perhaps more */
    bool is_mute;         /* after 101 it leaves the speaking to the test */
    /* what it saw */
    char asked[16384];
    size_t asked_len;
    int posts;
    int looks; /* at the guest */
    int upgrades;
    struct bn_list conns;
    struct bn_stream *console; /* the latest */
    struct bn_ws ws;
    enum cp_stage stage;
    struct bn_buf heard; /* since it is open */
    int frames, pings, pongs, byes;
    bool is_bad; /* what came was no good frame */
};

struct cp_conn {
    struct bn_list link;
    struct console_peer *peer;
    struct bn_stream *stream;
    struct bn_buf head;
    bool is_over;
};

static const uint8_t cp_challenge[BN_VNC_ANSWER_BYTES] = "sixteen bytes!!";

BN_UNUSED static void cp_frame(struct console_peer *peer, enum bn_ws_op op, const void *p,
        size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    CHECK(peer->console);
    bn_stream_put(peer->console, header, bn_ws_header(header, op, false, len, NULL));
    bn_stream_put(peer->console, p, len);
    bn_stream_flush(peer->console);
}

BN_UNUSED static void cp_say(struct console_peer *peer, const void *p, size_t len)
{
    cp_frame(peer, BN_WS_BINARY, p, len);
}

/* Bytes that are no frame. */
BN_UNUSED static void cp_raw(struct console_peer *peer, const void *p, size_t len)
{
    CHECK(peer->console);
    bn_stream_put(peer->console, p, len);
    bn_stream_flush(peer->console);
}

static void cp_screen(struct console_peer *peer, const char *p, size_t len)
{
    uint8_t answer[BN_VNC_ANSWER_BYTES];
    uint8_t no[8 + 64] = {0, 0, 0, 1};
    if (peer->stage == CP_VERSION) {
        CHECK_INT(len, 12);
        CHECK_MEM(p, "RFB 003.008\n", 12);
        cp_say(peer, "\x01\x02", 2);
        peer->stage = CP_TYPE;
    } else if (peer->stage == CP_TYPE) {
        CHECK(len == 1 && p[0] == 2);
        cp_say(peer, cp_challenge, sizeof cp_challenge);
        peer->stage = CP_ANSWER;
    } else {
        CHECK_INT(len, sizeof answer);
        CHECK(bn_vnc_answer(peer->password, cp_challenge, answer));
        CHECK_MEM(p, answer, sizeof answer);
        peer->stage = CP_OPEN;
        if (peer->refuses) {
            no[7] = (uint8_t)strlen(peer->refuses);
            memcpy(no + 8, peer->refuses, no[7]);
            cp_say(peer, no, 8 + (size_t)no[7]);
        } else {
            cp_say(peer, "\0\0\0\0", 4);
        }
    }
}

static void cp_heard(struct console_peer *peer, const char *p, size_t len)
{
    if (peer->is_mute || peer->stage == CP_OPEN) {
        bn_buf_put(&peer->heard, p, len);
    } else if (peer->stage == CP_LINE) {
        CHECK(len > 1 && p[len - 1] == '\n');
        bn_buf_put(&peer->heard, p, len);
        peer->stage = CP_OPEN;
        cp_say(peer, peer->greeting, strlen(peer->greeting));
    } else {
        cp_screen(peer, p, len);
    }
}

static size_t cp_frames(struct console_peer *peer, const char *p, size_t len)
{
    enum bn_ws_event event = BN_WS_CONTROL;
    size_t used = 0;
    while (event != BN_WS_MORE && event != BN_WS_BAD) {
        used += bn_ws_parse(&peer->ws, p + used, len - used, &event);
        peer->is_bad = peer->is_bad || event == BN_WS_BAD;
        peer->frames += event == BN_WS_MESSAGE;
        if (event == BN_WS_MESSAGE)
            cp_heard(peer, peer->ws.payload.p, peer->ws.payload.len);
        if (event != BN_WS_CONTROL)
            continue;
        peer->pings += peer->ws.op == BN_WS_PING;
        peer->pongs += peer->ws.op == BN_WS_PONG;
        peer->byes += peer->ws.op == BN_WS_CLOSE;
    }
    return len;
}

static void cp_upgrade(struct cp_conn *conn, const char *head)
{
    struct console_peer *peer = conn->peer;
    char key[64] = "";
    char accept[29];
    char answer[400];
    peer->upgrades++;
    if (peer->upgrade) {
        conn->is_over = true;
        bn_stream_put(conn->stream, peer->upgrade,
                strcmp(peer->upgrade, "close") == 0 ? 0 : strlen(peer->upgrade));
        bn_stream_flush(conn->stream);
        if (strcmp(peer->upgrade, "close") == 0)
            bn_stream_close(conn->stream);
        return;
    }
    const char *at = strstr(head, "Sec-WebSocket-Key: ");
    CHECK(at && sscanf(at, "Sec-WebSocket-Key: %63[^\r]", key) == 1);
    CHECK(bn_ws_accept_key(bn_str(key), accept));
    snprintf(answer, sizeof answer,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
            accept);
    bn_stream_put(conn->stream, answer, strlen(answer));
    bn_stream_flush(conn->stream);
    bn_ws_finish(&peer->ws);
    bn_ws_init(&peer->ws, BN_WS_SERVER, 1 << 20, false);
    peer->console = conn->stream;
    peer->stage = peer->greeting ? CP_LINE : CP_VERSION;
    if (!peer->is_mute && !peer->greeting)
        cp_say(peer, "RFB 003.008\n", 12);
}

static size_t cp_data(void *user, const char *p, size_t len)
{
    struct cp_conn *conn = user;
    struct console_peer *peer = conn->peer;
    if (conn->stream == peer->console)
        return cp_frames(peer, p, len);
    if (conn->is_over)
        return len;
    bn_buf_put(&conn->head, p, len);
    bn_buf_putc(&conn->head, 0);
    conn->head.len--;
    if (!strstr(conn->head.p, "\r\n\r\n"))
        return len;
    const size_t room = sizeof peer->asked - 1 - peer->asked_len;
    memcpy(peer->asked + peer->asked_len, conn->head.p, BN_MIN(conn->head.len, room));
    peer->asked_len += BN_MIN(conn->head.len, room);
    if (strstr(conn->head.p, "/status/current ")) {
        peer->looks++;
        conn->is_over = true;
        bn_stream_put(conn->stream, peer->status, strlen(peer->status));
        bn_stream_close(conn->stream);
        return len;
    }
    if (bn_str_starts(bn_buf_str(&conn->head), "GET ")) {
        cp_upgrade(conn, conn->head.p);
        return len;
    }
    peer->posts++;
    conn->is_over = true;
    if (peer->proxy) {
        bn_stream_put(conn->stream, peer->proxy, strlen(peer->proxy));
        bn_stream_close(conn->stream);
    }
    return len;
}

static void cp_closed(void *user, const struct bn_err *err)
{
    struct cp_conn *conn = user;
    (void)err;
    if (conn->peer->console == conn->stream)
        conn->peer->console = NULL;
    bn_list_remove(&conn->link);
    bn_buf_finish(&conn->head);
    free(conn);
}

static void cp_accepted(void *user, struct bn_stream *stream)
{
    static const struct bn_stream_ops ops = {cp_data, NULL, NULL, cp_closed};
    struct cp_conn *conn = bn_alloc(sizeof *conn);
    *conn = (struct cp_conn){.peer = user, .stream = stream};
    bn_list_append(&conn->peer->conns, &conn->link);
    bn_buf_init(&conn->head, 16384);
    bn_stream_set(stream, &ops, conn);
}

/* A good one, with the certificate "a". */
BN_UNUSED static void cp_open(struct console_peer *peer, struct bn_loop *loop)
{
    memset(peer, 0, sizeof *peer);
    peer->loop = loop;
    peer->tls = load("a");
    peer->proxy = CP_GRANTED;
    peer->status = CP_PROXY("{\"data\":{\"status\":\"running\",\"serial\":\"1\"}}");
    peer->password = CP_PASSWORD;
    bn_list_init(&peer->conns);
    bn_buf_init(&peer->heard, CP_HEARD);
    bn_ws_init(&peer->ws, BN_WS_SERVER, 1 << 20, false);
    const struct bn_listener_config config = {.host = "127.0.0.1",
            .tls = peer->tls,
            .accepted = cp_accepted,
            .user = peer};
    CHECK(bn_listener_open(loop, &config, &peer->listener, NULL));
}

BN_UNUSED static void cp_close(struct console_peer *peer)
{
    if (peer->listener)
        bn_listener_close(peer->listener);
    peer->listener = NULL;
    bn_list_each_safe(it, tmp, &peer->conns)
        bn_stream_abort(container_of(it, struct cp_conn, link)->stream);
    bn_loop_reap_now(peer->loop);
    bn_tls_config_unref(peer->tls);
    bn_ws_finish(&peer->ws);
    bn_buf_finish(&peer->heard);
}

BN_UNUSED static bool cp_was_asked(const struct console_peer *peer, const char *text)
{
    return memmem(peer->asked, peer->asked_len, text, strlen(text)) != NULL;
}
