/* What runs on a session: a command or a shell, its output and input, and how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "io/ssh.h"
#include "io/ssh_private.h"

/* --- the end --------------------------------------------------------------------------------- */

void bn_ssh_run_forget(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    if (run->channel) {
        ssh_remove_channel_callbacks(run->channel, &run->callbacks);
        ssh_channel_free(run->channel);
    }
    if (run->line)
        bn_wipe(run->line, strlen(run->line));
    if (run->input.p)
        bn_wipe(run->input.p, run->input.cap); /* a password for sudo, perhaps */
    free(run->line);
    bn_buf_finish(&run->input);
    *run = (struct bn_ssh_command){.step = BN_SSH_RUN_NONE};
}

static void done(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text)
{
    const struct bn_ssh_command *run = &conn->run;
    char words[BN_SSH_TEXT_MAX + 1];
    char signal[sizeof run->signal];
    bn_text_clip(words, sizeof words, bn_str(text));
    memcpy(signal, run->signal, sizeof signal);
    const struct bn_ssh_frame frame = {.kind = BN_SSH_DONE,
            .session = conn->id,
            .number = {[BN_SSH_DONE_FAULT] = fault,
                    [BN_SSH_DONE_HAS_STATUS] = run->has_status,
                    [BN_SSH_DONE_STATUS] = run->status,
                    [BN_SSH_DONE_DUMPED] = run->is_dumped},
            .text = {[BN_SSH_DONE_SIGNAL] = bn_str(signal), [BN_SSH_DONE_TEXT] = bn_str(words)}};
    bn_ssh_run_forget(conn);
    bn_ssh_enter(conn, BN_SSH_PHASE_IDLE, 0);
    bn_ssh_tell(conn->runner, &frame);
}

void bn_ssh_run_stop(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text)
{
    struct bn_ssh_command *run = &conn->run;
    if (run->step == BN_SSH_RUN_NONE)
        return;
    if (run->step != BN_SSH_RUN_RUNNING) { /* half open: let it open first */
        run->is_cancelled = true;
        return;
    }
    ssh_channel_request_send_signal(run->channel, "TERM");
    ssh_channel_close(run->channel);
    done(conn, fault, text);
}

/* The server said no, or is no more. */
static void refused(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *what)
{
    char text[BN_SSH_TEXT_MAX + 1];
    if (!ssh_is_connected(conn->ssh)) {
        bn_ssh_lost(conn);
        return;
    }
    snprintf(text, sizeof text, "the server refuses %s: %s", what, ssh_get_error(conn->ssh));
    done(conn, fault, text);
}

/* --- output ---------------------------------------------------------------------------------- */

static uint32_t tell_output(struct bn_ssh_conn *conn, const char *p, uint32_t len, bool is_error)
{
    uint32_t done = 0;
    while (done < len && conn->run.may_send > 0) {
        const uint32_t n = BN_MIN(BN_MIN(len - done, conn->run.may_send),
                (uint32_t)BN_SSH_DATA_MAX);
        const struct bn_ssh_frame frame = {.kind = BN_SSH_OUTPUT,
                .session = conn->id,
                .number = {is_error ? BN_SSH_STDERR : BN_SSH_STDOUT},
                .text = {{p + done, n}}};
        bn_ssh_tell(conn->runner, &frame);
        conn->run.may_send -= n;
        done += n;
    }
    conn->moved += done;
    return done;
}

/* What is not taken stays in the library and is shown again, with more, or is read below. */
static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t len, int is_error,
        void *user)
{
    struct bn_ssh_conn *conn = user;
    (void)ssh;
    (void)channel;
    const uint32_t done = tell_output(conn, data, len, is_error != 0);
    conn->run.is_left[is_error != 0] = done < len;
    return (int)done;
}

static void read_left(struct bn_ssh_conn *conn, bool is_error)
{
    struct bn_ssh_command *run = &conn->run;
    char *space = bn_ssh_space(conn->runner);
    while (run->is_left[is_error] && run->may_send > 0) {
        const uint32_t room = BN_MIN(run->may_send, (uint32_t)BN_SSH_DATA_MAX);
        const int n = ssh_channel_read_nonblocking(run->channel, space, room, is_error);
        run->is_left[is_error] = n == (int)room;
        if (n > 0)
            tell_output(conn, space, (uint32_t)n, is_error);
    }
}

/* --- the beginning --------------------------------------------------------------------------- */

static void on_status(ssh_session ssh, ssh_channel channel, int status, void *user)
{
    struct bn_ssh_command *run = &((struct bn_ssh_conn *)user)->run;
    (void)ssh;
    (void)channel;
    run->has_status = true;
    run->status = (uint32_t)status;
}

/* Seven, as the library calls it. */
#define CALLED_ABOUT ssh_session ssh, ssh_channel channel

static void on_signal(CALLED_ABOUT, const char *name, int core, const char *text, /* NOLINT */
        const char *lang, void *user)
{
    struct bn_ssh_command *run = &((struct bn_ssh_conn *)user)->run;
    (void)ssh;
    (void)channel;
    (void)text;
    (void)lang;
    run->has_signal = true;
    run->is_dumped = core != 0;
    bn_text_clip(run->signal, sizeof run->signal, bn_str(name ? name : ""));
}

static void set_callbacks(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    run->callbacks = (struct ssh_channel_callbacks_struct){.userdata = conn,
            .channel_data_function = on_data,
            .channel_exit_status_function = on_status,
            .channel_exit_signal_function = on_signal};
    ssh_callbacks_init(&run->callbacks);
    ssh_set_channel_callbacks(run->channel, &run->callbacks);
}

