#include <stdio.h>
#include <string.h>

#include "live/infra.h"
#include "live/why_private.h"

#define TIMEOUT_MAX_MS 120000
#define WAIT_MIN       3
#define WAIT_EPISODES  3 /* once or twice is no habit */

static const struct {
    const char *finding;
    const char *kind;
    const char *text;
} acts[] = {
        {"overload", "look_at_host",
                "See what it does when it is slow: load, disk waits, and journalctl -u pveproxy"},
        {"periodic", "look_at_host",
                "Look for a job at these minutes: backups, replication, cron, systemctl list-timers"},
        {"backup", "look_at_host",
                "Slow its backups down: bwlimit and ionice in /etc/vzdump.conf, or another hour"},
        {"task", "look_at_host",
                "Look at the log of that task in Proxmox VE, or move it elsewhere"},
        {"timeout", "look_at_host", "On the host: uptime, and systemctl status pveproxy pvedaemon"},
        {"reset", "look_at_host", "On the host: journalctl -u pveproxy, for restarts and crashes"},
        {"refused", "look_at_host",
                "On the host: systemctl status pveproxy, and whether it listens on that port"},
        {"http", "look_at_host", "On the host: systemctl status pvedaemon pve-cluster"},
        {"node", "look_at_host", "On the host: pvecm status, and whether all nodes answer"},
        {"tls", "look_at_host", "On the host: pvecm updatecerts --force, then restart pveproxy"},
        {"unreachable", "look_at_network",
                "See whether the host runs, and whether its firewall lets this machine in"},
        {"peers", "look_at_network", "Look at what they share: switch, uplink, firewall"},
        {"vpn", "look_at_network", "Look at the VPN on this machine and at its other end"},
        {"dns", "look_at_network", "On this machine: getent hosts with its name"},
        {"dns_changed", "look_at_network",
                "On this machine: getent ahosts with its name, and who changed the record"},
        {"address", "look_at_network",
                "On this machine: getent ahosts with its name; take the dead address out"},
        {"ipv6", "look_at_network",
                "On this machine: ping -6 with its name; or enter its IPv4 address"},
        {"token", "renew_token", "Make a new token in Proxmox VE and enter it here"},
        {"forbidden", "renew_token", "Give the token what the error names; PVEAuditor is enough"},
        {"certificate", "confirm_certificate",
                "Compare the fingerprint with pvenode cert info on the host, then confirm it"},
        {"change", "edit_server", "Look at what was changed, and take it back if it is wrong"},
        {"protocol", "edit_server", "See whether host and port are those of Proxmox VE (8006)"},
        {"policy", "edit_server", "Start Binnacle with --allow-target for this address"},
};

static void advise(struct bn_why_work *work, const char *kind, const char *text)
{
    struct bn_why *out = work->out;
    for (size_t i = 0; i < out->advice_count; i++)
        if (strcmp(out->advice[i].text, text) == 0)
            return;
    if (out->advice_count == BN_WHY_LINES_MAX)
        return;
    struct bn_why_line *line = &out->advice[out->advice_count++];
    bn_text_clip(line->kind, sizeof line->kind, bn_str(kind));
    bn_text_clip(line->text, sizeof line->text, bn_str(text));
}

/* More time helps who is slow, not who does not answer. */
static void advise_time(struct bn_why_work *work)
{
    const struct bn_check *last = &work->ask->checks[work->episodes[work->episode_count - 1].last];
    char text[120];
    char now[BN_WORDS_SIZE];
    char then[BN_WORDS_SIZE];
    if (!bn_why_found(work, "overload") || last->timeout_used_ms == BN_UNKNOWN ||
            last->timeout_used_ms * 2 > TIMEOUT_MAX_MS)
        return;
    snprintf(text, sizeof text, "Give it more time: %s instead of %s",
            bn_ms_words((double)last->timeout_used_ms * 2, then),
            bn_ms_words((double)last->timeout_used_ms, now));
    advise(work, "raise_timeout", text);
}

static size_t length_of(const struct bn_episode *episode)
{
    return episode->last - episode->first + 1;
}

/* Of the episodes nine in ten end before so many failures; at least WAIT_MIN. */
static size_t enough_failures(const struct bn_why_work *work)
{
    size_t enough = WAIT_MIN;
    for (size_t shorter = 0; enough <= BN_FAIL_AFTER_MAX; enough++, shorter = 0) {
        for (size_t i = 0; i < work->episode_count; i++)
            shorter += length_of(&work->episodes[i]) < enough;
        if (shorter * 10 >= work->episode_count * 9)
            break;
    }
    return enough;
}

/* Patience helps against what is over before it matters. */
static void advise_patience(struct bn_why_work *work)
{
    const int64_t now = bn_server_fail_after(work->ask->server);
    const size_t enough = enough_failures(work);
    char text[160];
    if (work->episode_count < WAIT_EPISODES || enough > BN_FAIL_AFTER_MAX || (int64_t)enough <= now)
        return;
    snprintf(text, sizeof text,
            "Wait for %zu failures in a row before it counts as offline, instead of %lld: nearly "
            "every time it answers again before",
            enough, (long long)now);
    advise(work, "wait_for_failures", text);
    if (work->out->advice_count > 0)
        work->out->advice[work->out->advice_count - 1].fail_after = (int64_t)enough;
}

static void advise_silence(struct bn_why_work *work)
{
    const struct bn_why_ask *ask = work->ask;
    if (work->out->state != BN_WHY_OK && ask->server->silenced_until <= ask->now_ms)
        advise(work, "silence",
                "Silence its alerts while somebody works on it: they stay in the list, but neither "
                "count nor notify");
}

void bn_why_advise(struct bn_why_work *work)
{
    struct bn_why *out = work->out;
    for (size_t i = 0; i < out->finding_count; i++)
        for (size_t a = 0; a < COUNT(acts) && out->findings[i].is_cause; a++)
            if (strcmp(acts[a].finding, out->findings[i].kind) == 0)
                advise(work, acts[a].kind, acts[a].text);
    if (work->episode_count > 0 && !work->is_blip) {
        advise_time(work);
        advise_patience(work);
        advise_silence(work);
        advise(work, "diagnose", "Diagnose now: ten attempts in a row, with every phase");
    }
}
