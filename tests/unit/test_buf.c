#include "base/buf.h"

#include "bn_test.h"

static void check_buf(const struct bn_buf *buf, const char *want)
{
    CHECK(bn_buf_ok(buf));
    CHECK_INT(buf->len, strlen(want));
    CHECK_MEM(bn_buf_str(buf).p, want, buf->len);
}

BN_TEST(an_empty_buffer_costs_nothing_and_is_an_empty_text)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 100);
    CHECK(buf.p == NULL);
    CHECK_INT(buf.cap, 0);
    check_buf(&buf, "");
    CHECK(bn_buf_str(&buf).p != NULL);
    bn_buf_put(&buf, NULL, 0);
    bn_buf_puts(&buf, "");
    CHECK(buf.p == NULL);
}

BN_TEST(appends_follow_each_other)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    bn_buf_puts(&buf, "GET ");
    bn_buf_putc(&buf, '/');
    bn_buf_put(&buf, "live?x", 4);
    bn_buf_printf(&buf, " HTTP/%d.%d", 1, 1);
    check_buf(&buf, "GET /live HTTP/1.1");
}

BN_TEST(a_buffer_grows_by_doubling_from_256_and_never_above_its_ceiling)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    bn_buf_putc(&buf, 'a');
    CHECK_INT(buf.cap, 256);
    while (buf.len < 256)
        bn_buf_putc(&buf, 'a');
    CHECK_INT(buf.cap, 256);
    bn_buf_putc(&buf, 'a');
    CHECK_INT(buf.cap, 512);
    while (buf.len < 513)
        bn_buf_putc(&buf, 'a');
    CHECK_INT(buf.cap, 1000);
    while (buf.len < 1000)
        bn_buf_putc(&buf, 'a');
    CHECK(bn_buf_ok(&buf));
    bn_buf_putc(&buf, 'a');
    CHECK(!bn_buf_ok(&buf));
    CHECK_INT(buf.len, 1000);
}

BN_TEST(the_first_allocation_is_what_is_needed)
{
    static const struct {
        size_t max;
        size_t len;
        size_t want_cap;
    } cases[] = {{10, 1, 10}, {10, 10, 10}, {256, 1, 256}, {1 << 20, 300, 512}, {600, 599, 600},
            {SIZE_MAX, 5000, 8192}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        BN_BUF_AUTO buf;
        bn_buf_init(&buf, cases[i].max);
        CHECK(bn_buf_room(&buf, cases[i].len) != NULL);
        CHECK_INT(buf.cap, cases[i].want_cap);
    }
}

BN_TEST(an_append_beyond_the_ceiling_changes_nothing_and_failure_stays)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 8);
    bn_buf_puts(&buf, "12345");
    bn_buf_puts(&buf, "6789");
    CHECK(!bn_buf_ok(&buf));
    CHECK_INT(buf.len, 5);
    bn_buf_putc(&buf, '6');
    bn_buf_puts(&buf, "6");
    bn_buf_put(&buf, "6", 1);
    bn_buf_put_i64(&buf, 6);
    bn_buf_put_u64(&buf, 6);
    bn_buf_printf(&buf, "6");
    CHECK(bn_buf_room(&buf, 1) == NULL);
    CHECK_INT(buf.len, 5);
    CHECK_MEM(buf.p, "12345", 5);
    CHECK(bn_buf_steal(&buf, NULL) == NULL);
    bn_buf_reset(&buf);
    check_buf(&buf, "");
    bn_buf_puts(&buf, "12345678");
    check_buf(&buf, "12345678");
}

BN_TEST(a_size_near_the_end_of_the_address_space_does_not_wrap)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 100);
    bn_buf_puts(&buf, "abc");
    CHECK(bn_buf_room(&buf, SIZE_MAX) == NULL);
    CHECK(!bn_buf_ok(&buf));
    bn_buf_reset(&buf);
    CHECK(bn_buf_room(&buf, SIZE_MAX - 2) == NULL);
    CHECK_INT(buf.cap, 100);
}

