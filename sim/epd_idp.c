/*
 * The health record's issuer: OpenID Connect code flow with the paths and answers of Apereo CAS (spec 7.4).
 * Who is logged in to the record is not asked again. What it does wrong on request is in fault.c.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "epd.h"
#include "http/cookie.h"
#include "oauth.h"

#include <unistd.h>

#define URL_BYTES_MAX ((size_t)8192)
#define TOKEN_LIFETIME_S 300
#define SLOW_SECONDS 12 /* longer than Sluis waits for a token (MET-8) */

/* ---- metadata ---- */

static void metadata_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    const char *issuer = epd_issuer(sim, arena);
    json_t *metadata = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:[s,s], s:[s], s:[s], s:[s], s:[s,s], s:[s], s:[s,s,s], "
        "s:[s,s,s,s,s,s], s:b, s:b, s:b, s:b, s:b}",
        "issuer", issuer,                                                                     //
        "authorization_endpoint", arena_printf(arena, "%s/oidcAuthorize", issuer),            //
        "token_endpoint", arena_printf(arena, "%s/oidcAccessToken", issuer),                  //
        "userinfo_endpoint", arena_printf(arena, "%s/oidcProfile", issuer),                   //
        "jwks_uri", arena_printf(arena, "%s/jwks", issuer),                                   //
        "end_session_endpoint", arena_printf(arena, "%s/oidcLogout", issuer),                 //
        "response_types_supported", "code",                                                   //
        "response_modes_supported", "query", "form_post",                                     //
        "grant_types_supported", "authorization_code",                                        //
        "subject_types_supported", "public",                                                  //
        "id_token_signing_alg_values_supported", "RS256",                                     //
        "token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post", //
        "code_challenge_methods_supported", "S256",                                           //
        "scopes_supported", "openid", "profile", "email",                                     //
        "claims_supported", "sub", "name", "email", "locaties", "personeelsnummer", "sid",    //
        "authorization_response_iss_parameter_supported", 1,                                  //
        "backchannel_logout_supported", 1, "backchannel_logout_session_supported", 1,         //
        "frontchannel_logout_supported", 1, "frontchannel_logout_session_supported", 1);
    page_json(response, 200, metadata);
}

static void jwks_get(void *door, const struct http_request *request, struct http_response *response)
{
    (void)request;
    page_json(response, 200, epd_key_set(((const struct sim *)door)->epd));
}

/* ---- authentication request ---- */

struct parameters {
    struct {
        const char *name;
        struct str value;
    } items[8];
    size_t count;
};

static void add(struct parameters *parameters, const char *name, struct str value)
{
    parameters->items[parameters->count].name = name;
    parameters->items[parameters->count++].value = value;
}

static void answer_in_query(struct http_response *response, const char *target,
                            const struct parameters *parameters)
{
    struct buf url = buf_new(response->arena, URL_BYTES_MAX);
    buf_append_c(&url, target);
    for (size_t i = 0; i < parameters->count; i++) {
        buf_printf(&url, "%c%s=", i == 0 ? '?' : '&', parameters->items[i].name);
        buf_append_url_component(&url, parameters->items[i].value);
    }
    if (url.overflowed)
        http_response_text(response, 400, "sluis-sim: the state is too long\n");
    else
        http_response_redirect(response, buf_c(&url));
}

/* OAuth 2.0 Form Post Response Mode, with a button in the place of a script. */
static void answer_in_form(const struct sim *sim, const struct http_request *request,
                           struct http_response *response, const char *target,
                           const struct parameters *parameters)
{
    struct arena *arena = request->arena;
    struct value *context = page_context(sim, request, EPD_PART, "Terug naar de toepassing");
    struct value *fields = value_list(arena);
    for (size_t i = 0; i < parameters->count; i++) {
        struct value *field = value_object(arena);
        value_put_c(arena, field, "name", parameters->items[i].name);
        value_put_text(arena, field, "value", parameters->items[i].value);
        value_append(arena, fields, field);
    }
    value_put(arena, context, "fields", fields);
    value_put_c(arena, context, "target", target);
    page_answer(sim, response, 200, "epd_form_post", context);
    response->form_targets = epd_form_targets(sim, arena);
}

