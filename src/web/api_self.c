#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "hub/inbox.h"
#include "io/tls.h"
#include "model/doc.h"
#include "web/web_private.h"
#include "wire/deflate.h"

#define ANSWER_BYTES_MAX (1 << 20)

static void health(struct bn_request *req)
{
    bn_reply(req, 200, "text/plain; charset=utf-8", BN_STR("ok"));
}

/* --- /metrics: Prometheus text exposition 0.0.4
 * ----------------------------------------------------- */

static void put_metric(struct bn_buf *out, const char *name, const char *type, const char *help,
        double value)
{
    bn_metric_begin(out, name, type, help);
    bn_metric_value(out, name, "", value);
}

/* Every number field of the newest self sample, by its own name. */
static void put_self_metrics(struct bn_buf *out, struct bn_hub *hub)
{
    const struct bn_self *self = bn_live_get(&hub->live, BN_TENANT_DEFAULT, BN_KIND_SELF, "local");
    for (size_t i = 0; self && i < bn_self_type.field_count; i++) {
        const struct bn_field *field = &bn_self_type.fields[i];
        if (field->type != BN_T_I64 && field->type != BN_T_F64 && field->type != BN_T_BOOL)
            continue;
        char name[64];
        snprintf(name, sizeof name, "self_%s", field->name);
        double value = bn_field_number(field, self);
        if (!isnan(value)) /* what was not measured is not exposed */
            put_metric(out, name, "gauge", field->doc ? field->doc : field->name, value);
    }
}

static void put_series_metrics(struct bn_buf *out, const struct bn_hub *hub)
{
    size_t count = 0;
    uint64_t refused = 0;
    for (const struct bn_tenant_live *it = hub->live.tenants; it; it = it->next) {
        count += it->series.count;
        refused += it->series.refused;
    }
    put_metric(out, "series", "gauge", "Series of all tenants.", (double)count);
    put_metric(out, "series_refused_total", "counter", "Values of series there was no room for.",
            (double)refused);
}

/* Nothing while they are unknown: 0 would say that none failed. */
static void put_unit_metrics(struct bn_buf *out, struct bn_hub *hub)
{
    const struct bn_host *host = bn_live_get(&hub->live, BN_TENANT_DEFAULT, BN_KIND_HOST, "local");
    if (!host || host->units_failed == BN_UNKNOWN)
        return;

    bn_metric_begin(out, "host_units", "gauge", "Units of systemd on this machine.");
    bn_metric_value(out, "host_units", "state=\"ok\"", (double)host->units_ok);
    bn_metric_value(out, "host_units", "state=\"failed\"", (double)host->units_failed);
    bn_metric_value(out, "host_units", "state=\"changing\"", (double)host->units_changing);
    bn_metric_value(out, "host_units", "state=\"inactive\"", (double)host->units_inactive);
}

static void metrics(struct bn_request *req)
{
    struct bn_web *web = req->web;
    struct bn_hub *hub = web->config.hub;
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_BYTES_MAX);
    bn_buf_printf(&out,
            "# HELP binnacle_info Version of this server.\n# TYPE binnacle_info gauge\n"
            "binnacle_info{version=\"%s\"} 1\n",
            BN_VERSION);
    put_metric(&out, "connections", "gauge", "Open connections.", (double)web->stats.connections);
    put_metric(&out, "requests_total", "counter", "HTTP requests.", (double)web->stats.requests);
    put_metric(&out, "denied_total", "counter", "Things asked for without the right to them.",
            (double)web->stats.denied);
    put_metric(&out, "facts_total", "counter", "Facts the hub has seen.", (double)hub->fact_count);
    put_metric(&out, "facts_refused_total", "counter", "Facts that were not admitted.",
            (double)hub->refused_count);
    put_metric(&out, "facts_lost_total", "counter", "Facts the full inbox refused.",
            (double)bn_inbox_lost(hub->inbox));
    put_series_metrics(&out, hub);
    put_metric(&out, "log_warnings_total", "counter", "Warnings logged.",
            (double)bn_log_count(BN_WARN));
    put_metric(&out, "log_errors_total", "counter", "Errors logged.",
            (double)bn_log_count(BN_ERROR));
    bn_tally_put(web, &out);
    put_self_metrics(&out, hub);
    put_unit_metrics(&out, hub);
    bn_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", bn_buf_str(&out));
}

