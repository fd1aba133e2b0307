#include "html/template_render.h"

#include "html/escape.h"

struct frame {
    const struct value *value;
    const struct frame *outer;
};

static void render_range(struct buf *buf, const struct template_nodes *nodes, size_t from, size_t to,
                         const struct frame *frame);

static const struct value *look_up(const struct template_node *node, const struct frame *frame)
{
    if (node->part_count == 0)
        return frame->value;
    const struct value *value = NULL;
    for (; frame != NULL && value == NULL; frame = frame->outer)
        value = value_get(frame->value, node->parts[0]);
    for (size_t i = 1; i < node->part_count && value != NULL; i++)
        value = value_get(value, node->parts[i]);
    return value;
}

/* Lists and objects have no text form. */
static struct str text_of(const struct value *value)
{
    if (value == NULL)
        return STR_NONE;
    switch (value->kind) {
    case VALUE_TEXT:
        return value->text;
    case VALUE_BOOL:
        return value->is_true ? STR("true") : STR("false");
    case VALUE_NULL:
    case VALUE_LIST:
    case VALUE_OBJECT:
        break;
    }
    return STR_NONE;
}

static void render_section(struct buf *buf, const struct template_nodes *nodes, size_t at,
                           const struct frame *frame)
{
    const struct value *value = look_up(&nodes->items[at], frame);
    size_t end = nodes->items[at].end;
    if (!value_is_truthy(value))
        return;
    if (value->kind != VALUE_LIST) {
        struct frame inner = {.value = value, .outer = frame};
        render_range(buf, nodes, at + 1, end, &inner);
        return;
    }
    for (const struct value_member *item = value->first; item != NULL; item = item->next) {
        struct frame inner = {.value = item->value, .outer = frame};
        render_range(buf, nodes, at + 1, end, &inner);
    }
}

static void render_range(struct buf *buf, const struct template_nodes *nodes, size_t from, size_t to,
                         const struct frame *frame)
{
    for (size_t at = from; at < to && !buf->overflowed;) {
        const struct template_node *node = &nodes->items[at];
        size_t next = at + 1;
        switch (node->kind) {
        case NODE_TEXT:
            buf_append(buf, node->text);
            break;
        case NODE_VARIABLE:
            html_escape(buf, text_of(look_up(node, frame)));
            break;
        case NODE_UNESCAPED:
            buf_append(buf, text_of(look_up(node, frame)));
            break;
        case NODE_SECTION:
            render_section(buf, nodes, at, frame);
            next = node->end;
            break;
        case NODE_INVERTED:
            /* The body is what follows; a truthy value jumps over it. */
            if (value_is_truthy(look_up(node, frame)))
                next = node->end;
            break;
        case NODE_PARTIAL:
            render_range(buf, node->target, 0, node->target->count, frame);
            break;
        }
        at = next;
    }
}

void template_render_nodes(struct buf *buf, const struct template_nodes *nodes, const struct value *context)
{
    struct frame root = {.value = context, .outer = NULL};
    render_range(buf, nodes, 0, nodes->count, &root);
}
