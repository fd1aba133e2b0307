/* Tokens: nothing that was not signed by a key of the set may pass, and claims are read without harm. */
#include "jose/claims.h"
#include "jose/jws.h"

#include "fuzz.h"

/* RFC 7515 A.2 and A.3. */
static const struct str keys_json = STR(
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR"
    "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ"
    "OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8"
    "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}]}");

static void read_claims(const json_t *claims, struct str path)
{
    struct str text;
    int64_t seconds;
    if (claim_text(claims, "sub", &text) == OK)
        check(strlen(text.data) == text.length);
    if (claim_time(claims, "exp", &seconds) == OK)
        check(seconds >= -9000000000000000 && seconds <= 9000000000000000);
    if (claim_path(claims, path, &text) == OK)
        check(str_is_utf8(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwk_set *keys;
    static const char *const algs[] = {"RS256", "PS256", "ES256", "HS256"};
    struct failure failure = {""};
    if (keys == NULL)
        check(jwk_set_parse(keys_json, &keys, &failure) == OK && jwk_set_count(keys) == 2);
    struct str input = str_of(data, size);
    const struct jws_options options = {
        .algs = algs, .alg_count = 4, .hmac_secret = STR("0123456789abcdef0123456789abcdef")};
    json_t *payload = NULL, *object = NULL;
    const char *alg = NULL;
    enum jws_result result = jws_verify(input, keys, &options, &payload, &alg, &failure);
    check((result == JWS_OK) == (payload != NULL) && (result == JWS_OK) == (alg != NULL));
    if (result == JWS_OK)
        read_claims(payload, STR("a.b"));
    json_decref(payload);
    bool is_readable = jws_peek_header(input, &object) == OK;
    check(is_readable ? json_is_object(object) : result != JWS_OK);
    if (is_readable)
        json_decref(object);

    /* The same bytes as bare claims; the part before the first brace is a path. */
    size_t brace = str_find(input, '{');
    if (json_parse_object(str_slice(input, brace, size), &object, &failure) == OK) {
        check(json_is_object(object));
        read_claims(object, str_slice(input, 0, brace));
        json_decref(object);
    }
    return 0;
}
