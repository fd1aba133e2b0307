/* Logout tokens: whatever is posted, only what was signed and says so ends a session. The input is the claims
 * of a token that the provider did sign (a byte chooses its typ), and also a token as it stands. */
#include "idp/logout.h"
#include "jose/claims.h"
#include "jose/jws.h"

#include "fuzz.h"

#define NOW INT64_C(1760000100)

static void judge(struct str token, const struct jwk_set *keys, struct arena *arena)
{
    static const char *const algs[] = {"ES256"};
    const struct idp_connection connection = {.id = "fuzz",
                                              .issuer = "https://idp.example",
                                              .client_id = "sluis",
                                              .signing_algs = algs,
                                              .signing_alg_count = 1,
                                              .skew_s = 60};
    struct failure failure = {""};
    struct logout_token read;
    enum idp_result result = logout_token_check(token, keys, &connection, NOW, arena, &read, &failure);
    check(logout_token_rules_kept(result) <= logout_token_rules_kept(IDP_OK));
    if (result != IDP_OK) {
        check(failure.text[0] != '\0');
        return;
    }
    check(read.jti.length > 0 && read.subject.length + read.sid.length > 0);
    check(read.accepted_until > NOW && read.accepted_until < NOW + 2000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwk *key;
    static struct jwk_set *keys;
    static const char *const types[] = {NULL, "JWT", "logout+jwt", "at+jwt"};
    struct failure failure = {""};
    struct arena *arena = arena_new();
    if (key == NULL) {
        struct str half;
        check(jwk_generate("ES256", "k-1", &key, &failure) == OK);
        check(jwk_export(key, arena, false, &half) == OK);
        const char *json = arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARG(half));
        check(jwk_set_parse(str_from_c(json), &keys, &failure) == OK);
    }
    struct str input = str_of(data, size), token;
    judge(input, keys, arena);
    json_t *claims = NULL;
    if (size > 1 && json_parse_object(str_slice(input, 1, size), &claims, &failure) == OK) {
        if (jws_sign(key, "ES256", types[data[0] % 4], claims, arena, &token, &failure) == OK)
            judge(token, keys, arena);
        json_decref(claims);
    }
    arena_free(&arena);
    return 0;
}
