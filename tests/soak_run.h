/*
 * soak_run: the life of a soak: begun, a second at a time, settled, finished.
 */
#pragma once

#include "soak_rig.h"

/* Takes all there is. Each message goes on where the one before ended. */
static uint64_t soak_take(struct soak *soak, struct bn_sink *sink)
{
    struct bn_msg *msgs[SOAK_TAKE_MAX];
    uint64_t n = 0;
    bn_list_remove(&sink->due_link);
    do {
        uint64_t sent = sink->subs->sent;
        size_t got = bn_sink_take(sink, soak->clock.mono_ms, msgs, SOAK_TAKE_MAX,
                BN_LIVE_INFLIGHT_MAX);
        for (size_t i = 0; i < got; i++) {
            soak_need(sink->sub_count > 1 || msgs[i]->from == sent, "a message is missing");
            sent = msgs[i]->to;
            bn_msg_unref(msgs[i]);
        }
        n += got;
    } while (sink->has_more);
    return n;
}

static void soak_join(struct soak *soak, struct bn_sink *sink, struct bn_str topic)
{
    bn_sink_join(sink, bn_topic_find(&soak->hub.topics, "default", topic), 0, 0);
}

static void soak_init(struct soak *soak, const char *machine, int cores)
{
    struct bn_store_config config = {.user = soak, .now_ms = soak_store_now};
    struct bn_err err;
    char notice[200];
    char from[512];
    *soak = (struct soak){.machine.cores = cores};
    snprintf(soak->machine.root, sizeof soak->machine.root, "/tmp/bn-soak-root-XXXXXX");
    snprintf(soak->dir, sizeof soak->dir, "/tmp/bn-soak-data-XXXXXX");
    soak_need(mkdtemp(soak->machine.root) && mkdtemp(soak->dir), "mkdtemp");
    snprintf(from, sizeof from, "%s/fixtures/host/%s", BN_TESTS_DIR, machine);
    soak_from = from;
    soak_to = soak->machine.root;
    soak_need(nftw(from, soak_copy_one, 16, FTW_PHYS) == 0, from);
    soak_put(soak->machine.root, "sys/block/sda/size", BN_STR("20000000\n"));
    bn_buf_init(&soak->machine.text, SOAK_TEXT_MAX);
    soak_set_clock(soak);
    bn_text_clip(config.dir, sizeof config.dir, bn_str(soak->dir));
    soak_need(bn_store_open(&config, &soak->store, notice, &err), err.text);
    bn_hub_init(&soak->hub, &soak->clock, soak->store, NULL, NULL);
    bn_sink_init(&soak->quick, &soak->hub.topics, soak);
    bn_sink_init(&soak->calm, &soak->hub.topics, soak);
    soak_join(soak, &soak->quick, BN_STR("meter.host"));
    soak_join(soak, &soak->calm, BN_STR("meter.host"));
    soak_join(soak, &soak->calm, BN_STR("people.audit"));
    soak->sampler = bn_host_sampler_create(&(struct bn_host_world){.root = soak->machine.root,
            .tell = soak_tell,
            .tell_user = soak,
            .moment = soak_moment,
            .cost_ns = soak_cost,
            .fs_read = soak_fs_read,
            .user = soak});
}

/* Two hours pass in two seconds, and a slow disk does not: waits until what was asked for is kept
   and nothing is under way to the disk. */
static void soak_catch_up(struct soak *soak)
{
    struct bn_store_stats stats;
    for (int i = 0; i < 30000; i++) {
        bn_hub_turn(&soak->hub);
        bn_store_get_stats(soak->store, &stats);
        if (soak->answered == soak->asked && stats.queue == 0)
            return;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    soak_need(false, "the store does not keep up");
}

/* One simulated second, as the server spends it. */
static void soak_second(struct soak *soak)
{
    soak_set_clock(soak);
    soak_move(&soak->machine);
    soak_people(soak);
    bool more = bn_host_sample(soak->sampler, soak->clock.now_ms);
    while (more)
        more = bn_host_sample_more(soak->sampler);
    soak_need(!bn_hub_turn(&soak->hub), "the turn left something");
    soak->heard += soak_take(soak, &soak->quick);
    if (soak->machine.second % SOAK_AUDIT_S == SOAK_AUDIT_S - 1)
        soak_catch_up(soak);
    if (soak->machine.second % 60 == 59)
        soak->merged += soak_take(soak, &soak->calm);
    if (soak->machine.second % SOAK_TIDY_S == SOAK_TIDY_S - 1)
        bn_store_tidy(soak->store);
    soak->machine.second++;
}

/* What memory still gathers goes to the disk, as at shutdown. */
static void soak_settle(struct soak *soak)
{
    bn_hub_close_series(&soak->hub);
    bn_hub_turn(&soak->hub);
    bn_store_tidy(soak->store);
    bn_hub_turn(&soak->hub);
}

static void soak_finish(struct soak *soak)
{
    bn_host_sampler_destroy(soak->sampler);
    bn_sink_finish(&soak->quick);
    bn_sink_finish(&soak->calm);
    bn_hub_finish(&soak->hub);
    bn_store_close(soak->store);
    bn_buf_finish(&soak->machine.text);
    for (int i = 0; i < SOAK_HOT; i++)
        close(soak->machine.hot[i]);
    soak_remove(soak->machine.root);
    soak_remove(soak->dir);
}
