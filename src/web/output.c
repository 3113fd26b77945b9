#include "web/output.h"

size_t bn_output_last(const struct bn_transcript *transcript, struct bn_piece *out)
{
    struct bn_list *at = transcript->pieces.prev;
    size_t count = 0;
    for (; count < BN_OUTPUT_LAST && at != &transcript->pieces; count++)
        at = at->prev;
    at = at->next;
    for (size_t i = 0; i < count; i++, at = at->next) {
        const struct bn_transcript_piece *piece = container_of(at, struct bn_transcript_piece,
                link);
        bn_record_clear(&bn_piece_type, &out[i]);
        out[i].at = piece->at;
        out[i].bytes = piece->bytes;
        bn_text_clip(out[i].text, sizeof out->text, (struct bn_str){piece->text, piece->len});
    }
    return count;
}

void bn_output_put(struct bn_json *json, const struct bn_piece *pieces, size_t n)
{
    BN_BUF_AUTO text;
    size_t first = n ? n - 1 : 0;
    bn_buf_init(&text, BN_OUTPUT_LAST * sizeof pieces->text);
    while (first > 0 && pieces[first - 1].at + pieces[first - 1].bytes == pieces[first].at)
        first--;
    for (size_t i = first; i < n; i++)
        bn_buf_puts(&text, pieces[i].text);
    bn_json_key(json, "output");
    bn_json_str(json, bn_buf_str(&text));
    bn_json_key(json, "output_from");
    bn_json_i64(json, n ? pieces[first].at : 0);
}
