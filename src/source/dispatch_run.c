#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "source/dispatch_private.h"

#define VERIFY_EVERY_MS 1000
#define FOLDER_REFUSED  97
#define NO_SUCH_UNIT    4 /* of systemctl status */
#define PROBE_MS        30000

static void verify_done(struct bn_dispatch_job *job);
static void fail_unit(struct bn_dispatch_job *job);

/* --- one run on the session ------------------------------------------------------------------ */

/* Input goes as far as it is taken; then the end of it. */
static void pump(struct bn_dispatch_job *job)
{
    struct bn_ssh_session *session = bn_dispatch_session(job);
    const size_t left = job->script.len - job->script_at;
    if (!session || !job->script.len)
        return;
    job->script_at += bn_ssh_send(session, job->script.p + job->script_at, left);
    if (job->script_at < job->script.len)
        return;
    bn_buf_reset(&job->script);
    job->script_at = 0;
    bn_ssh_send_end(session);
}

static void on_started(void *user)
{
    pump(user);
}

static void on_room(void *user)
{
    pump(user);
}

/* What people read goes to the transcript, what we read to the answer: a follower speaks to us by
   its standard error. */
static void on_output(void *user, enum bn_ssh_output from, const char *p, size_t len)
{
    struct bn_dispatch_job *job = user;
    const bool is_ours = job->stage == BN_DISPATCH_PROBE || job->stage == BN_DISPATCH_VERIFY ||
                         job->stage == BN_DISPATCH_TIDY ||
                         (job->way == BN_WAY_DETACHED && job->stage == BN_DISPATCH_RUN &&
                                 from == BN_SSH_STDERR);
    if (!is_ours)
        bn_transcript_feed(&job->transcript, p, len);
    else if (job->said.len + len <= BN_REMOTE_ANSWER_MAX)
        bn_buf_put(&job->said, p, len);
}

static void on_done(void *user, const struct bn_ssh_result *result);

static const struct bn_ssh_run_ops run_ops = {.started = on_started,
        .output = on_output,
        .room = on_room,
        .done = on_done};

/* limit_ms 0: as long as the session may. */
static void run(struct bn_dispatch_job *job, const char *command, uint32_t limit_ms)
{
    const struct bn_ssh_run what = {.command = command, .limit_ms = limit_ms};
    struct bn_err err;
    bn_buf_reset(&job->said);
    job->is_running = bn_ssh_run(bn_dispatch_session(job), &what, &run_ops, job, &err);
    if (!job->is_running && job->work)
        bn_dispatch_fail(job, err.text, "");
}

/* A script is given to sh on its standard input: nothing of it is read by the login shell. */
static void run_script(struct bn_dispatch_job *job, uint32_t limit_ms)
{
    job->script_at = 0;
    run(job, "sh", limit_ms);
}

static const char *said_last(const struct bn_dispatch_job *job, char *out, size_t size)
{
    char text[400];
    bn_transcript_last(&job->transcript, text, sizeof text);
    size_t len = strlen(text);
    while (len && strchr(" \n\t", text[len - 1]))
        text[--len] = '\0';
    const char *line = strrchr(text, '\n');
    bn_text_clip(out, size, bn_str(line ? line + 1 : text));
    return out;
}

/* --- before ---------------------------------------------------------------------------------- */

static bool is_unit(const struct bn_dispatch_job *job)
{
    return job->action->changes && job->action->platform == BN_PLATFORM_SYSTEMD &&
           job->action->needs_service;
}

static void follow(struct bn_dispatch_job *job)
{
    bn_transcript_finish(&job->transcript);
    const struct bn_transcript before = job->transcript;
    bn_transcript_init(&job->transcript, BN_OUTPUT_HEAD_MAX, BN_OUTPUT_TAIL_MAX);
    job->transcript.told = before.told;
    job->transcript.user = before.user;
    job->stage = BN_DISPATCH_RUN;
    bn_buf_reset(&job->script);
    bn_dispatch_put_follow(&job->script, job->id);
    run_script(job, 0);
}

