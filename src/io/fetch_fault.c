#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/fetch_private.h"

static enum bn_fetch_phase phase_of(const struct bn_fetch_call *call)
{
    if (call->was_sent)
        return call->job->answer.status ? BN_PHASE_BODY : BN_PHASE_ANSWER;
    if (call->tls_ns)
        return BN_PHASE_TLS;
    return call->opened_ns || call->is_closed ? BN_PHASE_TCP : BN_PHASE_DNS;
}

static void say(struct bn_fetch_answer *answer, enum bn_fetch_fault fault, const char *text)
{
    answer->fault = fault;
    bn_text_clip(answer->text, sizeof answer->text, bn_str(text));
}

static long os_error(const struct bn_fetch_call *call)
{
    long number = 0;
    curl_easy_getinfo(call->easy->handle, CURLINFO_OS_ERRNO, &number);
    return number;
}

static void explain_connect(struct bn_fetch_call *call)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    char text[120];
    const long number = os_error(call);
    if (call->is_closed) {
        answer->fault = BN_FETCH_NOT_ALLOWED; /* text is there */
        return;
    }
    if (number == ECONNREFUSED) {
        say(answer, BN_FETCH_REFUSED, "connection refused: nothing listens on that port");
        return;
    }
    if (number == ETIMEDOUT) {
        say(answer, BN_FETCH_TIMEOUT, "no answer to the connection attempt (a firewall?)");
        return;
    }
    snprintf(text, sizeof text, "cannot be reached: %s",
            number ? strerror((int)number) : "no address of it answers");
    say(answer, BN_FETCH_UNREACHABLE, text);
}

static void explain_timeout(struct bn_fetch_call *call)
{
    static const char *const waits[] = {
            [BN_PHASE_DNS] = "looking up the name",
            [BN_PHASE_TCP] = "connecting (a firewall?)",
            [BN_PHASE_TLS] = "the TLS handshake",
            [BN_PHASE_ANSWER] = "waiting for the answer",
            [BN_PHASE_BODY] = "reading the answer",
    };
    char text[120];
    struct bn_fetch_answer *answer = &call->job->answer;
    snprintf(text, sizeof text, "timed out after %.1f s in %s", answer->total_ms / 1000,
            waits[answer->phase]);
    say(answer, BN_FETCH_TIMEOUT, text);
}

/* The certificate was seen, and refused by us; why is OpenSSL's sentence. */
static void explain_refusal(struct bn_fetch_call *call)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    const struct bn_tls_peer *peer = &call->job->peer;
    char text[BN_ERR_TEXT_MAX];
    answer->phase = BN_PHASE_TLS;
    if (peer->trust == BN_TRUST_PIN) {
        say(answer, BN_FETCH_CERT_CHANGED,
                "the certificate is another one than the pinned one; nothing was sent");
        return;
    }
    snprintf(text, sizeof text, "the certificate is not trusted: %s", peer->why);
    say(answer, BN_FETCH_UNTRUSTED, text);
}

static void explain_tls(struct bn_fetch_call *call, CURLcode code)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    const long number = os_error(call);
    char text[BN_ERR_TEXT_MAX];
    answer->phase = BN_PHASE_TLS;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        say(answer, BN_FETCH_UNTRUSTED, "the certificate is not made out to this host name");
    else if (number == ECONNRESET || number == EPIPE || strstr(call->said, "SSL_ERROR_SYSCALL") ||
             strstr(call->said, "unexpected eof"))
        say(answer, BN_FETCH_RESET,
                "closed the connection during the TLS handshake (an access list?)");
    else if (strstr(call->said, "wrong version number") || strstr(call->said, "packet length"))
        say(answer, BN_FETCH_TLS, "speaks no TLS on that port");
    else {
        snprintf(text, sizeof text, "TLS failed: %.150s", call->said);
        say(answer, BN_FETCH_TLS, text);
    }
}

static void explain_too_big(struct bn_fetch_call *call)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    char text[120];
    if (bn_buf_ok(&answer->body))
        snprintf(text, sizeof text, "%s", "the answer is larger than what may be held at once");
    else
        snprintf(text, sizeof text, "the answer is larger than %zu KiB",
                call->job->request.answer_max >> 10);
    say(answer, BN_FETCH_TOO_BIG, text);
}

static void explain_broken(struct bn_fetch_call *call, CURLcode code)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    char text[BN_ERR_TEXT_MAX];
    if (code == CURLE_PARTIAL_FILE) {
        say(answer, BN_FETCH_PROTOCOL, "the answer ended before its announced length");
        return;
    }
    snprintf(text, sizeof text, "what came is no HTTP answer: %.140s",
            call->said[0] ? call->said : curl_easy_strerror(code));
    say(answer, BN_FETCH_PROTOCOL, text);
}

void bn_fetch_explain(struct bn_fetch_call *call, CURLcode code)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    answer->fault = BN_FETCH_NONE;
    if (code == CURLE_OK)
        return;
    answer->phase = phase_of(call);
    if (call->is_too_big) {
        explain_too_big(call);
        return;
    }
    if (call->job->peer.is_refused) {
        explain_refusal(call);
        return;
    }
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        say(answer, BN_FETCH_DNS, "the name is not known to the resolver");
        break;
    case CURLE_COULDNT_CONNECT: explain_connect(call); break;
    case CURLE_OPERATION_TIMEDOUT: explain_timeout(call); break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: explain_tls(call, code); break;
    case CURLE_GOT_NOTHING:
        say(answer, BN_FETCH_RESET, "closed the connection without an answer");
        break;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        say(answer, BN_FETCH_RESET,
                call->was_sent ? "the connection broke" : "closed the connection at once");
        break;
    default: explain_broken(call, code); break;
    }
}
