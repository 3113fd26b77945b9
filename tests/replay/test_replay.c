/*
 * The whole hub as a pure function: NAME.jsonl holds steps, NAME.want exactly what is told.
 * One JSON object per line; a line may set the time with "at" (milliseconds since the begin).
 *
 *   {"put":KIND,"rec":{…}}  {"gone":KIND,"id":…}      a fact is told; "tenant" default "default",
 *                                                     "via":"ask", "submit" or "replay"
 *   {"past":KIND,"id":…}                              it leaves what is known; the store keeps it
 *   {"turn":true}                                     the hub's turn
 *   {"listen":TOPIC,"as":WHO,"min":ms}                joins, at "e" and "s" when they can be
 * resumed
 *   {"rate":TOPIC,"as":WHO,"min":ms}  {"leave":TOPIC,"as":WHO}
 *   {"take":true or WHO,"max":n,"bytes":n}            whoever is due, or only WHO, is served
 *   {"clock":ms}                                      the wall clock jumps
 *   {"times":n,"do":[step,…]}                         "#" in a step is the number of the round
 *   {"series":NAME,"from":s,"to":s}                   what memory holds of it
 *   {"counts":true}                                   facts, refused, conflated, gaps
 *   {"store":true}  {"disk":"full" or "well"}  {"kept":true}   a real store; waits for its word
 *   {"know":KIND,"id":…}                              what stands in the table, without secrets
 *   {"restart":true}                                  a new hub over the same store
 *
 * BN_REPLAY_WRITE=1 writes the .want files anew: read the difference before it is committed.
 */
#include <dirent.h>

#include "base/file.h"

#include "hub/hub.h"
#include "replay/record.h"
#include "store/bad_disk.h"
#include "store/place.h"

#define LISTENERS_MAX 8
#define TAKE_MAX      64 /* as in web/: messages of one write */
#define TEXT_MAX      (4 << 20)

struct listener {
    char name[32];
    struct bn_sink sink;
    bool is_due; /* named, and not served since */
};

struct scene {
    struct bn_clock clock;
    struct bn_hub hub;
    struct place place;
    struct bn_store *store;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    int64_t at_ms;
    int64_t jumped_ms;
    int64_t round;
    int epoch;
    struct bn_buf told;
};

/* --- reading steps --------------------------------------------------------------------------- */

