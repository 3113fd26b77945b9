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

/* --- who asks, when a proxy asks for them ------------------------------------------------------
 */

bool bn_guard_is_proxy(const struct bn_web_config *config, const char *address)
{
    struct bn_addr addr;
    if (!bn_addr_parse(bn_str(address), &addr))
        return false;
    for (size_t i = 0; i < config->proxy_count; i++)
        if (bn_net_has(&config->proxies[i], &addr))
            return true;
    return false;
}

/* Cuts the last item off a comma-separated list; the rest has p NULL when there was no other. */
static struct bn_str cut_last(struct bn_str *list)
{
    const char *comma = memrchr(list->p, ',', list->len);
    struct bn_str last = *list;
    if (comma)
        last = (struct bn_str){comma + 1, (size_t)(list->p + list->len - comma - 1)};
    *list = comma ? (struct bn_str){list->p, (size_t)(comma - list->p)} : (struct bn_str){NULL, 0};
    return bn_str_trim(last);
}

/* Hops of one field, from the right. False: the client is found, or the next cannot be read. */
static bool follow(const struct bn_web_config *config, struct bn_request *req, struct bn_str hops)
{
    while (hops.p) {
        struct bn_addr addr;
        char *text = bn_arena_copy(req->arena, cut_last(&hops));
        if (!text || !bn_addr_parse(bn_str(text), &addr))
            return false;
        req->address = text;
        if (!bn_guard_is_proxy(config, text))
            return false;
    }
    return true;
}

void bn_guard_client(const struct bn_web_config *config, struct bn_request *req)
{
    if (config->proxy_count == 0 || !bn_guard_is_proxy(config, req->address))
        return;
    bool is_secure = req->is_secure;
    bool is_going = true;
    bool is_asked = false;
    for (size_t i = req->head->field_count; i > 0; i--) {
        struct bn_str name = req->head->fields[i - 1].name;
        struct bn_str value = req->head->fields[i - 1].value;
        if (bn_str_is_nocase(name, "X-Forwarded-For")) {
            is_going = is_going && follow(config, req, value);
        } else if (bn_str_is_nocase(name, "X-Forwarded-Proto") && !is_asked) {
            is_secure = is_secure || bn_str_is_nocase(cut_last(&value), "https");
            is_asked = true; /* what stands before it, somebody further away has said */
        }
    }
    req->is_secure = is_secure;
}

/* --- where a page stands -----------------------------------------------------------------------
 */

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
