/* The fortified forms of what is made up here would stand in its way. */
#undef _FORTIFY_SOURCE
/* How a plain stream ends: resets in every state, goodbyes of either side first, an owner that ends
   it in the middle of a call, and a kernel that answers what the test says. */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "io/stream_private.h"
#include "stream_scene.h"

#define BIG     (4 << 20)
#define MADE_UP __attribute__((visibility("default")))

static int recv_error; /* answered once instead of the kernel's; 0: none */
static int send_error;
static int shutdown_error;

static int take(int *error)
{
    errno = *error;
    *error = 0;
    return errno;
}

MADE_UP ssize_t recv(int fd, void *p, size_t len, int flags)
{
    return take(&recv_error) ? -1 : syscall(SYS_recvfrom, fd, p, len, flags, NULL, NULL);
}

MADE_UP ssize_t send(int fd, const void *p, size_t len, int flags)
{
    return take(&send_error) ? -1 : syscall(SYS_sendto, fd, p, len, flags, NULL, 0);
}

MADE_UP ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    return take(&send_error) ? -1 : syscall(SYS_sendmsg, fd, msg, flags);
}

MADE_UP int shutdown(int fd, int how)
{
    return take(&shutdown_error) ? -1 : (int)syscall(SYS_shutdown, fd, how);
}

static void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene_open(scene, NULL);
}

static void put_big(struct scene *scene)
{
    struct bn_bytes *big = bn_bytes_create(NULL, BIG);
    memset(big->p, 'x', BIG);
    bn_stream_put_bytes(scene->stream, big, 0, BIG);
    bn_bytes_unref(big);
    bn_stream_flush(scene->stream);
    CHECK(bn_stream_queued(scene->stream) > 0);
}

/* Reads to the end; how many bytes came, -1 for a reset. */
static long read_all(struct scene *scene)
{
    static char sink[1 << 16];
    long total = 0;
    fcntl(scene->fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 5000; i++) {
        ssize_t n = read(scene->fd, sink, sizeof sink);
        if (n == 0)
            return total;
        if (n < 0 && errno != EAGAIN)
            return -1;
        if (n > 0)
            total += n;
        else
            bn_loop_round(scene->loop, 1, NULL, NULL);
    }
    fail_msg("no end after %ld bytes", total);
    return 0;
}

/* --- resets -------------------------------------------------------------------------------------
 */

static void do_nothing(struct scene *scene)
{
    (void)scene;
}

static void fill_the_queue(struct scene *scene)
{
    put_big(scene);
}

static void say_goodbye(struct scene *scene)
{
    bn_stream_close(scene->stream);
}

static void close_with_bytes_waiting(struct scene *scene)
{
    put_big(scene);
    bn_stream_close(scene->stream);
}

static void wait_for_an_answer(struct scene *scene)
{
    scene->owes = true;
    shutdown(scene->fd, SHUT_WR);
    rounds(scene, 3);
    CHECK_INT(scene->ended, 1);
}

static void keep_input(struct scene *scene)
{
    scene->use_max = 1;
    CHECK_INT(write(scene->fd, "abc", 3), 3);
    rounds(scene, 3);
    CHECK_INT(scene->got_len, 1);
}

BN_TEST(a_reset_ends_the_stream_once_in_whatever_state_it_comes)
{
    static void (*const states[])(struct scene *) = {do_nothing, fill_the_queue, say_goodbye,
            close_with_bytes_waiting, wait_for_an_answer, keep_input};
    for (size_t i = 0; i < COUNT(states); i++) {
        struct scene scene;
        scene_init(&scene);
        states[i](&scene);
        reset(&scene);
        rounds(&scene, 5);
        if (scene.stream) { /* it neither reads nor writes: what is said next shows it */
            CHECK_INT(scene.closed, 0);
            bn_stream_put(scene.stream, "x", 1);
            bn_stream_flush(scene.stream);
            bn_stream_put(scene.stream, "x", 1);
            bn_stream_flush(scene.stream);
        }
        wait_closed(&scene);
        scene_finish(&scene);
    }
}

