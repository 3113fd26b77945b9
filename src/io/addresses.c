#include "io/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Everybody's link has fe80::; it tells nobody where to reach this machine. */
static bool is_told(const struct sockaddr_in6 *in6)
{
    return !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&in6->sin6_addr);
}

bool bn_addresses_each(void (*each)(void *user, const char *nic, enum bn_address_rank rank,
                               const char *address),
        void *user, struct bn_err *err)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "the kernel did not list addresses: %s",
                strerror(errno));
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        char text[BN_ADDRESS_TEXT_MAX];
        if (!one->ifa_addr || !one->ifa_name)
            continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, one->ifa_addr, sizeof in);
            if (inet_ntop(AF_INET, &in.sin_addr, text, sizeof text))
                each(user, one->ifa_name, BN_ADDRESS_IPV4, text);
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in6;
            memcpy(&in6, one->ifa_addr, sizeof in6);
            if (is_told(&in6) && inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text))
                each(user, one->ifa_name, BN_ADDRESS_IPV6, text);
        }
    }
    freeifaddrs(all);
    return true;
}
