#include <dirent.h>
#include <stdlib.h>

#include "why_trace.h"

/* Half days with a known cause (tests/traces/make.mjs), noise, and the edges of each rule.
 */

/* --- reading a trace ------------------------------------------------------------------------- */

static double number(const char *word)
{
    return strcmp(word, "-") == 0 ? NAN : strtod(word, NULL);
}

static int split(char *line, char *words[16])
{
    int n = 0;
    char *rest = line;
    for (char *word; n < 16 && (word = strsep(&rest, " "));)
        words[n++] = word;
    return n;
}

static void read_attempt(char *line)
{
    char *sentence = strstr(line, " | ");
    char *words[16];
    if (sentence) {
        *sentence = '\0';
        sentence += 3;
    }
    int n = split(line, words);
    const char *to = words[n - 1][0] == '@' ? words[--n] + 1 : "";
    const bool is_ok = strcmp(words[2], "ok") == 0;
    const int64_t at = NOW - strtoll(words[1], NULL, 10) * 1000;
    struct bn_check *check = is_ok ? add(at, "", "") : add(at, words[2], words[3]);
    const int from = is_ok ? 3 : 5;
    check->dns_ms = number(words[from]);
    check->tcp_ms = number(words[from + 1]);
    check->tls_ms = number(words[from + 2]);
    check->used_vpn = strcmp(words[n - 1], "vpn") == 0;
    snprintf(check->address, sizeof check->address, "%s", to);
    if (is_ok) {
        check->wait_ms = number(words[6]);
        check->response_time_ms = llround(
                check->dns_ms + check->tcp_ms + check->tls_ms + check->wait_ms);
    } else {
        check->timeout_used_ms = strtoll(words[4], NULL, 10);
        snprintf(check->error, sizeof check->error, "%s", sentence);
    }
}

static void read_peer(char *line)
{
    static const char *const ties[] = {"net", "site", "cluster", "other"};
    char *words[16];
    CHECK_INT(split(line, words), 3);
    CHECK(trace.ask.peer_count < PEERS_MAX);
    struct bn_why_peer *peer = &trace.peers[trace.ask.peer_count];
    snprintf(peer->name, sizeof peer->name, "%s", words[1]);
    for (size_t i = 0; i < COUNT(ties); i++)
        if (strcmp(words[2], ties[i]) == 0)
            peer->tie = (enum bn_why_tie)i;
    peer->points = trace.points[trace.ask.peer_count++];
}

static void read_point(char *line)
{
    char *words[16];
    const int n = split(line, words);
    struct bn_why_peer *peer = &trace.peers[trace.ask.peer_count - 1];
    CHECK(peer->count < CHECKS_MAX);
    trace.points[trace.ask.peer_count - 1][peer->count++] =
            (struct bn_why_point){.at = NOW - strtoll(words[1], NULL, 10) * 1000,
                    .is_ok = strcmp(words[2], "ok") == 0,
                    .by_vpn = n > 3};
}

static void read_change(const char *line)
{
    long long seconds;
    struct bn_why_change *change = &trace.changes[trace.ask.change_count++];
    CHECK_INT(sscanf(line, "change %lld %23s %63s %159[^\n]", &seconds, change->action,
                      change->actor, change->detail),
            4);
    change->at = NOW - seconds * 1000;
    if (strcmp(change->actor, "-") == 0)
        change->actor[0] = '\0';
}

static void read_task(const char *line)
{
    long long from;
    long long to;
    struct bn_why_task *task = add_task(0, 0, "", "");
    CHECK_INT(sscanf(line, "task %lld %lld %31s %63s", &from, &to, task->type, task->node), 4);
    task->from_ms = NOW - from * 1000;
    task->to_ms = NOW - to * 1000;
}

