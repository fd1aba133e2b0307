#include "cli/cli.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIST_MAX ((size_t)64 << 20) /* spec 7.5 */

#define OPTIONS_MAX 24
#define COLUMNS 80

/* That of cli_run; one subcommand runs per process. */
static const char *config_file = CLI_DEFAULT_CONFIG;
static const struct cli_option config_option = CLI_CONFIG_OPTION(config_file);

/* ---- help ---- */

static void print_wrapped(FILE *file, int indent, int column, const char *text)
{
    struct str rest = str_from_c(text);
    struct str word;
    while (str_split_next(&rest, ' ', &word)) {
        if (column > indent && column + 1 + (int)word.length > COLUMNS) {
            fputc('\n', file);
            column = 0;
        }
        if (column < indent)
            column += fprintf(file, "%*s", indent - column, "");
        else if (column > indent)
            column += fprintf(file, " ");
        column += fprintf(file, "%.*s", STR_ARG(word));
    }
    fputc('\n', file);
}

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
    int column = printf("  ");
    column += letter != 0 ? printf("-%c, ", letter) : printf("    ");
    column += printf("--%s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");
    if (column > 28) {
        putchar('\n');
        column = 0;
    }
    print_wrapped(stdout, 30, column, help);
}

static void print_help(const struct cli_usage *usage)
{
    printf("usage: %s [OPTION]...%s%s\n\n", usage->command, usage->arguments[0] != '\0' ? " " : "",
           usage->arguments);
    print_wrapped(stdout, 0, 0, usage->summary);
    printf("\noptions:\n");
    if (usage->opens != CLI_OPENS_NOTHING)
        print_option(config_option.letter, config_option.name, config_option.argument, config_option.help);
    for (size_t i = 0; i < usage->option_count; i++)
        print_option(usage->options[i].letter, usage->options[i].name, usage->options[i].argument,
                     usage->options[i].help);
    print_option('h', "help", NULL, "print this");
}

int cli_dispatch(const char *program, const char *summary, const struct cli_command *commands, size_t count,
                 int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    bool is_help =
        word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0);
    if (is_help) {
        printf("usage: %s COMMAND [OPTION]...\n\n", program);
        print_wrapped(stdout, 0, 0, summary);
        printf("\ncommands:\n");
        int indent = 14;
        for (size_t i = 0; i < count; i++)
            if ((int)strlen(commands[i].name) + 4 > indent)
                indent = (int)strlen(commands[i].name) + 4;
        for (size_t i = 0; i < count; i++)
            print_wrapped(stdout, indent, printf("  %s", commands[i].name), commands[i].summary);
        printf("\n`%s COMMAND --help` tells more of each.\n", program);
        return cli_flush();
    }
    for (size_t i = 0; word != NULL && i < count; i++)
        if (strcmp(commands[i].name, word) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (word == NULL)
        fprintf(stderr, "%s: no command given; `%s --help` lists them\n", program, program);
    else
        fprintf(stderr, "%s: there is no command '%s'; `%s --help` lists them\n", program, word, program);
    return CLI_USAGE;
}

/* ---- options ---- */

/* CLI_GO_ON, or the exit status. */
static int take_option(const struct cli_usage *usage, const struct cli_option *option)
{
    if (option->argument == NULL) {
        *option->flag = true;
    } else if (option->number == NULL) {
        *option->text = optarg;
    } else if (str_to_int64(str_from_c(optarg), option->number) != OK || *option->number < option->min ||
               *option->number > option->max) {
        if (option->max == INT64_MAX)
            return cli_misuse(usage, "--%s takes a number", option->name);
        return cli_misuse(usage, "--%s takes a number from %lld to %lld", option->name,
                          (long long)option->min, (long long)option->max);
    }
    return CLI_GO_ON;
}

/* What getopt_long is told, and which of our options each of its answers stands for. */
struct option_set {
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 4];
    const struct cli_option *options[OPTIONS_MAX];
    size_t count;
};

static void add_option(struct option_set *set, const struct cli_option *option)
{
    if (set->count == OPTIONS_MAX)
        abort();
    bool has_value = option->argument != NULL;
    set->longs[set->count] = (struct option){option->name, has_value ? required_argument : no_argument, NULL,
                                             (int)(256 + set->count)};
    set->options[set->count++] = option;
    if (option->letter == 0)
        return;
    size_t length = strlen(set->shorts);
    set->shorts[length] = option->letter;
    if (has_value)
        set->shorts[length + 1] = ':';
}

