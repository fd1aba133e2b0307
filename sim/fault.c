#include "fault.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct fault faults[] = {
    {"access_denied", FAULT_ERROR, "weigert toegang", 310, NULL, NULL, NULL},
    {"login_required", FAULT_ERROR, "wil eerst een handeling van de gebruiker", 311, NULL, NULL, NULL},
    {"server_error", FAULT_ERROR, "heeft een storing", 312, NULL, NULL, NULL},
    {"temporarily_unavailable", FAULT_ERROR, "is tijdelijk niet beschikbaar", 312, NULL, NULL, NULL},
    {"invalid_request", FAULT_ERROR, "keurt het verzoek af", 313, NULL, NULL, NULL},
    {"unauthorized_client", FAULT_ERROR, "staat deze client niet toe", 313, NULL, NULL, NULL},
    {"kapot", FAULT_ERROR, "geeft een fout die niet in de standaard staat", 314, NULL, NULL, NULL},

    {"state", FAULT_RESPONSE, "verkeerde state", 302, NULL, NULL, NULL},
    {"state_missing", FAULT_RESPONSE, "geen state", 301, NULL, NULL, NULL},
    {"state_twice", FAULT_RESPONSE, "twee keer state", 107, NULL, NULL, NULL},
    {"iss", FAULT_RESPONSE, "verkeerde iss in het antwoord", 306, NULL, NULL, NULL},
    {"iss_missing", FAULT_RESPONSE, "geen iss in het antwoord", 307, NULL, NULL, NULL},
    /* With one URL for start and callback this is a start (2.2); 308 needs a callback of its own. */
    {"code_missing", FAULT_RESPONSE, "geen code: begint opnieuw", 0, NULL, NULL, NULL},
    {"form_post", FAULT_RESPONSE, "antwoord met form_post", 309, NULL, NULL, NULL},
    {"front_token", FAULT_RESPONSE, "ID-token in het antwoord", 309, NULL, NULL, NULL},
    /* Another host, so another cookie: that is seen first (RSP-6). */
    {"other_slug", FAULT_RESPONSE, "antwoord naar de andere omgeving", 303, NULL, NULL, NULL},

    {"invalid_client", FAULT_TOKEN, "client of geheim onjuist", 402, NULL, NULL, NULL},
    {"secret_expired", FAULT_TOKEN, "geheim verlopen", 403, NULL, NULL, NULL},
    {"invalid_grant", FAULT_TOKEN, "code geweigerd", 404, NULL, NULL, NULL},
    {"redirect_mismatch", FAULT_TOKEN, "redirect-URI komt niet overeen", 405, NULL, NULL, NULL},
    {"invalid_scope", FAULT_TOKEN, "andere OAuth-fout", 406, NULL, NULL, NULL},
    {"token_slow", FAULT_TOKEN, "antwoord na 12 seconden", 401, NULL, NULL, NULL},
    {"token_text", FAULT_TOKEN, "antwoord is geen JSON", 407, NULL, NULL, NULL},
    {"id_token_missing", FAULT_TOKEN, "geen ID-token", 408, NULL, NULL, NULL},
    {"token_type", FAULT_TOKEN, "onbekend tokentype", 409, NULL, NULL, NULL},

    {"alg_none", FAULT_ID_TOKEN, "alg none", 502, "{\"alg\":\"none\"}", NULL, NULL},
    {"alg_none_empty", FAULT_ID_TOKEN, "alg none, zonder handtekening", 501, "{\"alg\":\"none\"}", NULL,
     NULL},
    {"alg_hs256", FAULT_ID_TOKEN, "HS256 met de openbare sleutel", 502, "{\"alg\":\"HS256\"}", NULL, NULL},
    {"crit", FAULT_ID_TOKEN, "onbekende crit", 502, "{\"crit\":[\"urn:x\"],\"urn:x\":true}", NULL, NULL},
    {"jwk", FAULT_ID_TOKEN, "eigen sleutel in de kop (jwk)", 502, NULL, NULL, NULL},
    {"kid", FAULT_ID_TOKEN, "onbekende kid", 503, "{\"kid\":\"onbekend\"}", NULL, NULL},
    {"signature", FAULT_ID_TOKEN, "verkeerde handtekening", 504, NULL, NULL, NULL},
    {"two_parts", FAULT_ID_TOKEN, "twee delen in plaats van drie", 501, NULL, NULL, NULL},
    {"encrypted", FAULT_ID_TOKEN, "versleuteld", 517, NULL, NULL, NULL},
    {"typ", FAULT_ID_TOKEN, "typ at+jwt", 501, "{\"typ\":\"at+jwt\"}", NULL, NULL},
    {"issuer", FAULT_ID_TOKEN, "verkeerde iss", 505, NULL, "{\"iss\":\"https://epd.example\"}", NULL},
    {"aud", FAULT_ID_TOKEN, "verkeerde aud", 506, NULL, "{\"aud\":\"andere-toepassing\"}", NULL},
    {"aud_more", FAULT_ID_TOKEN, "nog een aud erbij", 506, NULL, NULL, NULL},
    {"azp", FAULT_ID_TOKEN, "verkeerde azp", 507, NULL, "{\"azp\":\"andere-toepassing\"}", NULL},
    {"expired", FAULT_ID_TOKEN, "verlopen", 508, NULL, NULL, "{\"iat\":-590,\"exp\":-300}"},
    {"exp_missing", FAULT_ID_TOKEN, "geen exp", 518, NULL, "{\"exp\":null}", NULL},
    {"exp_text", FAULT_ID_TOKEN, "exp als tekst", 501, NULL, "{\"exp\":\"morgen\"}", NULL},
    {"exp_huge", FAULT_ID_TOKEN, "exp van 1e300", 501, NULL, "{\"exp\":1e300}", NULL},
    {"iat_ahead_45", FAULT_ID_TOKEN, "klok 45 seconden voor", 0, NULL, NULL, "{\"iat\":45}"},
    {"iat_ahead_90", FAULT_ID_TOKEN, "klok 90 seconden voor", 509, NULL, NULL, "{\"iat\":90}"},
    {"iat_old", FAULT_ID_TOKEN, "iat van een kwartier geleden", 509, NULL, NULL, "{\"iat\":-900}"},
    {"iat_missing", FAULT_ID_TOKEN, "geen iat", 518, NULL, "{\"iat\":null}", NULL},
    {"nbf", FAULT_ID_TOKEN, "nog niet geldig", 510, NULL, NULL, "{\"nbf\":120}"},
    {"nonce", FAULT_ID_TOKEN, "verkeerde nonce", 511, NULL, "{\"nonce\":\"een-andere\"}", NULL},
    {"nonce_missing", FAULT_ID_TOKEN, "geen nonce", 511, NULL, "{\"nonce\":null}", NULL},
    {"at_hash", FAULT_ID_TOKEN, "verkeerde at_hash", 513, NULL, "{\"at_hash\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
     NULL},
    /* These two count only where the connection asks for them (max_age, required_amr). */
    {"auth_time", FAULT_ID_TOKEN, "inloggen van een dag geleden", 0, NULL, NULL, "{\"auth_time\":-86400}"},
    {"amr", FAULT_ID_TOKEN, "alleen een wachtwoord (amr)", 0, NULL, "{\"amr\":[\"pwd\"]}", NULL},
    {"kid_number", FAULT_ID_TOKEN, "kid als getal", 501, "{\"kid\":7}", NULL, NULL},
    {"sub_number", FAULT_ID_TOKEN, "sub als getal", 514, NULL, "{\"sub\":1001}", NULL},
    {"sub_missing", FAULT_ID_TOKEN, "geen sub", 514, NULL, "{\"sub\":null}", NULL},

    {"userinfo_error", FAULT_USERINFO, "weigert", 602, NULL, NULL, NULL},
    {"userinfo_array", FAULT_USERINFO, "is een lijst", 603, NULL, NULL, NULL},
    {"userinfo_jwt", FAULT_USERINFO, "is een JWT die niemand ondertekende", 603, NULL, NULL, NULL},
    {"userinfo_sub", FAULT_USERINFO, "is van een ander", 604, NULL, NULL, NULL},
};
const size_t fault_count = COUNT(faults);

