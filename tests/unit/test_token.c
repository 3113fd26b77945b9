#include "bn_test.h"
#include "model/token.h"

static void takes(const char *text, const char *want)
{
    char out[BN_TOKEN_MAX];
    struct bn_err err = {0};
    if (!bn_token_read(bn_str(text), out, sizeof out, &err))
        fail_msg("\"%s\" was refused: %s", text, err.text);
    CHECK_STR(out, want);
}

BN_TEST(tokens_are_taken_as_proxmox_shows_them)
{
    takes("root@pam!bnc=11111111-2222-3333-4444-555555555555",
            "root@pam!bnc=11111111-2222-3333-4444-555555555555");
    takes("  PVEAPIToken=mon.itor@pve-2!a_b=x \t", "mon.itor@pve-2!a_b=x");
}

BN_TEST(what_has_another_form_is_refused_with_the_form)
{
    static const char *const wrong[] = {"", "root@pam!bnc", "root@pam!bnc=", "root@pam=x",
            "@pam!a=b", "root!a=b", "root@!a=b", "root@pam!=b", "root@pam!a=b=c", "root@pam!a=b c",
            "root@pam!a=b\n", "ro ot@pam!a=b", "r\xC3\xA4t@pam!a=b", "root@pam!a=b\r\nX: y",
            "pveapitoken=root@pam!a=b"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char out[BN_TOKEN_MAX];
        struct bn_err err = {0};
        CHECK(!bn_token_read(bn_str(wrong[i]), out, sizeof out, &err));
        CHECK_STR(err.field, "api_token");
        CHECK_STR(err.text, "api_token must have the form USER@REALM!TOKENID=SECRET");
    }
    char small[8];
    CHECK(!bn_token_read(BN_STR("root@pam!a=b"), small, sizeof small, NULL));
}

BN_TEST(of_a_token_the_last_four_of_a_long_secret_are_shown)
{
    char out[96];
    bn_token_hint("root@pam!bnc=11111111-2222-3333-4444-555555553f9a", out, sizeof out);
    CHECK_STR(out, "root@pam!bnc=\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2"
                   "3f9a");
    bn_token_hint("root@pam!bnc=short", out, sizeof out);
    CHECK_STR(out, "root@pam!bnc=\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2");
}

BN_TEST(a_sealed_token_is_bound_to_its_row_and_tenant)
{
    char aad[BN_TOKEN_AAD_SIZE];
    bn_token_aad("t1", "s9", aad);
    CHECK_STR(aad, "v1|servers|token|s9|t1");
}

BN_TEST_MAIN()
