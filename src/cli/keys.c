#include "cli/cli.h"

#include "base/clock.h"
#include "store/audit.h"

#include <stdio.h>

static int create(struct cli *cli, void *call)
{
    (void)call;
    struct failure failure;
    if (vault_create_file(cli->conf->key_file, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    printf("made %s with encryption key 1 and a look-up key; keep a copy of it apart from the store\n",
           cli->conf->key_file);
    return CLI_OK;
}

static int keys_create(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis keys create",
        .arguments = "",
        .summary =
            "Makes the key file that keys.file in the configuration names, with a first encryption key and "
            "a look-up key. A file that is there is never touched. Keep a copy apart from the store: "
            "without it the store cannot be read.",
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, NULL, create, NULL);
}

static int list(struct cli *cli, void *call)
{
    (void)call;
    struct failure failure;
    if (vault_load(cli->conf->key_file, &cli->vault, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    printf("key file         %s\n", cli->conf->key_file);
    printf("encryption keys  %zu\n", vault_key_count(cli->vault));
    printf("sealing with     key %lld\n", (long long)vault_active_key(cli->vault));
    return CLI_OK;
}

static int keys_list(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis keys list",
        .arguments = "",
        .summary = "Tells how many keys there are and which one seals new values; never a key.",
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, NULL, list, NULL);
}

/* The old keys stay for what they sealed. The file comes first: an entry without a key would be a lie, a key
 * without an entry is told here. */
static int rotate(struct cli *cli, void *call)
{
    (void)call;
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
    return CLI_OK;
}

static int keys_rotate(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis keys rotate",
        .arguments = "",
        .summary =
            "Adds a next encryption key, with which new values are sealed from then on; what was sealed "
            "before stays readable. Written to the audit trail. Bring the new file to every machine "
            "before its servers restart.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, rotate, NULL);
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