BN_TEST(a_write_that_breaks_ends_the_stream_with_its_reason)
{
    for (int way = 0; way < 2; way++) {
        struct scene scene;
        struct bn_bytes *bytes = bn_bytes_create("hello", 5);
        scene_init(&scene);
        send_error = EPIPE;
        if (way == 0) {
            bn_stream_send_bytes(scene.stream, bytes);
        } else {
            bn_stream_put_bytes(scene.stream, bytes, 0, 5);
            bn_stream_flush(scene.stream);
        }
        bn_stream_send_bytes(scene.stream, bytes); /* to nobody */
        bn_stream_put(scene.stream, "x", 1);
        bn_stream_flush(scene.stream);
        bn_stream_resume(scene.stream);
        bn_stream_close(scene.stream);
        bn_stream_abort(scene.stream);
        CHECK_INT(scene.closed, 0); /* not before the turn is over */
        bn_loop_round(scene.loop, 0, NULL, NULL);
        CHECK_INT(scene.closed, 1);
        CHECK_STR(scene.err.text, "write: Broken pipe");
        CHECK_INT(bytes->refs, 1);
        bn_bytes_unref(bytes);
        scene_finish(&scene);
    }
}

BN_TEST(a_call_that_was_interrupted_is_made_again)
{
    struct scene scene;
    char answer[16] = "";
    struct bn_bytes *bytes = bn_bytes_create("hello", 5);
    scene_init(&scene);
    CHECK_INT(write(scene.fd, "abc", 3), 3);
    recv_error = EINTR;
    rounds(&scene, 4);
    CHECK_INT(scene.got_len, 3);
    send_error = EINTR;
    bn_stream_send_bytes(scene.stream, bytes);
    CHECK_INT(bn_stream_queued(scene.stream), 5);
    send_error = EAGAIN;
    bn_stream_send_bytes(scene.stream, bytes); /* behind the first */
    rounds(&scene, 4);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 10);
    CHECK_STR(answer, "hellohello");
    bn_bytes_unref(bytes);
    scene_finish(&scene);
}

BN_TEST(a_read_that_breaks_ends_the_stream_with_its_reason)
{
    struct scene scene;
    scene_init(&scene);
    CHECK_INT(write(scene.fd, "abc", 3), 3);
    recv_error = EIO;
    wait_closed(&scene);
    CHECK_STR(scene.err.text, "read: Input/output error");
    scene_finish(&scene);
}

BN_TEST(a_goodbye_the_kernel_refuses_is_the_end)
{
    struct scene scene;
    scene_init(&scene);
    shutdown_error = ENOTCONN;
    bn_stream_close(scene.stream);
    bn_loop_round(scene.loop, 0, NULL, NULL);
    CHECK_INT(scene.closed, 1);
    scene_finish(&scene);
}

/* --- goodbyes -----------------------------------------------------------------------------------
 */

BN_TEST(a_peer_that_stopped_talking_is_owed_its_answer_and_then_both_are_through)
{
    struct scene scene;
    char answer[16] = "";
    scene_init(&scene);
    scene.owes = true;
    CHECK_INT(write(scene.fd, "q", 1), 1);
    shutdown(scene.fd, SHUT_WR);
    rounds(&scene, 3);
    CHECK_INT(scene.ended, 1);
    check_rests(&scene); /* an end that is known is not read again and again */
    CHECK_INT(scene.closed, 0);
    bn_stream_put(scene.stream, "late", 4);
    bn_stream_flush(scene.stream);
    CHECK_INT(scene.closed, 0);
    bn_stream_close(scene.stream);
    bn_loop_round(scene.loop, 0, NULL, NULL);
    CHECK_INT(scene.closed, 1); /* there is no goodbye to wait for */
    CHECK(!scene.had_err);
    CHECK_INT(read(scene.fd, answer, sizeof answer), 4);
    CHECK_STR(answer, "late");
    CHECK_INT(read(scene.fd, answer, sizeof answer), 0);
    CHECK_INT(scene.ended, 1);
    scene_finish(&scene);
}

BN_TEST(a_large_answer_reaches_a_peer_that_stopped_talking_however_slowly_it_reads)
{
    for (int owes = 0; owes < 3; owes++) {
        struct scene scene;
        scene_init(&scene);
        scene.owes = owes == 1;
        put_big(&scene);
        if (owes == 2)
            bn_stream_close(scene.stream); /* our goodbye was due first */
        shutdown(scene.fd, SHUT_WR);
        rounds(&scene, 3);
        CHECK_INT(scene.closed, 0);
        if (owes == 1)
            bn_stream_close(scene.stream);
        check_rests(&scene);
        CHECK_INT(read_all(&scene), BIG);
        wait_closed(&scene);
        scene_finish(&scene);
    }
}

