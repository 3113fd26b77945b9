/* Any bytes as messages of a Socket.IO connection: the first byte chooses text or bytes, a line
   feed ends each. What is taken is written again from its parts and read back the same, with its
   attachments; what is refused has its sentence; the JSON inside obeys its own bounds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/sio.h"

#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct bn_str a, struct bn_str b)
{
    assert(a.len == b.len);
    assert(a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Plain packets are their head and their JSON. */
static void put_plain(struct bn_buf *out, const struct bn_sio_packet *packet)
{
    const struct bn_sio_head head = {packet->type, packet->nsp,
            packet->has_id ? &packet->id : NULL};
    bn_sio_put_plain(out, &head, packet->json);
}

/* Events and acks are written item by item, so that attachments are numbered anew. */
static size_t put_items(struct bn_buf *out, const struct bn_sio_packet *packet,
        struct bn_sio_args *args)
{
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str item;
    size_t count = 0;
    for (; bn_sio_json_item(&rest, &item); count++)
        bn_sio_put_item(args, packet, item);
    assert(!args->has_too_many);
    const struct bn_sio_head head = {bn_sio_is_event(packet) ? BN_SIO_EVENT : BN_SIO_ACK,
            packet->nsp, packet->has_id ? &packet->id : NULL};
    bn_sio_put_args(out, &head, args);
    return count;
}

static size_t count_items(struct bn_str list)
{
    struct bn_str rest = bn_sio_json_inside(list);
    struct bn_str item;
    size_t count = 0;
    while (bn_sio_json_item(&rest, &item))
        count++;
    return count;
}

static void read_again(const struct bn_sio_packet *packet)
{
    struct bn_sio again;
    BN_BUF_AUTO text;
    BN_SIO_ARGS_AUTO args;
    bn_buf_init(&text, 16 * BYTES_MAX);
    bn_sio_args_init(&args, 16 * BYTES_MAX);
    bn_sio_init(&again, 16 * BYTES_MAX);
    const bool is_list = bn_sio_is_event(packet) || bn_sio_is_ack(packet);
    size_t count = 0;
    if (is_list)
        count = put_items(&text, packet, &args);
    else
        put_plain(&text, packet);
    enum bn_sio_event event = bn_sio_text(&again, bn_buf_str(&text));
    for (size_t i = 0; i < args.attachment_count; i++) {
        assert(event == BN_SIO_MORE);
        event = bn_sio_binary(&again, args.attachments[i]);
    }
    assert(event == BN_SIO_PACKET);
    same(again.packet.nsp, packet->nsp);
    assert(again.packet.has_id == packet->has_id && again.packet.id == packet->id);
    assert(again.packet.attachment_count == packet->marks.count);
    for (size_t i = 0; i < packet->marks.count; i++)
        same(again.packet.attachments[i], packet->attachments[packet->marks.list[i].num]);
    if (is_list)
        assert(count_items(again.packet.json) == count);
    else
        same(again.packet.json, packet->json);
    bn_sio_finish(&again);
}

static void look_at(const struct bn_sio_packet *packet)
{
    char name[BN_SIO_NAME_MAX + 1];
    assert(packet->nsp.len > 0 && packet->nsp.p[0] == '/' && packet->nsp.len <= BN_SIO_NAME_MAX);
    assert(packet->type != BN_SIO_CONNECT_ERROR);
    if (bn_sio_is_event(packet) && bn_sio_event_name(packet, name))
        assert(strcmp(name, "connect") != 0 && bn_utf8_is_valid(name, strlen(name)));
    if (packet->type == BN_SIO_CONNECT && packet->json.len > 0 &&
            bn_sio_json_text(bn_sio_json_member(packet->json, "token"), name, sizeof name))
        assert(strlen(name) <= BN_SIO_NAME_MAX);
    read_again(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(
            size ? size : 1); /* each message ends where the sanitizer's ground begins */
    struct bn_sio sio;
    bn_sio_init(&sio, BYTES_MAX);
    size_t at = 0;
    enum bn_sio_event event = BN_SIO_PACKET;
    while (at < size && event != BN_SIO_BAD) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t len = end ? (size_t)(end - data) - at : size - at;
        const bool is_binary = len > 0 && data[at] == '~';
        const struct bn_str message = {copy + size - len + is_binary, len - is_binary};
        memcpy(copy + size - len, data + at, len);
        event = is_binary ? bn_sio_binary(&sio, message) : bn_sio_text(&sio, message);
        if (event == BN_SIO_PACKET)
            look_at(&sio.packet);
        at += len + 1;
    }
    assert(event != BN_SIO_BAD || sio.err.text[0]);
    bn_sio_finish(&sio);
    free(copy);
    return 0;
}
