#include "source/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/console_private.h"
#include "source/dispatch.h"

#define COLS      80 /* until the page says how large it is */
#define ROWS      24
#define EARLY_MAX (256 << 10)               /* a greeting, before somebody listens */
#define TYPED_MAX (2 * BN_CONSOLE_PIPE_MAX) /* the page is not read beyond BN_CONSOLE_PIPE_MAX */
#define HEAD_MAX  16                        /* "0:999999999:", "1:65535:65535:" */

struct bn_terminals {
    struct bn_reach_config config;
    struct bn_list all;
    struct bn_list dead;
};

struct terminal {
    struct bn_remote remote; /* first: what the console holds */
    struct bn_terminals *terminals;
    struct bn_list link;
    struct bn_reach *reach;
    struct bn_ssh_session *session; /* NULL: not open, or lost */
    bn_console_opened opened;       /* NULL once it was told */
    void *opened_user;
    const struct bn_remote_ops *ops; /* NULL: nobody has taken it */
    void *user;
    struct bn_buf early;       /* what came before it was taken */
    struct bn_buf typed;       /* what the session does not take yet */
    char why[BN_ERR_TEXT_MAX]; /* it ended before somebody took it */
    bool is_over;
    bool is_full;        /* the taker wants no more for now */
    char head[HEAD_MAX]; /* of a message of the page */
    size_t head_len;
    int colons;
    uint32_t left; /* bytes typed that are still to come */
};

static struct terminal *terminal_of(struct bn_remote *guest)
{
    return container_of(guest, struct terminal, remote);
}

/* Whoever called us may still look at it: it goes when the next one is opened. */
static void destroy(struct terminal *t)
{
    bn_reach_close(t->reach);
    t->reach = NULL;
    t->session = NULL;
    t->ops = NULL;
    bn_list_remove(&t->link);
    bn_list_append(&t->terminals->dead, &t->link);
}

static void bury(struct bn_terminals *terminals)
{
    bn_list_each_safe(it, tmp, &terminals->dead) {
        struct terminal *t = container_of(it, struct terminal, link);
        bn_list_remove(&t->link);
        bn_buf_finish(&t->early);
        bn_buf_finish(&t->typed);
        free(t);
    }
}

/* --- its end --------------------------------------------------------------------------------- */

static void refuse(struct terminal *t, const struct bn_console_refusal *refusal)
{
    const bn_console_opened opened = t->opened;
    void *user = t->opened_user;
    destroy(t);
    opened(user, NULL, refusal);
}

/* Whoever has it hears why now, who takes it later then. */
static void lose(struct terminal *t, const char *why)
{
    const struct bn_remote_ops *ops = t->ops;
    void *user = t->user;
    t->session = NULL;
    if (!ops) {
        t->is_over = true;
        bn_text_clip(t->why, sizeof t->why, bn_str(why));
        return;
    }
    destroy(t);
    ops->closed(user, why);
}

static void on_ended(void *user, const struct bn_target *at, const struct bn_ssh_end *end)
{
    struct terminal *t = user;
    struct bn_dispatch_words words;
    const bool is_key = end->fault == BN_SSH_FAULT_HOST_KEY_UNKNOWN ||
                        end->fault == BN_SSH_FAULT_HOST_KEY_CHANGED;
    t->reach = NULL;
    if (!t->opened) {
        lose(t, end->text);
        return;
    }
    struct bn_console_refusal refusal = {
            .step = end->phase < BN_SSH_PHASE_AUTH ? "connect" : "login"};
    bn_dispatch_explain(at, end, &words);
    bn_fail(&refusal.err, is_key ? BN_E_CONFLICT : BN_E_UPSTREAM, "%s", words.error);
    bn_text_clip(refusal.hint, sizeof refusal.hint, bn_str(words.hint));
    refuse(t, &refusal);
}

/* --- what it says ---------------------------------------------------------------------------- */

static void on_output(void *user, enum bn_ssh_output from, const char *p, size_t len)
{
    struct terminal *t = user;
    (void)from;
    if (!t->ops) {
        bn_buf_put(&t->early, p, len);
        return;
    }
    if (t->ops->data(t->user, p, len) || !t->session)
        return; /* it may be closed by now */
    t->is_full = true;
    bn_ssh_pause(t->session);
}

static void on_started(void *user)
{
    struct terminal *t = user;
    const bn_console_opened opened = t->opened;
    if (!opened)
        return;
    bn_ssh_pause(t->session); /* held until somebody takes it */
    t->opened = NULL;
    opened(t->opened_user, &t->remote, NULL);
}

static void on_done(void *user, const struct bn_ssh_result *result)
{
    struct terminal *t = user;
    if (result->fault == BN_SSH_FAULT_LOST || result->fault == BN_SSH_FAULT_RUNNER)
        return; /* the session's end follows */
    if (t->opened) {
        struct bn_console_refusal refusal = {.step = "login"};
        bn_fail(&refusal.err, BN_E_UPSTREAM, "no shell was given: %s", result->text);
        refuse(t, &refusal);
        return;
    }
    lose(t, result->has_status ? "the shell ended" : BN_REMOTE_LEFT);
}

/* --- what is typed --------------------------------------------------------------------------- */