void bn_dispatch_ready(struct bn_dispatch_job *job)
{
    const struct bn_operation *now = &job->work->now;
    if (job->is_resumed) {
        follow(job);
        return;
    }
    bn_dispatch_step(job, 30, "SSH connection successful");
    if (job->way == BN_WAY_DIALOGUE) {
        bn_dispatch_talk(job);
        return;
    }
    if (!is_unit(job)) {
        bn_dispatch_send(job);
        return;
    }
    const bool is_sudo = strncmp(now->command, "sudo -n ", 8) == 0;
    job->stage = BN_DISPATCH_PROBE;
    bn_buf_reset(&job->script);
    bn_dispatch_put_probe(&job->script, now->object, is_sudo ? now->command + 8 : "");
    run_script(job, PROBE_MS);
}

static void probe_done(struct bn_dispatch_job *job, const struct bn_ssh_result *result)
{
    const struct bn_operation *now = &job->work->now;
    char error[320];
    struct bn_dispatch_words words;
    bn_dispatch_read_unit(bn_buf_str(&job->said), &job->before);
    if (result->fault == BN_SSH_FAULT_TIMEOUT) {
        snprintf(error, sizeof error, "%.80s did not say within %d s how %.100s is.",
                job->target.name, PROBE_MS / 1000, now->object);
        bn_dispatch_fail(job, error, "Nothing was changed.");
    } else if (!job->before.has_systemctl) {
        snprintf(error, sizeof error, "There is no systemctl on %.100s.", job->target.name);
        bn_dispatch_fail(job, error, "Is it a target of the platform custom?");
    } else if (strcmp(job->before.load, "not-found") == 0) {
        snprintf(error, sizeof error, "There is no unit %.100s on %.100s.", now->object,
                job->target.name);
        bn_dispatch_fail(job, error, "systemctl list-units --type=service lists those there are.");
    } else if (!job->before.sudo[0]) {
        bn_dispatch_send(job);
    } else {
        if (!bn_dispatch_explain_sudo(&job->target, now->command, job->before.sudo, &words)) {
            snprintf(words.error, sizeof words.error, "sudo on %.80s refuses: %.180s",
                    job->target.name, job->before.sudo);
            words.hint[0] = '\0';
        }
        bn_dispatch_fail(job, words.error, words.hint);
    }
}

/* --- sending --------------------------------------------------------------------------------- */

static void begin_run(struct bn_dispatch_job *job)
{
    const struct bn_operation *now = &job->work->now;
    job->stage = BN_DISPATCH_RUN;
    job->deadline_mono_ms = bn_dispatch_mono_ms(job) + job->action->limit_ms;
    if (job->way == BN_WAY_DIALOGUE) {
        bn_dispatch_type(job);
        return;
    }
    if (job->way == BN_WAY_WATCHED) {
        job->deadline_mono_ms += 2LL * BN_SSH_GRACE_MS; /* the session says so first */
        run(job, now->command, (uint32_t)job->action->limit_ms);
        return;
    }
    bn_buf_reset(&job->script);
    bn_dispatch_put_start(&job->script, job->id, now->command);
    job->is_resumed = true; /* from now on it is only followed, whatever happens */
    run_script(job, 0);
}

/* That it is about to be sent is kept: whoever reads that later looks for it there, and does not
   send it again. */
static void intent_kept(void *user, const struct bn_err *err)
{
    struct bn_dispatch_job *job = user;
    if (!job->work)
        return;
    if (err) {
        bn_dispatch_fail(job, "It was not sent, for the disk would not keep it.", "");
        return;
    }
    BN_CRASH_POINT(dispatch_intent_kept);
    if (bn_dispatch_session(job)) {
        begin_run(job);
        BN_CRASH_POINT(dispatch_sent);
        return;
    }
    job->work->now.sent_at = 0; /* the link was lost first */
    job->stage = BN_DISPATCH_PROBE;
    bn_dispatch_cut(job);
}

