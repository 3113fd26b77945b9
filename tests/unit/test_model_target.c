#include "bn_test.h"
#include "model/target.h"

BN_TEST(account_names_are_whole_words_of_harmless_characters)
{
    static const char *const good[] = {"root", "binnacle", "_deploy", "a.b-c_d@example.org", "0"};
    static const char *const bad[] = {"", "-oProxyCommand=x", ".a", "@a", "a b", "a;b", "a\nb",
            "a$", "a`b`", "a/b", "a\\b", "r\xC3\xA4t", "a'b", "a\"b"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_target_user_check(good[i], "username", NULL));
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bn_err err;
        if (bn_target_user_check(bad[i], "username", &err))
            fail_msg("taken: \"%s\"", bad[i]);
        CHECK_STR(err.field, "username");
    }
}

BN_TEST(service_names_are_what_systemd_takes_without_what_a_shell_would_read)
{
    static const char *const good[] = {"", "nginx", "nginx.service", "getty@tty1.service",
            "a:b_c-d"};
    static const char *const bad[] = {"-H", "--root=/", " nginx", "nginx ", "nginx;reboot", "a\nb",
            "$(id)", "`id`", "a|b", "a&b", "a>b", "a*", "a?", "../a", "a/b", "a\\x2db", "a'b"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_service_name_check(good[i], "service", NULL));
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bn_err err;
        if (bn_service_name_check(bad[i], "service", &err))
            fail_msg("taken: \"%s\"", bad[i]);
        CHECK_STR(err.field, "service");
    }
}

BN_TEST(services_of_a_voice_os_are_words_and_nothing_its_dialogue_would_take_for_more)
{
    static const char *const good[] = {"", "Cisco Tomcat", "A Cisco DB",
            "SOAP -Real-Time Service APIs", "Cisco DRF Local (v2.1)"};
    static const char *const bad[] = {"-force", " Cisco", "Cisco ", "Cisco\nTomcat", "a;b", "a|b",
            "a\tb", "a\"b", "a'b", "$(id)", "a>b", "a?", "Cisc\xc3\xb6", "a\x7f"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_vos_service_check(good[i], "service", NULL));
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bn_err err;
        if (bn_vos_service_check(bad[i], "service", &err))
            fail_msg("taken: \"%s\"", bad[i]);
        CHECK_STR(err.field, "service");
    }
}

BN_TEST(what_binds_a_secret_and_names_a_piece)
{
    char aad[BN_TARGET_AAD_SIZE];
    char id[BN_ID_MAX];
    bn_target_aad("default", "t1", "key", aad);
    CHECK_STR(aad, "v1|targets|key|t1|default");
    bn_target_key_id("t1", 2, id);
    CHECK_STR(id, "t1/2");
    CHECK_STR(bn_platform_word(BN_PLATFORM_VOS), "vos");
    CHECK_STR(bn_platform_word(BN_UNKNOWN), "unknown");
    CHECK_STR(bn_platform_word(3), "unknown");
}

BN_TEST_MAIN()