BN_TEST(a_peer_that_left_altogether_is_noticed_when_it_is_answered)
{
    struct scene scene;
    scene_init(&scene);
    scene.owes = true;
    hang_up(&scene);
    rounds(&scene, 3);
    CHECK_INT(scene.closed, 0); /* it looks as if it only stopped talking */
    put_big(&scene);            /* the first bytes are answered by a reset */
    wait_closed(&scene);
    scene_finish(&scene);
}

static bool puts_the_answer(void *user)
{
    struct scene *scene = user;
    bn_stream_put(scene->stream, "now", 3);
    bn_stream_close(scene->stream);
    return true;
}

static bool aborts(void *user)
{
    bn_stream_abort(((struct scene *)user)->stream);
    return false;
}

BN_TEST(the_owner_may_answer_or_abort_while_it_is_told_of_the_end)
{
    static bool (*const ways[])(void *) = {puts_the_answer, aborts, NULL};
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct scene scene;
        struct bn_stream_ops own = ops;
        own.ended = ways[i];
        scene_init(&scene);
        bn_stream_set(scene.stream, &own, &scene);
        shutdown(scene.fd, SHUT_WR);
        wait_closed(&scene);
        CHECK_INT(read_all(&scene), i == 0 ? 3 : 0);
        scene_finish(&scene);
    }
}

BN_TEST(after_a_goodbye_nothing_is_said_and_what_comes_is_thrown_away)
{
    struct scene scene;
    struct bn_bytes *bytes = bn_bytes_create("hello", 5);
    scene_init(&scene);
    bn_stream_pause(scene.stream);
    bn_stream_close(scene.stream);
    bn_stream_close(scene.stream);
    bn_stream_put(scene.stream, "x", 1);
    bn_stream_send_bytes(scene.stream, bytes);
    CHECK_INT(bn_stream_queued(scene.stream), 0);
    bn_streams_tick(scene.loop); /* not yet */
    CHECK_INT(write(scene.fd, "abc", 3), 3);
    rounds(&scene, 3);
    CHECK_INT(scene.got_len, 0);
    CHECK_INT(scene.closed, 0);
    hang_up(&scene);
    wait_closed(&scene);
    CHECK_INT(scene.ended, 0); /* it was through with it already */
    CHECK_INT(bytes->refs, 1);
    bn_bytes_unref(bytes);
    scene_finish(&scene);
}

BN_TEST(what_was_kept_is_not_shown_after_a_close)
{
    struct scene scene;
    scene_init(&scene);
    keep_input(&scene);
    bn_stream_close(scene.stream);
    bn_stream_resume(scene.stream);
    CHECK_INT(scene.got_len, 1);
    hang_up(&scene);
    wait_closed(&scene);
    scene_finish(&scene);
}

BN_TEST(an_abort_with_bytes_waiting_is_a_reset_and_without_a_goodbye)
{
    struct scene scene;
    scene_init(&scene);
    put_big(&scene);
    bn_stream_abort(scene.stream);
    bn_stream_abort(scene.stream);
    bn_loop_round(scene.loop, 0, NULL, NULL);
    CHECK_INT(scene.closed, 1);
    CHECK_INT(read_all(&scene), -1);
    scene_finish(&scene);
    scene_init(&scene);
    bn_stream_abort(scene.stream);
    bn_loop_round(scene.loop, 0, NULL, NULL);
    CHECK_INT(read_all(&scene), 0);
    scene_finish(&scene);
}

static size_t ends_it(void *user, const char *p, size_t len)
{
    struct scene *scene = user;
    (void)p;
    scene->got_len += len;
    bn_stream_abort(scene->stream);
    return 0; /* keeps what nobody will ask for */
}

static size_t answers_and_closes(void *user, const char *p, size_t len)
{
    struct scene *scene = user;
    (void)p;
    bn_stream_resume(scene->stream); /* not while it is being shown */
    bn_stream_put(scene->stream, "bye", 3);
    bn_stream_close(scene->stream);
    return len;
}

