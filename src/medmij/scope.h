/*
 * The scope of an authorization request (spec 3.3; core.authint.200, ext.abo, ext.vert): text to typed struct
 * and back. Pure; any thread. Fuzz target: tests/fuzz/fuzz_scope.c.
 */
#ifndef MEDMIJ_SCOPE_H
#define MEDMIJ_SCOPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum medmij_function { FUNCTION_COLLECT, FUNCTION_SHARE, FUNCTION_SUBSCRIBE };
const char *medmij_function_name(enum medmij_function function); /* "collect", "share", "subscribe" */
/* OK or ABSENT. */
enum outcome medmij_function_from_name(struct str name, enum medmij_function *out_function) MUST_CHECK;

enum scope_form {
    SCOPE_PROVIDER, /* "provider": collect, 2.1 and later */
    SCOPE_PAIRS, /* "provider~service" once: share, or legacy collect; more than once: legacy collect only */
    SCOPE_SUBSCRIBE, /* "subscribe~days/provider~service" */
};

#define SCOPE_SERVICES_MAX 32
#define SCOPE_LENGTH_MAX 2048
#define SCOPE_PROVIDER_MAX 100

/* The two terminals of the grammar; the lists are held to the same forms. */
bool medmij_is_provider_name(struct str text); /* without "@medmij" */
bool medmij_is_service_id(
    struct str text); /* GegevensdienstId: 1..30, no space, '~', '/', quote, backslash */

struct scope {
    enum scope_form form;
    struct str provider;
    struct str services[SCOPE_SERVICES_MAX];
    size_t service_count;
    int64_t days;         /* SCOPE_SUBSCRIBE; 0 ends the subscription */
    bool is_on_behalf_of; /* modifier onbehalfof (ext.vert) */
    bool is_on_behalf_of_child;
};

/* OK, or FAILED for anything outside the grammar (a service or modifier named twice included); slices point
 * into `text`. A modifier never occurs with SCOPE_SUBSCRIBE; with SCOPE_PAIRS it makes the request a legacy
 * collect: the caller refuses it for share. */
enum outcome scope_parse(struct str text, struct scope *out_scope) MUST_CHECK;

#endif
