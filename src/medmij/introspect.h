/*
 * Token introspection (RFC 7662) for the DVA's own resource servers, on the internal listener only. The
 * answer carries the person (BSN), so it never leaves the house; anything but a token alive now is
 * {"active":false}.
 */
#ifndef MEDMIJ_INTROSPECT_H
#define MEDMIJ_INTROSPECT_H

#include "http/router.h"

http_handler introspect_handle; /* POST /oauth/introspect */

#endif
