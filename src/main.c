#include "cli/cli.h"

static const struct cli_command commands[] = {
    {"check", "verify the configuration and everything it names", cli_check},
    {"serve", "open the listeners and serve", cli_serve},
    {"migrate", "bring the store to the schema of this program", cli_migrate},
    {"import", "bring business data into the store", cli_import},
    {"export", "write them back in the same form", cli_export},
    {"keys", "make, list and rotate the keys for data at rest", cli_keys},
    {"consent", "look up and withdraw consents", cli_consent},
    {"sso", "look after the professional's door: connections, mappings, the login log", cli_sso},
    {"audit", "read and verify the audit trail", cli_audit},
    {"lists", "show and verify the MedMij lists", cli_lists},
    {"version", "print the version", cli_version},
};

static const char about[] =
    "The authorization server of a MedMij Dienstverlener aanbieder, and single sign-on for professionals. "
    "Each command reads its configuration from the file that --config names, " CLI_DEFAULT_CONFIG
    " by default. Exit status: 0 done, 1 something is wrong, 2 wrong use.";

int main(int argc, char **argv)
{
    return cli_dispatch("sluis", about, commands, sizeof commands / sizeof commands[0], argc, argv);
}
