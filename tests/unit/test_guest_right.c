#include "bn_test.h"
#include "people_rig.h"
#include "web/api_infra.h"
#include "web/guest_right.h"

/* Two servers with a guest of the same number, and vera, who may be restricted. */

#define VMS       "/api/v1/vms"
#define HERS      "/api/v1/users/vera/assignments"
#define POWER     "/api/v1/servers/s1/nodes/n1/qemu/100/"
#define LONG_NODE "n234567890123456789012345678901234567890123456789012345678901234"
#define ASSIGN    "{\"server_id\":\"s1\",\"vmid\":100,\"permissions\":\"view,start\"}"

static struct people_rig rig;

static void put_server(const char *tenant, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, tenant);
    bn_server_set_defaults(&fact.u.server);
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "name-%s", id);
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "%s", id);
    people_ask(&rig, &fact);
}

static void put_guest(const char *tenant, const char *server_id, int64_t vmid)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_VM, tenant);
    snprintf(fact.u.vm.id, sizeof fact.u.vm.id, "%s/%d", server_id, (int)vmid);
    snprintf(fact.u.vm.server_id, sizeof fact.u.vm.server_id, "%s", server_id);
    snprintf(fact.u.vm.node, sizeof fact.u.vm.node, "n1");
    snprintf(fact.u.vm.name, sizeof fact.u.vm.name, "%s-%d", server_id, (int)vmid);
    fact.u.vm.vmid = vmid;
    fact.u.vm.type = BN_VM_QEMU;
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
}

static void ask(const char *who, const char *verb, const char *path, const char *body, int status,
        const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "%s %s", verb, path);
    people_check(&rig, who, line, body, status, part);
}

static void restrict_vera(const char *is)
{
    char body[64];
    snprintf(body, sizeof body, "{\"is_restricted\":%s}", is);
    ask(rig.ada, "PATCH", "/api/v1/users/vera", body, 200, "is_restricted");
}

/* Something that follows operations, and calls nobody. */
static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    const struct bn_operations_config operations = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock};
    web->operations = bn_operations_start(&operations);
    const struct bn_power_config power = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock,
            .operations = web->operations};
    web->power = bn_power_start(&power);
    config->operations = web->operations;
    config->power = web->power;
}

static void begin(void)
{
    web_rig_prepare = prepare;
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    put_server(BN_TENANT_DEFAULT, "s1");
    put_server(BN_TENANT_DEFAULT, "s2");
    put_guest(BN_TENANT_DEFAULT, "s1", 100);
    put_guest(BN_TENANT_DEFAULT, "s1", 101);
    put_guest(BN_TENANT_DEFAULT, "s2", 100);
}

BN_TEST(who_is_restricted_sees_what_is_assigned_and_nothing_else)
{
    static const char *const closed[] = {"/api/v1/servers", "/api/v1/summary",
            "/api/v1/state?topic=infra.vms", "/api/v1/state?topic=infra.servers",
            "/api/v1/state?topic=summary", "/api/v1/state?topic=meter.host", "/api/v1/users"};
    begin();
    ask(rig.vera, "GET", VMS, "", 200, "s2-100"); /* a viewer sees all */
    restrict_vera("true");
    ask(rig.vera, "GET", VMS, "", 200, "{\"vms\":[],\"servers\":[],\"errors\":[]}");
    ask(rig.ada, "POST", HERS, ASSIGN, 201, "\"permissions\":\"view,start\"");
    ask(rig.vera, "GET", VMS, "", 200, "\"permissions\":\"view,start\"");
    CHECK(strstr(rig.web.answer.p, "s1-100") && !strstr(rig.web.answer.p, "s1-101"));
    CHECK(!strstr(rig.web.answer.p, "s2"));
    ask(rig.vera, "GET", VMS "?server_id=s2", "", 404, "there is no such server");
    for (size_t i = 0; i < COUNT(closed); i++)
        ask(rig.vera, "GET", closed[i], "", 403, "forbidden");
    ask(rig.vera, "GET", "/api/v1/servers/s1/nodes/n1/qemu/101/rrd", "", 404, "no such guest");
    ask(rig.vera, "GET", "/api/v1/servers/s1/nodes/n1/rrd", "", 403, "forbidden");
    ask(rig.vera, "GET", "/api/v1/session", "", 200, "\"is_restricted\":true");
    people_finish(&rig);
}

