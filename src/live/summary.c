#include "live/summary.h"

#include <math.h>
#include <string.h>

/* --- servers --------------------------------------------------------------------------------- */

/* What the last check said: a check that is under way changes nothing. */
static bool is_failing(const struct bn_server *server)
{
    return server->error_class[0] != '\0';
}

static void count_server(const struct bn_server *server, struct bn_summary *out)
{
    if (server->is_active == 0) {
        out->servers_disabled++;
        return;
    }
    out->servers_total++;
    if (!server->last_health_check_at)
        out->servers_unknown++;
    else if (is_failing(server))
        out->servers_offline++;
    else
        out->servers_online++;
    out->servers_flapping += server->is_flapping == 1;
    out->clusters_without_quorum += server->is_quorate == 0 && !server->listed_under[0] &&
                                    server->last_health_check_at && !is_failing(server);
}

/* --- nodes and storages ---------------------------------------------------------------------- */

static bool is_here(const struct bn_node *node)
{
    return strcmp(node->status, "online") == 0 && node->is_stale != 1;
}

/* Adds what is known. */
static void add(int64_t *sum, int64_t value)
{
    if (value != BN_UNKNOWN)
        *sum = (*sum == BN_UNKNOWN ? 0 : *sum) + value;
}

static void count_node(const struct bn_node *node, struct bn_summary *out, double *busy_cores)
{
    out->nodes_total++;
    if (!is_here(node)) {
        if (strcmp(node->status, "offline") == 0)
            out->nodes_offline++;
        else
            out->nodes_unknown++;
        return;
    }
    out->nodes_online++;
    if (!isnan(node->cpu) && node->maxcpu != BN_UNKNOWN) {
        add(&out->cpu_cores, node->maxcpu);
        *busy_cores += node->cpu * (double)node->maxcpu;
    }
    if (node->mem != BN_UNKNOWN && node->maxmem != BN_UNKNOWN) {
        add(&out->mem_used, node->mem);
        add(&out->mem_total, node->maxmem);
    }
}

static void count_storage(const struct bn_storage *storage, struct bn_summary *out)
{
    if (storage->disk == BN_UNKNOWN || storage->maxdisk == BN_UNKNOWN)
        return;
    add(&out->storage_used, storage->disk);
    add(&out->storage_total, storage->maxdisk);
}

static double percent(int64_t used, int64_t total)
{
    return used != BN_UNKNOWN && total > 0 ? fmin(100.0 * (double)used / (double)total, 100) : NAN;
}

/* --- guests ---------------------------------------------------------------------------------- */

/* Guests of which more is known than that they were there: [0] containers, [1] virtual machines. */
struct known {
    size_t count[2];
};

/* A guest whose node does not answer is not running: nobody knows. */
static void count_guest(const struct bn_vm *vm, struct bn_summary *out, struct known *known)
{
    const bool is_vm = vm->type != BN_VM_LXC;
    const char *status = vm->is_stale == 1 ? "" : vm->status;
    if (vm->template == 1)
        return;
    known->count[is_vm] += vm->is_stale != 1;
    ++*(is_vm ? &out->vms_total : &out->containers_total);
    if (strcmp(status, "running") == 0)
        ++*(is_vm ? &out->vms_running : &out->containers_running);
    else if (strcmp(status, "stopped") == 0)
        ++*(is_vm ? &out->vms_stopped : &out->containers_stopped);
    else if (strcmp(status, "paused") == 0 || strcmp(status, "suspended") == 0)
        ++*(is_vm ? &out->vms_paused : &out->containers_paused);
    else
        ++*(is_vm ? &out->vms_other : &out->containers_other);
}

/* --- all ------------------------------------------------------------------------------------- */

/* From servers_total to containers_other all members are counts, and begin at none, or unknown. */
static void set_counts(struct bn_summary *out, const char *from, const char *to, int64_t value)
{
    const size_t first = bn_field_index(&bn_summary_type, from);
    const size_t last = bn_field_index(&bn_summary_type, to);
    for (size_t i = first; i <= last; i++)
        memcpy((char *)out + bn_summary_type.fields[i].offset, &value, sizeof value);
}

/* How many run is no 0 when nobody can say of a single one. */
static void forget_unknown(struct bn_summary *out, const struct known *known)
{
    const bool is_dark = out->servers_total > 0 && out->servers_offline == out->servers_total;
    if ((is_dark || out->vms_total > 0) && known->count[1] == 0)
        set_counts(out, "vms_running", "vms_paused", BN_UNKNOWN);
    if ((is_dark || out->containers_total > 0) && known->count[0] == 0)
        set_counts(out, "containers_running", "containers_paused", BN_UNKNOWN);
}

void bn_summary_count(const struct bn_tenant_live *tenant, struct bn_summary *out)
{
    double busy_cores = 0;
    struct known known = {{0}};
    bn_record_clear(&bn_summary_type, out);
    bn_text_clip(out->id, sizeof out->id, BN_STR("all"));
    set_counts(out, "servers_total", "containers_other", 0);
    bn_table_each(row, &tenant->tables[BN_KIND_SERVER])
            count_server((const void *)row->record, out);
    bn_table_each(row, &tenant->tables[BN_KIND_NODE])
            count_node((const void *)row->record, out, &busy_cores);
    bn_table_each(row, &tenant->tables[BN_KIND_STORAGE])
            count_storage((const void *)row->record, out);
    bn_table_each(row, &tenant->tables[BN_KIND_VM])
            count_guest((const void *)row->record, out, &known);
    forget_unknown(out, &known);
    if (out->servers_total > 0 && out->nodes_total == 0) /* nothing was listed yet */
        set_counts(out, "nodes_total", "containers_other", BN_UNKNOWN);
    if (out->cpu_cores > 0)
        out->cpu_pct = 100 * busy_cores / (double)out->cpu_cores;
    out->mem_pct = percent(out->mem_used, out->mem_total);
    out->storage_pct = percent(out->storage_used, out->storage_total);
}
