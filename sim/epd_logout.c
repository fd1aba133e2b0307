/*
 * Back-channel logout from the health record (OpenID Connect Back-Channel Logout 1.0; spec 2.15, C25): a
 * logout token to Sluis, right or wrong as chosen, and what Sluis answered.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "epd.h"
#include "http/client.h"
#include "oauth.h"

#define EVENT "http://schemas.openid.net/event/backchannel-logout"
#define LIFETIME_S 120
#define CALL_TIMEOUT_MS 5000
#define ANSWER_BYTES_MAX ((size_t)64 * 1024)
#define BODY_BYTES_MAX ((size_t)16 * 1024)

/* The token for what the form asks; empty when it could not be made. */
static struct str logout_token(const struct sim *sim, struct arena *arena, const json_t *session,
                               const struct staff_member *member, const struct staff_client *client,
                               struct str kind)
{
    int64_t now = clock_now();
    struct str token = STR_NONE;
    json_t *claims = json_pack("{s:s, s:s, s:I, s:I, s:s, s:{s:{}}}", "iss", epd_issuer(sim, arena), "aud",
                               client->id, "iat", (json_int_t)now, "exp", (json_int_t)(now + LIFETIME_S),
                               "jti", rand_uuid4_in(arena), "events", EVENT);
    json_t *header = json_pack("{s:s}", "typ", "logout+jwt");
    if (!str_equal_c(kind, "sid"))
        json_object_set_new(claims, "sub", json_string(member->subject));
    if (!str_equal_c(kind, "sub"))
        json_object_set(claims, "sid", json_object_get(session, "sid"));
    if (str_equal_c(kind, "nonce"))
        oauth_put_text(claims, "nonce", rand_token(arena));
    else if (str_equal_c(kind, "no_jti"))
        json_object_del(claims, "jti");
    else if (str_equal_c(kind, "no_iat"))
        json_object_del(claims, "iat");
    else if (str_equal_c(kind, "no_events"))
        json_object_del(claims, "events");
    else if (str_equal_c(kind, "aud"))
        json_object_set_new(claims, "aud", json_string("andere-toepassing"));
    else if (str_equal_c(kind, "iss"))
        json_object_set_new(claims, "iss", json_string("https://epd.example"));
    else if (str_equal_c(kind, "alg_none"))
        json_object_set_new(header, "alg", json_string("none"));
    else if (str_equal_c(kind, "kid"))
        json_object_set_new(header, "kid", json_string("onbekend"));
    if (epd_sign(sim->epd, header, claims, arena, &token) != OK)
        token = STR_NONE;
    json_decref(header);
    json_decref(claims);
    return token;
}

static enum http_call_result send_token(struct arena *arena, const char *url, struct str token,
                                        struct http_answer *out_answer)
{
    struct failure failure = {0};
    struct buf body = buf_new(arena, BODY_BYTES_MAX);
    buf_append_c(&body, "logout_token=");
    buf_append_url_component(&body, token);
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded"};
    const struct http_call call = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = 1,
        .body = buf_str(&body),
        .connect_timeout_ms = CALL_TIMEOUT_MS,
        .total_timeout_ms = CALL_TIMEOUT_MS,
        .body_max = ANSWER_BYTES_MAX,
        .is_http_allowed = true,
        .is_private_allowed = true,
    };
    return http_client_call(arena, &call, out_answer, &failure);
}

static void logout_message_post(void *door, const struct http_request *request,
                                struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct str key;
    json_t *session = epd_session(sim, request, &key);
    const struct staff_member *member =
        session ? staff_find_member(str_from_c(page_text(session, "member"))) : NULL;
    const struct staff_client *client =
        page_form(request, &form) == OK ? staff_find_environment(page_field(&form, "environment")) : NULL;
    if (!member || !client) {
        page_message(sim, request, response, 400, EPD_PART, "Dit bericht kan niet",
                     "Log in op het dossier en kies een omgeving.");
        json_decref(session);
        return;
    }
    struct str kind = page_field(&form, "kind");
    struct str token = str_equal_c(kind, "replay")
                           ? str_from_c(arena_strdup(arena, page_text(session, "logout_token")))
                           : logout_token(sim, arena, session, member, client, kind);
    oauth_put_text(session, "logout_token", token);
    shelf_replace(epd_shelves(sim->epd)->sessions, key, session);
    json_decref(session);

    struct http_answer answer = {0};
    const char *url = arena_printf(arena, "%s/backchannel-logout", epd_start_url(sim, arena, client));
    struct value *context = page_context(sim, request, EPD_PART, "Uitlogbericht verstuurd");
    if (send_token(arena, url, token, &answer) == HTTP_CALL_OK)
        value_put_c(arena, context, "status", arena_printf(arena, "%d", answer.status));
    else
        value_put_c(arena, context, "status", "geen antwoord");
    value_put_c(arena, context, "url", url);
    value_put_text(arena, context, "answer", answer.body);
    page_answer(sim, response, 200, "epd_logout", context);
}

static const struct route routes[] = {
    {HTTP_POST, "/uitlogbericht", logout_message_post, ROUTE_BLOCKING},
};

const struct sim_part epd_logout_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0], NULL};