BN_TEST(the_owner_may_end_the_stream_while_it_is_shown_bytes)
{
    static size_t (*const ways[])(void *, const char *, size_t) = {ends_it, answers_and_closes};
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct scene scene;
        struct bn_stream_ops own = ops;
        own.data = ways[i];
        scene_init(&scene);
        bn_stream_set(scene.stream, &own, &scene);
        CHECK_INT(write(scene.fd, "abc", 3), 3);
        rounds(&scene, 3);
        CHECK_INT(scene.closed, i == 0);
        if (i == 1)
            CHECK_INT(read_all(&scene), 3);
        hang_up(&scene);
        wait_closed(&scene);
        scene_finish(&scene);
    }
}

/* --- bytes --------------------------------------------------------------------------------------
 */

BN_TEST(nothing_to_send_is_nothing_sent)
{
    struct scene scene;
    struct bn_bytes *none = bn_bytes_create("", 0);
    scene_init(&scene);
    bn_stream_put(scene.stream, "", 0);
    bn_stream_put_bytes(scene.stream, none, 0, 0);
    bn_stream_send_bytes(scene.stream, none);
    bn_stream_flush(scene.stream);
    CHECK_INT(bn_stream_queued(scene.stream), 0);
    CHECK_INT(bn_stream_sent(scene.stream), 0);
    CHECK_INT(bn_stream_stalled_ms(scene.stream, scene.clock.mono_ms + 1000), 0);
    CHECK_INT(scene.drained, 0);
    CHECK_INT(none->refs, 1);
    bn_bytes_unref(none);
    scene_finish(&scene);
}

BN_TEST(more_parts_than_one_call_takes_are_sent_in_order)
{
    struct scene scene;
    char want[1000];
    char got[1000];
    scene_init(&scene);
    for (size_t i = 0; i < sizeof want; i += 5) {
        memset(want + i, 'a' + (int)(i / 5 % 26), 5);
        bn_stream_put(scene.stream, want + i, 5);
    }
    CHECK_INT(bn_stream_queued(scene.stream), sizeof want);
    bn_stream_flush(scene.stream);
    CHECK_INT(bn_stream_queued(scene.stream), 0);
    CHECK_INT(bn_stream_sent(scene.stream), sizeof want);
    CHECK_INT(recv(scene.fd, got, sizeof got, MSG_WAITALL), sizeof got);
    CHECK_MEM(got, want, sizeof want);
    scene_finish(&scene);
}

/* What is queued and what is sent are the whole at every step, with a send buffer of the least. */
BN_TEST(queued_and_sent_add_up_at_every_step)
{
    struct scene scene;
    int least = 1;
    char sink[777];
    size_t total = 0;
    size_t got = 0;
    scene_init(&scene);
    setsockopt(bn_stream_fd(scene.stream), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    bn_stream_prefer_fresh(scene.stream);
    fcntl(scene.fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 20000 && (i < 300 || got < total); i++) {
        struct bn_bytes *bytes = bn_bytes_create(NULL, (size_t)(i * 37 % 5000));
        if (i < 300 && i % 2) {
            bn_stream_put_bytes(scene.stream, bytes, 0, bytes->len);
            total += bytes->len;
        } else if (i < 300) {
            bn_stream_send_bytes(scene.stream, bytes);
            total += bytes->len;
        }
        bn_bytes_unref(bytes);
        bn_stream_flush(scene.stream);
        CHECK_INT(bn_stream_queued(scene.stream) + bn_stream_sent(scene.stream), total);
        ssize_t n = read(scene.fd, sink, sizeof sink);
        got += n > 0 ? (size_t)n : 0;
        if (n <= 0)
            bn_loop_round(scene.loop, 1, NULL, NULL);
    }
    CHECK_INT(got, total);
    CHECK_INT(bn_stream_queued(scene.stream), 0);
    scene_finish(&scene);
}

BN_TEST(a_descriptor_that_cannot_be_watched_makes_no_stream)
{
    struct scene scene;
    scene_init(&scene);
    FILE *file = tmpfile();
    CHECK(bn_stream_create(scene.loop, fileno(file), NULL) == NULL);
    fclose(file);
    scene_finish(&scene);
}

BN_TEST_MAIN()
