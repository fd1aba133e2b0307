#include "cli/sso.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_MAX ((size_t)64 << 20)
#define JSON_LINE_MAX ((size_t)1 << 16)

/* ---- list ---- */

struct list_call {
    struct sso_choice choice;
    const char *status, *search, *group;
    bool is_new, is_csv, is_json;
};

/* What needs attention first: new codes, and of those the ones seen last. */
static int compare_rows(const void *a, const void *b)
{
    const struct mapping_row *one = a;
    const struct mapping_row *other = b;
    bool is_new = one->status == MAPPING_NEW;
    if (is_new != (other->status == MAPPING_NEW))
        return is_new ? -1 : 1;
    if (one->last_seen != other->last_seen)
        return one->last_seen > other->last_seen ? -1 : 1;
    return str_compare(one->code, other->code);
}

static const char *text_or_dash(struct cli *cli, struct str text)
{
    return text.length > 0 ? cli_printable(cli->arena, text) : "-";
}

static void print_table(struct cli *cli, const struct mapping_list *list)
{
    static const char *const headings[] = {"CODE",       "NAME",      "STATUS", "GROUP",
                                           "FIRST SEEN", "LAST SEEN", "LOGINS", "REMARK"};
    struct cli_table table = cli_table_new(cli->arena, 8, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct mapping_row *row = &list->items[i];
        cli_table_add(&table, cli_printable(cli->arena, row->code));
        cli_table_add(&table, text_or_dash(cli, row->name));
        cli_table_add(&table, cli_printable(cli->arena, sso_mapping_word(row->status)));
        cli_table_add(&table, text_or_dash(cli, row->group));
        cli_table_add(&table, cli_time(cli->arena, row->first_seen));
        cli_table_add(&table, cli_time(cli->arena, row->last_seen));
        cli_table_add(&table, arena_printf(cli->arena, "%lld", (long long)row->seen_count));
        cli_table_add(&table, cli_printable(cli->arena, row->remark));
    }
    cli_table_print(&table);
}

static int print_csv(struct cli *cli, const struct sso_connection *connection,
                     const struct mapping_list *list)
{
    struct buf csv = buf_new(cli->arena, CSV_MAX);
    buf_append_c(
        &csv, "code,name,status,group,first_seen,last_seen,logins,origin,remark,changed_by,changed_at\r\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct mapping_row *row = &list->items[i];
        sso_csv_cell(&csv, row->code, false);
        sso_csv_cell(&csv, row->name, false);
        sso_csv_cell(&csv, sso_mapping_word(row->status), false);
        sso_csv_cell(&csv, row->group, false);
        sso_csv_cell(&csv, str_from_c(row->first_seen != 0 ? cli_time(cli->arena, row->first_seen) : ""),
                     false);
        sso_csv_cell(&csv, str_from_c(row->last_seen != 0 ? cli_time(cli->arena, row->last_seen) : ""),
                     false);
        sso_csv_cell(&csv, str_from_c(arena_printf(cli->arena, "%lld", (long long)row->seen_count)), false);
        sso_csv_cell(&csv, row->origin, false);
        sso_csv_cell(&csv, row->remark, false);
        sso_csv_cell(&csv, row->changed_by, false);
        sso_csv_cell(&csv, str_from_c(row->changed_at != 0 ? cli_time(cli->arena, row->changed_at) : ""),
                     true);
    }
    if (csv.overflowed)
        return cli_fail("there is more than %zu MiB to export", CSV_MAX >> 20);
    int status = sso_audit(cli, "mapping_export", arena_printf(cli->arena, "%.*s", STR_ARG(connection->id)),
                           arena_printf(cli->arena, "%zu rows", list->count));
    if (status == CLI_OK)
        fwrite(csv.data, 1, csv.length, stdout);
    return status;
}

