#include "conf/conf_table.h"

#include "base/str.h"
#include "http/address.h"
#include "mail/message.h"
#include "mail/smtp.h"

#include <string.h>

struct check {
    struct conf *conf;
    const struct yaml_entries *entries;
    struct arena *arena;
    struct yaml_faults *faults;
};

/* Reported at the key; when the key is not there, at the section that should have it. */
static void report(const struct check *check, const char *key, const char *text, const char *remedy)
{
    const struct yaml_entry *entry = yaml_index_find(check->entries, key);
    const char *dot = strrchr(key, '.');
    if (entry == NULL && dot != NULL)
        entry = yaml_index_find(check->entries, arena_strndup(check->arena, key, (size_t)(dot - key)));
    yaml_fault_add(check->arena, check->faults, entry, key, text, remedy);
}

static bool is_local_host(struct str host)
{
    return str_equal(host, STR("localhost")) || str_ends_with(host, STR(".localhost"));
}

static bool is_host(struct str host)
{
    struct str rest = host;
    struct str label;
    if (host.length == 0 || host.length > 253)
        return false;
    while (str_split_next(&rest, '.', &label)) {
        if (label.length == 0 || label.length > 63 || label.data[0] == '-' ||
            label.data[label.length - 1] == '-')
            return false;
        for (size_t i = 0; i < label.length; i++)
            if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.data[i]) == NULL ||
                label.data[i] == '\0')
                return false;
    }
    return true;
}

static bool is_port(struct str text)
{
    int64_t port;
    return str_to_int64(text, &port) == OK && port >= 1 && port <= 65535;
}

static struct str after(struct str text, struct str prefix)
{
    return str_slice(text, prefix.length, text.length);
}

static const char *fault_in_origin(const struct check *check, const struct conf_row *row, struct str url)
{
    bool is_http = str_starts_with(url, STR("http://"));
    if (!is_http && !str_starts_with(url, STR("https://")))
        return "does not start with https://";
    struct str rest = after(url, is_http ? STR("http://") : STR("https://"));
    if (str_ends_with(rest, STR("/")))
        return "ends with a slash";
    size_t colon = str_find(rest, ':');
    struct str host = str_slice(rest, 0, colon);
    bool has_port = colon < rest.length;
    if (!is_host(host))
        return "is not a URL of a host name in lower case and nothing behind it";
    if (has_port && !is_port(str_slice(rest, colon + 1, rest.length)))
        return "has something behind the host name that is not a port";
    bool is_demo = check->conf->is_development && is_local_host(host);
    if (is_http && !is_demo)
        return check->conf->is_development
                   ? "is http for a host that is not localhost and does not end in .localhost"
                   : "is http, which is for development mode only";
    if (has_port && !is_demo && !row->is_port_allowed)
        return "has a port, which the MedMij provider list does not allow here";
    return NULL;
}

static const char *fault_in_location(const struct check *check, struct str location)
{
    if (str_starts_with(location, STR("https://")) || str_starts_with(location, STR("http://"))) {
        bool is_http = str_starts_with(location, STR("http://"));
        struct str rest = after(location, is_http ? STR("http://") : STR("https://"));
        struct str authority = str_slice(rest, 0, str_find(rest, '/'));
        struct str host = str_slice(authority, 0, str_find(authority, ':'));
        bool has_port = host.length < authority.length;
        if (!is_host(host) ||
            (has_port && !is_port(after(authority, str_slice(authority, 0, host.length + 1)))))
            return "is not a URL";
        if (is_http && !(check->conf->is_development && is_local_host(host)))
            return "is http, which is for development mode and hosts that end in .localhost only";
        return str_is_printable_ascii(location) && str_find(location, ' ') == location.length
                   ? NULL
                   : "is not a URL";
    }
    for (size_t i = 0; i + 2 < location.length; i++)
        if (memcmp(location.data + i, "://", 3) == 0 && !str_starts_with(location, STR("file:")))
            return "is a URL of another kind than https";
    return NULL;
}

static bool is_address(struct str text)
{
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0 || !is_port(str_slice(text, colon, text.length)))
        return false;
    struct str host = str_slice(text, 0, colon - 1);
    struct address address;
    if (str_equal(host, STR("*")))
        return true;
    if (str_starts_with(host, STR("[")) && str_ends_with(host, STR("]"))) {
        host = str_slice(host, 1, host.length - 1);
        return str_find(host, ':') < host.length && address_parse(host, &address) == OK;
    }
    return str_find(host, ':') == host.length && address_parse(host, &address) == OK;
}

