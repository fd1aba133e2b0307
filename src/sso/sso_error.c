#include "sso/sso_error.h"

#include "base/buf.h"

#define TEXT_MAX 1024
#define UNKNOWN_CODE 910

#define HOUR_S 3600
#define DAY_S 86400
#define NO                                                                                                   \
    {                                                                                                        \
        MAIL_NO, 0, 0                                                                                        \
    }
#define YES                                                                                                  \
    {                                                                                                        \
        MAIL_YES, 0, 0                                                                                       \
    }
#define AFTER(count, seconds)                                                                                \
    {                                                                                                        \
        MAIL_AFTER, count, seconds                                                                           \
    }
#define ONE_PER(seconds)                                                                                     \
    {                                                                                                        \
        MAIL_ONE_PER, 0, seconds                                                                             \
    }
#define OF_KIND(kind)                                                                                        \
    {                                                                                                        \
        kind, 0, 0                                                                                           \
    }

/* Spec sso.md 4.1 to 4.9, in its order. 206 follows the outage rule of MAIL-8. */
static const struct sso_error errors[] = {
    {101, "Koppelvlak niet gevonden", 404, U_GEN, NO, false, false},
    {102, "Koppelvlak niet actief", 404, U_GEN, NO, false, false},
    {103, "Koppelvlak niet volledig ingericht", 503, U_CONF, YES, false, false},
    {104, "Issuer in startverzoek komt niet overeen", 400, U_SEC, YES, false, false},
    {105, "Doel-URL niet toegestaan", 400, U_SEC, NO, false, false},
    {106, "Te veel inlogverzoeken", 429, U_BUSY, ONE_PER(HOUR_S), false, false},
    {107, "Ongeldig verzoek", 400, U_GEN, NO, false, false},
    {108, "Cliëntcontext ongeldig (waarschuwing)", 200, USER_TEXT_NONE, AFTER(5, HOUR_S), true, false},
    {109, "Geen paginaverzoek", 401, USER_TEXT_NONE, NO, false, false},

    {201, "Identity provider niet bereikbaar", 503, U_IDP, OF_KIND(MAIL_OUTAGE), false, true},
    {202, "Certificaat van identity provider ongeldig", 503, U_IDP, YES, false, true},
    {203, "Configuratie van identity provider niet leesbaar", 503, U_IDP, YES, false, true},
    {204, "Issuer komt niet overeen met koppelvlak", 503, U_CONF, YES, false, false},
    {205, "Identity provider ondersteunt vereiste functie niet", 503, U_CONF, YES, false, false},
    {206, "Sleutels van identity provider niet bereikbaar", 503, U_IDP, OF_KIND(MAIL_OUTAGE), false, true},
    {207, "Geen bruikbare sleutel bij identity provider", 503, U_CONF, YES, false, false},

    {301, "State ontbreekt", 400, U_SEC, NO, false, false},
    {302, "Inlogpoging verlopen of onbekend", 400, U_TIME, AFTER(20, HOUR_S), false, true},
    {303, "Inlogpoging hoort bij andere browser", 400, U_TIME, AFTER(20, HOUR_S), false, true},
    {304, "Inlogpoging al gebruikt", 400, U_TIME, AFTER(20, HOUR_S), false, true},
    {305, "Antwoord van verkeerd koppelvlak", 400, U_SEC, YES, false, false},
    {306, "Issuer in antwoord komt niet overeen", 400, U_SEC, YES, false, false},
    {307, "Issuer in antwoord ontbreekt", 400, U_SEC, YES, false, false},
    {308, "Code ontbreekt in antwoord", 400, U_GEN, YES, false, false},
    {309, "Onverwacht antwoordtype", 400, U_SEC, YES, false, false},
    {310, "Identity provider weigert toegang", 403, U_DENY, YES, false, false},
    {311, "Gebruiker moet eerst handeling uitvoeren", 403, U_DENY, OF_KIND(MAIL_CONSENT), false, true},
    {312, "Storing bij identity provider", 503, U_IDP, OF_KIND(MAIL_OUTAGE), false, true},
    {313, "Identity provider weigert verzoek (configuratie)", 503, U_CONF, YES, false, false},
    {314, "Onbekende fout van identity provider", 400, U_GEN, YES, false, false},

    {401, "Tokenaanvraag mislukt (verbinding)", 503, U_IDP, OF_KIND(MAIL_OUTAGE), false, true},
    {402, "Client Id of Secret onjuist", 503, U_CONF, YES, false, false},
    {403, "Client Secret verlopen", 503, U_CONF, YES, false, false},
    {404, "Code geweigerd", 400, U_TIME, AFTER(3, 900), false, true},
    {405, "Redirect-URI komt niet overeen", 503, U_CONF, YES, false, false},
    {406, "Tokenaanvraag geweigerd", 503, U_CONF, YES, false, false},
    {407, "Tokenantwoord niet leesbaar", 503, U_IDP, YES, false, true},
    {408, "Geen ID-token ontvangen", 503, U_CONF, YES, false, false},
    {409, "Onbekend tokentype", 503, U_CONF, YES, false, false},

    {501, "ID-token ongeldig van vorm", 400, U_SEC, YES, false, false},
    {502, "Ondertekeningsalgoritme niet toegestaan", 400, U_SEC, YES, false, false},
    {503, "Sleutel onbekend", 400, U_SEC, YES, false, false},
    {504, "Handtekening ongeldig", 400, U_SEC, YES, false, false},
    {505, "Issuer komt niet overeen", 400, U_SEC, YES, false, false},
    {506, "Token is niet voor deze toepassing", 400, U_SEC, YES, false, false},
    {507, "Token is voor andere partij uitgegeven", 400, U_SEC, YES, false, false},
    {508, "ID-token verlopen", 400, U_TIME, AFTER(3, 900), false, true},
    {509, "Uitgiftetijd van token klopt niet", 400, U_TIME, AFTER(3, 900), false, true},
    {510, "Token nog niet geldig", 400, U_TIME, AFTER(3, 900), false, true},
    {511, "Nonce ontbreekt of klopt niet", 400, U_SEC, YES, false, false},
    {512, "Herhaald gebruik van token", 400, U_SEC, YES, false, false},
    {513, "Access-token hoort niet bij ID-token", 400, U_SEC, YES, false, false},
    {514, "Gebruikersidentificatie (sub) ontbreekt", 400, U_CONF, YES, false, false},
    {515, "Inlogsterkte onvoldoende", 403, U_DENY, YES, false, false},
    {516, "Inloggen te lang geleden", 403, U_DENY, NO, false, true},
    {517, "Versleuteld token niet ondersteund", 503, U_CONF, YES, false, false},
    {518, "Verplichte claim ontbreekt", 400, U_SEC, YES, false, false},

    {601, "Gebruikersgegevens niet bereikbaar", 503, U_IDP, YES, false, true},
    {602, "Gebruikersgegevens geweigerd", 503, U_IDP, YES, false, true},
    {603, "Gebruikersgegevens niet leesbaar", 503, U_CONF, YES, false, false},
    {604, "Gebruikersgegevens van andere gebruiker", 400, U_SEC, YES, false, false},

    {701, "Geen beveiligingsgroepen gevonden", 403, U_AUTHZ, YES, false, true},
    {702, "Geen permissies gevonden", 403, U_PERM, YES, false, true},
    {704, "Te veel groepen: lijst niet volledig ontvangen", 403, U_CONF, YES, false, false},
    {705, "Autorisatieclaim heeft onbekend formaat", 503, U_CONF, YES, false, false},
    {706, "Te veel nieuwe regels (waarschuwing)", 200, USER_TEXT_NONE, ONE_PER(DAY_S), true, false},
    {707, "Nieuwe locatie geregistreerd (melding)", 200, USER_TEXT_NONE, OF_KIND(MAIL_DIGEST), true, false},

    {801, "Gebruiker geblokkeerd", 403, U_BLOCK, NO, false, false},
    {802, "Gebruiker kon niet worden aangemaakt", 500, U_GEN, YES, false, false},
    {803, "Uniek gebruikerskenmerk ontbreekt", 503, U_CONF, YES, false, false},
    {804, "Gebruikerskenmerk al in gebruik", 403, U_CONF, YES, false, false},
    {805, "Sessie kon niet worden gemaakt", 503, U_GEN, OF_KIND(MAIL_OPERATOR), false, false},
    {806, "Onbekende cliënt (waarschuwing)", 200, USER_TEXT_NONE, NO, true, false},
    {807, "Onvoldoende rechten voor deze cliënt (waarschuwing)", 200, USER_TEXT_NONE, NO, true, false},
    {808, "Onbekende viewparameter (waarschuwing)", 200, USER_TEXT_NONE, NO, true, false},
    {809, "View niet toegestaan (waarschuwing)", 200, USER_TEXT_NONE, NO, true, false},

    {901, "Logouttoken ongeldig", 400, USER_TEXT_NONE, AFTER(5, HOUR_S), false, false},
    {902, "Logouttoken herhaald", 400, USER_TEXT_NONE, NO, false, false},
    {903, "Geen sessie bij logout (melding)", 200, USER_TEXT_NONE, NO, true, false},
    {904, "Uitloggen bij identity provider mislukt", 200, USER_TEXT_NONE, NO, true, false},
    {905, "Onbekende terugkeer na uitloggen", 200, USER_TEXT_NONE, NO, true, false},
    {910, "Interne fout", 500, U_GEN, OF_KIND(MAIL_OPERATOR), false, false},
    {911, "Opslag niet beschikbaar", 503, U_GEN, OF_KIND(MAIL_OPERATOR), false, false},
    {912, "Klokafwijking (waarschuwing)", 200, USER_TEXT_NONE, ONE_PER(DAY_S), true, false},
    {913, "Clientgeheim verloopt binnenkort (melding)", 200, USER_TEXT_NONE, OF_KIND(MAIL_REMINDERS), true,
     false},
};