/* --- /openapi.json: the route table, told in OpenAPI 3.1
 * ---------------------------------------------- */

static const char *const right_words[] = {
        [BN_RIGHT_NONE] = "no login",
        [BN_RIGHT_GUESTS] = "read, or what is assigned to the asker",
        [BN_RIGHT_READ] = "read",
        [BN_RIGHT_OPERATE] = "operate",
        [BN_RIGHT_ADMIN] = "admin",
        [BN_RIGHT_METRICS] = "metrics",
        [BN_RIGHT_SELF] = "a logged-in person, for himself",
};

static void put_literal(struct bn_json *json, const char *text)
{
    bn_json_raw(json, text, strlen(text));
}

static void put_param(struct bn_json *json, struct bn_str name, const char *in, const char *schema)
{
    bn_json_object(json);
    bn_json_key(json, "name");
    bn_json_str(json, name);
    bn_json_key(json, "in");
    bn_json_text(json, in);
    bn_json_key(json, "required");
    bn_json_bool(json, in[0] == 'p');
    bn_json_key(json, "schema");
    put_literal(json, schema);
    bn_json_object_end(json);
}

static void put_params(struct bn_json *json, const struct bn_route *route)
{
    if (!strchr(route->path, '{') && !route->query)
        return;
    bn_json_key(json, "parameters");
    bn_json_array(json);
    for (const char *p = strchr(route->path, '{'); p; p = strchr(p + 1, '{'))
        put_param(json, (struct bn_str){p + 1, strcspn(p + 1, "}")}, "path",
                "{\"type\":\"string\"}");
    for (const char *const *name = route->query; name && *name; name++) {
        if (**name == '*') /* may come several times */
            put_param(json, bn_str(*name + 1), "query",
                    "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
        else
            put_param(json, bn_str(*name), "query", "{\"type\":\"string\"}");
    }
    bn_json_array_end(json);
}

static const char *const field_schemas[] = {
        [BN_T_TEXT] = "{\"type\":\"string\"",
        [BN_T_I64] = "{\"type\":\"integer\"",
        [BN_T_F64] = "{\"type\":\"number\"",
        [BN_T_BOOL] = "{\"type\":\"boolean\"",
        [BN_T_ENUM] = "{\"type\":\"string\"",
        [BN_T_TIME] = "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"",
};

static void put_field(struct bn_json *json, const struct bn_field *field)
{
    BN_BUF_AUTO schema;
    bn_buf_init(&schema, 1024);
    bn_buf_puts(&schema, field->flags & BN_F_IDS
                                 ? "{\"type\":\"array\",\"items\":{\"type\":\"string\"}"
                                 : field_schemas[field->type]);
    for (const char *const *word = field->words; word && *word; word++)
        bn_buf_printf(&schema, "%s\"%s\"", word == field->words ? ",\"enum\":[" : ",", *word);
    if (field->words)
        bn_buf_putc(&schema, ']');
    if (field->doc) {
        struct bn_json text;
        bn_buf_puts(&schema, ",\"description\":");
        bn_json_init(&text, &schema);
        bn_json_text(&text, field->doc);
    }
    bn_buf_putc(&schema, '}');
    bn_json_raw(json, schema.p, schema.len);
}

static bool is_member_of(const struct bn_field *field, struct bn_str object)
{
    const struct bn_str own = bn_field_object(field);
    return own.len == object.len && (!own.len || memcmp(own.p, object.p, own.len) == 0);
}

static void begin_object(struct bn_json *json)
{
    bn_json_object(json);
    bn_json_key(json, "type");
    bn_json_text(json, "object");
    bn_json_key(json, "additionalProperties");
    bn_json_bool(json, false);
    bn_json_key(json, "properties");
    bn_json_object(json);
}

/* An object of a record: its members stand side by side, from this one on. */
static size_t put_object(struct bn_json *json, const struct bn_record_type *type, size_t first)
{
    const struct bn_str object = bn_field_object(&type->fields[first]);
    char name[BN_ID_MAX];
    size_t end = first;
    bn_text_clip(name, sizeof name, object);
    bn_json_key(json, name);
    begin_object(json);
    for (; end < type->field_count && is_member_of(&type->fields[end], object); end++) {
        if (type->fields[end].flags & BN_F_FIXED)
            continue;
        bn_json_key(json, type->fields[end].name + object.len + 1);
        put_field(json, &type->fields[end]);
    }
    bn_json_object_end(json);
    bn_json_key(json, "required");
    bn_json_array(json);
    for (size_t i = first; i < end; i++)
        if (type->fields[i].flags & BN_F_REQUIRED)
            bn_json_text(json, type->fields[i].name + object.len + 1);
    bn_json_array_end(json);
    bn_json_object_end(json);
    return end;
}

/* What a request may hold of a record; anything else is refused by name. */
static void put_schema(struct bn_json *json, const struct bn_record_type *type)
{
    begin_object(json);
    for (size_t i = 0; i < type->field_count;) {
        const struct bn_field *field = &type->fields[i];
        if (bn_field_object(field).len) {
            i = put_object(json, type, i);
            continue;
        }
        i++;
        if (field->flags & BN_F_FIXED)
            continue;
        bn_json_key(json, field->name);
        put_field(json, field);
    }
    bn_json_object_end(json);
    bn_json_key(json, "required");
    bn_json_array(json);
    struct bn_str named = {0};
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        const struct bn_str object = bn_field_object(field);
        char name[BN_ID_MAX];
        if (!(field->flags & BN_F_REQUIRED) || (object.len && is_member_of(field, named)))
            continue;
        named = object;
        bn_text_clip(name, sizeof name, object.len ? object : bn_str(field->name));
        bn_json_text(json, name);
    }
    bn_json_array_end(json);
    bn_json_object_end(json);
}

