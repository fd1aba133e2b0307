#include "cli/sso.h"

#include "base/clock.h"
#include "store/sso_person.h"

#include <stdio.h>

struct list_call {
    const char *search;
    bool is_blocked;
    int64_t limit;
};

/* The first, and those of linked identities. */
static const char *with_others(struct cli *cli, struct str first, struct str others)
{
    const char *text = cli_printable(cli->arena, first);
    struct str rest = others, other;
    while (others.length > 0 && str_split_next(&rest, '\n', &other))
        text = arena_printf(cli->arena, "%s, %s", text, cli_printable(cli->arena, other));
    return text;
}

static int list_users(struct cli *cli, void *call)
{
    const struct list_call *list_call = call;
    const struct sso_person_filter filter = {.scope = SCOPE_ALL,
                                             .search = str_from_c(list_call->search),
                                             .is_blocked_only = list_call->is_blocked,
                                             .limit = (int)list_call->limit};
    static const char *const headings[] = {"ID",      "NAME",       "EMPLOYEE", "SUBJECT",
                                           "BLOCKED", "LAST LOGIN", "SESSIONS", "ISSUER"};
    struct sso_person_list list;
    if (sso_person_list(cli->store, &filter, clock_now(), cli->arena, &list) != OK)
        return cli_fail("the users cannot be read");
    struct cli_table table = cli_table_new(cli->arena, 8, headings);
    for (size_t i = 0; i < list.count; i++) {
        const struct sso_user *user = &list.items[i].user;
        cli_table_add(&table, cli_printable(cli->arena, user->id));
        cli_table_add(&table,
                      user->display_name.length > 0 ? cli_printable(cli->arena, user->display_name) : "-");
        cli_table_add(&table, user->employee_number.length > 0
                                  ? cli_printable(cli->arena, user->employee_number)
                                  : "-");
        cli_table_add(&table, with_others(cli, user->subject, list.items[i].other_subjects));
        cli_table_add(&table, user->is_blocked ? "yes" : "no");
        cli_table_add(&table, cli_time(cli->arena, user->last_login_at));
        cli_table_add(&table, arena_printf(cli->arena, "%lld", (long long)list.items[i].session_count));
        cli_table_add(&table, with_others(cli, user->issuer, list.items[i].other_issuers));
    }
    cli_table_print(&table);
    if (list.count == (size_t)filter.limit)
        printf("\nthere may be more: search for a part of the name\n");
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    struct list_call call = {.search = "", .limit = 50};
    const struct cli_option options[] = {
        {"search", 's', "TEXT", &call.search, NULL,
         "those with this in their name, subject, mail address or number"},
        {"blocked", 'b', NULL, NULL, &call.is_blocked, "those that are blocked"},
        CLI_LIMIT_OPTION(call.limit, "this many at most (default 50, at most 1000)"),
    };
    const struct cli_usage usage = {
        .command = "sluis sso users list",
        .arguments = "",
        .summary = "Prints people who have logged in, the last to do so first.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_users, &call);
}

static int block_user(struct cli *cli, void *call)
{
    const char *id = cli->arguments[0];
    bool is_blocked = *(const bool *)call;
    struct session_ended_list ended;
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    switch (sso_user_block(cli->store, SCOPE_ALL, str_from_c(id), is_blocked, cli->actor, clock_now(),
                           cli->arena, &ended)) {
    case OK:
        if (is_blocked)
            printf("blocked: %zu session%s ended, and logins end with error 801\n", ended.count,
                   ended.count == 1 ? "" : "s");
        else
            printf("not blocked: logins work again\n");
        return sso_log_ended(cli, &data, &ended, "user blocked");
    case ABSENT:
        return cli_fail("there is no user with id %s; `sluis sso users list` finds them", id);
    case FAILED:
        break;
    }
    return cli_fail("the store failed; it is not certain that anything changed, so try again");
}

static int unlink_user(struct cli *cli, void *call)
{
    (void)call;
    const char *id = cli->arguments[0];
    struct session_ended_list ended;
    struct sso_data data;
    int64_t identities;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    switch (sso_user_unlink(cli->store, SCOPE_ALL, str_from_c(id), cli->actor, clock_now(), cli->arena,
                            &identities, &ended)) {
    case OK:
        printf("%lld link%s undone, %zu session%s ended; nobody is linked to this user before their next "
               "login\n",
               (long long)identities, identities == 1 ? "" : "s", ended.count, ended.count == 1 ? "" : "s");
        return sso_log_ended(cli, &data, &ended, "user unlinked");
    case ABSENT:
        return cli_fail("there is no user with id %s; `sluis sso users list` finds them", id);
    case FAILED:
        break;
    }
    return cli_fail("the store failed; it is not certain that anything changed, so try again");
}

static int check_user(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)call, (void)count;
    return str_is_uuid(str_from_c(arguments[0])) ? CLI_GO_ON
                                                 : cli_misuse(usage, "ID is not the id of a user");
}

static int run_block(int argc, char **argv, const char *command, const char *summary, bool is_blocked)
{
    const struct cli_usage usage = {
        .command = command,
        .arguments = "ID",
        .summary = summary,
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_user, block_user, &is_blocked);
}

static int block_command(int argc, char **argv)
{
    return run_block(
        argc, argv, "sluis sso users block",
        "Ends the sessions of a user and refuses their logins from now on. Written to the audit trail.",
        true);
}

static int unblock_command(int argc, char **argv)
{
    return run_block(argc, argv, "sluis sso users unblock",
                     "Lets a user who was blocked log in again. Written to the audit trail.", false);
}

static int unlink_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis sso users unlink",
        .arguments = "ID",
        .summary = "Undoes linking: what the user is at each identity provider is a user of its own again, "
                   "and nobody is linked to any of them before their next login. Ends the sessions. Written "
                   "to the audit trail.",
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_user, unlink_user, NULL);
}

int cli_sso_users(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "find people who logged in", list_command},
        {"block", "end their sessions and refuse their logins", block_command},
        {"unblock", "let them log in again", unblock_command},
        {"unlink", "undo the linking of identities", unlink_command},
    };
    return cli_dispatch("sluis sso users", "Professionals, as identity providers named them.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
