#include "conf/conf_table.h"

#include <string.h>

/* The comparison in sizeof is never run: it makes the compiler refuse a member of another type. */
#define MEMBER(member, type)                                                                                 \
    (offsetof(struct conf, member) + 0 * sizeof(&((struct conf *)0)->member == (type *)0))
#define BOOL(member) .type = CONF_BOOL, .offset = MEMBER(member, bool)
#define INT(member, low, high)                                                                               \
    .type = CONF_INT, .offset = MEMBER(member, int64_t), .min = (low), .max = (high)
#define TEXT(kind, member) .type = (kind), .offset = MEMBER(member, const char *)
#define NETWORKS(member)                                                                                     \
    .type = CONF_NETWORKS, .offset = MEMBER(member, const char **),                                          \
    .count_offset = MEMBER(member##_count, unsigned)

const struct conf_row conf_rows[] = {
    {"development", BOOL(is_development), .standard = "false",
     .text = "Development mode: http and ports are allowed for localhost and hosts that end in .localhost, "
             "and keys "
             "marked \"development only\" are accepted. Never in production."},
    {"clock_offset_file", TEXT(CONF_FILE, clock_offset_file), .example = "clock-offset",
     .is_development_only = true,
     .text = "File of 8 bytes (a signed 64-bit number of seconds in the byte order of the machine) that is "
             "added to "
             "every reading of the clock."},
    {"node", TEXT(CONF_TEXT, node), .example = "sluis-1",
     .text =
         "Name of this process in the audit trail, which has one chain per node. Without it the host name."},
    {"base_url", TEXT(CONF_ORIGIN, base_url), .example = "https://sluis.example.nl", .is_required = true,
     .text = "Public URL of the front listener, as browsers see it and as the MedMij provider list has it; "
             "also the "
             "issuer in the metadata. https, no path, no trailing slash."},
    {"token_base_url", TEXT(CONF_ORIGIN, token_base_url), .example = "https://token.sluis.example.nl",
     .is_required = true, .is_port_allowed = true,
     .text = "Public URL of the back listener, where PGO servers ask for tokens. https, no path, no trailing "
             "slash."},
    {"web_directory", TEXT(CONF_FILE, web_directory), .standard = SLUIS_DATADIR "/web",
     .standard_shown = "PREFIX/share/sluis/web",
     .text = "Directory with the templates, texts, style sheets and pictures of the screens."},
    {"log_level", TEXT(CONF_CHOICE, log_level), .standard = "info", .choices = "debug info warning error",
     .text = "Least severe lines that the process log on standard error keeps."},
    {"event_log_file", TEXT(CONF_OUTPUT, event_log_file), .standard = "-",
     .text = "File for the MedMij event log, one JSON object per line; - is standard output. It is opened "
             "anew at "
             "SIGHUP."},

    {"front.enabled", BOOL(front.is_enabled), .standard = "true", .text = "Whether this listener is on."},
    {"front.address", TEXT(CONF_ADDRESS, front.address), .standard = "127.0.0.1:8080",
     .text = "Address and port to listen on: 192.0.2.1:8080, [2001:db8::1]:8080 or *:8080."},
    {"front.certificate", TEXT(CONF_FILE, front.certificate), .example = "certs/front.crt",
     .text = "PEM file with the certificate and its chain. Without it this listener speaks plain HTTP, for a "
             "proxy in "
             "front of it that ends TLS."},
    {"front.key", TEXT(CONF_FILE, front.key), .example = "certs/front.key",
     .text = "PEM file with the private key of the certificate."},

    {"back.enabled", BOOL(back.is_enabled), .standard = "true", .text = "Whether this listener is on."},
    {"back.address", TEXT(CONF_ADDRESS, back.address), .standard = "127.0.0.1:8443",
     .text = "Address and port to listen on."},
    {"back.certificate", TEXT(CONF_FILE, back.certificate), .example = "certs/back.crt",
     .text = "PEM file with the certificate and its chain. May only be left out behind a proxy that ends "
             "mutual TLS "
             "(see proxies)."},
    {"back.key", TEXT(CONF_FILE, back.key), .example = "certs/back.key",
     .text = "PEM file with the private key of the certificate."},
    {"back.client_ca", TEXT(CONF_FILE, back.client_ca), .example = "certs/ca.crt",
     .text = "PEM file with the authorities whose client certificates are accepted (PKIoverheid)."},

    {"internal.enabled", BOOL(internal.is_enabled), .standard = "true",
     .text = "Whether this listener is on."},
    {"internal.address", TEXT(CONF_ADDRESS, internal.address), .standard = "127.0.0.1:9090",
     .text = "Address and port to listen on; must not be reachable from outside."},
    {"internal.certificate", TEXT(CONF_FILE, internal.certificate), .example = "certs/internal.crt",
     .text = "PEM file with the certificate and its chain; without it plain HTTP."},
    {"internal.key", TEXT(CONF_FILE, internal.key), .example = "certs/internal.key",
     .text = "PEM file with the private key of the certificate."},
    {"internal.client_ca", TEXT(CONF_FILE, internal.client_ca), .example = "certs/internal-ca.crt",
     .text = "PEM file with the authorities whose client certificates are accepted; without it none is asked "
             "for."},

    {"proxies.trusted", NETWORKS(trusted_proxies), .example = "[127.0.0.1, \"2001:db8::/64\"]",
     .text = "Addresses and CIDR blocks of proxies whose X-Forwarded-For and client certificate headers are "
             "believed. "
             "From anyone else these headers are dropped."},
    {"proxies.client_certificate_header", TEXT(CONF_HEADER, client_certificate_header),
     .example = "Client-Cert",
     .text =
         "Header in which such a proxy passes the verified client certificate on: RFC 9440, or PEM in URL "
         "encoding."},

    {"store.url", TEXT(CONF_STORE_URL, store_url), .example = "sqlite:sluis.db", .is_required = true,
     .text =
         "sqlite:FILE for one machine, or postgresql://... for several. A PostgreSQL password belongs in a "
         "password file (PGPASSFILE), not here."},
    {"store.connections", INT(store_connections, 1, 256), .standard = "16",
     .text = "Connections to PostgreSQL, or readers of SQLite."},

    {"keys.file", TEXT(CONF_FILE, key_file), .example = "keys/sluis.keys", .is_required = true,
     .text = "File with the keys that seal data at rest, made by `sluis keys create`, readable by this user "
             "only. "
             "Without it the store cannot be read: back it up, apart from the store."},

    {"dva.name", TEXT(CONF_TEXT, dva_name), .example = "Voorbeeld DVA", .is_required = true,
     .text = "Name of the Dienstverlener aanbieder, shown on the screen for technical failures."},
    {"dva.phone", TEXT(CONF_TEXT, dva_phone), .example = "088 000 00 00", .is_required = true,
     .text = "Telephone number shown there."},

    {"lists.providers.location", TEXT(CONF_LOCATION, list_providers.location),
     .example = "lists/MedMij_Zorgaanbiederslijst.xml", .is_required = true,
     .text = "Where the provider list (Zorgaanbiederslijst) is: an https URL or a file."},
    {"lists.providers.schema", TEXT(CONF_FILE, list_providers.schema),
     .example = "xsd/MedMij_Zorgaanbiederslijst.xsd",
     .text = "XML schema to check it with, besides our own checks."},
    {"lists.clients.location", TEXT(CONF_LOCATION, list_clients.location),
     .example = "lists/MedMij_OAuthclientlist.xml", .is_required = true,
     .text = "Where the OAuth client list is: an https URL or a file."},
    {"lists.clients.schema", TEXT(CONF_FILE, list_clients.schema),
     .example = "xsd/MedMij_OAuthclientlist.xsd",
     .text = "XML schema to check it with, besides our own checks."},
    {"lists.service_names.location", TEXT(CONF_LOCATION, list_service_names.location),
     .example = "lists/MedMij_Gegevensdienstnamenlijst.xml", .is_required = true,
     .text = "Where the list of data service names (Gegevensdienstnamenlijst) is: an https URL or a file."},
    {"lists.service_names.schema", TEXT(CONF_FILE, list_service_names.schema),
     .example = "xsd/MedMij_Gegevensdienstnamenlijst.xsd",
     .text = "XML schema to check it with, besides our own checks."},
    {"lists.whitelist.location", TEXT(CONF_LOCATION, list_whitelist.location),
     .example = "lists/MedMij_Whitelist.xml", .is_required = true,
     .text = "Where the Whitelist is: an https URL or a file."},
    {"lists.whitelist.schema", TEXT(CONF_FILE, list_whitelist.schema), .example = "xsd/MedMij_Whitelist.xsd",
     .text = "XML schema to check it with, besides our own checks."},
    {"lists.ca", TEXT(CONF_FILE, lists_ca), .example = "certs/ca.crt",
     .text = "PEM file with the authorities that the list server's certificate may come from; without it "
             "those of the "
             "system."},
    {"lists.certificate", TEXT(CONF_FILE, lists_certificate), .example = "certs/node.crt",
     .text = "PEM file with our client certificate for the list server."},
    {"lists.key", TEXT(CONF_FILE, lists_key), .example = "certs/node.key",
     .text = "PEM file with the private key of that certificate."},
    {"lists.interval", INT(lists_interval_s, 1, 86400), .standard = "900", .unit = "seconds",
     .text = "Time between two fetches of a list."},
    {"lists.max_age", INT(lists_max_age_s, 60, 604800), .standard = "86400", .unit = "seconds",
     .text = "Age after which a list that could not be fetched anew is no longer used; requests that need it "
             "then end "
             "in a technical failure."},

    {"mail.server", TEXT(CONF_TEXT, mail_server), .example = "smtp://mail.example.nl:587",
     .text = "Mail server, smtp://HOST:PORT (TLS by STARTTLS, which it must have) or smtps://HOST:PORT. "
             "Without it no mail is sent."},
    {"mail.sender", TEXT(CONF_TEXT, mail_sender), .example = "sluis@example.nl",
     .text = "Address that the mail comes from."},
    {"mail.operator", TEXT(CONF_TEXT, mail_operator), .example = "beheer@example.nl",
     .text =
         "Addresses, separated by commas, of those who run Sluis: they get the mails about faults of Sluis "
         "itself (805, 910, 911). Without them those are in the process log only."},
    {"mail.user", TEXT(CONF_TEXT, mail_user), .example = "sluis",
     .text = "Name to log in with at the mail server; without it there is no log-in."},
    {"mail.password_file", TEXT(CONF_FILE, mail_password_file), .example = "keys/mail-password",
     .text = "File with the password of that name, on one line, readable by this user only."},
    {"mail.ca", TEXT(CONF_FILE, mail_ca), .example = "certs/ca.crt",
     .text = "PEM file with the authorities that the mail server's certificate may come from; without it "
             "those of the system."},

    {"lifetimes.landing", INT(landing_lifetime_s, 10, 3600), .standard = "900", .unit = "seconds",
     .text = "How long the landing page can be used."},
    {"lifetimes.login", INT(login_lifetime_s, 10, 3600), .standard = "900", .unit = "seconds",
     .text = "Longest round trip to the identity provider."},
    {"lifetimes.choice", INT(choice_lifetime_s, 10, 3600), .standard = "900", .unit = "seconds",
     .text = "Time from login to choice."},
    {"lifetimes.code", INT(code_lifetime_s, 10, 900), .standard = "900", .unit = "seconds",
     .text = "Lifetime of an authorization code."},
    {"lifetimes.access_token", INT(access_lifetime_s, 10, 3600), .standard = "900", .unit = "seconds",
     .text = "Lifetime of an access token."},
    {"lifetimes.refresh_token", INT(refresh_lifetime_s, 60, 15811200), .standard = "15811200",
     .unit = "seconds",
     .text = "Longest time without use after which long-lived consent lapses; half a year."},
    {"lifetimes.refresh_window", INT(refresh_window_s, 0, 30), .standard = "0", .unit = "seconds",
     .text = "Time within which a refresh token that was just used may be offered again by the same client "
             "and gets "
             "the same answer, for answers that got lost; 0 is never."},

    {"medmij.ids_required", BOOL(are_ids_required), .standard = "true",
     .text = "Whether requests, on both channels, must carry MedMij-Request-ID and X-Correlation-ID."},
    {"medmij.post_query", BOOL(is_post_query_accepted), .standard = "false",
     .text =
         "Whether token requests may have their parameters in the query of the POST, as some older PGOs do."},
    {"medmij.pkce", BOOL(is_pkce_used), .standard = "false",
     .text =
         "Whether code_challenge (S256) is used when a client sends it; the framework says to ignore it."},
    {"medmij.minimum_age", INT(minimum_age, 0, 120), .standard = "16", .unit = "years",
     .text = "Age below which a person cannot use the service, shown on the page that says so."},
    {"medmij.logo", TEXT(CONF_FILE, medmij_logo), .example = "medmij.svg",
     .text = "SVG or PNG file with the MedMij logo for the top right of each page, for label holders; "
             "without it a "
             "neutral stand-in."},

    {"sso.starts_per_address", INT(starts_per_address, 1, 1000000), .standard = "300",
     .text = "Logins that one source address may start in a minute. Behind one address there may be a whole "
             "care organisation."},
    {"sso.starts_burst", INT(starts_burst, 1, 1000000), .standard = "100",
     .text = "Logins that one source address may start at once, after a pause."},
    {"sso.starts_per_connection", INT(starts_per_connection, 1, 1000000), .standard = "1200",
     .text = "Logins that may be started on one connection in a minute; a third of them at once."},
    {"sso.loop_starts", INT(loop_starts, 1, 20), .standard = "5",
     .text = "Logins that one browser may start on one connection in 30 seconds without one that succeeds; "
             "more is taken for a loop, and stopped."},
    {"sso.failures_per_address", INT(failures_per_address, 1, 1000000), .standard = "120",
     .text =
         "Calls in vain of one source address at the token and userinfo endpoints of the OpenID provider in "
         "a minute; a third of them at once. Calls that succeed do not count."},
    {"sso.failures_per_client", INT(failures_per_client, 1, 1000000), .standard = "300",
     .text = "Failed authentications of one application in a minute, from all addresses; a third of them at "
             "once."},

    {"limits.workers", INT(workers, 1, 1024), .standard = "32",
     .text = "Threads for requests that touch the store or the network."},
    {"limits.io_threads", INT(io_threads, 0, 256), .standard = "0",
     .text = "Threads per listener for connections; 0 is one per processor core."},
    {"limits.connections", INT(connection_max, 8, 100000), .standard = "1000",
     .text = "Connections per listener at the same time."},
    {"limits.body", INT(body_max, 1024, 1048576), .standard = "8192", .unit = "bytes",
     .text = "Largest request body."},
    {"limits.target", INT(target_max, 2048, 65536), .standard = "8192", .unit = "bytes",
     .text = "Longest path and query of a request."},
    {"limits.idle", INT(idle_timeout_s, 1, 600), .standard = "30", .unit = "seconds",
     .text = "Time after which a silent connection is closed."},
};
const size_t conf_row_count = sizeof conf_rows / sizeof conf_rows[0];

static const struct conf_section sections[] = {
    {"front", "Pages and metadata of both doors. Public, directly or through a proxy."},
    {"back", "Where PGO servers get and revoke tokens, over mutual TLS."},
    {"internal", "Token introspection for resource servers, health and metrics. Never public."},
    {"proxies", "Proxies in front of the listeners."},
    {"store", "Where consents, tokens and business data are kept."},
    {"keys", "Keys for data at rest."},
    {"dva", "Who runs this service."},
    {"lists", "The four MedMij lists."},
    {"lists.providers", NULL},
    {"lists.clients", NULL},
    {"lists.service_names", NULL},
    {"lists.whitelist", NULL},
    {"mail", "Mail to the administrators of connections, about logins that failed."},
    {"lifetimes", "How long things last."},
    {"medmij", "Choices that the MedMij framework leaves open."},
    {"sso", "Limits on logins at the professional's door. Each process counts for itself."},
    {"limits", "Limits on what clients may use."},
};

const char *conf_section_text(const char *key)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(sections[i].key, key) == 0)
            return sections[i].text;
    return NULL;
}

