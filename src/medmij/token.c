#include "medmij/token.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"

#define ANSWER_CAP 4096

struct token_pair token_make(const struct back_call *call, struct str services, bool with_refresh)
{
    const struct visit *visit = &call->visit;
    struct token_pair pair = {.access = rand_token(visit->arena)};
    pair.issue = (struct token_issue){
        .access_digest = codec_sha256(visit->arena, pair.access),
        .services = services,
        .access_expires_at = visit->now + visit->conf->access_lifetime_s,
    };
    if (with_refresh) {
        pair.refresh = rand_token(visit->arena);
        pair.issue.refresh_digest = codec_sha256(visit->arena, pair.refresh);
        pair.issue.refresh_expires_at = visit->now + visit->conf->refresh_lifetime_s;
    }
    return pair;
}

static bool is_offered(const struct catalog_provider *provider, struct str id, struct str function)
{
    for (size_t i = 0; i < provider->service_count; i++)
        if (str_equal(provider->services[i].id, id) && str_equal(provider->services[i].function, function))
            return true;
    return false;
}

bool token_narrow_services(struct back_call *call, const struct consent *consent, struct str *services)
{
    const struct authorization *authorization = &call->visit.authorization;
    struct buf left = buf_new(call->visit.arena, ANSWER_CAP);
    struct str rest = *services, id;
    bool is_any_offered = false;
    while (str_split_next(&rest, ' ', &id)) {
        if (id.length == 0 || !is_offered(authorization->provider, id, consent->function))
            continue;
        is_any_offered = true;
        if (!list_client_has_service(authorization->client, id))
            continue;
        if (left.length > 0)
            buf_append_char(&left, ' ');
        buf_append(&left, id);
    }
    *services = buf_str(&left);
    if (left.length > 0)
        return true;
    if (is_any_offered)
        back_call_refuse(call, "unauthorized_client",
                         "the client list allows this client none of the services");
    else
        back_call_refuse(call, "invalid_grant", "the provider offers none of the services any more");
    return false;
}

struct str token_answer(struct back_call *call, const struct token_pair *pair, const struct consent *consent)
{
    struct arena *arena = call->visit.arena;
    struct buf answer = buf_new(arena, ANSWER_CAP);
    buf_append_c(&answer, "{\"access_token\":");
    buf_append_json_string(&answer, pair->access);
    buf_append_c(&answer, ",\"token_type\":\"Bearer\",\"expires_in\":");
    buf_printf(&answer, "%lld", (long long)call->visit.conf->access_lifetime_s);
    if (pair->refresh.length > 0) {
        buf_append_c(&answer, ",\"refresh_token\":");
        buf_append_json_string(&answer, pair->refresh);
    }
    buf_append_c(&answer, ",\"scope\":");
    buf_append_json_string(&answer, authorization_granted_scope(arena, consent->function, consent->provider,
                                                                pair->issue.services, consent->days));
    buf_append_char(&answer, '}');
    return buf_str(&answer);
}

void token_send(struct back_call *call, struct str answer)
{
    http_response_json(call->visit.response, 200, answer);
    visit_event(&call->visit, EVENT_SEND_TOKEN_RESPONSE, NULL);
}

const struct catalog_provider *token_provider(struct back_call *call, const struct consent *consent)
{
    call->visit.authorization.provider = catalog_find_provider(call->visit.catalog, consent->provider);
    return call->visit.authorization.provider;
}

void token_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct back_call call;
    struct str grant_type;
    bool is_form =
        back_call_begin(&call, door, request, response, EVENT_RECEIVE_TOKEN_REQUEST, EVENT_SEND_TOKEN_ERROR);
    struct code_offer offer = token_retire_code(&call);
    if (is_form && back_call_authenticate(&call) && back_call_require(&call, "grant_type", &grant_type)) {
        if (str_equal(grant_type, STR("authorization_code")))
            token_by_code(&call, &offer);
        else if (str_equal(grant_type, STR("refresh_token")))
            token_by_refresh(&call);
        else
            back_call_refuse(&call, "unsupported_grant_type",
                             "grant_type is neither authorization_code nor refresh_token");
    }
    back_call_end(&call);
}
