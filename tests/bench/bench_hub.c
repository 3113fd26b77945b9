/*
 * bench_hub: the hub alone; facts in, messages out, with nobody and with 1,000 listening.
 *
 * Printed as facts per second and as a ratio against copying the same facts through the same queue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/hub.h"

#define ROWS 100
#define BUSY 1000 /* facts per turn when much happens at once */

struct scene {
    struct bn_clock clock;
    struct bn_hub hub;
    struct bn_sink *sinks;
    size_t sink_count;
    size_t delivered;
};

static void scene_init(struct scene *scene, size_t sinks)
{
    memset(scene, 0, sizeof *scene);
    bn_clock_read(&scene->clock);
    bn_hub_init(&scene->hub, &scene->clock, NULL, NULL, NULL);
    scene->sinks = bn_alloc_array(sinks, sizeof *scene->sinks);
    scene->sink_count = sinks;
    struct bn_topic *topic = bn_topic_find(&scene->hub.topics, "default", BN_STR("meter.host"));
    for (size_t i = 0; i < sinks; i++) {
        bn_sink_init(&scene->sinks[i], &scene->hub.topics, NULL);
        bn_sink_join(&scene->sinks[i], topic, 0, 0);
    }
}

static void scene_finish(struct scene *scene)
{
    for (size_t i = 0; i < scene->sink_count; i++)
        bn_sink_finish(&scene->sinks[i]);
    free(scene->sinks);
    bn_hub_finish(&scene->hub);
}

/* What web/ does with the sinks that have something to say, without the sockets. */
static void deliver(struct scene *scene)
{
    struct bn_sink *sink;
    while ((sink = bn_sink_next_due(&scene->hub.topics))) {
        struct bn_msg *msgs[8];
        size_t n = bn_sink_take(sink, scene->clock.mono_ms, msgs, 8, 1 << 20);
        scene->delivered += n;
        for (size_t i = 0; i < n; i++)
            bn_msg_unref(msgs[i]);
    }
}

static struct bn_fact *make_facts(void)
{
    struct bn_fact *facts = bn_alloc_array(ROWS, sizeof *facts);
    for (int i = 0; i < ROWS; i++) {
        bn_fact_init(&facts[i], BN_KIND_PROC, "default");
        snprintf(facts[i].u.proc.id, sizeof facts[i].u.proc.id, "%d.1", i);
        snprintf(facts[i].u.proc.name, sizeof facts[i].u.proc.name, "process-%d", i);
        facts[i].u.proc.pid = i + 1;
    }
    return facts;
}

static double run(size_t sinks, size_t turns, size_t per_turn)
{
    struct scene scene;
    struct bn_fact *facts = make_facts();
    scene_init(&scene, sinks);
    int64_t begun = bn_clock_mono_ns();
    for (size_t t = 0; t < turns; t++) {
        for (size_t i = 0; i < per_turn; i++) {
            struct bn_fact *fact = &facts[i % ROWS];
            fact->u.proc.cpu_pct = (double)((t + i) % 100);
            bn_hub_tell(&scene.hub, fact);
        }
        bn_hub_turn(&scene.hub);
        deliver(&scene);
    }
    double seconds = (double)(bn_clock_mono_ns() - begun) / 1e9;
    if (scene.delivered != sinks * turns || scene.hub.refused_count)
        printf("hub: delivered %zu of %zu, refused %llu\n", scene.delivered, sinks * turns,
                (unsigned long long)scene.hub.refused_count);
    scene_finish(&scene);
    free(facts);
    return (double)(turns * per_turn) / seconds;
}

/* The floor under it: the same facts copied twice, compared once. */
static double run_raw(size_t turns)
{
    struct bn_fact *facts = make_facts();
    struct bn_fact *queue = bn_alloc_array(BUSY, sizeof *queue);
    volatile uint64_t differ = 0;
    int64_t begun = bn_clock_mono_ns();
    for (size_t t = 0; t < turns; t++) {
        for (size_t i = 0; i < BUSY; i++) {
            facts[i % ROWS].u.proc.cpu_pct = (double)((t + i) % 100);
            queue[i] = facts[i % ROWS];
        }
        for (size_t i = 0; i < BUSY; i++)
            differ += memcmp(&queue[i], &facts[(i + 1) % ROWS], sizeof queue[i]) != 0;
    }
    double seconds = (double)(bn_clock_mono_ns() - begun) / 1e9;
    free(queue);
    free(facts);
    return (double)(turns * BUSY) / seconds;
}

static void report(const char *what, double facts_ps, double raw_ps, double bar_ps)
{
    printf("%-38s %9.0f facts/s   %.4f of raw copy   bar %7.0f   %s\n", what, facts_ps,
            facts_ps / raw_ps, bar_ps, facts_ps >= bar_ps ? "ok" : "MISSED");
}

int main(void)
{
    double raw = run_raw(3000);
    report("hub, 0 sinks, 1,000 facts a turn", run(0, 3000, BUSY), raw, 1e6);
    report("hub, 0 sinks, 1 fact a turn", run(0, 500000, 1), raw, 1e6);
    report("hub, 1,000 sinks, 1,000 facts a turn", run(1000, 300, BUSY), raw, 1e5);
    report("hub, 1,000 sinks, 1 fact a turn", run(1000, 5000, 1), raw, 1e5);
    return 0;
}
