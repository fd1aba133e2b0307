#include "cli/sso.h"

#include "base/clock.h"
#include "sso/reference.h"
#include "sso/sso_error.h"
#include "sso/trail_text.h"
#include "store/exchange_log.h"

#include <stdio.h>
#include <string.h>

#define RENDER_MAX ((size_t)4 << 20)
#define JSON_LINE_MAX ((size_t)4 << 20)
#define PAGE 500

struct log_call {
    struct sso_choice choice;
    const char *customer, *user, *location, *code, *from, *to, *before;
    int64_t limit;
    bool is_json;
};

#define FILTER_OPTIONS(call)                                                                                 \
    {"connection", 0, "CONNECTION", &(call).choice.slug, NULL, "those of one connection"},                   \
        SSO_ENVIRONMENT_OPTION((call).choice.environment), SSO_PLATFORM_OPTION((call).choice.platform),      \
        {"customer", 0, "KEY", &(call).customer, NULL, "those of all connections of one customer"},          \
        {"code", 0, "CODE", &(call).code, NULL, "those that ended with this error: 701, or 701c"},           \
        {"user", 'u', "TEXT", &(call).user, NULL, "those of people with this in their name"},                \
        {"location", 'l', "ID", &(call).location, NULL, "those that brought this location id (number 6)"},   \
        {"from", 0, "TIME", &(call).from, NULL, "from this moment: 2026-11-21 or 2026-11-21T18:00:00Z"},     \
    {                                                                                                        \
        "to", 0, "TIME", &(call).to, NULL, "before this moment"                                              \
    }

/* "701", or "701c" with the letter of its cause, as the list prints it. */
static bool read_code(struct str text, int64_t *out_code, struct str *out_cause)
{
    size_t digits = text.length == 4 && text.data[3] >= 'a' && text.data[3] <= 'z' ? 3 : text.length;
    *out_cause = str_slice(text, digits, text.length);
    return str_to_int64(str_slice(text, 0, digits), out_code) == OK && *out_code >= 101 && *out_code <= 999;
}

static int check_filter(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    const struct log_call *call = context;
    int64_t moment, code;
    struct str cause;
    if (call->code != NULL && !read_code(str_from_c(call->code), &code, &cause))
        return cli_misuse(usage,
                          "--code takes the number of an error, with or without its letter: 701, 701c");
    if ((call->from != NULL && !sso_read_time(str_from_c(call->from), &moment)) ||
        (call->to != NULL && !sso_read_time(str_from_c(call->to), &moment)))
        return cli_misuse(usage, "--from and --to take a moment in UTC: 2026-11-21 or 2026-11-21T18:00:00Z");
    if (call->choice.slug == NULL && (call->choice.environment != NULL || call->choice.platform != NULL))
        return cli_misuse(usage, "--environment and --platform go with --connection");
    return CLI_GO_ON;
}

/* Of options that check_filter has passed. */
static int make_filter(struct cli *cli, const struct log_call *call, struct exchange_filter *out_filter)
{
    *out_filter = (struct exchange_filter){
        .scope = call->customer != NULL ? SCOPE_CUSTOMER(str_from_c(call->customer)) : SCOPE_ALL,
        .location_id = str_from_c(call->location),
        .user_name = str_from_c(call->user),
        .before_reference = str_from_c(call->before),
    };
    if (call->code != NULL && !read_code(str_from_c(call->code), &out_filter->code, &out_filter->cause))
        return CLI_USAGE;
    if (call->from != NULL && !sso_read_time(str_from_c(call->from), &out_filter->from_ms))
        return CLI_USAGE;
    if (call->to != NULL && !sso_read_time(str_from_c(call->to), &out_filter->to_ms))
        return CLI_USAGE;
    if (call->choice.slug == NULL)
        return CLI_OK;
    struct sso_data data;
    const struct sso_connection *connection;
    int status = sso_read(cli, &data);
    if (status == CLI_OK)
        status = sso_connection_pick(cli, &data, &call->choice, &connection);
    if (status == CLI_OK)
        out_filter->connection = connection->id;
    return status;
}

