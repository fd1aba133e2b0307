#include "cli/sso.h"

#include "base/clock.h"
#include "cli/catalog_file.h"
#include "sso/slug.h"
#include "store/exchange_log.h"

#include <stdio.h>
#include <string.h>

#define FORM_MAX ((size_t)1 << 20)

/* ---- list ---- */

static const char *expiry_of(struct arena *arena, const struct sso_connection *connection)
{
    int64_t first = 0;
    for (size_t i = 0; i < connection->secret_count; i++) {
        int64_t at = connection->secrets[i].expires_at;
        if (at != 0 && (first == 0 || at < first))
            first = at;
    }
    if (first == 0)
        return "-";
    const char *date = arena_strndup(arena, cli_time(arena, first), 10);
    return first < clock_now() ? arena_printf(arena, "%s (past)", date) : date;
}

static int last_login(struct cli *cli, const struct sso_connection *connection, const char **out_text)
{
    const struct exchange_filter filter = {.scope = SCOPE_ALL, .connection = connection->id, .limit = 1};
    struct exchange_list list = {0};
    if (exchange_log_list(cli->store, &filter, cli->arena, &list) != OK)
        return cli_fail("the exchange log cannot be read");
    *out_text = "-";
    if (list.count == 0)
        return CLI_OK;
    const struct exchange_entry *entry = &list.items[0];
    const char *at = sso_time_ms(cli->arena, entry->started_at_ms);
    const char *result = entry->result.length > 0 ? cli_printable(cli->arena, entry->result) : "bezig";
    *out_text = entry->code != 0 ? arena_printf(cli->arena, "%s %s %lld", at, result, (long long)entry->code)
                                 : arena_printf(cli->arena, "%s %s", at, result);
    return CLI_OK;
}

struct list_call {
    const char *customer, *environment;
};

