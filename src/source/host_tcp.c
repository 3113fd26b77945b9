#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/socket_table.h"
#include "source/host_parts.h"
#include "wire/procfs_io.h"

_Static_assert(BN_SOCKET_STATES == BN_TCP_STATES, "the kernel has one list of states");

/* Counting connections is the one thing here whose cost grows with what the machine does for
   others: at most a thousandth of a core, and at least every 30 s. What the last count said is told
   in between. */
#define COUNT_EVERY_NS BN_SECOND_NS
#define COUNT_SHARE    1000
#define COUNT_MAX_NS   (30 * BN_SECOND_NS)
#define PIECES_AT_ONCE 2 /* of at most 0.23 ms each: others wait no longer */
#define CHUNK_BYTES    (32 << 10)

/* sock_diag where the kernel offers it; else /proc/net/tcp, whose text costs more per connection.
 */
enum way { WAY_UNKNOWN, WAY_DIAG, WAY_TEXT };

struct bn_host_tcp {
    enum way way;
    bool is_counting;
    int64_t next_ns;
    int64_t cost_ns;
    uint64_t counts[BN_TCP_STATES];
    struct bn_socket_table *table;
    size_t file; /* WAY_TEXT: 0 tcp, 1 tcp6 */
    int fd;
    size_t held; /* bytes of a line begun at the end of the last chunk */
    bool has_any;
    char chunk[CHUNK_BYTES];
};

struct bn_host_tcp *bn_host_tcp_create(void)
{
    struct bn_host_tcp *tcp = bn_alloc(sizeof *tcp);
    tcp->fd = -1;
    return tcp;
}

void bn_host_tcp_destroy(struct bn_host_tcp *tcp)
{
    if (tcp->fd >= 0)
        close(tcp->fd);
    bn_socket_table_close(tcp->table);
    free(tcp);
}

/* --- two ways to count -------------------------------------------------------------------------
 */

static bool begin_diag(struct bn_host_tcp *tcp, struct bn_host_sampler *s)
{
    if (tcp->way == WAY_TEXT || s->reader.root[0])
        return false;
    if (!tcp->table && !bn_socket_table_open(&tcp->table, NULL))
        return false;
    return bn_socket_table_begin(tcp->table, NULL);
}

static bool open_text(struct bn_host_tcp *tcp, struct bn_host_sampler *s)
{
    static const char *const paths[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    char path[512];
    tcp->held = 0;
    for (; tcp->file < COUNT(paths); tcp->file++) {
        if (!bn_host_path(&s->reader, path, sizeof path, "%s", paths[tcp->file]))
            continue;
        tcp->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (tcp->fd >= 0)
            return true;
    }
    return false;
}

/* True when there is more. */
static bool step_text(struct bn_host_tcp *tcp, struct bn_host_sampler *s)
{
    ssize_t n = read(tcp->fd, tcp->chunk + tcp->held, sizeof tcp->chunk - tcp->held);
    if (n > 0) {
        size_t len = tcp->held + (size_t)n;
        size_t used = bn_procfs_tcp((struct bn_str){tcp->chunk, len}, tcp->counts);
        tcp->has_any = true;
        if (used > 0 || len < sizeof tcp->chunk) {
            tcp->held = len - used;
            memmove(tcp->chunk, tcp->chunk + used, tcp->held);
            return true;
        }
    }
    close(tcp->fd);
    tcp->fd = -1;
    tcp->file++;
    return open_text(tcp, s);
}

/* --- the count ---------------------------------------------------------------------------------
 */

static void forget(struct bn_host *host)
{
    host->tcp_established = host->tcp_listen = host->tcp_time_wait = BN_UNKNOWN;
    host->tcp_close_wait = host->tcp_syn_sent = host->tcp_syn_recv = BN_UNKNOWN;
    host->tcp_fin_wait = host->tcp_other = BN_UNKNOWN;
}

static void tell(struct bn_host *host, const uint64_t counts[BN_TCP_STATES])
{
    host->tcp_established = bn_gauge(counts[BN_TCP_ESTABLISHED]);
    host->tcp_listen = bn_gauge(counts[BN_TCP_LISTEN]);
    host->tcp_time_wait = bn_gauge(counts[BN_TCP_TIME_WAIT]);
    host->tcp_close_wait = bn_gauge(counts[BN_TCP_CLOSE_WAIT]);
    host->tcp_syn_sent = bn_gauge(counts[BN_TCP_SYN_SENT]);
    host->tcp_syn_recv = bn_gauge(counts[BN_TCP_SYN_RECV] + counts[BN_TCP_NEW_SYN_RECV]);
    host->tcp_fin_wait = bn_gauge(counts[BN_TCP_FIN_WAIT1] + counts[BN_TCP_FIN_WAIT2]);
    host->tcp_other = bn_gauge(
            counts[BN_TCP_CLOSE] + counts[BN_TCP_LAST_ACK] + counts[BN_TCP_CLOSING]);
}

static void end(struct bn_host_tcp *tcp, struct bn_host_sampler *s, bool is_counted)
{
    tcp->is_counting = false;
    tcp->next_ns = s->at.mono_ns + bn_host_pace(tcp->cost_ns,
                                           is_counted ? COUNT_EVERY_NS : COUNT_MAX_NS, COUNT_SHARE,
                                           COUNT_MAX_NS);
    if (is_counted)
        tell(&s->host, tcp->counts);
    else
        forget(&s->host);
}

void bn_host_tcp_sample(struct bn_host_tcp *tcp, struct bn_host_sampler *s)
{
    if (tcp->is_counting || s->at.mono_ns < tcp->next_ns - BN_SECOND_NS / 2)
        return;
    memset(tcp->counts, 0, sizeof tcp->counts);
    tcp->cost_ns = 0;
    tcp->has_any = false;
    tcp->file = 0;
    if (begin_diag(tcp, s))
        tcp->way = WAY_DIAG;
    else if (open_text(tcp, s))
        tcp->way = WAY_TEXT;
    else {
        end(tcp, s, false);
        return;
    }
    tcp->is_counting = true;
}

bool bn_host_tcp_more(struct bn_host_tcp *tcp, struct bn_host_sampler *s)
{
    if (!tcp->is_counting)
        return false;
    int64_t from_ns = s->world.cost_ns(s->world.user);
    bool more = false;
    bool failed = false;
    if (tcp->way == WAY_DIAG) {
        failed = !bn_socket_table_step(tcp->table, PIECES_AT_ONCE, &more, tcp->counts, NULL);
    } else {
        more = true;
        for (int i = 0; i < PIECES_AT_ONCE && more; i++)
            more = step_text(tcp, s);
        failed = !more && !tcp->has_any;
    }
    tcp->cost_ns += s->world.cost_ns(s->world.user) - from_ns;
    if (failed && tcp->way == WAY_DIAG) {
        tcp->way = WAY_TEXT; /* a sandbox that lets us open the socket and then says nothing */
        tcp->is_counting = false;
        return false;
    }
    if (!more || failed)
        end(tcp, s, !failed);
    return more && !failed;
}
