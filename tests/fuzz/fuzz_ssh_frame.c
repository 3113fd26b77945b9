/* Any bytes as a message between the server and its SSH runner, for either side: nothing is read
   beyond them, every refusal has its sentence, and what is taken is written again as it was. */
#include <assert.h>
#include <string.h>

#include "wire/ssh_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(enum bn_ssh_side side, const uint8_t *data, size_t size)
{
    struct bn_ssh_frame frame;
    struct bn_err err = {.code = BN_E_OK};
    if (!bn_ssh_frame_decode(side, (const char *)data, size, &frame, &err)) {
        assert(err.code == BN_E_INVALID && err.text[0]);
        return;
    }
    BN_BUF_AUTO again;
    bn_buf_init(&again, BN_SSH_FRAME_MAX);
    bn_ssh_frame_encode(&frame, &again);
    assert(bn_buf_ok(&again) && again.len == size && memcmp(again.p, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(BN_SSH_TO_RUNNER, data, size);
    try(BN_SSH_FROM_RUNNER, data, size);
    return 0;
}
