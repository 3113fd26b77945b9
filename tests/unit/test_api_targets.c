#include "people_rig.h"
#include "web/api_infra.h"
#include "web/target_form.h"

#define TARGETS       "/api/v1/targets"
#define PASSWORD_AUTH "\"auth\":{\"kind\":\"password\",\"password\":\"hunter2 hunter2\"}"
#define HOST_KEY      "SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+qE"
#define OTHER_KEY     "SHA256:2EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+qE"
#define PEM(kind)     "-----BEGIN " kind "-----\\nAAAA\\n-----END " kind "-----"

static struct people_rig rig;
static struct bn_seal_key key = {.id = "k"};
static struct bn_target_policy policy;
static char max[BN_COOKIE_SECRET_SIZE]; /* a manager */

static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    (void)web;
    config->key = &key;
    config->targets = &policy;
}

static void begin(void)
{
    web_rig_prepare = prepare;
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_target_routes, bn_target_route_count);
    people_add(&rig, "max", BN_ROLE_MANAGER);
    people_log_in(&rig, "max", max);
}

static void end(void)
{
    people_finish(&rig);
}

static void ask(const char *who, const char *verb, const char *path, const char *body, int status,
        const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "%s %s", verb, path);
    people_check(&rig, who, line, body, status, part);
}

/* A target of that name; more: other members, with a comma before them. */
static const char *form(const char *name, const char *more)
{
    static char text[8000];
    snprintf(text, sizeof text, "{\"name\":\"%s\",\"host\":\"10.0.0.3\",\"username\":\"deploy\"%s}",
            name, more);
    return text;
}

static const struct bn_target *named(const char *name)
{
    const struct bn_tenant_live *tenant = bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT);
    bn_table_each(row, &tenant->tables[BN_KIND_TARGET])
    {
        const struct bn_target *target = (const void *)row->record;
        if (strcmp(target->name, name) == 0)
            return target;
    }
    return NULL;
}

static const char *path_of(const char *name)
{
    static char path[200];
    const struct bn_target *target = named(name);
    CHECK(target);
    snprintf(path, sizeof path, TARGETS "/%s", target->id);
    return path;
}

static void change(const char *who, const char *name, const char *body, int status,
        const char *part)
{
    ask(who, "PATCH", path_of(name), body, status, part);
}

/* --- adding ---------------------------------------------------------------------------------- */

BN_TEST(a_target_is_added_with_its_password_sealed_and_what_was_not_said_as_documented)
{
    char aad[BN_TARGET_AAD_SIZE];
    char plain[200];
    size_t len = 0;
    begin();
    ask(max, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 201,
            "\"auth\":{\"kind\":\"password\",\"public_key\":null}");
    CHECK(strstr(rig.web.answer.p, "\"port\":22"));
    CHECK(strstr(rig.web.answer.p, "\"platform\":\"systemd\""));
    CHECK(strstr(rig.web.answer.p, "\"sudo\":true"));
    CHECK(strstr(rig.web.answer.p, "\"is_active\":true"));
    CHECK(!strstr(rig.web.answer.p, "hunter2"));
    const struct bn_target *target = named("web3");
    bn_target_aad(BN_TENANT_DEFAULT, target->id, "password", aad);
    CHECK(bn_unseal(&key, aad, bn_str(target->password), plain, sizeof plain, &len));
    CHECK(len == 15 && memcmp(plain, "hunter2 hunter2", len) == 0);
    ask(rig.vera, "GET", TARGETS, "", 200, "\"name\":\"web3\"");
    CHECK(!strstr(rig.web.answer.p, "hunter2") && !strstr(rig.web.answer.p, target->password));
    end();
}

BN_TEST(root_needs_no_sudo_unless_it_is_said)
{
    begin();
    ask(max, "POST", TARGETS,
            "{\"name\":\"a\",\"host\":\"h\",\"username\":\"root\"," PASSWORD_AUTH "}", 201,
            "\"sudo\":false");
    ask(max, "POST", TARGETS,
            "{\"name\":\"b\",\"host\":\"h\",\"username\":\"root\",\"sudo\":true," PASSWORD_AUTH "}",
            201, "\"sudo\":true");
    end();
}

