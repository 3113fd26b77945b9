#include "bn_test.h"
#include "wire/eio.h"

/* A packet as "4:text", a binary one as "b:hex", what is none as "BAD". */
static void show(struct bn_buf *out, const struct bn_eio_packet *packet)
{
    if (!packet->is_binary) {
        bn_buf_printf(out, "%d:%.*s ", packet->type, BN_ARG(packet->data));
        return;
    }
    bn_buf_puts(out, "b:");
    for (size_t i = 0; i < packet->data.len; i++)
        bn_buf_printf(out, "%02x", (uint8_t)packet->data.p[i]);
    bn_buf_putc(out, ' ');
}

/* Reads exactly len bytes of a copy, so that the sanitizer sees one too many. */
static void read_body(const char *body, size_t len, struct bn_buf *out)
{
    char *copy = malloc(len + 1);
    memcpy(copy, body, len);
    char *exact = len > 0 ? realloc(copy, len) : copy;
    struct bn_str rest = {exact, len};
    BN_BUF_AUTO scratch;
    bn_buf_init(&scratch, len + 1);
    bn_buf_reset(out);
    while (rest.p) {
        struct bn_eio_packet packet;
        if (!bn_eio_next(&rest, &scratch, &packet)) {
            bn_buf_puts(out, "BAD ");
            break;
        }
        show(out, &packet);
    }
    bn_buf_putc(out, 0);
    free(exact);
}

static const struct {
    const char *body;
    size_t len;
    const char *said;
} vectors[] = {

#define V(text, said)                \
    {                                \
        text, sizeof(text) - 1, said \
    }
        V("4hello", "4:hello "),
        V("4", "4: "),
        V("2\x1e"
          "4\xe2\x82\xac",
                "2: 4:\xe2\x82\xac "),
        V("40{\"token\":\"123\"}\x1e"
          "42[\"a\"]\x1e"
          "bAQIDBA==",
                "4:0{\"token\":\"123\"} 4:2[\"a\"] b:01020304 "),
        V("b", "b: "),
        V("bAQID", "b:010203 "),
        V("bAQI=", "b:0102 "),
        V("b+/+/", "b:fbffbf "),
        V("0\x1e"
          "1\x1e"
          "3probe\x1e"
          "5\x1e"
          "6",
                "0: 1: 3:probe 5: 6: "),
        /* what comes before the bad one counts, what comes after it does not */
        V("4a\x1e"
          "7\x1e"
          "4b",
                "4:a BAD "),
        V("", "BAD "),
        V("4a\x1e", "4:a BAD "),
        V("\x1e"
          "4a",
                "BAD "),
        V("abc", "BAD "),
        V("/", "BAD "),
        V("4\xff", "BAD "),
        V("4\xc3", "BAD "),
        V("bA", "BAD "),
        V("bAQI", "BAD "),
        V("bA===", "BAD "),
        V("bAA=A", "BAD "),
        V("b====", "BAD "),
        V("bAQ==AQID", "BAD "),
        V("bAQ-_", "BAD "),
#undef V
};

BN_TEST(a_body_is_read_packet_by_packet_up_to_the_first_that_is_none)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        read_body(vectors[i].body, vectors[i].len, &out);
        CHECK_STR(out.p, vectors[i].said);
    }
}

BN_TEST(a_body_cut_anywhere_says_the_packets_that_are_whole)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        for (size_t len = 0; len < vectors[i].len; len++) {
            read_body(vectors[i].body, len, &out);
            size_t packets = 0;
            for (size_t k = 0; k < len; k++)
                packets += vectors[i].body[k] == BN_EIO_SEPARATOR;
            const char *want = vectors[i].said; /* packets before the cut are those of the whole */
            const char *got = out.p;
            for (; packets > 0 && strncmp(want, "BAD", 3) != 0; packets--) {
                const size_t n = strcspn(want, " ") + 1;
                CHECK(strncmp(got, want, n) == 0);
                want += n;
                got += n;
            }
        }
    }
}

BN_TEST(a_text_may_hold_nul_as_the_other_side_may_send_it)
{
    struct bn_eio_packet packet;
    CHECK(bn_eio_read((struct bn_str){"4a\0b", 4}, &packet));
    CHECK_INT(packet.data.len, 3);
    BN_BUF_AUTO scratch;
    struct bn_str rest = {"bAA\0=", 5};
    bn_buf_init(&scratch, 8);
    CHECK(!bn_eio_next(&rest, &scratch, &packet));
}

BN_TEST(bytes_that_do_not_fit_are_refused)
{
    struct bn_eio_packet packet;
    struct bn_str rest = BN_STR("bAQIDBAUG");
    BN_BUF_AUTO scratch;
    bn_buf_init(&scratch, 4);
    CHECK(!bn_eio_next(&rest, &scratch, &packet));
}

BN_TEST(what_is_written_is_read_the_same)
{
    static const struct bn_eio_packet packets[] = {
            {BN_EIO_MESSAGE, false, {"2[\"a\"]", 6}},
            {BN_EIO_MESSAGE, true, {"", 0}},
            {BN_EIO_MESSAGE, true, {"\x01", 1}},
            {BN_EIO_MESSAGE, true, {"\xff\xfe", 2}},
            {BN_EIO_MESSAGE, true, {"\0\x10\x83\x10\x51\x87\x20\x92", 8}},
            {BN_EIO_PING, false, {"", 0}},
    };
    BN_BUF_AUTO body;
    BN_BUF_AUTO scratch;
    bn_buf_init(&body, 4096);
    bn_buf_init(&scratch, 4096);
    for (size_t i = 0; i < COUNT(packets); i++) {
        const size_t before = body.len;
        bn_eio_put(&body, &packets[i]);
        CHECK(body.len - before <= bn_eio_size(&packets[i]));
        CHECK(body.len - before + 1 >= bn_eio_size(&packets[i]));
    }
    struct bn_str rest = bn_buf_str(&body);
    for (size_t i = 0; i < COUNT(packets); i++) {
        struct bn_eio_packet packet;
        CHECK(bn_eio_next(&rest, &scratch, &packet));
        CHECK_INT(packet.type, packets[i].type);
        CHECK_INT(packet.is_binary, packets[i].is_binary);
        CHECK_INT(packet.data.len, packets[i].data.len);
        if (packet.data.len > 0)
            CHECK_MEM(packet.data.p, packets[i].data.p, packet.data.len);
    }
    CHECK(rest.p == NULL);
}

BN_TEST(the_opening_has_exactly_its_five_members)
{
    struct bn_eio_opening opening = {"lv_VI97HAXpY6yYWAAAC", true, 25000, 20000, 1000000};
    BN_BUF_AUTO out;
    bn_buf_init(&out, 400);
    bn_eio_put_opening(&out, &opening);
    bn_buf_putc(&out, 0);
    CHECK_STR(out.p, "{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],"
                     "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
    bn_buf_reset(&out);
    opening.offers_websocket = false;
    bn_eio_put_opening(&out, &opening);
    CHECK(memmem(out.p, out.len, "\"upgrades\":[]", 13) != NULL);
}

BN_TEST(bytes_are_no_text_message)
{
    const struct bn_eio_packet packet = {BN_EIO_MESSAGE, true, {"a", 1}};
    BN_BUF_AUTO out;
    bn_buf_init(&out, 16);
    CHECK_ABORTS(bn_eio_put_text(&out, &packet));
}

BN_TEST_MAIN()