BN_TEST(numbers_are_written_as_printf_writes_them)
{
    static const int64_t edges[] = {0, 1, -1, 9, 10, 11, 99, 100, 101, -10, -99, -100, 999, 1000,
            123456789, INT64_MAX, INT64_MIN, INT64_MIN + 1, INT32_MIN, UINT32_MAX};
    for (size_t i = 0; i < COUNT(edges); i++) {
        char want[64];
        BN_BUF_AUTO buf;
        bn_buf_init(&buf, 64);
        bn_buf_put_i64(&buf, edges[i]);
        bn_buf_putc(&buf, ' ');
        bn_buf_put_u64(&buf, (uint64_t)edges[i]);
        snprintf(want, sizeof want, "%lld %llu", (long long)edges[i], (unsigned long long)edges[i]);
        check_buf(&buf, want);
    }
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t value = (int64_t)(seed >> (i % 60));
        char want[32];
        BN_BUF_AUTO buf;
        bn_buf_init(&buf, 64);
        bn_buf_put_i64(&buf, i % 2 ? value : -(value >> 1));
        snprintf(want, sizeof want, "%lld", (long long)(i % 2 ? value : -(value >> 1)));
        check_buf(&buf, want);
    }
}

BN_TEST(printf_fills_the_ceiling_to_the_last_byte)
{
    for (size_t max = 0; max <= 12; max++) {
        BN_BUF_AUTO buf;
        bn_buf_init(&buf, max);
        bn_buf_printf(&buf, "%s", "0123456789");
        CHECK(bn_buf_ok(&buf) == (max >= 10));
        CHECK_INT(buf.len, max >= 10 ? 10 : 0);
        CHECK(buf.cap <= max);
    }
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 600);
    for (int i = 0; i < 60; i++)
        bn_buf_printf(&buf, "%010d", i);
    CHECK(bn_buf_ok(&buf));
    CHECK_MEM(buf.p + 590, "0000000059", 10);
    bn_buf_printf(&buf, "%s", "");
    CHECK(bn_buf_ok(&buf));
    bn_buf_printf(&buf, "%c", 'x');
    CHECK(!bn_buf_ok(&buf));
}

BN_TEST(room_is_written_by_the_caller)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 300);
    bn_buf_puts(&buf, "ab");
    char *p = bn_buf_room(&buf, 298);
    CHECK(p == buf.p + 2);
    memset(p, 'c', 298);
    bn_buf_added(&buf, 3);
    check_buf(&buf, "abccc");
    CHECK(bn_buf_room(&buf, 0) != NULL);
    CHECK(bn_buf_room(&buf, 296) == NULL);
    CHECK(!bn_buf_ok(&buf));
}

BN_TEST(claiming_more_than_was_there_is_a_programming_error)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 300);
    bn_buf_puts(&buf, "ab");
    CHECK_ABORTS(bn_buf_added(&buf, 255));
    CHECK_ABORTS(bn_buf_drop(&buf, 3));
}

BN_TEST(dropping_forgets_the_beginning)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 300);
    bn_buf_drop(&buf, 0);
    bn_buf_puts(&buf, "abcdef");
    bn_buf_drop(&buf, 0);
    check_buf(&buf, "abcdef");
    bn_buf_drop(&buf, 2);
    check_buf(&buf, "cdef");
    bn_buf_drop(&buf, 4);
    check_buf(&buf, "");
    CHECK(buf.cap > 0);
}

BN_TEST(resetting_keeps_the_memory)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 300);
    bn_buf_puts(&buf, "abc");
    char *before = buf.p;
    bn_buf_reset(&buf);
    CHECK(buf.p == before);
    check_buf(&buf, "");
}

BN_TEST(stolen_memory_belongs_to_the_thief)
{
    BN_BUF_AUTO buf;
    size_t len = 77;
    bn_buf_init(&buf, 300);
    bn_buf_puts(&buf, "abc");
    char *p = bn_buf_steal(&buf, &len);
    CHECK_INT(len, 3);
    CHECK_MEM(p, "abc", 3);
    free(p);
    CHECK(buf.p == NULL);
    check_buf(&buf, "");
    p = bn_buf_steal(&buf, &len);
    CHECK(p != NULL);
    CHECK_INT(len, 0);
    free(p);
    bn_buf_puts(&buf, "again");
    check_buf(&buf, "again");
    CHECK_INT(buf.max, 300);
}

BN_TEST(finishing_twice_is_harmless)
{
    struct bn_buf buf;
    bn_buf_init(&buf, 300);
    bn_buf_puts(&buf, "abc");
    bn_buf_finish(&buf);
    bn_buf_finish(&buf);
    CHECK(buf.p == NULL);
}

BN_TEST_MAIN()
