#include "cli/cli.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/reseal.h"

#include <inttypes.h>
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

/* ---- which keys there are, and what they sealed ---- */

static bool is_in_file(const struct vault *vault, int64_t key)
{
    for (size_t i = 0; i < vault_key_count(vault); i++)
        if (vault_key_at(vault, i) == key)
            return true;
    return false;
}

static struct key_use use_of(const struct key_use_list *list, int64_t key)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].key == key)
            return list->items[i];
    return (struct key_use){.key = key};
}

static void add_use_row(struct cli *cli, struct cli_table *table, const char *state, struct key_use use)
{
    cli_table_add(table, arena_printf(cli->arena, "%" PRId64, use.key));
    cli_table_add(table, state);
    cli_table_add(table, arena_printf(cli->arena, "%" PRId64, use.lasting));
    cli_table_add(table, arena_printf(cli->arena, "%" PRId64, use.passing));
    cli_table_add(table, arena_printf(cli->arena, "%" PRId64, use.audited));
}

static int print_use(struct cli *cli)
{
    static const char *const headings[] = {"KEY", "STATE", "STORED", "PASSING", "AUDIT"};
    int version;
    int newest;
    struct key_use_list list;
    int status = cli_open_any_store(cli, false, &version, &newest);
    if (status != CLI_OK)
        return status;
    if (version != newest || reseal_read_use(cli->store, cli->arena, &list) != OK)
        return cli_fail("the store cannot be read; is `sluis migrate` due?");
    struct cli_table table = cli_table_new(cli->arena, 5, headings);
    for (size_t i = 0; i < vault_key_count(cli->vault); i++) {
        int64_t key = vault_key_at(cli->vault, i);
        add_use_row(cli, &table, key == vault_active_key(cli->vault) ? "seals" : "opens", use_of(&list, key));
    }
    for (size_t i = 0; i < list.count; i++)
        if (!is_in_file(cli->vault, list.items[i].key))
            add_use_row(cli, &table, "not in the key file", list.items[i]);
    cli_table_print(&table);
    return CLI_OK;
}

static int list(struct cli *cli, void *context)
{
    const bool *with_use = context;
    struct failure failure;
    if (*with_use)
        return print_use(cli);
    if (vault_load(cli->conf->key_file, &cli->vault, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    printf("key file         %s\n", cli->conf->key_file);
    printf("encryption keys  %zu\n", vault_key_count(cli->vault));
    printf("sealing with     key %lld\n", (long long)vault_active_key(cli->vault));
    return CLI_OK;
}

static int keys_list(int argc, char **argv)
{
    bool with_use = false;
    const struct cli_option options[] = {
        {"use", 0, NULL, NULL, &with_use,
         "count how many stored values each key sealed; passing ones (open logins, sessions) end by "
         "themselves, those in the audit trail stay as long as the trail"},
    };
    const struct cli_usage usage = {
        .command = "sluis keys list",
        .arguments = "",
        .summary = "Tells how many keys there are and which one seals new values; never a key.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, NULL, list, &with_use);
}

/* ---- a next key, and leaving the old ones ---- */

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
    printf("added key %lld. Bring the file to every machine and send every server SIGHUP at once: one that "
           "does not "
           "know the key cannot open what is sealed with it. Renew the copy of the key file.\n",
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
            "before stays readable. Written to the audit trail. Bring the new file to every machine and "
            "send every server SIGHUP; then `sluis keys reseal` makes the old keys superfluous.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, rotate, NULL);
}

/* Only what is no longer used may go; what still is, is told with why. */
static void tell_old_keys(struct cli *cli, const struct key_use_list *list)
{
    int64_t active = vault_active_key(cli->vault);
    for (size_t i = 0; i < vault_key_count(cli->vault); i++) {
        struct key_use use = use_of(list, vault_key_at(cli->vault, i));
        if (use.key == active)
            continue;
        if (use.lasting > 0)
            printf("key %" PRId64 " still opens %" PRId64 " stored values\n", use.key, use.lasting);
        if (use.audited > 0)
            printf("key %" PRId64 " still opens %" PRId64
                   " values of the audit trail, which is not sealed anew: its line stays in the key file as "
                   "long as the trail\n",
                   use.key, use.audited);
        if (use.passing > 0)
            printf("key %" PRId64 " still opens %" PRId64
                   " values of sessions and open logins, which end by themselves\n",
                   use.key, use.passing);
        if (use.lasting == 0 && use.audited == 0 && use.passing == 0)
            printf("key %" PRId64 " is no longer used: an hour after the last server took up key %" PRId64
                   " its line may leave the key file (older backups need it)\n",
                   use.key, active);
    }
}

static enum outcome audit_reseal(struct cli *cli, const char *details)
{
    const struct audit_entry entry = {
        .at = clock_now(),
        .actor = str_from_c(cli->actor),
        .action = STR("key_reseal"),
        .subject = str_from_c(arena_printf(cli->arena, "key %" PRId64, vault_active_key(cli->vault))),
        .details = str_from_c(details),
    };
    return audit_append(cli->store, &entry);
}

/* The trail has an entry before the first value changes, whatever ends this, and one with what was done. */
static int reseal(struct cli *cli, void *call)
{
    (void)call;
    static const char *const headings[] = {"COLUMN", "SEALED ANEW", "UNREADABLE"};
    struct cli_table table = cli_table_new(cli->arena, 3, headings);
    int64_t sealed = 0;
    int64_t unreadable = 0;
    enum outcome outcome = OK;
    if (audit_reseal(cli, "begins") != OK)
        return cli_fail("the audit trail could not be written; nothing was sealed anew");
    for (size_t i = 0; outcome == OK && i < reseal_column_count(); i++) {
        struct reseal_tally tally;
        outcome = reseal_column(cli->store, i, &tally);
        sealed += tally.sealed;
        unreadable += tally.unreadable;
        cli_table_add(&table, tally.column);
        cli_table_add(&table, arena_printf(cli->arena, "%" PRId64, tally.sealed));
        cli_table_add(&table, arena_printf(cli->arena, "%" PRId64, tally.unreadable));
    }
    cli_table_print(&table);
    const char *details =
        arena_printf(cli->arena, "%" PRId64 " values were sealed anew, %" PRId64 " do not open%s", sealed,
                     unreadable, outcome == OK ? "" : "; then the store failed");
    struct key_use_list list;
    if (audit_reseal(cli, details) != OK || outcome != OK ||
        reseal_read_use(cli->store, cli->arena, &list) != OK) {
        (void)cli_flush();
        return cli_fail("the store failed; what was sealed anew stays so, run this again for the rest");
    }
    tell_old_keys(cli, &list);
    if (unreadable == 0)
        return CLI_OK;
    (void)cli_flush();
    return cli_fail("%" PRId64 " values do not open: is a key missing from the key file?", unreadable);
}

static int keys_reseal(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis keys reseal",
        .arguments = "",
        .summary =
            "Seals everything that lasts anew with the newest key and tells which older keys are no longer "
            "used. Open logins and sessions are left: they end by themselves. The audit trail is left too, "
            "and its "
            "keys stay as long as the trail. Every server must have taken "
            "up "
            "the newest key before. Safe beside serving nodes; when it is stopped half-way, "
            "run it again. Written to the audit trail.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, reseal, NULL);
}

int cli_keys(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"create", "make a new key file", keys_create},
        {"list", "tell which keys there are", keys_list},
        {"rotate", "add a next encryption key", keys_rotate},
        {"reseal", "seal what is stored anew with it", keys_reseal},
    };
    return cli_dispatch("sluis keys", "The keys that seal secrets and personal data in the store.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
