/*
 * Whose tokens count: the issuer of a connection, or at a provider of several tenants that of each tenant
 * that is listed (MET-2; spec 7.1). The metadata of such a provider (Entra ID, "organizations") have a
 * template for an issuer, https://login.example/{tenantid}/v2.0; its tokens name their tenant in `tid`, and
 * have the filled-in template in `iss`. Users, sessions and messages about logging out belong to the issuer
 * that was filled in, so that two tenants never share a person.
 *
 * `tenants` are words, empty for one issuer. Pure; any thread.
 */
#ifndef IDP_ISSUER_H
#define IDP_ISSUER_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define ISSUER_TENANTS_MAX 100
#define ISSUER_URL_SIZE ((size_t)2200)

bool issuer_is_template(struct str issuer);

/* NULL when the two belong together, else what is wrong: a template needs tenants, each written as `tid` has
 * it, and nothing else may have them. That the rest of the issuer is a URL is looked at elsewhere. */
const char *issuer_fault(struct str issuer, struct str tenants);

/* True when `iss` is, to the letter, the issuer, or the template with a listed tenant in it; *out_tenant is
 * that tenant then, otherwise empty. False for the template itself. */
bool issuer_covers(struct str issuer, struct str tenants, struct str iss, struct str *out_tenant);

/* The next `iss` that the issuer covers: itself, or the template with each tenant in turn. False when there
 * are no more. `*rest` begins with all the tenants, and keeps those that are to come. */
struct issuer_rest {
    struct str tenants;
    bool is_told; /* the one of an issuer that is no template */
};
bool issuer_next(struct arena *arena, struct str issuer, struct issuer_rest *rest, struct str *out_iss);

/* The issuer with a name in the place of the tenant, for who must judge it as a URL. False: it does not fit.
 */
bool issuer_sample(struct str issuer, char *out_url, size_t size);

#endif
