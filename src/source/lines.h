/*
 * lines: our own log, told as facts for the Diagnostics page.
 */
#pragma once

#include "hub/hub.h"

/* From now on each log line is also a LINE fact. One server per process has this: the log is one.
 */
void bn_lines_start(struct bn_hub *hub);
void bn_lines_stop(void); /* before the hub ends */