BN_TEST(a_key_is_kept_in_pieces_and_comes_back_whole)
{
    char more[6000] = ",\"auth\":{\"kind\":\"key\",\"passphrase\":\"open\",\"private_key\":\""
                      "-----BEGIN ENCRYPTED PRIVATE KEY-----\\n";
    char text[BN_TARGET_KEY_MAX + BN_TARGET_SECRET_MAX];
    char sealed[3 * sizeof(struct bn_target_key)] = "";
    char aad[BN_TARGET_AAD_SIZE];
    size_t len = 0;
    begin();
    const size_t at = strlen(more);
    memset(more + at, 'A', 3400);
    snprintf(more + at + 3400, sizeof more - at - 3400,
            "\\n-----END ENCRYPTED PRIVATE KEY-----\"}");
    ask(max, "POST", TARGETS, form("web3", more), 201,
            "\"public_key\":\"encrypted private key (PKCS #8)\"");
    people_settle(&rig);
    const struct bn_target *target = named("web3");
    CHECK_INT(target->key_parts, 3);
    CHECK_INT(people_count(&rig, BN_KIND_TARGET_KEY), 3);
    for (int64_t i = 0; i < target->key_parts; i++) {
        char id[BN_ID_MAX];
        bn_target_key_id(target->id, i, id);
        const struct bn_target_key *part = bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT,
                BN_KIND_TARGET_KEY, id);
        CHECK(part);
        const size_t so_far = strlen(sealed);
        snprintf(sealed + so_far, sizeof sealed - so_far, "%s", part->text);
    }
    bn_target_aad(BN_TENANT_DEFAULT, target->id, "key", aad);
    CHECK(bn_unseal(&key, aad, bn_str(sealed), text, sizeof text, &len));
    CHECK(memcmp(text, "open\0-----BEGIN", 15) == 0 && len > 3400);
    /* A shorter one leaves no piece behind, a password none at all. */
    change(max, "web3", "{\"auth\":{\"private_key\":\"" PEM("RSA PRIVATE KEY") "\"}}", 200,
            "\"public_key\":\"RSA private key\"");
    people_settle(&rig);
    CHECK_INT(people_count(&rig, BN_KIND_TARGET_KEY), 1);
    change(max, "web3", "{" PASSWORD_AUTH "}", 200, "\"public_key\":null");
    people_settle(&rig);
    CHECK_INT(people_count(&rig, BN_KIND_TARGET_KEY), 0);
    CHECK_INT(named("web3")->key_parts, 0);
    end();
}

