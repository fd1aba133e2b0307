#include "cli/cli.h"

#include "base/clock.h"
#include "cli/catalog_file.h"
#include "conf/file.h"
#include "store/catalog.h"

#include <stdio.h>
#include <string.h>

#define FORM_MAX ((size_t)4 << 20)
#define MANUAL_MAX ((size_t)1 << 20)

struct tally {
    unsigned added, changed, unchanged, removed;
};

static const struct catalog_identity_provider *find_identity_provider(const struct catalog_data *data,
                                                                      struct str id)
{
    for (size_t i = 0; i < data->identity_provider_count; i++)
        if (str_equal(data->identity_providers[i].id, id))
            return &data->identity_providers[i];
    return NULL;
}

static const struct catalog_provider *find_provider(const struct catalog_data *data, struct str name)
{
    for (size_t i = 0; i < data->provider_count; i++)
        if (str_equal(data->providers[i].name, name))
            return &data->providers[i];
    return NULL;
}

/* A file without a secret leaves the one in the store alone: that is how an export comes back. */
static void keep_secrets(struct catalog_data *data, const struct catalog_data *stored)
{
    for (size_t i = 0; i < data->identity_provider_count; i++) {
        struct catalog_identity_provider *fresh = &data->identity_providers[i];
        const struct catalog_identity_provider *old = find_identity_provider(stored, fresh->id);
        if (fresh->client_secret.data == NULL && old != NULL)
            fresh->client_secret = old->client_secret;
    }
    for (size_t i = 0; i < data->provider_count; i++) {
        struct catalog_provider *fresh = &data->providers[i];
        const struct catalog_provider *old = find_provider(stored, fresh->name);
        if (fresh->availability_secret.data == NULL && old != NULL)
            fresh->availability_secret = old->availability_secret;
    }
}

/* Objects are the same when they would be exported the same. */
static bool is_same_identity_provider(struct arena *scratch, const struct catalog_identity_provider *a,
                                      const struct catalog_identity_provider *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, FORM_MAX);
    struct buf form_b = buf_new(scratch, FORM_MAX);
    catalog_file_write_identity_provider(&form_a, a, true);
    catalog_file_write_identity_provider(&form_b, b, true);
    return !form_a.overflowed && !form_b.overflowed && str_equal(buf_str(&form_a), buf_str(&form_b));
}

static bool is_same_provider(struct arena *scratch, const struct catalog_provider *a,
                             const struct catalog_provider *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, FORM_MAX);
    struct buf form_b = buf_new(scratch, FORM_MAX);
    catalog_file_write_provider(&form_a, a, true);
    catalog_file_write_provider(&form_b, b, true);
    return !form_a.overflowed && !form_b.overflowed && str_equal(buf_str(&form_a), buf_str(&form_b));
}

static void tell(struct tally *tally, const char *kind, struct str name, bool is_there, bool is_same)
{
    if (is_there && is_same) {
        tally->unchanged++;
        printf("unchanged  %s %.*s\n", kind, STR_ARG(name));
    } else if (is_there) {
        tally->changed++;
        printf("changed    %s %.*s\n", kind, STR_ARG(name));
    } else {
        tally->added++;
        printf("added      %s %.*s\n", kind, STR_ARG(name));
    }
}

static void tell_removed(struct tally *tally, const char *kind, struct str name)
{
    tally->removed++;
    printf("removed    %s %.*s\n", kind, STR_ARG(name));
}

static void tell_differences(const struct catalog_data *data, const struct catalog_data *stored,
                             bool is_pruning, struct tally *tally)
{
    struct arena *scratch = arena_new();
    for (size_t i = 0; i < data->identity_provider_count; i++) {
        const struct catalog_identity_provider *fresh = &data->identity_providers[i];
        const struct catalog_identity_provider *old = find_identity_provider(stored, fresh->id);
        tell(tally, "identity provider", fresh->id, old != NULL,
             old != NULL && is_same_identity_provider(scratch, fresh, old));
    }
    for (size_t i = 0; i < data->provider_count; i++) {
        const struct catalog_provider *fresh = &data->providers[i];
        const struct catalog_provider *old = find_provider(stored, fresh->name);
        tell(tally, "provider", fresh->name, old != NULL,
             old != NULL && is_same_provider(scratch, fresh, old));
    }
    for (size_t i = 0; is_pruning && i < stored->provider_count; i++)
        if (find_provider(data, stored->providers[i].name) == NULL)
            tell_removed(tally, "provider", stored->providers[i].name);
    for (size_t i = 0; is_pruning && i < stored->identity_provider_count; i++)
        if (find_identity_provider(data, stored->identity_providers[i].id) == NULL)
            tell_removed(tally, "identity provider", stored->identity_providers[i].id);
    arena_free(&scratch);
}

static int import_file(struct cli *cli, const char *path, bool is_dry_run, bool is_pruning)
{
    struct failure failure;
    struct str bytes;
    enum outcome outcome = strcmp(path, "-") == 0
                               ? file_read_input(cli->arena, CATALOG_FILE_BYTES_MAX, &bytes, &failure)
                               : file_read(cli->arena, path, CATALOG_FILE_BYTES_MAX, &bytes, &failure);
    if (outcome != OK)
        return cli_fail("%s", failure.text);
    struct catalog_data stored;
    if (catalog_read(cli->store, cli->arena, &stored) != OK)
        return cli_fail("the store cannot be read");
    const struct catalog_file_settings settings = {
        .path = path,
        .is_development = cli->conf->is_development,
        .stored = is_pruning ? NULL : &stored,
    };
    struct catalog_data data;
    struct yaml_faults faults;
    if (catalog_file_parse(cli->arena, &settings, bytes, &data, &faults) != OK) {
        for (size_t i = 0; i < faults.count; i++)
            cli_fail("%s", yaml_fault_format(cli->arena, path, &faults.items[i]));
        return cli_fail("%zu fault%s; nothing was imported", faults.count, faults.count == 1 ? "" : "s");
    }
    keep_secrets(&data, &stored);
    int64_t written;
    if (catalog_write(cli->store, &data, is_pruning, is_dry_run, cli->actor, clock_now(), &written,
                      &failure) != OK)
        return cli_fail("%s: %s; nothing was imported", path, failure.text);
    struct tally tally = {0};
    tell_differences(&data, &stored, is_pruning, &tally);
    printf("%u added, %u changed, %u unchanged, %u removed%s\n", tally.added, tally.changed, tally.unchanged,
           tally.removed, is_dry_run ? "; this was a dry run, nothing was imported" : "");
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
        {"prune", 0, NULL, NULL, &is_pruning, "remove what is in the store but not in the file"},
        {"manual", 0, NULL, NULL, &is_manual, "print the description of the file's form, sluis-import(5)"},
    };
    const struct cli_usage usage = {
        .command = "sluis import",
        .arguments = "FILE",
        .summary =
            "Brings identity providers and providers from a YAML file (- is standard input) into the store: "
            "all of it or, when anything is wrong, nothing. Importing the same file again changes nothing. "
            "Running servers see the change within seconds.",
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
        status = import_file(&cli, arguments[0], is_dry_run, is_pruning);
    cli_close(&cli);
    return status;
}
