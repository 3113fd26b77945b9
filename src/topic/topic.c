#include "topic/topic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"

#include "topic/changes.h"

#define VALUE_BYTES_MAX                                                       \
    (64 << 20) /* rows are bounded by their tables; this only stops a mistake \
                */

/* The last events of a log topic, oldest first in a ring. */
struct bn_events {
    struct bn_msg *ring[BN_LOG_RING_EVENTS];
    uint64_t first; /* sequence of the oldest one kept */
    size_t bytes;
};

static void write_epoch(char out[BN_EPOCH_MAX])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t n = bn_random_u64();
    size_t i = 0;
    do {
        out[i++] = digits[n % 36];
        n /= 36;
    } while (n > 0 && i < BN_EPOCH_MAX - 1);
    out[i] = 0;
}

void bn_topics_init(struct bn_topics *set)
{
    memset(set, 0, sizeof *set);
    bn_list_init(&set->all);
    bn_list_init(&set->dirty);
    bn_list_init(&set->due);
    bn_list_init(&set->due_sinks);
}

static void forget_encodings(struct bn_topic *topic)
{
    bn_msg_unref(topic->newest);
    topic->newest = NULL;
    for (size_t i = 0; i < BN_MERGED_MAX; i++) {
        bn_msg_unref(topic->merged[i]);
        bn_msg_unref(topic->ranges[i]);
        topic->merged[i] = topic->ranges[i] = NULL;
    }
    bn_msg_unref(topic->whole);
    topic->whole = NULL;
    bn_msg_unref(topic->snap);
    topic->snap = NULL;
}

static void topic_destroy(struct bn_topic *topic)
{
    assert(topic->sub_count == 0);
    forget_encodings(topic);
    bn_changes_destroy(topic->changes);
    if (topic->events)
        for (uint64_t seq = topic->events->first; seq <= topic->seq; seq++)
            bn_msg_unref(topic->events->ring[seq % BN_LOG_RING_EVENTS]);
    free(topic->events);
    HASH_DEL(topic->set->by_name, topic);
    topic->set->count--;
    bn_list_remove(&topic->link);
    bn_list_remove(&topic->dirty_link);
    bn_list_remove(&topic->due_link);
    free(topic);
}

void bn_topics_finish(struct bn_topics *set)
{
    bn_list_each_safe(it, tmp, &set->all)
        topic_destroy(container_of(it, struct bn_topic, link));
}

static size_t write_topic_key(char out[BN_TENANT_MAX + BN_TOPIC_NAME_MAX], const char *tenant,
        const char *name, const char *member)
{
    int len = snprintf(out, BN_TENANT_MAX + BN_TOPIC_NAME_MAX, "%s %s%s", tenant, name, member);
    assert(len > 0 && len < BN_TENANT_MAX + BN_TOPIC_NAME_MAX);
    return (size_t)len;
}

struct bn_topic *bn_topic_create(struct bn_topics *set, const struct bn_topic_info *info,
        const char *tenant)
{
    return bn_topic_create_member(set, info, tenant, "");
}

struct bn_topic *bn_topic_create_member(struct bn_topics *set, const struct bn_topic_info *info,
        const char *tenant, const char *key)
{
    struct bn_topic *topic = bn_alloc(sizeof *topic);
    size_t len = write_topic_key(topic->key, tenant, info->name, key);
    topic->name = topic->key + strlen(tenant) + 1;
    HASH_ADD_KEYPTR(hh, set->by_name, topic->key, len, topic);
    topic->set = set;
    topic->info = info;
    bn_text_clip(topic->tenant, sizeof topic->tenant, bn_str(tenant));
    topic->alias = ++set->next_alias;
    set->count++;
    write_epoch(topic->epoch);
    bn_list_init(&topic->subs);
    bn_list_init(&topic->dirty_link);
    bn_list_init(&topic->due_link);
    topic->cursor = &topic->subs;
    bn_list_append(&set->all, &topic->link);
    if (info->content == BN_LOG) {
        topic->events = bn_alloc(sizeof *topic->events);
        topic->events->first = 1;
    } else {
        topic->changes = bn_changes_create();
    }
    return topic;
}

struct bn_topic *bn_topic_find(struct bn_topics *set, const char *tenant, struct bn_str name)
{
    char key[BN_TENANT_MAX + BN_TOPIC_NAME_MAX];
    struct bn_topic *topic = NULL;
    if (name.len >= BN_TOPIC_NAME_MAX || strlen(tenant) >= BN_TENANT_MAX)
        return NULL;
    size_t len = (size_t)snprintf(key, sizeof key, "%s %.*s", tenant, BN_ARG(name));
    HASH_FIND(hh, set->by_name, key, len, topic);
    return topic;
}

