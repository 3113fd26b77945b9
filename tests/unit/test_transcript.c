#include <stdlib.h>

#include "bn_test.h"
#include "model/limits.h"
#include "source/transcript.h"

#define BAD "\xEF\xBF\xBD"

/* All pieces one after the other, and that their offsets go on where the piece before ended. */
static void whole(const struct bn_transcript *t, char *out, size_t size)
{
    size_t len = 0;
    int64_t at = 0;
    bn_list_each(it, &t->pieces) {
        const struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece,
                link);
        CHECK(piece->at >= at && piece->bytes > 0 && strlen(piece->text) == piece->len);
        CHECK(bn_utf8_is_valid(piece->text, piece->len));
        at = piece->at + piece->bytes;
        CHECK(len + piece->len < size);
        memcpy(out + len, piece->text, piece->len);
        len += piece->len;
    }
    out[len] = '\0';
}

static void shows(const char *bytes, size_t size, const char *want)
{
    for (size_t cut = 0; cut <= size; cut++) {
        struct bn_transcript t;
        char got[400];
        bn_transcript_init(&t, 1000, 1000);
        bn_transcript_feed(&t, bytes, cut);
        if (cut % 2)
            bn_transcript_flush(&t, false);
        bn_transcript_feed(&t, bytes + cut, size - cut);
        bn_transcript_flush(&t, true);
        whole(&t, got, sizeof got);
        if (strcmp(got, want) != 0)
            fail_msg("cut at %zu: \"%s\" instead of \"%s\"", cut, got, want);
        CHECK_INT(t.bytes, (int64_t)size);
        CHECK_INT(bn_transcript_lost(&t), 0);
        bn_transcript_finish(&t);
    }
}

#define SHOWS(bytes, want) shows(bytes, sizeof(bytes) - 1, want)

BN_TEST(text_is_shown_and_what_a_terminal_would_act_on_is_not)
{
    SHOWS("one\ntwo\t3\n", "one\ntwo\t3\n");
    SHOWS("\x1b[1;32mactive\x1b[0m (running)\n", "active (running)\n");
    SHOWS("\x1b]0;title\x07"
          "a\x1b]0;title\x1b\\b",
            "ab");
    SHOWS("\x1b(Bx\x1b"
          "cy",
            "Bxy");
    SHOWS("a\r\nb\rc\n", "a\nb\nc\n");
    SHOWS("a\0b\x07\x7f\x08", "a\\x00b\\x07\\x7f\\x08");
    SHOWS("\xC2\x9B"
          "31m",
            "\\x9b31m");
}

BN_TEST(what_is_no_utf8_is_replaced_once)
{
    SHOWS("\xE2\x97\x8F nginx \xF0\x9F\x9A\x80\n", "\xE2\x97\x8F nginx \xF0\x9F\x9A\x80\n");
    SHOWS("a\xE2\x97"
          "b",
            "a" BAD "b");
    SHOWS("\xFF\xC0\x80x", BAD BAD BAD "x");
    SHOWS("\xE2\x97\x1b[1mz", BAD "z");
    SHOWS("\xE0\x80y", BAD BAD "y");
    SHOWS("\xF0\x9F\xC3\xA4", BAD "\xC3\xA4");
    SHOWS("end\xC3", "end" BAD);
    SHOWS("\xED\xA0\x80", BAD BAD BAD);
}

BN_TEST(half_a_character_waits_and_a_flush_without_anything_makes_no_piece)
{
    struct bn_transcript t;
    char got[40];
    bn_transcript_init(&t, 1000, 1000);
    bn_transcript_flush(&t, false);
    CHECK(t.pieces.next == &t.pieces && !bn_transcript_is_gathering(&t));
    bn_transcript_feed(&t, "a\xC3", 2);
    CHECK(bn_transcript_is_gathering(&t));
    bn_transcript_flush(&t, false);
    whole(&t, got, sizeof got);
    CHECK_STR(got, "a");
    bn_transcript_feed(&t, "\xA4", 1);
    bn_transcript_flush(&t, false);
    whole(&t, got, sizeof got);
    CHECK_STR(got, "a\xC3\xA4");
    bn_transcript_finish(&t);
}

