#include "wire/sio.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"

static const char *const reserved[] = {"connect", "connect_error", "disconnect", "disconnecting",
        "newListener", "removeListener"};

bool bn_sio_is_event(const struct bn_sio_packet *packet)
{
    return packet->type == BN_SIO_EVENT || packet->type == BN_SIO_BINARY_EVENT;
}

bool bn_sio_is_ack(const struct bn_sio_packet *packet)
{
    return packet->type == BN_SIO_ACK || packet->type == BN_SIO_BINARY_ACK;
}

static bool has_attachments(enum bn_sio_type type)
{
    return type == BN_SIO_BINARY_EVENT || type == BN_SIO_BINARY_ACK;
}

/* --- the head of a packet --------------------------------------------------------------------- */

static struct bn_str cut_digits(struct bn_str *rest)
{
    struct bn_str digits = {rest->p, 0};
    while (digits.len < rest->len && rest->p[digits.len] >= '0' && rest->p[digits.len] <= '9')
        digits.len++;
    *rest = (struct bn_str){rest->p + digits.len, rest->len - digits.len};
    return digits;
}

static bool read_type(struct bn_str *rest, struct bn_sio_packet *packet, struct bn_err *err)
{
    if (rest->len == 0 || rest->p[0] < '0' || rest->p[0] > '6')
        return bn_fail(err, BN_E_INVALID, "a packet begins with its type, 0 to 6");
    packet->type = (enum bn_sio_type)(rest->p[0] - '0');
    *rest = (struct bn_str){rest->p + 1, rest->len - 1};
    return true;
}

/* "2-" before everything else, of types that have attachments. */
static bool read_count(struct bn_str *rest, struct bn_sio_packet *packet, struct bn_err *err)
{
    int64_t count;
    if (!has_attachments(packet->type))
        return true;
    const struct bn_str digits = cut_digits(rest);
    if (!bn_parse_i64(digits, 0, BN_SIO_ATTACHMENTS_MAX, &count))
        return bn_fail(err, BN_E_INVALID, "a packet has 0 to %d attachments",
                BN_SIO_ATTACHMENTS_MAX);
    if (rest->len == 0 || rest->p[0] != '-')
        return bn_fail(err, BN_E_INVALID, "after the number of attachments stands '-'");
    *rest = (struct bn_str){rest->p + 1, rest->len - 1};
    packet->attachment_count = (size_t)count;
    return true;
}

static bool read_nsp(struct bn_str *rest, struct bn_sio_packet *packet, struct bn_err *err)
{
    packet->nsp = BN_STR("/");
    if (rest->len == 0 || rest->p[0] != '/')
        return true;
    packet->nsp = bn_str_cut(rest, ',');
    if (!rest->p)
        *rest = BN_STR("");
    if (packet->nsp.len > BN_SIO_NAME_MAX)
        return bn_fail(err, BN_E_TOO_BIG, "a namespace has at most %d bytes", BN_SIO_NAME_MAX);
    return true;
}

static bool read_id(struct bn_str *rest, struct bn_sio_packet *packet, struct bn_err *err)
{
    const struct bn_str digits = cut_digits(rest);
    packet->has_id = digits.len > 0;
    if (packet->has_id && !bn_parse_u64(digits, &packet->id))
        return bn_fail(err, BN_E_INVALID, "an id is a number of 64 bits");
    return true;
}

/* --- what belongs to each type ---------------------------------------------------------------- */

static bool check_event(const struct bn_sio_packet *packet, struct bn_err *err)
{
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str first;
    char name[BN_SIO_NAME_MAX + 1];
    if (!bn_sio_json_item(&rest, &first))
        return bn_fail(err, BN_E_INVALID, "an event has a name");
    if (*first.p == '-' || (*first.p >= '0' && *first.p <= '9'))
        return true;
    if (*first.p != '"')
        return bn_fail(err, BN_E_INVALID, "an event's name is a string or a number");
    if (!bn_sio_json_text(first, name, sizeof name))
        return bn_fail(err, BN_E_INVALID, "an event's name has at most %d bytes of UTF-8",
                BN_SIO_NAME_MAX);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return bn_fail(err, BN_E_INVALID, "the name %s is no event's", name);
    return true;
}

