#include "io/ssh.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#include "base/secret.h"

#include "io/ssh_pipe.h"

#define TAKEN_AT                                                                    \
    (BN_SSH_OUTPUT_WINDOW / 4) /* output taken, of which the runner is told at once \
                                */

struct bn_ssh {
    struct bn_loop *loop;
    struct bn_dialer *dialer;
    struct bn_ssh_forker *forker;
    struct bn_ssh_pipe *pipe;
    struct bn_ssh_session *sessions; /* by id */
    size_t count;
    uint32_t last_id;
    uint64_t opened;
};

struct bn_ssh_session {
    UT_hash_handle hh;
    struct bn_ssh *ssh;
    uint32_t id;
    const struct bn_ssh_ops *ops;
    void *user;
    struct bn_dial *dial;
    struct bn_buf open_frame; /* with the secrets, until it can be sent */
    struct bn_timer *guard;   /* for a runner that does not tell */
    int64_t total_until_mono_ms;
    uint32_t kex_ms, auth_ms, channel_ms, run_ms;
    enum bn_ssh_phase phase;
    bool is_sent; /* the runner has it */
    bool is_opened;
    bool is_over;
    char known_key[BN_SSH_WORD_MAX + 1];
    /* what runs */
    const struct bn_ssh_run_ops *run_ops; /* NULL: nothing */
    void *run_user;
    bool is_paused;
    bool wants_room;
    bool input_ended;
    uint32_t taken; /* bytes of output the runner was not yet told are taken */
    uint32_t input_room;
};

/* --- words of strangers ---------------------------------------------------------------------- */

static bool is_plain(uint32_t code)
{
    const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const bool turns = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
    return !is_control && !turns && code != BN_UTF8_BAD;
}

static void clean(char *out, size_t size, struct bn_str text)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, (size_t)BN_SSH_TEXT_MAX + 1);
    for (size_t used, at = 0; at < text.len; at += used) {
        uint32_t code;
        used = bn_utf8_next(text.p + at, text.len - at, &code);
        if (is_plain(code))
            bn_buf_put(&buf, text.p + at, used);
        else
            bn_buf_putc(&buf, '?');
    }
    bn_text_clip(out, size, bn_buf_str(&buf));
}

/* --- the end --------------------------------------------------------------------------------- */

static void free_session(void *user)
{
    struct bn_ssh_session *session = user;
    bn_timer_destroy(session->guard);
    free(session);
}

static void forget_secrets(struct bn_ssh_session *session)
{
    if (session->open_frame.p)
        bn_wipe(session->open_frame.p, session->open_frame.cap);
    bn_buf_finish(&session->open_frame);
}

/* Out of the table; the memory lasts until the end of the turn, for whoever is in its middle. */
static void leave(struct bn_ssh_session *session)
{
    struct bn_ssh *ssh = session->ssh;
    session->is_over = true;
    bn_timer_stop(session->guard);
    bn_dial_cancel(session->dial);
    session->dial = NULL;
    forget_secrets(session);
    HASH_DEL(ssh->sessions, session);
    ssh->count--;
    bn_ssh_pipe_set_busy(ssh->pipe, ssh->count > 0);
    bn_loop_reap(ssh->loop, free_session, session);
}

static void finish_run(struct bn_ssh_session *session, const struct bn_ssh_result *result)
{
    const struct bn_ssh_run_ops *ops = session->run_ops;
    if (!ops)
        return;
    session->run_ops = NULL;
    ops->done(session->run_user, result);
}

static void end(struct bn_ssh_session *session, const struct bn_ssh_end *end)
{
    struct bn_ssh_result result = {.fault = end->fault};
    bn_text_clip(result.text, sizeof result.text, bn_str(end->text));
    finish_run(session, &result);
    if (session->is_over) /* closed by who was told */
        return;
    leave(session);
    session->ops->ended(session->user, end);
}

static void end_with(struct bn_ssh_session *session, enum bn_ssh_fault fault, const char *text)
{
    struct bn_ssh_end how = {.fault = fault, .phase = session->phase};
    bn_text_clip(how.text, sizeof how.text, bn_str(text));
    end(session, &how);
}

