/*
 * The end of a session at the health record (spec 2.15, C25): its end-session page (RP-Initiated Logout 1.0),
 * what it tells the applications then (Back-Channel and Front-Channel Logout 1.0), and a logout token on
 * request, right or wrong as chosen, with what Sluis answered.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "epd.h"
#include "http/client.h"
#include "http/cookie.h"
#include "oauth.h"

#define EVENT "http://schemas.openid.net/event/backchannel-logout"
#define LIFETIME_S 120
#define CALL_TIMEOUT_MS 5000
#define ANSWER_BYTES_MAX ((size_t)64 * 1024)
#define BODY_BYTES_MAX ((size_t)16 * 1024)
#define URL_BYTES_MAX ((size_t)8192)

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

static const char *backchannel_url(const struct sim *sim, struct arena *arena,
                                   const struct staff_client *client)
{
    return arena_printf(arena, "%s/backchannel-logout", epd_start_url(sim, arena, client));
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
    const char *url = backchannel_url(sim, arena, client);
    struct value *context = page_context(sim, request, EPD_PART, "Uitlogbericht verstuurd");
    if (send_token(arena, url, token, &answer) == HTTP_CALL_OK)
        value_put_c(arena, context, "status", arena_printf(arena, "%d", answer.status));
    else
        value_put_c(arena, context, "status", "geen antwoord");
    value_put_c(arena, context, "url", url);
    value_put_text(arena, context, "answer", answer.body);
    page_answer(sim, response, 200, "epd_logout", context);
}

/* ---- the end of a session ---- */

void epd_logout_note_client(json_t *session, const char *client_id)
{
    json_t *clients = json_object_get(session, "clients"), *known;
    size_t i;
    if (clients == NULL) {
        clients = json_array();
        json_object_set_new(session, "clients", clients);
    }
    json_array_foreach(clients, i, known)
    {
        if (str_equal_c(str_from_c(json_string_value(known)), client_id))
            return;
    }
    json_array_append_new(clients, json_string(client_id));
}

static bool is_told(const json_t *session, const struct staff_client *client,
                    const struct staff_client *except)
{
    size_t i;
    json_t *known;
    json_array_foreach(json_object_get(session, "clients"), i, known)
    {
        if (client != except && str_equal_c(str_from_c(client->id), json_string_value(known)))
            return true;
    }
    return false;
}

static void tell_by_token(const struct sim *sim, struct arena *arena, const json_t *session,
                          const struct staff_client *client)
{
    struct http_answer answer = {0};
    const struct staff_member *member = staff_find_member(str_from_c(page_text(session, "member")));
    struct str token = logout_token(sim, arena, session, member, client, STR("both"));
    if (send_token(arena, backchannel_url(sim, arena, client), token, &answer) != HTTP_CALL_OK)
        log_warning("logout_message_not_sent", LOG_C("client", client->id));
    else
        log_info("logout_message_sent", LOG_C("client", client->id), LOG_INT("status", answer.status));
}

static const char *frame_url(const struct sim *sim, struct arena *arena, const json_t *session,
                             const struct staff_client *client)
{
    struct buf url = buf_new(arena, URL_BYTES_MAX);
    buf_printf(&url, "%s/frontchannel-logout?iss=", epd_start_url(sim, arena, client));
    buf_append_url_component(&url, str_from_c(epd_issuer(sim, arena)));
    buf_append_c(&url, "&sid=");
    buf_append_url_component(&url, str_from_c(page_text(session, "sid")));
    return buf_c(&url);
}

/* No page of this program may hold frames, so this one brings a policy of its own. */
static void answer_with_frames(const struct sim *sim, const struct http_request *request,
                               struct http_response *response, struct value *frames, const char *target)
{
    struct arena *arena = request->arena;
    struct value *context = page_context(sim, request, EPD_PART, "U bent uitgelogd uit het dossier");
    value_put(arena, context, "frames", frames);
    value_put_c(arena, context, "target", target);
    page_answer(sim, response, 200, "epd_frames", context);
    response->kind = RESPONSE_DATA;
    http_response_header(response, "Content-Security-Policy",
                         arena_printf(arena,
                                      "default-src 'none'; style-src 'self'; img-src 'self'; frame-src %s; "
                                      "frame-ancestors 'none'",
                                      epd_form_targets(sim, arena)));
}

