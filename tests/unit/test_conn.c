/* The life of a connection: what it may take its time for and what not, and who gets an answer.
   Time is moved by telling the server's tick a later one. */
#include "web/web_private.h"
#include "web_rig.h"

static uint64_t waiting; /* ticket of the request that is answered late */
static int handled;
static struct bn_bytes *large;

static void answer_quick(struct bn_request *req)
{
    handled++;
    bn_reply(req, 200, "text/plain", BN_STR("quick"));
}

static void answer_late(struct bn_request *req)
{
    handled++;
    waiting = req->ticket;
}

static void answer_large(struct bn_request *req)
{
    bn_reply_bytes(req, 200, "text/plain", large->p, large->len);
}

static const struct bn_route routes[] = {
        {.method = "GET", .path = "/quick", .right = BN_RIGHT_NONE, .handler = answer_quick},
        {.method = "GET", .path = "/late", .right = BN_RIGHT_NONE, .handler = answer_late},
        {.method = "GET", .path = "/large", .right = BN_RIGHT_NONE, .handler = answer_large},
        {.method = "POST",
                .path = "/body",
                .right = BN_RIGHT_NONE,
                .handler = answer_quick,
                .body_max = 65536},
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
#define POST(bytes)                                                                                       \
    "POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " #bytes \
    "\r\n\r\n"

struct client {
    struct web_rig rig;
    int fd;
    char got[4096];
    size_t len;
    bool ended;
};

static void client_init(struct client *client)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    memset(client, 0, sizeof *client);
    web_rig_init(&client->rig, NULL, routes, COUNT(routes));
    waiting = 0;
    handled = 0;
    to.sin_port = htons((uint16_t)client->rig.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(connect(client->fd, (struct sockaddr *)&to, sizeof to), 0);
    for (int i = 0; i < 5; i++)
        web_rig_round(&client->rig);
}

static void client_finish(struct client *client)
{
    close(client->fd);
    web_rig_finish(&client->rig);
}

static void turn(struct client *client)
{
    for (int i = 0; i < 10; i++)
        web_rig_round(&client->rig);
}

static void say(struct client *client, const char *text)
{
    CHECK_INT(send(client->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn(client);
}

static void hear(struct client *client)
{
    ssize_t n;
    turn(client);
    while ((n = recv(client->fd, client->got + client->len, sizeof client->got - 1 - client->len,
                    MSG_DONTWAIT)) > 0)
        client->len += (size_t)n;
    client->got[client->len] = 0;
    client->ended = n == 0;
}

/* As if it were that much later. */
static void pass(struct client *client, int64_t ms)
{
    bn_conn_tick(client->rig.web, client->rig.clock.mono_ms + ms);
    turn(client);
}

static void check_heard(struct client *client, const char *begin, const char *part)
{
    hear(client);
    if (strncmp(client->got, begin, strlen(begin)) != 0 || !strstr(client->got, part))
        fail_msg("got \"%s\", wanted \"%s…%s\"", client->got, begin, part);
}

static int64_t connections(struct client *client)
{
    struct bn_web_stats stats;
    bn_web_get_stats(client->rig.web, &stats);
    return stats.connections;
}

static void check_gone(struct client *client)
{
    hear(client);
    CHECK(client->ended);
    shutdown(client->fd, SHUT_WR);
    turn(client);
    CHECK_INT(connections(client), 0);
}

static void shut(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
    turn(client);
}

/* --- taking one's time --------------------------------------------------------------------------
 */

BN_TEST(a_head_that_takes_longer_than_10_s_is_answered_408)
{
    struct client client;
    client_init(&client);
    say(&client, "GET /quick HTT");
    pass(&client, 9900);
    hear(&client);
    CHECK_INT(client.len, 0);
    pass(&client, 10100);
    check_heard(&client, "HTTP/1.1 408 Request Timeout\r\n",
            "\"code\":\"timeout\",\"message\":\"the request head took longer than 10 s\"");
    assert_non_null(strstr(client.got, "Connection: close\r\n"));
    pass(&client, 11100); /* once */
    check_gone(&client);
    CHECK(!strstr(client.got + 8, "HTTP/1.1"));
    client_finish(&client);
}

BN_TEST(who_says_nothing_is_closed_without_a_word)
{
    struct client client;
    client_init(&client);
    pass(&client, 9900);
    CHECK_INT(connections(&client), 1);
    pass(&client, 10100);
    check_gone(&client);
    CHECK_INT(client.len, 0);
    client_finish(&client);
}

BN_TEST(who_asked_before_may_rest_for_75_s)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/quick"));
    check_heard(&client, "HTTP/1.1 200 OK\r\n", "quick");
    pass(&client, 74000);
    CHECK_INT(connections(&client), 1);
    pass(&client, 76000);
    check_gone(&client);
    CHECK_INT(handled, 1);
    client_finish(&client);
}

BN_TEST(a_body_that_is_too_slow_is_answered_408)
{
    struct client client;
    client_init(&client);
    say(&client, POST(20000));
    say(&client, "{\"x\":");
    pass(&client, 9900);
    CHECK_INT(connections(&client), 1);
    pass(&client, 10100);
    check_heard(&client, "HTTP/1.1 408 Request Timeout\r\n",
            "\"code\":\"timeout\",\"message\":\"the request body came slower than 1024 bytes a second\"");
    pass(&client, 12000); /* once */
    check_gone(&client);
    CHECK(!strstr(client.got + 8, "HTTP/1.1"));
    CHECK_INT(handled, 0);
    client_finish(&client);
}

BN_TEST(most_of_a_body_at_once_buys_no_right_to_hold_back_the_rest)
{
    static char most[60001];
    struct client client;
    client_init(&client);
    memset(most, ' ', sizeof most - 1);
    say(&client, POST(60010));
    say(&client, most);
    pass(&client, 10100);
    CHECK_INT(connections(&client), 1); /* that was fast */
    int64_t judged_ms = 10100;
    pass(&client, judged_ms + 9900);
    CHECK_INT(connections(&client), 1);
    pass(&client, judged_ms + 10100);
    check_heard(&client, "HTTP/1.1 408 ", "slower than 1024 bytes a second");
    check_gone(&client);
    client_finish(&client);
}

BN_TEST(a_body_that_comes_fast_enough_is_taken_however_long_it_is)
{
    static char piece[12001];
    struct client client;
    client_init(&client);
    memset(piece, ' ', sizeof piece - 1);
    say(&client, POST(48000));
    for (int i = 1; i <= 4; i++) {
        say(&client, piece);
        if (i < 4)
            pass(&client, i * 10100);
    }
    check_heard(&client, "HTTP/1.1 200 OK\r\n", "quick");
    client_finish(&client);
}

BN_TEST(a_reader_that_takes_nothing_for_30_s_is_cut_and_counted)
{
    struct client client;
    struct bn_web_stats stats;
    large = bn_bytes_create(NULL, 8 << 20);
    client_init(&client);
    say(&client, GET("/large"));
    pass(&client, 29000);
    CHECK_INT(connections(&client), 1);
    pass(&client, 31000);
    bn_web_get_stats(client.rig.web, &stats);
    CHECK_INT(stats.connections, 0);
    CHECK_INT(stats.slow_closed, 1);
    bn_bytes_unref(large);
    client_finish(&client);
}

/* --- shutting one's side ------------------------------------------------------------------------
 */

BN_TEST(who_shut_its_side_gets_a_quick_answer)
{
    struct client client;
    client_init(&client);
    CHECK_INT(send(client.fd, GET("/quick"), sizeof GET("/quick") - 1, 0),
            sizeof GET("/quick") - 1);
    shut(&client);
    check_heard(&client, "HTTP/1.1 200 OK\r\n", "quick");
    check_gone(&client);
    client_finish(&client);
}

BN_TEST(who_shut_its_side_gets_a_late_answer_and_then_the_connection_ends)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/late"));
    shut(&client);
    CHECK_INT(connections(&client), 1);
    pass(&client, 29000);
    answer_quick(bn_request_find(client.rig.web, waiting));
    check_heard(&client, "HTTP/1.1 200 OK\r\n", "quick");
    assert_non_null(strstr(client.got, "Connection: close\r\n"));
    CHECK(client.ended);
    CHECK_INT(connections(&client), 0);
    client_finish(&client);
}

BN_TEST(who_shut_its_side_and_is_not_answered_for_30_s_is_given_up)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/late"));
    pass(&client, 100000); /* who stays may wait for ever */
    CHECK_INT(connections(&client), 1);
    shut(&client);
    pass(&client, 31000);
    CHECK_INT(connections(&client), 0);
    CHECK(bn_request_find(client.rig.web, waiting) == NULL); /* its answer finds nobody */
    client_finish(&client);
}

