/*
 * guest_path: the guest or node that a route's path names, /servers/{id}/nodes/{node}/qemu/{vmid}/
 * and more.
 */
#pragma once

#include "model/infra.h"
#include "web/route.h"

/* The guest of exactly that server with that number, on that node, of that type: a number alone
   names nothing (FEATURES D14). NULL: `not_found` or `forbidden` when the asker may not do action
   to it (web/guest_right), `invalid` for a template and on a disabled server. Until the next turn.
 */
const struct bn_vm *bn_guest_of_path(const struct bn_request *req, enum bn_vm_type type,
        const char *action, const struct bn_server **out_server, struct bn_err *err);
/* The node of that server: for administrators, whom the route must ask for. NULL: `not_found`,
   `invalid` on a disabled server. */
const struct bn_node *bn_node_of_path(const struct bn_request *req,
        const struct bn_server **out_server, struct bn_err *err);
/* "web-1 (100) on alpha" */
void bn_guest_subject(const struct bn_server *server, const struct bn_vm *vm, char *out,
        size_t size);
