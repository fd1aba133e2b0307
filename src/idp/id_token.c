#include "idp/id_token.h"

#include "base/codec.h"
#include "base/secret.h"
#include "jose/claims.h"

#include <openssl/evp.h>

#define SUB_LENGTH_MAX 255
#define SKEW_MAX_S 300

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

struct jws_options id_token_jws_options(const struct idp_connection *connection)
{
    static const char *const rs256_only[] = {"RS256"}; /* IDT-2 */
    struct jws_options options = {
        .algs = connection->signing_algs,
        .alg_count = connection->signing_alg_count,
        .hmac_secret = connection->client_secret,
    };
    if (options.alg_count == 0) {
        options.algs = rs256_only;
        options.alg_count = 1;
    }
    return options;
}

enum idp_result id_token_jws_result(enum jws_result result)
{
    switch (result) {
    case JWS_OK:
        return IDP_OK;
    case JWS_MALFORMED:
        return IDP_ID_TOKEN_MALFORMED;
    case JWS_ENCRYPTED:
        return IDP_ID_TOKEN_ENCRYPTED;
    case JWS_ALG_REFUSED:
        return IDP_ID_TOKEN_ALG;
    case JWS_KEY_UNKNOWN:
        return IDP_ID_TOKEN_KEY;
    case JWS_BAD_SIGNATURE:
        return IDP_ID_TOKEN_SIGNATURE;
    }
    return IDP_ID_TOKEN_SIGNATURE;
}

/* IDT-7. No connection has a list of other trusted audiences, so every audience must be us. */
static enum idp_result check_audience(const json_t *claims, const char *client_id, struct failure *failure)
{
    const json_t *audience = json_object_get(claims, "aud");
    if (audience == NULL)
        return refuse(failure, IDP_ID_TOKEN_AUD, "no aud");
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), client_id) == 0
                   ? IDP_OK
                   : refuse(failure, IDP_ID_TOKEN_AUD, "aud is not this client");
    if (!json_is_array(audience))
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "aud is neither text nor list");
    if (json_array_size(audience) == 0)
        return refuse(failure, IDP_ID_TOKEN_AUD, "aud is empty");
    size_t index;
    json_t *value;
    json_array_foreach(audience, index, value)
    {
        if (!json_is_string(value))
            return refuse(failure, IDP_ID_TOKEN_MALFORMED, "aud holds something else than text");
        if (strcmp(json_string_value(value), client_id) != 0)
            return refuse(failure, IDP_ID_TOKEN_AUD, "aud names another party");
    }
    return IDP_OK;
}

enum idp_result id_token_check_parties(const json_t *claims, const struct idp_connection *connection,
                                       const char *issuer, struct failure *failure)
{
    struct str iss;
    enum outcome outcome = claim_text(claims, "iss", &iss);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "iss is no text");
    if (outcome == ABSENT || !str_equal_c(iss, issuer)) /* IDT-6: bytewise */
        return refuse(failure, IDP_ID_TOKEN_ISS, "iss is not the configured issuer");
    return check_audience(claims, connection->client_id, failure);
}

static enum idp_result check_authorized_party(const json_t *claims, const char *client_id,
                                              struct failure *failure)
{
    struct str azp;
    switch (claim_text(claims, "azp", &azp)) {
    case ABSENT:
        return IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "azp is no text");
    case OK:
        break;
    }
    return str_equal_c(azp, client_id) ? IDP_OK : refuse(failure, IDP_ID_TOKEN_AZP, "azp is another party");
}

static int64_t skew_of(const struct idp_connection *connection)
{
    return connection->skew_s < 0 ? 0 : connection->skew_s > SKEW_MAX_S ? SKEW_MAX_S : connection->skew_s;
}

/* Times are within +-9e15, so sums with a skew cannot overflow. */
enum idp_result id_token_check_times(const json_t *claims, const struct idp_connection *connection,
                                     int64_t now, bool is_exp_required, struct failure *failure)
{
    int64_t exp, iat, nbf, skew = skew_of(connection);
    enum outcome has_exp = claim_time(claims, "exp", &exp), has_iat = claim_time(claims, "iat", &iat),
                 has_nbf = claim_time(claims, "nbf", &nbf);
    if (has_exp == FAILED || has_iat == FAILED || has_nbf == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "exp, iat or nbf is no time");
    if (is_exp_required && has_exp == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_CLAIM_MISSING, "no exp");
    if (has_iat == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_CLAIM_MISSING, "no iat");
    if (has_exp == OK && now >= exp + skew) {
        failure_set(failure, "expired %lld s ago", (long long)(now - exp));
        return IDP_ID_TOKEN_EXP;
    }
    if (iat > now + skew || iat < now - ID_TOKEN_IAT_AGE_MAX_S) {
        failure_set(failure, "issued %lld s ago; compare the clocks", (long long)(now - iat));
        return IDP_ID_TOKEN_IAT;
    }
    if (has_nbf == OK && nbf > now + skew) {
        failure_set(failure, "valid in %lld s only; compare the clocks", (long long)(nbf - now));
        return IDP_ID_TOKEN_NBF;
    }
    return IDP_OK;
}

/* IDT-13 */
static enum idp_result check_nonce(const json_t *claims, struct str expected, struct failure *failure)
{
    struct str nonce;
    enum outcome outcome = claim_text(claims, "nonce", &nonce);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "nonce is no text");
    if (outcome == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_NONCE, "no nonce");
    if (expected.length == 0 || !secret_equal(expected, nonce))
        return refuse(failure, IDP_ID_TOKEN_NONCE, "nonce is of another attempt");
    return IDP_OK;
}