static void tell_close(const struct bn_ssh_session *session)
{
    if (session->is_sent)
        bn_ssh_pipe_send(session->ssh->pipe,
                &(struct bn_ssh_frame){.kind = BN_SSH_CLOSE, .session = session->id});
}

void bn_ssh_close(struct bn_ssh_session *session)
{
    if (!session || session->is_over)
        return;
    session->run_ops = NULL;
    tell_close(session);
    leave(session);
}

/* --- limits of time -------------------------------------------------------------------------- */

/* The runner keeps the limits. This is for the case that it does not. */
static void guard(struct bn_ssh_session *session, uint32_t limit_ms)
{
    const int64_t left_ms = session->total_until_mono_ms - bn_clock_mono_ns() / 1000000;
    const int64_t wait_ms = limit_ms ? BN_MIN(left_ms, (int64_t)limit_ms) : left_ms;
    bn_timer_start(session->guard, BN_MAX(wait_ms, 0) + BN_SSH_GRACE_MS, 0);
}

static void enter(struct bn_ssh_session *session, enum bn_ssh_phase phase)
{
    const uint32_t limits[BN_SSH_PHASE_COUNT] = {
            [BN_SSH_PHASE_CONNECT] = session->channel_ms, /* of a jump host */
            [BN_SSH_PHASE_BANNER] = session->kex_ms,
            [BN_SSH_PHASE_KEX] = session->kex_ms,
            [BN_SSH_PHASE_AUTH] = session->auth_ms,
            [BN_SSH_PHASE_CHANNEL] = session->channel_ms,
            [BN_SSH_PHASE_RUN] = session->run_ms,
    };
    session->phase = phase;
    guard(session, limits[phase]);
}

static void on_guard(void *user)
{
    struct bn_ssh_session *session = user;
    char text[BN_ERR_TEXT_MAX];
    if (session->is_over)
        return;
    bn_text_clip(text, sizeof text, BN_STR("timed out while "));
    bn_text_clip(text + strlen(text), sizeof text - strlen(text),
            bn_str(bn_ssh_phase_doing(session->phase)));
    tell_close(session);
    end_with(session, BN_SSH_FAULT_TIMEOUT, text);
}

/* --- what the runner says -------------------------------------------------------------------- */

static enum bn_ssh_fault fault_of(uint32_t number)
{
    return number < BN_SSH_FAULT_COUNT ? (enum bn_ssh_fault)number : BN_SSH_FAULT_RUNNER;
}

static void on_phase(struct bn_ssh_session *session, const struct bn_ssh_frame *frame)
{
    if (frame->number[0] >= BN_SSH_PHASE_COUNT)
        return;
    enter(session, (enum bn_ssh_phase)frame->number[0]);
    if (session->ops->phase)
        session->ops->phase(session->user, session->phase);
}

static void on_opened(struct bn_ssh_session *session, const struct bn_ssh_frame *frame)
{
    char key[BN_SSH_WORD_MAX + 1];
    char type[BN_SSH_WORD_MAX + 1];
    char banner[BN_SSH_TEXT_MAX + 1];
    if (session->is_opened)
        return;
    session->is_opened = true;
    session->ssh->opened++;
    clean(key, sizeof key, frame->text[BN_SSH_OPENED_KEY]);
    clean(type, sizeof type, frame->text[BN_SSH_OPENED_KEY_TYPE]);
    clean(banner, sizeof banner, frame->text[BN_SSH_OPENED_BANNER]);
    session->ops->opened(session->user, &(struct bn_ssh_peer){key, type, banner});
}

static void on_output(struct bn_ssh_session *session, const struct bn_ssh_frame *frame)
{
    const struct bn_str bytes = frame->text[0];
    if (!session->run_ops)
        return;
    session->taken += (uint32_t)bytes.len;
    session->run_ops->output(session->run_user,
            frame->number[0] == BN_SSH_STDERR ? BN_SSH_STDERR : BN_SSH_STDOUT, bytes.p, bytes.len);
    if (!session->is_over && !session->is_paused && session->taken >= TAKEN_AT)
        bn_ssh_resume(session);
}

static void on_give(struct bn_ssh_session *session, uint32_t bytes)
{
    if (!session->run_ops)
        return;
    session->input_room += BN_MIN(bytes, BN_SSH_INPUT_WINDOW - session->input_room);
    if (session->wants_room && session->run_ops->room) {
        session->wants_room = false;
        session->run_ops->room(session->run_user);
    }
}

