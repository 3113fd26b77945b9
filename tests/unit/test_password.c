#include "bn_test.h"
#include "model/limits.h"
#include "web/password.h"
#include "web/password_common.h"

#define SHORT  "a password needs at least 12 characters"
#define LONG   "a password may have at most 128 bytes"
#define FEW    "different characters"
#define NAME   "must not contain the user name"
#define AROUND "must not be the user name with"
#define COMMON "is on the lists that attackers try first"
#define WORD   "with digits and signs around it is what"

#define X32 "0123456789abcdef0123456789ABCDEF"

/* why NULL: accepted. */
static const struct row {
    const char *password;
    const char *user;
    const char *why;
} rows[] = {
        {"tidal-Lantern-47", "owner", NULL},
        {"vague otter parade", "owner", NULL},
        {"Zürich im Nebel 9", "owner", NULL},
        {"mYx7#kQ2!vLp", "owner", NULL},
        {"ключ от погоды", "owner", NULL},
        {"  leading blanks count  ", "owner", NULL},
        {"correct horse battery", "owner", NULL},
        {"binnacle of brass and oak", "owner", NULL},
        {"my password is odd", "owner", NULL},
        {"annual harvest moon", "ann", NULL},
        {X32 X32 X32 X32, "owner", NULL},
        {"", "owner", SHORT},
        {"short", "owner", SHORT},
        {"elevenchars", "owner", SHORT},
        {X32 X32 X32 X32 "x", "owner", LONG},
        {"aaaaaaaaaaaaaaaa", "owner", FEW},
        {"abcabcabcabcabc", "owner", FEW},
        {"121212121212", "owner", FEW},
        {"the owner of it all", "owner", NAME},
        {"TheOWNERofitall", "owner", NAME},
        {"1234-ann-5678!", "ann", AROUND},
        {"ANN1234567890", "ann", AROUND},
        {"123456789012", "owner", COMMON},
        {"qwertyuiop123", "owner", COMMON},
        {"QwertyUIOP123", "owner", COMMON},
        {"1q2w3e4r5t6y", "owner", COMMON},
        {"passwordpassword", "owner", COMMON},
        {"correcthorsebatterystaple", "owner", COMMON},
        {"correct horse battery staple", "owner", COMMON},
        {"administrator", "owner", COMMON},
        {"motdepasse123", "owner", COMMON},
        {"woaini1314520", "owner", COMMON},
        {"password987654", "owner", WORD},
        {"P@ssw0rd!2026", "owner", WORD},
        {"!!Welcome!!2031", "owner", WORD},
        {"Summer2026!!!", "owner", WORD},
        {"letmein-001122", "owner", WORD},
        {"admin@99887766", "owner", WORD},
        {"binnacle12345", "owner", WORD},
        {"BinnacleBinnacle", "owner", WORD},
        {"2026$Binn4cle$2026", "owner", WORD},
        {"qwertyqwertyqwerty", "owner", WORD},
        {"2026-m0nk3y-2031", "owner", WORD},
        {"99-f00tb4ll-9988", "owner", WORD},
        {"999-adm!n1strat0r", "owner", WORD},
        {"pa$5word--998877", "owner", WORD},
        {"2031-zx3cvbnm-44", "owner", NULL},
};

BN_TEST(each_new_password_is_taken_or_refused_with_its_reason)
{
    CHECK(COUNT(rows) >= 40);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bn_err err = {.code = BN_E_OK};
        const bool taken = bn_password_check(bn_str(rows[i].password), bn_str(rows[i].user), "new",
                &err);
        if (taken != !rows[i].why || (rows[i].why && !strstr(err.text, rows[i].why)))
            fail_msg("\"%s\": %s", rows[i].password, taken ? "taken" : err.text);
        if (!taken) {
            CHECK_STR(err.field, "new");
            CHECK(strlen(rows[i].password) < 5 || !strstr(err.text, rows[i].password));
        }
    }
}

BN_TEST(ill_formed_passwords_are_refused)
{
    struct bn_err err;
    static const char overlong[] = "good start \xc0\xaf and end";
    CHECK(!bn_password_check(bn_str(overlong), BN_STR("x"), "password", &err));
    CHECK(!bn_password_check((struct bn_str){"with a \0 in the middle", 22}, BN_STR("x"),
            "password", &err));
    CHECK_STR(err.text, "a password must be valid UTF-8 without NUL");
}

BN_TEST(every_listed_password_is_long_enough_to_be_met_and_is_found)
{
    size_t count = 0;
    for (size_t i = 0; bn_common_passwords[i]; i++) {
        const struct bn_str group = bn_str(bn_common_passwords[i]);
        CHECK_INT(group.p[0], '\n');
        CHECK_INT(group.p[group.len - 1], '\n');
        struct bn_str rest = {group.p + 1, group.len - 2};
        while (rest.p) {
            const struct bn_str one = bn_str_cut(&rest, '\n');
            CHECK(one.len >= BN_PASSWORD_MIN);
            CHECK(bn_password_is_common(one));
            CHECK(!bn_password_check(one, BN_STR("owner"), "new", NULL));
            count++;
        }
    }
    CHECK(count >= 800);
    CHECK(!bn_password_is_common(BN_STR("")));
    CHECK(!bn_password_is_common(BN_STR("123456789012\n1234567890123")));
}

BN_TEST_MAIN()
