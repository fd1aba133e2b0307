#include "cli/sso.h"

#include "base/clock.h"
#include "base/vec.h"
#include "cli/catalog_value.h"
#include "store/audit.h"

#include <string.h>

#define PAGE 1000

/* ---- connections ---- */

static bool has_slug(const struct sso_connection *connection, struct str slug)
{
    size_t middle = connection->customer_key.length;
    return slug.length == middle + 1 + connection->provider_key.length &&
           str_starts_with(slug, connection->customer_key) && slug.data[middle] == '_' &&
           str_ends_with(slug, connection->provider_key);
}

const struct sso_connection *sso_connection_like(const struct sso_data *data, struct str platform,
                                                 struct str environment, struct str slug)
{
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (has_slug(item, slug) && str_equal(item->platform, platform) &&
            str_equal(item->environment, environment))
            return item;
    }
    return NULL;
}

const struct sso_connection *sso_connection_by_id(const struct sso_data *data, struct str id)
{
    for (size_t i = 0; i < data->connection_count; i++)
        if (str_equal(data->connections[i].id, id))
            return &data->connections[i];
    return NULL;
}

const char *sso_connection_lacks(struct arena *arena, const struct sso_connection *connection)
{
    const struct {
        const char *key;
        bool is_there;
    } needs[] = {
        {"issuer", connection->issuer.length > 0},
        {"client_id", connection->client_id.length > 0},
        {"client_secret",
         connection->secret_count > 0 || str_equal(connection->client_auth, STR("private_key_jwt"))},
        {"location_claim", connection->location_claim.length > 0},
    };
    const char *text = "";
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (!needs[i].is_there)
            text = arena_printf(arena, "%s%s%s", text, text[0] != '\0' ? ", " : "", needs[i].key);
    return text;
}

int sso_read(struct cli *cli, struct sso_data *out_data)
{
    if (sso_data_read(cli->store, cli->arena, out_data) != OK)
        return cli_fail("the store cannot be read");
    return CLI_OK;
}

static bool is_chosen(const struct sso_connection *connection, const struct sso_choice *choice)
{
    return has_slug(connection, str_from_c(choice->slug)) &&
           (choice->environment == NULL || str_equal_c(connection->environment, choice->environment)) &&
           (choice->platform == NULL || str_equal_c(connection->platform, choice->platform));
}

int sso_connection_pick(struct cli *cli, const struct sso_data *data, const struct sso_choice *choice,
                        const struct sso_connection **out_connection)
{
    const char *found = "";
    size_t count = 0;
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (!is_chosen(item, choice))
            continue;
        *out_connection = item;
        found = arena_printf(cli->arena, "%s%s--environment %.*s --platform %.*s", found,
                             count > 0 ? " or " : "", STR_ARG(item->environment), STR_ARG(item->platform));
        count++;
    }
    if (count == 1)
        return CLI_OK;
    const char *slug = cli_printable(cli->arena, str_from_c(choice->slug));
    if (count > 1)
        return cli_fail("there are %zu connections %s; add %s", count, slug, found);
    return cli_fail("there is no such connection: %s; `sluis sso connections list` tells which there are",
                    slug);
}

/* ---- mappings ---- */

static const struct {
    enum mapping_status status;
    struct str word;
} mapping_words[] = {
    {MAPPING_NEW, {"new", 3}},
    {MAPPING_LINKED, {"linked", 6}},
    {MAPPING_IGNORED, {"ignored", 7}},
    {MAPPING_INACTIVE, {"inactive", 8}},
};

struct str sso_mapping_word(enum mapping_status status)
{
    for (size_t i = 0; i < sizeof mapping_words / sizeof mapping_words[0]; i++)
        if (mapping_words[i].status == status)
            return mapping_words[i].word;
    return STR_NONE;
}

bool sso_mapping_status(struct str word, enum mapping_status *out_status)
{
    for (size_t i = 0; i < sizeof mapping_words / sizeof mapping_words[0]; i++) {
        if (!str_equal(mapping_words[i].word, word))
            continue;
        *out_status = mapping_words[i].status;
        return true;
    }
    return false;
}