static void on_done(struct bn_ssh_session *session, const struct bn_ssh_frame *frame)
{
    struct bn_ssh_result result = {.fault = fault_of(frame->number[BN_SSH_DONE_FAULT]),
            .has_status = frame->number[BN_SSH_DONE_HAS_STATUS] != 0,
            .status = frame->number[BN_SSH_DONE_STATUS],
            .is_dumped = frame->number[BN_SSH_DONE_DUMPED] != 0};
    clean(result.text, sizeof result.text, frame->text[BN_SSH_DONE_TEXT]);
    clean(result.signal, sizeof result.signal, frame->text[BN_SSH_DONE_SIGNAL]);
    finish_run(session, &result);
}

static void on_ended(struct bn_ssh_session *session, const struct bn_ssh_frame *frame)
{
    const uint32_t phase = frame->number[BN_SSH_ENDED_PHASE];
    struct bn_ssh_end how = {.fault = fault_of(frame->number[BN_SSH_ENDED_FAULT]),
            .phase = phase < BN_SSH_PHASE_COUNT ? (enum bn_ssh_phase)phase : session->phase};
    clean(how.text, sizeof how.text, frame->text[BN_SSH_ENDED_TEXT]);
    clean(how.host_key, sizeof how.host_key, frame->text[BN_SSH_ENDED_KEY]);
    clean(how.host_key_type, sizeof how.host_key_type, frame->text[BN_SSH_ENDED_KEY_TYPE]);
    clean(how.methods, sizeof how.methods, frame->text[BN_SSH_ENDED_METHODS]);
    if (how.fault == BN_SSH_FAULT_NONE)
        how.fault = BN_SSH_FAULT_LOST;
    if (how.fault == BN_SSH_FAULT_HOST_KEY_CHANGED)
        memcpy(how.known_key, session->known_key, sizeof how.known_key);
    end(session, &how);
}

static void heard(void *user, const struct bn_ssh_frame *frame)
{
    struct bn_ssh *ssh = user;
    struct bn_ssh_session *session;
    HASH_FIND(hh, ssh->sessions, &frame->session, sizeof frame->session, session);
    if (!session) /* closed here while that was on its way */
        return;
    switch (frame->kind) {
    case BN_SSH_PHASE: on_phase(session, frame); break;
    case BN_SSH_OPENED: on_opened(session, frame); break;
    case BN_SSH_STARTED:
        if (session->run_ops && session->run_ops->started)
            session->run_ops->started(session->run_user);
        break;
    case BN_SSH_OUTPUT: on_output(session, frame); break;
    case BN_SSH_GIVE: on_give(session, frame->number[0]); break;
    case BN_SSH_DONE: on_done(session, frame); break;
    case BN_SSH_ENDED: on_ended(session, frame); break;
    default: break;
    }
}

/* Whoever is told may close others, so the table is asked anew each time. */
static struct bn_ssh_session *first_sent(const struct bn_ssh *ssh)
{
    for (struct bn_ssh_session *it = ssh->sessions; it; it = it->hh.next)
        if (it->is_sent)
            return it;
    return NULL;
}

static void broken(void *user, const char *text)
{
    struct bn_ssh *ssh = user;
    const uint32_t last = ssh->last_id;
    struct bn_ssh_session *session;
    while ((session = first_sent(ssh)) && session->id <= last)
        end_with(session, BN_SSH_FAULT_RUNNER, text);
}

/* --- opening --------------------------------------------------------------------------------- */

static enum bn_ssh_fault fault_of_dial(enum bn_fetch_fault fault)
{
    switch (fault) {
    case BN_FETCH_DNS: return BN_SSH_FAULT_DNS;
    case BN_FETCH_REFUSED: return BN_SSH_FAULT_REFUSED;
    case BN_FETCH_TIMEOUT: return BN_SSH_FAULT_TIMEOUT;
    case BN_FETCH_RESET: return BN_SSH_FAULT_LOST;
    case BN_FETCH_NOT_ALLOWED: return BN_SSH_FAULT_NOT_ALLOWED;
    default: return BN_SSH_FAULT_UNREACHABLE;
    }
}

