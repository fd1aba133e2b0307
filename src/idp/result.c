#include "idp/login.h"

static const char *const names[] = {
    [IDP_OK] = "ok",
    [IDP_CANCELLED] = "cancelled",
    [IDP_UNREACHABLE] = "unreachable",
    [IDP_CERTIFICATE_INVALID] = "certificate_invalid",
    [IDP_METADATA_INVALID] = "metadata_invalid",
    [IDP_ISSUER_DIFFERS] = "issuer_differs",
    [IDP_ENDPOINT_MISSING] = "endpoint_missing",
    [IDP_KEYS_UNREACHABLE] = "keys_unreachable",
    [IDP_KEYS_UNUSABLE] = "keys_unusable",
    [IDP_CONNECTION_INVALID] = "connection_invalid",
    [IDP_RESPONSE_INVALID] = "response_invalid",
    [IDP_RESPONSE_ISSUER_MISSING] = "response_issuer_missing",
    [IDP_RESPONSE_ISSUER] = "response_issuer",
    [IDP_ERROR_RESPONSE] = "error_response",
    [IDP_TEMPORARILY_UNAVAILABLE] = "temporarily_unavailable",
    [IDP_TOKEN_UNREACHABLE] = "token_unreachable",
    [IDP_TOKEN_REFUSED] = "token_refused",
    [IDP_TOKEN_INVALID] = "token_invalid",
    [IDP_TOKEN_ID_TOKEN_MISSING] = "token_id_token_missing",
    [IDP_TOKEN_TYPE] = "token_type",
    [IDP_ID_TOKEN_MALFORMED] = "id_token_malformed",
    [IDP_ID_TOKEN_CLAIM_MISSING] = "id_token_claim_missing",
    [IDP_ID_TOKEN_ENCRYPTED] = "id_token_encrypted",
    [IDP_ID_TOKEN_ALG] = "id_token_alg",
    [IDP_ID_TOKEN_KEY] = "id_token_key",
    [IDP_ID_TOKEN_SIGNATURE] = "id_token_signature",
    [IDP_ID_TOKEN_ISS] = "id_token_iss",
    [IDP_ID_TOKEN_AUD] = "id_token_aud",
    [IDP_ID_TOKEN_AZP] = "id_token_azp",
    [IDP_ID_TOKEN_EXP] = "id_token_exp",
    [IDP_ID_TOKEN_IAT] = "id_token_iat",
    [IDP_ID_TOKEN_NBF] = "id_token_nbf",
    [IDP_ID_TOKEN_NONCE] = "id_token_nonce",
    [IDP_ID_TOKEN_AT_HASH] = "id_token_at_hash",
    [IDP_ID_TOKEN_SUB] = "id_token_sub",
    [IDP_ID_TOKEN_ACR] = "id_token_acr",
    [IDP_ID_TOKEN_AUTH_TIME] = "id_token_auth_time",
    [IDP_USERINFO_UNREACHABLE] = "userinfo_unreachable",
    [IDP_USERINFO_REFUSED] = "userinfo_refused",
    [IDP_USERINFO_INVALID] = "userinfo_invalid",
    [IDP_USERINFO_SUB] = "userinfo_sub",
    [IDP_LOGOUT_JTI] = "logout_jti",
    [IDP_LOGOUT_SUBJECT] = "logout_subject",
    [IDP_LOGOUT_EVENT] = "logout_event",
    [IDP_LOGOUT_NONCE] = "logout_nonce",
};
_Static_assert(sizeof names / sizeof *names == IDP_LOGOUT_NONCE + 1, "a name for the last result");

const char *idp_result_name(enum idp_result result)
{
    size_t at = (size_t)result;
    return at < sizeof names / sizeof *names && names[at] != NULL ? names[at] : "unknown";
}