/* Any other type is a missing sub too (error 514). */
enum idp_result id_token_check_subject(const json_t *claims, struct failure *failure)
{
    struct str subject;
    if (claim_text(claims, "sub", &subject) != OK)
        return refuse(failure, IDP_ID_TOKEN_SUB, "no sub of type text");
    if (subject.length == 0 || subject.length > SUB_LENGTH_MAX || !str_is_printable_ascii(subject))
        return refuse(failure, IDP_ID_TOKEN_SUB, "sub is not 1 to 255 printable characters");
    return IDP_OK;
}

/* The left half of the hash that the alg implies (OpenID Connect Core 3.1.3.6), base64url. */
static enum outcome half_hash(struct arena *arena, const char *alg, struct str text, struct str *out_half)
{
    const EVP_MD *digest = NULL;
    if (strcmp(alg + 2, "256") == 0)
        digest = EVP_sha256();
    else if (strcmp(alg + 2, "384") == 0)
        digest = EVP_sha384();
    else if (strcmp(alg + 2, "512") == 0)
        digest = EVP_sha512();
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (digest == NULL || EVP_Digest(text.data, text.length, hash, &length, digest, NULL) != 1)
        return FAILED;
    *out_half = codec_base64url(arena, str_of(hash, length / 2));
    return OK;
}

/* IDT-16 */
static enum idp_result check_access_token_hash(const json_t *claims, const char *alg, struct str access_token,
                                               struct failure *failure)
{
    struct str offered, expected;
    switch (claim_text(claims, "at_hash", &offered)) {
    case ABSENT:
        return IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "at_hash is no text");
    case OK:
        break;
    }
    if (access_token.length == 0)
        return refuse(failure, IDP_ID_TOKEN_AT_HASH, "at_hash, but no access token came");
    struct arena *arena = arena_new();
    bool is_equal = half_hash(arena, alg, access_token, &expected) == OK && secret_equal(expected, offered);
    arena_free(&arena);
    return is_equal ? IDP_OK : refuse(failure, IDP_ID_TOKEN_AT_HASH, "at_hash is of another access token");
}

/* IDT-17 */
static enum idp_result check_login_age(const json_t *claims, int64_t max_age, int64_t now, int64_t skew,
                                       struct failure *failure)
{
    int64_t auth_time;
    enum outcome outcome = claim_time(claims, "auth_time", &auth_time);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "auth_time is no time");
    if (max_age < 0)
        return IDP_OK;
    if (outcome == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_AUTH_TIME, "no auth_time, though max_age was asked");
    if (now - auth_time - skew > max_age)
        return refuse(failure, IDP_ID_TOKEN_AUTH_TIME, "the login is older than max_age");
    return IDP_OK;
}

/* IDT-18 */
static enum idp_result check_strength(const json_t *claims, const struct idp_connection *connection,
                                      struct failure *failure)
{
    struct str acr, accepted = str_from_c(connection->acr_values), value;
    enum outcome outcome = claim_text(claims, "acr", &acr);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "acr is no text");
    if (!connection->is_acr_required)
        return IDP_OK;
    if (outcome == OK && acr.length > 0)
        while (str_split_next(&accepted, ' ', &value))
            if (str_equal(value, acr))
                return IDP_OK;
    return refuse(failure, IDP_ID_TOKEN_ACR, "acr is not one of those required");
}

static enum idp_result check_claims(const json_t *claims, const struct idp_connection *connection,
                                    const struct idp_attempt *attempt, int64_t now, struct str access_token,
                                    const char *alg, struct failure *failure)
{
    enum idp_result result = id_token_check_parties(claims, connection, connection->issuer, failure);
    if (result == IDP_OK)
        result = check_authorized_party(claims, connection->client_id, failure); /* IDT-8 */
    if (result == IDP_OK)
        result = id_token_check_times(claims, connection, now, true, failure);
    if (result == IDP_OK)
        result = check_nonce(claims, attempt->nonce, failure);
    if (result == IDP_OK)
        result = id_token_check_subject(claims, failure);
    if (result == IDP_OK)
        result = check_access_token_hash(claims, alg, access_token, failure);
    if (result == IDP_OK)
        result = check_login_age(claims, connection->max_age_s, now, skew_of(connection), failure);
    if (result == IDP_OK)
        result = check_strength(claims, connection, failure);
    return result;
}

enum idp_result id_token_check(struct str token, const struct jwk_set *keys,
                               const struct idp_connection *connection, const struct idp_attempt *attempt,
                               int64_t now, struct str access_token, json_t **out_claims,
                               struct failure *failure)
{
    const struct jws_options options = id_token_jws_options(connection);
    json_t *claims = NULL;
    const char *alg = NULL;
    /* Signature first, then claims: nothing is concluded from a payload that nobody vouches for. */
    enum idp_result result = id_token_jws_result(jws_verify(token, keys, &options, &claims, &alg, failure));
    if (result != IDP_OK) {
        failure_prefix(failure, "ID token");
        return result;
    }
    result = check_claims(claims, connection, attempt, now, access_token, alg, failure);
    if (result == IDP_OK) {
        *out_claims = claims;
        return IDP_OK;
    }
    failure_prefix(failure, "ID token");
    json_decref(claims);
    return result;
}