BN_TEST(an_assignment_allows_what_it_says_of_that_guest_of_that_server)
{
    begin();
    ask(rig.vera, "POST", POWER "start", "", 403, "assign it to you with \\\"start\\\"");
    ask(rig.ada, "POST", HERS, ASSIGN, 201, "");
    restrict_vera("true");
    ask(rig.vera, "POST", POWER "stop", "", 403, "assign it to you with \\\"stop\\\"");
    ask(rig.vera, "POST", POWER "reboot", "", 403, "assign it to you with \\\"restart\\\"");
    ask(rig.vera, "POST", "/api/v1/servers/s2/nodes/n1/qemu/100/start", "", 404, "no such guest");
    ask(rig.vera, "POST", "/api/v1/servers/s1/nodes/n1/qemu/101/start", "", 404, "no such guest");
    /* Allowed, so the node in the address is looked at next: nobody calls a server from here. */
    ask(rig.vera, "POST", "/api/v1/servers/s1/nodes/n9/qemu/100/start", "", 404, "is on node n1");
    ask(rig.vera, "POST", "/api/v1/servers/s1/nodes/n9/qemu/100/resume", "", 404, "is on node n1");
    people_finish(&rig);
}

static void put_operation(const char *id, int64_t vmid, enum bn_work_status status)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OPERATION, BN_TENANT_DEFAULT);
    struct bn_operation *operation = &fact.u.operation;
    bn_record_clear(&bn_operation_type, operation);
    snprintf(operation->id, sizeof operation->id, "%s", id);
    operation->type = vmid ? BN_WORK_VM_POWER : BN_WORK_HEALTH_CHECK;
    snprintf(operation->action, sizeof operation->action, "%s", vmid ? "stop" : "");
    if (vmid) {
        snprintf(operation->server_id, sizeof operation->server_id, "s1");
        operation->vmid = vmid;
    }
    operation->status = status;
    operation->progress = 10;
    operation->started_at = rig.web.clock.now_ms;
    if (bn_operation_is_over(operation))
        operation->completed_at = operation->started_at;
    people_ask(&rig, &fact);
}

BN_TEST(who_is_restricted_follows_what_is_done_to_his_guests_and_no_other_operation)
{
    static const char *const others[] = {"theirs", "theirs-now", "check"};
    char path[80];
    begin();
    put_operation("mine", 100, BN_WORK_FAILED);
    put_operation("mine-now", 100, BN_WORK_IN_PROGRESS);
    put_operation("theirs", 101, BN_WORK_FAILED);
    put_operation("theirs-now", 101, BN_WORK_IN_PROGRESS);
    put_operation("check", 0, BN_WORK_IN_PROGRESS);
    ask(rig.vera, "GET", "/api/v1/operations", "", 200, "\"total\":5");
    ask(rig.vera, "GET", "/api/v1/operations?server_id=s1&vmid=101", "", 200, "\"total\":2");
    ask(rig.vera, "GET", "/api/v1/operations?vmid=102", "", 200, "\"total\":0");
    ask(rig.vera, "GET", "/api/v1/operations?node=pve1", "", 200, "\"total\":0");
    ask(rig.vera, "GET", "/api/v1/operations?vmid=0", "", 400, "vmid must be 1..999999999");
    ask(rig.vera, "GET", "/api/v1/operations?vmid=web", "", 400, "\"field\":\"vmid\"");
    ask(rig.vera, "GET", "/api/v1/operations?node=" LONG_NODE, "", 400, "\"field\":\"node\"");
    restrict_vera("true");
    ask(rig.vera, "GET", "/api/v1/operations", "", 200, "{\"operations\":[],");
    ask(rig.vera, "GET", "/api/v1/operations/mine", "", 404, "there is no such operation");
    ask(rig.ada, "POST", HERS, ASSIGN, 201, "");
    ask(rig.vera, "GET", "/api/v1/operations", "", 200, "\"total\":2");
    CHECK(strstr(rig.web.answer.p, "\"mine\"") && strstr(rig.web.answer.p, "\"mine-now\""));
    ask(rig.vera, "GET", "/api/v1/operations?status=active", "", 200, "\"total\":1");
    ask(rig.vera, "GET", "/api/v1/operations?vmid=101", "", 200, "\"total\":0");
    ask(rig.vera, "GET", "/api/v1/operations/mine", "", 200, "\"log\":[]");
    ask(rig.vera, "GET", "/api/v1/operations/mine-now", "", 200, "\"progress\":10");
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(path, sizeof path, "/api/v1/operations/%s", others[i]);
        ask(rig.vera, "GET", path, "", 404, "there is no such operation");
        snprintf(path, sizeof path, "/api/v1/operations/%s/cancel", others[i]);
        ask(rig.vera, "POST", path, "", 404, "no such operation is under way");
    }
    /* She may start it, and so not end that it is stopped. */
    ask(rig.vera, "POST", "/api/v1/operations/mine-now/cancel", "", 403,
            "assign it to you with \\\"stop\\\"");
    ask(rig.ada, "DELETE", HERS "/s1/100", "", 204, "");
    ask(rig.vera, "GET", "/api/v1/operations", "", 200, "\"total\":0");
    ask(rig.vera, "GET", "/api/v1/operations/mine", "", 404, "there is no such operation");
    ask(rig.vera, "GET", "/api/v1/operations/mine-now", "", 404, "there is no such operation");
    restrict_vera("false");
    ask(rig.vera, "GET", "/api/v1/operations/check", "", 200, "health_check");
    ask(rig.vera, "POST", "/api/v1/operations/check/cancel", "", 403, "only managers");
    ask(rig.vera, "POST", "/api/v1/operations/theirs-now/cancel", "", 403, "assign it to you");
    people_finish(&rig);
}

