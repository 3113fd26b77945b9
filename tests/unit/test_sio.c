#include "bn_test.h"
#include "wire/sio.h"

#define BYTES_MAX 4096

/* A packet as its parts: "2 /nsp 12 [json] +hex". */
static void show(struct bn_buf *out, const struct bn_sio_packet *packet)
{
    bn_buf_printf(out, "%d %.*s ", packet->type, BN_ARG(packet->nsp));
    if (packet->has_id)
        bn_buf_printf(out, "#%llu ", (unsigned long long)packet->id);
    bn_buf_printf(out, "%.*s", BN_ARG(packet->json));
    for (size_t i = 0; i < packet->attachment_count; i++) {
        bn_buf_puts(out, " +");
        for (size_t k = 0; k < packet->attachments[i].len; k++)
            bn_buf_printf(out, "%02x", (uint8_t)packet->attachments[i].p[k]);
    }
}

static enum bn_sio_event feed(struct bn_sio *sio, const char *message, size_t len)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, message + (*message == '~'), len - (*message == '~'));
    const struct bn_str bytes = {exact, len - (*message == '~')};
    const enum bn_sio_event event = *message == '~' ? bn_sio_binary(sio, bytes)
                                                    : bn_sio_text(sio, bytes);
    if (event == BN_SIO_PACKET && sio->packet.attachment_count == 0) { /* it points into exact */
        static char kept[2 * BYTES_MAX];
        const struct bn_str json = sio->packet.json;
        const struct bn_str nsp = sio->packet.nsp;
        CHECK(nsp.len + json.len < sizeof kept);
        memcpy(kept, nsp.p, nsp.len);
        memcpy(kept + nsp.len, json.p, json.len);
        sio->packet.nsp = (struct bn_str){kept, nsp.len};
        sio->packet.json = (struct bn_str){kept + nsp.len, json.len};
    }
    free(exact);
    return event;
}

/* Messages with a line feed between them; those of bytes begin with '~'. */
static void run(const char *messages, struct bn_buf *out)
{
    struct bn_str rest = bn_str(messages);
    struct bn_sio sio;
    bn_sio_init(&sio, BYTES_MAX);
    bn_buf_reset(out);
    while (rest.p) {
        const struct bn_str message = bn_str_cut(&rest, '\n');
        const enum bn_sio_event event = feed(&sio, message.p, message.len);
        if (event == BN_SIO_PACKET)
            show(out, &sio.packet);
        else
            bn_buf_puts(out, event == BN_SIO_MORE ? "MORE " : sio.err.text);
        if (event == BN_SIO_BAD)
            break;
    }
    bn_buf_putc(out, 0);
    bn_sio_finish(&sio);
}

