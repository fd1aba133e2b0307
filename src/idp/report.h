/*
 * What happened at the identity provider during one login, as typed facts: calls, where documents came from,
 * which ID token rule was kept and which was broken (spec sso.md 5.2, numbers 2 and 5). For the numbered log;
 * nothing is decided by it. It holds material that is not fit for a log as it stands (claims, names from
 * outside): what is shown, and how it is masked, is the door's (sso/login_report).
 *
 * Belongs to one request; strings live in the arena of that request. Ends with idp_report_free.
 */
#ifndef IDP_REPORT_H
#define IDP_REPORT_H

#include "base/arena.h"
#include "base/str.h"
#include "http/client.h"

#include <jansson.h>

/* One call. Plain data: a copy is complete. */
struct idp_call {
    bool is_made;
    char host[256];
    int status; /* 0 = no answer: trouble tells how far it came */
    int64_t ms;
    size_t size;
    char content_type[64]; /* printable */
    bool has_drift;
    int64_t drift_s; /* its Date header minus our clock (MET-12) */
    struct http_trouble trouble;
};
/* `now` is our clock in seconds; without a Date in the answer the drift that is known stays. */
void idp_call_note(struct idp_call *call, const struct http_answer *answer, int64_t now);

enum idp_origin {
    IDP_ORIGIN_NONE,       /* not needed, or not got */
    IDP_ORIGIN_CONFIGURED, /* every endpoint is in the connection (MET-4) */
    IDP_ORIGIN_FETCHED,
    IDP_ORIGIN_CACHED,
    IDP_ORIGIN_STALE, /* kept, because it cannot be fetched (MET-6) */
};
const char *idp_origin_name(enum idp_origin origin);

#define IDP_DETAIL_MAX 256

/* Metadata or keys. Plain data. */
struct idp_document {
    enum idp_origin origin;
    int64_t age_s;
    struct idp_call call; /* the last time that it was fetched */
    /* What was wrong in it: the issuer that it names, the member that is missing, the keys that are unusable;
     * printable. */
    char detail[IDP_DETAIL_MAX];
};

/* MET-11: what the provider says it can do; lists have spaces between, NULL = it does not say. */
struct idp_features {
    bool has_pkce_s256, has_response_iss, has_end_session;
    bool has_backchannel_logout, has_backchannel_session, has_frontchannel_logout;
    const char *auth_methods, *signing_algs;
};

#define IDP_RULES 20 /* IDT-1 to IDT-20 */
enum idp_verdict { IDP_RULE_NOT_REACHED, IDP_RULE_KEPT, IDP_RULE_BROKEN };

struct idp_names {
    struct str *items; /* from outside: printable ASCII, at most 40 characters */
    size_t count;
};

struct idp_report {
    /* number 2 */
    struct idp_document metadata;
    const char *authorization_endpoint, *token_endpoint, *jwks_uri, *userinfo_endpoint;
    struct idp_features features;
    /* 5.1 */
    struct idp_call token;
    const char *token_auth; /* client_secret_basic, ... */
    int secret_number;      /* of the client's two, the one that was sent last; 0 = none */
    bool is_other_secret_refused;
    struct idp_names token_members;
    struct str token_type;
    /* 5.2 to 5.4 */
    size_t id_token_length;
    json_t *header; /* of the ID token, vouched for by nobody; may be NULL */
    json_t *claims; /* once its signature verified, whatever else is wrong; may be NULL */
    enum idp_verdict rules[IDP_RULES + 1];
    bool is_azp_lacking; /* several audiences and no azp (IDT-8) */
    int64_t now, skew_s;
    /* 5.5 */
    struct idp_document keys;
    struct idp_names key_ids;
    bool is_refetched;
    /* 5.6 */
    bool is_userinfo_asked;
    struct idp_call userinfo;
    const char *userinfo_result; /* idp_result_name; NULL = not asked */
    struct str userinfo_error;   /* error of its WWW-Authenticate header */
    struct str userinfo_subject; /* sub, when it is text */
    struct idp_names userinfo_members;
};

void idp_report_free(struct idp_report *report);

/* MET-12: clocks this far apart are worth a warning. */
bool idp_is_drift_large(int64_t seconds);
/* True when a drift is known: of the latest answer that had a date. */
bool idp_report_drift(const struct idp_report *report, int64_t *out_seconds);

/* For this room. */
void report_rule(struct idp_report *report, int rule, bool is_kept);
struct idp_names report_names(struct arena *arena, const json_t *object);
bool report_is_name(struct str name);
/* 4.11: an OAuth `error` of the provider as the process log may tell it: itself when it looks like a code of
 * the standards, else a fixed word. */
struct str report_error_code(struct str code);

#endif
