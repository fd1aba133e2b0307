#include "cli/cli.h"

#include "cli/catalog_file.h"
#include "cli/sso.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside the file first and then in its place, so that no half file is left. */
static int write_file(struct cli *cli, const char *path, struct str text, bool is_secret)
{
    const char *fresh = arena_printf(cli->arena, "%s.new", path);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_secret ? 0600 : 0644);
    if (fd < 0)
        return cli_fail("%s: %s", fresh, strerror(errno));
    size_t done = 0;
    bool is_written = true;
    while (is_written && done < text.length) {
        ssize_t count = write(fd, text.data + done, text.length - done);
        if (count >= 0)
            done += (size_t)count;
        else
            is_written = errno == EINTR;
    }
    is_written = is_written && fsync(fd) == 0;
    int cause = errno;
    if (close(fd) != 0 && is_written) {
        cause = errno;
        is_written = false;
    }
    if (is_written && rename(fresh, path) == 0)
        return CLI_OK;
    if (is_written)
        cause = errno;
    unlink(fresh);
    return cli_fail("%s: %s", path, strerror(cause));
}

struct export
{
    const char *path; /* NULL = standard output */
    bool with_secrets;
    const char *only;        /* one list of the file; NULL = all */
    const char *connection;  /* slug; NULL = all */
    const char *environment; /* NULL = both */
};

static int read_mappings(struct cli *cli, struct business_data *data)
{
    data->mapping_count = 0;
    data->mappings = arena_array_of(cli->arena, data->sso.connection_count, struct mapping_set);
    for (size_t i = 0; i < data->sso.connection_count; i++) {
        const struct sso_connection *connection = &data->sso.connections[i];
        struct mapping_list list = {0};
        if (sso_mappings_read(cli, connection->id, (struct mapping_filter){0}, &list) != CLI_OK)
            return CLI_FAULT;
        if (list.count == 0)
            continue;
        struct mapping_set *set = &data->mappings[data->mapping_count++];
        *set = (struct mapping_set){.slug = sso_slug(cli->arena, connection),
                                    .platform = connection->platform,
                                    .environment = connection->environment,
                                    .codes = arena_array_of(cli->arena, list.count, struct mapping_code),
                                    .count = list.count};
        for (size_t k = 0; k < list.count; k++)
            set->codes[k] = (struct mapping_code){.code = list.items[k].code,
                                                  .name = list.items[k].name,
                                                  .status = sso_mapping_word(list.items[k].status),
                                                  .group = list.items[k].group,
                                                  .remark = list.items[k].remark};
    }
    return CLI_OK;
}

static bool is_wanted(const struct export *export, struct str environment, struct str slug)
{
    return (export->environment == NULL || str_equal_c(environment, export->environment)) &&
           (export->connection == NULL || str_equal_c(slug, export->connection));
}

/* Takes out what --connection, --environment and --only leave no room for. */
static void narrow(struct cli *cli, const struct export *export, struct business_data *data)
{
    size_t kept = 0;
    for (size_t i = 0; i < data->sso.connection_count; i++) {
        const struct sso_connection *connection = &data->sso.connections[i];
        if (is_wanted(export, connection->environment, sso_slug(cli->arena, connection)))
            data->sso.connections[kept++] = *connection;
    }
    data->sso.connection_count = kept;
    kept = 0;
    for (size_t i = 0; i < data->sso.application_count; i++) {
        const struct sso_application *application = &data->sso.applications[i];
        if (export->environment == NULL || str_equal_c(application->environment, export->environment))
            data->sso.applications[kept++] = *application;
    }
    data->sso.application_count = kept;
    if (export->only == NULL)
        return;
    struct business_data all = *data;
    *data = (struct business_data){0};
    if (strcmp(export->only, "identity_providers") == 0) {
        data->catalog.identity_providers = all.catalog.identity_providers;
        data->catalog.identity_provider_count = all.catalog.identity_provider_count;
    } else if (strcmp(export->only, "providers") == 0) {
        data->catalog.providers = all.catalog.providers;
        data->catalog.provider_count = all.catalog.provider_count;
    } else if (strcmp(export->only, "hosts") == 0) {
        data->sso.hosts = all.sso.hosts;
        data->sso.host_count = all.sso.host_count;
    } else if (strcmp(export->only, "views") == 0) {
        data->sso.views = all.sso.views;
        data->sso.view_count = all.sso.view_count;
    } else if (strcmp(export->only, "ceilings") == 0) {
        data->sso.ceilings = all.sso.ceilings;
        data->sso.ceiling_count = all.sso.ceiling_count;
    } else if (strcmp(export->only, "security_groups") == 0) {
        data->sso.groups = all.sso.groups;
        data->sso.group_count = all.sso.group_count;
    } else if (strcmp(export->only, "applications") == 0) {
        data->sso.applications = all.sso.applications;
        data->sso.application_count = all.sso.application_count;
    } else {
        data->sso.connections = all.sso.connections;
        data->sso.connection_count = all.sso.connection_count;
    }
}