static void send_typed(struct terminal *t)
{
    if (!t->session || !t->typed.len)
        return;
    bn_buf_drop(&t->typed, bn_ssh_send(t->session, t->typed.p, t->typed.len));
}

static void on_room(void *user)
{
    struct terminal *t = user;
    send_typed(t);
    if (t->ops && t->typed.len == 0)
        t->ops->drained(t->user);
}

static const struct bn_ssh_run_ops run_ops = {.started = on_started,
        .output = on_output,
        .room = on_room,
        .done = on_done};

static void end_head(struct terminal *t)
{
    int cols = 0;
    int rows = 0;
    unsigned len = 0;
    t->head[t->head_len] = '\0';
    // NOLINTNEXTLINE(cert-err34-c): digits and colons only, which wire/term_input has read before
    if (t->head[0] == '0' && sscanf(t->head, "0:%9u:", &len) == 1)
        t->left = len;
    // NOLINTNEXTLINE(cert-err34-c)
    else if (t->head[0] == '1' && sscanf(t->head, "1:%5d:%5d:", &cols, &rows) == 2 && t->session)
        bn_ssh_resize(t->session, BN_MIN(BN_MAX(cols, 1), 1000), BN_MIN(BN_MAX(rows, 1), 1000));
    t->head_len = 0;
    t->colons = 0;
}

/* "0:LEN:bytes", "1:COLS:ROWS:", "2": termproxy's words (PVE-API 9.4). */
static void hear(struct terminal *t, char c)
{
    if (t->left) {
        bn_buf_putc(&t->typed, c);
        t->left--;
        return;
    }
    if (t->head_len == 0 && c != '0' && c != '1')
        return; /* a sign of life */
    t->head[t->head_len++] = c;
    t->colons += c == ':';
    if (t->colons == (t->head[0] == '0' ? 2 : 3) || t->head_len == HEAD_MAX - 1)
        end_head(t);
}

/* --- as a far end ---------------------------------------------------------------------------- */

static void way_take(struct bn_remote *guest, const struct bn_remote_ops *ops, void *user)
{
    struct terminal *t = terminal_of(guest);
    t->ops = ops;
    t->user = user;
    if (t->early.len > 0)
        t->is_full = !ops->data(user, t->early.p, t->early.len);
    if (t->is_over && t->ops)
        lose(t, t->why);
    else if (!t->is_full && t->session)
        bn_ssh_resume(t->session);
}

static void way_put(struct bn_remote *guest, const char *p, size_t len)
{
    struct terminal *t = terminal_of(guest);
    for (size_t i = 0; i < len; i++)
        hear(t, p[i]);
    send_typed(t);
    if (t->ops && t->typed.len == 0)
        t->ops->drained(t->user);
}

static size_t way_queued(const struct bn_remote *guest)
{
    const struct terminal *t = (const void *)guest; /* its first member */
    return t->typed.len;
}

static void way_resume(struct bn_remote *guest)
{
    struct terminal *t = terminal_of(guest);
    if (!t->is_full)
        return;
    t->is_full = false;
    if (t->session)
        bn_ssh_resume(t->session);
}

static void way_close(struct bn_remote *guest)
{
    destroy(terminal_of(guest));
}

static const struct bn_remote_way way = {way_take, way_put, way_queued, way_resume, way_close};

/* --- opening one ----------------------------------------------------------------------------- */

static void on_reached(void *user, struct bn_ssh_session *session)
{
    struct terminal *t = user;
    const struct bn_ssh_run run = {.command = "",
            .term = "xterm-256color",
            .cols = COLS,
            .rows = ROWS};
    struct bn_console_refusal refusal = {.step = "login"};
    t->session = session;
    if (!bn_ssh_run(session, &run, &run_ops, t, &refusal.err))
        refuse(t, &refusal);
}

bool bn_terminal_open(struct bn_terminals *terminals, const char *tenant,
        const struct bn_target *target, bn_console_opened opened, void *user, struct bn_err *err)
{
    static const struct bn_reach_ops ops = {on_reached, on_ended};
    struct terminal *t = bn_alloc(sizeof *t);
    const struct bn_reach_to to = {tenant, target, &ops, t};
    bury(terminals);
    t->terminals = terminals;
    t->remote.way = &way;
    t->opened = opened;
    t->opened_user = user;
    bn_buf_init(&t->early, EARLY_MAX);
    bn_buf_init(&t->typed, TYPED_MAX);
    bn_list_append(&terminals->all, &t->link);
    if (bn_reach_open(&terminals->config, &to, &t->reach, err))
        return true;
    destroy(t);
    return false;
}

struct bn_terminals *bn_terminals_start(const struct bn_reach_config *config)
{
    struct bn_terminals *terminals = bn_alloc(sizeof *terminals);
    terminals->config = *config;
    bn_list_init(&terminals->all);
    bn_list_init(&terminals->dead);
    return terminals;
}

void bn_terminals_stop(struct bn_terminals *terminals)
{
    if (!terminals)
        return;
    bn_list_each_safe(it, tmp, &terminals->all)
        destroy(container_of(it, struct terminal, link));
    bury(terminals);
    free(terminals);
}
