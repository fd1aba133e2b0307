#include "cli/catalog_file.h"

#include "base/clock.h"
#include "base/codec.h"
#include "sso/views.h"

#include <stdlib.h>
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

static bool is_left_out(const struct field_row *row, const char *standard, const void *member,
                        bool with_secrets)
{
    const char *text = standard != NULL ? standard : "";
    switch (row->kind) {
    case FIELD_SECRET_FILE:
    case FIELD_KEY_FILE:
        return true;
    case FIELD_SECRET:
    case FIELD_KEY:
        return !with_secrets || ((const struct str *)member)->length == 0;
    case FIELD_IMAGE:
        return ((const struct catalog_image *)member)->bytes.length == 0;
    case FIELD_BOOL:
        return *(const bool *)member == (strcmp(text, "true") == 0);
    case FIELD_INT:
        return standard != NULL && *(const int64_t *)member == strtoll(standard, NULL, 10);
    case FIELD_DATE:
        return *(const int64_t *)member == 0;
    case FIELD_TEXT:
    case FIELD_ID:
    case FIELD_PROVIDER:
    case FIELD_SERVICE:
    case FIELD_CHOICE:
    case FIELD_WORDS:
    case FIELD_URL:
    case FIELD_ISSUER:
    case FIELD_URLS:
    case FIELD_COLOR:
    case FIELD_FILE:
    case FIELD_HOST:
    case FIELD_ORIGIN:
    case FIELD_CUSTOMER:
    case FIELD_SSO_PROVIDER:
    case FIELD_SLUG:
    case FIELD_VIEW:
    case FIELD_VIEW_PATH:
    case FIELD_PERMISSION:
    case FIELD_CLAIM_PATH:
    case FIELD_QUERY:
    case FIELD_ADDRESSES:
    case FIELD_CODE:
        return str_equal_c(*(const struct str *)member, text);
    }
    return true;
}

static void append_member(struct buf *buf, const char *lead, const char *key, const struct field_row *row,
                          const void *member)
{
    char date[CLOCK_TEXT_SIZE];
    if (row->kind == FIELD_BOOL)
        buf_printf(buf, "%s%s: %s\n", lead, key, *(const bool *)member ? "true" : "false");
    else if (row->kind == FIELD_INT)
        buf_printf(buf, "%s%s: %lld\n", lead, key, (long long)*(const int64_t *)member);
    else if (row->kind == FIELD_IMAGE)
        append_image(buf, lead, key, member);
    else if (row->kind == FIELD_KEY)
        append_line(buf, lead, key, codec_base64url(buf->arena, *(const struct str *)member));
    else if (row->kind == FIELD_DATE) {
        clock_format_ms(*(const int64_t *)member * 1000, date);
        append_line(buf, lead, key, str_of(date, 10));
    } else
        append_line(buf, lead, key, *(const struct str *)member);
}

/* The first line starts with `first`, which has the dash of the list entry; the others are indented as deep.
 */
static void write_object(struct buf *buf, const char *first, const struct field_table *table,
                         struct str preset, const void *object, bool with_secrets)
{
    const char *indent = arena_printf(buf->arena, "%*s", (int)strlen(first), "");
    const char *lead = first;
    const char *section = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        const void *member = (const char *)object + row->offset;
        if (is_left_out(row, field_standard(row, preset), member, with_secrets))
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
        append_member(buf, inner_lead, dot != NULL ? dot + 1 : row->key, row, member);
        lead = indent;
    }
}

static void write_texts(struct buf *buf, const char *key, const struct str *items, size_t count)
{
    if (count > 0)
        buf_printf(buf, "    %s:\n", key);
    for (size_t i = 0; i < count; i++) {
        buf_append_c(buf, "      - ");
        buf_append_json_string(buf, items[i]);
        buf_append_c(buf, "\n");
    }
}

static void write_provider_lists(struct buf *buf, const struct catalog_provider *object)
{
    buf_append_c(buf, "    services:\n");
    for (size_t i = 0; i < object->service_count; i++)
        write_object(buf, "      - ", &service_fields, STR_NONE, &object->services[i], false);
    write_texts(buf, "identity_providers", object->identity_providers, object->identity_provider_count);
}

