#include "cli/cli.h"

#include "base/codec.h"
#include "store/audit.h"

#include <stdio.h>

#define JSON_LINE_MAX ((size_t)1 << 20)

static int verify(struct cli *cli)
{
    struct audit_verdict verdict;
    if (audit_verify(cli->store, cli->arena, &verdict) != OK)
        return cli_fail("the audit trail cannot be read");
    if (!verdict.is_intact)
        return cli_fail(
            "the audit trail is broken at entry %lld of node %s: an entry was changed, removed or put in; "
            "keep a copy of the store as it is and compare it with a backup",
            (long long)verdict.broken_number, cli_printable(cli->arena, verdict.broken_node));
    printf("intact: %lld entries of %lld node%s\n", (long long)verdict.entries, (long long)verdict.nodes,
           verdict.nodes == 1 ? "" : "s");
    return cli_flush();
}

static int audit_verify_command(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    const struct cli_option options[] = {CLI_CONFIG_OPTION(config)};
    const struct cli_usage usage = {
        .command = "sluis audit verify",
        .arguments = "",
        .summary =
            "Walks the hash chain of every node and tells whether any entry was changed, removed or put in.",
        .options = options,
        .option_count = 1,
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    status = cli_open_store(&cli, config);
    if (status == CLI_OK)
        status = verify(&cli);
    cli_close(&cli);
    return status;
}

static int print_json(struct cli *cli, const struct audit_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct audit_entry *entry = &list->items[i];
        struct buf line = buf_new(cli->arena, JSON_LINE_MAX);
        buf_append_char(&line, '{');
        cli_json_text(&line, "node", entry->node);
        cli_json_int(&line, "number", entry->number);
        cli_json_time(&line, "at", entry->at);
        cli_json_text(&line, "actor", entry->actor);
        cli_json_text(&line, "action", entry->action);
        cli_json_text(&line, "subject", entry->subject);
        cli_json_text(&line, "details", entry->details);
        cli_json_text(&line, "hash", codec_hex(cli->arena, entry->hash));
        buf_append_char(&line, '}');
        puts(buf_c(&line));
    }
    return cli_flush();
}

static int print_table(struct cli *cli, const struct audit_list *list)
{
    static const char *const headings[] = {"NUMBER", "AT", "ACTOR", "ACTION", "SUBJECT", "DETAILS"};
    struct cli_table table = cli_table_new(cli->arena, 6, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct audit_entry *entry = &list->items[i];
        cli_table_add(&table, arena_printf(cli->arena, "%lld", (long long)entry->number));
        cli_table_add(&table, cli_time(cli->arena, entry->at));
        cli_table_add(&table, cli_printable(cli->arena, entry->actor));
        cli_table_add(&table, cli_printable(cli->arena, entry->action));
        cli_table_add(&table, cli_printable(cli->arena, entry->subject));
        cli_table_add(&table, cli_printable(cli->arena, entry->details));
    }
    cli_table_print(&table);
    return cli_flush();
}

static int audit_list_command(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    const char *node = NULL;
    const char *after_text = "0";
    const char *limit_text = "100";
    bool is_json = false;
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(config),
        {"node", 0, "NAME", &node, NULL, "chain to read (default: the node of the configuration)"},
        {"after", 0, "NUMBER", &after_text, NULL, "entries with a higher number only, for the next page"},
        {"limit", 0, "COUNT", &limit_text, NULL, "entries at most (default 100, at most 1000)"},
        {"json", 0, NULL, NULL, &is_json, "one JSON object per line, with the hashes"},
    };
    const struct cli_usage usage = {
        .command = "sluis audit list",
        .arguments = "",
        .summary = "Prints the audit trail of one node, oldest entry first.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    int64_t after;
    int64_t limit;
    if (str_to_int64(str_from_c(after_text), &after) != OK)
        return cli_misuse(&usage, "--after takes a number");
    if (str_to_int64(str_from_c(limit_text), &limit) != OK || limit < 1 || limit > 1000)
        return cli_misuse(&usage, "--limit takes a number from 1 to 1000");
    struct cli cli;
    status = cli_open_store(&cli, config);
    struct audit_list list = {0};
    if (status == CLI_OK && audit_read(cli.store, str_from_c(node != NULL ? node : cli.conf->node), after,
                                       (int)limit, cli.arena, &list) != OK)
        status = cli_fail("the audit trail cannot be read");
    if (status == CLI_OK)
        status = is_json ? print_json(&cli, &list) : print_table(&cli, &list);
    cli_close(&cli);
    return status;
}

int cli_audit(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print the audit trail", audit_list_command},
        {"verify", "check that nothing in it was changed", audit_verify_command},
    };
    return cli_dispatch("sluis audit", "The audit trail: append-only, one chain of hashes per node.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
