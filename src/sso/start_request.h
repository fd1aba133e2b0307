/*
 * What arrives at a connection's one URL (spec sso.md 2.2): telling a start from a callback, and every rule
 * on the parameters of a start. Three steps in the order of INI-1 to -8, because the connection is looked up
 * and the rate limit asked in between. Each answers 0 or an error code of sso/sso_error.h, and puts the
 * rule's id in `rule` for the log.
 *
 * Pure functions over the request; any thread. Everything points into the request's arena. Fuzz target:
 * tests/fuzz/fuzz_start_request.c.
 */
#ifndef SSO_START_REQUEST_H
#define SSO_START_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"
#include "sso/slug.h"
#include "store/sso_catalog.h"

#include <stdbool.h>

enum start_kind {
    START_NOTHING, /* HEAD: 200, empty, no transaction (INI-1) */
    START_LOGIN,
    START_CALLBACK,
};

struct start_request {
    enum start_kind kind;
    bool is_post;
    struct form form; /* of the query (GET) or the body (POST); a BSN in the clear is taken out */
    const char *rule; /* of the failure or warning; NULL = none */

    /* Of a start, by start_request_check: */
    bool has_login_hint;
    struct str login_hint;         /* to be sent on unchanged */
    struct str view;               /* empty = none; may be unknown (808) */
    struct str target_view;        /* of target_link_uri; `view` goes before it */
    struct str patient_reference;  /* external id; empty = none */
    struct str patient_ciphertext; /* for patient_context_open; empty = none */
    struct str launch;             /* to be sent on unchanged; empty = none */
    struct str iss;                /* empty = none */
    int warning;                   /* 108 or 0 */
    bool is_target_refused;        /* 105 as a warning: the target is not ours, and not asked to be */
    struct str *ignored;           /* names of other parameters, fit for the log */
    size_t ignored_count;
};

/* INI-1, INI-2 and repeated security parameters: 107. */
int start_request_open(const struct http_request *request, struct start_request *out_start) MUST_CHECK;
/* With the connection found: start or callback. 101 for a callback address that this connection does not use,
 * 301, 308, 309. */
int start_request_sort(struct start_request *start, const struct sso_connection *connection,
                       enum slug_tail tail) MUST_CHECK;
/* INI-4, for a start: 109 unless a page is being asked for. */
int start_request_check_navigation(const struct http_request *request,
                                   struct start_request *start) MUST_CHECK;
/* INI-6 and INI-8, for a start: 104, 105, 107. */
int start_request_check(struct start_request *start, const struct sso_data *data, const struct sso_host *host,
                        const struct sso_connection *connection, struct arena *arena) MUST_CHECK;

#endif
