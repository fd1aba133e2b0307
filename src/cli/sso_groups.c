#include "cli/sso.h"

#include <stdio.h>
#include <string.h>

/* One pass over the mapping tables: how many codes lead to each group, in the order of data->groups. When
 * `shown` is one of them, its codes are printed. */
static int count_codes(struct cli *cli, const struct sso_data *data, const struct sso_group *shown,
                       size_t *counts)
{
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *connection = &data->connections[i];
        struct mapping_list list;
        if (shown != NULL && !str_equal(connection->customer_key, shown->customer_key))
            continue;
        int status =
            sso_mappings_read(cli, connection->id, (struct mapping_filter){.status = MAPPING_LINKED}, &list);
        if (status != CLI_OK)
            return status;
        for (size_t k = 0; k < list.count; k++) {
            for (size_t g = 0; g < data->group_count; g++) {
                const struct sso_group *group = &data->groups[g];
                if (!str_equal(list.items[k].group, group->name) ||
                    !str_equal(connection->customer_key, group->customer_key))
                    continue;
                counts[g]++;
                if (group == shown)
                    printf("%-18s %s  %s (%s)\n", "code", cli_printable(cli->arena, list.items[k].code),
                           cli_printable(cli->arena, sso_slug(cli->arena, connection)),
                           cli_printable(cli->arena, connection->environment));
            }
        }
    }
    return CLI_OK;
}

static int list_groups(struct cli *cli, void *call)
{
    const char *customer = *(const char **)call;
    static const char *const headings[] = {"CUSTOMER",    "GROUP", "ACTIVE",
                                           "PERMISSIONS", "CODES", "DESCRIPTION"};
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    size_t *codes = arena_array_of(cli->arena, data.group_count, size_t);
    status = count_codes(cli, &data, NULL, codes);
    if (status != CLI_OK)
        return status;
    struct cli_table table = cli_table_new(cli->arena, 6, headings);
    const char *empty = NULL;
    for (size_t i = 0; i < data.group_count; i++) {
        const struct sso_group *group = &data.groups[i];
        if (customer != NULL && !str_equal_c(group->customer_key, customer))
            continue;
        cli_table_add(&table, cli_printable(cli->arena, group->customer_key));
        cli_table_add(&table, cli_printable(cli->arena, group->name));
        cli_table_add(&table, group->is_active ? "yes" : "no");
        cli_table_add(&table, arena_printf(cli->arena, "%zu", group->pair_count));
        cli_table_add(&table, arena_printf(cli->arena, "%zu", codes[i]));
        cli_table_add(&table, cli_printable(cli->arena, group->description));
        if (codes[i] > 0 && group->pair_count == 0 && empty == NULL)
            empty = cli_printable(cli->arena, group->name);
    }
    cli_table_print(&table);
    if (empty != NULL)
        printf("\n%s has codes and no permissions: people with no other group get error 702\n", empty);
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    const char *customer = NULL;
    const struct cli_option options[] = {
        {"customer", 0, "KEY", &customer, NULL, "those of one customer"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso groups list",
        .arguments = "",
        .summary =
            "Prints the security groups, with how many permissions they give and how many codes are linked "
            "to them. `sluis import` adds and changes them.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_groups, &customer);
}

static int show_group(struct cli *cli, void *call)
{
    (void)call;
    const char *customer = cli->arguments[0];
    const char *name = cli->arguments[1];
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    const struct sso_group *group = NULL;
    for (size_t i = 0; group == NULL && i < data.group_count; i++)
        if (str_equal_c(data.groups[i].customer_key, customer) && str_equal_c(data.groups[i].name, name))
            group = &data.groups[i];
    if (group == NULL)
        return cli_fail("customer %s has no group %s; `sluis sso groups list` tells which there are",
                        cli_printable(cli->arena, str_from_c(customer)),
                        cli_printable(cli->arena, str_from_c(name)));
    printf("%-18s %s\n", "customer", cli_printable(cli->arena, group->customer_key));
    printf("%-18s %s\n", "group", cli_printable(cli->arena, group->name));
    if (group->description.length > 0)
        printf("%-18s %s\n", "description", cli_printable(cli->arena, group->description));
    printf("%-18s %s\n", "active", group->is_active ? "yes" : "no");
    for (size_t i = 0; i < group->pair_count; i++) {
        const struct sso_permission_pair *pair = &group->pairs[i];
        printf("%-18s %s  %s\n", "permission", cli_printable(cli->arena, pair->permission),
               pair->department.length > 0
                   ? arena_printf(cli->arena, "department %s", cli_printable(cli->arena, pair->department))
                   : "all departments");
    }
    size_t *codes = arena_array_of(cli->arena, data.group_count, size_t);
    status = count_codes(cli, &data, group, codes);
    if (status != CLI_OK)
        return status;
    if (codes[group - data.groups] > 0 && group->pair_count == 0)
        printf("\nit has codes and no permissions: people with no other group get error 702\n");
    return CLI_OK;
}

static int show_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis sso groups show",
        .arguments = "CUSTOMER GROUP",
        .summary = "Prints the permissions of one group, and the codes that are linked to it.",
        .argument_min = 2,
        .argument_max = 2,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, show_group, NULL);
}

int cli_sso_groups(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print all groups", list_command},
        {"show", "print one, with its permissions and codes", show_command},
    };
    return cli_dispatch("sluis sso groups", "Security groups: what people of linked locations may do.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
