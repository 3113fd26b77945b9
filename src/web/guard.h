/*
 * guard: which names, origins and proxies are ours; pure, so that the table of cases is a test.
 */
#pragma once

#include "web/server.h"

struct bn_str bn_guard_host_name(struct bn_str host); /* without the port */
bool bn_guard_host(const struct bn_web_config *config, struct bn_str host);
bool bn_guard_is_proxy(const struct bn_web_config *config, const char *address);
/* Corrects address and is_secure of a request that a trusted proxy passed on: the right-most
   address that is none of ours. Nobody else's headers are believed; several fields are one list. */
void bn_guard_client(const struct bn_web_config *config, struct bn_request *req);
bool bn_guard_origin(const struct bn_http_head *head, bool is_secure); /* named, and our own */
bool bn_guard_is_foreign(const struct bn_http_head *head, bool is_secure);
bool bn_guard_is_unsafe(struct bn_str method);
