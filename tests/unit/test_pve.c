#include "bn_test.h"
#include "source/pve.h"

static const struct bn_seal_key key = {.id = "test", .bytes = {1, 2, 3}};

/* --- tokens ---------------------------------------------------------------------------------- */

static void token_is(const char *text, const char *want)
{
    char out[128];
    struct bn_err err;
    if (!bn_token_read(bn_str(text), out, sizeof out, &err))
        fail_msg("%s: %s", text, err.text);
    CHECK_STR(out, want);
}

BN_TEST(tokens_are_taken_as_people_paste_them)
{
    token_is("root@pam!bnc=0a1b-2c3d", "root@pam!bnc=0a1b-2c3d");
    token_is("  PVEAPIToken=mon.x@pve!a_b.c=ff  ", "mon.x@pve!a_b.c=ff");
    token_is("a-b@my-realm!t=AZ09_-", "a-b@my-realm!t=AZ09_-");
}

BN_TEST(what_is_no_token_is_refused_with_its_form)
{
    static const char whole[] = "root@pam!bnc=0a1b";
    static const char *const bad[] = {"", "root@pam!bnc=", "@pam!t=s", "root@!t=s", "root@pam!=s",
            "root@pam=s", "root!t=s", "root@pam!t=s;x", "ro ot@pam!t=s", "root@pam!t=a b",
            "root@pam!t=s=s", "r\xC3\xB6t@pam!t=s", "PVEAPIToken", "PVEAPIToken="};
    char out[128];
    struct bn_err err;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (bn_token_read(bn_str(bad[i]), out, sizeof out, &err))
            fail_msg("%s was accepted", bad[i]);
        CHECK_STR(err.field, "api_token");
        CHECK_STR(err.text, "api_token must have the form USER@REALM!TOKENID=SECRET");
    }
    for (size_t cut = 0; cut < sizeof "root@pam!bnc=" - 1; cut++)
        CHECK(!bn_token_read((struct bn_str){whole, cut}, out, sizeof out, &err));
    CHECK(!bn_token_read(bn_str(whole), out, sizeof whole - 1, &err)); /* no room for its NUL */
    CHECK(bn_token_read(bn_str(whole), out, sizeof whole, &err));
}

static void hint_is(const char *token, const char *want)
{
    char out[96];
    bn_token_hint(token, out, sizeof out);
    CHECK_STR(out, want);
}

BN_TEST(a_hint_shows_the_end_of_long_secrets_only)
{
    hint_is("root@pam!bnc=5f1d6c2e-7d1a-4e7e-9a53-0d5f3a3f9a77",
            "root@pam!bnc=\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2"
            "9a77");
    hint_is("root@pam!bnc=short", "root@pam!bnc=\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2");
}

/* --- asking ---------------------------------------------------------------------------------- */

static void fill(struct bn_server *server, const char *tenant)
{
    char aad[BN_TOKEN_AAD_SIZE];
    CHECK(bn_secret_start(NULL));
    bn_record_clear(&bn_server_type, server);
    snprintf(server->id, sizeof server->id, "s1");
    snprintf(server->host, sizeof server->host, "pve1.example");
    server->port = 8006;
    server->vpn_port = 8443;
    server->verify_ssl = 1;
    snprintf(server->vpn_host, sizeof server->vpn_host, "100.64.0.7");
    bn_token_aad(tenant, server->id, aad);
    CHECK(bn_seal(&key, aad, BN_STR("root@pam!t=secret"), server->token, sizeof server->token));
}

static bool ask(const struct bn_server *server, struct bn_fetch_job *job, struct bn_err *err)
{
    bn_fetch_job_init(job, 1);
    return bn_pve_ask(server, "default", &key, "/api2/json/nodes", job, err);
}

BN_TEST(a_question_bears_address_token_and_trust)
{
    struct bn_server server;
    struct bn_fetch_job job;
    struct bn_err err;
    fill(&server, "default");
    CHECK(ask(&server, &job, &err));
    CHECK_STR(job.request.host, "pve1.example");
    CHECK_INT(job.request.port, 8006);
    CHECK_STR(job.request.path, "/api2/json/nodes");
    CHECK_STR(job.request.authorization, "PVEAPIToken=root@pam!t=secret");
    CHECK_INT(job.peer.trust, BN_TRUST_CA);
    bn_fetch_job_finish(&job);
    CHECK_STR(job.request.authorization, "");

    server.verify_ssl = 0;
    server.vpn_enabled = 1;
    CHECK(ask(&server, &job, &err));
    CHECK_STR(job.request.host, "100.64.0.7");
    CHECK_INT(job.request.port, 8443);
    CHECK_INT(job.peer.trust, BN_TRUST_LOOK);
    bn_fetch_job_finish(&job);

    snprintf(server.fingerprint, sizeof server.fingerprint, "AA:BB");
    server.verify_ssl = 1; /* a pin is stricter than an authority */
    CHECK(ask(&server, &job, &err));
    CHECK_INT(job.peer.trust, BN_TRUST_PIN);
    CHECK_STR(job.peer.pin, "AA:BB");
    bn_fetch_job_finish(&job);
}