BN_TEST(who_shut_its_side_gets_the_answers_to_all_it_asked)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/late") GET("/quick") GET("/late"));
    shut(&client);
    answer_quick(bn_request_find(client.rig.web, waiting));
    turn(&client);
    CHECK_INT(handled, 4); /* both late ones, the quick one, and the answer above */
    answer_quick(bn_request_find(client.rig.web, waiting));
    hear(&client);
    int answers = 0;
    for (const char *at = client.got; (at = strstr(at, "HTTP/1.1 200 OK")); at++)
        answers++;
    CHECK_INT(answers, 3);
    CHECK(client.ended);
    CHECK_INT(connections(&client), 0);
    client_finish(&client);
}

BN_TEST(a_server_that_shuts_down_still_gives_the_answer_it_owes)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/quick") GET("/late"));
    struct bn_conn *conn = container_of(client.rig.web->conns.next, struct bn_conn, link);
    bn_conn_dirty(conn); /* the quick answer leaves in the turn in which the server is stopped */
    bn_web_drain(client.rig.web, 0);
    turn(&client);
    CHECK_INT(connections(&client), 1);
    answer_quick(bn_request_find(client.rig.web, waiting));
    hear(&client);
    assert_non_null(strstr(client.got + 8, "HTTP/1.1 200 OK"));
    check_gone(&client);
    client_finish(&client);
}

