/*
 * swarm: many WebSocket listeners in one process, and what they cost the server.
 *
 *   swarm --port P --pid SERVER --count N --seconds S --mode live|plain|socketio
 *         [--key bnk_…] [--path /] [--topic meter.host] [--burst N] [--stall-one]
 *
 * Connects them, waits 1.5 s, then counts broadcast frames (256 bytes or more) for S seconds and
 * what the server spent meanwhile: CPU from /proc/SERVER/task/<each>/schedstat, memory from its
 * VmRSS. One line:
 *
 *   clients= ready_ms= frames= bytes_per_frame= cpu_us_per_frame= cpu_pct= rss_kib_per_client=
 *   rss_growth_kib= gap_p50_ms= gap_p99_ms= delay_p50_ms= delay_p99_ms=
 *
 * rss_kib_per_client is what the server grew by from before the first connection to the start of
 * the count; rss_growth_kib what it grew by during the count; delay is from a change of the lab to
 * its listeners, to the millisecond. With --stall-one the first client
 * stops reading once it is subscribed and reads again after the count: stalled_merged= says how
 * many merged deltas it got then; 0 means that it never was stalled. Unknown figures are "-".
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "flags.h"
#include "wire/ws.h"

#define EVENTS_MAX     512
#define PER_ADDRESS    20000 /* below the 28,000 local ports of one address */
#define BROADCAST_MIN  256
#define SETTLE_MS      1500
#define CATCH_UP_MS    500
#define CONNECT_MAX_MS 60000
#define STEP_US        100
#define STEPS          100000  /* up to 10 s */
#define STAMPS         1000000 /* of them before the lab's begin anew */
#define NAME_BYTES     96      /* of a payload, to see what it is */

enum mode { LIVE, PLAIN, SOCKETIO };

enum stage { CONNECTING, HANDSHAKE, WAITING, READY, GONE };

struct client {
    int fd;
    uint8_t stage;
    uint8_t newlines; /* of the blank line that ends the handshake's answer */
    uint8_t head_len;
    uint8_t head[10];
    uint8_t name_len;
    char name[NAME_BYTES];
    uint64_t payload;
    uint64_t left;
    int64_t last_us;
};

struct histogram {
    uint64_t count;
    uint32_t steps[STEPS];
};

struct swarm {
    enum mode mode;
    int port;
    int64_t count;
    int64_t burst;
    const char *path;
    const char *key;
    const char *topic;
    bool stalls_one;
    int ep;
    struct client *clients;
    int64_t begun;
    int64_t ready;
    int64_t gone;
    bool counting;
    int64_t now_us;
    uint64_t frames;
    uint64_t bytes;
    uint64_t merged; /* deltas over more than one step */
    struct histogram gaps;
    struct histogram delays;
};

static char scratch[256 << 10];

static void fail(const char *what)
{
    fprintf(stderr, "swarm: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- what the server spends ------------------------------------------------------------------- */

static bool read_text(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(out, 1, size - 1, file);
    out[n] = 0;
    fclose(file);
    return n > 0;
}

/* Nanoseconds on a processor, of all threads; the tick-based times of stat are too coarse. */
static int64_t cpu_ns(int64_t pid)
{
    char path[300];
    char text[256];
    int64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%lld/task", (long long)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        int64_t ns;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%lld/task/%.20s/schedstat", (long long)pid,
                entry->d_name);
        if (read_text(path, text, sizeof text) &&
                bn_parse_i64((struct bn_str){text, strcspn(text, " ")}, 0, INT64_MAX, &ns))
            sum += ns;
    }
    closedir(dir);
    return sum;
}

static int64_t rss_kib(int64_t pid)
{
    char path[64];
    char text[4096];
    int64_t kib;
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    const char *at = read_text(path, text, sizeof text) ? strstr(text, "VmRSS:") : NULL;
    if (!at)
        return -1;
    at += 6 + strspn(at + 6, " \t");
    return bn_parse_i64((struct bn_str){at, strcspn(at, " ")}, 0, INT64_MAX, &kib) ? kib : -1;
}

/* --- one listener ----------------------------------------------------------------------------- */

static void leave(struct swarm *swarm, struct client *client)
{
    swarm->gone++;
    swarm->ready -= client->stage == READY;
    client->stage = GONE;
    close(client->fd);
}