int cli_parse(const struct cli_usage *usage, int argc, char **argv, char ***out_arguments, int *out_count)
{
    struct option_set set = {.shorts = ":h"};
    if (usage->opens != CLI_OPENS_NOTHING)
        add_option(&set, &config_option);
    for (size_t i = 0; i < usage->option_count; i++)
        add_option(&set, &usage->options[i]);
    set.longs[set.count] = (struct option){"help", no_argument, NULL, 'h'};

    optind = 0; /* GNU: start over, also when a word before was parsed by another table */
    for (int found = getopt_long(argc, argv, set.shorts, set.longs, NULL); found != -1;
         found = getopt_long(argc, argv, set.shorts, set.longs, NULL)) {
        if (found == 'h') {
            print_help(usage);
            return cli_flush();
        }
        if (found == ':')
            return cli_misuse(usage, "option %s needs a value", argv[optind - 1]);
        if (found == '?' && optopt != 0 && optopt < 256)
            return cli_misuse(usage, "there is no option -%c", optopt);
        if (found == '?')
            return cli_misuse(usage, "option %s is not known, or cannot have a value", argv[optind - 1]);
        int status = CLI_GO_ON;
        for (size_t i = 0; i < set.count && status == CLI_GO_ON; i++)
            if (found == (int)(256 + i) || found == set.options[i]->letter)
                status = take_option(usage, set.options[i]);
        if (status != CLI_GO_ON)
            return status;
    }
    *out_arguments = argv + optind;
    *out_count = argc - optind;
    if (*out_count < usage->argument_min)
        return cli_misuse(usage, "an argument is missing: %s", usage->arguments);
    if (*out_count > usage->argument_max)
        return cli_misuse(usage, "'%s' is one argument too many", argv[optind + usage->argument_max]);
    return CLI_GO_ON;
}

/* ---- session ---- */

int cli_open_conf(struct cli *cli, const char *config)
{
    *cli = (struct cli){.arena = arena_new(), .config = config};
    if (rand_init() != OK)
        return cli_fail("the operating system gives no random numbers");
    const struct passwd *user = getpwuid(getuid());
    cli->actor = user != NULL ? arena_printf(cli->arena, "cli:%s", user->pw_name)
                              : arena_printf(cli->arena, "cli:%u", (unsigned)getuid());
    /* What the store or the network says of a fault goes with ours; the rest of the process log is for
     * servers. */
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    struct yaml_faults faults;
    if (conf_load_all(config, cli->arena, &cli->conf, &faults) == OK) {
        struct failure failure;
        if (cli->conf->clock_offset_file != NULL &&
            clock_follow_offset_file(cli->conf->clock_offset_file, &failure) != OK)
            return cli_fail("clock_offset_file: %s", failure.text);
        return CLI_OK;
    }
    for (size_t i = 0; i < faults.count; i++)
        cli_fail("%s", yaml_fault_format(cli->arena, config, &faults.items[i]));
    return CLI_FAULT;
}

int cli_open_any_store(struct cli *cli, bool may_create, int *out_version, int *out_newest)
{
    struct failure failure;
    if (vault_load(cli->conf->key_file, &cli->vault, &failure) != OK)
        return cli_fail("%s: keys.file: %s", cli->config, failure.text);
    const struct store_settings settings = {
        .url = cli->conf->store_url,
        .connection_max = 2,
        .vault = cli->vault,
        .node = cli->conf->node,
        .must_exist = !may_create,
    };
    if (store_open(&settings, &cli->store, &failure) != OK)
        return cli_fail("%s: store.url: %s", cli->config, failure.text);
    if (store_schema_version(cli->store, out_version, out_newest) != OK)
        return cli_fail("%s: store.url: the schema version cannot be read", cli->config);
    if (*out_version > *out_newest)
        return cli_fail("the store has schema %d, newer than this program knows (%d); use the newer program",
                        *out_version, *out_newest);
    return CLI_OK;
}

int cli_open_store(struct cli *cli, const char *config)
{
    int version;
    int newest;
    int status = cli_open_conf(cli, config);
    if (status == CLI_OK)
        status = cli_open_any_store(cli, false, &version, &newest);
    if (status == CLI_OK && version < newest)
        return cli_fail("the store has schema %d and this program needs %d; run `sluis migrate`", version,
                        newest);
    return status;
}

void cli_close(struct cli *cli)
{
    store_close(&cli->store);
    vault_free(&cli->vault);
    conf_free(&cli->conf);
    arena_free(&cli->arena);
}

static int open_for(const struct cli_usage *usage, struct cli *cli)
{
    switch (usage->opens) {
    case CLI_OPENS_NOTHING:
        break;
    case CLI_OPENS_CONF:
        return cli_open_conf(cli, config_file);
    case CLI_OPENS_STORE:
        return cli_open_store(cli, config_file);
    }
    *cli = (struct cli){.arena = arena_new()};
    return CLI_OK;
}

int cli_run(const struct cli_usage *usage, int argc, char **argv, cli_checker *check, cli_work *work,
            void *call)
{
    char **arguments;
    int count;
    int status = cli_parse(usage, argc, argv, &arguments, &count);
    if (status == CLI_GO_ON && check != NULL)
        status = check(usage, call, arguments, count);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    status = open_for(usage, &cli);
    cli.arguments = arguments;
    cli.argument_count = count;
    if (status == CLI_OK) {
        status = work(&cli, call);
        int flushed = cli_flush();
        status = status != CLI_OK ? status : flushed;
    }
    cli_close(&cli);
    return status;
}

