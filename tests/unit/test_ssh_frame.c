#include "bn_test.h"
#include "wire/ssh_frame.h"

static enum bn_ssh_side side_of(uint32_t kind)
{
    return kind >= BN_SSH_HELLO ? BN_SSH_FROM_RUNNER : BN_SSH_TO_RUNNER;
}

/* Every number and every text of it filled; a kind takes what it has. */
static struct bn_ssh_frame filled(uint32_t kind, const char *text, size_t len)
{
    struct bn_ssh_frame frame = {.kind = kind, .session = 0x01020384};
    for (uint32_t i = 0; i < BN_SSH_NUMBERS_MAX; i++)
        frame.number[i] = 0xfffefdfc - i;
    for (size_t i = 0; i < BN_SSH_TEXTS_MAX; i++)
        frame.text[i] = (struct bn_str){text, len};
    return frame;
}

static struct bn_buf encoded(const struct bn_ssh_frame *frame)
{
    struct bn_buf out;
    bn_buf_init(&out, 1 << 20);
    bn_ssh_frame_encode(frame, &out);
    CHECK(bn_buf_ok(&out));
    return out;
}

/* What a kind has not comes back empty, so the second coding says as much as the first. */
static void check_same(const struct bn_ssh_frame *frame)
{
    struct bn_ssh_frame back;
    BN_BUF_AUTO first = encoded(frame);
    CHECK(bn_ssh_frame_decode(side_of(frame->kind), first.p, first.len, &back, NULL));
    CHECK_INT(back.kind, frame->kind);
    CHECK_INT(back.session, frame->session);
    BN_BUF_AUTO second = encoded(&back);
    CHECK_INT(second.len, first.len);
    CHECK_MEM(second.p, first.p, first.len);
}

BN_TEST(every_kind_comes_back_as_it_was_sent)
{
    for (uint32_t kind = BN_SSH_OPEN; kind < BN_SSH_FRAME_KINDS; kind++) {
        const struct bn_ssh_frame full = filled(kind, "sixteen bytes 16", 16);
        const struct bn_ssh_frame empty = filled(kind, NULL, 0);
        check_same(&full);
        check_same(&empty);
    }
}

BN_TEST(every_kind_is_refused_when_it_is_cut_anywhere_or_goes_on)
{
    for (uint32_t kind = BN_SSH_OPEN; kind < BN_SSH_FRAME_KINDS; kind++) {
        struct bn_ssh_frame frame = filled(kind, "abc", 3);
        struct bn_ssh_frame back = {.kind = 99};
        struct bn_err err;
        BN_BUF_AUTO whole = encoded(&frame);
        for (size_t len = 0; len < whole.len; len++) {
            char *copy = malloc(len + 1); /* a byte read beyond is a byte too many */
            memcpy(copy, whole.p, len);
            copy = realloc(copy, len ? len : 1);
            CHECK(!bn_ssh_frame_decode(side_of(kind), copy, len, &back, &err));
            CHECK(strstr(err.text, len ? "the wrong length" : "the unknown kind 0"));
            free(copy);
        }
        bn_buf_putc(&whole, 'x');
        CHECK(!bn_ssh_frame_decode(side_of(kind), whole.p, whole.len, &back, &err));
        CHECK(strstr(err.text, "the wrong length"));
        CHECK_INT(back.kind, 99); /* written on success only */
    }
}

BN_TEST(a_message_from_the_wrong_side_is_refused)
{
    for (uint32_t kind = BN_SSH_OPEN; kind < BN_SSH_FRAME_KINDS; kind++) {
        struct bn_ssh_frame frame = filled(kind, "", 0);
        struct bn_err err;
        BN_BUF_AUTO whole = encoded(&frame);
        CHECK(!bn_ssh_frame_decode(side_of(kind) == BN_SSH_TO_RUNNER ? BN_SSH_FROM_RUNNER
                                                                     : BN_SSH_TO_RUNNER,
                whole.p, whole.len, &frame, &err));
        CHECK(strstr(err.text, "came from the wrong side"));
    }
}

BN_TEST(unknown_kinds_are_refused)
{
    struct bn_ssh_frame frame;
    struct bn_err err;
    CHECK(!bn_ssh_frame_decode(BN_SSH_TO_RUNNER, "\0\0\0\0\0", 5, &frame, &err));
    CHECK_STR(err.text, "a message of the unknown kind 0");
    CHECK(!bn_ssh_frame_decode(BN_SSH_FROM_RUNNER, "\377\0\0\0\0", 5, &frame, &err));
    CHECK_STR(err.text, "a message of the unknown kind 255");
}

