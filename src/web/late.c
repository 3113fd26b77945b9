#include "web/late.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define BODY_MAX (64 << 10) /* one record as JSON */

struct bn_late *bn_late_create(struct bn_request *req, int status)
{
    struct bn_late *late = bn_alloc(sizeof *late);
    late->web = req->web;
    late->ticket = req->ticket;
    late->status = status;
    bn_buf_init(&late->body, BODY_MAX);
    return late;
}

/* Bodies and cookies may hold what is shown once. */
static void destroy(struct bn_late *late)
{
    if (late->body.p)
        bn_wipe(late->body.p, late->body.len);
    bn_buf_finish(&late->body);
    bn_wipe(late, sizeof *late);
    free(late);
}

void bn_late_answer(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_late *late = user;
    struct bn_request *req = bn_request_find(late->web, late->ticket);
    (void)fact;
    if (late->undo && (err || !req))
        late->undo(late, err);
    if (req && err) {
        bn_reply_err(req, err);
    } else if (req) {
        if (late->cookie[0])
            bn_reply_field(req, "Set-Cookie", late->cookie);
        if (late->body.len)
            bn_reply_json(req, late->status, &late->body);
        else
            bn_reply_empty(req, late->status);
    }
    destroy(late);
}

void bn_late_refuse(struct bn_request *req, struct bn_late *late, const struct bn_err *err)
{
    destroy(late);
    bn_reply_err(req, err);
}

bool bn_late_ask(struct bn_request *req, struct bn_late *late, const struct bn_fact *fact)
{
    struct bn_err err;
    if (bn_hub_ask(bn_web_hub(req->web), fact, bn_late_answer, late, &err))
        return true;
    bn_late_refuse(req, late, &err);
    return false;
}
