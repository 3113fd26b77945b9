#include "bn_test.h"
#include "io/outbox.h"

static struct bn_bytes *text(const char *from)
{
    return bn_bytes_create(from, strlen(from));
}

static void put(struct bn_outbox *outbox, const char *from)
{
    struct bn_bytes *bytes = text(from);
    bn_outbox_put(outbox, bytes, 0, bytes->len);
    bn_bytes_unref(bytes);
}

BN_TEST(nothing_is_nothing)
{
    struct bn_outbox outbox = {0};
    struct bn_bytes *bytes = text("abc");
    struct iovec iov[2];
    char scratch[4];
    bn_outbox_put(&outbox, bytes, 1, 0);
    CHECK_INT(bytes->refs, 1);
    CHECK_INT(bn_outbox_show(&outbox, iov, 2), 0);
    CHECK_INT(bn_outbox_join(&outbox, scratch, sizeof scratch).iov_len, 0);
    bn_outbox_took(&outbox, 0);
    CHECK_INT(outbox.bytes, 0);
    CHECK(outbox.parts == NULL);
    bn_bytes_unref(bytes);
}

BN_TEST(a_part_is_kept_by_reference_and_let_go_with_its_last_byte)
{
    struct bn_outbox outbox = {0};
    struct bn_bytes *bytes = text("abcdef");
    bn_outbox_put(&outbox, bytes, 1, 4);
    CHECK_INT(bytes->refs, 2);
    CHECK_INT(outbox.bytes, 4);
    bn_outbox_took(&outbox, 3);
    CHECK_INT(bytes->refs, 2);
    CHECK_INT(outbox.bytes, 1);
    struct iovec left = bn_outbox_join(&outbox, NULL, 10);
    CHECK_INT(left.iov_len, 1);
    CHECK(left.iov_base == bytes->p + 4);
    bn_outbox_took(&outbox, 1);
    CHECK_INT(bytes->refs, 1);
    CHECK(outbox.parts == NULL);
    bn_bytes_unref(bytes);
}

BN_TEST(parts_are_shown_as_they_lie_and_joined_no_further_than_asked)
{
    struct bn_outbox outbox = {0};
    struct iovec iov[2];
    char scratch[5];
    put(&outbox, "abc");
    CHECK_INT(bn_outbox_join(&outbox, scratch, 2).iov_len, 2); /* one part, cut */
    put(&outbox, "de");
    put(&outbox, "fgh");
    CHECK_INT(bn_outbox_show(&outbox, iov, 2), 2);
    CHECK_MEM(iov[1].iov_base, "de", 2);
    CHECK_INT(iov[1].iov_len, 2);
    struct iovec all = bn_outbox_join(&outbox, scratch, sizeof scratch);
    CHECK_INT(all.iov_len, 5);
    CHECK_MEM(all.iov_base, "abcde", 5);
    bn_outbox_took(&outbox, 4);
    all = bn_outbox_join(&outbox, scratch, sizeof scratch);
    CHECK_MEM(all.iov_base, "efgh", 4);
    bn_outbox_took(&outbox, outbox.bytes);
    CHECK_INT(outbox.count, 0);
}

/* Every way of putting and taking 20,000 bytes in pieces gives the same bytes, and the sum is right
   at each step. */
BN_TEST(what_comes_out_is_what_went_in_whatever_the_pieces)
{
    struct bn_outbox outbox = {0};
    uint32_t seed = 1;
    uint8_t in = 0;
    uint8_t out = 0;
    size_t held = 0;
    size_t total = 0;
    while (total < 20000 || held > 0) {
        seed = seed * 1664525U + 1013904223U;
        size_t n = (seed >> 20) % 7;
        if (total < 20000 && (seed >> 30) < (held > 300 ? 1 : 3)) {
            struct bn_bytes *bytes = bn_bytes_create(NULL, n + 2);
            for (size_t i = 0; i < n; i++)
                bytes->p[i + 1] = (char)in++;
            bn_outbox_put(&outbox, bytes, 1, n);
            bn_bytes_unref(bytes);
            held += n;
            total += n;
        } else {
            char scratch[8];
            n = BN_MIN(n, held);
            struct iovec front = bn_outbox_join(&outbox, scratch, sizeof scratch);
            n = BN_MIN(n, front.iov_len);
            for (size_t i = 0; i < n; i++)
                CHECK_INT(((uint8_t *)front.iov_base)[i], out++);
            bn_outbox_took(&outbox, n);
            held -= n;
        }
        CHECK_INT(outbox.bytes, held);
    }
    CHECK(outbox.parts == NULL);
}

BN_TEST(more_than_waits_cannot_be_taken)
{
    struct bn_outbox outbox = {0};
    put(&outbox, "abc");
    CHECK_ABORTS(bn_outbox_took(&outbox, 4));
    bn_outbox_took(&outbox, 3);
}

BN_TEST_MAIN()
