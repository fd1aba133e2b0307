#include "http/browser.h"

#include "base/codec.h"
#include "base/rand.h"
#include "base/secret.h"
#include "http/cookie.h"

#define BROWSER_COOKIE "sluis_b"

bool browser_cookie_digest(const struct http_request *request, const char *name, struct str *out_digest)
{
    struct str header, value;
    if (http_request_header(request, "Cookie", &header) != FORM_ONE ||
        cookie_find(request->arena, header, name, request->is_https, &value) != OK ||
        value.length != TOKEN_TEXT_LENGTH)
        return false;
    *out_digest = codec_sha256(request->arena, value);
    return true;
}

struct str browser_identify(const struct http_request *request, struct http_response *response,
                            bool *out_is_new)
{
    struct str digest;
    *out_is_new = !browser_find(request, &digest);
    if (*out_is_new) {
        struct str value = rand_token(request->arena);
        http_response_header(response, "Set-Cookie",
                             cookie_set(request->arena, BROWSER_COOKIE, value, request->is_https));
        digest = codec_sha256(request->arena, value);
    }
    return digest;
}

bool browser_find(const struct http_request *request, struct str *out_digest)
{
    return browser_cookie_digest(request, BROWSER_COOKIE, out_digest);
}

bool browser_is(const struct http_request *request, struct str digest)
{
    struct str own;
    return browser_find(request, &own) && secret_equal(digest, own);
}
