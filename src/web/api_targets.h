/*
 * api_targets: what routes about machines that are acted on over SSH share.
 */
#pragma once

#include "model/target.h"
#include "web/route.h"

/* The tenant's target with that id as it will be when all is kept; NULL with `not_found`. */
const struct bn_target *bn_target_with_id(const struct bn_request *req, struct bn_str id,
        struct bn_err *err);
