#include "cli/catalog_file.h"

#include "base/codec.h"
#include "cli/catalog_table.h"

#include <string.h>

/* JSON strings are YAML double-quoted scalars, whatever is in them. */
static void append_line(struct buf *buf, const char *lead, const char *key, struct str text)
{
    buf_printf(buf, "%s%s: ", lead, key);
    buf_append_json_string(buf, text);
    buf_append_c(buf, "\n");
}

static void append_image(struct buf *buf, const char *lead, const char *key,
                         const struct catalog_image *image)
{
    buf_printf(buf, "%s%s: \"data:%.*s;base64,", lead, key, STR_ARG(image->content_type));
    buf_append(buf, codec_base64(buf->arena, image->bytes));
    buf_append_c(buf, "\"\n");
}

static bool is_left_out(const struct field_row *row, const void *member, bool with_secrets)
{
    const char *standard = row->standard != NULL ? row->standard : "";
    switch (row->kind) {
    case FIELD_SECRET_FILE:
        return true;
    case FIELD_SECRET:
        return !with_secrets || ((const struct str *)member)->length == 0;
    case FIELD_IMAGE:
        return ((const struct catalog_image *)member)->bytes.length == 0;
    case FIELD_BOOL:
        return *(const bool *)member == (strcmp(standard, "true") == 0);
    case FIELD_INT: {
        int64_t number = 0;
        return str_to_int64(str_from_c(standard), &number) == OK && *(const int64_t *)member == number;
    }
    case FIELD_TEXT:
    case FIELD_ID:
    case FIELD_PROVIDER:
    case FIELD_SERVICE:
    case FIELD_CHOICE:
    case FIELD_WORDS:
    case FIELD_URL:
    case FIELD_COLOR:
    case FIELD_FILE:
        return str_equal_c(*(const struct str *)member, standard);
    }
    return true;
}

/* The first line starts with `first`, which has the dash of the list entry; the others are indented as deep.
 */
static void write_object(struct buf *buf, const char *first, const struct field_table *table,
                         const void *object, bool with_secrets)
{
    const char *indent = arena_printf(buf->arena, "%*s", (int)strlen(first), "");
    const char *lead = first;
    const char *section = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        const void *member = (const char *)object + row->offset;
        if (is_left_out(row, member, with_secrets))
            continue;
        const char *dot = strchr(row->key, '.');
        size_t section_length = dot != NULL ? (size_t)(dot - row->key) : 0;
        const char *inner_lead = lead;
        if (dot != NULL) {
            const char *name = arena_strndup(buf->arena, row->key, section_length);
            if (strcmp(name, section) != 0)
                buf_printf(buf, "%s%s:\n", lead, name);
            section = name;
            inner_lead = arena_printf(buf->arena, "%s  ", indent);
        }
        const char *key = dot != NULL ? dot + 1 : row->key;
        if (row->kind == FIELD_BOOL)
            buf_printf(buf, "%s%s: %s\n", inner_lead, key, *(const bool *)member ? "true" : "false");
        else if (row->kind == FIELD_INT)
            buf_printf(buf, "%s%s: %lld\n", inner_lead, key, (long long)*(const int64_t *)member);
        else if (row->kind == FIELD_IMAGE)
            append_image(buf, inner_lead, key, member);
        else
            append_line(buf, inner_lead, key, *(const struct str *)member);
        lead = indent;
    }
}

void catalog_file_write_identity_provider(struct buf *buf, const struct catalog_identity_provider *object,
                                          bool with_secrets)
{
    write_object(buf, "  - ", &identity_provider_fields, object, with_secrets);
}

void catalog_file_write_provider(struct buf *buf, const struct catalog_provider *object, bool with_secrets)
{
    write_object(buf, "  - ", &provider_fields, object, with_secrets);
    buf_append_c(buf, "    services:\n");
    for (size_t i = 0; i < object->service_count; i++)
        write_object(buf, "      - ", &service_fields, &object->services[i], with_secrets);
    buf_append_c(buf, "    identity_providers:\n");
    for (size_t i = 0; i < object->identity_provider_count; i++) {
        buf_append_c(buf, "      - ");
        buf_append_json_string(buf, object->identity_providers[i]);
        buf_append_c(buf, "\n");
    }
}

