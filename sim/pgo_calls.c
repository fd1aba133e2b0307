#include "pgo_calls.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "facts.h"
#include "http/client.h"
#include "jose/claims.h"
#include "page.h"

#define CONNECT_TIMEOUT_MS 3000
#define TOKEN_TIMEOUT_MS 15000 /* Sluis answers within 10 s (core.tknint.206) */
#define RESOURCE_TIMEOUT_MS 60000
#define ANSWER_BYTES_MAX ((size_t)256 * 1024)
#define FORM_BYTES_MAX ((size_t)8192)
#define HEADERS_MAX 5

static void set_error(json_t *connection, const char *code, const char *text)
{
    json_object_set_new(connection, "error", json_pack("{s:s, s:s}", "code", code, "text", text));
}

static void append_parameter(struct buf *form, const char *name, struct str value)
{
    if (form->length > 0)
        buf_append_char(form, '&');
    buf_append_c(form, name);
    buf_append_char(form, '=');
    buf_append_url_component(form, value);
}

/* ---- Sluis ---- */

/* POST to an endpoint of the back listener. OK: an answer came, whatever its status. */
static enum outcome call_back_channel(const struct sim *sim, struct arena *arena, json_t *connection,
                                      const char *path, struct buf *form, struct http_answer *out_answer)
{
    const char *directory = sim->settings.certificates;
    const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded",
        "Accept: application/json",
        arena_printf(arena, "MedMij-Request-ID: %s", rand_uuid4_in(arena)),
        arena_printf(arena, "X-Correlation-ID: %s", page_text(connection, "correlation_id")),
    };
    const struct http_call call = {
        .method = "POST",
        .url = arena_printf(arena, "%s%s", sim->settings.back_url, path),
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
        .body = buf_str(form),
        .ca_file = arena_printf(arena, "%s/ca.crt", directory),
        .client_certificate_file = arena_printf(arena, "%s/pgo.crt", directory),
        .client_key_file = arena_printf(arena, "%s/pgo.key", directory),
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .total_timeout_ms = TOKEN_TIMEOUT_MS,
        .body_max = ANSWER_BYTES_MAX,
        .is_private_allowed = true,
    };
    struct failure failure = {0};
    json_object_del(connection, "error");
    if (form->overflowed) {
        set_error(connection, "te_groot", "Het verzoek is te groot om te versturen.");
        return FAILED;
    }
    if (http_client_call(arena, &call, out_answer, &failure) != HTTP_CALL_OK) {
        log_warning("pgo_call_failed", LOG_C("path", path), LOG_C("cause", failure.text));
        set_error(connection, "geen_antwoord",
                  "De zorgaanbieder is niet bereikbaar. Probeer het later nog eens.");
        return FAILED;
    }
    return OK;
}

/* The `error` of an OAuth answer, or a text about its status. */
static void set_oauth_error(struct arena *arena, json_t *connection, const struct http_answer *answer)
{
    json_t *body = NULL;
    const char *code = "";
    if (json_parse_object(answer->body, &body, NULL) == OK)
        code = page_text(body, "error");
    set_error(connection, *code ? code : arena_printf(arena, "http_%d", answer->status),
              "De zorgaanbieder gaf geen toegang tot je gegevens.");
    json_decref(body);
}

static void keep_member(json_t *connection, const json_t *answer, const char *name)
{
    json_t *value = json_object_get(answer, name);
    if (json_is_string(value))
        json_object_set(connection, name, value);
    else
        json_object_del(connection, name);
}

static bool keep_tokens(struct arena *arena, json_t *connection, const struct http_answer *answer)
{
    json_t *tokens = NULL;
    if (answer->status != 200) {
        set_oauth_error(arena, connection, answer);
        return false;
    }
    if (json_parse_object(answer->body, &tokens, NULL) != OK || !*page_text(tokens, "access_token") ||
        !str_equal_ignoring_case(str_from_c(page_text(tokens, "token_type")), STR("Bearer"))) {
        json_decref(tokens);
        set_error(connection, "verkeerd_antwoord", "Het antwoord van de zorgaanbieder is niet te begrijpen.");
        return false;
    }
    keep_member(connection, tokens, "access_token");
    keep_member(connection, tokens, "refresh_token");
    keep_member(connection, tokens, "scope");
    int64_t lifetime = (int64_t)json_integer_value(json_object_get(tokens, "expires_in"));
    json_object_set_new(connection, "expires_at", json_integer(clock_now() + lifetime));
    json_decref(tokens);
    return true;
}