BN_TEST(what_cannot_be_is_refused_by_name)
{
    static const struct {
        const char *more;
        const char *field;
        const char *says;
    } bad[] = {
            {"", "auth.kind", "auth.kind is required"},
            {",\"auth\":{\"kind\":\"password\"}", "auth.password", "auth.password is required"},
            {",\"auth\":{\"kind\":\"key\"}", "auth.private_key", "auth.private_key is required"},
            {",\"auth\":{\"kind\":\"key\",\"password\":\"x\"}", "auth.password",
                    "not used with a key"},
            {",\"auth\":{\"kind\":\"password\",\"private_key\":\"x\"}", "auth.private_key",
                    "not used with a password"},
            {",\"auth\":{\"kind\":\"key\",\"passphrase\":\"x\"}", "auth.private_key",
                    "given again with its passphrase"},
            {",\"auth\":{\"kind\":\"key\",\"private_key\":\"" PEM("ENCRYPTED PRIVATE KEY") "\"}",
                    "auth.passphrase", "auth.passphrase is required"},
            {",\"auth\":{\"kind\":\"key\",\"private_key\":\"ssh-rsa AAAA\"}", "auth.private_key",
                    "public half"},
            {",\"auth\":{\"kind\":\"agent\"}", "auth.kind", "auth.kind must be password or key"},
            {",\"port\":0," PASSWORD_AUTH, "port", "port must be 1..65535"},
            {",\"service\":\"--now\"," PASSWORD_AUTH, "service", "service must begin"},
            {",\"service\":\"a;b\"," PASSWORD_AUTH, "service", "service must begin"},
            {",\"host_key\":\"SHA256:short\"," PASSWORD_AUTH, "host_key", "43 characters"},
            {",\"jump_id\":\"nobody\"," PASSWORD_AUTH, "jump_id", "there is no nobody"},
            {"{\"name\":\"  \",\"host\":\"h\",\"username\":\"u\"," PASSWORD_AUTH "}", "name",
                    "more than blanks"},
            {",\"site\":\"a\\u0007b\"," PASSWORD_AUTH, "site", "control character 0x07"},
            {"{\"name\":\"a\",\"host\":\"h\",\"username\":\"-oX\"," PASSWORD_AUTH "}", "username",
                    "username must begin"},
            {"{\"name\":\"a\",\"host\":\"a b\",\"username\":\"u\"," PASSWORD_AUTH "}", "host",
                    "host must be"},
            {"{\"name\":\"a\",\"host\":\"127.0.0.1\",\"username\":\"u\"," PASSWORD_AUTH "}", "host",
                    "--allow-target"},
            {",\"seen_at\":null," PASSWORD_AUTH, "seen_at", "unknown field"},
            {",\"platform\":\"custom\"," PASSWORD_AUTH, "custom.command",
                    "custom.command is required"},
    };

    begin();
    for (size_t i = 0; i < COUNT(bad); i++) {
        char field[80];
        snprintf(field, sizeof field, "\"field\":\"%s\"", bad[i].field);
        const char *body = bad[i].more[0] == '{' ? bad[i].more : form("web3", bad[i].more);
        ask(max, "POST", TARGETS, body, 400, field);
        if (!strstr(rig.web.answer.p, bad[i].says))
            fail_msg("%s: %s", bad[i].more, rig.web.answer.p);
    }
    CHECK_INT(people_count(&rig, BN_KIND_TARGET), 0);
    CHECK_INT(people_count(&rig, BN_KIND_TARGET_KEY), 0);
    end();
}

BN_TEST(secrets_as_long_as_they_may_be_are_taken_and_longer_ones_refused)
{
    char more[600] = ",\"auth\":{\"kind\":\"password\",\"password\":\"";
    begin();
    const size_t at = strlen(more);
    memset(more + at, 'x', BN_TARGET_SECRET_MAX);
    snprintf(more + at + BN_TARGET_SECRET_MAX, 8, "\"}");
    ask(max, "POST", TARGETS, form("a", more), 201, "\"id\"");
    snprintf(more + at + BN_TARGET_SECRET_MAX, 8, "x\"}");
    ask(max, "POST", TARGETS, form("b", more), 400, "\"field\":\"auth.password\"");
    end();
}

BN_TEST(a_name_is_one_targets)
{
    begin();
    ask(max, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 201, "\"id\"");
    ask(max, "POST", TARGETS, form("WEB3", "," PASSWORD_AUTH), 409, "\"field\":\"name\"");
    end();
}

/* --- who may what ---------------------------------------------------------------------------- */

BN_TEST(viewers_look_managers_change_and_administrators_remove_and_write_commands)
{
    const char *custom =
            ",\"platform\":\"custom\",\"custom\":{\"command\":\"reboot\"}," PASSWORD_AUTH;
    begin();
    ask(rig.vera, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 403, "\"forbidden\"");
    ask(max, "POST", TARGETS, form("web3", custom), 403, "only administrators may say which");
    ask(rig.ada, "POST", TARGETS, form("web3", custom), 201, "\"command\":\"reboot\"");
    change(max, "web3", "{\"custom\":{\"success\":\"ok\"}}", 403, "only administrators");
    change(max, "web3", "{\"notes\":\"n\"}", 200, "\"notes\":\"n\"");
    char path[200];
    snprintf(path, sizeof path, "%s", path_of("web3"));
    ask(max, "DELETE", path, "", 403, "\"forbidden\"");
    ask(rig.ada, "DELETE", path, "", 204, "");
    ask(rig.ada, "DELETE", path, "", 404, "there is no such target");
    ask(rig.ada, "PATCH", path, "{}", 404, "there is no such target");
    end();
}