/* An attachment stands in a list that has attachments; elsewhere the same object is only one. */
static bool check_marks(struct bn_sio_packet *packet, struct bn_err *err)
{
    struct bn_sio_marks *marks = &packet->marks;
    if (packet->attachment_count == 0)
        *marks = (struct bn_sio_marks){0};
    bool is_bad = marks->has_bad;
    for (size_t i = 0; i < marks->count; i++)
        is_bad |= marks->list[i].num >= packet->attachment_count;
    if (is_bad)
        return bn_fail(err, BN_E_INVALID, "the list names an attachment there is not");
    return true;
}

static bool check_payload(struct bn_sio_packet *packet, struct bn_err *err)
{
    const bool is_event = bn_sio_is_event(packet);
    const char wanted = is_event || bn_sio_is_ack(packet) ? '[' : '{';
    if (packet->type == BN_SIO_CONNECT_ERROR)
        return bn_fail(err, BN_E_INVALID, "only a server refuses a connection");
    if (packet->json.len == 0 && wanted == '[')
        return bn_fail(err, BN_E_INVALID, "events and acks have a list");
    if (packet->json.len == 0)
        return true;
    if (packet->type == BN_SIO_DISCONNECT)
        return bn_fail(err, BN_E_INVALID, "nothing is said with a goodbye");
    if (!bn_sio_json_is_whole(packet->json, &packet->marks))
        return bn_fail(err, BN_E_INVALID, "the payload is no JSON of at most %d levels",
                BN_SIO_DEPTH_MAX);
    if (bn_sio_json_kind(packet->json) != wanted)
        return bn_fail(err, BN_E_INVALID, "the payload of this type is %s",
                wanted == '[' ? "a list" : "an object");
    return check_marks(packet, err) && (!is_event || check_event(packet, err));
}

static bool read(struct bn_str text, struct bn_sio_packet *packet, struct bn_err *err)
{
    struct bn_str rest = text;
    *packet = (struct bn_sio_packet){0};
    if (!read_type(&rest, packet, err) || !read_count(&rest, packet, err) ||
            !read_nsp(&rest, packet, err) || !read_id(&rest, packet, err))
        return false;
    packet->json = rest;
    return check_payload(packet, err);
}

/* --- the decoder ------------------------------------------------------------------------------ */

void bn_sio_init(struct bn_sio *sio, size_t bytes_max)
{
    *sio = (struct bn_sio){0};
    bn_buf_init(&sio->held, bytes_max);
}

void bn_sio_finish(struct bn_sio *sio)
{
    bn_buf_finish(&sio->held);
}

static enum bn_sio_event too_big(struct bn_sio *sio)
{
    bn_fail(&sio->err, BN_E_TOO_BIG, "a packet has at most %zu bytes with its attachments",
            sio->held.max);
    return BN_SIO_BAD;
}

enum bn_sio_event bn_sio_text(struct bn_sio *sio, struct bn_str text)
{
    if (sio->wanted > 0) {
        bn_fail(&sio->err, BN_E_INVALID, "text came where an attachment was to come");
        return BN_SIO_BAD;
    }
    if (text.len > sio->held.max)
        return too_big(sio);
    if (!read(text, &sio->packet, &sio->err))
        return BN_SIO_BAD;
    if (sio->packet.attachment_count == 0)
        return BN_SIO_PACKET;
    sio->wanted = sio->packet.attachment_count;
    bn_buf_reset(&sio->held);
    bn_buf_put(&sio->held, text.p, text.len);
    sio->ends[0] = text.len;
    return BN_SIO_MORE;
}

enum bn_sio_event bn_sio_binary(struct bn_sio *sio, struct bn_str bytes)
{
    struct bn_sio_packet *packet = &sio->packet;
    if (sio->wanted == 0) {
        bn_fail(&sio->err, BN_E_INVALID, "bytes came where no attachment was to come");
        return BN_SIO_BAD;
    }
    bn_buf_put(&sio->held, bytes.p, bytes.len);
    if (!bn_buf_ok(&sio->held))
        return too_big(sio);
    const size_t count = packet->attachment_count;
    sio->ends[count - --sio->wanted] = sio->held.len;
    if (sio->wanted > 0)
        return BN_SIO_MORE;
    const bool is_same = read((struct bn_str){sio->held.p, sio->ends[0]}, packet, &sio->err);
    assert(is_same); /* it was good when it came */
    (void)is_same;
    for (size_t i = 0; i < count; i++)
        packet->attachments[i] = (struct bn_str){sio->held.p + sio->ends[i],
                sio->ends[i + 1] - sio->ends[i]};
    return BN_SIO_PACKET;
}

