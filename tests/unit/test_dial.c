#include "dial_rig.h"

/* --- what stands ----------------------------------------------------------------------------- */

BN_TEST(a_plain_connection_stands_and_speaks)
{
    struct scene scene;
    start(&scene, true);
    listen_at(&scene, "127.0.0.1", NULL);
    const struct bn_dial_to to = plain(&scene, "127.0.0.1");
    const struct bn_dialled *result = dial(&scene, &to);
    CHECK_STR(result->text, "");
    CHECK(result->stream && !bn_stream_is_tls(result->stream));
    CHECK_STR(result->address, "127.0.0.1");
    CHECK_STR(bn_stream_address(result->stream), "127.0.0.1");
    CHECK(result->dns_ms >= 0 && result->tcp_ms >= 0 && isnan(result->tls_ms));
    CHECK(!result->was_tls);
    ping(&scene);
    CHECK_MEM(scene.heard, "ping", 4);
    stop(&scene);
}

BN_TEST(an_address_of_ipv6_is_called_as_it_stands)
{
    struct scene scene;
    start(&scene, true);
    listen_at(&scene, "::1", NULL);
    const struct bn_dial_to to = plain(&scene, "::1");
    CHECK_STR(dial(&scene, &to)->address, "::1");
    ping(&scene);
    stop(&scene);
}

BN_TEST(a_name_is_looked_up_and_the_first_address_that_answers_is_taken)
{
    struct scene scene;
    start(&scene, true);
    listen_at(&scene, "127.0.0.1", NULL);
    leads_to[0] = "127.0.0.9"; /* nobody listens there */
    leads_to[1] = "127.0.0.1";
    struct bn_dial_to to = plain(&scene, "here.example");
    CHECK_STR(dial(&scene, &to)->address, "127.0.0.1");
    ping(&scene);
    hang_up(&scene);
    leads_to[0] = NULL; /* known by now */
    CHECK_STR(dial(&scene, &to)->text, "");
    hang_up(&scene);
    to.is_fresh = true;
    fails(&scene, &to, "dns", "dns", "the name is not known to the resolver");
    CHECK(isnan(scene.result.dns_ms) && isnan(scene.result.tcp_ms));
    stop(&scene);
}

BN_TEST(an_address_that_does_not_answer_is_not_waited_for)
{
    struct scene scene;
    struct hole hole;
    start(&scene, true);
    open_hole(&hole, true);
    /* The same port of another address, where somebody is. */
    struct bn_listener_config config = {.host = "127.0.0.2",
            .port = hole.port,
            .accepted = on_accepted,
            .user = &scene};
    CHECK(bn_listener_open(scene.loop, &config, &scene.listener, NULL));
    leads_to[0] = "127.0.0.1";
    leads_to[1] = "127.0.0.2";
    const struct bn_dial_to to = plain(&scene, "two.example");
    CHECK_STR(dial(&scene, &to)->address, "127.0.0.2");
    CHECK(scene.result.tcp_ms >= 200 && scene.result.tcp_ms < 8000);
    ping(&scene);
    stop(&scene);
    close_hole(&hole);
}

/* --- what does not --------------------------------------------------------------------------- */

BN_TEST(each_way_of_not_being_reached_has_its_word_and_its_sentence)
{
    struct scene scene;
    struct hole hole;
    start(&scene, true);
    struct bn_dial_to to = plain(&scene, "127.0.0.1");
    fails(&scene, &to, "refused", "tcp", "nothing listens on that port");
    CHECK(scene.result.dns_ms >= 0 && isnan(scene.result.tcp_ms));
    leads_to[0] = "127.0.0.8";
    leads_to[1] = "127.0.0.9";
    to.host = "both.example";
    fails(&scene, &to, "refused", "tcp", "nothing listens on that port");
    CHECK_STR(scene.result.address, "127.0.0.9");

    open_hole(&hole, true);
    to.host = "127.0.0.1";
    to.port = hole.port;
    to.limit_ms = 300;
    fails(&scene, &to, "timeout", "tcp", " s in connecting (a firewall?)");
    close_hole(&hole);

    open_hole(&hole, false);
    to = secure(&scene, "127.0.0.1", BN_TRUST_LOOK, NULL);
    to.port = hole.port;
    to.limit_ms = 300;
    fails(&scene, &to, "timeout", "tls", " s in the TLS handshake");
    close_hole(&hole);

    hangs = true;
    to = plain(&scene, "slow.example");
    to.limit_ms = 200;
    fails(&scene, &to, "timeout", "dns", " s in looking up the name");
    hangs = false;
    stop(&scene);
}

