#include "source/pve.h"

#include <stdio.h>
#include <string.h>

#include "model/limits.h"
#include "source/pve_read.h"

/* --- asking ---------------------------------------------------------------------------------- */

static bool put_token(const struct bn_server *server, const char *tenant,
        const struct bn_seal_key *key, struct bn_fetch_request *request, struct bn_err *err)
{
    char aad[BN_TOKEN_AAD_SIZE];
    char token[BN_TOKEN_MAX];
    size_t len = 0;
    bn_token_aad(tenant, server->id, aad);
    if (!bn_unseal(key, aad, bn_str(server->token), token, sizeof token, &len))
        return bn_fail(err, BN_E_INVALID,
                "the token cannot be opened with this master key: enter it again");
    int written = snprintf(request->authorization, sizeof request->authorization,
            "PVEAPIToken=%.*s", (int)len, token);
    bn_wipe(token, sizeof token);
    return (size_t)written < sizeof request->authorization ||
           bn_fail(err, BN_E_INVALID, "the token is too long");
}

bool bn_pve_ask(const struct bn_server *server, const char *tenant, const struct bn_seal_key *key,
        const char *path, struct bn_fetch_job *job, struct bn_err *err)
{
    struct bn_fetch_request *request = &job->request;
    const bool by_vpn = server->vpn_enabled == 1 && server->vpn_host[0];
    bn_text_clip(request->host, sizeof request->host,
            bn_str(by_vpn ? server->vpn_host : server->host));
    request->port = (int)(by_vpn ? server->vpn_port : server->port);
    if (!bn_text_copy(request->path, sizeof request->path, bn_str(path)))
        return bn_fail(err, BN_E_INVALID, "the path is too long");
    request->answer_max = BN_FETCH_ANSWER_MAX;
    if (server->fingerprint[0]) {
        job->peer.trust = BN_TRUST_PIN;
        memcpy(job->peer.pin, server->fingerprint, sizeof job->peer.pin);
    } else {
        job->peer.trust = server->verify_ssl == 0 ? BN_TRUST_LOOK : BN_TRUST_CA;
    }
    return put_token(server, tenant, key, request, err);
}

/* --- judging --------------------------------------------------------------------------------- */

static void say(struct bn_pve_verdict *out, const char *error_class, const char *phase)
{
    bn_text_clip(out->error_class, sizeof out->error_class, bn_str(error_class));
    bn_text_clip(out->phase, sizeof out->phase, bn_str(phase));
}

/* "Permission check failed (/vms/100, VM.Console)": the path and the first of the privileges. The
   words are a stranger's and will be pasted into a shell: only what needs no quoting is taken. */
static bool read_privilege(const char *text, char path[64], char privilege[32])
{
    const char *at = strstr(text, "Permission check failed (/");
    return at && sscanf(at, "Permission check failed (%60[A-Za-z0-9/._-], %31[A-Za-z.]", path,
                         privilege) == 2;
}

/* The smallest role of Proxmox VE's own that has it; NULL: a role must be made. */
static const char *role_with(const char *privilege)
{
    const char *dot = strchr(privilege, '.');
    if (dot && strcmp(dot, ".Audit") == 0)
        return "PVEAuditor";
    if (strcmp(privilege, "VM.PowerMgmt") == 0 || strcmp(privilege, "VM.Console") == 0)
        return "PVEVMUser";
    return strcmp(privilege, "Sys.Console") == 0 ? "PVESysAdmin" : NULL;
}

/* The line that grants it. */
static void say_grant(const char *path, const char *privilege, const char *token_hint, char *out,
        size_t size)
{
    const int id_len = (int)BN_MIN(strcspn(token_hint, "="), 60);
    const char *role = role_with(privilege);
    if (role)
        snprintf(out, size, "pveum acl modify %s --tokens '%.*s' --roles %s", path, id_len,
                token_hint, role);
    else
        snprintf(out, size,
                "pveum role add Binnacle --privs %s && pveum acl modify %s --tokens '%.*s' "
                "--roles Binnacle",
                privilege, path, id_len, token_hint);
}

static void say_forbidden(const char *said, const char *token_hint, struct bn_pve_verdict *out)
{
    char path[64];
    char privilege[32];
    say(out, "forbidden", "answer");
    if (!read_privilege(said, path, privilege)) {
        snprintf(out->text, sizeof out->text, "the token may not do this (403): %.120s", said);
        return;
    }
    say_grant(path, privilege, token_hint, out->hint, sizeof out->hint);
    char text[sizeof out->hint + 160];
    const int len = snprintf(text, sizeof text, "the token lacks %s on %s", privilege, path);
    snprintf(text + len, sizeof text - (size_t)len, ": %s", out->hint);
    /* Half a command is none. */
    bn_text_clip(out->text, sizeof out->text,
            strlen(text) < sizeof out->text ? bn_str(text) : (struct bn_str){text, (size_t)len});
}

void bn_pve_judge(const struct bn_fetch_job *job, const char *token_hint,
        struct bn_pve_verdict *out)
{
    const struct bn_fetch_answer *answer = &job->answer;
    char said[160];
    *out = (struct bn_pve_verdict){.is_ok = false};
    if (answer->fault != BN_FETCH_NONE) {
        say(out, bn_fetch_fault_word(answer->fault), bn_fetch_phase_word(answer->phase));
        bn_text_clip(out->text, sizeof out->text, bn_str(answer->text));
        return;
    }
    out->is_ok = answer->status >= 200 && answer->status < 300;
    if (out->is_ok)
        return;
    bn_pve_read_refusal(answer->status, answer->reason, bn_buf_str(&answer->body), said,
            sizeof said);
    if (answer->status == 401) {
        say(out, "auth", "answer");
        snprintf(out->text, sizeof out->text, "authentication failed (401): %.120s", said);
    } else if (answer->status == 403) {
        say_forbidden(said, token_hint, out);
    } else if (answer->status >= 595 && answer->status <= 599) {
        say(out, "node", "answer");
        snprintf(out->text, sizeof out->text, "a node behind it does not answer (%d): %.120s",
                answer->status, said);
    } else if (answer->status >= 300 && answer->status < 400) {
        say(out, "redirect", "answer");
        snprintf(out->text, sizeof out->text,
                "it sends elsewhere (%d), which is not followed with a token: enter that address",
                answer->status);
    } else {
        say(out, "http", "answer");
        snprintf(out->text, sizeof out->text, "HTTP %d: %.140s", answer->status, said);
    }
}

void bn_pve_judge_unreadable(const struct bn_err *err, struct bn_pve_verdict *out)
{
    *out = (struct bn_pve_verdict){.is_ok = false};
    say(out, "protocol", "body");
    bn_text_clip(out->text, sizeof out->text, bn_str(err->text));
}
