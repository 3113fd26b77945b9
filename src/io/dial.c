#include "io/dial.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "io/resolve.h"
#include "io/stream_private.h"
#include "io/tls_client.h"

#define NEXT_MS 250 /* RFC 8305 section 5 */
#define MS_NS   1000000

struct bn_dialer {
    struct bn_loop *loop;
    struct bn_target_policy policy;
    struct bn_resolver *resolver;
    struct bn_tls_client *tls;
};

/* One address being called. */
struct call {
    int fd; /* -1: not, or no more */
    int8_t at;
    struct bn_dial *dial;
    uv_poll_t poll;
};

struct bn_dial {
    struct bn_dialer *dialer;
    void (*done)(void *user, const struct bn_dialled *result);
    void *user;
    struct bn_tls_peer *peer;
    int port;
    bool is_plain;
    bool is_fresh;
    bool is_starting; /* inside bn_dial_start: done() may not be called yet */
    bool is_over;     /* result stands, or nobody wants it */
    bool was_called;  /* the policy let an address through */
    enum bn_fetch_phase phase;
    struct bn_resolve_ask ask;
    struct bn_addresses found;
    size_t next; /* of found */
    int error;   /* errno of the last address that failed */
    /* Monotonic nanoseconds. */
    int64_t begun_ns;
    int64_t phase_ns; /* this phase began */
    int64_t limit_ns;
    int64_t next_ns; /* when the next address is called beside the last */
    struct bn_tls *tls;
    size_t handles; /* of the library, still open */
    uv_timer_t timer;
    struct call calls[BN_RESOLVE_MAX];
    struct bn_dialled result;
    char host[254];
};

static void on_timer(uv_timer_t *timer);
static void on_connect(uv_poll_t *poll, int status, int events);
static void on_shake(uv_poll_t *poll, int status, int events);

/* --- words ----------------------------------------------------------------------------------- */

const char *bn_fetch_fault_word(enum bn_fetch_fault fault)
{
    static const char *const words[] = {
#define X(name, word) word,
            BN_FETCH_FAULTS(X)
#undef X
    };
    return words[fault];
}

const char *bn_fetch_phase_word(enum bn_fetch_phase phase)
{
    static const char *const words[] = {"dns", "tcp", "tls", "answer", "body"};
    return words[phase];
}

void bn_fetch_timeout_text(char *out, size_t size, enum bn_fetch_phase phase, double took_ms)
{
    static const char *const waits[] = {
            [BN_PHASE_DNS] = "looking up the name",
            [BN_PHASE_TCP] = "connecting (a firewall?)",
            [BN_PHASE_TLS] = "the TLS handshake",
            [BN_PHASE_ANSWER] = "waiting for the answer",
            [BN_PHASE_BODY] = "reading the answer",
    };
    snprintf(out, size, "timed out after %.1f s in %s", took_ms / 1000, waits[phase]);
}

/* --- the end --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct bn_dial *dial = handle->data;
    if (--dial->handles == 0)
        free(dial);
}

static void close_call(struct call *call)
{
    if (call->fd < 0)
        return;
    uv_close((uv_handle_t *)&call->poll, on_closed);
    close(call->fd);
    call->fd = -1;
}

static void close_calls(struct bn_dial *dial, const struct call *but)
{
    for (size_t i = 0; i < dial->next; i++)
        if (&dial->calls[i] != but)
            close_call(&dial->calls[i]);
}

/* Everything but the result and the timer. */
static void let_go(struct bn_dial *dial)
{
    dial->is_over = true;
    bn_resolve_cancel(&dial->ask);
    bn_tls_destroy(dial->tls);
    dial->tls = NULL;
    close_calls(dial, NULL);
}

static void deliver(struct bn_dial *dial)
{
    uv_close((uv_handle_t *)&dial->timer, on_closed);
    dial->done(dial->user, &dial->result);
}

static void fail(struct bn_dial *dial, enum bn_fetch_fault fault, const char *text)
{
    dial->result.fault = fault;
    dial->result.phase = dial->phase;
    bn_text_clip(dial->result.text, sizeof dial->result.text, bn_str(text));
    let_go(dial);
    if (dial->is_starting)
        uv_timer_start(&dial->timer, on_timer, 0, 0);
    else
        deliver(dial);
}

