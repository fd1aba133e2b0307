#include "html/template_parse.h"

#define DELIMITER_MAX 8

struct parser {
    struct arena *arena;
    const char *file;
    struct str source;
    size_t at;
    size_t line; /* of `line_at` */
    size_t line_at;
    struct str open;
    struct str close;
    size_t sections[TEMPLATE_SECTION_DEPTH_MAX]; /* indices of the nodes of sections that are open */
    size_t section_count;
    struct template_nodes *nodes;
    struct failure *failure;
};

/* A tag as it stands in the source. */
struct tag {
    size_t from; /* of the opening delimiter */
    size_t to;   /* behind the closing delimiter */
    char sigil;  /* 0 for a variable */
    struct str content;
    struct str indentation; /* of a standalone tag */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str trim_space(struct str s)
{
    size_t from = 0, to = s.length;
    while (from < to && is_space(s.data[from]))
        from++;
    while (to > from && is_space(s.data[to - 1]))
        to--;
    return str_slice(s, from, to);
}

/* The line that position `at` is on; positions are asked for in rising order. */
static size_t line_of(struct parser *parser, size_t at)
{
    for (; parser->line_at < at; parser->line_at++)
        if (parser->source.data[parser->line_at] == '\n')
            parser->line++;
    return parser->line;
}

static enum outcome fault_at(struct parser *parser, size_t at, const char *what)
{
    return failure_set(parser->failure, "%s:%zu: %s", parser->file, line_of(parser, at), what);
}

/* Position of `needle` at or behind `from`, or the source's length. */
static size_t find(const struct parser *parser, size_t from, struct str needle)
{
    if (from >= parser->source.length)
        return parser->source.length;
    const char *found =
        memmem(parser->source.data + from, parser->source.length - from, needle.data, needle.length);
    return found ? (size_t)(found - parser->source.data) : parser->source.length;
}

static void add_text(struct parser *parser, size_t from, size_t to)
{
    struct template_node node = {.kind = NODE_TEXT, .text = str_slice(parser->source, from, to)};
    if (node.text.length > 0)
        vec_push(parser->arena, parser->nodes, node);
}

/* Names are of letters, digits, '_' and '-', in parts divided by dots. Anything else is more likely a slip
 * ("{{ #name}}") than a name. */
static enum outcome split_name(struct parser *parser, const struct tag *tag, struct template_node *node)
{
    struct str name = tag->content;
    if (str_equal_c(name, "."))
        return OK;
    VEC(struct str) parts = {0};
    struct str rest = name, part;
    while (str_split_next(&rest, '.', &part)) {
        if (part.length == 0)
            return fault_at(parser, tag->from, "empty name, or an empty part of a name");
        for (size_t i = 0; i < part.length; i++) {
            char c = part.data[i];
            bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '_' || c == '-';
            if (!is_good)
                return fault_at(parser, tag->from, "a name has letters, digits, '_', '-' and '.' only");
        }
        vec_push(parser->arena, &parts, part);
    }
    if (parts.count == 0)
        return fault_at(parser, tag->from, "a tag without a name");
    node->parts = parts.items;
    node->part_count = parts.count;
    return OK;
}

/* {{=<% %>=}}: the content without its equals signs is two delimiters with white space between. */
static enum outcome set_delimiters(struct parser *parser, const struct tag *tag)
{
    struct str content = tag->content;
    size_t open_end = 0;
    while (open_end < content.length && !is_space(content.data[open_end]))
        open_end++;
    struct str open = str_slice(content, 0, open_end);
    struct str close = trim_space(str_slice(content, open_end, content.length));
    bool is_good = open.length > 0 && close.length > 0 && open.length <= DELIMITER_MAX &&
                   close.length <= DELIMITER_MAX && str_find(open, '=') == open.length &&
                   str_find(close, '=') == close.length;
    for (size_t i = 0; i < close.length; i++)
        is_good = is_good && !is_space(close.data[i]);
    if (!is_good)
        return fault_at(parser, tag->from, "a delimiter tag has two delimiters without white space or '='");
    parser->open = open;
    parser->close = close;
    return OK;
}

/* Takes the tag at `from`, where the opening delimiter stands. */
static enum outcome scan_tag(struct parser *parser, size_t from, struct tag *out_tag)
{
    size_t at = from + parser->open.length;
    struct tag tag = {.from = from};
    if (at < parser->source.length && memchr("#^/>!&{=", parser->source.data[at], 8) != NULL)
        tag.sigil = parser->source.data[at++];
    /* Two sigils close with a counterpart of their own in front of the delimiter. */
    char closing[DELIMITER_MAX + 1];
    size_t closing_length = 0;
    if (tag.sigil == '{')
        closing[closing_length++] = '}';
    else if (tag.sigil == '=')
        closing[closing_length++] = '=';
    memcpy(closing + closing_length, parser->close.data, parser->close.length);
    closing_length += parser->close.length;

