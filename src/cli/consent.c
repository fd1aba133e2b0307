#include "cli/cli.h"

#include "base/bsn.h"
#include "base/clock.h"
#include "conf/file.h"
#include "store/consent.h"

#include <stdio.h>
#include <string.h>

#define JSON_LINE_MAX ((size_t)1 << 20)
#define PERSON_FILE_MAX 64

/* ---- printing; the person is never printed ---- */

static const char *state_of(const struct consent *consent)
{
    if (!consent->is_given)
        return "refused";
    return consent->withdrawn_at != 0 ? "withdrawn" : "given";
}

static void print_json(struct cli *cli, const struct consent *consent)
{
    struct buf line = buf_new(cli->arena, JSON_LINE_MAX);
    buf_append_char(&line, '{');
    cli_json_text(&line, "id", consent->id);
    cli_json_text(&line, "state", str_from_c(state_of(consent)));
    cli_json_time(&line, "stated_at", consent->stated_at);
    cli_json_text(&line, "provider", consent->provider);
    cli_json_text(&line, "provider_name", consent->provider_name);
    cli_json_text(&line, "client", consent->client_host);
    cli_json_text(&line, "client_name", consent->client_name);
    cli_json_text(&line, "function", consent->function);
    cli_json_words(&line, "services_shown", consent->services_shown, ' ');
    cli_json_words(&line, "service_names", consent->service_names, '\n');
    cli_json_words(&line, "services_granted", consent->services_granted, ' ');
    cli_json_int(&line, "days", consent->days);
    cli_json_bool(&line, "indefinite", consent->is_indefinite);
    cli_json_text(&line, "text_version", consent->text_version);
    cli_json_text(&line, "text_hash", consent->text_hash);
    cli_json_text(&line, "identity_provider", consent->identity_provider);
    cli_json_text(&line, "login_level", consent->login_level);
    cli_json_text(&line, "trace_id", consent->trace_id);
    cli_json_text(&line, "session_id", consent->session_id);
    cli_json_time(&line, "last_used_at", consent->last_used_at);
    cli_json_time(&line, "withdrawn_at", consent->withdrawn_at);
    cli_json_text(&line, "withdrawn_by", consent->withdrawn_by);
    buf_append_char(&line, '}');
    puts(buf_c(&line));
}

static void print_table(struct cli *cli, const struct consent_list *list)
{
    static const char *const headings[] = {"ID",       "STATED AT", "STATE",      "PROVIDER", "CLIENT",
                                           "FUNCTION", "SERVICES",  "INDEFINITE", "LAST USED"};
    struct cli_table table = cli_table_new(cli->arena, 9, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct consent *consent = &list->items[i];
        cli_table_add(&table, cli_printable(cli->arena, consent->id));
        cli_table_add(&table, cli_time(cli->arena, consent->stated_at));
        cli_table_add(&table, state_of(consent));
        cli_table_add(&table, cli_printable(cli->arena, consent->provider));
        cli_table_add(&table, cli_printable(cli->arena, consent->client_host));
        cli_table_add(&table, cli_printable(cli->arena, consent->function));
        cli_table_add(&table, consent->services_granted.length > 0
                                  ? cli_printable(cli->arena, consent->services_granted)
                                  : "-");
        cli_table_add(&table, consent->is_indefinite ? "yes" : "no");
        cli_table_add(&table, cli_time(cli->arena, consent->last_used_at));
    }
    cli_table_print(&table);
}

static void print_line(const char *name, const char *value)
{
    if (value[0] != '\0')
        printf("%-18s %s\n", name, value);
}

static void print_text(struct cli *cli, const char *name, struct str value)
{
    print_line(name, cli_printable(cli->arena, value));
}