/* --- trust ----------------------------------------------------------------------------------- */

BN_TEST(the_first_host_key_is_confirmed_by_who_operates_another_one_by_administrators)
{
    begin();
    ask(max, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 201, "\"host_key\":null");
    change(max, "web3", "{\"host_key\":\" " HOST_KEY " \"}", 200, "\"host_key\":\"" HOST_KEY "\"");
    change(max, "web3", "{\"host_key\":\"" HOST_KEY "\"}", 200, HOST_KEY);
    change(max, "web3", "{\"host_key\":\"" OTHER_KEY "\"}", 403, "only administrators may trust");
    change(rig.ada, "web3", "{\"host_key\":\"" OTHER_KEY "\"}", 200, OTHER_KEY);
    change(max, "web3", "{\"host_key\":null}", 403, "only administrators may forget");
    change(max, "web3", "{\"port\":2222," PASSWORD_AUTH "}", 403, "only administrators may move");
    change(rig.ada, "web3", "{\"host_key\":null}", 200, "\"host_key\":null");
    end();
}

BN_TEST(a_password_goes_nowhere_else_and_the_pin_stays_with_its_machine)
{
    begin();
    ask(max, "POST", TARGETS, form("web3", ",\"host_key\":\"" HOST_KEY "\"," PASSWORD_AUTH), 201,
            HOST_KEY);
    change(rig.ada, "web3", "{\"host\":\"10.0.0.4\"}", 400, "must be given again");
    change(rig.ada, "web3", "{\"port\":2222}", 400, "must be given again");
    change(rig.ada, "web3", "{\"username\":\"root\"}", 400, "must be given again");
    change(rig.ada, "web3", "{\"host\":\"10.0.0.4\"," PASSWORD_AUTH "}", 200, "\"host_key\":null");
    change(max, "web3", "{\"auth\":{\"kind\":\"key\",\"private_key\":\"" PEM("PRIVATE KEY") "\"}}",
            200, "\"kind\":\"key\"");
    change(max, "web3", "{\"host\":\"10.0.0.5\"}", 200,
            "\"host\":\"10.0.0.5\""); /* a key stays here */
    CHECK_STR(named("web3")->password, "");
    end();
}

BN_TEST(what_it_showed_is_settled_by_confirming_it)
{
    struct bn_fact fact;
    begin();
    ask(max, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 201, "\"id\"");
    bn_fact_init(&fact, BN_KIND_TARGET, BN_TENANT_DEFAULT);
    fact.u.target = *named("web3");
    bn_text_clip(fact.u.target.seen_host_key, 64, BN_STR(HOST_KEY));
    bn_text_clip(fact.u.target.seen_host_key_type, 32, BN_STR("ssh-ed25519"));
    fact.u.target.seen_at = 1795000000000;
    people_ask(&rig, &fact);
    change(max, "web3", "{\"host_key\":\"" HOST_KEY "\"}", 200,
            "\"host_key_type\":\"ssh-ed25519\"");
    CHECK(strstr(rig.web.answer.p, "\"seen_host_key\":null"));
    CHECK(strstr(rig.web.answer.p, "\"seen_at\":null"));
    end();
}

BN_TEST(without_a_key_to_seal_with_no_secret_is_taken)
{
    begin();
    struct bn_web_config *config = (struct bn_web_config *)(uintptr_t)bn_web_parts(rig.web.web);
    config->key_absent = "the master key is not there";
    ask(max, "POST", TARGETS, form("web3", "," PASSWORD_AUTH), 503, "the master key is not there");
    end();
}

BN_TEST_MAIN()
