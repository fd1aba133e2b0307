#include "cli/sso.h"

#include "base/clock.h"
#include "sso/logout_trail.h"
#include "store/session_admin.h"

#include <stdio.h>

/* In one transaction: logins go on between two of them. */
#define BATCH 200

struct end_call {
    const char *user, *customer, *group, *code;
    struct sso_choice connection;
    bool is_dry_run;
};

int sso_log_ended(struct cli *cli, const struct sso_data *data, const struct session_ended_list *ended,
                  const char *cause)
{
    if (logout_trail_write_ended(cli->store, data, ended, cause, cli->arena) != OK)
        return cli_fail("the sessions ended, but not all of it could be written to the log");
    return CLI_OK;
}

/* ---- whose ---- */

static int choose_group(struct cli *cli, const struct sso_data *data, const struct end_call *call,
                        struct session_choice *out_choice)
{
    const struct sso_group *found = NULL;
    for (size_t i = 0; i < data->group_count; i++) {
        const struct sso_group *group = &data->groups[i];
        if (!str_equal_c(group->name, call->group) ||
            (call->customer != NULL && !str_equal_c(group->customer_key, call->customer)))
            continue;
        if (found != NULL)
            return cli_fail("several customers have a group %s: choose with --customer",
                            cli_printable(cli->arena, group->name));
        found = group;
    }
    if (found == NULL)
        return cli_fail("there is no group %s; `sluis sso groups list` tells which there are",
                        cli_printable(cli->arena, str_from_c(call->group)));
    *out_choice = (struct session_choice){.customer_key = found->customer_key, .group = found->name};
    return CLI_OK;
}

static int choose(struct cli *cli, const struct sso_data *data, const struct end_call *call,
                  struct session_choice *out_choice, const char **out_cause)
{
    if (call->user != NULL) {
        *out_choice = (struct session_choice){.user_id = str_from_c(call->user)};
        *out_cause = "user";
        return CLI_OK;
    }
    if (call->group != NULL) {
        *out_cause = arena_printf(cli->arena, "group %s", call->group);
        return choose_group(cli, data, call, out_choice);
    }
    const struct sso_connection *connection;
    int status = sso_connection_pick(cli, data, &call->connection, &connection);
    if (status != CLI_OK)
        return status;
    *out_choice = (struct session_choice){.connection = connection->id, .location = str_from_c(call->code)};
    *out_cause = arena_printf(cli->arena, "code %s", call->code);
    return CLI_OK;
}

/* ---- ending ---- */

static int tell_absent(const struct session_choice *choice)
{
    return cli_fail("there is no user with id %.*s; `sluis sso users list` finds them",
                    STR_ARG(choice->user_id));
}

static int count_sessions(struct cli *cli, const struct session_choice *choice)
{
    int64_t count;
    switch (session_admin_count(cli->store, SCOPE_ALL, choice, clock_now(), &count)) {
    case OK:
        break;
    case ABSENT:
        return tell_absent(choice);
    case FAILED:
        return cli_fail("the sessions cannot be counted");
    }
    printf("%lld session%s would end; this was a dry run, nothing was changed\n", (long long)count,
           count == 1 ? "" : "s");
    return CLI_OK;
}

/* After a batch: whether another one is due. An empty one would be an event about nothing; when it cannot be
 * told, the batch itself fails. */
static bool has_more(struct cli *cli, const struct session_choice *choice, size_t ended)
{
    int64_t count;
    return ended == BATCH &&
           (session_admin_count(cli->store, SCOPE_ALL, choice, clock_now(), &count) != OK || count > 0);
}

/* Batch by batch, each with its audit event and its entries: what stops halfway has told what it did. */
static int end_batches(struct cli *cli, const struct sso_data *data, const struct session_choice *choice,
                       const char *cause)
{
    size_t total = 0;
    struct session_ended_list ended;
    int status = CLI_OK;
    do {
        switch (session_admin_end(cli->store, SCOPE_ALL, choice, BATCH, cli->actor, clock_now(), cli->arena,
                                  &ended)) {
        case OK:
            break;
        case ABSENT:
            return tell_absent(choice);
        case FAILED:
            return cli_fail("the store failed after %zu sessions; it is not certain that more ended, so try "
                            "again",
                            total);
        }
        total += ended.count;
        if (sso_log_ended(cli, data, &ended, cause) != CLI_OK)
            status = CLI_FAULT;
    } while (has_more(cli, choice, ended.count));
    printf("%zu session%s ended\n", total, total == 1 ? "" : "s");
    return status;
}

static int end_sessions(struct cli *cli, void *context)
{
    const struct end_call *call = context;
    struct session_choice choice;
    const char *cause;
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status == CLI_OK)
        status = choose(cli, &data, call, &choice, &cause);
    if (status != CLI_OK)
        return status;
    return call->is_dry_run ? count_sessions(cli, &choice) : end_batches(cli, &data, &choice, cause);
}

static int check_choice(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    const struct end_call *call = context;
    if ((call->user != NULL) + (call->group != NULL) + (call->code != NULL) != 1)
        return cli_misuse(usage, "one of --user, --group and --code says whose sessions");
    if (call->user != NULL && !str_is_uuid(str_from_c(call->user)))
        return cli_misuse(usage, "--user takes the id of a user");
    if ((call->group != NULL && call->group[0] == '\0') || (call->code != NULL && call->code[0] == '\0'))
        return cli_misuse(usage, "a group or code is not empty");
    if (call->customer != NULL && call->group == NULL)
        return cli_misuse(usage, "--customer goes with --group");
    bool has_connection = call->connection.slug != NULL;
    if (has_connection != (call->code != NULL))
        return cli_misuse(usage, "--code and --connection go together");
    if (!has_connection && (call->connection.environment != NULL || call->connection.platform != NULL))
        return cli_misuse(usage, "--environment and --platform go with --connection");
    return CLI_GO_ON;
}

static int end_command(int argc, char **argv)
{
    struct end_call call = {0};
    const struct cli_option options[] = {
        {"user", 'u', "ID", &call.user, NULL, "those of a user"},
        {"group", 'g', "NAME", &call.group, NULL, "those whose permissions come from a group, among others"},
        {"customer", 0, "KEY", &call.customer, NULL, "whose group, when several have one with that name"},
        {"code", 0, "CODE", &call.code, NULL, "those that came with a linked location id"},
        {"connection", 0, "SLUG", &call.connection.slug, NULL, "connection of the code"},
        SSO_ENVIRONMENT_OPTION(call.connection.environment),
        SSO_PLATFORM_OPTION(call.connection.platform),
        {"dry-run", 'n', NULL, NULL, &call.is_dry_run, "count them, and end none"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso sessions end",
        .arguments = "",
        .summary =
            "Ends sessions at once, of one user, of a group or of a linked code; logging in again gives "
            "permissions as they are then. Counts sessions as they were at their login; one for a single "
            "patient holds no group, and is over within ten minutes. Written to the audit trail, and each "
            "session to the log.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_choice, end_sessions, &call);
}

int cli_sso_sessions(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"end", "end those of a user, a group or a code", end_command},
    };
    return cli_dispatch("sluis sso sessions", "Sessions of professionals.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
