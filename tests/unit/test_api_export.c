#include "import_rig.h"

BN_TEST(an_export_is_taken_again_as_unchanged)
{
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    csv(IMPORT,
            "name,host,api_token,port,verify_ssl,fingerprint,tags,site,notes,vpn_enabled,vpn_host,"
            "vpn_port,connection_timeout,enabled\n"
            "\" a \",[fd00::1]," TOKEN
            ",8443,no,aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:"
            "bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99,\"=t,u\",S,\"two\nlines\",yes,v.lan,9000,"
            "7.5,no\n"
            "b,b.lan," TOKEN ",,,,,,,,,,,\n",
            200, "\"2 added\"");
    import_ask(rig.vera, "GET " SERVERS "/export", "", "", 200, "attachment");
    bn_buf_puts(&file, import_body);
    bn_buf_putc(&file, 0);
    CHECK(strstr(file.p, "name,host,api_token,port,verify_ssl,fingerprint,tags,site,notes,"
                         "vpn_enabled,vpn_host,vpn_port,connection_timeout,enabled\r\n"));
    csv(IMPORT "?on_duplicate=update", file.p, 200, "\"2 unchanged\"");
    char line[300];
    snprintf(line, sizeof line, "GET " SERVERS "/export?ids=%s", import_named("b")->id);
    import_ask(rig.vera, line, "", "", 200, "\r\nb,b.lan,,8006,true");
    import_lacks("fd00");
    import_ask(rig.vera, "GET " SERVERS "/export?ids=x", "", "", 404, "no such server");
    import_ask(rig.vera, "GET " SERVERS "/export?id=x", "", "", 400, "unknown parameter");
    import_end();
}

/* --- random servers -------------------------------------------------------------------------- */

static uint32_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % sides;
}

/* As somebody could give it to POST /servers: escaped JSON of pieces that are awkward in CSV. */
static void put_random(struct bn_json *json, const char *name, size_t most, bool is_prose)
{
    static const char *const pieces[] = {"a", "B7", " ", ",", ";", "\"", "'", "=", "+", "-", "@",
            "#", "sep=", "\xC3\xA9", "\xE2\x80\xAE", "\xF0\x9F\x9A\x80", "<b>", "true", "!",
            "\xEF\xBB\xBF", "\t", "\r\n", "\n"};
    char text[80] = "";
    size_t len = 0;
    for (size_t n = roll(6); n > 0; n--) {
        const char *piece = pieces[roll(COUNT(pieces) - (is_prose ? 0 : 3))];
        if (len + strlen(piece) < most)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", piece);
    }
    bn_json_key(json, name);
    bn_json_text(json, text);
}

static void put_server(struct bn_buf *out, uint32_t i)
{
    static const char *const hosts[][2] = {{"h", ".lan"}, {"fd00::", ""}, {"UP", ".Example.COM"},
            {"10.0.0.", ""}};
    struct bn_json json;
    char host[60];
    bn_buf_reset(out);
    bn_json_init(&json, out);
    bn_json_object(&json);
    snprintf(host, sizeof host, "%s%u%s", hosts[i % COUNT(hosts)][0], i,
            hosts[i % COUNT(hosts)][1]);
    bn_json_key(&json, "host");
    bn_json_text(&json, host);
    bn_json_key(&json, "api_token");
    bn_json_text(&json, TOKEN);
    put_random(&json, "name", 60, false);
    put_random(&json, "tags", 60, false);
    put_random(&json, "site", 60, false);
    put_random(&json, "notes", 60, true);
    bn_json_key(&json, "port");
    bn_json_i64(&json, 1 + roll(65535));
    bn_json_key(&json, "verify_ssl");
    bn_json_bool(&json, roll(2));
    bn_json_key(&json, "is_active");
    bn_json_bool(&json, roll(2));
    bn_json_key(&json, "connection_timeout_ms");
    bn_json_i64(&json, 5000 + roll(115001));
    if (roll(2)) {
        bn_json_key(&json, "vpn_enabled");
        bn_json_bool(&json, roll(2));
        bn_json_key(&json, "vpn_host");
        bn_json_text(&json, roll(2) ? "v.lan" : "fd00::7");
        bn_json_key(&json, "vpn_port");
        bn_json_i64(&json, 1 + roll(65535));
    }
    bn_json_object_end(&json);
    bn_buf_putc(out, 0);
}

BN_TEST(whatever_may_be_added_is_exported_and_taken_again_as_unchanged)
{
    BN_BUF_AUTO body;
    char want[60];
    bn_buf_init(&body, 4 << 20);
    dice = 20261128;
    import_begin();
    import_tenant()->servers_max = 500;
    for (uint32_t i = 0; i < 250; i++) {
        put_server(&body, i);
        const int status = import_send(max, "POST " SERVERS, "application/json", body.p);
        CHECK(status == 201 || status == 400); /* a name of nothing or blanks */
    }
    CHECK(import_count() > 150);
    import_ask(rig.vera, "GET " SERVERS "/export", "", "", 200, "");
    bn_buf_reset(&body);
    bn_buf_puts(&body, import_body);
    bn_buf_putc(&body, 0);
    snprintf(want, sizeof want, "\"failed\":[],\"message\":\"%zu unchanged\"", import_count());
    csv(IMPORT "?on_duplicate=update", body.p, 200, want);
    import_end();
}

BN_TEST(what_an_export_could_not_bring_back_is_not_taken_in_the_first_place)
{
    static const struct {
        const char *member;
        const char *part;
    } cases[] = {
            {"\"name\":\"a\\u0007\"", "name must not hold the control character 0x07"},
            {"\"name\":\"a\\tb\"", "name must not hold the control character 0x09"},
            {"\"name\":\"  \"", "name must hold more than blanks"},
            {"\"name\":\"" TOKEN "\"", "name holds an API token"},
            {"\"name\":\"a\",\"notes\":\" " TOKEN " \"", "notes holds an API token"},
            {"\"name\":\"a\",\"notes\":\"x\\u001b\"",
                    "notes must not hold the control character 0x1B"},
            {"\"name\":\"a\",\"site\":\"x\\n\"", "site must not hold the control character 0x0A"},
    };

    char body[400];
    import_begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(body, sizeof body, "{\"host\":\"h.lan\",\"api_token\":\"" TOKEN "\",%s}",
                cases[i].member);
        json(SERVERS, body, 400, cases[i].part);
    }
    CHECK_INT(import_count(), 0);
    import_end();
}

BN_TEST_MAIN()
