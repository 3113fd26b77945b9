#include "wire/http_head.h"

#include <string.h>
#include <strings.h>

/* Fields of which a second one would be a second opinion. The first four are judged here. */
enum once { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, OTHERS };

/* clang-format off */
#define NAME(lit) {lit, sizeof(lit) - 1}
/* clang-format on */

static const struct bn_str once_names[] = {
        [HOST] = NAME("host"),
        [CONTENT_LENGTH] = NAME("content-length"),
        [TRANSFER_ENCODING] = NAME("transfer-encoding"),
        [EXPECT] = NAME("expect"),
        [OTHERS] = NAME("content-type"),
        NAME("authorization"),
        NAME("origin"),
        NAME("last-event-id"),
        NAME("sec-fetch-site"),
        NAME("sec-fetch-mode"),
        NAME("sec-fetch-dest"),
        NAME("sec-websocket-key"),
        NAME("sec-websocket-version"),
};

/* What the lines of one head say before it is judged as a whole. */
struct reading {
    struct bn_http_head *head;
    char *raw;
    struct bn_str authority; /* of absolute-form, or p NULL */
    struct bn_str once[COUNT(once_names)];
};

static bool same_nocase(struct bn_str a, struct bn_str lower)
{
    if (a.len != lower.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char c = (unsigned char)a.p[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c != (unsigned char)lower.p[i])
            return false;
    }
    return true;
}

bool bn_http_is_visible(struct bn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c > '~')
            return false;
    }
    return true;
}

bool bn_http_is_token(struct bn_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!bn_http_is_tchar((unsigned char)text.p[i]))
            return false;
    return text.len > 0;
}

struct bn_str bn_http_shown(struct bn_str text)
{
    return text.len <= 60 && bn_http_is_visible(text) ? text : BN_STR("(not shown)");
}

/* --- the request line ---------------------------------------------------------------------------
 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
    char lower = (char)(c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '.' || c == '_';
}

static bool is_address_byte(char c)
{
    char lower = (char)(c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
}

static bool is_port(struct bn_str port)
{
    uint32_t value = 0;
    if (port.len < 1 || port.len > 5)
        return false;
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.p[i]))
            return false;
        value = value * 10 + (uint32_t)(port.p[i] - '0');
    }
    return value <= 65535;
}

bool bn_http_is_host(struct bn_str host)
{
    size_t n = 0;
    if (host.len > 0 && host.p[0] == '[') {
        n = 1;
        while (n < host.len && is_address_byte(host.p[n]))
            n++;
        if (n < 3 || n == host.len || host.p[n++] != ']')
            return false;
    } else {
        while (n < host.len && is_name_byte(host.p[n]))
            n++;
    }
    if (n == 0 || host.len > 255 + 6)
        return false;
    if (n == host.len)
        return true;
    return host.p[n] == ':' && is_port((struct bn_str){host.p + n + 1, host.len - n - 1});
}

/* "http://host/path" becomes its path (RFC 9112 section 3.2.2), the authority is kept for the Host.
 */
static void reduce_absolute(struct reading *r, struct bn_str *target)
{
    char *p = r->raw + (target->p - r->raw);
    size_t len = target->len;
    size_t scheme = 7;
    if (len >= 8 && same_nocase((struct bn_str){p, 8}, BN_STR("https://")))
        scheme = 8;
    else if (len < 7 || !same_nocase((struct bn_str){p, 7}, BN_STR("http://")))
        return;
    size_t end = scheme;
    while (end < len && p[end] != '/' && p[end] != '?')
        end++;
    r->authority = (struct bn_str){p + scheme, end - scheme};
    if (end == len || p[end] == '?') {
        /* No path at all means "/": the authority moves over the scheme's last byte to make room.
         */
        memmove(p + scheme - 1, p + scheme, r->authority.len);
        r->authority.p--;
        p[--end] = '/';
    }
    *target = (struct bn_str){p + end, len - end};
}

