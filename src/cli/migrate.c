#include "cli/cli.h"

#include <stdio.h>

static int migrate(struct cli *cli, void *call)
{
    bool is_dry_run = *(const bool *)call;
    int version;
    int newest;
    int status = cli_open_any_store(cli, !is_dry_run, &version, &newest);
    if (status != CLI_OK)
        return status;
    struct failure failure;
    if (is_dry_run) {
        printf("the store has schema %d, this program %d: %d to apply; nothing was changed\n", version,
               newest, newest - version);
        return CLI_OK;
    }
    int applied;
    if (store_migrate(cli->store, &applied, &failure) != OK)
        return cli_fail("%s", failure.text);
    printf("the store has schema %d; %d applied now\n", newest, applied);
    return CLI_OK;
}

int cli_migrate(int argc, char **argv)
{
    bool is_dry_run = false;
    const struct cli_option options[] = {
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
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, NULL, migrate, &is_dry_run);
}
