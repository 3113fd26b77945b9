#include <stdlib.h>

#include "bn_test.h"
#include "web/output.h"

static struct bn_piece pieces[BN_OUTPUT_LAST];

static const char *put(size_t n)
{
    static struct bn_buf out;
    struct bn_json json;
    bn_buf_init(&out, 1 << 20);
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_output_put(&json, pieces, n);
    bn_json_object_end(&json);
    bn_buf_putc(&out, '\0');
    return out.p;
}

static void piece(size_t i, int64_t at, const char *text)
{
    bn_record_clear(&bn_piece_type, &pieces[i]);
    pieces[i].at = at;
    pieces[i].bytes = (int64_t)strlen(text);
    snprintf(pieces[i].text, sizeof pieces->text, "%s", text);
}

static void gives(size_t n, const char *want)
{
    char *got = (char *)(uintptr_t)put(n);
    CHECK_STR(got, want);
    free(got);
}

BN_TEST(what_follows_each_other_up_to_the_end_is_one_text)
{
    gives(0, "{\"output\":\"\",\"output_from\":0}");
    piece(0, 0, "one\n");
    gives(1, "{\"output\":\"one\\n\",\"output_from\":0}");
    piece(1, 4, "two\n");
    gives(2, "{\"output\":\"one\\ntwo\\n\",\"output_from\":0}");
    /* What was cut is never closed over. */
    piece(2, 5000000, "nine");
    piece(3, 5000004, "\n");
    gives(4, "{\"output\":\"nine\\n\",\"output_from\":5000000}");
}

BN_TEST(of_a_transcript_the_last_pieces_count)
{
    struct bn_transcript transcript;
    char line[1500];
    bn_transcript_init(&transcript, 1 << 20, 1 << 20);
    CHECK_INT(bn_output_last(&transcript, pieces), 0);
    for (int i = 0; i < 40; i++) {
        const int len = snprintf(line, sizeof line, "%01200d\n", i);
        bn_transcript_feed(&transcript, line, (size_t)len);
        bn_transcript_flush(&transcript, true);
        CHECK_INT(bn_output_last(&transcript, pieces), BN_MIN(i + 1, BN_OUTPUT_LAST));
    }
    CHECK_INT(pieces[0].at, 8 * 1201);
    CHECK_INT(pieces[BN_OUTPUT_LAST - 1].at, 39 * 1201);
    CHECK(strstr(pieces[BN_OUTPUT_LAST - 1].text, "0039\n"));
    bn_transcript_finish(&transcript);
}

BN_TEST_MAIN()