const struct fault *fault_find(struct str key)
{
    for (size_t i = 0; i < fault_count; i++) {
        if (str_equal_c(key, faults[i].key))
            return &faults[i];
    }
    return NULL;
}

const struct location_shape location_shapes[] = {
    {"list", "lijst van teksten"},
    {"numbers", "lijst van getallen"},
    {"objects", "lijst van objecten met id en naam"},
    {"text", "één tekst: de eerste locatie"},
    {"delimited", "één tekst, met puntkomma's ertussen"},
    {"json_text", "een lijst als tekst (JSON)"},
    {"fresh", "met een nieuwe locatie erbij, elke keer een andere"},
    {"many", "2000 locaties"},
    {"too_many", "2001 locaties"},
    {"userinfo", "alleen in userinfo (genest, pad attributes.locaties)"},
    {"object", "een object (kan niet gelezen worden)"},
    {"empty", "leeg"},
    {"absent", "niet"},
    {"overage", "te veel: alleen een verwijzing"},
};
const size_t location_shape_count = COUNT(location_shapes);

const struct location_shape *location_shape_find(struct str key)
{
    for (size_t i = 0; i < location_shape_count; i++) {
        if (str_equal_c(key, location_shapes[i].key))
            return &location_shapes[i];
    }
    return NULL;
}
