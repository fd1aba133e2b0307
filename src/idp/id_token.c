#include "idp/id_token.h"

#include "base/codec.h"
#include "base/secret.h"
#include "idp/issuer.h"
#include "jose/claims.h"

#include <openssl/evp.h>

#define SUB_LENGTH_MAX 255
#define SKEW_MAX_S 300

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

static struct jws_options jws_options(const struct idp_connection *connection)
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

enum jws_result id_token_verify(struct str token, const struct jwk_set *keys,
                                const struct idp_connection *connection, const char *type,
                                json_t **out_claims, const char **out_alg, struct failure *failure)
{
    struct jws_options options = jws_options(connection);
    options.types = &type;
    options.type_count = type != NULL ? 1 : 0;
    enum jws_result result = jws_verify(token, keys, &options, out_claims, out_alg, failure);
    struct str iss;
    if (result != JWS_OK || !issuer_is_template(str_from_c(connection->issuer)) ||
        claim_text(*out_claims, "iss", &iss) != OK) /* without it the token is refused for that */
        return result;
    /* Which tenant it is of is known by now, so a second look leaves the keys of others out. */
    const struct str key_issuers[] = {str_from_c(connection->issuer), iss};
    json_t *claims = NULL;
    options.key_issuers = key_issuers;
    options.key_issuer_count = 2;
    result = jws_verify(token, keys, &options, &claims, NULL, failure);
    if (result != JWS_OK) {
        json_decref(*out_claims);
        *out_claims = NULL;
    }
    json_decref(claims);
    return result;
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

/* Bytewise. A tenant that is named in `tid` must be the one in iss. */
static enum idp_result check_issuer_is(const json_t *claims, const struct idp_connection *connection,
                                       struct str expected, bool is_tenant_told, struct failure *failure)
{
    struct str iss, tenant, tid;
    enum outcome outcome = claim_text(claims, "iss", &iss);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "iss is no text");
    if (outcome == ABSENT ||
        !issuer_covers(str_from_c(connection->issuer), str_from_c(connection->tenants), iss, &tenant))
        return refuse(failure, IDP_ID_TOKEN_ISS, "iss is not the configured issuer");
    if (expected.length > 0 && !str_equal(iss, expected))
        return refuse(failure, IDP_ID_TOKEN_ISS, "iss is another tenant than the one that answered");
    if (tenant.length == 0)
        return IDP_OK;
    outcome = claim_text(claims, "tid", &tid);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "tid is no text");
    if (outcome == ABSENT)
        return is_tenant_told ? refuse(failure, IDP_ID_TOKEN_ISS, "no tid to fill in the issuer with")
                              : IDP_OK;
    return str_equal(tid, tenant) ? IDP_OK : refuse(failure, IDP_ID_TOKEN_ISS, "iss is not that of its tid");
}

/* Of a list, one must be us and every other one trusted. */
static enum idp_result check_audience_is(const json_t *claims, const struct idp_connection *connection,
                                         struct failure *failure)
{
    const json_t *audience = json_object_get(claims, "aud");
    if (audience == NULL)
        return refuse(failure, IDP_ID_TOKEN_AUD, "no aud");
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), connection->client_id) == 0
                   ? IDP_OK
                   : refuse(failure, IDP_ID_TOKEN_AUD, "aud is not this client");
    if (!json_is_array(audience))
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "aud is neither text nor list");
    bool is_ours = false;
    size_t index;
    json_t *value;
    json_array_foreach(audience, index, value)
    {
        if (!json_is_string(value))
            return refuse(failure, IDP_ID_TOKEN_MALFORMED, "aud holds something else than text");
        struct str name = str_of(json_string_value(value), json_string_length(value));
        if (str_equal_c(name, connection->client_id))
            is_ours = true;
        else if (!idp_has_word(connection->trusted_audiences, name))
            return refuse(failure, IDP_ID_TOKEN_AUD, "aud names a party that is not trusted");
    }
    return is_ours ? IDP_OK : refuse(failure, IDP_ID_TOKEN_AUD, "aud does not name this client");
}

enum idp_result id_token_check_parties(const json_t *claims, const struct idp_connection *connection,
                                       struct str issuer, struct failure *failure)
{
    enum idp_result result = check_issuer_is(claims, connection, issuer, false, failure);
    return result == IDP_OK ? check_audience_is(claims, connection, failure) : result;
}

