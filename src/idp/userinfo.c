#include "idp/userinfo.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/client.h"
#include "idp/id_token.h"
#include "jose/claims.h"

#define ANSWER_BYTES_MAX ((size_t)262144) /* MET-10 */
#define CONNECT_MS 3000                   /* MET-8 */
#define TOTAL_MS 10000

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "userinfo: %s", text);
    return result;
}

/* The error code of a WWW-Authenticate header (RFC 6750 3), for logs. */
static struct str challenge_error(struct arena *arena, const char *challenge)
{
    const char *start = strstr(challenge, "error=\"");
    if (start == NULL)
        return STR_NONE;
    struct str rest = str_from_c(start + strlen("error=\""));
    struct str code = str_slice(rest, 0, str_find(rest, '"'));
    return report_is_name(code) ? str_copy(arena, code) : STR_NONE;
}

static enum idp_result fetch(const struct idp_connection *connection, const struct provider *provider,
                             bool is_http_allowed, struct str access_token, struct arena *arena,
                             struct http_answer *out_answer, struct idp_report *report,
                             struct failure *failure)
{
    if (access_token.length == 0)
        return refuse(failure, IDP_USERINFO_REFUSED, "no access token came");
    const char *const headers[] = {
        arena_printf(arena, "Authorization: Bearer %.*s", STR_ARG(access_token)),
        "Accept: application/json, application/jwt",
    };
    const struct http_call call = {
        .method = connection->is_userinfo_post ? "POST" : "GET", /* UIN-1 */
        .url = provider->userinfo_endpoint,
        .headers = headers,
        .header_count = 2,
        .ca_file = connection->ca_file,
        .connect_timeout_ms = CONNECT_MS,
        .total_timeout_ms = TOTAL_MS,
        .body_max = ANSWER_BYTES_MAX,
        .redirects_max = 0, /* MET-9; the token must not travel on */
        .is_http_allowed = is_http_allowed,
        .is_private_allowed = connection->is_private_allowed,
    };
    enum http_call_result sent = http_client_call(arena, &call, out_answer, failure);
    idp_call_note(&report->userinfo, out_answer, clock_now());
    if (sent != HTTP_CALL_OK) {
        failure_prefix(failure, "userinfo");
        return sent == HTTP_CALL_TOO_LARGE ? IDP_USERINFO_INVALID : IDP_USERINFO_UNREACHABLE;
    }
    if (out_answer->status != 200) {
        report->userinfo_error = challenge_error(arena, out_answer->authentication);
        failure_set(failure, "userinfo: status %d", out_answer->status);
        return IDP_USERINFO_REFUSED;
    }
    return IDP_OK;
}

static bool is_jwt(const char *content_type)
{
    struct str type = str_from_c(content_type);
    type = str_trim(str_slice(type, 0, str_find(type, ';')));
    return str_equal_ignoring_case(type, STR("application/jwt"));
}

/* UIN-3: verified like an ID token, as far as userinfo has the claims for it, and of the same issuer. */
static enum idp_result read_signed(const struct idp_connection *connection, struct keys *keys,
                                   struct str issuer, struct str body, json_t **out_json,
                                   struct failure *failure)
{
    const struct jwk_set *current = keys_current(keys);
    enum jws_result result = id_token_verify(body, current, connection, NULL, out_json, NULL, failure);
    if (result == JWS_KEY_UNKNOWN && keys_renew(keys, failure) == OK)
        result = id_token_verify(body, keys_current(keys), connection, NULL, out_json, NULL, failure);
    if (result == JWS_OK && id_token_check_parties(*out_json, connection, issuer, failure) == IDP_OK)
        return IDP_OK;
    failure_prefix(failure, "signed userinfo");
    return IDP_USERINFO_INVALID;
}

static enum idp_result read_answer(const struct idp_connection *connection, struct keys *keys,
                                   struct str issuer, const struct http_answer *answer, json_t **out_json,
                                   struct failure *failure)
{
    if (is_jwt(answer->content_type))
        return read_signed(connection, keys, issuer, answer->body, out_json, failure);
    if (json_parse_object(answer->body, out_json, failure) != OK) { /* UIN-4 */
        failure_prefix(failure, "userinfo");
        return IDP_USERINFO_INVALID;
    }
    return IDP_OK;
}

