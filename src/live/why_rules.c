#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/why_private.h"

#define MINUTE_MS    60000
#define HOUR_MS      (60 * MINUTE_MS)
#define HALF_LIFE_MS (3.0 * HOUR_MS) /* of what a failure weighs: the present trouble counts */
#define CHANCE_MAX   1e-4

/* --- by the word of the failure -------------------------------------------------------------- */

struct class_rule {
    const char *error_class;
    const char *phase; /* NULL: whichever */
    const char *kind;
    double weight; /* of the confidence, when all failures are of it */
    const char *title;
    const char *verdict;
};

static const struct class_rule class_rules[] = {
        {"auth", NULL, "token", 0.95, "Its token is not accepted (401)",
                "the token was revoked, has expired or was mistyped"},
        {"token", NULL, "token", 0.95, "The stored token cannot be opened",
                "another master key: enter the token again"},
        {"forbidden", NULL, "forbidden", 0.95, "The token may not ask what a check asks (403)",
                "a privilege is missing"},
        {"not_allowed", NULL, "policy", 0.95, "Its address is closed to us by our own policy",
                "start Binnacle with --allow-target"},
        {"cert_changed", NULL, "certificate", 0.95,
                "It shows another certificate than the pinned one",
                "it was renewed, or somebody stands in between"},
        {"untrusted", NULL, "certificate", 0.93, "Its certificate is not trusted",
                "it has expired, is self-signed or has another name"},
        {"dns", NULL, "dns", 0.93, "Its name does not resolve",
                "the name server, or the name was removed"},
        {"timeout", "dns", "dns", 0.85, "Looking its name up takes too long",
                "the name server is slow or away"},
        {"refused", NULL, "refused", 0.92,
                "It refuses the connection: the host is up, nothing listens on its port",
                "pveproxy does not run, or a firewall rejects"},
        {"unreachable", NULL, "unreachable", 0.85, "There is no way to its address",
                "routing, or its network is down"},
        {"timeout", "tcp", "unreachable", 0.7, "Nothing answers at its address",
                "the host is off, or a firewall drops what is sent"},
        {"timeout", "tls", "timeout", 0.62, "It takes the connection, then its TLS handshake hangs",
                "overloaded, or pveproxy is stuck"},
        {"timeout", "answer", "timeout", 0.62, "It takes the question and does not answer in time",
                "overloaded, or pveproxy is stuck"},
        {"timeout", "body", "timeout", 0.62, "Its answers come too slowly",
                "overloaded, or a bad line"},
        {"reset", NULL, "reset", 0.62, "It breaks the connection off",
                "pveproxy restarts or crashes, or something cuts the line"},
        {"tls", NULL, "tls", 0.8, "The TLS handshake fails",
                "something else listens there, or its certificate is broken"},
        {"node", NULL, "node", 0.85, "A node behind it does not answer (595)",
                "that node, or the cluster's network"},
        {"http", NULL, "http", 0.75, "It answers with an error of its own",
                "pvedaemon is down or starting"},
        {"redirect", NULL, "protocol", 0.8, "It sends elsewhere", "enter the other address"},
        {"protocol", NULL, "protocol", 0.75, "What answers there is no Proxmox VE API",
                "a proxy or another product listens there"},
        {"too_big", NULL, "protocol", 0.75, "Its answer is larger than any Proxmox VE API's",
                "another product listens there"},
};

static bool is_of(const struct class_rule *rule, const struct bn_check *check)
{
    return bn_check_failed(check) && strcmp(rule->error_class, check->error_class) == 0 &&
           (!rule->phase || strcmp(rule->phase, check->error_phase) == 0);
}

double bn_why_weight(const struct bn_why_work *work, const struct bn_check *check)
{
    const int64_t last_ms = work->episodes[work->episode_count - 1].to_ms;
    return exp2(-(double)(last_ms - check->at) / HALF_LIFE_MS);
}

