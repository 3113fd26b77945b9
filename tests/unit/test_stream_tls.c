/* The fortified forms of what is made up here would stand in its way. */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tls_peer.h"

#define MADE_UP __attribute__((visibility("default")))

/* What OpenSSL is answered on this descriptor, whatever the kernel would say. */
static int broken_fd = -1;
static int broken_errno;

MADE_UP ssize_t read(int fd, void *p, size_t len)
{
    errno = broken_errno;
    return fd == broken_fd ? -1 : syscall(SYS_read, fd, p, len);
}

MADE_UP ssize_t write(int fd, const void *p, size_t len)
{
    errno = broken_errno;
    return fd == broken_fd ? -1 : syscall(SYS_write, fd, p, len);
}

/* --- keys are renewed ---------------------------------------------------------------------------
 */

static const char key_update[] = {24, 0, 0, 1, 0}; /* not requesting one of ours */

BN_TEST(half_a_key_update_stops_writing_without_spinning_until_the_other_half_comes)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    send_record(&peer, 22, key_update, 4);
    rounds(&peer.scene, 5);
    bn_stream_put(peer.scene.stream, "hello", 5);
    bn_stream_flush(peer.scene.stream);
    CHECK_INT(bn_stream_queued(peer.scene.stream), 5); /* OpenSSL reads first */
    check_rests(&peer.scene);
    send_record(&peer, 22, key_update + 4, 1);
    expect(&peer, "hello");
    CHECK_INT(peer.scene.drained, 1);
    expand("traffic upd", secret, sizeof secret);
    peer.seq = 0;
    send_record(&peer, 23, "after", 5);
    expect_heard(&peer.scene, "after");
    peer_finish(&peer);
}

BN_TEST(the_other_half_is_read_for_writing_though_the_stream_is_paused)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    send_record(&peer, 22, key_update, 4);
    rounds(&peer.scene, 5);
    bn_stream_pause(peer.scene.stream);
    bn_stream_put(peer.scene.stream, "hello", 5);
    bn_stream_flush(peer.scene.stream);
    check_rests(&peer.scene);
    send_record(&peer, 22, key_update + 4, 1);
    expand("traffic upd", secret, sizeof secret);
    peer.seq = 0;
    send_record(&peer, 23, "kept", 4);
    expect(&peer, "hello");
    CHECK_INT(peer.scene.got_len, 0);
    check_rests(&peer.scene);
    bn_stream_resume(peer.scene.stream);
    expect_heard(&peer.scene, "kept");
    peer_finish(&peer);
}

BN_TEST(who_leaves_after_half_a_key_update_is_gone_whatever_waits)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    send_record(&peer, 22, key_update, 4);
    rounds(&peer.scene, 5);
    bn_stream_put(peer.scene.stream, "hello", 5);
    bn_stream_flush(peer.scene.stream);
    shutdown(peer.scene.fd, SHUT_WR);
    wait_closed(&peer.scene);
    peer_finish(&peer);
}

BN_TEST(what_is_broken_off_in_half_a_key_update_ends_the_stream_with_an_error)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    send_record(&peer, 22, key_update, 4);
    rounds(&peer.scene, 5);
    bn_stream_pause(peer.scene.stream);
    bn_stream_put(peer.scene.stream, "hello", 5);
    bn_stream_flush(peer.scene.stream);
    send_record(&peer, 23, "no", 2); /* between the halves: not allowed */
    wait_closed(&peer.scene);
    CHECK(peer.scene.had_err);
    assert_non_null(strstr(peer.scene.err.text, "TLS write: "));
    peer_finish(&peer);
}

BN_TEST(a_key_update_that_cannot_be_answered_stops_reading_without_spinning)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(peer.ssl);
    peer_send(&peer);
    rounds(&peer.scene, 5);
    stuff(&peer);
    bn_stream_put(peer.scene.stream, "hello", 5);
    bn_stream_flush(peer.scene.stream);
    CHECK_INT(bn_stream_queued(peer.scene.stream), 5);
    say(&peer, "ping");
    check_rests(&peer.scene);
    CHECK_INT(peer.scene.got_len, 0); /* OpenSSL writes first */
    expect(&peer, "hello");
    expect_heard(&peer.scene, "ping");
    peer_finish(&peer);
}