static void hand_over(struct bn_ssh_session *session, int fd)
{
    struct bn_err err;
    if (fd < 0) {
        end_with(session, BN_SSH_FAULT_UNREACHABLE,
                "there is no descriptor for one more connection");
        return;
    }
    if (!bn_ssh_pipe_begin(session->ssh->pipe, &err)) {
        close(fd);
        end_with(session, BN_SSH_FAULT_RUNNER, err.text);
        return;
    }
    session->is_sent = true;
    enter(session, BN_SSH_PHASE_BANNER);
    bn_ssh_pipe_send_secret(session->ssh->pipe, &session->open_frame, fd);
}

static void dialled(void *user, const struct bn_dialled *result)
{
    static const struct bn_stream_ops nobody = {.data = NULL};
    struct bn_ssh_session *session = user;
    session->dial = NULL;
    if (!result->stream) {
        end_with(session, fault_of_dial(result->fault), result->text);
        return;
    }
    const int fd = fcntl(bn_stream_fd(result->stream), F_DUPFD_CLOEXEC, 0);
    bn_stream_set(result->stream, &nobody, NULL);
    bn_stream_abort(result->stream); /* its copy; nothing was sent over it */
    hand_over(session, fd);
}

static bool is_text(struct bn_str text, size_t max, const char *field, struct bn_err *err)
{
    if (text.len > max)
        return bn_fail_field(err, field, "must have at most %zu bytes, got %zu", max, text.len);
    if (text.len > 0 && memchr(text.p, 0, text.len))
        return bn_fail_field(err, field, "must not hold a NUL");
    return true;
}

