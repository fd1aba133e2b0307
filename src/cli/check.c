#include "cli/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "cli/image.h"
#include "conf/conf_table.h"
#include "conf/file.h"
#include "html/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)
#define PASSWORD_FILE_MAX 1024

/* ---- findings ---- */

/* "sluis.yaml:12:5: back.key", or the key alone for what is not in the file. */
static const char *place_of(const struct check *check, const char *key)
{
    const struct yaml_entry *entry = check->conf != NULL ? conf_find(check->conf, key) : NULL;
    if (entry == NULL)
        return key;
    return arena_printf(check->arena, "%s:%zu:%zu: %s", conf_file(check->conf), entry->line, entry->column,
                        key);
}

PRINTF_LIKE(5, 0)
static void print_finding(const struct check *check, const char *word, const char *key, const char *remedy,
                          const char *format, va_list arguments)
{
    const char *text = arena_vprintf(check->arena, format, arguments);
    printf("%-8s %s: %s%s%s\n", word, place_of(check, key), cli_printable(check->arena, str_from_c(text)),
           remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}

void check_ok(struct check *check, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    check->ok_count++;
    if (!check->is_quiet)
        print_finding(check, "ok", key, NULL, format, arguments);
    va_end(arguments);
}

void check_warning(struct check *check, const char *key, const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    check->warning_count++;
    print_finding(check, "warning", key, remedy, format, arguments);
    va_end(arguments);
}

void check_fault(struct check *check, const char *key, const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    check->fault_count++;
    print_finding(check, "fault", key, remedy, format, arguments);
    va_end(arguments);
}

/* ---- files ---- */

static void check_web(struct check *check)
{
    const char *web = check->conf->web_directory;
    const char *const directories[] = {arena_printf(check->arena, "%s/templates", web),
                                       arena_printf(check->arena, "%s/texts", web)};
    struct template_set *templates = NULL;
    struct failure failure;
    if (template_set_load(directories, 2, &templates, &failure) != OK)
        check_fault(check, "web_directory", "name the directory web of this version of sluis", "%s",
                    failure.text);
    else if (template_unescaped_count(templates) > 0)
        check_fault(check, "web_directory", "write {{name}} there",
                    "%s: a template shows text unescaped ({{{name}}} or {{&name}})", web);
    else
        check_ok(check, "web_directory", "%s: all templates compile", web);
    template_set_free(&templates);
    const char *sheet = arena_printf(check->arena, "%s/static/sluis.css", web);
    if (access(sheet, R_OK) != 0)
        check_fault(check, "web_directory", "name the directory web of this version of sluis", "%s: %s",
                    sheet, strerror(errno));
}

static void check_logo(struct check *check)
{
    struct str bytes;
    struct str type;
    struct failure failure;
    const char *path = check->conf->medmij_logo;
    if (path == NULL)
        check_ok(check, "medmij.logo", "none: pages show a neutral stand-in");
    else if (file_read(check->arena, path, IMAGE_BYTES_MAX, &bytes, &failure) != OK)
        check_fault(check, "medmij.logo", "put the file there", "%s", failure.text);
    else if (image_check(bytes, &type, &failure) != OK)
        check_fault(check, "medmij.logo", "save it anew as PNG or plain SVG", "%s: %s", path, failure.text);
    else
        check_ok(check, "medmij.logo", "%s", path);
}

static void check_event_log(struct check *check)
{
    const char *path = check->conf->event_log_file;
    if (strcmp(path, "-") == 0) {
        check_ok(check, "event_log_file", "standard output");
        return;
    }
    const char *slash = strrchr(path, '/');
    const char *directory =
        slash == NULL ? "." : arena_strndup(check->arena, path, (size_t)(slash - path) + 1);
    bool is_there = access(path, F_OK) == 0;
    if (access(is_there ? path : directory, W_OK) != 0)
        check_fault(check, "event_log_file", "make its directory, writable for the user that runs sluis",
                    "%s: %s", path, strerror(errno));
    else
        check_ok(check, "event_log_file", "%s", path);
}

static void check_mail(struct check *check)
{
    const struct conf *conf = check->conf;
    struct str ignored;
    struct failure failure;
    if (conf->mail_server == NULL || conf->mail_server[0] == '\0') {
        check_ok(check, "mail.server", "none: no mail is sent about failed logins");
        return;
    }
    check_ok(check, "mail.server", "%s, from %s", conf->mail_server, conf->mail_sender);
    if (conf->mail_password_file != NULL &&
        file_read_secret(check->arena, conf->mail_password_file, PASSWORD_FILE_MAX, &ignored, &failure) != OK)
        check_fault(check, "mail.password_file", "put the password there, with mode 600", "%s", failure.text);
    if (conf->mail_ca != NULL && file_read(check->arena, conf->mail_ca, TEXT_MAX, &ignored, &failure) != OK)
        check_fault(check, "mail.ca", "put the file there", "%s", failure.text);
}

/* ---- keys, store, business data ---- */

static void check_catalog(struct check *check, struct store *store)
{
    struct catalog_data catalog;
    if (catalog_read(store, check->arena, &catalog) != OK) {
        check_fault(check, "store.url", "see whether keys.file is the one that this store was written with",
                    "the business data cannot be read");
        return;
    }
    if (catalog.provider_count == 0)
        check_warning(check, "providers", "bring them in with `sluis import`", "there are none in the store");
    else
        check_ok(check, "providers", "%zu, with %zu identity providers", catalog.provider_count,
                 catalog.identity_provider_count);
    check_identity_providers(check, &catalog);
    check_sso_connections(check, store);
}

static void check_schema(struct check *check, struct store *store)
{
    int version;
    int newest;
    if (store_ping(store) != OK || store_schema_version(store, &version, &newest) != OK)
        check_fault(check, "store.url", "look at the log of the database", "it opens, but does not answer");
    else if (version < newest)
        check_fault(check, "store.url", "run `sluis migrate`",
                    "the store has schema %d and this program needs %d", version, newest);
    else if (version > newest)
        check_fault(check, "store.url", "use the newer program",
                    "the store has schema %d, newer than this program knows (%d)", version, newest);
    else {
        check_ok(check, "store.url", "%s, schema %d", store_is_sqlite(store) ? "SQLite" : "PostgreSQL",
                 version);
        check_catalog(check, store);
    }
}

static void check_store(struct check *check)
{
    struct vault *vault = NULL;
    struct store *store = NULL;
    struct failure failure;
    if (vault_load(check->conf->key_file, &vault, &failure) != OK) {
        check_fault(check, "keys.file", "without the right key file the store cannot be read", "%s",
                    failure.text);
        check_warning(check, "store.url", "check again with a right key file",
                      "not checked: there are no keys");
        return;
    }
    check_ok(check, "keys.file", "%s: %zu encryption keys", check->conf->key_file, vault_key_count(vault));
    const struct store_settings settings = {
        .url = check->conf->store_url,
        .connection_max = 2,
        .vault = vault,
        .node = check->conf->node,
    };
    /* Opening a file that is not there would make it. */
    struct str url = str_from_c(check->conf->store_url);
    const char *file = str_starts_with(url, STR("sqlite:")) ? url.data + STR("sqlite:").length : NULL;
    if (file != NULL && access(file, F_OK) != 0 && errno == ENOENT)
        check_fault(check, "store.url", "make it with `sluis migrate`, or correct the name", "%s: %s", file,
                    strerror(ENOENT));
    else if (store_open(&settings, &store, &failure) != OK)
        check_fault(check, "store.url",
                    "look at the address, the rights on it, and whether the database runs", "%s",
                    failure.text);
    else
        check_schema(check, store);
    store_close(&store);
    vault_free(&vault);
}

/* ---- the whole ---- */

static void check_configuration(struct check *check, const char *path, struct conf **out_conf)
{
    struct yaml_faults faults;
    if (conf_load_all(path, check->arena, out_conf, &faults) == OK) {
        check->conf = *out_conf;
        check_ok(check, path, "the configuration is in order");
        return;
    }
    for (size_t i = 0; i < faults.count; i++) {
        check->fault_count++;
        const char *text = yaml_fault_format(check->arena, path, &faults.items[i]);
        printf("%-8s %s\n", "fault", cli_printable(check->arena, str_from_c(text)));
    }
    check_warning(check, path, "correct it and check again",
                  "keys, store, lists and certificates were not checked");
}

static void check_rest(struct check *check)
{
    struct failure failure;
    const char *offset_file = check->conf->clock_offset_file;
    if (offset_file != NULL && clock_follow_offset_file(offset_file, &failure) != OK)
        check_fault(check, "clock_offset_file", "make a file of 8 bytes, or remove the key", "%s",
                    failure.text);
    if (check->conf->is_development)
        check_warning(check, "development", "set it to false in production", "development mode is on");
    check_event_log(check);
    check_mail(check);
    check_web(check);
    check_logo(check);
    check_certificates(check);
    check_lists(check);
    check_store(check);
    check_clock(check);
}

struct check_call {
    const char *config;
    bool is_quiet, is_sample, is_manual;
};

static int check_all(struct cli *cli, const struct check_call *call)
{
    struct check check = {.arena = cli->arena, .is_quiet = call->is_quiet};
    struct conf *conf = NULL;
    /* What others log of a failure is told here as a finding. */
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    if (rand_init() != OK)
        check_fault(&check, "machine", NULL, "the operating system gives no random numbers");
    check_configuration(&check, call->config, &conf);
    if (conf != NULL)
        check_rest(&check);
    printf("%u ok, %u warning%s, %u fault%s\n", check.ok_count, check.warning_count,
           check.warning_count == 1 ? "" : "s", check.fault_count, check.fault_count == 1 ? "" : "s");
    conf_free(&conf);
    return check.fault_count > 0 ? CLI_FAULT : CLI_OK;
}

static int print_text(struct cli *cli, void (*write)(struct buf *buf))
{
    struct buf buf = buf_new(cli->arena, TEXT_MAX);
    write(&buf);
    fwrite(buf.data, 1, buf.length, stdout);
    return CLI_OK;
}

static int run_check(struct cli *cli, void *context)
{
    const struct check_call *call = context;
    if (call->is_sample)
        return print_text(cli, conf_write_sample);
    if (call->is_manual)
        return print_text(cli, conf_write_manual);
    return check_all(cli, call);
}

int cli_check(int argc, char **argv)
{
    struct check_call call = {.config = CLI_DEFAULT_CONFIG};
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(call.config),
        {"quiet", 'q', NULL, NULL, &call.is_quiet, "print warnings and faults only"},
        {"sample", 0, NULL, NULL, &call.is_sample, "print a commented sample configuration instead"},
        {"manual", 0, NULL, NULL, &call.is_manual,
         "print the description of all keys, sluis.yaml(5), instead"},
    };
    const struct cli_usage usage = {
        .command = "sluis check",
        .arguments = "",
        .summary =
            "Verifies the configuration and everything it names: key file, store and its schema, lists, "
            "certificates and their keys, templates, identity providers and the clock. Names every fault "
            "with its place and what to do, and changes nothing. Exit status 1 when there is a fault.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    return cli_run(&usage, argc, argv, NULL, run_check, &call);
}
