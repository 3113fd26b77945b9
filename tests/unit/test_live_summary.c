#include <math.h>

#include "bn_test.h"
#include "live/summary.h"

static struct bn_live live;

static void put(const struct bn_fact *fact)
{
    struct bn_change change;
    struct bn_err err;
    if (!bn_live_admit(&live, fact, &err))
        fail_msg("%s", err.text);
    bn_live_apply(&live, fact, &change);
    (void)bn_live_derive(&live, fact, &change);
}

static void server(const char *id, int64_t is_active)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "%s", id);
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "%s", id);
    fact.u.server.port = 8006;
    fact.u.server.is_active = is_active;
    put(&fact);
}

/* success BN_UNKNOWN: one begins. */
static void check(const char *server_id, int64_t success, int64_t is_quorate)
{
    static int64_t at = 1000;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CHECK, BN_TENANT_DEFAULT);
    struct bn_check *check = &fact.u.check;
    snprintf(check->id, sizeof check->id, "%s/%d", server_id, (int)at);
    snprintf(check->server_id, sizeof check->server_id, "%s", server_id);
    check->at = at++;
    check->success = success;
    check->response_time_ms = 10;
    check->is_quorate = is_quorate;
    if (success == 0) {
        snprintf(check->error_class, sizeof check->error_class, "refused");
        snprintf(check->error, sizeof check->error, "connection refused");
    }
    put(&fact);
}

static void node(const char *name, const char *status, int64_t is_stale, double cpu)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_NODE, BN_TENANT_DEFAULT);
    struct bn_node *node = &fact.u.node;
    snprintf(node->id, sizeof node->id, "a/%s", name);
    snprintf(node->server_id, sizeof node->server_id, "a");
    snprintf(node->node, sizeof node->node, "%s", name);
    snprintf(node->status, sizeof node->status, "%s", status);
    node->is_stale = is_stale;
    node->cpu = cpu;
    node->maxcpu = 4;
    node->mem = 25;
    node->maxmem = 100;
    put(&fact);
}

static void guest(int64_t vmid, enum bn_vm_type type, const char *status, bool is_stale,
        bool is_template)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_VM, BN_TENANT_DEFAULT);
    struct bn_vm *vm = &fact.u.vm;
    snprintf(vm->id, sizeof vm->id, "a/%d", (int)vmid);
    snprintf(vm->server_id, sizeof vm->server_id, "a");
    snprintf(vm->node, sizeof vm->node, "n1");
    snprintf(vm->status, sizeof vm->status, "%s", status);
    vm->vmid = vmid;
    vm->type = type;
    vm->is_stale = is_stale;
    vm->template = is_template;
    put(&fact);
}

static void storage(const char *id, int64_t disk, int64_t maxdisk)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_STORAGE, BN_TENANT_DEFAULT);
    struct bn_storage *storage = &fact.u.storage;
    snprintf(storage->id, sizeof storage->id, "a/storage/%s", id);
    snprintf(storage->server_id, sizeof storage->server_id, "a");
    snprintf(storage->name, sizeof storage->name, "%s", id);
    storage->disk = disk;
    storage->maxdisk = maxdisk;
    put(&fact);
}

