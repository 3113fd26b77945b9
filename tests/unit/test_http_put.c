#include "bn_test.h"
#include "wire/http.h"

BN_TEST(a_response_head_is_written_line_by_line)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    bn_http_put_status(&buf, 200);
    bn_http_put_field(&buf, "Content-Type", BN_STR("text/plain"));
    bn_http_put_field(&buf, "X-Empty", BN_STR(""));
    bn_http_put_status(&buf, 418);
    bn_buf_putc(&buf, 0);
    CHECK_STR(buf.p,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Empty: \r\nHTTP/1.1 418 \r\n");
}

BN_TEST(every_code_of_the_product_has_its_reason)
{
#define X(name, word, status) CHECK(bn_http_reason(status)[0] != 0);
    BN_CODES(X)
#undef X
    CHECK_STR(bn_http_reason(101), "Switching Protocols");
    CHECK_STR(bn_http_reason(421), "Misdirected Request");
    CHECK_STR(bn_http_reason(299), "");
}

BN_TEST(chunks_are_written_and_the_empty_one_is_the_last)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 1000);
    bn_http_put_chunk(&buf, BN_STR("twenty-seven bytes in there"));
    bn_http_put_chunk(&buf, BN_STR(""));
    bn_buf_putc(&buf, 0);
    CHECK_STR(buf.p, "1b\r\ntwenty-seven bytes in there\r\n0\r\n\r\n");
}

BN_TEST_MAIN()
