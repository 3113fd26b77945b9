#include <math.h>
#include <stdio.h>
#include <string.h>

#include "live/why_private.h"

#define WEEK_MS     (7 * BN_WHY_DAY_MS) /* so far back changes are asked for */
#define NEAR_MS     60000               /* failing within a minute is failing together */
#define FAILS_SHARE 0.4                 /* of a peer's attempts meanwhile */
#define TOGETHER    0.6                 /* of the episodes somebody was looked at in */

struct looked {
    size_t attempts;
    size_t failures;
    size_t by_vpn;
};

static struct looked look_at(const struct bn_why_peer *peer, int64_t from_ms, int64_t to_ms)
{
    struct looked found = {0};
    for (size_t i = 0; i < peer->count && peer->points[i].at <= to_ms; i++) {
        if (peer->points[i].at < from_ms)
            continue;
        found.attempts++;
        found.failures += !peer->points[i].is_ok;
        found.by_vpn += peer->points[i].by_vpn;
    }
    return found;
}

static bool fails_with(const struct looked *looked)
{
    return looked->failures > 0 &&
           (double)looked->failures >= FAILS_SHARE * (double)looked->attempts;
}

static bool is_by_vpn(const struct bn_why_peer *peer)
{
    return peer->count > 0 && peer->points[peer->count - 1].by_vpn;
}

typedef bool (*chosen)(const struct bn_why_peer *peer);

static bool is_near(const struct bn_why_peer *peer)
{
    return peer->tie != BN_TIE_OTHER;
}

static bool is_far(const struct bn_why_peer *peer)
{
    return peer->tie == BN_TIE_OTHER;
}

static bool is_direct(const struct bn_why_peer *peer)
{
    return !is_by_vpn(peer);
}

static void judge_episode(const struct bn_why_work *work, const struct bn_episode *episode,
        chosen which, struct bn_company *out, struct looked *io_meanwhile)
{
    size_t with = 0;
    size_t all = 0;
    for (size_t i = 0; i < work->ask->peer_count; i++) {
        const struct bn_why_peer *peer = &work->ask->peers[i];
        if (!which(peer))
            continue;
        const struct looked looked = look_at(peer, episode->from_ms - NEAR_MS,
                episode->to_ms + NEAR_MS);
        all += looked.attempts > 0;
        with += fails_with(&looked);
        io_meanwhile->attempts += looked.attempts;
        io_meanwhile->failures += looked.failures;
    }
    out->judged += all > 0;
    out->common += all > 0 && with * 2 >= all;
    out->fine += all > 0 && with == 0;
    out->peer_count = BN_MAX(out->peer_count, all);
}

static struct bn_company company_of(const struct bn_why_work *work, chosen which)
{
    struct bn_company found = {0};
    struct looked meanwhile = {0};
    struct looked ever = {0};
    for (size_t i = 0; i < work->episode_count; i++)
        judge_episode(work, &work->episodes[i], which, &found, &meanwhile);
    for (size_t i = 0; i < work->ask->peer_count; i++) {
        if (!which(&work->ask->peers[i]))
            continue;
        const struct looked looked = look_at(&work->ask->peers[i], 0, INT64_MAX);
        ever.attempts += looked.attempts;
        ever.failures += looked.failures;
    }
    /* What two episodes close together share is counted twice; it is only a measure. */
    const size_t else_attempts = ever.attempts > meanwhile.attempts
                                         ? ever.attempts - meanwhile.attempts
                                         : 0;
    const size_t else_failures = ever.failures > meanwhile.failures
                                         ? ever.failures - meanwhile.failures
                                         : 0;
    found.failing_else = ((double)else_failures + 0.5) / ((double)else_attempts + 1);
    return found;
}

void bn_why_company(struct bn_why_work *work)
{
    work->near = company_of(work, is_near);
    work->far = company_of(work, is_far);
}

/* Is it together more often than their own failures would make it? */
static bool is_together(const struct bn_company *company)
{
    if (company->judged == 0)
        return false;
    const double share = (double)company->common / (double)company->judged;
    return share >= TOGETHER && share > 2 * company->failing_else &&
           bn_binomial_tail(company->common, company->judged, fmin(company->failing_else, 1)) <
                   0.05;
}

/* "pve1, pve2 and 3 more": those that failed along, or did not. */
static void name_peers(const struct bn_why_work *work, chosen which, bool fails, char out[120])
{
    size_t named = 0;
    size_t more = 0;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < work->ask->peer_count; i++) {
        const struct bn_why_peer *peer = &work->ask->peers[i];
        size_t with = 0;
        size_t all = 0;
        for (size_t e = 0; which(peer) && e < work->episode_count; e++) {
            const struct looked looked = look_at(peer, work->episodes[e].from_ms - NEAR_MS,
                    work->episodes[e].to_ms + NEAR_MS);
            all += looked.attempts > 0;
            with += fails_with(&looked);
        }
        if (all == 0 || (with * 2 >= all) != fails)
            continue;
        if (named == 3) {
            more++;
            continue;
        }
        len += (size_t)snprintf(out + len, 120 - len, "%s%.24s", named++ ? ", " : "", peer->name);
    }
    if (more > 0)
        snprintf(out + len, 120 - len, " and %zu more", more);
}

