#include "bn_test.h"
#include "model/right.h"

static struct bn_err err;

BN_TEST(user_names_follow_the_grammar)
{
    static const char *const good[] = {"a", "A.b_c-d@e", "0", "x@example.org",
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"};
    static const char *const bad[] = {"", " a", "a b", "-a", ".a", "@", "ä", "a/b", "a\n", "a:b",
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_user_name_check(bn_str(good[i]), "name", &err));
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!bn_user_name_check(bn_str(bad[i]), "username", &err));
        CHECK_STR(err.field, "username");
        CHECK_INT(err.code, BN_E_INVALID);
    }
    CHECK(!bn_user_name_check((struct bn_str){"a\0b", 3}, "name", &err));
}

BN_TEST(scopes_give_rights_and_roles_give_scopes)
{
    uint32_t scopes = 0;
    char text[96];
    CHECK(bn_scopes_parse(BN_STR(" metrics , read"), &scopes, &err));
    bn_scopes_text(scopes, text, sizeof text);
    CHECK_STR(text, "read,metrics");
    CHECK(!bn_scopes_parse(BN_STR(""), &scopes, &err));
    CHECK_INT(bn_scopes_rights(BN_SCOPE_METRICS), 1u << BN_RIGHT_METRICS);
    CHECK_INT(bn_scopes_rights(BN_SCOPE_INGEST), 0);
    CHECK_INT(bn_scopes_rights(BN_SCOPE_ALL) & (1u << BN_RIGHT_SELF),
            0); /* a key is nobody's self */
    CHECK(bn_scopes_rights(BN_SCOPE_ALL) & (1u << BN_RIGHT_ADMIN));
    CHECK_INT(bn_role_rights(BN_ROLE_VIEWER) & (1u << BN_RIGHT_OPERATE), 0);
    CHECK_INT(bn_role_rights(BN_ROLE_MANAGER) & (1u << BN_RIGHT_ADMIN), 0);
    CHECK_INT(bn_role_scopes(BN_ROLE_VIEWER), BN_SCOPE_READ | BN_SCOPE_METRICS);
    CHECK_INT(bn_role_scopes(BN_ROLE_ADMIN), 63);
    for (int role = BN_ROLE_VIEWER; role <= BN_ROLE_ADMIN; role++)
        CHECK_INT(bn_scopes_rights(bn_role_scopes(role)) & ~bn_role_rights(role), 0);
}

BN_TEST(users_are_found_by_name_whatever_its_case)
{
    struct bn_table users;
    uint64_t changed;
    struct bn_user user;
    bn_table_init(&users, &bn_user_type, 10);
    bn_record_clear(&bn_user_type, &user);
    bn_text_clip(user.id, sizeof user.id, BN_STR("u1"));
    bn_text_clip(user.name, sizeof user.name, BN_STR("Owner"));
    CHECK(bn_table_put(&users, &user, &changed));
    CHECK_STR(bn_user_named(&users, BN_STR("oWNER"))->id, "u1");
    CHECK(!bn_user_named(&users, BN_STR("owne")));
    CHECK(!bn_user_named(&users, BN_STR("")));
    bn_table_finish(&users);
}

BN_TEST(permissions_on_a_guest_have_words_and_each_action_needs_one)
{
    static const char *const words[] = {"view", "console", "type", "start", "resume", "stop",
            "shutdown", "suspend", "reset", "reboot"};
    static const uint32_t needs[] = {BN_GUEST_VIEW, BN_GUEST_CONSOLE | BN_GUEST_CONSOLE_VIEW,
            BN_GUEST_CONSOLE, BN_GUEST_START, BN_GUEST_START, BN_GUEST_STOP, BN_GUEST_STOP,
            BN_GUEST_STOP, BN_GUEST_RESTART, BN_GUEST_RESTART};
    uint32_t permissions = 0;
    char text[48];
    for (size_t i = 0; i < COUNT(words); i++)
        CHECK_INT(bn_guest_permission_for(words[i]), needs[i]);
    CHECK_INT(bn_guest_permission_for("delete"), 0);
    CHECK(bn_guest_permissions_parse(BN_STR("restart, start"), &permissions, &err));
    bn_guest_permissions_text(permissions, text, sizeof text);
    CHECK_STR(text, "view,start,restart"); /* who may act may see */
    CHECK(bn_guest_permissions_parse(BN_STR(BN_GUEST_PERMISSIONS), &permissions, &err));
    bn_guest_permissions_text(permissions, text, sizeof text);
    CHECK_STR(text, BN_GUEST_PERMISSIONS);
    CHECK(!bn_guest_permissions_parse(BN_STR("view,view"), &permissions, &err));
    CHECK(!bn_guest_permissions_parse(BN_STR(""), &permissions, &err));
    CHECK_STR(err.field, "permissions");
}

BN_TEST(a_restricted_viewer_has_guests_and_himself_and_a_manager_is_never_restricted)
{
    struct bn_user user;
    bn_record_clear(&bn_user_type, &user);
    user.role = BN_ROLE_VIEWER;
    user.is_restricted = 1;
    CHECK_INT(bn_user_rights(&user), 1u << BN_RIGHT_GUESTS | 1u << BN_RIGHT_SELF);
    user.is_restricted = 0;
    CHECK_INT(bn_user_rights(&user), bn_role_rights(BN_ROLE_VIEWER));
    user.is_restricted = 1;
    user.role = BN_ROLE_MANAGER;
    CHECK_INT(bn_user_rights(&user), bn_role_rights(BN_ROLE_MANAGER));
}

BN_TEST_MAIN()