static void read_server(char *line)
{
    char *words[16];
    const int n = split(line, words);
    for (int i = 1; i < n; i++) {
        char *value = strchr(words[i], '=') + 1;
        if (strncmp(words[i], "host=", 5) == 0)
            snprintf(trace.server.host, sizeof trace.server.host, "%s", value);
        else
            snprintf(trace.server.vpn_host, sizeof trace.server.vpn_host, "%s", value);
    }
}

static void read_trace(const char *name)
{
    char path[300];
    char line[600];
    clear();
    snprintf(path, sizeof path, "%s/traces/%s", BN_TESTS_DIR, name);
    FILE *file = fopen(path, "r");
    CHECK(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "a ", 2) == 0)
            read_attempt(line);
        else if (strncmp(line, "p ", 2) == 0)
            read_point(line);
        else if (strncmp(line, "peer ", 5) == 0)
            read_peer(line);
        else if (strncmp(line, "change ", 7) == 0)
            read_change(line);
        else if (strncmp(line, "task ", 5) == 0)
            read_task(line);
        else if (strncmp(line, "server ", 7) == 0)
            read_server(line);
        else
            CHECK_INT(sscanf(line, "want %15s %15s", trace.want, trace.state), 2);
    }
    fclose(file);
}

static void show(const char *name)
{
    printf("%s: %s | %s\n", name, bn_why_state_word(why.state), why.headline);
    for (size_t i = 0; i < why.finding_count; i++)
        printf("   %.2f %c %-11s %s / %s -> %s\n", why.findings[i].confidence,
                why.findings[i].is_cause ? '*' : ' ', why.findings[i].kind, why.findings[i].title,
                why.findings[i].evidence, why.findings[i].verdict);
    for (size_t i = 0; i < why.not_count; i++)
        printf("   %s\n", why.not [i].text);
    for (size_t i = 0; i < why.advice_count; i++)
        printf("   > %s: %s\n", why.advice[i].kind, why.advice[i].text);
    for (size_t i = 0; i < COUNT(why.phases); i++)
        printf("   %s %.1f (%.1f)%s", why.phases[i].name, why.phases[i].ms,
                why.phases[i].typical_ms, why.phases[i].is_slow ? " slow" : "");
    printf("\n");
}

static int is_text(const struct dirent *entry)
{
    return strstr(entry->d_name, ".txt") != NULL;
}

#define TRACES 15

