/*
 * The renderer behind html/template: walks the nodes of one template (partials linked) over a stack of
 * contexts. A name is looked up from the innermost context outwards by its first part; the other parts are
 * looked up strictly inside what the first one found. Pure; any thread.
 */
#ifndef HTML_TEMPLATE_RENDER_H
#define HTML_TEMPLATE_RENDER_H

#include "base/buf.h"
#include "html/template_parse.h"
#include "html/value.h"

/* Stops early when the buffer overflows; the caller looks at buf->overflowed. `context` may be NULL. */
void template_render_nodes(struct buf *buf, const struct template_nodes *nodes, const struct value *context);

#endif