BN_TEST(who_leaves_in_the_middle_of_a_request_is_gone)
{
    static const char *const halves[] = {"", "GET /quick HTTP", POST(20) "{\"x\":"};
    for (size_t i = 0; i < COUNT(halves); i++) {
        struct client client;
        client_init(&client);
        say(&client, halves[i]);
        shut(&client);
        CHECK_INT(connections(&client), 0);
        hear(&client);
        CHECK(client.ended);
        CHECK_INT(client.len, 0);
        client_finish(&client);
    }
}

BN_TEST(who_is_reset_while_its_answer_is_worked_out_is_noticed_at_once)
{
    struct client client;
    client_init(&client);
    say(&client, GET("/late"));
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(client.fd);
    turn(&client);
    CHECK_INT(connections(&client), 0);
    CHECK(bn_request_find(client.rig.web, waiting) == NULL);
    client.fd = dup(0);
    client_finish(&client);
}

/* A tick may come between the reset and the end of the turn that frees the connection. */
BN_TEST(a_tick_does_no_harm_to_a_connection_that_is_dying)
{
    struct client client;
    client_init(&client);
    say(&client, "GET /quick HTT");
    struct bn_conn *conn = container_of(client.rig.web->conns.next, struct bn_conn, link);
    bn_stream_abort(conn->stream);
    bn_conn_tick(client.rig.web, client.rig.clock.mono_ms + 100000);
    bn_stream_close(conn->stream);
    turn(&client);
    CHECK_INT(connections(&client), 0);
    client_finish(&client);
}

BN_TEST_MAIN()