static bool check(const struct bn_ssh_to *to, struct bn_err *err)
{
    if (!to->user[0])
        return bn_fail_field(err, "user", "must not be empty");
    if (!to->host[0])
        return bn_fail_field(err, "host", "must not be empty");
    if (to->port < 1 || to->port > 65535)
        return bn_fail_field(err, "port", "must be 1..65535, got %d", to->port);
    if (to->via && !(to->via->is_opened && !to->via->is_over))
        return bn_fail(err, BN_E_CONFLICT, "the session to the jump host is not open");
    return is_text(bn_str(to->user), BN_SSH_USER_MAX, "user", err) &&
           is_text(bn_str(to->host), BN_SSH_HOST_MAX, "host", err) &&
           is_text(to->password, BN_SSH_SECRET_MAX, "password", err) &&
           is_text(to->key, BN_SSH_KEY_MAX, "key", err) &&
           is_text(to->passphrase, BN_SSH_SECRET_MAX, "passphrase", err) &&
           is_text(bn_str(to->host_key), BN_SSH_WORD_MAX, "host_key", err) &&
           is_text(bn_str(to->host_key_type), BN_SSH_WORD_MAX, "host_key_type", err);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static void put_open(struct bn_ssh_session *session, const struct bn_ssh_to *to)
{
    const struct bn_ssh_frame frame = {.kind = BN_SSH_OPEN,
            .session = session->id,
            .number = {[BN_SSH_OPEN_VIA] = to->via ? to->via->id : 0,
                    [BN_SSH_OPEN_PORT] = (uint32_t)to->port,
                    [BN_SSH_OPEN_KEX_MS] = session->kex_ms,
                    [BN_SSH_OPEN_AUTH_MS] = session->auth_ms,
                    [BN_SSH_OPEN_CHANNEL_MS] = session->channel_ms,
                    [BN_SSH_OPEN_TOTAL_MS] = or_default(to->total_ms, BN_SSH_TOTAL_MS)},
            .text = {[BN_SSH_OPEN_USER] = bn_str(to->user),
                    [BN_SSH_OPEN_PASSWORD] = to->password,
                    [BN_SSH_OPEN_KEY] = to->key,
                    [BN_SSH_OPEN_PASSPHRASE] = to->passphrase,
                    [BN_SSH_OPEN_HOST_KEY] = bn_str(to->host_key),
                    [BN_SSH_OPEN_HOST_KEY_TYPE] = bn_str(to->host_key_type),
                    [BN_SSH_OPEN_HOST] = bn_str(to->host)}};
    bn_buf_init(&session->open_frame, BN_SSH_FRAME_MAX);
    (void)bn_buf_room(&session->open_frame,
            BN_SSH_FRAME_MAX); /* never moved, so never left behind */
    bn_ssh_frame_encode(&frame, &session->open_frame);
    assert(bn_buf_ok(&session->open_frame));
}

static struct bn_ssh_session *make(struct bn_ssh *ssh, const struct bn_ssh_to *to,
        const struct bn_ssh_ops *ops, void *user)
{
    struct bn_ssh_session *session = bn_alloc(sizeof *session);
    session->ssh = ssh;
    session->ops = ops;
    session->user = user;
    session->id = ++ssh->last_id;
    session->kex_ms = or_default(to->kex_ms, BN_SSH_KEX_MS);
    session->auth_ms = or_default(to->auth_ms, BN_SSH_AUTH_MS);
    session->channel_ms = or_default(to->channel_ms, BN_SSH_CHANNEL_MS);
    session->total_until_mono_ms = bn_clock_mono_ns() / 1000000 +
                                   or_default(to->total_ms, BN_SSH_TOTAL_MS);
    session->guard = bn_timer_create(ssh->loop, on_guard, session);
    bn_text_clip(session->known_key, sizeof session->known_key, bn_str(to->host_key));
    return session;
}

static void enlist(struct bn_ssh *ssh, struct bn_ssh_session *session)
{
    HASH_ADD(hh, ssh->sessions, id, sizeof session->id, session);
    ssh->count++;
    bn_ssh_pipe_set_busy(ssh->pipe, true);
}

bool bn_ssh_open(struct bn_ssh *ssh, const struct bn_ssh_to *to, const struct bn_ssh_ops *ops,
        void *user, struct bn_ssh_session **out, struct bn_err *err)
{
    if (!check(to, err))
        return false;
    if (ssh->count >= BN_SSH_SESSIONS_MAX)
        return bn_fail(err, BN_E_TOO_MANY, "%d SSH sessions are open, and no more may be",
                BN_SSH_SESSIONS_MAX);
    if (!bn_ssh_pipe_begin(ssh->pipe, err))
        return false;
    struct bn_ssh_session *session = make(ssh, to, ops, user);
    put_open(session, to);
    *out = session;
    if (to->via) {
        session->is_sent = true;
        enter(session, BN_SSH_PHASE_CONNECT);
        bn_ssh_pipe_send_secret(ssh->pipe, &session->open_frame, -1);
    } else {
        const struct bn_dial_to dial = {.host = to->host,
                .port = to->port,
                .is_plain = true,
                .limit_ms = or_default(to->connect_ms, BN_SSH_CONNECT_MS)};
        session->dial = bn_dial_start(ssh->dialer, &dial, dialled, session);
    }
    enlist(ssh, session);
    return true;
}

/* --- running --------------------------------------------------------------------------------- */

static bool check_run(const struct bn_ssh_session *session, const struct bn_ssh_run *run,
        struct bn_err *err)
{
    if (!session->is_opened || session->is_over)
        return bn_fail(err, BN_E_CONFLICT, "the SSH session is not open");
    if (session->run_ops)
        return bn_fail(err, BN_E_CONFLICT, "another command still runs on this SSH session");
    if (run->term && (run->cols < 1 || run->cols > 1000 || run->rows < 1 || run->rows > 1000))
        return bn_fail_field(err, "cols", "a terminal has 1..1000 columns and rows, got %d x %d",
                run->cols, run->rows);
    return is_text(bn_str(run->command), BN_SSH_COMMAND_MAX, "command", err) &&
           is_text(bn_str(run->term ? run->term : ""), BN_SSH_WORD_MAX, "term", err);
}

bool bn_ssh_run(struct bn_ssh_session *session, const struct bn_ssh_run *run,
        const struct bn_ssh_run_ops *ops, void *user, struct bn_err *err)
{
    if (!check_run(session, run, err))
        return false;
    session->run_ops = ops;
    session->run_user = user;
    session->run_ms = run->limit_ms;
    session->is_paused = session->wants_room = session->input_ended = false;
    session->taken = 0;
    session->input_room = BN_SSH_INPUT_WINDOW;
    const struct bn_ssh_frame frame = {.kind = BN_SSH_RUN,
            .session = session->id,
            .number = {[BN_SSH_RUN_IS_PTY] = run->term != NULL,
                    [BN_SSH_RUN_COLS] = (uint32_t)run->cols,
                    [BN_SSH_RUN_ROWS] = (uint32_t)run->rows,
                    [BN_SSH_RUN_LIMIT_MS] = run->limit_ms},
            .text = {[BN_SSH_RUN_COMMAND] = bn_str(run->command),
                    [BN_SSH_RUN_TERM] = bn_str(run->term ? run->term : "")}};
    enter(session, BN_SSH_PHASE_CHANNEL);
    bn_ssh_pipe_send(session->ssh->pipe, &frame);
    return true;
}

static void tell(const struct bn_ssh_session *session, enum bn_ssh_frame_kind kind, uint32_t a,
        uint32_t b)
{
    if (session->run_ops && !session->is_over)
        bn_ssh_pipe_send(session->ssh->pipe,
                &(struct bn_ssh_frame){.kind = kind, .session = session->id, .number = {a, b}});
}

/* What is typed may be a password: wiped when it is gone, like the rest. */
size_t bn_ssh_send(struct bn_ssh_session *session, const char *p, size_t len)
{
    size_t done = 0;
    while (done < len && session->input_room > 0 && session->run_ops && !session->input_ended &&
            !session->is_over) {
        const size_t n = BN_MIN(len - done,
                BN_MIN((size_t)session->input_room, (size_t)BN_SSH_DATA_MAX));
        bn_ssh_pipe_send(session->ssh->pipe, &(struct bn_ssh_frame){.kind = BN_SSH_INPUT,
                                                     .session = session->id,
                                                     .text = {{p + done, n}}});
        session->input_room -= (uint32_t)n;
        done += n;
    }
    session->wants_room = done < len;
    return done;
}

void bn_ssh_send_end(struct bn_ssh_session *session)
{
    session->input_ended = true;
    tell(session, BN_SSH_INPUT_END, 0, 0);
}

void bn_ssh_resize(struct bn_ssh_session *session, int cols, int rows)
{
    assert(cols >= 1 && cols <= 1000 && rows >= 1 && rows <= 1000);
    tell(session, BN_SSH_RESIZE, (uint32_t)cols, (uint32_t)rows);
}

void bn_ssh_pause(struct bn_ssh_session *session)
{
    session->is_paused = true;
}

void bn_ssh_resume(struct bn_ssh_session *session)
{
    session->is_paused = false;
    if (session->taken > 0)
        tell(session, BN_SSH_TAKE, session->taken, 0);
    session->taken = 0;
}

void bn_ssh_cancel(struct bn_ssh_session *session)
{
    tell(session, BN_SSH_CANCEL, 0, 0);
}

/* --- all of them ----------------------------------------------------------------------------- */

struct bn_ssh *bn_ssh_create(struct bn_loop *loop, struct bn_dialer *dialer,
        struct bn_ssh_forker *forker)
{
    static const struct bn_ssh_pipe_ops ops = {.heard = heard, .broken = broken};
    struct bn_ssh *ssh = bn_alloc(sizeof *ssh);
    ssh->loop = loop;
    ssh->dialer = dialer;
    ssh->forker = forker;
    ssh->pipe = bn_ssh_pipe_create(loop, forker, &ops, ssh);
    return ssh;
}

void bn_ssh_destroy(struct bn_ssh *ssh)
{
    if (!ssh)
        return;
    while (ssh->sessions)
        bn_ssh_close(ssh->sessions);
    bn_ssh_pipe_destroy(ssh->pipe);
    free(ssh);
}

void bn_ssh_get_stats(struct bn_ssh *ssh, struct bn_ssh_stats *out)
{
    bn_ssh_forker_look(ssh->forker);
    *out = (struct bn_ssh_stats){.sessions = ssh->count,
            .opened = ssh->opened,
            .deaths = bn_ssh_pipe_deaths(ssh->pipe),
            .runner_pid = ssh->forker->runner,
            .runner_status = ssh->forker->has_status ? ssh->forker->runner_status : -1,
            .waiting_bytes = bn_ssh_pipe_waiting(ssh->pipe)};
}