struct lists_settings cli_lists_settings(const struct conf *conf)
{
    return (struct lists_settings){
        .sources = {[LIST_PROVIDERS] = {conf->list_providers.location, conf->list_providers.schema},
                    [LIST_CLIENTS] = {conf->list_clients.location, conf->list_clients.schema},
                    [LIST_SERVICE_NAMES] = {conf->list_service_names.location,
                                            conf->list_service_names.schema},
                    [LIST_WHITELIST] = {conf->list_whitelist.location, conf->list_whitelist.schema}},
        .ca_file = conf->lists_ca,
        .client_certificate_file = conf->lists_certificate,
        .client_key_file = conf->lists_key,
        .interval_s = conf->lists_interval_s,
        .max_age_s = conf->lists_max_age_s,
        .size_max = LIST_MAX,
        .is_http_allowed = conf->is_development,
    };
}

/* ---- output ---- */

int cli_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("sluis: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CLI_FAULT;
}

int cli_misuse(const struct cli_usage *usage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", usage->command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see `%s --help`\n", usage->command);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_OK;
    return cli_fail("standard output: %s", strerror(errno));
}

const char *cli_printable(struct arena *arena, struct str text)
{
    char *copy = arena_strndup(arena, text.data != NULL ? text.data : "", text.length);
    bool is_utf8 = str_is_utf8(text);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)copy[i];
        /* C1 controls are C2 80..9F in UTF-8. */
        bool is_c1 = c == 0xC2 && i + 1 < text.length && (unsigned char)copy[i + 1] < 0xA0;
        if (is_c1)
            copy[i++] = '?';
        if (c < 0x20 || c == 0x7F || is_c1 || (c >= 0x80 && !is_utf8))
            copy[i] = '?';
    }
    return copy;
}

const char *cli_time(struct arena *arena, int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;
    char text[32];
    if (seconds == 0 || gmtime_r(&time, &parts) == NULL || strftime(text, sizeof text, "%F %TZ", &parts) == 0)
        return "-";
    return arena_strdup(arena, text);
}

static void append_name(struct buf *buf, const char *name)
{
    if (buf->length > 0 && buf->data[buf->length - 1] != '{')
        buf_append_char(buf, ',');
    buf_append_json_string(buf, str_from_c(name));
    buf_append_char(buf, ':');
}

void cli_json_text(struct buf *buf, const char *name, struct str value)
{
    append_name(buf, name);
    buf_append_json_string(buf, value);
}

void cli_json_int(struct buf *buf, const char *name, int64_t value)
{
    append_name(buf, name);
    buf_printf(buf, "%lld", (long long)value);
}

void cli_json_bool(struct buf *buf, const char *name, bool value)
{
    append_name(buf, name);
    buf_append_c(buf, value ? "true" : "false");
}

void cli_json_time(struct buf *buf, const char *name, int64_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    append_name(buf, name);
    if (seconds == 0) {
        buf_append_c(buf, "null");
        return;
    }
    clock_format_ms(seconds * 1000, text);
    buf_append_json_string(buf, str_from_c(text));
}

void cli_json_words(struct buf *buf, const char *name, struct str text, char separator)
{
    append_name(buf, name);
    buf_append_char(buf, '[');
    struct str rest = text.length > 0 ? text : STR_NONE;
    struct str word;
    for (bool is_first = true; str_split_next(&rest, separator, &word); is_first = false) {
        buf_append_c(buf, is_first ? "" : ",");
        buf_append_json_string(buf, word);
    }
    buf_append_char(buf, ']');
}

struct cli_table cli_table_new(struct arena *arena, size_t column_count, const char *const *headings)
{
    struct cli_table table = {.arena = arena, .column_count = column_count};
    for (size_t i = 0; i < column_count; i++)
        cli_table_add(&table, headings[i]);
    return table;
}

void cli_table_add(struct cli_table *table, const char *cell)
{
    if (table->cell_count == table->cell_capacity) {
        size_t capacity = table->cell_capacity > 0 ? table->cell_capacity * 2 : 64;
        const char **cells = arena_array_of(table->arena, capacity, const char *);
        for (size_t i = 0; i < table->cell_count; i++)
            cells[i] = table->cells[i];
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    table->cells[table->cell_count++] = cell;
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void cli_table_print(const struct cli_table *table)
{
    size_t *widths = arena_array_of(table->arena, table->column_count, size_t);
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t width = width_of(table->cells[i]);
        size_t column = i % table->column_count;
        if (width > widths[column])
            widths[column] = width;
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        bool is_last = i % table->column_count == table->column_count - 1;
        int padding = is_last ? 0 : (int)(widths[i % table->column_count] - width_of(table->cells[i]) + 2);
        printf("%s%*s%s", table->cells[i], padding, "", is_last ? "\n" : "");
    }
}
