/* A login from request to identity, against a provider that does not always behave. */
#include "scene.h"

#include "idp/token.h"
#include "jose/claims.h"

/* The parameters of an authentication request. */
static struct form query_of(const char *url)
{
    struct form form;
    const char *query = strchr(url, '?');
    assert_non_null(query);
    assert_int_equal(form_parse(arena, str_from_c(query + 1), &form), OK);
    return form;
}

static const char *parameter(const struct form *form, const char *name)
{
    struct str value;
    if (form_get(form, name, &value) != FORM_ONE)
        return NULL;
    return arena_strndup(arena, value.data ? value.data : "", value.length);
}

static const char *request_url(void)
{
    struct idp_attempt attempt;
    const char *url = NULL;
    enum idp_result result = start(&attempt, &url);
    if (result != IDP_OK)
        fail_msg("%s: %s", idp_result_name(result), failure.text);
    return url;
}

/* RFC 7636 appendix B, vector B.1 of the dossier. */
static void pkce_vector_b1(void **state)
{
    (void)state;
    struct str verifier = STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_true(str_equal_c(codec_base64url(arena, codec_sha256(arena, verifier)),
                            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
}

static void the_request_is_complete(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    connection.acr_values = "urn:loa:3 urn:loa:4";
    assert_int_equal(start(&attempt, &url), IDP_OK);
    struct form form = query_of(url);
    assert_string_equal(parameter(&form, "response_type"), "code");
    assert_string_equal(parameter(&form, "client_id"), CLIENT);
    assert_string_equal(parameter(&form, "redirect_uri"), REDIRECT_URI);
    assert_string_equal(parameter(&form, "scope"), "openid");
    assert_string_equal(parameter(&form, "code_challenge_method"), "S256");
    assert_string_equal(parameter(&form, "ui_locales"), "nl");
    assert_string_equal(parameter(&form, "acr_values"), "urn:loa:3 urn:loa:4");
    assert_null(parameter(&form, "prompt"));
    assert_null(parameter(&form, "max_age"));
    assert_null(parameter(&form, "response_mode"));
    assert_true(str_equal_c(attempt.state, parameter(&form, "state")));
    assert_true(str_equal_c(attempt.nonce, parameter(&form, "nonce")));
    assert_true(str_equal_c(codec_base64url(arena, codec_sha256(arena, attempt.code_verifier)),
                            parameter(&form, "code_challenge")));
    assert_null(strstr(url, attempt.code_verifier.data));
    assert_int_equal(attempt.state.length, 43);
    assert_int_equal(attempt.nonce.length, 43);
    assert_int_equal(attempt.code_verifier.length, 43);
    assert_true(str_equal_c(attempt.issuer, issuer));

    struct idp_attempt next = started();
    assert_false(str_equal(attempt.state, next.state));
    assert_false(str_equal(attempt.nonce, next.nonce));
    assert_false(str_equal(attempt.code_verifier, next.code_verifier));
}

static void options_are_sent_when_configured(void **state)
{
    (void)state;
    connection.prompt = "login";
    connection.max_age_s = 0;
    connection.response_mode = IDP_RESPONSE_FORM_POST;
    struct form form = query_of(request_url());
    assert_string_equal(parameter(&form, "prompt"), "login");
    assert_string_equal(parameter(&form, "max_age"), "0");
    assert_string_equal(parameter(&form, "response_mode"), "form_post");
}

static void the_scope_always_has_openid(void **state)
{
    (void)state;
    const char *scopes[][2] = {{NULL, "openid profile email"}, {"", "openid"},
                               {"profile", "openid profile"},  {"profile openid", "profile openid"},
                               {"openidx", "openid openidx"},  {"a openid b", "a openid b"}};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        connection.scope = scopes[i][0];
        struct form form = query_of(request_url());
        assert_string_equal(parameter(&form, "scope"), scopes[i][1]);
    }
}

static enum idp_result with_endpoint(const char *path, const char **out_url)
{
    struct idp_attempt attempt;
    connection.authorization_endpoint = arena_printf(arena, "%s%s", issuer, path);
    return start(&attempt, out_url);
}

static void the_query_of_the_endpoint_stays(void **state)
{
    (void)state;
    const char *url;
    assert_int_equal(with_endpoint("/auth?tenant=a%20b", &url), IDP_OK);
    assert_non_null(strstr(url, "/auth?tenant=a%20b&response_type=code&"));
    assert_int_equal(with_endpoint("/auth?client_id=evil", &url), IDP_ENDPOINT_MISSING);
    assert_int_equal(with_endpoint("/auth?a=b&redirect%5Furi=x", &url), IDP_ENDPOINT_MISSING);
    assert_int_equal(with_endpoint("/auth?request_uri=x", &url), IDP_ENDPOINT_MISSING);
}

static enum idp_result with_extra(const struct form_field *extra, size_t count, const char **out_url)
{
    struct idp_attempt attempt;
    return idp_start(idp, &connection, REDIRECT_URI, extra, count, arena, &attempt, out_url, NULL, &failure);
}

static void extra_parameters_cannot_shadow(void **state)
{
    (void)state;
    const char *url = NULL;
    const struct form_field good[] = {{STR("login_hint"), STR("a&b=c"), false},
                                      {STR("resource"), STR("urn:x"), false}};
    assert_int_equal(with_extra(good, 2, &url), IDP_OK);
    struct form form = query_of(url);
    assert_string_equal(parameter(&form, "login_hint"), "a&b=c");
    assert_string_equal(parameter(&form, "resource"), "urn:x");

    const char *own[] = {
        "response_type", "client_id",     "redirect_uri", "scope",          "state",
        "nonce",         "response_mode", "prompt",       "max_age",        "acr_values",
        "request",       "request_uri",   "ui_locales",   "code_challenge", "code_challenge_method"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const struct form_field shadow = {str_from_c(own[i]), STR("x"), false};
        assert_int_equal(with_extra(&shadow, 1, &url), IDP_CONNECTION_INVALID);
    }
    const struct form_field twice[] = {good[0], good[0]}, malformed = {STR("a"), STR("%"), true},
                            nameless = {STR(""), STR("x"), false};
    assert_int_equal(with_extra(twice, 2, &url), IDP_CONNECTION_INVALID);
    assert_int_equal(with_extra(&malformed, 1, &url), IDP_CONNECTION_INVALID);
    assert_int_equal(with_extra(&nameless, 1, &url), IDP_CONNECTION_INVALID);
    char *large = arena_alloc(arena, 9001);
    memset(large, 'x', 9000);
    const struct form_field too_long = {STR("login_hint"), str_from_c(large), false};
    assert_int_equal(with_extra(&too_long, 1, &url), IDP_CONNECTION_INVALID);
}

static void a_connection_must_be_filled_in(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    const struct idp_connection whole = connection;
    connection.client_id = "";
    assert_int_equal(start(&attempt, &url), IDP_CONNECTION_INVALID);
    connection = whole;
    connection.client_secret = STR_NONE;
    connection.client_auth = IDP_AUTH_BASIC;
    assert_int_equal(start(&attempt, &url), IDP_CONNECTION_INVALID);
    const char *issuers[] = {"",
                             "idp.example",
                             "http://idp.example",
                             "https://idp.example?a=b",
                             "https://idp.example/#f",
                             "https://a@idp.example"};
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        connection = whole;
        connection.issuer = issuers[i];
        assert_int_equal(start(&attempt, &url), IDP_CONNECTION_INVALID);
    }
}

