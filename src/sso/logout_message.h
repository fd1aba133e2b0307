/*
 * An identity provider says that somebody logged out there: by a signed token from its server (back-channel,
 * OUT-4 to OUT-6) or by a frame in the browser (front-channel, OUT-7). Both end sessions and leave an entry
 * with step 23.
 *
 * Called by sso/start for the addresses of a connection, with the trail begun; the connection may be NULL.
 * Back-channel answers within 2 seconds: keys that are not there by then are fetched in the background, and
 * the provider is told to come again.
 */
#ifndef SSO_LOGOUT_MESSAGE_H
#define SSO_LOGOUT_MESSAGE_H

#include "sso/attempt.h"

void logout_message_take_token(struct attempt *attempt); /* POST {slug}/backchannel-logout */
void logout_message_take_frame(struct attempt *attempt); /* GET {slug}/frontchannel-logout */

#endif
