#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"

#include "hub/inbox.h"
#include "live/infra.h"

#define WAITING_KEPT    1024 /* facts whose room is kept from turn to turn: 3 MB */
#define SWEEP_MS        1000
#define EVENT_BYTES_MAX 8192 /* one record as JSON */

/* A record that was applied and given to the store, until the store has spoken. */
struct asked {
    struct bn_list link;
    uint64_t batch; /* 0: of this turn, not yet handed over */
    struct bn_fact fact;
    struct bn_fact before; /* what stood there, for the way back when the store refuses */
    bool had_before;
    bn_answer_fn answer;
    void *user;
};

struct bn_watch {
    enum bn_kind kind;
    void (*fn)(void *user, const struct bn_fact *fact);
    void *user;
    struct bn_watch *next;
};

/* --- topics of a tenant
 * ---------------------------------------------------------------------------- */

static void open_topics(struct bn_hub *hub, struct bn_tenant_live *tenant)
{
    for (size_t i = 0; i < bn_topic_count; i++) {
        if (bn_topics[i].member_of != BN_KIND_NONE)
            continue; /* a member begins when somebody listens */
        struct bn_topic *topic = bn_topic_create(&hub->topics, &bn_topics[i], tenant->id);
        for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
            const struct bn_kind_info *info = &bn_kinds[kind];
            if (strcmp(info->topic, topic->info->name) != 0)
                continue;
            tenant->topics[kind] = topic;
            if (info->rows_max > 0)
                bn_topic_show(topic, info->section, &tenant->tables[kind], info->is_single);
        }
    }
}

void bn_hub_init(struct bn_hub *hub, const struct bn_clock *clock, struct bn_store *store,
        void (*wake)(void *user), void *user)
{
    memset(hub, 0, sizeof *hub);
    hub->clock = clock;
    hub->store = store;
    hub->inbox = bn_inbox_create(BN_INBOX_FACTS_MAX, wake, user);
    bn_list_init(&hub->asked);
    bn_live_init(&hub->live);
    bn_topics_init(&hub->topics);
    open_topics(hub, hub->live.tenants);
}

void bn_hub_finish(struct bn_hub *hub)
{
    bn_list_each_safe(it, tmp, &hub->asked)
        free(container_of(it, struct asked, link));
    while (hub->watches) {
        struct bn_watch *watch = hub->watches;
        hub->watches = watch->next;
        free(watch);
    }
    bn_topics_finish(&hub->topics);
    bn_live_finish(&hub->live);
    bn_inbox_destroy(hub->inbox);
    free(hub->waiting);
    free(hub->spare);
}

void bn_hub_watch(struct bn_hub *hub, enum bn_kind kind,
        void (*fn)(void *user, const struct bn_fact *fact), void *user)
{
    struct bn_watch *watch = bn_alloc(sizeof *watch);
    *watch = (struct bn_watch){kind, fn, user, hub->watches};
    hub->watches = watch;
}

/* --- publish
 * --------------------------------------------------------------------------------------- */

static void tell_watchers(struct bn_hub *hub, const struct bn_fact *fact)
{
    for (struct bn_watch *watch = hub->watches; watch; watch = watch->next)
        if (watch->kind == fact->kind)
            watch->fn(watch->user, fact);
}

static void publish_event(struct bn_topic *topic, const struct bn_fact *fact)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, EVENT_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(bn_kinds[fact->kind].type, &fact->u, BN_MASK_ALL, BN_ABSENT_OMIT, &json);
    bn_json_object_end(&json);
    if (bn_buf_ok(&buf))
        bn_topic_event(topic, bn_buf_str(&buf));
}

/* Where an event is told: its kind's topic, or the member of its family it belongs to, if anybody
   listens there. */
static struct bn_topic *topic_of(struct bn_hub *hub, const struct bn_fact *fact,
        const struct bn_change *change)
{
    char name[BN_TOPIC_NAME_MAX];
    const char *member = fact->kind == BN_KIND_CHECK   ? fact->u.check.server_id
                         : fact->kind == BN_KIND_CHUNK ? fact->u.chunk.piece.operation_id
                                                       : NULL;
    if (!member)
        return change->tenant->topics[fact->kind];
    snprintf(name, sizeof name, "%s%s", bn_kinds[fact->kind].topic, member);
    return bn_topic_find(&hub->topics, change->tenant->id, bn_str(name));
}

