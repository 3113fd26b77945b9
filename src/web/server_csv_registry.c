#include <stdio.h>
#include <string.h>

#include "base/addr.h"

#include "web/server_csv.h"

void bn_server_csv_place(const struct bn_server *server, char out[BN_SERVER_PLACE_SIZE])
{
    char text[BN_ADDR_TEXT_SIZE];
    struct bn_addr addr;
    const bool is_addr = bn_addr_parse(bn_str(server->host), &addr);
    if (is_addr)
        bn_addr_text(&addr, text);
    snprintf(out, BN_SERVER_PLACE_SIZE, "%s %lld", is_addr ? text : server->host,
            (long long)server->port);
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p |= 0x20;
}

void bn_server_csv_keep_token(struct bn_server_csv_row *row)
{
    const uint64_t bit = BN_BIT(bn_field_index(&bn_server_type, "token"));
    if (row->given & bit)
        return;
    for (size_t i = 0; i < row->error_count; i++)
        if (strcmp(row->errors[i].field, "api_token") == 0) {
            row->error_count--;
            memmove(row->errors + i, row->errors + i + 1,
                    (row->error_count - i) * sizeof *row->errors);
            memmove(row->wrong + i, row->wrong + i + 1,
                    (row->error_count - i) * sizeof *row->wrong);
            return;
        }
}

void bn_server_csv_write_header(struct bn_csv_out *out)
{
    for (size_t i = 0; bn_server_csv_column_name(i); i++)
        bn_csv_word(out, bn_server_csv_column_name(i));
    bn_csv_row_end(out);
}

static void put_number(struct bn_csv_out *out, int64_t number)
{
    if (number == BN_UNKNOWN)
        bn_csv_word(out, "");
    else
        bn_csv_i64(out, number);
}

static void put_timeout(struct bn_csv_out *out, int64_t ms)
{
    char text[40];
    if (ms == BN_UNKNOWN || ms % 1000 == 0) {
        put_number(out, ms == BN_UNKNOWN ? ms : ms / 1000);
        return;
    }
    snprintf(text, sizeof text, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
    bn_csv_word(out, text);
}

static void put_bool(struct bn_csv_out *out, int64_t flag)
{
    bn_csv_word(out, flag ? "true" : "false");
}

/* In the order of the columns. */
void bn_server_csv_write(struct bn_csv_out *out, const struct bn_server *server)
{
    bn_csv_text(out, bn_str(server->name));
    bn_csv_text(out, bn_str(server->host));
    bn_csv_word(out, ""); /* tokens never leave */
    put_number(out, server->port);
    put_bool(out, server->verify_ssl);
    bn_csv_text(out, bn_str(server->fingerprint));
    bn_csv_text(out, bn_str(server->tags));
    bn_csv_text(out, bn_str(server->site));
    bn_csv_text(out, bn_str(server->notes));
    put_bool(out, server->vpn_enabled);
    bn_csv_text(out, bn_str(server->vpn_host));
    put_number(out, server->vpn_port);
    put_timeout(out, server->connection_timeout_ms);
    put_bool(out, server->is_active);
    bn_csv_row_end(out);
}