/* UIN-6: what the protocol rests on comes from the ID token or not at all; for the rest the connection says
 * whose own wins. */
static enum idp_result merge(const struct idp_connection *connection, json_t *claims, json_t *userinfo,
                             struct failure *failure)
{
    static const char *const protocol[] = {"iss",     "sub",    "aud", "azp", "exp",
                                           "iat",     "nbf",    "jti", "sid", "auth_time",
                                           "at_hash", "c_hash", "acr", "amr", "nonce"};
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++)
        json_object_del(userinfo, protocol[i]);
    int status = connection->is_userinfo_first ? json_object_update(claims, userinfo)
                                               : json_object_update_missing(claims, userinfo);
    return status == 0 ? IDP_OK
                       : refuse(failure, IDP_USERINFO_INVALID, "could not be joined to the ID token");
}

static void describe(const json_t *userinfo, struct arena *arena, struct idp_report *report)
{
    struct str subject;
    report->userinfo_members = report_names(arena, userinfo);
    if (claim_text(userinfo, "sub", &subject) == OK)
        report->userinfo_subject = str_copy(arena, subject);
}

static enum idp_result fetch_and_merge(const struct idp_connection *connection,
                                       const struct provider *provider, bool is_http_allowed,
                                       struct str access_token, struct keys *keys, struct arena *arena,
                                       json_t *claims, struct idp_report *report, struct failure *failure)
{
    struct http_answer answer;
    json_t *userinfo = NULL;
    struct str issuer = str_from_c(json_string_value(json_object_get(claims, "iss"))), expected, subject;
    enum idp_result result =
        fetch(connection, provider, is_http_allowed, access_token, arena, &answer, report, failure);
    if (result == IDP_OK)
        result = read_answer(connection, keys, issuer, &answer, &userinfo, failure);
    if (result == IDP_OK) {
        describe(userinfo, arena, report);
        bool is_same = claim_text(claims, "sub", &expected) == OK &&
                       claim_text(userinfo, "sub", &subject) == OK && str_equal(expected, subject);
        result = is_same ? merge(connection, claims, userinfo, failure) /* UIN-2 */
                         : refuse(failure, IDP_USERINFO_SUB, "sub is not that of the ID token");
    }
    json_decref(userinfo);
    return result;
}

static bool is_wanted(const struct idp_connection *connection, bool is_needed)
{
    switch (connection->userinfo) {
    case IDP_USERINFO_OFF:
        return false;
    case IDP_USERINFO_IF_NEEDED: /* userinfo that counts first is always needed (UIN-6) */
        return is_needed || connection->is_userinfo_first;
    case IDP_USERINFO_ALWAYS:
        return true;
    }
    return false;
}

/* UIN-5: the claim is to come from userinfo also when the ID token has one, which is worth less then. */
static bool counts_most(const struct idp_connection *connection)
{
    return connection->is_userinfo_first && connection->userinfo_claim != NULL;
}

enum idp_result userinfo_complete(const struct idp_connection *connection, const struct provider *provider,
                                  bool is_http_allowed, struct str access_token, struct keys *keys,
                                  struct arena *arena, json_t *claims, struct idp_report *report,
                                  struct failure *failure)
{
    struct str ignored;
    bool is_needed = connection->userinfo_claim != NULL &&
                     claim_path(claims, str_from_c(connection->userinfo_claim), &ignored) == ABSENT;
    if (!is_wanted(connection, is_needed))
        return IDP_OK;
    enum idp_result result = fetch_and_merge(connection, provider, is_http_allowed, access_token, keys, arena,
                                             claims, report, failure);
    report->is_userinfo_asked = true;
    report->userinfo_result = idp_result_name(result);
    if (result == IDP_OK || is_needed || counts_most(connection))
        return result;
    log_warning("idp_userinfo_failed", LOG_C("connection", connection->id),
                LOG_C("result", idp_result_name(result)), LOG_C("reason", failure ? failure->text : ""));
    return IDP_OK;
}
