/*
 * What all subcommands share: options and help from one declaration, the store opened the same way, faults
 * and tables printed the same way. Single-threaded; every subcommand owns one arena and returns its exit
 * status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vault.h"
#include "conf/conf.h"
#include "medmij/lists.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_status { CLI_OK = 0, CLI_FAULT = 1, CLI_USAGE = 2 };
/* cli_parse: the subcommand goes on. */
#define CLI_GO_ON (-1)

#define CLI_DEFAULT_CONFIG "/etc/sluis/sluis.yaml"

/* ---- subcommands, one function each ---- */

int cli_audit(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_consent(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_lists(int argc, char **argv);
int cli_migrate(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_sso(int argc, char **argv);
int cli_version(int argc, char **argv);

struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

/* Runs the command that argv[1] names; `program` is "sluis" or "sluis keys". Prints help or a usage fault
 * itself. */
int cli_dispatch(const char *program, const char *summary, const struct cli_command *commands, size_t count,
                 int argc, char **argv);

/* ---- options ---- */

struct cli_option {
    const char *name;     /* long name without dashes */
    char letter;          /* 0 = none */
    const char *argument; /* what help calls its value; NULL = a flag */
    const char **text;    /* set to the value; with `argument` */
    bool *flag;           /* set to true; without */
    const char *help;
    int64_t *number; /* with `argument`, instead of text: set to a value from min to max */
    int64_t min, max;
};

enum cli_opens { CLI_OPENS_NOTHING, CLI_OPENS_CONF, CLI_OPENS_STORE };

struct cli_usage {
    const char *command;   /* "sluis import" */
    const char *arguments; /* "FILE", "[FILE]" or "" */
    const char *summary;   /* what it does, in sentences; printed wrapped */
    const struct cli_option *options;
    size_t option_count;
    int argument_min, argument_max;
    enum cli_opens opens; /* by cli_run; unless it is nothing, --config/-c is there too */
};

/* --limit, as a row for a subcommand's table. */
#define CLI_LIMIT_OPTION(variable, what)                                                                     \
    {                                                                                                        \
        .name = "limit", .argument = "COUNT", .number = &(variable), .min = 1, .max = 1000, .help = what     \
    }

/* For a subcommand that cli_run does not fit. CLI_GO_ON with *out_arguments at the first of *out_count
 * arguments; otherwise the exit status, help (0) or fault (2) having been printed. --help/-h is always there.
 */
int cli_parse(const struct cli_usage *usage, int argc, char **argv, char ***out_arguments, int *out_count);

/* --config/-c, as a row for the table of a subcommand that opens things itself. */
#define CLI_CONFIG_OPTION(variable)                                                                          \
    {                                                                                                        \
        .name = "config", .letter = 'c', .argument = "FILE", .text = &(variable),                            \
        .help = "configuration file (default " CLI_DEFAULT_CONFIG ")"                                        \
    }

/* ---- a session with configuration, keys and store ---- */

struct cli {
    struct arena *arena;
    const char *config;
    struct conf *conf;
    struct vault *vault;
    struct store *store;
    const char *actor; /* "cli:name", for the audit trail */
    char **arguments;  /* of cli_run */
    int argument_count;
};

/* Configuration only, or with keys and store too. CLI_OK, or the exit status with the fault printed. The
 * store must have the schema that this program knows. cli_close in every case. */
int cli_open_conf(struct cli *cli, const char *config);
int cli_open_store(struct cli *cli, const char *config);
/* With the configuration open: keys and store too, whose schema may be older than this program; `may_create`:
 * a store that is not there is made. */
int cli_open_any_store(struct cli *cli, bool may_create, int *out_version, int *out_newest);
void cli_close(struct cli *cli);

/* What options and arguments cannot be together: CLI_GO_ON, or what cli_misuse answered. */
typedef int cli_checker(const struct cli_usage *usage, void *call, char **arguments, int count);
/* The subcommand itself; answers the exit status. */
typedef int cli_work(struct cli *cli, void *call);

/* The course that most subcommands run: options into what `call` points to, `check` (NULL = nothing to
 * check), open what the usage says, `work`, standard output written, close. Returns the exit status. */
int cli_run(const struct cli_usage *usage, int argc, char **argv, cli_checker *check, cli_work *work,
            void *call);

/* The lists as the configuration has them. */
struct lists_settings cli_lists_settings(const struct conf *conf);

/* ---- output ---- */

/* "sluis: text" on standard error; returns CLI_FAULT. */
int cli_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* A usage fault: the text and where to find help; returns CLI_USAGE. */
int cli_misuse(const struct cli_usage *usage, const char *format, ...) PRINTF_LIKE(2, 3);
/* CLI_OK, or CLI_FAULT with a message when standard output could not be written (disk full, pipe closed). */
int cli_flush(void);

/* Text from the store, a list or a certificate, with everything that could steer a terminal shown as '?'. */
const char *cli_printable(struct arena *arena, struct str text);
/* "2026-11-21 18:09:24Z"; "-" for 0. */
const char *cli_time(struct arena *arena, int64_t seconds);

/* One flat JSON object under construction: buf_append_char(buf, '{') first, '}' last. */
void cli_json_text(struct buf *buf, const char *name, struct str value);
void cli_json_int(struct buf *buf, const char *name, int64_t value);
void cli_json_bool(struct buf *buf, const char *name, bool value);
void cli_json_time(struct buf *buf, const char *name, int64_t seconds); /* RFC 3339, or null for 0 */
void cli_json_words(struct buf *buf, const char *name, struct str text, char separator); /* array of texts */

struct cli_table {
    struct arena *arena;
    size_t column_count;
    const char **cells; /* row by row; the first row is the heading */
    size_t cell_count;
    size_t cell_capacity;
};

struct cli_table cli_table_new(struct arena *arena, size_t column_count, const char *const *headings);
void cli_table_add(struct cli_table *table, const char *cell);
/* Aligned columns with two spaces between; UTF-8 counts by characters. */
void cli_table_print(const struct cli_table *table);

#endif
