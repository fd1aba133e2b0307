#include "cli/sso.h"

#include "base/bsn.h"
#include "base/codec.h"
#include "conf/file.h"
#include "sso/patient_access.h"
#include "store/audit.h"

#include <jansson.h>
#include <stdio.h>

#define JSON_LINE_MAX ((size_t)1 << 20)

static int verify(struct cli *cli, void *call)
{
    (void)call;
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
    return CLI_OK;
}

static int audit_verify_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis audit verify",
        .arguments = "",
        .summary =
            "Walks the hash chain of every node and tells whether any entry was changed, removed or put in.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, verify, NULL);
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
    return CLI_OK;
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
    return CLI_OK;
}

struct list_call {
    const char *node;
    int64_t after, limit;
    bool is_json;
};

static int list_entries(struct cli *cli, void *context)
{
    const struct list_call *call = context;
    struct audit_list list;
    const char *node = call->node != NULL ? call->node : cli->conf->node;
    if (audit_read(cli->store, str_from_c(node), call->after, (int)call->limit, cli->arena, &list) != OK)
        return cli_fail("the audit trail cannot be read");
    return call->is_json ? print_json(cli, &list) : print_table(cli, &list);
}

static int audit_list_command(int argc, char **argv)
{
    struct list_call call = {.limit = 100};
    const struct cli_option options[] = {
        {"node", 0, "NAME", &call.node, NULL, "chain to read (default: the node of the configuration)"},
        {.name = "after",
         .argument = "NUMBER",
         .number = &call.after,
         .max = INT64_MAX,
         .help = "entries with a higher number only, for the next page"},
        CLI_LIMIT_OPTION(call.limit, "entries at most (default 100, at most 1000)"),
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line, with the hashes"},
    };
    const struct cli_usage usage = {
        .command = "sluis audit list",
        .arguments = "",
        .summary = "Prints the audit trail of one node, oldest entry first.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_entries, &call);
}

/* ---- who opened a patient ---- */

#define PATIENT_TEXT_MAX 256

/* One row for each opening, in the words of who asks; the entries themselves come with --json. */
static void print_accesses(struct cli *cli, const struct audit_list *list)
{
    static const char *const headings[] = {"AT",         "NAME", "USER", "PAGE",
                                           "CONNECTION", "LOG",  "NODE", "NUMBER"};
    static const char *const members[] = {"user_name", "responsible_user", "page", "connection", "log"};
    struct cli_table table = cli_table_new(cli->arena, sizeof headings / sizeof *headings, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct audit_entry *entry = &list->items[i];
        json_t *details = json_loadb(entry->details.data, entry->details.length, 0, NULL);
        cli_table_add(&table, cli_time(cli->arena, entry->at));
        for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
            const char *text = json_string_value(json_object_get(details, members[k]));
            cli_table_add(&table, cli_printable(cli->arena, str_from_c(text != NULL ? text : "")));
        }
        cli_table_add(&table, cli_printable(cli->arena, entry->node));
        cli_table_add(&table, arena_printf(cli->arena, "%lld", (long long)entry->number));
        json_decref(details);
    }
    cli_table_print(&table);
}

/* Whether anything is configured for this customer. */
static bool is_customer(const struct sso_data *data, struct str key)
{
    for (size_t i = 0; i < data->connection_count; i++)
        if (str_equal(data->connections[i].customer_key, key))
            return true;
    return false;
}

/* That nobody opened a patient of a customer is no answer when there is none with that name: it is misspelt.
 */
static int check_customer(struct cli *cli, const char *customer)
{
    struct sso_data data;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    if (!is_customer(&data, str_from_c(customer)))
        return cli_fail(
            "nobody opened a patient with this id, and no connection has customer %s; look at how "
            "it is spelt",
            customer);
    return CLI_OK;
}

/* In words, with what it does not cover: the other way of naming. */
static void print_nobody(const char *customer)
{
    if (customer == NULL)
        puts("nobody opened a patient with this BSN; openings by an id of a health record are found with "
             "--customer");
    else
        printf("nobody opened a patient with this id of %s; openings by BSN are found without --customer\n",
               customer);
}

struct patient_call {
    const char *customer;
    int64_t limit;
    bool is_json;
};

static int list_accesses(struct cli *cli, void *context)
{
    const struct patient_call *call = context;
    bool is_bsn = call->customer == NULL;
    struct failure failure;
    struct str patient;
    struct audit_list list;
    if (file_read_input(cli->arena, PATIENT_TEXT_MAX, &patient, &failure) != OK)
        return cli_fail("%s", failure.text);
    if (str_ends_with(patient, STR("\n")))
        patient.length--;
    if (is_bsn ? !bsn_is_valid(patient) : patient.length == 0 || !str_is_printable_ascii(patient))
        return cli_fail(is_bsn ? "standard input does not hold a BSN: nine digits that pass the eleven-test, "
                                 "on one line; an id of the health record goes with --customer"
                               : "standard input does not hold an id of the health record, on one line");
    struct str subject =
        patient_access_subject(store_vault(cli->store), cli->arena, is_bsn ? STR("bsn") : STR("external_id"),
                               str_from_c(call->customer), patient);
    int status =
        sso_audit(cli, "patient_access_view", arena_strndup(cli->arena, subject.data, subject.length),
                  "who opened this patient");
    if (status != CLI_OK)
        return status;
    if (audit_find(cli->store, STR(PATIENT_ACCESS_ACTION), subject, (int)call->limit, cli->arena, &list) !=
        OK)
        return cli_fail("the audit trail cannot be read");
    if (list.count == 0 && call->customer != NULL)
        status = check_customer(cli, call->customer);
    if (status != CLI_OK)
        return status;
    if (call->is_json)
        return print_json(cli, &list);
    if (list.count == 0)
        print_nobody(call->customer);
    else
        print_accesses(cli, &list);
    return CLI_OK;
}

static int audit_patient_command(int argc, char **argv)
{
    struct patient_call call = {.limit = 100};
    const struct cli_option options[] = {
        {"customer", 0, "KEY", &call.customer, NULL,
         "the input is the patient's id in the health record of this customer, not a BSN"},
        CLI_LIMIT_OPTION(call.limit, "entries at most (default 100, at most 1000)"),
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line, with the hashes"},
    };
    const struct cli_usage usage = {
        .command = "sluis audit patient",
        .arguments = "",
        .summary =
            "Prints which professionals opened a patient through single sign-on, on every node, newest "
            "first. The BSN is read from standard input, so that it leaves no trace in the process "
            "list or shell history. Health records name patients by BSN or by an id of their own: ask for "
            "both. Written to the audit trail itself.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_accesses, &call);
}

int cli_audit(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "print the audit trail", audit_list_command},
        {"patient", "print who opened a patient", audit_patient_command},
        {"verify", "check that nothing in it was changed", audit_verify_command},
    };
    return cli_dispatch("sluis audit", "The audit trail: append-only, one chain of hashes per node.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
