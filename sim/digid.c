/*
 * The identity provider for patients: OpenID Connect code flow (Core 1.0, RFC 7636, RFC 9207) with one
 * registered client, Sluis. The person is chosen with a button; nothing is checked, it is a simulator.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "facts.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "oauth.h"
#include "page.h"
#include "shelf.h"

#include <stdlib.h>

#define ALG "ES256"
#define PENDING_MAX 4096
#define PENDING_LIFETIME_S 900
#define CODE_LIFETIME_S 60
#define TOKEN_LIFETIME_S 300
#define URL_BYTES_MAX ((size_t)8192)
#define LEVEL_PREFIX "urn:simulator:niveau:"
#define LEVEL_DEFAULT LEVEL_PREFIX "substantieel"

struct digid {
    struct jwk *key;
    struct shelf *pending; /* checked authentication requests, waiting for a person's choice */
    struct shelf *codes;
    struct shelf *tokens; /* access tokens for userinfo */
};

enum outcome digid_new(struct digid **out_digid, struct failure *failure)
{
    struct digid *digid = calloc(1, sizeof *digid);
    char kid[UUID_TEXT_SIZE];
    if (!digid)
        return failure_set(failure, "no memory");
    rand_uuid7(kid);
    if (jwk_generate(ALG, kid, &digid->key, failure) != OK) {
        free(digid);
        return FAILED;
    }
    digid->pending = shelf_new(PENDING_MAX, PENDING_LIFETIME_S);
    digid->codes = shelf_new(PENDING_MAX, CODE_LIFETIME_S);
    digid->tokens = shelf_new(PENDING_MAX, TOKEN_LIFETIME_S);
    *out_digid = digid;
    return OK;
}

void digid_free(struct digid **digid)
{
    if (!*digid)
        return;
    shelf_free(&(*digid)->pending);
    shelf_free(&(*digid)->codes);
    shelf_free(&(*digid)->tokens);
    jwk_free(&(*digid)->key);
    free(*digid);
    *digid = NULL;
}

static const char *issuer(const struct sim *sim, struct arena *arena)
{
    return sim_url(sim, arena, digid_part.host, "");
}

static const char *client_redirect_uri(const struct sim *sim, struct arena *arena)
{
    return arena_printf(arena, "%s/oauth/callback", sim->settings.front_url);
}

/* ---- metadata ---- */

static void metadata_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    const char *host = digid_part.host;
    json_t *metadata =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:[s], s:[s], s:[s], s:[s], s:[s,s], s:[s], s:[s,s,s], "
                  "s:[s,s,s,s], s:b}",
                  "issuer", issuer(sim, arena),                                                         //
                  "authorization_endpoint", sim_url(sim, arena, host, "/authorize"),                    //
                  "token_endpoint", sim_url(sim, arena, host, "/token"),                                //
                  "userinfo_endpoint", sim_url(sim, arena, host, "/userinfo"),                          //
                  "jwks_uri", sim_url(sim, arena, host, "/jwks"),                                       //
                  "response_types_supported", "code",                                                   //
                  "response_modes_supported", "query",                                                  //
                  "grant_types_supported", "authorization_code",                                        //
                  "subject_types_supported", "public",                                                  //
                  "id_token_signing_alg_values_supported", ALG,                                         //
                  "token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post", //
                  "code_challenge_methods_supported", "S256",                                           //
                  "acr_values_supported", LEVEL_PREFIX "midden", LEVEL_DEFAULT, LEVEL_PREFIX "hoog",    //
                  "claims_supported", "sub", "bsn", "acr", "auth_time",                                 //
                  "authorization_response_iss_parameter_supported", 1);
    page_json(response, 200, metadata);
}

static void jwks_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct str key;
    if (jwk_export(sim->digid->key, request->arena, false, &key) != OK) {
        http_response_text(response, 500, "sluis-sim: the key cannot be shown\n");
        return;
    }
    http_response_json(response, 200,
                       str_from_c(arena_printf(request->arena, "{\"keys\":[%.*s]}", STR_ARG(key))));
}

/* ---- authentication request ---- */

/* Back to the client with these parameters, state and iss (RFC 9207). */
static void redirect_back(const struct sim *sim, struct http_response *response, const json_t *asked,
                          const char *name, struct str value)
{
    struct arena *arena = response->arena;
    struct buf url = buf_new(arena, URL_BYTES_MAX);
    buf_printf(&url, "%s?%s=", page_text(asked, "redirect_uri"), name);
    buf_append_url_component(&url, value);
    if (*page_text(asked, "state")) {
        buf_append_c(&url, "&state=");
        buf_append_url_component(&url, str_from_c(page_text(asked, "state")));
    }
    buf_append_c(&url, "&iss=");
    buf_append_url_component(&url, str_from_c(issuer(sim, arena)));
    if (url.overflowed)
        http_response_text(response, 400, "sluis-sim: the state is too long\n");
    else
        http_response_redirect(response, buf_c(&url));
}

