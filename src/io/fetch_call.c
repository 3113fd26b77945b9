#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/secret.h"

#include "io/fetch_private.h"

#define HEAD_BYTES_MAX (32 << 10) /* PVE-API 13.12 */
#define DNS_KEEP_S     60L        /* what the library does by itself */

/* --- what comes in --------------------------------------------------------------------------- */

static size_t on_head(char *p, size_t size, size_t n, void *user)
{
    struct bn_fetch_call *call = user;
    struct bn_fetch_answer *answer = &call->job->answer;
    struct bn_str line = {p, n};
    (void)size; /* always 1 */
    call->head_bytes += n;
    if (call->head_bytes > HEAD_BYTES_MAX) {
        call->is_too_big = true;
        return 0;
    }
    while (line.len > 0 && (line.p[line.len - 1] == '\r' || line.p[line.len - 1] == '\n'))
        line.len--;
    if (!bn_str_starts(line, "HTTP/"))
        return n;
    (void)bn_str_cut(&line, ' '); /* the version, then the code */
    (void)bn_str_cut(&line, ' ');
    bn_text_clip(answer->reason, sizeof answer->reason, line.p ? bn_str_trim(line) : BN_STR(""));
    return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct bn_fetch_call *call = user;
    (void)size;
    if (call->fetch->body_bytes + n > call->fetch->config.bodies_max) {
        call->is_too_big = true;
        return 0;
    }
    bn_buf_put(&call->job->answer.body, p, n);
    call->is_too_big = !bn_buf_ok(&call->job->answer.body);
    if (call->is_too_big)
        return 0;
    call->fetch->body_bytes += n;
    return n;
}

/* --- before anything goes out ---------------------------------------------------------------- */

static bool read_address(const struct sockaddr *from, struct bn_addr *out)
{
    static const uint8_t v4[12] = {[10] = 0xFF, [11] = 0xFF};
    struct sockaddr_in6 in6;
    struct sockaddr_in in;
    if (from->sa_family == AF_INET6) {
        memcpy(&in6, from, sizeof in6);
        memcpy(out->bytes, &in6.sin6_addr, sizeof out->bytes);
        return true;
    }
    if (from->sa_family != AF_INET)
        return false;
    memcpy(&in, from, sizeof in);
    memcpy(out->bytes, v4, sizeof v4);
    memcpy(out->bytes + sizeof v4, &in.sin_addr, sizeof in.sin_addr);
    return true;
}

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct bn_fetch_call *call = user;
    struct bn_addr addr;
    struct bn_err err;
    (void)purpose;
    if (!read_address(&to->addr, &addr))
        return CURL_SOCKET_BAD;
    bn_addr_text(&addr, call->job->answer.address);
    if (!bn_target_check(&call->fetch->config.policy, &addr, &err)) {
        call->is_closed = true;
        memcpy(call->job->answer.text, err.text, sizeof err.text);
        return CURL_SOCKET_BAD;
    }
    if (!call->opened_ns)
        call->opened_ns = bn_clock_mono_ns();
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static CURLcode on_tls(CURL *handle, void *ssl_ctx, void *user)
{
    struct bn_fetch_call *call = user;
    (void)handle;
    bn_tls_peer_judge(ssl_ctx, &call->job->peer);
    call->tls_ns = bn_clock_mono_ns();
    pthread_mutex_lock(&call->fetch->lock);
    call->fetch->handshakes++;
    pthread_mutex_unlock(&call->fetch->lock);
    return CURLE_OK;
}

