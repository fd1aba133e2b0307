#include "sign_on.h"

#include "base/buf.h"
#include "provider.h"

#include <sodium.h>

#define PERSONS 1000
#define COOKIES_CAP 8192

/* What differs between the two. */
struct door {
    const char *start, *callback;
    const char *session_cookie; /* "name=" that says that somebody is signed in */
};

static const struct door sluis = {"/sso/openidconnect/bench_test", "/sso/openidconnect/bench_test",
                                  "sluis_s="};
static const struct door apache = {"/app/", "/app/redirect", "mod_auth_openidc_session="};

/* A new browser has no cookies but those of this answer. */
static const char *cookies_of(struct arena *arena, const struct wire_answer *answer)
{
    struct buf buf = buf_new(arena, COOKIES_CAP);
    struct str line;
    for (unsigned i = 0; wire_header(answer, "set-cookie", i, &line); i++) {
        buf_append_c(&buf, i == 0 ? "Cookie: " : "; ");
        buf_append(&buf, str_slice(line, 0, str_find(line, ';')));
    }
    if (buf.length > 0)
        buf_append_c(&buf, "\r\n");
    return buf_c(&buf);
}

static enum outcome get_redirect(struct wire *wire, struct arena *arena, const char *step, const char *target,
                                 const char *headers, struct wire_answer *out_answer,
                                 struct str *out_location, struct failure *failure)
{
    if (wire_call(wire, arena, target, headers, NULL, out_answer, failure) != OK)
        return failure_prefix(failure, "%s", step);
    if ((out_answer->status != 302 && out_answer->status != 303) ||
        !wire_header(out_answer, "location", 0, out_location))
        return failure_set(failure, "%s: status %d", step, out_answer->status);
    return OK;
}

static enum outcome sign_on(struct traveller *traveller, struct wire *wire, const struct door *door,
                            struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct wire_answer answer;
    struct str location, state, nonce, challenge, line;
    if (get_redirect(wire, arena, "start", door->start, "Accept: text/html\r\n", &answer, &location,
                     failure) != OK)
        return FAILED;
    if (!wire_between(location, "state=", "&", &state) || !wire_between(location, "nonce=", "&", &nonce) ||
        !wire_between(location, "code_challenge=", "&", &challenge))
        return failure_set(failure, "start: no authentication request");
    const char *person = arena_printf(arena, "p%u", randombytes_uniform(PERSONS));
    const char *target = arena_printf(arena, "%s?code=%s&state=%.*s", door->callback,
                                      provider_code(arena, nonce, challenge, person), STR_ARG(state));
    const char *headers = arena_printf(arena, "Accept: text/html\r\n%s", cookies_of(arena, &answer));
    if (get_redirect(wire, arena, "callback", target, headers, &answer, &location, failure) != OK)
        return FAILED;
    for (unsigned i = 0; wire_header(&answer, "set-cookie", i, &line); i++)
        if (str_starts_with(line, str_from_c(door->session_cookie)))
            return OK;
    return failure_set(failure, "callback: not signed in");
}

enum outcome sign_on_sluis(struct traveller *traveller, struct failure *failure)
{
    return sign_on(traveller, traveller->front, &sluis, failure);
}

enum outcome sign_on_apache(struct traveller *traveller, struct failure *failure)
{
    return sign_on(traveller, traveller->peer, &apache, failure);
}
