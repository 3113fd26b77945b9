/*
 * fact: what became known, and the table that says where each kind goes.
 *
 * A new kind of fact is a row here, a record in model/, and the source that finds it out.
 */
#pragma once

#include "model/alert.h"
#include "model/infra.h"
#include "model/limits.h"
#include "model/meter.h"
#include "model/self.h"
#include "model/summary.h"
#include "model/topics.h"
#include "model/work.h"

/* Samples are told at once and kept in batches; records are told when the store has kept them. */
enum bn_class { BN_SAMPLE, BN_RECORD };

/*    kind     record      class   topic            section     rows   meaning */
#define BN_FACTS(X)                                                                               \
    X(TENANT, tenant, RECORD, "", "", BN_TENANTS_MAX)             /* a tenant exists           */ \
    X(USER, user, RECORD, "", "", 10000)                          /* a person                  */ \
    X(SESSION, session, RECORD, "", "", 50000)                    /* a browser logged in       */ \
    X(KEY, key, RECORD, "", "", 10000)                            /* a program's way in        */ \
    X(ASSIGNMENT, assignment, RECORD, "", "", BN_ASSIGNMENTS_MAX) /* a guest is somebody's */     \
    X(AUDIT, audit, RECORD, "people.audit", "", 0)                /* somebody did something    */ \
    X(HOST, host, SAMPLE, "meter.host", "", 1)                    /* this machine, each second */ \
    X(CORE, core, SAMPLE, "meter.host", "cores", 1024)            /* one processor             */ \
    X(MOUNT, mount, SAMPLE, "meter.host", "mounts", 512)          /* one file system           */ \
    X(DISK, disk, SAMPLE, "meter.host", "disks", 512)             /* one block device          */ \
    X(NIC, nic, SAMPLE, "meter.host", "nics", 512)                /* one network interface     */ \
    X(PROC, proc, SAMPLE, "meter.host", "procs", 128)             /* one of the top processes  */ \
    X(UNIT, unit, SAMPLE, "meter.host", "units", BN_UNITS_TOLD)   /* a unit that failed        */ \
    X(SELF, self, SAMPLE, "self", "", 1)                          /* what Binnacle spends      */ \
    X(LINE, line, SAMPLE, "self.log", "", 0)                      /* a line of our own log     */ \
    X(SERVER, server, RECORD, "infra.servers", "servers", BN_SERVERS_MAX) /* of the fleet    */   \
    X(CHECK, check, SAMPLE, "infra.checks/", "", 0)               /* an attempt to reach one   */ \
    X(NODE, node, SAMPLE, "infra.servers", "nodes", BN_NODES_MAX) /* of its cluster          */   \
    X(VM, vm, SAMPLE, "infra.vms", "vms", BN_VMS_MAX)             /* a guest of it             */ \
    X(OPERATION, operation, RECORD, "work.operations", "operations", BN_OPERATIONS_MAX)           \
    X(OUTPUT, output, RECORD, "", "", 0)           /* a line of what its task said */             \
    X(PIECE, piece, RECORD, "", "", 0)             /* of what a command wrote      */             \
    X(CHUNK, chunk, SAMPLE, "work.output/", "", 0) /* the same while it runs       */             \
    X(CONSOLE, console, RECORD, "work.consoles", "consoles", BN_CONSOLES_MAX)   /* somebody's */  \
    X(TARGET, target, RECORD, "work.targets", "targets", BN_REMOTE_TARGETS_MAX) /* by SSH */      \
    X(TARGET_KEY, target_key, RECORD, "", "", BN_REMOTE_TARGETS_MAX *BN_TARGET_KEY_PARTS_MAX)     \
    X(STORAGE, storage, SAMPLE, "infra.servers", "storages", BN_STORAGES_MAX) /* of a cluster */  \
    X(SUMMARY, summary, SAMPLE, "summary", "", 1)              /* all of them, counted */         \
    X(ALERT, alert, RECORD, "alerts", "alerts", BN_ALERTS_MAX) /* what wants attention */

enum bn_kind {

#define X(name, record, class, topic, section, rows) BN_KIND_##name,
    BN_FACTS(X) BN_KIND_COUNT,
#undef X
    BN_KIND_NONE = BN_KIND_COUNT,
};

enum bn_fact_op {
    BN_PUT,  /* the record as it is now, whole */
    BN_GONE, /* the key in record is no more; other fields are ignored */
    BN_PAST, /* the same of what is known now; the store keeps the record (docs/decisions/014) */
};

#define BN_TENANT_MAX 32 /* a tenant id with its NUL */

struct bn_fact {
    uint8_t kind; /* enum bn_kind */
    uint8_t op;   /* enum bn_fact_op */
    bool replay;  /* read back from the store: applied, neither kept nor told */
    char tenant[BN_TENANT_MAX];
    uint64_t ticket; /* records: whom to answer when the store has spoken; 0 for nobody */

    union bn_record {
        struct bn_tenant tenant;
        struct bn_user user;
        struct bn_session session;
        struct bn_key key;
        struct bn_audit audit;
        struct bn_assignment assignment;
        struct bn_host host;
        struct bn_core core;
        struct bn_mount mount;
        struct bn_disk disk;
        struct bn_nic nic;
        struct bn_proc proc;
        struct bn_unit unit;
        struct bn_server server;
        struct bn_check check;
        struct bn_node node;
        struct bn_vm vm;
        struct bn_operation operation;
        struct bn_output output;
        struct bn_piece piece;
        struct bn_chunk chunk;
        struct bn_console console;
        struct bn_target target;
        struct bn_target_key target_key;
        struct bn_storage storage;
        struct bn_summary summary;
        struct bn_alert alert;
        struct bn_self self;
        struct bn_line line;
    } u;
};

struct bn_kind_info {
    const char *word; /* "user" */
    enum bn_class class;
    const struct bn_record_type *type;
    const char *topic;   /* "" when no topic shows it */
    const char *section; /* member of the topic's value holding rows by id; "" the root */
    size_t rows_max;     /* per tenant; 0: not held in memory, an event of a log topic */
    bool is_kept_first;  /* records that a topic shows as rows: known when kept, not before */
    bool is_single;      /* one row whose fields stand in the section itself */
};

extern const struct bn_kind_info bn_kinds[BN_KIND_COUNT];

/* As assignment, without the bytes of larger kinds: a core is a tenth of a server. */
void bn_fact_copy(struct bn_fact *to, const struct bn_fact *from);
/* A fact of that kind with an unknown record. */
void bn_fact_init(struct bn_fact *fact, enum bn_kind kind, const char *tenant);
