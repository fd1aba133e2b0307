#include "medmij/revoke.h"

#include "base/codec.h"
#include "medmij/back_channel.h"
#include "store/grant.h"

void revoke_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct back_call call;
    struct str token;
    bool is_sound = back_call_begin(&call, door, request, response, EVENT_RECEIVE_REVOCATION_REQUEST,
                                    EVENT_SEND_REVOCATION_ERROR);
    if (is_sound && back_call_authenticate(&call) && back_call_require(&call, "token", &token)) {
        struct visit *visit = &call.visit;
        /* token_type_hint is a hint only; both kinds are looked for anyway (RFC 7009 2.1). */
        switch (
            token_revoke(visit->door->store, codec_sha256(visit->arena, token), call.client_id, visit->now)) {
        case OK:
        case ABSENT: /* unknown, or another client's: the answer is the same (RFC 7009 2.2) */
            http_response_json(response, 200, STR("{}"));
            visit_event(visit, EVENT_SEND_REVOCATION_RESPONSE, NULL);
            break;
        case FAILED:
            back_call_unavailable(&call, "the store failed");
            break;
        }
    }
    back_call_end(&call);
}
