#include <stdio.h>
#include <string.h>

#include "source/dispatch_private.h"

/*
 * A dialogue: a machine that knows no commands but those typed at its prompt. We wait for the
 * prompt, type the command, and look for words until the prompt is there again.
 */

#define TERM_COLS 200 /* so that it does not break lines in its words */
#define TERM_ROWS 60
#define LOOK_BACK 200 /* bytes: a word may have been cut between two pieces of output */

static void say_no_prompt(struct bn_dispatch_job *job)
{
    char error[320];
    char last[120];
    bn_transcript_last(&job->transcript, last, sizeof last);
    snprintf(error, sizeof error,
            "%.80s did not show its prompt \"%.60s\" within %d s. Last it said: "
            "%.100s",
            job->target.name, bn_action_prompt(job->action, &job->target),
            BN_REMOTE_PROMPT_MS / 1000, last);
    bn_dispatch_fail(job, error, "Nothing was typed.");
}

static const char *find(const struct bn_buf *said, size_t from, const char *word)
{
    const char *start = said->p + BN_MIN(from, said->len);
    return word[0] && said->len > from ? memmem(start, said->len - from, word, strlen(word)) : NULL;
}

void bn_dispatch_type(struct bn_dispatch_job *job)
{
    char line[520];
    const int len = snprintf(line, sizeof line, "%s\n", job->work->now.command);
    job->was_prompted = true;
    bn_buf_reset(&job->said);
    job->looked_at = 0;
    if (bn_ssh_send(bn_dispatch_session(job), line, (size_t)len) < (size_t)len)
        bn_dispatch_fail(job, "The command could not be typed.", "");
}

static void end_talk(struct bn_dispatch_job *job, bool is_failed)
{
    char message[192];
    char error[320];
    bn_dispatch_step(job, 90, "Processing results");
    if (is_failed) {
        snprintf(error, sizeof error, "%.100s: %.80s said \"%.60s\"", job->work->now.subject,
                job->target.name, bn_action_failure(job->action, &job->target));
        bn_dispatch_fail(job, error, "");
        return;
    }
    if (job->work->now.type == BN_WORK_SSH_TEST)
        snprintf(message, sizeof message, "%.100s shows its prompt", job->target.name);
    else if (job->action->changes)
        snprintf(message, sizeof message, "%.120s was restarted", job->work->now.subject);
    else
        snprintf(message, sizeof message, "done");
    bn_text_clip(job->work->now.message, sizeof job->work->now.message, bn_str(message));
    bn_dispatch_end(job, BN_WORK_COMPLETED);
}

/* The echo of the command may hold any word: only what comes after its line counts. */
static void look(struct bn_dispatch_job *job)
{
    const char *prompt = bn_action_prompt(job->action, &job->target);
    const char *success = bn_action_success(job->action, &job->target);
    const char *failure = bn_action_failure(job->action, &job->target);
    if (!job->was_prompted) {
        if (!find(&job->said, 0, prompt))
            return;
        if (!job->work->now.command[0])
            end_talk(job, false);
        else
            bn_dispatch_send(job);
        return;
    }
    const char *echo = find(&job->said, 0, "\n");
    if (!echo)
        return;
    const size_t from = (size_t)(echo - job->said.p);
    const bool has_failed = find(&job->said, from, failure) != NULL;
    const bool has_worked = find(&job->said, from, success) != NULL;
    if (has_failed) {
        end_talk(job, true);
        return;
    }
    if (find(&job->said, from, "[STARTING]"))
        bn_dispatch_step(job, 75, "The service is starting");
    if (find(&job->said, from, prompt) && (has_worked || !success[0]))
        end_talk(job, false);
}

static void on_output(void *user, enum bn_ssh_output from, const char *p, size_t len)
{
    struct bn_dispatch_job *job = user;
    (void)from;
    bn_transcript_feed(&job->transcript, p, len);
    if (job->said.len + len > BN_REMOTE_ANSWER_MAX) { /* its end is what counts */
        const size_t keep = BN_MIN(job->said.len, (size_t)LOOK_BACK);
        memmove(job->said.p, job->said.p + job->said.len - keep, keep);
        job->said.len = keep;
    }
    bn_buf_put(&job->said, p, BN_MIN(len, (size_t)(BN_REMOTE_ANSWER_MAX - LOOK_BACK)));
    job->next_mono_ms = 0;
    if (job->work && (job->stage == BN_DISPATCH_PROMPT || job->stage == BN_DISPATCH_RUN))
        look(job);
}

static void on_done(void *user, const struct bn_ssh_result *result)
{
    struct bn_dispatch_job *job = user;
    char error[320];
    job->is_running = false;
    if (!job->work || (job->stage != BN_DISPATCH_PROMPT && job->stage != BN_DISPATCH_RUN) ||
            result->fault == BN_SSH_FAULT_LOST || result->fault == BN_SSH_FAULT_RUNNER)
        return;
    snprintf(error, sizeof error, "%.80s ended the dialogue%s%.150s", job->target.name,
            result->text[0] ? ": " : "", result->text);
    job->work->now.timed_out = job->was_prompted && job->action->changes;
    bn_dispatch_fail(job, error,
            job->was_prompted ? "The command had been typed: look at the target yourself."
                              : "Nothing was typed.");
}

void bn_dispatch_talk(struct bn_dispatch_job *job)
{
    static const struct bn_ssh_run_ops ops = {.output = on_output, .done = on_done};
    const struct bn_ssh_run what = {.command = "",
            .term = "vt100",
            .cols = TERM_COLS,
            .rows = TERM_ROWS};
    struct bn_err err;
    job->stage = BN_DISPATCH_PROMPT;
    bn_buf_reset(&job->said);
    job->was_prompted = false;
    job->verify_mono_ms = bn_dispatch_mono_ms(job) + BN_REMOTE_PROMPT_MS;
    job->next_mono_ms = bn_dispatch_mono_ms(job) + BN_REMOTE_NUDGE_MS;
    job->is_running = bn_ssh_run(bn_dispatch_session(job), &what, &ops, job, &err);
    if (!job->is_running)
        bn_dispatch_fail(job, err.text, "");
}

void bn_dispatch_talk_tick(struct bn_dispatch_job *job)
{
    const int64_t now = bn_dispatch_mono_ms(job);
    if (job->was_prompted || !job->is_running)
        return;
    if (now >= job->verify_mono_ms) {
        say_no_prompt(job);
        return;
    }
    if (job->next_mono_ms && now >= job->next_mono_ms) {
        job->next_mono_ms = 0;
        (void)bn_ssh_send(bn_dispatch_session(job), "\n", 1);
    }
}
