#include "oauth.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/secret.h"
#include "page.h"

#define CREDENTIALS_BYTES_MAX ((size_t)8192)

/* RFC 6749 2.3.1: id and secret are form-encoded before they go into HTTP Basic. */
static enum outcome basic_credentials(struct arena *arena, struct str encoded, struct str *out_id,
                                      struct str *out_secret)
{
    struct str pair;
    struct form form;
    if (codec_base64_decode(arena, encoded, &pair) != OK)
        return FAILED;
    size_t colon = str_find(pair, ':');
    if (colon == pair.length)
        return FAILED;
    struct buf text = buf_new(arena, CREDENTIALS_BYTES_MAX);
    buf_append_c(&text, "id=");
    buf_append(&text, str_slice(pair, 0, colon));
    buf_append_c(&text, "&secret=");
    buf_append(&text, str_slice(pair, colon + 1, pair.length));
    if (text.overflowed || form_parse(arena, buf_str(&text), &form) != OK)
        return FAILED;
    *out_id = page_field(&form, "id");
    *out_secret = page_field(&form, "secret");
    return OK;
}

enum outcome oauth_credentials(const struct http_request *request, const struct form *form,
                               struct str *out_id, struct str *out_secret)
{
    *out_id = page_field(form, "client_id");
    *out_secret = page_field(form, "client_secret");
    struct str authorization = page_header(request, "Authorization");
    if (authorization.length == 0)
        return out_id->length > 0 && out_secret->length > 0 ? OK : FAILED;
    struct str scheme = str_slice(authorization, 0, str_find(authorization, ' '));
    if (!str_equal_ignoring_case(scheme, STR("Basic")) || out_secret->length > 0)
        return FAILED;
    struct str encoded = str_trim(str_slice(authorization, scheme.length, authorization.length));
    return basic_credentials(request->arena, encoded, out_id, out_secret);
}

static bool is_verifier_of(struct arena *arena, struct str verifier, const json_t *asked)
{
    struct str challenge = codec_base64url(arena, codec_sha256(arena, verifier));
    return secret_equal(str_from_c(page_text(asked, "code_challenge")), challenge);
}

json_t *oauth_take_grant(struct shelf *codes, const struct http_request *request, const struct form *form)
{
    json_t *grant = shelf_take(codes, page_field(form, "code"));
    if (grant && str_equal_c(page_field(form, "redirect_uri"), page_text(grant, "redirect_uri")) &&
        is_verifier_of(request->arena, page_field(form, "code_verifier"), grant))
        return grant;
    json_decref(grant);
    return NULL;
}

void oauth_token_error(struct http_response *response, int status, const char *code, const char *description)
{
    page_json(response, status, json_pack("{s:s, s:s*}", "error", code, "error_description", description));
    if (status == 401)
        http_response_header(response, "WWW-Authenticate", "Basic realm=\"sluis-sim\"");
}

struct str oauth_bearer(const struct http_request *request)
{
    struct str scheme = STR("Bearer ");
    struct str authorization = page_header(request, "Authorization");
    return str_starts_with(authorization, scheme)
               ? str_slice(authorization, scheme.length, authorization.length)
               : STR_NONE;
}

void oauth_refuse_bearer(struct http_response *response)
{
    page_json(response, 401, json_pack("{s:s}", "error", "invalid_token"));
    http_response_header(response, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
}

bool oauth_has_word(struct str list, const char *word)
{
    struct str part;
    while (str_split_next(&list, ' ', &part)) {
        if (str_equal_c(part, word))
            return true;
    }
    return false;
}

void oauth_put_text(json_t *object, const char *name, struct str text)
{
    json_object_set_new(object, name, json_stringn(text.data ? text.data : "", text.length));
}