static bool read_target(struct reading *r, struct bn_str target, struct bn_err *err)
{
    struct bn_http_head *head = r->head;
    if (target.len > BN_HTTP_TARGET_BYTES_MAX)
        return bn_fail(err, BN_E_TOO_BIG, "a request target must not exceed %d bytes, got %zu",
                BN_HTTP_TARGET_BYTES_MAX, target.len);
    if (!bn_http_is_visible(target) || (target.len && memchr(target.p, '#', target.len)))
        return bn_fail(err, BN_E_INVALID, "a request target must be visible ASCII without '#'");
    reduce_absolute(r, &target);
    if (r->authority.p && !bn_http_is_host(r->authority))
        return bn_fail(err, BN_E_INVALID, "the target must name a host or host:port, got \"%.*s\"",
                BN_ARG(bn_http_shown(r->authority)));
    bool is_asterisk = bn_str_is(target, "*") && bn_str_is(head->method, "OPTIONS");
    if (!is_asterisk && (target.len == 0 || target.p[0] != '/'))
        return bn_fail(err, BN_E_INVALID, "a request target must start with '/', got \"%.*s\"",
                BN_ARG(bn_http_shown(target)));
    const char *mark = memchr(target.p, '?', target.len);
    size_t path = mark ? (size_t)(mark - target.p) : target.len;
    head->target = target;
    head->path = (struct bn_str){target.p, path};
    head->query = mark ? (struct bn_str){mark + 1, target.len - path - 1} : BN_STR("");
    return true;
}

static bool read_request_line(struct reading *r, struct bn_str line, struct bn_err *err)
{
    struct bn_str rest = line;
    struct bn_str method = bn_str_cut(&rest, ' ');
    struct bn_str target = rest.p ? bn_str_cut(&rest, ' ') : BN_STR("");
    if (!bn_http_is_token(method) || !rest.p)
        return bn_fail(err, BN_E_INVALID, "a request line must be \"METHOD target HTTP/1.1\"");
    if (method.len > BN_HTTP_METHOD_BYTES_MAX)
        return bn_fail(err, BN_E_INVALID, "a method must not exceed %d bytes, got %zu",
                BN_HTTP_METHOD_BYTES_MAX, method.len);
    if (bn_str_is(method, "CONNECT"))
        return bn_fail(err, BN_E_INVALID, "CONNECT is not served: this is no proxy");
    r->head->method = method;
    r->head->minor_0 = bn_str_is(rest, "HTTP/1.0");
    if (!r->head->minor_0 && !bn_str_is(rest, "HTTP/1.1"))
        return bn_fail(err, BN_E_INVALID, "the version must be HTTP/1.1 or HTTP/1.0, got \"%.*s\"",
                BN_ARG(bn_http_shown(rest)));
    return read_target(r, target, err);
}

/* --- the fields ---------------------------------------------------------------------------------
 */

static bool note_once(struct reading *r, const struct bn_http_field *field, struct bn_err *err)
{
    for (size_t i = 0; i < COUNT(once_names); i++) {
        if (!same_nocase(field->name, once_names[i]))
            continue;
        if (r->once[i].p)
            return bn_fail(err, BN_E_INVALID, "%s must not be sent twice", once_names[i].p);
        r->once[i] = field->value;
        return true;
    }
    return true;
}

bool bn_http_read_field(struct bn_str line, struct bn_http_field *out, struct bn_err *err)
{
    struct bn_str rest = line;
    struct bn_str name = bn_str_cut(&rest, ':');
    if (!rest.p)
        return bn_fail(err, BN_E_INVALID, "a field must be \"name: value\", got no ':'");
    if (!bn_http_is_token(name))
        return bn_fail(err, BN_E_INVALID,
                "a field name must be a token followed by ':', got \"%.*s\"",
                BN_ARG(bn_http_shown(name)));
    *out = (struct bn_http_field){name, bn_str_trim(rest)};
    return true;
}

static bool read_field(struct reading *r, struct bn_str line, struct bn_err *err)
{
    struct bn_http_field *field = &r->head->fields[r->head->field_count];
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return bn_fail(err, BN_E_INVALID, "a field must not be folded over lines");
    if (!bn_http_read_field(line, field, err))
        return false;
    r->head->field_count++;
    return note_once(r, field, err);
}