static void put(struct client *client, enum bn_ws_op op, const char *text)
{
    static const uint8_t mask[4] = {0}; /* a mask of zeros is a mask */
    uint8_t frame[BN_WS_HEADER_MAX + 256];
    size_t len = strlen(text);
    size_t n = bn_ws_header(frame, op, false, len, mask);
    memcpy(frame + n, text, len);
    (void)!send(client->fd, frame, n + len, MSG_NOSIGNAL);
}

static void become_ready(struct swarm *swarm, struct client *client)
{
    if (client->stage != WAITING)
        return;
    client->stage = READY;
    swarm->ready++;
    if (swarm->stalls_one && client == swarm->clients)
        epoll_ctl(swarm->ep, EPOLL_CTL_DEL, client->fd, NULL);
}

static void begin(struct swarm *swarm, struct client *client)
{
    char sub[200];
    client->stage = WAITING;
    if (swarm->mode == PLAIN)
        become_ready(swarm, client);
    if (swarm->mode != LIVE)
        return;
    put(client, BN_WS_TEXT, "{\"t\":\"hello\",\"v\":1}\n");
    snprintf(sub, sizeof sub, "{\"t\":\"sub\",\"id\":1,\"topics\":[[\"%.100s\"]]}\n", swarm->topic);
    put(client, BN_WS_TEXT, sub);
}

static bool is_named(const struct client *client, const char *start)
{
    return client->name_len >= strlen(start) && memcmp(client->name, start, strlen(start)) == 0;
}

static void count_time(struct histogram *histogram, int64_t us)
{
    histogram->steps[BN_MIN(BN_MAX(us, 0) / STEP_US, STEPS - 1)]++;
    histogram->count++;
}

/* The lab says in each change when it was, in milliseconds of the clock we share. */
static void count_delay(struct swarm *swarm, const struct client *client)
{
    static const char mark[] = "\"command\":\"";
    const char *at = strstr(client->name, mark);
    int64_t was_ms;
    if (at && strlen(at) >= sizeof mark + 6 &&
            bn_parse_i64((struct bn_str){at + sizeof mark - 1, 6}, 0, STAMPS - 1, &was_ms))
        count_time(&swarm->delays, (swarm->now_us / 1000 - was_ms + STAMPS) % STAMPS * 1000);
}

static void count_frame(struct swarm *swarm, struct client *client)
{
    client->name[client->name_len - 1] = 0;
    swarm->merged += strstr(client->name, "\"from\":") != NULL;
    int64_t gap_us = swarm->now_us - client->last_us;
    if (client->last_us && swarm->counting)
        count_time(&swarm->gaps, gap_us);
    client->last_us = swarm->now_us;
    if (!swarm->counting)
        return;
    swarm->frames++;
    swarm->bytes += client->payload;
    count_delay(swarm, client);
}

/* A frame has come whole; of its payload only the first bytes were kept. */
static void frame_came(struct swarm *swarm, struct client *client)
{
    enum bn_ws_op op = client->head[0] & 15;
    client->head_len = 0;
    if (op == BN_WS_PING)
        put(client, BN_WS_PONG, "");
    if (op == BN_WS_CLOSE)
        fprintf(stderr, "swarm: closed by the server: %.*s\n", client->name_len, client->name);
    if (op != BN_WS_TEXT && op != BN_WS_BINARY)
        return;
    if (swarm->mode == LIVE && is_named(client, "{\"t\":\"sub\""))
        become_ready(swarm, client);
    else if (swarm->mode == SOCKETIO && is_named(client, "0{"))
        put(client, BN_WS_TEXT, "40");
    else if (swarm->mode == SOCKETIO && is_named(client, "40"))
        become_ready(swarm, client);
    else if (swarm->mode == SOCKETIO && is_named(client, "2") && client->payload == 1)
        put(client, BN_WS_TEXT, "3");
    else if (client->payload >= BROADCAST_MIN)
        count_frame(swarm, client);
}

static size_t head_size(const struct client *client)
{
    if (client->head_len < 2)
        return 2;
    unsigned len = client->head[1] & 127;
    return len == 127 ? 10 : len == 126 ? 4 : 2;
}

static void head_came(struct client *client)
{
    size_t size = head_size(client);
    client->payload = size == 2 ? client->head[1] & 127u : 0;
    for (size_t i = 2; i < size; i++)
        client->payload = client->payload << 8 | client->head[i];
    client->left = client->payload;
    client->name_len = 0;
}

