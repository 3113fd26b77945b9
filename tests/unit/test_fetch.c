#include <zlib.h>

#include "bn_test.h"
#include "fetch_rig.h"

/* --- answers --------------------------------------------------------------------------------- */

static const struct peer_answer answers[] = {
        {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello", 0,
                false},
        {"/privilege",
                "HTTP/1.1 403 Permission check failed (/vms/100, VM.Console)\r\nConnection: close\r\n"
                "Content-Length: 13\r\n\r\n{\"data\":null}",
                0, true},
        {"/595", "HTTP/1.1 595 Connection refused\r\nConnection: close\r\n\r\n", 0, true},
        {"/nothing-said", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 0, false},
        {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", 0, false},
        {"/truncated", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes!", 0, true},
        {"/garbage", "lorem ipsum dolor sit amet\r\n\r\n", 0, true},
        {"/drip", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx", 0, false},
        {"/silent", NULL, 0, false},
        {"/leaves", NULL, 0, true},
};

BN_TEST(an_answer_comes_whole_with_its_times)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    ask_init(&rig, &ask, "/ok?x=1");
    snprintf(ask.job.request.authorization, sizeof ask.job.request.authorization,
            "PVEAPIToken=root@pam!t=secret");
    const struct bn_fetch_answer *answer = run_ask(&rig, &ask);
    CHECK_STR(bn_fetch_fault_word(answer->fault), "ok");
    CHECK_INT(answer->status, 200);
    CHECK_STR(answer->reason, "OK");
    CHECK_STR(answer->type, "text/plain");
    CHECK(bn_str_is(bn_buf_str(&answer->body), "hello"));
    CHECK_STR(answer->address, "127.0.0.1");
    CHECK(answer->dns_ms >= 0 && answer->tcp_ms >= 0 && answer->wait_ms >= 0);
    CHECK(answer->total_ms >= answer->dns_ms + answer->tcp_ms + answer->wait_ms - 0.01);
    CHECK(isnan(answer->tls_ms));
    CHECK(!answer->is_kept);
    CHECK_INT(ask.read, 1);
    CHECK(strstr(rig.peer.asked, "GET /ok?x=1 HTTP/1.1\r\n") == rig.peer.asked);
    CHECK(strstr(rig.peer.asked, "\r\nAuthorization: PVEAPIToken=root@pam!t=secret\r\n"));
    CHECK_STR(ask.job.request.authorization, ""); /* wiped when it was over */
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

static void answered(struct rig *rig, const char *path, int status, const char *reason,
        const char *body)
{
    struct ask ask;
    ask_init(rig, &ask, path);
    const struct bn_fetch_answer *answer = run_ask(rig, &ask);
    CHECK_STR(answer->text, "");
    CHECK_INT(answer->status, status);
    CHECK_STR(answer->reason, reason);
    CHECK(bn_str_is(bn_buf_str(&answer->body), body));
    bn_fetch_job_finish(&ask.job);
}

BN_TEST(what_the_status_line_says_is_told_and_redirects_are_not_followed)
{
    struct rig rig;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    answered(&rig, "/privilege", 403, "Permission check failed (/vms/100, VM.Console)",
            "{\"data\":null}");
    answered(&rig, "/595", 595, "Connection refused", "");
    answered(&rig, "/nothing-said", 200, "", "");
    answered(&rig, "/moved", 302, "Found", "");
    CHECK_INT(rig.peer.requests, 4);
    rig_stop(&rig);
}

static void fails(struct rig *rig, const char *path, const char *fault, const char *phase,
        const char *text)
{
    struct ask ask;
    ask_init(rig, &ask, path);
    ask.job.request.total_ms = 300;
    check_fault(run_ask(rig, &ask), fault, phase, text);
    CHECK_INT(ask.read, 0);
    bn_fetch_job_finish(&ask.job);
}

BN_TEST(each_way_of_not_answering_has_its_word_its_phase_and_its_sentence)
{
    struct rig rig;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    fails(&rig, "/truncated", "protocol", "body", "ended before its announced length");
    fails(&rig, "/garbage", "protocol", "answer", "no HTTP answer");
    fails(&rig, "/drip", "timeout", "body", " s in reading the answer");
    fails(&rig, "/silent", "timeout", "answer", "in waiting for the answer");
    fails(&rig, "/leaves", "reset", "answer", "closed the connection without an answer");
    rig_stop(&rig);
}

BN_TEST(who_cannot_be_reached_is_told_apart_from_who_does_not_answer)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    fails(&rig, "/", "refused", "tcp", "nothing listens on that port");
    ask_init(&rig, &ask, "/");
    bn_text_clip(ask.job.request.host, sizeof ask.job.request.host, BN_STR("nowhere.invalid"));
    check_fault(run_ask(&rig, &ask), "dns", "dns", "not known to the resolver");
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(an_address_the_policy_closes_is_never_called)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, false);
    serve(&rig, answers, COUNT(answers), NULL);
    ask_init(&rig, &ask, "/ok");
    check_fault(run_ask(&rig, &ask), "not_allowed", "tcp",
            "127.0.0.1 is this machine itself: --allow-target 127.0.0.1 opens it");
    bn_fetch_job_finish(&ask.job);
    ask_init(&rig, &ask, "/ok"); /* a name that leads there is no way around */
    bn_text_clip(ask.job.request.host, sizeof ask.job.request.host, BN_STR("localhost"));
    check_fault(run_ask(&rig, &ask), "not_allowed", "tcp", "this machine itself");
    bn_fetch_job_finish(&ask.job);
    CHECK_INT(rig.peer.connections, 0);
    rig_stop(&rig);
}

BN_TEST(what_is_no_host_port_or_path_is_refused_before_it_is_asked)
{
    struct rig rig;
    struct ask ask;
    struct bn_err err;
    rig_start(&rig, &usual, true);
    static const char *const hosts[] = {"", "-oProxy", "a b", "a/b", "a@b", "a\r\nHost: x", "a#b",
            "[::1]"};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        ask_init(&rig, &ask, "/ok");
        snprintf(ask.job.request.host, sizeof ask.job.request.host, "%s", hosts[i]);
        CHECK(!bn_fetch_do(rig.fetch, &ask.job, &err));
        CHECK_STR(err.field, "host");
        bn_fetch_job_finish(&ask.job);
    }
    ask_init(&rig, &ask, "/a b");
    CHECK(!bn_fetch_do(rig.fetch, &ask.job, &err));
    CHECK_STR(err.text, "a path begins with / and has no blanks");
    snprintf(ask.job.request.path, sizeof ask.job.request.path, "/a\r\nX: y");
    CHECK(!bn_fetch_do(rig.fetch, &ask.job, &err));
    snprintf(ask.job.request.path, sizeof ask.job.request.path, "/ok");
    ask.job.request.port = 65536;
    CHECK(!bn_fetch_do(rig.fetch, &ask.job, &err));
    CHECK_STR(err.text, "port must be 1..65535, got 65536");
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

/* --- sizes ----------------------------------------------------------------------------------- */

static size_t write_gzip(const char *from, size_t len, char *out, size_t size)
{
    z_stream z = {0};
    CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size;
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t written = z.total_out;
    deflateEnd(&z);
    return written;
}

static size_t write_answer(char *out, size_t size, const char *fields, const char *body, size_t len)
{
    int head = snprintf(out, size, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", fields, len);
    CHECK((size_t)head + len <= size);
    memcpy(out + head, body, len);
    return (size_t)head + len;
}

BN_TEST(compressed_answers_are_decoded_and_a_bomb_is_cut_at_the_limit)
{
    static char zeros[1 << 20];
    static char packed[8192];
    static char small[8192];
    static char bomb[8192];
    static char plain[8192];
    struct rig rig;
    struct ask ask;
    size_t n = write_gzip("hello", 5, packed, sizeof packed);
    size_t small_len = write_answer(small, sizeof small, "Content-Encoding: gzip\r\n", packed, n);
    n = write_gzip(zeros, sizeof zeros, packed, sizeof packed);
    size_t bomb_len = write_answer(bomb, sizeof bomb, "Content-Encoding: gzip\r\n", packed, n);
    size_t plain_len = write_answer(plain, sizeof plain, "", zeros, 4097);
    const struct peer_answer packs[] = {{"/small", small, small_len, false},
            {"/bomb", bomb, bomb_len, false}, {"/plain", plain, plain_len, false}};
    rig_start(&rig, &usual, true);
    serve(&rig, packs, COUNT(packs), NULL);
    answered(&rig, "/small", 200, "OK", "hello");
    fails(&rig, "/bomb", "too_big", "body", "larger than 4 KiB");
    fails(&rig, "/plain", "too_big", "body", "larger than 4 KiB");
    ask_init(&rig, &ask, "/plain"); /* one byte more may be held */
    ask.job.request.answer_max = 4097;
    CHECK_INT(run_ask(&rig, &ask)->body.len, 4097);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(all_answers_together_have_a_limit_too)
{
    static char body[2000];
    static char bytes[4096];
    struct rig rig;
    struct bn_fetch_config config = usual;
    config.bodies_max = 1999;
    memset(body, 'x', sizeof body);
    size_t len = write_answer(bytes, sizeof bytes, "", body, sizeof body);
    const struct peer_answer packs[] = {{"/", bytes, len, false}};
    rig_start(&rig, &config, true);
    serve(&rig, packs, COUNT(packs), NULL);
    fails(&rig, "/", "too_big", "body", "larger than what may be held at once");
    rig_stop(&rig);
}

BN_TEST(a_head_of_more_than_32_kib_is_cut)
{
    static char bytes[40000];
    struct rig rig;
    size_t len = (size_t)snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    while (len < 33000)
        len += (size_t)snprintf(bytes + len, sizeof bytes - len, "X-Line: %0100d\r\n", 0);
    snprintf(bytes + len, sizeof bytes - len, "\r\n");
    const struct peer_answer packs[] = {{"/", bytes, 0, false}};
    rig_start(&rig, &usual, true);
    serve(&rig, packs, COUNT(packs), NULL);
    fails(&rig, "/", "too_big", "body", "larger than");
    rig_stop(&rig);
}

/* --- many, kept, and again ------------------------------------------------------------------- */

BN_TEST(a_connection_is_kept_for_the_next_question)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    answered(&rig, "/ok", 200, "OK", "hello");
    ask_init(&rig, &ask, "/ok");
    const struct bn_fetch_answer *answer = run_ask(&rig, &ask);
    CHECK(answer->is_kept);
    CHECK(isnan(answer->dns_ms) && isnan(answer->tcp_ms));
    CHECK(answer->wait_ms >= 0);
    CHECK_INT(rig.peer.connections, 1);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(who_wants_every_phase_measured_gets_a_connection_of_its_own)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    for (int i = 1; i <= 3; i++) {
        ask_init(&rig, &ask, "/ok");
        ask.job.request.is_fresh = true;
        const struct bn_fetch_answer *answer = run_ask(&rig, &ask);
        CHECK(!answer->is_kept);
        CHECK(answer->dns_ms >= 0 && answer->tcp_ms >= 0 && answer->wait_ms >= 0);
        CHECK_INT(rig.peer.connections, i);
        bn_fetch_job_finish(&ask.job);
    }
    rig_stop(&rig);
}

static const struct peer_answer leaving[] = {
        {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, false},
        {"/act", NULL, 0, true},
};

BN_TEST(what_changes_something_takes_a_fresh_connection_and_is_sent_once)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    serve(&rig, leaving, COUNT(leaving), NULL);
    answered(&rig, "/ok", 200, "OK", "hello");
    ask_init(&rig, &ask, "/act");
    snprintf(ask.job.request.method, sizeof ask.job.request.method, "POST");
    snprintf(ask.job.request.body_type, sizeof ask.job.request.body_type,
            "application/x-www-form-urlencoded");
    bn_buf_puts(&ask.job.request.body, "timeout=30");
    check_fault(run_ask(&rig, &ask), "reset", "answer", "without an answer");
    CHECK_INT(rig.peer.requests, 2);
    CHECK_INT(rig.peer.connections, 2);
    const char *post = strstr(rig.peer.asked, "POST /act HTTP/1.1\r\n");
    CHECK(post && strstr(post, "\r\nContent-Length: 10\r\n"));
    CHECK(!strstr(post, "Expect"));
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
}

BN_TEST(many_more_than_may_run_at_once_are_all_answered)
{
    static struct ask asks[300];
    struct rig rig;
    struct bn_fetch_stats stats;
    struct bn_err err;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    for (size_t i = 0; i < COUNT(asks); i++) {
        ask_init(&rig, &asks[i], "/ok");
        CHECK(bn_fetch_do(rig.fetch, &asks[i].job, &err));
    }
    for (size_t i = 0; i < COUNT(asks); i++) {
        wait_for(&rig, &asks[i]);
        CHECK_INT(asks[i].job.answer.status, 200);
        bn_fetch_job_finish(&asks[i].job);
    }
    bn_fetch_get_stats(rig.fetch, &stats);
    CHECK_INT(stats.answers, 300);
    CHECK_INT(stats.waiting + stats.active, 0);
    CHECK(rig.peer.connections <= 8); /* per_host */
    rig_stop(&rig);
}

BN_TEST(a_full_queue_refuses_with_a_sentence)
{
    struct rig rig;
    struct ask asks[3];
    struct bn_err err;
    struct bn_fetch_config config = usual;
    config.at_once = 1;
    config.queue_max = 1;
    rig_start(&rig, &config, true);
    serve(&rig, answers, COUNT(answers), NULL);
    for (size_t i = 0; i < 3; i++)
        ask_init(&rig, &asks[i], "/silent");
    CHECK(bn_fetch_do(rig.fetch, &asks[0].job, &err));
    struct bn_fetch_stats stats = {.waiting = 1};
    while (stats.waiting > 0)
        bn_fetch_get_stats(rig.fetch, &stats);
    CHECK(bn_fetch_do(rig.fetch, &asks[1].job, &err));
    CHECK(!bn_fetch_do(rig.fetch, &asks[2].job, &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK_STR(err.text, "1 requests to other servers are waiting already");
    rig_stop(&rig); /* what is under way and what waits: both are told */
    CHECK_STR(bn_fetch_fault_word(asks[0].job.answer.fault), "cancelled");
    CHECK_STR(bn_fetch_fault_word(asks[1].job.answer.fault), "cancelled");
    CHECK_INT(asks[0].done + asks[1].done, 2);
    for (size_t i = 0; i < 3; i++)
        bn_fetch_job_finish(&asks[i].job);
}

BN_TEST_MAIN()
