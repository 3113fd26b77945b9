#include "source/lines.h"

#include <stdio.h>

#include "base/log.h"

/* "2026-11-20T19:57:04.112Z warn  check.failed   server=pve-3 …" → its parts. */
static void take_apart(const char *text, struct bn_line *line)
{
    struct bn_str rest = bn_str(text);
    struct bn_str when = bn_str_cut(&rest, ' ');
    struct bn_str level = bn_str_cut(&rest, ' ');
    rest = bn_str_trim(rest);
    struct bn_str event = bn_str_cut(&rest, ' ');
    if (!bn_time_parse(when.p, when.len, &line->at))
        line->at = 0;
    bn_text_clip(line->level, sizeof line->level, level);
    bn_text_clip(line->event, sizeof line->event, event);
    bn_text_clip(line->text, sizeof line->text, rest.p ? bn_str_trim(rest) : BN_STR(""));
}

/* Any thread. A full inbox loses the line here; it was printed all the same, and the loss is
 * counted. */
static void logged(void *user, uint64_t seq, const char *text)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, BN_TENANT_DEFAULT);
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "%llu", (unsigned long long)seq);
    take_apart(text, &fact.u.line);
    bn_hub_submit(user, &fact);
}

void bn_lines_start(struct bn_hub *hub)
{
    bn_log_read(0, logged, hub);
    bn_log_set_hook(logged, hub);
}

void bn_lines_stop(void)
{
    bn_log_set_hook(NULL, NULL);
}