static void a_login_gives_an_identity(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    struct idp_identity identity;
    json_t *claims = claims_for(&attempt);
    json_object_set_new(claims, "acr", json_string("urn:loa:4"));
    json_object_set_new(claims, "bsn", json_string("999990019"));
    grant_signed_by(key, claims);
    assert_int_equal(finish(&attempt, "code=c%2F1&state=s&session_state=x", &identity), IDP_OK);
    struct str bsn;
    assert_true(str_equal_c(identity.subject, "u-1"));
    assert_true(str_equal_c(identity.acr, "urn:loa:4"));
    assert_int_equal(claim_path(identity.claims, STR("bsn"), &bsn), OK);
    assert_true(str_equal_c(bsn, "999990019"));
    assert_true(str_starts_with(identity.id_token, STR("eyJ")));
    idp_identity_free(&identity);
    assert_null(identity.claims);

    const char *request = fake_request(&fake, "/token");
    assert_true(strncmp(request, "POST /token ", 12) == 0);
    assert_non_null(strstr(request, "Content-Type: application/x-www-form-urlencoded\r\n"));
    const char *body = strstr(request, "\r\n\r\n") + 4;
    struct form form;
    assert_int_equal(form_parse(arena, str_from_c(body), &form), OK);
    assert_int_equal(form.count, 4);
    assert_string_equal(parameter(&form, "grant_type"), "authorization_code");
    assert_string_equal(parameter(&form, "code"), "c/1");
    assert_string_equal(parameter(&form, "redirect_uri"), REDIRECT_URI);
    assert_true(str_equal_c(attempt.code_verifier, parameter(&form, "code_verifier")));
}