static bool is_choice(const struct conf_row *row, struct str text)
{
    struct str rest = str_from_c(row->choices);
    struct str word;
    while (str_split_next(&rest, ' ', &word))
        if (str_equal(word, text))
            return true;
    return false;
}

static bool is_header(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", text.data[i]) == NULL)
            return false;
    return true;
}

static const char *fault_in_text(const struct check *check, const struct conf_row *row, struct str text)
{
    const char *wrong = "is not right";
    if (!str_is_printable_utf8(text))
        return "has control characters";
    switch (row->type) {
    case CONF_CHOICE:
        return is_choice(row, text) ? NULL : wrong;
    case CONF_ADDRESS:
        return is_address(text) ? NULL : wrong;
    case CONF_ORIGIN:
        return fault_in_origin(check, row, text);
    case CONF_LOCATION:
        return fault_in_location(check, text);
    case CONF_STORE_URL:
        if (str_starts_with(text, STR("sqlite:")))
            return text.length > STR("sqlite:").length ? NULL : wrong;
        return str_starts_with(text, STR("postgresql://")) || str_starts_with(text, STR("postgres://"))
                   ? NULL
                   : wrong;
    case CONF_HEADER:
        return is_header(text) ? NULL : wrong;
    case CONF_TEXT:
    case CONF_FILE:
    case CONF_OUTPUT:
    case CONF_BOOL:
    case CONF_INT:
    case CONF_NETWORKS:
        break;
    }
    return NULL;
}

static void check_int(const struct check *check, const struct conf_row *row, const struct yaml_entry *entry)
{
    int64_t value;
    /* The text too: libcyaml reads 010 as eight and 0x10 as sixteen. */
    if (str_to_int64(entry->text, &value) != OK || value < row->min || value > row->max)
        report(check, row->key, arena_printf(check->arena, "%.*s is not right", STR_ARG(entry->text)),
               arena_printf(check->arena, "write %s", conf_row_expectation(check->arena, row)));
}

static void check_networks(const struct check *check, const struct conf_row *row)
{
    const char *const *items = *(const char *const *const *)((const char *)check->conf + row->offset);
    unsigned count = *(const unsigned *)((const char *)check->conf + row->count_offset);
    struct address_block block;
    for (unsigned i = 0; i < count; i++)
        if (address_block_parse(str_from_c(items[i]), &block) != OK)
            report(check, arena_printf(check->arena, "%s[%u]", row->key, i),
                   "is not an address or CIDR block",
                   arena_printf(check->arena, "write %s", conf_row_expectation(check->arena, row)));
}

static void check_row(const struct check *check, const struct conf_row *row)
{
    const struct yaml_entry *entry = yaml_index_find(check->entries, row->key);
    bool is_given = entry != NULL && (entry->kind != YAML_KIND_SCALAR || entry->text.length > 0);
    if (!is_given) {
        if (row->is_required)
            report(check, row->key, "is missing",
                   arena_printf(check->arena, "write %s, for example: %s",
                                conf_row_expectation(check->arena, row), row->example));
        return;
    }
    if (row->is_development_only && !check->conf->is_development)
        report(check, row->key, "is for development mode only", "remove it, or set development: true");
    if (row->type == CONF_INT)
        check_int(check, row, entry);
    if (row->type == CONF_NETWORKS)
        check_networks(check, row);
    if (row->type == CONF_BOOL || row->type == CONF_INT || row->type == CONF_NETWORKS)
        return;
    const char *fault = fault_in_text(check, row, entry->text);
    if (fault != NULL)
        report(check, row->key, fault,
               arena_printf(check->arena, "write %s", conf_row_expectation(check->arena, row)));
}

static void check_pair(const struct check *check, const char *certificate_key, const char *certificate,
                       const char *key_key, const char *key)
{
    if (certificate != NULL && key == NULL)
        report(check, key_key, arena_printf(check->arena, "is missing while %s is given", certificate_key),
               "name the file with the private key of the certificate");
    if (certificate == NULL && key != NULL)
        report(check, certificate_key, arena_printf(check->arena, "is missing while %s is given", key_key),
               "name the file with the certificate of the key");
}

