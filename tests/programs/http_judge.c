/*
 * http_judge: what our parser makes of requests, one line each, for a comparison with another.
 *
 * In: a line with a number of bytes, then the bytes. Out, of the first request in them:
 *
 *   ok METHOD TARGET BYTES    taken, with a body of so many bytes
 *   more                      not all of it is there
 *   bad SENTENCE              refused
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http.h"

#define INPUT_MAX (1 << 20)

static void judge(const char *p, size_t len)
{
    struct bn_http http;
    enum bn_http_event event;
    size_t used = 0;
    size_t body = 0;
    bn_http_init(&http);
    do {
        used += bn_http_parse(&http, p + used, len - used, &event);
        body += event == BN_HTTP_BODY ? http.body.len : 0;
    } while (event == BN_HTTP_HEAD || event == BN_HTTP_BODY);
    if (event == BN_HTTP_DONE)
        printf("ok %.*s %.*s %zu\n", BN_ARG(http.head->method), BN_ARG(http.head->target), body);
    else if (event == BN_HTTP_MORE)
        puts("more");
    else
        printf("bad %s\n", http.err.text);
    fflush(stdout);
    bn_http_finish(&http);
}

int main(void)
{
    char line[32];
    char *input = malloc(INPUT_MAX);
    while (input && fgets(line, sizeof line, stdin)) {
        unsigned long len = strtoul(line, NULL, 10);
        if (len > INPUT_MAX || fread(input, 1, len, stdin) != len)
            return 1;
        /* Exactly this size, so that a sanitizer sees a byte read too far. */
        char *bytes = malloc(len ? len : 1);
        if (!bytes)
            return 1;
        memcpy(bytes, input, len);
        judge(bytes, len);
        free(bytes);
    }
    free(input);
    return 0;
}
