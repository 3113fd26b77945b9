/*
 * eio_rig: sessions of Engine.IO over a host and an app that write down what is done to them.
 */
#pragma once

#include "bn_test.h"
#include "model/limits.h"
#include "web/eio_session.h"

#define BACKLOG 4000

/* A poll, a POST or a socket of the host; what was done to it. */
struct peer {
    struct bn_buf said; /* messages with a blank behind each */
    int answers;
    bool is_cut;
    bool is_closed;
    size_t queued; /* what the kernel does not take */
};

static struct bn_clock clock_now;
static struct bn_eio *eio;
static struct bn_buf heard; /* what the app heard */
static bool echoes;

static void host_answer(void *poll, struct bn_str body)
{
    struct peer *peer = poll;
    peer->answers++;
    bn_buf_put(&peer->said, body.p, body.len);
}

static void host_cut(void *post)
{
    ((struct peer *)post)->is_cut = true;
}

static void host_send(void *socket, struct bn_bytes *bytes, bool is_binary)
{
    struct peer *peer = socket;
    bn_buf_puts(&peer->said, is_binary ? "~" : "");
    bn_buf_put(&peer->said, bytes->p, bytes->len);
    bn_buf_putc(&peer->said, ' ');
}

static void host_close(void *socket)
{
    ((struct peer *)socket)->is_closed = true;
}

static size_t host_queued(const void *socket)
{
    return ((const struct peer *)socket)->queued;
}

static void say(struct bn_eio_session *session, const char *text)
{
    struct bn_bytes *bytes = bn_bytes_create(text, strlen(text));
    bn_eio_send(session, bytes, *text == '~');
    bn_bytes_unref(bytes);
}

static void app_opened(struct bn_eio_session *session)
{
    bn_eio_set_user(session, &heard);
    bn_buf_puts(&heard, "opened ");
}

static void app_message(struct bn_eio_session *session, bool is_binary, struct bn_str data)
{
    bn_buf_printf(&heard, "%s%.*s ", is_binary ? "~" : "", BN_ARG(data));
    if (bn_str_is(data, "close"))
        bn_eio_close(session, "app");
    if (bn_str_is(data, "end"))
        bn_eio_end(session, "app");
    if (echoes)
        say(session, "4echo");
}

static void app_drained(struct bn_eio_session *session)
{
    (void)session;
    bn_buf_puts(&heard, "drained ");
}

static void app_closed(struct bn_eio_session *session, const char *why)
{
    CHECK(bn_eio_user(session) == &heard && bn_eio_app_user(session) == &clock_now);
    bn_buf_printf(&heard, "closed:%s ", why);
}

static const struct bn_eio_host host = {host_answer, host_cut, host_send, host_close, host_queued,
        NULL};
static const struct bn_eio_app app = {app_opened, app_message, app_drained, app_closed};

static void begin(void)
{
    clock_now = (struct bn_clock){.mono_ms = 1000};
    bn_buf_init(&heard, 1 << 16);
    echoes = false;
    eio = bn_eio_create(&(struct bn_eio_config){.clock = &clock_now,
            .host = &host,
            .app = &app,
            .user = &clock_now,
            .ping_interval_ms = 300,
            .ping_timeout_ms = 200,
            .upgrade_ms = 100,
            .payload_max = 5000,
            .backlog_max = BACKLOG});
}

static void finish(void)
{
    bn_eio_destroy(eio);
    bn_buf_finish(&heard);
}

static void heard_is(const char *want)
{
    bn_eio_flush(eio);
    bn_buf_putc(&heard, '\0');
    CHECK_STR(heard.p, want);
    bn_buf_reset(&heard);
}

static struct peer peer_new(void)
{
    struct peer peer = {0};
    bn_buf_init(&peer.said, 1 << 22);
    return peer;
}

static inline void said_is(struct peer *peer, const char *want)
{
    bn_eio_flush(eio);
    bn_buf_putc(&peer->said, '\0');
    CHECK_STR(peer->said.p, want);
    bn_buf_reset(&peer->said);
}

static void forget(struct peer *peer)
{
    bn_buf_finish(&peer->said);
}

/* A session that has been told its opening by a first poll. */
static inline struct bn_eio_session *open_polling(void)
{
    struct peer poll = peer_new();
    struct bn_eio_session *session = bn_eio_open(eio, NULL);
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_flush(eio);
    CHECK_INT(poll.answers, 1);
    CHECK(poll.said.len > 60 && memcmp(poll.said.p, "0{\"sid\":\"", 9) == 0);
    CHECK(memmem(poll.said.p, poll.said.len, "[\"websocket\"]", 13) != NULL);
    forget(&poll);
    heard_is("opened drained ");
    return session;
}

static inline enum bn_eio_verdict judge(struct bn_eio_ask ask, struct bn_eio_refusal *refusal)
{
    struct bn_eio_session *session;
    *refusal = (struct bn_eio_refusal){0};
    return bn_eio_judge(eio, &ask, &session, refusal);
}

static inline void pass(int64_t ms)
{
    clock_now.mono_ms += ms;
    bn_eio_tick(eio);
}
