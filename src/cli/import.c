#include "cli/cli.h"

#include "base/clock.h"
#include "cli/catalog_file.h"
#include "cli/sso.h"
#include "conf/file.h"
#include "store/catalog_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM_MAX ((size_t)4 << 20)
#define MANUAL_MAX ((size_t)1 << 20)

struct tally {
    unsigned added, changed, unchanged, removed;
};

struct import {
    struct cli *cli;
    const char *path;
    bool is_dry_run, is_pruning;
    struct business_data data, stored;
    struct tally tally;
};

/* ---- telling ---- */

struct known_object {
    const char *name;
    const void *object;
};

static int compare_objects(const void *a, const void *b)
{
    return strcmp(((const struct known_object *)a)->name, ((const struct known_object *)b)->name);
}

static struct known_object *sorted_objects(struct arena *arena, const struct business_data *data,
                                           enum section section, size_t *out_count)
{
    *out_count = catalog_section_count(data, section);
    struct known_object *objects = arena_array_of(arena, *out_count, struct known_object);
    for (size_t i = 0; i < *out_count; i++) {
        const void *object = catalog_section_object(data, section, i);
        objects[i] = (struct known_object){catalog_object_name(arena, section, object), object};
    }
    if (*out_count > 1)
        qsort(objects, *out_count, sizeof *objects, compare_objects);
    return objects;
}

static const struct known_object *find_object(const struct known_object *objects, size_t count,
                                              const char *name)
{
    const struct known_object key = {.name = name};
    return count == 0 ? NULL : bsearch(&key, objects, count, sizeof *objects, compare_objects);
}

/* Objects are the same when they would be exported the same. */
static bool is_same(struct arena *scratch, enum section section, const void *a, const void *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, FORM_MAX);
    struct buf form_b = buf_new(scratch, FORM_MAX);
    catalog_object_write(&form_a, section, a, true);
    catalog_object_write(&form_b, section, b, true);
    return !form_a.overflowed && !form_b.overflowed && str_equal(buf_str(&form_a), buf_str(&form_b));
}

static void tell_section(struct import *import, enum section section, struct arena *scratch)
{
    struct arena *arena = import->cli->arena;
    const char *noun = catalog_section_noun(section);
    size_t old_count;
    size_t fresh_count;
    const struct known_object *old = sorted_objects(arena, &import->stored, section, &old_count);
    const struct known_object *fresh = sorted_objects(arena, &import->data, section, &fresh_count);
    for (size_t i = 0; i < fresh_count; i++) {
        const void *object = catalog_section_object(&import->data, section, i);
        const char *name = catalog_object_name(arena, section, object);
        const struct known_object *before = find_object(old, old_count, name);
        if (before == NULL) {
            import->tally.added++;
            printf("added      %s %s\n", noun, name);
        } else if (is_same(scratch, section, object, before->object)) {
            import->tally.unchanged++;
            printf("unchanged  %s %s\n", noun, name);
        } else {
            import->tally.changed++;
            printf("changed    %s %s\n", noun, name);
        }
    }
    bool is_described = section <= SECTION_PROVIDERS ? catalog_has_patient_door(&import->data)
                                                     : catalog_has_sso_door(&import->data);
    for (size_t i = 0; import->is_pruning && is_described && i < old_count; i++) {
        if (find_object(fresh, fresh_count, old[i].name) != NULL)
            continue;
        import->tally.removed++;
        printf("removed    %s %s\n", noun, old[i].name);
    }
}

