#include <errno.h>

#include "stream_scene.h"

#define BIG (8 << 20)

static void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene_open(scene, NULL);
}

static void wait_bytes(struct scene *scene, size_t n)
{
    int64_t begun_ms = scene->clock.mono_ms;
    while (scene->got_len < n && scene->clock.mono_ms - begun_ms < WAIT_MS)
        bn_loop_round(scene->loop, 10, NULL, NULL);
}

BN_TEST(bytes_come_in_and_go_out)
{
    struct scene scene;
    char answer[16] = "";
    scene_init(&scene);
    CHECK_STR(bn_stream_address(scene.stream), "127.0.0.1");
    CHECK_INT(write(scene.fd, "hello", 5), 5);
    wait_bytes(&scene, 5);
    CHECK_MEM(scene.got, "hello", 5);
    bn_stream_put(scene.stream, "wor", 3);
    bn_stream_put(scene.stream, "ld", 2);
    CHECK_INT(bn_stream_queued(scene.stream), 5);
    bn_stream_flush(scene.stream);
    CHECK_INT(bn_stream_queued(scene.stream), 0);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 5);
    CHECK_STR(answer, "world");
    CHECK_INT(bn_stream_sent(scene.stream), 5);
    scene_finish(&scene);
}

BN_TEST(what_is_not_used_is_shown_again_after_resume_and_nothing_is_read_until_then)
{
    struct scene scene;
    scene_init(&scene);
    scene.use_max = 2;
    CHECK_INT(write(scene.fd, "abcdef", 6), 6);
    wait_bytes(&scene, 2);
    rounds(&scene, 3);
    CHECK_INT(scene.got_len, 2);
    bn_stream_resume(scene.stream);
    CHECK_INT(scene.got_len, 4);
    scene.use_max = sizeof scene.got;
    bn_stream_resume(scene.stream);
    CHECK_INT(write(scene.fd, "gh", 2), 2);
    wait_bytes(&scene, 8);
    CHECK_MEM(scene.got, "abcdefgh", 8);
    scene_finish(&scene);
}

BN_TEST(a_reader_that_does_not_read_is_seen_as_stalled_and_drained_when_it_reads_again)
{
    struct scene scene;
    scene_init(&scene);
    struct bn_bytes *big = bn_bytes_create(NULL, BIG);
    memset(big->p, 'x', BIG);
    bn_stream_send_bytes(scene.stream, big);
    CHECK_INT(big->refs, 2); /* the rest waits by reference, not as a copy */
    CHECK(bn_stream_queued(scene.stream) > 0);
    CHECK(bn_stream_stalled_ms(scene.stream, scene.clock.mono_ms + 5000) >= 5000);
    char *sink = malloc(1 << 20);
    size_t total = 0;
    fcntl(scene.fd, F_SETFL, O_NONBLOCK);
    while (total < BIG) {
        ssize_t n = read(scene.fd, sink, 1 << 20);
        if (n > 0)
            total += (size_t)n;
        bn_loop_round(scene.loop, 1, NULL, NULL);
    }
    free(sink);
    rounds(&scene, 2);
    CHECK_INT(scene.drained, 1);
    CHECK_INT(big->refs, 1);
    CHECK_INT(bn_stream_stalled_ms(scene.stream, scene.clock.mono_ms), 0);
    bn_bytes_unref(big);
    scene_finish(&scene);
}

BN_TEST(closing_sends_what_is_queued_first_then_waits_for_the_peer)
{
    struct scene scene;
    char answer[16] = "";
    scene_init(&scene);
    bn_stream_put(scene.stream, "bye", 3);
    bn_stream_close(scene.stream);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 3);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 0);
    rounds(&scene, 2);
    CHECK_INT(scene.closed, 0);
    close(scene.fd);
    scene.fd = -1;
    wait_closed(&scene);
    CHECK_INT(scene.closed, 1);
    scene_finish(&scene);
}

BN_TEST(a_peer_that_never_says_goodbye_is_left_after_two_seconds)
{
    struct scene scene;
    scene_init(&scene);
    bn_stream_close(scene.stream);
    int64_t begun_ms = scene.clock.mono_ms;
    wait_closed(&scene);
    CHECK_INT(scene.closed, 1);
    CHECK(scene.clock.mono_ms - begun_ms >= 1900);
    scene_finish(&scene);
}

BN_TEST(a_peer_that_vanishes_ends_the_stream_once)
{
    struct scene scene;
    struct linger at_once = {1, 0};
    scene_init(&scene);
    setsockopt(scene.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(scene.fd); /* a reset */
    scene.fd = -1;
    wait_closed(&scene);
    CHECK_INT(scene.closed, 1);
    CHECK(scene.had_err);
    scene_finish(&scene);
}

BN_TEST(a_peer_that_only_stopped_talking_still_gets_its_answer)
{
    struct scene scene;
    char answer[16] = "";
    scene_init(&scene);
    CHECK_INT(write(scene.fd, "q", 1), 1);
    wait_bytes(&scene, 1);
    bn_stream_put(scene.stream, "late", 4);
    shutdown(scene.fd, SHUT_WR);
    rounds(&scene, 3);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 4);
    CHECK_STR(answer, "late");
    wait_closed(&scene);
    CHECK_INT(scene.closed, 1);
    scene_finish(&scene);
}

BN_TEST(a_port_that_is_taken_is_said_with_who_has_it)
{
    struct scene scene;
    struct bn_err err;
    struct bn_listener *second;
    scene_init(&scene);
    struct bn_listener_config config = {.host = "127.0.0.1",
            .port = bn_listener_port(scene.listener)};
    CHECK(!bn_listener_open(scene.loop, &config, &second, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    char want[64];
    snprintf(want, sizeof want, "port %d is used by pid %d (unit_test_strea)", config.port,
            (int)getpid());
    CHECK_MEM(err.text, want, strlen(want));
    scene_finish(&scene);
}

BN_TEST(a_place_that_is_not_ours_is_refused_with_a_sentence)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_err err;
    struct bn_listener *listener;
    struct bn_listener_config config = {.host = "not-an-address"};
    CHECK(bn_loop_create(&loop, &clock, NULL));
    CHECK(!bn_listener_open(loop, &config, &listener, &err));
    CHECK_STR(err.text,
            "cannot listen on \"not-an-address\": it is not an IP address of this machine");
    snprintf(config.host, sizeof config.host, "192.0.2.1");
    CHECK(!bn_listener_open(loop, &config, &listener, &err));
    assert_non_null(strstr(err.text, "cannot listen on 192.0.2.1 port 0"));
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()
