#include "sso/patient_context.h"

#include "base/bsn.h"
#include "base/codec.h"
#include "jose/claims.h"
#include "jose/gcm.h"
#include "jose/jwe.h"

#define TEXT_BYTES_MAX 4096
#define JTI_BYTES_MAX 128
#define AGE_MAX_S 300
#define BSN_DIGITS 9

#define KEYS_MAX (sizeof((struct sso_connection *)0)->context_keys / sizeof(struct sso_context_key))

const char *patient_context_rule(enum patient_context_result result)
{
    switch (result) {
    case PATIENT_CONTEXT_OK:
        return "ok";
    case PATIENT_CONTEXT_CLEAR_BSN:
        return "clear_bsn";
    case PATIENT_CONTEXT_MALFORMED:
        return "malformed";
    case PATIENT_CONTEXT_KEY:
        return "key";
    case PATIENT_CONTEXT_STALE:
        return "stale";
    case PATIENT_CONTEXT_BSN:
        return "bsn";
    }
    return "malformed";
}

bool patient_context_is_clear(struct str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            digits++;
        else if (strchr(" .-", text.data[i]) == NULL || text.data[i] == '\0')
            return false;
    }
    return digits == BSN_DIGITS;
}

static enum patient_context_result open_jwe(struct arena *arena, struct str text,
                                            const struct sso_connection *connection,
                                            struct str *out_plaintext)
{
    struct jwe_key keys[KEYS_MAX];
    size_t count = 0;
    for (; count < connection->context_key_count && count < KEYS_MAX; count++)
        keys[count] =
            (struct jwe_key){connection->context_keys[count].kid, connection->context_keys[count].key};
    switch (jwe_open(arena, text, keys, count, out_plaintext, NULL)) {
    case JWE_OK:
        return PATIENT_CONTEXT_OK;
    case JWE_MALFORMED:
    case JWE_ALG_REFUSED:
        return PATIENT_CONTEXT_MALFORMED;
    case JWE_KEY_UNKNOWN:
    case JWE_NOT_OPENED:
        return PATIENT_CONTEXT_KEY;
    }
    return PATIENT_CONTEXT_MALFORMED;
}

static enum patient_context_result open_raw(struct arena *arena, struct str text,
                                            const struct sso_connection *connection, struct str slug,
                                            struct str *out_plaintext)
{
    struct str sealed;
    if (codec_base64url_decode(arena, text, &sealed) != OK ||
        sealed.length <= GCM_NONCE_BYTES + GCM_TAG_BYTES)
        return PATIENT_CONTEXT_MALFORMED;
    for (size_t i = 0; i < connection->context_key_count && i < KEYS_MAX; i++)
        if (gcm_open(arena, connection->context_keys[i].key, slug, sealed, out_plaintext) == OK)
            return PATIENT_CONTEXT_OK;
    return PATIENT_CONTEXT_KEY;
}

static enum patient_context_result read_members(struct arena *arena, struct str plaintext,
                                                struct patient_context *out)
{
    json_t *json;
    struct str bsn, jti;
    if (json_parse_object(plaintext, &json, NULL) != OK)
        return PATIENT_CONTEXT_MALFORMED;
    enum patient_context_result result = PATIENT_CONTEXT_MALFORMED;
    if (claim_text(json, "bsn", &bsn) == OK && claim_text(json, "jti", &jti) == OK && jti.length > 0 &&
        jti.length <= JTI_BYTES_MAX && str_is_printable_ascii(jti) &&
        claim_time(json, "iat", &out->issued_at) == OK) {
        out->bsn = str_copy(arena, bsn);
        out->jti = str_copy(arena, jti);
        result = PATIENT_CONTEXT_OK;
    }
    json_decref(json);
    return result;
}

enum patient_context_result patient_context_open(struct arena *arena, struct str text,
                                                 const struct sso_connection *connection, struct str slug,
                                                 int64_t now, struct patient_context *out_context)
{
    struct patient_context context = {0};
    struct str plaintext = STR_NONE;
    *out_context = context;
    if (patient_context_is_clear(text))
        return PATIENT_CONTEXT_CLEAR_BSN;
    if (text.length == 0 || text.length > TEXT_BYTES_MAX)
        return PATIENT_CONTEXT_MALFORMED;
    bool is_jwe = str_find(text, '.') < text.length;
    enum patient_context_result result = is_jwe ? open_jwe(arena, text, connection, &plaintext)
                                                : open_raw(arena, text, connection, slug, &plaintext);
    if (result == PATIENT_CONTEXT_OK)
        result = read_members(arena, plaintext, &context);
    if (result != PATIENT_CONTEXT_OK)
        return result;
    /* Both within +-9e15: no overflow. */
    if (context.issued_at < now - AGE_MAX_S || context.issued_at > now + connection->skew_s)
        return PATIENT_CONTEXT_STALE;
    if (!bsn_is_valid(context.bsn))
        return PATIENT_CONTEXT_BSN;
    *out_context = context;
    return PATIENT_CONTEXT_OK;
}
