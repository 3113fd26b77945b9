/* Any bytes as Sec-WebSocket-Key and as Sec-WebSocket-Extensions. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "wire/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str text = {(const char *)data, size};
    char accept[29];
    char answer[128];
    if (bn_ws_accept_key(text, accept)) {
        assert(size == 24);
        assert(strspn(accept, digits) == 27 && strcmp(accept + 27, "=") == 0);
        assert(strspn((const char *)data, digits) == 22);
    }
    int window = bn_ws_choose_deflate(text, answer, sizeof answer);
    if (window) {
        const char *rest = answer + strlen("permessage-deflate; server_no_context_takeover; "
                                           "client_no_context_takeover");
        assert(size >= strlen("permessage-deflate"));
        char named[32];
        snprintf(named, sizeof named, "; server_max_window_bits=%d", window);
        assert(window >= 8 && window <= 15 && (*rest ? strcmp(rest, named) == 0 : window == 15));
        /* An answer is an offer that could be made, and accepted the same way. */
        char again[128];
        int same = bn_ws_choose_deflate(bn_str(answer), again, sizeof again);
        assert(same == window && strcmp(answer, again) == 0);
    }
    return 0;
}
