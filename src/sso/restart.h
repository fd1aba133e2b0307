/*
 * A login that is started again, with the view and the patient that it was started for: by the button on an
 * error page (GET /sso/restart/{flow}, C11), or silently when the answer came to a browser or a connection
 * that changed in between (C10, RSP-12).
 *
 * What the flow holds is for the browser that started it. In another browser a silent restart goes without
 * the patient, and the button leads nowhere.
 */
#ifndef SSO_RESTART_H
#define SSO_RESTART_H

#include "sso/attempt.h"
#include "sso/intent.h"

#define RESTART_PATH "/sso/restart/"

http_handler restart_handle;

/* Where the button on an error page leads; `prompt` NULL = none ("login": the person must log in anew). */
const char *restart_url(struct arena *arena, struct str flow, const char *prompt);

/* True when the attempt has been answered: ended as "afgebroken" (`code`; 0 = none), and a new one is on its
 * way. False when this was tried before, or when no page is being asked for. */
bool restart_silently(struct attempt *attempt, const struct intent *intent, int code, bool is_same_browser);

#endif