/* Vector B.2 of the dossier, and the same on the wire. */
static void basic_vector_b2(void **state)
{
    (void)state;
    struct str id = STR("1PpG/Q 1"), secret = STR("z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=");
    struct buf pair = buf_new(arena, 1000);
    token_append_form_encoded(&pair, id);
    assert_true(str_equal_c(buf_str(&pair), "1PpG%2FQ+1"));
    buf_append_char(&pair, ':');
    token_append_form_encoded(&pair, secret);
    const char *header =
        "MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0M"
        "XJGdyUzRA==";
    assert_true(str_equal_c(codec_base64(arena, buf_str(&pair)), header));

    connection.client_id = "1PpG/Q 1";
    connection.client_secret = secret;
    struct idp_attempt attempt = started();
    fake_status(&fake, "/token", 400);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_INVALID);
    const char *line = arena_printf(arena, "Authorization: Basic %s\r\n", header);
    assert_non_null(strstr(fake_request(&fake, "/token"), line));
}

static const char *token_request_with(enum idp_client_auth auth)
{
    connection.client_auth = auth;
    struct idp_attempt attempt = started();
    fake_status(&fake, "/token", 400);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_INVALID);
    return fake_request(&fake, "/token");
}

static void every_way_of_client_authentication(void **state)
{
    (void)state;
    connection.client_secret = STR("a/b+c=d e");
    const char *request = token_request_with(IDP_AUTH_POST);
    assert_null(strstr(request, "Authorization:"));
    assert_non_null(strstr(request, "&client_id=" CLIENT "&client_secret=a%2Fb%2Bc%3Dd%20e"));
    request = token_request_with(IDP_AUTH_NONE);
    assert_null(strstr(request, "Authorization:"));
    assert_non_null(strstr(request, "&client_id=" CLIENT));
    assert_null(strstr(request, "client_secret"));
    request = token_request_with(IDP_AUTH_BASIC_RAW);
    struct str raw = codec_base64(arena, STR(CLIENT ":a/b+c=d e"));
    assert_non_null(strstr(request, arena_printf(arena, "Authorization: Basic %s\r\n", raw.data)));
    assert_null(strstr(request, "client_id="));
    struct idp_attempt attempt = started();
    int calls = fake_calls(&fake, "/token");
    connection.client_id = "a:b";
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_CONNECTION_INVALID);
    assert_int_equal(fake_calls(&fake, "/token"), calls);
}