BN_TEST(the_bytes_are_these)
{
    static const char want[] = "\x08"
                               "\x84\x03\x02\x01"
                               "\x00\x00\x01\x80";
    struct bn_ssh_frame frame = {.kind = BN_SSH_TAKE,
            .session = 0x01020384,
            .number = {0x80010000}};
    BN_BUF_AUTO out = encoded(&frame);
    CHECK_INT(out.len, sizeof want - 1);
    CHECK_MEM(out.p, want, out.len);
    static const char output[] = "\x0e\1\0\0\0\2\0\0\0\3\0\0\0a\0b";
    CHECK(bn_ssh_frame_decode(BN_SSH_FROM_RUNNER, output, sizeof output - 1, &frame, NULL));
    CHECK_INT(frame.number[0], 2);
    CHECK_INT(frame.text[0].len, 3);
    CHECK_MEM(frame.text[0].p, "a\0b", 3);
}

BN_TEST(only_what_a_program_reads_and_writes_may_hold_a_nul)
{
    for (uint32_t kind = BN_SSH_OPEN; kind < BN_SSH_FRAME_KINDS; kind++) {
        struct bn_ssh_frame frame = filled(kind, "a\0b", 3);
        struct bn_err err = {.code = BN_E_OK};
        BN_BUF_AUTO out = encoded(&frame);
        const bool is_bytes = kind == BN_SSH_INPUT || kind == BN_SSH_OUTPUT;
        if (!bn_ssh_frame_decode(side_of(kind), out.p, out.len, &frame, &err)) {
            CHECK(!is_bytes);
            CHECK(strstr(err.text, "holds a NUL"));
        }
        CHECK(is_bytes || err.code != BN_E_OK || !memchr(out.p + 5, 'a', out.len - 5));
    }
}

/* The lengths at which a text is as long as it may be, and one more. */
static void check_wall(uint32_t kind, size_t before, size_t max, size_t after)
{
    struct bn_ssh_frame back;
    for (size_t len = max; len <= max + 1; len++) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, 1 << 20);
        bn_buf_putc(&out, (char)kind);
        for (size_t i = 0; i < before; i++)
            bn_buf_putc(&out, 0);
        const char length[4] = {(char)(len & 0xff), (char)(len >> 8), 0, 0};
        bn_buf_put(&out, length, sizeof length);
        for (size_t i = 0; i < len; i++)
            bn_buf_putc(&out, 'x');
        for (size_t i = 0; i < after; i++)
            bn_buf_putc(&out, 0);
        CHECK_INT(bn_ssh_frame_decode(side_of(kind), out.p, out.len, &back, NULL), len == max);
    }
}

BN_TEST(a_text_longer_than_its_limit_is_refused)
{
    check_wall(BN_SSH_OPEN, 28, BN_SSH_USER_MAX, 24);
    check_wall(BN_SSH_OPEN, 32, BN_SSH_SECRET_MAX, 20);
    check_wall(BN_SSH_OPEN, 36, BN_SSH_KEY_MAX, 16);
    check_wall(BN_SSH_OPEN, 52, BN_SSH_HOST_MAX, 0);
    check_wall(BN_SSH_RUN, 20, BN_SSH_COMMAND_MAX, 4);
    check_wall(BN_SSH_INPUT, 4, BN_SSH_DATA_MAX, 0);
    check_wall(BN_SSH_OUTPUT, 8, BN_SSH_DATA_MAX, 0);
    check_wall(BN_SSH_ENDED, 12, BN_SSH_TEXT_MAX, 12);
    check_wall(BN_SSH_ENDED, 24, BN_SSH_WORD_MAX, 0);
}

BN_TEST(the_longest_message_fits_into_what_is_read_at_once)
{
    static char text[BN_SSH_KEY_MAX];
    memset(text, 'x', sizeof text);
    struct bn_ssh_frame frame = {.kind = BN_SSH_OPEN};
    const size_t max[] = {BN_SSH_USER_MAX, BN_SSH_SECRET_MAX, BN_SSH_KEY_MAX, BN_SSH_SECRET_MAX,
            BN_SSH_WORD_MAX, BN_SSH_WORD_MAX, BN_SSH_HOST_MAX};
    for (size_t i = 0; i < COUNT(max); i++)
        frame.text[i] = (struct bn_str){text, max[i]};
    BN_BUF_AUTO out = encoded(&frame);
    CHECK(out.len <= BN_SSH_FRAME_MAX);
    frame.text[0].len++;
    CHECK_ABORTS(bn_ssh_frame_encode(&frame, &out));
    frame.kind = BN_SSH_FRAME_KINDS;
    CHECK_ABORTS(bn_ssh_frame_encode(&frame, &out));
}

BN_TEST_MAIN()
