#include "cli/sso.h"

#include "base/clock.h"
#include "store/sso_person.h"

#include <stdio.h>

static int end_sessions(struct cli *cli, const char *user_id)
{
    int64_t ended;
    switch (sso_person_end_sessions(cli->store, str_from_c(user_id), cli->actor, clock_now(), &ended)) {
    case OK:
        printf("%lld session%s ended\n", (long long)ended, ended == 1 ? "" : "s");
        return cli_flush();
    case ABSENT:
        return cli_fail("there is no user with id %s; `sluis sso users list` finds them", user_id);
    case FAILED:
        break;
    }
    return cli_fail("the store failed; it is not certain that the sessions ended, so try again");
}

static int end_command(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    const char *user = NULL;
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(config),
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
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    if (user == NULL || !str_is_uuid(str_from_c(user)))
        return cli_misuse(&usage, "--user takes the id of a user");
    struct cli cli;
    status = cli_open_store(&cli, config);
    if (status == CLI_OK)
        status = end_sessions(&cli, user);
    cli_close(&cli);
    return status;
}

int cli_sso_sessions(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"end", "end those of a user", end_command},
    };
    return cli_dispatch("sluis sso sessions", "Sessions of professionals.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
