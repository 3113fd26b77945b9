#include <stdlib.h>

#include "bn_test.h"
#include "wire/deflate.h"
#define ZLIB_CONST
#include <zlib.h>

/* A small generator of our own, so that a failure is the same on every machine. */
static uint32_t seed;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* Text that shrinks (of few letters) or bytes that do not. */
static void put_random(struct bn_buf *buf, size_t len, bool shrinks)
{
    char *room = bn_buf_room(buf, len);
    for (size_t i = 0; i < len; i++)
        room[i] = shrinks ? "{\"cpu\":1}"[next_random() % 9] : (char)next_random();
    bn_buf_added(buf, len);
}

/* Inflates blocks joined, minus the last four bytes, with zlib alone. */
static void check_joined(const struct bn_buf *blocks, const struct bn_buf *want)
{
    z_stream z = {.next_in = (const Bytef *)blocks->p, .avail_in = (uInt)blocks->len};
    Bytef *got = malloc(want->len + 100);
    CHECK_MEM(blocks->p + blocks->len - 4, "\0\0\xff\xff", 4);
    CHECK_INT(inflateInit2(&z, -15), Z_OK);
    z.next_out = got;
    z.avail_out = (uInt)want->len + 100;
    CHECK_INT(inflate(&z, Z_SYNC_FLUSH), Z_OK);
    CHECK_INT(z.avail_in, 0);
    CHECK_INT(z.total_out, want->len);
    CHECK_MEM(got, want->p ? want->p : "", want->len);
    inflateEnd(&z);
    free(got);
}

BN_TEST(any_row_of_blocks_is_one_valid_message)
{
    for (seed = 1; seed < 300; seed++) {
        struct bn_buf blocks, want, got;
        uint32_t start = seed;
        bn_buf_init(&blocks, 4 << 20);
        bn_buf_init(&want, 4 << 20);
        size_t count = 1 + next_random() % 8;
        for (size_t i = 0; i < count; i++) {
            size_t before = want.len;
            size_t len = next_random() % 4 ? next_random() % 700 : next_random() % 20000;
            put_random(&want, len, next_random() % 3);
            bn_deflate_block(&blocks, want.p + before, len);
        }
        CHECK(bn_buf_ok(&blocks));
        check_joined(&blocks, &want);
        bn_buf_init(&got, want.len ? want.len : 1);
        CHECK(bn_inflate_message(&got, blocks.p, blocks.len - 4));
        CHECK_INT(got.len, want.len);
        CHECK_MEM(got.p ? got.p : "", want.p ? want.p : "", want.len);
        bn_buf_finish(&got);
        if (want.len > 1) {
            bn_buf_init(&got, want.len - 1);
            CHECK(!bn_inflate_message(&got, blocks.p, blocks.len - 4));
            CHECK(got.failed);
            bn_buf_finish(&got);
        }
        bn_buf_finish(&blocks);
        bn_buf_finish(&want);
        seed = start;
    }
}

BN_TEST(an_empty_block_is_the_empty_stored_one)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 100);
    bn_deflate_block(&buf, "", 0);
    CHECK_INT(buf.len, 5);
    CHECK_MEM(buf.p, "\0\0\0\xff\xff", 5);
}

BN_TEST(short_pieces_are_stored)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    bn_deflate_block(&buf, "hello", 5);
    CHECK_INT(buf.len, 15);
    CHECK_MEM(buf.p, "\0\x05\0\xfa\xffhello\0\0\0\xff\xff", 15);
    bn_buf_reset(&buf);
    char same[BN_DEFLATE_MIN_BYTES];
    memset(same, 'a', sizeof same);
    bn_deflate_block(&buf, same, sizeof same - 1);
    CHECK_INT(buf.len, sizeof same - 1 + 10);
    bn_buf_reset(&buf);
    bn_deflate_block(&buf, same, sizeof same);
    CHECK(buf.len < 30);
}

BN_TEST(what_does_not_shrink_is_stored_in_blocks_of_64_kib)
{
    static const size_t lens[] = {256, 65535, 65536, 65537, 131070, 131071, 300000};
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct bn_buf blocks, want;
        seed = 7;
        bn_buf_init(&blocks, 1 << 20);
        bn_buf_init(&want, 1 << 20);
        put_random(&want, lens[i], false);
        bn_deflate_block(&blocks, want.p, lens[i]);
        CHECK_INT(blocks.len, lens[i] + 5 * ((lens[i] + 65534) / 65535 + 1));
        check_joined(&blocks, &want);
        bn_buf_finish(&blocks);
        bn_buf_finish(&want);
    }
}

