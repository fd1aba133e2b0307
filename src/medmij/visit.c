#include "medmij/visit.h"

#include "base/clock.h"
#include "base/codec.h"
#include "medmij/redirect_uri.h"

struct visit visit_begin(void *door, const struct http_request *request, struct http_response *response)
{
    struct door *medmij = door;
    return (struct visit){
        .door = medmij,
        .conf = atomic_load(&medmij->conf),
        .request = request,
        .response = response,
        .arena = request->arena,
        .lists = lists_acquire(medmij->lists),
        .catalog = cached_acquire(medmij->catalog),
        .now = clock_now(),
    };
}

void visit_end(struct visit *visit)
{
    lists_release(&visit->lists);
    cached_release(&visit->catalog);
}

void visit_event(const struct visit *visit, enum medmij_event event, const char *error_code)
{
    const struct authorization *authorization = &visit->authorization;
    struct event_facts facts = {
        .session_id = authorization->session_id,
        .trace_id = authorization->trace_id,
        .client_id = authorization->client ? authorization->client_id : STR_NONE,
        .provider_id = authorization->provider ? authorization->provider->name : STR_NONE,
        .service_id = authorization->provider && authorization->function != FUNCTION_COLLECT &&
                              authorization->service_count == 1
                          ? authorization->services[0].id
                          : STR_NONE,
        .grant_type = visit->grant_type,
        .error_code = str_from_c(error_code),
        .error_description = error_code ? authorization->fault_detail : NULL,
        .status = visit->response->status,
    };
    events_write(visit->door->events, event, visit->request, &facts);
}

const char *visit_back_url(const struct visit *visit, const char *error_code)
{
    const struct authorization *authorization = &visit->authorization;
    if (authorization->redirect_uri.length == 0)
        return NULL;
    const char *const names[] = {"error", "state"};
    const struct str values[] = {str_from_c(error_code), authorization->state};
    return redirect_uri_append(visit->arena, authorization->redirect_uri, names, values,
                               authorization->state.length > 0 ? 2 : 1);
}

struct str visit_form_token(const struct visit *visit, struct str flow_id)
{
    return codec_base64url(visit->arena,
                           vault_lookup_hash(visit->door->vault, visit->arena, "form.cancelled", flow_id));
}