static const struct {
    const char *key, *text;
} user_texts[] = {
    [USER_TEXT_NONE] = {"", ""},
    [U_GEN] = {"U-GEN",
               "Inloggen is niet gelukt. Start opnieuw vanuit uw dossiersysteem. Lukt het weer niet? "
               "Geef referentie {ref} door aan uw applicatiebeheerder."},
    [U_AUTHZ] = {"U-AUTHZ", "U bent herkend, maar geen van uw locaties is hier gekoppeld. Uw "
                            "applicatiebeheerder heeft bericht gekregen. Referentie {ref}."},
    [U_PERM] = {"U-PERM", "U bent herkend, maar er zijn nog geen rechten voor u ingesteld. Uw "
                          "applicatiebeheerder heeft bericht gekregen. Referentie {ref}."},
    [U_TIME] = {"U-TIME", "Het inloggen duurde te lang of was al afgerond. Kies Opnieuw proberen. Referentie "
                          "{ref}."},
    [U_IDP] = {"U-IDP", "De inlogdienst van uw organisatie reageert niet. Probeer het over enkele minuten "
                        "opnieuw. Referentie {ref}."},
    [U_CONF] = {"U-CONF",
                "De koppeling is niet goed ingesteld. Er is een melding gemaakt. Referentie {ref}."},
    [U_SEC] = {"U-SEC", "Het inloggen is om veiligheidsredenen gestopt. Start opnieuw vanuit uw "
                        "dossiersysteem. Referentie {ref}."},
    [U_DENY] = {"U-DENY", "De inlogdienst heeft het inloggen niet toegestaan. Referentie {ref}."},
    [U_BLOCK] = {"U-BLOCK",
                 "Uw account is geblokkeerd. Neem contact op met uw applicatiebeheerder. Referentie "
                 "{ref}."},
    [U_BUSY] = {"U-BUSY", "Het is erg druk. Probeer het zo opnieuw."},
};

