#include "base/text.h"

#include "bn_test.h"
#include "model/doc.h"
#include "model/people.h"

BN_TEST(hashes_and_passwords_are_secret_in_every_record_of_people)
{
    const struct bn_record_type *const types[] = {&bn_tenant_type, &bn_user_type, &bn_session_type,
            &bn_key_type, &bn_audit_type};
    size_t secrets = 0;
    for (size_t t = 0; t < COUNT(types); t++) {
        for (size_t i = 0; i < types[t]->field_count; i++) {
            const struct bn_field *field = &types[t]->fields[i];
            bool is_secret = !strcmp(field->name, "password") || !strcmp(field->name, "hash");
            CHECK(is_secret == ((field->flags & BN_F_SECRET) != 0));
            CHECK(!is_secret || (field->flags & BN_F_FIXED));
            secrets += is_secret;
        }
    }
    CHECK_INT(secrets, 3);
}

BN_TEST(people_are_kept_in_these_tables)
{
    CHECK_STR(bn_tenant_type.table, "tenants");
    CHECK_STR(bn_user_type.table, "users");
    CHECK_STR(bn_session_type.table, "sessions");
    CHECK_STR(bn_key_type.table, "api_keys");
    CHECK_STR(bn_audit_type.table, "audit");
}

BN_TEST(the_words_of_a_role_are_in_the_order_of_what_it_may_do)
{
    const struct bn_field *role = bn_field_find(&bn_user_type, BN_STR("role"));
    CHECK_STR(role->words[BN_ROLE_VIEWER], "viewer");
    CHECK_STR(role->words[BN_ROLE_MANAGER], "manager");
    CHECK_STR(role->words[BN_ROLE_ADMIN], "admin");
    CHECK(role->words[BN_ROLE_ADMIN + 1] == NULL);
}

static struct bn_user ann(void)
{
    struct bn_user user;
    bn_record_clear(&bn_user_type, &user);
    snprintf(user.id, sizeof user.id, "u1");
    snprintf(user.name, sizeof user.name, "ann");
    snprintf(user.password, sizeof user.password, "$argon2id$...");
    user.role = BN_ROLE_MANAGER;
    return user;
}

BN_TEST(a_user_needs_a_name_and_a_role)
{
    struct bn_err err;
    struct bn_user user = ann();
    CHECK(bn_record_check(&bn_user_type, &user, &err));
    user.role = BN_UNKNOWN;
    CHECK(!bn_record_check(&bn_user_type, &user, &err));
    CHECK_STR(err.text, "role is required");
    user = ann();
    user.name[0] = 0;
    CHECK(!bn_record_check(&bn_user_type, &user, &err));
    CHECK_STR(err.text, "name is required");
}

BN_TEST(a_user_is_shown_without_the_password)
{
    struct bn_user user = ann();
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_buf_init(&buf, 4096);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(&bn_user_type, &user, BN_MASK_ALL, BN_ABSENT_NULL, &json);
    bn_json_object_end(&json);
    CHECK(bn_str_is(bn_buf_str(&buf),
            "{\"id\":\"u1\",\"name\":\"ann\",\"role\":\"manager\","
            "\"disabled\":false,\"is_restricted\":false,\"created_at\":null,\"last_login_at\":null}"));
    bn_buf_reset(&buf);
    bn_record_typescript(&bn_user_type, &buf);
    bn_buf_putc(&buf, 0);
    CHECK(strstr(buf.p, "password") == NULL);
    CHECK(strstr(buf.p, "role?: 'viewer' | 'manager' | 'admin';") != NULL);
}

BN_TEST(a_request_cannot_set_what_the_server_sets)
{
    const char *const names[] = {"id", "password", "created_at", "last_login_at"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char text[64];
        char sentence[64];
        struct bn_err err = {0};
        struct bn_user user = ann();
        uint64_t given;
        BN_DOC_AUTO *doc = NULL;
        snprintf(text, sizeof text, "{\"%s\":\"x\"}", names[i]);
        snprintf(sentence, sizeof sentence, "%s is set by the server", names[i]);
        CHECK(bn_doc_parse(bn_str(text), &doc, &err));
        CHECK(!bn_record_read(&bn_user_type, doc, &user, &given, &err));
        CHECK_STR(err.text, sentence);
    }
}

BN_TEST(a_session_needs_its_user_and_its_hash)
{
    struct bn_session session;
    struct bn_err err;
    bn_record_clear(&bn_session_type, &session);
    snprintf(session.id, sizeof session.id, "s1");
    CHECK(!bn_record_check(&bn_session_type, &session, &err));
    CHECK_STR(err.text, "hash is required");
    snprintf(session.hash, sizeof session.hash, "abc");
    CHECK(!bn_record_check(&bn_session_type, &session, &err));
    CHECK_STR(err.text, "user_id is required");
    snprintf(session.user_id, sizeof session.user_id, "u1");
    CHECK(bn_record_check(&bn_session_type, &session, &err));
}

BN_TEST_MAIN()
