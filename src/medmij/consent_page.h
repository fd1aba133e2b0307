/*
 * The consent page and the choice made on it (spec 4.3 to 4.6, 4.10). The choice, the statement in the
 * register and the code are one transaction; the flow, which is the person's session, ends with it.
 */
#ifndef MEDMIJ_CONSENT_PAGE_H
#define MEDMIJ_CONSENT_PAGE_H

#include "http/router.h"
#include "medmij/visit.h"

http_handler consent_page_handle_show;   /* GET /oauth/consent?flow= */
http_handler consent_page_handle_choice; /* POST /oauth/consent */

/* The one-time token of the form on the consent page of visit->flow, bound to all that the page shows from
 * configuration and lists: were a name, a service, the duration or the text to change while the page is open,
 * the token would not fit any more, so no statement is registered that differs from what the person saw. */
struct str consent_page_token(const struct visit *visit);

#endif
