/*
 * places: which servers of a tenant stand at which host and port, so that asking is no walk over
 * all.
 *
 * A server may stand there twice, as it is and as it is about to be.
 */
#pragma once

#include "model/infra.h"

struct bn_place; /* uthash by host, case aside, and port; NULL: none */

/* What stood at `from` (NULL: nowhere) stands at `to` (NULL: nowhere). The same server. */
void bn_places_move(struct bn_place **places, const struct bn_server *from,
        const struct bn_server *to);
/* The id of a server at this one's place that is not this one; NULL when there is none. */
const char *bn_places_other(struct bn_place *places, const struct bn_server *server);
void bn_places_finish(struct bn_place **places);
