#include "console_scene.h"
#include "source/console_private.h"

/* --- held ------------------------------------------------------------------------------------ */

BN_TEST(what_ends_while_it_is_held_is_told_to_who_takes_it)
{
    begin();
    open_one(BN_CONSOLE_VNC);
    bn_stream_close(peer.console);
    AWAIT(!peer.console);
    settle(20);
    CHECK_INT(scene.closed, 0);
    take();
    AWAIT(scene.closed);
    CHECK_STR(scene.why, "the guest's side closed the console");
    end();
}

/* What it was sent cannot be written any more, so its end shows before anybody listens. */
BN_TEST(one_that_breaks_while_it_is_held_is_there_until_it_is_taken_or_let_go)
{
    static const char ping[125];
    for (int let_go = 0; let_go < 2; let_go++) {
        begin();
        peer.is_mute = true;
        ask(BN_CONSOLE_TERMINAL);
        AWAIT(peer.console);
        bn_stream_pause(peer.console);
        for (int i = 0; i < 40000; i++) /* their answers fill every buffer between us */
            cp_frame(&peer, BN_WS_PING, ping, sizeof ping);
        cp_say(&peer, "OK", 2);
        AWAIT(scene.guest);
        CHECK(bn_remote_queued(scene.guest) > 0);
        bn_stream_abort(peer.console);
        AWAIT(!peer.console);
        AWAIT(bn_remote_queued(scene.guest) == 0);
        if (let_go)
            bn_remote_close(scene.guest);
        else
            take();
        CHECK_INT(scene.closed, !let_go);
        end();
    }
}

BN_TEST(what_is_held_when_all_ends_is_let_go)
{
    begin();
    open_one(BN_CONSOLE_VNC);
    stop();
    CHECK_INT(scene.closed, 0);
    end();
}

BN_TEST(all_may_end_at_any_step_of_an_opening)
{
    for (int step = 0; step < 3; step++) {
        begin();
        peer.is_mute = true;
        peer.upgrade = step < 2 ? "" : NULL;
        ask(BN_CONSOLE_VNC);
        if (step == 1)
            AWAIT(peer.upgrades);
        if (step == 2)
            AWAIT(peer.console);
        end();
    }
}

/* --- the pipe -------------------------------------------------------------------------------- */

BN_TEST(who_wants_no_more_is_not_sent_more_and_nothing_is_lost)
{
    static char block[64 << 10];
    size_t said = 0;
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    scene.wants = 1;
    for (int i = 0; i < 64; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        cp_say(&peer, block, sizeof block);
        said += sizeof block;
    }
    AWAIT(scene.got.len > 0);
    settle(50);
    CHECK(scene.got.len <= sizeof block);
    CHECK(bn_stream_queued(peer.console) > 0);
    pass(3 * 65000); /* what is not read is not missed */
    settle(1100);
    CHECK_INT(scene.closed, 0);
    scene.wants = 0;
    bn_remote_resume(scene.guest);
    bn_remote_resume(scene.guest); /* once more is nothing */
    AWAIT(scene.got.len == said);
    for (size_t i = 0; i < said; i++)
        if (scene.got.p[i] != (char)('a' + i / sizeof block % 26))
            fail_msg("byte %zu is %d", i, scene.got.p[i]);
    end();
}

BN_TEST(what_is_put_goes_in_whole_masked_frames_and_drained_is_told)
{
    static char block[64 << 10];
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    bn_stream_pause(peer.console);
    size_t put = 0;
    while (bn_remote_queued(scene.guest) <= (256 << 10)) {
        memset(block, 'a' + (int)(put / sizeof block) % 26, sizeof block);
        bn_remote_put(scene.guest, block, sizeof block);
        put += sizeof block;
        round_once();
    }
    const int before = scene.drained;
    bn_stream_resume(peer.console);
    AWAIT(peer.heard.len == put);
    AWAIT(scene.drained > before);
    CHECK_INT(bn_remote_queued(scene.guest), 0);
    CHECK(!peer.is_bad);
    CHECK_INT(peer.frames, 3 + put / sizeof block); /* three were of the login */
    for (size_t i = 0; i < put; i++)
        if (peer.heard.p[i] != (char)('a' + i / sizeof block % 26))
            fail_msg("byte %zu is %d", i, peer.heard.p[i]);
    bn_remote_put(scene.guest, "", 0); /* nothing is no frame */
    CHECK_INT(bn_remote_queued(scene.guest), 0);
    end();
}

