/*
 * guest_right: who may see a guest, and what he may do with it.
 *
 * Managers may do everything, whoever may read may see everything, and an assignment adds to that
 * what it says. Asked again for each request: what is taken away is gone at once.
 */
#pragma once

#include "web/route.h"

/* action: "view", "console" (to look is enough), "type", or a power action. False: `not_found` for
   what he may not even see, else `forbidden`. */
BN_MUST_CHECK bool bn_may_act_on_guest(const struct bn_request *req, const char *server_id,
        int64_t vmid, const char *action, struct bn_err *err);

/* What he may do with it, a bit per permission (model/right.h); 0: he may not see it. */
uint32_t bn_guest_permissions_of(const struct bn_request *req, const char *server_id, int64_t vmid);
/* May he see this operation? Who is restricted: those on guests assigned to him. */
bool bn_may_see_operation(const struct bn_request *req, const struct bn_operation *operation);
/* The guests he may see, who is restricted: a JSON array of "server_id/vmid" with a NUL
   behind it. */
void bn_put_assigned_guests(const struct bn_request *req, struct bn_buf *out);
/* Must he be content with what is assigned to him? */
bool bn_is_restricted(const struct bn_who *who);

void bn_assignment_id(const char *user_id, const char *server_id, int64_t vmid,
        char out[BN_ID_MAX]);
/* From now on assignments go with their person or server. */
void bn_assignments_watch(struct bn_hub *hub);
