#include "bn_test.h"
#include "model/infra.h"

static const struct bn_field *field_of(const struct bn_record_type *type, const char *name)
{
    return &type->fields[bn_field_index(type, name)];
}

BN_TEST(the_token_of_a_server_is_shown_to_nobody)
{
    struct bn_server server;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 8192);
    struct bn_json json;
    bn_record_clear(&bn_server_type, &server);
    snprintf(server.id, sizeof server.id, "s1");
    snprintf(server.token, sizeof server.token, "v1.k.sealed");
    snprintf(server.token_hint, sizeof server.token_hint, "root@pam!t");
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_record_json(&bn_server_type, &server, BN_MASK_ALL, BN_ABSENT_NULL, &json);
    bn_json_object_end(&json);
    bn_buf_putc(&out, '\0');
    CHECK(!strstr(out.p, "sealed"));
    CHECK(strstr(out.p, "\"token_hint\":\"root@pam!t\""));
    CHECK(strstr(out.p, "\"connection_status\":null"));
}

BN_TEST(what_follows_from_checks_is_marked_so)
{
    static const char *const derived[] = {"connection_status", "error_class", "health_check_error",
            "last_health_check_at", "last_connected_at", "learned_timeout_ms",
            "avg_response_time_ms", "success_rate", "nodes", "version", "cluster", "is_quorate",
            "seen_fingerprint", "cert_expires_at", "flap_pct", "is_flapping", "failed_in_row",
            "listed_under"};
    size_t count = 0;
    for (size_t i = 0; i < bn_server_type.field_count; i++)
        count += bn_server_type.fields[i].flags & BN_F_DERIVED ? 1 : 0;
    CHECK_INT(count, COUNT(derived));
    for (size_t i = 0; i < COUNT(derived); i++) /* the last ones: those before them are columns */
        CHECK(bn_field_index(&bn_server_type, derived[i]) >=
                bn_server_type.field_count - COUNT(derived));
    for (size_t i = 0; i < COUNT(derived); i++)
        CHECK(field_of(&bn_server_type, derived[i])->flags & BN_F_DERIVED);
}

BN_TEST(a_server_is_judged_field_by_field)
{
    struct bn_server server;
    struct bn_err err;
    bn_record_clear(&bn_server_type, &server);
    snprintf(server.id, sizeof server.id, "s1");
    CHECK(!bn_record_check(&bn_server_type, &server, &err));
    CHECK_STR(err.text, "name is required");
    snprintf(server.name, sizeof server.name, "Prod A");
    CHECK(!bn_record_check(&bn_server_type, &server, &err));
    CHECK_STR(err.text, "host is required");
    snprintf(server.host, sizeof server.host, "pve1");
    server.port = 80060;
    CHECK(!bn_record_check(&bn_server_type, &server, &err));
    CHECK_STR(err.text, "port must be 1..65535, got 80060");
    server.port = 8006;
    server.connection_timeout_ms = 4999;
    CHECK(!bn_record_check(&bn_server_type, &server, &err));
    CHECK_STR(err.field, "connection_timeout_ms");
    server.connection_timeout_ms = 5000;
    CHECK(bn_record_check(&bn_server_type, &server, &err));
}

BN_TEST(shares_are_told_to_a_hundredth_of_a_percent)
{
    CHECK_INT(field_of(&bn_vm_type, "cpu")->decimals, 4);
    CHECK_INT(field_of(&bn_node_type, "cpu")->decimals, 4);
}

BN_TEST_MAIN()
