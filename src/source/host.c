#include "source/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "source/host_sample.h"
#include "source/second.h"

#define MORE_AFTER_MS 2 /* what is long is done in pieces, with turns for others in between */

struct bn_host_source {
    struct bn_host_sampler *sampler;
    struct bn_timer *next;
    struct bn_timer *more;
};

static void go_on(struct bn_host_source *source, bool more)
{
    if (more)
        bn_timer_start(source->more, MORE_AFTER_MS, 0);
}

static void sample(void *user)
{
    struct bn_host_source *source = user;
    struct bn_clock clock;
    bn_clock_read(&clock);
    bn_timer_start(source->next, bn_second_after_ms(clock.now_ms), 0);
    go_on(source, bn_host_sample(source->sampler, clock.now_ms));
}

static void sample_more(void *user)
{
    struct bn_host_source *source = user;
    go_on(source, bn_host_sample_more(source->sampler));
}

bool bn_host_source_start(struct bn_loop *loop,
        void (*tell)(void *user, const struct bn_fact *fact), void *user, const char *root,
        struct bn_host_source **out, struct bn_err *err)
{
    struct bn_host_world world = {.root = root,
            .tell = tell,
            .tell_user = user,
            .moment = bn_moment_now,
            .cost_ns = bn_host_cost_now,
            .fs_read = bn_fs_read,
            .units_read = root[0] ? NULL : bn_units_read}; /* a recorded one has none to ask */
    struct bn_host_reader reader;
    bn_host_reader_init(&reader, root);
    if (strlen(root) >= sizeof reader.root)
        return bn_fail(err, BN_E_INVALID, "the folder %.80s… has too long a name", root);
    if (!bn_host_exists(&reader, "/proc/stat"))
        return bn_fail(err, BN_E_UNAVAILABLE,
                "there is no %s/proc/stat: this machine cannot be measured", reader.root);
    struct bn_host_source *source = bn_alloc(sizeof *source);
    source->sampler = bn_host_sampler_create(&world);
    source->next = bn_timer_create(loop, sample, source);
    source->more = bn_timer_create(loop, sample_more, source);
    bn_timer_start(source->next, 0, 0);
    *out = source;
    return true;
}

void bn_host_source_stop(struct bn_host_source *source)
{
    if (!source)
        return;
    bn_timer_destroy(source->next);
    bn_timer_destroy(source->more);
    bn_host_sampler_destroy(source->sampler);
    free(source);
}
