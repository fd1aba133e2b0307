/*
 * The error catalogue (spec sso.md 4): every code with its title, HTTP status, user text and mail rule, as
 * one table. Constant data; any thread.
 */
#ifndef SSO_SSO_ERROR_H
#define SSO_SSO_ERROR_H

#include "base/arena.h"
#include "base/str.h"
#include "idp/login.h"

enum sso_user_text {
    USER_TEXT_NONE,
    U_GEN,
    U_AUTHZ,
    U_PERM,
    U_TIME,
    U_IDP,
    U_CONF,
    U_SEC,
    U_DENY,
    U_BLOCK,
    U_BUSY
};
enum sso_mail_rule {
    MAIL_NO,
    MAIL_YES,
    MAIL_OUTAGE,
    MAIL_DIGEST,
    MAIL_OPERATOR,
    MAIL_AFTER_3_IN_15_MIN,
    MAIL_AFTER_5_IN_1_H,
    MAIL_AFTER_20_IN_1_H,
    MAIL_ONE_PER_HOUR,
    MAIL_ONE_PER_DAY,
    MAIL_CONSENT_ONLY /* 311: only when the identity provider said consent_required */
};

struct sso_error {
    int code;
    const char *title; /* Dutch, for log and mail */
    int status;
    enum sso_user_text user_text;
    enum sso_mail_rule mail;
    bool is_warning; /* the login goes on */
    bool can_retry;  /* the page offers "Opnieuw proberen" */
};

const struct sso_error *sso_error_find(int code);       /* never NULL: an unknown code is 910 */
const char *sso_user_text_key(enum sso_user_text text); /* "U-GEN" */
/* The Dutch sentence with the reference filled in. Without a mail to the administrator (`is_notified` false)
 * it does not say that there was one. */
const char *sso_user_text(struct arena *arena, enum sso_user_text text, const char *reference,
                          bool is_notified);
/* Cause text of 106, 701 and 702 ("a".."e"), with its numbers; NULL for others. */
const char *sso_cause_text(struct arena *arena, int code, char cause, const char *claim_path, size_t received,
                           size_t added);
/* What the numbered helper says: "Advies: ..." for 508 to 510, 701, 702 and 704; NULL for others. */
const char *sso_advice(int code);
/* The code for a failure of the Authentication Client (4.2 to 4.6); 0 for IDP_OK. `oauth_error` refines 31x
 * and 40x: the identity provider's error code, with or without a space and its description behind it. 307 (no
 * iss, though promised) comes back as 306: the door, which has the callback, tells them apart. */
int sso_error_of_idp(enum idp_result result, struct str oauth_error);

#endif
