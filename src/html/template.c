#include "html/template.h"

#include "base/codec.h"
#include "html/template_files.h"
#include "html/template_parse.h"
#include "html/template_render.h"

#include <stdlib.h>

enum link_state { LINK_NEW, LINK_BUSY, LINK_DONE };

struct template
{
    const char *name;
    const char *file;
    struct str source;
    struct template_nodes nodes;
    enum link_state state;
    size_t weight; /* nodes with those of its partials: bounds what one rendering walks per pass */
    size_t depth;  /* of partials in partials below this template */
    const char *hash;
    bool is_hashed; /* into the digest being computed */
};

struct template_set {
    struct arena *arena;
    struct template *items; /* sorted by name */
    size_t count;
    size_t unescaped_count;
    size_t compiled_bytes;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct template *)a)->name, ((const struct template *)b)->name);
}

static struct template *find_template(const struct template_set *set, const char *name)
{
    struct template key = {.name = name};
    return bsearch(&key, set->items, set->count, sizeof key, by_name);
}

static struct template *find_partial(const struct template_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_equal_c(name, set->items[i].name))
            return &set->items[i];
    return NULL;
}

/* Parses within the set's budget. */
static enum outcome compile(struct template_set *set, const struct template *item, struct str source,
                            struct template_nodes *out_nodes, struct failure *failure)
{
    set->compiled_bytes += source.length;
    if (source.length > TEMPLATE_SOURCE_MAX || set->compiled_bytes > TEMPLATE_COMPILED_MAX)
        return failure_set(failure, "%s: the template, or the set as a whole, is too large", item->file);
    return template_parse(set->arena, item->file, source, out_nodes, failure);
}

/* A standalone partial is compiled anew with its indentation in front of every line. FAILED: too large. */
static enum outcome indent(struct arena *arena, struct str source, struct str indentation,
                           struct str *out_source)
{
    struct buf buf = buf_new(arena, TEMPLATE_SOURCE_MAX);
    for (size_t from = 0; from < source.length && !buf.overflowed;) {
        struct str rest = str_slice(source, from, source.length);
        size_t length = str_find(rest, '\n');
        if (length < rest.length)
            length++;
        buf_append(&buf, indentation);
        buf_append(&buf, str_slice(rest, 0, length));
        from += length;
    }
    *out_source = buf_str(&buf);
    return buf.overflowed ? FAILED : OK;
}

static enum outcome link_template(struct template_set *set, struct template *item, struct failure *failure);

static enum outcome link_nodes(struct template_set *set, struct template *item, struct template_nodes *nodes,
                               size_t *weight, struct failure *failure);

static enum outcome link_partial(struct template_set *set, struct template *item, struct template_node *node,
                                 size_t *weight, struct failure *failure)
{
    struct template *partial = find_partial(set, node->text);
    if (partial == NULL)
        return failure_set(failure, "%s:%zu: there is no partial \"%.*s\"", item->file, node->line,
                           STR_ARG(node->text));
    if (partial->state == LINK_BUSY)
        return failure_set(failure, "%s:%zu: partial \"%.*s\" includes itself", item->file, node->line,
                           STR_ARG(node->text));
    if (link_template(set, partial, failure) != OK)
        return FAILED;
    if (partial->depth + 1 > item->depth)
        item->depth = partial->depth + 1;
    if (item->depth > TEMPLATE_PARTIAL_DEPTH_MAX)
        return failure_set(failure, "%s:%zu: partials are nested too deeply", item->file, node->line);
    *weight += partial->weight;
    if (*weight > TEMPLATE_NODES_MAX)
        return failure_set(failure, "%s:%zu: the template is too large with its partials", item->file,
                           node->line);
    if (node->indentation.length == 0) {
        node->target = &partial->nodes;
        return OK;
    }
    struct template_nodes *copy = arena_new_of(set->arena, struct template_nodes);
    struct str source;
    if (indent(set->arena, partial->source, node->indentation, &source) != OK)
        return failure_set(failure, "%s:%zu: the indented partial is too large", item->file, node->line);
    size_t copy_weight = 0;
    if (compile(set, partial, source, copy, failure) != OK ||
        link_nodes(set, partial, copy, &copy_weight, failure) != OK)
        return FAILED;
    node->target = copy;
    return OK;
}

static enum outcome link_nodes(struct template_set *set, struct template *item, struct template_nodes *nodes,
                               size_t *weight, struct failure *failure)
{
    *weight += nodes->count;
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->items[i].kind == NODE_PARTIAL &&
            link_partial(set, item, &nodes->items[i], weight, failure) != OK)
            return FAILED;
    }
    return OK;
}

/* Connects the partials, depth first. */
static enum outcome link_template(struct template_set *set, struct template *item, struct failure *failure)
{
    if (item->state == LINK_DONE)
        return OK;
    item->state = LINK_BUSY;
    if (link_nodes(set, item, &item->nodes, &item->weight, failure) != OK)
        return FAILED;
    item->state = LINK_DONE;
    return OK;
}