static void hear_frames(struct swarm *swarm, struct client *client, const char *p, size_t len)
{
    while (len > 0 && client->stage != GONE) {
        if (client->head_len < 2 || client->head_len < head_size(client)) {
            client->head[client->head_len++] = (uint8_t)*p++;
            len--;
            if (client->head_len < 2 || client->head_len < head_size(client))
                continue;
            head_came(client);
        }
        size_t n = BN_MIN(len, client->left);
        size_t kept = BN_MIN(n, (size_t)(NAME_BYTES - client->name_len));
        memcpy(client->name + client->name_len, p, kept);
        client->name_len = (uint8_t)(client->name_len + kept);
        client->left -= n;
        p += n;
        len -= n;
        if (client->left == 0)
            frame_came(swarm, client);
    }
}

/* The answer to the handshake ends with a blank line; frames may follow in the same piece. */
static void hear_handshake(struct swarm *swarm, struct client *client, const char *p, size_t len)
{
    static const char end[] = "\r\n\r\n";
    size_t i = 0;
    if (client->newlines == 0 && len >= 12 && memcmp(p + 9, "101", 3) != 0) {
        fprintf(stderr, "swarm: refused: %.*s\n", (int)strcspn(p, "\r"), p);
        leave(swarm, client);
        return;
    }
    while (i < len && client->newlines < 4) {
        client->newlines = p[i] == end[client->newlines] ? client->newlines + 1 : p[i] == '\r';
        i++;
    }
    if (client->newlines < 4)
        return;
    begin(swarm, client);
    hear_frames(swarm, client, p + i, len - i);
}

static void hear(struct swarm *swarm, struct client *client)
{
    ssize_t n = recv(client->fd, scratch, sizeof scratch - 1, 0);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            leave(swarm, client);
        return;
    }
    scratch[n] = 0;
    swarm->now_us = bn_clock_mono_ns() / 1000;
    if (client->stage == HANDSHAKE)
        hear_handshake(swarm, client, scratch, (size_t)n);
    else
        hear_frames(swarm, client, scratch, (size_t)n);
}

static void ask(struct swarm *swarm, struct client *client)
{
    char head[700];
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = client}};
    int n = snprintf(head, sizeof head,
            "GET %.200s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "%s%s%.200s%s\r\n",
            swarm->path, swarm->port,
            swarm->mode == LIVE ? "Sec-WebSocket-Protocol: live.1\r\n" : "",
            swarm->key ? "Authorization: Bearer " : "", swarm->key ? swarm->key : "",
            swarm->key ? "\r\n" : "");
    client->stage = HANDSHAKE;
    epoll_ctl(swarm->ep, EPOLL_CTL_MOD, client->fd, &event);
    if (send(client->fd, head, (size_t)n, MSG_NOSIGNAL) != n)
        leave(swarm, client);
}

static void connect_one(struct swarm *swarm, int64_t i)
{
    struct client *client = &swarm->clients[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)swarm->port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLOUT, .data = {.ptr = client}};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(i / PER_ADDRESS));
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        fail("socket");
    if (i >= PER_ADDRESS && bind(client->fd, (struct sockaddr *)&from, sizeof from) != 0)
        fail("bind");
    int small = 4096; /* so that a listener that stops reading is felt soon */
    if (swarm->stalls_one && i == 0)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(client->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        fail("connect");
    if (epoll_ctl(swarm->ep, EPOLL_CTL_ADD, client->fd, &event) != 0)
        fail("epoll_ctl");
}

/* --- all of them ------------------------------------------------------------------------------ */

static void round_once(struct swarm *swarm, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(swarm->ep, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (client->stage == CONNECTING)
            ask(swarm, client);
        else if (client->stage != GONE)
            hear(swarm, client);
    }
}

static void connect_all(struct swarm *swarm)
{
    int64_t deadline = bn_clock_mono_ns() / 1000000 + CONNECT_MAX_MS;
    while (swarm->ready + swarm->gone < swarm->count) {
        while (swarm->begun < swarm->count &&
                swarm->begun - swarm->ready - swarm->gone < swarm->burst)
            connect_one(swarm, swarm->begun++);
        round_once(swarm, 100);
        if (bn_clock_mono_ns() / 1000000 > deadline) {
            fprintf(stderr, "swarm: %lld of %lld were ready in time\n", (long long)swarm->ready,
                    (long long)swarm->count);
            exit(1);
        }
    }
    if (swarm->gone > 0)
        exit(1);
}

static void listen_for(struct swarm *swarm, int64_t ms)
{
    int64_t end = bn_clock_mono_ns() / 1000000 + ms;
    for (int64_t left = ms; left > 0; left = end - bn_clock_mono_ns() / 1000000)
        round_once(swarm, (int)left);
}

