/*
 * why: what the last day says about why a server fails, as findings with their evidence.
 *
 * Journey 3. Pure: attempts, those of other servers and known changes in, a judgement out. Rules
 * are few and simple, and each says the numbers it stands on. A finding of 0.5 and more is a cause
 * somebody may act on; what is periodic must be too regular for chance (less than one in ten
 * thousand after all that was tried).
 */
#pragma once

#include "live/attempts.h"
#include "model/infra.h"
#include "model/limits.h"

/* How another server is near, nearest first. */
enum bn_why_tie {
    BN_TIE_NET, /* the same /24, or /64 of IPv6 */
    BN_TIE_SITE,
    BN_TIE_CLUSTER,
    BN_TIE_OTHER,
};

struct bn_why_point {
    int64_t at;
    bool is_ok;
    bool by_vpn;
};

struct bn_why_peer {
    char name[64];
    enum bn_why_tie tie;
    const struct bn_why_point *points; /* oldest first */
    size_t count;
};

/* Something that was done to the server, or was noticed of it. */
struct bn_why_change {
    int64_t at;
    char action[24]; /* of the audit: "server.change", "server.version", "server.certificate" … */
    char actor[64];
    char detail[160];
};

/* What Proxmox VE did meanwhile. */
struct bn_why_task {
    int64_t from_ms;
    int64_t to_ms; /* while it runs: when that was told */
    bool is_running;
    char type[32]; /* "vzdump" ... */
    char node[64];
    char id[32]; /* of a guest's task its number; "" */
    char upid[256];
};

struct bn_why_ask {
    int64_t now_ms;
    const struct bn_server *server; /* with what its checks say */
    const struct bn_check *checks;  /* finished ones of the last day, oldest first */
    size_t check_count;
    const struct bn_why_peer *peers;
    size_t peer_count;
    const struct bn_why_change *changes; /* newest first */
    size_t change_count;
    const struct bn_why_task *tasks; /* in any order */
    size_t task_count;
};

enum bn_why_state { BN_WHY_OK, BN_WHY_FAILING, BN_WHY_FLAPPING, BN_WHY_EARLY };

struct bn_why_finding {
    char kind[16]; /* a word for programs: "overload", "periodic", … docs/protocol.md lists them */
    char title[200];
    char evidence[280];
    char verdict[96];
    double confidence;              /* 0 to 1 */
    bool is_cause;                  /* somebody may act on it; else it only describes */
    const struct bn_why_task *task; /* of the question: the newest it is about; NULL */
};

/* A line for people, of a kind for programs. */
struct bn_why_line {
    char kind[24];
    char text[240];
    int64_t fail_after; /* of "wait_for_failures"; 0 */
};

struct bn_why_phase {
    const char *name;  /* "dns" "tcp" "tls" "wait" */
    double ms;         /* where it fails, or of the last successes; NaN is unknown */
    double typical_ms; /* median of successes */
    bool is_slow;
};

struct bn_why_error {
    char error_class[24];
    size_t count;
};

/* The state the checks saw from `from` on; runs follow each other without a gap. Failures of
   another word or phase begin another run. */
struct bn_why_run {
    int64_t from_ms;
    int64_t to_ms;
    const char *state;    /* "up", "mixed", "down", "unknown" */
    char error_class[24]; /* of the last failure in its first five minutes; "" without any */
    char error_phase[12];
    size_t failures;
};

#define BN_WHY_DAY_MS       86400000LL
#define BN_WHY_FINDINGS_MAX 10
#define BN_WHY_LINES_MAX    8
#define BN_WHY_ERRORS_MAX   8
#define BN_WHY_RUNS_MAX     289 /* five minutes each */

struct bn_why {
    enum bn_why_state state;
    char headline[200];
    int64_t since_ms; /* of the state; 0: unknown */
    size_t attempts;
    size_t failures;
    size_t changes;          /* between up and down in the last hour */
    double success_rate_pct; /* NaN without attempts */
    double median_ms;        /* of successes; NaN without any */
    double p95_ms;
    struct bn_why_finding findings[BN_WHY_FINDINGS_MAX]; /* the likeliest first */
    size_t finding_count;
    struct bn_why_line not [BN_WHY_LINES_MAX]; /* what it is not */
    size_t not_count;
    struct bn_why_phase phases[4];
    struct bn_why_error errors[BN_WHY_ERRORS_MAX]; /* the commonest first */
    size_t error_count;
    struct bn_why_run strip[BN_WHY_RUNS_MAX];
    size_t run_count;
    struct bn_why_line advice[BN_WHY_LINES_MAX];
    size_t advice_count;
};

/* Is a task of that type one that keeps a host busy? Others are not looked at. */
bool bn_why_is_heavy(const char *type);
/* Any thread; some milliseconds for BN_WHY_ATTEMPTS_MAX attempts. out is 10 KB and wholly set. */
void bn_why_judge(const struct bn_why_ask *ask, struct bn_why *out);
const char *bn_why_state_word(enum bn_why_state state); /* "ok" "failing" "flapping" "early" */
