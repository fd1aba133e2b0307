#include "cli/catalog_table.h"

#include "store/catalog.h"

/* The comparison in sizeof is never run: it makes the compiler refuse a member of another type. */
#define MEMBER(object, member, type)                                                                         \
    (offsetof(struct object, member) + 0 * sizeof(&((struct object *)0)->member == (type *)0))
#define IDP(field, member) .kind = (field), .offset = MEMBER(catalog_identity_provider, member, struct str)
#define PROVIDER(field, member) .kind = (field), .offset = MEMBER(catalog_provider, member, struct str)
#define FLAG(object, member) .kind = FIELD_BOOL, .offset = MEMBER(object, member, bool)
#define NUMBER(object, member, low, high)                                                                    \
    .kind = FIELD_INT, .offset = MEMBER(object, member, int64_t), .min = (low), .max = (high)
#define IMAGE(object, member) .kind = FIELD_IMAGE, .offset = MEMBER(object, member, struct catalog_image)

static const struct field_row identity_provider_rows[] = {
    {"id", IDP(FIELD_ID, id), .is_required = true, .example = "digid",
     .text = "Name by which providers refer to it; never shown."},
    {"label", IDP(FIELD_TEXT, label), .min = 1, .max = 60, .is_required = true,
     .example = "Inloggen met DigiD", .text = "Text on the login button."},
    {"picture", IMAGE(catalog_identity_provider, picture), .example = "digid.svg",
     .text = "Picture on the login button."},
    {"level", NUMBER(catalog_identity_provider, level, 0, 1000), .standard = "0",
     .text = "Assurance level: higher is stronger. When a provider offers several, people are encouraged to "
             "use the "
             "highest."},
    {"level_name", IDP(FIELD_TEXT, level_name), .max = 60, .example = "Substantieel",
     .text = "What that level is called."},
    {"issuer", IDP(FIELD_URL, issuer), .is_required = true, .example = "https://idp.example.nl",
     .text = "OpenID Connect issuer, exactly as it is in its metadata."},
    {"metadata_url", IDP(FIELD_URL, metadata_url), .example = "https://idp.example.nl/metadata",
     .text = "Where the metadata is, when that is not the issuer with /.well-known/openid-configuration."},
    {"client_id", IDP(FIELD_TEXT, client_id), .min = 1, .max = 200, .is_required = true, .example = "sluis",
     .text = "Our name at the identity provider."},
    {"client_secret", IDP(FIELD_SECRET, client_secret), .example = "\"...\"",
     .text = "Our secret there. When neither this key nor client_secret_file is given, the secret in the "
             "store stays "
             "as it is; an empty text takes it away."},
    {"client_secret_file", IDP(FIELD_SECRET_FILE, client_secret), .example = "secrets/digid",
     .text = "File with the secret, instead of client_secret; a newline at its end does not count."},
    {"client_auth", IDP(FIELD_CHOICE, client_auth), .standard = "auto",
     .choices = "auto basic basic_raw post none",
     .text = "How we authenticate at its token endpoint: as the metadata says (auto), HTTP Basic, the same "
             "without "
             "form encoding (basic_raw), in the body (post), or not at all."},
    {"scope", IDP(FIELD_WORDS, scope), .standard = "openid", .text = "Scope to ask for; openid is added."},
    {"acr_values", IDP(FIELD_WORDS, acr_values), .example = "urn:level:substantial",
     .text = "Levels of login to ask for, with spaces between."},
    {"acr_required", FLAG(catalog_identity_provider, is_acr_required), .standard = "false",
     .text = "Whether the login must have had one of these levels."},
    {"signing_algs", IDP(FIELD_WORDS, signing_algs), .example = "RS256 ES256",
     .text = "Algorithms that its ID tokens may be signed with; without it RS256 only."},
    {"userinfo", IDP(FIELD_CHOICE, userinfo), .standard = "off", .choices = "off if_needed always",
     .text = "Whether userinfo is fetched: never, when the claim with the BSN is not in the ID token, or "
             "always."},
    {"bsn_claim", IDP(FIELD_TEXT, bsn_claim), .min = 1, .max = 200, .is_required = true, .example = "bsn",
     .text = "Claim that holds the BSN: a member name, or a path with dots."},
    {"ca_file", IDP(FIELD_FILE, ca_file), .example = "/etc/sluis/certs/idp-ca.crt",
     .text =
         "PEM file with the authorities that its certificate may come from; without it those of the system."},
    {"allow_private", FLAG(catalog_identity_provider, is_private_allowed), .standard = "false",
     .text = "Whether it may be at a private or loopback address."},
};

