/*
 * Which browser this is: one session cookie, `sluis_b`, of 256 random bits, shared by both doors. A second
 * one, `sluis_bn`, also comes along with a form that another site sends (REQ-7). A flow
 * keeps its digest, so that what comes back from elsewhere is bound to the browser that left (REQ-6).
 * Parallel tabs share the cookie.
 */
#ifndef HTTP_BROWSER_H
#define HTTP_BROWSER_H

#include "base/str.h"
#include "http/request.h"
#include "http/response.h"

#include <stdbool.h>

enum browser_cookie {
    BROWSER_SAME_SITE, /* SameSite=Lax */
    BROWSER_ANY_SITE,  /* SameSite=None */
};

/* The digest of the browser's cookie; a browser without one gets it with this response. */
struct str browser_identify(const struct http_request *request, struct http_response *response,
                            enum browser_cookie cookie, bool *out_is_new);
/* The digest of the cookie that the browser has; false when it has none. */
bool browser_find(const struct http_request *request, enum browser_cookie cookie, struct str *out_digest);
/* Whether the cookie of this browser is the one behind `digest`; constant time. */
bool browser_is(const struct http_request *request, enum browser_cookie cookie, struct str digest);

/* The digest of any cookie that holds a token (session cookies too); false when there is none of that form.
 */
bool browser_cookie_digest(const struct http_request *request, const char *name, struct str *out_digest);

#endif