void bn_dispatch_send(struct bn_dispatch_job *job)
{
    job->stage = BN_DISPATCH_SEND;
    BN_CRASH_POINT(dispatch_before_intent);
    bn_dispatch_step(job, 50,
            job->action->type == BN_WORK_SERVICE_RESTART ? "Executing restart command"
                                                         : "Executing command");
    job->work->now.sent_at = job->dispatch->config.clock->now_ms;
    bn_work_told(job->work, intent_kept, job);
}

/* --- after ----------------------------------------------------------------------------------- */

static void complete(struct bn_dispatch_job *job, const char *message)
{
    bn_text_clip(job->work->now.message, sizeof job->work->now.message, bn_str(message));
    bn_dispatch_end(job, BN_WORK_COMPLETED);
}

static void look_at_it(struct bn_dispatch_job *job)
{
    job->stage = BN_DISPATCH_VERIFY;
    bn_buf_reset(&job->script);
    bn_dispatch_put_probe(&job->script, job->work->now.object, "");
    run_script(job, 10000);
}

static void ended_well(struct bn_dispatch_job *job)
{
    char message[192];
    char last[120];
    const struct bn_operation *now = &job->work->now;
    bn_dispatch_step(job, 90, "Processing results");
    if (is_unit(job)) {
        job->verify_mono_ms = bn_dispatch_mono_ms(job);
        job->verify_ms = job->dispatch->config.clock->now_ms;
        job->before.restarts = BN_UNKNOWN;
        look_at_it(job);
        return;
    }
    said_last(job, last, sizeof last);
    if (now->type == BN_WORK_SSH_TEST)
        snprintf(message, sizeof message, "%.60s answers: %.100s", job->target.name,
                last[0] ? last : "it is there");
    else if (now->type == BN_WORK_SERVICE_RESTART)
        snprintf(message, sizeof message, "%.120s was restarted", now->subject);
    else if (now->type == BN_WORK_COMMAND)
        snprintf(message, sizeof message, "It ended with status 0%s%.150s", last[0] ? ": " : "",
                last);
    else
        snprintf(message, sizeof message, "done%s%.150s", last[0] ? ": " : "", last);
    complete(job, message);
}

/* What an administrator wrote about a custom command's words counts more than its status. */
static bool has_failed(const struct bn_dispatch_job *job, int64_t status)
{
    char text[4096];
    const char *failure = bn_action_failure(job->action, &job->target);
    const char *success = bn_action_success(job->action, &job->target);
    if (!failure[0] && !success[0])
        return status != 0;
    bn_transcript_last(&job->transcript, text, sizeof text);
    return (failure[0] && strstr(text, failure)) ||
           (success[0] ? !strstr(text, success) : status != 0);
}

static void fail_status(struct bn_dispatch_job *job, int64_t status)
{
    char text[400];
    char last[160];
    char error[320];
    struct bn_dispatch_words words;
    bn_transcript_last(&job->transcript, text, sizeof text);
    if (bn_dispatch_explain_sudo(&job->target, job->work->now.command, text, &words)) {
        bn_dispatch_fail(job, words.error, words.hint);
        return;
    }
    said_last(job, last, sizeof last);
    if (status == 127)
        snprintf(error, sizeof error, "There is no such command on %.80s: %.160s", job->target.name,
                last);
    else
        snprintf(error, sizeof error, "It ended with status %lld%s%.200s", (long long)status,
                last[0] ? ": " : "", last);
    bn_dispatch_fail(job, error, "");
}

static void command_ended(struct bn_dispatch_job *job, int64_t status)
{
    BN_CRASH_POINT(dispatch_exited);
    job->work->now.has_warnings = 0;
    if (status >= 0 && status <= 255)
        job->work->now.exit_status = status;
    if (!has_failed(job, status))
        ended_well(job);
    else if (is_unit(job))
        fail_unit(job);
    else
        fail_status(job, status);
}

/* --- a unit that is not well ----------------------------------------------------------------- */

/* Its journal tells more than its status. */
static void fail_unit(struct bn_dispatch_job *job)
{
    char command[200];
    snprintf(command, sizeof command,
            "journalctl --no-pager --lines=20 --output=short-iso --unit=%s", job->work->now.object);
    bn_transcript_flush(&job->transcript, true);
    job->stage = BN_DISPATCH_TELL;
    run(job, command, 10000);
}

