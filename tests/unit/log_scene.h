/*
 * log_scene: what the log writes, read back line by line, under a clock of the test's.
 */
#pragma once

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include "bn_test.h"

#define LINE_BYTES 2048

static struct bn_clock now = {.now_ms = 1795204624112, .mono_ms = 1000000};
static int ends[2] = {-1, -1}; /* datagrams, so that one write is one message */
static char line[LINE_BYTES + 100];

/* Every test begins an hour later, with no window open and nothing waiting to be read. */
BN_UNUSED static void begin(void)
{
    if (ends[0] < 0) {
        int size = 4 << 20;
        CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    bn_log_set_clock(&now);
    bn_log_set_level(BN_INFO);
    bn_log_set_format(BN_LOG_TEXT);
    bn_log_set_hook(NULL, NULL);
    now.mono_ms += 3600000;
    bn_log_set_fd(-1);
    bn_log(BN_INFO, "test.begin", BN_KV_I64("at", now.mono_ms));
    bn_log_set_fd(ends[1]);
    while (read(ends[0], line, sizeof line) >= 0)
        continue;
}

/* The next message without its newline, or NULL. */
BN_UNUSED static const char *next_line(void)
{
    ssize_t n = read(ends[0], line, sizeof line);
    if (n < 0)
        return NULL;
    CHECK(n > 0 && n <= LINE_BYTES);
    CHECK(line[n - 1] == '\n');
    CHECK(memchr(line, '\n', (size_t)n) == line + n - 1);
    line[n - 1] = 0;
    CHECK_INT(strlen(line), n - 1);
    return line;
}

BN_UNUSED static void check_clean(const char *text)
{
    size_t len = strlen(text);
    CHECK(len < LINE_BYTES);
    CHECK(bn_utf8_is_valid(text, len));
    for (size_t i = 0; i < len;) {
        uint32_t code;
        i += bn_utf8_next(text + i, len - i, &code);
        CHECK(code >= 0x20 && !(code >= 0x7F && code < 0xA0));
        CHECK(!(code >= 0x2028 && code <= 0x202E) && !(code >= 0x2066 && code <= 0x2069));
        CHECK(code != 0x200E && code != 0x200F && code != 0x061C);
    }
}

static uint64_t seed = 1;

BN_UNUSED static uint32_t dice(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}
