/*
 * bench_wire: the codecs alone: requests, frames, masks, UTF-8, blocks.
 *
 * Each line is a rate and its ratio to memcpy of the same bytes in the same run (masking, UTF-8,
 * heads) or to zlib set up anew for every message (blocks).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "wire/deflate.h"
#include "wire/http.h"
#include "wire/utf8.h"
#include "wire/ws.h"

#define ROUNDS 3 /* of each, the fastest counts: the machine is shared */

static volatile size_t kept; /* so that no result is computed in vain */

static const char request[] =
        "GET /api/v1/state?topics=meter.host,meter.disks&resume=81726 HTTP/1.1\r\n"
        "Host: binnacle.example.org:8443\r\n"
        "Connection: keep-alive\r\n"
        "sec-ch-ua: \"Chromium\";v=\"142\", \"Not.A/Brand\";v=\"24\"\r\n"
        "sec-ch-ua-mobile: ?0\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36\r\n"
        "Accept: application/json\r\n"
        "Sec-Fetch-Site: same-origin\r\n"
        "Sec-Fetch-Mode: cors\r\n"
        "Sec-Fetch-Dest: empty\r\n"
        "Referer: https://binnacle.example.org:8443/host\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\n"
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
        "Cookie: bn_session=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH\r\n\r\n";

struct load {
    char *p;
    char *to;
    size_t len;
    struct bn_buf frames;
};

static void copy(struct load *load)
{
    memcpy(load->to, load->p, load->len);
    kept += (size_t)load->to[load->len - 1];
}

static void mask(struct load *load)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    bn_ws_mask_to(load->to, load->p, load->len, key);
    kept += (size_t)load->to[load->len - 1];
}

static void utf8(struct load *load)
{
    uint32_t state = BN_UTF8_BETWEEN;
    kept += bn_utf8_feed(&state, load->p, load->len);
}

static void copy_request(struct load *load)
{
    memcpy(load->to, request, sizeof request - 1);
    kept += (size_t)load->to[3];
}

static void parse_request(struct load *load)
{
    struct bn_http http;
    enum bn_http_event event;
    (void)load;
    bn_http_init(&http);
    kept += bn_http_parse(&http, request, sizeof request - 1, &event);
    kept += bn_http_parse(&http, "", 0, &event);
    bn_http_next(&http);
}

static void parse_frames(struct load *load)
{
    struct bn_ws ws;
    enum bn_ws_event event;
    size_t at = 0;
    bn_ws_init(&ws, BN_WS_SERVER, 1 << 20, false);
    do {
        at += bn_ws_parse(&ws, load->frames.p + at, load->frames.len - at, &event);
        kept += ws.payload.len;
    } while (event == BN_WS_MESSAGE);
    bn_ws_finish(&ws);
}

static void block(struct load *load)
{
    struct bn_buf out;
    bn_buf_init(&out, 1 << 20);
    bn_deflate_block(&out, load->p, load->len);
    kept += out.len;
    bn_buf_finish(&out);
}

static void block_anew(struct load *load)
{
    bn_deflate_finish_thread();
    block(load);
}

/* Nanoseconds of one call, the best of some rounds of about 0.1 s. */
static double ns_of(void (*step)(struct load *), struct load *load)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = bn_clock_mono_ns();
        int64_t now = start;
        size_t calls = 0;
        while (now - start < 100000000) {
            for (int i = 0; i < 16; i++)
                step(load);
            calls += 16;
            now = bn_clock_mono_ns();
        }
        double ns = (double)(now - start) / (double)calls;
        best = round == 0 || ns < best ? ns : best;
    }
    return best;
}

static void load_init(struct load *load, size_t len)
{
    static const char text[] =
            "{\"topic\":\"meter.host\",\"seq\":81726,\"value\":{\"cpu_pct\":12.5}}";
    load->len = len;
    load->p = bn_alloc(len);
    load->to = bn_alloc(len + sizeof request);
    for (size_t i = 0; i < len; i++)
        load->p[i] = (char)(text[i % (sizeof text - 1)] + (i % 97 == 0));
    bn_buf_init(&load->frames, 64 << 20);
}

static void load_finish(struct load *load)
{
    free(load->p);
    free(load->to);
    bn_buf_finish(&load->frames);
}

static void bench_frames(size_t len)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    struct load load;
    uint8_t header[BN_WS_HEADER_MAX];
    size_t count = 65536 / (len + 8) + 1;
    load_init(&load, 65536 + len + 64);
    load.len = len;
    for (size_t i = 0; i < count; i++) {
        bn_buf_put(&load.frames, header, bn_ws_header(header, BN_WS_TEXT, false, len, key));
        bn_ws_mask_to(bn_buf_room(&load.frames, len), load.p, len, key);
        bn_buf_added(&load.frames, len);
    }
    double ns = ns_of(parse_frames, &load) / (double)count;
    double raw = ns_of(copy, &load);
    printf("ws: masked text frames of %6zu bytes   %8.2f M/s   %6.2f GB/s   %6.1f x memcpy\n", len,
            1e3 / ns, (double)len / ns, ns / raw);
    load_finish(&load);
}

static void bench_bytes(const char *what, void (*step)(struct load *), size_t len)
{
    struct load load;
    load_init(&load, len);
    double ns = ns_of(step, &load);
    double raw = ns_of(copy, &load);
    printf("%s of %6zu bytes   %6.2f GB/s   %6.2f x memcpy\n", what, len, (double)len / ns,
            ns / raw);
    load_finish(&load);
}

static void bench_blocks(size_t len)
{
    struct load load;
    struct bn_buf out;
    load_init(&load, len);
    bn_buf_init(&out, 1 << 20);
    bn_deflate_block(&out, load.p, len);
    double ns = ns_of(block, &load);
    double anew = ns_of(block_anew, &load);
    printf("deflate: a block of %6zu bytes to %5zu   %8.2f us   %5.2f x a state of its own\n", len,
            out.len, ns / 1e3, ns / anew);
    bn_buf_finish(&out);
    load_finish(&load);
}

int main(void)
{
    static const size_t lens[] = {64, 1024, 16384, 65536};
    struct load load;
    load_init(&load, 64);
    double ns = ns_of(parse_request, &load);
    double raw = ns_of(copy_request, &load);
    printf("http: requests of %zu bytes   %8.2f M/s   %6.2f GB/s   %6.1f x memcpy\n",
            sizeof request - 1, 1e3 / ns, (double)(sizeof request - 1) / ns, ns / raw);
    load_finish(&load);
    for (size_t i = 0; i < COUNT(lens); i++)
        bench_frames(lens[i]);
    for (size_t i = 0; i < COUNT(lens); i++)
        bench_bytes("ws: masking", mask, lens[i]);
    for (size_t i = 0; i < COUNT(lens); i++)
        bench_bytes("utf8: ASCII", utf8, lens[i]);
    for (size_t i = 0; i < COUNT(lens); i++)
        bench_blocks(lens[i] < 512 ? 512 : lens[i]);
    printf("idle bytes: http parser %zu, ws parser %zu\n", sizeof(struct bn_http),
            sizeof(struct bn_ws));
    bn_deflate_finish_thread();
    return 0;
}
