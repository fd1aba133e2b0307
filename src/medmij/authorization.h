/*
 * The authorization request (spec 3.1 to 3.5; core.authint.200-208): from parameters to a typed, checked
 * request.
 *
 * Two sets of checks decide whether a redirect is allowed. The first (exception 1a) establishes the client
 * and its redirect URI; its faults never redirect. The second (exception 1b) covers everything else; its
 * faults are told to the client.
 *
 * Between pages the request travels packed and sealed (landing form, flow payload); it is resolved against
 * the lists and the catalogue again at every step, so that a provider or client that was struck off meanwhile
 * stops the flow.
 *
 * Pure but for the snapshots it reads; any thread. Its grammar is fuzzed in its parts: form, scope, redirect
 * URI.
 */
#ifndef MEDMIJ_AUTHORIZATION_H
#define MEDMIJ_AUTHORIZATION_H

#include "base/arena.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/form.h"
#include "medmij/catalog.h"
#include "medmij/lists.h"
#include "medmij/scope.h"

#include <stdbool.h>

enum authorization_fault {
    AUTHORIZATION_SOUND,
    AUTHORIZATION_CLIENT,       /* 1a: client_id missing, malformed or unknown */
    AUTHORIZATION_REDIRECT_URI, /* 1a: redirect_uri missing, malformed or not on the client's host */
    AUTHORIZATION_NO_LISTS, /* 1a in effect: the client list is missing or too old, nobody can be checked */
    AUTHORIZATION_INVALID_REQUEST, /* from here on 1b: the client is told */
    AUTHORIZATION_RESPONSE_TYPE,
    AUTHORIZATION_SCOPE,
    AUTHORIZATION_NOT_ALLOWED, /* the client list does not allow this client the function or service */
    AUTHORIZATION_UNAVAILABLE, /* a list needed for the second set is missing or too old */
};

struct authorization_service {
    struct str id;
    struct str name; /* Weergavenaam of the data service names list */
};

struct authorization {
    /* as received */
    struct str client_id;
    struct str redirect_uri;
    struct str state; /* empty only while a fault is being reported that came before it was checked */
    struct str scope_text;
    struct str trace_id;   /* MedMij-Request-ID */
    struct str session_id; /* X-Correlation-ID */
    struct str code_challenge;
    const char *fault_detail; /* English, fixed, for the log */

    /* as resolved; slices and pointers live as long as the snapshots */
    struct scope scope;
    enum medmij_function function;
    bool is_termination; /* subscribe~0 */
    int64_t days;        /* subscribe: what the provider offers, at most what was asked */
    const struct list_client *client;
    const struct catalog_provider *provider;
    struct authorization_service services[SCOPE_SERVICES_MAX];
    size_t service_count;
};

/* 1a faults leave redirect_uri empty; every 1b fault has a redirect_uri that was checked, and state when it
 * was sound. */
enum authorization_fault authorization_read(struct arena *arena, struct str query, const struct conf *conf,
                                            const struct lists_snapshot *lists,
                                            const struct cached_snapshot *catalog,
                                            struct authorization *out_authorization) MUST_CHECK;

/* The OAuth error code of a 1b fault; NULL for the others. */
const char *authorization_fault_code(enum authorization_fault fault);

/* The received part as bytes, for sealing, and back with everything resolved anew. */
struct str authorization_pack(struct arena *arena, const struct authorization *authorization);
enum authorization_fault authorization_unpack(struct arena *arena, struct str packed, const struct conf *conf,
                                              const struct lists_snapshot *lists,
                                              const struct cached_snapshot *catalog,
                                              struct authorization *out_authorization) MUST_CHECK;

/* The scope of the answer (spec 3.7) for the granted service ids (space separated). */
struct str authorization_granted_scope(struct arena *arena, struct str function, struct str provider,
                                       struct str services, int64_t days);

#endif
