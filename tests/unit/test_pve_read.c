#include "base/file.h"

#include "bn_test.h"
#include "source/pve_read.h"

/* --- recorded answers ------------------------------------------------------------------------ */

static struct bn_str recorded(const char *name, char **out)
{
    char path[400];
    size_t len = 0;
    snprintf(path, sizeof path, BN_TESTS_DIR "/fixtures/pve/%s", name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    *out = bn_alloc(1 << 20);
    len = fread(*out, 1, 1 << 20, file);
    fclose(file);
    return (struct bn_str){*out, len};
}

static const struct bn_pve_guest *guest_of(const struct bn_pve_listing *listing, int64_t vmid)
{
    for (size_t i = 0; i < listing->guest_count; i++)
        if (listing->guests[i].vm.vmid == vmid)
            return &listing->guests[i];
    fail_msg("no guest %lld", (long long)vmid);
    return NULL;
}

static void read_listing(struct bn_str body, struct bn_pve_listing *out)
{
    struct bn_err err;
    if (!bn_pve_read_resources(body, "s1", out, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < out->guest_count; i++)
        if (!bn_record_check(&bn_vm_type, &out->guests[i].vm, &err))
            fail_msg("%s", err.text);
    for (size_t i = 0; i < out->node_count; i++)
        if (!bn_record_check(&bn_node_type, &out->nodes[i], &err))
            fail_msg("%s", err.text);
}

BN_TEST(a_recorded_cluster_of_four_nodes_is_read)
{
    char *text;
    struct bn_pve_listing listing;
    read_listing(recorded("pve7/cluster_resources_4nodes.json", &text), &listing);
    const struct bn_pve_guest *guest = guest_of(&listing, 100);
    CHECK_STR(guest->vm.id, "s1/100");
    CHECK_STR(guest->vm.server_id, "s1");
    CHECK_STR(guest->vm.node, "node2");
    CHECK_STR(guest->vm.name, "server1");
    CHECK_STR(guest->vm.status, "running");
    CHECK_INT(guest->vm.type, BN_VM_QEMU);
    CHECK_NEAR(guest->vm.cpu, 0.0249060195469461, 1e-12);
    CHECK_INT(guest->vm.mem, 842551296);
    CHECK_INT(guest->vm.disk, BN_UNKNOWN);
    CHECK_INT(guest->vm.template, 0);
    CHECK_INT(guest->net_in, 2456116121);
    CHECK_INT(guest->disk_write, 6059209728);
    CHECK_INT(guest_of(&listing, 101)->vm.template, 1);
    CHECK_INT(listing.node_count, 4);
    CHECK(listing.has_numbers);
    CHECK_INT(listing.skipped, 0);
    bn_pve_listing_finish(&listing);
    free(text);
}

BN_TEST(pools_zones_and_what_is_not_known_yet_are_no_guests)
{
    char *text;
    struct bn_pve_listing listing;
    read_listing(recorded("pve8/cluster_resources_pool_sdn.json", &text), &listing);
    CHECK_STR(guest_of(&listing, 101)->vm.pool, "pool-1");
    CHECK_STR(guest_of(&listing, 101)->vm.tags, "sarah-wiit;test;testtag");
    CHECK_INT(guest_of(&listing, 101)->vm.type, BN_VM_LXC);
    CHECK_INT(guest_of(&listing, 101)->vm.disk, 0);
    CHECK_INT(listing.skipped, 0);
    bn_pve_listing_finish(&listing);
    free(text);
}

BN_TEST(a_recorded_cluster_status_is_read)
{
    char *text;
    static struct bn_pve_cluster cluster;
    CHECK(bn_pve_read_cluster(recorded("pve7/cluster_status_4nodes.json", &text), &cluster, NULL));
    CHECK_STR(cluster.name, "clustername");
    CHECK_INT(cluster.is_quorate, 1);
    CHECK_INT(cluster.member_count, 4);
    CHECK_STR(cluster.members[0].node, "node2");
    CHECK_STR(cluster.members[0].ip, "192.168.1.2");
    CHECK(cluster.members[0].is_online);
    free(text);
    CHECK(bn_pve_read_cluster(
            BN_STR("{\"data\":[{\"type\":\"node\",\"id\":\"node/pve\",\"name\":"
                   "\"pve\",\"nodeid\":0,\"local\":1,\"online\":1,\"level\":\"\"}]}"),
            &cluster, NULL));
    CHECK_STR(cluster.name, "");
    CHECK_INT(cluster.is_quorate, BN_UNKNOWN);
    CHECK(cluster.members[0].is_local);
    int64_t count = 0;
    CHECK(bn_pve_read_nodes(recorded("pve7/nodes_4.json", &text), &count, NULL));
    CHECK_INT(count, 4);
    free(text);
}

BN_TEST(certificates_of_nodes_are_those_that_are_named)
{
    bn_fingerprint prints[2];
    CHECK_INT(bn_pve_read_fingerprints(
                      BN_STR("{\"data\":[{\"node\":\"a\",\"ssl_fingerprint\":\"AA:01\"},7,"
                             "{\"node\":\"b\"},{\"ssl_fingerprint\":\"AA:02\"},"
                             "{\"ssl_fingerprint\":\"AA:03\"}]}"),
                      prints, COUNT(prints)),
            2);
    CHECK_STR(prints[0], "AA:01");
    CHECK_STR(prints[1], "AA:02");
    CHECK_INT(bn_pve_read_fingerprints(BN_STR("<html>"), prints, COUNT(prints)), 0);
}

/* --- types are sloppy (PVE-API 4.4) ---------------------------------------------------------- */

static void read_one(const char *row, struct bn_pve_listing *out)
{
    char body[2048];
    snprintf(body, sizeof body, "{\"data\":[%s]}", row);
    read_listing(bn_str(body), out);
}

BN_TEST(a_shared_storage_is_one_and_those_of_nodes_are_many)
{
    struct bn_pve_listing listing;
    read_one("{\"type\":\"storage\",\"storage\":\"nfs\",\"node\":\"n1\",\"shared\":1,"
             "\"status\":\"unknown\"},"
             "{\"type\":\"storage\",\"storage\":\"nfs\",\"node\":\"n2\",\"shared\":\"1\","
             "\"status\":\"available\",\"disk\":7,\"maxdisk\":10,\"plugintype\":\"nfs\","
             "\"content\":\"images,iso\"},"
             "{\"type\":\"storage\",\"storage\":\"nfs\",\"node\":\"n3\",\"shared\":1,"
             "\"status\":\"available\",\"disk\":7,\"maxdisk\":10},"
             "{\"type\":\"storage\",\"storage\":\"local\",\"node\":\"n1\",\"shared\":0,"
             "\"disk\":12,\"maxdisk\":10},"
             "{\"type\":\"storage\",\"storage\":\"local\",\"node\":\"n2\"},"
             "{\"type\":\"storage\",\"storage\":\"local\",\"node\":\"../x\"},"
             "{\"type\":\"storage\",\"node\":\"n1\"}",
            &listing);
    CHECK_INT(listing.storage_count, 3);
    CHECK_STR(listing.storages[0].id, "s1/storage/nfs");
    CHECK_STR(listing.storages[0].node, "");
    CHECK_STR(listing.storages[0].status, "available");
    CHECK_STR(listing.storages[0].type, "nfs");
    CHECK_INT(listing.storages[0].disk, 7);
    CHECK_INT(listing.storages[0].is_shared, 1);
    CHECK_STR(listing.storages[1].id, "s1/storage/n1/local");
    CHECK_INT(listing.storages[1].disk, 10);
    CHECK_INT(listing.storages[2].maxdisk, BN_UNKNOWN);
    CHECK_INT(listing.skipped, 0);
    bn_pve_listing_finish(&listing);
}

BN_TEST(numbers_in_quotes_and_nonsense_are_made_sense_of)
{
    struct bn_pve_listing listing;
    read_one(
            "{\"type\":\"lxc\",\"vmid\":\"106\",\"node\":\"pve\",\"cpu\":-5.75e-05,"
            "\"mem\":600,\"maxmem\":\"512\",\"disk\":\"744189952\",\"maxdisk\":0,\"template\":\"\","
            "\"lock\":\"\",\"status\":\"paused\",\"uptime\":null,\"netin\":\"-1\"}",
            &listing);
    const struct bn_pve_guest *guest = guest_of(&listing, 106);
    CHECK_NEAR(guest->vm.cpu, 0, 0);
    CHECK_INT(guest->vm.mem, 512);
    CHECK_INT(guest->vm.disk, 744189952);
    CHECK_INT(guest->vm.template, 0);
    CHECK_STR(guest->vm.lock, "");
    CHECK_INT(guest->vm.uptime, BN_UNKNOWN);
    CHECK_INT(guest->net_in, 0);
    CHECK_INT(guest->net_out, BN_UNKNOWN);
    bn_pve_listing_finish(&listing);
}

BN_TEST(a_guest_of_a_dead_node_has_neither_name_nor_numbers)
{
    struct bn_pve_listing listing;
    read_one(
            "{\"type\":\"qemu\",\"id\":\"qemu/7\",\"vmid\":7,\"node\":\"pve2\",\"status\":\"unknown\"},"
            "{\"type\":\"node\",\"id\":\"node/pve2\",\"node\":\"pve2\",\"status\":\"offline\"}",
            &listing);
    CHECK_STR(guest_of(&listing, 7)->vm.name, "");
    CHECK_STR(guest_of(&listing, 7)->vm.status, "unknown");
    CHECK(isnan(guest_of(&listing, 7)->vm.cpu));
    CHECK_STR(listing.nodes[0].status, "offline");
    CHECK(!listing.has_numbers);
    bn_pve_listing_finish(&listing);
}

BN_TEST(rows_that_name_nothing_are_skipped_and_counted)
{
    struct bn_pve_listing listing;
    read_one("{\"type\":\"qemu\",\"node\":\"pve\"},{\"type\":\"qemu\",\"vmid\":0,\"node\":\"pve\"},"
             "{\"type\":\"qemu\",\"vmid\":5,\"node\":\"../etc\"},{\"type\":\"node\",\"node\":\"\"},"
             "{\"type\":\"qemu\",\"vmid\":1000000000,\"node\":\"pve\"},7,null,[],"
             "{\"type\":\"qemu\",\"vmid\":5,\"node\":\"pve\"}",
            &listing);
    CHECK_INT(listing.guest_count, 1);
    CHECK_INT(listing.skipped, 5);
    bn_pve_listing_finish(&listing);
}

BN_TEST(more_guests_than_one_server_may_have_are_counted_and_left_out)
{
    struct bn_pve_listing listing;
    BN_BUF_AUTO body;
    bn_buf_init(&body, 4 << 20);
    bn_buf_puts(&body, "{\"data\":[");
    for (int i = 1; i <= 20003; i++)
        bn_buf_printf(&body, "%s{\"type\":\"lxc\",\"vmid\":%d,\"node\":\"pve\"}", i > 1 ? "," : "",
                i);
    bn_buf_puts(&body, "]}");
    read_listing(bn_buf_str(&body), &listing);
    CHECK_INT(listing.guest_count, 20000);
    CHECK_INT(listing.skipped, 3);
    bn_pve_listing_finish(&listing);
}

BN_TEST(what_is_not_from_a_proxmox_ve_is_said)
{
    static const struct {
        const char *body;
        const char *want;
    } cases[] = {{"", "the answer is empty"}, {"<html>nginx</html>", "no JSON"},
            {"[]", "no answer of a Proxmox VE: no \"data\""}, {"{}", "no \"data\""},
            {"{\"data\":null}", "\"data\" is null"}, {"{\"data\":{}}", "\"data\" is an object"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_pve_listing listing;
        struct bn_err err = {0};
        if (bn_pve_read_resources(bn_str(cases[i].body), "s1", &listing, &err) ||
                err.code != BN_E_UPSTREAM || !strstr(err.text, cases[i].want))
            fail_msg("%s: %s", cases[i].body, err.text);
        bn_pve_listing_finish(&listing);
    }
}

/* --- the rest -------------------------------------------------------------------------------- */

BN_TEST(versions_are_read_leniently)
{
    struct bn_pve_version version;
    CHECK(bn_pve_read_version(BN_STR("{\"data\":{\"version\":\"9.2.2\",\"release\":\"9.2\"}}"),
            &version, NULL));
    CHECK_STR(version.text, "9.2.2");
    CHECK_INT(version.major, 9);
    CHECK_INT(version.minor, 2);
    CHECK(bn_pve_read_version(BN_STR("{\"data\":{\"version\":\"6.2-4\"}}"), &version, NULL));
    CHECK_INT(version.minor, 2);
    CHECK(bn_pve_read_version(BN_STR("{\"data\":{\"version\":\"next\"}}"), &version, NULL));
    CHECK_INT(version.major, -1);
    CHECK(!bn_pve_read_version(BN_STR("{\"data\":{}}"), &version, NULL));
    CHECK(!bn_pve_read_version(BN_STR("{\"data\":[]}"), &version, NULL));
}

static void refusal(int status, const char *reason, const char *body, const char *want)
{
    char out[192];
    bn_pve_read_refusal(status, reason, bn_str(body), out, sizeof out);
    CHECK_STR(out, want);
}

BN_TEST(a_refusal_says_what_the_server_said)
{
    refusal(400, "Parameter verification failed.",
            "{\"data\":null,\"errors\":{\"vmid\":\"invalid format\\n\"}}", "vmid: invalid format");
    refusal(403, "",
            "{\"data\":null,\"message\":\"Permission check failed (/vms/1, VM.Audit)\\n\"}",
            "Permission check failed (/vms/1, VM.Audit)");
    refusal(401, "invalid token value!", "", "invalid token value!");
    refusal(500, "", "<html>", "status 500 without a word");
    refusal(500, "told", "{\"errors\":{}}", "told");
    char long_name[400] = "{\"errors\":{\"";
    while (strlen(long_name) < 360)
        strncat(long_name, "\xE2\x82\xAC", sizeof long_name - strlen(long_name) - 1);
    strncat(long_name, "\":\"x\"}}", sizeof long_name - strlen(long_name) - 1);
    char out[64];
    bn_pve_read_refusal(400, "", bn_str(long_name), out, sizeof out);
    CHECK_INT(strlen(out), 63); /* 21 whole signs, none in half */
    CHECK(bn_utf8_is_valid(out, strlen(out)));
    refusal(500, "told", "{\"errors\":{\"a\":1}}", "told");
}

BN_TEST(upids_name_the_node_to_ask_and_keep_their_last_colon)
{
    static const char upid[] =
            "UPID:pve:0008380E:0131F1BF:6A84EA54:vzreboot:101:root@pam!pruebalucas:";
    char node[64];
    CHECK(bn_pve_upid_node(upid, node, sizeof node));
    CHECK_STR(node, "pve");
    CHECK(bn_pve_upid_node("UPID:pve-2:0008380E:10131F1BF:6A84EA54:aptupdate::root@pam:", node,
            sizeof node));
    CHECK_STR(node, "pve-2");
    for (size_t cut = 0; cut < sizeof upid - 1; cut++) {
        char text[sizeof upid];
        snprintf(text, sizeof text, "%.*s", (int)cut, upid);
        if (bn_pve_upid_node(text, node, sizeof node))
            fail_msg("%s was accepted", text);
    }
    CHECK(!bn_pve_upid_node("UPID:../x:0008380E:0131F1BF:6A84EA54:vzreboot:101:root@pam:", node,
            sizeof node));
    CHECK(!bn_pve_upid_node("UPID:pve:0008380E:0131F1BF:6A84EA54:vz/x:101:root@pam:", node,
            sizeof node));
    CHECK(!bn_pve_upid_node("UPID:pve:0008380E:0131F1BF:6A84EA54:vz:101:root@pam:x", node,
            sizeof node));
    char out[200];
    CHECK(bn_pve_read_upid(
            BN_STR("{\"data\":\"UPID:pve:0008380E:0131F1BF:6A84EA54:qmstart:101:root@"
                   "pam:\"}"),
            out, sizeof out, NULL));
    CHECK(!bn_pve_read_upid(BN_STR("{\"data\":null}"), out, sizeof out, NULL));
    CHECK(!bn_pve_read_upid(BN_STR("{\"data\":\"UPID:pve\"}"), out, sizeof out, NULL));
}

BN_TEST(the_type_of_a_task_stands_in_its_upid)
{
    char type[32];
    bn_pve_upid_type("UPID:pve:0008380E:0131F1BF:6A84EA54:hastop:101:root@pam!x:", type,
            sizeof type);
    CHECK_STR(type, "hastop");
    bn_pve_upid_type("UPID:pve-2:0008380E:10131F1BF:6A84EA54:aptupdate::root@pam:", type,
            sizeof type);
    CHECK_STR(type, "aptupdate");
    bn_pve_upid_type("UPID:pve:0008380E", type, sizeof type);
    CHECK_STR(type, "");
}

static size_t read_log(const char *body, struct bn_output *lines, size_t most, int64_t *total)
{
    struct bn_err err;
    if (!bn_pve_read_log(bn_str(body), lines, &most, total, &err))
        fail_msg("%s", err.text);
    return most;
}

BN_TEST(a_log_is_read_line_by_line_without_what_would_move_a_cursor)
{
    struct bn_output lines[4];
    int64_t total;
    CHECK_INT(
            read_log("{\"data\":[{\"n\":1,\"t\":\"a\\b\\u001b[1mb\\r\\n\"},"
                     "{\"n\":\"2\",\"t\":\"caf\u00e9 <b>\"},{\"t\":\"no number\"},7],\"total\":2}",
                    lines, 4, &total),
            2);
    CHECK_INT(total, 2);
    CHECK_STR(lines[0].text, "a[1mb");
    CHECK_INT(lines[1].n, 2);
    CHECK_STR(lines[1].text, "caf\u00e9 <b>");
    CHECK_INT(read_log("{\"data\":[{\"n\":1,\"t\":\"no content\"}],\"total\":1}", lines, 4, &total),
            0);
    CHECK_INT(read_log("{\"data\":[{\"n\":5,\"t\":\"no content\"}]}", lines, 4, &total), 1);
    CHECK_INT(read_log("{\"data\":[]}", lines, 4, &total), 0);
    CHECK_INT(total, 0);
}

BN_TEST(of_a_long_log_the_last_lines_are_read)
{
    struct bn_output lines[3];
    char body[2000] = "{\"data\":[";
    int64_t total;
    for (int i = 1; i <= 40; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"n\":%d,\"t\":\"line\"}",
                i > 1 ? "," : "", i);
    snprintf(body + strlen(body), sizeof body - strlen(body), "],\"total\":400}");
    CHECK_INT(read_log(body, lines, 3, &total), 3);
    CHECK_INT(lines[0].n, 38);
    CHECK_INT(lines[2].n, 40);
    CHECK_INT(total, 400);
}

BN_TEST(a_log_cut_anywhere_is_refused_with_a_sentence)
{
    static const char whole[] = "{\"data\":[{\"n\":1,\"t\":\"start VM 100\"}],\"total\":1}";
    struct bn_output lines[2];
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        size_t n = 2;
        int64_t total;
        struct bn_err err = {0};
        if (bn_pve_read_log((struct bn_str){whole, cut}, lines, &n, &total, &err) || !err.text[0])
            fail_msg("%.*s was accepted", (int)cut, whole);
    }
}

BN_TEST(a_guest_says_its_state)
{
    char status[24];
    struct bn_err err;
    CHECK(bn_pve_read_guest_status(BN_STR("{\"data\":{\"status\":\"stopped\",\"vmid\":100}}"),
            status, sizeof status, &err));
    CHECK_STR(status, "stopped");
    CHECK(!bn_pve_read_guest_status(BN_STR("{\"data\":{}}"), status, sizeof status, &err));
    CHECK_STR(err.text, "this is no state of a guest: no status");
    CHECK(!bn_pve_read_guest_status(BN_STR("{\"data\":[]}"), status, sizeof status, &err));
}

BN_TEST(warnings_of_a_task_are_counted)
{
    static const struct {
        const char *exit;
        int64_t count;
    } cases[] = {{"OK", 0}, {"WARNINGS: 3", 3}, {"WARNINGS: x", 1}, {"got 3 WARNINGS: 2", 0}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_pve_task task = {.is_running = false};
        snprintf(task.exit_status, sizeof task.exit_status, "%s", cases[i].exit);
        CHECK_INT(bn_pve_task_warnings(&task), cases[i].count);
    }
}

BN_TEST(a_task_runs_or_ends_well_with_warnings_or_not)
{
    struct bn_pve_task task;
    CHECK(bn_pve_read_task(BN_STR("{\"data\":{\"status\":\"running\"}}"), &task, NULL));
    CHECK(task.is_running && !bn_pve_task_is_ok(&task));
    CHECK(bn_pve_read_task(BN_STR("{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"OK\"}}"),
            &task, NULL));
    CHECK(bn_pve_task_is_ok(&task));
    CHECK(bn_pve_read_task(
            BN_STR("{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"WARNINGS: 3\"}}"), &task,
            NULL));
    CHECK(bn_pve_task_is_ok(&task));
    CHECK(bn_pve_read_task(
            BN_STR("{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"VM 100 not running\"}}"),
            &task, NULL));
    CHECK(!bn_pve_task_is_ok(&task));
    CHECK_STR(task.exit_status, "VM 100 not running");
    CHECK(!bn_pve_read_task(BN_STR("{\"data\":{\"status\":\"new\"}}"), &task, NULL));
    CHECK(!bn_pve_read_task(BN_STR("{\"data\":[]}"), &task, NULL));
}

BN_TEST_MAIN()
