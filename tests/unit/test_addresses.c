#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bn_test.h"
#include "io/addresses.h"

#define MADE_UP __attribute__((visibility("default")))

static struct ifaddrs *made_up; /* told instead of what this machine has */
static int list_error;

MADE_UP int getifaddrs(struct ifaddrs **out)
{
    int (*real)(struct ifaddrs **);
    *(void **)&real = dlsym(RTLD_NEXT, "getifaddrs");
    errno = list_error;
    if (!made_up && !list_error)
        return real(out);
    *out = made_up;
    return list_error ? -1 : 0;
}

MADE_UP void freeifaddrs(struct ifaddrs *all)
{
    void (*real)(struct ifaddrs *);
    *(void **)&real = dlsym(RTLD_NEXT, "freeifaddrs");
    if (all != made_up)
        real(all);
}

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

static char told[400];

static void write_down(void *user, const char *nic, enum bn_address_rank rank, const char *address)
{
    size_t n = strlen(told);
    (void)user;
    (void)rank;
    snprintf(told + n, sizeof told - n, "%s=%s ", nic, address);
}

BN_TEST(what_leads_nobody_here_is_not_told)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000207)};
    struct sockaddr_in6 global = {.sin6_family = AF_INET6,
            .sin6_addr.s6_addr = {0x20, 1, 0xd, 0xb8}};
    struct sockaddr_in6 link = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0xfe, 0x80}};
    struct sockaddr_in6 many = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0xff, 2}};
    struct sockaddr packet = {.sa_family = AF_PACKET};
    char eth[] = "eth0";
    char tunnel[] = "tun0";
    struct ifaddrs all[] = {{.ifa_name = eth, .ifa_addr = &packet},
            {.ifa_name = eth, .ifa_addr = (struct sockaddr *)&in},
            {.ifa_name = tunnel}, /* an interface without an address */
            {.ifa_name = eth, .ifa_addr = (struct sockaddr *)&link},
            {.ifa_name = eth, .ifa_addr = (struct sockaddr *)&many},
            {.ifa_addr = (struct sockaddr *)&in},
            {.ifa_name = eth, .ifa_addr = (struct sockaddr *)&global}};
    for (size_t i = 0; i + 1 < COUNT(all); i++)
        all[i].ifa_next = &all[i + 1];
    made_up = all;
    CHECK(bn_addresses_each(write_down, NULL, NULL));
    made_up = NULL;
    CHECK_STR(told, "eth0=192.0.2.7 eth0=2001:db8:: ");
}

BN_TEST(a_kernel_that_lists_nothing_is_said)
{
    struct bn_err err;
    list_error = EMFILE;
    CHECK(!bn_addresses_each(write_down, NULL, &err));
    list_error = 0;
    CHECK_STR(err.text, "the kernel did not list addresses: Too many open files");
}

BN_TEST_MAIN()
