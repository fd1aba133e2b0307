#include "cli/check.h"

#include "base/clock.h"
#include "http/client.h"
#include "idp/login.h"
#include "medmij/connection.h"
#include "medmij/lists_fetch.h"

#include <inttypes.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000
#define TOTAL_TIMEOUT_MS 10000
#define METADATA_MAX ((size_t)1 << 20)
#define OFFSET_WARNING_S 5
#define OFFSET_FAULT_S 60 /* what ID tokens are allowed to differ */

static const char *const list_keys[LIST_KINDS] = {
    [LIST_PROVIDERS] = "lists.providers.location",
    [LIST_CLIENTS] = "lists.clients.location",
    [LIST_SERVICE_NAMES] = "lists.service_names.location",
    [LIST_WHITELIST] = "lists.whitelist.location",
};

/* ---- the clock, by the Date of an answer ---- */

static void compare_clock(struct check *check, const struct http_call *call)
{
    struct http_answer answer;
    struct failure failure;
    if (check->clock_host != NULL ||
        http_client_call(check->arena, call, &answer, &failure) != HTTP_CALL_OK || answer.date == 0)
        return;
    struct str host = str_from_c(strstr(call->url, "://") + 3);
    host = str_slice(host, 0, str_find(host, '/'));
    check->clock_offset = answer.date - clock_now();
    check->clock_host = arena_strndup(check->arena, host.data, host.length);
}

void check_clock(struct check *check)
{
    int64_t offset = check->clock_offset;
    if (check->clock_host == NULL)
        check_warning(check, "clock", "run this where a list server or identity provider can be reached",
                      "not checked: no server told its time");
    else if (offset > OFFSET_FAULT_S || offset < -OFFSET_FAULT_S)
        check_fault(check, "clock", "let this machine follow a time server (NTP)",
                    "differs %" PRId64 " seconds from that of %s: logins will be refused", offset,
                    check->clock_host);
    else if (offset > OFFSET_WARNING_S || offset < -OFFSET_WARNING_S)
        check_warning(check, "clock", "let this machine follow a time server (NTP)",
                      "differs %" PRId64 " seconds from that of %s", offset, check->clock_host);
    else
        check_ok(check, "clock", "as that of %s", check->clock_host);
}

/* ---- lists ---- */

static void check_list(struct check *check, const struct lists_settings *settings, enum list_kind kind)
{
    const char *key = list_keys[kind];
    const char *location = settings->sources[kind].location;
    struct arena *arena = arena_new();
    struct failure failure = {""};
    struct list_status status = {0};
    struct str xml;
    if (list_fetch(arena, settings, kind, &xml, &failure) != OK)
        check_fault(check, key,
                    str_starts_with(str_from_c(location), STR("http"))
                        ? "look at the address, the certificates and the network"
                        : "put the list there, or correct the name",
                    "%s", failure.text);
    else if (lists_verify_document(kind, xml, settings->sources[kind].schema_file, settings->is_http_allowed,
                                   &status, &failure) != OK)
        check_fault(check, key, "get the list anew; when it stays wrong, tell MedMij", "%s: %s", location,
                    failure.text);
    else
        check_ok(check, key, "%s: volgnummer %" PRId64 " of %s, %zu entries", location, status.volgnummer,
                 cli_time(check->arena, status.stamped_at), status.entries);
    arena_free(&arena);
}

void check_lists(struct check *check)
{
    struct lists_settings settings = cli_lists_settings(check->conf);
    for (int kind = 0; kind < LIST_KINDS; kind++)
        check_list(check, &settings, (enum list_kind)kind);
    const char *url = settings.sources[LIST_WHITELIST].location;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return;
    const struct http_call call = {
        .method = "GET",
        .url = url,
        .ca_file = settings.ca_file,
        .client_certificate_file = settings.client_certificate_file,
        .client_key_file = settings.client_key_file,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .total_timeout_ms = TOTAL_TIMEOUT_MS,
        .body_max = settings.size_max,
        .is_http_allowed = settings.is_http_allowed,
        .is_private_allowed = true,
    };
    compare_clock(check, &call);
}

/* ---- identity providers ---- */

/* Enough of the connection for discovery as the server does it. */
static void check_identity_provider(struct check *check, struct idp *idp,
                                    const struct catalog_identity_provider *provider)
{
    struct idp_connection connection = connection_of_provider(check->arena, provider);
    const char *key = arena_printf(check->arena, "identity provider %s", connection.id);
    const char *redirect_uri = arena_printf(check->arena, "%s/oauth/callback", check->conf->base_url);
    struct idp_attempt attempt;
    const char *url;
    struct failure failure = {""};
    enum idp_result result =
        idp_start(idp, &connection, redirect_uri, NULL, 0, check->arena, &attempt, &url, NULL, &failure);
    if (result == IDP_OK)
        check_ok(check, key, "%s: its metadata are in order", connection.issuer);
    else
        check_fault(check, key,
                    "look at issuer, ca_file and allow_private in its import file, and at the network",
                    "%s: %s: %s", connection.issuer, idp_result_name(result), failure.text);
    const char *metadata_url = connection.metadata_url;
    if (metadata_url == NULL)
        metadata_url = arena_printf(check->arena, "%s/.well-known/openid-configuration", connection.issuer);
    const struct http_call call = {
        .method = "GET",
        .url = metadata_url,
        .ca_file = connection.ca_file,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .total_timeout_ms = TOTAL_TIMEOUT_MS,
        .body_max = METADATA_MAX,
        .is_http_allowed = check->conf->is_development,
        .is_private_allowed = connection.is_private_allowed,
    };
    if (result == IDP_OK)
        compare_clock(check, &call);
}

void check_identity_providers(struct check *check, const struct catalog_data *catalog)
{
    const struct idp_settings settings = {.is_http_allowed = check->conf->is_development};
    struct idp *idp;
    if (idp_new(&settings, &idp) != OK) {
        check_fault(check, "identity providers", "look at the memory of this machine",
                    "not checked: no memory");
        return;
    }
    for (size_t i = 0; i < catalog->identity_provider_count; i++)
        check_identity_provider(check, idp, &catalog->identity_providers[i]);
    idp_free(&idp);
}