/* What is done on one target has a topic of its own beside that of all, if anybody listens there.
 */
static struct bn_topic *own_topic_of(struct bn_hub *hub, const struct bn_fact *fact)
{
    char name[BN_TOPIC_NAME_MAX];
    if (fact->kind != BN_KIND_OPERATION || !fact->u.operation.target_id[0])
        return NULL;
    snprintf(name, sizeof name, "%s/%s", bn_kinds[fact->kind].topic, fact->u.operation.target_id);
    return bn_topic_find(&hub->topics, fact->tenant, bn_str(name));
}

static void publish_row(struct bn_topic *topic, const struct bn_change *change)
{
    if (topic && change->is_gone)
        bn_topic_gone(topic, change->table, change->key);
    else if (topic)
        bn_topic_change(topic, change->table, change->row, change->changed);
}

static void publish(struct bn_hub *hub, const struct bn_fact *fact, const struct bn_change *change)
{
    struct bn_topic *topic = topic_of(hub, fact, change);
    if (topic && !change->table)
        publish_event(topic, fact);
    else
        publish_row(topic, change);
    publish_row(own_topic_of(hub, fact), change);
    if (hub->watches)
        tell_watchers(hub, fact);
}

/* What followed from a fact is told like one: the row as it is now. */
static void publish_derived(struct bn_hub *hub, const struct bn_change *change)
{
    struct bn_fact fact;
    bn_fact_init(&fact, change->kind, change->tenant->id);
    memcpy(&fact.u, change->row->record, bn_kinds[change->kind].type->size);
    publish(hub, &fact, change);
}

/* A record is told when it is kept: what stands in the table by then is what is told. */
static void publish_kept(struct bn_hub *hub, const struct bn_fact *fact)
{
    struct bn_change change = {.tenant = bn_live_find(&hub->live, fact->tenant),
            .changed = BN_MASK_ALL};
    struct bn_table *table = &change.tenant->tables[fact->kind];
    change.key = bn_record_key(bn_kinds[fact->kind].type, &fact->u);
    change.table = table->type ? table : NULL;
    change.row = change.table ? bn_table_find(table, change.key) : NULL;
    change.is_gone = change.table && !change.row;
    publish(hub, fact, &change);
}

/* --- record
 * ---------------------------------------------------------------------------------------- */

struct keeper {
    struct bn_store *store;
    const char *tenant;
};

static void keep_point(void *user, const char *name, const struct bn_point *point)
{
    const struct keeper *keeper = user;
    if (keeper->store)
        bn_store_point(keeper->store, keeper->tenant, name, point);
}

static void keep_sample(struct bn_hub *hub, const struct bn_fact *fact,
        struct bn_tenant_live *tenant)
{
    struct keeper keeper = {hub->store, tenant->id};
    if (hub->store && fact->kind == BN_KIND_CHECK && bn_check_is_over(&fact->u.check))
        bn_store_check(hub->store, tenant->id, &fact->u.check);
    bn_series_add(&tenant->series, fact, hub->clock->now_ms, keep_point, &keeper);
}

void bn_hub_close_series(struct bn_hub *hub)
{
    for (struct bn_tenant_live *tenant = hub->live.tenants; tenant; tenant = tenant->next) {
        struct keeper keeper = {hub->store, tenant->id};
        bn_series_close(&tenant->series, keep_point, &keeper);
    }
}

/* --- admit, apply
 * ---------------------------------------------------------------------------------- */

static void apply(struct bn_hub *hub, const struct bn_fact *fact, struct bn_change *change)
{
    bn_live_apply(&hub->live, fact, change);
    if (change->tenant_made)
        open_topics(hub, change->tenant_made);
}

