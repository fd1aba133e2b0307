#include "cli/cli.h"

#include <stdio.h>

static int migrate(struct cli *cli, bool is_dry_run)
{
    struct failure failure;
    if (vault_load(cli->conf->key_file, &cli->vault, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    const struct store_settings settings = {
        .url = cli->conf->store_url,
        .connection_max = 2,
        .vault = cli->vault,
        .node = cli->conf->node,
    };
    if (store_open(&settings, &cli->store, &failure) != OK)
        return cli_fail("%s: store.url: %s", cli->config, failure.text);
    int version;
    int newest;
    if (store_schema_version(cli->store, &version, &newest) != OK)
        return cli_fail("%s: store.url: the schema version cannot be read", cli->config);
    if (version > newest)
        return cli_fail("the store has schema %d, newer than this program knows (%d); use the newer program",
                        version, newest);
    if (is_dry_run) {
        printf("the store has schema %d, this program %d: %d to apply; nothing was changed\n", version,
               newest, newest - version);
        return cli_flush();
    }
    int applied;
    if (store_migrate(cli->store, &applied, &failure) != OK)
        return cli_fail("%s", failure.text);
    printf("the store has schema %d; %d applied now\n", newest, applied);
    return cli_flush();
}

int cli_migrate(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    bool is_dry_run = false;
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(config),
        {"dry-run", 'n', NULL, NULL, &is_dry_run, "tell what would be applied, and change nothing"},
    };
    const struct cli_usage usage = {
        .command = "sluis migrate",
        .arguments = "",
        .summary = "Brings the schema of the store to the newest version this program knows. Running it "
                   "again, or on "
                   "several machines at once, does no harm. A new store is made.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    status = cli_open_conf(&cli, config);
    if (status == CLI_OK)
        status = migrate(&cli, is_dry_run);
    cli_close(&cli);
    return status;
}
