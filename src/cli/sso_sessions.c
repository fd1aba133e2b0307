#include "cli/sso.h"

#include "base/clock.h"
#include "sso/logout_trail.h"
#include "store/sso_person.h"

#include <stdio.h>

static int end_sessions(struct cli *cli, void *call)
{
    const char *user_id = *(const char **)call;
    struct session_ended_list ended;
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    switch (sso_person_end_sessions(cli->store, SCOPE_ALL, str_from_c(user_id), cli->actor, clock_now(),
                                    cli->arena, &ended)) {
    case OK:
        printf("%zu session%s ended\n", ended.count, ended.count == 1 ? "" : "s");
        if (logout_trail_write_ended(cli->store, &data, &ended, "admin", cli->arena) != OK)
            return cli_fail("the sessions ended, but not all of it could be written to the log");
        return CLI_OK;
    case ABSENT:
        return cli_fail("there is no user with id %s; `sluis sso users list` finds them", user_id);
    case FAILED:
        break;
    }
    return cli_fail("the store failed; it is not certain that the sessions ended, so try again");
}

static int check_user(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)arguments, (void)count;
    const char *user = *(const char **)call;
    if (user == NULL || !str_is_uuid(str_from_c(user)))
        return cli_misuse(usage, "--user takes the id of a user");
    return CLI_GO_ON;
}

static int end_command(int argc, char **argv)
{
    const char *user = NULL;
    const struct cli_option options[] = {
        {"user", 'u', "ID", &user, NULL, "whose sessions; required"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso sessions end",
        .arguments = "",
        .summary = "Ends all sessions of a user at once; logging in again gives permissions as they are "
                   "then. Written "
                   "to the audit trail.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_user, end_sessions, &user);
}

int cli_sso_sessions(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"end", "end those of a user", end_command},
    };
    return cli_dispatch("sluis sso sessions", "Sessions of professionals.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
