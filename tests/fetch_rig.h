/*
 * fetch_rig: io/fetch on a loop with a peer beside it, and one question at a time.
 */
#pragma once

#include "bn_test.h"
#include "http_peer.h"
#include "io/fetch.h"

#define WAIT_MS 10000

struct rig {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_fetch *fetch;
    struct peer peer;
};

struct ask {
    struct bn_fetch_job job;
    int done;
    int read;
};

static void on_read(struct bn_fetch_job *job)
{
    container_of(job, struct ask, job)->read++;
}

static void on_done(struct bn_fetch_job *job)
{
    container_of(job, struct ask, job)->done++;
}

static const struct bn_fetch_config usual = {.at_once = 16,
        .queue_max = 1000,
        .per_host = 8,
        .idle_max = 8,
        .bodies_max = 1 << 20,
        .keep_ms = 4000};

static void rig_start(struct rig *rig, const struct bn_fetch_config *config, bool is_open)
{
    struct bn_fetch_config mine = *config;
    memset(rig, 0, sizeof *rig);
    CHECK(bn_loop_create(&rig->loop, &rig->clock, NULL));
    if (is_open) {
        CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &mine.policy.allowed[0], NULL));
        mine.policy.allowed_count = 1;
    }
    CHECK(bn_fetch_create(rig->loop, &mine, &rig->fetch, NULL));
}

static void rig_stop(struct rig *rig)
{
    bn_fetch_destroy(rig->fetch);
    if (rig->peer.listener)
        peer_close(&rig->peer);
    bn_loop_destroy(rig->loop);
}

static void serve(struct rig *rig, const struct peer_answer *answers, size_t count,
        struct bn_tls_config *tls)
{
    rig->peer.answers = answers;
    rig->peer.answer_count = count;
    peer_open(&rig->peer, rig->loop, tls);
}

static void ask_init(struct rig *rig, struct ask *ask, const char *path)
{
    memset(ask, 0, sizeof *ask);
    bn_fetch_job_init(&ask->job, 1024);
    struct bn_fetch_request *request = &ask->job.request;
    bn_text_clip(request->host, sizeof request->host, BN_STR("127.0.0.1"));
    bn_text_clip(request->path, sizeof request->path, bn_str(path));
    request->port = rig->peer.listener ? bn_listener_port(rig->peer.listener) : 1;
    request->is_plain = true;
    request->connect_ms = 5000;
    request->total_ms = 5000;
    request->answer_max = 4096;
    ask->job.read = on_read;
    ask->job.done = on_done;
}

static bool turn(void *user)
{
    struct rig *rig = user;
    bn_fetch_collect(rig->fetch);
    bn_streams_tick(rig->loop);
    return false;
}

static void wait_for(struct rig *rig, const struct ask *ask)
{
    int64_t begun_ms = rig->clock.mono_ms;
    while (!ask->done && rig->clock.mono_ms - begun_ms < WAIT_MS)
        bn_loop_round(rig->loop, 10, turn, rig);
    CHECK_INT(ask->done, 1);
}

static const struct bn_fetch_answer *run_ask(struct rig *rig, struct ask *ask)
{
    struct bn_err err;
    if (!bn_fetch_do(rig->fetch, &ask->job, &err))
        fail_msg("%s", err.text);
    wait_for(rig, ask);
    return &ask->job.answer;
}

static void check_fault(const struct bn_fetch_answer *answer, const char *fault, const char *phase,
        const char *text)
{
    if (strcmp(bn_fetch_fault_word(answer->fault), fault) != 0 ||
            strcmp(bn_fetch_phase_word(answer->phase), phase) != 0 || !strstr(answer->text, text))
        fail_msg("got %s in %s: \"%s\"; wanted %s in %s: \"%s\"",
                bn_fetch_fault_word(answer->fault), bn_fetch_phase_word(answer->phase),
                answer->text, fault, phase, text);
}
