#include "medmij/introspect.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "medmij/authorization.h"
#include "medmij/door.h"
#include "store/grant.h"

#include <inttypes.h>

#define ANSWER_CAP 4096

static struct str render_facts(struct arena *arena, const struct conf *conf, const struct token_facts *facts)
{
    struct buf answer = buf_new(arena, ANSWER_CAP);
    const struct {
        const char *name;
        struct str value;
    } members[] = {
        {"client_id", facts->client_host},
        {"iss", str_from_c(conf->base_url)},
        {"scope",
         authorization_granted_scope(arena, facts->function, facts->provider, facts->services, facts->days)},
        {"provider", facts->provider},
        {"services", facts->services},
        {"function", facts->function},
        {"person", facts->person},
        {"consent_id", facts->consent_id},
    };
    buf_append_c(&answer, "{\"active\":true,\"token_type\":\"Bearer\"");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        buf_printf(&answer, ",\"%s\":", members[i].name);
        buf_append_json_string(&answer, members[i].value);
    }
    buf_printf(&answer, ",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", facts->issued_at, facts->expires_at);
    return buf_str(&answer);
}

void introspect_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct door *door = context;
    struct form form;
    struct str token;
    struct token_facts facts;
    if (!http_request_has_content_type(request, "application/x-www-form-urlencoded") ||
        form_parse(request->arena, request->body, &form) != OK ||
        form_get(&form, "token", &token) != FORM_ONE) {
        http_response_json(response, 400, STR("{\"error\":\"invalid_request\"}"));
        return;
    }
    switch (token_introspect(door->store, codec_sha256(request->arena, token), clock_now(), request->arena,
                             &facts)) {
    case OK:
        http_response_json(response, 200, render_facts(request->arena, atomic_load(&door->conf), &facts));
        return;
    case ABSENT:
        http_response_json(response, 200, STR("{\"active\":false}"));
        return;
    case FAILED:
        http_response_header(response, "Retry-After", "5");
        http_response_json(response, 503, STR("{\"error\":\"temporarily_unavailable\"}"));
        return;
    }
}