static const char *tie_words(const struct bn_why_work *work)
{
    static const char *const words[] = {"on the same network", "at the same site",
            "in the same cluster", ""};
    enum bn_why_tie nearest = BN_TIE_OTHER;
    for (size_t i = 0; i < work->ask->peer_count; i++)
        nearest = BN_MIN(nearest, work->ask->peers[i].tie);
    return words[nearest];
}

static void say_together(const struct bn_why_work *work, const struct bn_company *company,
        bool is_all, struct bn_why_finding *finding)
{
    const bool near = company == &work->near;
    char names[120];
    name_peers(work, near ? is_near : is_far, true, names);
    snprintf(finding->title, sizeof finding->title, "Not alone: %s failed at the same minutes",
            names);
    snprintf(finding->evidence, sizeof finding->evidence,
            "in %zu of %zu episodes, within a minute%s%s", company->common, company->judged,
            near ? "; " : "", near ? tie_words(work) : "");
    snprintf(finding->verdict, sizeof finding->verdict, "%s",
            is_all ? "likely our own uplink, or this machine" : "likely the network they share");
}

void bn_why_peers(struct bn_why_work *work)
{
    const bool near = is_together(&work->near);
    const bool far = is_together(&work->far);
    const struct bn_company *company = near ? &work->near : &work->far;
    if (!near && !(far && work->near.fine * 2 < work->near.judged + 1))
        return;
    const double share = (double)company->common / (double)company->judged;
    /* One other, once, may be chance. */
    const double doubt = (company->peer_count >= 2      ? 0
                                 : company->judged >= 2 ? 0.15
                                                        : 0.5) +
                         (work->is_blip ? 0.4 : 0);
    struct bn_why_finding *finding = bn_why_find(work, "peers", 0.65 + 0.31 * share - doubt, true);
    if (finding)
        say_together(work, company, far, finding);
}

/* --- the way --------------------------------------------------------------------------------- */

/* Failures that a way can cause. */
static bool is_of_way(const struct bn_check *check)
{
    return strcmp(check->error_class, "unreachable") == 0 ||
           strcmp(check->error_class, "reset") == 0 || strcmp(check->error_class, "dns") == 0 ||
           (strcmp(check->error_class, "timeout") == 0 &&
                   (strcmp(check->error_phase, "tcp") == 0 ||
                           strcmp(check->error_phase, "dns") == 0));
}

struct ways {
    size_t attempts[2]; /* directly, by VPN */
    size_t failures[2];
    size_t of_way; /* of those by VPN */
};

static struct ways count_ways(const struct bn_why_ask *ask)
{
    struct ways found = {0};
    for (size_t i = 0; i < ask->check_count; i++) {
        const struct bn_check *check = &ask->checks[i];
        const size_t way = check->used_vpn == 1;
        found.attempts[way]++;
        found.failures[way] += bn_check_failed(check);
        found.of_way += way && bn_check_failed(check) && is_of_way(check);
    }
    return found;
}

static bool is_only_by_vpn(const struct ways *ways)
{
    return ways->attempts[0] >= 10 && ways->failures[0] * 10 <= ways->attempts[0] &&
           ways->failures[1] * 10 >= ways->attempts[1] * 4;
}

void bn_why_vpn(struct bn_why_work *work)
{
    const struct ways ways = count_ways(work->ask);
    const struct bn_company along = company_of(work, is_by_vpn);
    const struct bn_company direct = company_of(work, is_direct);
    const bool is_tunnel = is_together(&along) && direct.fine * 10 >= direct.judged * 6;
    char names[120];
    if (work->is_blip || ways.failures[1] == 0 || ways.of_way * 10 < ways.failures[1] * 7 ||
            ways.failures[1] * 10 < work->out->failures * 9)
        return;
    struct bn_why_finding *finding = bn_why_find(work, "vpn",
            is_tunnel && direct.judged > 0 ? 0.97
            : is_tunnel                    ? 0.9
            : is_only_by_vpn(&ways)        ? 0.9
                                           : 0.74,
            true);
    if (!finding)
        return;
    if (is_tunnel) {
        name_peers(work, is_by_vpn, true, names);
        snprintf(finding->title, sizeof finding->title,
                "By VPN only: it fails together with %s, which are called by VPN too", names);
    } else {
        snprintf(finding->title, sizeof finding->title,
                "By VPN only: its VPN address is not reached");
    }
    snprintf(finding->evidence, sizeof finding->evidence,
            "by VPN %zu of %zu checks failed, directly %zu of %zu", ways.failures[1],
            ways.attempts[1], ways.failures[0], ways.attempts[0]);
    snprintf(finding->verdict, sizeof finding->verdict, "likely the VPN, not the server");
}

/* --- what it is not -------------------------------------------------------------------------- */

