#include "io/fetch.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "io/fetch_private.h"

void bn_fetch_job_init(struct bn_fetch_job *job, size_t body_max)
{
    *job = (struct bn_fetch_job){.request = {.method = "GET", .port = 443, .path = "/"}};
    bn_list_init(&job->link);
    bn_buf_init(&job->request.body, body_max);
}

void bn_fetch_job_finish(struct bn_fetch_job *job)
{
    bn_wipe(job->request.authorization, sizeof job->request.authorization);
    bn_buf_finish(&job->request.body);
    bn_buf_finish(&job->answer.body);
}

/* --- the collector thread -------------------------------------------------------------------- */

void bn_fetch_answered(struct bn_fetch *fetch, struct bn_fetch_job *job)
{
    if (job->read && job->answer.fault == BN_FETCH_NONE)
        job->read(job);
    pthread_mutex_lock(&fetch->lock);
    bn_list_append(&fetch->answered, &job->link);
    fetch->answers++;
    fetch->active = fetch->running_count;
    pthread_mutex_unlock(&fetch->lock);
    fetch->has_news = true;
}

void bn_fetch_note_handshake(struct bn_fetch *fetch)
{
    pthread_mutex_lock(&fetch->lock);
    fetch->handshakes++;
    pthread_mutex_unlock(&fetch->lock);
}

static void begin_more(struct bn_fetch *fetch)
{
    size_t begun = 0;
    while (fetch->running_count < fetch->config.at_once && !bn_list_is_empty(&fetch->queue)) {
        struct bn_fetch_job *job = container_of(fetch->queue.next, struct bn_fetch_job, link);
        bn_list_remove(&job->link);
        begun++;
        bn_fetch_call_start(fetch, job);
    }
    if (begun == 0)
        return;
    pthread_mutex_lock(&fetch->lock);
    fetch->waiting -= begun;
    fetch->active = fetch->running_count;
    pthread_mutex_unlock(&fetch->lock);
}

static void end_all(struct bn_fetch *fetch)
{
    bn_list_each_safe(it, tmp, &fetch->queue) {
        struct bn_fetch_job *job = container_of(it, struct bn_fetch_job, link);
        bn_list_remove(it);
        job->answer.fault = BN_FETCH_CANCELLED;
        bn_text_clip(job->answer.text, sizeof job->answer.text, BN_STR("Binnacle is stopping"));
        bn_fetch_answered(fetch, job);
    }
    while (!bn_list_is_empty(&fetch->running))
        bn_fetch_call_cancel(container_of(fetch->running.next, struct bn_fetch_job, link)->call);
    bn_fetch_conn_drop_kept(fetch);
}

static bool turn(void *user)
{
    struct bn_fetch *fetch = user;
    pthread_mutex_lock(&fetch->lock);
    bn_list_each_safe(it, tmp, &fetch->asked) {
        bn_list_remove(it);
        bn_list_append(&fetch->queue, it);
    }
    bool is_stopping = fetch->is_stopping;
    pthread_mutex_unlock(&fetch->lock);
    if (is_stopping) {
        end_all(fetch);
        bn_loop_stop(fetch->own);
    } else
        begin_more(fetch);
    if (fetch->has_news) /* once for all that this turn brought */
        bn_loop_wake(fetch->loop);
    fetch->has_news = false;
    return false;
}

static void *thread_main(void *arg)
{
    struct bn_fetch *fetch = arg;
    pthread_setname_np(pthread_self(), "bn-collector");
    bn_loop_run(fetch->own, turn, fetch);
    return NULL;
}

/* --- the loop's side ------------------------------------------------------------------------- */

/* Of what may be half made; everything under way has ended. */
static void free_fetch(struct bn_fetch *fetch)
{
    bn_timer_destroy(fetch->keep_timer);
    bn_dialer_destroy(fetch->dialer);
    bn_loop_destroy(fetch->own);
    pthread_mutex_destroy(&fetch->lock);
    free(fetch);
}

/* Signals are the loop's, and SIGPIPE is nobody's: this thread takes none. */
static bool start_thread(struct bn_fetch *fetch, struct bn_err *err)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&fetch->thread, NULL, thread_main, fetch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return bn_fail(err, BN_E_INTERNAL, "no thread to call other servers: %s", strerror(failed));
    return true;
}

