#include "cli/sso.h"

#include "cli/catalog_file.h"

#include <stdio.h>
#include <string.h>

#define FORM_MAX ((size_t)65536)

static int list_applications(struct cli *cli, void *call)
{
    (void)call;
    static const char *const headings[] = {"CLIENT ID", "ENVIRONMENT", "PLATFORM",
                                           "STATUS",    "CUSTOMER",    "CONNECTIONS"};
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    if (data.application_count == 0) {
        printf("no applications; `sluis import` brings them in\n");
        return CLI_OK;
    }
    struct cli_table table = cli_table_new(cli->arena, 6, headings);
    for (size_t i = 0; i < data.application_count; i++) {
        const struct sso_application *item = &data.applications[i];
        cli_table_add(&table, cli_printable(cli->arena, item->client_id));
        cli_table_add(&table, cli_printable(cli->arena, item->environment));
        cli_table_add(&table, cli_printable(cli->arena, item->platform));
        cli_table_add(&table, cli_printable(cli->arena, item->status));
        cli_table_add(&table, cli_printable(cli->arena, item->customer_key));
        cli_table_add(&table,
                      item->connections.length > 0 ? cli_printable(cli->arena, item->connections) : "all");
    }
    cli_table_print(&table);
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis sso applications list",
        .arguments = "",
        .summary = "Prints the applications that log people in at our own OpenID provider. `sluis import` "
                   "adds and changes them.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_applications, NULL);
}

static bool is_chosen(const struct sso_application *item, const char *client_id,
                      const struct sso_choice *choice)
{
    return str_equal_c(item->client_id, client_id) &&
           (choice->environment == NULL || str_equal_c(item->environment, choice->environment)) &&
           (choice->platform == NULL || str_equal_c(item->platform, choice->platform));
}

static void print_application(struct cli *cli, const struct sso_data *data,
                              const struct sso_application *item)
{
    printf("%-18s %s\n", "client id", cli_printable(cli->arena, item->client_id));
    for (size_t i = 0; i < data->host_count; i++) {
        const struct sso_host *host = &data->hosts[i];
        if (str_equal(host->platform, item->platform) && str_equal(host->environment, item->environment))
            printf("%-18s %s/sso/oidc\n", "issuer", cli_printable(cli->arena, host->base_url));
    }
    printf("%-18s %s\n", "client secret",
           item->secret.length > 0 ? "set" : "none: a public client, PKCE alone");
    struct buf form = buf_new(cli->arena, FORM_MAX);
    catalog_object_write(&form, SECTION_APPLICATIONS, item, false);
    printf("\nas in an import file, defaults left out:\n%s", buf_c(&form));
}

static int show_application(struct cli *cli, void *call)
{
    const struct sso_choice *choice = call;
    struct sso_data data;
    const struct sso_application *found = NULL;
    size_t count = 0;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    for (size_t i = 0; i < data.application_count; i++) {
        if (!is_chosen(&data.applications[i], cli->arguments[0], choice))
            continue;
        found = &data.applications[i];
        count++;
    }
    const char *name = cli_printable(cli->arena, str_from_c(cli->arguments[0]));
    if (count == 0)
        return cli_fail("there is no application %s; `sluis sso applications list` tells which there are",
                        name);
    if (count > 1)
        return cli_fail("there are %zu applications %s; add --environment or --platform", count, name);
    print_application(cli, &data, found);
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
        .command = "sluis sso applications show",
        .arguments = "CLIENT_ID",
        .summary = "Prints everything about one application but its secret, with the issuer that it is "
                   "configured with.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, show_application, &choice);
}

int cli_sso_applications(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print all applications", list_command},
        {"show", "print one, with its issuer", show_command},
    };
    return cli_dispatch("sluis sso applications", "Applications that log people in with OpenID Connect.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