BN_TEST(the_first_finding_of_each_known_trouble_is_right)
{
    struct dirent **names;
    const int n = scandir(BN_TESTS_DIR "/traces", &names, is_text, alphasort);
    int right = 0;
    CHECK_INT(n, TRACES);
    for (int i = 0; i < n; i++) {
        read_trace(names[i]->d_name);
        judge();
        CHECK(why.finding_count > 0);
        const bool is_right = strcmp(why.findings[0].kind, trace.want) == 0 &&
                              (trace.state[0] == '*' ||
                                      strcmp(bn_why_state_word(why.state), trace.state) == 0);
        right += is_right;
        if (!is_right || getenv("BN_SHOW"))
            show(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    CHECK_INT(right, TRACES);
}

/* --- noise ----------------------------------------------------------------------------------- */

BN_TEST(a_thousand_seeds_of_noise_have_no_timetable_and_no_overload)
{
    static const double rates[] = {0.01, 0.03, 0.1, 0.3};
    int periodic = 0;
    int overload = 0;
    for (uint32_t i = 1; i <= 1000; i++) {
        make_noise(i, rates[i % COUNT(rates)]);
        judge();
        periodic += has("periodic");
        overload += has("overload");
    }
    CHECK_INT(periodic, 0);
    CHECK_INT(overload, 0);
}

/* Three neighbours that fail by chance as well, none with another. */
static void add_noisy_peers(double failing)
{
    for (size_t p = 0; p < 3; p++) {
        trace.peers[p] = (struct bn_why_peer){.name = "noisy", .points = trace.points[p]};
        for (int64_t at = NOW - 24 * HOUR_MS; at < NOW;
                at += (int64_t)(120000 * (0.9 + 0.2 * chance())))
            trace.points[p][trace.peers[p].count++] = (struct bn_why_point){.at = at,
                    .is_ok = chance() >= failing};
    }
    trace.ask.peer_count = 3;
}

BN_TEST(neighbours_that_fail_by_chance_are_no_cause)
{
    static const double rates[] = {0.003, 0.01, 0.03, 0.1};
    int together = 0;
    for (uint32_t i = 1; i <= 400; i++) {
        make_noise(i, rates[i % COUNT(rates)]);
        add_noisy_peers(rates[i % COUNT(rates)]);
        judge();
        for (size_t f = 0; f < why.finding_count; f++)
            together += why.findings[f].is_cause && strcmp(why.findings[f].kind, "peers") == 0;
    }
    CHECK_INT(together, 0);
}

/* The same with a timetable in it is seen, whatever the seed. */
BN_TEST(of_a_hundred_timetables_in_noise_none_is_overlooked)
{
    static const int minutes[] = {10, 15, 30, 60, 7, 120};
    int found = 0;
    for (uint32_t i = 1; i <= 100; i++) {
        make_noise(i, 0.002);
        const int64_t period_ms = minutes[i % COUNT(minutes)] * INT64_C(60000);
        for (size_t c = 0; c < trace.ask.check_count; c++) {
            struct bn_check *check = &trace.checks[c];
            if (check->at % period_ms >= 150000)
                continue;
            check->success = 0;
            snprintf(check->error_class, sizeof check->error_class, "timeout");
        }
        judge();
        found += has("periodic");
    }
    CHECK_INT(found, 100);
}

/* --- edges ----------------------------------------------------------------------------------- */

BN_TEST(before_21_checks_it_says_how_many_are_missing)
{
    clear();
    judge();
    CHECK_INT(why.state, BN_WHY_EARLY);
    CHECK_STR(why.headline, "No check in the last day yet; 21 are needed (about 42 min)");
    CHECK(isnan(why.success_rate_pct) && isnan(why.median_ms) && isnan(why.p95_ms));
    CHECK_INT(why.finding_count, 0);
    make_plain(1, 1, "", "");
    judge();
    CHECK_STR(why.headline, "Only 1 check so far; 21 are needed (about 40 min)");
    make_plain(6, 6, "", "");
    judge();
    CHECK_STR(why.headline, "Only 6 checks so far; 21 are needed (about 30 min)");
    make_plain(20, 10, "auth", "answer"); /* what needs no figures is said all the same */
    judge();
    CHECK_INT(why.state, BN_WHY_EARLY);
    CHECK_STR(why.findings[0].kind, "token");
    make_plain(21, 21, "", "");
    judge();
    CHECK_INT(why.state, BN_WHY_OK);
    CHECK_STR(why.headline, "Fine: none of 21 checks failed in the last day");
    CHECK_INT(why.finding_count, 0);
    CHECK_INT(why.not_count, 0);
    CHECK_INT(why.advice_count, 0);
}

BN_TEST(each_word_of_a_failure_has_its_kind)
{
    static const char *const cases[][3] = {
            {"auth", "answer", "token"},
            {"token", "dns", "token"},
            {"forbidden", "answer", "forbidden"},
            {"not_allowed", "tcp", "policy"},
            {"cert_changed", "tls", "certificate"},
            {"untrusted", "tls", "certificate"},
            {"dns", "dns", "dns"},
            {"timeout", "dns", "dns"},
            {"refused", "tcp", "refused"},
            {"unreachable", "tcp", "unreachable"},
            {"timeout", "tcp", "unreachable"},
            {"timeout", "tls", "timeout"},
            {"timeout", "answer", "timeout"},
            {"timeout", "body", "timeout"},
            {"reset", "tls", "reset"},
            {"tls", "tls", "tls"},
            {"node", "answer", "node"},
            {"http", "answer", "http"},
            {"redirect", "answer", "protocol"},
            {"protocol", "body", "protocol"},
            {"too_big", "body", "protocol"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        make_plain(40, 30, cases[i][0], cases[i][1]);
        judge();
        CHECK_INT(why.state, BN_WHY_FAILING);
        CHECK_INT(why.since_ms, NOW - 10 * 120000);
        CHECK_STR(why.findings[0].kind, cases[i][2]);
        CHECK(why.findings[0].is_cause);
        CHECK(strstr(why.findings[0].title, "(10 of 10 failures)"));
        CHECK(strstr(why.findings[0].evidence, "a sentence about"));
        CHECK_STR(why.errors[0].error_class, cases[i][0]);
        CHECK_INT(why.errors[0].count, 10);
        CHECK(why.advice_count >= 2); /* what to do, and to diagnose */
    }
    make_plain(40, 30, "a new word", "answer");
    judge();
    CHECK_STR(why.findings[0].kind, "none");
    CHECK_STR(why.findings[0].title, "No clear cause yet");
}

static const struct bn_why_line *advice(const char *kind)
{
    for (size_t i = 0; i < why.advice_count; i++)
        if (strcmp(why.advice[i].kind, kind) == 0)
            return &why.advice[i];
    return NULL;
}

static void fail_check(size_t i, const char *error_class, const char *phase)
{
    struct bn_check *check = &trace.checks[i];
    check->success = 0;
    check->response_time_ms = BN_UNKNOWN;
    snprintf(check->error_class, sizeof check->error_class, "%s", error_class);
    snprintf(check->error_phase, sizeof check->error_phase, "%s", phase);
}

BN_TEST(patience_is_advised_where_it_would_have_helped_and_silence_while_it_is_bad)
{
    make_plain(40, 30, "timeout", "tcp");
    judge(); /* once, and it lasts */
    CHECK(!advice("wait_for_failures"));
    CHECK(advice("silence"));
    trace.server.silenced_until = NOW + 1;
    judge();
    CHECK(!advice("silence"));
    trace.server.silenced_until = NOW; /* over */
    judge();
    CHECK(advice("silence"));
    make_plain(40, 40, "", "");
    judge();
    CHECK(!advice("silence"));
    for (size_t i = 4; i < 40; i += 8)
        fail_check(i, "timeout", "tcp");
    judge();
    CHECK(advice("wait_for_failures"));
    CHECK_INT(advice("wait_for_failures")->fail_after, 3);
    trace.server.fail_after = 3; /* as it is advised */
    judge();
    CHECK(!advice("wait_for_failures"));
    trace.server.fail_after = BN_UNKNOWN;
    for (size_t i = 0; i < 40; i++)
        if (i % 8 < 6)
            fail_check(i, "timeout", "tcp");
    judge();
    CHECK_INT(advice("wait_for_failures")->fail_after, 7);
}

BN_TEST(what_it_is_not_is_said_only_when_it_is_known)
{
    make_plain(40, 30, "timeout", "tcp");
    judge();
    CHECK(excludes("certificate") && excludes("dns") && excludes("change"));
    CHECK(!excludes("network")); /* nobody was looked at */
    CHECK(!excludes("token"));   /* not accepted since it began */
    CHECK(!excludes("schedule"));
    trace.server.created_at = NOW - 8 * 24 * HOUR_MS;
    judge();
    CHECK_STR(excluded("change"), "Not a change here: nothing of it was changed for a week");
    trace.server.created_at = NOW - HOUR_MS;
    judge();
    CHECK_STR(excluded("change"),
            "Not a change here: nothing of it was changed since it was added");
    trace.server.seen_fingerprint[0] = '\0';
    snprintf(trace.server.host, sizeof trace.server.host, "pve3.lan");
    trace.changes[trace.ask.change_count++] = (struct bn_why_change){.at = NOW - 20 * HOUR_MS,
            .action = "server.change",
            .detail = "notes"};
    judge();
    CHECK(!excludes("certificate") && !excludes("change"));
    CHECK(!excludes("dns")); /* how its name resolved then is not known */
    add(NOW - 60000, "", "");
    judge();
    CHECK(excludes("token") && excludes("dns"));
    make_plain(40, 30, "dns", "dns");
    judge();
    CHECK(!excludes("dns"));
    make_plain(40, 30, "tls", "tls");
    judge();
    CHECK(!excludes("certificate"));
}

static void add_peer(const char *name, enum bn_why_tie tie, size_t failing_from)
{
    const size_t at = trace.ask.peer_count++;
    trace.peers[at] = (struct bn_why_peer){.tie = tie, .points = trace.points[at], .count = 40};
    snprintf(trace.peers[at].name, sizeof trace.peers[at].name, "%s", name);
    for (size_t i = 0; i < 40; i++)
        trace.points[at][i] = (struct bn_why_point){.at = NOW - (int64_t)(40 - i) * 120000 + 30000,
                .is_ok = i < failing_from};
}

BN_TEST(who_fails_along_says_what_they_share)
{
    make_plain(40, 30, "timeout", "tcp");
    add_peer("far1", BN_TIE_OTHER, 30);
    add_peer("far2", BN_TIE_OTHER, 30);
    judge();
    CHECK_STR(why.findings[0].kind, "peers");
    CHECK(strstr(why.findings[0].title, "far1, far2"));
    CHECK(strstr(why.findings[0].verdict, "our own uplink"));
    CHECK(!excludes("network"));
    make_plain(40, 30, "timeout", "tcp");
    add_peer("near1", BN_TIE_CLUSTER, 40);
    add_peer("near2", BN_TIE_CLUSTER, 40);
    add_peer("far1", BN_TIE_OTHER, 30);
    judge();
    CHECK_STR(why.findings[0].kind, "unreachable");
    CHECK(excludes("network"));
    CHECK(strstr(why.not [0].text, "near1, near2 in the same cluster"));
    make_plain(40, 30, "timeout", "tcp");
    add_peer("once", BN_TIE_NET, 30); /* one other, once, may be chance */
    judge();
    CHECK(has("peers") && strcmp(why.findings[0].kind, "peers") != 0);
    /* one that fails all the time fails along with everybody, and says nothing */
    make_plain(40, 30, "timeout", "tcp");
    add_peer("broken", BN_TIE_NET, 0);
    judge();
    CHECK(!has("peers"));
}

BN_TEST(a_change_explains_what_began_with_it_and_nothing_else)
{
    static const struct {
        int64_t before_ms; /* the first failure */
        const char *action;
        const char *detail;
        bool explains;
    } cases[] = {
            {60000, "server.change", "name, host", true}, {60000, "server.change", "token", true},
            {60000, "server.change", "connection_timeout_ms", true},
            {60000, "server.change", "notes, tags", false},
            {60000, "server.change", "hostage", false},
            {60000, "server.version", "9.1.5 -> 9.1.6", true},
            {1200000, "server.change", "host", false}, /* long before */
            {-240000, "server.change", "host", false}, /* after it began */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_plain(60, 50, "timeout", "tls");
        trace.ask.change_count = 1;
        trace.changes[0].at = NOW - 10 * 120000 - cases[i].before_ms;
        snprintf(trace.changes[0].action, sizeof trace.changes[0].action, "%s", cases[i].action);
        snprintf(trace.changes[0].detail, sizeof trace.changes[0].detail, "%s", cases[i].detail);
        judge();
        if (has("change") != cases[i].explains)
            fail_msg("%s %s", cases[i].action, cases[i].detail);
    }
}

BN_TEST(the_strip_is_the_whole_day_without_a_gap)
{
    make_plain(30, 20, "refused", "tcp"); /* an hour; before it nobody looked */
    judge();
    CHECK_INT(why.strip[0].from_ms, NOW - BN_WHY_DAY_MS);
    CHECK_STR(why.strip[0].state, "unknown");
    for (size_t i = 1; i < why.run_count; i++) {
        CHECK_INT(why.strip[i].from_ms, why.strip[i - 1].to_ms);
        CHECK(strcmp(why.strip[i].state, why.strip[i - 1].state) != 0);
    }
    CHECK_INT(why.strip[why.run_count - 1].to_ms, NOW);
    CHECK_STR(why.strip[why.run_count - 1].state, "down");
    CHECK_STR(why.strip[1].state, "up");
    CHECK_STR(why.strip[1].error_class, "");
    CHECK_STR(why.strip[why.run_count - 1].error_class, "refused");
    CHECK_STR(why.strip[why.run_count - 1].error_phase, "tcp");
}

BN_TEST(the_strip_says_where_it_failed_and_begins_anew_when_that_changes)
{
    size_t failures = 0;
    make_plain(60, 30, "refused", "tcp");
    for (size_t i = 45; i < 60; i++) {
        snprintf(trace.checks[i].error_class, sizeof trace.checks[i].error_class, "timeout");
        snprintf(trace.checks[i].error_phase, sizeof trace.checks[i].error_phase, "tls");
    }
    judge();
    const struct bn_why_run *last = &why.strip[why.run_count - 1];
    CHECK_STR(last[0].error_class, "timeout");
    CHECK_STR(last[0].error_phase, "tls");
    CHECK_STR(last[-1].error_class, "refused");
    CHECK_STR(last[-1].state, "down");
    CHECK_INT(last[-1].to_ms, last[0].from_ms);
    for (size_t i = 0; i < why.run_count; i++)
        failures += why.strip[i].failures;
    CHECK_INT(failures, 30);
}

BN_TEST(phases_say_where_it_hangs_and_how_long_it_usually_takes)
{
    make_plain(40, 30, "timeout", "tls");
    for (size_t i = 30; i < 40; i++)
        trace.checks[i].dns_ms = trace.checks[i].tcp_ms = 2;
    judge();
    CHECK_STR(why.phases[2].name, "tls");
    CHECK(why.phases[2].ms > 9995 && why.phases[2].ms < 9997);
    CHECK(why.phases[2].is_slow && !why.phases[1].is_slow);
    CHECK(fabs(why.phases[2].typical_ms - 14) < 0.01);
    CHECK(isnan(why.phases[3].ms));
    CHECK(strstr(why.findings[0].evidence, "tls 10 s there, 14 ms when it works"));
}

/* The most there can be of everything. */
BN_TEST(two_thousand_checks_that_alternate_are_judged_and_nothing_overflows)
{
    clear();
    for (int64_t i = 0; i < BN_WHY_ATTEMPTS_MAX; i++) {
        struct bn_check *check = add(NOW - (BN_WHY_ATTEMPTS_MAX - i) * 43000,
                i % 2 ? noise_words[i / 2 % (int64_t)COUNT(noise_words)] : "", "answer");
        memset(check->error, 'x', sizeof check->error - 1);
    }
    for (size_t i = 0; i < PEERS_MAX; i++) {
        add_peer("a-name-of-a-server-that-is-as-long-as-a-name-may-be-in-here-x", BN_TIE_NET, 20);
    }
    judge();
    CHECK_INT(why.attempts, BN_WHY_ATTEMPTS_MAX);
    CHECK_INT(why.failures, BN_WHY_ATTEMPTS_MAX / 2);
    CHECK_INT(why.state, BN_WHY_FLAPPING);
    CHECK(strstr(why.headline, "limit 20 %"));
    CHECK(why.run_count <= BN_WHY_RUNS_MAX);
    CHECK_INT(why.changes, 83);
}

BN_TEST_MAIN()
