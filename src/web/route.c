#include "web/route.h"

#include <stdio.h>
#include <string.h>

#include "web/web_private.h"

/* Does "/api/v1/keys/{id}" match these segments? Literal segments are compared, {names} collected.
 */
static bool matches(const char *path, const struct bn_str *segments, size_t count,
        struct bn_str params[4])
{
    struct bn_str rest = bn_str(path + 1);
    size_t i = 0;
    size_t n = 0;
    if (rest.len == 0)
        return count == 0;
    while (rest.p) {
        struct bn_str want = bn_str_cut(&rest, '/');
        if (i == count)
            return false;
        struct bn_str got = segments[i++];
        if (want.p[0] == '{') {
            if (got.len == 0)
                return false;
            params[n++] = got;
        } else if (want.len != got.len || memcmp(want.p, got.p, got.len) != 0) {
            return false;
        }
    }
    return i == count;
}

const struct bn_route *bn_web_route(const struct bn_web *web, struct bn_str method,
        const struct bn_str *segments, size_t count, struct bn_str params[4], char allowed[64])
{
    struct bn_str wanted = bn_str_is(method, "HEAD") ? BN_STR("GET") : method;
    allowed[0] = 0;
    for (size_t s = 0; s < web->set_count; s++) {
        for (size_t i = 0; i < web->sets[s].count; i++) {
            const struct bn_route *route = &web->sets[s].routes[i];
            if (!matches(route->path, segments, count, params))
                continue;
            if (bn_str_is(wanted, route->method))
                return route;
            size_t len = strlen(allowed);
            snprintf(allowed + len, 64 - len, "%s%s%s", len ? ", " : "", route->method,
                    strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
        }
    }
    return NULL;
}

static size_t times_given(const struct bn_request *req, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < req->query_count; i++)
        n += bn_str_is(req->query[i].name, name);
    return n;
}

bool bn_query_only(const struct bn_request *req, const char *const *names, struct bn_err *err)
{
    for (size_t i = 0; i < req->query_count; i++) {
        const char *const *name = names;
        while (*name && !bn_str_is(req->query[i].name, *name + (**name == '*')))
            name++;
        if (!*name)
            return bn_fail_field(err, "query", "unknown parameter \"%.*s\"",
                    BN_ARG(req->query[i].name));
        size_t times = **name == '*' ? 1 : times_given(req, *name);
        if (times > 1)
            return bn_fail_field(err, *name, "%s was given %zu times", *name, times);
    }
    return true;
}

struct bn_str bn_query(const struct bn_request *req, const char *name, const char * or)
{
    for (size_t i = 0; i < req->query_count; i++)
        if (bn_str_is(req->query[i].name, name))
            return req->query[i].value;
    return or ? bn_str(or) : (struct bn_str){NULL, 0};
}
