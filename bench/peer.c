#include "peer.h"

#include "base/buf.h"
#include "base/codec.h"

#define COOKIES_MAX 16
#define STEPS_MAX 12
#define HEADERS_CAP 8192

struct cookie {
    struct str name, value;
};

struct jar {
    struct cookie cookies[COOKIES_MAX];
    size_t count;
};

static void put_cookie(struct jar *jar, struct arena *arena, struct str line)
{
    struct str pair = str_slice(line, 0, str_find(line, ';'));
    size_t equals = str_find(pair, '=');
    struct str name = str_slice(pair, 0, equals), value = str_slice(pair, equals + 1, pair.length);
    size_t at = 0;
    while (at < jar->count && !str_equal(jar->cookies[at].name, name))
        at++;
    if (at == COOKIES_MAX)
        return;
    if (at == jar->count)
        jar->count++;
    jar->cookies[at] = (struct cookie){str_copy(arena, name), str_copy(arena, value)};
}

/* Deleted cookies come with an empty value. */
static const char *render_cookies(const struct jar *jar, struct arena *arena)
{
    struct buf buf = buf_new(arena, HEADERS_CAP);
    for (size_t i = 0; i < jar->count; i++) {
        if (jar->cookies[i].value.length == 0)
            continue;
        buf_append_c(&buf, buf.length == 0 ? "Cookie: " : "; ");
        buf_append(&buf, jar->cookies[i].name);
        buf_append_char(&buf, '=');
        buf_append(&buf, jar->cookies[i].value);
    }
    if (buf.length > 0)
        buf_append_c(&buf, "\r\n");
    return buf_c(&buf);
}

static enum outcome step(struct traveller *traveller, struct jar *jar, const char *target, const char *form,
                         struct wire_answer *out_answer, struct failure *failure)
{
    struct str body = str_from_c(form), line;
    if (wire_call(traveller->peer, traveller->arena, target, render_cookies(jar, traveller->arena),
                  form ? &body : NULL, out_answer, failure) != OK)
        return FAILED;
    for (unsigned i = 0; wire_header(out_answer, "set-cookie", i, &line); i++)
        put_cookie(jar, traveller->arena, line);
    if (out_answer->status != 200 && out_answer->status != 303)
        return failure_set(failure, "peer: status %d", out_answer->status);
    return OK;
}

/* From page to page as a browser would, until it is sent to the client. */
static enum outcome walk(struct traveller *traveller, const char *target, struct str *out_code,
                         struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct jar jar = {.count = 0};
    struct wire_answer answer;
    const char *form = NULL;
    for (int i = 0; i < STEPS_MAX; i++) {
        struct str location;
        if (step(traveller, &jar, target, form, &answer, failure) != OK)
            return FAILED;
        form = NULL;
        if (answer.status == 200) {
            bool is_login = wire_between(answer.body, "name=\"login\"", ">", &location);
            form = is_login ? "prompt=login&login=sanne&password=x" : "prompt=consent";
            continue;
        }
        if (!wire_header(&answer, "location", 0, &location))
            return failure_set(failure, "peer: a redirect to nowhere");
        if (str_starts_with(location, STR(CLIENT_REDIRECT))) {
            if (!wire_between(location, "code=", "&", out_code))
                return failure_set(failure, "peer: no code");
            *out_code = str_copy(arena, *out_code);
            return OK;
        }
        struct str path;
        if (wire_between(location, "://", "#", &path))
            location = str_slice(path, str_find(path, '/'), path.length);
        target = arena_strndup(arena, location.data, location.length);
    }
    return failure_set(failure, "peer: too many steps");
}

enum outcome peer_authorize(struct traveller *traveller, struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct str verifier = rand_token(arena), code;
    const char *target = arena_printf(
        arena,
        "/auth?response_type=code&client_id=bench&redirect_uri=https%%3A%%2F%%2F" CLIENT_HOST
        "%%2Fcallback&scope=openid&state=%.*s&code_challenge=%.*s&code_challenge_method=S256",
        STR_ARG(rand_token(arena)), STR_ARG(codec_base64url(arena, codec_sha256(arena, verifier))));
    if (walk(traveller, target, &code, failure) != OK)
        return FAILED;
    struct jar none = {.count = 0};
    struct wire_answer answer;
    struct str token;
    const char *form =
        arena_printf(arena,
                     "grant_type=authorization_code&client_id=bench&client_secret=bench-secret&code=%.*s"
                     "&redirect_uri=https%%3A%%2F%%2F" CLIENT_HOST "%%2Fcallback&code_verifier=%.*s",
                     STR_ARG(code), STR_ARG(verifier));
    if (step(traveller, &none, "/token", form, &answer, failure) != OK)
        return FAILED;
    if (!wire_between(answer.body, "\"access_token\":\"", "\"", &token))
        return failure_set(failure, "peer: no token");
    return OK;
}
