/*
 * bn_vectors: byte vectors from text files: bytes in, the lines a codec must say about them.
 *
 *   test: a name that is a sentence         starts a vector
 *   options: client deflate                 what the codec is set up with
 *   in: GET / HTTP/1.1\r\n                  bytes (\r \n \t \\ \xHH); `in 300: a` repeats them
 *   frame: nofin text = Hel                 bytes the codec's test encodes (see test_ws.c)
 *   want: BAD invalid: the sentence         one line the codec must say, in order; `want 3: …` is
 *                                           three, `want+ 300: a` goes on with the line before
 *
 * Lines starting with '#' are for the reader.
 */
#pragma once

#include <dirent.h>

#include "bn_test.h"
#include "wire_log.h"

struct bn_vector {
    char name[160];
    char options[80];
    struct bn_buf in;
    struct bn_buf want; /* "\n" before each line, as in wire_log */
};

struct bn_codec {
    void (*frame)(struct bn_vector *vector, const char *line); /* NULL: no "frame:" lines */
    void (*begin)(const struct bn_vector *vector);
    bool (*feed)(struct wire_log *log, const char *p, size_t len); /* false: feed no more */
    void (*end)(struct wire_log *log);
};

static inline void bn_vector_unescape(struct bn_buf *out, const char *p)
{
    for (; *p; p++) {
        if (*p != '\\') {
            bn_buf_putc(out, *p);
        } else if (*++p == 'x') {
            char hex[3] = {p[1], p[1] ? p[2] : 0, 0};
            bn_buf_putc(out, (char)strtoul(hex, NULL, 16));
            p += 2;
        } else {
            bn_buf_putc(out, *p == 'r' ? '\r' : *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
        }
    }
}

/* Cut at cut, then every step bytes. */
static inline bool bn_vector_try(const struct bn_vector *v, const struct bn_codec *codec,
        size_t cut, size_t step)
{
    struct wire_log log;
    wire_log_init(&log);
    codec->begin(v);
    for (size_t n, at = 0; at < v->in.len; at += n) {
        n = BN_MIN(at < cut ? cut - at : step, v->in.len - at);
        if (!codec->feed(&log, v->in.p + at, n))
            break;
    }
    codec->end(&log);
    bn_buf_putc(&log.text, 0);
    bool is_same = strcmp(log.text.p, v->want.p) == 0;
    if (!is_same)
        print_error("\"%s\", cut at %zu, then every %zu of %zu:\nwant:%.2000s\ngot:%.2000s\n",
                v->name, cut, step, v->in.len, v->want.p, log.text.p);
    bn_buf_finish(&log.text);
    return is_same;
}

/* Whole, byte by byte, and cut in two everywhere (long input: at its ends and here and there).
   Returns the number of failures, 0 or 1. */
static inline size_t bn_vector_run(struct bn_vector *v, const struct bn_codec *codec)
{
    bn_buf_putc(&v->want, 0);
    bool is_same = bn_vector_try(v, codec, 0, v->in.len) && bn_vector_try(v, codec, 0, 1);
    for (size_t cut = 1; cut < v->in.len && is_same; cut++)
        if (v->in.len < 3000 || cut < 200 || cut > v->in.len - 100 || cut % 1021 == 0)
            is_same = bn_vector_try(v, codec, cut, v->in.len);
    bn_buf_finish(&v->in);
    bn_buf_finish(&v->want);
    return !is_same;
}

static inline void bn_vector_line(struct bn_vector *v, const struct bn_codec *codec, char *line)
{
    char *colon = strchr(line, ':');
    if (line[0] == '#' || line[0] == 0)
        return;
    if (!colon)
        fail_msg("no ':' in the vector line \"%s\"", line);
    char *text = colon + (colon[1] == ' ' ? 2 : 1);
    char *blank = memchr(line, ' ', (size_t)(colon - line));
    size_t times = blank ? strtoul(blank + 1, NULL, 10) : 1;
    if (strncmp(line, "frame:", 6) == 0 && codec->frame)
        codec->frame(v, text);
    else if (strncmp(line, "options:", 8) == 0)
        bn_text_clip(v->options, sizeof v->options, bn_str(text));
    else if (strncmp(line, "in", 2) == 0)
        while (times--)
            bn_vector_unescape(&v->in, text);
    else if (strncmp(line, "want", 4) == 0)
        while (times--)
            bn_buf_printf(&v->want, "%s%s", line[4] == '+' ? "" : "\n", text);
    else
        fail_msg("unknown vector line \"%s\"", line);
}

static inline size_t bn_vectors_of(FILE *file, const struct bn_codec *codec, size_t *failed)
{
    static char line[8192];
    struct bn_vector v = {0};
    size_t count = 0;
    while (fgets(line, sizeof line, file)) {
        CHECK(strchr(line, '\n') != NULL);
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "test: ", 6) != 0) {
            bn_vector_line(&v, codec, line);
            continue;
        }
        *failed += count++ ? bn_vector_run(&v, codec) : 0;
        memset(&v, 0, sizeof v);
        bn_text_clip(v.name, sizeof v.name, bn_str(line + 6));
        bn_buf_init(&v.in, 4 << 20);
        bn_buf_init(&v.want, 4 << 20);
    }
    *failed += count ? bn_vector_run(&v, codec) : 0;
    return count;
}

/* Runs every vector of a folder of tests/wire; returns how many there were. */
static inline size_t bn_vectors_run(const char *folder, const struct bn_codec *codec)
{
    char path[512];
    size_t count = 0, failed = 0;
    snprintf(path, sizeof path, "%s/wire/%s", BN_TESTS_DIR, folder);
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%s/wire/%s/%s", BN_TESTS_DIR, folder, entry->d_name);
        FILE *file = strstr(entry->d_name, ".txt") ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        count += bn_vectors_of(file, codec, &failed);
        fclose(file);
    }
    closedir(dir);
    CHECK_INT(failed, 0); /* the failures were printed */
    return count;
}
