#include <string.h>

#include "web/console.h"

bool bn_console_is_of(const struct bn_console_session *session, const struct bn_who *who)
{
    return strcmp(session->tenant, who->tenant) == 0 && session->who.kind == who->kind &&
           strcmp(session->who.user_id, who->user_id) == 0 &&
           strcmp(session->who.key_id, who->key_id) == 0;
}

bool bn_console_has_room(const struct bn_request *req, const struct bn_console *wanted,
        struct bn_err *err)
{
    int all = 0;
    int own = 0;
    int of_server = 0;
    bn_list_each(it, &req->web->consoles) {
        const struct bn_console_session *session = container_of(it, struct bn_console_session,
                link);
        if (session->state == BN_CONSOLE_OVER)
            continue;
        all++;
        own += bn_console_is_of(session, &req->who);
        of_server += strcmp(session->tenant, req->who.tenant) == 0 &&
                     strcmp(session->record.server_id, wanted->server_id) == 0 &&
                     strcmp(session->record.target_id, wanted->target_id) == 0;
    }
    if (own >= BN_CONSOLES_PER_USER_MAX)
        return bn_fail(err, BN_E_TOO_MANY,
                "you have %d consoles open, which is the limit: close one", own);
    if (of_server >= BN_CONSOLES_PER_SERVER_MAX)
        return bn_fail(err, BN_E_TOO_MANY, "%d consoles of this %s are open, which is the limit",
                of_server, wanted->target_id[0] ? "target" : "server");
    return all < BN_CONSOLES_OPEN_MAX ||
           bn_fail(err, BN_E_TOO_MANY, "%d consoles are open, which is the limit", all);
}

static void put_holder(const struct bn_console *record, struct bn_json *json)
{
    bn_json_object(json);
    bn_json_key(json, "id");
    bn_json_text(json, record->id);
    bn_json_key(json, "user_name");
    bn_json_text(json, record->user_name);
    bn_json_key(json, "server_id");
    bn_json_text(json, record->server_id);
    bn_json_key(json, "subject");
    bn_json_text(json, record->subject);
    bn_json_key(json, "kind");
    bn_json_text(json, bn_console_kind_word(record->kind));
    bn_json_key(json, "since"); /* null: it is being opened */
    bn_json_time(json, record->started_at);
    bn_json_object_end(json);
}

void bn_console_put_holders(const struct bn_request *req, struct bn_json *json)
{
    const bool is_admin = bn_who_may(&req->who, BN_RIGHT_ADMIN);
    bn_json_array(json);
    bn_list_each(it, &req->web->consoles) {
        const struct bn_console_session *session = container_of(it, struct bn_console_session,
                link);
        const bool may_know = bn_console_is_of(session, &req->who) ||
                              (is_admin && strcmp(session->tenant, req->who.tenant) == 0);
        if (may_know && session->state != BN_CONSOLE_OVER)
            put_holder(&session->record, json);
    }
    bn_json_array_end(json);
}
