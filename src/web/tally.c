#include "web/tally.h"

#include <stdio.h>

#include "web/live.h"
#include "web/socketio.h"

static const char *const proto_words[] = {"ws", "sse"};
static const char *const mode_words[] = {"delta", "merged", "snapshot", "event", "gap"};
static const char *const reject_words[] = {"listeners", "user", "connections", "address"};
static const char *const resume_words[] = {"same", "resumed", "snapshot"};
_Static_assert(COUNT(proto_words) == BN_PROTO_COUNT && COUNT(mode_words) == BN_MODE_COUNT &&
                       COUNT(reject_words) == BN_REJECT_COUNT &&
                       COUNT(resume_words) == BN_RESUME_COUNT,
        "a word each");

/* Upper ends; the last bucket has none. */
static const double delays_ms[] = {1, 2.5, 5, 10, 25, 50, 100, 250};
_Static_assert(COUNT(delays_ms) == BN_DELAYS - 1, "a bucket each, and one for the rest");

void bn_tally_date(struct bn_tally *tally, int64_t since_commit_ns)
{
    size_t i = 0;
    while (i < COUNT(delays_ms) && (double)since_commit_ns > delays_ms[i] * 1e6)
        i++;
    tally->delays[i] += tally->undated;
    tally->delay_count += tally->undated;
    tally->delay_ns += (int64_t)tally->undated * since_commit_ns;
    tally->undated = 0;
}

/* --- the text -------------------------------------------------------------------------------- */

void bn_metric_begin(struct bn_buf *out, const char *name, const char *type, const char *help)
{
    bn_buf_printf(out, "# HELP binnacle_%s %s\n# TYPE binnacle_%s %s\n", name, help, name, type);
}

void bn_metric_value(struct bn_buf *out, const char *name, const char *labels, double value)
{
    struct bn_json number;
    bn_buf_printf(out, "binnacle_%s%s%s%s ", name, labels[0] ? "{" : "", labels,
            labels[0] ? "}" : "");
    bn_json_init(&number, out);
    bn_json_f64(&number, value, 6);
    bn_buf_putc(out, '\n');
}

static void put_one(struct bn_buf *out, const char *name, const char *type, const char *help,
        double value)
{
    bn_metric_begin(out, name, type, help);
    bn_metric_value(out, name, "", value);
}

static void put_words(struct bn_buf *out, const char *name, const char *label,
        const char *const *words, const uint64_t *values, size_t count)
{
    char labels[64];
    for (size_t i = 0; i < count; i++) {
        snprintf(labels, sizeof labels, "%s=\"%s\"", label, words[i]);
        bn_metric_value(out, name, labels, (double)values[i]);
    }
}

static void put_listeners(struct bn_buf *out, struct bn_web *web)
{
    const struct bn_topics *topics = &web->config.hub->topics;
    char labels[64];
    bn_metric_begin(out, "live_connections", "gauge", "Live listeners.");
    for (int p = 0; p < BN_PROTO_COUNT; p++) {
        snprintf(labels, sizeof labels, "proto=\"%s\"", proto_words[p]);
        bn_metric_value(out, "live_connections", labels, (double)web->tally.listeners[p]);
    }
    bn_metric_value(out, "live_connections", "proto=\"socketio\"",
            (double)bn_eio_count(web->socketio->eio));
    bn_metric_begin(out, "live_subscriptions", "gauge", "Subscriptions of all listeners.");
    bn_metric_value(out, "live_subscriptions", "kind=\"state\"",
            (double)(topics->sub_count - topics->log_sub_count));
    bn_metric_value(out, "live_subscriptions", "kind=\"log\"", (double)topics->log_sub_count);
    bn_metric_begin(out, "live_rejected_total", "counter",
            "Connections and listeners refused for want of room.");
    put_words(out, "live_rejected_total", "reason", reject_words, web->tally.rejected,
            BN_REJECT_COUNT);
    bn_metric_begin(out, "live_resume_total", "counter",
            "Answers to listeners who said where they stood.");
    put_words(out, "live_resume_total", "result", resume_words, web->tally.resumes,
            BN_RESUME_COUNT);
}