BN_TEST(a_flood_of_key_updates_leaves_the_loop_to_the_others_after_each)
{
    struct peer peer;
    int before = 0;
    int after = 0;
    peer_init(&peer, TLS1_3_VERSION);
    for (int i = 0; i < 300; i++) {
        send_record(&peer, 22, key_update, 5);
        expand("traffic upd", secret, sizeof secret);
        peer.seq = 0;
    }
    send_record(&peer, 23, "after", 5);
    for (int i = 0; i < 100 && before < 301 * 27; i++) {
        CHECK_INT(ioctl(bn_stream_fd(peer.scene.stream), FIONREAD, &before), 0);
        usleep(1000);
    }
    CHECK_INT(before, 301 * 27);
    bn_loop_round(peer.scene.loop, 100, NULL, NULL);
    CHECK_INT(ioctl(bn_stream_fd(peer.scene.stream), FIONREAD, &after), 0);
    CHECK_INT(after, 300 * 27);
    for (int i = 0; i < 400 && peer.scene.got_len < 5; i++)
        rounds(&peer.scene, 1);
    expect_heard(&peer.scene, "after");
    peer_finish(&peer);
}

/* --- shaking hands ------------------------------------------------------------------------------
 */

static struct peer *stuffed;

static void stuff_at_accept(struct scene *scene)
{
    (void)scene;
    stuff(stuffed);
}

static size_t most; /* shown at once */

static size_t weigh(void *user, const char *p, size_t len)
{
    most = BN_MAX(most, len);
    return on_data(user, p, len);
}

BN_TEST(records_that_came_together_are_shown_together_but_not_without_end)
{
    static const struct bn_stream_ops weighing = {weigh, on_drained, on_ended, on_closed};
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    rounds(&peer.scene, 3); /* what a handshake leaves behind */
    bn_stream_set(peer.scene.stream, &weighing, &peer.scene);
    for (int i = 0; i < 20; i++)
        send_record(&peer, 23, "x", 1);
    expect_heard(&peer.scene, "xxxxxxxxxxxxxxxxxxxx");
    CHECK_INT(most, 8); /* RECORDS_ONCE */
    peer_finish(&peer);
}

BN_TEST(an_end_behind_what_is_not_used_yet_is_found_when_it_is)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    peer.scene.use_max = 3;
    send_record(&peer, 23, "abcdef", 6);
    shutdown(peer.scene.fd, SHUT_WR);
    expect_heard(&peer.scene, "abc");
    rounds(&peer.scene, 5);
    CHECK_INT(peer.scene.closed, 0);
    bn_stream_resume(peer.scene.stream);
    expect_heard(&peer.scene, "abcdef");
    wait_closed(&peer.scene);
    peer_finish(&peer);
}

BN_TEST(a_handshake_that_cannot_be_answered_waits_without_spinning)
{
    static const char change_cipher_spec[] = {20, 3, 3, 0, 1, 1}; /* allowed at any time */
    struct peer peer = {0};
    stuffed = &peer;
    peer.scene.at_accept = stuff_at_accept;
    peer_open(&peer, TLS1_3_VERSION);
    SSL_do_handshake(peer.ssl);
    peer_send(&peer);
    rounds(&peer.scene, 5);
    CHECK_INT(send(peer.scene.fd, change_cipher_spec, 6, 0), 6);
    check_rests(&peer.scene);
    shake(&peer);
    say(&peer, "hi");
    expect_heard(&peer.scene, "hi");
    peer_finish(&peer);
}

/* What the client says first, and the sentence the server's side ends with. */
static void check_refused(int version, const char *offers, const char *want)
{
    struct peer peer = {0};
    peer_open(&peer, version);
    if (offers)
        SSL_set_alpn_protos(peer.ssl, (const uint8_t *)offers, (unsigned)strlen(offers));
    SSL_CTX_set_security_level(peer.ctx, 0);
    SSL_set_security_level(peer.ssl, 0);
    for (int i = 0; i < 100 && !peer.scene.closed; i++) {
        SSL_do_handshake(peer.ssl);
        peer_send(&peer);
        rounds(&peer.scene, 1);
        peer_receive(&peer, SIZE_MAX);
    }
    CHECK_INT(peer.scene.closed, 1);
    CHECK(peer.scene.had_err);
    if (!strstr(peer.scene.err.text, want))
        fail_msg("got \"%s\", wanted \"%s\"", peer.scene.err.text, want);
    peer_finish(&peer);
}

