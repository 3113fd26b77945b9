#include <sodium.h>

#include "base/clock.h"
#include "base/secret.h"

#include "bn_test.h"

static void from_hex(uint8_t *out, const char *hex)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        uint64_t byte;
        CHECK(bn_parse_hex((struct bn_str){hex + 2 * i, 2}, &byte));
        out[i] = (uint8_t)byte;
    }
}

BN_TEST(the_library_starts_once_and_again)
{
    struct bn_err err;
    CHECK(bn_secret_start(&err));
    CHECK(bn_secret_start(&err));
}

BN_TEST(sha256_has_the_vectors_of_fips_180)
{
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);

    const struct {
        const char *text;
        size_t len;
        const char *want;
    } cases[] = {
            {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
            {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
            {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
             "lmnopqrsmnopqrstnopqrstu",
                    112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
            {million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t want[BN_HASH_SIZE];
        uint8_t got[BN_HASH_SIZE];
        from_hex(want, cases[i].want);
        bn_sha256(cases[i].text, cases[i].len, got);
        CHECK_MEM(got, want, sizeof got);
    }
    free(million);
}

BN_TEST(random_bytes_differ_and_fill_what_was_asked)
{
    uint8_t a[64] = {0};
    uint8_t b[64] = {0};
    bn_random(a, 63);
    bn_random(b, 63);
    CHECK(memcmp(a, b, 63) != 0);
    CHECK_INT(a[63], 0);
    CHECK(bn_random_u64() != bn_random_u64());
    unsigned seen[256] = {0};
    for (int i = 0; i < 4096; i++) {
        bn_random(a, 1);
        seen[a[0]]++;
    }
    size_t values = 0;
    for (size_t i = 0; i < 256; i++)
        values += seen[i] > 0;
    CHECK(values > 230);
}

BN_TEST(codes_people_type_have_no_look_alikes)
{
    char code[1001];
    size_t seen[256] = {0};
    memset(code, 'x', sizeof code);
    bn_random_code(code, 0);
    CHECK_STR(code, "");
    bn_random_code(code, 1000);
    CHECK_INT(strlen(code), 1000);
    CHECK_INT(strspn(code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), 1000);
    for (size_t i = 0; i < 1000; i++)
        seen[(unsigned char)code[i]]++;
    size_t letters = 0;
    for (size_t i = 0; i < COUNT(seen); i++)
        letters += seen[i] > 0;
    CHECK_INT(letters, 32);
}

BN_TEST(secrets_are_equal_or_not)
{
    CHECK(bn_equal_secret("abcd", "abcd", 4));
    CHECK(!bn_equal_secret("abcd", "abce", 4));
    CHECK(!bn_equal_secret("abcd", "bbcd", 4));
    CHECK(bn_equal_secret("abcd", "abce", 3));
    CHECK(bn_equal_secret("a", "b", 0));
}

BN_TEST(wiping_leaves_zeros)
{
    char secret[] = "hunter2";
    bn_wipe(secret, sizeof secret - 2);
    CHECK_MEM(secret,
            "\0\0\0\0\0\0"
            "2",
            8);
}

BN_TEST(a_password_is_hashed_with_the_chosen_parameters_and_a_salt_of_its_own)
{
    char a[BN_PWHASH_SIZE];
    char b[BN_PWHASH_SIZE];
    struct bn_err err;
    CHECK(bn_password_hash(BN_STR("correct horse"), a, &err));
    CHECK(bn_password_hash(BN_STR("correct horse"), b, &err));
    CHECK(bn_str_starts(bn_str(a), "$argon2id$v=19$m=65536,t=3,p=1$"));
    CHECK(strcmp(a, b) != 0);
    CHECK(bn_password_verify(a, BN_STR("correct horse")));
    CHECK(!bn_password_verify(a, BN_STR("correct hors")));
    CHECK(!bn_password_verify(a, BN_STR("correct horse\0")));
    CHECK(!bn_password_verify(a, bn_str(NULL)));
}

BN_TEST(passwords_are_bytes_with_nul_and_without_end)
{
    char hash[BN_PWHASH_SIZE];
    struct bn_err err;
    struct bn_str with_nul = {"a\0b", 3};
    CHECK(bn_password_hash(with_nul, hash, &err));
    CHECK(bn_password_verify(hash, with_nul));
    CHECK(!bn_password_verify(hash, BN_STR("a")));
    CHECK(bn_password_hash(bn_str(NULL), hash, &err));
    CHECK(bn_password_verify(hash, bn_str("")));
}

/* From the test suite of the argon2 reference implementation, version 1.3. */
BN_TEST(argon2id_has_the_vectors_of_its_reference)
{
    static const char *const right[] = {
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=262144,t=2,p=1$c29tZXNhbHQ$eP4eyR+zqlZX1y5xCFTkw9m5GYx0L5YWwvCFvtlbLow",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"};
    for (size_t i = 0; i < COUNT(right); i++) {
        CHECK(bn_password_verify(right[i], BN_STR("password")));
        CHECK(!bn_password_verify(right[i], BN_STR("passwore")));
    }
}

static bool verifies_with(unsigned passes, size_t bytes)
{
    char hash[crypto_pwhash_STRBYTES];
    CHECK_INT(crypto_pwhash_str_alg(hash, "pw", 2, passes, bytes, crypto_pwhash_ALG_ARGON2ID13), 0);
    CHECK_INT(crypto_pwhash_str_verify(hash, "pw", 2), 0);
    return bn_password_verify(hash, BN_STR("pw"));
}

BN_TEST(a_stored_hash_that_would_cost_too_much_is_not_tried)
{
    CHECK(verifies_with(10, 64 << 10));
    CHECK(!verifies_with(11, 64 << 10));
    CHECK(!verifies_with(1, (256 << 20) + 1024));
}

BN_TEST(what_is_no_hash_verifies_nothing)
{
    static const char *const wrong[] = {"", "plain", "$argon2id$", "$argon2id$v=19$",
            "$argon2id$v=19$m=65536,t=3,p=1$",
            "$argon2i$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=-1,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=5$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,p=1,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc="};
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK(!bn_password_verify(wrong[i], BN_STR("password")));
    CHECK(!bn_password_verify(NULL, BN_STR("password")));
    char huge[5000];
    memset(huge, 'A', sizeof huge);
    memcpy(huge, "$argon2id$v=19$m=65536,t=2,p=1$", 31);
    huge[sizeof huge - 1] = 0;
    CHECK(!bn_password_verify(huge, BN_STR("password")));
}

static int64_t verify_ns(const char *hash)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t start = bn_clock_mono_ns();
        CHECK(!bn_password_verify(hash, BN_STR("not the password")));
        best = BN_MIN(best, bn_clock_mono_ns() - start);
    }
    return best;
}

BN_TEST(an_unknown_user_takes_as_long_as_a_wrong_password)
{
    char hash[BN_PWHASH_SIZE];
    struct bn_err err;
    CHECK(bn_password_hash(BN_STR("password"), hash, &err));
    int64_t wrong = verify_ns(hash);
    /* The machine may be busy; a dummy that is not computed at all would be a thousand times
     * faster. */
    CHECK(verify_ns(NULL) > wrong / 4);
    CHECK(verify_ns("") > wrong / 4);
    CHECK(verify_ns("$argon2id$v=19$m=1048576,t=3,p=1$x$y") > wrong / 4);
    CHECK(verify_ns(NULL) < wrong * 4);
}

static const struct bn_seal_key key = {"k1",
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                26, 27, 28, 29, 30, 31, 32}};
static const char aad[] = "v1|server|token|7|12";

