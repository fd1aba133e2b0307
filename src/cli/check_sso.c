/* `sluis check`: the connections of the professional's door. A provider that is away is a warning here: the
 * server starts without it (MET-5). */
#include "cli/check.h"

#include "idp/login.h"
#include "sso/directory.h"

#include <inttypes.h>

static void check_options(struct check *check, const char *key, const struct sso_connection *connection,
                          const struct idp_report *report)
{
    int64_t drift;
    if (str_equal(connection->pkce, STR("off"))) /* REQ-4 */
        check_warning(check, key,
                      report->features.has_pkce_s256 ? "set pkce to S256: its metadata promise it"
                                                     : "ask the supplier of the identity provider for PKCE",
                      "PKCE is off; only the nonce binds an answer to its request");
    if (str_equal(connection->claims_first, STR("userinfo")) && str_equal(connection->userinfo, STR("off")))
        check_warning(check, key, "set userinfo to if_needed or always, or claims_first to id_token",
                      "userinfo is to count first (claims_first), and is never fetched");
    if (idp_report_drift(report, &drift) && idp_is_drift_large(drift))
        check_warning(check, key, "let both machines follow a time server (NTP)",
                      "the clock of its identity provider differs %" PRId64 " seconds from ours", drift);
}

static void check_connection(struct check *check, struct idp *idp, const struct sso_connection *connection)
{
    struct idp_connection wanted = directory_idp_connection(check->arena, connection, 0);
    const char *key =
        arena_printf(check->arena, "connection %.*s (%.*s)", STR_ARG(sso_slug(check->arena, connection)),
                     STR_ARG(connection->environment));
    struct idp_attempt attempt;
    struct idp_report report = {0};
    struct failure failure = {""};
    const char *url;
    enum idp_result result = idp_start(idp, &wanted, "https://redirect.invalid/", NULL, 0, check->arena,
                                       &attempt, &url, &report, &failure);
    if (result == IDP_OK)
        check_ok(check, key, "%s: its metadata are in order", wanted.issuer);
    else
        check_warning(
            check, key, "look at issuer, ca_file and allow_private in its import file, and at the network",
            "%s: %s: %s", wanted.issuer ? wanted.issuer : "no issuer", idp_result_name(result), failure.text);
    check_options(check, key, connection, &report);
    idp_report_free(&report);
}

void check_sso_connections(struct check *check, struct store *store)
{
    const struct idp_settings settings = {.is_http_allowed = check->conf->is_development};
    struct sso_data data;
    struct idp *idp;
    if (sso_data_read(store, check->arena, &data) != OK) {
        check_fault(check, "store.url", "see whether keys.file is the one that this store was written with",
                    "the connections cannot be read");
        return;
    }
    if (idp_new(&settings, &idp) != OK) {
        check_fault(check, "connections", "look at the memory of this machine", "not checked: no memory");
        return;
    }
    for (size_t i = 0; i < data.connection_count; i++)
        if (str_equal(data.connections[i].status, STR("active")))
            check_connection(check, idp, &data.connections[i]);
    idp_free(&idp);
}
