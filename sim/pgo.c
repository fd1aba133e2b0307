/*
 * The PGO part: the browser's side of a personal health environment. Starts authorization requests, takes the
 * answers, shows what came. Its calls behind the browser's back are in pgo_calls.c.
 *
 * A session (cookie) is {latest, connections: {<name>: connection}, attempt}: a connection's name is provider
 * and function; `attempt` is the last one that came to nothing, shown while `latest` is empty. A pending
 * request, under its `state`, is a connection plus the session that made it.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "facts.h"
#include "http/cookie.h"
#include "mail/amsterdam.h"
#include "page.h"
#include "pgo_calls.h"
#include "shelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "sim_pgo"
#define SESSION_MAX 1024
#define SESSION_LIFETIME_S (400 * 86400)
#define PENDING_MAX 1024
#define PENDING_LIFETIME_S 3600
#define URL_BYTES_MAX ((size_t)4096)
#define DAYS_MAX 999999

struct pgo {
    struct shelf *sessions;
    struct shelf *pending;
    const char *state_file;
    /* One change of a session at a time: a double click on "Opnieuw ophalen" must not offer the same refresh
     * token twice, for that ends the whole consent. */
    pthread_mutex_t change;
};

enum outcome pgo_new(const char *state_file, struct pgo **out_pgo, struct failure *failure)
{
    struct pgo *pgo = calloc(1, sizeof *pgo);
    if (!pgo)
        return failure_set(failure, "no memory");
    pgo->sessions = shelf_new(SESSION_MAX, SESSION_LIFETIME_S);
    pgo->pending = shelf_new(PENDING_MAX, PENDING_LIFETIME_S);
    pgo->state_file = state_file;
    pthread_mutex_init(&pgo->change, NULL);
    *out_pgo = pgo;
    return state_file ? shelf_load(pgo->sessions, state_file, failure) : OK;
}

void pgo_free(struct pgo **pgo)
{
    if (!*pgo)
        return;
    shelf_free(&(*pgo)->sessions);
    shelf_free(&(*pgo)->pending);
    pthread_mutex_destroy(&(*pgo)->change);
    free(*pgo);
    *pgo = NULL;
}

/* ---- sessions ---- */

/* The browser's session; an empty one (and an empty key) when it has none. New reference. */
static json_t *find_session(const struct sim *sim, const struct http_request *request, struct str *out_key)
{
    json_t *session = NULL;
    if (cookie_find(request->arena, page_header(request, "Cookie"), COOKIE, false, out_key) == OK)
        session = shelf_look(sim->pgo->sessions, *out_key);
    if (!session)
        *out_key = STR_NONE;
    return session ? session : json_pack("{s:s, s:{}}", "latest", "", "connections");
}

/* Writes a changed session back, and at once to the state file: nothing is lost when the demo stops. */
static void keep_session(const struct sim *sim, struct str key, const json_t *session)
{
    struct failure failure;
    shelf_replace(sim->pgo->sessions, key, session);
    if (sim->pgo->state_file && shelf_save(sim->pgo->sessions, sim->pgo->state_file, &failure) != OK)
        log_error("pgo_state_not_saved", LOG_C("cause", failure.text));
}

static const char *connection_name(struct arena *arena, const json_t *connection)
{
    return arena_printf(arena, "%s-%s", page_text(connection, "provider"), page_text(connection, "function"));
}

static void put_connection(struct arena *arena, json_t *session, json_t *connection)
{
    const char *name = connection_name(arena, connection);
    json_object_set(json_object_get(session, "connections"), name, connection);
    json_object_set_new(session, "latest", json_string(name));
}

/* A new connection takes the place of an older one with the same name; an attempt that failed leaves it be.
 */
static void put_outcome(struct arena *arena, json_t *session, json_t *connection)
{
    if (!json_object_get(connection, "error")) {
        put_connection(arena, session, connection);
        return;
    }
    json_object_set(session, "attempt", connection);
    json_object_set_new(session, "latest", json_string(""));
}

/* ---- home ---- */

/* What stands before the provider's name. */
static const char *function_label(const char *function)
{
    struct str name = str_from_c(function);
    if (str_equal_c(name, "share"))
        return "Delen met";
    return str_equal_c(name, "subscribe") ? "Meldingen van" : "Verzamelen bij";
}

