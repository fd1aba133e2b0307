/*
 * The parser behind html/template: one template's source to a flat list of nodes. A section's node knows
 * where its end is, so rendering is a walk with jumps. Standalone tags (a section, comment, partial or
 * delimiter tag alone on its line) take their line with them, as the Mustache specification asks.
 *
 * Nodes point into the source, which must live as long as they do. Pure; any thread.
 */
#ifndef HTML_TEMPLATE_PARSE_H
#define HTML_TEMPLATE_PARSE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#define TEMPLATE_SECTION_DEPTH_MAX 32

enum template_node_kind {
    NODE_TEXT,
    NODE_VARIABLE,
    NODE_UNESCAPED,
    NODE_SECTION,
    NODE_INVERTED,
    NODE_PARTIAL,
};

struct template_nodes;

struct template_node {
    enum template_node_kind kind;
    struct str text;   /* NODE_TEXT: the text; others: the name as written */
    struct str *parts; /* the name split at its dots; none means "." */
    size_t part_count;
    size_t end;                          /* sections: index of the first node behind the section */
    struct str indentation;              /* NODE_PARTIAL: what stood before a standalone tag */
    size_t line;                         /* 1-based, for messages */
    const struct template_nodes *target; /* NODE_PARTIAL: filled in by the linker */
};

struct template_nodes {
    struct template_node *items;
    size_t count;
    size_t capacity;
};

/* FAILED: text is "file:line: what". `file` names the source in messages. */
enum outcome template_parse(struct arena *arena, const char *file, struct str source,
                            struct template_nodes *out_nodes, struct failure *failure) MUST_CHECK;

#endif