/* The connection stands, new or kept: the last moment at which nothing was said. */
static int on_ready(void *user, char *to, char *from, int to_port, int from_port)
{
    struct bn_fetch_call *call = user;
    struct curl_tlssessioninfo *tls = NULL;
    (void)from;
    (void)to_port;
    (void)from_port;
    bn_text_clip(call->job->answer.address, sizeof call->job->answer.address, bn_str(to));
    if (!call->job->request.is_plain &&
            (curl_easy_getinfo(call->easy->handle, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK ||
                    !tls || !tls->internals ||
                    !bn_tls_peer_may_use(tls->internals, &call->job->peer)))
        return CURL_PREREQFUNC_ABORT;
    call->ready_ns = bn_clock_mono_ns();
    call->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* --- handles, kept for their TLS sessions ---------------------------------------------------- */

static void free_easy(struct bn_fetch_easy *easy)
{
    curl_easy_cleanup(easy->handle);
    free(easy);
}

void bn_fetch_forget_idle(struct bn_fetch *fetch, size_t keep)
{
    while (fetch->idle_count > keep) {
        struct bn_fetch_easy *easy = container_of(fetch->idle_order.next, struct bn_fetch_easy,
                link);
        // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
        HASH_DEL(fetch->idle, easy);
        bn_list_remove(&easy->link);
        fetch->idle_count--;
        free_easy(easy);
    }
}

static struct bn_fetch_easy *take_easy(struct bn_fetch *fetch, const char *key)
{
    struct bn_fetch_easy *easy = NULL;
    HASH_FIND_STR(fetch->idle, key, easy);
    if (easy) {
        HASH_DEL(fetch->idle, easy);
        bn_list_remove(&easy->link);
        fetch->idle_count--;
        return easy;
    }
    easy = bn_alloc(sizeof *easy);
    bn_list_init(&easy->link);
    bn_text_clip(easy->key, sizeof easy->key, bn_str(key));
    easy->handle = curl_easy_init();
    if (easy->handle)
        return easy;
    free(easy);
    return NULL;
}

/* Sessions, connections and nothing else outlive the reset: no secret waits in an idle handle. */
static void give_back(struct bn_fetch *fetch, struct bn_fetch_easy *easy)
{
    struct bn_fetch_easy *same = NULL;
    curl_easy_reset(easy->handle);
    HASH_FIND_STR(fetch->idle, easy->key, same);
    if (same) {
        free_easy(easy);
        return;
    }
    HASH_ADD_STR(fetch->idle, key, easy);
    bn_list_append(&fetch->idle_order, &easy->link);
    fetch->idle_count++;
    bn_fetch_forget_idle(fetch, fetch->config.idle_max);
}

static void write_key(const struct bn_fetch_job *job, char out[BN_FETCH_KEY_SIZE])
{
    snprintf(out, BN_FETCH_KEY_SIZE, "%s %d %d %d %s", job->request.host, job->request.port,
            job->request.is_plain, (int)job->peer.trust, job->peer.pin);
}

/* --- a transfer ------------------------------------------------------------------------------ */

#define URL_SIZE 1400

static void add_field(struct bn_fetch_call *call, const char *name, const char *value)
{
    char line[480];
    if (!value[0])
        return;
    snprintf(line, sizeof line, "%s: %s", name, value);
    call->fields = curl_slist_append(call->fields, line);
    bn_wipe(line, sizeof line);
}

static void set_url(CURL *h, const struct bn_fetch_request *request)
{
    char url[URL_SIZE];
    const bool is_v6 = strchr(request->host, ':') != NULL;
    snprintf(url, sizeof url, "%s://%s%s%s:%d%s", request->is_plain ? "http" : "https",
            is_v6 ? "[" : "", request->host, is_v6 ? "]" : "", request->port, request->path);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_HTTP09_ALLOWED, 0L);
}

static void set_method(CURL *h, struct bn_fetch_call *call)
{
    const struct bn_fetch_request *request = &call->job->request;
    const bool is_get = strcmp(request->method, "GET") == 0;
    if (!is_get)
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, request->method);
    /* A kept connection may have died; the library then asks again on a fresh one, which only a
       question may (PVE-API 13.10). */
    curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, is_get && !request->is_fresh ? 0L : 1L);
    curl_easy_setopt(h, CURLOPT_SSL_SESSIONID_CACHE, request->is_fresh ? 0L : 1L);
    curl_easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, request->is_fresh ? 0L : DNS_KEEP_S);
    if (!is_get && strcmp(request->method, "DELETE") != 0) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, request->body.len ? request->body.p : "");
        call->fields = curl_slist_append(call->fields, "Expect:");
        add_field(call, "Content-Type", request->body_type);
    }
    add_field(call, "Authorization", request->authorization);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, call->fields);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "Binnacle/" BN_VERSION);
    curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static void set_trust(CURL *h, struct bn_fetch_call *call)
{
    const bool by_ca = call->job->peer.trust == BN_TRUST_CA;
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, by_ca ? 1L : 0L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, by_ca ? 2L : 0L);
    if (!by_ca) {
        curl_easy_setopt(h, CURLOPT_CAINFO, NULL); /* not read for nothing at each handshake */
        curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(h, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, call);
}

