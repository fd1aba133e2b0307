/* The example lists of tests/vectors/lists, whole or with one piece of text replaced. */
#ifndef TESTS_LIST_VECTORS_H
#define TESTS_LIST_VECTORS_H

#include "base/buf.h"
#include "medmij/lists.h"

#include <stdio.h>
#include <stdlib.h>

#define VECTOR_MAX ((size_t)1 << 20)

static const struct vector {
    enum list_kind kind;
    const char *file;
} vectors[] = {
    {LIST_PROVIDERS, "MedMij_Zorgaanbiederslijst.release3.xml"},
    {LIST_CLIENTS, "MedMij_OAuthclientlist.release3.xml"},
    {LIST_SERVICE_NAMES, "MedMij_Gegevensdienstnamenlijst.release1.xml"},
    {LIST_WHITELIST, "MedMij_Whitelist.release2.xml"},
    {LIST_PROVIDERS, "MedMij_Zorgaanbiederslijst.release2.xml"},
    {LIST_CLIENTS, "MedMij_OAuthclientlist.release2.xml"},
};
#define VECTOR_COUNT (sizeof vectors / sizeof *vectors)

static inline struct str read_path(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return STR_NONE;
    char *bytes = arena_alloc(arena, VECTOR_MAX);
    size_t length = fread(bytes, 1, VECTOR_MAX, file);
    fclose(file);
    return str_of(bytes, length);
}

static inline const char *vector_path(struct arena *arena, const char *name)
{
    const char *folder = getenv("TEST_DIR");
    return arena_printf(arena, "%s/vectors/lists/%s", folder ? folder : "tests", name);
}

static inline struct str read_vector(struct arena *arena, const char *name)
{
    struct str text = read_path(arena, vector_path(arena, name));
    if (text.length == 0) {
        fprintf(stderr, "missing test vector: %s\n", name);
        abort();
    }
    return text;
}

/* The first `from` becomes `to`; a `from` that does not occur is a mistake in the test. */
static inline struct str replaced(struct arena *arena, struct str text, const char *from, const char *to)
{
    const char *at = memmem(text.data, text.length, from, strlen(from));
    if (at == NULL) {
        fprintf(stderr, "not in the vector: %s\n", from);
        abort();
    }
    size_t before = (size_t)(at - text.data);
    struct buf out = buf_new(arena, 4 * VECTOR_MAX);
    buf_append(&out, str_slice(text, 0, before));
    buf_append_c(&out, to);
    buf_append(&out, str_slice(text, before + strlen(from), text.length));
    return buf_str(&out);
}

#endif
