/* How conversations end: kept connections that died, answers of every make, waits for a turn. */
#include "bn_test.h"
#include "fetch_rig.h"

static const struct peer_answer answers[] = {
        {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, false},
        {"/last", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", 0,
                false},
        {"/chunked",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
                0, false},
        {"/until-end", "HTTP/1.1 200 OK\r\n\r\nhello", 0, true},
        {"/interim",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0,
                false},
        {"/more", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n", 0, false},
        {"/upgrade", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 0,
                false},
        {"/br", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", 0,
                false},
        {"/identity",
                "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
                0, false},
        {"/no-gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
                0, false},
        {"/cut-gzip",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01",
                0, false},
        {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, false},
        {"/half-head", "HTTP/1.1 200 OK\r\nContent-Le", 0, true},
        {"/silent", NULL, 0, false},
        {"/leaves", NULL, 0, true},
};

static void scene(struct rig *rig, const struct bn_fetch_config *config)
{
    rig_start(rig, config, true);
    serve(rig, answers, COUNT(answers), NULL);
}

static bool ask_one(struct rig *rig, const char *path)
{
    struct ask ask;
    ask_init(rig, &ask, path);
    const struct bn_fetch_answer *answer = run_ask(rig, &ask);
    CHECK_STR(answer->text, "");
    CHECK_INT(answer->status, 200);
    CHECK(bn_str_is(bn_buf_str(&answer->body), "hello"));
    const bool is_kept = answer->is_kept;
    bn_fetch_job_finish(&ask.job);
    return is_kept;
}

static void fails(struct rig *rig, const char *path, const char *fault, const char *phase,
        const char *text)
{
    struct ask ask;
    ask_init(rig, &ask, path);
    check_fault(run_ask(rig, &ask), fault, phase, text);
    bn_fetch_job_finish(&ask.job);
}

BN_TEST(every_make_of_an_answer_is_read_and_the_connection_kept_when_it_may_be)
{
    struct rig rig;
    scene(&rig, &usual);
    CHECK(!ask_one(&rig, "/ok"));
    CHECK(ask_one(&rig, "/chunked"));
    CHECK(ask_one(&rig, "/identity"));
    CHECK(ask_one(&rig, "/interim"));
    CHECK(ask_one(&rig, "/until-end")); /* its end is the connection's */
    CHECK(!ask_one(&rig, "/last"));     /* and this one says it will be */
    CHECK(!ask_one(&rig, "/more"));     /* more than was asked for: nobody knows what comes next */
    CHECK(!ask_one(&rig, "/ok"));
    CHECK_INT(rig.peer.connections, 4);
    rig_stop(&rig);
}

BN_TEST(what_cannot_be_read_is_said_and_never_kept)
{
    struct rig rig;
    scene(&rig, &usual);
    fails(&rig, "/upgrade", "protocol", "body", "changes to a protocol nobody asked for");
    fails(&rig, "/br", "protocol", "body", "compressed in a way nobody asked for: br");
    fails(&rig, "/no-gzip", "protocol", "body", "the answer is broken: what came is no gzip");
    fails(&rig, "/cut-gzip", "protocol", "body", "the answer is broken: the gzip stream was cut");
    fails(&rig, "/bad-chunk", "protocol", "body", "the answer is broken: ");
    fails(&rig, "/half-head", "protocol", "answer", "the answer ended inside its head");
    CHECK_INT(rig.peer.connections, 6);
    rig_stop(&rig);
}

/* The peer lets go of what it holds, and says so to nobody. */
static void cut_all(struct rig *rig)
{
    while (rig->peer.stream_count > 0) {
        bn_stream_abort(rig->peer.streams[0]);
        bn_loop_round(rig->loop, 1, turn, rig);
    }
}

BN_TEST(a_question_that_dies_on_a_kept_connection_is_asked_once_more)
{
    struct rig rig;
    struct ask ask;
    scene(&rig, &usual);
    ask_one(&rig, "/ok");
    /* It takes the question and leaves: on the first connection, and on the fresh one. */
    fails(&rig, "/leaves", "reset", "answer", "closed the connection without an answer");
    CHECK_INT(rig.peer.requests, 3);
    CHECK_INT(rig.peer.connections, 2);
    /* It left before: found out now or while the question is on its way. */
    ask_one(&rig, "/ok");
    cut_all(&rig);
    CHECK(!ask_one(&rig, "/ok"));
    /* What changes something is not asked again, for it is not asked on a kept one. */
    ask_init(&rig, &ask, "/leaves");
    snprintf(ask.job.request.method, sizeof ask.job.request.method, "DELETE");
    const int before = rig.peer.requests;
    check_fault(run_ask(&rig, &ask), "reset", "answer", "without an answer");
    CHECK_INT(rig.peer.requests, before + 1);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(bytes_nobody_asked_for_end_a_kept_connection)
{
    struct rig rig;
    scene(&rig, &usual);
    ask_one(&rig, "/ok");
    bn_stream_put(rig.peer.streams[0], "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 42);
    bn_stream_flush(rig.peer.streams[0]);
    const int64_t until = rig.clock.mono_ms + WAIT_MS;
    while (rig.peer.stream_count > 0 && rig.clock.mono_ms < until)
        bn_loop_round(rig.loop, 10, turn, &rig);
    CHECK_INT(rig.peer.stream_count, 0);
    CHECK(!ask_one(&rig, "/ok"));
    rig_stop(&rig);
}

BN_TEST(a_kept_connection_is_let_go_after_its_time)
{
    struct rig rig;
    struct bn_fetch_config config = usual;
    config.keep_ms = 50;
    scene(&rig, &config);
    ask_one(&rig, "/ok");
    const int64_t until = rig.clock.mono_ms + WAIT_MS;
    while (rig.peer.stream_count > 0 && rig.clock.mono_ms < until)
        bn_loop_round(rig.loop, 10, turn, &rig);
    CHECK_INT(rig.peer.stream_count, 0);
    CHECK(!ask_one(&rig, "/ok"));
    rig_stop(&rig);
}

BN_TEST(a_kept_connection_makes_room_for_another_endpoint_and_another_trust)
{
    struct rig rig;
    struct ask ask;
    struct bn_fetch_config config = usual;
    config.at_once = 1;
    config.per_host = 1;
    scene(&rig, &config);
    ask_one(&rig, "/ok");
    ask_init(&rig, &ask, "/ok"); /* another name of the same server */
    snprintf(ask.job.request.host, sizeof ask.job.request.host, "localhost");
    CHECK_INT(run_ask(&rig, &ask)->status, 200);
    CHECK(!ask.job.answer.is_kept);
    bn_fetch_job_finish(&ask.job);
    CHECK(!ask_one(&rig, "/ok")); /* its own went for that one */
    CHECK(ask_one(&rig, "/ok"));
    ask_init(&rig, &ask, "/ok"); /* a fresh one, where only one may stand */
    ask.job.request.is_fresh = true;
    CHECK_INT(run_ask(&rig, &ask)->status, 200);
    CHECK(!ask.job.answer.is_kept);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(who_waits_for_his_turn_at_a_host_does_not_wait_for_ever)
{
    struct rig rig;
    struct ask asks[3];
    struct bn_err err;
    struct bn_fetch_config config = usual;
    config.per_host = 1;
    scene(&rig, &config);
    for (size_t i = 0; i < 3; i++)
        ask_init(&rig, &asks[i], i == 0 ? "/silent" : "/ok");
    asks[0].job.request.total_ms = 1000;
    asks[1].job.request.total_ms = 200;
    for (size_t i = 0; i < 3; i++)
        CHECK(bn_fetch_do(rig.fetch, &asks[i].job, &err));
    for (size_t i = 0; i < 3; i++)
        wait_for(&rig, &asks[i]);
    check_fault(&asks[0].job.answer, "timeout", "answer", " s in waiting for the answer");
    check_fault(&asks[1].job.answer, "timeout", "dns",
            " s in waiting for earlier requests to that host");
    CHECK_STR(asks[2].job.answer.text, "");
    CHECK_INT(asks[2].job.answer.status, 200);
    for (size_t i = 0; i < 3; i++)
        bn_fetch_job_finish(&asks[i].job);
    rig_stop(&rig);
}

BN_TEST(a_request_says_who_asks_whom_for_what)
{
    struct rig rig;
    struct ask ask;
    struct bn_err err;
    char host[64];
    scene(&rig, &usual);
    ask_init(&rig, &ask, "/ok");
    snprintf(ask.job.request.method, sizeof ask.job.request.method, "PUT");
    CHECK_INT(run_ask(&rig, &ask)->status, 200);
    bn_fetch_job_finish(&ask.job);
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%d\r\n", ask.job.request.port);
    CHECK(strstr(rig.peer.asked, "PUT /ok HTTP/1.1\r\n") == rig.peer.asked);
    CHECK(strstr(rig.peer.asked, host));
    CHECK(strstr(rig.peer.asked, "\r\nUser-Agent: Binnacle/"));
    CHECK(strstr(rig.peer.asked, "\r\nAccept-Encoding: gzip\r\n"));
    CHECK(strstr(rig.peer.asked, "\r\nContent-Length: 0\r\n\r\n"));
    CHECK(!strstr(rig.peer.asked, "Authorization"));
    CHECK(!strstr(rig.peer.asked, "Content-Type"));

    ask_init(&rig, &ask, "/ok");
    snprintf(ask.job.request.authorization, sizeof ask.job.request.authorization, "a\r\nX: y");
    CHECK(!bn_fetch_do(rig.fetch, &ask.job, &err));
    CHECK_STR(err.text, "a field of a request is one line of ASCII");
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(many_that_are_cut_off_at_the_end_are_all_told)
{
    static struct ask asks[40];
    struct rig rig;
    struct bn_err err;
    struct bn_fetch_config config = usual;
    config.per_host = 2;
    scene(&rig, &config);
    ask_one(&rig, "/ok"); /* one kept */
    for (size_t i = 0; i < COUNT(asks); i++) {
        ask_init(&rig, &asks[i], "/silent");
        CHECK(bn_fetch_do(rig.fetch, &asks[i].job, &err));
    }
    const int64_t until = rig.clock.mono_ms + WAIT_MS;
    while (rig.peer.requests < 3 && rig.clock.mono_ms < until)
        bn_loop_round(rig.loop, 10, turn, &rig);
    rig_stop(&rig);
    for (size_t i = 0; i < COUNT(asks); i++) {
        CHECK_INT(asks[i].done, 1);
        CHECK_STR(bn_fetch_fault_word(asks[i].job.answer.fault), "cancelled");
        CHECK_STR(asks[i].job.answer.text, "Binnacle is stopping");
        bn_fetch_job_finish(&asks[i].job);
    }
}

BN_TEST_MAIN()