/* draft-irtf-cfrg-xchacha-03, A.3.1. */
BN_TEST(xchacha20_poly1305_has_the_vector_of_its_draft)
{
    static const char plain[] =
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
            "for the future, sunscreen would be it.";
    struct bn_seal_key vector_key = {.id = "k1"};
    uint8_t box[24 + 114 + 16];
    char sealed[400] = "v1.k1.";
    char vector_aad[13] = "";
    char out[200];
    size_t len;
    for (size_t i = 0; i < sizeof vector_key.bytes; i++)
        vector_key.bytes[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < 24; i++)
        box[i] = (uint8_t)(0x40 + i);
    from_hex((uint8_t *)vector_aad, "50515253c0c1c2c3c4c5c6c7");
    from_hex(box + 24, "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                       "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                       "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                       "21f9664c97637da9768812f615c68b13b52e"
                       "c0875924c1c7987947deafd8780acf49");
    bn_b64url_encode(box, sizeof box, sealed + 6);
    CHECK(bn_unseal(&vector_key, vector_aad, bn_str(sealed), out, sizeof out, &len));
    CHECK_INT(len, 114);
    CHECK_MEM(out, plain, 114);
}

BN_TEST(what_was_sealed_opens_again_whatever_its_length)
{
    char *plain = malloc(65537);
    char *sealed = malloc(100000);
    char *out = malloc(65537);
    static const size_t lengths[] = {0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 1000, 4096, 65535, 65536};
    bn_random(plain, 65537);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t len = 77;
        struct bn_str text = {plain, lengths[i]};
        CHECK(bn_seal(&key, aad, text, sealed, 100000));
        CHECK_INT(strlen(sealed), 6 + bn_b64url_size(24 + lengths[i] + 16) - 1);
        CHECK(bn_str_starts(bn_str(sealed), "v1.k1."));
        CHECK(bn_unseal(&key, aad, bn_str(sealed), out, lengths[i], &len));
        CHECK_INT(len, lengths[i]);
        CHECK_MEM(out, plain, len);
    }
    CHECK(!bn_seal(&key, aad, (struct bn_str){plain, 65537}, sealed, 100000));
    free(plain);
    free(sealed);
    free(out);
}

BN_TEST(the_same_secret_never_looks_the_same)
{
    char a[200];
    char b[200];
    CHECK(bn_seal(&key, aad, BN_STR("token"), a, sizeof a));
    CHECK(bn_seal(&key, aad, BN_STR("token"), b, sizeof b));
    CHECK(strcmp(a, b) != 0);
    CHECK(strncmp(a + 6, b + 6, 32) != 0); /* the nonce */
    CHECK(strcmp(a + 6 + 32, b + 6 + 32) != 0);
}

