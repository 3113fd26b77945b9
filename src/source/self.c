#include "source/self.h"

#include <stdlib.h>

#include "base/clock.h"

#include "source/second.h"
#include "source/self_sample.h"

struct bn_self_source {
    struct bn_self_config config;
    struct bn_timer *next;
    struct bn_self_reader reader;
    struct bn_self_before before;
    struct bn_fact fact;
    int64_t started_at;
};

static void sample(void *user)
{
    struct bn_self_source *source = user;
    struct bn_self_figures figures;
    struct bn_self_process process;
    struct bn_moment at;
    struct bn_clock clock;
    bn_clock_read(&clock);
    bn_timer_start(source->next, bn_second_after_ms(clock.now_ms), 0);

    bn_self_figures_clear(&figures);
    source->config.fill(source->config.fill_user, &figures);
    bn_self_read(&source->reader, &process);
    bn_moment_now(NULL, &at);

    struct bn_fact *fact = &source->fact;
    struct bn_self *self = &fact->u.self;
    bn_fact_init(fact, BN_KIND_SELF, BN_TENANT_DEFAULT);
    bn_text_clip(self->id, sizeof self->id, BN_STR("local"));
    bn_text_clip(self->version, sizeof self->version, BN_STR(BN_VERSION));
    self->at = clock.now_ms;
    self->started_at = source->started_at;
    bn_self_sample(&source->before, &at, &process, &figures, self);
    source->config.tell(source->config.tell_user, fact);
}

bool bn_self_source_start(struct bn_loop *loop, const struct bn_self_config *config,
        struct bn_self_source **out, struct bn_err *err)
{
    struct bn_clock clock;
    (void)err; /* what cannot be read is told as unknown */
    bn_clock_read(&clock);
    struct bn_self_source *source = bn_alloc(sizeof *source);
    source->config = *config;
    source->started_at = clock.now_ms;
    bn_self_reader_init(&source->reader);
    source->next = bn_timer_create(loop, sample, source);
    bn_timer_start(source->next, 0, 0);
    *out = source;
    return true;
}

void bn_self_source_stop(struct bn_self_source *source)
{
    if (!source)
        return;
    bn_timer_destroy(source->next);
    bn_self_reader_finish(&source->reader);
    free(source);
}
