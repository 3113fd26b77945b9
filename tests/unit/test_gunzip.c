#include <stdlib.h>

#include "bn_test.h"
#include "wire/gunzip.h"
#define ZLIB_CONST
#include <zlib.h>

/* Appends one gzip stream with what holds p[0..len). */
static void pack(struct bn_buf *out, const char *p, size_t len)
{
    z_stream z = {.next_in = (const Bytef *)p, .avail_in = (uInt)len};
    CHECK_INT(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong most = deflateBound(&z, len);
    z.next_out = (Bytef *)bn_buf_room(out, most);
    z.avail_out = (uInt)most;
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    bn_buf_added(out, z.total_out);
    deflateEnd(&z);
}

/* Unpacks what was cut every step bytes, each piece in a block of its own size; false with err. */
static bool unpack(const struct bn_buf *from, size_t step, struct bn_buf *out, struct bn_err *err)
{
    struct bn_gunzip g;
    bool is_fine = true;
    bn_gunzip_init(&g);
    for (size_t n, at = 0; at < from->len && is_fine; at += n) {
        n = BN_MIN(step, from->len - at);
        char *piece = memcpy(malloc(n), from->p + at, n);
        is_fine = bn_gunzip_put(&g, piece, n, out, err);
        free(piece);
    }
    is_fine = is_fine && bn_gunzip_end(&g, err);
    CHECK(g.stream == NULL);
    bn_gunzip_finish(&g);
    return is_fine;
}

/* The same with every cut in two. */
static bool unpack_at(const struct bn_buf *from, size_t cut, struct bn_buf *out, struct bn_err *err)
{
    struct bn_gunzip g;
    bn_gunzip_init(&g);
    bool is_fine = bn_gunzip_put(&g, from->p, cut, out, err) &&
                   bn_gunzip_put(&g, from->p + cut, from->len - cut, out, err) &&
                   bn_gunzip_end(&g, err);
    bn_gunzip_finish(&g);
    return is_fine;
}

static const char text[] = "{\"data\":[{\"id\":\"qemu/100\",\"cpu\":0.25},{\"id\":\"qemu/101\"}]}";

BN_TEST(a_stream_is_unpacked_however_it_is_cut)
{
    BN_BUF_AUTO from;
    bn_buf_init(&from, 1 << 20);
    pack(&from, text, sizeof text);
    for (size_t cut = 0; cut <= from.len; cut++) {
        struct bn_err err = {0};
        struct bn_buf out;
        bn_buf_init(&out, sizeof text);
        CHECK(cut ? unpack_at(&from, cut, &out, &err) : unpack(&from, 1, &out, &err));
        CHECK_INT(out.len, sizeof text);
        CHECK_MEM(out.p, text, sizeof text);
        bn_buf_finish(&out);
    }
}

BN_TEST(a_long_stream_comes_out_whole_in_just_its_room)
{
    BN_BUF_AUTO from;
    BN_BUF_AUTO want;
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    bn_buf_init(&want, 1 << 20);
    bn_buf_init(&from, 1 << 20);
    for (uint32_t i = 0; i < 50000; i++)
        bn_buf_put_u64(&want, i * 2654435761u % 977);
    pack(&from, want.p, want.len);
    bn_buf_init(&out, want.len);
    CHECK(unpack(&from, 1000, &out, &err));
    CHECK_INT(out.len, want.len);
    CHECK_MEM(out.p, want.p, want.len);
}

BN_TEST(one_byte_more_than_the_room_is_too_big_however_it_is_cut)
{
    BN_BUF_AUTO from;
    char sentence[100];
    snprintf(sentence, sizeof sentence, "what is unpacked must not exceed %zu bytes",
            sizeof text - 1);
    bn_buf_init(&from, 1 << 20);
    pack(&from, text, sizeof text);
    for (size_t step = 1; step <= from.len; step++) {
        struct bn_err err = {0};
        struct bn_buf out;
        bn_buf_init(&out, sizeof text - 1);
        CHECK(!unpack(&from, step, &out, &err));
        CHECK_INT(err.code, BN_E_TOO_BIG);
        CHECK_STR(err.text, sentence);
        CHECK_INT(out.len, sizeof text - 1);
        CHECK(out.failed);
        bn_buf_finish(&out);
    }
}

BN_TEST(a_bomb_costs_no_more_than_the_room)
{
    BN_BUF_AUTO from;
    BN_BUF_AUTO zeros;
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    bn_buf_init(&zeros, 16 << 20);
    bn_buf_init(&from, 32 << 20);
    memset(bn_buf_room(&zeros, 16 << 20), 0, 16 << 20);
    bn_buf_added(&zeros, 16 << 20);
    pack(&from, zeros.p, zeros.len);
    CHECK(from.len < 20000);
    bn_buf_init(&out, 100000);
    CHECK(!unpack(&from, from.len, &out, &err));
    CHECK_INT(err.code, BN_E_TOO_BIG);
    CHECK_INT(out.len, 100000);
    CHECK(out.cap <= 131072);
}

BN_TEST(a_room_emptied_between_pieces_takes_more_than_it_holds)
{
    BN_BUF_AUTO from;
    BN_BUF_AUTO out;
    struct bn_gunzip g;
    struct bn_err err = {0};
    size_t total = 0;
    bn_buf_init(&from, 1 << 20);
    pack(&from, text, sizeof text);
    bn_buf_init(&out, sizeof text - 10);
    bn_gunzip_init(&g);
    for (size_t i = 0; i < from.len; i++) {
        CHECK(bn_gunzip_put(&g, from.p + i, 1, &out, &err));
        CHECK_MEM(out.p ? out.p : "", text + total, out.len);
        total += out.len;
        bn_buf_reset(&out);
    }
    CHECK(bn_gunzip_end(&g, &err));
    CHECK_INT(total, sizeof text);
    bn_gunzip_finish(&g);
}

BN_TEST(every_cut_short_is_said_to_be_cut)
{
    BN_BUF_AUTO from;
    bn_buf_init(&from, 1 << 20);
    pack(&from, text, sizeof text);
    size_t whole = from.len;
    for (from.len = 1; from.len < whole; from.len++) {
        struct bn_err err = {0};
        struct bn_buf out;
        bn_buf_init(&out, 1000);
        CHECK(!unpack(&from, from.len, &out, &err));
        CHECK_INT(err.code, BN_E_INVALID);
        CHECK_STR(err.text, "the gzip stream was cut");
        bn_buf_finish(&out);
    }
}

BN_TEST(an_empty_body_is_empty_and_costs_nothing)
{
    BN_BUF_AUTO out;
    struct bn_gunzip g;
    struct bn_err err = {0};
    bn_buf_init(&out, 10);
    bn_gunzip_init(&g);
    CHECK(bn_gunzip_put(&g, "", 0, &out, &err));
    CHECK(g.stream == NULL);
    CHECK(bn_gunzip_end(&g, &err));
    CHECK_INT(out.len, 0);
    bn_gunzip_finish(&g);
}

BN_TEST(streams_may_follow_one_another)
{
    BN_BUF_AUTO from;
    bn_buf_init(&from, 1 << 20);
    pack(&from, "abc", 3);
    pack(&from, "", 0);
    pack(&from, "def", 3);
    for (size_t step = 1; step <= from.len; step++) {
        struct bn_err err = {0};
        struct bn_buf out;
        bn_buf_init(&out, 6);
        CHECK(unpack(&from, step, &out, &err));
        CHECK_INT(out.len, 6);
        CHECK_MEM(out.p, "abcdef", 6);
        bn_buf_finish(&out);
    }
}

static void check_refused(const struct bn_buf *from, const char *sentence)
{
    for (size_t step = 1; step <= from->len; step++) {
        struct bn_err err = {0};
        struct bn_buf out;
        bn_buf_init(&out, 1000);
        CHECK(!unpack(from, step, &out, &err));
        CHECK_INT(err.code, BN_E_INVALID);
        CHECK_STR(err.text, sentence);
        CHECK(!out.failed);
        bn_buf_finish(&out);
    }
}

BN_TEST(rubbish_is_refused_with_the_reason)
{
    BN_BUF_AUTO from;
    bn_buf_init(&from, 1 << 20);
    bn_buf_puts(&from, "<html>this is no gzip at all</html>");
    check_refused(&from, "what came is no gzip: incorrect header check");
    bn_buf_reset(&from);
    pack(&from, text, sizeof text);
    bn_buf_puts(&from, "rubbish");
    check_refused(&from, "what came is no gzip: incorrect header check");
    from.len -= 7;
    from.p[from.len - 5] ^= 1;
    check_refused(&from, "what came is no gzip: incorrect data check");
    from.p[from.len - 5] ^= 1;
    from.p[from.len - 1] ^= 1;
    check_refused(&from, "what came is no gzip: incorrect length check");
    from.p[from.len - 1] ^= 1;
    from.p[2] = 7;
    check_refused(&from, "what came is no gzip: unknown compression method");
}

BN_TEST(after_a_refusal_nothing_is_taken)
{
    BN_BUF_AUTO out;
    struct bn_gunzip g;
    struct bn_err err = {0};
    bn_buf_init(&out, 10);
    bn_gunzip_init(&g);
    CHECK(!bn_gunzip_put(&g, "no", 2, &out, &err));
    CHECK(g.stream == NULL);
    CHECK(!bn_gunzip_put(&g, "more", 4, &out, &err));
    CHECK_STR(err.text, "nothing may follow what was refused");
    CHECK(!bn_gunzip_end(&g, &err));
    CHECK_STR(err.text, "the gzip stream was refused");
    bn_gunzip_finish(&g);
}

BN_TEST(what_is_left_half_way_is_freed)
{
    BN_BUF_AUTO out;
    struct bn_gunzip g;
    struct bn_err err = {0};
    bn_buf_init(&out, 10);
    bn_gunzip_init(&g);
    CHECK(bn_gunzip_put(&g, "\x1f\x8b", 2, &out, &err));
    CHECK(g.stream != NULL);
    bn_gunzip_finish(&g);
    CHECK(g.stream == NULL);
}
BN_TEST_MAIN()