int sso_mappings_read(struct cli *cli, struct str connection, struct mapping_filter filter,
                      struct mapping_list *out_list)
{
    *out_list = (struct mapping_list){0};
    filter.scope = SCOPE_ALL;
    filter.connection = connection;
    filter.limit = PAGE;
    struct mapping_list page;
    do {
        if (mapping_find(cli->store, &filter, cli->arena, &page) != OK)
            return cli_fail("the mapping table cannot be read");
        for (size_t i = 0; i < page.count; i++)
            vec_push(cli->arena, out_list, page.items[i]);
        if (page.count > 0)
            filter.after_code = page.items[page.count - 1].code;
    } while (page.count == PAGE);
    return CLI_OK;
}

/* ---- output ---- */

int sso_audit(struct cli *cli, const char *action, const char *subject, const char *details)
{
    const struct audit_entry entry = {
        .at = clock_now(),
        .actor = str_from_c(cli->actor),
        .action = str_from_c(action),
        .subject = str_from_c(subject),
        .details = str_from_c(details),
    };
    if (audit_append(cli->store, &entry) != OK)
        return cli_fail("the audit trail cannot be written, so nothing is shown");
    return CLI_OK;
}

void sso_csv_cell(struct buf *buf, struct str text, bool is_last)
{
    /* A tab or return before the sign does not stop every spreadsheet. */
    bool is_formula = text.length > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
    buf_append_char(buf, '"');
    if (is_formula)
        buf_append_char(buf, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"')
            buf_append_char(buf, '"');
        buf_append_char(buf, text.data[i]);
    }
    buf_append_c(buf, is_last ? "\"\r\n" : "\",");
}

static bool is_clock_time(struct str text, int64_t *out_seconds)
{
    int64_t parts[3];
    for (size_t i = 0; i < 3; i++) {
        struct str part = str_slice(text, 3 * i, 3 * i + 2);
        bool has_digits =
            part.data[0] >= '0' && part.data[0] <= '9' && part.data[1] >= '0' && part.data[1] <= '9';
        if (!has_digits || (i < 2 && text.data[3 * i + 2] != ':'))
            return false;
        parts[i] = (part.data[0] - '0') * 10 + part.data[1] - '0';
    }
    *out_seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    return parts[0] < 24 && parts[1] < 60 && parts[2] < 60;
}

bool sso_read_time(struct str text, int64_t *out_ms)
{
    int64_t day;
    int64_t seconds = 0;
    if (text.length != 10 && (text.length != 20 || text.data[10] != 'T' || text.data[19] != 'Z' ||
                              !is_clock_time(str_slice(text, 11, 19), &seconds)))
        return false;
    if (!field_read_date(str_slice(text, 0, 10), &day))
        return false;
    *out_ms = (day + seconds) * 1000;
    return true;
}

const char *sso_time_ms(struct arena *arena, int64_t milliseconds)
{
    return cli_time(arena, milliseconds / 1000);
}

int cli_sso(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"connections", "the links to identity providers: list, show", cli_sso_connections},
        {"applications", "those that log people in here: list, show", cli_sso_applications},
        {"groups", "security groups: list, show", cli_sso_groups},
        {"mappings", "locations and their groups: list, link, unlink, ignore", cli_sso_mappings},
        {"log", "login attempts, step by step: list, show, export", cli_sso_log},
        {"notifications", "mails about them, sent or not: list, show, test", cli_sso_notifications},
        {"users", "people who logged in: list, block, unblock", cli_sso_users},
        {"sessions", "their sessions: end", cli_sso_sessions},
        {"keys", "the keys that Sluis signs with: list, rotate", cli_sso_keys},
    };
    return cli_dispatch("sluis sso", "The professional's door, for those who help its users.", commands,
                        sizeof commands / sizeof commands[0], argc, argv);
}