/* Causes of 106 and of 4.7; {pad} is the claim path, {n} how many locations were received, {m} the rows
 * added. */
static const struct {
    int code;
    char cause;
    const char *text;
} causes[] = {
    {106, 'a', "Te veel starts vanaf één adres"},
    {106, 'b', "Te veel starts op dit koppelvlak"},
    {106, 'c', "Eén browser begint steeds opnieuw zonder dat het inloggen lukt"},
    {701, 'a', "De inlogdienst stuurde de claim {pad} niet mee"},
    {701, 'b', "De gebruiker heeft in de bron geen locaties"},
    {701, 'c', "{n} ontvangen, geen enkele gekoppeld ({m} nieuw toegevoegd)"},
    {701, 'd', "De regels van deze locaties in de koppelvlaktabel zijn inactief"},
    {701, 'e', "De gekoppelde beveiligingsgroepen zijn inactief"},
    {702, 'a', "De gekoppelde beveiligingsgroepen hebben geen permissies"},
    {702, 'b', "Het plafondprofiel van het koppelvlak laat geen enkele permissie over"},
    {702, 'c', "De permissies gelden voor geen enkele afdeling binnen het plafondprofiel"},
};

#define CLOCK_ADVICE "Advies: controleer de klok van de inlogdienst en van deze server."

