/* Answers of a Proxmox VE, or of what pretends to be one: whatever is read is valid by its field
   table, every refusal has its sentence, and what was mended once needs no mending again. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "source/pve_read.h"
#include "source/pve_rrd.h"
#include "source/pve_tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(const struct bn_err *err)
{
    assert(err->code == BN_E_UPSTREAM || err->code == BN_E_TOO_BIG);
    assert(err->text[0] && bn_utf8_is_valid(err->text, strlen(err->text)));
}

static void check_listing(struct bn_str body)
{
    struct bn_pve_listing listing;
    struct bn_err err;
    if (!bn_pve_read_resources(body, "s", &listing, &err))
        check_sentence(&err);
    for (size_t i = 0; i < listing.guest_count; i++) {
        const struct bn_vm *vm = &listing.guests[i].vm;
        bool is_valid = bn_record_check(&bn_vm_type, vm, &err);
        assert(is_valid && bn_pve_node_is_valid(vm->node) && strncmp(vm->id, "s/", 2) == 0);
        assert(vm->maxmem <= 0 || vm->mem <= vm->maxmem);
    }
    for (size_t i = 0; i < listing.node_count; i++) {
        bool is_valid = bn_record_check(&bn_node_type, &listing.nodes[i], &err);
        assert(is_valid);
    }
    for (size_t i = 0; i < listing.storage_count; i++) {
        bool is_valid = bn_record_check(&bn_storage_type, &listing.storages[i], &err);
        assert(is_valid);
    }
    bn_pve_listing_finish(&listing);
}

/* In order, each time once, no share beyond 1 and nothing below 0; what is written is read again.
 */
static void check_history(struct bn_str body, enum bn_pve_rrd_of of)
{
    struct bn_pve_rrd rrd;
    struct bn_err err;
    struct bn_json json;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1 << 22);
    bn_json_init(&json, &out);
    if (!bn_pve_read_rrd(body, of, &rrd, &err))
        check_sentence(&err);
    assert(rrd.count < 2 || rrd.step_s > 0);
    for (size_t i = 0; i < rrd.count; i++) {
        const struct bn_pve_rrd_point *point = &rrd.points[i];
        assert(point->time_s > (i ? point[-1].time_s : 0));
        assert(isnan(point->values[0]) || (point->values[0] >= 0 && point->values[0] <= 1));
        assert(isnan(point->values[4]) || point->values[4] >= 0);
    }
    bn_pve_rrd_json(&rrd, "hour", &json);
    assert(bn_buf_ok(&out) && bn_utf8_is_valid(out.p, out.len));
    bn_pve_rrd_finish(&rrd);
}

static void check_upid(struct bn_str body)
{
    char upid[256];
    char node[64];
    struct bn_err err;
    if (!bn_pve_read_upid(body, upid, sizeof upid, &err)) {
        check_sentence(&err);
        return;
    }
    bool names = bn_pve_upid_node(upid, node, sizeof node);
    assert(names && upid[strlen(upid) - 1] == ':');
    bn_pve_upid_type(upid, node, sizeof node);
    assert(node[0] && !strchr(node, ':'));
}

static void check_log(struct bn_str body)
{
    static struct bn_output lines[BN_WORK_LINES_MAX];
    size_t n = BN_WORK_LINES_MAX;
    int64_t total;
    struct bn_err err;
    if (!bn_pve_read_log(body, lines, &n, &total, &err)) {
        check_sentence(&err);
        return;
    }
    assert(n <= BN_WORK_LINES_MAX && total >= 0);
    for (size_t i = 0; i < n; i++) {
        assert(lines[i].n > 0 && bn_utf8_is_valid(lines[i].text, strlen(lines[i].text)));
        for (const char *c = lines[i].text; *c; c++)
            assert((unsigned char)*c >= ' ');
    }
}

static void check_tasks(struct bn_str body)
{
    static struct bn_pve_task_row rows[20];
    size_t n = COUNT(rows);
    char node[64];
    struct bn_err err;
    if (!bn_pve_read_tasks(body, rows, &n, &err)) {
        check_sentence(&err);
        return;
    }
    assert(n <= COUNT(rows));
    for (size_t i = 0; i < n; i++) {
        const bool names = bn_pve_upid_node(rows[i].upid, node, sizeof node);
        assert(names && strcmp(node, rows[i].node) == 0 && rows[i].type[0] && rows[i].user[0]);
        assert(rows[i].begun_ms >= 0);
        assert(rows[i].ended_ms == 0 || rows[i].ended_ms >= rows[i].begun_ms);
        assert(bn_utf8_is_valid(rows[i].status, strlen(rows[i].status)));
    }
}

static void check_guest_status(struct bn_str body)
{
    char status[24];
    struct bn_err err;
    if (bn_pve_read_guest_status(body, status, sizeof status, &err))
        assert(status[0] && bn_utf8_is_valid(status, strlen(status)));
    else
        check_sentence(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bn_pve_cluster cluster;
    const struct bn_str body = {(const char *)data, size};
    struct bn_pve_version version;
    struct bn_pve_task task;
    struct bn_err err;
    char text[192];
    int64_t count;
    check_listing(body);
    check_upid(body);
    check_log(body);
    check_tasks(body);
    check_guest_status(body);
    check_history(body, BN_RRD_GUEST);
    check_history(body, BN_RRD_NODE);
    if (bn_pve_read_cluster(body, &cluster, &err))
        assert(cluster.member_count <= BN_PVE_MEMBERS_MAX);
    else
        check_sentence(&err);
    if (!bn_pve_read_nodes(body, &count, &err))
        check_sentence(&err);
    static bn_fingerprint prints[4];
    assert(bn_pve_read_fingerprints(body, prints, COUNT(prints)) <= COUNT(prints));
    if (!bn_pve_read_version(body, &version, &err))
        check_sentence(&err);
    if (!bn_pve_read_task(body, &task, &err))
        check_sentence(&err);
    else
        assert(bn_pve_task_warnings(&task) == 0 || bn_pve_task_is_ok(&task));
    bn_pve_read_refusal(500, "", body, text, sizeof text);
    assert(text[0] && bn_utf8_is_valid(text, strlen(text)));
    return 0;
}
