#include "app/types.h"
#include "bn_test.h"

BN_TEST(the_page_has_the_types_the_server_has)
{
    BN_BUF_AUTO want;
    bn_buf_init(&want, 1 << 20);
    bn_types_put(&want);
    CHECK(bn_buf_ok(&want));
    FILE *file = fopen(BN_TESTS_DIR "/../ui/src/model.gen.ts", "r");
    assert_non_null(file);
    char got[64 << 10];
    size_t n = fread(got, 1, sizeof got, file);
    fclose(file);
    CHECK_INT(n, want.len);
    CHECK_MEM(got, want.p, n); /* if not: build/dev/binnacle print-types > ui/src/model.gen.ts */
}

BN_TEST_MAIN()