BN_TEST(the_policy_is_asked_for_each_address_before_it_is_called)
{
    struct scene scene;
    start(&scene, false);
    listen_at(&scene, "127.0.0.1", NULL);
    struct bn_dial_to to = plain(&scene, "127.0.0.1");
    fails(&scene, &to, "not_allowed", "tcp",
            "127.0.0.1 is this machine itself: --allow-target 127.0.0.1 opens it");
    leads_to[0] = "127.0.0.1";
    leads_to[1] = "169.254.169.254";
    to.host = "rebound.example";
    fails(&scene, &to, "not_allowed", "tcp", "169.254.169.254 is where clouds keep their secrets");
    stop(&scene);

    start(&scene, true); /* one closed and one open: the open one is called */
    listen_at(&scene, "127.0.0.1", NULL);
    leads_to[0] = "169.254.169.254";
    leads_to[1] = "127.0.0.1";
    to = plain(&scene, "mixed.example");
    CHECK_STR(dial(&scene, &to)->address, "127.0.0.1");
    CHECK_INT(scene.accepted, 1);
    stop(&scene);
}

/* --- the end of a wish ----------------------------------------------------------------------- */

BN_TEST(who_cancels_hears_nothing_more_in_whatever_phase)
{
    struct scene scene;
    struct hole full;
    struct hole silent;
    start(&scene, true);
    bn_dial_cancel(NULL);
    open_hole(&full, true);
    open_hole(&silent, false);
    hangs = true;
    struct bn_dial_to name = plain(&scene, "slow.example");
    struct bn_dial_to tcp = plain(&scene, "127.0.0.1");
    tcp.port = full.port;
    struct bn_dial_to tls = secure(&scene, "127.0.0.1", BN_TRUST_LOOK, NULL);
    tls.port = silent.port;
    const struct bn_dial_to closed = plain(&scene, "224.0.0.1"); /* fails at once, told later */
    struct bn_dial *dials[] = {bn_dial_start(scene.dialer, &name, on_dialled, &scene),
            bn_dial_start(scene.dialer, &tcp, on_dialled, &scene),
            bn_dial_start(scene.dialer, &tls, on_dialled, &scene)};
    bn_dial_cancel(bn_dial_start(scene.dialer, &closed, on_dialled, &scene));
    settle(&scene);
    for (size_t i = 0; i < COUNT(dials); i++)
        bn_dial_cancel(dials[i]);
    settle(&scene);
    CHECK_INT(scene.done, 0);
    hangs = false;
    stop(&scene);
    close_hole(&full);
    close_hole(&silent);
}

BN_TEST(without_a_descriptor_it_is_said)
{
    struct scene scene;
    struct rlimit before;
    start(&scene, true);
    const struct bn_dial_to to = plain(&scene, "127.0.0.1");
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, before.rlim_max}), 0);
    fails(&scene, &to, "unreachable", "tcp", "cannot be reached: Too many open files");
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    stop(&scene);
}

BN_TEST(a_time_limit_that_passed_is_told_with_its_length)
{
    char text[120];
    bn_fetch_timeout_text(text, sizeof text, BN_PHASE_TLS, 5049);
    CHECK_STR(text, "timed out after 5.0 s in the TLS handshake");
}

BN_TEST(a_key_names_endpoint_and_trust)
{
    char key[BN_DIAL_KEY_SIZE];
    struct bn_tls_peer peer = {.trust = BN_TRUST_PIN, .pin = "AA:BB"};
    const struct bn_dial_to tls = {.host = "a", .port = 8006, .peer = &peer};
    const struct bn_dial_to bare = {.host = "a", .port = 8006, .is_plain = true, .peer = &peer};
    bn_dial_key(&tls, key);
    CHECK_STR(key, "a 8006 0 1 AA:BB");
    bn_dial_key(&bare, key);
    CHECK_STR(key, "a 8006 1 0 ");
    peer.trust = BN_TRUST_CA;
    bn_dial_key(&tls, key);
    CHECK_STR(key, "a 8006 0 0 ");
}

BN_TEST_MAIN()
