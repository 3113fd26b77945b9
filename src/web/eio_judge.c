#include "web/eio_session.h"

/* Which requests are what, in the order of the protocol's table (SOCKETIO section 6). */

const struct bn_eio_refusal bn_eio_bad_request = {400, 3, "Bad request"};

static bool is_clean(struct bn_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
    return true;
}

static enum bn_eio_verdict refuse(struct bn_eio_refusal *out, int status, int code,
        const char *message)
{
    *out = (struct bn_eio_refusal){status, code, message};
    return BN_EIO_REFUSED;
}

static enum bn_eio_verdict judge_known(const struct bn_eio_session *session,
        const struct bn_eio_ask *ask, struct bn_eio_refusal *out)
{
    const bool polls = bn_str_is(ask->transport, "polling");
    if (ask->is_upgrade)
        return polls ? refuse(out, 400, 3, "Bad request") : BN_EIO_JOINS;
    if (!polls || bn_eio_has_socket(session))
        return refuse(out, 400, 3, "Bad request");
    if (bn_str_is(ask->method, "GET"))
        return BN_EIO_POLLS;
    return bn_str_is(ask->method, "POST") ? BN_EIO_POSTS : refuse(out, 400, 3, "Bad request");
}

static enum bn_eio_verdict judge_new(const struct bn_eio_ask *ask, struct bn_eio_refusal *out)
{
    const bool polls = bn_str_is(ask->transport, "polling");
    if (!bn_str_is(ask->method, "GET"))
        return refuse(out, 400, 2, "Bad handshake method");
    if (polls == ask->is_upgrade)
        return refuse(out, 400, 3, "Bad request");
    if (ask->forbidden)
        return refuse(out, 403, 4, ask->forbidden);
    if (!bn_str_is(ask->version, "4"))
        return refuse(out, 400, 5, "Unsupported protocol version");
    return BN_EIO_OPENS;
}

enum bn_eio_verdict bn_eio_judge(const struct bn_eio *eio, const struct bn_eio_ask *ask,
        struct bn_eio_session **out_session, struct bn_eio_refusal *out_refusal)
{
    struct bn_eio_session *session;
    if (!bn_str_is(ask->transport, "polling") && !bn_str_is(ask->transport, "websocket"))
        return refuse(out_refusal, 400, 0, "Transport unknown");
    if (!is_clean(ask->origin))
        return refuse(out_refusal, 400, 3, "Bad request");
    if (!ask->sid.p)
        return judge_new(ask, out_refusal);
    session = bn_eio_find(eio, ask->sid);
    if (!session)
        return refuse(out_refusal, 400, 1, "Session ID unknown");
    *out_session = session;
    return judge_known(session, ask, out_refusal);
}

void bn_eio_put_refusal(struct bn_buf *out, const struct bn_eio_refusal *refusal)
{
    bn_buf_printf(out, "{\"code\":%d,\"message\":\"%s\"}", refusal->code, refusal->message);
}
