#include "bn_test.h"
#include "wire/sse.h"

static struct bn_buf buf;

/* What was written since the last call. */
static const char *written(void)
{
    static char text[500];
    CHECK(bn_buf_ok(&buf));
    CHECK(bn_text_copy(text, sizeof text, bn_buf_str(&buf)));
    bn_buf_finish(&buf);
    return text;
}

static const char *event_of(const char *data)
{
    bn_buf_init(&buf, 500);
    bn_sse_event(&buf, "e", bn_str(data));
    return written();
}

BN_TEST(an_event_is_a_name_and_a_line_of_data)
{
    CHECK_STR(event_of("{\"a\":1}"), "event: e\ndata: {\"a\":1}\n\n");
    CHECK_STR(event_of(""), "event: e\ndata: \n\n");
    CHECK_STR(event_of(" two"), "event: e\ndata:  two\n\n");
}

BN_TEST(every_line_end_splits_data)
{
    CHECK_STR(event_of("a\nb"), "event: e\ndata: a\ndata: b\n\n");
    CHECK_STR(event_of("a\rb"), "event: e\ndata: a\ndata: b\n\n");
    CHECK_STR(event_of("a\r\nb"), "event: e\ndata: a\ndata: b\n\n");
    CHECK_STR(event_of("a\n\nb"), "event: e\ndata: a\ndata: \ndata: b\n\n");
    CHECK_STR(event_of("a\n\rb"), "event: e\ndata: a\ndata: \ndata: b\n\n");
    CHECK_STR(event_of("a\n"), "event: e\ndata: a\ndata: \n\n");
    CHECK_STR(event_of("a\r"), "event: e\ndata: a\ndata: \n\n");
    CHECK_STR(event_of("a\r\n"), "event: e\ndata: a\ndata: \n\n");
    CHECK_STR(event_of("x\n\nid: 9\ndata: forged"),
            "event: e\ndata: x\ndata: \ndata: id: 9\ndata: data: forged\n\n");
}

BN_TEST(an_id_comes_first)
{
    bn_buf_init(&buf, 500);
    bn_sse_event_id(&buf, "1-2", "e", BN_STR("d"));
    CHECK_STR(written(), "id: 1-2\nevent: e\ndata: d\n\n");
}

BN_TEST(a_comment_cannot_become_an_event)
{
    bn_buf_init(&buf, 500);
    bn_sse_comment(&buf, "hi\ndata: no");
    CHECK_STR(written(), ": hi\n: data: no\n\n");
}

BN_TEST(retry_is_milliseconds)
{
    bn_buf_init(&buf, 500);
    bn_sse_retry(&buf, 1500);
    CHECK_STR(written(), "retry: 1500\n\n");
}

BN_TEST_MAIN()
