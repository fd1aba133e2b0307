#include "http/browser.h"

#include "base/codec.h"
#include "base/rand.h"
#include "base/secret.h"
#include "http/cookie.h"

static const char *cookie_name(enum browser_cookie cookie)
{
    return cookie == BROWSER_ANY_SITE ? "sluis_bn" : "sluis_b";
}

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
                            enum browser_cookie cookie, bool *out_is_new)
{
    struct str digest;
    *out_is_new = !browser_find(request, cookie, &digest);
    if (*out_is_new) {
        struct str value = rand_token(request->arena);
        const char *name = cookie_name(cookie);
        http_response_header(response, "Set-Cookie",
                             cookie == BROWSER_ANY_SITE
                                 ? cookie_set_any_site(request->arena, name, value, request->is_https)
                                 : cookie_set(request->arena, name, value, request->is_https));
        digest = codec_sha256(request->arena, value);
    }
    return digest;
}

bool browser_find(const struct http_request *request, enum browser_cookie cookie, struct str *out_digest)
{
    return browser_cookie_digest(request, cookie_name(cookie), out_digest);
}

bool browser_is(const struct http_request *request, enum browser_cookie cookie, struct str digest)
{
    struct str own;
    return browser_find(request, cookie, &own) && secret_equal(digest, own);
}