static void print_json(struct cli *cli, const struct mapping_row *row)
{
    struct buf line = buf_new(cli->arena, JSON_LINE_MAX);
    buf_append_char(&line, '{');
    cli_json_text(&line, "code", row->code);
    cli_json_text(&line, "name", row->name);
    cli_json_text(&line, "status", sso_mapping_word(row->status));
    cli_json_text(&line, "group", row->group);
    cli_json_text(&line, "origin", row->origin);
    cli_json_text(&line, "remark", row->remark);
    cli_json_time(&line, "first_seen", row->first_seen);
    cli_json_time(&line, "last_seen", row->last_seen);
    cli_json_int(&line, "logins", row->seen_count);
    cli_json_text(&line, "first_log", row->first_log);
    cli_json_int(&line, "version", row->version);
    cli_json_text(&line, "changed_by", row->changed_by);
    cli_json_time(&line, "changed_at", row->changed_at);
    buf_append_char(&line, '}');
    puts(buf_c(&line));
}

static int list_mappings(struct cli *cli, void *context)
{
    struct list_call *call = context;
    call->choice.slug = cli->arguments[0];
    struct sso_data data;
    const struct sso_connection *connection;
    struct mapping_list list;
    struct mapping_filter filter = {.search = str_from_c(call->search)};
    if (call->status != NULL && !sso_mapping_status(str_from_c(call->status), &filter.status))
        return cli_fail("there is no status %s", call->status);
    if (call->is_new)
        filter.status = MAPPING_NEW;
    int status = sso_read(cli, &data);
    if (status == CLI_OK)
        status = sso_connection_pick(cli, &data, &call->choice, &connection);
    if (status == CLI_OK)
        status = sso_mappings_read(cli, connection->id, filter, &list);
    if (status != CLI_OK)
        return status;
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (call->group == NULL || str_equal_c(list.items[i].group, call->group))
            list.items[kept++] = list.items[i];
    list.count = kept;
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_rows);
    if (call->is_csv)
        status = print_csv(cli, connection, &list);
    else if (!call->is_json)
        print_table(cli, &list);
    for (size_t i = 0; call->is_json && i < list.count; i++)
        print_json(cli, &list.items[i]);
    return status;
}

static int check_list(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    const struct list_call *call = context;
    enum mapping_status ignored;
    if (call->status != NULL && !sso_mapping_status(str_from_c(call->status), &ignored))
        return cli_misuse(usage, "--status takes new, linked, ignored or inactive");
    if (call->status != NULL && call->is_new)
        return cli_misuse(usage, "--new and --status exclude each other");
    if (call->is_csv && call->is_json)
        return cli_misuse(usage, "--csv and --json exclude each other");
    return CLI_GO_ON;
}