void bn_topics_sweep(struct bn_topics *set, int64_t mono_ms)
{
    bn_list_each_safe(it, tmp, &set->all) {
        struct bn_topic *topic = container_of(it, struct bn_topic, link);
        if (topic->info->member_of == BN_KIND_NONE || topic->sub_count > 0)
            topic->idle_since_mono_ms = 0;
        else if (topic->idle_since_mono_ms == 0)
            topic->idle_since_mono_ms = mono_ms;
        else if (mono_ms - topic->idle_since_mono_ms >= BN_TOPIC_IDLE_MS)
            topic_destroy(topic);
    }
}

void bn_topic_show(struct bn_topic *topic, const char *section, const struct bn_table *table,
        bool is_single)
{
    assert(topic->section_count < BN_SECTIONS_MAX);
    topic->sections[topic->section_count++] = (struct bn_section){.name = section,
            .table = table,
            .is_single = is_single};
}

void bn_topic_show_own(struct bn_topic *topic, const char *section, const struct bn_table *table,
        const struct bn_field *of)
{
    bn_topic_show(topic, section, table, false);
    struct bn_section *own = &topic->sections[topic->section_count - 1];
    own->of = of;
    own->member = topic->name + strlen(topic->info->name);
}

/* --- what changed
 * --------------------------------------------------------------------------------- */

static void mark_dirty(struct bn_topic *topic)
{
    if (bn_list_is_empty(&topic->dirty_link))
        bn_list_append(&topic->set->dirty, &topic->dirty_link);
}

static uint8_t section_of(const struct bn_topic *topic, const struct bn_table *table)
{
    size_t i = 0;
    while (i < topic->section_count && topic->sections[i].table != table)
        i++;
    assert(i < topic->section_count);
    return (uint8_t)i;
}

/* Unique per topic and commit: 24 bits of alias, 40 of sequence (35,000 years at 1 Hz). */
static uint64_t stamp_of(const struct bn_topic *topic)
{
    return ((uint64_t)topic->alias << 40) | (topic->seq + 1);
}

void bn_topic_change(struct bn_topic *topic, const struct bn_table *table, struct bn_row *row,
        uint64_t changed)
{
    bn_changes_add(topic->changes, stamp_of(topic), section_of(topic, table), row,
            bn_record_key(table->type, row->record), changed);
    mark_dirty(topic);
}

void bn_topic_gone(struct bn_topic *topic, const struct bn_table *table, const char *key)
{
    bn_changes_add_gone(topic->changes, section_of(topic, table), key);
    mark_dirty(topic);
}

/* What was written into buf since begun_ns, as bytes to be shared. */
static struct bn_bytes *bytes_of(struct bn_topic *topic, const struct bn_buf *buf, int64_t begun_ns)
{
    topic->set->encoded++;
    topic->set->encode_ns += bn_clock_mono_ns() - begun_ns;
    return bn_bytes_create(buf->p, buf->len);
}

static void drop_oldest_event(struct bn_topic *topic)
{
    struct bn_events *events = topic->events;
    struct bn_msg **slot = &events->ring[events->first % BN_LOG_RING_EVENTS];
    events->bytes -= (*slot)->forms[BN_FORM_JSON]->len;
    bn_msg_unref(*slot);
    *slot = NULL;
    events->first++;
}

void bn_topic_event(struct bn_topic *topic, struct bn_str json)
{
    struct bn_events *events = topic->events;
    int64_t begun_ns = bn_clock_mono_ns();
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, VALUE_BYTES_MAX);
    uint64_t seq = topic->seq + 1;
    bn_buf_printf(&buf, "{\"t\":\"e\",\"k\":%u,\"s\":%llu,\"d\":", topic->alias,
            (unsigned long long)seq);
    bn_buf_put(&buf, json.p, json.len);
    bn_buf_puts(&buf, "}\n");
    while (seq - events->first >= BN_LOG_RING_EVENTS ||
            (events->first < seq && events->bytes + buf.len > BN_LOG_RING_BYTES))
        drop_oldest_event(topic);
    struct bn_msg *msg = bn_msg_create(topic->alias, topic->seq, seq,
            bytes_of(topic, &buf, begun_ns));
    msg->mode = BN_MODE_EVENT;
    events->ring[seq % BN_LOG_RING_EVENTS] = msg;
    events->bytes += buf.len;
    topic->seq = seq;
    topic->set->published++;
    mark_dirty(topic);
}

void bn_topics_commit(struct bn_topics *set)
{
    if (!bn_list_is_empty(&set->dirty))
        set->committed_ns = bn_clock_mono_ns();
    bn_list_each_safe(it, tmp, &set->dirty) {
        struct bn_topic *topic = container_of(it, struct bn_topic, dirty_link);
        bn_list_remove(it);
        if (topic->changes) {
            forget_encodings(topic);
            topic->seq++;
            set->published++;
            bn_changes_commit(topic->changes, topic->seq);
        }
        topic->cursor = topic->subs.next;
        if (bn_list_is_empty(&topic->due_link))
            bn_list_append(&set->due, &topic->due_link);
    }
}

