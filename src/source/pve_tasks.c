#include "source/pve_tasks.h"

#include <stdlib.h>
#include <string.h>

#include "model/doc_foreign.h"
#include "source/pve_read.h"

#define SECONDS_MAX (INT64_C(1) << 40) /* what is beyond is no time, and must not overflow */

/* The parts of a UPID tell most, and cannot disagree with it. */
static void read_upid(struct bn_pve_task_row *out)
{
    struct bn_str rest = bn_str(out->upid);
    struct bn_str parts[8];
    for (size_t i = 0; i < COUNT(parts); i++)
        parts[i] = bn_str_cut(&rest, ':');
    char begun[16];
    bn_text_clip(begun, sizeof begun, parts[4]);
    out->begun_ms = (int64_t)strtoll(begun, NULL, 16) * 1000;
    bn_text_clip(out->type, sizeof out->type, parts[5]);
    bn_text_clip(out->id, sizeof out->id, parts[6]);
    bn_text_clip(out->user, sizeof out->user, parts[7]);
}

static bool read_row(const struct bn_doc *row, struct bn_pve_task_row *out)
{
    int64_t seconds = 0;
    memset(out, 0, sizeof *out);
    if (!bn_doc_is_object(row))
        return false;
    bn_foreign_text(row, "upid", out->upid, sizeof out->upid);
    if (!bn_pve_upid_node(out->upid, out->node, sizeof out->node))
        return false;
    read_upid(out);
    if (bn_foreign_i64(row, "endtime", &seconds) && seconds > 0 && seconds < SECONDS_MAX)
        out->ended_ms = BN_MAX(seconds * 1000, out->begun_ms);
    bn_foreign_text(row, "status", out->status, sizeof out->status);
    if (strcmp(out->status, "RUNNING") == 0 || strcmp(out->status, "running") == 0)
        out->status[0] = '\0';
    return true;
}

bool bn_pve_read_tasks(struct bn_str body, struct bn_pve_task_row *out, size_t *n,
        struct bn_err *err)
{
    struct bn_doc *doc = NULL;
    const struct bn_doc *list;
    size_t count = 0;
    const bool ok = bn_pve_open_list(body, &doc, &list, err);
    for (size_t i = 0; ok && count < *n && i < bn_doc_count(list); i++)
        count += read_row(bn_doc_item(list, i), &out[count]);
    bn_doc_destroy(doc);
    if (ok)
        *n = count;
    return ok;
}
