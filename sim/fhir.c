/*
 * The resource server of both providers (spec 3.12): FHIR reads and one FHIR create with a bearer token that
 * Sluis introspects, the subscription endpoint, and the availability check that Sluis asks for.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "facts.h"
#include "fhir_data.h"
#include "http/client.h"
#include "jose/claims.h"
#include "oauth.h"
#include "page.h"

#define INTROSPECTION_TIMEOUT_MS 5000
#define INTROSPECTION_BYTES_MAX ((size_t)16 * 1024)
#define BODY_BYTES_MAX ((size_t)8192)
#define DAYS_MAX 999999
#define SECONDS_PER_DAY 86400

/* What a valid token allows. */
struct access {
    const struct fact_provider *provider;
    const struct fact_person *person;
    struct str function;
    struct str services; /* space separated ids */
    int64_t days;
};

static void refuse(struct http_response *response, int status, const char *bearer_error, const char *code,
                   const char *text)
{
    page_json(response, status, fhir_fault(code, text));
    response->content_type = "application/fhir+json; charset=utf-8";
    if (bearer_error)
        http_response_header(
            response, "WWW-Authenticate",
            *bearer_error ? arena_printf(response->arena, "Bearer error=\"%s\"", bearer_error) : "Bearer");
}

/* ---- the token ---- */

enum introspection { TOKEN_ACTIVE, TOKEN_INACTIVE, TOKEN_UNKNOWABLE };

static enum introspection introspect(const struct sim *sim, struct arena *arena, struct str token,
                                     json_t **out_facts, struct failure *failure)
{
    struct buf body = buf_new(arena, BODY_BYTES_MAX);
    buf_append_c(&body, "token=");
    buf_append_url_component(&body, token);
    if (body.overflowed)
        return TOKEN_INACTIVE;
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                   "Accept: application/json"};
    const struct http_call call = {
        .method = "POST",
        .url = arena_printf(arena, "%s/oauth/introspect", sim->settings.internal_url),
        .headers = headers,
        .header_count = 2,
        .body = buf_str(&body),
        .connect_timeout_ms = INTROSPECTION_TIMEOUT_MS,
        .total_timeout_ms = INTROSPECTION_TIMEOUT_MS,
        .body_max = INTROSPECTION_BYTES_MAX,
        .is_http_allowed = true,
        .is_private_allowed = true,
    };
    struct http_answer answer;
    if (http_client_call(arena, &call, &answer, failure) != HTTP_CALL_OK)
        return TOKEN_UNKNOWABLE;
    if (answer.status != 200) {
        failure_set(failure, "introspection answered %d", answer.status);
        return TOKEN_UNKNOWABLE;
    }
    if (json_parse_object(answer.body, out_facts, failure) != OK)
        return TOKEN_UNKNOWABLE;
    return json_is_true(json_object_get(*out_facts, "active")) ? TOKEN_ACTIVE : TOKEN_INACTIVE;
}

static struct str arena_text(struct arena *arena, const json_t *object, const char *name)
{
    return str_copy(arena, str_from_c(page_text(object, name)));
}

/* The headers that every MedMij request carries (core.rscint.201). */
static bool has_medmij_headers(const struct http_request *request)
{
    return str_is_uuid(page_header(request, "MedMij-Request-ID")) &&
           str_is_uuid(page_header(request, "X-Correlation-ID"));
}

/* Checks headers and token. False: the answer has been made. */
static bool authorize(const struct sim *sim, const struct http_request *request,
                      struct http_response *response, struct access *out_access)
{
    struct arena *arena = request->arena;
    struct str token = oauth_bearer(request);
    struct failure failure = {0};
    json_t *facts = NULL;
    if (token.length == 0) {
        refuse(response, 401, "", "login", "Er is geen toegangstoken meegestuurd");
        return false;
    }
    if (!has_medmij_headers(request)) {
        refuse(response, 400, "invalid_request", "required",
               "MedMij-Request-ID en X-Correlation-ID zijn verplicht en moeten UUID's zijn");
        return false;
    }
    switch (introspect(sim, arena, token, &facts, &failure)) {
    case TOKEN_ACTIVE:
        break;
    case TOKEN_INACTIVE:
        json_decref(facts);
        refuse(response, 401, "invalid_token", "expired", "Het toegangstoken is niet (meer) geldig");
        return false;
    case TOKEN_UNKNOWABLE:
        json_decref(facts);
        log_error("introspection_failed", LOG_C("cause", failure.text));
        refuse(response, 503, NULL, "transient", "Het toegangstoken kan nu niet worden gecontroleerd");
        return false;
    }
    *out_access = (struct access){
        .provider = fact_find_provider(str_from_c(page_text(facts, "provider"))),
        .person = fact_find_person(str_from_c(page_text(facts, "person"))),
        .function = arena_text(arena, facts, "function"),
        .services = arena_text(arena, facts, "services"),
        .days = fact_granted_days(str_from_c(page_text(facts, "scope"))),
    };
    json_decref(facts);
    if (!out_access->provider || !out_access->person) {
        refuse(response, 403, "insufficient_scope", "forbidden", "Dit token is voor een andere aanbieder");
        return false;
    }
    return true;
}