static struct value *describe_provider(struct arena *arena, const struct fact_provider *provider)
{
    struct value *value = value_object(arena);
    struct value *collected = value_list(arena);
    value_put_c(arena, value, "name", provider->name);
    value_put_c(arena, value, "display_name", provider->display_name);
    value_put_c(arena, value, "description", provider->description);
    for (size_t i = 0; i < provider->offer_count; i++) {
        const struct fact_offer *offer = &provider->offers[i];
        const struct fact_service *service = fact_find_service(str_from_c(offer->service));
        struct value *item = value_object(arena);
        value_put_c(arena, item, "service", service->id);
        value_put_c(arena, item, "service_name", service->name);
        value_put_c(arena, item, "max_days", arena_printf(arena, "%d", offer->max_days));
        if (str_equal_c(str_from_c(offer->function), "collect"))
            value_append(arena, collected, item);
        else
            value_put(arena, value, offer->function, item);
    }
    value_put(arena, value, "collect", collected);
    return value;
}

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct value *context =
        page_context(sim, request, FACTS_CLIENT_NAME, "Jouw gezondheidsgegevens op één plek");
    struct value *providers = value_list(arena);
    for (size_t i = 0; i < fact_provider_count; i++)
        value_append(arena, providers, describe_provider(arena, &fact_providers[i]));
    value_put(arena, context, "providers", providers);

    struct str key;
    json_t *session = find_session(sim, request, &key);
    struct value *connections = value_list(arena);
    const char *name;
    json_t *connection;
    json_object_foreach(json_object_get(session, "connections"), name, connection)
    {
        const struct fact_provider *provider =
            fact_find_provider(str_from_c(page_text(connection, "provider")));
        struct value *item = value_object(arena);
        value_put_text(arena, item, "name", str_copy(arena, str_from_c(name)));
        value_put_c(arena, item, "provider", provider ? provider->display_name : "");
        value_put_c(arena, item, "function", function_label(page_text(connection, "function")));
        value_append(arena, connections, item);
    }
    value_put(arena, context, "connections", connections);
    json_decref(session);
    page_answer(sim, response, 200, "pgo_home", context);
    response->form_targets = sim->settings.front_url;
}

/* ---- the authorization request (spec 3.1) ---- */

static const char *request_scope(struct arena *arena, const json_t *connection)
{
    const char *provider = page_text(connection, "provider");
    const char *service = page_text(connection, "service");
    struct str function = str_from_c(page_text(connection, "function"));
    if (str_equal_c(function, "share"))
        return arena_printf(arena, "%s~%s", provider, service);
    if (str_equal_c(function, "subscribe"))
        return arena_printf(arena, "subscribe~%lld/%s~%s",
                            (long long)json_integer_value(json_object_get(connection, "days")), provider,
                            service);
    return provider;
}

static const char *authorization_url(const struct sim *sim, struct arena *arena, const json_t *connection,
                                     struct str state)
{
    const struct {
        const char *name;
        struct str value;
    } parameters[] = {
        {"client_id", STR(FACTS_CLIENT_HOST)},
        {"redirect_uri", str_from_c(sim_url(sim, arena, pgo_part.host, "/callback"))},
        {"scope", str_from_c(request_scope(arena, connection))},
        {"state", state},
        {"MedMij-Request-ID", str_from_c(rand_uuid4_in(arena))},
        {"X-Correlation-ID", str_from_c(page_text(connection, "correlation_id"))},
    };
    struct buf url = buf_new(arena, URL_BYTES_MAX);
    buf_printf(&url, "%s/oauth/authorize?response_type=code", sim->settings.front_url);
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        buf_printf(&url, "&%s=", parameters[i].name);
        buf_append_url_component(&url, parameters[i].value);
    }
    return buf_c(&url);
}

/* The form's wish as a new connection; NULL when it makes no sense. */
static json_t *read_wish(struct arena *arena, const struct form *form)
{
    struct str function = page_field(form, "function");
    const struct fact_provider *provider = fact_find_provider(page_field(form, "provider"));
    const struct fact_service *service = fact_find_service(page_field(form, "service"));
    int64_t days = 0;
    const char *name;
    if (!provider || str_to_c(arena, function, &name) != OK)
        return NULL;
    if (str_equal_c(function, "subscribe")) {
        if (str_to_int64(page_field(form, "days"), &days) != OK || days > DAYS_MAX)
            return NULL;
    } else if (!str_equal_c(function, "collect") && !str_equal_c(function, "share")) {
        return NULL;
    }
    if (!service && !str_equal_c(function, "collect"))
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:I, s:s}", "provider", provider->name, "function", name, "service",
                     service ? service->id : "", "days", (json_int_t)days, "correlation_id",
                     rand_uuid4_in(arena));
}

static void start_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    json_t *connection = page_form(request, &form) == OK ? read_wish(arena, &form) : NULL;
    if (!connection) {
        page_message(sim, request, response, 400, FACTS_CLIENT_NAME, "Dit kan niet",
                     "Kies opnieuw op de startpagina.");
        return;
    }
    struct str key;
    json_t *session = find_session(sim, request, &key);
    if (key.length == 0) {
        key = shelf_put(sim->pgo->sessions, arena, session);
        http_response_header(response, "Set-Cookie", cookie_set(arena, COOKIE, key, false));
    }
    json_object_set_new(connection, "session", json_stringn(key.data, key.length));
    struct str state = shelf_put(sim->pgo->pending, arena, connection);
    http_response_redirect(response, authorization_url(sim, arena, connection, state));
    json_decref(session);
    json_decref(connection);
}