static void refuse_request(const struct sim *sim, const struct http_request *request,
                           struct http_response *response, const char *text)
{
    page_message(sim, request, response, 400, "DigiD-simulator", "Verkeerd inlogverzoek", text);
}

/* The error code for a request whose client and redirect URI are right; NULL when the rest is right too. */
static const char *request_fault(const struct form *form)
{
    if (!str_equal_c(page_field(form, "response_type"), "code"))
        return "unsupported_response_type";
    if (!oauth_has_word(page_field(form, "scope"), "openid"))
        return "invalid_scope";
    if (page_field(form, "code_challenge").length != TOKEN_TEXT_LENGTH ||
        !str_equal_c(page_field(form, "code_challenge_method"), "S256"))
        return "invalid_request";
    if (oauth_has_word(page_field(form, "prompt"), "none"))
        return "login_required";
    return NULL;
}

static const char *level_name(struct str acr)
{
    if (str_equal_c(acr, LEVEL_PREFIX "midden"))
        return "Midden";
    if (str_equal_c(acr, LEVEL_PREFIX "hoog"))
        return "Hoog";
    return "Substantieel";
}

static void show_choice(const struct sim *sim, const struct http_request *request,
                        struct http_response *response, struct str key, struct str acr)
{
    struct arena *arena = request->arena;
    struct value *context = page_context(sim, request, "DigiD-simulator", "Kies wie je bent");
    value_put_text(arena, context, "request", key);
    value_put_c(arena, context, "level", level_name(acr));
    page_put_persons(arena, context);
    page_answer(sim, response, 200, "digid_choose", context);
    /* The form's redirects go through Sluis and may end at the PGO. */
    response->form_targets =
        arena_printf(arena, "%s %s", sim->settings.front_url, sim_url(sim, arena, pgo_part.host, ""));
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
    if (!str_equal_c(page_field(&form, "client_id"), FACTS_RP_CLIENT_ID)) {
        refuse_request(sim, request, response, "Deze client_id is hier niet bekend.");
        return;
    }
    if (!str_equal_c(redirect_uri, client_redirect_uri(sim, request->arena))) {
        refuse_request(sim, request, response, "Deze redirect_uri hoort niet bij de client.");
        return;
    }
    struct str acr = page_field(&form, "acr_values");
    acr = str_slice(acr, 0, str_find(acr, ' '));
    if (!str_starts_with(acr, STR(LEVEL_PREFIX)))
        acr = STR(LEVEL_DEFAULT);

    json_t *asked = json_object();
    oauth_put_text(asked, "redirect_uri", redirect_uri);
    oauth_put_text(asked, "state", page_field(&form, "state"));
    oauth_put_text(asked, "nonce", page_field(&form, "nonce"));
    oauth_put_text(asked, "code_challenge", page_field(&form, "code_challenge"));
    oauth_put_text(asked, "acr", acr);
    const char *fault = request_fault(&form);
    if (fault)
        redirect_back(sim, response, asked, "error", str_from_c(fault));
    else
        show_choice(sim, request, response, shelf_put(sim->digid->pending, request->arena, asked), acr);
    json_decref(asked);
}

static void login_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    if (page_form(request, &form) != OK) {
        refuse_request(sim, request, response, "Het formulier is niet leesbaar.");
        return;
    }
    json_t *asked = shelf_take(sim->digid->pending, page_field(&form, "request"));
    if (!asked) {
        page_message(sim, request, response, 400, "DigiD-simulator", "Deze inlogpoging is voorbij",
                     "Begin opnieuw bij je PGO.");
        return;
    }
    struct str choice = page_field(&form, "choice");
    if (str_equal_c(choice, "cancel")) {
        redirect_back(sim, response, asked, "error", STR("access_denied"));
    } else if (fact_find_person(choice)) {
        oauth_put_text(asked, "bsn", choice);
        json_object_set_new(asked, "auth_time", json_integer(clock_now()));
        redirect_back(sim, response, asked, "code", shelf_put(sim->digid->codes, request->arena, asked));
    } else {
        redirect_back(sim, response, asked, "error", STR("server_error"));
    }
    json_decref(asked);
}

/* ---- token ---- */

static bool is_client(const struct http_request *request, const struct form *form)
{
    struct str id;
    struct str secret;
    return oauth_credentials(request, form, &id, &secret) == OK && str_equal_c(id, FACTS_RP_CLIENT_ID) &&
           secret_equal(STR(FACTS_RP_CLIENT_SECRET), secret);
}