bool pgo_redeem(const struct sim *sim, struct arena *arena, json_t *connection, struct str code)
{
    struct buf form = buf_new(arena, FORM_BYTES_MAX);
    struct http_answer answer;
    append_parameter(&form, "grant_type", STR("authorization_code"));
    append_parameter(&form, "code", code);
    append_parameter(&form, "client_id", STR(FACTS_CLIENT_HOST));
    append_parameter(&form, "redirect_uri", str_from_c(sim_url(sim, arena, pgo_part.host, "/callback")));
    return call_back_channel(sim, arena, connection, "/oauth/token", &form, &answer) == OK &&
           keep_tokens(arena, connection, &answer);
}

bool pgo_renew(const struct sim *sim, struct arena *arena, json_t *connection)
{
    struct buf form = buf_new(arena, FORM_BYTES_MAX);
    struct http_answer answer;
    /* Long-lived consent: every renewal is a session of its own (core.tknint.208). */
    json_object_set_new(connection, "correlation_id", json_string(rand_uuid4_in(arena)));
    append_parameter(&form, "grant_type", STR("refresh_token"));
    append_parameter(&form, "refresh_token", str_from_c(page_text(connection, "refresh_token")));
    append_parameter(&form, "client_id", STR(FACTS_CLIENT_HOST));
    if (call_back_channel(sim, arena, connection, "/oauth/token", &form, &answer) != OK)
        return false;
    if (answer.status == 400) {
        json_object_del(connection, "refresh_token");
        json_object_del(connection, "access_token");
        json_object_del(connection, "services");
    }
    return keep_tokens(arena, connection, &answer);
}

bool pgo_end(const struct sim *sim, struct arena *arena, json_t *connection)
{
    struct buf form = buf_new(arena, FORM_BYTES_MAX);
    struct http_answer answer;
    bool has_refresh = *page_text(connection, "refresh_token") != '\0';
    const char *kind = has_refresh ? "refresh_token" : "access_token";
    append_parameter(&form, "token", str_from_c(page_text(connection, kind)));
    append_parameter(&form, "token_type_hint", str_from_c(kind));
    append_parameter(&form, "client_id", STR(FACTS_CLIENT_HOST));
    if (call_back_channel(sim, arena, connection, "/oauth/revoke", &form, &answer) != OK)
        return false;
    if (answer.status != 200) {
        set_oauth_error(arena, connection, &answer);
        return false;
    }
    json_object_del(connection, "refresh_token");
    return true;
}

/* ---- the resource server ---- */

static json_t *call_resource(const struct sim *sim, struct arena *arena, const json_t *connection,
                             const char *path, const char *content_type, struct str body,
                             const char **out_error)
{
    const char *headers[HEADERS_MAX] = {
        arena_printf(arena, "Authorization: Bearer %s", page_text(connection, "access_token")),
        arena_printf(arena, "MedMij-Request-ID: %s", rand_uuid4_in(arena)),
        arena_printf(arena, "X-Correlation-ID: %s", page_text(connection, "correlation_id")),
        "Accept: application/fhir+json, application/json",
    };
    size_t count = 4;
    if (content_type)
        headers[count++] = arena_printf(arena, "Content-Type: %s", content_type);
    const struct http_call call = {
        .method = content_type ? "POST" : "GET",
        .url = sim_url(sim, arena, fhir_part.host, path),
        .headers = headers,
        .header_count = count,
        .body = body,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .total_timeout_ms = RESOURCE_TIMEOUT_MS,
        .body_max = ANSWER_BYTES_MAX,
        .is_http_allowed = true,
        .is_private_allowed = true,
    };
    struct http_answer answer;
    struct failure failure = {0};
    json_t *value = NULL;
    *out_error = "";
    if (http_client_call(arena, &call, &answer, &failure) != HTTP_CALL_OK) {
        log_warning("pgo_resource_failed", LOG_C("cause", failure.text));
        *out_error = "Het bronsysteem is niet bereikbaar.";
        return NULL;
    }
    if (json_parse_object(answer.body, &value, NULL) != OK) {
        *out_error =
            arena_printf(arena, "Het bronsysteem gaf een onleesbaar antwoord (status %d).", answer.status);
        return NULL;
    }
    if (answer.status != 200 && answer.status != 201) {
        const json_t *issue = json_array_get(json_object_get(value, "issue"), 0);
        *out_error = arena_printf(arena, "%s (status %d).", page_text(issue, "diagnostics"), answer.status);
        json_decref(value);
        return NULL;
    }
    return value;
}