static void write_permissions(struct buf *buf, const struct sso_permission_pair *pairs, size_t count)
{
    struct str *texts = arena_array_of(buf->arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        texts[i] = pairs[i].department.length == 0
                       ? pairs[i].permission
                       : str_from_c(arena_printf(buf->arena, "%.*s@%.*s", STR_ARG(pairs[i].permission),
                                                 STR_ARG(pairs[i].department)));
    write_texts(buf, "permissions", texts, count);
}

static void write_patient_keys(struct buf *buf, const struct sso_connection *object, bool with_secrets)
{
    if (object->context_key_count > 0)
        buf_append_c(buf, "    patient_keys:\n");
    for (size_t i = 0; i < object->context_key_count; i++)
        write_object(buf, "      - ", &patient_key_fields, STR_NONE, &object->context_keys[i], with_secrets);
}

static void write_codes(struct buf *buf, const struct mapping_set *object)
{
    if (object->count > 0)
        buf_append_c(buf, "    codes:\n");
    for (size_t i = 0; i < object->count; i++) {
        struct mapping_code code = object->codes[i];
        if (str_equal(code.status, code.group.length > 0 ? STR("linked") : STR("new")))
            code.status = STR_NONE;
        write_object(buf, "      - ", &mapping_code_fields, STR_NONE, &code, false);
    }
}

void catalog_object_write(struct buf *buf, enum section section, const void *object, bool with_secrets)
{
    const struct sso_ceiling *ceiling = object;
    const struct sso_group *group = object;
    const struct sso_connection *connection = object;
    struct str preset = section == SECTION_CONNECTIONS ? connection->preset : STR_NONE;
    write_object(buf, "  - ", file_fields.lists[section].table, preset, object, with_secrets);
    switch (section) {
    case SECTION_PROVIDERS:
        write_provider_lists(buf, object);
        break;
    case SECTION_CEILINGS:
        write_permissions(buf, ceiling->pairs, ceiling->pair_count);
        break;
    case SECTION_GROUPS:
        write_permissions(buf, group->pairs, group->pair_count);
        break;
    case SECTION_CONNECTIONS:
        write_patient_keys(buf, connection, with_secrets);
        break;
    case SECTION_MAPPINGS:
        write_codes(buf, object);
        break;
    case SECTION_IDENTITY_PROVIDERS:
    case SECTION_HOSTS:
    case SECTION_VIEWS:
    case SECTION_APPLICATIONS:
    case SECTION_COUNT:
        break; /* no lists below them */
    }
}

void catalog_file_write(struct buf *buf, const struct business_data *data, bool with_secrets)
{
    for (enum section section = 0; section < SECTION_COUNT; section++) {
        size_t count = catalog_section_count(data, section);
        if (count > 0)
            buf_printf(buf, "%s:\n", file_fields.lists[section].key);
        for (size_t i = 0; i < count; i++)
            catalog_object_write(buf, section, catalog_section_object(data, section, i), with_secrets);
    }
}

/* ---- manual ---- */

static void append_rows(struct buf *buf, const struct field_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        buf_printf(buf, "**%s**: %s", row->key, field_expectation(buf->arena, row));
        if (row->is_required)
            buf_append_c(buf, "; required");
        if (row->standard != NULL && row->standard[0] != '-')
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

static void append_presets(struct buf *buf)
{
    static const char *const names[] = {"ysis", "entra", "adfs", "helloid", "keycloak"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        buf_printf(buf, "**%s**\n\n```\n%s\n```\n\n", names[i], field_preset_text(buf->arena, names[i]));
}

static void append_example_file(struct buf *buf)
{
    buf_append_c(buf, "# EXAMPLE\n\nThe patient's door:\n\n```\nidentity_providers:\n");
    append_example(buf, &identity_provider_fields, "  - ");
    buf_append_c(buf, "    client_secret_file: secrets/digid\nproviders:\n");
    append_example(buf, &provider_fields, "  - ");
    buf_append_c(buf, "    logo: duinen.svg\n    services:\n");
    append_example(buf, &service_fields, "      - ");
    buf_append_c(buf, "      - id: \"49\"\n        function: subscribe\n        max_days: 365\n"
                      "    identity_providers: [digid]\n```\n\nThe professional's door:\n\n```\nhosts:\n");
    append_example(buf, &host_fields, "  - ");
    buf_append_c(buf, "views:\n  - name: default\n    path: /\n");
    append_example(buf, &view_fields, "  - ");
    buf_append_c(buf, "    needs_patient: true\n    permission: status.read\nceilings:\n");
    append_example(buf, &ceiling_fields, "  - ");
    buf_append_c(buf, "    permissions: [status.read, order.write]\nsecurity_groups:\n");
    append_example(buf, &group_fields, "  - ");
    buf_append_c(buf, "    permissions: [status.read, order.write@oost]\nconnections:\n");
    append_example(buf, &connection_fields, "  - ");
    buf_append_c(
        buf,
        "    status: active\n    preset: ysis\n    issuer: https://zonnestraaltjes.ysis.example/cas/oidc\n"
        "    client_id: medicatie-rp\n    client_secret_file: secrets/ysis\n    ceiling: Zorgplein\n"
        "    notify_address: fab@zonnestraaltjes.example\n    patient_keys:\n");
    append_example(buf, &patient_key_fields, "      - ");
    buf_append_c(buf, "        key_file: secrets/ctx-2026-01\napplications:\n");
    append_example(buf, &application_fields, "  - ");
    buf_append_c(buf, "    client_secret_file: secrets/apotheek\nmappings:\n");
    append_example(buf, &mapping_fields, "  - ");
    buf_append_c(buf, "    codes:\n      - {code: \"1201\", name: Huis Oost, group: Verpleging}\n"
                      "      - {code: \"1377\", status: ignored}\n```\n\n");
}

static void append_sso_sections(struct buf *buf)
{
    buf_append_c(buf, "# HOSTS\n\nEach entry of the list `hosts` has:\n\n");
    append_rows(buf, &host_fields);
    buf_append_c(buf, "# VIEWS\n\nAs long as the store has no views at all, these are "
                      "there:");
    size_t seed_count;
    const struct sso_view *seed = views_seed(&seed_count);
    for (size_t i = 0; i < seed_count; i++)
        buf_printf(buf, "%s %.*s", i > 0 ? "," : "", STR_ARG(seed[i].name));
    buf_append_c(buf, ". Each entry of the list `views` has:\n\n");
    append_rows(buf, &view_fields);
    static const char permissions[] =
        "**permissions**: a list of permissions\n\n> Each is a permission code, which "
        "holds for all departments, or code@department.\n\n";
    buf_append_c(buf, "# CEILINGS\n\nEach entry of the list `ceilings` has:\n\n");
    append_rows(buf, &ceiling_fields);
    buf_append_c(buf, permissions);
    buf_append_c(buf, "# SECURITY GROUPS\n\nEach entry of the list `security_groups` has:\n\n");
    append_rows(buf, &group_fields);
    buf_append_c(buf, permissions);
    buf_append_c(buf, "# CONNECTIONS\n\nEach entry of the list `connections` has:\n\n");
    append_rows(buf, &connection_fields);
    buf_append_c(
        buf,
        "**patient_keys**: a list of at most 2 keys\n\n> Keys that open an encrypted patient context, each "
        "with:\n\n");
    append_rows(buf, &patient_key_fields);
    buf_append_c(buf,
                 "# PRESETS\n\nA connection with a preset has these values for keys that are left out:\n\n");
    append_presets(buf);
    buf_append_c(buf, "# APPLICATIONS\n\nApplications that log people in at Sluis with OpenID Connect; see "
                      "docs/applications.md. Each entry of the list `applications` has:\n\n");
    append_rows(buf, &application_fields);
    buf_append_c(
        buf,
        "# MAPPINGS\n\nThe mapping table is written by logins as well: an import adds and changes the codes "
        "in the file and never removes one, not even with `--prune`. Each entry of the list `mappings` "
        "is the table of one connection, or a part of it:\n\n");
    append_rows(buf, &mapping_fields);
    buf_append_c(buf, "**codes**: a list\n\n> The codes, each with:\n\n");
    append_rows(buf, &mapping_code_fields);
}

void catalog_file_write_manual(struct buf *buf)
{
    buf_append_c(
        buf,
        "% SLUIS-IMPORT(5)\n\n"
        "<!-- Generated by `sluis import --manual` from src/cli/catalog_table.c and catalog_sso_table.c; do "
        "not "
        "edit. -->\n\n"
        "# NAME\n\nsluis-import - business data of sluis as a YAML file\n\n"
        "# DESCRIPTION\n\n"
        "`sluis import FILE` brings business data into the store, and `sluis export` writes them back in the "
        "same form: identity providers and care providers for the patient's door; hosts, views, ceilings, "
        "security groups, connections, applications and mappings for the professional's door. "
        "A file is brought in whole, in one transaction: when anything is wrong with it, or the store fails "
        "half-way, nothing of it is imported. Importing the same file again changes nothing. "
        "Objects are known by their `id` or `name` (and customer); a connection by its slug, platform and "
        "environment, and an application by its client_id, platform and environment. One that is in the "
        "store but not in the file stays, unless `--prune` is given. A key "
        "that is left out or empty has its default, even when the store has another value; "
        "secrets alone are kept.\n\n"
        "Files named in it are read at import; relative names start at the directory of the file "
        "itself. Pictures may "
        "also be given as `data:image/png;base64,...` or `data:image/svg+xml;base64,...`, which is how "
        "they are "
        "exported. SVG must be a drawing only: no scripts, event handlers, animation, embedded HTML or "
        "references to "
        "anything outside the file. The file is at most 64 MiB.\n\n");
    append_example_file(buf);
    buf_append_c(buf, "# IDENTITY PROVIDERS\n\nEach entry of the list `identity_providers` has:\n\n");
    append_rows(buf, &identity_provider_fields);
    buf_append_c(
        buf, "# PROVIDERS\n\nEach entry of the list `providers` has these, where `availability.url` is `url` "
             "below `availability`:\n\n");
    append_rows(buf, &provider_fields);
    buf_append_c(
        buf, "**services**: a list of 1 to 100 services; required\n\n> The data services, each with:\n\n");
    append_rows(buf, &service_fields);
    buf_append_c(buf, "**identity_providers**: a list of 1 to 20 ids; required\n\n"
                      "> Who people can log in with, in the order of the buttons.\n\n");
    append_sso_sections(buf);
    buf_append_c(buf, "# SEE ALSO\n\nsluis(1), sluis.yaml(5)\n");
}
