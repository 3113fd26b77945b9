#include "bn_test.h"
#include "io/vnc_auth.h"

/* The answers are those of plain DES: `openssl enc -des-ecb -nopad -provider legacy` with the bits
   of each byte of the key reversed. */
static void answers(const char *password, const char *challenge_hex, const char *answer_hex)
{
    uint8_t challenge[BN_VNC_ANSWER_BYTES];
    uint8_t out[BN_VNC_ANSWER_BYTES];
    char hex[2 * BN_VNC_ANSWER_BYTES + 1];
    for (size_t i = 0; i < sizeof challenge; i++) {
        unsigned int byte = 0;
        CHECK_INT(sscanf(challenge_hex + 2 * i, "%2x", &byte), 1);
        challenge[i] = (uint8_t)byte;
    }
    CHECK(bn_vnc_answer(password, challenge, out));
    for (size_t i = 0; i < sizeof out; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    CHECK_STR(hex, answer_hex);
}

BN_TEST(a_challenge_is_encrypted_with_the_password_backwards)
{
    answers("PVEVNC:6", "000102030405060708090a0b0c0d0e0f", "6cd546c0dcc738ca6c0274eae59a2bf2");
    answers("!`0Zx#9@", "ffffffffffffffffffffffffffffffff", "f47d70783affe161f47d70783affe161");
    answers("12345678", "00112233445566778899aabbccddeeff", "8b9603ea1b649430d595c4247bd2bb95");
}

BN_TEST(a_short_password_is_filled_with_zeros_and_a_long_one_cut)
{
    answers("abc", "00000000000000000000000000000000", "0f3ddf69f786bf5e0f3ddf69f786bf5e");
    answers("", "000102030405060708090a0b0c0d0e0f", "491e890de9ace932838a49792f2213f3");
    answers("123456789", "00112233445566778899aabbccddeeff", "8b9603ea1b649430d595c4247bd2bb95");
}

BN_TEST_MAIN()