static const struct {
    int code;
    char cause; /* '\0': every cause that has no row of its own */
    const char *text;
} advices[] = {
    {508, '\0', CLOCK_ADVICE},
    {509, '\0', CLOCK_ADVICE},
    {510, '\0', CLOCK_ADVICE},
    {701, 'a',
     "Advies: vraag de beheerder van de inlogdienst om de locaties mee te sturen. Vergelijk de naam van de "
     "claim met location_claim van het koppelvlak. Laat de gebruiker daarna opnieuw inloggen."},
    {701, 'b',
     "Advies: deze gebruiker heeft in het dossier geen locaties. Pas daar de rechten van de gebruiker aan. "
     "Laat de gebruiker daarna opnieuw inloggen."},
    {701, 'd',
     "Advies: kijk bij nummer 7 welke locaties inactief zijn. Maak die in de koppelvlaktabel weer actief, of "
     "koppel ze opnieuw. Laat de gebruiker daarna opnieuw inloggen."},
    {701, 'e',
     "Advies: kijk bij nummer 8 welke beveiligingsgroepen inactief zijn. Maak die weer actief, of koppel de "
     "locaties aan een andere beveiligingsgroep. Laat de gebruiker daarna opnieuw inloggen."},
    {701, '\0',
     "Advies: kijk bij nummer 6 welke locaties zijn ontvangen en zoek ze op in de koppelvlaktabel. Koppel "
     "de locaties die deze toepassing gebruiken; gebruiken zij die niet, pas dan de rechten van de "
     "gebruiker in Ysis aan. Laat de gebruiker daarna opnieuw inloggen."},
    {702, '\0',
     "Advies: kijk bij nummer 6 welke locaties zijn ontvangen en hoe ze zijn gekoppeld. Verbeter een "
     "verkeerde beveiligingsgroep; klopt de groep, open die dan vanuit de regel en voeg permissies toe. "
     "Laat de gebruiker daarna opnieuw inloggen."},
    {704, '\0', "Advies: beperk de meegestuurde groepen tot groepen van de toepassing."},
    {804, '\0',
     "Advies: bij nummer 9 staan de gebruikers bij wie dit kenmerk hoort. Laat een verkeerd kenmerk bij "
     "de identity provider verbeteren. Klopt het, maak dan de koppeling van de oude gebruiker ongedaan "
     "en laat de gebruiker opnieuw inloggen."},
};

const struct sso_error *sso_error_find(int code)
{
    const struct sso_error *unknown = NULL;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i].code == code)
            return &errors[i];
        if (errors[i].code == UNKNOWN_CODE)
            unknown = &errors[i];
    }
    return unknown;
}