static void print_details(struct cli *cli, const struct consent *consent)
{
    print_text(cli, "id", consent->id);
    print_line("state", state_of(consent));
    print_line("stated at", cli_time(cli->arena, consent->stated_at));
    print_line("provider",
               arena_printf(cli->arena, "%s (shown as: %s)", cli_printable(cli->arena, consent->provider),
                            cli_printable(cli->arena, consent->provider_name)));
    print_line("client",
               arena_printf(cli->arena, "%s (shown as: %s)", cli_printable(cli->arena, consent->client_host),
                            cli_printable(cli->arena, consent->client_name)));
    print_text(cli, "function", consent->function);
    struct str ids = consent->services_shown.length > 0 ? consent->services_shown : STR_NONE;
    struct str names = consent->service_names;
    struct str id;
    struct str name;
    while (str_split_next(&ids, ' ', &id)) {
        if (!str_split_next(&names, '\n', &name))
            name = STR_NONE;
        print_line("service shown", arena_printf(cli->arena, "%s %s", cli_printable(cli->arena, id),
                                                 cli_printable(cli->arena, name)));
    }
    print_text(cli, "services granted", consent->services_granted);
    if (consent->days > 0)
        print_line("days", arena_printf(cli->arena, "%lld", (long long)consent->days));
    print_line("indefinite", consent->is_indefinite ? "yes" : "no");
    print_text(cli, "text version", consent->text_version);
    print_text(cli, "text hash", consent->text_hash);
    print_text(cli, "identity provider", consent->identity_provider);
    print_text(cli, "level of login", consent->login_level);
    print_text(cli, "trace id", consent->trace_id);
    print_text(cli, "session id", consent->session_id);
    print_line("last used", cli_time(cli->arena, consent->last_used_at));
    if (consent->withdrawn_at != 0)
        print_line("withdrawn",
                   arena_printf(cli->arena, "%s by %s", cli_time(cli->arena, consent->withdrawn_at),
                                cli_printable(cli->arena, consent->withdrawn_by)));
}

/* ---- list ---- */

/* Never from the command line, where every user of the machine could read it. */
static int read_person(struct cli *cli, const char *path, struct str *out_person)
{
    struct failure failure;
    struct str bytes;
    bool is_input = strcmp(path, "-") == 0;
    enum outcome outcome = is_input ? file_read_input(cli->arena, PERSON_FILE_MAX, &bytes, &failure)
                                    : file_read(cli->arena, path, PERSON_FILE_MAX, &bytes, &failure);
    if (outcome != OK)
        return cli_fail("%s", failure.text);
    if (str_ends_with(bytes, STR("\n")))
        bytes.length--;
    if (!bsn_is_valid(bytes))
        return cli_fail("%s does not hold a BSN: nine digits that pass the eleven-test, on one line",
                        is_input ? "standard input" : path);
    *out_person = bytes;
    return CLI_OK;
}

struct list_call {
    const char *person_file, *provider, *client, *before;
    int64_t limit;
    bool is_person_from_input, is_active, is_json;
};

static int list_consents(struct cli *cli, void *context)
{
    const struct list_call *call = context;
    struct consent_filter filter = {
        .provider = str_from_c(call->provider),
        .client_host = str_from_c(call->client),
        .only_active = call->is_active,
        .before_id = str_from_c(call->before),
        .limit = (int)call->limit,
    };
    const char *person_file = call->is_person_from_input ? "-" : call->person_file;
    int status = person_file != NULL ? read_person(cli, person_file, &filter.person) : CLI_OK;
    if (status != CLI_OK)
        return status;
    struct consent_list list = {0};
    if (consent_list(cli->store, &filter, clock_now(), cli->arena, &list) != OK)
        return cli_fail("the consent register cannot be read");
    for (size_t i = 0; call->is_json && i < list.count; i++)
        print_json(cli, &list.items[i]);
    if (call->is_json)
        return CLI_OK;
    print_table(cli, &list);
    if (list.count == (size_t)filter.limit)
        printf("\nthere may be more: --before %s\n",
               cli_printable(cli->arena, list.items[list.count - 1].id));
    return CLI_OK;
}

static int check_list(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    const struct list_call *call = context;
    if (call->before[0] != '\0' && !str_is_uuid(str_from_c(call->before)))
        return cli_misuse(usage, "--before takes the id of a consent");
    if (call->is_person_from_input && call->person_file != NULL)
        return cli_misuse(usage, "--person and --person-file exclude each other");
    return CLI_GO_ON;
}