/* A stable name for a person that is not the BSN. */
static const char *subject_of(struct arena *arena, const char *bsn)
{
    struct str digest = codec_sha256(arena, str_from_c(arena_printf(arena, "sluis-sim subject %s", bsn)));
    return arena_printf(arena, "%.*s", STR_ARG(codec_hex(arena, str_slice(digest, 0, 16))));
}

static enum outcome make_id_token(const struct sim *sim, struct arena *arena, const json_t *asked,
                                  struct str access_token, struct str *out_token, struct failure *failure)
{
    int64_t now = clock_now();
    struct str half = str_slice(codec_sha256(arena, access_token), 0, DIGEST_BYTES / 2);
    struct str at_hash = codec_base64url(arena, half);
    json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I, s:O, s:s, s:s, s:s%}",  //
                               "iss", issuer(sim, arena),                         //
                               "sub", subject_of(arena, page_text(asked, "bsn")), //
                               "aud", FACTS_RP_CLIENT_ID,                         //
                               "iat", (json_int_t)now,                            //
                               "exp", (json_int_t)(now + TOKEN_LIFETIME_S),       //
                               "auth_time", json_object_get(asked, "auth_time"),  //
                               "acr", page_text(asked, "acr"),                    //
                               "bsn", page_text(asked, "bsn"),                    //
                               "at_hash", at_hash.data, at_hash.length);
    if (!claims)
        return failure_set(failure, "the claims do not fit together");
    if (*page_text(asked, "nonce"))
        json_object_set(claims, "nonce", json_object_get(asked, "nonce"));
    enum outcome outcome = jws_sign(sim->digid->key, ALG, NULL, claims, arena, out_token, failure);
    json_decref(claims);
    return outcome;
}

static void answer_tokens(const struct sim *sim, struct http_response *response, const json_t *asked)
{
    struct arena *arena = response->arena;
    struct failure failure;
    struct str id_token;
    struct str access_token = shelf_put(sim->digid->tokens, arena, asked);
    if (make_id_token(sim, arena, asked, access_token, &id_token, &failure) != OK) {
        log_error("id_token_failed", LOG_C("cause", failure.text));
        oauth_token_error(response, 500, "server_error", NULL);
        return;
    }
    page_json(response, 200,
              json_pack("{s:s%, s:s, s:i, s:s%}", "access_token", access_token.data, access_token.length,
                        "token_type", "Bearer", "expires_in", TOKEN_LIFETIME_S, "id_token", id_token.data,
                        id_token.length));
}

static void token_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    if (page_form(request, &form) != OK) {
        oauth_token_error(response, 400, "invalid_request", NULL);
        return;
    }
    if (!is_client(request, &form)) {
        oauth_token_error(response, 401, "invalid_client", NULL);
        return;
    }
    if (!str_equal_c(page_field(&form, "grant_type"), "authorization_code")) {
        oauth_token_error(response, 400, "unsupported_grant_type", NULL);
        return;
    }
    json_t *asked = oauth_take_grant(sim->digid->codes, request, &form);
    if (asked)
        answer_tokens(sim, response, asked);
    else
        oauth_token_error(response, 400, "invalid_grant", NULL);
    json_decref(asked);
}

static void userinfo_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    json_t *asked = shelf_look(sim->digid->tokens, oauth_bearer(request));
    if (!asked) {
        oauth_refuse_bearer(response);
        return;
    }
    page_json(response, 200,
              json_pack("{s:s, s:s}", "sub", subject_of(request->arena, page_text(asked, "bsn")), "bsn",
                        page_text(asked, "bsn")));
    json_decref(asked);
}

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    page_message(
        door, request, response, 200, "DigiD-simulator", "Hier log je in als testpersoon",
        "Deze pagina doet zelf niets. Begin bij de PGO-simulator; die stuurt je via Sluis hierheen.");
}

static const struct route digid_routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/.well-known/openid-configuration", metadata_get, ROUTE_PLAIN},
    {HTTP_GET, "/jwks", jwks_get, ROUTE_PLAIN},
    {HTTP_GET, "/authorize", authorize_get, ROUTE_PLAIN},
    {HTTP_POST, "/login", login_post, ROUTE_PLAIN},
    {HTTP_POST, "/token", token_post, ROUTE_PLAIN},
    {HTTP_GET, "/userinfo", userinfo_get, ROUTE_PLAIN},
    {HTTP_POST, "/userinfo", userinfo_get, ROUTE_PLAIN},
};

const struct sim_part digid_part = {"digid.localhost", digid_routes,
                                    sizeof digid_routes / sizeof digid_routes[0], NULL};
