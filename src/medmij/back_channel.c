#include "medmij/back_channel.h"

#include "base/buf.h"
#include "base/log.h"

static void answer_error(struct back_call *call, int status, const char *error, const char *cause)
{
    struct visit *visit = &call->visit;
    struct buf body = buf_new(visit->arena, 256);
    buf_printf(&body, "{\"error\":\"%s\"}", error);
    http_response_json(visit->response, status, buf_str(&body));
    log_info("back_channel_refused", LOG_C("error", error), LOG_C("cause", cause),
             LOG_STR("client", call->client_id), LOG_STR("trace_id", visit->authorization.trace_id),
             LOG_STR("session_id", visit->authorization.session_id), LOG_C("request", visit->request->id));
    visit->authorization.fault_detail = NULL;
    visit_event(visit, call->error_event, error);
}

void back_call_refuse(struct back_call *call, const char *error, const char *cause)
{
    if (strcmp(error, "invalid_client") == 0) {
        /* RFC 6749 5.2 asks for a challenge with 401; mutual TLS has no registered scheme, so it is named
         * plainly. */
        http_response_header(call->visit.response, "WWW-Authenticate", "MutualTLS");
        answer_error(call, 401, error, cause);
    } else {
        answer_error(call, 400, error, cause);
    }
}

void back_call_unavailable(struct back_call *call, const char *cause)
{
    http_response_header(call->visit.response, "Retry-After", "30");
    answer_error(call, 503, "temporarily_unavailable", cause);
}

/* One id header (core.tknint.208): echoed when it is a UUID. */
static bool read_id(struct back_call *call, const char *name, struct str *out_id)
{
    struct visit *visit = &call->visit;
    enum form_lookup found = http_request_header(visit->request, name, out_id);
    if (found == FORM_MISSING)
        return !visit->conf->are_ids_required;
    if (found != FORM_ONE || !str_is_uuid(*out_id)) {
        *out_id = STR_NONE;
        return false;
    }
    http_response_header(visit->response, name, arena_strndup(visit->arena, out_id->data, out_id->length));
    return true;
}

/* Parameters come in the body; in the query of a POST only when the configuration accepts that old form
 * (spec 3.6). */
static bool read_form(struct back_call *call)
{
    const struct http_request *request = call->visit.request;
    if (request->query.length > 0 && !call->visit.conf->is_post_query_accepted) {
        if (form_parse(call->visit.arena, request->query, &call->form) != OK)
            call->form = (struct form){0};
        return false;
    }
    bool is_in_query = request->body.length == 0 && request->query.length > 0;
    if (!is_in_query && !http_request_has_content_type(request, "application/x-www-form-urlencoded"))
        return false;
    return form_parse(call->visit.arena, is_in_query ? request->query : request->body, &call->form) == OK;
}

/* The event log names the grant types of OAuth; what else a caller may have put there, a token for instance,
 * stays out of it. */
static struct str loggable_grant_type(const struct form *form)
{
    const struct str known[] = {STR("authorization_code"), STR("refresh_token")};
    struct str grant_type;
    if (form_get(form, "grant_type", &grant_type) != FORM_ONE)
        return STR_NONE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_equal(grant_type, known[i]))
            return known[i];
    return STR("other");
}

bool back_call_begin(struct back_call *call, void *door, const struct http_request *request,
                     struct http_response *response, enum medmij_event received,
                     enum medmij_event error_event)
{
    *call = (struct back_call){.visit = visit_begin(door, request, response), .error_event = error_event};
    struct authorization *ids = &call->visit.authorization;
    bool is_traced = read_id(call, "MedMij-Request-ID", &ids->trace_id);
    call->are_ids_sound = read_id(call, "X-Correlation-ID", &ids->session_id) && is_traced;
    bool is_form = read_form(call);
    if (is_form)
        call->visit.grant_type = loggable_grant_type(&call->form);
    visit_event(&call->visit, received, NULL);
    if (is_form)
        return true;
    back_call_refuse(call, "invalid_request", "parameters are not a form in the body");
    return false;
}

void back_call_end(struct back_call *call)
{
    visit_end(&call->visit);
}

bool back_call_require(struct back_call *call, const char *name, struct str *out_value)
{
    if (form_get(&call->form, name, out_value) == FORM_ONE && out_value->length > 0)
        return true;
    back_call_refuse(call, "invalid_request",
                     arena_printf(call->visit.arena, "%s is missing, repeated or malformed", name));
    return false;
}

static bool certificate_names(const struct http_request *request, struct str host)
{
    const struct http_client_certificate *certificate = &request->client_certificate;
    for (size_t i = 0; certificate->is_present && i < certificate->host_count; i++)
        if (str_equal(certificate->hosts[i], host))
            return true;
    return false;
}

bool back_call_authenticate(struct back_call *call)
{
    struct visit *visit = &call->visit;
    struct str client_id;
    if (!back_call_require(call, "client_id", &client_id))
        return false;
    if (!visit->request->client_certificate.is_present) {
        back_call_refuse(call, "invalid_client", "no client certificate that verifies");
        return false;
    }
    if (!certificate_names(visit->request, client_id)) {
        back_call_refuse(call, "invalid_client", "client_id is not a host of the client certificate");
        return false;
    }
    enum outcome whitelisted = lists_find_whitelisted(visit->lists, client_id);
    enum outcome known = lists_find_client(visit->lists, client_id, &visit->authorization.client);
    if (whitelisted == FAILED || known == FAILED) {
        back_call_unavailable(call, "the Whitelist or the OAuth client list is missing or too old");
        return false;
    }
    if (whitelisted == ABSENT || known == ABSENT) {
        back_call_refuse(call, "invalid_client",
                         whitelisted == ABSENT ? "the host is not on the Whitelist"
                                               : "the host is not in the client list");
        return false;
    }
    call->client_id = visit->authorization.client_id = client_id;
    if (!call->are_ids_sound)
        back_call_refuse(call, "invalid_request",
                         "MedMij-Request-ID or X-Correlation-ID is missing or not a UUID");
    return call->are_ids_sound;
}