static int consent_list_command(int argc, char **argv)
{
    struct list_call call = {.provider = "", .client = "", .before = "", .limit = 50};
    const struct cli_option options[] = {
        {"person", 'p', NULL, NULL, &call.is_person_from_input,
         "those of one person, whose BSN is read from standard input"},
        {"person-file", 0, "FILE", &call.person_file, NULL, "the same, with the BSN in a file"},
        {"provider", 0, "NAME", &call.provider, NULL, "those at one provider (without @medmij)"},
        {"client", 0, "HOST", &call.client, NULL, "those for one PGO, by its host name"},
        {"active", 'a', NULL, NULL, &call.is_active, "those in force only: given, not withdrawn, not lapsed"},
        {"before", 0, "ID", &call.before, NULL, "those older than this one, for the next page"},
        CLI_LIMIT_OPTION(call.limit, "this many at most (default 50, at most 1000)"),
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line"},
    };
    const struct cli_usage usage = {
        .command = "sluis consent list",
        .arguments = "",
        .summary = "Prints statements of consent and refusal, newest first. The BSN of a person is asked for "
                   "in a way that leaves no trace in the process list or shell history, and is never "
                   "printed.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_list, list_consents, &call);
}

/* ---- show, withdraw ---- */

static int check_id(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)call, (void)count;
    return str_is_uuid(str_from_c(arguments[0])) ? CLI_GO_ON
                                                 : cli_misuse(usage, "ID is not the id of a consent");
}

static int show_consent(struct cli *cli, void *call)
{
    struct str id = str_from_c(cli->arguments[0]);
    bool is_json = *(const bool *)call;
    struct consent consent;
    switch (consent_find(cli->store, id, cli->arena, &consent)) {
    case OK:
        break;
    case ABSENT:
        return cli_fail("there is no consent with id %.*s; `sluis consent list` finds them", STR_ARG(id));
    case FAILED:
        return cli_fail("the consent register cannot be read");
    }
    if (is_json)
        print_json(cli, &consent);
    else
        print_details(cli, &consent);
    return CLI_OK;
}

static int consent_show_command(int argc, char **argv)
{
    bool is_json = false;
    const struct cli_option options[] = {
        {"json", 0, NULL, NULL, &is_json, "as a JSON object"},
    };
    const struct cli_usage usage = {
        .command = "sluis consent show",
        .arguments = "ID",
        .summary = "Prints everything recorded about one statement, except who made it.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_id, show_consent, &is_json);
}

static int withdraw_consent(struct cli *cli, void *call)
{
    (void)call;
    struct str id = str_from_c(cli->arguments[0]);
    struct str by = str_from_c(arena_printf(cli->arena, "helpdesk:%s", cli->actor + strlen("cli:")));
    struct consent before;
    enum outcome outcome = consent_find(cli->store, id, cli->arena, &before);
    if (outcome == OK)
        outcome = consent_withdraw(cli->store, id, by, clock_now());
    switch (outcome) {
    case OK:
        break;
    case ABSENT:
        return cli_fail("there is no consent with id %.*s; `sluis consent list` finds them", STR_ARG(id));
    case FAILED:
        return cli_fail("the store failed; it is not certain that the consent was withdrawn, so try again");
    }
    if (!before.is_given)
        return cli_fail("this is a refusal: there is nothing to withdraw");
    if (before.withdrawn_at != 0)
        printf("already withdrawn at %s by %s\n", cli_time(cli->arena, before.withdrawn_at),
               cli_printable(cli->arena, before.withdrawn_by));
    else
        printf("withdrawn: the consent and every token under it no longer work\n");
    return CLI_OK;
}

static int consent_withdraw_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis consent withdraw",
        .arguments = "ID",
        .summary =
            "Ends a consent and every token under it at once, in the name of the user who runs this; written "
            "to the audit trail. Withdrawing again changes nothing.",
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_id, withdraw_consent, NULL);
}

int cli_consent(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "find statements by person, provider or PGO", consent_list_command},
        {"show", "print all of one statement", consent_show_command},
        {"withdraw", "end a consent and its tokens", consent_withdraw_command},
    };
    return cli_dispatch("sluis consent", "The consent register.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