static int list_command(int argc, char **argv)
{
    struct list_call call = {.search = ""};
    const struct cli_option options[] = {
        SSO_ENVIRONMENT_OPTION(call.choice.environment),
        SSO_PLATFORM_OPTION(call.choice.platform),
        {"new", 'n', NULL, NULL, &call.is_new, "codes that nobody has linked or ignored yet"},
        {"status", 0, "WORD", &call.status, NULL, "new, linked, ignored or inactive"},
        {"group", 0, "NAME", &call.group, NULL, "codes that are linked to this group"},
        {"search", 's', "TEXT", &call.search, NULL, "codes with this in the code or name"},
        {"csv", 0, NULL, NULL, &call.is_csv, "as CSV, for a spreadsheet"},
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line, with the versions"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso mappings list",
        .arguments = "CONNECTION",
        .summary =
            "Prints the mapping table of a connection: every location id or authorization code that was "
            "ever received, and the group it is linked to; new ones first.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_list, list_mappings, &call);
}

/* ---- link, unlink, ignore ---- */

struct change {
    struct sso_choice choice;
    const char *group; /* link */
    int64_t version;   /* 0 = that of the row as it is now */
    bool is_adding;    /* codes that were never received too */
    enum mapping_status status;
};

/* ABSENT: there is no such row. The search finds parts, so the pages are gone through for the code itself. */
static enum outcome find_row(struct cli *cli, struct str connection, struct str code,
                             struct mapping_row *out_row)
{
    struct mapping_filter filter = {
        .scope = SCOPE_ALL, .connection = connection, .search = code, .limit = 1000};
    struct mapping_list list;
    do {
        if (mapping_find(cli->store, &filter, cli->arena, &list) != OK)
            return FAILED;
        for (size_t i = 0; i < list.count; i++) {
            filter.after_code = list.items[i].code;
            if (!str_equal(list.items[i].code, code))
                continue;
            *out_row = list.items[i];
            return OK;
        }
    } while (list.count == 1000);
    return ABSENT;
}

static const char *state_of(struct cli *cli, const struct mapping_row *row)
{
    if (row->status == MAPPING_LINKED)
        return arena_printf(cli->arena, "linked to %s", cli_printable(cli->arena, row->group));
    return row->status == MAPPING_NEW ? "not linked"
                                      : cli_printable(cli->arena, sso_mapping_word(row->status));
}

/* C34: told what it has become, and by whom, instead of being written over. */
static int tell_conflict(struct cli *cli, const struct sso_connection *connection, struct str code)
{
    struct mapping_row row;
    const char *name = cli_printable(cli->arena, code);
    switch (find_row(cli, connection->id, code, &row)) {
    case OK:
        return cli_fail(
            "code %s was changed meanwhile: it is %s now, by %s at %s (version %lld); look at it and "
            "try again",
            name, state_of(cli, &row), cli_printable(cli->arena, row.changed_by),
            cli_time(cli->arena, row.changed_at), (long long)row.version);
    case ABSENT:
        return cli_fail("code %s is not in the mapping table any more", name);
    case FAILED:
        break;
    }
    return cli_fail("the mapping table cannot be read");
}

static int change_code(struct cli *cli, const struct change *change, const struct sso_connection *connection,
                       struct str code)
{
    struct mapping_row row = {0};
    struct str group = change->status == MAPPING_LINKED ? str_from_c(change->group) : STR_NONE;
    const char *name = cli_printable(cli->arena, code);
    enum outcome found = find_row(cli, connection->id, code, &row);
    if (found == FAILED)
        return cli_fail("the mapping table cannot be read");
    if (found == ABSENT && !change->is_adding)
        return cli_fail("code %s was never received by this connection; to link it beforehand, add --add",
                        name);
    if (found == OK && change->version == 0 && row.status == change->status && str_equal(row.group, group)) {
        printf("%s was %s already\n", name, state_of(cli, &row));
        return CLI_OK;
    }
    int64_t version = change->version != 0 ? change->version : row.version;
    switch (mapping_change(cli->store, SCOPE_ALL, connection->id, code, change->status, group, version,
                           cli->actor, clock_now())) {
    case OK:
        break;
    case ABSENT:
        return tell_conflict(cli, connection, code);
    case FAILED:
        return cli_fail("the store failed; it is not certain that %s was changed, so look and try again",
                        name);
    }
    const struct mapping_row fresh = {.status = change->status, .group = group};
    printf("%s is %s", name, state_of(cli, &fresh));
    if (found == OK)
        printf(" (was %s)", state_of(cli, &row));
    putchar('\n');
    return CLI_OK;
}

static int check_group(struct cli *cli, const struct sso_data *data, const struct sso_connection *connection,
                       const char *name)
{
    for (size_t i = 0; i < data->group_count; i++) {
        const struct sso_group *group = &data->groups[i];
        if (!str_equal(group->customer_key, connection->customer_key) || !str_equal_c(group->name, name))
            continue;
        const char *shown = cli_printable(cli->arena, group->name);
        if (!group->is_active)
            fprintf(stderr, "sluis: note: group %s is not active: it gives no permissions\n", shown);
        if (group->pair_count == 0)
            fprintf(stderr,
                    "sluis: note: group %s has no permissions: people with no other group get error 702\n",
                    shown);
        return CLI_OK;
    }
    return cli_fail("customer %.*s has no group %s; `sluis sso groups list` tells which there are",
                    STR_ARG(connection->customer_key), cli_printable(cli->arena, str_from_c(name)));
}

static int change_mappings(struct cli *cli, void *context)
{
    struct change *change = context;
    change->choice.slug = cli->arguments[0];
    struct sso_data data;
    const struct sso_connection *connection;
    int status = sso_read(cli, &data);
    if (status == CLI_OK)
        status = sso_connection_pick(cli, &data, &change->choice, &connection);
    if (status == CLI_OK && change->status == MAPPING_LINKED)
        status = check_group(cli, &data, connection, change->group);
    for (int i = 1; status == CLI_OK && i < cli->argument_count; i++)
        status = change_code(cli, change, connection, str_from_c(cli->arguments[i]));
    if (status == CLI_OK)
        printf("people whose permissions this changes get them at their next login\n");
    return status;
}

static int check_change(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    const struct change *change = context;
    if (change->status == MAPPING_LINKED && change->group == NULL)
        return cli_misuse(usage, "--group is missing: the group to link to");
    if (change->version != 0 && count > 2)
        return cli_misuse(usage, "--version is for one code");
    for (int i = 1; i < count; i++)
        if (arguments[i][0] == '\0' || strlen(arguments[i]) > 256 ||
            !str_is_printable_utf8(str_from_c(arguments[i])))
            return cli_misuse(usage, "a code has 1 to 256 bytes and no control characters");
    return CLI_GO_ON;
}

#define CODES_MAX 1000
#define VERSION_OPTION(variable)                                                                             \
    {                                                                                                        \
        .name = "version", .argument = "NUMBER", .number = &(variable), .min = 1, .max = INT64_MAX,          \
        .help = "only when nobody changed the code since `list --json` told this version"                    \
    }

static int link_command(int argc, char **argv)
{
    struct change change = {.status = MAPPING_LINKED};
    const struct cli_option options[] = {
        SSO_ENVIRONMENT_OPTION(change.choice.environment),
        SSO_PLATFORM_OPTION(change.choice.platform),
        {"group", 'g', "NAME", &change.group, NULL, "the security group; required"},
        {"add", 0, NULL, NULL, &change.is_adding, "link codes that were never received too"},
        VERSION_OPTION(change.version),
    };
    const struct cli_usage usage = {
        .command = "sluis sso mappings link",
        .arguments = "CONNECTION CODE...",
        .summary =
            "Links location ids or authorization codes to a security group. Written to the audit trail.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 2,
        .argument_max = CODES_MAX,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_change, change_mappings, &change);
}

/* Codes become what no group goes with. */
static int run_without_group(int argc, char **argv, const char *command, const char *summary,
                             enum mapping_status status)
{
    struct change change = {.status = status};
    const struct cli_option options[] = {
        SSO_ENVIRONMENT_OPTION(change.choice.environment),
        SSO_PLATFORM_OPTION(change.choice.platform),
        VERSION_OPTION(change.version),
    };
    const struct cli_usage usage = {
        .command = command,
        .arguments = "CONNECTION CODE...",
        .summary = summary,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 2,
        .argument_max = CODES_MAX,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_change, change_mappings, &change);
}

static int unlink_command(int argc, char **argv)
{
    return run_without_group(
        argc, argv, "sluis sso mappings unlink",
        "Takes codes away from their group; they are new again. Sessions that are open keep their "
        "permissions until they end. Written to the audit trail.",
        MAPPING_NEW);
}

static int ignore_command(int argc, char **argv)
{
    return run_without_group(
        argc, argv, "sluis sso mappings ignore",
        "Marks codes of locations that do not use the application: they give nothing and are no longer "
        "listed as new. Written to the audit trail.",
        MAPPING_IGNORED);
}

int cli_sso_mappings(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print the mapping table of a connection", list_command},
        {"link", "link codes to a group", link_command},
        {"unlink", "take codes away from their group", unlink_command},
        {"ignore", "mark codes that give nothing", ignore_command},
    };
    return cli_dispatch("sluis sso mappings",
                        "The mapping tables: received locations and their security groups.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