/* --- what is told
 * --------------------------------------------------------------------------------- */

static bool is_shown(const struct bn_section *section, const struct bn_row *row)
{
    return !section->of ||
           strcmp((const char *)row->record + section->of->offset, section->member) == 0;
}

static void write_section(struct bn_json *json, const struct bn_section *section)
{
    bn_table_each(row, section->table)
    {
        if (!is_shown(section, row))
            continue;
        if (!section->is_single) {
            bn_json_key(json, bn_record_key(section->table->type, row->record));
            bn_json_object(json);
        }
        bn_record_json(section->table->type, row->record, BN_MASK_ALL, BN_ABSENT_OMIT, json);
        if (!section->is_single)
            bn_json_object_end(json);
    }
}

struct bn_bytes *bn_topic_value(struct bn_topic *topic)
{
    if (topic->whole)
        return topic->whole->forms[BN_FORM_JSON];
    int64_t begun_ns = bn_clock_mono_ns();
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, VALUE_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    for (size_t i = 0; i < topic->section_count; i++) {
        const struct bn_section *section = &topic->sections[i];
        if (section->name[0]) {
            bn_json_key(&json, section->name);
            bn_json_object(&json);
        }
        write_section(&json, section);
        if (section->name[0])
            bn_json_object_end(&json);
    }
    bn_json_object_end(&json);
    topic->whole = bn_msg_create(topic->alias, 0, topic->seq, bytes_of(topic, &buf, begun_ns));
    return topic->whole->forms[BN_FORM_JSON];
}

struct bn_msg *bn_topic_whole(struct bn_topic *topic)
{
    bn_topic_value(topic);
    return bn_msg_ref(topic->whole);
}

struct bn_msg *bn_topic_snap(struct bn_topic *topic)
{
    if (!topic->snap) {
        struct bn_bytes *value = bn_topic_value(topic);
        int64_t begun_ns = bn_clock_mono_ns();
        BN_BUF_AUTO buf;
        bn_buf_init(&buf, VALUE_BYTES_MAX);
        bn_buf_printf(&buf, "{\"t\":\"snap\",\"k\":%u,\"e\":\"%s\",\"s\":%llu,\"v\":", topic->alias,
                topic->epoch, (unsigned long long)topic->seq);
        bn_buf_put(&buf, value->p, value->len);
        bn_buf_puts(&buf, "}\n");
        topic->snap = bn_msg_create(topic->alias, 0, topic->seq, bytes_of(topic, &buf, begun_ns));
        topic->snap->mode = BN_MODE_SNAPSHOT;
    }
    return bn_msg_ref(topic->snap);
}

/* One row of a patch. A row that was gone meanwhile is told whole, unknown fields as null. */
static void write_changed(struct bn_json *json, const struct bn_section *section,
        const struct bn_changed *changed)
{
    const struct bn_row *row = bn_table_find(section->table, changed->key);
    const struct bn_record_type *type = section->table->type;
    if (!section->is_single)
        bn_json_key(json, changed->key);
    if (!row && !section->is_single) {
        bn_json_null(json);
        return;
    }
    if (!section->is_single)
        bn_json_object(json);
    if (row) {
        bn_record_json(type, row->record, changed->was_gone ? BN_MASK_ALL : changed->fields,
                BN_ABSENT_NULL, json);
    } else {
        for (size_t i = 0; i < type->field_count; i++) {
            bn_json_key(json, type->fields[i].name);
            bn_json_null(json);
        }
    }
    if (!section->is_single)
        bn_json_object_end(json);
}

static void write_patch(struct bn_topic *topic, uint64_t after, struct bn_buf *out)
{
    struct bn_changed *list;
    size_t n = bn_changes_since(topic->changes, after, &list);
    struct bn_json json;
    bn_json_init(&json, out);
    bn_json_object(&json);
    int open = -1; /* the section whose object is open */
    for (size_t i = 0; i < n; i++) {
        const struct bn_section *section = &topic->sections[list[i].section];
        if (open != list[i].section) {
            if (open >= 0 && topic->sections[open].name[0])
                bn_json_object_end(&json);
            open = list[i].section;
            if (section->name[0]) {
                bn_json_key(&json, section->name);
                bn_json_object(&json);
            }
        }
        write_changed(&json, section, &list[i]);
    }
    if (open >= 0 && topic->sections[open].name[0])
        bn_json_object_end(&json);
    bn_json_object_end(&json);
    free(list);
}

static bool remembers(const struct bn_topic *topic, uint64_t after)
{
    return topic->changes && after <= topic->seq &&
           after >= bn_changes_oldest_after(topic->changes, topic->seq);
}

