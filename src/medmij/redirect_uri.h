/*
 * The redirect URI of a MedMij client (spec 3.1): absolute https, host equal to the client's, no query,
 * fragment, userinfo or port. Equality of the parsed host, never a prefix. In development mode http and a
 * port are allowed for hosts that end in ".localhost". Pure; any thread. Fuzz target:
 * tests/fuzz/fuzz_redirect_uri.c.
 */
#ifndef MEDMIJ_REDIRECT_URI_H
#define MEDMIJ_REDIRECT_URI_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define REDIRECT_URI_MAX 2000

/* The host name syntax of the MedMij lists: lower case, at least two labels, no port. In development mode
 * "x.localhost" fits it as well. */
bool medmij_is_hostname(struct str text);

enum outcome redirect_uri_check(struct str uri, struct str client_host, bool is_development) MUST_CHECK;
/* `uri` + "?" + name=value pairs, values encoded; core.authint: the client's string is kept as it was sent.
 */
const char *redirect_uri_append(struct arena *arena, struct str uri, const char *const *names,
                                const struct str *values, size_t count);

#endif