static size_t told_bytes;
static size_t told_head;

static void on_told(void *user, const struct bn_transcript_piece *piece)
{
    CHECK(user == &told_bytes);
    told_bytes += (size_t)piece->bytes;
    told_head += piece->is_head;
}

/* 50 MB go through; the head and the tail stay, and the offsets say what is between them. */
BN_TEST(of_much_output_head_and_tail_are_kept_and_the_cut_is_known)
{
    struct bn_transcript t;
    char line[100];
    int64_t n = 0;
    told_bytes = told_head = 0;
    bn_transcript_init(&t, BN_OUTPUT_HEAD_MAX, BN_OUTPUT_TAIL_MAX);
    t.told = on_told;
    t.user = &told_bytes;
    while (t.bytes < (50 << 20)) {
        const int len = snprintf(line, sizeof line, "%012lld %s\n", (long long)n++,
                "what a busy program writes, line after line, all day long");
        bn_transcript_feed(&t, line, (size_t)len);
    }
    bn_transcript_flush(&t, true);
    CHECK_INT((int64_t)told_bytes, t.bytes);
    int64_t head = 0;
    int64_t tail = 0;
    int64_t at = 0;
    int64_t gaps = 0;
    bn_list_each(it, &t.pieces) {
        const struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece,
                link);
        gaps += piece->at != at;
        CHECK(!piece->is_head || gaps == 0);
        *(piece->is_head ? &head : &tail) += piece->bytes;
        at = piece->at + piece->bytes;
    }
    CHECK_INT(gaps, 1);
    CHECK_INT(at, t.bytes);
    CHECK(head > BN_OUTPUT_HEAD_MAX * 9 / 10 && head <= BN_OUTPUT_HEAD_MAX);
    CHECK(tail > BN_OUTPUT_TAIL_MAX * 9 / 10 && tail <= BN_OUTPUT_TAIL_MAX);
    CHECK_INT(bn_transcript_lost(&t), t.bytes - head - tail);
    bn_transcript_last(&t, line, 20);
    CHECK_STR(line, "line, all day long\n");
    bn_transcript_finish(&t);
}

BN_TEST(many_short_pieces_are_bounded_by_their_number)
{
    struct bn_transcript t;
    size_t count = 0;
    bn_transcript_init(&t, BN_OUTPUT_HEAD_MAX, BN_OUTPUT_TAIL_MAX);
    for (int i = 0; i < 3 * BN_OUTPUT_PIECES_MAX; i++) {
        bn_transcript_feed(&t, "x\n", 2);
        bn_transcript_flush(&t, false);
    }
    bn_list_each(it, &t.pieces)
        count++;
    CHECK_INT(count, 2 * BN_OUTPUT_PIECES_MAX);
    CHECK_INT(bn_transcript_lost(&t), 2 * BN_OUTPUT_PIECES_MAX);
    bn_transcript_finish(&t);
}

BN_TEST(nothing_but_escapes_is_a_piece_without_text_in_the_end)
{
    struct bn_transcript t;
    bn_transcript_init(&t, 1000, 1000);
    for (int i = 0; i < 40000; i++)
        bn_transcript_feed(&t, "\x1b[K", 3);
    bn_transcript_flush(&t, true);
    CHECK_INT(bn_transcript_lost(&t), 0);
    CHECK(t.pieces.next != &t.pieces);
    bn_transcript_finish(&t);
}

BN_TEST(the_last_of_it_is_seen_across_pieces)
{
    struct bn_transcript t;
    char out[6];
    bn_transcript_init(&t, 1000, 1000);
    bn_transcript_last(&t, out, sizeof out);
    CHECK_STR(out, "");
    bn_transcript_feed(&t, "abc", 3);
    bn_transcript_flush(&t, false);
    bn_transcript_feed(&t, "d", 1);
    bn_transcript_last(&t, out, sizeof out);
    CHECK_STR(out, "abcd");
    bn_transcript_feed(&t, "efg", 3);
    bn_transcript_last(&t, out, sizeof out);
    CHECK_STR(out, "cdefg");
    bn_transcript_finish(&t);
}

BN_TEST_MAIN()
