#include "bn_test.h"
#include "people_rig.h"
#include "pve_peer.h"
#include "source/rrd.h"
#include "web/api_infra.h"

/* The web with a server of two guests and two nodes, of which one is away. */

#define S1 "/api/v1/servers/s1/nodes"

static const struct peer_answer answers[] = {
        {"/api2/json/nodes/n1/qemu/100/rrddata", OK("{\"data\":[{\"time\":60,\"cpu\":0.5}]}"), 0,
                true},
        {"/api2/json/nodes/n1/lxc/200/rrddata",
                "HTTP/1.1 403 Permission check failed (/vms/200, VM.Audit)\r\nConnection: "
                "close\r\n\r\n{\"data\":null}",
                0, true},
        {"/api2/json/nodes/n1/rrddata", OK("{\"data\":[{\"time\":60,\"loadavg\":1.5}]}"), 0, true},
};

static struct people_rig rig;
static struct bn_seal_key key = {.id = "k"};
static struct bn_rrd *rrd;
static struct pve pve;

static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    web->fetch = pve_fetch(web->loop);
    const struct bn_rrd_config past = {&web->hub, &web->clock, web->fetch, &key};
    config->fetch = web->fetch;
    config->key = &key;
    config->rrd = rrd = bn_rrd_create(&past);
}

static void put_server(const char *id, int64_t is_active)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    struct bn_server *server = &fact.u.server;
    bn_server_set_defaults(server);
    pve_server(&pve, id, &key, server);
    server->port += is_active ? 0 : 1;
    server->is_active = is_active;
    people_ask(&rig, &fact);
}

static void put_guest(int64_t vmid, enum bn_vm_type type, const char *node)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_VM, BN_TENANT_DEFAULT);
    snprintf(fact.u.vm.id, sizeof fact.u.vm.id, "s1/%d", (int)vmid);
    snprintf(fact.u.vm.server_id, sizeof fact.u.vm.server_id, "s1");
    snprintf(fact.u.vm.node, sizeof fact.u.vm.node, "%s", node);
    fact.u.vm.vmid = vmid;
    fact.u.vm.type = type;
    bn_hub_tell(&rig.web.hub, &fact);
}

static void put_node(const char *name, const char *status)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_NODE, BN_TENANT_DEFAULT);
    snprintf(fact.u.node.id, sizeof fact.u.node.id, "s1/%s", name);
    snprintf(fact.u.node.server_id, sizeof fact.u.node.server_id, "s1");
    snprintf(fact.u.node.node, sizeof fact.u.node.node, "%s", name);
    snprintf(fact.u.node.status, sizeof fact.u.node.status, "%s", status);
    bn_hub_tell(&rig.web.hub, &fact);
}

static void begin(void)
{
    web_rig_prepare = prepare;
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    pve_open(&pve, rig.web.loop, "a", answers, COUNT(answers));
    put_server("s1", 1);
    put_server("off", 0);
    put_node("n1", "online");
    put_node("n2", "offline");
    put_guest(100, BN_VM_QEMU, "n1");
    put_guest(200, BN_VM_LXC, "n1");
    put_guest(300, BN_VM_QEMU, "n2");
    web_rig_round(&rig.web);
}

static void end(void)
{
    pve_close(&pve);
    bn_fetch_destroy(rig.web.fetch); /* its last answers come to what follows */
    rig.web.fetch = NULL;
    bn_rrd_destroy(rrd);
    people_finish(&rig);
}

static void ask(const char *who, const char *path, int status, const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "GET %s", path);
    people_check(&rig, who, line, "", status, part);
}

BN_TEST(guests_and_nodes_have_a_history)
{
    begin();
    ask(rig.vera, S1 "/n1/qemu/100/rrd?range=hour", 200, "\"range\":\"hour\",\"step_s\":null");
    CHECK(strstr(rig.web.answer.p, "{\"time\":\"1970-01-01T00:01:00.000Z\",\"cpu\":0.5,"));
    ask(rig.vera, S1 "/n1/qemu/100/rrd", 200, "\"range\":\"hour\"");
    CHECK_INT(pve.peer.requests, 1);
    ask(rig.vera, S1 "/n1/rrd?range=year", 200, "\"loadavg\":1.5");
    end();
}

BN_TEST(a_refusal_names_the_privilege_and_the_line_that_grants_it)
{
    begin();
    ask(rig.vera, S1 "/n1/lxc/200/rrd", 502, "the token lacks VM.Audit on /vms/200");
    CHECK(strstr(rig.web.answer.p,
            "\"hint\":\"pveum acl modify /vms/200 --tokens 'root@pam!t' --roles PVEAuditor\""));
    CHECK(!strstr(rig.web.answer.p, "0f3c1d2e"));
    end();
}

BN_TEST(what_is_not_there_is_not_asked_for)
{
    begin();
    ask(NULL, S1 "/n1/qemu/100/rrd", 401, "unauthorized");
    ask(rig.vera, "/api/v1/servers/s2/nodes/n1/qemu/100/rrd", 404, "there is no such server");
    ask(rig.vera, "/api/v1/servers/off/nodes/n1/rrd", 404, "is disabled");
    ask(rig.vera, S1 "/n1/qemu/101/rrd", 404, "has no qemu guest 101");
    ask(rig.vera, S1 "/n1/lxc/100/rrd", 404, "has no lxc guest 100");
    ask(rig.vera, S1 "/n2/qemu/100/rrd", 404, "guest 100 is on the node n1 now");
    ask(rig.vera, S1 "/n2/qemu/300/rrd", 503, "the node n2 is offline");
    ask(rig.vera, S1 "/n2/rrd", 503, "the node n2 is offline");
    ask(rig.vera, S1 "/n9/rrd", 404, "has no node \\\"n9\\\"");
    ask(rig.vera, S1 "/n1/rrd?range=decade", 400, "\"field\":\"range\"");
    ask(rig.vera, S1 "/n1/rrd?cf=MAX", 400, "unknown parameter");
    CHECK_INT(pve.peer.requests, 0);
    end();
}

BN_TEST(one_person_may_ask_so_often_and_waits_then)
{
    char path[200];
    begin();
    for (int i = 0; i < BN_HISTORIES_FREE; i++) {
        put_server("s1", 1);
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
        fact.u.server = *(const struct bn_server *)bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT,
                BN_KIND_SERVER, "s1");
        fact.u.server.updated_at = i + 1; /* what is kept is another's */
        people_ask(&rig, &fact);
        snprintf(path, sizeof path, S1 "/n1/qemu/100/rrd?range=hour");
        ask(rig.vera, path, 200, "points");
    }
    ask(rig.vera, path, 200, "points"); /* known: asks nobody */
    ask(rig.vera, S1 "/n1/qemu/100/rrd?range=day", 429, "asking for histories");
    ask(rig.ada, S1 "/n1/qemu/100/rrd?range=day", 200, "points");
    end();
}

BN_TEST_MAIN()