/* A form of nothing but a list may be left out: that means all; and one of nothing at all. */
static bool may_be_absent(const struct bn_route *route)
{
    const struct bn_record_type *type = route->takes;
    return type ? type->field_count == 1 && (type->fields[0].flags & BN_F_IDS)
                : !route->json_schema;
}

#define NO_MEMBERS \
    "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false}"
#define TEXT "{\"type\":\"string\"}"

static void put_media(struct bn_json *json, struct bn_str type, const struct bn_route *route)
{
    char name[64];
    bn_text_clip(name, sizeof name, type);
    bn_json_key(json, name);
    bn_json_object(json);
    bn_json_key(json, "schema");
    if (route->takes)
        put_schema(json, route->takes);
    else if (route->json_schema && bn_str_is(type, "application/json"))
        put_literal(json, route->json_schema);
    else
        put_literal(json, bn_str_is(type, "application/json") ? NO_MEMBERS : TEXT);
    bn_json_object_end(json);
}

static void put_body(struct bn_json *json, const struct bn_route *route)
{
    if (route->body_max == 0)
        return;
    bn_json_key(json, "requestBody");
    bn_json_object(json);
    bn_json_key(json, "required");
    bn_json_bool(json, !may_be_absent(route));
    bn_json_key(json, "content");
    bn_json_object(json);
    struct bn_str types = bn_str(route->body_type ? route->body_type : "application/json");
    if (bn_str_is(types, "*")) /* any, or none: what is meant is text */
        types = BN_STR("text/plain");
    while (types.p)
        put_media(json, bn_str_trim(bn_str_cut(&types, ',')), route);
    bn_json_object_end(json);
    bn_json_object_end(json);
}

static void put_operation(struct bn_json *json, const struct bn_route *route)
{
    static const char responses[] =
            "{\"408\":{\"description\":\"The request came too slowly; "
            "code timeout\"},\"default\":{\"description\":\"What came of it; errors are "
            "{error:{code,message,field,hint,request_id}}\"}}";
    char method[8];
    char right[64];
    size_t n = strlen(route->method);
    for (size_t i = 0; i <= n; i++)
        method[i] = (char)(route->method[i] ? route->method[i] | 0x20 : 0);
    bn_json_key(json, method);
    bn_json_object(json);
    bn_json_key(json, "summary");
    bn_json_text(json, route->summary);
    snprintf(right, sizeof right, "Needs: %s.", right_words[route->right]);
    bn_json_key(json, "description");
    bn_json_text(json, right);
    put_params(json, route);
    put_body(json, route);
    if (route->right == BN_RIGHT_NONE) {
        bn_json_key(json, "security");
        put_literal(json, "[]");
    }
    bn_json_key(json, "responses");
    put_literal(json, responses);
    bn_json_object_end(json);
}