static void take_sample(struct bn_hub *hub, const struct bn_fact *fact)
{
    struct bn_change change;
    apply(hub, fact, &change);
    if (fact->op == BN_PUT)
        keep_sample(hub, fact, change.tenant);
    if (change.changed)
        publish(hub, fact, &change);
    if (bn_live_derive(&hub->live, fact, &change))
        publish_derived(hub, &change);
}

static void answer_now(struct asked *asked, const struct bn_err *err)
{
    bn_list_remove(&asked->link);
    if (asked->answer)
        asked->answer(asked->user, &asked->fact, err);
    free(asked);
}

static void take_record(struct bn_hub *hub, const struct bn_fact *fact, bn_answer_fn answer,
        void *user)
{
    const struct bn_kind_info *info = &bn_kinds[fact->kind];
    struct asked *asked = bn_alloc(sizeof *asked);
    asked->fact = *fact;
    asked->answer = answer;
    asked->user = user;
    const void *before = bn_live_get(&hub->live, fact->tenant, fact->kind,
            bn_record_key(info->type, &fact->u));
    if (before && !info->is_kept_first) {
        bn_fact_init(&asked->before, fact->kind, fact->tenant);
        memcpy(&asked->before.u, before, info->type->size);
        asked->had_before = true;
    }
    struct bn_change change;
    if (info->is_kept_first)
        bn_live_expect(&hub->live, fact);
    else
        apply(hub, fact, &change);
    bn_list_append(&hub->asked, &asked->link);
    if (hub->store)
        bn_store_put(hub->store, fact);
}

static void take_told(struct bn_hub *hub, const struct bn_fact *fact)
{
    hub->fact_count++;
    if (!bn_live_admit(&hub->live, fact, NULL))
        hub->refused_count++;
    else if (bn_kinds[fact->kind].class == BN_SAMPLE || fact->op == BN_PAST)
        take_sample(hub, fact);
    else
        take_record(hub, fact, NULL, NULL);
}

bool bn_hub_submit(struct bn_hub *hub, const struct bn_fact *fact)
{
    return bn_inbox_put(hub->inbox, fact);
}

void bn_hub_tell(struct bn_hub *hub, const struct bn_fact *fact)
{
    if (hub->waiting_count == hub->waiting_cap) {
        hub->waiting_cap = hub->waiting_cap ? hub->waiting_cap * 2 : 64;
        hub->waiting = bn_realloc(hub->waiting, hub->waiting_cap * sizeof *hub->waiting);
    }
    bn_fact_copy(&hub->waiting[hub->waiting_count++], fact);
}

bool bn_hub_ask(struct bn_hub *hub, const struct bn_fact *fact, bn_answer_fn answer, void *user,
        struct bn_err *err)
{
    hub->fact_count++;
    if (!bn_live_admit(&hub->live, fact, err)) {
        hub->refused_count++;
        return false;
    }
    hub->was_asked = true;
    BN_CRASH_POINT(hub_before_ask);
    take_record(hub, fact, answer, user);
    return true;
}

/* Kept already: admitted and applied. False: it changed nothing. */
static bool take_kept(struct bn_hub *hub, const struct bn_fact *fact, struct bn_change *change)
{
    if (!bn_live_find(&hub->live, fact->tenant) ||
            (fact->op == BN_PUT && !bn_live_admit(&hub->live, fact, NULL)))
        return false;
    apply(hub, fact, change);
    return change->changed != 0;
}

void bn_hub_replay(struct bn_hub *hub, const struct bn_fact *fact)
{
    struct bn_change change;
    if (!take_kept(hub, fact, &change))
        return;
    tell_watchers(hub, fact);
    (void)bn_live_derive(&hub->live, fact, &change);
}

/* The member of a family without a table of its own shows the rows that name it: of
   "work.operations" those whose target_id is this target. */
static void show_own(struct bn_hub *hub, struct bn_topic *topic)
{
    const struct bn_tenant_live *tenant = bn_live_find(&hub->live, topic->tenant);
    char field[32];
    snprintf(field, sizeof field, "%s_id", bn_kinds[topic->info->member_of].word);
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_kind_info *info = &bn_kinds[kind];
        const size_t len = strlen(info->topic);
        if (len && strncmp(info->topic, topic->info->name, len) == 0 &&
                strcmp(topic->info->name + len, "/") == 0 && info->rows_max > 0)
            bn_topic_show_own(topic, info->section, &tenant->tables[kind],
                    bn_field_find(info->type, bn_str(field)));
    }
}