/* Of codes that stay as they are there may be thousands: they are counted only. */
static void tell_code(struct import *import, const struct mapping_set *set, const struct mapping_code *code,
                      enum mapping_import_result result)
{
    struct arena *arena = import->cli->arena;
    const char *word = "added    ";
    switch (result) {
    case MAPPING_IMPORT_UNCHANGED:
        import->tally.unchanged++;
        return;
    case MAPPING_IMPORT_ADDED:
        import->tally.added++;
        break;
    case MAPPING_IMPORT_CHANGED:
        import->tally.changed++;
        word = "changed  ";
        break;
    }
    printf("%s  code %s of %s: %s\n", word, cli_printable(arena, code->code),
           catalog_object_name(arena, SECTION_MAPPINGS, set),
           code->group.length > 0 ? arena_printf(arena, "linked to %s", cli_printable(arena, code->group))
                                  : arena_printf(arena, "%.*s", STR_ARG(code->status)));
}

/* INI-3: what it lacks, for an active connection; logins by it end with error 103. */
static void tell_incomplete(const struct import *import)
{
    struct arena *arena = import->cli->arena;
    for (size_t i = 0; i < import->data.sso.connection_count; i++) {
        const struct sso_connection *connection = &import->data.sso.connections[i];
        const char *lacks = sso_connection_lacks(arena, connection);
        if (lacks[0] != '\0' && str_equal(connection->status, STR("active")))
            printf("incomplete connection %s: no %s; logins end with error 103\n",
                   catalog_object_name(arena, SECTION_CONNECTIONS, connection), lacks);
    }
}

/* REQ-4: what keeps an answer to its request, with one lock less. */
static void tell_without_pkce(const struct import *import)
{
    for (size_t i = 0; i < import->data.sso.connection_count; i++) {
        const struct sso_connection *connection = &import->data.sso.connections[i];
        if (str_equal(connection->pkce, STR("off")))
            printf("without PKCE connection %s: only for an identity provider that refuses it\n",
                   catalog_object_name(import->cli->arena, SECTION_CONNECTIONS, connection));
    }
}

/* ---- writing ---- */

static enum mapping_status status_of(struct str word)
{
    enum mapping_status status = MAPPING_NEW;
    return sso_mapping_status(word, &status) ? status : MAPPING_NEW;
}

static void tell_mappings(struct import *import, const struct mapping_import_set *sets)
{
    for (size_t i = 0; i < import->data.mapping_count; i++)
        for (size_t k = 0; k < sets[i].count; k++)
            tell_code(import, &import->data.mappings[i], &import->data.mappings[i].codes[k],
                      sets[i].rows[k].result);
}

static struct mapping_import_set *mapping_sets(const struct import *import)
{
    struct arena *arena = import->cli->arena;
    size_t count = import->data.mapping_count;
    struct mapping_import_set *sets = arena_array_of(arena, count, struct mapping_import_set);
    for (size_t i = 0; i < count; i++) {
        const struct mapping_set *set = &import->data.mappings[i];
        struct mapping_import_row *rows = arena_array_of(arena, set->count, struct mapping_import_row);
        for (size_t k = 0; k < set->count; k++)
            rows[k] = (struct mapping_import_row){
                .code = set->codes[k].code,
                .name = set->codes[k].name,
                .status = status_of(set->codes[k].status),
                .group = set->codes[k].group,
                .remark = set->codes[k].remark,
            };
        sets[i] = (struct mapping_import_set){set->platform, set->environment, set->slug, rows, set->count};
    }
    return sets;
}

static int write_data(struct import *import, struct mapping_import_set *sets)
{
    struct cli *cli = import->cli;
    struct failure failure;
    struct catalog_import written = {
        .catalog = &import->data.catalog,
        .sso = &import->data.sso,
        .is_catalog_pruned = import->is_pruning && catalog_has_patient_door(&import->data),
        .is_sso_pruned = import->is_pruning && catalog_has_sso_door(&import->data),
        .mappings = sets,
        .mapping_count = import->data.mapping_count,
        .is_dry_run = import->is_dry_run,
        .actor = cli->actor,
        .now = clock_now(),
    };
    if (catalog_import(cli->store, &written, &failure) != OK)
        return cli_fail("%s: %s; nothing was imported", import->path, failure.text);
    return CLI_OK;
}