static const char *const vectors[][2] = {
        {"0", "0 / "},
        {"0{\"token\":\"123\"}", "0 / {\"token\":\"123\"}"},
        {"0/admin,", "0 /admin "},
        {"0/admin", "0 /admin "},
        {"0/admin,{\"a\":[]}", "0 /admin {\"a\":[]}"},
        {"1", "1 / "},
        {"1/admin,", "1 /admin "},
        {"2[\"hey\",\"Jude\"]", "2 / [\"hey\",\"Jude\"]"},
        {"2/admin,12[\"tellme\"]", "2 /admin #12 [\"tellme\"]"},
        {"218446744073709551615[\"a\"]", "2 / #18446744073709551615 [\"a\"]"},
        {"2[1]", "2 / [1]"},
        {"2[-1.5e3]", "2 / [-1.5e3]"},
        {"2[ \"a\" , {\"_placeholder\":true} ]", "2 / [ \"a\" , {\"_placeholder\":true} ]"},
        {"312[\"ok\"]", "3 / #12 [\"ok\"]"},
        {"3/admin,13[]", "3 /admin #13 []"},
        {"51-[\"file\",{\"_placeholder\":true,\"num\":0}]\n~\1\2",
                "MORE 5 / [\"file\",{\"_placeholder\":true,\"num\":0}] +0102"},
        {"52-/a,7[\"f\",{\"num\":1,\"_placeholder\":true},[{\"_placeholder\":true,\"num\":0}]]\n~a\n~",
                "MORE MORE 5 /a #7 [\"f\",{\"num\":1,\"_placeholder\":true},[{\"_placeholder\":true,\"num\":0}]] +61 +"},
        {"61-15[\"bar\",{\"_placeholder\":true,\"num\":0}]\n~\7",
                "MORE 6 / #15 [\"bar\",{\"_placeholder\":true,\"num\":0}] +07"},
        {"50-[\"a\",{\"_placeholder\":true,\"num\":9}]",
                "5 / [\"a\",{\"_placeholder\":true,\"num\":9}]"},
        {"51-[\"connect\"]", "the name connect is no event's"},
        {"", "a packet begins with its type, 0 to 6"},
        {"!", "a packet begins with its type, 0 to 6"},
        {"7", "a packet begins with its type, 0 to 6"},
        {"abc", "a packet begins with its type, 0 to 6"},
        {"0[]", "the payload of this type is an object"},
        {"0null", "the payload of this type is an object"},
        {"0\"a\"", "the payload of this type is an object"},
        {"0{", "the payload is no JSON of at most 64 levels"},
        {"1{}", "nothing is said with a goodbye"},
        {"2", "events and acks have a list"},
        {"3", "events and acks have a list"},
        {"2{}", "the payload of this type is a list"},
        {"2[]", "an event has a name"},
        {"2[{}]", "an event's name is a string or a number"},
        {"2[null,\"a\"]", "an event's name is a string or a number"},
        {"2[\"disconnect\"]", "the name disconnect is no event's"},
        {"2[\"\\u0063onnect\"]", "the name connect is no event's"},
        {"2[\"removeListener\",1]", "the name removeListener is no event's"},
        {"2[\"\\u0000\"]", "an event's name has at most 255 bytes of UTF-8"},
        {"2abc[\"a\"]", "the payload is no JSON of at most 64 levels"},
        {"2[\"a\"]]", "the payload is no JSON of at most 64 levels"},
        {"218446744073709551616[\"a\"]", "an id is a number of 64 bits"},
        {"3{}", "the payload of this type is a list"},
        {"4{\"message\":\"no\"}", "only a server refuses a connection"},
        {"4", "only a server refuses a connection"},
        {"5[\"a\"]", "a packet has 0 to 10 attachments"},
        {"5-[\"a\"]", "a packet has 0 to 10 attachments"},
        {"511-[\"a\"]", "a packet has 0 to 10 attachments"},
        {"51[\"a\"]", "after the number of attachments stands '-'"},
        {"51", "after the number of attachments stands '-'"},
        {"51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
                "the list names an attachment there is not"},
        {"51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
                "the list names an attachment there is not"},
        {"51-[\"a\",{\"_placeholder\":true}]", "the list names an attachment there is not"},
        {"51-[\"a\"]\n2[\"b\"]", "MORE text came where an attachment was to come"},
        {"~a", "bytes came where no attachment was to come"},
        {"2[\"a\"]\n~a", "2 / [\"a\"]bytes came where no attachment was to come"},
};

BN_TEST(a_packet_is_read_into_its_parts_or_refused_with_a_sentence)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 2 * BYTES_MAX);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        run(vectors[i][0], &out);
        CHECK_STR(out.p, vectors[i][1]);
    }
}

BN_TEST(a_packet_cut_anywhere_is_refused_or_a_shorter_one_and_never_read_past_its_end)
{
    struct bn_sio sio;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const size_t whole = strcspn(vectors[i][0], "\n");
        for (size_t len = 1; len < whole; len++) {
            bn_sio_init(&sio, BYTES_MAX);
            if (feed(&sio, vectors[i][0], len) == BN_SIO_BAD)
                CHECK(sio.err.text[0] != '\0');
            bn_sio_finish(&sio);
        }
    }
}

BN_TEST(a_packet_with_its_attachments_has_a_bound)
{
    static char big[BYTES_MAX + 2];
    struct bn_sio sio;
    memset(big, 'a', sizeof big);
    big[0] = '2';
    bn_sio_init(&sio, BYTES_MAX);
    CHECK_INT(bn_sio_text(&sio, (struct bn_str){big, BYTES_MAX + 1}), BN_SIO_BAD);
    CHECK_STR(sio.err.text, "a packet has at most 4096 bytes with its attachments");
    CHECK_INT(bn_sio_text(&sio, BN_STR("51-[\"a\"]")), BN_SIO_MORE);
    CHECK_INT(bn_sio_binary(&sio, (struct bn_str){big, BYTES_MAX - 7}), BN_SIO_BAD);
    CHECK_STR(sio.err.text, "a packet has at most 4096 bytes with its attachments");
    bn_sio_finish(&sio);
    bn_sio_init(&sio, BYTES_MAX);
    CHECK_INT(bn_sio_text(&sio, BN_STR("51-[\"a\"]")), BN_SIO_MORE);
    CHECK_INT(bn_sio_binary(&sio, (struct bn_str){big, BYTES_MAX - 8}), BN_SIO_PACKET);
    CHECK_INT(sio.packet.attachments[0].len, BYTES_MAX - 8);
    bn_sio_finish(&sio);
}