static const char *result_of(struct cli *cli, const struct exchange_entry *entry)
{
    if (entry->result.length == 0)
        return "bezig";
    return cli_printable(cli->arena, entry->result);
}

/* ---- list ---- */

static void print_json(struct cli *cli, const struct exchange_entry *entry, bool has_steps)
{
    struct buf line = buf_new(cli->arena, JSON_LINE_MAX);
    char started[CLOCK_TEXT_SIZE];
    clock_format_ms(entry->started_at_ms, started);
    buf_append_char(&line, '{');
    cli_json_text(&line, "ref", entry->reference);
    cli_json_text(&line, "start", str_from_c(started));
    cli_json_int(&line, "ms", entry->ended_at_ms > 0 ? entry->ended_at_ms - entry->started_at_ms : -1);
    cli_json_text(&line, "connection", entry->slug);
    cli_json_text(&line, "connection_id", entry->connection);
    cli_json_text(&line, "customer", entry->customer_key);
    cli_json_text(&line, "environment", entry->environment);
    cli_json_text(&line, "result", entry->result);
    cli_json_int(&line, "code", entry->code);
    cli_json_text(&line, "cause", entry->cause);
    if (entry->code != 0)
        cli_json_text(&line, "title", str_from_c(sso_error_find((int)entry->code)->title));
    cli_json_text(&line, "user", entry->user_name);
    cli_json_text(&line, "user_id", entry->user_id);
    if (has_steps) {
        buf_append_c(&line, ",\"steps\":");
        buf_append(&line, entry->steps.length > 0 ? entry->steps : STR("null"));
    }
    buf_append_char(&line, '}');
    puts(buf_c(&line));
}

static void print_table(struct cli *cli, const struct exchange_list *list)
{
    static const char *const headings[] = {"REFERENCE", "STARTED",    "RESULT",      "CODE",
                                           "TITLE",     "CONNECTION", "ENVIRONMENT", "USER"};
    struct cli_table table = cli_table_new(cli->arena, 8, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct exchange_entry *entry = &list->items[i];
        bool has_code = entry->code != 0;
        cli_table_add(&table, cli_printable(cli->arena, entry->reference));
        cli_table_add(&table, sso_time_ms(cli->arena, entry->started_at_ms));
        cli_table_add(&table, result_of(cli, entry));
        cli_table_add(&table, has_code ? arena_printf(cli->arena, "%lld%.*s", (long long)entry->code,
                                                      STR_ARG(entry->cause))
                                       : "-");
        cli_table_add(&table, has_code ? sso_error_find((int)entry->code)->title : "-");
        const struct str texts[] = {entry->slug, entry->environment, entry->user_name};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            cli_table_add(&table, texts[k].length > 0 ? cli_printable(cli->arena, texts[k]) : "-");
    }
    cli_table_print(&table);
}