BN_TEST(what_is_taken_away_is_gone_with_the_next_request)
{
    begin();
    restrict_vera("true");
    ask(rig.ada, "POST", HERS, ASSIGN, 201, "");
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"s1\",\"vmid\":100}", 201,
            "\"permissions\":\"view,console\"");
    ask(rig.ada, "GET", HERS, "", 200, "\"vmid\":100");
    CHECK_INT(people_count(&rig, BN_KIND_ASSIGNMENT), 1); /* said again, not twice */
    ask(rig.ada, "DELETE", HERS "/s1/100", "", 204, "");
    ask(rig.ada, "DELETE", HERS "/s1/100", "", 404, "is not assigned to vera");
    ask(rig.vera, "GET", VMS, "", 200, "{\"vms\":[],");
    restrict_vera("false");
    ask(rig.vera, "GET", VMS, "", 200, "s2-100");
    people_finish(&rig);
}

BN_TEST(assignments_go_with_their_person_and_their_server)
{
    struct bn_fact fact;
    begin();
    ask(rig.ada, "POST", HERS, ASSIGN, 201, "");
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"s2\",\"vmid\":100}", 201, "");
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "s1");
    people_ask(&rig, &fact);
    web_rig_round(&rig.web);
    people_settle(&rig);
    CHECK_INT(people_count(&rig, BN_KIND_ASSIGNMENT), 1);
    ask(rig.ada, "DELETE", "/api/v1/users/vera", "", 204, "");
    web_rig_round(&rig.web);
    people_settle(&rig);
    CHECK_INT(people_count(&rig, BN_KIND_ASSIGNMENT), 0);
    people_finish(&rig);
}

BN_TEST(only_administrators_assign_only_viewers_are_restricted_and_nonsense_has_its_name)
{
    begin();
    people_add(&rig, "max", BN_ROLE_MANAGER);
    ask(rig.vera, "POST", HERS, ASSIGN, 403, "forbidden");
    ask(rig.vera, "GET", HERS, "", 403, "forbidden");
    ask(rig.vera, "DELETE", HERS "/s1/100", "", 403, "forbidden");
    ask(rig.ada, "PATCH", "/api/v1/users/max", "{\"is_restricted\":true}", 400,
            "only viewers can be restricted, max is manager");
    restrict_vera("true");
    ask(rig.ada, "PATCH", "/api/v1/users/vera", "{\"role\":\"manager\"}", 200,
            "\"is_restricted\":false");
    ask(rig.ada, "POST", "/api/v1/users/nobody/assignments", ASSIGN, 404, "there is no such user");
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"s9\",\"vmid\":100}", 400,
            "\"field\":\"server_id\"");
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"s1\",\"vmid\":0}", 400, "\"field\":\"vmid\"");
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"s1\",\"vmid\":1,\"permissions\":\"delete\"}", 400,
            "permissions must be of view,console,start,stop,restart,console_view");
    people_finish(&rig);
}

/* Servers and people of another tenant can neither be assigned nor seen. */
BN_TEST(another_tenants_server_is_not_there)
{
    begin();
    people_add_tenant(&rig, "other");
    put_server("other", "theirs");
    put_guest("other", "theirs", 100);
    ask(rig.ada, "POST", HERS, "{\"server_id\":\"theirs\",\"vmid\":100}", 400,
            "there is no such server");
    restrict_vera("true");
    ask(rig.vera, "GET", VMS, "", 200, "{\"vms\":[],");
    people_finish(&rig);
}

BN_TEST_MAIN()