void epd_logout_end(const struct sim *sim, const struct http_request *request, struct http_response *response,
                    const struct staff_client *except, const char *target)
{
    struct arena *arena = request->arena;
    struct str key;
    json_t *session = epd_session(sim, request, &key);
    struct value *frames = value_list(arena);
    size_t frame_count = 0;
    if (session)
        json_decref(shelf_take(epd_shelves(sim->epd)->sessions, key));
    for (size_t i = 0; i < staff_client_count; i++) {
        const struct staff_client *client = &staff_clients[i];
        if (!is_told(session, client, except))
            continue;
        switch (epd_channel(sim->epd)) {
        case EPD_CHANNEL_NONE:
            break;
        case EPD_CHANNEL_BACK:
            tell_by_token(sim, arena, session, client);
            break;
        case EPD_CHANNEL_FRONT: {
            struct value *frame = value_object(arena);
            value_put_c(arena, frame, "url", frame_url(sim, arena, session, client));
            value_put_c(arena, frame, "name", client->name);
            value_append(arena, frames, frame);
            frame_count++;
            break;
        }
        }
    }
    json_decref(session);
    if (frame_count > 0)
        answer_with_frames(sim, request, response, frames, target);
    else
        http_response_redirect(response, target);
    http_response_header(response, "Set-Cookie", cookie_clear(arena, EPD_COOKIE, false));
}

/* ---- the end-session page ---- */

struct end_request {
    const struct staff_client *client; /* NULL when there is no address to go back to */
    const char *landing;
    struct str state;
};

static enum outcome read_end_request(const struct sim *sim, struct arena *arena, const struct form *form,
                                     struct end_request *out)
{
    *out = (struct end_request){.landing = "/", .state = page_field(form, "state")};
    struct str wanted = page_field(form, "post_logout_redirect_uri");
    if (wanted.length == 0)
        return OK;
    for (size_t i = 0; i < staff_client_count; i++) {
        const char *landing =
            arena_printf(arena, "%s/logged-out", epd_start_url(sim, arena, &staff_clients[i]));
        if (!str_equal_c(wanted, landing))
            continue;
        out->client = &staff_clients[i];
        out->landing = landing;
    }
    return out->client != NULL && page_field(form, "id_token_hint").length > 0 ? OK : FAILED;
}

static void refuse_end(const struct sim *sim, const struct http_request *request,
                       struct http_response *response)
{
    page_message(sim, request, response, 400, EPD_PART, "Verkeerd uitlogverzoek",
                 "Dit adres voor na het uitloggen is hier niet bekend.");
}

static void end_session_get(void *door, const struct http_request *request, struct http_response *response)
{
    static const char *const kept[] = {"post_logout_redirect_uri", "state", "id_token_hint"};
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct end_request end;
    if (form_parse(arena, request->query, &form) != OK || read_end_request(sim, arena, &form, &end) != OK) {
        refuse_end(sim, request, response);
        return;
    }
    struct value *context = page_context(sim, request, EPD_PART, "Uitloggen uit het dossier");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        value_put_text(arena, context, kept[i], page_field(&form, kept[i]));
    page_answer(sim, response, 200, "epd_end_session", context);
    response->form_targets = epd_form_targets(sim, arena);
}

static void end_session_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct end_request end;
    if (page_form(request, &form) != OK || read_end_request(sim, arena, &form, &end) != OK) {
        refuse_end(sim, request, response);
        return;
    }
    struct buf target = buf_new(arena, URL_BYTES_MAX);
    buf_append_c(&target, end.landing);
    if (end.client != NULL && end.state.length > 0) {
        buf_append_c(&target, "?state=");
        buf_append_url_component(&target, end.state);
    }
    epd_logout_end(sim, request, response, end.client, buf_c(&target));
}

static void channel_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    if (page_form(request, &form) == OK) {
        struct str channel = page_field(&form, "channel");
        epd_set_channel(sim->epd, str_equal_c(channel, "front")  ? EPD_CHANNEL_FRONT
                                  : str_equal_c(channel, "back") ? EPD_CHANNEL_BACK
                                                                 : EPD_CHANNEL_NONE);
    }
    http_response_redirect(response, "/beheer");
}

static const struct route routes[] = {
    {HTTP_GET, "/cas/oidc/oidcLogout", end_session_get, ROUTE_PLAIN},
    {HTTP_POST, "/cas/oidc/oidcLogout", end_session_post, ROUTE_BLOCKING},
    {HTTP_POST, "/uitlogkanaal", channel_post, ROUTE_PLAIN},
    {HTTP_POST, "/uitlogbericht", logout_message_post, ROUTE_BLOCKING},
};

const struct sim_part epd_logout_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0], NULL};
