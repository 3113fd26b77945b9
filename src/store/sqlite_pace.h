/*
 * sqlite_pace: how much a step may do so that it stays short, learnt from what the last one took.
 */
#pragma once

#include <stdint.h>

struct bn_pace {
    int units; /* of whatever a step counts: blocks, rows, pages */
};

void bn_pace_init(struct bn_pace *pace); /* few: nothing is known of this disk and this work yet */
/* A step of that many units took so long: half as many after one that was too long, twice as many
   after a short one. */
void bn_pace_note(struct bn_pace *pace, int64_t took_ns);