static void tell_done(struct bn_dispatch_job *job)
{
    char text[4096];
    struct bn_dispatch_words words;
    const struct bn_operation *now = &job->work->now;
    const struct bn_unit_state *unit = &job->before;
    bn_transcript_last(&job->transcript, text, sizeof text);
    if (now->error[0]) {
        bn_text_clip(words.error, sizeof words.error, bn_str(now->error));
        bn_text_clip(words.hint, sizeof words.hint, bn_str(now->hint));
        bn_dispatch_fail(job, words.error, words.hint);
    } else if (bn_dispatch_explain_sudo(&job->target, now->command, text, &words)) {
        bn_dispatch_fail(job, words.error, words.hint);
    } else {
        const bool has_why = unit->result[0] && strcmp(unit->result, "success") != 0;
        snprintf(words.error, sizeof words.error, "%.100s did not start on %.80s%s%.24s",
                now->object, job->target.name, has_why ? ": " : "", has_why ? unit->result : "");
        bn_dispatch_fail(job, words.error, "Its last lines of the journal are below.");
    }
}

static void crashed(struct bn_dispatch_job *job, const struct bn_unit_state *unit, int64_t deaths)
{
    struct bn_operation *now = &job->work->now;
    job->before = *unit;
    if (deaths > 0)
        snprintf(now->error, sizeof now->error, "%.100s started, then died %lld times in %d s",
                now->object, (long long)deaths, BN_REMOTE_WATCH_MS / 1000);
    else
        snprintf(now->error, sizeof now->error, "%.100s is %.24s (%.24s)%s%.24s, exit status %lld",
                now->object, unit->active, unit->sub, unit->result[0] ? ": " : "", unit->result,
                (long long)BN_MAX(unit->status, 0));
    bn_text_clip(now->hint, sizeof now->hint, BN_STR("Its last lines of the journal are below."));
    fail_unit(job);
}

static void is_well(struct bn_dispatch_job *job, const struct bn_unit_state *unit)
{
    char message[192];
    char took[24];
    bn_duration_say(job->verify_ms - job->work->now.sent_at, took, sizeof took);
    snprintf(message, sizeof message, "%.80s is %s (%s), restarted in %s", job->work->now.object,
            unit->active, unit->sub, took);
    complete(job, message);
}

static void verify_done(struct bn_dispatch_job *job)
{
    struct bn_unit_state unit;
    char message[192];
    const int64_t watched = bn_dispatch_mono_ms(job) - job->verify_mono_ms;
    bn_dispatch_read_unit(bn_buf_str(&job->said), &unit);
    if (!unit.has_systemctl) { /* no word of it in time */
        if (watched < BN_REMOTE_WATCH_MS) {
            job->next_mono_ms = bn_dispatch_mono_ms(job) + VERIFY_EVERY_MS;
            return;
        }
        job->work->now.has_warnings = 1;
        complete(job, "restarted; the target did not say how it is since");
        return;
    }
    if (job->before.restarts == BN_UNKNOWN)
        job->before.restarts = BN_MAX(unit.restarts, 0);
    const int64_t deaths = BN_MAX(unit.restarts, 0) - job->before.restarts;
    const bool is_oneshot = strcmp(unit.active, "inactive") == 0 &&
                            strcmp(unit.result, "success") == 0;
    const bool is_over = watched >= BN_REMOTE_WATCH_MS;
    if (strcmp(unit.active, "failed") == 0) {
        crashed(job, &unit, deaths);
    } else if (is_over && (deaths > 0 || strcmp(unit.active, "activating") == 0)) {
        crashed(job, &unit, BN_MAX(deaths, 1));
    } else if (is_over || is_oneshot) {
        is_well(job, &unit);
    } else {
        snprintf(message, sizeof message, "%s (%s), watched for another %lld s", unit.active,
                unit.sub, (long long)((BN_REMOTE_WATCH_MS - watched + 999) / 1000));
        bn_text_clip(job->work->now.message, sizeof job->work->now.message, bn_str(message));
        bn_work_told(job->work, NULL, NULL);
        job->next_mono_ms = bn_dispatch_mono_ms(job) + VERIFY_EVERY_MS;
    }
}

