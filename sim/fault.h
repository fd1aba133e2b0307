/*
 * What the health record's issuer does wrong on request, once, at the next login (spec sso.md C13 to C16),
 * and the shapes in which it can send the locations (CLM-2, C7). Constant data; any thread.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "base/str.h"

#include <stddef.h>

enum fault_stage {
    FAULT_ERROR,    /* the authorization response is an error; the key is its code */
    FAULT_RESPONSE, /* the authorization response is wrong */
    FAULT_TOKEN,    /* the token response */
    FAULT_ID_TOKEN,
    FAULT_USERINFO,
};

struct fault {
    const char *key;
    enum fault_stage stage;
    const char *label;
    int code;           /* of the error catalogue that Sluis should come to; 0 = the login goes well */
    const char *header; /* JSON merged into the ID token's header; NULL = none */
    const char *claims; /* the same for its payload; a null takes the member out */
    const char *times;  /* the same, seconds from now */
};

extern const struct fault faults[];
extern const size_t fault_count;

/* NULL when unknown. */
const struct fault *fault_find(struct str key);

struct location_shape {
    const char *key;
    const char *label;
};

extern const struct location_shape location_shapes[]; /* the first is the usual one */
extern const size_t location_shape_count;
const struct location_shape *location_shape_find(struct str key);

#endif
