/*
 * Parameters: application/x-www-form-urlencoded, in a query string or a body (WHATWG URL 5.1, RFC 6749
 * appendix B).
 *
 * Parsing never rejects the whole for one bad value: a value with a bad %XX, a NUL or bad UTF-8 is kept as
 * FORM_MALFORMED, so that the authorization endpoint can still find a sound redirect_uri beside it. Too much
 * input is rejected as a whole. Pure functions; any thread. Fuzz target: tests/fuzz/fuzz_form.c.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define FORM_FIELDS_MAX 64

struct form_field {
    struct str name;
    struct str value;
    bool is_malformed;
};

struct form {
    struct form_field *fields;
    size_t count;
};

/* FAILED when there are more than FORM_FIELDS_MAX fields. Names that are malformed match nothing. */
enum outcome form_parse(struct arena *arena, struct str text, struct form *out_form) MUST_CHECK;

enum form_lookup {
    FORM_ONE,       /* exactly one, well-formed; the value may be empty */
    FORM_MISSING,   /* none */
    FORM_REPEATED,  /* two or more: invalid_request (RFC 6749 3.1) */
    FORM_MALFORMED, /* one, not decodable */
};

/* Percent-decoding alone (RFC 3986 2.1): "+" stays a plus. FAILED on a bad escape, a NUL or bad UTF-8. */
enum outcome form_decode_percent(struct arena *arena, struct str text, struct str *out_text) MUST_CHECK;

enum form_lookup form_get(const struct form *form, const char *name, struct str *out_value) MUST_CHECK;

#endif
