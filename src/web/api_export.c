#include <stdlib.h>
#include <string.h>

#include "web/api_import.h"
#include "web/api_infra.h"

#define EXPORT_BYTES_MAX (24 << 20) /* 10,000 servers with long texts */

const char *const bn_servers_export_query[] = {"ids", NULL};

static int by_age(const void *a, const void *b)
{
    const struct bn_server *one = *(const struct bn_server *const *)a;
    const struct bn_server *other = *(const struct bn_server *const *)b;
    if (one->created_at != other->created_at)
        return one->created_at < other->created_at ? -1 : 1;
    const int names = strcmp(one->name, other->name);
    return names != 0 ? names : strcmp(one->id, other->id);
}

static const struct bn_server **list_all(const struct bn_request *req, size_t *count)
{
    const struct bn_table *table = bn_servers_of(req);
    const struct bn_server **servers = bn_alloc_array(table->count + 1, sizeof *servers);
    *count = 0;
    bn_table_each(row, table) servers[(*count)++] = (const void *)row->record;
    return servers;
}

/* NULL: one of them is not there. */
static const struct bn_server **list_named(const struct bn_request *req, struct bn_str ids,
        size_t *count, struct bn_err *err)
{
    const struct bn_server **servers = bn_alloc_array(ids.len + 1, sizeof *servers);
    struct bn_str rest = ids;
    *count = 0;
    while (rest.p) {
        const struct bn_server *server = bn_server_with_id(req, bn_str_cut(&rest, ','), err);
        if (!server) {
            bn_fail_in(err, "ids");
            free(servers);
            return NULL;
        }
        servers[(*count)++] = server;
    }
    return servers;
}

void bn_servers_export(struct bn_request *req)
{
    struct bn_err err;
    size_t count = 0;
    const struct bn_str ids = bn_query(req, "ids", NULL);
    const struct bn_server **servers = NULL;
    if (bn_query_only(req, bn_servers_export_query, &err))
        servers = ids.p ? list_named(req, ids, &count, &err) : list_all(req, &count);
    if (!servers) {
        bn_reply_err(req, &err);
        return;
    }
    BN_BUF_AUTO file;
    bn_buf_init(&file, EXPORT_BYTES_MAX);
    struct bn_csv_out out = {.buf = &file};
    qsort(servers, count, sizeof *servers, by_age);
    bn_server_csv_write_header(&out);
    for (size_t i = 0; i < count; i++)
        bn_server_csv_write(&out, servers[i]);
    free(servers);
    if (!bn_buf_ok(&file)) {
        bn_fail(&err, BN_E_INTERNAL, "the file grew beyond %d bytes", EXPORT_BYTES_MAX);
        bn_reply_err(req, &err);
        return;
    }
    bn_reply_field(req, "Content-Disposition", "attachment; filename=\"binnacle-servers.csv\"");
    bn_reply(req, 200, "text/csv; charset=utf-8", bn_buf_str(&file));
}