static void respond(const struct sim *sim, const struct http_request *request, struct http_response *response,
                    const json_t *asked, const char *name, struct str value)
{
    struct arena *arena = request->arena;
    struct parameters parameters = {.count = 0};
    const char *target = page_text(asked, "redirect_uri");
    if (!epd_has_fault(asked, "code_missing"))
        add(&parameters, name, value);
    if (str_equal_c(STR("error"), name))
        add(&parameters, "error_description", STR("Nagebootst door de simulator"));
    if (epd_has_fault(asked, "state"))
        add(&parameters, "state", rand_token(arena));
    else if (!epd_has_fault(asked, "state_missing") && *page_text(asked, "state"))
        add(&parameters, "state", str_from_c(page_text(asked, "state")));
    if (epd_has_fault(asked, "state_twice"))
        add(&parameters, "state", str_from_c(page_text(asked, "state")));
    if (epd_has_fault(asked, "iss"))
        add(&parameters, "iss", STR("https://epd.example"));
    else if (!epd_has_fault(asked, "iss_missing"))
        add(&parameters, "iss", str_from_c(epd_issuer(sim, arena)));
    if (epd_has_fault(asked, "front_token"))
        add(&parameters, "id_token", STR("eyJhbGciOiJub25lIn0.e30."));
    if (epd_has_fault(asked, "other_slug")) {
        for (size_t i = 0; i < staff_client_count; i++) {
            if (!str_equal_c(str_from_c(staff_clients[i].id), page_text(asked, "client")))
                target = epd_start_url(sim, arena, &staff_clients[i]);
        }
    }
    if (epd_has_fault(asked, "form_post") || json_is_true(json_object_get(asked, "is_form_post")))
        answer_in_form(sim, request, response, target, &parameters);
    else
        answer_in_query(response, target, &parameters);
}

static void refuse_request(const struct sim *sim, const struct http_request *request,
                           struct http_response *response, const char *text)
{
    page_message(sim, request, response, 400, EPD_PART, "Verkeerd inlogverzoek", text);
}

static bool is_redirect_uri(const struct sim *sim, struct arena *arena, const struct staff_client *client,
                            struct str uri)
{
    const char *start = epd_start_url(sim, arena, client);
    return str_equal_c(uri, start) || str_equal_c(uri, arena_printf(arena, "%s/callback", start));
}

/* The error code for a request whose client and redirect URI are right; NULL when the rest is right too. */
static const char *request_fault(const struct form *form, bool has_session)
{
    if (!str_equal_c(page_field(form, "response_type"), "code"))
        return "unsupported_response_type";
    if (!oauth_has_word(page_field(form, "scope"), "openid"))
        return "invalid_scope";
    if (page_field(form, "code_challenge").length != TOKEN_TEXT_LENGTH ||
        !str_equal_c(page_field(form, "code_challenge_method"), "S256"))
        return "invalid_request";
    if (!has_session && oauth_has_word(page_field(form, "prompt"), "none"))
        return "login_required";
    return NULL;
}

void epd_answer_request(const struct sim *sim, const struct http_request *request,
                        struct http_response *response, json_t *asked, struct str session_key)
{
    const struct epd_shelves *shelves = epd_shelves(sim->epd);
    json_t *session = shelf_look(shelves->sessions, session_key);
    static const char *const kept[] = {"member", "sid", "auth_time", "fault", "shape"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        json_t *value = json_object_get(session, kept[i]);
        if (value)
            json_object_set(asked, kept[i], value);
    }
    if (session) {
        json_object_del(session, "fault");
        json_object_del(session, "shape");
        epd_logout_note_client(session, page_text(asked, "client"));
        shelf_replace(shelves->sessions, session_key, session);
    }
    const struct fault *fault = fault_find(str_from_c(page_text(asked, "fault")));
    if (!session)
        respond(sim, request, response, asked, "error", STR("login_required"));
    else if (fault && fault->stage == FAULT_ERROR)
        respond(sim, request, response, asked, "error", str_from_c(fault->key));
    else
        respond(sim, request, response, asked, "code", shelf_put(shelves->codes, request->arena, asked));
    json_decref(session);
}

static void authorize_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    if (form_parse(request->arena, request->query, &form) != OK) {
        refuse_request(sim, request, response, "Het verzoek heeft te veel parameters.");
        return;
    }
    struct str redirect_uri = page_field(&form, "redirect_uri");
    const struct staff_client *client = staff_find_client(page_field(&form, "client_id"));
    if (!client) {
        refuse_request(sim, request, response, "Deze client_id is hier niet bekend.");
        return;
    }
    if (!is_redirect_uri(sim, request->arena, client, redirect_uri)) {
        refuse_request(sim, request, response, "Deze redirect_uri hoort niet bij de client.");
        return;
    }
    struct str session_key;
    json_t *session = epd_session(sim, request, &session_key);
    json_t *asked = json_object();
    json_object_set_new(asked, "client", json_string(client->id));
    oauth_put_text(asked, "redirect_uri", redirect_uri);
    oauth_put_text(asked, "state", page_field(&form, "state"));
    oauth_put_text(asked, "nonce", page_field(&form, "nonce"));
    oauth_put_text(asked, "code_challenge", page_field(&form, "code_challenge"));
    if (str_equal_c(page_field(&form, "response_mode"), "form_post"))
        json_object_set_new(asked, "is_form_post", json_true());
    const char *fault = request_fault(&form, session != NULL);
    if (fault) {
        respond(sim, request, response, asked, "error", str_from_c(fault));
    } else if (session && !oauth_has_word(page_field(&form, "prompt"), "login")) {
        epd_answer_request(sim, request, response, asked, session_key);
    } else {
        struct str key = shelf_put(epd_shelves(sim->epd)->pending, request->arena, asked);
        http_response_redirect(response,
                               arena_printf(request->arena, "/inloggen?request=%.*s", STR_ARG(key)));
    }
    json_decref(asked);
    json_decref(session);
}