static void print_part(const struct histogram *histogram, const char *name, double part)
{
    uint64_t below = 0;
    int i = 0;
    for (; i < STEPS - 1; i++) {
        below += histogram->steps[i];
        if ((double)below >= part * (double)histogram->count)
            break;
    }
    if (histogram->count)
        printf(" %s=%.1f", name, (double)i * STEP_US / 1000);
    else
        printf(" %s=-", name);
}

static void print_ratio(const char *name, double value, double by, int digits)
{
    printf(" %s=", name);
    if (by > 0)
        printf("%.*f", digits, value / by);
    else
        printf("-");
}

/* The one that did not read goes on. Returns how many merged deltas it was told. */
static uint64_t resume_one(struct swarm *swarm)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = swarm->clients}};
    swarm->counting = false;
    swarm->merged = 0;
    epoll_ctl(swarm->ep, EPOLL_CTL_ADD, swarm->clients[0].fd, &event);
    listen_for(swarm, CATCH_UP_MS);
    return swarm->merged;
}

static void read_flags(struct swarm *swarm, char **argv)
{
    const char *mode = flag_text(argv, "--mode", "live");
    swarm->mode = strcmp(mode, "socketio") == 0 ? SOCKETIO
                  : strcmp(mode, "plain") == 0  ? PLAIN
                                                : LIVE;
    swarm->port = (int)flag_number(argv, "--port", 0);
    swarm->count = flag_number(argv, "--count", 100);
    swarm->burst = BN_MAX(flag_number(argv, "--burst", 500), 1);
    swarm->key = flag_text(argv, "--key", NULL);
    swarm->topic = flag_text(argv, "--topic", "meter.host");
    swarm->stalls_one = flag_is_set(argv, "--stall-one");
    swarm->path = flag_text(argv, "--path",
            swarm->mode == LIVE       ? "/api/v1/live"
            : swarm->mode == SOCKETIO ? "/socket.io/?EIO=4&transport=websocket"
                                      : "/");
}

int main(int argc, char **argv)
{
    static struct swarm swarm;
    struct rlimit files = {.rlim_cur = 0};
    int64_t pid = flag_number(argv, "--pid", 0);
    int64_t seconds = flag_number(argv, "--seconds", 5);
    (void)argc;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_flags(&swarm, argv);
    swarm.clients = bn_alloc_array((size_t)swarm.count, sizeof *swarm.clients);
    swarm.ep = epoll_create1(EPOLL_CLOEXEC);
    int64_t rss_before = rss_kib(pid);
    int64_t begun_ns = bn_clock_mono_ns();
    connect_all(&swarm);
    int64_t ready_ms = (bn_clock_mono_ns() - begun_ns) / 1000000;
    listen_for(&swarm, SETTLE_MS);
    int64_t rss_begin = rss_kib(pid);
    int64_t cpu_begin = cpu_ns(pid);
    begun_ns = bn_clock_mono_ns();
    swarm.counting = true;
    listen_for(&swarm, seconds * 1000);
    double spent_us = (double)(cpu_ns(pid) - cpu_begin) / 1000;
    double passed_us = (double)(bn_clock_mono_ns() - begun_ns) / 1000;
    bool known = rss_before >= 0 && cpu_begin >= 0;
    printf("clients=%lld ready_ms=%lld frames=%llu", (long long)swarm.ready, (long long)ready_ms,
            (unsigned long long)swarm.frames);
    print_ratio("bytes_per_frame", (double)swarm.bytes, (double)swarm.frames, 0);
    print_ratio("cpu_us_per_frame", spent_us, known ? (double)swarm.frames : 0, 2);
    print_ratio("cpu_pct", 100 * spent_us, known ? passed_us : 0, 1);
    print_ratio("rss_kib_per_client", (double)(rss_begin - rss_before),
            known ? (double)swarm.count : 0, 2);
    print_ratio("rss_growth_kib", (double)(rss_kib(pid) - rss_begin), known, 0);
    print_part(&swarm.gaps, "gap_p50_ms", 0.5);
    print_part(&swarm.gaps, "gap_p99_ms", 0.99);
    print_part(&swarm.delays, "delay_p50_ms", 0.5);
    print_part(&swarm.delays, "delay_p99_ms", 0.99);
    if (swarm.stalls_one)
        printf(" stalled_merged=%llu", (unsigned long long)resume_one(&swarm));
    printf("\n");
    return swarm.gone > 0;
}