static void check_listeners(const struct check *check)
{
    const struct conf *conf = check->conf;
    const struct {
        const char *name;
        const struct conf_listener *listener;
    } listeners[] = {{"front", &conf->front}, {"back", &conf->back}, {"internal", &conf->internal}};
    bool has_proxy = conf->trusted_proxies_count > 0 && conf->client_certificate_header != NULL;
    for (size_t i = 0; i < 3; i++) {
        const struct conf_listener *listener = listeners[i].listener;
        const char *name = listeners[i].name;
        check_pair(check, arena_printf(check->arena, "%s.certificate", name), listener->certificate,
                   arena_printf(check->arena, "%s.key", name), listener->key);
        if (listener->client_ca != NULL && listener->certificate == NULL &&
            !(listener == &conf->back && has_proxy))
            report(check, arena_printf(check->arena, "%s.client_ca", name),
                   "has no effect on a listener without certificate", "name a certificate and its key too");
        for (size_t j = 0; j < i; j++)
            if (listener->is_enabled && listeners[j].listener->is_enabled &&
                strcmp(listener->address, listeners[j].listener->address) == 0)
                report(check, arena_printf(check->arena, "%s.address", name),
                       arena_printf(check->arena, "is the address of %s too", listeners[j].name),
                       "give each listener a port of its own");
    }
    /* PGO servers are known by their certificate (spec 3.14), also when a proxy passes it on. */
    if (conf->back.is_enabled && conf->back.client_ca == NULL)
        report(check, "back.client_ca", "is missing: PGO servers are known by their client certificate",
               "name the file with the authorities they come from");
    if (conf->back.is_enabled && conf->back.certificate == NULL && !has_proxy)
        report(
            check, "back.certificate", "is missing: tokens are given over mutual TLS only",
            "name a certificate and its key, or set proxies.trusted and proxies.client_certificate_header");
    if (conf->client_certificate_header != NULL && conf->trusted_proxies_count == 0)
        report(check, "proxies.client_certificate_header", "is given but no proxy is trusted",
               "list the proxies in proxies.trusted, or remove it");
}

static void check_mail(const struct check *check)
{
    const struct conf *conf = check->conf;
    if (conf->mail_server != NULL && conf->mail_server[0] != '\0') {
        if (!smtp_is_server(str_from_c(conf->mail_server)))
            report(check, "mail.server", "is not the address of a mail server",
                   "write smtp://HOST:PORT or smtps://HOST:PORT");
        if (conf->mail_sender == NULL)
            report(check, "mail.sender", "is missing while mail.server is given",
                   "write the address that the mail comes from");
    }
    if (conf->mail_sender != NULL && !message_is_address(str_from_c(conf->mail_sender)))
        report(check, "mail.sender", "is not an address", "write an address such as sluis@example.nl");
    const char **addresses;
    size_t count;
    if (conf->mail_operator != NULL &&
        message_split_recipients(check->arena, str_from_c(conf->mail_operator), &addresses, &count) != OK)
        report(check, "mail.operator", "is not a list of addresses",
               "write addresses such as beheer@example.nl, separated by commas");
    if (conf->mail_user != NULL && conf->mail_password_file == NULL)
        report(check, "mail.password_file", "is missing while mail.user is given",
               "name the file with the password");
    if (conf->mail_user == NULL && conf->mail_password_file != NULL)
        report(check, "mail.user", "is missing while mail.password_file is given",
               "write the name that the password is of");
}

void conf_check_values(struct conf *conf, const struct yaml_entries *entries, const bool *skipped,
                       struct arena *arena, struct yaml_faults *faults)
{
    struct check check = {.conf = conf, .entries = entries, .arena = arena, .faults = faults};
    for (size_t i = 0; i < conf_row_count; i++)
        if (!skipped[i])
            check_row(&check, &conf_rows[i]);
    /* Between rows only when each is right by itself: consequences of a fault are noise. */
    if (faults->count > 0)
        return;
    check_listeners(&check);
    check_pair(&check, "lists.certificate", conf->lists_certificate, "lists.key", conf->lists_key);
    check_mail(&check);
    if (conf->lists_max_age_s < conf->lists_interval_s)
        report(&check, "lists.max_age", "is less than lists.interval", "make it at least twice the interval");
}
