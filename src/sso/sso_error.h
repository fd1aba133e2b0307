/*
 * The error catalogue (spec sso.md 4): every code with its title, HTTP status, user text and mail rule, as
 * one table. Constant data; any thread.
 */
#ifndef SSO_SSO_ERROR_H
#define SSO_SSO_ERROR_H

#include "base/arena.h"
#include "base/str.h"
#include "idp/login.h"

#include <stdbool.h>
#include <stdint.h>

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
/* The "Mail" column. What each kind means is decided in sso/notify alone. */
enum sso_mail_kind {
    MAIL_NO,
    MAIL_YES,       /* at once, then the windows of MAIL-6 */
    MAIL_AFTER,     /* the same, from `count` within `period_s` on */
    MAIL_ONE_PER,   /* at most one per `period_s` */
    MAIL_CONSENT,   /* 311: as yes, when the identity provider said consent_required */
    MAIL_OUTAGE,    /* MAIL-8 */
    MAIL_OPERATOR,  /* as yes, to the operator's address */
    MAIL_DIGEST,    /* 707: in the mail of the day (MAP-9) */
    MAIL_REMINDERS, /* 913: on the reminder days */
};
struct sso_mail_rule {
    enum sso_mail_kind kind;
    int count;
    int64_t period_s;
};

struct sso_error {
    int code;
    const char *title; /* Dutch, for log and mail */
    int status;
    enum sso_user_text user_text;
    struct sso_mail_rule mail;
    bool is_warning; /* the login goes on */
    bool can_retry;  /* the page offers "Opnieuw proberen" */
};

const struct sso_error *sso_error_find(int code);       /* never NULL: an unknown code is 910 */
const char *sso_user_text_key(enum sso_user_text text); /* "U-GEN" */
/* How many codes there are, and the one at `index`, for readers of the whole. */
size_t sso_error_count(void);
const struct sso_error *sso_error_at(size_t index);
/* The Dutch sentence with the reference filled in. Without a mail to the administrator (`is_notified` false)
 * it does not say that there was one. */
const char *sso_user_text(struct arena *arena, enum sso_user_text text, const char *reference,
                          bool is_notified);
/* Cause text of 106, 701 and 702 ("a".."e"), with its numbers; NULL for others. */
const char *sso_cause_text(struct arena *arena, int code, char cause, const char *claim_path, size_t received,
                           size_t added);
/* What the numbered helper says: "Advies: ..." for 508 to 510, 701 (by cause), 702 and 704; NULL for others.
 */
const char *sso_advice(int code, char cause);
/* The code for a failure of the Authentication Client (4.2 to 4.6); 0 for IDP_OK. `oauth_error` refines 31x
 * and 40x: the identity provider's error code, with or without a space and its description behind it. */
int sso_error_of_idp(enum idp_result result, struct str oauth_error);

#endif
