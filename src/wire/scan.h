/*
 * scan: lines, words and numbers off the front of a text the kernel wrote.
 *
 * The kernel ends every line with a newline, so a line without one was cut by a buffer or a race
 * and is never read: half a number looks like a number.
 */
#pragma once

#include "base/text.h"

/* A number the text did not hold; counters and gauges alike. */
#define BN_ABSENT UINT64_MAX

/* The next whole line without its newline; false when none is left. */
bool bn_scan_line(struct bn_str *text, struct bn_str *out_line);
/* The next word between blanks and tabs; of length 0 at the end of the line. */
struct bn_str bn_scan_word(struct bn_str *line);
/* The next word as a number; false (and *out = BN_ABSENT) when it is missing, no number or
 * BN_ABSENT. */
bool bn_scan_u64(struct bn_str *line, uint64_t *out);
/* Up to n numbers into out, the rest BN_ABSENT; returns how many there were. */
size_t bn_scan_numbers(struct bn_str *line, uint64_t *out, size_t n);
/* Takes prefix off the front of line; false when it does not begin so. */
bool bn_scan_prefix(struct bn_str *line, const char *prefix);

/* A label for people: at most size - 1 bytes of valid UTF-8. Bad bytes and control characters
   become '?', runs of blanks at both ends go. Never cut inside a character. */
void bn_scan_label(char *out, size_t size, struct bn_str from);
/* Undoes the kernel's \ooo for blanks, tabs, newlines, '#' and backslashes in mount tables. Returns
   the length; the text is cut to size - 1 bytes. */
size_t bn_scan_unescape(struct bn_str from, char *out, size_t size);