static int list_connections(struct cli *cli, void *call)
{
    const struct list_call *wanted = call;
    static const char *const headings[] = {"CONNECTION", "ENVIRONMENT",    "PLATFORM",  "STATUS",
                                           "NEW CODES",  "SECRET EXPIRES", "LAST LOGIN"};
    struct sso_data data;
    int status = sso_read(cli, &data);
    struct cli_table table = cli_table_new(cli->arena, 7, headings);
    for (size_t i = 0; status == CLI_OK && i < data.connection_count; i++) {
        const struct sso_connection *item = &data.connections[i];
        if ((wanted->customer != NULL && !str_equal_c(item->customer_key, wanted->customer)) ||
            (wanted->environment != NULL && !str_equal_c(item->environment, wanted->environment)))
            continue;
        struct mapping_list fresh = {0};
        const char *last = "-";
        status = sso_mappings_read(cli, item->id, (struct mapping_filter){.status = MAPPING_NEW}, &fresh);
        if (status == CLI_OK)
            status = last_login(cli, item, &last);
        const char *lacks = sso_connection_lacks(cli->arena, item);
        const char *word = cli_printable(cli->arena, item->status);
        cli_table_add(&table, cli_printable(cli->arena, sso_slug(cli->arena, item)));
        cli_table_add(&table, cli_printable(cli->arena, item->environment));
        cli_table_add(&table, cli_printable(cli->arena, item->platform));
        cli_table_add(&table, lacks[0] == '\0' ? word : arena_printf(cli->arena, "%s, incomplete", word));
        cli_table_add(&table, arena_printf(cli->arena, "%zu", fresh.count));
        cli_table_add(&table, expiry_of(cli->arena, item));
        cli_table_add(&table, last);
    }
    if (status != CLI_OK)
        return status;
    cli_table_print(&table);
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    struct list_call call = {NULL, NULL};
    const struct cli_option options[] = {
        {"customer", 0, "KEY", &call.customer, NULL, "those of one customer"},
        {"environment", 'e', "NAME", &call.environment, NULL, "those of acceptance or production"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso connections list",
        .arguments = "",
        .summary =
            "Prints the connections, with how many received codes are not linked yet, and how the last "
            "login went. `sluis import` adds and changes them.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_connections, &call);
}

/* ---- show ---- */

static void print_urls(struct cli *cli, const struct sso_data *data, const struct sso_connection *connection)
{
    for (size_t i = 0; i < data->host_count; i++) {
        const struct sso_host *host = &data->hosts[i];
        if (!str_equal(host->platform, connection->platform) ||
            !str_equal(host->environment, connection->environment))
            continue;
        printf("%-18s %s\n", "start URL",
               cli_printable(cli->arena, slug_start_url(cli->arena, host, connection)));
        printf("%-18s %s\n", "redirect URI",
               cli_printable(cli->arena, slug_redirect_uri(cli->arena, host, connection)));
    }
}

static void print_secrets(struct cli *cli, const struct sso_connection *connection)
{
    for (size_t i = 0; i < connection->secret_count; i++) {
        const struct sso_secret *secret = &connection->secrets[i];
        printf("%-18s set %s", i == 0 ? "client secret" : "second secret",
               cli_time(cli->arena, secret->set_at));
        if (secret->expires_at != 0)
            printf(", expires %.10s", cli_time(cli->arena, secret->expires_at));
        putchar('\n');
    }
}

static int print_mapping_counts(struct cli *cli, const struct sso_connection *connection)
{
    struct mapping_list list;
    int status = sso_mappings_read(cli, connection->id, (struct mapping_filter){0}, &list);
    if (status != CLI_OK)
        return status;
    size_t counts[MAPPING_INACTIVE + 1] = {0};
    for (size_t i = 0; i < list.count; i++)
        counts[list.items[i].status <= MAPPING_INACTIVE ? list.items[i].status : 0]++;
    printf("%-18s %zu linked, %zu new, %zu ignored, %zu inactive\n", "codes", counts[MAPPING_LINKED],
           counts[MAPPING_NEW], counts[MAPPING_IGNORED], counts[MAPPING_INACTIVE]);
    return CLI_OK;
}

static int show_connection(struct cli *cli, void *call)
{
    struct sso_choice *choice = call;
    choice->slug = cli->arguments[0];
    struct sso_data data;
    const struct sso_connection *connection;
    int status = sso_read(cli, &data);
    if (status == CLI_OK)
        status = sso_connection_pick(cli, &data, choice, &connection);
    if (status != CLI_OK)
        return status;
    const char *last;
    status = last_login(cli, connection, &last);
    if (status != CLI_OK)
        return status;
    const char *lacks = sso_connection_lacks(cli->arena, connection);
    printf("%-18s %s\n", "connection", cli_printable(cli->arena, sso_slug(cli->arena, connection)));
    printf("%-18s %s\n", "id", cli_printable(cli->arena, connection->id));
    printf("%-18s %lld\n", "version", (long long)connection->version);
    print_urls(cli, &data, connection);
    if (lacks[0] != '\0')
        printf("%-18s %s; logins end with error 103\n", "incomplete, no", lacks);
    print_secrets(cli, connection);
    printf("%-18s %s\n", "last login", last);
    status = print_mapping_counts(cli, connection);
    if (status != CLI_OK)
        return status;
    struct buf form = buf_new(cli->arena, FORM_MAX);
    catalog_object_write(&form, SECTION_CONNECTIONS, connection, false);
    printf("\nas in an import file, defaults left out:\n%s", buf_c(&form));
    return CLI_OK;
}

static int show_command(int argc, char **argv)
{
    struct sso_choice choice = {0};
    const struct cli_option options[] = {
        SSO_ENVIRONMENT_OPTION(choice.environment),
        SSO_PLATFORM_OPTION(choice.platform),
    };
    const struct cli_usage usage = {
        .command = "sluis sso connections show",
        .arguments = "CONNECTION",
        .summary =
            "Prints everything about one connection but its secrets: the URLs that the identity provider "
            "and the health record need, when its secrets were set, and its settings.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, show_connection, &choice);
}

int cli_sso_connections(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print all connections", list_command},
        {"show", "print one, with its URLs", show_command},
    };
    return cli_dispatch("sluis sso connections",
                        "The links to identity providers, one per customer, environment "
                        "and provider.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
