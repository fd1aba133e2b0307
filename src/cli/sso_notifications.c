#include "cli/sso.h"

#include "base/clock.h"
#include "base/rand.h"
#include "cli/mail_client.h"
#include "mail/mailer.h"
#include "mail/message.h"
#include "sso/notify.h"
#include "store/notification.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define JSON_LINE_MAX ((size_t)1 << 18)

/* ---- words ---- */

static const char *state_word(enum notification_state state)
{
    switch (state) {
    case NOTIFICATION_WAITING:
        return "waiting";
    case NOTIFICATION_SENT:
        return "sent";
    case NOTIFICATION_GIVEN_UP:
        return "given up";
    case NOTIFICATION_SUPPRESSED:
        return "suppressed";
    }
    return "unknown";
}

static bool read_state(const char *word, enum notification_state *out_state)
{
    for (enum notification_state state = NOTIFICATION_WAITING; state <= NOTIFICATION_SUPPRESSED; state++) {
        if (strcmp(word, state_word(state)) == 0) {
            *out_state = state;
            return true;
        }
    }
    return false;
}

/* Why there was no mail of its own, or how it stands with the mail. */
static const char *reason_text(struct arena *arena, const struct notification *item)
{
    const struct {
        struct str word;
        const char *text;
    } reasons[] = {
        {STR("window"), "told before; goes into the next summary"},
        {STR("count"), "too few so far"},
        {STR("outage"), "the outage was told"},
        {STR("cap"), "20 mails in an hour or 100 in a day"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (str_equal(item->reason, reasons[i].word))
            return reasons[i].text;
    if (item->attempts > 0)
        return arena_printf(arena, "%d tries failed", item->attempts);
    return item->is_last ? "says that the cap is reached" : "-";
}

static const char *connection_name(struct cli *cli, const struct sso_data *data, struct str id,
                                   const char **out_environment)
{
    const struct sso_connection *connection = sso_connection_by_id(data, id);
    *out_environment = "-";
    if (connection == NULL)
        return cli_printable(cli->arena, id); /* the operator's, or a connection that was taken out */
    *out_environment = cli_printable(cli->arena, connection->environment);
    return cli_printable(cli->arena, sso_slug(cli->arena, connection));
}

/* ---- list ---- */

struct list_call {
    struct sso_choice choice;
    const char *state, *before;
    int64_t code, limit;
    bool is_operator, is_json;
};

static void print_json(struct cli *cli, const struct sso_data *data, const struct notification *item)
{
    struct buf line = buf_new(cli->arena, JSON_LINE_MAX);
    const char *environment;
    buf_append_char(&line, '{');
    cli_json_text(&line, "id", item->id);
    cli_json_time(&line, "at", item->queued_at);
    cli_json_text(&line, "state", str_from_c(state_word(item->state)));
    cli_json_text(&line, "reason", item->reason);
    cli_json_int(&line, "code", item->code);
    cli_json_text(&line, "cause", item->cause);
    cli_json_text(&line, "connection",
                  str_from_c(connection_name(cli, data, item->connection, &environment)));
    cli_json_text(&line, "environment", str_from_c(environment));
    cli_json_text(&line, "ref", item->reference);
    cli_json_text(&line, "recipients", item->recipients);
    cli_json_text(&line, "subject", item->subject);
    cli_json_int(&line, "repeats", item->repeats);
    cli_json_int(&line, "failed_tries", item->attempts);
    cli_json_time(&line, "done", item->done_at);
    buf_append_char(&line, '}');
    puts(buf_c(&line));
}

static void print_table(struct cli *cli, const struct sso_data *data, const struct notification_list *list)
{
    static const char *const headings[] = {"ID",          "AT",        "STATE",   "CODE",   "CONNECTION",
                                           "ENVIRONMENT", "REFERENCE", "REPEATS", "REASON", "RECIPIENTS"};
    struct cli_table table = cli_table_new(cli->arena, 10, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct notification *item = &list->items[i];
        const char *environment;
        const char *name = connection_name(cli, data, item->connection, &environment);
        cli_table_add(&table, cli_printable(cli->arena, item->id));
        cli_table_add(&table, cli_time(cli->arena, item->queued_at));
        cli_table_add(&table, state_word(item->state));
        cli_table_add(&table,
                      arena_printf(cli->arena, "%d%s", item->code, cli_printable(cli->arena, item->cause)));
        cli_table_add(&table, name);
        cli_table_add(&table, environment);
        cli_table_add(&table, item->reference.length > 0 ? cli_printable(cli->arena, item->reference) : "-");
        cli_table_add(&table, arena_printf(cli->arena, "%lld", (long long)item->repeats));
        cli_table_add(&table, reason_text(cli->arena, item));
        cli_table_add(&table, cli_printable(cli->arena, item->recipients));
    }
    cli_table_print(&table);
}

static struct notification_filter filter_of(const struct list_call *call)
{
    struct notification_filter filter = {
        .scope = SCOPE_ALL,
        .limit = (int)call->limit,
        .code = (int)call->code,
        .before_id = call->before != NULL ? str_from_c(call->before) : STR_NONE,
        .connection = call->is_operator ? STR(NOTIFY_OPERATOR) : STR_NONE,
    };
    if (call->state != NULL)
        (void)read_state(call->state, &filter.state); /* check_list has seen it */
    return filter;
}

static int list_notifications(struct cli *cli, void *context)
{
    const struct list_call *call = context;
    struct notification_filter filter = filter_of(call);
    struct sso_data data;
    struct notification_list list;
    const struct sso_connection *connection;
    int status = sso_read(cli, &data);
    if (status == CLI_OK && call->choice.slug != NULL) {
        status = sso_connection_pick(cli, &data, &call->choice, &connection);
        if (status == CLI_OK)
            filter.connection = connection->id;
    }
    if (status != CLI_OK)
        return status;
    if (notification_find(cli->store, &filter, cli->arena, &list) != OK)
        return cli_fail("the notifications cannot be read");
    if (!call->is_json) {
        print_table(cli, &data, &list);
        if (list.count == (size_t)filter.limit)
            printf("\nthere may be more: add --before %s\n",
                   cli_printable(cli->arena, list.items[list.count - 1].id));
        return CLI_OK;
    }
    for (size_t i = 0; i < list.count; i++)
        print_json(cli, &data, &list.items[i]);
    return CLI_OK;
}

static int check_list(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    const struct list_call *call = context;
    enum notification_state ignored;
    if (call->state != NULL && !read_state(call->state, &ignored))
        return cli_misuse(usage, "--state takes waiting, sent, \"given up\" or suppressed");
    if (call->before != NULL && !str_is_uuid(str_from_c(call->before)))
        return cli_misuse(usage, "--before takes the id of a notification");
    if (call->choice.slug == NULL && (call->choice.environment != NULL || call->choice.platform != NULL))
        return cli_misuse(usage, "--environment and --platform go with --connection");
    if (call->choice.slug != NULL && call->is_operator)
        return cli_misuse(usage, "--operator and --connection exclude each other");
    return CLI_GO_ON;
}

static int list_command(int argc, char **argv)
{
    struct list_call call = {.limit = 50};
    const struct cli_option options[] = {
        {"connection", 0, "CONNECTION", &call.choice.slug, NULL, "those of one connection"},
        SSO_ENVIRONMENT_OPTION(call.choice.environment),
        SSO_PLATFORM_OPTION(call.choice.platform),
        {"operator", 0, NULL, NULL, &call.is_operator, "those of mail.operator"},
        {.name = "code",
         .argument = "NUMBER",
         .number = &call.code,
         .min = 1,
         .max = 999,
         .help = "those about this error"},
        {"state", 's', "STATE", &call.state, NULL, "waiting, sent, \"given up\" or suppressed"},
        {"before", 0, "ID", &call.before, NULL, "those older than this one, for the next page"},
        CLI_LIMIT_OPTION(call.limit, "this many at most (default 50, at most 1000)"),
        {"json", 0, NULL, NULL, &call.is_json, "one JSON object per line"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso notifications list",
        .arguments = "",
        .summary = "Prints the mails to administrators of the past week, newest first: what waits, what was "
                   "sent, and every failure that had no mail of its own, with the reason.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_list, list_notifications, &call);
}

/* ---- show ---- */

static void print_text(struct cli *cli, struct str text)
{
    struct str rest = text, line;
    while (str_split_next(&rest, '\n', &line))
        printf("  %s\n", cli_printable(cli->arena, line));
}

static int show_notification(struct cli *cli, void *call)
{
    (void)call;
    const char *id = cli->arguments[0];
    struct notification item;
    struct sso_data data;
    const char *environment;
    int status = sso_read(cli, &data);
    if (status != CLI_OK)
        return status;
    switch (notification_get(cli->store, SCOPE_ALL, str_from_c(id), cli->arena, &item)) {
    case OK:
        break;
    case ABSENT:
        return cli_fail("there is no notification with id %s; they are kept for a week", id);
    case FAILED:
        return cli_fail("the notifications cannot be read");
    }
    status = sso_audit(cli, "notification_show", id, "");
    if (status != CLI_OK)
        return status;
    printf("id:          %s\n", id);
    printf("at:          %s\n", cli_time(cli->arena, item.queued_at));
    const char *reason = reason_text(cli->arena, &item);
    bool has_reason = strcmp(reason, "-") != 0;
    printf("state:       %s%s%s%s\n", state_word(item.state), has_reason ? " (" : "",
           has_reason ? reason : "", has_reason ? ")" : "");
    if (item.state == NOTIFICATION_WAITING)
        printf("next try:    %s\n", cli_time(cli->arena, item.due_at));
    if (item.state == NOTIFICATION_SENT)
        printf("sent:        %s\n", cli_time(cli->arena, item.done_at));
    printf("connection:  %s", connection_name(cli, &data, item.connection, &environment));
    printf(" (%s)\n", environment);
    printf("error:       %d%s\n", item.code, cli_printable(cli->arena, item.cause));
    printf("reference:   %s\n", item.reference.length > 0 ? cli_printable(cli->arena, item.reference) : "-");
    printf("recipients:  %s\n", cli_printable(cli->arena, item.recipients));
    printf("subject:     %s\n", cli_printable(cli->arena, item.subject));
    if (item.body.length > 0) {
        const struct outbox_mail mail = {.body = item.body,
                                         .repeats = item.repeats,
                                         .first_at = item.first_at,
                                         .last_at = item.last_at,
                                         .is_last = item.is_last};
        printf("\n");
        print_text(cli, mailer_body(cli->arena, &mail));
    }
    return CLI_OK;
}

static int check_id(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)call, (void)count;
    return str_is_uuid(str_from_c(arguments[0])) ? CLI_GO_ON
                                                 : cli_misuse(usage, "ID is not the id of a notification");
}

static int show_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis sso notifications show",
        .arguments = "ID",
        .summary = "Prints one notification with the text of its mail. Written to the audit trail.",
        .argument_min = 1,
        .argument_max = 1,
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_id, show_notification, NULL);
}

/* ---- a test mail ---- */

static int send_test(struct cli *cli, const struct smtp_client *client, const char *to)
{
    const atomic_bool is_stopping = false;
    struct failure failure = {""};
    struct str text;
    size_t refused;
    const struct message message = {
        .sender = str_from_c(client->sender),
        .recipients = str_from_c(to),
        .subject = STR("[SSO] Sluis: testmail"),
        .body = STR("Dit is een testmail van Sluis. Komt deze aan, dan komen meldingen over mislukte "
                    "inlogpogingen ook aan.\n"),
        .id = str_from_c(rand_uuid7_in(cli->arena)),
        .date = clock_now(),
    };
    if (message_write(cli->arena, &message, &text) != OK)
        return cli_fail("the mail cannot be made: look at mail.sender");
    if (smtp_send(client, &to, 1, text, &is_stopping, &refused, &failure) != OK)
        return cli_fail("%s did not take the mail: %s", client->server, failure.text);
    printf("%s took the mail for %s\n", client->server, to);
    return CLI_OK;
}

static int run_test(struct cli *cli, void *call)
{
    const char *to = *(const char **)call;
    struct smtp_client client;
    struct secret *password = NULL;
    struct failure failure = {""};
    int status = CLI_FAULT;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    switch (mail_client_open(cli->conf, &password, &client, &failure)) {
    case OK:
        status = send_test(cli, &client, to);
        break;
    case ABSENT:
        status = cli_fail("mail.server is not set, so no mail is sent");
        break;
    case FAILED:
        status = cli_fail("%s", failure.text);
        break;
    }
    secret_free(&password);
    curl_global_cleanup();
    return status;
}

static int check_to(const struct cli_usage *usage, void *call, char **arguments, int count)
{
    (void)arguments, (void)count;
    const char *to = *(const char **)call;
    return to != NULL && message_is_address(str_from_c(to)) ? CLI_GO_ON
                                                            : cli_misuse(usage, "--to takes a mail address");
}

static int test_command(int argc, char **argv)
{
    const char *to = NULL;
    const struct cli_option options[] = {
        {"to", 't', "ADDRESS", &to, NULL, "who gets it; required"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso notifications test",
        .arguments = "",
        .summary = "Sends a test mail at once, past the outbox, and tells what the mail server says.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_CONF,
    };
    return cli_run(&usage, argc, argv, check_to, run_test, &to);
}

int cli_sso_notifications(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "what was sent, what waits, what was held back", list_command},
        {"show", "one of them, with its text", show_command},
        {"test", "send a test mail", test_command},
    };
    return cli_dispatch("sluis sso notifications", "Mails to administrators about failed logins.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