BN_TEST(names_have_a_bound_to_the_byte)
{
    char text[600];
    struct bn_sio sio;
    char name[BN_SIO_NAME_MAX + 1];
    bn_sio_init(&sio, BYTES_MAX);
    for (int more = 0; more < 2; more++) {
        const enum bn_sio_event want = more ? BN_SIO_BAD : BN_SIO_PACKET;
        snprintf(text, sizeof text, "2[\"%0*d\"]", BN_SIO_NAME_MAX + more, 0);
        CHECK_INT(bn_sio_text(&sio, bn_str(text)), want);
        if (!more)
            CHECK(bn_sio_event_name(&sio.packet, name) && strlen(name) == BN_SIO_NAME_MAX);
        snprintf(text, sizeof text, "0/%0*d,", BN_SIO_NAME_MAX - 1 + more, 0);
        CHECK_INT(bn_sio_text(&sio, bn_str(text)), want);
    }
    CHECK_STR(sio.err.text, "a namespace has at most 255 bytes");
    CHECK_INT(bn_sio_text(&sio, BN_STR("2[\"a\\u00e4\\n\"]")), BN_SIO_PACKET);
    CHECK(bn_sio_is_event(&sio.packet) && !bn_sio_is_ack(&sio.packet));
    CHECK(bn_sio_event_name(&sio.packet, name));
    CHECK_STR(name, "a\xc3\xa4\n");
    CHECK_INT(bn_sio_text(&sio, BN_STR("2[7]")), BN_SIO_PACKET);
    CHECK(!bn_sio_event_name(&sio.packet, name));
    bn_sio_finish(&sio);
}

/* --- JSON ------------------------------------------------------------------------------------- */

BN_TEST(json_is_taken_to_the_letter_and_nothing_else)
{
    static const char *const good[] = {"0", "-0", "1.5", "1e5", "1E+5", "2.25e-3", "true", "false",
            "null", "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uABCD\"", "[]", "{}",
            "[1,[2,{}]]", " [ 1 , 2 ] ", "{\"a\":{\"b\":[]},\"c\":1}",
            "{\"a key that is longer\":1}", "{ \"a\" : 1 }", "\t\r\n1\n", "\"\xf0\x9f\x9a\x80\""};
    static const char *const bad[] = {"", " ", "-", "01", "+1", ".5", "1.", "1.e1", "1e", "1e+",
            "tru", "nul", "falsy", "True", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"",
            "\"\\u12g4\"", "\"\n\"", "\"\xff\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{",
            "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:1}",
            "{\"a\":1]", "[1}", "1 1", "[]]", "'a'", "{,}"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_sio_json_is_whole(bn_str(good[i]), NULL));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (bn_sio_json_is_whole(bn_str(bad[i]), NULL))
            fail_msg("taken: %s", bad[i]);
    CHECK(!bn_sio_json_is_whole((struct bn_str){"\"\0\"", 3}, NULL));
    CHECK(!bn_sio_json_is_whole((struct bn_str){"\"\\\0\"", 4}, NULL));
    CHECK(!bn_sio_json_is_whole((struct bn_str){"\"\\u12\0f\"", 8}, NULL));
    CHECK_INT(bn_sio_json_kind(BN_STR("  ")), '\0');
}

BN_TEST(json_is_as_deep_as_64_levels)
{
    for (size_t depth = BN_SIO_DEPTH_MAX; depth <= BN_SIO_DEPTH_MAX + 1; depth++) {
        char text[2 * BN_SIO_DEPTH_MAX + 3];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK_INT(bn_sio_json_is_whole((struct bn_str){text, 2 * depth}, NULL),
                depth == BN_SIO_DEPTH_MAX);
    }
}