BN_TEST(who_speaks_an_older_tls_or_another_protocol_is_refused_in_the_handshake)
{
    check_refused(TLS1_1_VERSION, NULL, "TLS handshake: unsupported protocol");
    check_refused(TLS1_3_VERSION, "\x02h2", "TLS handshake: no application protocol");
}

BN_TEST(who_offers_ours_among_other_protocols_is_taken)
{
    static const uint8_t offers[] = "\x02h2\x08http/1.1";
    const uint8_t *chosen;
    unsigned len;
    struct peer peer = {0};
    peer_open(&peer, TLS1_3_VERSION);
    SSL_set_alpn_protos(peer.ssl, offers, sizeof offers - 1);
    shake(&peer);
    SSL_get0_alpn_selected(peer.ssl, &chosen, &len);
    CHECK_INT(len, 8);
    CHECK_MEM(chosen, "http/1.1", 8);
    CHECK(bn_stream_is_tls(peer.scene.stream));
    peer_finish(&peer);
}

BN_TEST(who_leaves_or_is_reset_in_the_handshake_is_gone)
{
    for (int way = 0; way < 3; way++) {
        struct peer peer = {0};
        peer_open(&peer, TLS1_3_VERSION);
        if (way > 0) {
            SSL_do_handshake(peer.ssl);
            peer_send(&peer);
            rounds(&peer.scene, 5);
        }
        if (way == 2)
            reset(&peer.scene);
        else
            hang_up(&peer.scene);
        wait_closed(&peer.scene);
        peer_finish(&peer);
    }
}

BN_TEST(bytes_that_only_look_like_tls_end_the_stream_with_an_error)
{
    struct peer peer = {0};
    peer_open(&peer, TLS1_3_VERSION);
    CHECK_INT(send(peer.scene.fd, "\x16nothing that was ever TLS", 26, 0), 26);
    wait_closed(&peer.scene);
    CHECK(peer.scene.had_err);
    CHECK_MEM(peer.scene.err.text, "TLS handshake: ", 15);
    peer_finish(&peer);
}

BN_TEST(who_speaks_no_tls_is_told_in_clear)
{
    struct peer peer = {0};
    char answer[64] = "";
    peer_open(&peer, TLS1_3_VERSION);
    bn_stream_put(peer.scene.stream, "secret", 6); /* waits for the keys, and is not said */
    CHECK_INT(send(peer.scene.fd, "GET / HTTP/1.1\r\n", 16, 0), 16);
    rounds(&peer.scene, 5);
    CHECK_INT(recv(peer.scene.fd, answer, sizeof answer, 0), 12);
    CHECK_STR(answer, "this is TLS\n");
    CHECK_INT(recv(peer.scene.fd, answer, sizeof answer, 0), 0);
    hang_up(&peer.scene);
    wait_closed(&peer.scene);
    peer_finish(&peer);
}

BN_TEST(what_is_queued_in_the_handshake_goes_when_it_is_done)
{
    struct peer peer = {0};
    peer_open(&peer, TLS1_3_VERSION);
    CHECK(bn_stream_is_handshaking(peer.scene.stream));
    bn_stream_put(peer.scene.stream, "early", 5);
    bn_stream_flush(peer.scene.stream);
    CHECK_INT(bn_stream_queued(peer.scene.stream), 5);
    shake(&peer);
    expect(&peer, "early");
    peer_finish(&peer);
}

BN_TEST(a_close_in_the_handshake_is_the_end)
{
    struct peer peer = {0};
    peer_open(&peer, TLS1_3_VERSION);
    bn_stream_close(peer.scene.stream);
    bn_stream_close(peer.scene.stream);
    bn_loop_round(peer.scene.loop, 0, NULL, NULL);
    CHECK_INT(peer.scene.closed, 1);
    peer_finish(&peer);
}

BN_TEST(a_second_handshake_is_refused_and_the_connection_goes_on)
{
    struct peer peer;
    peer_init(&peer, TLS1_2_VERSION);
    CHECK_INT(SSL_version(peer.ssl), TLS1_2_VERSION);
    SSL_renegotiate(peer.ssl);
    SSL_do_handshake(peer.ssl);
    peer_send(&peer);
    rounds(&peer.scene, 5);
    CHECK_INT(peer.scene.closed, 0);
    check_rests(&peer.scene);
    bn_stream_put(peer.scene.stream, "still here", 10);
    bn_stream_flush(peer.scene.stream);
    CHECK_INT(bn_stream_queued(peer.scene.stream), 0);
    peer_finish(&peer);
}