void bn_ssh_run_begin(struct bn_ssh_conn *conn, const struct bn_ssh_frame *frame)
{
    struct bn_ssh_command *run = &conn->run;
    if (conn->step != BN_SSH_STEP_OPEN || run->step != BN_SSH_RUN_NONE)
        return; /* the server knows better than to ask for this */
    const struct bn_str line = frame->text[BN_SSH_RUN_COMMAND];
    run->line = bn_alloc(line.len + 1);
    memcpy(run->line, line.p, line.len);
    bn_text_clip(run->term, sizeof run->term, frame->text[BN_SSH_RUN_TERM]);
    run->is_pty = frame->number[BN_SSH_RUN_IS_PTY] != 0;
    run->cols = (int)frame->number[BN_SSH_RUN_COLS];
    run->rows = (int)frame->number[BN_SSH_RUN_ROWS];
    run->limit_ms = frame->number[BN_SSH_RUN_LIMIT_MS];
    run->may_send = BN_SSH_OUTPUT_WINDOW;
    bn_buf_init(&run->input, BN_SSH_INPUT_WINDOW);
    run->step = BN_SSH_RUN_OPENING;
    run->channel = ssh_channel_new(conn->ssh);
    bn_ssh_enter(conn, BN_SSH_PHASE_CHANNEL, conn->channel_ms);
    if (run->channel)
        set_callbacks(conn);
    else
        refused(conn, BN_SSH_FAULT_CHANNEL_REFUSED, "a channel");
}

static int ask(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    switch (run->step) {
    case BN_SSH_RUN_OPENING: return ssh_channel_open_session(run->channel);
    case BN_SSH_RUN_PTY:
        return ssh_channel_request_pty_size(run->channel, run->term, run->cols, run->rows);
    default:
        return run->line[0] ? ssh_channel_request_exec(run->channel, run->line)
                            : ssh_channel_request_shell(run->channel);
    }
}

static void say_no(struct bn_ssh_conn *conn)
{
    switch (conn->run.step) {
    case BN_SSH_RUN_OPENING: refused(conn, BN_SSH_FAULT_CHANNEL_REFUSED, "one more channel"); break;
    case BN_SSH_RUN_PTY: refused(conn, BN_SSH_FAULT_PTY_REFUSED, "a terminal"); break;
    default: refused(conn, BN_SSH_FAULT_EXEC_REFUSED, "to start the command"); break;
    }
}

static void started(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    run->step = BN_SSH_RUN_RUNNING;
    run->until_mono_ms = run->limit_ms ? bn_ssh_now(conn->runner) + run->limit_ms : INT64_MAX;
    bn_ssh_enter(conn, BN_SSH_PHASE_RUN, 0);
    bn_ssh_tell(conn->runner, &(struct bn_ssh_frame){.kind = BN_SSH_STARTED, .session = conn->id});
    if (run->is_cancelled)
        bn_ssh_run_stop(conn, BN_SSH_FAULT_CANCELLED, "cancelled");
}

/* True: another step may follow at once. */
static bool begin(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    const int rc = ask(conn);
    if (rc == SSH_AGAIN) {
        if (!ssh_is_connected(conn->ssh))
            bn_ssh_lost(conn);
        return false;
    }
    if (rc != SSH_OK) {
        say_no(conn);
        return false;
    }
    if (run->step == BN_SSH_RUN_OPENING)
        run->step = run->is_pty ? BN_SSH_RUN_PTY : BN_SSH_RUN_STARTING;
    else if (run->step == BN_SSH_RUN_PTY)
        run->step = BN_SSH_RUN_STARTING;
    else
        started(conn);
    return true;
}

/* --- running --------------------------------------------------------------------------------- */

/* While the socket takes nothing the library would only pile it up. */
static void write_input(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    uint32_t taken = 0;
    while (run->input.len > 0 && !(ssh_get_poll_flags(conn->ssh) & SSH_WRITE_PENDING)) {
        const size_t len = BN_MIN(run->input.len, (size_t)ssh_channel_window_size(run->channel));
        const int n = len ? ssh_channel_write(run->channel, run->input.p, (uint32_t)len) : 0;
        if (n <= 0)
            break;
        bn_wipe(run->input.p, (size_t)n);
        bn_buf_drop(&run->input, (size_t)n);
        taken += (uint32_t)n;
    }
    if (taken > 0)
        bn_ssh_tell(conn->runner, &(struct bn_ssh_frame){.kind = BN_SSH_GIVE,
                                          .session = conn->id,
                                          .number = {taken}});
    if (run->input_ends && run->input.len == 0) {
        run->input_ends = false;
        ssh_channel_send_eof(run->channel);
    }
}

static void go_on(struct bn_ssh_conn *conn)
{
    struct bn_ssh_command *run = &conn->run;
    write_input(conn);
    read_left(conn, false);
    read_left(conn, true);
    if (run->is_left[0] || run->is_left[1])
        return;
    if (!ssh_is_connected(conn->ssh) && !run->has_status && !run->has_signal)
        bn_ssh_lost(conn);
    else if (ssh_channel_is_closed(run->channel))
        done(conn, BN_SSH_FAULT_NONE, "");
}

void bn_ssh_run_drive(struct bn_ssh_conn *conn)
{
    while (conn->run.step != BN_SSH_RUN_NONE && conn->run.step != BN_SSH_RUN_RUNNING)
        if (!begin(conn))
            return;
    if (conn->run.step == BN_SSH_RUN_RUNNING && !conn->is_over)
        go_on(conn);
}

bool bn_ssh_run_reads(const struct bn_ssh_conn *conn)
{
    return conn->run.step != BN_SSH_RUN_RUNNING || conn->run.may_send > 0;
}
