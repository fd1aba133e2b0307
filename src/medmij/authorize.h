/*
 * The start of a visit: the authorization request and the landing page. Nothing is written to the store here;
 * the checked request travels in a sealed, expiring form field until the person presses the login button.
 */
#ifndef MEDMIJ_AUTHORIZE_H
#define MEDMIJ_AUTHORIZE_H

#include "http/router.h"

http_handler authorize_handle;        /* GET /oauth/authorize */
http_handler authorize_handle_login;  /* POST /oauth/login: the landing page's login button */
http_handler authorize_handle_cancel; /* POST /oauth/cancel: the landing page's "Annuleren" */

#endif