static void exclude(struct bn_why_work *work, const char *kind, const char *text)
{
    struct bn_why *out = work->out;
    if (out->not_count == BN_WHY_LINES_MAX)
        return;
    struct bn_why_line *line = &out->not [out->not_count++];
    bn_text_clip(line->kind, sizeof line->kind, bn_str(kind));
    bn_text_clip(line->text, sizeof line->text, bn_str(text));
}

static void exclude_network(struct bn_why_work *work)
{
    const bool near = work->near.judged > 0;
    const struct bn_company *company = near ? &work->near : &work->far;
    char names[120];
    char text[240];
    if (company->judged == 0 || company->fine * 10 < company->judged * 6 ||
            bn_why_found(work, "peers"))
        return;
    name_peers(work, near ? is_near : is_far, false, names);
    snprintf(text, sizeof text, "Not %s: %s%s%s did not fail at the same minutes",
            near ? "the network" : "our own uplink", names, near ? " " : "",
            near ? tie_words(work) : "");
    exclude(work, "network", text);
}

static size_t count_class(const struct bn_why_work *work, const char *const *words)
{
    size_t n = 0;
    for (size_t i = 0; i < work->ask->check_count; i++)
        for (size_t w = 0; words[w] && bn_check_failed(&work->ask->checks[i]); w++)
            n += strcmp(work->ask->checks[i].error_class, words[w]) == 0;
    return n;
}

static bool has_change(const struct bn_why_work *work, const char *action)
{
    for (size_t i = 0; i < work->ask->change_count; i++)
        if (strcmp(work->ask->changes[i].action, action) == 0 &&
                work->ask->changes[i].at >= work->ask->now_ms - BN_WHY_DAY_MS)
            return true;
    return false;
}

static void exclude_certificate(struct bn_why_work *work)
{
    static const char *const words[] = {"cert_changed", "untrusted", "tls", NULL};
    const struct bn_server *server = work->ask->server;
    char text[120];
    char until[BN_WORDS_SIZE];
    if (count_class(work, words) > 0 || has_change(work, "server.certificate") ||
            !server->seen_fingerprint[0])
        return;
    if (server->cert_expires_at > work->ask->now_ms)
        snprintf(text, sizeof text, "Not the certificate: the same, and good for %s",
                bn_while_words(server->cert_expires_at - work->ask->now_ms, until));
    else
        snprintf(text, sizeof text, "Not the certificate: it is the same");
    exclude(work, "certificate", text);
}

/* It was accepted after it had begun to fail. */
static void exclude_token(struct bn_why_work *work)
{
    static const char *const words[] = {"auth", "token", "forbidden", NULL};
    const struct bn_why_ask *ask = work->ask;
    char text[120];
    char ago[BN_WORDS_SIZE];
    size_t i = ask->check_count;
    while (i > work->episodes[0].first && bn_check_failed(&ask->checks[i - 1]))
        i--;
    if (i <= work->episodes[0].first || count_class(work, words) > 0)
        return;
    snprintf(text, sizeof text, "Not the token: it was accepted %s ago",
            bn_while_words(ask->now_ms - ask->checks[i - 1].at, ago));
    exclude(work, "token", text);
}

static void exclude_dns(struct bn_why_work *work)
{
    static const char *const words[] = {"dns", NULL};
    const struct bn_why_phase *dns = &work->out->phases[0];
    const char *host = work->ask->server->host;
    char text[160];
    char ms[BN_WORDS_SIZE];
    const char *address;
    const bool is_address = host[strspn(host, "0123456789.")] == '\0' || strchr(host, ':');
    if (is_address)
        snprintf(text, sizeof text, "Not DNS: it is called by its address");
    else if (bn_why_is_same_address(work, &address))
        snprintf(text, sizeof text, "Not DNS: its name leads to %s, when it works as when it fails",
                address);
    else if (!isnan(dns->ms) && !dns->is_slow)
        snprintf(text, sizeof text, "Not DNS: its name resolves, in %s", bn_ms_words(dns->ms, ms));
    else
        return;
    if (count_class(work, words) == 0 && !bn_why_found(work, "dns") &&
            !bn_why_found(work, "dns_changed") && !bn_why_found(work, "address"))
        exclude(work, "dns", text);
}

static void exclude_family(struct bn_why_work *work)
{
    if (bn_why_is_any_family(work) && !bn_why_found(work, "ipv6"))
        exclude(work, "ipv6", "Not IPv6: it fails by IPv4 as well");
}

void bn_why_exclude(struct bn_why_work *work)
{
    char text[120];
    exclude_network(work);
    exclude_certificate(work);
    exclude_token(work);
    exclude_dns(work);
    exclude_family(work);
    if (bn_why_is_no_backup(work, text, sizeof text))
        exclude(work, "backup", text);
    if (work->ask->change_count == 0)
        exclude(work, "change",
                work->ask->now_ms - work->ask->server->created_at < WEEK_MS
                        ? "Not a change here: nothing of it was changed since it was added"
                        : "Not a change here: nothing of it was changed for a week");
    if (work->episode_count >= 5 && !bn_why_found(work, "periodic"))
        exclude(work, "schedule", "Not a timetable: it fails at no particular minute");
}