static void check_shown(struct peer *peer, const char *want)
{
    char name[16];
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(peer->ssl)),
            NID_commonName, name, sizeof name);
    CHECK_STR(name, want);
}

BN_TEST(a_certificate_that_is_replaced_is_shown_to_those_who_come_later)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    check_shown(&peer, "a");
    struct bn_tls_config *fresh = make_config("b.pem", "b.key");
    bn_listener_set_tls(peer.scene.listener, fresh);
    bn_tls_config_unref(fresh);
    say(&peer, "on");
    expect_heard(&peer.scene, "on"); /* who is here keeps the old one */
    hang_up(&peer.scene);
    wait_closed(&peer.scene);
    peer.scene.fd = dial(bn_listener_port(peer.scene.listener));
    fcntl(peer.scene.fd, F_SETFL, O_NONBLOCK);
    while (!peer.scene.stream)
        rounds(&peer.scene, 1);
    SSL_clear(peer.ssl);
    BIO_reset(peer.in);
    BIO_reset(peer.out);
    shake(&peer);
    check_shown(&peer, "b");
    peer_finish(&peer);
}

/* --- bytes and ends -----------------------------------------------------------------------------
 */

BN_TEST(parts_are_joined_and_a_large_block_goes_in_records_to_a_slow_reader)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    const size_t size = 1 << 20;
    struct bn_bytes *block = bn_bytes_create(NULL, size);
    for (size_t i = 0; i < size; i++)
        block->p[i] = (char)(i * 7 % 251);
    bn_stream_put(peer.scene.stream, "head ", 5);
    bn_stream_put(peer.scene.stream, "", 0);
    bn_stream_put(peer.scene.stream, "more ", 5);
    bn_stream_send_bytes(peer.scene.stream, block);
    CHECK(bn_stream_queued(peer.scene.stream) > 0);
    expect(&peer, "head more ");
    char *got = malloc(size);
    size_t len = 0;
    for (int i = 0; i < 20000 && len < size; i++) {
        int n = SSL_read(peer.ssl, got + len, (int)(size - len));
        if (n > 0)
            len += (size_t)n;
        else
            bn_loop_round(peer.scene.loop, 1, NULL, NULL);
        peer_receive(&peer, 5000);
    }
    CHECK_INT(len, size);
    CHECK_MEM(got, block->p, size);
    CHECK_INT(block->refs, 1);
    CHECK_INT(bn_stream_sent(peer.scene.stream), size + 10);
    bn_bytes_unref(block);
    free(got);
    peer_finish(&peer);
}

BN_TEST(what_is_not_used_is_kept_and_bytes_inside_openssl_are_not_forgotten)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    peer.scene.use_max = 3;
    say(&peer, "abcdef");
    say(&peer, "ghi");
    expect_heard(&peer.scene, "abc");
    check_rests(&peer.scene);
    CHECK_INT(peer.scene.got_len, 3);
    peer.scene.use_max = sizeof peer.scene.got;
    bn_stream_resume(peer.scene.stream);
    expect_heard(&peer.scene, "abcdefghi");
    peer_finish(&peer);
}