/* The token's services name this one, for this function. False: the answer has been made. */
static bool is_granted(struct http_response *response, const struct access *access,
                       const struct fact_service *service, const char *function)
{
    struct str rest = access->services;
    struct str id;
    while (str_equal_c(access->function, function) && str_split_next(&rest, ' ', &id)) {
        if (str_equal_c(id, service->id))
            return true;
    }
    refuse(response, 403, "insufficient_scope", "forbidden", "Het token geldt niet voor deze gegevensdienst");
    return false;
}

/* The late availability check (spec 6). False: the answer has been made. */
static bool is_available(struct http_response *response, const struct access *access,
                         const struct fact_service *service)
{
    if (fact_check(access->provider, str_from_c(service->id), access->function, access->person) ==
        FACT_AVAILABLE)
        return true;
    refuse(response, 403, "insufficient_scope", "forbidden", "Deze gegevens zijn niet beschikbaar");
    return false;
}

/* "49/Observation" into its service and type; NULL when there is no such service. */
static const struct fact_service *split_tail(struct str tail, struct str *out_type)
{
    size_t slash = str_find(tail, '/');
    *out_type = slash < tail.length ? str_slice(tail, slash + 1, tail.length) : STR_NONE;
    return fact_find_service(str_slice(tail, 0, slash));
}

static void answer_fhir(const struct http_request *request, struct http_response *response, int status,
                        json_t *value)
{
    page_json(response, status, value);
    response->content_type = "application/fhir+json; charset=utf-8";
    /* Echoed, as a client may want to match it; the availability check does not send one. */
    struct str id = page_header(request, "MedMij-Request-ID");
    const char *text;
    if (str_is_uuid(id) && str_to_c(request->arena, id, &text) == OK)
        http_response_header(response, "MedMij-Request-ID", text);
}

static void read_get(void *door, const struct http_request *request, struct http_response *response)
{
    struct access access;
    struct str type;
    const struct fact_service *service = split_tail(request->path_tail, &type);
    if (!authorize(door, request, response, &access))
        return;
    if (!service || type.length == 0) {
        refuse(response, 404, NULL, "not-found", "Onbekende gegevensdienst of resource");
        return;
    }
    if (!is_granted(response, &access, service, "collect") || !is_available(response, &access, service))
        return;
    answer_fhir(request, response, 200,
                fhir_search(access.provider, service, access.person, type, clock_now()));
}

static void create_post(void *door, const struct http_request *request, struct http_response *response)
{
    struct access access;
    struct str type;
    json_t *resource = NULL;
    const struct fact_service *service = split_tail(request->path_tail, &type);
    if (!authorize(door, request, response, &access))
        return;
    if (!service || !str_equal_c(type, service->resource)) {
        refuse(response, 404, NULL, "not-found", "Onbekende gegevensdienst of resource");
        return;
    }
    if (!is_granted(response, &access, service, "share") || !is_available(response, &access, service))
        return;
    if (json_parse_object(request->body, &resource, NULL) != OK ||
        !str_equal_c(type, page_text(resource, "resourceType"))) {
        json_decref(resource);
        refuse(response, 400, NULL, "structure", "De inhoud is geen goede FHIR-resource");
        return;
    }
    json_object_set_new(resource, "id", json_string(rand_uuid4_in(request->arena)));
    answer_fhir(request, response, 201, resource);
}

/* Subscription Server (ext.abo.subint): begin, change or end; never longer than the token says. */
static void subscription_post(void *door, const struct http_request *request, struct http_response *response)
{
    struct access access;
    json_t *wish = NULL;
    const struct fact_service *service = fact_find_service(request->path_tail);
    if (!authorize(door, request, response, &access))
        return;
    if (!service) {
        refuse(response, 404, NULL, "not-found", "Onbekende gegevensdienst");
        return;
    }
    if (!is_granted(response, &access, service, "subscribe"))
        return;
    if (!http_request_has_content_type(request, "application/json") ||
        json_parse_object(request->body, &wish, NULL) != OK) {
        refuse(response, 400, NULL, "structure", "De inhoud is geen JSON-object");
        return;
    }
    int64_t days = (int64_t)json_integer_value(json_object_get(wish, "days"));
    json_decref(wish);
    if (days < 0 || days > access.days || days > DAYS_MAX) {
        refuse(response, 403, "insufficient_scope", "forbidden", "De duur is langer dan is toegestaan");
        return;
    }
    /* Ending must always be possible, so only the other two ask whether there is anything to tell. */
    if (days > 0 && !is_available(response, &access, service))
        return;
    char until[CLOCK_TEXT_SIZE];
    clock_format_ms((clock_now() + days * SECONDS_PER_DAY) * 1000, until);
    page_json(response, 200,
              json_pack("{s:s, s:I, s:s}", "service", service->id, "days", (json_int_t)days, "until", until));
}

