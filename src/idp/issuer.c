#include "idp/issuer.h"

#include <stdio.h>
#include <string.h>

#define PLACE "{tenantid}"

struct halves {
    struct str before, after;
};

/* False when there is no place for a tenant in it. */
static bool split(struct str issuer, struct halves *out_halves)
{
    struct str place = STR(PLACE);
    for (size_t i = 0; i + place.length <= issuer.length; i++) {
        if (!str_equal(str_slice(issuer, i, i + place.length), place))
            continue;
        *out_halves =
            (struct halves){str_slice(issuer, 0, i), str_slice(issuer, i + place.length, issuer.length)};
        return true;
    }
    return false;
}

bool issuer_is_template(struct str issuer)
{
    struct halves halves;
    return split(issuer, &halves);
}

/* As `tid` has it: tokens are compared to the letter, so capitals would never match. */
static bool is_tenant(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'F')
            return false;
    return str_is_uuid(text);
}

/* The host of the address must not be a tenant's to choose. */
static bool is_in_path(struct str before)
{
    size_t scheme = str_starts_with(before, STR("https://"))  ? strlen("https://")
                    : str_starts_with(before, STR("http://")) ? strlen("http://")
                                                              : before.length;
    return scheme < before.length && memchr(before.data + scheme, '/', before.length - scheme) != NULL;
}

const char *issuer_fault(struct str issuer, struct str tenants)
{
    struct halves halves;
    struct str rest = tenants, tenant;
    size_t count = 0;
    if (!split(issuer, &halves))
        return tenants.length == 0 ? NULL : "there are tenants, and no " PLACE " in the issuer";
    if (!is_in_path(halves.before) || issuer_is_template(halves.after))
        return PLACE " must be in the path of the issuer, once";
    if (tenants.length == 0)
        return "the issuer holds " PLACE ", and no tenants are listed";
    while (str_split_next(&rest, ' ', &tenant))
        if (!is_tenant(tenant) || ++count > ISSUER_TENANTS_MAX)
            return "the tenants are not 1 to 100 ids with one space between";
    return NULL;
}

bool issuer_covers(struct str issuer, struct str tenants, struct str iss, struct str *out_tenant)
{
    struct halves halves;
    *out_tenant = STR_NONE;
    if (!split(issuer, &halves))
        return str_equal(iss, issuer);
    if (issuer_fault(issuer, tenants) != NULL || iss.length <= halves.before.length + halves.after.length ||
        !str_starts_with(iss, halves.before) || !str_ends_with(iss, halves.after))
        return false;
    struct str rest = tenants, tenant;
    struct str named = str_slice(iss, halves.before.length, iss.length - halves.after.length);
    while (str_split_next(&rest, ' ', &tenant)) {
        if (!str_equal(tenant, named))
            continue;
        *out_tenant = named;
        return true;
    }
    return false;
}

bool issuer_next(struct arena *arena, struct str issuer, struct issuer_rest *rest, struct str *out_iss)
{
    struct halves halves;
    struct str tenant;
    if (!split(issuer, &halves)) {
        *out_iss = issuer;
        bool is_first = !rest->is_told;
        rest->is_told = true;
        return is_first;
    }
    if (!str_split_next(&rest->tenants, ' ', &tenant))
        return false;
    *out_iss = str_from_c(
        arena_printf(arena, "%.*s%.*s%.*s", STR_ARG(halves.before), STR_ARG(tenant), STR_ARG(halves.after)));
    return true;
}

bool issuer_sample(struct str issuer, char *out_url, size_t size)
{
    struct halves halves = {issuer, STR_NONE};
    const char *name = split(issuer, &halves) ? "tenant" : "";
    if (issuer.length + strlen("tenant") >= size)
        return false;
    snprintf(out_url, size, "%.*s%s%.*s", STR_ARG(halves.before), name, STR_ARG(halves.after));
    return true;
}
