/*
 * The consent page and the choice made on it (spec 4.3 to 4.6, 4.10). The choice, the statement in the
 * register and the code are one transaction; the flow, which is the person's session, ends with it.
 */
#ifndef MEDMIJ_CONSENT_PAGE_H
#define MEDMIJ_CONSENT_PAGE_H

#include "http/router.h"

http_handler consent_page_handle_show;   /* GET /oauth/consent?flow= */
http_handler consent_page_handle_choice; /* POST /oauth/consent */

#endif
