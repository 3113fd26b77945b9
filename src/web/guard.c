#include <string.h>
#include <unistd.h>

#include "web/web_private.h"

struct bn_str bn_guard_host_name(struct bn_str host)
{
    if (host.len > 0 && host.p[0] == '[') {
        const char *end = memchr(host.p, ']', host.len);
        return end ? (struct bn_str){host.p, (size_t)(end - host.p) + 1} : host;
    }
    const char *colon = memchr(host.p, ':', host.len);
    return colon ? (struct bn_str){host.p, (size_t)(colon - host.p)} : host;
}

/* Names are what DNS rebinding needs; addresses cannot be rebound (SECURITY T13). */
bool bn_guard_host(const struct bn_web_config *config, struct bn_str host)
{
    struct bn_str name = bn_guard_host_name(host);
    struct bn_addr addr;
    char own[128];
    if (name.len == 0 || bn_addr_parse(name, &addr) || bn_str_is_nocase(name, "localhost"))
        return true;
    if (gethostname(own, sizeof own) == 0 && bn_str_is_nocase(name, own))
        return true;
    for (size_t i = 0; i < config->host_count; i++)
        if (bn_str_is_nocase(name, config->hosts[i]))
            return true;
    return false;
}

bool bn_guard_is_unsafe(struct bn_str method)
{
    return !bn_str_is(method, "GET") && !bn_str_is(method, "HEAD");
}

/* Same origin: the Origin's authority is the one the request was sent to (Host was checked before).
 */
bool bn_guard_origin(const struct bn_http_head *head)
{
    struct bn_str site = bn_http_find(head, "Sec-Fetch-Site");
    struct bn_str origin = bn_http_find(head, "Origin");
    if (site.p && !bn_str_is(site, "same-origin") && !bn_str_is(site, "none"))
        return false;
    if (!origin.p)
        return false;
    if (bn_str_starts(origin, "https://"))
        origin = (struct bn_str){origin.p + 8, origin.len - 8};
    else if (bn_str_starts(origin, "http://"))
        origin = (struct bn_str){origin.p + 7, origin.len - 7};
    else
        return false;
    return origin.len == head->host.len && strncasecmp(origin.p, head->host.p, origin.len) == 0;
}
