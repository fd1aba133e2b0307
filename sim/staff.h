/*
 * The fixed facts of the professional's side: who works at the customer, which patients the health record and
 * the target application know, the two connections and the views. All fictional; tests rely on them. Constant
 * data; any thread.
 */
#ifndef SIM_STAFF_H
#define SIM_STAFF_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

#define STAFF_SLUG "zonnestraaltjes_ysis"
/* The key of the encrypted patient context, the same at both ends (spec 2.14): 32 bytes in base64url. */
#define STAFF_CONTEXT_KID "epd-2026-1"
#define STAFF_CONTEXT_KEY "YWxsZWVuLXZvb3ItZGUtZGVtby1zbGV1dGVsLWVwZDE"

#define STAFF_LOCATIONS_MAX 2

struct staff_member {
    const char *id; /* the name in URLs and element ids */
    const char *subject;
    const char *given_name, *family_name;
    const char *email;
    const char *number; /* employee number */
    const char *role;
    const char *locations[STAFF_LOCATIONS_MAX + 1]; /* ends with NULL */
    bool is_claim_absent;                           /* the claim with the locations is not sent at all */
    bool has_button;                                /* at the start; an administrator may change it */
    const char *story;
};

struct staff_patient {
    const char *external_id; /* in the health record */
    const char *bsn;         /* of a test person in facts.h */
    const char *department;
    bool is_in_application;
};

/* One registration of Sluis at the health record's issuer. */
struct staff_client {
    const char *environment; /* "production", "acceptance" */
    const char *name;
    const char *id;
    const char *secret;
};

struct staff_view { /* spec 2.14, as the target application knows them */
    const char *name;
    const char *title;
    const char *text;
    const char *permission; /* NULL = none */
    bool needs_patient;
    bool is_by_department;
};

extern const struct staff_member staff_members[];
extern const size_t staff_member_count;
extern const struct staff_patient staff_patients[];
extern const size_t staff_patient_count;
extern const struct staff_client staff_clients[];
extern const size_t staff_client_count;
extern const struct staff_view staff_views[];
extern const size_t staff_view_count;

/* NULL when unknown. */
const struct staff_member *staff_find_member(struct str id);
const struct staff_patient *staff_find_patient(struct str external_id);
const struct staff_patient *staff_find_patient_by_bsn(struct str bsn);
const struct staff_client *staff_find_client(struct str client_id);
const struct staff_client *staff_find_environment(struct str environment);
const struct staff_view *staff_find_view(struct str name);
const char *staff_member_name(struct arena *arena, const struct staff_member *member);
/* "" when unknown. */
const char *staff_location_name(struct str location);
const char *staff_department_name(struct str department);

#endif
