/*
 * http_peer: a server on the test's own loop that answers each path as the test says, plain or TLS.
 *
 * What it answers are bytes as they stand; what it was asked is remembered.
 */
#pragma once

#include <spawn.h>

#include "bn_test.h"
#include "io/stream.h"

#define PEER_ASKED_MAX 65536

struct peer_answer {
    const char *path; /* of the request, without the query */
    const char *bytes;
    size_t len;  /* 0: strlen(bytes) */
    bool closes; /* after them */
};

struct peer {
    struct bn_loop *loop;
    struct bn_listener *listener;
    const struct peer_answer *answers;
    size_t answer_count;
    bool closes_at_once;
    int connections;
    int requests;
    char asked[PEER_ASKED_MAX]; /* all bytes it was sent */
    size_t asked_len;
    struct bn_stream *streams[64];
    size_t stream_count;
};

struct peer_conn {
    struct peer *peer;
    struct bn_stream *stream;
    bool is_over; /* answered for the last time */
};

static void peer_reply(struct peer_conn *conn, const char *head)
{
    struct peer *peer = conn->peer;
    char path[128] = "";
    sscanf(head, "%*s %127[^ ?]", path);
    peer->requests++;
    for (size_t i = 0; i < peer->answer_count; i++) {
        const struct peer_answer *answer = &peer->answers[i];
        if (strcmp(answer->path, path) != 0)
            continue;
        if (answer->bytes)
            bn_stream_put(conn->stream, answer->bytes,
                    answer->len ? answer->len : strlen(answer->bytes));
        bn_stream_flush(conn->stream);
        conn->is_over = answer->closes;
        if (answer->closes)
            bn_stream_close(conn->stream);
        return;
    }
    fail_msg("nobody said what to answer to %s", path);
}

static size_t peer_data(void *user, const char *p, size_t len)
{
    struct peer_conn *conn = user;
    struct peer *peer = conn->peer;
    size_t room = sizeof peer->asked - 1 - peer->asked_len;
    size_t from = peer->asked_len;
    if (conn->is_over)
        return len;
    memcpy(peer->asked + from, p, BN_MIN(len, room));
    peer->asked_len += BN_MIN(len, room);
    peer->asked[peer->asked_len] = '\0';
    if (strstr(peer->asked + from, "\r\n\r\n")) /* heads come whole: they are small */
        peer_reply(conn, peer->asked + from);
    return len;
}

static void peer_drained(void *user)
{
    (void)user;
}

static void peer_closed(void *user, const struct bn_err *err)
{
    struct peer_conn *conn = user;
    (void)err;
    for (size_t i = 0; i < conn->peer->stream_count; i++)
        if (conn->peer->streams[i] == conn->stream)
            conn->peer->streams[i] = conn->peer->streams[--conn->peer->stream_count];
    free(conn);
}

static void peer_accepted(void *user, struct bn_stream *stream)
{
    static const struct bn_stream_ops ops = {peer_data, peer_drained, NULL, peer_closed};
    struct peer *peer = user;
    struct peer_conn *conn = bn_alloc(sizeof *conn);
    *conn = (struct peer_conn){.peer = peer, .stream = stream};
    peer->connections++;
    CHECK(peer->stream_count < COUNT(peer->streams));
    peer->streams[peer->stream_count++] = stream;
    bn_stream_set(stream, &ops, conn);
    if (peer->closes_at_once)
        bn_stream_abort(stream);
}

static void peer_open(struct peer *peer, struct bn_loop *loop, struct bn_tls_config *tls)
{
    struct bn_listener_config config = {.host = "127.0.0.1",
            .tls = tls,
            .accepted = peer_accepted,
            .user = peer};
    peer->loop = loop;
    CHECK(bn_listener_open(loop, &config, &peer->listener, NULL));
}

static void peer_close(struct peer *peer)
{
    bn_listener_close(peer->listener);
    while (peer->stream_count > 0) {
        bn_stream_abort(peer->streams[0]);
        bn_loop_round(peer->loop, 0, NULL, NULL);
    }
    bn_loop_reap_now(peer->loop);
}
