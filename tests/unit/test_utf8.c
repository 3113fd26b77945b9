#include "base/text.h"

#include "bn_test.h"
#include "wire/utf8.h"

/* Every sequence of up to three bytes, and four-byte ones around the edges, against the
   whole-string check of base/text, which knows nothing of this automaton. */
static void compare_utf8(const char *p, size_t len)
{
    uint32_t whole = BN_UTF8_BETWEEN;
    uint32_t bytewise = BN_UTF8_BETWEEN;
    bool is_whole = bn_utf8_feed(&whole, p, len);
    bool is_bytewise = true;
    for (size_t i = 0; i < len && is_bytewise; i++)
        is_bytewise = bn_utf8_feed(&bytewise, p + i, 1);
    CHECK_INT(is_whole, is_bytewise);
    if (!memchr(p, 0, len))
        CHECK_INT(is_whole && whole == BN_UTF8_BETWEEN, bn_utf8_is_valid(p, len));
}

BN_TEST(utf8_is_judged_like_the_whole_string)
{
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char two[2] = {(char)a, (char)b};
            compare_utf8(two, 1);
            compare_utf8(two, 2);
            for (unsigned c = 0x7e; c < 0xc4; c += a < 0xe0 ? 17 : 1) {
                char four[4] = {(char)a, (char)b, (char)c, (char)0x80};
                compare_utf8(four, 3);
                compare_utf8(four, 4);
            }
        }
    }
}

BN_TEST(utf8_fails_at_the_first_byte_that_shows_it)
{
    static const char *const starts[] = {"\x80", "\xc0", "\xc1", "\xe0\x9f", "\xed\xa0", "\xf0\x8f",
            "\xf4\x90", "\xf5", "\xff", "\xe2\x82\x28"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        uint32_t utf8 = BN_UTF8_BETWEEN;
        size_t len = strlen(starts[i]);
        CHECK(bn_utf8_feed(&utf8, starts[i], len - 1));
        CHECK(!bn_utf8_feed(&utf8, starts[i] + len - 1, 1));
    }
}

BN_TEST_MAIN()
