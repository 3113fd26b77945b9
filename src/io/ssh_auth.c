/* Logging in: with a key, a password, or a password as the answer to a question. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "io/ssh_private.h"

static void wipe(char **text)
{
    if (*text)
        bn_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void bn_ssh_auth_wipe(struct bn_ssh_conn *conn)
{
    wipe(&conn->password);
    wipe(&conn->key_text);
    wipe(&conn->passphrase);
    ssh_key_free(conn->key);
    conn->key = NULL;
}

/* --- the key --------------------------------------------------------------------------------- */

/* A PEM key says so in words. OpenSSH's own says it in its first bytes, "openssh-key-v1", a NUL and
   the name of a cipher: in base64, 20 characters and then "none" or not. */
static bool is_encrypted(const char *text)
{
    static const char own[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    static const char plain[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"; /* …v1\0\0\0\0\4none */
    const char *p = strstr(text, own);
    if (!p)
        return strstr(text, "ENCRYPTED") != NULL;
    p += strlen(own);
    p += strspn(p, "\r\n \t");
    return strncmp(p, plain, strlen(plain)) != 0;
}

bool bn_ssh_auth_read_key(struct bn_ssh_conn *conn)
{
    bool ok = true;
    if (conn->key_text[0]) {
        const bool needs_phrase = is_encrypted(conn->key_text);
        /* Never NULL for a passphrase: OpenSSL would ask the terminal. */
        ok = ssh_pki_import_privkey_base64(conn->key_text, conn->passphrase, NULL, NULL,
                     &conn->key) == SSH_OK;
        if (!ok && needs_phrase && !conn->passphrase[0])
            bn_ssh_fail(conn, BN_SSH_FAULT_KEY_PASSPHRASE, "the private key needs its passphrase");
        else if (!ok && needs_phrase)
            bn_ssh_fail(conn, BN_SSH_FAULT_KEY_PASSPHRASE,
                    "the passphrase does not open the private key");
        else if (!ok)
            bn_ssh_fail(conn, BN_SSH_FAULT_KEY_UNREADABLE,
                    "the private key cannot be read: is it the whole file, of a known kind?");
    }
    wipe(&conn->key_text);
    wipe(&conn->passphrase);
    return ok;
}

/* --- which way next -------------------------------------------------------------------------- */

static void put_methods(int methods, char *out, size_t size)
{
    static const struct {
        int bit;
        const char *word;
    } all[] = {{SSH_AUTH_METHOD_PUBLICKEY, "publickey"}, {SSH_AUTH_METHOD_PASSWORD, "password"},
            {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
            {SSH_AUTH_METHOD_HOSTBASED, "hostbased"}, {SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi"}};

    size_t len = 0;
    out[0] = 0;
    for (size_t i = 0; i < COUNT(all); i++)
        if (methods & all[i].bit)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", all[i].word);
}

static void refuse(struct bn_ssh_conn *conn, const char *text)
{
    char methods[BN_SSH_WORD_MAX + 1];
    put_methods(ssh_userauth_list(conn->ssh, NULL), methods, sizeof methods);
    const struct bn_ssh_frame frame = {.kind = BN_SSH_ENDED,
            .session = conn->id,
            .number = {BN_SSH_FAULT_AUTH_REFUSED, conn->phase},
            .text = {[BN_SSH_ENDED_TEXT] = bn_str(text), [BN_SSH_ENDED_METHODS] = bn_str(methods)}};
    bn_ssh_tell(conn->runner, &frame);
    bn_ssh_bury(conn->runner, conn);
}

static const char *tried(const struct bn_ssh_conn *conn)
{
    const bool password = conn->tried_password || conn->tried_questions;
    if (conn->tried_key && password)
        return "key and password";
    return conn->tried_key ? "key" : password ? "password" : NULL;
}

static void refuse_all(struct bn_ssh_conn *conn)
{
    char methods[BN_SSH_WORD_MAX + 1];
    char text[BN_SSH_TEXT_MAX + 1];
    const char *had = tried(conn);
    put_methods(ssh_userauth_list(conn->ssh, NULL), methods, sizeof methods);
    if (had)
        snprintf(text, sizeof text, "the server does not accept the %s of this user", had);
    else
        snprintf(text, sizeof text, "the server takes only: %s; %s was given", methods,
                conn->key                ? "a key"
                : conn->password[0] != 0 ? "a password"
                                         : "nothing");
    refuse(conn, text);
}

/* A password that was refused is not tried a second time in another way: servers count. */
static void choose(struct bn_ssh_conn *conn)
{
    const int methods = ssh_userauth_list(conn->ssh, NULL);
    const bool has_password = conn->password[0] && !conn->tried_password && !conn->tried_questions;
    if (conn->key && !conn->tried_key && (methods & SSH_AUTH_METHOD_PUBLICKEY))
        conn->step = BN_SSH_STEP_KEY;
    else if (has_password && (methods & SSH_AUTH_METHOD_PASSWORD))
        conn->step = BN_SSH_STEP_PASSWORD;
    else if (has_password && (methods & SSH_AUTH_METHOD_INTERACTIVE))
        conn->step = BN_SSH_STEP_QUESTIONS;
    else
        refuse_all(conn);
}

/* --- the ways -------------------------------------------------------------------------------- */

/* One question that is not echoed gets the password, once; who asks more wants a person. */
static int answer_questions(struct bn_ssh_conn *conn)
{
    int rc = ssh_userauth_kbdint(conn->ssh, NULL, NULL);
    for (int round = 0; rc == SSH_AUTH_INFO && round < 4; round++) {
        char echo = 1;
        const int count = ssh_userauth_kbdint_getnprompts(conn->ssh);
        const char *prompt = count > 0 ? ssh_userauth_kbdint_getprompt(conn->ssh, 0, &echo) : "";
        if (count > 1 || (count == 1 && (echo || conn->gave_answer))) {
            char text[BN_SSH_TEXT_MAX + 1];
            snprintf(text, sizeof text, "the server asks more than a password: \"%.100s\"",
                    prompt ? prompt : "");
            refuse(conn, text);
            return SSH_AUTH_ERROR;
        }
        if (count == 1) {
            ssh_userauth_kbdint_setanswer(conn->ssh, 0, conn->password);
            conn->gave_answer = true;
        }
        rc = ssh_userauth_kbdint(conn->ssh, NULL, NULL);
    }
    return rc == SSH_AUTH_INFO ? SSH_AUTH_ERROR : rc;
}

static int try_way(struct bn_ssh_conn *conn)
{
    switch (conn->step) {
    case BN_SSH_STEP_KEY:
        conn->tried_key = true;
        return ssh_userauth_publickey(conn->ssh, NULL, conn->key);
    case BN_SSH_STEP_PASSWORD:
        conn->tried_password = true;
        return ssh_userauth_password(conn->ssh, NULL, conn->password);
    case BN_SSH_STEP_QUESTIONS: conn->tried_questions = true; return answer_questions(conn);
    default: return ssh_userauth_none(conn->ssh, NULL);
    }
}

static void opened(struct bn_ssh_conn *conn)
{
    char banner[BN_SSH_TEXT_MAX + 1];
    const char *said = ssh_get_serverbanner(conn->ssh);
    bn_text_clip(banner, sizeof banner, bn_str(said ? said : ""));
    bn_ssh_auth_wipe(conn);
    conn->event = ssh_event_new();
    if (!conn->event || ssh_event_add_session(conn->event, conn->ssh) != SSH_OK) {
        bn_ssh_fail(conn, BN_SSH_FAULT_RUNNER, "there is no memory for one more session");
        return;
    }
    conn->step = BN_SSH_STEP_OPEN;
    bn_ssh_enter(conn, BN_SSH_PHASE_IDLE, 0);
    const struct bn_ssh_frame frame = {.kind = BN_SSH_OPENED,
            .session = conn->id,
            .text = {[BN_SSH_OPENED_KEY_TYPE] = bn_str(conn->want_type),
                    [BN_SSH_OPENED_KEY] = bn_str(conn->want_key),
                    [BN_SSH_OPENED_BANNER] = bn_str(banner)}};
    bn_ssh_tell(conn->runner, &frame);
}

void bn_ssh_auth_drive(struct bn_ssh_conn *conn)
{
    switch (try_way(conn)) {
    case SSH_AUTH_SUCCESS: opened(conn); break;
    case SSH_AUTH_AGAIN: /* also after a goodbye, for ever */
        if (!ssh_is_connected(conn->ssh))
            bn_ssh_lost(conn);
        break;
    case SSH_AUTH_DENIED:
    case SSH_AUTH_PARTIAL: choose(conn); break;
    default:
        if (!conn->is_over && ssh_is_connected(conn->ssh))
            bn_ssh_fail(conn, BN_SSH_FAULT_AUTH_REFUSED, NULL);
        else if (!conn->is_over)
            bn_ssh_lost(conn);
    }
}
