/*
 * A complete sign-on of a professional as their browser sees it: start, the identity provider's answer,
 * callback (with the server's own token call inside), session, redirect to the application. The same steps at
 * Sluis and at Apache with mod_auth_openidc, against the same identity provider. Each a new browser; a
 * thousand persons take turns.
 */
#ifndef BENCH_SIGN_ON_H
#define BENCH_SIGN_ON_H

#include "journey.h"

operation sign_on_sluis;
operation sign_on_apache;

#endif
