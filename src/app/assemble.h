/*
 * assemble: builds the parts of the server in order and takes them down in reverse.
 */
#pragma once

#include "app/config.h"

/* Serves until SIGTERM or SIGINT. Answers the exit code: 0 after a clean stop, 1 when it could not
   start, with one sentence on stderr. */
int bn_serve(const struct bn_config *config);
