#include "io/fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "io/fetch_private.h"

static const char *const fault_words[] = {
#define X(name, word) word,
        BN_FETCH_FAULTS(X)
#undef X
};

const char *bn_fetch_fault_word(enum bn_fetch_fault fault)
{
    return fault_words[fault];
}

const char *bn_fetch_phase_word(enum bn_fetch_phase phase)
{
    static const char *const words[] = {"dns", "tcp", "tls", "answer", "body"};
    return words[phase];
}

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

static void answer(struct bn_fetch *fetch, struct bn_fetch_job *job)
{
    if (job->read && job->answer.fault == BN_FETCH_NONE)
        job->read(job);
    pthread_mutex_lock(&fetch->lock);
    bn_list_append(&fetch->answered, &job->link);
    fetch->answers++;
    fetch->active = fetch->running_count;
    pthread_mutex_unlock(&fetch->lock);
    bn_loop_wake(fetch->loop);
}

static void cancel(struct bn_fetch *fetch, struct bn_fetch_job *job)
{
    job->answer.fault = BN_FETCH_CANCELLED;
    bn_text_clip(job->answer.text, sizeof job->answer.text, BN_STR("Binnacle is stopping"));
    answer(fetch, job);
}

static void begin_more(struct bn_fetch *fetch)
{
    size_t begun = 0;
    while (fetch->running_count < fetch->config.at_once && !bn_list_is_empty(&fetch->queue)) {
        struct bn_fetch_job *job = container_of(fetch->queue.next, struct bn_fetch_job, link);
        bn_list_remove(&job->link);
        begun++;
        if (!bn_fetch_call_start(fetch, job))
            answer(fetch, job);
    }
    pthread_mutex_lock(&fetch->lock);
    fetch->waiting -= begun;
    fetch->active = fetch->running_count;
    pthread_mutex_unlock(&fetch->lock);
}

static void collect_ended(struct bn_fetch *fetch)
{
    int left = 0;
    for (CURLMsg *msg; (msg = curl_multi_info_read(fetch->multi, &left));) {
        struct bn_fetch_call *call = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
        struct bn_fetch_job *job = call->job;
        bn_fetch_call_end(call, code);
        answer(fetch, job);
    }
    begin_more(fetch);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct bn_fetch *fetch = poll->data;
    uv_os_fd_t fd = -1;
    int running = 0;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    if (uv_fileno((const uv_handle_t *)poll, &fd) == 0)
        curl_multi_socket_action(fetch->multi, fd, flags, &running);
    collect_ended(fetch);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* The library says which events of a socket it waits for; what we keep with the socket is its
   watch. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *watch)
{
    struct bn_fetch *fetch = user;
    uv_poll_t *poll = watch;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (poll) {
            uv_poll_stop(poll);
            uv_close((uv_handle_t *)poll, free_handle);
            curl_multi_assign(fetch->multi, fd, NULL);
        }
        return 0;
    }
    if (!poll) {
        poll = bn_alloc(sizeof *poll);
        if (uv_poll_init(&fetch->uv, poll, fd) != 0) {
            free(poll);
            return -1;
        }
        poll->data = fetch;
        curl_multi_assign(fetch->multi, fd, poll);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(poll, events, on_socket) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer)
{
    struct bn_fetch *fetch = timer->data;
    int running = 0;
    curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_ended(fetch);
}

static int set_timer(CURLM *multi, long after_ms, void *user)
{
    struct bn_fetch *fetch = user;
    (void)multi;
    if (after_ms < 0)
        uv_timer_stop(&fetch->timer);
    else
        uv_timer_start(&fetch->timer, on_timer, (uint64_t)after_ms, 0);
    return 0;
}

static void end_all(struct bn_fetch *fetch)
{
    bn_list_each_safe(it, tmp, &fetch->running) {
        struct bn_fetch_job *job = container_of(it, struct bn_fetch_job, link);
        bn_fetch_call_end(job->call, CURLE_ABORTED_BY_CALLBACK);
        cancel(fetch, job);
    }
    bn_list_each_safe(it, tmp, &fetch->queue) {
        bn_list_remove(it);
        cancel(fetch, container_of(it, struct bn_fetch_job, link));
    }
    bn_fetch_forget_idle(fetch, 0);
}

static void on_wake(uv_async_t *wake)
{
    struct bn_fetch *fetch = wake->data;
    pthread_mutex_lock(&fetch->lock);
    bn_list_each_safe(it, tmp, &fetch->asked) {
        bn_list_remove(it);
        bn_list_append(&fetch->queue, it);
    }
    bool is_stopping = fetch->is_stopping;
    pthread_mutex_unlock(&fetch->lock);
    if (!is_stopping) {
        begin_more(fetch);
        return;
    }
    end_all(fetch);
    curl_multi_cleanup(fetch->multi);
    uv_close((uv_handle_t *)&fetch->wake, NULL);
    uv_close((uv_handle_t *)&fetch->timer, NULL);
}

static void *thread_main(void *arg)
{
    struct bn_fetch *fetch = arg;
    uv_run(&fetch->uv, UV_RUN_DEFAULT); /* until on_wake has closed what it waits for */
    return NULL;
}

/* --- the loop's side ------------------------------------------------------------------------- */

static bool open_multi(struct bn_fetch *fetch)
{
    fetch->multi = curl_multi_init();
    if (!fetch->multi)
        return false;
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
    curl_multi_setopt(fetch->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)fetch->config.at_once);
    curl_multi_setopt(fetch->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)fetch->config.per_host);
    return true;
}

static void free_fetch(struct bn_fetch *fetch)
{
    uv_loop_close(&fetch->uv);
    pthread_mutex_destroy(&fetch->lock);
    free(fetch);
}

static bool start_thread(struct bn_fetch *fetch)
{
    if (pthread_create(&fetch->thread, NULL, thread_main, fetch) != 0)
        return false;
    pthread_setname_np(fetch->thread, "bn-collector");
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
    bn_list_init(&fetch->idle_order);
    pthread_mutex_init(&fetch->lock, NULL);
    if (uv_loop_init(&fetch->uv) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free_fetch(fetch);
        return bn_fail(err, BN_E_INTERNAL, "cannot prepare for calling other servers");
    }
    uv_async_init(&fetch->uv, &fetch->wake, on_wake);
    uv_timer_init(&fetch->uv, &fetch->timer);
    fetch->wake.data = fetch->timer.data = fetch;
    if (!open_multi(fetch) || !start_thread(fetch)) {
        fetch->is_stopping = true;
        curl_multi_cleanup(fetch->multi);
        uv_close((uv_handle_t *)&fetch->wake, NULL);
        uv_close((uv_handle_t *)&fetch->timer, NULL);
        uv_run(&fetch->uv, UV_RUN_DEFAULT);
        free_fetch(fetch);
        return bn_fail(err, BN_E_INTERNAL, "cannot start the thread that calls other servers");
    }
    *out = fetch;
    return true;
}

void bn_fetch_destroy(struct bn_fetch *fetch)
{
    if (!fetch)
        return;
    pthread_mutex_lock(&fetch->lock);
    fetch->is_stopping = true;
    pthread_mutex_unlock(&fetch->lock);
    uv_async_send(&fetch->wake);
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
    uv_async_send(&fetch->wake);
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

const char *bn_fetch_library(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}