BN_TEST(a_goodbye_that_does_not_fit_is_said_when_it_does)
{
    struct peer peer;
    char rest[8];
    peer_init(&peer, TLS1_3_VERSION);
    stuff(&peer);
    bn_stream_close(peer.scene.stream);
    check_rests(&peer.scene);
    bn_stream_put(peer.scene.stream, "late", 4); /* after the last word nothing is said */
    CHECK_INT(bn_stream_queued(peer.scene.stream), 0);
    for (int i = 0; i < 400 && !peer.saw_end; i++) {
        rounds(&peer.scene, 1);
        peer_receive(&peer, SIZE_MAX);
    }
    CHECK(peer.saw_end);
    CHECK_INT(SSL_read(peer.ssl, rest, sizeof rest), 0);
    CHECK_INT(SSL_get_shutdown(peer.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    hang_up(&peer.scene);
    wait_closed(&peer.scene);
    peer_finish(&peer);
}

BN_TEST(a_goodbye_that_never_fits_is_given_up_after_two_seconds)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    stuff(&peer);
    bn_stream_close(peer.scene.stream);
    int64_t begun_ms = peer.scene.clock.mono_ms;
    wait_closed(&peer.scene);
    CHECK(peer.scene.clock.mono_ms - begun_ms >= 1900);
    peer_finish(&peer);
}

BN_TEST(a_peer_that_said_goodbye_still_gets_what_is_owed)
{
    struct peer peer;
    char rest[8];
    peer_init(&peer, TLS1_3_VERSION);
    peer.scene.owes = true;
    SSL_shutdown(peer.ssl);
    peer_send(&peer);
    shutdown(peer.scene.fd, SHUT_WR);
    rounds(&peer.scene, 5);
    CHECK_INT(peer.scene.ended, 1);
    CHECK_INT(peer.scene.closed, 0);
    check_rests(&peer.scene);
    bn_stream_put(peer.scene.stream, "answer", 6);
    bn_stream_close(peer.scene.stream);
    wait_closed(&peer.scene);
    peer_receive(&peer, SIZE_MAX);
    CHECK_INT(SSL_read(peer.ssl, rest, sizeof rest), 6);
    CHECK_MEM(rest, "answer", 6);
    CHECK_INT(SSL_read(peer.ssl, rest, sizeof rest), 0);
    peer_finish(&peer);
}

BN_TEST(a_peer_that_said_goodbye_and_is_owed_nothing_is_gone)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    SSL_shutdown(peer.ssl);
    peer_send(&peer);
    wait_closed(&peer.scene);
    CHECK_INT(peer.scene.ended, 1);
    CHECK(!peer.scene.had_err);
    peer_finish(&peer);
}

BN_TEST(a_reset_is_noticed_reading_and_writing)
{
    for (int way = 0; way < 2; way++) {
        struct peer peer;
        peer_init(&peer, TLS1_3_VERSION);
        if (way == 1)
            bn_stream_pause(peer.scene.stream);
        reset(&peer.scene);
        if (way == 1) {
            bn_stream_put(peer.scene.stream, "x", 1);
            bn_stream_flush(peer.scene.stream);
        }
        wait_closed(&peer.scene);
        peer_finish(&peer);
    }
}

BN_TEST(a_connection_that_breaks_below_tls_ends_the_stream_with_the_reason)
{
    static const int errors[] = {EIO, ETIMEDOUT, EPIPE, ECONNRESET};
    static const char *const want[] = {"Input/output error", "Connection timed out", "", ""};
    for (size_t i = 0; i < 2 * COUNT(errors); i++) {
        struct peer peer;
        char text[64];
        peer_init(&peer, TLS1_3_VERSION);
        if (i % 2)
            say(&peer, "x");
        broken_fd = bn_stream_fd(peer.scene.stream);
        broken_errno = errors[i / 2];
        bn_stream_put(peer.scene.stream, "x", i % 2 ? 0 : 1);
        bn_stream_flush(peer.scene.stream);
        bn_loop_round(peer.scene.loop, 100, NULL, NULL);
        broken_fd = -1;
        CHECK_INT(peer.scene.closed, 1);
        CHECK_INT(peer.scene.had_err, want[i / 2][0] != 0); /* who left is no error */
        snprintf(text, sizeof text, "TLS %s: %s", i % 2 ? "read" : "write", want[i / 2]);
        if (peer.scene.had_err)
            CHECK_STR(peer.scene.err.text, text);
        peer_finish(&peer);
    }
}

BN_TEST(a_record_that_was_tampered_with_ends_the_stream_with_an_error)
{
    struct peer peer;
    peer_init(&peer, TLS1_3_VERSION);
    peer.seq = 7; /* not the next one */
    send_record(&peer, 23, "x", 1);
    wait_closed(&peer.scene);
    CHECK(peer.scene.had_err);
    CHECK_MEM(peer.scene.err.text, "TLS read: ", 10);
    peer_finish(&peer);
}

BN_TEST(the_folder_is_removed)
{
    static const char *const names[] = {"a.key", "a.pem", "b.key", "b.pem", "log"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(in_folder(names[i]));
    CHECK_INT(rmdir(folder), 0);
}

BN_TEST_MAIN()
