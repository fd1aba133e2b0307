/*
 * From groups to permissions (PRM-1 to -6): union over (permission, department) pairs of the distinct active
 * groups, then the ceiling. Pure; any thread.
 */
#ifndef SSO_PERMISSIONS_H
#define SSO_PERMISSIONS_H

#include "base/arena.h"
#include "base/str.h"
#include "store/sso_catalog.h"

enum permissions_result {
    PERMISSIONS_OK,
    PERMISSIONS_GROUPS_INACTIVE, /* 701 e: every linked group is inactive */
    PERMISSIONS_NONE_IN_GROUPS,  /* 702 a */
    PERMISSIONS_NONE_IN_CEILING, /* 702 b */
    PERMISSIONS_SCOPES_EMPTY,    /* 702 c: groups and ceiling share permissions, but for no department */
};

struct permissions {
    struct sso_permission_pair
        *pairs; /* sorted by permission, then department; "all departments" absorbs the others */
    size_t count;
    const struct sso_group **groups; /* distinct, active */
    size_t group_count;
};

/* out_permissions->groups is filled whatever the result; pairs only with PERMISSIONS_OK. A group that is not
 * there counts as inactive; a ceiling that is not there lets nothing through. Everything points into `data`.
 */
enum permissions_result permissions_compute(struct arena *arena, const struct sso_data *data,
                                            struct str customer_key, const struct str *group_names,
                                            size_t group_count, struct str ceiling,
                                            struct permissions *out_permissions) MUST_CHECK;
/* "code" and "code@department", space separated; so neither may hold a space or "@", which the catalogue sees
 * to. */
struct str permissions_text(struct arena *arena, const struct permissions *permissions);

#endif