/* ---- the availability check (docs/availability.md) ---- */

static const char *reason_of(enum fact_answer answer, struct str function)
{
    switch (answer) {
    case FACT_AVAILABLE:
        return "";
    case FACT_NO_DATA:
        return str_equal_c(function, "share") ? "not_admissible" : "no_data";
    case FACT_NO_RELATION:
        return "no_relation";
    case FACT_TOO_YOUNG:
        return "too_young";
    }
    return "";
}

/* The secret that Sluis has to show. False: the answer has been made. */
static bool is_from_sluis(const struct http_request *request, struct http_response *response)
{
    struct str expected = STR("Bearer " FACTS_AVAILABILITY_SECRET);
    if (secret_equal(expected, page_header(request, "Authorization")))
        return true;
    refuse(response, 401, "", "login", "Alleen Sluis mag dit vragen");
    return false;
}

static void availability_post(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door;
    json_t *asked = NULL;
    if (!is_from_sluis(request, response))
        return;
    if (!http_request_has_content_type(request, "application/json") ||
        json_parse_object(request->body, &asked, NULL) != OK) {
        http_response_json(response, 400, STR("{\"error\":\"not a JSON object\"}"));
        return;
    }
    const struct fact_provider *provider = fact_find_provider(str_from_c(page_text(asked, "provider")));
    const struct fact_person *person = fact_find_person(str_from_c(page_text(asked, "bsn")));
    struct str function = str_from_c(page_text(asked, "function"));
    const json_t *services = json_object_get(asked, "services");
    if (!provider || !json_is_array(services)) {
        json_decref(asked);
        http_response_json(response, 400, STR("{\"error\":\"unknown provider, or no services\"}"));
        return;
    }
    json_t *answer = json_pack("{s:[]}", "services");
    size_t i;
    json_t *id;
    json_array_foreach(services, i, id)
    {
        struct str service = str_from_c(json_is_string(id) ? json_string_value(id) : "");
        enum fact_answer found = fact_check(provider, service, function, person);
        json_t *item = json_pack("{s:O, s:b}", "id", id, "available", found == FACT_AVAILABLE ? 1 : 0);
        if (found != FACT_AVAILABLE)
            json_object_set_new(item, "reason", json_string(reason_of(found, function)));
        json_array_append_new(json_object_get(answer, "services"), item);
    }
    json_decref(asked);
    page_json(response, 200, answer);
}

/* FHIR search for a patient by BSN: "<provider>/Patient/_search". */
static void availability_search_post(void *door, const struct http_request *request,
                                     struct http_response *response)
{
    (void)door;
    struct form form;
    struct str tail = request->path_tail;
    struct str system = STR(FHIR_BSN_SYSTEM "|");
    size_t slash = str_find(tail, '/');
    const struct fact_provider *provider = fact_find_provider(str_slice(tail, 0, slash));
    if (!is_from_sluis(request, response))
        return;
    if (!provider || !str_equal_c(str_slice(tail, slash, tail.length), "/Patient/_search")) {
        refuse(response, 404, NULL, "not-found", "Onbekende aanbieder of zoekvraag");
        return;
    }
    struct str identifier = page_form(request, &form) == OK ? page_field(&form, "identifier") : STR_NONE;
    if (!str_starts_with(identifier, system)) {
        refuse(response, 400, NULL, "invalid", "Zoeken kan alleen op BSN");
        return;
    }
    const struct fact_person *person =
        fact_find_person(str_slice(identifier, system.length, identifier.length));
    bool is_known = person && fact_is_known(provider, person);
    answer_fhir(request, response, 200, fhir_patient_bundle(is_known ? person : NULL, clock_now()));
}

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    page_message(
        door, request, response, 200, "Bronsysteem", "Hier staan de gegevens",
        "Dit is het bronsysteem van de twee zorgaanbieders. Het geeft alleen gegevens aan wie een geldig "
        "toegangstoken van Sluis heeft.");
}

static const struct route fhir_routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/fhir/*", read_get, ROUTE_BLOCKING},
    {HTTP_POST, "/fhir/*", create_post, ROUTE_BLOCKING},
    {HTTP_POST, "/subscription/*", subscription_post, ROUTE_BLOCKING},
    {HTTP_POST, "/availability", availability_post, ROUTE_PLAIN},
    {HTTP_POST, "/availability/*", availability_search_post, ROUTE_PLAIN},
};

const struct sim_part fhir_part = {"fhir.localhost", fhir_routes, sizeof fhir_routes / sizeof fhir_routes[0],
                                   NULL};