static bool opens(struct bn_str sealed)
{
    char out[64] = "before";
    size_t len = 77;
    bool ok = bn_unseal(&key, aad, sealed, out, sizeof out, &len);
    if (!ok) {
        CHECK_STR(out, "before");
        CHECK_INT(len, 77);
    }
    return ok;
}

/* SECURITY A31. */
BN_TEST(every_byte_changed_in_any_way_is_noticed)
{
    char sealed[200];
    char bent[200];
    CHECK(bn_seal(&key, aad, BN_STR("PVEAPIToken=root@pam!x=1234"), sealed, sizeof sealed));
    size_t len = strlen(sealed);
    CHECK(opens(bn_str(sealed)));
    for (size_t i = 0; i < len; i++) {
        for (int change = 1; change < 256; change++) {
            memcpy(bent, sealed, len + 1);
            bent[i] = (char)(bent[i] ^ change);
            CHECK(!opens((struct bn_str){bent, len}));
        }
    }
}

BN_TEST(a_sealed_text_cut_or_lengthened_is_noticed)
{
    char sealed[200];
    CHECK(bn_seal(&key, aad, BN_STR("secret"), sealed, sizeof sealed - 4));
    size_t len = strlen(sealed);
    for (size_t n = 0; n < len; n++)
        CHECK(!opens((struct bn_str){sealed, n}));
    CHECK(opens((struct bn_str){sealed, len}));
    memcpy(sealed + len, "AAAA", 4);
    for (size_t n = 1; n <= 4; n++)
        CHECK(!opens((struct bn_str){sealed, len + n}));
    CHECK(!opens(bn_str(NULL)));
}

BN_TEST(another_row_tenant_key_or_key_id_does_not_open_it)
{
    static const char *const others[] = {"v1|server|token|8|12", "v1|server|token|7|13",
            "v1|user|token|7|12", "v1|server|totp|7|12", "", "v1|server|token|7|1",
            "v1|server|token|7|12 "};
    char sealed[200];
    char out[64];
    size_t len;
    CHECK(bn_seal(&key, aad, BN_STR("secret"), sealed, sizeof sealed));
    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(!bn_unseal(&key, others[i], bn_str(sealed), out, sizeof out, &len));
    static const char *const ids[] = {"k2", "k", "k11", "K1", "k1 "};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct bn_seal_key other = key;
        CHECK(bn_text_copy(other.id, sizeof other.id, bn_str(ids[i])));
        CHECK(!bn_unseal(&other, aad, bn_str(sealed), out, sizeof out, &len));
    }
    for (size_t bit = 0; bit < 8 * sizeof key.bytes; bit++) {
        struct bn_seal_key other = key;
        other.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!bn_unseal(&other, aad, bn_str(sealed), out, sizeof out, &len));
    }
    CHECK(bn_unseal(&key, aad, bn_str(sealed), out, sizeof out, &len));
}

BN_TEST(a_key_id_that_could_be_read_two_ways_is_refused)
{
    static const char *const wrong[] = {"", ".", "a.b"};
    char sealed[200];
    char out[64];
    size_t len;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct bn_seal_key other = key;
        CHECK(bn_text_copy(other.id, sizeof other.id, bn_str(wrong[i])));
        CHECK(!bn_seal(&other, aad, BN_STR("x"), sealed, sizeof sealed));
        CHECK(!bn_unseal(&other, aad, BN_STR("v1.a.b.AAAA"), out, sizeof out, &len));
    }
}

BN_TEST(the_longest_key_id_works)
{
    struct bn_seal_key other = key;
    char sealed[200];
    char out[64];
    size_t len;
    memset(other.id, 'k', sizeof other.id - 1);
    CHECK(bn_seal(&other, aad, BN_STR("x"), sealed, bn_seal_size(&other, 1)));
    CHECK_INT(strlen(sealed) + 1, bn_seal_size(&other, 1));
    CHECK(bn_unseal(&other, aad, bn_str(sealed), out, sizeof out, &len));
    CHECK_INT(len, 1);
}

BN_TEST(what_does_not_fit_is_not_written)
{
    char sealed[200];
    char out[8] = "before";
    size_t len = 77;
    size_t need = 6 + bn_b64url_size(24 + 6 + 16);
    memset(sealed, 'x', sizeof sealed);
    CHECK(!bn_seal(&key, aad, BN_STR("secret"), sealed, need - 1));
    CHECK(sealed[0] == 'x');
    CHECK(bn_seal(&key, aad, BN_STR("secret"), sealed, need));
    CHECK(sealed[need] == 'x');
    CHECK(!bn_unseal(&key, aad, bn_str(sealed), out, 5, &len));
    CHECK_STR(out, "before");
    CHECK_INT(len, 77);
    CHECK(bn_unseal(&key, aad, bn_str(sealed), out, 6, &len));
    CHECK_MEM(out, "secret", 6);
    CHECK_INT(len, 6);
}

BN_TEST_MAIN()