struct bn_topic *bn_hub_topic(struct bn_hub *hub, const char *tenant, struct bn_str name)
{
    struct bn_topic *topic = bn_topic_find(&hub->topics, tenant, name);
    for (size_t i = 0; !topic && i < bn_topic_count; i++) {
        const struct bn_topic_info *info = &bn_topics[i];
        char key[BN_ID_MAX];
        size_t skip = strlen(info->name);
        if (info->member_of != BN_KIND_NONE && bn_str_starts(name, info->name) &&
                bn_text_copy(key, sizeof key, (struct bn_str){name.p + skip, name.len - skip}) &&
                bn_live_get(&hub->live, tenant, (enum bn_kind)info->member_of, key))
            topic = bn_topic_create_member(&hub->topics, info, tenant, key);
        if (topic && info->content == BN_STATE)
            show_own(hub, topic);
    }
    if (topic)
        topic->idle_since_mono_ms = 0; /* whoever asked may wait for it without a subscription */
    return topic;
}

/* --- the store's word
 * ------------------------------------------------------------------------------ */

static bool is_same_row(const struct bn_fact *a, const struct bn_fact *b)
{
    const struct bn_record_type *type = bn_kinds[a->kind].type;
    return a->kind == b->kind && strcmp(a->tenant, b->tenant) == 0 &&
           strcmp(bn_record_key(type, &a->u), bn_record_key(type, &b->u)) == 0;
}

/* The oldest record of that row the store has not spoken of, from `it` on; NULL when there is none.
 */
static struct asked *find_asked(struct bn_hub *hub, struct bn_list *it, const struct bn_fact *fact)
{
    for (; it != &hub->asked; it = it->next) {
        struct asked *asked = container_of(it, struct asked, link);
        if (is_same_row(&asked->fact, fact))
            return asked;
    }
    return NULL;
}

/* What was refused never was. A later record of the row, whole as all are, stands on what was there
   before; without one that is what we know again. `after` is where the younger ones begin. */
static void take_back(struct bn_hub *hub, const struct asked *asked, struct bn_list *after)
{
    struct bn_change change;
    if (bn_kinds[asked->fact.kind].rows_max == 0 || bn_kinds[asked->fact.kind].is_kept_first)
        return;
    struct asked *later = find_asked(hub, after, &asked->fact);
    if (later) {
        later->before = asked->before;
        later->had_before = asked->had_before;
        return;
    }
    struct bn_fact back = asked->had_before ? asked->before : asked->fact;
    back.op = asked->had_before ? BN_PUT : BN_GONE;
    bn_live_apply(&hub->live, &back, &change);
}

/* Kept, it becomes known; refused, it never was. A younger one of the row stays expected. */
static void settle(struct bn_hub *hub, const struct bn_fact *fact, bool is_kept)
{
    struct bn_change change;
    BN_CRASH_POINT(hub_before_settle);
    if (!find_asked(hub, hub->asked.next, fact))
        bn_live_unexpect(&hub->live, fact);
    if (!is_kept)
        return;
    apply(hub, fact, &change);
    BN_CRASH_POINT(hub_before_publish);
    if (change.changed)
        publish(hub, fact, &change);
    BN_CRASH_POINT(hub_published);
}

/* The records of that batch leave the list, oldest first into mine; newest first they are undone
   when the store refused them. */
static void take_out(struct bn_hub *hub, const struct bn_ack *ack, struct bn_list *mine)
{
    struct bn_list *older;
    for (struct bn_list *it = hub->asked.prev; it != &hub->asked; it = older) {
        struct asked *asked = container_of(it, struct asked, link);
        struct bn_list *after = it->next;
        older = it->prev;
        if (asked->batch != ack->batch)
            continue;
        bn_list_remove(it);
        bn_list_append(mine->next, it);
        if (!ack->ok)
            take_back(hub, asked, after);
    }
}