struct class_count {
    double share; /* weighted */
    size_t count;
    const struct bn_check *last;
};

static struct class_count count_class(const struct bn_why_work *work, const struct class_rule *rule)
{
    const struct bn_why_ask *ask = work->ask;
    struct class_count found = {0};
    double all = 0;
    for (size_t i = 0; i < ask->check_count; i++) {
        if (!bn_check_failed(&ask->checks[i]))
            continue;
        const double weight = bn_why_weight(work, &ask->checks[i]);
        all += weight;
        if (!is_of(rule, &ask->checks[i]))
            continue;
        found.share += weight;
        found.count++;
        found.last = &ask->checks[i];
    }
    found.share = all > 0 ? found.share / all : 0;
    return found;
}

static bool is_common(const struct bn_company *company)
{
    return company->judged > 0 && company->common * 10 >= company->judged * 6;
}

static bool is_alone(const struct bn_company *company)
{
    return company->judged > 0 && company->fine * 10 >= company->judged * 6;
}

/* What the others say about a way that does not answer. */
static double adjust(const struct bn_why_work *work, const struct class_rule *rule, double weight)
{
    const bool is_way = strcmp(rule->kind, "unreachable") == 0 ||
                        strcmp(rule->kind, "timeout") == 0;
    if (work->is_blip)
        return weight * 0.4;
    if (is_way && is_common(work->near.judged > 0 ? &work->near : &work->far))
        return weight * 0.6;
    if (strcmp(rule->kind, "unreachable") == 0 && is_alone(&work->near))
        return BN_MAX(weight, 0.88);
    return weight;
}

static const struct bn_why_phase *slowest(const struct bn_why *out)
{
    const struct bn_why_phase *found = NULL;
    for (size_t i = 0; i < COUNT(out->phases); i++)
        if (out->phases[i].is_slow && (!found || out->phases[i].ms > found->ms))
            found = &out->phases[i];
    return found;
}

static void find_class(struct bn_why_work *work, const struct class_rule *rule)
{
    const struct class_count found = count_class(work, rule);
    const struct bn_why_phase *slow = slowest(work->out);
    char ago[BN_WORDS_SIZE];
    char ms[BN_WORDS_SIZE];
    char typical[BN_WORDS_SIZE];
    if (found.share < 0.25 || !found.last)
        return;
    struct bn_why_finding *finding = bn_why_find(work, rule->kind,
            adjust(work, rule, rule->weight) * found.share, true);
    if (!finding)
        return;
    snprintf(finding->title, sizeof finding->title, "%s (%zu of %zu failures)", rule->title,
            found.count, work->out->failures);
    snprintf(finding->verdict, sizeof finding->verdict, "%s", rule->verdict);
    bn_while_words(work->ask->now_ms - found.last->at, ago);
    int len = snprintf(finding->evidence, sizeof finding->evidence, "last %s ago: %s", ago,
            found.last->error);
    if (slow && len > 0 && (size_t)len < sizeof finding->evidence)
        snprintf(finding->evidence + len, sizeof finding->evidence - (size_t)len,
                "; %s %s there, %s when it works",
                strcmp(slow->name, "wait") == 0 ? "first byte" : slow->name,
                bn_ms_words(slow->ms, ms), bn_ms_words(slow->typical_ms, typical));
}

void bn_why_by_class(struct bn_why_work *work)
{
    for (size_t i = 0; i < COUNT(class_rules); i++)
        find_class(work, &class_rules[i]);
}

/* --- slow before it fails -------------------------------------------------------------------- */

#define BEFORE          5 /* successes looked at before each failure */
#define BEFORE_MS       (20 * MINUTE_MS)
#define OVERLOAD_FACTOR 2.0
#define OVERLOAD_MS     150.0

struct rise {
    size_t looked; /* successes right before failures */
    size_t slow;
    size_t episodes; /* that have such */
    size_t episodes_slow;
    double worst_ms;
};

