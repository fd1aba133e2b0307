/*
 * What steps 6 to 8 of a login say about its locations and groups: for the mail about it, and for the cause
 * that the detail view tells in words. Pure; the lists live in the arena, their strings are those of the
 * steps.
 */
#ifndef SSO_TRAIL_FINDINGS_H
#define SSO_TRAIL_FINDINGS_H

#include "base/arena.h"
#include "base/str.h"

#include <jansson.h>

struct trail_ids {
    struct str *items;
    size_t count, capacity;
};

struct trail_findings {
    const char *claim_path; /* NULL when step 6 was not reached */
    size_t received, added;
    struct trail_ids unlinked;
    struct trail_ids groups;
};

/* `steps` as in 5.4. */
struct trail_findings trail_findings(struct arena *arena, const json_t *steps);

#endif
