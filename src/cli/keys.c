#include "cli/cli.h"

#include "base/clock.h"
#include "store/audit.h"

#include <stdio.h>

/* What the three actions share: no argument, --config only. */
static int parse(const char *command, const char *summary, int argc, char **argv, const char **out_config)
{
    *out_config = CLI_DEFAULT_CONFIG;
    const struct cli_option options[] = {CLI_CONFIG_OPTION(*out_config)};
    const struct cli_usage usage = {
        .command = command,
        .arguments = "",
        .summary = summary,
        .options = options,
        .option_count = 1,
    };
    char **arguments;
    int count;
    return cli_parse(&usage, argc, argv, &arguments, &count);
}

static int keys_create(int argc, char **argv)
{
    const char *config;
    int status =
        parse("sluis keys create",
              "Makes the key file that keys.file in the configuration names, with a first encryption key and "
              "a look-up key. A file that is there is never touched. Keep a copy apart from the store: "
              "without it the store cannot be read.",
              argc, argv, &config);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    struct failure failure;
    status = cli_open_conf(&cli, config);
    if (status == CLI_OK && vault_create_file(cli.conf->key_file, &failure) != OK)
        status = cli_fail("%s: keys.file: %s", config, failure.text);
    if (status == CLI_OK) {
        printf("made %s with encryption key 1 and a look-up key; keep a copy of it apart from the store\n",
               cli.conf->key_file);
        status = cli_flush();
    }
    cli_close(&cli);
    return status;
}

static int keys_list(int argc, char **argv)
{
    const char *config;
    int status =
        parse("sluis keys list", "Tells how many keys there are and which one seals new values; never a key.",
              argc, argv, &config);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    struct failure failure;
    status = cli_open_conf(&cli, config);
    if (status == CLI_OK && vault_load(cli.conf->key_file, &cli.vault, &failure) != OK)
        status = cli_fail("%s: keys.file: %s", config, failure.text);
    if (status == CLI_OK) {
        printf("key file         %s\n", cli.conf->key_file);
        printf("encryption keys  %zu\n", vault_key_count(cli.vault));
        printf("sealing with     key %lld\n", (long long)vault_active_key(cli.vault));
        status = cli_flush();
    }
    cli_close(&cli);
    return status;
}

/* The old keys stay for what they sealed. The file comes first: an entry without a key would be a lie, a key
 * without an entry is told here. */
static int rotate(struct cli *cli)
{
    struct failure failure;
    if (vault_rotate_file(cli->conf->key_file, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    struct vault *fresh;
    if (vault_load(cli->conf->key_file, &fresh, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    long long number = (long long)vault_active_key(fresh);
    vault_free(&fresh);
    const struct audit_entry entry = {
        .at = clock_now(),
        .actor = str_from_c(cli->actor),
        .action = STR("key_rotate"),
        .subject = str_from_c(arena_printf(cli->arena, "key %lld", number)),
        .details = STR("a next encryption key was added"),
    };
    if (audit_append(cli->store, &entry) != OK)
        return cli_fail("key %lld was added, but the audit trail could not be written; look into the store",
                        number);
    printf("added key %lld; running servers seal with it after SIGHUP or restart. Renew the copy of the key "
           "file.\n",
           number);
    return cli_flush();
}

static int keys_rotate(int argc, char **argv)
{
    const char *config;
    int status =
        parse("sluis keys rotate",
              "Adds a next encryption key, with which new values are sealed from then on; what was sealed "
              "before stays readable. Written to the audit trail. Bring the new file to every machine "
              "before its servers restart.",
              argc, argv, &config);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    status = cli_open_store(&cli, config);
    if (status == CLI_OK)
        status = rotate(&cli);
    cli_close(&cli);
    return status;
}

int cli_keys(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"create", "make a new key file", keys_create},
        {"list", "tell which keys there are", keys_list},
        {"rotate", "add a next encryption key", keys_rotate},
    };
    return cli_dispatch("sluis keys", "The keys that seal secrets and personal data in the store.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