    size_t end = find(parser, at, str_of(closing, closing_length));
    if (end == parser->source.length)
        return fault_at(parser, from, "a tag is not closed");
    tag.content = trim_space(str_slice(parser->source, at, end));
    tag.to = end + closing_length;
    *out_tag = tag;
    return OK;
}

/* A tag that is alone on its line is widened to that whole line, line end included. */
static void widen_standalone(const struct parser *parser, struct tag *tag)
{
    if (tag->sigil == 0 || tag->sigil == '&' || tag->sigil == '{')
        return;
    const char *data = parser->source.data;
    size_t length = parser->source.length;
    size_t from = tag->from, to = tag->to;
    while (from > 0 && (data[from - 1] == ' ' || data[from - 1] == '\t'))
        from--;
    if (from > 0 && data[from - 1] != '\n')
        return;
    while (to < length && (data[to] == ' ' || data[to] == '\t'))
        to++;
    if (to < length && data[to] == '\r' && to + 1 < length && data[to + 1] == '\n')
        to++;
    if (to < length && data[to] != '\n')
        return;
    tag->indentation = str_slice(parser->source, from, tag->from);
    tag->from = from;
    tag->to = to < length ? to + 1 : to;
}

static enum outcome add_named(struct parser *parser, enum template_node_kind kind, const struct tag *tag)
{
    struct template_node node = {.kind = kind, .text = tag->content, .line = line_of(parser, tag->from)};
    if (split_name(parser, tag, &node) != OK)
        return FAILED;
    vec_push(parser->arena, parser->nodes, node);
    return OK;
}

static enum outcome open_section(struct parser *parser, enum template_node_kind kind, const struct tag *tag)
{
    if (parser->section_count == TEMPLATE_SECTION_DEPTH_MAX)
        return fault_at(parser, tag->from, "sections are nested too deeply");
    if (add_named(parser, kind, tag) != OK)
        return FAILED;
    parser->sections[parser->section_count++] = parser->nodes->count - 1;
    return OK;
}

static enum outcome close_section(struct parser *parser, const struct tag *tag)
{
    if (parser->section_count == 0)
        return fault_at(parser, tag->from, "a section is closed that was not opened");
    struct template_node *section = &parser->nodes->items[parser->sections[--parser->section_count]];
    if (!str_equal(section->text, tag->content))
        return failure_set(parser->failure, "%s:%zu: section \"%.*s\" of line %zu is closed by another name",
                           parser->file, line_of(parser, tag->from), STR_ARG(section->text), section->line);
    section->end = parser->nodes->count;
    return OK;
}

/* A partial's name is a path: parts divided by slashes. Whether it exists is the linker's business. */
static enum outcome add_partial(struct parser *parser, const struct tag *tag)
{
    if (tag->content.length == 0)
        return fault_at(parser, tag->from, "a partial without a name");
    struct template_node node = {.kind = NODE_PARTIAL,
                                 .text = tag->content,
                                 .indentation = tag->indentation,
                                 .line = line_of(parser, tag->from)};
    vec_push(parser->arena, parser->nodes, node);
    return OK;
}

static enum outcome take_tag(struct parser *parser, const struct tag *tag)
{
    switch (tag->sigil) {
    case '#':
        return open_section(parser, NODE_SECTION, tag);
    case '^':
        return open_section(parser, NODE_INVERTED, tag);
    case '/':
        return close_section(parser, tag);
    case '>':
        return add_partial(parser, tag);
    case '!':
        return OK;
    case '=':
        return set_delimiters(parser, tag);
    case '{':
    case '&':
        return add_named(parser, NODE_UNESCAPED, tag);
    default:
        return add_named(parser, NODE_VARIABLE, tag);
    }
}

enum outcome template_parse(struct arena *arena, const char *file, struct str source,
                            struct template_nodes *out_nodes, struct failure *failure)
{
    struct template_nodes nodes = {0};
    struct parser parser = {
        .arena = arena,
        .file = file,
        .source = source,
        .line = 1,
        .open = STR("{{"),
        .close = STR("}}"),
        .nodes = &nodes,
        .failure = failure,
    };
    for (;;) {
        size_t from = find(&parser, parser.at, parser.open);
        if (from == source.length)
            break;
        struct tag tag = {0}; /* compilers do not see that OK sets it */
        if (scan_tag(&parser, from, &tag) != OK)
            return FAILED;
        widen_standalone(&parser, &tag);
        add_text(&parser, parser.at, tag.from);
        if (take_tag(&parser, &tag) != OK)
            return FAILED;
        parser.at = tag.to;
    }
    add_text(&parser, parser.at, source.length);
    if (parser.section_count > 0) {
        const struct template_node *section = &nodes.items[parser.sections[parser.section_count - 1]];
        return failure_set(failure, "%s:%zu: section \"%.*s\" is not closed", file, section->line,
                           STR_ARG(section->text));
    }
    *out_nodes = nodes;
    return OK;
}
