#include "bn_test.h"
#include "model/limits.h"
#include "web/sio_server.h"

static struct bn_clock clock_now;
static struct bn_eio *eio;
static struct bn_sio_server *server;
static struct bn_eio_session *session;
static struct bn_buf said;  /* to the client, a line each */
static struct bn_buf heard; /* by the app */
static bool is_closed;
static bool ends_on_event;

static void host_send(void *socket, struct bn_bytes *bytes, bool is_binary)
{
    (void)socket;
    if (is_binary)
        bn_buf_putc(&said, '~');
    bn_buf_put(&said, bytes->p, bytes->len);
    bn_buf_putc(&said, '\n');
}

static void host_close(void *socket)
{
    (void)socket;
    is_closed = true;
}

static size_t host_queued(const void *socket)
{
    (void)socket;
    return 0;
}

static const struct bn_eio_host host = {NULL, NULL, host_send, host_close, host_queued, NULL};

static bool on_connect(struct bn_sio_socket *socket, struct bn_str auth, struct bn_buf *refusal)
{
    CHECK(bn_sio_server_user(socket) == &heard && bn_sio_session(socket) == session);
    if (strcmp(socket->nsp, "/no") != 0) {
        if (strcmp(socket->nsp, "/pid") == 0)
            memcpy(socket->pid, "PID", 4);
        return true;
    }
    bn_buf_printf(refusal, "{\"message\":\"no %.*s\"}", (int)auth.len, auth.len ? auth.p : "");
    return false;
}

static void on_connected(struct bn_sio_socket *socket, struct bn_str auth)
{
    bn_buf_printf(&heard, "connected %s %.*s\n", socket->nsp, (int)auth.len,
            auth.len ? auth.p : "");
}

static void on_event(struct bn_sio_socket *socket, const char *name,
        const struct bn_sio_packet *packet)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, 1000);
    bn_buf_printf(&heard, "event %s %s %zu\n", socket->nsp, name, packet->attachment_count);
    bn_sio_put_text(&args, BN_STR("back"));
    if (packet->attachment_count > 0)
        bn_sio_put_binary(&args, packet->attachments[0]);
    if (strcmp(name, "ask") == 0)
        CHECK_INT(bn_sio_ask(socket, &args), 0);
    else if (packet->has_id)
        bn_sio_acknowledge(socket, packet->id, &args);
    if (ends_on_event) {
        bn_sio_disconnect(socket, "app");
        bn_sio_disconnect(socket, "again");
        bn_sio_emit(socket, &args); /* to nobody */
    }
}

static void on_ack(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_packet *packet)
{
    (void)socket;
    bn_buf_printf(&heard, "ack %d %.*s\n", (int)id, BN_ARG(packet->json));
}

static void on_disconnected(struct bn_sio_socket *socket, const char *why)
{
    bn_buf_printf(&heard, "gone %s %s\n", socket->nsp, why);
}

static void on_drained(struct bn_sio_socket *socket)
{
    bn_buf_printf(&heard, "drained %s\n", socket->nsp);
}

static const struct bn_sio_app app = {on_connect, on_connected, on_event, on_ack, on_disconnected,
        on_drained};

static void begin(int packets_ps)
{
    clock_now = (struct bn_clock){.mono_ms = 1000};
    bn_buf_init(&said, 1 << 20);
    bn_buf_init(&heard, 1 << 20);
    is_closed = ends_on_event = false;
    server = bn_sio_server_create(&(struct bn_sio_config){.app = &app,
            .user = &heard,
            .connect_ms = 100,
            .bytes_max = 10000,
            .packets_ps = packets_ps,
            .packets_burst = 3});
    eio = bn_eio_create(&(struct bn_eio_config){.clock = &clock_now,
            .host = &host,
            .app = &bn_sio_eio_app,
            .user = server,
            .ping_interval_ms = 100000,
            .ping_timeout_ms = 200,
            .payload_max = 5000,
            .backlog_max = 10000});
    session = bn_eio_open(eio, &said);
    bn_buf_reset(&said);
}

static void finish(void)
{
    bn_eio_destroy(eio);
    bn_sio_server_destroy(server);
    bn_buf_finish(&said);
    bn_buf_finish(&heard);
}

static void client(const char *text)
{
    bn_eio_heard(session, &said, *text == '~', bn_str(text + (*text == '~')));
    bn_eio_flush(eio);
}

static void is_now(struct bn_buf *buf, const char *want)
{
    bn_buf_putc(buf, '\0');
    CHECK_STR(buf->p, want);
    bn_buf_reset(buf);
}

/* Past the connecting to "/". */
static void connect_root(void)
{
    client("40");
    CHECK(said.len == strlen("40{\"sid\":\"\"}\n") + BN_EIO_SID_SIZE - 1);
    bn_buf_reset(&said);
    is_now(&heard, "connected / \n");
}

