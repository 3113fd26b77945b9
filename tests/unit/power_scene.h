/*
 * power_scene: one Proxmox VE of canned answers in the registry, and what is asked of a guest
 * there.
 */
#pragma once

#include "hub_rig.h"
#include "pve_peer.h"
#include "source/power.h"

static struct pve pve;

static struct {
    struct bn_operations *operations;
    struct bn_power *power;
    int begun;
    struct bn_err err; /* of begun; code OK: it began */
    char id[BN_ID_MAX];
} scene;

BN_UNUSED static void open_power(void)
{
    const struct bn_operations_config operations = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock};
    scene.operations = bn_operations_start(&operations);
    const struct bn_power_config power = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .fetch = rig.fetch,
            .key = &rig.key,
            .operations = scene.operations};
    scene.power = bn_power_start(&power);
}

/* After rig_open_hub(): the server, in the registry as "s1", and who follows what is asked of it.
 */
BN_UNUSED static void scene_begin(const struct peer_answer *answers, size_t count)
{
    struct bn_fact fact;
    memset(&scene, 0, sizeof scene);
    pve_open(&pve, rig.loop, "a", answers, count);
    rig.fetch = pve_fetch(rig.loop);
    open_power();
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    pve_server(&pve, "s1", &rig.key, &fact.u.server);
    put(&fact);
}

BN_UNUSED static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_power_stop(scene.power);
    bn_operations_stop(scene.operations);
    pve_close(&pve);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

BN_UNUSED static void on_begun(void *user, const struct bn_operation *operation,
        const struct bn_err *err)
{
    (void)user;
    scene.begun++;
    scene.err = err ? *err : (struct bn_err){.code = BN_E_OK};
    memcpy(scene.id, operation->id, sizeof scene.id);
}

BN_UNUSED static const struct bn_operation *seen(void)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_OPERATION, scene.id);
}

BN_UNUSED static struct bn_operation a_stop(void)
{
    struct bn_operation wanted;
    bn_record_clear(&bn_operation_type, &wanted);
    snprintf(wanted.action, sizeof wanted.action, "stop");
    snprintf(wanted.server_id, sizeof wanted.server_id, "s1");
    snprintf(wanted.node, sizeof wanted.node, "n1");
    snprintf(wanted.subject, sizeof wanted.subject, "web (100) on alpha");
    wanted.type = BN_WORK_VM_POWER;
    wanted.vm_type = BN_VM_QEMU;
    wanted.vmid = 100;
    return wanted;
}

BN_UNUSED static void stop_it(void)
{
    struct bn_operation wanted = a_stop();
    struct bn_err err;
    if (!bn_power_do(scene.power, BN_TENANT_DEFAULT, &wanted, on_begun, NULL, &err))
        fail_msg("%s", err.text);
    memcpy(scene.id, wanted.id, sizeof scene.id);
}

BN_UNUSED static bool is_over(void)
{
    return seen() && bn_operation_is_over(seen());
}

BN_UNUSED static size_t count_asked(const char *what)
{
    size_t count = 0;
    for (const char *at = pve.peer.asked; (at = strstr(at, what)); at++)
        count++;
    return count;
}