/* Appends the source of `item` and of every partial it reaches, each once, framed by name and length. */
static void gather_sources(struct template_set *set, struct template *item, struct buf *buf)
{
    if (item->is_hashed)
        return;
    item->is_hashed = true;
    buf_printf(buf, "%s\n%zu\n", item->name, item->source.length);
    buf_append(buf, item->source);
    for (size_t i = 0; i < item->nodes.count; i++)
        if (item->nodes.items[i].kind == NODE_PARTIAL)
            gather_sources(set, find_partial(set, item->nodes.items[i].text), buf);
}

static void hash_template(struct template_set *set, struct template *item)
{
    struct arena *scratch = arena_new();
    for (size_t i = 0; i < set->count; i++)
        set->items[i].is_hashed = false;
    struct buf buf = buf_new(scratch, SIZE_MAX / 4);
    gather_sources(set, item, &buf);
    struct str hash = codec_hex(scratch, codec_sha256(scratch, buf_str(&buf)));
    item->hash = arena_strndup(set->arena, hash.data, hash.length);
    arena_free(&scratch);
}

static enum outcome add_source(struct template_set *set, const struct template_source *source,
                               struct failure *failure)
{
    struct template *item = &set->items[set->count++];
    item->name = arena_strdup(set->arena, source->name);
    item->file = arena_strdup(set->arena, source->file);
    item->source = str_copy(set->arena, source->text);
    if (!str_is_utf8(item->source))
        return failure_set(failure, "%s: not UTF-8", item->file);
    if (str_starts_with(item->source, STR("\xEF\xBB\xBF")))
        return failure_set(failure, "%s: starts with a byte order mark", item->file);
    if (str_find(item->source, '\0') < item->source.length)
        return failure_set(failure, "%s: holds a NUL byte", item->file);
    if (compile(set, item, item->source, &item->nodes, failure) != OK)
        return FAILED;
    for (size_t i = 0; i < item->nodes.count; i++)
        set->unescaped_count += item->nodes.items[i].kind == NODE_UNESCAPED;
    return OK;
}

static enum outcome build(struct template_set *set, const struct template_source *sources, size_t count,
                          struct failure *failure)
{
    if (count > TEMPLATE_COUNT_MAX)
        return failure_set(failure, "more than %zu templates", TEMPLATE_COUNT_MAX);
    set->items = arena_array_of(set->arena, count, struct template);
    for (size_t i = 0; i < count; i++)
        if (add_source(set, &sources[i], failure) != OK)
            return FAILED;
    qsort(set->items, set->count, sizeof *set->items, by_name);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->items[i - 1].name, set->items[i].name) == 0)
            return failure_set(failure, "%s: template \"%s\" is also in %s", set->items[i].file,
                               set->items[i].name, set->items[i - 1].file);
    for (size_t i = 0; i < set->count; i++)
        if (link_template(set, &set->items[i], failure) != OK)
            return FAILED;
    for (size_t i = 0; i < set->count; i++)
        hash_template(set, &set->items[i]);
    return OK;
}

enum outcome template_set_compile(const struct template_source *sources, size_t count,
                                  struct template_set **out_set, struct failure *failure)
{
    struct arena *arena = arena_new();
    struct template_set *set = arena_new_of(arena, struct template_set);
    set->arena = arena;
    if (build(set, sources, count, failure) != OK) {
        arena_free(&arena);
        return FAILED;
    }
    *out_set = set;
    return OK;
}

enum outcome template_set_load(const char *const *directories, size_t count, struct template_set **out_set,
                               struct failure *failure)
{
    struct arena *scratch = arena_new();
    struct template_files files = {0};
    enum outcome outcome = OK;
    for (size_t i = 0; i < count && outcome == OK; i++)
        outcome = template_files_read(scratch, directories[i], &files, failure);
    if (outcome == OK)
        outcome = template_set_compile(files.items, files.count, out_set, failure);
    arena_free(&scratch);
    return outcome;
}

void template_set_free(struct template_set **set)
{
    if (set == NULL || *set == NULL)
        return;
    struct arena *arena = (*set)->arena;
    *set = NULL;
    arena_free(&arena);
}

size_t template_unescaped_count(const struct template_set *set)
{
    return set->unescaped_count;
}

enum outcome template_hash(const struct template_set *set, const char *name, const char **out_hex)
{
    const struct template *item = find_template(set, name);
    if (item == NULL)
        return ABSENT;
    *out_hex = item->hash;
    return OK;
}

enum outcome template_render(const struct template_set *set, const char *name, const struct value *context,
                             struct arena *arena, size_t cap, struct str *out_html)
{
    const struct template *item = find_template(set, name);
    if (item == NULL)
        return ABSENT;
    struct buf buf = buf_new(arena, cap);
    template_render_nodes(&buf, &item->nodes, context);
    if (buf.overflowed)
        return FAILED;
    *out_html = buf_str(&buf);
    return OK;
}