size_t sso_error_count(void)
{
    return sizeof errors / sizeof *errors;
}

const struct sso_error *sso_error_at(size_t index)
{
    return &errors[index];
}

const char *sso_user_text_key(enum sso_user_text text)
{
    return user_texts[text].key;
}

struct placeholder {
    const char *name; /* with its braces */
    const char *value;
};

static const char *fill(struct arena *arena, const char *text, const struct placeholder *placeholders,
                        size_t count)
{
    struct buf out = buf_new(arena, TEXT_MAX);
    while (*text != '\0') {
        const struct placeholder *found = NULL;
        for (size_t i = 0; *text == '{' && i < count; i++)
            if (strncmp(text, placeholders[i].name, strlen(placeholders[i].name)) == 0)
                found = &placeholders[i];
        if (found != NULL)
            buf_append_c(&out, found->value);
        else
            buf_append_char(&out, *text);
        text += found != NULL ? strlen(found->name) : 1;
    }
    return buf_c(&out);
}

/* What stands for a sentence that says a mail went out, when none did. */
static const char *unnotified_text(enum sso_user_text text)
{
    if (text == U_AUTHZ)
        return "U bent herkend, maar geen van uw locaties is hier gekoppeld. Geef referentie {ref} door aan "
               "uw "
               "applicatiebeheerder.";
    if (text == U_PERM)
        return "U bent herkend, maar er zijn nog geen rechten voor u ingesteld. Geef referentie {ref} door "
               "aan uw "
               "applicatiebeheerder.";
    if (text == U_CONF)
        return "De koppeling is niet goed ingesteld. Geef referentie {ref} door aan uw applicatiebeheerder.";
    return user_texts[text].text;
}

const char *sso_user_text(struct arena *arena, enum sso_user_text text, const char *reference,
                          bool is_notified)
{
    const struct placeholder placeholder = {"{ref}", reference};
    return fill(arena, is_notified ? user_texts[text].text : unnotified_text(text), &placeholder, 1);
}

const char *sso_cause_text(struct arena *arena, int code, char cause, const char *claim_path, size_t received,
                           size_t added)
{
    const struct placeholder placeholders[] = {
        {"{pad}", claim_path != NULL ? claim_path : ""},
        {"{n}", arena_printf(arena, "%zu %s", received, received == 1 ? "locatie" : "locaties")},
        {"{m}", arena_printf(arena, "%zu", added)},
    };
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].code == code && causes[i].cause == cause)
            return fill(arena, causes[i].text, placeholders, sizeof placeholders / sizeof *placeholders);
    return NULL;
}

const char *sso_advice(int code, char cause)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (advices[i].code == code && (advices[i].cause == cause || advices[i].cause == '\0'))
            return advices[i].text;
    return NULL;
}

/* ---- failures of the Authentication Client ---- */

struct oauth_code {
    const char *name;
    int code;
};

/* The error code is the first word; a description may follow. */
static int find_oauth_code(struct str error, const struct oauth_code *known, size_t count, int otherwise)
{
    struct str word = str_slice(error, 0, str_find(error, ' '));
    for (size_t i = 0; i < count; i++)
        if (str_equal_c(word, known[i].name))
            return known[i].code;
    return otherwise;
}

static bool mentions(struct str text, struct str part)
{
    return text.length > 0 && memmem(text.data, text.length, part.data, part.length) != NULL;
}

static int authorization_error(struct str error)
{
    static const struct oauth_code known[] = {
        {"access_denied", 310},
        {"login_required", 311},
        {"interaction_required", 311},
        {"consent_required", 311},
        {"account_selection_required", 311},
        {"server_error", 312},
        {"temporarily_unavailable", 312},
        {"invalid_request", 313},
        {"unauthorized_client", 313},
        {"invalid_scope", 313},
        {"unsupported_response_type", 313},
    };
    return find_oauth_code(error, known, sizeof known / sizeof *known,
                           mentions(error, STR("redirect_uri")) ? 313 : 314);
}