/* All methods of one path stand together, wherever their rows are. */
static void put_path(struct bn_json *json, const struct bn_web *web, const struct bn_route *first)
{
    bn_json_key(json, first->path);
    bn_json_object(json);
    for (size_t s = 0; s < web->set_count; s++)
        for (size_t i = 0; i < web->sets[s].count; i++)
            if (strcmp(web->sets[s].routes[i].path, first->path) == 0)
                put_operation(json, &web->sets[s].routes[i]);
    bn_json_object_end(json);
}

static bool is_first_of_path(const struct bn_web *web, const struct bn_route *route)
{
    for (size_t s = 0; s < web->set_count; s++)
        for (size_t i = 0; i < web->sets[s].count; i++)
            if (strcmp(web->sets[s].routes[i].path, route->path) == 0)
                return &web->sets[s].routes[i] == route;
    return false;
}

static void openapi(struct bn_request *req)
{
    static const char head[] = "{\"title\":\"Binnacle\",\"version\":\"" BN_VERSION "\"}";
    static const char parts[] =
            "{\"securitySchemes\":{\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":"
            "\"binnacle\"},\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}";
    const struct bn_web *web = req->web;
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "openapi");
    bn_json_text(&json, "3.1.0");
    bn_json_key(&json, "info");
    put_literal(&json, head);
    bn_json_key(&json, "components");
    put_literal(&json, parts);
    bn_json_key(&json, "security");
    put_literal(&json, "[{\"cookie\":[]},{\"bearer\":[]}]");
    bn_json_key(&json, "paths");
    bn_json_object(&json);
    for (size_t s = 0; s < web->set_count; s++)
        for (size_t i = 0; i < web->sets[s].count; i++)
            if (is_first_of_path(web, &web->sets[s].routes[i]))
                put_path(&json, web, &web->sets[s].routes[i]);
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

/* --- /api/v1/about: what runs here, for whoever looks after it
 * ------------------------------------- */

static void put_libraries(struct bn_json *json)
{
    const struct {
        const char *name;
        const char *version;
    } libraries[] = {
            {"jansson", bn_doc_library()},
            {"libsodium", bn_secret_library()},
            {"libuv", bn_loop_library()},
            {"openssl", bn_tls_library()},
            {"sqlite", bn_store_library()},
            {"zlib", bn_deflate_library()},
    };

    bn_json_key(json, "libraries");
    bn_json_object(json);
    for (size_t i = 0; i < COUNT(libraries); i++) {
        bn_json_key(json, libraries[i].name);
        bn_json_text(json, libraries[i].version);
    }
    bn_json_object_end(json);
}

static void about(struct bn_request *req)
{
    const struct bn_web *web = req->web;
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "version");
    bn_json_text(&json, BN_VERSION);
    bn_json_key(&json, "node");
    bn_json_text(&json, web->node);
    bn_json_key(&json, "data_dir");
    bn_json_text(&json, bn_sessions_dir(web->config.sessions));
    bn_json_key(&json, "base_path");
    bn_json_text(&json, web->config.base_path);
    bn_json_key(&json, "listeners_max");
    bn_json_i64(&json, web->config.listeners_max);
    bn_json_key(&json, "connections_max");
    bn_json_i64(&json, web->config.connections_max);
    put_libraries(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

const struct bn_route bn_self_routes[] = {
        {.method = "GET",
                .path = "/healthz",
                .right = BN_RIGHT_NONE,
                .handler = health,
                .summary = "Is the server there?"},
        {.method = "GET",
                .path = "/metrics",
                .right = BN_RIGHT_METRICS,
                .handler = metrics,
                .summary = "What Binnacle spends, as Prometheus text"},
        {.method = "GET",
                .path = "/openapi.json",
                .right = BN_RIGHT_READ,
                .handler = openapi,
                .summary = "Every route, as OpenAPI"},
        {.method = "GET",
                .path = "/api/v1/about",
                .right = BN_RIGHT_ADMIN,
                .handler = about,
                .summary = "This server and its libraries"},
};

const size_t bn_self_route_count = COUNT(bn_self_routes);