/* ---- times; they are within +-9e15, so sums with a skew cannot overflow (IDT-12) ---- */

static int64_t skew_of(const struct idp_connection *connection)
{
    return connection->skew_s < 0 ? 0 : connection->skew_s > SKEW_MAX_S ? SKEW_MAX_S : connection->skew_s;
}

static enum idp_result check_exp(const json_t *claims, int64_t now, int64_t skew, bool is_required,
                                 struct failure *failure)
{
    int64_t exp;
    switch (claim_time(claims, "exp", &exp)) {
    case ABSENT:
        return is_required ? refuse(failure, IDP_ID_TOKEN_CLAIM_MISSING, "no exp") : IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "exp is no time");
    case OK:
        break;
    }
    if (now < exp + skew)
        return IDP_OK;
    failure_set(failure, "expired %lld s ago", (long long)(now - exp));
    return IDP_ID_TOKEN_EXP;
}

static enum idp_result check_iat(const json_t *claims, int64_t now, int64_t skew, struct failure *failure)
{
    int64_t iat;
    switch (claim_time(claims, "iat", &iat)) {
    case ABSENT:
        return refuse(failure, IDP_ID_TOKEN_CLAIM_MISSING, "no iat");
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "iat is no time");
    case OK:
        break;
    }
    if (iat <= now + skew && iat >= now - ID_TOKEN_IAT_AGE_MAX_S)
        return IDP_OK;
    failure_set(failure, "issued %lld s ago; compare the clocks", (long long)(now - iat));
    return IDP_ID_TOKEN_IAT;
}

static enum idp_result check_nbf(const json_t *claims, int64_t now, int64_t skew, struct failure *failure)
{
    int64_t nbf;
    switch (claim_time(claims, "nbf", &nbf)) {
    case ABSENT:
        return IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "nbf is no time");
    case OK:
        break;
    }
    if (nbf <= now + skew)
        return IDP_OK;
    failure_set(failure, "valid in %lld s only; compare the clocks", (long long)(nbf - now));
    return IDP_ID_TOKEN_NBF;
}

enum idp_result id_token_check_times(const json_t *claims, const struct idp_connection *connection,
                                     int64_t now, bool is_exp_required, struct failure *failure)
{
    int64_t skew = skew_of(connection);
    enum idp_result result = check_exp(claims, now, skew, is_exp_required, failure);
    if (result == IDP_OK)
        result = check_iat(claims, now, skew, failure);
    return result == IDP_OK ? check_nbf(claims, now, skew, failure) : result;
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

/* ---- one function per rule ---- */

struct trial {
    const json_t *claims;
    const struct idp_connection *connection;
    const struct idp_attempt *attempt;
    const char *alg;
    struct str access_token;
    int64_t now, skew;
};

static enum idp_result check_issuer(const struct trial *trial, struct failure *failure)
{
    struct str answered = trial->attempt->issuer;
    bool is_tenant_known = issuer_is_template(str_from_c(trial->connection->issuer)) &&
                           !issuer_is_template(answered); /* the answer told which (RSP-9) */
    return check_issuer_is(trial->claims, trial->connection, is_tenant_known ? answered : STR_NONE, true,
                           failure);
}

static enum idp_result check_audience(const struct trial *trial, struct failure *failure)
{
    return check_audience_is(trial->claims, trial->connection, failure);
}

static enum idp_result check_authorized_party(const struct trial *trial, struct failure *failure)
{
    struct str azp;
    switch (claim_text(trial->claims, "azp", &azp)) {
    case ABSENT:
        return IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "azp is no text");
    case OK:
        break;
    }
    return str_equal_c(azp, trial->connection->client_id)
               ? IDP_OK
               : refuse(failure, IDP_ID_TOKEN_AZP, "azp is another party");
}

static enum idp_result check_expiry(const struct trial *trial, struct failure *failure)
{
    return check_exp(trial->claims, trial->now, trial->skew, true, failure);
}

static enum idp_result check_issue_time(const struct trial *trial, struct failure *failure)
{
    return check_iat(trial->claims, trial->now, trial->skew, failure);
}

static enum idp_result check_not_before(const struct trial *trial, struct failure *failure)
{
    return check_nbf(trial->claims, trial->now, trial->skew, failure);
}