static bool is_slow(const struct bn_why_work *work, const struct bn_check *check)
{
    return check->response_time_ms != BN_UNKNOWN &&
           (double)check->response_time_ms > OVERLOAD_FACTOR * work->typical_ms &&
           (double)check->response_time_ms > work->typical_ms + OVERLOAD_MS;
}

/* Failures that load can cause. */
static bool is_load(const struct bn_check *check)
{
    static const char *const words[] = {"timeout", "reset", "http", "node"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(check->error_class, words[i]) == 0)
            return true;
    return false;
}

static void look_before(const struct bn_why_work *work, const struct bn_episode *episode,
        struct rise *out)
{
    const struct bn_check *checks = work->ask->checks;
    size_t n = 0;
    for (size_t i = episode->first; i > 0 && n < BEFORE; i--, n++) {
        const struct bn_check *check = &checks[i - 1];
        if (bn_check_failed(check) || episode->from_ms - check->at > BEFORE_MS)
            break;
        const bool slow = is_slow(work, check);
        out->looked++;
        out->slow += slow;
        if (n == 0)
            out->episodes_slow += slow;
        if (slow)
            out->worst_ms = BN_MAX(out->worst_ms, (double)check->response_time_ms);
    }
    out->episodes += n > 0;
}

static size_t count_slow(const struct bn_why_work *work, size_t *out_successes)
{
    size_t slow = 0;
    *out_successes = 0;
    for (size_t i = 0; i < work->ask->check_count; i++) {
        if (bn_check_failed(&work->ask->checks[i]))
            continue;
        (*out_successes)++;
        slow += is_slow(work, &work->ask->checks[i]);
    }
    return slow;
}

void bn_why_overload(struct bn_why_work *work)
{
    struct rise rise = {0};
    size_t successes;
    size_t load = 0;
    char worst[BN_WORDS_SIZE];
    char typical[BN_WORDS_SIZE];
    const struct bn_check *last = &work->ask->checks[work->episodes[work->episode_count - 1].last];
    for (size_t i = 0; i < work->episode_count; i++)
        look_before(work, &work->episodes[i], &rise);
    for (size_t i = 0; i < work->ask->check_count; i++)
        load += bn_check_failed(&work->ask->checks[i]) && is_load(&work->ask->checks[i]);
    const size_t slow = count_slow(work, &successes);
    const double else_rate = ((double)(slow - rise.slow) + 1) /
                             ((double)(successes - rise.looked) + 2);
    const double load_share = (double)load / (double)work->out->failures;
    if (work->is_blip || rise.slow < 3 || rise.episodes_slow * 2 < rise.episodes ||
            load_share < 0.6 || bn_binomial_tail(rise.slow, rise.looked, else_rate) > CHANCE_MAX)
        return;
    const double share = (double)rise.episodes_slow / (double)rise.episodes;
    struct bn_why_finding *finding = bn_why_find(work, "overload",
            (0.6 + 0.35 * share) * load_share, true);
    if (!finding)
        return;
    snprintf(finding->title, sizeof finding->title,
            "Slow before it fails: answers take up to %s (typical %s), then %s",
            bn_ms_words(rise.worst_ms, worst), bn_ms_words(work->typical_ms, typical),
            strcmp(last->error_class, "timeout") == 0 && last->error_phase[0]
                    ? "they do not come at all"
                    : "it fails");
    snprintf(finding->evidence, sizeof finding->evidence,
            "%zu of %zu checks right before failures were slow, %.0f %% at other times; then: %.120s",
            rise.slow, rise.looked, 100 * else_rate, last->error);
    snprintf(finding->verdict, sizeof finding->verdict, "likely overload");
}

/* --- right after a change -------------------------------------------------------------------- */

#define AROUND_MS  (3 * HOUR_MS)
#define AFTER_MS   (10 * MINUTE_MS)
#define BEFORE_MIN 5
#define AFTER_MIN  2

