#include "app/url.h"

#include <stdio.h>
#include <string.h>

void bn_config_url(const struct bn_config *config, int port, char *out, size_t size)
{
    const char *host = config->listen_host;
    bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 || !host[0];
    bool is_v6 = strchr(host, ':') && !is_any;
    if (config->public_url[0])
        snprintf(out, size, "%s%s", config->public_url, config->base_path);
    else
        snprintf(out, size, "%s://%s%s%s:%d%s", config->tls_cert[0] ? "https" : "http",
                is_v6 ? "[" : "", is_any ? "localhost" : host, is_v6 ? "]" : "", port,
                config->base_path);
}
