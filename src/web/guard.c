#include <string.h>
#include <unistd.h>

#include "web/web_private.h"

/* "name:port", "[v6]:port" → the name without the port. */
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

/* A browser says where a request comes from; a page of another site is refused wherever it asks. */
bool bn_guard_is_foreign(const struct bn_http_head *head, bool is_secure)
{
    struct bn_str site = bn_http_find(head, "Sec-Fetch-Site");
    if (site.p && !bn_str_is(site, "same-origin") && !bn_str_is(site, "none"))
        return true;
    return bn_http_find(head, "Origin").p && !bn_guard_origin(head, is_secure);
}

/* Same origin: the Origin's authority is the one the request was sent to (Host was checked before).
   A page that came unencrypted may have been written by anybody on the way, so it is foreign to
   TLS; the other way round a proxy may end TLS for us and not say so. */
bool bn_guard_origin(const struct bn_http_head *head, bool is_secure)
{
    struct bn_str site = bn_http_find(head, "Sec-Fetch-Site");
    struct bn_str origin = bn_http_find(head, "Origin");
    if (site.p && !bn_str_is(site, "same-origin") && !bn_str_is(site, "none"))
        return false;
    if (!origin.p)
        return false;
    if (bn_str_starts(origin, "https://"))
        origin = (struct bn_str){origin.p + 8, origin.len - 8};
    else if (bn_str_starts(origin, "http://") && !is_secure)
        origin = (struct bn_str){origin.p + 7, origin.len - 7};
    else
        return false;
    return origin.len > 0 && origin.len == head->host.len &&
           strncasecmp(origin.p, head->host.p, origin.len) == 0;
}