static const struct field_row provider_rows[] = {
    {"name", PROVIDER(FIELD_PROVIDER, name), .is_required = true, .example = "huisartsdeduinen",
     .text = "Name in the MedMij provider list, without @medmij."},
    {"display_name", PROVIDER(FIELD_TEXT, display_name), .min = 1, .max = 100, .is_required = true,
     .example = "Huisartsenpraktijk De Duinen", .text = "Name as people see it."},
    {"interface_version", PROVIDER(FIELD_TEXT, interface_version), .min = 1, .max = 20, .is_required = true,
     .example = "\"2\"", .text = "InterfaceversieId under which the provider list has its services."},
    {"text_set", PROVIDER(FIELD_CHOICE, text_set), .choices = "u-1.3 je-2.2", .is_required = true,
     .example = "je-2.2", .text = "Version of the prescribed texts on its screens."},
    {"legacy_scope", FLAG(catalog_provider, is_legacy_scope), .standard = "false",
     .text =
         "Whether the scope of framework releases 1.x, with pairs of provider and service, is accepted too."},
    {"privacy_url", PROVIDER(FIELD_URL, privacy_url), .is_required = true,
     .example = "https://duinen.example/privacy", .text = "Its privacy statement."},
    {"color", PROVIDER(FIELD_COLOR, color), .example = "\"#0b6e4f\"",
     .text = "Colour of buttons and accents on its screens; without it that of the house."},
    {"logo", IMAGE(catalog_provider, logo), .example = "duinen.svg",
     .text = "Its logo, top left on its screens."},
    {"announcement", PROVIDER(FIELD_TEXT, announcement), .max = 500,
     .example = "Inlogdienst Voorbeeld logt u in namens De Duinen.",
     .text = "Who logs people in on its behalf, told on the landing page."},
    {"availability.type", PROVIDER(FIELD_CHOICE, availability), .standard = "always",
     .choices = "always webhook fhir",
     .text = "How we know whether there are data for a person: assumed, asked of a webhook, or searched in "
             "FHIR."},
    {"availability.url", PROVIDER(FIELD_URL, availability_url), .example = "https://ehr.example/availability",
     .text = "Address of the webhook or FHIR server."},
    {"availability.secret", PROVIDER(FIELD_SECRET, availability_secret), .example = "\"...\"",
     .text =
         "Bearer token for it; kept as it is in the store when neither this key nor secret_file is given."},
    {"availability.secret_file", PROVIDER(FIELD_SECRET_FILE, availability_secret),
     .example = "secrets/duinen", .text = "File with that token."},
    {"availability.timeout_ms", NUMBER(catalog_provider, availability_timeout_ms, 100, 30000),
     .standard = "2000", .text = "Milliseconds to wait for an answer."},
    {"availability.before_consent", FLAG(catalog_provider, is_checked_before_consent), .standard = "false",
     .text = "Whether it is asked before the person sees the consent page."},
    {"availability.at_token", FLAG(catalog_provider, is_checked_at_token), .standard = "true",
     .text = "Whether it is asked when tokens are issued; false when the resource server itself does so."},
};