static void spoken(void *user, const struct bn_ack *ack)
{
    struct bn_hub *hub = user;
    struct bn_list mine;
    bn_list_init(&mine);
    take_out(hub, ack, &mine);
    bn_list_each_safe(it, tmp, &mine) {
        struct asked *asked = container_of(it, struct asked, link);
        if (bn_kinds[asked->fact.kind].is_kept_first)
            settle(hub, &asked->fact, ack->ok);
        else if (ack->ok)
            publish_kept(hub, &asked->fact);
        answer_now(asked, ack->ok ? NULL : &ack->err);
    }
}

bool bn_hub_is_asked(const struct bn_hub *hub)
{
    return !bn_list_is_empty(&hub->asked);
}

void bn_hub_abandon(struct bn_hub *hub)
{
    struct bn_err err;
    bn_fail(&err, BN_E_UNAVAILABLE, "the server is shutting down");
    while (!bn_list_is_empty(&hub->asked)) /* an answer may ask for more */
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list
        answer_now(container_of(hub->asked.next, struct asked, link), &err);
}

/* What another program wrote is news, unlike what was read at the start: its topic is told. While a
   record of ours for that row is on its way to be written over it, it is what stands there if ours
   is refused. */
static void take_foreign(void *user, const struct bn_fact *fact)
{
    struct bn_hub *hub = user;
    struct asked *ours = find_asked(hub, hub->asked.next, fact);
    struct bn_change change;
    if (!ours || bn_kinds[fact->kind].is_kept_first) {
        if (take_kept(hub, fact, &change))
            publish(hub, fact, &change);
        return;
    }
    ours->had_before = fact->op == BN_PUT;
    ours->before = *fact;
}

static void hand_over(struct bn_hub *hub)
{
    BN_CRASH_POINT(hub_before_flush);
    uint64_t batch = hub->store ? bn_store_flush(hub->store) : 0;
    BN_CRASH_POINT(hub_flushed);
    struct bn_ack at_once = {.batch = 0, .ok = true};
    if (!hub->store) {
        spoken(hub, &at_once);
        return;
    }
    for (struct bn_list *it = hub->asked.prev; it != &hub->asked; it = it->prev) {
        struct asked *asked = container_of(it, struct asked, link);
        if (asked->batch != 0)
            break;
        asked->batch = batch;
    }
}

/* Watchers may tell more meanwhile: that waits for the next turn, in the other array. */
static void take_waiting(struct bn_hub *hub)
{
    struct bn_fact *facts = hub->waiting;
    size_t count = hub->waiting_count;
    size_t cap = hub->waiting_cap;
    hub->waiting = hub->spare;
    hub->waiting_cap = hub->spare_cap;
    hub->waiting_count = 0;
    hub->spare = facts;
    hub->spare_cap = cap;
    for (size_t i = 0; i < count; i++)
        take_told(hub, &facts[i]);
    if (hub->spare_cap > WAITING_KEPT) { /* a flood of guests; the next turn is an ordinary one */
        free(hub->spare);
        hub->spare = NULL;
        hub->spare_cap = 0;
    }
}

bool bn_hub_turn(struct bn_hub *hub)
{
    size_t n;
    struct bn_fact *facts = bn_inbox_take(hub->inbox, &n);
    for (size_t i = 0; i < n; i++)
        take_told(hub, &facts[i]);
    take_waiting(hub);
    if (hub->store) {
        bn_store_collect(hub->store, spoken, hub);
        bn_store_collect_foreign(hub->store, take_foreign, hub);
    }
    hand_over(hub);
    bn_topics_commit(&hub->topics);
    if (hub->clock->mono_ms - hub->swept_mono_ms >= SWEEP_MS) {
        hub->swept_mono_ms = hub->clock->mono_ms;
        bn_topics_sweep(&hub->topics, hub->clock->mono_ms);
    }
    hub->was_asked = false;
    return bn_hub_is_waiting(hub);
}

bool bn_hub_is_waiting(const struct bn_hub *hub)
{
    return hub->waiting_count > 0 || hub->was_asked;
}