BN_TEST(a_token_of_another_row_tenant_or_key_cannot_be_opened)
{
    struct bn_server server;
    struct bn_fetch_job job;
    struct bn_err err;
    struct bn_seal_key other = key;
    fill(&server, "acme");
    CHECK(!ask(&server, &job, &err));
    CHECK_STR(err.text, "the token cannot be opened with this master key: enter it again");
    CHECK_STR(job.request.authorization, "");
    bn_fetch_job_finish(&job);
    fill(&server, "default");
    snprintf(server.id, sizeof server.id, "s2");
    CHECK(!ask(&server, &job, &err));
    bn_fetch_job_finish(&job);
    fill(&server, "default");
    other.bytes[0] ^= 1;
    bn_fetch_job_init(&job, 1);
    CHECK(!bn_pve_ask(&server, "default", &other, "/", &job, &err));
    bn_fetch_job_finish(&job);
}

/* --- judging --------------------------------------------------------------------------------- */

static void judged(int status, const char *reason, const char *body, const char *error_class,
        const char *text)
{
    struct bn_fetch_job job;
    struct bn_pve_verdict verdict;
    bn_fetch_job_init(&job, 1);
    bn_buf_init(&job.answer.body, 4096);
    bn_buf_puts(&job.answer.body, body);
    job.answer.status = status;
    snprintf(job.answer.reason, sizeof job.answer.reason, "%s", reason);
    bn_pve_judge(&job, "mon@pve!b=\xE2\x80\xA2", &verdict);
    CHECK(verdict.is_ok == (error_class[0] == '\0'));
    CHECK_STR(verdict.error_class, error_class);
    CHECK_STR(verdict.text, text);
    bn_fetch_job_finish(&job);
}

BN_TEST(each_kind_of_answer_has_its_class_and_its_sentence)
{
    judged(200, "OK", "{\"data\":[]}", "", "");
    judged(401, "invalid token value!", "", "auth",
            "authentication failed (401): invalid token value!");
    judged(403, "Permission check failed (/vms/100, VM.Audit|VM.Console)", "{\"data\":null}",
            "forbidden",
            "the token lacks VM.Audit on /vms/100: pveum acl modify /vms/100 --tokens 'mon@pve!b' "
            "--roles PVEAuditor");
    judged(403, "Permission check failed (user != root@pam)", "", "forbidden",
            "the token may not do this (403): Permission check failed (user != root@pam)");
    judged(595, "Connection refused", "", "node",
            "a node behind it does not answer (595): Connection refused");
    judged(302, "Found", "", "redirect",
            "it sends elsewhere (302), which is not followed with a token: enter that address");
    judged(500, "", "{\"message\":\"cluster not ready - no quorum?\\n\"}", "http",
            "HTTP 500: cluster not ready - no quorum?");
    judged(404, "", "<html>nginx</html>", "http", "HTTP 404: status 404 without a word");
}

static void hinted(const char *reason, const char *hint)
{
    struct bn_fetch_job job;
    struct bn_pve_verdict verdict;
    bn_fetch_job_init(&job, 1);
    bn_buf_init(&job.answer.body, 4096);
    job.answer.status = 403;
    snprintf(job.answer.reason, sizeof job.answer.reason, "%s", reason);
    bn_pve_judge(&job, "mon@pve!b=x", &verdict);
    CHECK_STR(verdict.hint, hint);
    bn_fetch_job_finish(&job);
}

BN_TEST(a_missing_privilege_has_the_line_that_grants_it_and_no_stranger_writes_into_it)
{
    hinted("Permission check failed (/vms/100, VM.PowerMgmt)",
            "pveum acl modify /vms/100 --tokens 'mon@pve!b' --roles PVEVMUser");
    hinted("Permission check failed (/nodes/pve1, Sys.Console)",
            "pveum acl modify /nodes/pve1 --tokens 'mon@pve!b' --roles PVESysAdmin");
    hinted("Permission check failed (/nodes/pve1, Sys.Modify)",
            "pveum role add Binnacle --privs Sys.Modify && pveum acl modify /nodes/pve1 --tokens "
            "'mon@pve!b' --roles Binnacle");
    hinted("Permission check failed (/vms/1;reboot, VM.Audit)", "");
    hinted("Permission check failed (/$(reboot), VM.Audit)", "");
    hinted("Permission check failed (/vms/1, VM.Audit`reboot`)",
            "pveum acl modify /vms/1 --tokens 'mon@pve!b' --roles PVEAuditor");
    hinted("Permission check failed (user != root@pam)", "");
    hinted("", "");
}

BN_TEST(a_fault_is_told_by_its_own_words)
{
    struct bn_fetch_job job;
    struct bn_pve_verdict verdict;
    struct bn_err err;
    bn_fetch_job_init(&job, 1);
    job.answer.fault = BN_FETCH_TIMEOUT;
    job.answer.phase = BN_PHASE_TLS;
    snprintf(job.answer.text, sizeof job.answer.text, "timed out");
    bn_pve_judge(&job, "", &verdict);
    CHECK_STR(verdict.error_class, "timeout");
    CHECK_STR(verdict.phase, "tls");
    CHECK_STR(verdict.text, "timed out");
    bn_fetch_job_finish(&job);
    bn_fail(&err, BN_E_UPSTREAM, "the answer is empty");
    bn_pve_judge_unreadable(&err, &verdict);
    CHECK(!verdict.is_ok);
    CHECK_STR(verdict.error_class, "protocol");
    CHECK_STR(verdict.text, "the answer is empty");
}

BN_TEST_MAIN()
