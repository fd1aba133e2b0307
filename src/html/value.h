/*
 * What a page shows: a small tree of named values in the request's arena, handed to html/template.
 * Text is held raw; the template escapes it for its place.
 */
#ifndef HTML_VALUE_H
#define HTML_VALUE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum value_kind { VALUE_NULL, VALUE_BOOL, VALUE_TEXT, VALUE_LIST, VALUE_OBJECT };

struct value;

struct value_member {
    struct str name;
    struct value *value;
    struct value_member *next;
};

struct value {
    enum value_kind kind;
    bool is_true;               /* VALUE_BOOL */
    struct str text;            /* VALUE_TEXT */
    struct value_member *first; /* VALUE_OBJECT members, VALUE_LIST items (name empty), in order */
    struct value_member *last;
};

struct value *value_object(struct arena *arena);
struct value *value_list(struct arena *arena);
struct value *value_text(struct arena *arena, struct str text);
struct value *value_bool(struct arena *arena, bool is_true);

/* A later put of the same name shadows the earlier one. Names are literals or outlive the tree. */
void value_put(struct arena *arena, struct value *object, const char *name, struct value *value);
void value_put_text(struct arena *arena, struct value *object, const char *name, struct str text);
void value_put_c(struct arena *arena, struct value *object, const char *name, const char *text);
void value_put_bool(struct arena *arena, struct value *object, const char *name, bool is_true);
void value_append(struct arena *arena, struct value *list, struct value *item);

/* NULL when there is none. */
const struct value *value_get(const struct value *object, struct str name);
/* Mustache truth: not null, not false, not an empty list; the empty text is false too. */
bool value_is_truthy(const struct value *value);

#endif