BN_TEST(namespaces_are_connected_refused_and_left)
{
    begin(0);
    connect_root();
    client("40/pid,{\"a\":1}");
    CHECK(memmem(said.p, said.len, ",\"pid\":\"PID\"}\n", 14) != NULL);
    bn_buf_reset(&said);
    client("40/no,{\"b\":2}");
    is_now(&said, "44/no,{\"message\":\"no {\"b\":2}\"}\n");
    struct bn_sio_socket *first = bn_sio_next_socket(eio, NULL);
    struct bn_sio_socket *second = bn_sio_next_socket(eio, first);
    CHECK_STR(first->nsp, "/");
    CHECK_STR(second->nsp, "/pid");
    CHECK(strcmp(first->sid, second->sid) != 0);
    CHECK(bn_sio_is_idle(first) && !bn_sio_next_socket(eio, second));
    client("41/pid,");
    is_now(&heard, "connected /pid {\"a\":1}\ngone /pid client namespace disconnect\n");
    bn_eio_drained(session, &said);
    client("41");
    CHECK(!bn_sio_next_socket(eio, NULL) && !is_closed);
    is_now(&heard, "drained /\ngone / client namespace disconnect\n");
    finish();
}

BN_TEST(events_and_acks_go_both_ways)
{
    begin(0);
    connect_root();
    client("4212[\"a\"]");
    client("42[\"b\"]");
    client("42[7]");
    client("42[\"ask\"]");
    client("430[\"reply\"]");
    client("43[\"without id\"]");
    client("451-5[\"c\",{\"_placeholder\":true,\"num\":0}]");
    client("~bytes");
    is_now(&said,
            "4312[\"back\"]\n420[\"back\"]\n461-5[\"back\",{\"_placeholder\":true,\"num\":0}]\n~bytes\n");
    is_now(&heard,
            "event / a 0\nevent / b 0\nevent /  0\nevent / ask 0\nack 0 [\"reply\"]\nevent / c 1\n");
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, 100);
    bn_sio_put_text(&args, BN_STR("shared"));
    struct bn_bytes *bytes = bn_sio_encode("/", &args);
    bn_sio_emit_bytes(bn_sio_next_socket(eio, NULL), bytes);
    bn_bytes_unref(bytes);
    for (int i = 0; i <= BN_SIO_ATTACHMENTS_MAX; i++)
        bn_sio_put_binary(&args, BN_STR("x"));
    bn_sio_emit(bn_sio_next_socket(eio, NULL), &args); /* cannot be said, and is not */
    is_now(&said, "42[\"shared\"]\n");
    finish();
}

BN_TEST(an_app_that_disconnects_in_an_event_is_told_afterwards)
{
    begin(0);
    connect_root();
    ends_on_event = true;
    client("421[\"a\"]");
    is_now(&said, "431[\"back\"]\n41\n");
    is_now(&heard, "event / a 0\ngone / app\n");
    CHECK(!is_closed);
    finish();
}

BN_TEST(what_breaks_the_protocol_ends_the_connection_without_a_word)
{
    static const char *const bad[] = {"4x", "40", "42/other,[\"a\"]", "41/other", "44{}", "~bytes",
            "42{}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        begin(0);
        connect_root();
        client(bad[i]);
        CHECK(is_closed);
        is_now(&said, "");
        is_now(&heard, "gone / parse error\n");
        finish();
    }
}

BN_TEST(a_connection_has_so_many_namespaces_and_no_more)
{
    begin(0);
    for (int i = 0; i <= BN_SIO_NAMESPACES_MAX; i++) {
        char text[20];
        snprintf(text, sizeof text, "40/n%d", i);
        client(text);
        CHECK_INT(is_closed, i == BN_SIO_NAMESPACES_MAX);
    }
    finish();
}

BN_TEST(who_says_too_much_at_once_is_ended)
{
    begin(10);
    connect_root();
    client("42[\"a\"]");
    client("42[\"a\"]");
    CHECK(!is_closed);
    clock_now.mono_ms += 100; /* one more */
    client("42[\"a\"]");
    CHECK(!is_closed);
    client("42[\"a\"]");
    CHECK(is_closed);
    finish();
}

BN_TEST(who_connects_to_nothing_in_time_is_ended)
{
    for (int connects = 0; connects < 2; connects++) {
        begin(0);
        if (connects) {
            connect_root();
            client("41");
        } else {
            client("40/no"); /* a refusal is no connection */
        }
        clock_now.mono_ms += 99;
        bn_sio_server_tick(server, eio);
        bn_eio_flush(eio);
        CHECK(!is_closed);
        clock_now.mono_ms += 1;
        bn_sio_server_tick(server, eio);
        bn_eio_flush(eio);
        CHECK_INT(is_closed, !connects);
        finish();
    }
}

BN_TEST_MAIN()
