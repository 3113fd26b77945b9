#include "web/many.h"

#include <stdlib.h>

struct bn_many *bn_many_create(struct bn_request *req, const char *refused, size_t body_max)
{
    struct bn_many *many = bn_alloc(sizeof *many);
    many->web = req->web;
    many->ticket = req->ticket;
    many->refused = refused;
    many->waiting = 1;
    many->err.code = BN_E_OK;
    bn_buf_init(&many->body, body_max);
    return many;
}

static void one_less(struct bn_many *many)
{
    if (--many->waiting > 0)
        return;
    struct bn_request *req = bn_request_find(many->web, many->ticket);
    const bool is_kept = many->err.code == BN_E_OK;
    if (!is_kept)
        bn_fail_in(&many->err, "%s", many->refused);
    if (many->done)
        many->done(many->user, is_kept ? NULL : &many->err);
    if (req && is_kept)
        bn_reply_json(req, 200, &many->body);
    else if (req)
        bn_reply_err(req, &many->err);
    bn_buf_finish(&many->body);
    free(many);
}

static void answered(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_many *many = user;
    (void)fact;
    if (err && many->err.code == BN_E_OK)
        many->err = *err;
    one_less(many);
}

bool bn_many_ask(struct bn_many *many, const struct bn_fact *fact, struct bn_err *err)
{
    if (!bn_hub_ask(bn_web_hub(many->web), fact, answered, many, err))
        return false;
    many->waiting++;
    return true;
}

void bn_many_end(struct bn_many *many)
{
    one_less(many);
}
