#include "cli/check.h"

#include "base/clock.h"
#include "conf/file.h"
#include "medmij/lists_fetch.h"
#include "store/list_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_words[LIST_KINDS] = {
    [LIST_PROVIDERS] = "providers",
    [LIST_CLIENTS] = "clients",
    [LIST_SERVICE_NAMES] = "service_names",
    [LIST_WHITELIST] = "whitelist",
};

/* ---- show: the last good copies, as the servers left them in the store ---- */

static enum outcome add_copy(struct cli *cli, struct cli_table *table, enum list_kind kind)
{
    struct str xml;
    int64_t fetched_at;
    struct list_status status = {0};
    struct failure failure = {""};
    const char *state;
    cli_table_add(table, kind_words[kind]);
    switch (list_copy_load(cli->store, list_kind_name(kind), cli->arena, &xml, &fetched_at)) {
    case OK:
        break;
    case ABSENT:
        for (int i = 0; i < 4; i++)
            cli_table_add(table, "-");
        cli_table_add(table, "never fetched");
        return OK;
    case FAILED:
        return FAILED;
    }
    if (lists_verify_document(kind, xml, NULL, cli->conf->is_development, &status, &failure) != OK)
        state = arena_printf(cli->arena, "unusable: %s", failure.text);
    else if (clock_now() - fetched_at > cli->conf->lists_max_age_s)
        state = "too old: requests that need it fail";
    else
        state = "in use";
    cli_table_add(table, arena_printf(cli->arena, "%" PRId64, status.volgnummer));
    cli_table_add(table, cli_time(cli->arena, status.stamped_at));
    cli_table_add(table, cli_time(cli->arena, fetched_at));
    cli_table_add(table, arena_printf(cli->arena, "%zu", status.entries));
    cli_table_add(table, cli_printable(cli->arena, str_from_c(state)));
    return OK;
}

static int show_lists(struct cli *cli, void *call)
{
    (void)call;
    static const char *const headings[] = {"LIST",       "VOLGNUMMER", "STAMPED AT",
                                           "FETCHED AT", "ENTRIES",    "STATE"};
    struct cli_table table = cli_table_new(cli->arena, 6, headings);
    for (int kind = 0; kind < LIST_KINDS; kind++)
        if (add_copy(cli, &table, (enum list_kind)kind) != OK)
            return cli_fail("the store cannot be read");
    cli_table_print(&table);
    return CLI_OK;
}

static int lists_show_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis lists show",
        .arguments = "",
        .summary =
            "Prints the last good copy of each MedMij list as the servers keep it in the store: number, time "
            "stamp, when it was last fetched, and whether it is still in use.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, show_lists, NULL);
}

/* ---- verify ---- */

static int tell(struct cli *cli, enum list_kind kind, const char *place, struct str xml, const char *schema)
{
    struct list_status status = {0};
    struct failure failure = {""};
    if (lists_verify_document(kind, xml, schema, cli->conf->is_development, &status, &failure) != OK)
        return cli_fail("%s: %s", place, cli_printable(cli->arena, str_from_c(failure.text)));
    printf("%s: a valid %s: volgnummer %" PRId64 " of %s, %zu entries%s\n", place, list_kind_name(kind),
           status.volgnummer, cli_time(cli->arena, status.stamped_at), status.entries,
           schema != NULL ? ", valid by its schema" : "");
    return CLI_OK;
}

/* By the name of the root element, which differs per list: "MedMij_Whitelist" has <Whitelist>, with any
 * prefix. */
static bool find_kind(struct str xml, enum list_kind *out_kind)
{
    for (int kind = 0; kind < LIST_KINDS; kind++) {
        struct str name = str_from_c(list_kind_name((enum list_kind)kind) + strlen("MedMij_"));
        struct str rest = xml;
        const char *found;
        while (rest.length > 0 && (found = memmem(rest.data, rest.length, name.data, name.length)) != NULL) {
            size_t at = (size_t)(found - xml.data);
            size_t end = at + name.length;
            bool is_tag = at > 0 && (xml.data[at - 1] == '<' || xml.data[at - 1] == ':');
            if (is_tag && end < xml.length && memchr(" \t\r\n>/", xml.data[end], 6) != NULL) {
                *out_kind = (enum list_kind)kind;
                return true;
            }
            rest = str_slice(xml, end, xml.length);
        }
    }
    return false;
}

static int verify_file(struct cli *cli, const struct lists_settings *settings, const char *path,
                       const char *word)
{
    struct failure failure;
    struct str xml;
    enum list_kind kind = LIST_PROVIDERS;
    if (file_read(cli->arena, path, settings->size_max, &xml, &failure) != OK)
        return cli_fail("%s", failure.text);
    bool is_found = word == NULL && find_kind(xml, &kind);
    for (int i = 0; word != NULL && i < LIST_KINDS; i++)
        if (strcmp(kind_words[i], word) == 0) {
            kind = (enum list_kind)i;
            is_found = true;
        }
    if (!is_found)
        return cli_fail("%s: this is none of the four lists; name one with --list to hear why", path);
    return tell(cli, kind, path, xml, settings->sources[kind].schema_file);
}

static int verify_configured(struct cli *cli, const struct lists_settings *settings)
{
    int status = CLI_OK;
    for (int i = 0; i < LIST_KINDS; i++) {
        struct failure failure;
        struct str xml;
        struct arena *arena = arena_new();
        int found = list_fetch(arena, settings, (enum list_kind)i, &xml, &failure) == OK
                        ? tell(cli, (enum list_kind)i, settings->sources[i].location, xml,
                               settings->sources[i].schema_file)
                        : cli_fail("%s", cli_printable(cli->arena, str_from_c(failure.text)));
        arena_free(&arena);
        if (found != CLI_OK)
            status = found;
    }
    return status;
}

static int check_word(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)arguments;
    const char *word = *(const char **)call;
    bool is_word_known = word == NULL;
    for (int i = 0; word != NULL && i < LIST_KINDS; i++)
        is_word_known = is_word_known || strcmp(kind_words[i], word) == 0;
    if (!is_word_known)
        return cli_misuse(usage, "--list takes providers, clients, service_names or whitelist");
    if (word != NULL && count == 0)
        return cli_misuse(usage, "--list goes with FILE");
    return CLI_GO_ON;
}

static int verify_lists(struct cli *cli, void *call)
{
    struct lists_settings settings = cli_lists_settings(cli->conf);
    return cli->argument_count > 0 ? verify_file(cli, &settings, cli->arguments[0], *(const char **)call)
                                   : verify_configured(cli, &settings);
}

static int lists_verify_command(int argc, char **argv)
{
    const char *word = NULL;
    const struct cli_option options[] = {
        {"list", 'l', "NAME", &word, NULL,
         "which list FILE is: providers, clients, service_names or whitelist (default: by its root element)"},
    };
    const struct cli_usage usage = {
        .command = "sluis lists verify",
        .arguments = "[FILE]",
        .summary =
            "Checks a list in FILE, or without FILE fetches and checks the four lists of the configuration, "
            "the "
            "way a server does: structure, names, addresses, and the XML schema when one is configured.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_max = 1,
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, check_word, verify_lists, &word);
}

int cli_lists(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"show", "print the lists that the servers keep", lists_show_command},
        {"verify", "check a list, or all that are configured", lists_verify_command},
    };
    return cli_dispatch("sluis lists", "The four MedMij lists.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
