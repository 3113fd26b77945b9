/*
 * output: the end of what an operation's command wrote, in the answer about that operation; all of
 * it is `GET /api/v1/operations/{id}/output`.
 *
 * On the loop thread.
 */
#pragma once

#include "base/json.h"

#include "model/work.h"
#include "source/transcript.h"

#define BN_OUTPUT_LAST 32 /* pieces, of 2 KiB at most: 64 KiB, some hundred lines of a log */

/* The last ones of what is being gathered, oldest first; how many. out has room for BN_OUTPUT_LAST.
 */
size_t bn_output_last(const struct bn_transcript *transcript, struct bn_piece *out);

/* `output`, the text of those pieces that follow each other up to the end, and `output_from`, the
   offset of its first byte as it came: more than 0 when it is not the beginning. */
void bn_output_put(struct bn_json *json, const struct bn_piece *pieces, size_t n);
