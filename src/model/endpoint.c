#include "model/endpoint.h"

#include <string.h>

#include "base/addr.h"

#define LABEL_MAX 63 /* RFC 1035 */

/* How much of a wrong text stands in its sentence. */
struct shown {
    char text[64];
};

#define SHOWN(from) shown(from).text

static struct shown shown(struct bn_str text)
{
    struct shown out = {""};
    bn_text_clip(out.text, sizeof out.text, text);
    return out;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_label(struct bn_str label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.p[0] == '-' ||
            label.p[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        const char c = label.p[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-' &&
                c != '_')
            return false;
    }
    return true;
}

/* A last label of digits is an IPv4 address written wrong, and no name. */
static bool is_name(struct bn_str text)
{
    bool is_number = false;
    while (text.p) {
        const struct bn_str label = bn_str_cut(&text, '.');
        if (!is_label(label))
            return false;
        is_number = true;
        for (size_t i = 0; i < label.len; i++)
            is_number = is_number && is_digit(label.p[i]);
    }
    return !is_number;
}

bool bn_endpoint_is_host(struct bn_str host)
{
    struct bn_addr addr;
    const bool has_root = host.len > 1 && host.p[host.len - 1] == '.';
    if (!host.len || host.p[0] == '[')
        return false;
    return is_name((struct bn_str){host.p, host.len - has_root}) || bn_addr_parse(host, &addr);
}

static bool has_high_bytes(struct bn_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return true;
    return false;
}

static bool read_host(struct bn_str host, const char *field, struct bn_endpoint *out,
        struct bn_err *err)
{
    struct bn_addr addr;
    if (has_high_bytes(host))
        return bn_fail_field(err, field,
                "%s must be written in ASCII, as DNS has it (xn--…), got \"%s\"", field,
                SHOWN(host));
    if (!is_name(host) && !bn_addr_parse(host, &addr))
        return bn_fail_field(err, field, "%s must be a name or an IP address, got \"%s\"", field,
                SHOWN(host));
    return bn_text_copy(out->host, sizeof out->host, host) ||
           bn_fail_field(err, field, "%s must have at most %zu characters, got %zu", field,
                   sizeof out->host - 1, host.len);
}

/* Takes "https://" off, and what stands after the host. */
static bool strip_url(struct bn_str *text, const char *field, struct bn_err *err)
{
    static const char scheme[] = "https://";
    const size_t len = sizeof scheme - 1;
    if (text->len > len && bn_str_is_nocase((struct bn_str){text->p, len}, scheme)) {
        struct bn_str rest = {text->p + len, text->len - len};
        *text = bn_str_cut(&rest, '/');
        return !rest.p || rest.len == 0 || rest.p[0] == '#' || rest.p[0] == '?' ||
               bn_fail_field(err, field, "%s must not have a path, got \"/%s\"", field,
                       SHOWN(rest));
    }
    return !memmem(text->p, text->len, "://", 3) ||
           bn_fail_field(err, field, "%s must be called by https, got \"%s\"", field, SHOWN(*text));
}

/* Cuts the port off. What has two colons and no brackets is an IPv6 address. */
static bool take_port(struct bn_str *host, struct bn_str *out_port)
{
    const char *close = memchr(host->p, ']', host->len);
    struct bn_str rest = *host;
    *out_port = (struct bn_str){NULL, 0};
    if (rest.len && rest.p[0] == '[') {
        if (!close)
            return false;
        rest = (struct bn_str){close + 1, (size_t)(host->p + host->len - close - 1)};
        *host = (struct bn_str){host->p + 1, (size_t)(close - host->p - 1)};
        if (!memchr(host->p, ':', host->len))
            return false; /* brackets are for IPv6 */
        if (rest.len == 0)
            return true;
        *out_port = (struct bn_str){rest.p + 1, rest.len - 1};
        return rest.p[0] == ':';
    }
    const struct bn_str before = bn_str_cut(&rest, ':');
    if (rest.p && !(rest.len && memchr(rest.p, ':', rest.len))) {
        *host = before;
        *out_port = rest;
    }
    return true;
}

bool bn_endpoint_read(struct bn_str text, const char *field, struct bn_endpoint *out,
        struct bn_err *err)
{
    struct bn_endpoint endpoint = {.port = 0};
    struct bn_str host = bn_str_trim(text);
    struct bn_str port;
    if (host.len == 0)
        return bn_fail_field(err, field, "%s is needed", field);
    if (!strip_url(&host, field, err))
        return false;
    const struct bn_str whole = host;
    if (!take_port(&host, &port))
        return bn_fail_field(err, field, "%s must be like [fd00::1]:8006, got \"%s\"", field,
                SHOWN(whole));
    if (port.p && !bn_parse_i64(port, 1, 65535, &endpoint.port))
        return bn_fail_field(err, field, "the port in %s must be 1..65535, got \"%s\"", field,
                SHOWN(port));
    if (!read_host(host, field, &endpoint, err))
        return false;
    *out = endpoint;
    return true;
}
