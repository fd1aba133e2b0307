/*
 * Strict JSON and typed reading of claims: present, absent and of the wrong type are three things (IDT-20).
 * Pure functions; any thread. Linking this module makes jansson overwrite every value that it releases, since
 * tokens and claims pass through it (TOK-7).
 */
#ifndef JOSE_CLAIMS_H
#define JOSE_CLAIMS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

#define JSON_BYTES_MAX ((size_t)262144)
#define JSON_DEPTH_MAX 32

/* A JSON object, no duplicate names, no NUL, at most JSON_BYTES_MAX bytes and JSON_DEPTH_MAX deep. New
 * reference. */
enum outcome json_parse_object(struct str text, json_t **out_object, struct failure *failure) MUST_CHECK;
/* The same for an array. */
enum outcome json_parse_array(struct str text, json_t **out_array, struct failure *failure) MUST_CHECK;

/* As compact text in the arena; takes the reference. Empty when memory ran out, or for NULL. */
struct str json_print(struct arena *arena, json_t *json);
/* A JSON string, NULL when the text is not UTF-8. New reference. */
json_t *json_text(struct str value);

enum outcome claim_text(const json_t *object, const char *name,
                        struct str *out_text) MUST_CHECK; /* slice into object */
/* The value at `path`, NULL when nothing is there (borrowed from `claims`). Without `\` and `"` in it: a
 * member of that very name (which may hold dots, or be a URL), else, level by level, the longest part before
 * a dot that names a member. With one of them it is taken to the letter (CLM-1): names between dots, "\." a
 * dot in a name, a name in double quotes as it stands; "\" takes the next character literally in both. Fuzz
 * target: tests/fuzz/fuzz_claim_path.c. */
const json_t *claims_at_path(const json_t *claims, struct str path);
/* The text at such a path. FAILED when what is there is no string, a step on the way is no object, or the
 * path is malformed. */
enum outcome claim_path(const json_t *object, struct str path,
                        struct str *out_text) MUST_CHECK; /* slice into object */
/* What kind of JSON it is, for logs: "object", "array", "string", "integer", "real", "boolean", "null";
 * "absent" for NULL. */
const char *claim_kind(const json_t *value);
/* NumericDate (RFC 7519 2): a number, fraction dropped, within +-9e15; 1e300 is FAILED (IDT-12). */
enum outcome claim_time(const json_t *object, const char *name, int64_t *out_seconds) MUST_CHECK;

#endif