static double end_phase(struct bn_dial *dial, enum bn_fetch_phase next)
{
    const int64_t now_ns = bn_clock_mono_ns();
    const double took_ms = (double)(now_ns - dial->phase_ns) / MS_NS;
    dial->phase_ns = now_ns;
    dial->phase = next;
    return took_ms;
}

static void hand_over(struct bn_dial *dial, struct call *call)
{
    const int fd = call->fd;
    uv_close((uv_handle_t *)&call->poll, on_closed);
    call->fd = -1;
    struct bn_stream *stream = bn_stream_create(dial->dialer->loop, fd, dial->tls);
    if (!stream) {
        close(fd);
        fail(dial, BN_FETCH_UNREACHABLE, "cannot be reached: the kernel watches no more sockets");
        return;
    }
    dial->tls = NULL;
    bn_stream_set_address(stream, dial->result.address);
    dial->result.stream = stream;
    let_go(dial);
    deliver(dial);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void fail_refused(struct bn_dial *dial)
{
    const struct bn_tls_peer *peer = dial->peer;
    char text[BN_ERR_TEXT_MAX];
    if (peer->trust == BN_TRUST_PIN) {
        fail(dial, BN_FETCH_CERT_CHANGED,
                "the certificate is another one than the pinned one; nothing was sent");
        return;
    }
    if (peer->is_other_name)
        snprintf(text, sizeof text, "the certificate is not made out to this host name");
    else
        snprintf(text, sizeof text, "the certificate is not trusted: %s", peer->why);
    fail(dial, BN_FETCH_UNTRUSTED, text);
}

static void fail_tls(struct bn_dial *dial, const struct bn_err *err)
{
    char text[BN_ERR_TEXT_MAX];
    if (strstr(err->text, "wrong version number") || strstr(err->text, "packet length")) {
        fail(dial, BN_FETCH_TLS, "speaks no TLS on that port");
        return;
    }
    snprintf(text, sizeof text, "TLS failed: %.150s", err->text);
    fail(dial, BN_FETCH_TLS, text);
}

static void shake(struct bn_dial *dial, struct call *call)
{
    struct bn_err err = {.code = BN_E_OK};
    switch (bn_tls_client_shake(dial->tls, &err)) {
    case BN_TLS_OK:
        dial->result.tls_ms = end_phase(dial, BN_PHASE_ANSWER);
        dial->result.is_resumed = bn_tls_client_is_resumed(dial->tls);
        hand_over(dial, call);
        return;
    case BN_TLS_WANT_READ: uv_poll_start(&call->poll, UV_READABLE, on_shake); return;
    case BN_TLS_WANT_WRITE: uv_poll_start(&call->poll, UV_WRITABLE, on_shake); return;
    case BN_TLS_FAILED:
        if (dial->peer->is_refused)
            fail_refused(dial);
        else
            fail_tls(dial, &err);
        return;
    default:
        fail(dial, BN_FETCH_RESET,
                "closed the connection during the TLS handshake (an access list?)");
    }
}

static void begin_tls(struct bn_dial *dial, struct call *call)
{
    char key[BN_DIAL_KEY_SIZE];
    const struct bn_dial_to same = {.host = dial->host, .port = dial->port, .peer = dial->peer};
    bn_dial_key(&same, key);
    const struct bn_tls_to to = {.host = dial->host,
            .key = key,
            .is_fresh = dial->is_fresh,
            .peer = dial->peer};
    dial->result.was_tls = true;
    dial->tls = bn_tls_client_open(dial->dialer->tls, call->fd, &to);
    if (dial->tls)
        shake(dial, call);
    else
        fail(dial, BN_FETCH_TLS, "TLS failed: there is no memory for one more connection");
}

static void on_shake(uv_poll_t *poll, int status, int events)
{
    struct call *call = container_of(poll, struct call, poll);
    (void)status; /* the handshake finds out by itself */
    (void)events;
    bn_loop_note_time(poll->loop);
    shake(call->dial, call);
}

/* --- TCP ------------------------------------------------------------------------------------- */

static void fail_connect(struct bn_dial *dial)
{
    char text[120];
    switch (dial->error) {
    case ECONNREFUSED:
        fail(dial, BN_FETCH_REFUSED, "connection refused: nothing listens on that port");
        return;
    case ETIMEDOUT:
        fail(dial, BN_FETCH_TIMEOUT, "no answer to the connection attempt (a firewall?)");
        return;
    case ECONNRESET: fail(dial, BN_FETCH_RESET, "closed the connection at once"); return;
    default:
        snprintf(text, sizeof text, "cannot be reached: %s", strerror(dial->error));
        fail(dial, BN_FETCH_UNREACHABLE, text);
    }
}

static socklen_t write_address(const struct bn_addr *from, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (bn_addr_is_v4(from)) {
        memcpy(&in.sin_addr, from->bytes + 12, sizeof in.sin_addr);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    memcpy(&in6.sin6_addr, from->bytes, sizeof in6.sin6_addr);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

/* False: not even begun, dial->error says why. */
static bool call_address(struct bn_dial *dial, const struct bn_addr *addr)
{
    struct sockaddr_storage to;
    const socklen_t len = write_address(addr, dial->port, &to);
    struct call *call = &dial->calls[dial->next - 1];
    const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    dial->error = errno;
    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS) {
        dial->error = errno;
        close(fd);
        return false;
    }
    const int failed = uv_poll_init(bn_loop_uv(dial->dialer->loop), &call->poll, fd);
    if (failed) {
        dial->error = -failed;
        close(fd);
        return false;
    }
    call->fd = fd;
    call->dial = dial;
    call->poll.data = dial;
    dial->handles++;
    uv_poll_start(&call->poll, UV_WRITABLE, on_connect);
    return true;
}

static bool is_calling(const struct bn_dial *dial)
{
    for (size_t i = 0; i < dial->next; i++)
        if (dial->calls[i].fd >= 0)
            return true;
    return false;
}

/* To the limit, or to the moment at which the next address is called. */
static void set_timer(struct bn_dial *dial)
{
    const bool has_next = dial->phase == BN_PHASE_TCP && dial->next < dial->found.count;
    const int64_t due_ns = has_next ? BN_MIN(dial->next_ns, dial->limit_ns) : dial->limit_ns;
    const int64_t wait_ns = BN_MAX(due_ns - bn_clock_mono_ns(), 0);
    uv_timer_start(&dial->timer, on_timer, (uint64_t)((wait_ns + MS_NS - 1) / MS_NS), 0);
}

/* The next address the policy allows; when there is none and none answers, that was it. */
static void call_next(struct bn_dial *dial)
{
    struct bn_err err;
    char closed[BN_ERR_TEXT_MAX] = "";
    while (dial->next < dial->found.count) {
        const struct bn_addr *addr = &dial->found.items[dial->next++];
        dial->calls[dial->next - 1].fd = -1;
        bn_addr_text(addr, dial->result.address);
        if (!bn_target_check(&dial->dialer->policy, addr, &err)) {
            memcpy(closed, err.text, sizeof closed);
            continue;
        }
        dial->was_called = true;
        if (!call_address(dial, addr))
            continue;
        dial->next_ns = bn_clock_mono_ns() + (int64_t)NEXT_MS * MS_NS;
        set_timer(dial);
        return;
    }
    if (is_calling(dial))
        set_timer(dial);
    else if (dial->was_called)
        fail_connect(dial);
    else
        fail(dial, BN_FETCH_NOT_ALLOWED, closed);
}

static void take(struct bn_dial *dial, struct call *call)
{
    uv_poll_stop(&call->poll);
    bn_addr_text(&dial->found.items[call - dial->calls], dial->result.address);
    close_calls(dial, call);
    dial->result.tcp_ms = end_phase(dial, dial->is_plain ? BN_PHASE_ANSWER : BN_PHASE_TLS);
    if (dial->is_plain)
        hand_over(dial, call);
    else
        begin_tls(dial, call);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
    struct call *call = container_of(poll, struct call, poll);
    struct bn_dial *dial = call->dial;
    int error = 0;
    socklen_t len = sizeof error;
    (void)status; /* the socket knows more */
    (void)events;
    bn_loop_note_time(poll->loop);
    if (getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
        take(dial, call);
        return;
    }
    dial->error = error;
    close_call(call);
    call_next(dial);
}

/* --- from the name on ------------------------------------------------------------------------ */

static void known(struct bn_dial *dial)
{
    if (dial->found.count == 0) {
        fail(dial, BN_FETCH_DNS, "the name is not known to the resolver");
        return;
    }
    dial->result.dns_ms = end_phase(dial, BN_PHASE_TCP);
    call_next(dial);
}

static void on_found(struct bn_resolve_ask *ask, const struct bn_addresses *found)
{
    struct bn_dial *dial = container_of(ask, struct bn_dial, ask);
    dial->found = *found;
    known(dial);
}

static void on_timer(uv_timer_t *timer)
{
    struct bn_dial *dial = timer->data;
    char text[120];
    bn_loop_note_time(timer->loop);
    const int64_t now_ns = bn_clock_mono_ns();
    if (dial->is_over)
        deliver(dial);
    else if (now_ns >= dial->limit_ns) {
        bn_fetch_timeout_text(text, sizeof text, dial->phase,
                (double)(now_ns - dial->begun_ns) / MS_NS);
        fail(dial, BN_FETCH_TIMEOUT, text);
    } else if (dial->phase == BN_PHASE_TCP && dial->next < dial->found.count &&
               now_ns >= dial->next_ns)
        call_next(dial);
    else
        set_timer(dial); /* a little too early */
}

static struct bn_dial *make(struct bn_dialer *dialer, const struct bn_dial_to *to)
{
    struct bn_dial *dial = bn_alloc(sizeof *dial);
    dial->dialer = dialer;
    dial->peer = to->peer;
    dial->port = to->port;
    dial->is_plain = to->is_plain;
    dial->is_fresh = to->is_fresh;
    dial->begun_ns = dial->phase_ns = bn_clock_mono_ns();
    dial->limit_ns = dial->begun_ns + to->limit_ms * MS_NS;
    dial->result.dns_ms = dial->result.tcp_ms = dial->result.tls_ms = NAN;
    bn_list_init(&dial->ask.link);
    bn_text_clip(dial->host, sizeof dial->host, bn_str(to->host));
    uv_timer_init(bn_loop_uv(dialer->loop), &dial->timer);
    dial->timer.data = dial;
    dial->handles = 1;
    return dial;
}

struct bn_dial *bn_dial_start(struct bn_dialer *dialer, const struct bn_dial_to *to,
        void (*done)(void *user, const struct bn_dialled *result), void *user)
{
    assert(to->limit_ms > 0 && (to->is_plain || to->peer));
    struct bn_dial *dial = make(dialer, to);
    dial->done = done;
    dial->user = user;
    dial->ask.done = on_found;
    dial->is_starting = true;
    uv_update_time(bn_loop_uv(dialer->loop));
    dial->found.count = bn_addr_parse(bn_str(to->host), &dial->found.items[0]);
    if (dial->found.count > 0 ||
            bn_resolve(dialer->resolver, dial->host, to->is_fresh, &dial->ask, &dial->found))
        known(dial);
    else
        set_timer(dial);
    dial->is_starting = false;
    return dial;
}

void bn_dial_cancel(struct bn_dial *dial)
{
    if (!dial)
        return;
    let_go(dial);
    uv_close((uv_handle_t *)&dial->timer, on_closed);
}

void bn_dial_key(const struct bn_dial_to *to, char out[BN_DIAL_KEY_SIZE])
{
    const bool is_pinned = !to->is_plain && to->peer->trust == BN_TRUST_PIN;
    snprintf(out, BN_DIAL_KEY_SIZE, "%s %d %d %d %s", to->host, to->port, to->is_plain,
            to->is_plain ? 0 : (int)to->peer->trust, is_pinned ? to->peer->pin : "");
}

/* --- the dialer ------------------------------------------------------------------------------ */

bool bn_dialer_create(struct bn_loop *loop, const struct bn_target_policy *policy,
        size_t sessions_max, struct bn_dialer **out, struct bn_err *err)
{
    struct bn_dialer *dialer = bn_alloc(sizeof *dialer);
    dialer->loop = loop;
    dialer->policy = *policy;
    if (!bn_tls_client_create(sessions_max, &dialer->tls, err)) {
        free(dialer);
        return false;
    }
    if (!bn_resolver_create(loop, &dialer->resolver, err)) {
        bn_tls_client_unref(dialer->tls);
        free(dialer);
        return false;
    }
    *out = dialer;
    return true;
}

void bn_dialer_destroy(struct bn_dialer *dialer)
{
    if (!dialer)
        return;
    bn_resolver_destroy(dialer->resolver);
    bn_tls_client_unref(dialer->tls);
    free(dialer);
}