BN_TEST(a_block_without_room_fails_and_leaves_the_buffer)
{
    BN_BUF_AUTO buf;
    char same[1000];
    memset(same, 'a', sizeof same);
    bn_buf_init(&buf, 900);
    bn_buf_puts(&buf, "x");
    bn_deflate_block(&buf, same, sizeof same);
    CHECK(!bn_buf_ok(&buf));
    CHECK_INT(buf.len, 1);
    CHECK(!bn_inflate_message(&buf, "\0", 1));
}

BN_TEST(ill_formed_messages_are_refused)
{
    static const struct bn_str bad[] = {
            {"", 0},
            {"\x06", 1},
            {"\0\x05\0\xff\xff", 5},
            {"\xf2\x48\xcd", 3},
            {"\xf3\x48\xcd\xc9\xc9\x07\0", 7},
            {"\xff\xff\xff", 3},
            {"\0\0\0\xff\xff", 5},
            {"\xf2\0\x11\0\0", 5},
            {"\0\xff\xff\0\0", 5},
            {"\0\x05\0\xfa\xffH", 6},
            {"\0\0", 2},
            {"\xf2\x48\xcd\xc9\xc9\x07", 6},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bn_buf out;
        bn_buf_init(&out, 10);
        CHECK(!bn_inflate_message(&out, bad[i].p, bad[i].len));
        CHECK(!out.failed);
        bn_buf_finish(&out);
    }
}

BN_TEST(a_bomb_costs_no_more_than_its_limit)
{
    struct bn_buf zeros, bomb, out;
    bn_buf_init(&zeros, 4 << 20);
    bn_buf_init(&bomb, 8 << 20);
    memset(bn_buf_room(&zeros, 4 << 20), 0, 4 << 20);
    bn_buf_added(&zeros, 4 << 20);
    bn_deflate_block(&bomb, zeros.p, zeros.len);
    CHECK(bomb.len < 40000);
    bn_buf_init(&out, 65536);
    CHECK(!bn_inflate_message(&out, bomb.p, bomb.len - 4));
    CHECK(out.failed);
    CHECK(out.cap <= 65536);
    bn_buf_finish(&zeros);
    bn_buf_finish(&bomb);
    bn_buf_finish(&out);
}

BN_TEST(gzip_shrinks_or_says_no)
{
    struct bn_buf text, out;
    Bytef back[5000];
    seed = 3;
    bn_buf_init(&text, 5000);
    bn_buf_init(&out, 5000);
    put_random(&text, 5000, true);
    for (int i = 0; i < 2; i++) {
        bn_buf_reset(&out);
        CHECK(bn_gzip(&out, text.p, text.len));
        CHECK(out.len < 3500);
        z_stream z = {.next_in = (const Bytef *)out.p,
                .avail_in = (uInt)out.len,
                .next_out = back,
                .avail_out = sizeof back};
        CHECK_INT(inflateInit2(&z, 15 + 16), Z_OK);
        CHECK_INT(inflate(&z, Z_FINISH), Z_STREAM_END);
        CHECK_INT(z.total_out, text.len);
        CHECK_MEM(back, text.p, text.len);
        inflateEnd(&z);
    }
    bn_buf_reset(&out);
    CHECK(!bn_gzip(&out, "aaaaaaaaaaaaaaaaaa", 18));
    CHECK(!bn_gzip(&out, "aaaaaaaaaaaaaaaaaaa", 19));
    bn_buf_puts(&out, "x");
    CHECK(!bn_gzip(&out, text.p, text.len));
    CHECK_INT(out.len, 1);
    CHECK(bn_buf_ok(&out));
    out.failed = true;
    CHECK(!bn_gzip(&out, text.p, 100));
    bn_buf_reset(&text);
    put_random(&text, 3000, false);
    bn_buf_reset(&out);
    CHECK(!bn_gzip(&out, text.p, text.len));
    CHECK_INT(out.len, 0);
    bn_buf_finish(&text);
    bn_buf_finish(&out);
}

BN_TEST(a_thread_gives_back_what_it_made_and_may_begin_anew)
{
    BN_BUF_AUTO buf;
    bn_deflate_finish_thread();
    bn_deflate_finish_thread();
    bn_buf_init(&buf, 2000);
    CHECK(bn_inflate_message(&buf, "\0", 1));
    bn_deflate_finish_thread();
    char same[1000];
    memset(same, 'a', sizeof same);
    bn_deflate_block(&buf, same, sizeof same);
    CHECK(buf.len < 50);
    bn_deflate_finish_thread();
}

BN_TEST_MAIN()