const char *conf_row_expectation(struct arena *arena, const struct conf_row *row)
{
    switch (row->type) {
    case CONF_BOOL:
        return "true or false";
    case CONF_INT:
        return arena_printf(arena, "a whole number from %lld to %lld%s%s", (long long)row->min,
                            (long long)row->max, row->unit != NULL ? ", in " : "",
                            row->unit != NULL ? row->unit : "");
    case CONF_TEXT:
        return "a text of at most 200 characters on one line";
    case CONF_CHOICE: {
        struct buf buf = buf_new(arena, 1000);
        struct str rest = str_from_c(row->choices);
        struct str word;
        while (str_split_next(&rest, ' ', &word)) {
            buf_append_c(&buf, buf.length == 0 ? "" : rest.length > 0 ? ", " : " or ");
            buf_append(&buf, word);
        }
        return buf_c(&buf);
    }
    case CONF_ADDRESS:
        return "an address and a port such as 127.0.0.1:8080, [::1]:8080 or *:8080";
    case CONF_ORIGIN:
        return "an https URL with a host name in lower case and nothing behind it";
    case CONF_FILE:
        return "a file name";
    case CONF_OUTPUT:
        return "a file name, or - for standard output";
    case CONF_LOCATION:
        return "an https URL or a file name";
    case CONF_STORE_URL:
        return "sqlite:FILE or postgresql://...";
    case CONF_HEADER:
        return "the name of an HTTP header";
    case CONF_NETWORKS:
        return "a list of at most 64 IP addresses and CIDR blocks such as [127.0.0.1, 10.0.0.0/8]";
    }
    return "";
}