static const char *auto_request_with(const char *methods)
{
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "token_endpoint_auth_methods_supported", json_loads(methods, 0, NULL));
    publish(METADATA_PATH, metadata);
    connection.id = arena_printf(arena, "%s'", connection.id);
    return token_request_with(IDP_AUTH_AUTO);
}

static void authentication_is_chosen_from_metadata(void **state)
{
    (void)state;
    assert_non_null(strstr(token_request_with(IDP_AUTH_AUTO), "Authorization: Basic "));
    assert_non_null(strstr(auto_request_with("[\"client_secret_post\",\"client_secret_basic\"]"),
                           "Authorization: Basic "));
    assert_non_null(strstr(auto_request_with("[\"client_secret_post\"]"), "&client_secret=geheim"));
    struct idp_attempt attempt;
    const char *url;
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "token_endpoint_auth_methods_supported",
                        json_pack("[s]", "private_key_jwt"));
    publish(METADATA_PATH, metadata);
    connection.id = "unable";
    assert_int_equal(start(&attempt, &url), IDP_ENDPOINT_MISSING);
}

static void callbacks_that_cannot_be_right(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    const char *bad[] = {
        "",
        "state=s",
        "code=",
        "code=a&code=b",
        "code=a&code=a",
        "code=a&state=s&state=s",
        "code=a&iss=x&iss=x",
        "error=access_denied&error=access_denied",
        "code=a&error=access_denied",
        "code=a&id_token=x",
        "code=a&access_token=x",
        "id_token=x",
        "code=a&id_token=x&id_token=y",
        "code=%zz",
        "code=a%00",
        "code=a&state=%FF",
        "error=%FF",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (outcome_of(&attempt, bad[i]) != IDP_RESPONSE_INVALID)
            fail_msg("%s", bad[i]);
    char *large = arena_alloc(arena, 20001);
    memset(large, 'x', 20000);
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=%.8193s", large)), IDP_RESPONSE_INVALID);
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=c&junk=%s", large)),
                     IDP_RESPONSE_INVALID);
    assert_int_equal(fake_calls(&fake, "/token"), 0);
}

/* RFC 9207 */
static void the_issuer_of_the_answer(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    const char *ours = arena_printf(arena, "code=c&iss=%s", issuer);
    const char *slash = arena_printf(arena, "code=c&iss=%s/", issuer);
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, slash), IDP_RESPONSE_ISSUER);
    assert_int_equal(outcome_of(&attempt, "code=c&iss="), IDP_RESPONSE_ISSUER);
    assert_int_equal(outcome_of(&attempt, "error=access_denied&iss=https://evil.example"),
                     IDP_RESPONSE_ISSUER);
    assert_int_equal(fake_calls(&fake, "/token"), 0);
    assert_int_equal(outcome_of(&attempt, ours), IDP_OK);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);

    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "authorization_response_iss_parameter_supported", json_true());
    publish(METADATA_PATH, metadata);
    connection.id = "promises";
    attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_RESPONSE_ISSUER_MISSING);
    assert_int_equal(outcome_of(&attempt, "error=access_denied"), IDP_RESPONSE_ISSUER_MISSING);
    assert_int_equal(outcome_of(&attempt, ours), IDP_OK);
}

static void a_changed_connection_ends_the_attempt(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    attempt.issuer = STR("https://before.example");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_RESPONSE_ISSUER);
}