static struct bn_str text_of(const struct bn_doc *step, const char *name, const char *absent)
{
    struct bn_str out;
    struct bn_err err;
    if (!bn_doc_text_or(step, name, absent, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static int64_t number_of(const struct bn_doc *step, const char *name, int64_t absent)
{
    int64_t out;
    struct bn_err err;
    if (!bn_doc_i64_or(step, name, absent, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static void text_copy(const struct scene *scene, const struct bn_doc *step, const char *name,
        char *out, size_t size)
{
    replay_text(text_of(step, name, "default"), scene->round, out, size);
}

static struct listener *listener_of(struct scene *scene, const struct bn_doc *step)
{
    struct bn_str name = text_of(step, "as", "a");
    for (size_t i = 0; i < scene->listener_count; i++)
        if (bn_str_is(name, scene->listeners[i].name))
            return &scene->listeners[i];
    assert_true(scene->listener_count < LISTENERS_MAX);
    struct listener *listener = &scene->listeners[scene->listener_count++];
    bn_text_clip(listener->name, sizeof listener->name, name);
    bn_sink_init(&listener->sink, &scene->hub.topics, listener);
    return listener;
}

static struct bn_topic *topic_of(struct scene *scene, const struct bn_doc *step, const char *name)
{
    char tenant[BN_TENANT_MAX];
    text_copy(scene, step, "tenant", tenant, sizeof tenant);
    struct bn_topic *topic = bn_hub_topic(&scene->hub, tenant, text_of(step, name, ""));
    if (topic) /* a family's member may be new */
        snprintf(topic->epoch, sizeof topic->epoch, "e%d", scene->epoch);
    return topic;
}

static struct bn_sub *sub_of(struct scene *scene, const struct bn_doc *step, const char *name)
{
    struct bn_sub *sub = bn_sink_find(&listener_of(scene, step)->sink, topic_of(scene, step, name));
    assert_non_null(sub);
    return sub;
}

/* --- the scene ------------------------------------------------------------------------------- */

static int64_t store_now(void *user)
{
    (void)user;
    return REPLAY_BEGIN_MS;
}

/* Positions of a test are told: every topic of the first life is of epoch e1. */
static void name_epochs(struct scene *scene)
{
    bn_list_each(it, &scene->hub.topics.all)
        snprintf(container_of(it, struct bn_topic, link)->epoch, BN_EPOCH_MAX, "e%d", scene->epoch);
}

static void hub_begin(struct scene *scene)
{
    scene->epoch++;
    bn_hub_init(&scene->hub, &scene->clock, scene->store, NULL, NULL);
    name_epochs(scene);
}

static void hub_end(struct scene *scene)
{
    for (size_t i = 0; i < scene->listener_count; i++)
        bn_sink_finish(&scene->listeners[i].sink);
    scene->listener_count = 0;
    bn_hub_finish(&scene->hub);
}

static void set_clock(struct scene *scene)
{
    scene->clock.mono_ms = scene->at_ms;
    scene->clock.now_ms = REPLAY_BEGIN_MS + scene->at_ms + scene->jumped_ms;
}

static void replayed(void *user, const struct bn_fact *fact)
{
    bn_hub_replay(user, fact);
}

static void store_begin(struct scene *scene)
{
    struct bn_store_config config = {.now_ms = store_now};
    char notice[200];
    struct bn_err err;
    if (!scene->place.dir[0])
        place_init(&scene->place);
    bn_text_clip(config.dir, sizeof config.dir, bn_str(scene->place.dir));
    if (!bn_store_open(&config, &scene->store, notice, &err))
        fail_msg("%s", err.text);
}

static void restart(struct scene *scene)
{
    bool has_store = scene->store != NULL;
    struct bn_err err;
    hub_end(scene);
    bn_store_close(scene->store);
    scene->store = NULL;
    if (has_store)
        store_begin(scene);
    hub_begin(scene);
    if (has_store && !bn_store_load(scene->store, replayed, &scene->hub, &err))
        fail_msg("%s", err.text);
}

/* --- facts ----------------------------------------------------------------------------------- */

static void answered(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct scene *scene = user;
    const struct bn_kind_info *info = &bn_kinds[fact->kind];
    bool is_ours = err && err->code != BN_E_STORAGE; /* the store's sentences are tested there */
    bn_buf_printf(&scene->told, "answer %s %s %s%s%s\n", info->word,
            bn_record_key(info->type, &fact->u), bn_code_word(err ? err->code : BN_E_OK),
            is_ours ? ": " : "", is_ours ? err->text : "");
}

static void submit(struct scene *scene, const struct bn_fact *fact, struct bn_str via)
{
    struct bn_err err;
    if (bn_str_is(via, "submit"))
        assert_true(bn_hub_submit(&scene->hub, fact));
    else if (bn_str_is(via, "replay"))
        bn_hub_replay(&scene->hub, fact);
    else if (!bn_str_is(via, "ask"))
        bn_hub_tell(&scene->hub, fact);
    else if (!bn_hub_ask(&scene->hub, fact, answered, scene, &err))
        bn_buf_printf(&scene->told, "refused %s: %s\n", bn_code_word(err.code), err.text);
}

static void step_fact(struct scene *scene, const struct bn_doc *step, enum bn_fact_op op)
{
    struct bn_fact fact;
    char tenant[BN_TENANT_MAX];
    static const char *const words[] = {"put", "gone", "past"};
    enum bn_kind kind = replay_kind(text_of(step, words[op], ""));
    text_copy(scene, step, "tenant", tenant, sizeof tenant);
    bn_fact_init(&fact, kind, tenant);
    fact.op = (uint8_t)op;
    fact.replay = bn_str_is(text_of(step, "via", ""), "replay");
    if (op == BN_PUT)
        replay_record(bn_kinds[kind].type, bn_doc_at(step, "rec"), scene->round, &fact.u);
    else
        replay_key(bn_kinds[kind].type, text_of(step, "id", ""), scene->round, (void *)&fact.u);
    submit(scene, &fact, text_of(step, "via", "tell"));
}

static void step_put(struct scene *scene, const struct bn_doc *step)
{
    step_fact(scene, step, BN_PUT);
}

static void step_gone(struct scene *scene, const struct bn_doc *step)
{
    step_fact(scene, step, BN_GONE);
}

static void step_past(struct scene *scene, const struct bn_doc *step)
{
    step_fact(scene, step, BN_PAST);
}

static void step_turn(struct scene *scene, const struct bn_doc *step)
{
    (void)step;
    bool hurry = bn_hub_turn(&scene->hub);
    assert_false(hurry);
    name_epochs(scene);
}

/* --- listeners ------------------------------------------------------------------------------- */

static void step_listen(struct scene *scene, const struct bn_doc *step)
{
    struct listener *listener = listener_of(scene, step);
    struct bn_topic *topic = topic_of(scene, step, "listen");
    if (!topic) {
        bn_buf_printf(&scene->told, "%s: no such topic\n", listener->name);
        return;
    }
    struct bn_str epoch = text_of(step, "e", "");
    uint64_t after = (uint64_t)number_of(step, "s", 0);
    bool is_log = topic->info->content == BN_LOG;
    bool resumes = bn_topic_can_resume(topic, epoch, after);
    bool is_known = bn_str_is(epoch, topic->epoch) && after <= topic->seq;
    uint64_t sent = topic->seq;
    if (resumes || (is_log && is_known))
        sent = after;
    else if (is_log)
        sent -= BN_MIN((uint64_t)number_of(step, "tail", 0), sent + 1 - bn_topic_oldest(topic));
    bn_buf_printf(&scene->told, "%s: %s %s k=%u at %s.%llu", listener->name, topic->name,
            resumes ? "resumed" : "joined", topic->alias, topic->epoch, (unsigned long long)sent);
    if (!resumes && !is_log)
        bn_buf_printf(&scene->told, " %.*s", (int)bn_topic_value(topic)->len,
                bn_topic_value(topic)->p);
    bn_buf_putc(&scene->told, '\n');
    bn_sink_join(&listener->sink, topic, sent, (int32_t)number_of(step, "min", 0));
}

static void step_rate(struct scene *scene, const struct bn_doc *step)
{
    bn_sink_set_rate(&listener_of(scene, step)->sink, sub_of(scene, step, "rate"),
            (int32_t)number_of(step, "min", 0));
}

static void step_leave(struct scene *scene, const struct bn_doc *step)
{
    bn_sink_leave(&listener_of(scene, step)->sink, sub_of(scene, step, "leave"));
}

static void serve(struct scene *scene, struct listener *listener, const struct bn_doc *step)
{
    struct bn_msg *msgs[TAKE_MAX];
    size_t max = (size_t)number_of(step, "max", TAKE_MAX);
    size_t bytes = (size_t)number_of(step, "bytes", BN_LIVE_INFLIGHT_MAX);
    size_t n = bn_sink_take(&listener->sink, scene->clock.mono_ms, msgs, max, bytes);
    for (size_t i = 0; i < n; i++) {
        const struct bn_bytes *json = msgs[i]->forms[BN_FORM_JSON];
        bn_buf_printf(&scene->told, "%s: %.*s", listener->name, (int)json->len, json->p);
        bn_msg_unref(msgs[i]);
    }
    if (listener->sink.has_more)
        bn_buf_printf(&scene->told, "%s has more\n", listener->name);
}

/* As web/ does it: those whose pace has passed become due, and whoever is due is served. WHO says
   that only this one can take: the others stay as they are. */
static void step_take(struct scene *scene, const struct bn_doc *step)
{
    struct bn_str who = {0};
    bool is_one = bn_doc_get_text(bn_doc_at(step, "take"), &who);
    for (size_t i = 0; i < scene->listener_count; i++) {
        struct listener *listener = &scene->listeners[i];
        if (listener->sink.is_waiting && (!is_one || bn_str_is(who, listener->name)))
            bn_sink_poll(&listener->sink, scene->clock.mono_ms);
    }
    for (struct bn_sink *sink; (sink = bn_sink_next_due(&scene->hub.topics));)
        container_of(sink, struct listener, sink)->is_due = true;
    for (size_t i = 0; i < scene->listener_count; i++) {
        struct listener *listener = &scene->listeners[i];
        if ((is_one && !bn_str_is(who, listener->name)) ||
                (!listener->is_due && !listener->sink.has_more))
            continue;
        listener->is_due = false;
        serve(scene, listener, step);
    }
}

/* --- time, counts, the store ----------------------------------------------------------------- */

static void step_clock(struct scene *scene, const struct bn_doc *step)
{
    scene->jumped_ms += number_of(step, "clock", 0);
    set_clock(scene);
}

static void step_series(struct scene *scene, const struct bn_doc *step)
{
    char name[BN_SERIES_NAME_MAX];
    float values[600];
    int64_t from_s = number_of(step, "from", 0);
    int64_t to_s = number_of(step, "to", 0);
    assert_in_range(to_s - from_s, 1, COUNT(values));
    bn_text_clip(name, sizeof name, text_of(step, "series", ""));
    const struct bn_tenant_live *tenant = bn_live_find(&scene->hub.live, "default");
    const struct bn_series *series = bn_series_find(&tenant->series, name);
    bn_buf_printf(&scene->told, "%s %lld..%lld:", name, (long long)from_s, (long long)to_s);
    if (!series) {
        bn_buf_puts(&scene->told, " never heard of\n");
        return;
    }
    bn_series_read(series, REPLAY_BEGIN_MS / 1000 + from_s, REPLAY_BEGIN_MS / 1000 + to_s, values);
    for (int64_t i = 0; i < to_s - from_s; i++) {
        if (isnan(values[i]))
            bn_buf_puts(&scene->told, " -");
        else
            bn_buf_printf(&scene->told, " %g", (double)values[i]);
    }
    bn_buf_putc(&scene->told, '\n');
}

static void step_counts(struct scene *scene, const struct bn_doc *step)
{
    (void)step;
    const struct bn_hub *hub = &scene->hub;
    bn_buf_printf(&scene->told, "facts %llu refused %llu conflated %llu gaps %llu\n",
            (unsigned long long)hub->fact_count, (unsigned long long)hub->refused_count,
            (unsigned long long)hub->topics.conflated, (unsigned long long)hub->topics.gaps);
}

static void step_store(struct scene *scene, const struct bn_doc *step)
{
    (void)step;
    hub_end(scene);
    scene->epoch--;
    store_begin(scene);
    hub_begin(scene);
}

static void step_disk(struct scene *scene, const struct bn_doc *step)
{
    struct bn_store_stats stats;
    bool is_full = bn_str_is(text_of(step, "disk", ""), "full");
    bad_disk_plan(BAD_FULL, is_full, is_full ? INT32_MAX : 0);
    bn_store_get_stats(scene->store, &stats);
    for (int i = 0; i < 5000 && !is_full && stats.degraded; i++) {
        pause_ms(2); /* it tries again by itself */
        bn_store_get_stats(scene->store, &stats);
    }
    assert_true(is_full || !stats.degraded);
}

static void step_know(struct scene *scene, const struct bn_doc *step)
{
    char id[BN_ID_MAX];
    struct bn_json json;
    enum bn_kind kind = replay_kind(text_of(step, "know", ""));
    text_copy(scene, step, "id", id, sizeof id);
    const void *record = bn_live_get(&scene->hub.live, "default", kind, id);
    bn_buf_printf(&scene->told, "%s %s: ", bn_kinds[kind].word, id);
    bn_json_init(&json, &scene->told);
    if (record) {
        bn_json_object(&json);
        bn_record_json(bn_kinds[kind].type, record, BN_MASK_ALL, BN_ABSENT_OMIT, &json);
        bn_json_object_end(&json);
    }
    bn_buf_puts(&scene->told, record ? "\n" : "unknown\n");
}

static void step_kept(struct scene *scene, const struct bn_doc *step)
{
    (void)step;
    bn_store_tidy(scene->store); /* what waits is written and acknowledged by then */
}

static void step_restart(struct scene *scene, const struct bn_doc *step)
{
    (void)step;
    restart(scene);
}

/* --- playing --------------------------------------------------------------------------------- */

static void step_times(struct scene *scene, const struct bn_doc *step);

static const struct {
    const char *word;
    void (*play)(struct scene *scene, const struct bn_doc *step);
} steps[] = {{"put", step_put}, {"gone", step_gone}, {"past", step_past}, {"turn", step_turn},
        {"listen", step_listen}, {"rate", step_rate}, {"leave", step_leave}, {"take", step_take},
        {"clock", step_clock}, {"times", step_times}, {"series", step_series},
        {"counts", step_counts}, {"store", step_store}, {"disk", step_disk}, {"kept", step_kept},
        {"know", step_know}, {"restart", step_restart}};

static void play_step(struct scene *scene, const struct bn_doc *step)
{
    size_t played = 0;
    scene->at_ms = number_of(step, "at", scene->at_ms + number_of(step, "after", 0));
    set_clock(scene);
    for (size_t i = 0; i < COUNT(steps); i++) {
        if (!bn_doc_at(step, steps[i].word))
            continue;
        steps[i].play(scene, step);
        played++;
    }
    if (played != 1)
        fail_msg("a step is one word, got %zu of them", played);
}

static void step_times(struct scene *scene, const struct bn_doc *step)
{
    const struct bn_doc *list = bn_doc_at(step, "do");
    int64_t times = number_of(step, "times", 0);
    int64_t outer = scene->round;
    for (int64_t round = 0; round < times; round++)
        for (size_t i = 0; i < bn_doc_count(list); i++) {
            scene->round = round;
            play_step(scene, bn_doc_item(list, i));
        }
    scene->round = outer;
}

static void play(struct scene *scene, const char *name, struct bn_str text)
{
    int line_number = 0;
    while (text.p) {
        struct bn_str line = bn_str_trim(bn_str_cut(&text, '\n'));
        BN_DOC_AUTO *step = NULL;
        struct bn_err err;
        line_number++;
        if (line.len == 0)
            continue;
        if (!bn_doc_parse(line, &step, &err))
            fail_msg("%s line %d: %s", name, line_number, err.text);
        play_step(scene, step);
    }
}

/* --- comparing ------------------------------------------------------------------------------- */

/* Prints the lines of one side between the first and the last that differ. */
static void print_side(const char *mark, struct bn_str text)
{
    while (text.p && text.len > 0) {
        struct bn_str line = bn_str_cut(&text, '\n');
        print_error("%s %.*s\n", mark, (int)BN_MIN(line.len, (size_t)2000), line.p);
    }
}

/* Without the equal lines at both ends. */
static void print_difference(struct bn_str want, struct bn_str got)
{
    size_t begin = 0;
    size_t most = BN_MIN(want.len, got.len);
    for (size_t i = 0; i < most && want.p[i] == got.p[i]; i++)
        if (want.p[i] == '\n')
            begin = i + 1;
    size_t end = 0;
    for (size_t i = 0; i < most - begin && want.p[want.len - 1 - i] == got.p[got.len - 1 - i]; i++)
        if (want.p[want.len - 1 - i] == '\n')
            end = i;
    print_side("-", (struct bn_str){want.p + begin, want.len - begin - end});
    print_side("+", (struct bn_str){got.p + begin, got.len - begin - end});
}

static bool check_told(const char *path, const struct scene *scene)
{
    struct bn_err err;
    struct bn_str got = bn_buf_str(&scene->told);
    char *want = bn_alloc(TEXT_MAX);
    size_t len = 0;
    assert_true(bn_buf_ok(&scene->told));
    if (getenv("BN_REPLAY_WRITE") && !bn_file_write(path, got, &err))
        fail_msg("%s", err.text);
    if (!bn_file_read(path, want, TEXT_MAX, &len, &err))
        fail_msg("%s", err.text);
    bool is_equal = len == got.len && memcmp(want, got.p, len) == 0;
    if (!is_equal)
        print_difference((struct bn_str){want, len}, got);
    free(want);
    return is_equal;
}

static bool replay(const char *name)
{
    char path[512];
    char *text = bn_alloc(TEXT_MAX);
    size_t len;
    struct bn_err err;
    struct scene scene = {0};
    snprintf(path, sizeof path, "%s/replay/%s.jsonl", BN_TESTS_DIR, name);
    if (!bn_file_read(path, text, TEXT_MAX, &len, &err))
        fail_msg("%s", err.text);
    bn_buf_init(&scene.told, TEXT_MAX);
    set_clock(&scene);
    hub_begin(&scene);
    play(&scene, name, (struct bn_str){text, len});
    hub_end(&scene);
    bn_store_close(scene.store);
    if (scene.place.dir[0])
        place_finish(&scene.place);
    bad_disk_plan(BAD_FULL, 0, 0);
    snprintf(path, sizeof path, "%s/replay/%s.want", BN_TESTS_DIR, name);
    bool is_equal = check_told(path, &scene);
    bn_buf_finish(&scene.told);
    free(text);
    return is_equal;
}

static int is_script(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".jsonl") == 0;
}

BN_TEST(what_goes_in_comes_out_exactly_as_written_down)
{
    struct dirent **names;
    char dir[400];
    int failed = 0;
    bad_disk_install();
    bn_log_set_fd(-1);
    snprintf(dir, sizeof dir, "%s/replay", BN_TESTS_DIR);
    int n = scandir(dir, &names, is_script, alphasort);
    assert_true(n >= 15);
    for (int i = 0; i < n; i++) {
        *strrchr(names[i]->d_name, '.') = 0;
        bool is_equal = replay(names[i]->d_name);
        if (!is_equal)
            print_error("%s told something else\n", names[i]->d_name);
        failed += !is_equal;
        free(names[i]);
    }
    free(names);
    CHECK_INT(failed, 0);
}

BN_TEST_MAIN()