/* ---- token and userinfo ---- */

/* True when a fault of this stage has answered. */
static bool spoil_token_answer(const json_t *grant, struct http_response *response)
{
    if (epd_has_fault(grant, "token_slow"))
        sleep(SLOW_SECONDS);
    if (epd_has_fault(grant, "invalid_client"))
        oauth_token_error(response, 401, "invalid_client", NULL);
    else if (epd_has_fault(grant, "secret_expired"))
        oauth_token_error(response, 401, "invalid_client", "AADSTS7000222: the client secret has expired");
    else if (epd_has_fault(grant, "invalid_grant"))
        oauth_token_error(response, 400, "invalid_grant", NULL);
    else if (epd_has_fault(grant, "redirect_mismatch"))
        oauth_token_error(response, 400, "invalid_grant", "redirect_uri does not match");
    else if (epd_has_fault(grant, "invalid_scope"))
        oauth_token_error(response, 400, "invalid_scope", NULL);
    else if (epd_has_fault(grant, "token_text"))
        http_response_text(response, 200, "geen JSON\n");
    else
        return false;
    return true;
}

static void answer_tokens(const struct sim *sim, struct http_response *response, const json_t *grant)
{
    struct arena *arena = response->arena;
    struct failure failure = {0};
    struct str id_token;
    if (spoil_token_answer(grant, response))
        return;
    struct str access_token = shelf_put(epd_shelves(sim->epd)->tokens, arena, grant);
    if (epd_id_token(sim, arena, grant, access_token, &id_token, &failure) != OK) {
        log_error("id_token_failed", LOG_C("cause", failure.text));
        oauth_token_error(response, 500, "server_error", NULL);
        return;
    }
    json_t *answer =
        json_pack("{s:s%, s:s, s:i, s:s}", "access_token", access_token.data, access_token.length,
                  "token_type", epd_has_fault(grant, "token_type") ? "mac" : "Bearer", "expires_in",
                  TOKEN_LIFETIME_S, "scope", "openid profile email");
    if (!epd_has_fault(grant, "id_token_missing"))
        oauth_put_text(answer, "id_token", id_token);
    page_json(response, 200, answer);
}

static void token_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct str id;
    struct str secret;
    if (page_form(request, &form) != OK) {
        oauth_token_error(response, 400, "invalid_request", NULL);
        return;
    }
    const struct staff_client *client =
        oauth_credentials(request, &form, &id, &secret) == OK ? staff_find_client(id) : NULL;
    if (!client || !secret_equal(str_from_c(client->secret), secret)) {
        oauth_token_error(response, 401, "invalid_client", NULL);
        return;
    }
    if (!str_equal_c(page_field(&form, "grant_type"), "authorization_code")) {
        oauth_token_error(response, 400, "unsupported_grant_type", NULL);
        return;
    }
    json_t *grant = oauth_take_grant(epd_shelves(sim->epd)->codes, request, &form);
    if (grant && str_equal_c(id, page_text(grant, "client")))
        answer_tokens(sim, response, grant);
    else
        oauth_token_error(response, 400, "invalid_grant", NULL);
    json_decref(grant);
}

static void userinfo_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    json_t *grant = shelf_look(epd_shelves(sim->epd)->tokens, oauth_bearer(request));
    if (!grant || epd_has_fault(grant, "userinfo_error")) {
        oauth_refuse_bearer(response);
    } else if (epd_has_fault(grant, "userinfo_jwt")) {
        http_response_text(response, 200, "eyJhbGciOiJub25lIn0.e30.AAAA");
        response->content_type = "application/jwt";
    } else {
        page_json(response, 200, epd_userinfo(grant));
    }
    json_decref(grant);
}

static const struct route routes[] = {
    {HTTP_GET, "/cas/oidc/.well-known/openid-configuration", metadata_get, ROUTE_PLAIN},
    {HTTP_GET, "/cas/oidc/jwks", jwks_get, ROUTE_PLAIN},
    {HTTP_GET, "/cas/oidc/oidcAuthorize", authorize_get, ROUTE_PLAIN},
    {HTTP_POST, "/cas/oidc/oidcAccessToken", token_post, ROUTE_BLOCKING},
    {HTTP_GET, "/cas/oidc/oidcProfile", userinfo_get, ROUTE_PLAIN},
    {HTTP_POST, "/cas/oidc/oidcProfile", userinfo_get, ROUTE_PLAIN},
};

const struct sim_part epd_idp_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0],
                                      &epd_logout_part};