static void errors_of_the_provider(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    const struct {
        const char *query;
        enum idp_result result;
    } cases[] = {
        {"error=access_denied&error_description=Geannuleerd", IDP_CANCELLED},
        {"error=cancelled", IDP_CANCELLED},
        {"error=user_cancelled", IDP_CANCELLED},
        {"error=temporarily_unavailable", IDP_TEMPORARILY_UNAVAILABLE},
        {"error=server_error", IDP_TEMPORARILY_UNAVAILABLE},
        {"error=login_required", IDP_ERROR_RESPONSE},
        {"error=interaction_required", IDP_ERROR_RESPONSE},
        {"error=invalid_request", IDP_ERROR_RESPONSE},
        {"error=invalid_scope", IDP_ERROR_RESPONSE},
        {"error=", IDP_ERROR_RESPONSE},
        {"error=ACCESS_DENIED", IDP_ERROR_RESPONSE},
        {"error=a%0Ab", IDP_ERROR_RESPONSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(outcome_of(&attempt, cases[i].query), cases[i].result);
        assert_true(str_is_printable_utf8(str_from_c(failure.text)));
        assert_null(strstr(failure.text, "Geannuleerd"));
    }
    assert_int_equal(fake_calls(&fake, "/token"), 0);
}

static void token_answers_that_are_not_what_was_asked(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    const struct {
        int status;
        const char *body;
        enum idp_result result;
    } cases[] = {
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"code abc used\"}", IDP_TOKEN_REFUSED},
        {401, "", IDP_TOKEN_REFUSED},
        {401, "{\"error\":\"invalid_client\"}", IDP_TOKEN_REFUSED},
        {400, "{\"error\":7}", IDP_TOKEN_INVALID},
        {404, "", IDP_TOKEN_INVALID},
        {201, "{}", IDP_TOKEN_INVALID},
        {500, "", IDP_TOKEN_UNREACHABLE},
        {503, "<html>", IDP_TOKEN_UNREACHABLE},
        {200, "", IDP_TOKEN_INVALID},
        {200, "<html>", IDP_TOKEN_INVALID},
        {200, "[]", IDP_TOKEN_INVALID},
        {200, "{}", IDP_TOKEN_ID_TOKEN_MISSING},
        {200, "{\"id_token\":\"a\",\"id_token\":\"b\",\"token_type\":\"Bearer\"}", IDP_TOKEN_INVALID},
        {200, "{\"id_token\":1,\"token_type\":\"Bearer\"}", IDP_TOKEN_ID_TOKEN_MISSING},
        {200, "{\"id_token\":\"a.b.c\"}", IDP_TOKEN_TYPE},
        {200, "{\"id_token\":\"a.b.c\",\"token_type\":\"DPoP\"}", IDP_TOKEN_TYPE},
        {200, "{\"id_token\":\"a.b.c\",\"token_type\":\"Bearer\",\"access_token\":\"a\\r\\nX: y\"}",
         IDP_TOKEN_INVALID},
        {200, "{\"id_token\":\"a.b.c\",\"token_type\":\"Bearer\",\"access_token\":5}", IDP_TOKEN_INVALID},
        {200, "{\"id_token\":\"a.b.c\",\"token_type\":\"BEARER\"}", IDP_ID_TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_answer(&fake, "/token", cases[i].status, "", cases[i].body, strlen(cases[i].body));
        enum idp_result result = outcome_of(&attempt, "code=abc");
        if (result != cases[i].result)
            fail_msg("%d %s: %s", cases[i].status, cases[i].body, idp_result_name(result));
        assert_null(strstr(failure.text, "abc"));
    }
    size_t size = 300000;
    char *large = arena_alloc(arena, size);
    memset(large, ' ', size);
    fake_answer(&fake, "/token", 200, "", large, size);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_INVALID);
}

static void the_token_call_is_not_redirected(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    for (int status = 301; status <= 308; status++) {
        fake_answer(&fake, "/token", status, "Location: /elsewhere\r\n", "", 0);
        assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_INVALID);
    }
    assert_int_equal(fake_calls(&fake, "/elsewhere"), 0);
}

static void a_code_is_not_sent_twice(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    fake_answer(&fake, "/token", 0, "", "", 0); /* read, then hung up */
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_UNREACHABLE);
    assert_int_equal(fake_calls(&fake, "/token"), 1);
    connection.token_endpoint = "http://idp.localhost:21398/token"; /* nobody listens */
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_UNREACHABLE);
}