/* ---- the answer ---- */

static const char *explain(struct str code)
{
    if (str_equal_c(code, "access_denied"))
        return "Het ophalen gaat niet door. Je gegevens zijn niet gedeeld.";
    if (str_equal_c(code, "temporarily_unavailable") || str_equal_c(code, "server_error"))
        return "Het lukt nu niet bij de zorgaanbieder. Probeer het later nog eens.";
    return "De zorgaanbieder kan dit verzoek niet verwerken.";
}

static void callback_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct str key;
    json_t *connection = NULL;
    json_t *session = find_session(sim, request, &key);
    if (form_parse(arena, request->query, &form) == OK)
        connection = shelf_take(sim->pgo->pending, page_field(&form, "state"));
    if (!connection || key.length == 0 || !str_equal_c(key, page_text(connection, "session"))) {
        page_message(sim, request, response, 400, FACTS_CLIENT_NAME, "Dit antwoord hoort nergens bij",
                     "De state is onbekend, verlopen of al gebruikt. Begin opnieuw op de startpagina.");
        goto out;
    }
    json_object_del(connection, "session");
    struct str error = page_field(&form, "error");
    struct str code = page_field(&form, "code");
    if (code.length > 0 && error.length == 0) {
        if (pgo_redeem(sim, arena, connection, code))
            pgo_use(sim, arena, connection);
    } else {
        const char *name;
        if (error.length == 0 || str_to_c(arena, error, &name) != OK || !str_is_utf8(error))
            name = "onleesbaar_antwoord";
        json_object_set_new(connection, "error",
                            json_pack("{s:s, s:s}", "code", name, "text", explain(error)));
    }
    pthread_mutex_lock(&sim->pgo->change);
    json_decref(session);
    session = find_session(sim, request, &key); /* anew: another tab may have changed it meanwhile */
    put_outcome(arena, session, connection);
    keep_session(sim, key, session);
    pthread_mutex_unlock(&sim->pgo->change);
    http_response_redirect(response, "/result");
out:
    json_decref(connection);
    json_decref(session);
}

/* ---- the result ---- */

static const char *clock_text(struct arena *arena, const json_t *connection, const char *name)
{
    int64_t at = json_integer_value(json_object_get(connection, name));
    return at == 0 ? "" : strrchr(amsterdam_format(arena, at), ' ') + 1;
}

/* "2026-09-02" as people write it here, "02-09-2026"; anything else as it is. */
static const char *date_text(struct arena *arena, const char *date)
{
    struct str iso = str_from_c(date);
    if (iso.length != sizeof "2026-09-02" - 1)
        return arena_strdup(arena, date);
    return arena_printf(arena, "%.2s-%.2s-%.4s", date + 8, date + 5, date);
}

static struct value *describe_services(struct arena *arena, const json_t *connection)
{
    struct value *list = value_list(arena);
    size_t i;
    json_t *service;
    json_array_foreach(json_object_get(connection, "services"), i, service)
    {
        struct value *value = value_object(arena);
        struct value *items = value_list(arena);
        value_put_c(arena, value, "service", arena_strdup(arena, page_text(service, "service")));
        value_put_c(arena, value, "name", arena_strdup(arena, page_text(service, "name")));
        value_put_c(arena, value, "error", arena_strdup(arena, page_text(service, "error")));
        size_t j;
        json_t *item;
        json_array_foreach(json_object_get(service, "items"), j, item)
        {
            struct value *row = value_object(arena);
            value_put_c(arena, row, "title", arena_strdup(arena, page_text(item, "title")));
            value_put_c(arena, row, "detail", arena_strdup(arena, page_text(item, "detail")));
            value_put_c(arena, row, "date", arena_strdup(arena, page_text(item, "date")));
            value_put_c(arena, row, "date_text", date_text(arena, page_text(item, "date")));
            value_append(arena, items, row);
        }
        value_put(arena, value, "items", items);
        value_put_bool(arena, value, "has_items", json_array_size(json_object_get(service, "items")) > 0);
        value_append(arena, list, value);
    }
    return list;
}