static struct bn_summary count(void)
{
    struct bn_summary out;
    struct bn_err err;
    bn_summary_count(live.tenants, &out);
    if (!bn_record_check(&bn_summary_type, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

BN_TEST(nothing_is_none_and_what_nobody_told_yet_is_unknown)
{
    bn_live_init(&live);
    struct bn_summary sum = count();
    CHECK_STR(sum.id, "all");
    CHECK_INT(sum.servers_total, 0);
    CHECK_INT(sum.nodes_total, 0);
    CHECK_INT(sum.vms_running, 0);
    CHECK_INT(sum.cpu_cores, BN_UNKNOWN);
    CHECK_INT(sum.storage_used, BN_UNKNOWN);
    CHECK(isnan(sum.mem_pct));
    server("a", 1);
    sum = count();
    CHECK_INT(sum.servers_total, 1);
    CHECK_INT(sum.servers_unknown, 1);
    CHECK_INT(sum.nodes_total, BN_UNKNOWN);
    CHECK_INT(sum.vms_total, BN_UNKNOWN);
    CHECK_INT(sum.containers_other, BN_UNKNOWN);
    bn_live_finish(&live);
}

BN_TEST(servers_are_what_their_last_check_said_while_the_next_one_runs)
{
    bn_live_init(&live);
    server("a", 1);
    server("b", 1);
    server("c", 1);
    server("d", 0);
    check("a", 1, 0);
    check("b", 0, BN_UNKNOWN);
    check("a", BN_UNKNOWN, BN_UNKNOWN);
    check("b", BN_UNKNOWN, BN_UNKNOWN);
    struct bn_summary sum = count();
    CHECK_INT(sum.servers_total, 3);
    CHECK_INT(sum.servers_online, 1);
    CHECK_INT(sum.servers_offline, 1);
    CHECK_INT(sum.servers_unknown, 1);
    CHECK_INT(sum.servers_disabled, 1);
    CHECK_INT(sum.clusters_without_quorum, 1);
    for (int i = 0; i < 30; i++)
        check("b", i % 2, 1);
    CHECK_INT(count().servers_flapping, 1);
    bn_live_finish(&live);
}

BN_TEST(nodes_weigh_by_their_processors_and_only_those_that_are_here)
{
    bn_live_init(&live);
    server("a", 1);
    node("n1", "online", 0, 0.5);
    node("n2", "online", 0, 0.1);
    node("n3", "online", 1, 1); /* its numbers stand still */
    node("n4", "offline", 0, NAN);
    node("n5", "unknown", 0, NAN);
    const struct bn_summary sum = count();
    CHECK_INT(sum.nodes_total, 5);
    CHECK_INT(sum.nodes_online, 2);
    CHECK_INT(sum.nodes_offline, 1);
    CHECK_INT(sum.nodes_unknown, 2);
    CHECK_INT(sum.cpu_cores, 8);
    CHECK_NEAR(sum.cpu_pct, 30, 1e-9);
    CHECK_INT(sum.mem_used, 50);
    CHECK_INT(sum.mem_total, 200);
    CHECK_NEAR(sum.mem_pct, 25, 1e-9);
    bn_live_finish(&live);
}

BN_TEST(guests_are_counted_by_kind_and_state_and_no_template_is_one)
{
    bn_live_init(&live);
    server("a", 1);
    node("n1", "online", 0, 0);
    guest(100, BN_VM_QEMU, "running", false, false);
    guest(101, BN_VM_QEMU, "stopped", false, false);
    guest(102, BN_VM_QEMU, "paused", false, false);
    guest(103, BN_VM_QEMU, "running", true, false); /* its node is away */
    guest(104, BN_VM_QEMU, "io-error", false, false);
    guest(105, BN_VM_QEMU, "stopped", false, true);
    guest(200, BN_VM_LXC, "running", false, false);
    guest(201, BN_VM_LXC, "unknown", false, false);
    guest(202, BN_VM_LXC, "stopped", false, false);
    const struct bn_summary sum = count();
    CHECK_INT(sum.vms_total, 5);
    CHECK_INT(sum.vms_running, 1);
    CHECK_INT(sum.vms_stopped, 1);
    CHECK_INT(sum.vms_paused, 1);
    CHECK_INT(sum.vms_other, 2);
    CHECK_INT(sum.containers_total, 3);
    CHECK_INT(sum.containers_running, 1);
    CHECK_INT(sum.containers_stopped, 1);
    CHECK_INT(sum.containers_paused, 0);
    CHECK_INT(sum.containers_other, 1);
    bn_live_finish(&live);
}

BN_TEST(of_guests_whose_servers_do_not_answer_nobody_says_that_none_runs)
{
    bn_live_init(&live);
    server("a", 1);
    check("a", 1, BN_UNKNOWN);
    node("n1", "online", 0, 0);
    guest(100, BN_VM_QEMU, "running", true, false);
    guest(101, BN_VM_QEMU, "stopped", true, false);
    guest(200, BN_VM_LXC, "running", false, false);
    struct bn_summary sum = count(); /* one kind is known and the other not */
    CHECK_INT(sum.vms_total, 2);
    CHECK_INT(sum.vms_running, BN_UNKNOWN);
    CHECK_INT(sum.vms_stopped, BN_UNKNOWN);
    CHECK_INT(sum.vms_paused, BN_UNKNOWN);
    CHECK_INT(sum.vms_other, 2);
    CHECK_INT(sum.containers_running, 1);
    CHECK_INT(sum.containers_stopped, 0);
    guest(101, BN_VM_QEMU, "stopped", false, false); /* of one at least */
    CHECK_INT(count().vms_running, 0);
    CHECK_INT(count().vms_stopped, 1);
    guest(101, BN_VM_QEMU, "stopped", true, false);
    guest(200, BN_VM_LXC, "running", true, true); /* a template is no guest */
    CHECK_INT(count().containers_running, 0);     /* it answers, and there is none */
    check("a", 0, BN_UNKNOWN);
    sum = count();
    CHECK_INT(sum.containers_total, 0); /* as last known */
    CHECK_INT(sum.containers_running, BN_UNKNOWN);
    CHECK_INT(sum.containers_stopped, BN_UNKNOWN);
    bn_live_finish(&live);
}

BN_TEST(storages_without_a_size_are_left_out)
{
    bn_live_init(&live);
    server("a", 1);
    storage("nfs", 10, 100);
    storage("n1/local", 20, 100);
    storage("n2/local", BN_UNKNOWN, BN_UNKNOWN);
    const struct bn_summary sum = count();
    CHECK_INT(sum.storage_used, 30);
    CHECK_INT(sum.storage_total, 200);
    CHECK_NEAR(sum.storage_pct, 15, 1e-9);
    bn_live_finish(&live);
}

BN_TEST_MAIN()
