#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bn_test.h"
#include "certs.h"
#include "fetch_rig.h"
#include "io/tls_peer.h"

static const struct peer_answer answers[] = {
        {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, false},
};

static const struct bn_fetch_answer *ask_tls(struct rig *rig, struct ask *ask, enum bn_trust trust,
        const char *pin)
{
    ask_init(rig, ask, "/ok");
    ask->job.request.is_plain = false;
    ask->job.peer.trust = trust;
    snprintf(ask->job.request.authorization, sizeof ask->job.request.authorization, "secret");
    if (pin)
        fingerprint_of(pin, ask->job.peer.pin);
    return run_ask(rig, ask);
}

BN_TEST(the_pinned_certificate_and_no_other_gets_the_secret)
{
    struct rig rig;
    struct ask ask;
    char print[BN_FINGERPRINT_SIZE];
    struct bn_tls_config *tls = load("a");
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), tls);

    const struct bn_fetch_answer *answer = ask_tls(&rig, &ask, BN_TRUST_PIN, "b");
    check_fault(answer, "cert_changed", "tls", "nothing was sent");
    fingerprint_of("a", print);
    CHECK_STR(ask.job.peer.fingerprint, print);
    bn_fetch_job_finish(&ask.job);

    check_fault(ask_tls(&rig, &ask, BN_TRUST_LOOK, NULL), "untrusted", "tls", "only looked at");
    CHECK_STR(ask.job.peer.fingerprint, print);
    CHECK(ask.job.peer.expires_at > rig.clock.now_ms + 86400000);
    CHECK(ask.job.peer.expires_at < rig.clock.now_ms + 3 * 86400000LL);
    bn_fetch_job_finish(&ask.job);

    check_fault(ask_tls(&rig, &ask, BN_TRUST_CA, NULL), "untrusted", "tls", "self-signed");
    bn_fetch_job_finish(&ask.job);
    CHECK_INT(rig.peer.asked_len, 0);

    answer = ask_tls(&rig, &ask, BN_TRUST_PIN, "a");
    CHECK_STR(answer->text, "");
    CHECK_INT(answer->status, 200);
    CHECK(answer->tls_ms > 0);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
    bn_tls_config_unref(tls);
}

/* A kept connection and a remembered session skip the handshake's judgement. */
BN_TEST(a_new_pin_counts_for_connections_and_sessions_that_are_already_there)
{
    struct rig rig;
    struct ask ask;
    struct bn_tls_config *tls = load("a");
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), tls);
    CHECK_INT(ask_tls(&rig, &ask, BN_TRUST_PIN, "a")->status, 200);
    bn_fetch_job_finish(&ask.job);
    CHECK_INT(ask_tls(&rig, &ask, BN_TRUST_PIN, "a")->status, 200);
    CHECK(ask.job.answer.is_kept);
    bn_fetch_job_finish(&ask.job);
    const size_t before = rig.peer.asked_len;
    check_fault(ask_tls(&rig, &ask, BN_TRUST_PIN, "b"), "cert_changed", "tls", "nothing was sent");
    bn_fetch_job_finish(&ask.job);
    check_fault(ask_tls(&rig, &ask, BN_TRUST_CA, NULL), "untrusted", "tls", "self-signed");
    bn_fetch_job_finish(&ask.job);
    CHECK_INT(rig.peer.asked_len, before);
    rig_stop(&rig);
    bn_tls_config_unref(tls);
}

BN_TEST(a_renewed_certificate_is_noticed_before_anything_is_sent)
{
    struct rig rig;
    struct ask ask;
    char print[BN_FINGERPRINT_SIZE];
    struct bn_tls_config *a = load("a");
    struct bn_tls_config *b = load("b");
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), a);
    CHECK_INT(ask_tls(&rig, &ask, BN_TRUST_PIN, "a")->status, 200);
    bn_fetch_job_finish(&ask.job);
    bn_listener_set_tls(rig.peer.listener, b);
    while (rig.peer.stream_count > 0) { /* as a renewal does: workers go, connections with them */
        bn_stream_abort(rig.peer.streams[0]);
        bn_loop_round(rig.loop, 1, turn, &rig);
    }
    const size_t before = rig.peer.asked_len;
    check_fault(ask_tls(&rig, &ask, BN_TRUST_PIN, "a"), "cert_changed", "tls", "another one");
    fingerprint_of("b", print);
    CHECK_STR(ask.job.peer.fingerprint, print);
    bn_fetch_job_finish(&ask.job);
    CHECK_INT(rig.peer.asked_len, before);
    CHECK_INT(ask_tls(&rig, &ask, BN_TRUST_PIN, "b")->status, 200);
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);
    bn_tls_config_unref(a);
    bn_tls_config_unref(b);
}

BN_TEST(a_port_that_speaks_no_tls_stalls_or_leaves_is_said)
{
    struct rig rig;
    struct ask ask;
    rig_start(&rig, &usual, true);
    serve(&rig, answers, COUNT(answers), NULL);
    rig.peer.closes_at_once = true;
    check_fault(ask_tls(&rig, &ask, BN_TRUST_LOOK, NULL), "reset", "tls",
            "during the TLS handshake");
    bn_fetch_job_finish(&ask.job);
    rig_stop(&rig);

    /* A socket that listens and is never accepted from: TCP stands, nobody answers. */
    rig_start(&rig, &usual, true);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(fd, 8), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    ask_init(&rig, &ask, "/ok");
    ask.job.request.port = ntohs(at.sin_port);
    ask.job.request.is_plain = false;
    ask.job.request.connect_ms = 300;
    check_fault(run_ask(&rig, &ask), "timeout", "tls", "in the TLS handshake");
    bn_fetch_job_finish(&ask.job);
    close(fd);
    rig_stop(&rig);
}

BN_TEST(fingerprints_are_read_in_the_forms_people_paste)
{
    char out[BN_FINGERPRINT_SIZE];
    char small[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const char *usual_form =
            "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
            "DD:EE:FF";
    CHECK(bn_fingerprint_read(small, out));
    CHECK_STR(out, usual_form);
    CHECK(bn_fingerprint_read(usual_form, out));
    CHECK_STR(out, usual_form);
    for (size_t cut = 0; cut < strlen(usual_form); cut++) {
        char text[100];
        snprintf(text, sizeof text, "%.*s", (int)cut, usual_form);
        CHECK(!bn_fingerprint_read(text, out));
    }
    CHECK(!bn_fingerprint_read("00:11", out));
    small[5] = 'g';
    CHECK(!bn_fingerprint_read(small, out));
    CHECK(!bn_fingerprint_read("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
            out));
}

BN_TEST_MAIN()
