#include "model/limits.h"
#include "web/socketio.h"
#include "web_rig.h"

#define OPERATIONS 50

static struct web_rig rig;

/* A client with a WebSocket of its own making. */
struct peer {
    int fd;
    struct bn_ws ws;
    struct bn_buf in; /* bytes not parsed yet */
    struct bn_buf message;
};

static void say(const struct peer *peer, const char *text)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t header[BN_WS_HEADER_MAX];
    char masked[200];
    const size_t len = strlen(text);
    const size_t n = bn_ws_header(header, BN_WS_TEXT, false, len, mask);
    CHECK(len <= sizeof masked);
    bn_ws_mask_to(masked, text, len, mask);
    CHECK_INT(send(peer->fd, header, n, MSG_NOSIGNAL), n);
    CHECK_INT(send(peer->fd, masked, len, MSG_NOSIGNAL), len);
}

/* One read, when there is something. */
static bool take(struct peer *peer)
{
    char piece[4096];
    const ssize_t n = recv(peer->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n > 0)
        bn_buf_put(&peer->in, piece, (size_t)n);
    return n > 0;
}

/* The next message; NULL when none has come. */
static const char *next(struct peer *peer)
{
    enum bn_ws_event event = BN_WS_CONTROL;
    bn_buf_reset(&peer->message);
    while (event == BN_WS_CONTROL) {
        const size_t used = bn_ws_parse(&peer->ws, peer->in.p, peer->in.len, &event);
        if (event == BN_WS_MESSAGE) {
            bn_buf_put(&peer->message, peer->ws.payload.p, peer->ws.payload.len);
            bn_buf_putc(&peer->message, '\0');
        }
        bn_buf_drop(&peer->in, used);
        if (event == BN_WS_BAD)
            fail_msg("%s", peer->ws.err.text);
    }
    return event == BN_WS_MESSAGE ? peer->message.p : NULL;
}

static const char *await(struct peer *peer)
{
    const char *said = NULL;
    WEB_AWAIT(&rig, (said = next(peer)) || (take(peer) && (said = next(peer))));
    return said;
}

static void starts(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) != 0)
        fail_msg("\"%.100s\" does not start with \"%s\"", text, with);
}

static void open_peer(struct peer *peer, const char *key)
{
    char head[400];
    memset(peer, 0, sizeof *peer);
    bn_buf_init(&peer->in, 8 << 20);
    bn_buf_init(&peer->message, 1 << 20);
    bn_ws_init(&peer->ws, BN_WS_CLIENT, 1 << 20, false);
    snprintf(head, sizeof head,
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Authorization: Bearer bnk_%s_x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            key);
    peer->fd = web_rig_send(&rig, head);
    const char *end = NULL;
    WEB_AWAIT(&rig, take(peer) && (end = memmem(peer->in.p, peer->in.len, "\r\n\r\n", 4)));
    starts(peer->in.p, "HTTP/1.1 101 ");
    bn_buf_drop(&peer->in, (size_t)(end + 4 - peer->in.p));
    starts(await(peer), "0{\"sid\":\"");
    say(peer, "40");
    starts(await(peer), "40{\"sid\":\"");
}

static void close_peer(struct peer *peer)
{
    close(peer->fd);
    bn_ws_finish(&peer->ws);
    bn_buf_finish(&peer->in);
    bn_buf_finish(&peer->message);
}

static void kept(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    (void)user;
    (void)fact;
    CHECK(err == NULL);
}

static void put_operation(const char *tenant, int n, int64_t progress, int step)
{
    struct bn_fact fact;
    struct bn_err err;
    struct bn_operation *operation = &fact.u.operation;
    bn_fact_init(&fact, BN_KIND_OPERATION, tenant);
    bn_record_clear(&bn_operation_type, operation);
    snprintf(operation->id, sizeof operation->id, "op%d", n);
    snprintf(operation->action, sizeof operation->action, "a%d", n);
    snprintf(operation->phase, sizeof operation->phase, "step %d %0100d", step, 0);
    snprintf(operation->server_id, sizeof operation->server_id, "s%d", n);
    operation->type = BN_WORK_VM_POWER;
    operation->status = BN_WORK_IN_PROGRESS;
    operation->vmid = 100 + n;
    operation->progress = progress;
    operation->started_at = operation->updated_at = rig.clock.now_ms;
    if (!bn_hub_ask(&rig.hub, &fact, kept, NULL, &err))
        fail_msg("%s", err.text);
}

static void begin(void)
{
    web_rig_init(&rig, NULL, NULL, 0);
}

