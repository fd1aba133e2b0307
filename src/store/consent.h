/*
 * The consent register (spec 8.3): one row per statement a person made, kept for years, never changed but for
 * use and withdrawal. The person is a keyed hash (for finding) plus a sealed value (for the resource server
 * and the person's own overview).
 */
#ifndef STORE_CONSENT_H
#define STORE_CONSENT_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

struct consent {
    struct str id;       /* UUIDv7 */
    struct str person;   /* BSN in the clear, in memory only; the verbs seal it and keep its look-up hash */
    struct str provider; /* name in the provider list, without @medmij */
    struct str provider_name; /* as shown */
    struct str client_host;
    struct str client_name;      /* as shown */
    struct str function;         /* "collect", "share", "subscribe" */
    struct str services_shown;   /* ids, space separated */
    struct str service_names;    /* as shown, newline separated, same order */
    struct str services_granted; /* ids, space separated; empty when refused */
    int64_t days;                /* subscribe: granted duration; otherwise 0 */
    struct str text_version;     /* "je-2.2/consent_collect" */
    struct str text_hash;        /* SHA-256 hex of the exact template sources */
    bool is_given;               /* false = refused */
    bool is_indefinite;          /* long-lived consent */
    struct str login_level;      /* acr of the login */
    struct str identity_provider;
    int64_t stated_at;
    struct str trace_id;     /* MedMij-Request-ID of the authorization request */
    struct str session_id;   /* X-Correlation-ID */
    int64_t last_used_at;    /* 0 = never */
    int64_t withdrawn_at;    /* 0 = not */
    struct str withdrawn_by; /* "person", "client", "helpdesk:...", "reuse" */
};

/* What the code leads to, written together with the consent. */
struct consent_code {
    struct str grant_id; /* UUIDv7 */
    struct str code_digest;
    struct str redirect_uri;
    struct str correlation_id;
    struct str code_challenge; /* PKCE S256; empty = none */
    int64_t expires_at;
};

/* The choice, in one transaction: the flow (FLOW_CHOICE with this form_digest) ends and loses its identity,
 * the statement is written, and when it was given the grant with its code. ABSENT: the flow was not open for
 * a choice (double submit, back button, expired); nothing was written. `code` is NULL for a refusal. */
enum outcome consent_state(struct store *store, struct str flow_id, struct str form_digest, int64_t now,
                           const struct consent *consent, const struct consent_code *code) MUST_CHECK;

enum outcome consent_find(struct store *store, struct str id, struct arena *arena,
                          struct consent *out_consent) MUST_CHECK;

struct consent_filter { /* empty = any */
    struct str person;  /* BSN in the clear; matched by its hash */
    struct str provider;
    struct str client_host;
    bool only_active;     /* given, not withdrawn, not lapsed */
    struct str before_id; /* paging: ids below this one */
    int limit;            /* 1..1000 */
};
struct consent_list {
    struct consent *items; /* newest first */
    size_t count;
    size_t capacity;
};
enum outcome consent_list(struct store *store, const struct consent_filter *filter, int64_t now,
                          struct arena *arena, struct consent_list *out_list) MUST_CHECK;

/* Ends the consent and every grant and token under it, at once; written to the audit trail. ABSENT: unknown.
 * Withdrawing again is OK and changes nothing. */
enum outcome consent_withdraw(struct store *store, struct str id, struct str by, int64_t now) MUST_CHECK;

#endif