static int list_log(struct cli *cli, void *context)
{
    const struct log_call *call = context;
    struct exchange_filter filter;
    int status = make_filter(cli, call, &filter);
    if (status != CLI_OK)
        return status;
    filter.limit = (int)call->limit;
    struct exchange_list list = {0};
    if (exchange_log_list(cli->store, &filter, cli->arena, &list) != OK)
        return cli_fail("the exchange log cannot be read");
    for (size_t i = 0; call->is_json && i < list.count; i++)
        print_json(cli, &list.items[i], false);
    if (!call->is_json)
        print_table(cli, &list);
    if (!call->is_json && list.count == (size_t)call->limit)
        printf("\nthere may be more: --before %s\n",
               cli_printable(cli->arena, list.items[list.count - 1].reference));
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    struct log_call call = {.limit = 50};
    const struct cli_option options[] = {
        FILTER_OPTIONS(call),
        {"before", 0, "REFERENCE", &call.before, NULL, "those older than this one, for the next page"},
        CLI_LIMIT_OPTION(call.limit, "this many at most (default 50, at most 1000)"),
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso log list",
        .arguments = "",
        .summary =
            "Prints login attempts, newest first: how each ended, and the reference that its user saw.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_filter, list_log, &call);
}

/* ---- show ---- */

static int show_entry(struct cli *cli, void *call)
{
    bool is_json = *(const bool *)call;
    struct exchange_entry entry;
    struct str read;
    if (reference_read(cli->arena, str_from_c(cli->arguments[0]), &read) != OK)
        return CLI_USAGE; /* check_reference said so */
    const char *reference = arena_strndup(cli->arena, read.data, read.length);
    switch (exchange_log_find(cli->store, SCOPE_ALL, str_from_c(reference), cli->arena, &entry)) {
    case OK:
        break;
    case ABSENT:
        return cli_fail("there is no login attempt %s; `sluis sso log list` finds them", reference);
    case FAILED:
        return cli_fail("the exchange log cannot be read");
    }
    int status = sso_audit(cli, "sso_log_view", reference, "");
    if (status != CLI_OK)
        return status;
    if (is_json) {
        print_json(cli, &entry, true);
        return CLI_OK;
    }
    struct buf text = buf_new(cli->arena, RENDER_MAX);
    trail_text_write(cli->arena, &text, &entry);
    fwrite(text.data, 1, text.length, stdout);
    if (entry.user_id.length > 0)
        printf("user id %s\n", cli_printable(cli->arena, entry.user_id));
    if (entry.steps.length == 0)
        printf("the details are gone: they are kept for a limited time\n");
    return CLI_OK;
}

static int check_reference(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)call, (void)count;
    struct arena *arena = arena_new();
    struct str read;
    enum outcome outcome = reference_read(arena, str_from_c(arguments[0]), &read);
    arena_free(&arena);
    if (outcome == OK)
        return CLI_GO_ON;
    return cli_misuse(usage, "REFERENCE is what the user saw, as SSO-20261121-7K3F9QXA");
}

static int show_command(int argc, char **argv)
{
    bool is_json = false;
    const struct cli_option options[] = {
        {"json", 0, NULL, NULL, &is_json, "as a JSON object"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso log show",
        .arguments = "REFERENCE",
        .summary =
            "Prints one login attempt, step by step: number 6 has the location ids that were received, 7 "
            "what became of them. That somebody looked is written to the audit trail.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_reference, show_entry, &is_json);
}

/* ---- export ---- */

static int export_page(struct cli *cli, const struct exchange_list *page)
{
    for (size_t i = 0; i < page->count; i++) {
        /* An arena for each: an entry may hold thousands of ids, and there may be very many entries. */
        struct cli one = *cli;
        one.arena = arena_new();
        struct exchange_entry entry;
        enum outcome outcome =
            exchange_log_find(cli->store, SCOPE_ALL, page->items[i].reference, one.arena, &entry);
        if (outcome == OK)
            print_json(&one, &entry, true);
        arena_free(&one.arena);
        if (outcome == FAILED)
            return cli_fail("the exchange log cannot be read; the export is not complete");
    }
    return CLI_OK;
}

static int export_log(struct cli *cli, void *context)
{
    const struct log_call *call = context;
    struct exchange_filter filter;
    int status = make_filter(cli, call, &filter);
    if (status == CLI_OK)
        status = sso_audit(cli, "sso_log_export", call->choice.slug != NULL ? call->choice.slug : "all", "");
    filter.limit = PAGE;
    struct exchange_list page = {.count = PAGE};
    while (status == CLI_OK && page.count == PAGE) {
        page = (struct exchange_list){0};
        if (exchange_log_list(cli->store, &filter, cli->arena, &page) != OK)
            return cli_fail("the exchange log cannot be read; the export is not complete");
        status = export_page(cli, &page);
        if (page.count > 0)
            filter.before_reference = page.items[page.count - 1].reference;
    }
    return status;
}

static int export_command(int argc, char **argv)
{
    struct log_call call = {0};
    const struct cli_option options[] = {FILTER_OPTIONS(call)};
    const struct cli_usage usage = {
        .command = "sluis sso log export",
        .arguments = "",
        .summary =
            "Writes login attempts with all their steps to standard output, one JSON object per line, newest "
            "first. Written to the audit trail.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_filter, export_log, &call);
}

int cli_sso_log(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "find login attempts", list_command},
        {"show", "print all steps of one", show_command},
        {"export", "write them with all steps as JSON lines", export_command},
    };
    return cli_dispatch("sluis sso log", "The numbered exchange log: every login attempt, step by step.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
