/*
 * api_meter: what was measured, over HTTP: names of series, and their points.
 */
#pragma once

#include "web/route.h"

/* GET /api/v1/series: names of what was measured in the last hour and the asker may see. */
void bn_api_meter_series(struct bn_request *req);
/* GET /api/v1/history?series=NAME&…&range=24h, or from=&to=, and points=: see web/history. */
void bn_api_meter_history(struct bn_request *req);

extern const struct bn_route bn_meter_routes[];
extern const size_t bn_meter_route_count;
