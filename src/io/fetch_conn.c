#include <stdlib.h>
#include <string.h>

#include "io/fetch_private.h"

/* --- a connection ---------------------------------------------------------------------------- */

static size_t on_data(void *user, const char *p, size_t len);
static bool on_ended(void *user);
static void on_closed(void *user, const struct bn_err *err);

static const struct bn_stream_ops ops = {.data = on_data, .ended = on_ended, .closed = on_closed};
static const struct bn_stream_ops nobody = {.data = NULL};

static void release_slot(struct bn_fetch *fetch, struct bn_fetch_host *host)
{
    host->connections--;
    fetch->connections--;
}

static void drop(struct bn_fetch_conn *conn)
{
    bn_stream_set(conn->stream, &nobody, NULL);
    bn_stream_abort(conn->stream);
    bn_list_remove(&conn->kept);
    bn_list_remove(&conn->order);
    release_slot(conn->fetch, conn->host);
    free(conn);
}

static void free_if_unused(struct bn_fetch *fetch, struct bn_fetch_host *host)
{
    if (host->connections > 0 || !bn_list_is_empty(&host->waiting))
        return;
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(fetch->hosts, host);
    free(host);
}

/* What nobody asked for, or the end: either way it is no connection to ask on. */
static void drop_kept(struct bn_fetch_conn *conn)
{
    // NOLINTNEXTLINE(clang-analyzer-*): what is dropped has left the lists
    struct bn_fetch *fetch = conn->fetch;
    struct bn_fetch_host *host = conn->host;
    drop(conn);
    bn_fetch_conn_next(host, fetch);
}

static size_t on_data(void *user, const char *p, size_t len)
{
    struct bn_fetch_conn *conn = user;
    if (conn->call)
        bn_fetch_call_data(conn->call, p, len);
    else
        drop_kept(conn);
    return len;
}

static bool on_ended(void *user)
{
    struct bn_fetch_conn *conn = user;
    if (conn->call)
        bn_fetch_call_ended(conn->call);
    else
        drop_kept(conn);
    return true;
}

static void on_closed(void *user, const struct bn_err *err)
{
    struct bn_fetch_conn *conn = user;
    (void)err; /* its words are of the system, and the sentence is ours */
    if (conn->call)
        bn_fetch_call_broke(conn->call);
    else
        drop_kept(conn);
}

/* --- made anew ------------------------------------------------------------------------------- */

static void on_dialled(void *user, const struct bn_dialled *result)
{
    struct bn_fetch_call *call = user;
    struct bn_fetch_answer *answer = &call->job->answer;
    call->dial = NULL;
    answer->dns_ms = result->dns_ms;
    answer->tcp_ms = result->tcp_ms;
    answer->tls_ms = result->tls_ms;
    memcpy(answer->address, result->address, sizeof answer->address);
    if (result->was_tls)
        bn_fetch_note_handshake(call->fetch);
    if (!result->stream) {
        release_slot(call->fetch, call->host);
        bn_fetch_call_fail(call, result->fault, result->phase, result->text);
        return;
    }
    struct bn_fetch_conn *conn = bn_alloc(sizeof *conn);
    *conn = (struct bn_fetch_conn){.fetch = call->fetch,
            .host = call->host,
            .stream = result->stream,
            .call = call,
            .expires_at = call->job->peer.expires_at};
    memcpy(conn->fingerprint, call->job->peer.fingerprint, sizeof conn->fingerprint);
    memcpy(conn->key, call->key, sizeof conn->key);
    bn_list_init(&conn->kept);
    bn_list_init(&conn->order);
    call->conn = conn;
    bn_stream_set(conn->stream, &ops, conn);
    bn_fetch_call_send(call);
}

static void dial(struct bn_fetch_call *call)
{
    const struct bn_fetch_request *request = &call->job->request;
    const int64_t spent_ms = (bn_clock_mono_ns() - call->begun_ns) / 1000000;
    const struct bn_dial_to to = {.host = request->host,
            .port = request->port,
            .is_plain = request->is_plain,
            .is_fresh = request->is_fresh,
            .limit_ms = BN_MAX(BN_MIN(request->connect_ms, request->total_ms - spent_ms), 1),
            .peer = &call->job->peer};
    uv_timer_stop(&call->timer); /* the dial has a limit of its own */
    call->host->connections++;
    call->fetch->connections++;
    call->dial = bn_dial_start(call->fetch->dialer, &to, on_dialled, call);
}

/* --- kept ------------------------------------------------------------------------------------ */

static struct bn_fetch_conn *find_kept(const struct bn_fetch_call *call)
{
    if (!call->may_use_kept)
        return NULL;
    bn_list_each(it, &call->host->kept) {
        struct bn_fetch_conn *conn = container_of(it, struct bn_fetch_conn, kept);
        if (strcmp(conn->key, call->key) == 0)
            return conn;
    }
    return NULL;
}

