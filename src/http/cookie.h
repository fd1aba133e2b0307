/*
 * Cookies (RFC 6265). The reader takes the first value of a name out of the Cookie header; the writer knows
 * the two forms of this program: over https `__Host-<name>` with Secure, over http (development) the bare
 * name without Secure; always HttpOnly, Path=/, SameSite=Lax (but one), and never with a lifetime
 * (core.autorisatie: the session ends with the tab). Fuzz target: tests/fuzz/fuzz_cookie.c.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* The value of cookie `name` (bare name; `is_https` adds the prefix) in a Cookie header's text; ABSENT when
 * not there. */
enum outcome cookie_find(struct arena *arena, struct str header, const char *name, bool is_https,
                         struct str *out_value) MUST_CHECK;
/* The text for a Set-Cookie header. `value` must be base64url. */
const char *cookie_set(struct arena *arena, const char *name, struct str value, bool is_https);
/* The same, but a request that another site causes carries it too: SameSite=None, which browsers take with
 * Secure only. Without https it has no SameSite at all, and browsers send it along for two minutes. */
const char *cookie_set_any_site(struct arena *arena, const char *name, struct str value, bool is_https);
const char *cookie_clear(struct arena *arena, const char *name, bool is_https);

#endif
