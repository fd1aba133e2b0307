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

/* Bounds, so that neither loading nor rendering runs away. NODES: what one template holds with its partials;
 * COMPILED: all sources of a set plus the indented copies of standalone partials. */
#define TEMPLATE_SOURCE_MAX ((size_t)262144)
#define TEMPLATE_COUNT_MAX ((size_t)1000)
#define TEMPLATE_NODES_MAX ((size_t)100000)
#define TEMPLATE_COMPILED_MAX ((size_t)16777216)
#define TEMPLATE_PARTIAL_DEPTH_MAX 16

struct template_source {
    const char *name;
    const char *file; /* for messages */
    struct str text;
};

/* Reads directories in order (a later one may not redefine a name); symbolic links outside are not followed.
 * Every partial that is named must exist, and partials may not recurse. FAILED: text names file and line. */
enum outcome template_set_load(const char *const *directories, size_t count, struct template_set **out_set,
                               struct failure *failure) MUST_CHECK;
/* The same from memory; the sources are copied. */
enum outcome template_set_compile(const struct template_source *sources, size_t count,
                                  struct template_set **out_set, struct failure *failure) MUST_CHECK;
void template_set_free(struct template_set **set);

/* How many {{{x}}} and {{&x}} tags the set holds: 0 in a set that nothing can be injected through. */
size_t template_unescaped_count(const struct template_set *set);

/* SHA-256 (hex) over the named template's source and that of every partial it reaches: the version of a text
 * as it was shown (consent register). ABSENT for an unknown name. */
enum outcome template_hash(const struct template_set *set, const char *name, const char **out_hex) MUST_CHECK;

/* ABSENT for an unknown name, FAILED past `cap` bytes. */
enum outcome template_render(const struct template_set *set, const char *name, const struct value *context,
                             struct arena *arena, size_t cap, struct str *out_html) MUST_CHECK;

#endif