/* --- what a run said ------------------------------------------------------------------------- */

static void watched_done(struct bn_dispatch_job *job, const struct bn_ssh_result *result)
{
    char error[320];
    if (result->fault != BN_SSH_FAULT_NONE || !result->has_status) {
        if (result->fault == BN_SSH_FAULT_NONE)
            snprintf(error, sizeof error, "It ended without a status%s%.40s",
                    result->signal[0] ? ", by signal " : "", result->signal);
        else
            snprintf(error, sizeof error, "%.300s", result->text);
        bn_dispatch_fail(job, error, "");
        return;
    }
    const bool is_status = job->work->now.type == BN_WORK_SERVICE_STATUS;
    if (is_status && result->status == NO_SUCH_UNIT) {
        snprintf(error, sizeof error, "There is no unit %.100s on %.100s.", job->work->now.object,
                job->target.name);
        bn_dispatch_fail(job, error, "");
    } else if (is_status && result->status == 3) {
        complete(job, "it is not active");
    } else {
        command_ended(job, result->status);
    }
}

static void followed(struct bn_dispatch_job *job, const struct bn_ssh_result *result)
{
    int64_t status = 0;
    char error[320];
    const struct bn_str said = bn_buf_str(&job->said);
    if (bn_dispatch_read_exit(said, &status)) {
        command_ended(job, status);
    } else if (memmem(said.p ? said.p : "", said.len, "binnacle absent", 15)) {
        bn_dispatch_fail(job,
                "It was not started, so nothing was changed: Binnacle was interrupted just "
                "before.",
                "Start it again.");
    } else if (memmem(said.p ? said.p : "", said.len, "binnacle gone", 13)) {
        snprintf(error, sizeof error,
                "It ended without a status: it was killed, or %.80s was started anew.",
                job->target.name);
        bn_dispatch_fail(job, error, "");
    } else if (result->has_status && result->status == FOLDER_REFUSED) {
        snprintf(error, sizeof error,
                "No folder for its output could be made in the home of %.60s: "
                "%.150s",
                job->target.username, said.len ? said.p : "");
        bn_dispatch_fail(job, error, "");
    } else {
        snprintf(error, sizeof error, "The shell of %.60s on %.80s did not run it: %.120s",
                job->target.username, job->target.name,
                result->fault != BN_SSH_FAULT_NONE ? result->text
                : said.len                         ? said.p
                                                   : "it said nothing");
        bn_dispatch_fail(job, error, "");
    }
}

static void on_done(void *user, const struct bn_ssh_result *result)
{
    struct bn_dispatch_job *job = user;
    job->is_running = false;
    bn_buf_putc(&job->said, '\0'); /* so that it can be shown */
    if (job->said.len)
        job->said.len--;
    if (result->fault == BN_SSH_FAULT_LOST || result->fault == BN_SSH_FAULT_RUNNER)
        return; /* the session's end follows, and says more */
    if (job->stage == BN_DISPATCH_TIDY) {
        bn_dispatch_hang_up(job);
        job->is_done = true;
        return;
    }
    if (!job->work || job->stage == BN_DISPATCH_KEEP)
        return;
    switch (job->stage) {
    case BN_DISPATCH_PROBE: probe_done(job, result); break;
    case BN_DISPATCH_VERIFY: verify_done(job); break;
    case BN_DISPATCH_TELL: tell_done(job); break;
    default:
        if (job->way == BN_WAY_DETACHED)
            followed(job, result);
        else
            watched_done(job, result);
    }
}

void bn_dispatch_tidy(struct bn_dispatch_job *job)
{
    job->stage = BN_DISPATCH_TIDY;
    bn_buf_reset(&job->script);
    bn_dispatch_put_tidy(&job->script, job->id);
    run_script(job, 10000);
    if (!job->is_running)
        job->is_done = true;
}

