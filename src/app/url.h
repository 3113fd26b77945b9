/*
 * url: where a browser finds this server.
 */
#pragma once

#include "app/config.h"

/* "http://127.0.0.1:8470/base": public_url when it is set, else from what is listened on; an
   address that means "all" becomes localhost. port counts, not the setting's: it may have been any
   free one. */
void bn_config_url(const struct bn_config *config, int port, char *out, size_t size);
