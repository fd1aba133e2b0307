#include "idp/token.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "http/client.h"
#include "jose/claims.h"

#define ANSWER_BYTES_MAX ((size_t)262144) /* MET-10 */
#define REQUEST_BYTES_MAX ((size_t)32768)
#define CREDENTIAL_BYTES_MAX ((size_t)4096)
#define CONNECT_MS 3000 /* MET-8 */
#define TOTAL_MS 10000
#define ERROR_CODE_MAX 64
#define ASSERTION_LIFETIME_S 120

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "token call: %s", text);
    return result;
}

void token_append_form_encoded(struct buf *buf, struct str text)
{
    struct str part;
    for (bool is_first = true; str_split_next(&text, ' ', &part); is_first = false) {
        if (!is_first)
            buf_append_char(buf, '+');
        buf_append_url_component(buf, part);
    }
}

static void append_parameter(struct buf *body, const char *name, struct str value)
{
    if (body->length > 0)
        buf_append_char(body, '&');
    buf_append_c(body, name);
    buf_append_char(body, '=');
    buf_append_url_component(body, value);
}

static const char *form_encoded(struct arena *arena, struct str text)
{
    struct buf buf = buf_new(arena, CREDENTIAL_BYTES_MAX);
    token_append_form_encoded(&buf, text);
    return buf.overflowed ? NULL : buf_c(&buf);
}

/* RFC 7523 3, OpenID Connect Core 9. The client id goes along: some providers look for it before they read
 * the assertion. */
static enum outcome append_assertion(const struct idp_connection *connection, const char *token_endpoint,
                                     struct arena *arena, struct buf *body, struct failure *failure)
{
    if (connection->signer.sign == NULL)
        return failure_set(failure, "no key to sign with");
    int64_t now = clock_now();
    struct str assertion;
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", connection->client_id, "sub",
                               connection->client_id, "aud", token_endpoint, "jti", rand_uuid4_in(arena),
                               "iat", (json_int_t)now, "exp", (json_int_t)(now + ASSERTION_LIFETIME_S));
    enum outcome outcome =
        connection->signer.sign(connection->signer.context, claims, arena, &assertion, failure);
    json_decref(claims);
    if (outcome != OK)
        return FAILED;
    append_parameter(body, "client_id", str_from_c(connection->client_id));
    append_parameter(body, "client_assertion_type",
                     STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    append_parameter(body, "client_assertion", assertion);
    return OK;
}

/* TOK-2, TOK-3: puts the client's credentials in the header or the body. */
static enum outcome authenticate(const struct idp_connection *connection, const struct provider *provider,
                                 struct arena *arena, struct http_call *call, struct buf *body,
                                 struct failure *failure)
{
    struct str client_id = str_from_c(connection->client_id);
    failure_set(failure, "client id or secret cannot be sent in this way");
    switch (provider->client_auth) {
    case IDP_AUTH_BASIC:
        call->basic_user = form_encoded(arena, client_id);
        call->basic_password = form_encoded(arena, connection->client_secret);
        return call->basic_user != NULL && call->basic_password != NULL ? OK : FAILED;
    case IDP_AUTH_BASIC_RAW:
        call->basic_user = connection->client_id;
        if (str_find(client_id, ':') < client_id.length)
            return FAILED; /* would be read as the end of the user name (RFC 7617 2) */
        return str_to_c(arena, connection->client_secret, &call->basic_password);
    case IDP_AUTH_POST:
        append_parameter(body, "client_id", client_id);
        append_parameter(body, "client_secret", connection->client_secret);
        return OK;
    case IDP_AUTH_PRIVATE_KEY_JWT:
        return append_assertion(connection, provider->token_endpoint, arena, body, failure);
    case IDP_AUTH_NONE:
        append_parameter(body, "client_id", client_id);
        return OK;
    case IDP_AUTH_AUTO:
        break; /* discovery has chosen */
    }
    return FAILED;
}

/* Also what may stand in an Authorization header (RFC 6750 2.1). */
static bool is_one_word(struct str text)
{
    return str_is_printable_ascii(text) && str_find(text, ' ') == text.length;
}

/* An OAuth error answer (RFC 6749 5.2). Its description may hold anything, so only the code is told on in the
 * failure text. An empty code is none. */
static enum idp_result read_error(const struct http_answer *answer, struct arena *arena, struct str *out_code,
                                  struct failure *failure)
{
    json_t *json = NULL;
    struct str code, description;
    bool has_code = json_parse_object(answer->body, &json, NULL) == OK &&
                    claim_text(json, "error", &code) == OK && code.length > 0;
    failure_set(failure, "token call: status %d", answer->status);
    if (has_code) {
        failure_set(failure, "token call: status %d, %.*s", answer->status, STR_ARG(report_error_code(code)));
        if (code.length > ERROR_CODE_MAX || !is_one_word(code))
            code = STR("unreadable");
        if (claim_text(json, "error_description", &description) != OK)
            description = STR("");
        *out_code = str_from_c(arena_printf(arena, "%.*s %.*s", STR_ARG(code), STR_ARG(description)));
    }
    json_decref(json);
    if (has_code || answer->status == 401)
        return IDP_TOKEN_REFUSED;
    return answer->status >= 500 || answer->status == 429 ? IDP_TOKEN_UNREACHABLE : IDP_TOKEN_INVALID;
}