static int import_file(struct import *import)
{
    struct cli *cli = import->cli;
    struct failure failure;
    struct str bytes;
    enum outcome outcome =
        strcmp(import->path, "-") == 0
            ? file_read_input(cli->arena, CATALOG_FILE_BYTES_MAX, &bytes, &failure)
            : file_read(cli->arena, import->path, CATALOG_FILE_BYTES_MAX, &bytes, &failure);
    if (outcome != OK)
        return cli_fail("%s", failure.text);
    if (catalog_read(cli->store, cli->arena, &import->stored.catalog) != OK ||
        sso_data_read(cli->store, cli->arena, &import->stored.sso) != OK)
        return cli_fail("the store cannot be read");
    const struct catalog_file_settings settings = {
        .path = import->path,
        .is_development = cli->conf->is_development,
        .is_pruning = import->is_pruning,
        .stored = &import->stored,
    };
    struct yaml_faults faults;
    if (catalog_file_parse(cli->arena, &settings, bytes, &import->data, &faults) != OK) {
        for (size_t i = 0; i < faults.count; i++)
            cli_fail("%s", yaml_fault_format(cli->arena, import->path, &faults.items[i]));
        return cli_fail("%zu fault%s; nothing was imported", faults.count, faults.count == 1 ? "" : "s");
    }
    if (catalog_keep_secrets(&import->data, &import->stored, clock_now(), &failure) != OK)
        return cli_fail("%s: %s; nothing was imported", import->path, failure.text);
    struct mapping_import_set *sets = mapping_sets(import);
    int status = write_data(import, sets);
    if (status != CLI_OK)
        return status;
    struct arena *scratch = arena_new();
    for (enum section section = 0; section < SECTION_MAPPINGS; section++)
        tell_section(import, section, scratch);
    arena_free(&scratch);
    tell_mappings(import, sets);
    tell_incomplete(import);
    tell_without_pkce(import);
    const struct tally *tally = &import->tally;
    printf("%u added, %u changed, %u unchanged, %u removed%s\n", tally->added, tally->changed,
           tally->unchanged, tally->removed,
           import->is_dry_run ? "; this was a dry run, nothing was imported" : "");
    return cli_flush();
}

static int print_manual(void)
{
    struct arena *arena = arena_new();
    struct buf buf = buf_new(arena, MANUAL_MAX);
    catalog_file_write_manual(&buf);
    fwrite(buf.data, 1, buf.length, stdout);
    arena_free(&arena);
    return cli_flush();
}

int cli_import(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    bool is_dry_run = false;
    bool is_pruning = false;
    bool is_manual = false;
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(config),
        {"dry-run", 'n', NULL, NULL, &is_dry_run,
         "check the file and tell what would change, and change nothing"},
        {"prune", 0, NULL, NULL, &is_pruning,
         "remove what is in the store but not in the file, of the door or doors that the file describes; "
         "never "
         "mappings"},
        {"manual", 0, NULL, NULL, &is_manual, "print the description of the file's form, sluis-import(5)"},
    };
    const struct cli_usage usage = {
        .command = "sluis import",
        .arguments = "FILE",
        .summary =
            "Brings business data of both doors from a YAML file (- is standard input) into the store, in "
            "one "
            "transaction: all of it, or nothing when anything is wrong with the file or the store fails. "
            "Importing the same file again changes nothing. Running servers see the change within seconds.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_max = 1,
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    if (is_manual)
        return print_manual();
    if (count == 0)
        return cli_misuse(&usage, "an argument is missing: FILE");
    struct cli cli;
    status = cli_open_store(&cli, config);
    if (status == CLI_OK)
        status = import_file(&(struct import){
            .cli = &cli, .path = arguments[0], .is_dry_run = is_dry_run, .is_pruning = is_pruning});
    cli_close(&cli);
    return status;
}