/* --- what the head means ------------------------------------------------------------------------
 */

bool bn_http_read_length(struct bn_str text, int64_t *out, struct bn_err *err)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.p[i]))
            return bn_fail(err, BN_E_INVALID, "Content-Length must be decimal digits, got \"%.*s\"",
                    BN_ARG(bn_http_shown(text)));
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (value > (INT64_MAX - digit) / 10)
            return bn_fail(err, BN_E_TOO_BIG, "Content-Length must be below 2^63, got %.*s",
                    BN_ARG(bn_http_shown(text)));
        value = value * 10 + digit;
    }
    if (text.len == 0)
        return bn_fail(err, BN_E_INVALID, "Content-Length must be decimal digits, got nothing");
    *out = (int64_t)value;
    return true;
}

static bool judge_framing(struct reading *r, struct bn_err *err)
{
    struct bn_str length = r->once[CONTENT_LENGTH];
    struct bn_str coding = r->once[TRANSFER_ENCODING];
    if (!coding.p)
        return !length.p || bn_http_read_length(length, &r->head->body_bytes, err);
    if (length.p)
        return bn_fail(err, BN_E_INVALID,
                "Content-Length and Transfer-Encoding must not come together");
    if (r->head->minor_0)
        return bn_fail(err, BN_E_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    if (!same_nocase(coding, BN_STR("chunked")))
        return bn_fail(err, BN_E_INVALID, "Transfer-Encoding must be \"chunked\", got \"%.*s\"",
                BN_ARG(bn_http_shown(coding)));
    r->head->body_bytes = -1;
    return true;
}

static bool judge_host(struct reading *r, struct bn_err *err)
{
    struct bn_str host = r->once[HOST];
    r->head->host = r->authority.p ? r->authority : BN_STR("");
    if (!host.p && r->head->minor_0)
        return true;
    if (!host.p)
        return bn_fail(err, BN_E_INVALID, "an HTTP/1.1 request must have a Host field");
    if (!bn_http_is_host(host))
        return bn_fail(err, BN_E_INVALID, "Host must be a host or host:port, got \"%.*s\"",
                BN_ARG(bn_http_shown(host)));
    if (r->authority.p &&
            !(host.len == r->authority.len && strncasecmp(host.p, r->authority.p, host.len) == 0))
        return bn_fail(err, BN_E_INVALID, "Host must be that of the target, \"%.*s\", got \"%.*s\"",
                BN_ARG(bn_http_shown(r->authority)), BN_ARG(bn_http_shown(host)));
    r->head->host = host;
    return true;
}

static bool judge(struct reading *r, struct bn_err *err)
{
    struct bn_http_head *head = r->head;
    if (!judge_host(r, err) || !judge_framing(r, err))
        return false;
    bool is_continue = r->once[EXPECT].p && same_nocase(r->once[EXPECT], BN_STR("100-continue"));
    head->keep_alive = !head->minor_0 && !bn_http_lists(head, "connection", "close");
    head->expects_continue = is_continue && !head->minor_0 && head->body_bytes != 0;
    head->wants_upgrade = !head->minor_0 && bn_http_find(head, "upgrade").p &&
                          bn_http_lists(head, "connection", "upgrade");
    return true;
}

bool bn_http_head_read(struct bn_http_head *head, char *raw, size_t len, struct bn_err *err)
{
    struct reading r = {.head = head, .raw = raw};
    const char *p = raw;
    const char *end = raw + len - 2; /* the empty line */
    bool is_first = true;
    while (p < end) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));
        struct bn_str line = {p, (size_t)(cr - p)};
        if (is_first ? !read_request_line(&r, line, err) : !read_field(&r, line, err))
            return false;
        is_first = false;
        p = cr + 2;
    }
    return judge(&r, err);
}

/* --- asking a head ------------------------------------------------------------------------------
 */

