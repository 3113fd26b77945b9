/*
 * api_infra: the routes about Proxmox VE servers, their checks, their guests and what is done
 * to them.
 */
#pragma once

#include "model/alert.h"
#include "model/infra.h"
#include "model/work.h"
#include "web/forms.h"
#include "web/route.h"

extern const struct bn_route bn_infra_routes[];
extern const size_t bn_infra_route_count;
extern const struct bn_route bn_import_routes[]; /* api_import.c; go first: "import" is no id */
extern const size_t bn_import_route_count;
extern const struct bn_route bn_console_routes[]; /* api_console.c; go first: no action's name */
extern const size_t bn_console_route_count;
extern const struct bn_route bn_target_routes[]; /* api_targets.c */
extern const size_t bn_target_route_count;
extern const struct bn_route bn_dispatch_routes[]; /* api_dispatch.c */
extern const size_t bn_dispatch_route_count;
extern const struct bn_route bn_batch_routes[]; /* api_batch.c */
extern const size_t bn_batch_route_count;
extern const struct bn_route bn_operation_admin_routes[]; /* api_operations_admin.c */
extern const size_t bn_operation_admin_route_count;
extern const struct bn_route bn_demo_routes[]; /* api_demo.c */
extern const size_t bn_demo_route_count;

/* --- handlers: api_server*.c, api_vms.c, api_rrd.c, api_summary.c, api_power.c, api_operations.c
 */

void bn_servers_list(struct bn_request *req);
void bn_server_add(struct bn_request *req);
void bn_server_change(struct bn_request *req);
void bn_server_remove(struct bn_request *req);
extern const char *const bn_servers_check_query[];
void bn_servers_check(struct bn_request *req);
void bn_servers_check_hurry(struct bn_web *web); /* it ends: who waits for results is told so */
void bn_server_test(struct bn_request *req);
extern const char *const bn_rrd_query[];
void bn_qemu_rrd(struct bn_request *req);
void bn_lxc_rrd(struct bn_request *req);
void bn_node_rrd(struct bn_request *req);
void bn_summary_show(struct bn_request *req);
void bn_server_test_saved(struct bn_request *req);
extern const char *const bn_server_history_query[];
void bn_server_history(struct bn_request *req);
void bn_server_stats(struct bn_request *req);
void bn_demo_show(struct bn_request *req);
void bn_demo_load(struct bn_request *req);
void bn_demo_remove(struct bn_request *req);
void bn_server_why(struct bn_request *req);
extern const char *const bn_vms_query[];
void bn_vms_list(struct bn_request *req);
void bn_qemu_act(struct bn_request *req);
void bn_lxc_act(struct bn_request *req);
extern const char *const bn_console_join_query[];
extern const char *const bn_consoles_query[];
void bn_qemu_console(struct bn_request *req);
void bn_lxc_console(struct bn_request *req);
void bn_node_console(struct bn_request *req);
void bn_target_console(struct bn_request *req);
void bn_console_join_route(struct bn_request *req);
void bn_console_end_route(struct bn_request *req);
void bn_consoles_list(struct bn_request *req);
extern const char *const bn_alerts_query[];
void bn_alerts_list(struct bn_request *req);
void bn_alert_dismiss(struct bn_request *req);
extern const char *const bn_operations_query[];
void bn_operations_list(struct bn_request *req);
extern const char *const bn_operations_csv_query[];
void bn_operations_csv(struct bn_request *req);
void bn_operation_show(struct bn_request *req);
void bn_operation_cancel(struct bn_request *req);

/* Ends that run of checks: what is under way is not waited for. */
BN_MUST_CHECK bool bn_servers_check_cancel(struct bn_web *web, const char *tenant, const char *id,
        struct bn_err *err);

/* --- shared ---------------------------------------------------------------------------------- */

/* The tenant's server with that id as it will be when all is kept; NULL with `not_found`. */
const struct bn_server *bn_server_with_id(const struct bn_request *req, struct bn_str id,
        struct bn_err *err);
const struct bn_table *bn_servers_of(const struct bn_request *req);

/* Takes the fields given (a bit per field of type) from a form into the record, checked: host,
   fingerprint, and the token, sealed for this row, with its hint. The form's token is wiped. */
BN_MUST_CHECK bool bn_server_take_form(const struct bn_request *req,
        const struct bn_record_type *type, struct bn_server_form *form, uint64_t given,
        struct bn_server *server, struct bn_err *err);
/* A name or address, and no address that nobody may make us call. */
BN_MUST_CHECK bool bn_server_check_host(const struct bn_request *req, const char *field,
        const char *host, struct bn_err *err);
/* How many may still be added; what is coming is counted. */
int64_t bn_server_slots_left(const struct bn_request *req);
/* Is this, in clear, the token it has? */
bool bn_server_has_token(const struct bn_request *req, const struct bn_server *server,
        const char *token);
BN_MUST_CHECK bool bn_server_may_seal(const struct bn_request *req, struct bn_err *err);
/* A token in clear, which the caller wipes, becomes the row's, with its hint; server has its id. */
BN_MUST_CHECK bool bn_server_seal(const struct bn_request *req, const char *token,
        struct bn_server *server, struct bn_err *err);
/* A token that is kept goes where it was meant to go, and nowhere else (SECURITY T20); a server
   that is elsewhere or called by another token is unknown again, and loses another machine's pin.
 */
BN_MUST_CHECK bool bn_server_judge_change(const struct bn_server *before, struct bn_server *after,
        bool has_token, bool has_pin, struct bn_err *err);

/* Whom to tell what a try found, as a JSON object; on the loop thread, once, perhaps after the
   request is gone. */
struct bn_server_test {
    void (*told)(void *user, struct bn_str result);
    void *user;
};

/* One attempt at a server, added or not (then its token is sealed for the id it has); noted in the
   audit. then NULL: req is answered when it is over. False: err says why it cannot be asked. */
BN_MUST_CHECK bool bn_server_test_begin(const struct bn_request *req,
        const struct bn_server *server, int64_t timeout_ms, const struct bn_server_test *then,
        struct bn_err *err);
/* What a form that does not say means. */
void bn_server_set_defaults(struct bn_server *server);
/* Fills in who asked for it. */
void bn_operation_made_by(const struct bn_request *req, struct bn_operation *out);