static void describe_connection(struct arena *arena, struct value *context, const json_t *connection)
{
    const struct fact_provider *provider = fact_find_provider(str_from_c(page_text(connection, "provider")));
    const json_t *error = json_object_get(connection, "error");
    const char *copied[] = {"scope", "correlation_id"};
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        value_put_c(arena, context, copied[i], arena_strdup(arena, page_text(connection, copied[i])));
    value_put_c(arena, context, "connection", connection_name(arena, connection));
    value_put_c(arena, context, "provider", provider ? provider->display_name : "");
    value_put_c(arena, context, "function", function_label(page_text(connection, "function")));
    value_put_c(arena, context, "error_code", arena_strdup(arena, page_text(error, "code")));
    value_put_c(arena, context, "error_text", arena_strdup(arena, page_text(error, "text")));
    value_put_c(arena, context, "expires_at", clock_text(arena, connection, "expires_at"));
    value_put_c(arena, context, "used_at", clock_text(arena, connection, "used_at"));
    bool has_access = *page_text(connection, "access_token") != '\0';
    bool has_refresh = *page_text(connection, "refresh_token") != '\0';
    value_put_bool(arena, context, "has_access", has_access);
    value_put_bool(arena, context, "has_refresh", has_refresh);
    value_put_bool(arena, context, "is_ended", json_is_true(json_object_get(connection, "is_ended")));
    value_put(arena, context, "services", describe_services(arena, connection));
    value_put_bool(arena, context, "has_services",
                   json_array_size(json_object_get(connection, "services")) > 0);
}

/* The connection that `name` says, or the latest, or else the last attempt; borrowed from the session, NULL
 * when there is none. */
static json_t *pick_connection(struct arena *arena, const json_t *session, struct str name)
{
    const char *key = page_text(session, "latest");
    if (name.length > 0 && str_to_c(arena, name, &key) != OK)
        return NULL;
    if (*key == '\0')
        return json_object_get(session, "attempt");
    return json_object_get(json_object_get(session, "connections"), key);
}

static void result_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct str key;
    struct form form;
    struct str name = STR_NONE;
    if (form_parse(arena, request->query, &form) == OK)
        name = page_field(&form, "connection");
    json_t *session = find_session(sim, request, &key);
    json_t *connection = pick_connection(arena, session, name);
    if (!connection) {
        page_message(sim, request, response, 404, FACTS_CLIENT_NAME, "Hier is nog niets",
                     "Begin op de startpagina en kies een zorgaanbieder.");
    } else {
        struct value *context = page_context(sim, request, FACTS_CLIENT_NAME, "Jouw gegevens");
        describe_connection(arena, context, connection);
        page_answer(sim, response, 200, "pgo_result", context);
    }
    json_decref(session);
}

/* ---- what a person does with a connection ---- */

static void renew_connection(const struct sim *sim, struct arena *arena, json_t *connection)
{
    if (pgo_renew(sim, arena, connection))
        pgo_use(sim, arena, connection);
}

static void end_connection(const struct sim *sim, struct arena *arena, json_t *connection)
{
    if (pgo_end(sim, arena, connection))
        json_object_set_new(connection, "is_ended", json_true());
}

static void change_connection(const struct sim *sim, const struct http_request *request,
                              struct http_response *response,
                              void (*change)(const struct sim *sim, struct arena *arena, json_t *connection))
{
    struct arena *arena = request->arena;
    struct form form;
    struct str key;
    if (page_form(request, &form) != OK) {
        page_message(sim, request, response, 400, FACTS_CLIENT_NAME, "Dit kan niet",
                     "Het formulier is niet leesbaar.");
        return;
    }
    pthread_mutex_lock(&sim->pgo->change);
    json_t *session = find_session(sim, request, &key);
    json_t *connection = pick_connection(arena, session, page_field(&form, "connection"));
    if (connection) {
        change(sim, arena, connection);
        put_connection(arena, session, connection);
        keep_session(sim, key, session);
    }
    pthread_mutex_unlock(&sim->pgo->change);
    json_decref(session);
    http_response_redirect(response, "/result");
}

static void refresh_post(void *door, const struct http_request *request, struct http_response *response)
{
    change_connection(door, request, response, renew_connection);
}

static void fetch_post(void *door, const struct http_request *request, struct http_response *response)
{
    change_connection(door, request, response, pgo_use);
}

static void revoke_post(void *door, const struct http_request *request, struct http_response *response)
{
    change_connection(door, request, response, end_connection);
}

static const struct route pgo_routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_POST, "/start", start_post, ROUTE_PLAIN},
    {HTTP_GET, "/callback", callback_get, ROUTE_BLOCKING},
    {HTTP_GET, "/result", result_get, ROUTE_PLAIN},
    {HTTP_POST, "/refresh", refresh_post, ROUTE_BLOCKING},
    {HTTP_POST, "/fetch", fetch_post, ROUTE_BLOCKING},
    {HTTP_POST, "/revoke", revoke_post, ROUTE_BLOCKING},
};

const struct sim_part pgo_part = {FACTS_CLIENT_HOST, pgo_routes, sizeof pgo_routes / sizeof pgo_routes[0],
                                  NULL};