static void the_nonce_binds_token_and_attempt(void **state)
{
    (void)state;
    struct idp_attempt first = started(), second = started();
    grant_signed_by(key, claims_for(&first));
    assert_int_equal(outcome_of(&second, "code=c"), IDP_ID_TOKEN_NONCE);
    assert_int_equal(outcome_of(&first, "code=c"), IDP_OK);
}

static void an_unknown_key_is_fetched_once_a_minute(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/jwks"), 1);

    struct jwk *rotated = make_key("k-2"), *unpublished = make_key("k-3");
    publish_keys(rotated);
    grant_signed_by(rotated, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/jwks"), 2);

    grant_signed_by(unpublished, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_KEY);
    assert_int_equal(fake_calls(&fake, "/jwks"), 2); /* throttled */
    publish_keys(unpublished);
    move_clock(59);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_KEY);
    assert_int_equal(fake_calls(&fake, "/jwks"), 2);
    move_clock(2);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/jwks"), 3);
    jwk_free(&rotated);
    jwk_free(&unpublished);
}

static void a_known_kid_with_a_bad_signature_fetches_nothing(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    struct jwk *stranger = make_key("k-1");
    grant_signed_by(stranger, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_SIGNATURE);
    assert_int_equal(fake_calls(&fake, "/jwks"), 1);
    jwk_free(&stranger);
}

static void keys_that_cannot_be_used(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    const struct {
        int status;
        const char *body;
        enum idp_result result;
    } cases[] = {
        {200, "{\"keys\":[]}", IDP_KEYS_UNUSABLE},
        {200, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", IDP_KEYS_UNUSABLE},
        {200, "[]", IDP_KEYS_UNUSABLE},
        {200, "{\"keys\":[],\"keys\":[]}", IDP_KEYS_UNUSABLE},
        {404, "", IDP_KEYS_UNREACHABLE},
        {500, "", IDP_KEYS_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_answer(&fake, "/jwks", cases[i].status, "", cases[i].body, strlen(cases[i].body));
        grant_signed_by(key, claims_for(&attempt));
        assert_int_equal(outcome_of(&attempt, "code=c"), cases[i].result);
        move_clock(400);
    }
}

static void keys_bridge_an_outage_of_a_day(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    fake_status(&fake, "/jwks", 503);
    move_clock(23 * 3600);
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    move_clock(2 * 3600);
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_KEYS_UNREACHABLE);
}

static void a_connection_with_hmac_needs_no_keys(void **state)
{
    (void)state;
    static const char *const hs256[] = {"HS256"};
    connection.signing_algs = hs256;
    connection.client_secret = STR("0123456789abcdef0123456789abcdef");
    json_t *metadata = sound_metadata();
    json_object_del(metadata, "jwks_uri");
    publish(METADATA_PATH, metadata);
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_ALG);
    assert_int_equal(fake_calls(&fake, "/jwks"), 0);
}

static struct idp_attempt ready_for_userinfo(enum idp_userinfo mode, const char *claim)
{
    connection.userinfo = mode;
    connection.userinfo_claim = claim;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    return attempt;
}