/* --- what may happen meanwhile --------------------------------------------------------------- */

void bn_dispatch_cut(struct bn_dispatch_job *job)
{
    char error[320];
    const enum bn_dispatch_stage stage = job->stage;
    if (stage == BN_DISPATCH_SEND)
        return; /* goes on when the store has spoken */
    if (stage == BN_DISPATCH_RUN && job->way == BN_WAY_DETACHED) {
        bn_text_clip(job->work->now.message, sizeof job->work->now.message,
                BN_STR("the link was lost; it goes on there, and is looked for"));
        bn_work_told(job->work, NULL, NULL);
        bn_dispatch_again(job);
        return;
    }
    if (stage == BN_DISPATCH_VERIFY) {
        job->work->now.has_warnings = 1;
        complete(job, "restarted; the link was lost before it could be watched");
        return;
    }
    if (stage == BN_DISPATCH_TELL) {
        tell_done(job);
        return;
    }
    if ((stage == BN_DISPATCH_PROBE || stage == BN_DISPATCH_PROMPT) &&
            ++job->tries < BN_REMOTE_TRIES) {
        bn_dispatch_again(job);
        return;
    }
    snprintf(error, sizeof error, "The link to %.80s was lost %s: %.150s", job->target.name,
            stage == BN_DISPATCH_RUN ? "while it ran" : "before anything was sent",
            job->ended.text);
    job->work->now.timed_out = stage == BN_DISPATCH_RUN && job->action->changes;
    bn_dispatch_fail(job, error,
            job->work->now.timed_out ? "The command had been sent: look at the target yourself."
                                     : "");
}

bool bn_dispatch_stop_it(struct bn_dispatch_job *job)
{
    const char *message = "Nothing was done.";
    /* While the store has still to speak of it. */
    if (!job->is_begun || job->stage == BN_DISPATCH_SEND || job->stage == BN_DISPATCH_KEEP)
        return false;
    if (job->work->now.sent_at && job->action->changes)
        message = "The target finishes what it began; it is not watched any more.";
    else if (job->work->now.sent_at)
        message = "It is not watched any more.";
    bn_dispatch_hang_up(job); /* what runs as a command of the session ends with it */
    bn_text_clip(job->work->now.message, sizeof job->work->now.message, bn_str(message));
    bn_dispatch_end(job, BN_WORK_CANCELLED);
    return true;
}

/* What it wrote so far is kept; its end is known already. */
void bn_dispatch_drop(struct bn_dispatch_job *job)
{
    bn_dispatch_hang_up(job);
    bn_dispatch_end(job, BN_WORK_CANCELLED);
}

/* FEATURES J9: it was sent and nobody said how it ended, which is no failure of it. What only looks
   has failed: there is nothing to be seen. */
static void time_out(struct bn_dispatch_job *job)
{
    char error[320];
    char limit[24];
    job->work->now.timed_out = 1;
    bn_dispatch_hang_up(job);
    if (!job->action->changes) {
        bn_duration_say(job->action->limit_ms, limit, sizeof limit);
        snprintf(error, sizeof error, "%.80s did not finish it within %s.", job->target.name,
                limit);
        bn_dispatch_fail(job, error, "");
        return;
    }
    job->work->now.has_warnings = 1;
    complete(job, "confirmation timed out. Manual verification recommended");
}

void bn_dispatch_tick(struct bn_dispatch_job *job)
{
    const int64_t now = bn_dispatch_mono_ms(job);
    const bool is_sent = job->stage == BN_DISPATCH_RUN ||
                         (job->is_resumed && job->stage <= BN_DISPATCH_CONNECT);
    if (is_sent && job->deadline_mono_ms && now >= job->deadline_mono_ms) {
        time_out(job);
        return;
    }
    if (job->stage == BN_DISPATCH_PROMPT)
        bn_dispatch_talk_tick(job);
    if (job->stage == BN_DISPATCH_VERIFY && !job->is_running && bn_dispatch_session(job) &&
            now >= job->next_mono_ms)
        look_at_it(job);
}
