/*
 * print_types: what `binnacle print-types` says, before there is a binnacle.
 */
#include <stdio.h>

#include "app/types.h"

int main(void)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1 << 20);
    bn_types_put(&out);
    bool is_written = bn_buf_ok(&out) && fwrite(out.p, 1, out.len, stdout) == out.len;
    return is_written && fclose(stdout) == 0 ? 0 : 1;
}