/* Title, detail and date of a resource, wherever its type keeps them. */
static json_t *summarize(const json_t *resource)
{
    const char *title = "";
    const char *detail = "";
    const char *date = "";
    struct str type = str_from_c(page_text(resource, "resourceType"));
    if (str_equal_c(type, "Condition")) {
        title = page_text(json_object_get(resource, "code"), "text");
        detail = page_text(json_array_get(json_object_get(resource, "note"), 0), "text");
        date = page_text(resource, "recordedDate");
    } else if (str_equal_c(type, "Observation")) {
        title = page_text(json_object_get(resource, "code"), "text");
        detail = page_text(resource, "valueString");
        date = page_text(resource, "effectiveDateTime");
    } else if (str_equal_c(type, "DocumentReference")) {
        const json_t *content = json_array_get(json_object_get(resource, "content"), 0);
        title = page_text(resource, "description");
        detail = page_text(json_object_get(content, "attachment"), "title");
        date = page_text(resource, "date");
    } else if (str_equal_c(type, "MedicationRequest")) {
        title = page_text(json_object_get(resource, "medicationCodeableConcept"), "text");
        detail = page_text(json_array_get(json_object_get(resource, "dosageInstruction"), 0), "text");
        date = page_text(resource, "authoredOn");
    }
    return json_pack("{s:s, s:s, s:s}", "title", title, "detail", detail, "date", date);
}

static json_t *new_service(json_t *services, const struct fact_service *service)
{
    json_t *entry = json_pack("{s:s, s:s, s:s, s:[]}", "service", service->id, "name", service->name, "error",
                              "", "items");
    json_array_append_new(services, entry);
    return entry;
}

static void collect(const struct sim *sim, struct arena *arena, const json_t *connection, json_t *services)
{
    struct str scope = str_from_c(page_text(connection, "scope"));
    struct str id;
    while (str_split_next(&scope, ' ', &id)) {
        const struct fact_service *service = fact_find_service(id);
        if (!service)
            continue;
        json_t *entry = new_service(services, service);
        const char *error;
        json_t *bundle = call_resource(sim, arena, connection,
                                       arena_printf(arena, "/fhir/%s/%s", service->id, service->resource),
                                       NULL, STR_NONE, &error);
        json_object_set_new(entry, "error", json_string(error));
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(bundle, "entry"), i, item)
        {
            json_array_append_new(json_object_get(entry, "items"),
                                  summarize(json_object_get(item, "resource")));
        }
        json_decref(bundle);
    }
}

static void share(const struct sim *sim, struct arena *arena, const json_t *connection,
                  const struct fact_service *service, json_t *services)
{
    const char *body = "{\"resourceType\":\"QuestionnaireResponse\",\"status\":\"completed\","
                       "\"item\":[{\"linkId\":\"1\",\"text\":\"Hoe voel je je vandaag?\","
                       "\"answer\":[{\"valueString\":\"Goed\"}]}]}";
    json_t *entry = new_service(services, service);
    const char *error;
    json_t *created = call_resource(sim, arena, connection,
                                    arena_printf(arena, "/fhir/%s/%s", service->id, service->resource),
                                    "application/fhir+json", str_from_c(body), &error);
    json_object_set_new(entry, "error", json_string(error));
    if (created)
        json_array_append_new(json_object_get(entry, "items"),
                              json_pack("{s:s, s:s, s:s}", "title", "Vragenlijst verstuurd", "detail",
                                        "De zorgaanbieder heeft je antwoorden ontvangen.", "date", ""));
    json_decref(created);
}

static void subscribe(const struct sim *sim, struct arena *arena, const json_t *connection,
                      const struct fact_service *service, json_t *services)
{
    json_t *entry = new_service(services, service);
    const char *error;
    int64_t days = fact_granted_days(str_from_c(page_text(connection, "scope")));
    json_t *answer = call_resource(
        sim, arena, connection, arena_printf(arena, "/subscription/%s", service->id), "application/json",
        str_from_c(arena_printf(arena, "{\"days\":%lld}", (long long)days)), &error);
    json_object_set_new(entry, "error", json_string(error));
    if (answer && days > 0)
        json_array_append_new(json_object_get(entry, "items"),
                              json_pack("{s:s, s:s, s:s%}", "title", "Je krijgt meldingen", "detail",
                                        arena_printf(arena, "%lld dagen lang", (long long)days), "date",
                                        page_text(answer, "until"), (size_t)10));
    else if (answer)
        json_array_append_new(
            json_object_get(entry, "items"),
            json_pack("{s:s, s:s, s:s}", "title", "Je krijgt geen meldingen meer", "detail", "", "date", ""));
    json_decref(answer);
}

void pgo_use(const struct sim *sim, struct arena *arena, json_t *connection)
{
    json_t *services = json_array();
    struct str function = str_from_c(page_text(connection, "function"));
    const struct fact_service *service = fact_find_service(str_from_c(page_text(connection, "service")));
    if (str_equal_c(function, "collect"))
        collect(sim, arena, connection, services);
    else if (service && str_equal_c(function, "share"))
        share(sim, arena, connection, service, services);
    else if (service && str_equal_c(function, "subscribe"))
        subscribe(sim, arena, connection, service, services);
    json_object_set_new(connection, "services", services);
    json_object_set_new(connection, "used_at", json_integer(clock_now()));
}