/* One of the few ranges in use now, or NULL. */
static struct bn_msg *find_range(struct bn_msg *const ranges[BN_MERGED_MAX], uint64_t after)
{
    for (size_t i = 0; i < BN_MERGED_MAX; i++)
        if (ranges[i] && ranges[i]->from == after)
            return ranges[i];
    return NULL;
}

static void keep_range(struct bn_msg **slot, struct bn_msg *msg)
{
    bn_msg_unref(*slot);
    *slot = bn_msg_ref(msg);
}

struct bn_msg *bn_topic_range(struct bn_topic *topic, uint64_t after)
{
    struct bn_msg *msg = find_range(topic->ranges, after);
    if (msg)
        return bn_msg_ref(msg);
    if (!remembers(topic, after))
        return NULL;
    int64_t begun_ns = bn_clock_mono_ns();
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, VALUE_BYTES_MAX);
    write_patch(topic, after, &buf);
    msg = bn_msg_create(topic->alias, after, topic->seq, bytes_of(topic, &buf, begun_ns));
    keep_range(&topic->ranges[topic->ranges_next++ % BN_MERGED_MAX], msg);
    return msg;
}

static struct bn_msg *make_delta(struct bn_topic *topic, uint64_t after)
{
    if (!remembers(topic, after))
        return NULL;
    int64_t begun_ns = bn_clock_mono_ns();
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, VALUE_BYTES_MAX);
    bn_buf_printf(&buf, "{\"t\":\"d\",\"k\":%u,\"s\":%llu,", topic->alias,
            (unsigned long long)topic->seq);
    if (after + 1 != topic->seq)
        bn_buf_printf(&buf, "\"from\":%llu,", (unsigned long long)after);
    bn_buf_puts(&buf, "\"p\":");
    write_patch(topic, after, &buf);
    bn_buf_puts(&buf, "}\n");
    struct bn_msg *msg = bn_msg_create(topic->alias, after, topic->seq,
            bytes_of(topic, &buf, begun_ns));
    msg->mode = after + 1 == topic->seq ? BN_MODE_DELTA : BN_MODE_MERGED;
    return msg;
}

struct bn_msg *bn_topic_delta(struct bn_topic *topic, uint64_t after)
{
    if (after + 1 == topic->seq) {
        if (!topic->newest)
            topic->newest = make_delta(topic, after);
        return topic->newest ? bn_msg_ref(topic->newest) : NULL;
    }
    struct bn_msg *msg = find_range(topic->merged, after);
    if (msg)
        return bn_msg_ref(msg);
    msg = make_delta(topic, after);
    if (msg)
        keep_range(&topic->merged[topic->merged_next++ % BN_MERGED_MAX], msg);
    return msg;
}

struct bn_msg *bn_topic_get_event(struct bn_topic *topic, uint64_t seq)
{
    if (!topic->events || seq < topic->events->first || seq > topic->seq)
        return NULL;
    return bn_msg_ref(topic->events->ring[seq % BN_LOG_RING_EVENTS]);
}

struct bn_str bn_topic_event_data(const struct bn_msg *event)
{
    const struct bn_bytes *json = event->forms[BN_FORM_JSON];
    /* {"t":"e","k":1,"s":2,"d":VALUE}\n : numbers only before the first "d", so the search cannot
     * err */
    const char *begin = (const char *)memmem(json->p, json->len, "\"d\":", 4) + 4;
    return (struct bn_str){begin, (size_t)(json->p + json->len - 2 - begin)};
}

uint64_t bn_topic_oldest(const struct bn_topic *topic)
{
    return topic->events->first;
}

struct bn_msg *bn_topic_gap(struct bn_topic *topic, uint64_t from, uint64_t to)
{
    int64_t begun_ns = bn_clock_mono_ns();
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 256);
    bn_buf_printf(&buf, "{\"t\":\"gap\",\"k\":%u,\"from\":%llu,\"to\":%llu,\"why\":\"slow\"}\n",
            topic->alias, (unsigned long long)from, (unsigned long long)to);
    topic->set->gaps += to - from + 1;
    struct bn_msg *msg = bn_msg_create(topic->alias, from - 1, to, bytes_of(topic, &buf, begun_ns));
    msg->mode = BN_MODE_GAP;
    return msg;
}

size_t bn_topic_ring_bytes(const struct bn_topic *topic)
{
    return topic->events ? topic->events->bytes : bn_changes_bytes(topic->changes);
}

bool bn_topic_can_resume(const struct bn_topic *topic, struct bn_str epoch, uint64_t after)
{
    if (!bn_str_is(epoch, topic->epoch) || after > topic->seq)
        return false;
    if (topic->events)
        return after + 1 >= topic->events->first;
    return after >= bn_changes_oldest_after(topic->changes, topic->seq);
}