static int export_to(struct cli *cli, void *call)
{
    const struct export *export = call;
    struct business_data data = {0};
    if (catalog_read(cli->store, cli->arena, &data.catalog) != OK ||
        sso_data_read(cli->store, cli->arena, &data.sso) != OK)
        return cli_fail("the store cannot be read");
    narrow(cli, export, &data);
    bool has_mappings = export->only == NULL || strcmp(export->only, "mappings") == 0;
    if (has_mappings && read_mappings(cli, &data) != CLI_OK)
        return CLI_FAULT;
    if (has_mappings && export->only != NULL)
        data.sso = (struct sso_data){0};
    struct buf text = buf_new(cli->arena, CATALOG_FILE_BYTES_MAX);
    buf_printf(&text, "# Exported by sluis %s%s; see sluis-import(5).\n", SLUIS_VERSION,
               export->with_secrets ? ", with secrets: keep it as you keep the key file" : "");
    catalog_file_write(&text, &data, export->with_secrets);
    if (text.overflowed)
        return cli_fail("there is more than %u MiB to export", CATALOG_FILE_BYTES_MAX >> 20);
    if (export->path != NULL)
        return write_file(cli, export->path, buf_str(&text), export->with_secrets);
    fwrite(text.data, 1, text.length, stdout);
    return CLI_OK;
}

static bool is_section(const char *word)
{
    for (size_t i = 0; i < file_fields.list_count; i++)
        if (strcmp(file_fields.lists[i].key, word) == 0)
            return true;
    return false;
}

static int check_export(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    struct export *export = call;
    if (export->only != NULL && !is_section(export->only))
        return cli_misuse(usage, "--only takes a list of sluis-import(5), such as connections or mappings");
    if (export->environment != NULL && strcmp(export->environment, "acceptance") != 0 &&
        strcmp(export->environment, "production") != 0)
        return cli_misuse(usage, "--environment takes acceptance or production");
    export->path = count > 0 ? arguments[0] : NULL;
    return CLI_GO_ON;
}

int cli_export(int argc, char **argv)
{
    struct export export = {0};
    const struct cli_option options[] = {
        {"with-secrets", 0, NULL, NULL, &export.with_secrets,
         "write client secrets and tokens too, readable; without it an import leaves those in the store as "
         "they are"},
        {"only", 0, "LIST", &export.only, NULL, "one list of the file, such as mappings"},
        {"connection", 0, "SLUG", &export.connection, NULL, "connections and mappings with this slug only"},
        {"environment", 0, "NAME", &export.environment, NULL,
         "those of this environment only: acceptance or production"},
    };
    const struct cli_usage usage = {
        .command = "sluis export",
        .arguments = "[FILE]",
        .summary = "Writes business data as a YAML file that `sluis import` takes back, to "
                   "standard output or to FILE, which is replaced as a whole.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_export, export_to, &export);
}