bool token_is_client_refused(struct str oauth_error)
{
    struct str code = str_slice(oauth_error, 0, str_find(oauth_error, ' '));
    return oauth_error.length == 0 || str_equal_c(code, "invalid_client");
}

static enum idp_result read_tokens(const json_t *json, struct arena *arena, struct tokens *out_tokens,
                                   struct idp_report *report, struct failure *failure)
{
    struct str id_token, type, access_token = STR_NONE;
    report->token_members = report_names(arena, json);
    if (claim_text(json, "token_type", &type) == OK && report_is_name(type))
        report->token_type = str_copy(arena, type);
    if (claim_text(json, "id_token", &id_token) != OK)
        return refuse(failure, IDP_TOKEN_ID_TOKEN_MISSING, "no ID token came; was the scope openid granted?");
    if (claim_text(json, "token_type", &type) != OK || !str_equal_ignoring_case(type, STR("Bearer")))
        return refuse(failure, IDP_TOKEN_TYPE, "token_type is not Bearer");
    if (claim_text(json, "access_token", &access_token) == FAILED || !is_one_word(access_token))
        return refuse(failure, IDP_TOKEN_INVALID, "the access token has an impossible form");
    out_tokens->id_token = str_copy(arena, id_token);
    out_tokens->access_token = str_copy(arena, access_token);
    return IDP_OK;
}

/* TOK-5 */
static enum idp_result read_answer(const struct http_answer *answer, struct arena *arena,
                                   struct tokens *out_tokens, struct idp_report *report,
                                   struct failure *failure)
{
    if (answer->status != 200)
        return read_error(answer, arena, &out_tokens->oauth_error, failure);
    json_t *json = NULL;
    if (json_parse_object(answer->body, &json, failure) != OK) {
        failure_prefix(failure, "token call");
        return IDP_TOKEN_INVALID;
    }
    enum idp_result result = read_tokens(json, arena, out_tokens, report, failure);
    json_decref(json);
    return result;
}

static enum http_call_result call_endpoint(struct arena *arena, const struct http_call *call,
                                           struct http_answer *out_answer, struct failure *failure)
{
    enum http_call_result result = http_client_call(arena, call, out_answer, failure);
    /* TOK-4: a code works once, so only a call that surely never left us is made again. */
    if (result == HTTP_CALL_NOT_SENT)
        result = http_client_call(arena, call, out_answer, failure);
    return result;
}

enum idp_result token_redeem(const struct idp_connection *connection, const struct provider *provider,
                             bool is_http_allowed, const struct idp_attempt *attempt, struct str code,
                             struct arena *arena, struct tokens *out_tokens, struct idp_report *report,
                             struct failure *failure)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json"};
    struct http_call call = {
        .method = "POST",
        .url = provider->token_endpoint,
        .headers = headers,
        .header_count = 2,
        .ca_file = connection->ca_file,
        .connect_timeout_ms = CONNECT_MS,
        .total_timeout_ms = TOTAL_MS,
        .body_max = ANSWER_BYTES_MAX,
        .redirects_max = 0, /* MET-9 */
        .is_http_allowed = is_http_allowed,
        .is_private_allowed = connection->is_private_allowed,
    };
    struct buf body = buf_new(arena, REQUEST_BYTES_MAX);
    append_parameter(&body, "grant_type", STR("authorization_code"));
    append_parameter(&body, "code", code);
    append_parameter(&body, "redirect_uri", attempt->redirect_uri);
    if (attempt->code_verifier.length > 0) /* REQ-4: none was made when PKCE was off */
        append_parameter(&body, "code_verifier", attempt->code_verifier);
    if (authenticate(connection, provider, arena, &call, &body, failure) != OK || body.overflowed) {
        failure_prefix(failure, "token call");
        return IDP_CONNECTION_INVALID;
    }
    call.body = buf_str(&body);
    report->token_auth = idp_client_auth_standard_name(provider->client_auth);

    struct http_answer answer;
    enum http_call_result called = call_endpoint(arena, &call, &answer, failure);
    idp_call_note(&report->token, &answer, clock_now());
    switch (called) {
    case HTTP_CALL_OK:
        return read_answer(&answer, arena, out_tokens, report, failure);
    case HTTP_CALL_TOO_LARGE:
        failure_prefix(failure, "token call");
        return IDP_TOKEN_INVALID;
    case HTTP_CALL_NOT_SENT:
    case HTTP_CALL_TIMED_OUT:
    case HTTP_CALL_BROKEN:
        break;
    }
    failure_prefix(failure, "token call");
    return IDP_TOKEN_UNREACHABLE;
}