static void userinfo_completes_but_never_replaces(void **state)
{
    (void)state;
    struct idp_attempt attempt = ready_for_userinfo(IDP_USERINFO_IF_NEEDED, "person.bsn");
    json_t *claims = claims_for(&attempt);
    json_object_set_new(claims, "name", json_string("from the token"));
    grant_signed_by(key, claims);
    fake_json(&fake, "/userinfo",
              "{\"sub\":\"u-1\",\"person\":{\"bsn\":\"999990019\"},\"name\":\"from userinfo\","
              "\"acr\":\"urn:loa:4\",\"amr\":[\"mfa\"],\"nonce\":\"x\",\"aud\":\"x\",\"auth_time\":1}");
    struct idp_identity identity;
    struct str text;
    assert_int_equal(finish(&attempt, "code=c", &identity), IDP_OK);
    assert_int_equal(claim_path(identity.claims, STR("person.bsn"), &text), OK);
    assert_true(str_equal_c(text, "999990019"));
    assert_int_equal(claim_text(identity.claims, "name", &text), OK);
    assert_true(str_equal_c(text, "from the token"));
    assert_int_equal(claim_text(identity.claims, "aud", &text), OK);
    assert_true(str_equal_c(text, CLIENT));
    assert_int_equal(claim_text(identity.claims, "acr", &text), ABSENT);
    assert_null(json_object_get(identity.claims, "amr"));
    assert_null(json_object_get(identity.claims, "auth_time"));
    assert_int_equal(identity.acr.length, 0);
    idp_identity_free(&identity);
    const char *request = fake_request(&fake, "/userinfo");
    assert_true(strncmp(request, "GET /userinfo ", 14) == 0);
    assert_non_null(strstr(request, "Authorization: Bearer " ACCESS_TOKEN "\r\n"));
}

static void userinfo_is_asked_only_when_configured(void **state)
{
    (void)state;
    fake_json(&fake, "/userinfo", "{\"sub\":\"u-1\",\"bsn\":\"999990019\"}");
    struct idp_attempt attempt = ready_for_userinfo(IDP_USERINFO_OFF, "bsn");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    attempt = ready_for_userinfo(IDP_USERINFO_IF_NEEDED, "sub");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    attempt = ready_for_userinfo(IDP_USERINFO_IF_NEEDED, NULL);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/userinfo"), 0);
    attempt = ready_for_userinfo(IDP_USERINFO_ALWAYS, NULL);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/userinfo"), 1);
}