bool bn_fetch_create(struct bn_loop *loop, const struct bn_fetch_config *config,
        struct bn_fetch **out, struct bn_err *err)
{
    struct bn_fetch *fetch = bn_alloc(sizeof *fetch);
    fetch->loop = loop;
    fetch->config = *config;
    bn_list_init(&fetch->asked);
    bn_list_init(&fetch->answered);
    bn_list_init(&fetch->queue);
    bn_list_init(&fetch->running);
    bn_list_init(&fetch->kept);
    pthread_mutex_init(&fetch->lock, NULL);
    if (bn_loop_create(&fetch->own, &fetch->clock, err) &&
            bn_dialer_create(fetch->own, &config->policy, config->idle_max, &fetch->dialer, err)) {
        fetch->keep_timer = bn_timer_create(fetch->own, bn_fetch_conn_expire, fetch);
        if (start_thread(fetch, err)) {
            *out = fetch;
            return true;
        }
    }
    free_fetch(fetch);
    return false;
}

void bn_fetch_destroy(struct bn_fetch *fetch)
{
    if (!fetch)
        return;
    pthread_mutex_lock(&fetch->lock);
    fetch->is_stopping = true;
    pthread_mutex_unlock(&fetch->lock);
    bn_loop_wake(fetch->own);
    pthread_join(fetch->thread, NULL);
    bn_fetch_collect(fetch);
    free_fetch(fetch);
}

/* What may stand in a URL as a host without quoting anything: names and addresses. */
static bool is_host(const char *host)
{
    size_t len = strnlen(host, 254);
    return len > 0 && len < 254 && host[0] != '-' && host[0] != '.' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") ==
                   len;
}

/* Visible ASCII only: neither a blank nor a line end may make two requests of one. */
static bool is_path(const char *path)
{
    if (path[0] != '/')
        return false;
    while (*path > ' ' && *path < 0x7F)
        path++;
    return *path == '\0';
}

/* The same for what stands in a field: a token, a type. */
static bool is_one_line(const char *text)
{
    while (*text >= ' ' && *text < 0x7F)
        text++;
    return *text == '\0';
}

bool bn_fetch_do(struct bn_fetch *fetch, struct bn_fetch_job *job, struct bn_err *err)
{
    const struct bn_fetch_request *request = &job->request;
    assert(request->connect_ms > 0 && request->total_ms > 0 && request->answer_max > 0);
    if (!is_host(request->host))
        return bn_fail_field(err, "host", "\"%.80s\" is neither a host name nor an address",
                request->host);
    if (request->port < 1 || request->port > 65535)
        return bn_fail_field(err, "port", "port must be 1..65535, got %d", request->port);
    if (!is_path(request->path))
        return bn_fail(err, BN_E_INVALID, "a path begins with / and has no blanks");
    if (!is_one_line(request->method) || !is_one_line(request->authorization) ||
            !is_one_line(request->body_type))
        return bn_fail(err, BN_E_INVALID, "a field of a request is one line of ASCII");
    bn_buf_init(&job->answer.body, request->answer_max);
    pthread_mutex_lock(&fetch->lock);
    const bool is_stopping = fetch->is_stopping;
    const bool fits = !is_stopping && fetch->waiting < fetch->config.queue_max;
    if (fits) {
        bn_list_append(&fetch->asked, &job->link);
        fetch->waiting++;
    }
    pthread_mutex_unlock(&fetch->lock);
    if (is_stopping)
        return bn_fail(err, BN_E_UNAVAILABLE, "this server is about to end");
    if (!fits)
        return bn_fail(err, BN_E_UNAVAILABLE, "%zu requests to other servers are waiting already",
                fetch->config.queue_max);
    bn_loop_wake(fetch->own);
    return true;
}

void bn_fetch_collect(struct bn_fetch *fetch)
{
    struct bn_list mine;
    bn_list_init(&mine);
    pthread_mutex_lock(&fetch->lock);
    bn_list_each_safe(it, tmp, &fetch->answered) {
        bn_list_remove(it);
        bn_list_append(&mine, it);
    }
    pthread_mutex_unlock(&fetch->lock);
    bn_list_each_safe(it, tmp, &mine) {
        struct bn_fetch_job *job = container_of(it, struct bn_fetch_job, link);
        bn_list_remove(it);
        job->done(job);
    }
}

void bn_fetch_get_stats(struct bn_fetch *fetch, struct bn_fetch_stats *out)
{
    pthread_mutex_lock(&fetch->lock);
    *out = (struct bn_fetch_stats){.waiting = fetch->waiting,
            .active = fetch->active,
            .answers = fetch->answers,
            .handshakes = fetch->handshakes};
    pthread_mutex_unlock(&fetch->lock);
}