static enum idp_result check_nonce(const struct trial *trial, struct failure *failure)
{
    struct str nonce, expected = trial->attempt->nonce;
    enum outcome outcome = claim_text(trial->claims, "nonce", &nonce);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "nonce is no text");
    if (outcome == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_NONCE, "no nonce");
    if (expected.length == 0 || !secret_equal(expected, nonce))
        return refuse(failure, IDP_ID_TOKEN_NONCE, "nonce is of another attempt");
    return IDP_OK;
}

static enum idp_result check_subject(const struct trial *trial, struct failure *failure)
{
    return id_token_check_subject(trial->claims, failure);
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

static enum idp_result check_access_token_hash(const struct trial *trial, struct failure *failure)
{
    struct str offered, expected;
    switch (claim_text(trial->claims, "at_hash", &offered)) {
    case ABSENT:
        return IDP_OK;
    case FAILED:
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "at_hash is no text");
    case OK:
        break;
    }
    if (trial->access_token.length == 0)
        return refuse(failure, IDP_ID_TOKEN_AT_HASH, "at_hash, but no access token came");
    struct arena *arena = arena_new();
    bool is_equal =
        half_hash(arena, trial->alg, trial->access_token, &expected) == OK && secret_equal(expected, offered);
    arena_free(&arena);
    return is_equal ? IDP_OK : refuse(failure, IDP_ID_TOKEN_AT_HASH, "at_hash is of another access token");
}

/* The age that counts is the one at our request (OpenID Connect Core 3.1.2.1): what the person still has to
 * do at the provider after logging in, a second factor or a consent, takes as long as it takes. */
static enum idp_result check_login_age(const struct trial *trial, struct failure *failure)
{
    int64_t auth_time, max_age = trial->connection->max_age_s;
    int64_t asked_at = trial->attempt->asked_at > 0 ? trial->attempt->asked_at : trial->now;
    enum outcome outcome = claim_time(trial->claims, "auth_time", &auth_time);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "auth_time is no time");
    if (max_age < 0)
        return IDP_OK;
    if (outcome == ABSENT)
        return refuse(failure, IDP_ID_TOKEN_AUTH_TIME, "no auth_time, though max_age was asked");
    if (asked_at - auth_time - trial->skew > max_age)
        return refuse(failure, IDP_ID_TOKEN_AUTH_TIME, "the login was older than max_age when we asked");
    return IDP_OK;
}

/* Without a demand only the types count. */
static enum idp_result check_class(const struct trial *trial, struct failure *failure)
{
    struct str acr;
    enum outcome outcome = claim_text(trial->claims, "acr", &acr);
    if (outcome == FAILED)
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "acr is no text");
    if (!trial->connection->is_acr_required ||
        (outcome == OK && idp_has_word(trial->connection->acr_values, acr)))
        return IDP_OK;
    return refuse(failure, IDP_ID_TOKEN_ACR, "acr is not one of those required");
}

/* A list, or one text at some providers. */
static enum idp_result check_methods(const struct trial *trial, struct failure *failure)
{
    const char *required = trial->connection->required_amr;
    json_t *amr = json_object_get(trial->claims, "amr"), *value;
    bool is_strong = required == NULL || *required == '\0';
    if (amr != NULL && !json_is_array(amr) && !json_is_string(amr))
        return refuse(failure, IDP_ID_TOKEN_MALFORMED, "amr is neither text nor list");
    if (json_is_string(amr) && idp_has_word(required, str_from_c(json_string_value(amr))))
        is_strong = true;
    size_t index;
    json_array_foreach(amr, index, value)
    {
        if (!json_is_string(value))
            return refuse(failure, IDP_ID_TOKEN_MALFORMED, "amr holds something else than text");
        if (idp_has_word(required, str_from_c(json_string_value(value))))
            is_strong = true;
    }
    return is_strong ? IDP_OK : refuse(failure, IDP_ID_TOKEN_ACR, "amr has none of the required methods");
}

static enum idp_result check_strength(const struct trial *trial, struct failure *failure)
{
    enum idp_result result = check_class(trial, failure);
    return result == IDP_OK ? check_methods(trial, failure) : result;
}

/* ---- all of them ---- */

