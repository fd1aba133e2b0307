/*
 * Templates: a strict Mustache. Variables are escaped, {{{x}}} and {{&x}} are not and are counted at load
 * time, sections, inverted sections, partials, comments and set-delimiter tags work as in the Mustache
 * specification (core modules); lambdas and inheritance are not there. Anything malformed is an error at load
 * time with file and line.
 *
 * A template_set is compiled once at start from a directory of *.mustache files (name = path below the
 * directory without the extension, e.g. "je-2.2/consent_collect") and immutable afterwards: any thread may
 * render.
 */
#ifndef HTML_TEMPLATE_H
#define HTML_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "html/value.h"

struct template_set;

/* Reads directories in order (a later one may not redefine a name); symbolic links outside are not followed.
 * Every partial that is named must exist, and partials may not recurse. FAILED: text names file and line. */
enum outcome template_set_load(const char *const *directories, size_t count, struct template_set **out_set,
                               struct failure *failure) MUST_CHECK;
void template_set_free(struct template_set **set);

bool template_exists(const struct template_set *set, const char *name);
/* SHA-256 (hex) over the named template's source and that of every partial it reaches: the version of a text
 * as it was shown (consent register). ABSENT for an unknown name. */
enum outcome template_hash(const struct template_set *set, const char *name, const char **out_hex) MUST_CHECK;

/* ABSENT for an unknown name, FAILED past `cap` bytes. */
enum outcome template_render(const struct template_set *set, const char *name, const struct value *context,
                             struct arena *arena, size_t cap, struct str *out_html) MUST_CHECK;

#endif