static void set_hooks(CURL *h, struct bn_fetch_call *call)
{
    const struct bn_fetch_request *request = &call->job->request;
    curl_easy_setopt(h, CURLOPT_PRIVATE, call);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, call->said);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(h, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)request->total_ms);
    curl_easy_setopt(h, CURLOPT_MAXAGE_CONN, (long)(call->fetch->config.keep_ms / 1000));
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs does not hold us up */
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 1L);
}

bool bn_fetch_call_start(struct bn_fetch *fetch, struct bn_fetch_job *job)
{
    char key[BN_FETCH_KEY_SIZE];
    struct bn_fetch_call *call = bn_alloc(sizeof *call);
    *call = (struct bn_fetch_call){.fetch = fetch, .job = job};
    write_key(job, key);
    call->easy = take_easy(fetch, key);
    if (call->easy) {
        CURL *h = call->easy->handle;
        set_url(h, &job->request);
        set_method(h, call);
        set_trust(h, call);
        set_hooks(h, call);
        if (curl_multi_add_handle(fetch->multi, h) == CURLM_OK) {
            job->call = call;
            bn_list_append(&fetch->running, &job->link);
            fetch->running_count++;
            return true;
        }
        free_easy(call->easy);
    }
    curl_slist_free_all(call->fields);
    free(call);
    job->answer.fault = BN_FETCH_CANCELLED;
    bn_text_clip(job->answer.text, sizeof job->answer.text,
            BN_STR("there is no memory for one more request"));
    return false;
}

static double ms_of(CURL *h, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(h, what, &us);
    return (double)us / 1000;
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return from_ns && to_ns ? (double)(to_ns - from_ns) / 1e6 : NAN;
}

static void measure(struct bn_fetch_call *call)
{
    CURL *h = call->easy->handle;
    struct bn_fetch_answer *answer = &call->job->answer;
    const double sent = ms_of(h, CURLINFO_PRETRANSFER_TIME_T);
    const double first = ms_of(h, CURLINFO_STARTTRANSFER_TIME_T);
    answer->is_kept = call->was_sent && !call->opened_ns;
    answer->total_ms = ms_of(h, CURLINFO_TOTAL_TIME_T);
    answer->dns_ms = call->opened_ns ? ms_of(h, CURLINFO_NAMELOOKUP_TIME_T) : NAN;
    answer->tcp_ms = ms_between(call->opened_ns, call->tls_ns ? call->tls_ns : call->ready_ns);
    answer->tls_ms = ms_between(call->tls_ns, call->ready_ns);
    answer->wait_ms = answer->status && first > 0 ? first - sent : NAN;
}

static void read_head(struct bn_fetch_call *call)
{
    long status = 0;
    char *type = NULL;
    curl_easy_getinfo(call->easy->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy->handle, CURLINFO_CONTENT_TYPE, &type);
    call->job->answer.status = (int)status;
    bn_text_clip(call->job->answer.type, sizeof call->job->answer.type, bn_str(type ? type : ""));
}

void bn_fetch_call_end(struct bn_fetch_call *call, CURLcode code)
{
    struct bn_fetch *fetch = call->fetch;
    struct bn_fetch_job *job = call->job;
    curl_multi_remove_handle(fetch->multi, call->easy->handle);
    read_head(call);
    measure(call);
    bn_fetch_explain(call, code);
    fetch->body_bytes -= job->answer.body.len;
    fetch->running_count--;
    bn_list_remove(&job->link);
    job->call = NULL;
    curl_slist_free_all(call->fields);
    give_back(fetch, call->easy);
    bn_wipe(job->request.authorization, sizeof job->request.authorization);
    free(call);
}