static enum idp_result check_claims(const struct trial *trial, struct idp_report *report,
                                    struct failure *failure)
{
    static const struct {
        int number;
        enum idp_result (*check)(const struct trial *trial, struct failure *failure);
    } rules[] = {
        {6, check_issuer},     {7, check_audience},    {8, check_authorized_party},
        {9, check_expiry},     {10, check_issue_time}, {11, check_not_before},
        {13, check_nonce},     {15, check_subject},    {16, check_access_token_hash},
        {17, check_login_age}, {18, check_strength},
    };
    enum idp_result first = IDP_OK;
    report_rule(report, 12, true);
    report_rule(report, 20, true);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct failure reason = {""};
        enum idp_result result = rules[i].check(trial, &reason);
        report_rule(report, rules[i].number, result == IDP_OK);
        if (result == IDP_ID_TOKEN_MALFORMED)
            report_rule(report, 20, false);
        if (result == IDP_OK || first != IDP_OK)
            continue;
        first = result;
        if (failure != NULL)
            *failure = reason;
    }
    const json_t *audience = json_object_get(trial->claims, "aud");
    report->is_azp_lacking = json_array_size(audience) > 1 && json_object_get(trial->claims, "azp") == NULL;
    return first;
}

const char *id_token_own_key(const json_t *header)
{
    static const char *const members[] = {"jwk", "jku", "x5c", "x5u"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(header, members[i]) != NULL)
            return members[i];
    return NULL;
}

enum idp_result id_token_blame_own_key(enum idp_result result, struct idp_report *report,
                                       struct failure *failure)
{
    const char *member = id_token_own_key(report->header);
    if (member == NULL || (result != IDP_ID_TOKEN_KEY && result != IDP_ID_TOKEN_SIGNATURE))
        return result;
    report_rule(report, 3, false);
    failure_set(failure, "ID token: signed by nobody we know, and its header holds %s", member);
    return IDP_ID_TOKEN_ALG;
}

/* Which rule of the form, the header and the signature a token broke; 0 = none. */
static int broken_rule(enum jws_result result, const json_t *header)
{
    struct str text;
    switch (result) {
    case JWS_OK:
        return 0;
    case JWS_MALFORMED:
        if (header != NULL && json_object_get(header, "typ") != NULL &&
            (claim_text(header, "typ", &text) != OK || !str_equal_ignoring_case(text, STR("JWT"))))
            return 19;
        return header != NULL && claim_text(header, "kid", &text) == FAILED ? 20 : 1;
    case JWS_ENCRYPTED:
        return 1;
    case JWS_ALG_REFUSED:
        return json_object_get(header, "crit") != NULL ? 3 : 2;
    case JWS_KEY_UNKNOWN:
        return 4;
    case JWS_BAD_SIGNATURE:
        return 5;
    }
    return 5;
}

/* In the order in which jws_verify looks at them. */
static void report_signature(struct idp_report *report, enum jws_result result)
{
    static const int order[] = {1, 19, 20, 3, 2, 4, 5};
    int broken = broken_rule(result, report->header);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        report_rule(report, order[i], order[i] != broken);
        if (order[i] == broken)
            return;
    }
}

enum idp_result id_token_check(struct str token, const struct jwk_set *keys,
                               const struct idp_connection *connection, const struct idp_attempt *attempt,
                               int64_t now, struct str access_token, json_t **out_claims,
                               struct idp_report *report, struct failure *failure)
{
    struct trial trial = {
        .connection = connection,
        .attempt = attempt,
        .access_token = access_token,
        .now = now,
        .skew = skew_of(connection),
    };
    json_t *claims = NULL;
    report->id_token_length = token.length;
    report->now = now;
    report->skew_s = trial.skew;
    if (report->header == NULL && jws_peek_header(token, &report->header) != OK)
        report->header = NULL;
    /* Signature first, then claims: nothing is concluded from a payload that nobody vouches for. */
    enum jws_result verified = id_token_verify(token, keys, connection, NULL, &claims, &trial.alg, failure);
    report_signature(report, verified);
    if (verified != JWS_OK) {
        failure_prefix(failure, "ID token");
        return id_token_jws_result(verified);
    }
    trial.claims = claims;
    json_decref(report->claims);
    report->claims = json_copy(claims); /* what the token said, whatever userinfo adds to them (CLM-9) */
    enum idp_result result = check_claims(&trial, report, failure);
    if (result == IDP_OK) {
        *out_claims = claims;
        return IDP_OK;
    }
    failure_prefix(failure, "ID token");
    json_decref(claims);
    return result;
}