static size_t queued(void)
{
    size_t most = 0;
    bn_list_each(it, &rig.web->conns)
        most = BN_MAX(most, bn_stream_queued(container_of(it, struct bn_conn, link)->stream));
    return most;
}

BN_TEST(an_administrator_hears_what_there_is_and_then_each_change)
{
    struct peer peer;
    begin();
    put_operation("default", 1, 10, 0);
    web_rig_round(&rig);
    open_peer(&peer, "admin");
    say(&peer, "42[\"subscribe:admin\"]");
    const char *said = await(&peer);
    starts(said, "42[\"admin:operations\",{\"operations\":[{\"id\":\"op1\",");
    put_operation("default", 1, 30, 1);
    said = await(&peer);
    starts(said, "42[\"operation:update\",{\"operation\":{\"id\":\"op1\",\"connectionId\":\"s1\",");
    CHECK(strstr(said, "\"progress\":30") != NULL);
    close_peer(&peer);
    web_rig_finish(&rig);
}

BN_TEST(another_tenants_operations_are_not_heard)
{
    struct peer peer;
    begin();
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    fact.replay = true;
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, BN_STR("other"));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, BN_STR("other"));
    bn_hub_replay(&rig.hub, &fact);
    put_operation("other", 1, 10, 0);
    open_peer(&peer, "admin");
    say(&peer, "42[\"subscribe:admin\"]");
    CHECK_STR(await(&peer), "42[\"admin:operations\",{\"operations\":[]}]");
    put_operation("other", 1, 30, 1);
    put_operation("default", 2, 10, 0);
    starts(await(&peer), "42[\"operation:update\",{\"operation\":{\"id\":\"op2\",");
    close_peer(&peer);
    web_rig_finish(&rig);
}

/* Reads until the last step of each operation was told, as an update or with all there is. */
static void hears_last(struct peer *peer, const char *last)
{
    bool has[OPERATIONS] = {false};
    size_t count = 0;
    while (count < OPERATIONS) {
        const char *said = await(peer);
        for (int n = 0; n < OPERATIONS; n++) {
            char id[20];
            snprintf(id, sizeof id, "\"op%d\"", n);
            const char *at = strstr(said, id);
            const char *then = at ? strstr(at, "\"message\":\"") : NULL;
            if (then && !has[n] && strncmp(then + 11, last, strlen(last)) == 0) {
                has[n] = true;
                count++;
            }
        }
    }
}

BN_TEST(a_client_that_does_not_read_costs_no_queue_and_hears_the_last_state_of_each)
{
    struct peer peer;
    size_t most = 0;
    uint64_t conflated;
    begin();
    open_peer(&peer, "admin");
    say(&peer, "42[\"subscribe:admin\"]");
    starts(await(&peer), "42[\"admin:operations\"");
    conflated = rig.hub.topics.conflated;
    int step = 0;
    for (int behind = 0; behind < 20 && step < 5000; step++) {
        for (int n = 0; n < OPERATIONS; n++)
            put_operation("default", n, 10, step);
        web_rig_round(&rig);
        most = BN_MAX(most, queued());
        behind += queued() > 0; /* the kernel's room is full */
    }
    CHECK(step < 5000);
    CHECK(most > 0 && most < BN_SIO_BACKLOG_BYTES);
    for (int n = 0; n < OPERATIONS; n++)
        put_operation("default", n, 90, 9999);
    hears_last(&peer, "step 9999 ");
    CHECK(rig.hub.topics.conflated > conflated);
    CHECK_INT(bn_eio_count(rig.web->socketio->eio), 1);
    close_peer(&peer);
    web_rig_finish(&rig);
}

BN_TEST(more_changes_at_once_than_are_told_one_by_one_are_told_as_all_there_is)
{
    struct peer peer;
    begin();
    open_peer(&peer, "admin");
    say(&peer, "42[\"subscribe:admin\"]");
    starts(await(&peer), "42[\"admin:operations\"");
    for (int n = 0; n <= BN_SIO_UPDATES_MAX; n++)
        put_operation("default", n, 10, 0);
    const char *said = await(&peer);
    starts(said, "42[\"admin:operations\",{\"operations\":[{\"id\":\"op100\",");
    size_t count = 0;
    for (const char *at = said; (at = strstr(at, "\"startedAt\"")); at++)
        count++;
    CHECK_INT(count, BN_SIO_SNAPSHOT_MAX);
    for (int n = 0; n < BN_SIO_UPDATES_MAX; n++)
        put_operation("default", n, 20, 1);
    for (int n = 0; n < BN_SIO_UPDATES_MAX; n++)
        starts(await(&peer), "42[\"operation:update\"");
    close_peer(&peer);
    web_rig_finish(&rig);
}

BN_TEST_MAIN()
