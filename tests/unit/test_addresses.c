#include "bn_test.h"
#include "io/addresses.h"

static int loopbacks;
static int link_locals;

static void hear(void *user, const char *nic, enum bn_address_rank rank, const char *address)
{
    int *heard = user;
    (*heard)++;
    CHECK(nic[0] != 0);
    CHECK(strlen(address) < BN_ADDRESS_TEXT_MAX);
    CHECK((strchr(address, ':') != NULL) == (rank == BN_ADDRESS_IPV6));
    loopbacks += strcmp(nic, "lo") == 0 && strcmp(address, "127.0.0.1") == 0;
    link_locals += strncmp(address, "fe80:", 5) == 0;
}

BN_TEST(this_machine_has_its_loopback_address_and_no_link_local_one_is_told)
{
    int heard = 0;
    struct bn_err err;
    if (!bn_addresses_each(hear, &heard, &err))
        fail_msg("%s", err.text);
    CHECK(heard > 0);
    CHECK_INT(loopbacks, 1);
    CHECK_INT(link_locals, 0);
}

BN_TEST_MAIN()