static void put_sent(struct bn_buf *out, const struct bn_tally *tally)
{
    char labels[64];
    bn_metric_begin(out, "live_frames_sent_total", "counter",
            "Messages to listeners; several of one turn are one write.");
    for (int p = 0; p < BN_PROTO_COUNT; p++) {
        for (int m = 0; m < BN_MODE_COUNT; m++) {
            snprintf(labels, sizeof labels, "proto=\"%s\",mode=\"%s\"", proto_words[p],
                    mode_words[m]);
            bn_metric_value(out, "live_frames_sent_total", labels, (double)tally->frames[p][m]);
        }
    }
    bn_metric_begin(out, "live_bytes_sent_total", "counter",
            "Bytes of messages and replies to listeners, before TLS; z: compressed.");
    for (int p = 0; p < BN_PROTO_COUNT; p++) {
        for (int z = 0; z < 2; z++) {
            snprintf(labels, sizeof labels, "proto=\"%s\",z=\"%d\"", proto_words[p], z);
            bn_metric_value(out, "live_bytes_sent_total", labels, (double)tally->bytes[p][z]);
        }
    }
}

static void put_delays(struct bn_buf *out, const struct bn_tally *tally)
{
    static const char name[] = "live_publish_to_write_seconds";
    char labels[32];
    uint64_t so_far = 0;
    bn_metric_begin(out, name, "histogram", "From the commit of a turn to each write it caused.");
    for (size_t i = 0; i < BN_DELAYS; i++) {
        so_far += tally->delays[i];
        if (i < COUNT(delays_ms))
            snprintf(labels, sizeof labels, "le=\"%g\"", delays_ms[i] / 1000);
        else
            snprintf(labels, sizeof labels, "le=\"+Inf\"");
        bn_metric_value(out, "live_publish_to_write_seconds_bucket", labels, (double)so_far);
    }
    bn_metric_value(out, "live_publish_to_write_seconds_sum", "", (double)tally->delay_ns / 1e9);
    bn_metric_value(out, "live_publish_to_write_seconds_count", "", (double)tally->delay_count);
}

static void put_topics(struct bn_buf *out, const struct bn_topics *topics)
{
    size_t ring_bytes = 0;
    bn_list_each(it, &topics->all)
        ring_bytes += bn_topic_ring_bytes(container_of(it, struct bn_topic, link));
    put_one(out, "live_topics", "gauge", "Topics of all tenants.", (double)topics->count);
    put_one(out, "live_ring_bytes", "gauge", "What topics remember of their past.",
            (double)ring_bytes);
    put_one(out, "live_publish_total", "counter",
            "Changes of topics, each of one turn; and events.", (double)topics->published);
    put_one(out, "live_encoded_total", "counter",
            "Messages and values encoded, however many listened.", (double)topics->encoded);
    bn_metric_begin(out, "live_encode_seconds", "summary", "Time encoding them took.");
    bn_metric_value(out, "live_encode_seconds_sum", "", (double)topics->encode_ns / 1e9);
    bn_metric_value(out, "live_encode_seconds_count", "", (double)topics->encoded);
    put_one(out, "live_conflated_total", "counter", "Changes merged for slow listeners.",
            (double)topics->conflated);
    put_one(out, "live_gap_events_total", "counter", "Log events listeners were told they missed.",
            (double)topics->gaps);
}

void bn_tally_put(struct bn_web *web, struct bn_buf *out)
{
    size_t inflight_bytes = 0;
    size_t behind = 0;
    bn_list_each(it, &web->ears) {
        const struct bn_live_conn *live = container_of(it, struct bn_live_conn, link);
        inflight_bytes += bn_stream_queued(live->stream);
        behind += bn_sink_is_behind(&live->sink);
    }
    put_listeners(out, web);
    put_sent(out, &web->tally);
    put_delays(out, &web->tally);
    put_topics(out, &web->config.hub->topics);
    put_one(out, "live_inflight_bytes", "gauge", "Queued for listeners whose sockets are full.",
            (double)inflight_bytes);
    put_one(out, "live_dirty_connections", "gauge", "Listeners who have not been handed all yet.",
            (double)behind);
    put_one(out, "live_slow_closed_total", "counter",
            "Connections cut because they took nothing for 30 s.", (double)web->stats.slow_closed);
}