BN_TEST(fragments_texts_and_great_messages_of_the_guest_are_bytes)
{
    static char great[300 << 10];
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    cp_raw(&peer, "\x02\x03one\x00\x03two\x89\x01p\x80\x05three", 20);
    AWAIT(got("onetwothree"));
    AWAIT(peer.pongs == 1);
    cp_frame(&peer, BN_WS_TEXT, "text", 4);
    AWAIT(got("onetwothreetext"));
    memset(great, 'g', sizeof great);
    cp_say(&peer, great, sizeof great);
    AWAIT(scene.got.len == 15 + sizeof great);
    end();
}

BN_TEST(pings_of_a_guest_that_reads_no_answer_cost_no_more_than_the_pipe)
{
    static const char ping[125];
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    bn_stream_pause(peer.console);
    for (int i = 0; i < 80000; i++)
        cp_frame(&peer, BN_WS_PING, ping, sizeof ping);
    AWAIT(bn_stream_queued(peer.console) == 0);
    settle(50);
    CHECK(bn_remote_queued(scene.guest) <= BN_CONSOLE_PIPE_MAX + 200);
    end();
}

BN_TEST(who_takes_it_may_let_it_go_when_bytes_come_early_or_late)
{
    begin();
    peer.greeting = "OKearly";
    open_one(BN_CONSOLE_TERMINAL);
    scene.closes = true;
    take();
    CHECK(!scene.guest);
    AWAIT(!peer.console);
    CHECK_INT(peer.byes, 1);
    scene.closes = false;
    scene.got.len = 0;
    open_one(BN_CONSOLE_TERMINAL);
    take();
    scene.closes = true;
    cp_say(&peer, "late", 4);
    AWAIT(!peer.console);
    CHECK_INT(scene.closed, 0);
    end();
}

BN_TEST(a_guest_that_takes_nothing_is_let_go_within_two_seconds)
{
    static char block[64 << 10];
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    bn_stream_pause(peer.console);
    while (bn_remote_queued(scene.guest) <= (256 << 10)) {
        bn_remote_put(scene.guest, block, sizeof block);
        round_once();
    }
    bn_remote_close(scene.guest);
    scene.guest = NULL;
    settle(20);
    CHECK(peer.console != NULL);
    CHECK(!bn_list_is_empty(&consoles->guests));
    pass(1000);
    AWAIT(bn_list_is_empty(&consoles->guests)); /* with the next tick */
    bn_stream_resume(peer.console);
    AWAIT(!peer.console);
    CHECK_INT(peer.byes, 0); /* it was cut: the rest never came */
    CHECK_INT(scene.closed, 0);
    end();
}

BN_TEST(each_way_to_end_is_told_once)
{
    static const struct {
        const char *raw;
        size_t len;
        const char *why;
    } cases[] = {
            {"\x88\x00", 2, "the guest's side closed the console"},
            {"\x82\xfe", 2, "mask"},
            {"\xf2\x01x", 3, ""},
            {NULL, 0, "the guest's side closed the console"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin();
        open_one(BN_CONSOLE_VNC);
        take();
        if (cases[i].raw)
            cp_raw(&peer, cases[i].raw, cases[i].len);
        else
            bn_stream_close(peer.console);
        AWAIT(scene.closed);
        if (!strstr(scene.why, cases[i].why))
            fail_msg("wanted \"%s\", got \"%s\"", cases[i].why, scene.why);
        settle(20);
        CHECK_INT(scene.closed, 1);
        end();
    }
}

BN_TEST(a_ping_goes_every_twenty_seconds_and_silence_is_an_end)
{
    begin();
    open_one(BN_CONSOLE_VNC);
    take();
    pass(19000);
    settle(1100);
    CHECK_INT(peer.pings, 0);
    pass(1000);
    AWAIT(peer.pings == 1);
    cp_frame(&peer, BN_WS_PONG, "", 0);
    settle(20);
    pass(64000);
    settle(1100);
    CHECK_INT(scene.closed, 0);
    pass(2000);
    AWAIT(scene.closed);
    CHECK_STR(scene.why, "the connection to Proxmox VE was lost");
    end();
}

BN_TEST_MAIN()