static void userinfo_failures_count_when_it_was_needed(void **state)
{
    (void)state;
    const struct {
        int status;
        const char *headers;
        const char *body;
        enum idp_result result;
    } cases[] = {
        {200, "", "{\"sub\":\"u-2\",\"bsn\":\"1\"}", IDP_USERINFO_SUB},
        {200, "", "{\"bsn\":\"1\"}", IDP_USERINFO_SUB},
        {200, "", "{\"sub\":1}", IDP_USERINFO_SUB},
        {200, "", "[{\"sub\":\"u-1\"}]", IDP_USERINFO_INVALID},
        {200, "", "\"u-1\"", IDP_USERINFO_INVALID},
        {200, "", "{\"sub\":\"u-1\",\"sub\":\"u-1\"}", IDP_USERINFO_INVALID},
        {200, "Content-Type: application/jwt\r\n", "{\"sub\":\"u-1\"}", IDP_USERINFO_INVALID},
        {302, "Location: /elsewhere\r\n", "", IDP_USERINFO_REFUSED},
        {401, "", "", IDP_USERINFO_REFUSED},
        {500, "", "", IDP_USERINFO_REFUSED},
        {0, "", "", IDP_USERINFO_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_answer(&fake, "/userinfo", cases[i].status, cases[i].headers, cases[i].body,
                    strlen(cases[i].body));
        struct idp_attempt attempt = ready_for_userinfo(IDP_USERINFO_IF_NEEDED, "bsn");
        assert_int_equal(outcome_of(&attempt, "code=c"), cases[i].result);
        /* Not needed: a warning, and none of it is used (UIN-2, UIN-5). */
        attempt = ready_for_userinfo(IDP_USERINFO_ALWAYS, NULL);
        struct idp_identity identity;
        assert_int_equal(finish(&attempt, "code=c", &identity), IDP_OK);
        assert_null(json_object_get(identity.claims, "bsn"));
        idp_identity_free(&identity);
    }
    assert_int_equal(fake_calls(&fake, "/elsewhere"), 0);
}

static enum idp_result with_signed_userinfo(const struct jwk *signer, json_t *claims)
{
    struct str token;
    assert_int_equal(jws_sign(signer, "ES256", NULL, claims, arena, &token, &failure), OK);
    json_decref(claims);
    fake_answer(&fake, "/userinfo", 200, "Content-Type: application/jwt; charset=utf-8\r\n", token.data,
                token.length);
    struct idp_attempt attempt = ready_for_userinfo(IDP_USERINFO_IF_NEEDED, "bsn");
    return outcome_of(&attempt, "code=c");
}

static void signed_userinfo_is_verified(void **state)
{
    (void)state;
    struct jwk *stranger = make_key("k-1");
    const char *form = "{s:s, s:s, s:s, s:s}";
    assert_int_equal(
        with_signed_userinfo(key, json_pack(form, "iss", issuer, "aud", CLIENT, "sub", "u-1", "bsn", "1")),
        IDP_OK);
    assert_int_equal(with_signed_userinfo(
                         stranger, json_pack(form, "iss", issuer, "aud", CLIENT, "sub", "u-1", "bsn", "1")),
                     IDP_USERINFO_INVALID);
    assert_int_equal(with_signed_userinfo(
                         key, json_pack(form, "iss", "https://x", "aud", CLIENT, "sub", "u-1", "bsn", "1")),
                     IDP_USERINFO_INVALID);
    assert_int_equal(
        with_signed_userinfo(key, json_pack(form, "iss", issuer, "aud", "other", "sub", "u-1", "bsn", "1")),
        IDP_USERINFO_INVALID);
    assert_int_equal(
        with_signed_userinfo(key, json_pack(form, "iss", issuer, "aud", CLIENT, "sub", "u-2", "bsn", "1")),
        IDP_USERINFO_SUB);
    assert_int_equal(with_signed_userinfo(key, json_pack("{s:s, s:s}", "sub", "u-1", "bsn", "1")),
                     IDP_USERINFO_INVALID);
    jwk_free(&stranger);
}

static void every_result_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = IDP_OK; i <= IDP_LOGOUT_NONCE; i++) {
        assert_string_not_equal(idp_result_name((enum idp_result)i), "unknown");
        for (int j = IDP_OK; j < i; j++)
            assert_string_not_equal(idp_result_name((enum idp_result)i), idp_result_name((enum idp_result)j));
    }
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE(pkce_vector_b1),
        SCENE(the_request_is_complete),
        SCENE(options_are_sent_when_configured),
        SCENE(the_scope_always_has_openid),
        SCENE(the_query_of_the_endpoint_stays),
        SCENE(extra_parameters_cannot_shadow),
        SCENE(a_connection_must_be_filled_in),
        SCENE(a_login_gives_an_identity),
        SCENE(basic_vector_b2),
        SCENE(every_way_of_client_authentication),
        SCENE(authentication_is_chosen_from_metadata),
        SCENE(callbacks_that_cannot_be_right),
        SCENE(the_issuer_of_the_answer),
        SCENE(a_changed_connection_ends_the_attempt),
        SCENE(errors_of_the_provider),
        SCENE(token_answers_that_are_not_what_was_asked),
        SCENE(the_token_call_is_not_redirected),
        SCENE(a_code_is_not_sent_twice),
        SCENE(the_nonce_binds_token_and_attempt),
        SCENE(an_unknown_key_is_fetched_once_a_minute),
        SCENE(a_known_kid_with_a_bad_signature_fetches_nothing),
        SCENE(keys_that_cannot_be_used),
        SCENE(keys_bridge_an_outage_of_a_day),
        SCENE(a_connection_with_hmac_needs_no_keys),
        SCENE(userinfo_completes_but_never_replaces),
        SCENE(userinfo_is_asked_only_when_configured),
        SCENE(userinfo_failures_count_when_it_was_needed),
        SCENE(signed_userinfo_is_verified),
        SCENE(every_result_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("login", tests, scene_prepare, scene_end);
}
