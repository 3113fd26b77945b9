#include "model/fact.h"

#include <string.h>

#include "base/text.h"

const struct bn_kind_info bn_kinds[BN_KIND_COUNT] = {
#define X(name_, record, class_, topic_, section_, rows)                                   \
    [BN_KIND_##name_] = {.word = #record,                                                  \
            .class = BN_##class_,                                                          \
            .type = &bn_##record##_type,                                                   \
            .topic = topic_,                                                               \
            .section = section_,                                                           \
            .rows_max = rows,                                                              \
            .is_kept_first = BN_##class_ == BN_RECORD && sizeof(topic_) > 1 && (rows) > 0, \
            .is_single = (rows) == 1},
        BN_FACTS(X)
#undef X
};

const struct bn_topic_info bn_topics[] = {
#define X(name_, content_, right_, members) \
    {.name = name_,                         \
            .content = BN_##content_,       \
            .right = BN_RIGHT_##right_,     \
            .member_of = BN_KIND_##members},
        BN_TOPICS(X)
#undef X
};

const size_t bn_topic_count = COUNT(bn_topics);

void bn_fact_copy(struct bn_fact *to, const struct bn_fact *from)
{
    memcpy(to, from, offsetof(struct bn_fact, u) + bn_kinds[from->kind].type->size);
}

void bn_fact_init(struct bn_fact *fact, enum bn_kind kind, const char *tenant)
{
    fact->kind = (uint8_t)kind;
    fact->op = BN_PUT;
    fact->replay = false;
    fact->ticket = 0;
    bn_text_clip(fact->tenant, sizeof fact->tenant, bn_str(tenant));
    bn_record_clear(bn_kinds[kind].type, &fact->u);
}