/* 403: Entra's word for a client secret that is past its date. */
static int token_error(struct str error)
{
    static const struct oauth_code known[] = {{"invalid_client", 402}, {"invalid_grant", 404}};
    if (error.length == 0)
        return 402; /* a bare status 401 */
    if (mentions(error, STR("AADSTS7000222")))
        return 403;
    if (mentions(error, STR("redirect_uri")))
        return 405;
    return find_oauth_code(error, known, sizeof known / sizeof *known, 406);
}

/* What the provider's own error decides about has no row. */
static const int idp_codes[] = {
    [IDP_CANCELLED] = 310,
    [IDP_UNREACHABLE] = 201,
    [IDP_CERTIFICATE_INVALID] = 202,
    [IDP_METADATA_INVALID] = 203,
    [IDP_ISSUER_DIFFERS] = 204,
    [IDP_ENDPOINT_MISSING] = 205,
    [IDP_KEYS_UNREACHABLE] = 206,
    [IDP_KEYS_UNUSABLE] = 207,
    [IDP_CONNECTION_INVALID] = 103,
    [IDP_RESPONSE_INVALID] = 107, /* RSP-2; 308 and 309 are told apart before, by sso/start_request */
    [IDP_RESPONSE_ISSUER_MISSING] = 307,
    [IDP_RESPONSE_ISSUER] = 306,
    [IDP_TEMPORARILY_UNAVAILABLE] = 312,
    [IDP_TOKEN_UNREACHABLE] = 401,
    [IDP_TOKEN_INVALID] = 407,
    [IDP_TOKEN_ID_TOKEN_MISSING] = 408,
    [IDP_TOKEN_TYPE] = 409,
    [IDP_ID_TOKEN_MALFORMED] = 501,
    [IDP_ID_TOKEN_CLAIM_MISSING] = 518,
    [IDP_ID_TOKEN_ENCRYPTED] = 517,
    [IDP_ID_TOKEN_ALG] = 502,
    [IDP_ID_TOKEN_KEY] = 503,
    [IDP_ID_TOKEN_SIGNATURE] = 504,
    [IDP_ID_TOKEN_ISS] = 505,
    [IDP_ID_TOKEN_AUD] = 506,
    [IDP_ID_TOKEN_AZP] = 507,
    [IDP_ID_TOKEN_EXP] = 508,
    [IDP_ID_TOKEN_IAT] = 509,
    [IDP_ID_TOKEN_NBF] = 510,
    [IDP_ID_TOKEN_NONCE] = 511,
    [IDP_ID_TOKEN_AT_HASH] = 513,
    [IDP_ID_TOKEN_SUB] = 514,
    [IDP_ID_TOKEN_ACR] = 515,
    [IDP_ID_TOKEN_AUTH_TIME] = 516,
    [IDP_USERINFO_UNREACHABLE] = 601,
    [IDP_USERINFO_REFUSED] = 602,
    [IDP_USERINFO_INVALID] = 603,
    [IDP_USERINFO_SUB] = 604,
    [IDP_LOGOUT_JTI] = 901,
    [IDP_LOGOUT_SUBJECT] = 901,
    [IDP_LOGOUT_EVENT] = 901,
    [IDP_LOGOUT_NONCE] = 901,
};
_Static_assert(sizeof idp_codes / sizeof *idp_codes == IDP_LOGOUT_NONCE + 1, "a code for the last result");

int sso_error_of_idp(enum idp_result result, struct str oauth_error)
{
    size_t at = (size_t)result;
    if (result == IDP_OK)
        return 0;
    if (result == IDP_ERROR_RESPONSE)
        return authorization_error(oauth_error);
    if (result == IDP_TOKEN_REFUSED)
        return token_error(oauth_error);
    bool is_known = at < sizeof idp_codes / sizeof *idp_codes && idp_codes[at] != 0;
    return is_known ? idp_codes[at] : UNKNOWN_CODE; /* never 0 by an oversight */
}
