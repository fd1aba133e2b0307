/*
 * What somebody wants with a login: what the start request asked for, and must not get lost on the way to the
 * identity provider and back, nor when the login is started again. Travels sealed in the flow, with the trail
 * and with what the connection was at that moment (RSP-12).
 */
#ifndef SSO_INTENT_H
#define SSO_INTENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "sso/trail.h"
#include "store/sso_catalog.h"

struct intent {
    struct str view; /* empty = none */
    struct str patient_kind, patient;
    bool has_login_hint;
    struct str login_hint;
    struct str launch;  /* empty = none */
    struct str prompt;  /* for this request instead of the connection's; empty = none; not kept */
    struct str session; /* digest of the session that the browser had, in base64url; empty = none (SES-3:
                           with form_post its cookie does not come along to the callback) */
    struct str
        onward; /* request of our own OpenID provider to go on with (provider_authorize.h); empty = none */
    bool is_login_forced;               /* that request wants a fresh login */
    bool is_restarted;                  /* by itself, which is done once */
    struct str client_id, redirect_uri; /* as they went to the identity provider */
    int64_t version;                    /* of the connection then */
};

struct str intent_pack(struct arena *arena, const struct intent *intent, struct trail *trail);
/* FAILED when it is not one of ours. `out_trail` is the caller's to free. */
enum outcome intent_unpack(struct arena *arena, struct str packed, struct intent *out_intent,
                           struct trail *out_trail) MUST_CHECK;

#endif