struct bn_str bn_http_fields_find(const struct bn_http_field *fields, size_t count,
        const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (bn_str_is_nocase(fields[i].name, name))
            return fields[i].value;
    return (struct bn_str){NULL, 0};
}

bool bn_http_value_lists(struct bn_str value, const char *token)
{
    while (value.p)
        if (bn_str_is_nocase(bn_str_trim(bn_str_cut(&value, ',')), token))
            return true;
    return false;
}

bool bn_http_fields_list(const struct bn_http_field *fields, size_t count, const char *name,
        const char *token)
{
    for (size_t i = 0; i < count; i++)
        if (bn_str_is_nocase(fields[i].name, name) && bn_http_value_lists(fields[i].value, token))
            return true;
    return false;
}

struct bn_str bn_http_find(const struct bn_http_head *head, const char *name)
{
    return bn_http_fields_find(head->fields, head->field_count, name);
}

bool bn_http_lists(const struct bn_http_head *head, const char *name, const char *token)
{
    return bn_http_fields_list(head->fields, head->field_count, name, token);
}

struct bn_str bn_http_cookie(const struct bn_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!bn_str_is_nocase(head->fields[i].name, "cookie"))
            continue;
        struct bn_str rest = head->fields[i].value;
        while (rest.p) {
            struct bn_str value = bn_str_cut(&rest, ';');
            struct bn_str key = bn_str_cut(&value, '=');
            if (value.p && bn_str_is(bn_str_trim(key), name))
                return bn_str_trim(value);
        }
    }
    return (struct bn_str){NULL, 0};
}

/* A weight of RFC 9110 section 12.4.2 in thousandths; -1 when ill-formed. */
static int read_weight(struct bn_str text)
{
    if (text.len < 1 || text.len > 5 || (text.p[0] != '0' && text.p[0] != '1'))
        return -1;
    int weight = (text.p[0] - '0') * 1000;
    int unit = 100;
    for (size_t i = 1; i < text.len; i++) {
        if (i == 1 ? text.p[i] != '.' : !is_digit(text.p[i]))
            return -1;
        if (i > 1) {
            weight += (text.p[i] - '0') * unit;
            unit /= 10;
        }
    }
    return weight <= 1000 ? weight : -1;
}

struct weights {
    int br, gzip, identity, any; /* thousandths, -1 when not named */
};

/* One element, "gzip;q=0.5"; an ill-formed one counts as not sent. */
static void weigh(struct weights *weights, struct bn_str element)
{
    int weight = 1000;
    struct bn_str rest = element;
    struct bn_str coding = bn_str_trim(bn_str_cut(&rest, ';'));
    if (rest.p) {
        struct bn_str q = bn_str_trim(rest);
        if (q.len < 2 || (q.p[0] | 0x20) != 'q' || q.p[1] != '=')
            return;
        weight = read_weight((struct bn_str){q.p + 2, q.len - 2});
        if (weight < 0)
            return;
    }
    if (bn_str_is_nocase(coding, "br"))
        weights->br = weight;
    else if (bn_str_is_nocase(coding, "gzip") || bn_str_is_nocase(coding, "x-gzip"))
        weights->gzip = weight;
    else if (bn_str_is_nocase(coding, "identity"))
        weights->identity = weight;
    else if (bn_str_is(coding, "*"))
        weights->any = weight;
}

const char *bn_http_accepted_coding(const struct bn_http_head *head)
{
    struct weights weights = {-1, -1, -1, -1};
    for (size_t i = 0; i < head->field_count; i++) {
        if (!bn_str_is_nocase(head->fields[i].name, "accept-encoding"))
            continue;
        struct bn_str rest = head->fields[i].value;
        while (rest.p)
            weigh(&weights, bn_str_cut(&rest, ','));
    }
    int br = weights.br >= 0 ? weights.br : weights.any;
    int gzip = weights.gzip >= 0 ? weights.gzip : weights.any;
    if (br > 0 && br >= gzip && br >= weights.identity)
        return "br";
    if (gzip > 0 && gzip >= weights.identity)
        return "gzip";
    return "";
}
