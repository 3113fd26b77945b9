/*
 * api_infra: the routes about Proxmox VE servers, their checks and their guests.
 */
#pragma once

#include "model/infra.h"
#include "web/forms.h"
#include "web/route.h"

extern const struct bn_route bn_infra_routes[];
extern const size_t bn_infra_route_count;

/* --- handlers: api_server*.c, api_vms.c, api_rrd.c ------------------------------------------- */

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
void bn_server_test_saved(struct bn_request *req);
extern const char *const bn_server_history_query[];
void bn_server_history(struct bn_request *req);
void bn_server_stats(struct bn_request *req);
extern const char *const bn_vms_query[];
void bn_vms_list(struct bn_request *req);

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
/* What a form that does not say means. */
void bn_server_set_defaults(struct bn_server *server);
