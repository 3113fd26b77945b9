/* The handshake of a connection of ours: who is believed, and what is said of the rest. */
#include "dial_rig.h"
#include "tls_ca.h"

BN_TEST(with_tls_nothing_is_sent_before_the_certificate_was_judged)
{
    struct scene scene;
    char print[BN_FINGERPRINT_SIZE];
    struct bn_tls_config *tls = load("a");
    start(&scene, true);
    listen_at(&scene, "127.0.0.1", tls);
    struct bn_dial_to to = secure(&scene, "127.0.0.1", BN_TRUST_PIN, "b");
    fails(&scene, &to, "cert_changed", "tls", "nothing was sent");
    CHECK(scene.result.was_tls && isnan(scene.result.tls_ms) && scene.result.tcp_ms >= 0);
    fingerprint_of("a", print);
    CHECK_STR(scene.peer.fingerprint, print);
    to = secure(&scene, "127.0.0.1", BN_TRUST_LOOK, NULL);
    fails(&scene, &to, "untrusted", "tls", "only looked at");
    to = secure(&scene, "127.0.0.1", BN_TRUST_CA, NULL);
    fails(&scene, &to, "untrusted", "tls", "self-signed");
    settle(&scene);
    CHECK_INT(scene.heard_len, 0);
    to = secure(&scene, "127.0.0.1", BN_TRUST_PIN, "a");
    CHECK_STR(dial(&scene, &to)->text, "");
    CHECK(scene.result.tls_ms > 0 && !scene.result.is_resumed);
    CHECK(bn_stream_is_tls(scene.stream) && !bn_stream_is_handshaking(scene.stream));
    ping(&scene);
    hang_up(&scene);
    CHECK(dial(&scene, &to)->is_resumed);
    ping(&scene);
    hang_up(&scene);
    to.is_fresh = true;
    CHECK(!dial(&scene, &to)->is_resumed);
    stop(&scene);
    bn_tls_config_unref(tls);
}

BN_TEST(an_authority_vouches_for_a_name_an_address_and_a_time)
{
    struct scene scene;
    make_authority();
    struct bn_tls_config *good = load("good");
    struct bn_tls_config *other = load("other");
    struct bn_tls_config *old = load("old");
    start(&scene, true);
    leads_to[0] = "127.0.0.1";
    listen_at(&scene, "127.0.0.1", good);
    struct bn_dial_to to = secure(&scene, "here.example", BN_TRUST_CA, NULL);
    CHECK_STR(dial(&scene, &to)->text, "");
    ping(&scene);
    hang_up(&scene);
    CHECK(dial(&scene, &to)->is_resumed); /* vouched for when the session was made */
    CHECK(scene.peer.fingerprint[0] && scene.peer.expires_at > scene.clock.now_ms);
    hang_up(&scene);
    to = secure(&scene, "here.example.", BN_TRUST_CA, NULL); /* the same, absolute */
    CHECK_STR(dial(&scene, &to)->text, "");
    hang_up(&scene);
    to = secure(&scene, "127.0.0.1", BN_TRUST_CA, NULL);
    CHECK_STR(dial(&scene, &to)->text, "");
    hang_up(&scene);
    to = secure(&scene, "there.example", BN_TRUST_CA, NULL);
    fails(&scene, &to, "untrusted", "tls", "is not made out to this host name");

    bn_listener_set_tls(scene.listener, other);
    to = secure(&scene, "127.0.0.1", BN_TRUST_CA, NULL);
    to.is_fresh = true;
    fails(&scene, &to, "untrusted", "tls", "is not made out to this host name");
    bn_listener_set_tls(scene.listener, old);
    fails(&scene, &to, "untrusted", "tls",
            "the certificate is not trusted: certificate has expired");
    stop(&scene);
    bn_tls_config_unref(good);
    bn_tls_config_unref(other);
    bn_tls_config_unref(old);
}

/* Answers a handshake with what the test says, or leaves. */
static void serve_bytes(struct scene *scene, const char *bytes)
{
    const int64_t until = scene->clock.mono_ms + WAIT_MS;
    while (!scene->served && scene->clock.mono_ms < until)
        bn_loop_round(scene->loop, 10, turn, scene);
    CHECK(scene->served);
    if (bytes) {
        bn_stream_put(scene->served, bytes, strlen(bytes));
        bn_stream_flush(scene->served);
    } else
        bn_stream_abort(scene->served);
    while (!scene->done && scene->clock.mono_ms < until)
        bn_loop_round(scene->loop, 10, turn, scene);
    CHECK_INT(scene->done, 1);
}

BN_TEST(what_is_no_tls_or_breaks_off_is_told_apart)
{
    static const struct {
        const char *bytes;
        const char *fault;
        const char *text;
    } cases[] = {
            {"HTTP/1.1 400 Bad Request\r\n\r\n", "tls", "speaks no TLS on that port"},
            {"\x16\x03\x03\xFF\xFF", "tls", "speaks no TLS on that port"},
            {NULL, "reset", "closed the connection during the TLS handshake (an access list?)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        start(&scene, true);
        listen_at(&scene, "127.0.0.1", NULL);
        scene.is_mute = true;
        const struct bn_dial_to to = secure(&scene, "127.0.0.1", BN_TRUST_LOOK, NULL);
        CHECK(bn_dial_start(scene.dialer, &to, on_dialled, &scene));
        serve_bytes(&scene, cases[i].bytes);
        CHECK_STR(bn_fetch_fault_word(scene.result.fault), cases[i].fault);
        CHECK_STR(bn_fetch_phase_word(scene.result.phase), "tls");
        CHECK_STR(scene.result.text, cases[i].text);
        stop(&scene);
    }
}

BN_TEST(a_fatal_alert_of_the_server_is_told_in_its_words)
{
    struct scene scene;
    start(&scene, true);
    listen_at(&scene, "127.0.0.1", NULL);
    scene.is_mute = true;
    const struct bn_dial_to to = secure(&scene, "127.0.0.1", BN_TRUST_LOOK, NULL);
    CHECK(bn_dial_start(scene.dialer, &to, on_dialled, &scene));
    const int64_t until = scene.clock.mono_ms + WAIT_MS;
    while (!scene.served && scene.clock.mono_ms < until)
        bn_loop_round(scene.loop, 10, turn, &scene);
    static const char alert[] = {0x15, 3, 3, 0, 2, 2, 40}; /* handshake_failure */
    bn_stream_put(scene.served, alert, sizeof alert);
    bn_stream_flush(scene.served);
    while (!scene.done && scene.clock.mono_ms < until)
        bn_loop_round(scene.loop, 10, turn, &scene);
    CHECK_STR(bn_fetch_fault_word(scene.result.fault), "tls");
    CHECK(strstr(scene.result.text, "TLS failed: ") == scene.result.text);
    CHECK(strstr(scene.result.text, "handshake failure"));
    stop(&scene);
}

BN_TEST_MAIN()