bool bn_sio_event_name(const struct bn_sio_packet *packet, char out[BN_SIO_NAME_MAX + 1])
{
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str first;
    (void)bn_sio_json_item(&rest, &first); /* there is one: it was checked */
    return bn_sio_json_text(first, out, BN_SIO_NAME_MAX + 1);
}

/* --- writing ---------------------------------------------------------------------------------- */

void bn_sio_args_init(struct bn_sio_args *args, size_t bytes_max)
{
    *args = (struct bn_sio_args){0};
    bn_buf_init(&args->json, bytes_max);
}

void bn_sio_args_finish(struct bn_sio_args *args)
{
    bn_buf_finish(&args->json);
}

bool bn_sio_args_ok(const struct bn_sio_args *args)
{
    return bn_buf_ok(&args->json) && !args->has_too_many;
}

static void begin_item(struct bn_sio_args *args)
{
    if (args->json.len > 0)
        bn_buf_putc(&args->json, ',');
}

void bn_sio_put_text(struct bn_sio_args *args, struct bn_str text)
{
    struct bn_json json;
    begin_item(args);
    bn_json_init(&json, &args->json);
    bn_json_str(&json, text);
}

void bn_sio_put_json(struct bn_sio_args *args, struct bn_str json)
{
    begin_item(args);
    bn_buf_put(&args->json, json.p, json.len);
}

static void put_mark(struct bn_sio_args *args, struct bn_str bytes)
{
    if (args->attachment_count == BN_SIO_ATTACHMENTS_MAX) {
        args->has_too_many = true;
        return;
    }
    bn_buf_printf(&args->json, "{\"_placeholder\":true,\"num\":%zu}", args->attachment_count);
    args->attachments[args->attachment_count++] = bytes;
}

void bn_sio_put_binary(struct bn_sio_args *args, struct bn_str bytes)
{
    begin_item(args);
    put_mark(args, bytes);
}

void bn_sio_put_item(struct bn_sio_args *args, const struct bn_sio_packet *packet,
        struct bn_str item)
{
    const size_t begin = (size_t)(item.p - packet->json.p);
    size_t done = begin;
    begin_item(args);
    for (size_t i = 0; i < packet->marks.count; i++) {
        const struct bn_sio_mark *mark = &packet->marks.list[i];
        if (mark->at < begin || mark->at >= begin + item.len)
            continue;
        bn_buf_put(&args->json, packet->json.p + done, mark->at - done);
        put_mark(args, packet->attachments[mark->num]);
        done = mark->at + mark->len;
    }
    bn_buf_put(&args->json, packet->json.p + done, begin + item.len - done);
}

static void put_head(struct bn_buf *out, const struct bn_sio_head *head, size_t attachments)
{
    const int type = head->type + (attachments > 0 ? BN_SIO_BINARY_EVENT - BN_SIO_EVENT : 0);
    bn_buf_putc(out, (char)('0' + type));
    if (attachments > 0)
        bn_buf_printf(out, "%zu-", attachments);
    if (!bn_str_is(head->nsp, "/")) {
        bn_buf_put(out, head->nsp.p, head->nsp.len); /* a NUL would end a printed one */
        bn_buf_putc(out, ',');
    }
    if (head->id)
        bn_buf_put_u64(out, *head->id);
}

void bn_sio_put_args(struct bn_buf *out, const struct bn_sio_head *head,
        const struct bn_sio_args *args)
{
    put_head(out, head, args->attachment_count);
    bn_buf_putc(out, '[');
    bn_buf_put(out, args->json.p, args->json.len);
    bn_buf_putc(out, ']');
}

void bn_sio_put_plain(struct bn_buf *out, const struct bn_sio_head *head, struct bn_str json)
{
    put_head(out, head, 0);
    bn_buf_put(out, json.p, json.len);
}