/* Its certificate was judged when it was made, for the same trust: the key says so. */
static void use(struct bn_fetch_call *call, struct bn_fetch_conn *conn)
{
    struct bn_fetch_job *job = call->job;
    bn_list_remove(&conn->kept);
    bn_list_remove(&conn->order);
    conn->call = call;
    call->conn = conn;
    call->is_kept = true;
    memcpy(job->peer.fingerprint, conn->fingerprint, sizeof job->peer.fingerprint);
    job->peer.expires_at = conn->expires_at;
    bn_text_clip(job->answer.address, sizeof job->answer.address,
            bn_str(bn_stream_address(conn->stream)));
    bn_fetch_call_send(call);
}

static void keep(struct bn_fetch_conn *conn)
{
    struct bn_fetch *fetch = conn->fetch;
    const bool is_first = bn_list_is_empty(&fetch->kept);
    conn->call = NULL;
    conn->until_mono_ms = fetch->clock.mono_ms + fetch->config.keep_ms;
    bn_list_append(&conn->host->kept, &conn->kept);
    bn_list_append(&fetch->kept, &conn->order);
    if (is_first)
        bn_timer_start(fetch->keep_timer, fetch->config.keep_ms, 0);
}

void bn_fetch_conn_expire(void *user)
{
    struct bn_fetch *fetch = user;
    while (!bn_list_is_empty(&fetch->kept)) {
        struct bn_fetch_conn *conn = container_of(fetch->kept.next, struct bn_fetch_conn, order);
        // NOLINTNEXTLINE(clang-analyzer-*): likewise
        const int64_t left_ms = conn->until_mono_ms - fetch->clock.mono_ms;
        if (left_ms > 0) {
            bn_timer_start(fetch->keep_timer, left_ms, 0);
            return;
        }
        drop_kept(conn);
    }
}

void bn_fetch_conn_drop_kept(struct bn_fetch *fetch)
{
    while (!bn_list_is_empty(&fetch->kept))
        drop_kept(container_of(fetch->kept.next, struct bn_fetch_conn, order));
}

/* --- whose turn ------------------------------------------------------------------------------ */

static struct bn_fetch_host *get_host(struct bn_fetch *fetch, const struct bn_fetch_request *to)
{
    char key[280];
    const int len = snprintf(key, sizeof key, "%s %d", to->host, to->port);
    struct bn_fetch_host *host = NULL;
    HASH_FIND_STR(fetch->hosts, key, host);
    if (host)
        return host;
    host = bn_alloc(sizeof *host + (size_t)len + 1);
    memcpy(host->key, key, (size_t)len + 1);
    bn_list_init(&host->waiting);
    bn_list_init(&host->kept);
    HASH_ADD_STR(fetch->hosts, key, host);
    return host;
}

/* Room for one more, if need be at the cost of one that nobody uses. */
static bool make_room(struct bn_fetch *fetch, struct bn_fetch_host *host)
{
    if (host->connections >= fetch->config.per_host) {
        if (bn_list_is_empty(&host->kept))
            return false;
        drop(container_of(host->kept.next, struct bn_fetch_conn, kept));
    }
    if (fetch->connections >= fetch->config.at_once && !bn_list_is_empty(&fetch->kept)) {
        struct bn_fetch_conn *oldest = container_of(fetch->kept.next, struct bn_fetch_conn, order);
        struct bn_fetch_host *other = oldest->host;
        drop(oldest);
        if (other != host)
            free_if_unused(fetch, other);
    }
    return true;
}

void bn_fetch_conn_want(struct bn_fetch_call *call)
{
    if (!call->host)
        call->host = get_host(call->fetch, &call->job->request);
    struct bn_fetch_conn *conn = find_kept(call);
    if (conn)
        use(call, conn);
    else if (make_room(call->fetch, call->host))
        dial(call);
    else
        bn_list_append(&call->host->waiting, &call->link);
}

void bn_fetch_conn_next(struct bn_fetch_host *host, struct bn_fetch *fetch)
{
    if (!bn_list_is_empty(&host->waiting) &&
            (host->connections < fetch->config.per_host || !bn_list_is_empty(&host->kept))) {
        struct bn_fetch_call *call = container_of(host->waiting.next, struct bn_fetch_call, link);
        bn_list_remove(&call->link);
        bn_fetch_conn_want(call);
    }
    free_if_unused(fetch, host);
}

void bn_fetch_conn_leave(struct bn_fetch_call *call, bool may_keep)
{
    bn_list_remove(&call->link);
    if (call->dial) {
        bn_dial_cancel(call->dial);
        call->dial = NULL;
        release_slot(call->fetch, call->host);
    }
    if (call->conn && may_keep)
        keep(call->conn);
    else if (call->conn)
        drop(call->conn);
    call->conn = NULL;
}