BN_TEST(places_of_attachments_are_found_in_order_the_outer_one_of_two)
{
    struct bn_sio_marks marks;
    CHECK(bn_sio_json_is_whole(
            BN_STR("[{\"_placeholder\":true,\"num\":3},{\"a\":{\"num\":1,\"_\\u0070laceholder\":true}},"
                   "{\"_placeholder\":false,\"num\":0},{\"num\":4},{\"_placeholder\":true,\"num\":9,\"num\":2,"
                   "\"x\":{\"_placeholder\":true,\"num\":7}}]"),
            &marks));
    CHECK_INT(marks.count, 3);
    CHECK(!marks.has_bad);
    CHECK_INT(marks.list[0].at, 1);
    CHECK_INT(marks.list[0].len, 29);
    CHECK_INT(marks.list[0].num, 3);
    CHECK_INT(marks.list[1].num, 1);
    CHECK_INT(marks.list[2].num, 2);
    CHECK(bn_sio_json_is_whole(BN_STR("[{\"_placeholder\":true,\"num\":\"1\"}]"), &marks));
    CHECK(marks.has_bad);
    BN_BUF_AUTO many;
    bn_buf_init(&many, 4096);
    for (int i = 0; i <= BN_SIO_MARKS_MAX; i++) {
        bn_buf_puts(&many, i ? "," : "[");
        bn_buf_puts(&many, "{\"_placeholder\":true,\"num\":0}");
        bn_buf_putc(&many, ']');
        const struct bn_str text = bn_buf_str(&many);
        CHECK(bn_sio_json_is_whole(text, &marks));
        CHECK_INT(marks.has_bad, i == BN_SIO_MARKS_MAX);
        many.len--;
    }
}

BN_TEST(items_and_members_are_shown_where_they_lie)
{
    struct bn_str rest = bn_sio_json_inside(BN_STR(" [ 1 , [2,3] ,\"x\" ]"));
    struct bn_str item;
    CHECK(bn_sio_json_item(&rest, &item) && bn_str_is(item, "1"));
    CHECK(bn_sio_json_item(&rest, &item) && bn_str_is(item, "[2,3]"));
    CHECK(bn_sio_json_item(&rest, &item) && bn_str_is(item, "\"x\""));
    CHECK(!bn_sio_json_item(&rest, &item));
    const struct bn_str object = BN_STR(
            "{ \"a\" : 1 , \"tok\\u0065n\":\"b\",\"a\":{} ,\"\\u0000\":2}");
    CHECK(bn_str_is(bn_sio_json_member(object, "a"), "{}"));
    CHECK(bn_str_is(bn_sio_json_member(object, "token"), "\"b\""));
    CHECK(bn_sio_json_member(object, "b").p == NULL);
    CHECK(bn_sio_json_member(BN_STR("{}"), "b").p == NULL);
}