struct around {
    size_t before, before_failed;
    size_t after, after_failed;
    int64_t first_ms; /* failure after it; 0: none */
    bool was_failing; /* already */
};

static struct around look_around(const struct bn_why_ask *ask, int64_t at)
{
    struct around found = {0};
    for (size_t i = 0; i < ask->check_count; i++) {
        const struct bn_check *check = &ask->checks[i];
        const bool fails = bn_check_failed(check);
        if (check->at < at - AROUND_MS || check->at > at + AROUND_MS)
            continue;
        if (check->at <= at) {
            found.before++;
            found.before_failed += fails;
            found.was_failing = fails;
            continue;
        }
        found.after++;
        found.after_failed += fails;
        if (fails && !found.first_ms)
            found.first_ms = check->at;
    }
    return found;
}

static bool began_with(const struct bn_why_work *work, const struct around *around, int64_t at)
{
    const int64_t soon_ms = BN_MAX(AFTER_MS, 3 * work->every_ms);
    if (around->before < BEFORE_MIN || around->after < AFTER_MIN || around->was_failing ||
            !around->first_ms || around->first_ms - at > soon_ms)
        return false;
    const double rise = (double)around->after_failed / (double)around->after -
                        (double)around->before_failed / (double)around->before;
    return rise >= 0.4 && bn_hypergeometric_tail(around->after_failed, around->after,
                                  around->before_failed + around->after_failed,
                                  around->before + around->after) < 1e-3;
}

/* A word of a list like "host, api_token". */
static bool lists(const char *detail, const char *word)
{
    struct bn_str rest = bn_str(detail);
    while (rest.p)
        if (bn_str_is(bn_str_trim(bn_str_cut(&rest, ',')), word))
            return true;
    return false;
}

/* How much a change can have to do with a failure. */
static double weight_of_change(const struct bn_why_change *change)
{
    static const char *const decisive[] = {"host", "port", "token", "api_token", "verify_ssl",
            "fingerprint", "vpn_enabled", "vpn_host", "vpn_port"};
    if (strcmp(change->action, "server.version") == 0 ||
            strcmp(change->action, "server.certificate") == 0)
        return 0.8;
    for (size_t i = 0; i < COUNT(decisive); i++)
        if (lists(change->detail, decisive[i]))
            return 0.98;
    return lists(change->detail, "connection_timeout_ms") ? 0.8 : 0;
}

static void say_change(const struct bn_why_change *change, const struct around *around,
        struct bn_why_finding *finding)
{
    char after[BN_WORDS_SIZE];
    const char *what = strcmp(change->action, "server.version") == 0 ? "its version changed"
                       : strcmp(change->action, "server.certificate") == 0
                               ? "its certificate changed"
                               : "it was changed here";
    snprintf(finding->title, sizeof finding->title, "It began right after %s: %.100s", what,
            change->detail);
    snprintf(finding->evidence, sizeof finding->evidence,
            "first failure %s after; before it %zu of %zu checks failed, after it %zu of %zu%s%.60s",
            bn_while_words(around->first_ms - change->at, after), around->before_failed,
            around->before, around->after_failed, around->after, change->actor[0] ? "; by " : "",
            change->actor);
    snprintf(finding->verdict, sizeof finding->verdict, "likely that change");
}

void bn_why_change(struct bn_why_work *work)
{
    for (size_t i = 0; !work->is_blip && i < work->ask->change_count; i++) {
        const struct bn_why_change *change = &work->ask->changes[i];
        const struct around around = look_around(work->ask, change->at);
        const double weight = weight_of_change(change);
        if (weight <= 0 || !began_with(work, &around, change->at))
            continue;
        struct bn_why_finding *finding = bn_why_find(work, "change", weight, true);
        if (finding)
            say_change(change, &around, finding);
        return; /* the newest that fits */
    }
}
