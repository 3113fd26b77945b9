/* Any bytes as Sec-WebSocket-Key and as Sec-WebSocket-Extensions. */
#include <assert.h>
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
    if (bn_ws_choose_deflate(text, answer, sizeof answer)) {
        const char *rest = answer + strlen("permessage-deflate; server_no_context_takeover; "
                                           "client_no_context_takeover");
        assert(size >= strlen("permessage-deflate"));
        assert(!*rest || strcmp(rest, "; server_max_window_bits=15") == 0);
        /* An answer is an offer that could be made, and accepted the same way. */
        char again[128];
        bool is_fine = bn_ws_choose_deflate(bn_str(answer), again, sizeof again);
        assert(is_fine && strcmp(answer, again) == 0);
    }
    return 0;
}
