#include "topic/msg.h"

#include <stdlib.h>

struct bn_msg *bn_msg_create(uint32_t alias, uint64_t from, uint64_t to, struct bn_bytes *take_json)
{
    struct bn_msg *msg = bn_alloc(sizeof *msg);
    msg->refs = 1;
    msg->alias = alias;
    msg->from = from;
    msg->to = to;
    msg->forms[BN_FORM_JSON] = take_json;
    return msg;
}

struct bn_msg *bn_msg_ref(struct bn_msg *msg)
{
    msg->refs++;
    return msg;
}

void bn_msg_unref(struct bn_msg *msg)
{
    if (!msg || --msg->refs > 0)
        return;
    for (int i = 0; i < BN_FORM_COUNT; i++)
        bn_bytes_unref(msg->forms[i]);
    free(msg);
}

struct bn_bytes *bn_msg_form(struct bn_msg *msg, enum bn_form form,
        struct bn_bytes *(*make)(const struct bn_msg *msg))
{
    if (!msg->forms[form])
        msg->forms[form] = make(msg);
    return msg->forms[form];
}