void catalog_file_write(struct buf *buf, const struct catalog_data *data, bool with_secrets)
{
    if (data->identity_provider_count > 0)
        buf_append_c(buf, "identity_providers:\n");
    for (size_t i = 0; i < data->identity_provider_count; i++)
        catalog_file_write_identity_provider(buf, &data->identity_providers[i], with_secrets);
    if (data->provider_count > 0)
        buf_append_c(buf, "providers:\n");
    for (size_t i = 0; i < data->provider_count; i++)
        catalog_file_write_provider(buf, &data->providers[i], with_secrets);
}

/* ---- manual ---- */

static void append_rows(struct buf *buf, const struct field_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        buf_printf(buf, "**%s**: %s", row->key, field_expectation(buf->arena, row));
        if (row->is_required)
            buf_append_c(buf, "; required");
        if (row->standard != NULL)
            buf_printf(buf, "; default `%s`", row->standard);
        buf_printf(buf, "\n\n> %s\n\n", row->text);
    }
}

static void append_example(struct buf *buf, const struct field_table *table, const char *first)
{
    const char *indent = arena_printf(buf->arena, "%*s", (int)strlen(first), "");
    const char *lead = first;
    for (size_t i = 0; i < table->count; i++) {
        if (!table->rows[i].is_required)
            continue;
        buf_printf(buf, "%s%s: %s\n", lead, table->rows[i].key, table->rows[i].example);
        lead = indent;
    }
}

void catalog_file_write_manual(struct buf *buf)
{
    buf_append_c(
        buf, "% SLUIS-IMPORT(5)\n\n"
             "<!-- Generated by `sluis import --manual` from src/cli/catalog_table.c; do not edit. -->\n\n"
             "# NAME\n\nsluis-import - business data of sluis as a YAML file\n\n"
             "# DESCRIPTION\n\n"
             "`sluis import FILE` brings identity providers and care providers into the store, and `sluis "
             "export` writes "
             "them back in the same form. An import is all or nothing, and importing the same file again "
             "changes nothing. "
             "Objects are known by their `id` or `name`; one that is in the store but not in the file stays, "
             "unless "
             "`--prune` is given. A key that is left out or empty has its default, even when the store has "
             "another value; "
             "secrets alone are kept.\n\n"
             "Files named in it are read at import; relative names start at the directory of the file "
             "itself. Pictures may "
             "also be given as `data:image/png;base64,...` or `data:image/svg+xml;base64,...`, which is how "
             "they are "
             "exported. SVG must be a drawing only: no scripts, event handlers, animation, embedded HTML or "
             "references to "
             "anything outside the file. The file is at most 64 MiB.\n\n"
             "# EXAMPLE\n\n```\nidentity_providers:\n");
    append_example(buf, &identity_provider_fields, "  - ");
    buf_append_c(buf, "    client_secret_file: secrets/digid\nproviders:\n");
    append_example(buf, &provider_fields, "  - ");
    buf_append_c(buf, "    logo: duinen.svg\n    services:\n");
    append_example(buf, &service_fields, "      - ");
    buf_append_c(buf, "      - id: \"49\"\n        function: subscribe\n        max_days: 365\n"
                      "    identity_providers: [digid]\n```\n\n"
                      "# IDENTITY PROVIDERS\n\nEach entry of the list `identity_providers` has:\n\n");
    append_rows(buf, &identity_provider_fields);
    buf_append_c(
        buf, "# PROVIDERS\n\nEach entry of the list `providers` has these, where `availability.url` is `url` "
             "below `availability`:\n\n");
    append_rows(buf, &provider_fields);
    buf_append_c(
        buf, "**services**: a list of 1 to 100 services; required\n\n> The data services, each with:\n\n");
    append_rows(buf, &service_fields);
    buf_append_c(buf, "**identity_providers**: a list of 1 to 20 ids; required\n\n"
                      "> Who people can log in with, in the order of the buttons.\n\n"
                      "# SEE ALSO\n\nsluis(1), sluis.yaml(5)\n");
}