BN_TEST(strings_are_decoded_or_refused)
{
    static const char *const table[][2] = {
            {"\"\"", ""},
            {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz"},
            {"\"\\uffff\"", "\xef\xbf\xbf"},
            {"\"\\u0041\\u00e4\\u20AC\\ud83d\\ude80\"", "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x80"},
            {"\n\"a\"", "a"},
            {"\"\\u0000\"", NULL},
            {"\"\\ud83d\"", NULL},
            {"\"\\ud83dx\"", NULL},
            {"\"\\ud83d\\n\"", NULL},
            {"\"\\ud83d\\u0041\"", NULL},
            {"\"\\ud83d\\ue000\"", NULL},
            {"\"\\ude80\"", NULL},
            {"1", NULL},
            {"12", NULL},
            {"", NULL},
    };
    char out[16];
    for (size_t i = 0; i < COUNT(table); i++) {
        const bool is_text = bn_sio_json_text(bn_str(table[i][0]), out, sizeof out);
        CHECK_INT(is_text, table[i][1] != NULL);
        if (is_text)
            CHECK_STR(out, table[i][1]);
    }
    CHECK(bn_sio_json_text(BN_STR("\"123456789012345\""), out, sizeof out));
    CHECK(!bn_sio_json_text(BN_STR("\"1234567890123456\""), out, sizeof out));
    CHECK(!bn_sio_json_text(BN_STR("\"12345678901234\\u00e4\""), out, sizeof out));
}

/* --- writing ---------------------------------------------------------------------------------- */

BN_TEST(packets_are_written_as_they_stand_on_the_wire)
{
    const uint64_t id = 12;
    BN_SIO_ARGS_AUTO args;
    BN_BUF_AUTO out;
    bn_sio_args_init(&args, BYTES_MAX);
    bn_buf_init(&out, BYTES_MAX);
    bn_sio_put_args(&out, &(struct bn_sio_head){BN_SIO_ACK, BN_STR("/"), &id}, &args);
    bn_sio_put_text(&args, BN_STR("hey\""));
    bn_sio_put_json(&args, BN_STR("{\"a\":1}"));
    bn_buf_putc(&out, ' ');
    bn_sio_put_args(&out, &(struct bn_sio_head){BN_SIO_EVENT, BN_STR("/admin"), &id}, &args);
    bn_sio_put_binary(&args, BN_STR("bytes"));
    bn_buf_putc(&out, ' ');
    bn_sio_put_args(&out, &(struct bn_sio_head){BN_SIO_EVENT, BN_STR("/"), NULL}, &args);
    bn_buf_putc(&out, ' ');
    bn_sio_put_args(&out, &(struct bn_sio_head){BN_SIO_ACK, BN_STR("/a"), &id}, &args);
    bn_buf_putc(&out, ' ');
    bn_sio_put_plain(&out, &(struct bn_sio_head){BN_SIO_CONNECT, BN_STR("/a"), NULL},
            BN_STR("{\"sid\":\"x\"}"));
    bn_buf_putc(&out, ' ');
    bn_sio_put_plain(&out, &(struct bn_sio_head){BN_SIO_CONNECT, {"/n\0l", 4}, NULL}, BN_STR(""));
    CHECK(memcmp(out.p + out.len - 6, "0/n\0l,", 6) == 0);
    out.len -= 6;
    bn_sio_put_plain(&out, &(struct bn_sio_head){BN_SIO_DISCONNECT, BN_STR("/"), NULL}, BN_STR(""));
    bn_buf_putc(&out, 0);
    CHECK(bn_sio_args_ok(&args));
    CHECK_STR(out.p, "312[] 2/admin,12[\"hey\\\"\",{\"a\":1}] "
                     "51-[\"hey\\\"\",{\"a\":1},{\"_placeholder\":true,\"num\":0}] "
                     "61-/a,12[\"hey\\\"\",{\"a\":1},{\"_placeholder\":true,\"num\":0}] "
                     "0/a,{\"sid\":\"x\"} 1");
}

BN_TEST(items_of_a_packet_take_their_attachments_along_and_are_numbered_anew)
{
    struct bn_sio sio;
    struct bn_str rest;
    struct bn_str item;
    BN_SIO_ARGS_AUTO args;
    BN_BUF_AUTO out;
    bn_sio_init(&sio, BYTES_MAX);
    bn_sio_args_init(&args, BYTES_MAX);
    bn_buf_init(&out, BYTES_MAX);
    CHECK_INT(
            bn_sio_text(&sio,
                    BN_STR("53-[\"m\",{\"_placeholder\":true,\"num\":2},{\"k\":[{\"_placeholder\":true,"
                           "\"num\":0}, 1]},{\"_placeholder\":true,\"num\":1},\"end\"]")),
            BN_SIO_MORE);
    CHECK_INT(bn_sio_binary(&sio, BN_STR("A")), BN_SIO_MORE);
    CHECK_INT(bn_sio_binary(&sio, BN_STR("B")), BN_SIO_MORE);
    CHECK_INT(bn_sio_binary(&sio, BN_STR("C")), BN_SIO_PACKET);
    rest = bn_sio_json_inside(sio.packet.json);
    bn_sio_put_text(&args, BN_STR("m-back"));
    for (int i = 0; bn_sio_json_item(&rest, &item); i++)
        if (i == 2 || i == 3 || i == 4)
            bn_sio_put_item(&args, &sio.packet, item);
    bn_sio_put_args(&out, &(struct bn_sio_head){BN_SIO_EVENT, BN_STR("/"), NULL}, &args);
    bn_buf_putc(&out, 0);
    CHECK_STR(out.p, "52-[\"m-back\",{\"k\":[{\"_placeholder\":true,\"num\":0}, 1]},"
                     "{\"_placeholder\":true,\"num\":1},\"end\"]");
    CHECK(bn_str_is(args.attachments[0], "A"));
    CHECK(bn_str_is(args.attachments[1], "B"));
    bn_sio_finish(&sio);
}

BN_TEST(arguments_with_too_many_attachments_or_bytes_say_so)
{
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, BYTES_MAX);
    for (int i = 0; i < BN_SIO_ATTACHMENTS_MAX; i++)
        bn_sio_put_binary(&args, BN_STR("a"));
    CHECK(bn_sio_args_ok(&args));
    bn_sio_put_binary(&args, BN_STR("a"));
    CHECK(!bn_sio_args_ok(&args));
    bn_sio_args_finish(&args);
    bn_sio_args_init(&args, 4);
    bn_sio_put_text(&args, BN_STR("hello"));
    CHECK(!bn_sio_args_ok(&args));
}

BN_TEST_MAIN()
