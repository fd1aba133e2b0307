/*
 * From claims to location ids (CLM-1 to -9; vectors B.8): find the claim by its path, normalise what is
 * there, transform, de-duplicate. Absent, empty, wrong type and overage are told apart. Pure; any thread.
 * Fuzz targets: fuzz_claim_path, fuzz_locations.
 */
#ifndef SSO_LOCATIONS_H
#define SSO_LOCATIONS_H

#include "base/arena.h"
#include "base/str.h"
#include "jose/claims.h" /* claims_at_path: the path syntax of CLM-1 */
#include "store/mapping.h"
#include "store/sso_catalog.h"

#include <jansson.h>

enum locations_result {
    LOCATIONS_OK,
    LOCATIONS_ABSENT,       /* 701 a */
    LOCATIONS_EMPTY,        /* 701 b */
    LOCATIONS_OVERAGE,      /* 704 */
    LOCATIONS_WRONG_FORMAT, /* 705 */
};

#define LOCATIONS_MAX 2000

struct locations {
    struct mapping_received *items; /* first-seen order */
    size_t count;
    size_t received, dropped, duplicates;
    const char *json_type; /* "array", "string", ... of what was there; "absent" */
};

/* Fills out_locations whatever the result, as far as it got: the log shows it (CLM-9). The ids are copies in
 * `arena`. What a transform empties and what lacks location_prefix counts as dropped. */
enum locations_result locations_read(struct arena *arena, const json_t *claims,
                                     const struct sso_connection *connection,
                                     struct locations *out_locations) MUST_CHECK;

#endif