static const struct field_row service_rows[] = {
    {"id", .kind = FIELD_SERVICE, .offset = MEMBER(catalog_service, id, struct str), .is_required = true,
     .example = "\"48\"", .text = "GegevensdienstId."},
    {"function", .kind = FIELD_CHOICE, .offset = MEMBER(catalog_service, function, struct str),
     .choices = "collect share subscribe", .is_required = true, .example = "collect",
     .text = "What a PGO may do with it: Verzamelen, Delen or Abonneren."},
    {"max_days", NUMBER(catalog_service, max_days, 0, 3650), .standard = "0",
     .text = "Longest subscription, in days; for subscribe, and required there."},
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static const struct list_row provider_lists[] = {
    {"services", &service_fields, 100},
    {"identity_providers", NULL, 20},
};

static const struct list_row sections[SECTION_COUNT] = {
    [SECTION_IDENTITY_PROVIDERS] = {"identity_providers", &identity_provider_fields, 10000},
    [SECTION_PROVIDERS] = {"providers", &provider_fields, 10000},
    [SECTION_HOSTS] = {"hosts", &host_fields, 1000},
    [SECTION_VIEWS] = {"views", &view_fields, 1000},
    [SECTION_CEILINGS] = {"ceilings", &ceiling_fields, 10000},
    [SECTION_GROUPS] = {"security_groups", &group_fields, 100000},
    [SECTION_CONNECTIONS] = {"connections", &connection_fields, 10000},
    [SECTION_APPLICATIONS] = {"applications", &application_fields, 10000},
    [SECTION_MAPPINGS] = {"mappings", &mapping_fields, 10000},
};

const struct field_table file_fields = {.lists = sections, .list_count = SECTION_COUNT};
const struct field_table identity_provider_fields = {identity_provider_rows, COUNT(identity_provider_rows),
                                                     NULL, 0};
const struct field_table provider_fields = {provider_rows, COUNT(provider_rows), provider_lists,
                                            COUNT(provider_lists)};
const struct field_table service_fields = {service_rows, COUNT(service_rows), NULL, 0};

_Static_assert(COUNT(identity_provider_rows) <= FIELDS_MAX, "FIELDS_MAX");
_Static_assert(COUNT(provider_rows) <= FIELDS_MAX, "FIELDS_MAX");
_Static_assert(SECTION_COUNT <= LISTS_MAX, "LISTS_MAX");

const char *field_expectation(struct arena *arena, const struct field_row *row)
{
    switch (row->kind) {
    case FIELD_TEXT:
        return arena_printf(arena, "a text of %lld to %lld characters on one line", (long long)row->min,
                            (long long)row->max);
    case FIELD_ID:
        return "1 to 40 characters out of a-z, 0-9 and -";
    case FIELD_PROVIDER:
        return "the name in the provider list without @medmij";
    case FIELD_SERVICE:
        return "an id from the list of data service names";
    case FIELD_CHOICE:
        return arena_printf(arena, "one of: %s", row->choices);
    case FIELD_WORDS:
        return "words with one space between";
    case FIELD_URL:
    case FIELD_ISSUER:
        return "an https URL";
    case FIELD_URLS:
        return "https URLs with one space between";
    case FIELD_COLOR:
        return "a colour as \"#rrggbb\", in quotes";
    case FIELD_FILE:
    case FIELD_SECRET_FILE:
    case FIELD_KEY_FILE:
        return "a file name";
    case FIELD_SECRET:
        return "a text of at most 1000 characters";
    case FIELD_IMAGE:
        return "the name of an SVG or PNG file of at most 256 KiB";
    case FIELD_HOST:
        return "a host name in lower case, with :port when it is not the standard one";
    case FIELD_ORIGIN:
        return "an https URL of a host, without a path and without a slash at its end";
    case FIELD_CUSTOMER:
        return "2 to 40 characters out of a-z, 0-9 and -";
    case FIELD_SSO_PROVIDER:
        return "2 to 16 characters out of a-z and 0-9";
    case FIELD_SLUG:
        return "the customer_key and provider_key of a connection with _ between";
    case FIELD_VIEW:
        return "1 to 32 characters out of a-z, 0-9 and -";
    case FIELD_VIEW_PATH:
        return "a path that starts with one slash; {patient} and {department} are filled in";
    case FIELD_PERMISSION:
        return "1 to 64 characters out of A-Z, a-z, 0-9 and . _ : / -";
    case FIELD_CLAIM_PATH:
        return "a claim name, or names with dots between; \\. is a dot in a name, and \"...\" a name with "
               "any";
    case FIELD_QUERY:
        return "parameters as a=b&c=d, percent-encoded, none that sluis sets itself";
    case FIELD_ADDRESSES:
        return "at most 5 mail addresses with commas between";
    case FIELD_CODE:
        return "1 to 256 bytes without control characters and without spaces around it";
    case FIELD_KEY:
        return "32 bytes as 43 characters base64url or 64 hexadecimal digits";
    case FIELD_DATE:
        return "a date as 2026-11-21";
    case FIELD_BOOL:
        return "true or false";
    case FIELD_INT:
        return arena_printf(arena, "a whole number from %lld to %lld", (long long)row->min,
                            (long long)row->max);
    }
    return "";
}
