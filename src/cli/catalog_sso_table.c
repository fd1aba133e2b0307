#include "cli/catalog_table.h"

#include "cli/catalog_file.h"
#include "store/sso_catalog.h"

#include <string.h>

/* The comparison in sizeof is never run: it makes the compiler refuse a member of another type. */
#define MEMBER(object, member, type)                                                                         \
    (offsetof(struct object, member) + 0 * sizeof(&((struct object *)0)->member == (type *)0))
#define TEXT(object, field, member) .kind = (field), .offset = MEMBER(object, member, struct str)
#define FLAG(object, member) .kind = FIELD_BOOL, .offset = MEMBER(object, member, bool)
#define NUMBER(object, member, low, high)                                                                    \
    .kind = FIELD_INT, .offset = MEMBER(object, member, int64_t), .min = (low), .max = (high)
#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define ENVIRONMENTS "acceptance production"

static const struct field_row host_rows[] = {
    {"name", TEXT(sso_host, FIELD_HOST, name), .is_required = true, .example = "secure.example.nl",
     .text = "Host of the URLs that health records open. It selects platform and environment."},
    {"platform", TEXT(sso_host, FIELD_ID, platform), .is_required = true, .example = "secure",
     .text = "Family of products that the host belongs to."},
    {"environment", TEXT(sso_host, FIELD_CHOICE, environment), .choices = ENVIRONMENTS, .is_required = true,
     .example = "production",
     .text = "Connections of one environment are never reached by hosts of another."},
    {"base_url", TEXT(sso_host, FIELD_ORIGIN, base_url), .is_required = true,
     .example = "https://secure.example.nl",
     .text = "What redirect URIs start with; never taken from a request."},
};

static const struct field_row view_rows[] = {
    {"name", TEXT(sso_view, FIELD_VIEW, name), .is_required = true, .example = "status",
     .text = "Value of the parameter `view` of a start URL."},
    {"path", TEXT(sso_view, FIELD_VIEW_PATH, path), .is_required = true, .example = "\"/status/{patient}\"",
     .text = "Where on the application's own address people land. {patient} is a reference for this session, "
             "never an "
             "id from outside."},
    {"needs_patient", FLAG(sso_view, needs_patient), .standard = "false",
     .text = "Whether it is a page about one patient."},
    {"needs_department", FLAG(sso_view, needs_department), .standard = "false",
     .text = "Whether it is a page about one department; people who may see several choose one first."},
    {"permission", TEXT(sso_view, FIELD_PERMISSION, permission), .example = "status.read",
     .text = "Permission without which people land on the default view instead."},
    {"limited", FLAG(sso_view, is_limited), .standard = "false",
     .text = "Whether its session is for this page and patient only, and short."},
};

static const struct field_row ceiling_rows[] = {
    {"customer_key", TEXT(sso_ceiling, FIELD_CUSTOMER, customer_key), .is_required = true,
     .example = "zonnestraaltjes", .text = "Whose it is."},
    {"name", TEXT(sso_ceiling, FIELD_TEXT, name), .min = 1, .max = 100, .is_required = true,
     .example = "Zorgplein", .text = "Name by which connections of that customer refer to it."},
};

static const struct field_row group_rows[] = {
    {"customer_key", TEXT(sso_group, FIELD_CUSTOMER, customer_key), .is_required = true,
     .example = "zonnestraaltjes", .text = "Whose it is."},
    {"name", TEXT(sso_group, FIELD_TEXT, name), .min = 1, .max = 100, .is_required = true,
     .example = "Verpleging", .text = "Name by which mappings of that customer refer to it."},
    {"description", TEXT(sso_group, FIELD_TEXT, description), .max = 500,
     .example = "Verpleegkundigen van alle huizen", .text = "What it is for."},
    {"active", FLAG(sso_group, is_active), .standard = "true", .text = "Whether it gives its permissions."},
};

static const struct field_row connection_rows[] = {
    {"platform", TEXT(sso_connection, FIELD_ID, platform), .is_required = true, .example = "secure",
     .text = "That of the host, under hosts, that people come by."},
    {"environment", TEXT(sso_connection, FIELD_CHOICE, environment), .choices = ENVIRONMENTS,
     .is_required = true, .example = "production", .text = "That of the same host."},
    {"customer_key", TEXT(sso_connection, FIELD_CUSTOMER, customer_key), .is_required = true,
     .example = "zonnestraaltjes", .text = "First half of the last word of the start URL."},
    {"provider_key", TEXT(sso_connection, FIELD_SSO_PROVIDER, provider_key), .is_required = true,
     .example = "ysis",
     .text = "Second half: ysis, azure, adfs, helloid, keycloak or another. The slug, customer_key and "
             "provider_key with _ between, is unique within a platform and environment."},
    {"status", TEXT(sso_connection, FIELD_CHOICE, status), .standard = "concept",
     .choices = "concept active disabled", .text = "Only when active, people can log in by it."},
    {"preset", TEXT(sso_connection, FIELD_CHOICE, preset), .standard = "other",
     .choices = "ysis entra adfs helloid keycloak other",
     .text =
         "Kind of identity provider: gives keys that are left out their usual values, see PRESETS. A text "
         "key that is there and empty stays empty."},
    {"issuer", TEXT(sso_connection, FIELD_ISSUER, issuer),
     .example = "https://zonnestraaltjes.ysis.example/cas/oidc",
     .text = "OpenID Connect issuer, exactly as it is in its metadata; or the URL of the metadata, when that "
             "ends in /.well-known/openid-configuration. Metadata for several tenants of Entra ID "
             "(organizations, common) have {tenantid} in it: see tenants."},
    {"tenants", TEXT(sso_connection, FIELD_WORDS, tenants), .example = "2b6f3c1e-7a5d-4e1b-9c8f-0d2a4b6c8e10",
     .text = "Ids of the tenants whose people may log in, with spaces between, in small letters as `tid` of "
             "their "
             "tokens has them; needed when the issuer holds {tenantid}, and for nothing else. It needs "
             "metadata_url as well. Each of them may say who is in which location, so list none that is "
             "not the customer's."},
    {"metadata_url", TEXT(sso_connection, FIELD_URL, metadata_url),
     .example = "https://idp.example.nl/metadata",
     .text = "Where the metadata is, when that is not the issuer with /.well-known/openid-configuration."},
    {"authorization_endpoint", TEXT(sso_connection, FIELD_URL, authorization_endpoint),
     .example = "https://idp.example.nl/authorize", .text = "Instead of what the metadata says."},
    {"token_endpoint", TEXT(sso_connection, FIELD_URL, token_endpoint),
     .example = "https://idp.example.nl/token", .text = "Instead of what the metadata says."},
    {"jwks_uri", TEXT(sso_connection, FIELD_URL, jwks_uri), .example = "https://idp.example.nl/jwks",
     .text = "Instead of what the metadata says."},
    {"userinfo_endpoint", TEXT(sso_connection, FIELD_URL, userinfo_endpoint),
     .example = "https://idp.example.nl/userinfo", .text = "Instead of what the metadata says."},
    {"end_session_endpoint", TEXT(sso_connection, FIELD_URL, end_session_endpoint),
     .example = "https://idp.example.nl/logout", .text = "Instead of what the metadata says."},
    {"client_id", TEXT(sso_connection, FIELD_TEXT, client_id), .min = 1, .max = 255,
     .example = "medicatie-rp", .text = "Our name at the identity provider."},
    {"client_secret", TEXT(sso_connection, FIELD_SECRET, secrets[0].value), .example = "\"...\"",
     .text =
         "Our secret there. When neither this key nor client_secret_file is given, the secret in the store "
         "stays as it is; an empty text takes it away, and the second one in its place."},
    {"client_secret_file", TEXT(sso_connection, FIELD_SECRET_FILE, secrets[0].value),
     .example = "secrets/ysis", .text = "File with the secret; a newline at its end does not count."},
    {"client_secret_expires", .kind = FIELD_DATE,
     .offset = MEMBER(sso_connection, secrets[0].expires_at, int64_t), .example = "2027-05-01",
     .text = "Day on which the identity provider stops taking it."},
    {"second_secret", TEXT(sso_connection, FIELD_SECRET, secrets[1].value), .example = "\"...\"",
     .text = "Tried when the first is refused, so that a secret is replaced without a failed login. Kept and "
             "taken away in the same way."},
    {"second_secret_file", TEXT(sso_connection, FIELD_SECRET_FILE, secrets[1].value),
     .example = "secrets/ysis-next", .text = "File with that secret."},
    {"second_secret_expires", .kind = FIELD_DATE,
     .offset = MEMBER(sso_connection, secrets[1].expires_at, int64_t), .example = "2028-05-01",
     .text = "Day on which the identity provider stops taking that one."},
    {"client_auth", TEXT(sso_connection, FIELD_CHOICE, client_auth), .standard = "auto",
     .choices = "auto basic basic_raw post private_key_jwt",
     .text = "How we authenticate at its token endpoint: as the metadata says (auto), HTTP Basic, the same "
             "without form encoding (basic_raw), in the body (post), or by a signed assertion whose key is "
             "at the start URL with /jwks behind it (private_key_jwt)."},
    {"scope", TEXT(sso_connection, FIELD_WORDS, scope), .standard = "openid profile email",
     .text = "Scope to ask for; openid is added."},
    {"acr_values", TEXT(sso_connection, FIELD_WORDS, acr_values), .example = "urn:level:high",
     .text = "Levels of login to ask for, with spaces between."},
    {"acr_required", FLAG(sso_connection, is_acr_required), .standard = "false",
     .text = "Whether the login must have had one of these levels."},
    {"prompt", TEXT(sso_connection, FIELD_CHOICE, prompt), .choices = "login select_account consent none",
     .example = "login", .text = "Sent along; without it people who are logged in see nothing."},
    {"max_age", NUMBER(sso_connection, max_age_s, 0, 604800), .standard = "-1", .example = "3600",
     .text = "Seconds that their login may be old; without it any."},
    {"extra_parameters", TEXT(sso_connection, FIELD_QUERY, extra_parameters),
     .example = "resource=https%3A%2F%2Fapp.example.nl", .text = "More for the authentication request."},
    {"signing_algs", TEXT(sso_connection, FIELD_WORDS, signing_algs), .example = "RS256 ES256",
     .text = "Algorithms that its ID tokens may be signed with; without it RS256 only."},
    {"skew", NUMBER(sso_connection, skew_s, 0, 300), .standard = "60",
     .text = "Seconds that its clock may differ from ours."},
    {"response_mode", TEXT(sso_connection, FIELD_CHOICE, response_mode), .standard = "query",
     .choices = "query form_post", .text = "How the answer comes back."},
    {"callback_mode", TEXT(sso_connection, FIELD_CHOICE, callback_mode), .standard = "same_url",
     .choices = "same_url separate",
     .text = "Redirect URI: the start URL itself, or the same with /callback behind it."},
    {"userinfo", TEXT(sso_connection, FIELD_CHOICE, userinfo), .standard = "if_needed",
     .choices = "off if_needed always",
     .text =
         "Whether userinfo is fetched: never, when it is needed (the claim with locations is not in the ID "
         "token, or claims_first is userinfo), or always."},
    {"userinfo_post", FLAG(sso_connection, is_userinfo_post), .standard = "false",
     .text = "Whether userinfo is asked for by POST instead of GET."},
    {"claims_first", TEXT(sso_connection, FIELD_CHOICE, claims_first), .standard = "id_token",
     .choices = "id_token userinfo",
     .text = "Which of the two counts for a claim that both have; who it is always comes from the ID token. "
             "With userinfo first it is fetched at each login, and a login without it fails."},
    {"pkce", TEXT(sso_connection, FIELD_CHOICE, pkce), .standard = "S256", .choices = "S256 off",
     .text = "Proof Key for Code Exchange; off only for an identity provider that refuses it."},
    {"trusted_audiences", TEXT(sso_connection, FIELD_WORDS, trusted_audiences), .example = "zorgportaal",
     .text = "Audiences, besides our client_id, that its ID tokens may name, with spaces between."},
    {"required_amr", TEXT(sso_connection, FIELD_WORDS, required_amr), .example = "otp hwk",
     .text = "Ways of logging in, of which the login must have had one, with spaces between."},
    {"launch", FLAG(sso_connection, is_launch_passed), .standard = "false",
     .text = "Whether the parameter `launch` of a start URL goes along with the authentication request."},
    {"location_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, location_claim),
     .example = "attributes.locaties", .text = "Claim with the locations or authorization codes."},
    {"location_id_key", TEXT(sso_connection, FIELD_TEXT, location_id_key), .max = 100, .example = "id",
     .text = "Member with the id, when the claim is a list of objects."},
    {"location_name_key", TEXT(sso_connection, FIELD_TEXT, location_name_key), .max = 100, .example = "naam",
     .text = "Member with the name that the mapping table shows."},
    {"location_delimiter", TEXT(sso_connection, FIELD_TEXT, location_delimiter), .min = 1, .max = 1,
     .example = "\";\"", .text = "Character between the ids, when the claim is one text with several."},
    {"location_json_in_string", FLAG(sso_connection, is_location_json_in_string), .standard = "false",
     .text = "Whether the claim may be a text that holds a JSON list."},
    {"location_strip_dn", FLAG(sso_connection, is_location_dn_stripped), .standard = "false",
     .text = "Whether of CN=Oost,OU=Groepen only Oost counts."},
    {"location_strip_slash", FLAG(sso_connection, is_location_slash_stripped), .standard = "false",
     .text = "Whether a slash in front is taken off."},
    {"location_fold_case", FLAG(sso_connection, is_location_case_folded), .standard = "false",
     .text = "Whether ids that differ in capitals only are one."},
    {"location_prefix", TEXT(sso_connection, FIELD_TEXT, location_prefix), .max = 100, .example = "MED-",
     .text = "Only ids that start with it count, and it is taken off."},
    {"subject_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, subject_claim), .standard = "sub",
     .text = "Claim that tells people apart for ever."},
    {"name_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, name_claim), .standard = "name",
     .text = "Claim with the name that is shown."},
    {"email_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, email_claim), .standard = "email",
     .text = "Claim with the mail address."},
    {"employee_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, employee_claim), .example = "employee_number",
     .text = "Claim with the employee number."},
    {"link_claim", TEXT(sso_connection, FIELD_CLAIM_PATH, link_claim), .example = "employee_number",
     .text =
         "Claim that tells people apart at every identity provider of this customer, as the employee "
         "number; never a name, a login name or a mail address. Somebody who comes for the first time is "
         "then linked "
         "to the one user of whom it said the same at a connection of the same customer, platform and "
         "environment that has this key too. Without it nobody is linked. No connection of another customer "
         "or platform may have the same issuer."},
    {"ceiling", TEXT(sso_connection, FIELD_TEXT, ceiling), .min = 1, .max = 100, .example = "Zorgplein",
     .text = "Ceiling, under ceilings, above which nobody gets permissions; without it there is none."},
    {"session_without_permissions", FLAG(sso_connection, is_session_without_permissions), .standard = "false",
     .text = "Whether people without any permission get a session with which they can do nothing, instead of "
             "an error page."},
    {"default_view", TEXT(sso_connection, FIELD_VIEW, default_view), .standard = "default",
     .text = "View, under views, for those who ask for none."},
    {"strict_target", FLAG(sso_connection, is_target_strict), .standard = "true",
     .text = "Whether a target_link_uri that is not a view of ours stops the login; false leads to the "
             "default view."},
    {"patient_context", TEXT(sso_connection, FIELD_CHOICE, patient_context), .standard = "external_id",
     .choices = "off external_id bsn_encrypted",
     .text = "How the start URL may name a patient: not, by clientId, or that and an encrypted BSN."},
    {"patient_parameter", TEXT(sso_connection, FIELD_ID, patient_parameter), .standard = "bsn",
     .text = "Name of the parameter of a start URL that holds the encrypted BSN."},
    {"idle", NUMBER(sso_connection, idle_s, 300, 3600), .standard = "1800",
     .text = "Seconds without activity after which a session ends."},
    {"absolute", NUMBER(sso_connection, absolute_s, 3600, 57600), .standard = "43200",
     .text = "Seconds after which it ends in any case."},
    {"idp_logout", TEXT(sso_connection, FIELD_CHOICE, idp_logout), .standard = "off",
     .choices = "off ask always",
     .text = "Whether logging out here ends the session at the identity provider, and so that of the health "
             "record."},
    {"frame_ancestors", TEXT(sso_connection, FIELD_WORDS, frame_ancestors),
     .example = "https://epd.example.nl",
     .text = "Origins whose pages may show ours in a frame, with spaces between; without it none."},
    {"notify_address", TEXT(sso_connection, FIELD_ADDRESSES, notify_address),
     .example = "fab@zonnestraaltjes.example", .text = "Who gets a mail when a login fails."},
    {"mail_digest", FLAG(sso_connection, is_digest_mailed), .standard = "true",
     .text = "Whether that address gets a mail a day about locations that were seen for the first time."},
    {"mail_user", FLAG(sso_connection, is_user_mailed), .standard = "true",
     .text = "Whether mails tell who it was, by name or masked."},
    {"application", TEXT(sso_connection, FIELD_URL, application), .example = "https://app.example.nl/sso",
     .text =
         "Where people go with a one-time code, ?code=..., that the application exchanges for who they are; "
         "without it they land on the path of their view."},
    {"handover", TEXT(sso_connection, FIELD_CHOICE, handover), .standard = "code", .choices = "code openid",
     .text = "How people come to `application`: with a one-time code, or with ?iss= for an application "
             "that logs them in at our own OpenID provider."},
    {"ca_file", TEXT(sso_connection, FIELD_FILE, ca_file), .example = "/etc/sluis/certs/idp-ca.crt",
     .text =
         "PEM file with the authorities that its certificate may come from; without it those of the system."},
    {"allow_private", FLAG(sso_connection, is_private_allowed), .standard = "false",
     .text = "Whether it may be at a private or loopback address."},
};

static const struct field_row patient_key_rows[] = {
    {"id", TEXT(sso_context_key, FIELD_TEXT, kid), .min = 1, .max = 64, .is_required = true,
     .example = "ctx-2026-01", .text = "Name of the key, as the sender has it (kid)."},
    {"key", TEXT(sso_context_key, FIELD_KEY, key), .example = "\"...\"",
     .text = "The key. When neither this nor key_file is given, the key with this id in the store stays."},
    {"key_file", TEXT(sso_context_key, FIELD_KEY_FILE, key), .example = "secrets/ctx-2026-01",
     .text = "File with the key; a newline at its end does not count."},
};

static const struct field_row application_rows[] = {
    {"client_id", TEXT(sso_application, FIELD_ID, client_id), .is_required = true, .example = "apotheek",
     .text = "Its name at our OpenID provider."},
    {"platform", TEXT(sso_application, FIELD_ID, platform), .is_required = true, .example = "secure",
     .text = "Platform of the connections that it serves."},
    {"environment", TEXT(sso_application, FIELD_CHOICE, environment), .choices = ENVIRONMENTS,
     .is_required = true, .example = "production", .text = "Environment of those connections."},
    {"customer_key", TEXT(sso_application, FIELD_CUSTOMER, customer_key), .is_required = true,
     .example = "zonnestraaltjes", .text = "Customer whose people it logs in."},
    {"connections", TEXT(sso_application, FIELD_WORDS, connections), .example = "zonnestraaltjes_ysis",
     .text = "Slugs of that customer's connections that it serves, with spaces between; without it all."},
    {"name", TEXT(sso_application, FIELD_TEXT, name), .max = 100, .example = "Apotheek",
     .text = "What people call it."},
    {"status", TEXT(sso_application, FIELD_CHOICE, status), .choices = "active disabled",
     .standard = "active", .text = "Nobody logs in at one that is disabled."},
    {"redirect_uris", TEXT(sso_application, FIELD_URLS, redirect_uris), .is_required = true,
     .example = "https://apotheek.example.nl/callback",
     .text = "Where people go with the authorization code. A request names one of them, letter for letter."},
    {"post_logout_redirect_uris", TEXT(sso_application, FIELD_URLS, post_logout_redirect_uris),
     .example = "https://apotheek.example.nl/", .text = "Where people may go after logging out."},
    {"client_auth", TEXT(sso_application, FIELD_CHOICE, client_auth), .choices = "secret none",
     .standard = "secret",
     .text = "How it proves itself: with its secret (client_secret_basic or client_secret_post), or not, as "
             "an application without a server of its own. PKCE is required of both."},
    {"client_secret", TEXT(sso_application, FIELD_SECRET, secret), .example = "\"...\"",
     .text = "Its secret. When neither this key nor client_secret_file is given, the secret in the store "
             "stays as it is."},
    {"client_secret_file", TEXT(sso_application, FIELD_SECRET_FILE, secret), .example = "secrets/apotheek",
     .text = "File with the secret; a newline at its end does not count."},
};

static const struct field_row mapping_rows[] = {
    {"connection", TEXT(mapping_set, FIELD_SLUG, slug), .is_required = true,
     .example = "zonnestraaltjes_ysis", .text = "Slug of the connection."},
    {"platform", TEXT(mapping_set, FIELD_ID, platform), .example = "secure",
     .text = "Its platform; may be left out when the slug is there on one platform only."},
    {"environment", TEXT(mapping_set, FIELD_CHOICE, environment), .choices = ENVIRONMENTS,
     .is_required = true, .example = "production",
     .text = "Its environment. To bring mappings from one to the other: export, change this line, and import "
             "with --dry-run first."},
};

static const struct field_row mapping_code_rows[] = {
    {"code", TEXT(mapping_code, FIELD_CODE, code), .is_required = true, .example = "\"1201\"",
     .text = "Location id or authorization code."},
    {"name", TEXT(mapping_code, FIELD_TEXT, name), .max = 255, .example = "Huis Oost",
     .text = "What it is called; left out, what is in the store stays."},
    {"group", TEXT(mapping_code, FIELD_TEXT, group), .min = 1, .max = 100, .example = "Verpleging",
     .text = "Security group of the same customer that it is linked to."},
    {"status", TEXT(mapping_code, FIELD_CHOICE, status), .choices = "new linked ignored inactive",
     .example = "ignored", .text = "Without it linked when there is a group, and new when there is none."},
    {"remark", TEXT(mapping_code, FIELD_TEXT, remark), .max = 500, .example = "Sluit in 2027",
     .text = "For people; left out, what is in the store stays."},
};

static const struct list_row permission_lists[] = {{"permissions", NULL, 5000}};
static const struct list_row connection_lists[] = {{"patient_keys", &patient_key_fields, 2}};
static const struct list_row mapping_lists[] = {{"codes", &mapping_code_fields, 200000}};

const struct field_table host_fields = {host_rows, COUNT(host_rows), NULL, 0};
const struct field_table view_fields = {view_rows, COUNT(view_rows), NULL, 0};
const struct field_table ceiling_fields = {ceiling_rows, COUNT(ceiling_rows), permission_lists, 1};
const struct field_table group_fields = {group_rows, COUNT(group_rows), permission_lists, 1};
const struct field_table connection_fields = {connection_rows, COUNT(connection_rows), connection_lists, 1};
const struct field_table patient_key_fields = {patient_key_rows, COUNT(patient_key_rows), NULL, 0};
const struct field_table application_fields = {application_rows, COUNT(application_rows), NULL, 0};
const struct field_table mapping_fields = {mapping_rows, COUNT(mapping_rows), mapping_lists, 1};
const struct field_table mapping_code_fields = {mapping_code_rows, COUNT(mapping_code_rows), NULL, 0};

_Static_assert(COUNT(connection_rows) <= FIELDS_MAX, "FIELDS_MAX");

/* Spec sso.md section 7. Ordinary fields only: nothing else in the program knows which preset it was. */
static const struct {
    const char *preset, *key, *value;
} presets[] = {
    {"ysis", "location_claim", "locaties"}, /* 7.4: Apereo CAS */
    {"ysis", "location_id_key", "id"},
    {"ysis", "location_name_key", "naam"},
    {"entra", "client_auth", "post"}, /* 7.1 */
    {"entra", "location_claim", "groups"},
    {"entra", "subject_claim", "oid"},
    {"adfs", "client_auth", "basic"}, /* 7.2 */
    {"adfs", "scope", "openid profile email allatclaims"},
    {"adfs", "location_claim", "groups"},
    {"adfs", "location_strip_dn", "true"},
    {"adfs", "subject_claim", "upn"},
    {"adfs", "allow_private", "true"},
    {"helloid", "location_claim", "autorisatie"}, /* 7.3 */
    {"keycloak", "location_claim", "groups"},     /* 7.5 */
};

const char *field_standard(const struct field_row *row, struct str preset)
{
    for (size_t i = 0; preset.length > 0 && i < COUNT(presets); i++)
        if (str_equal_c(preset, presets[i].preset) && strcmp(row->key, presets[i].key) == 0)
            return presets[i].value;
    return row->standard;
}

const char *field_preset_text(struct arena *arena, const char *preset)
{
    const char *text = "";
    for (size_t i = 0; i < COUNT(presets); i++)
        if (strcmp(presets[i].preset, preset) == 0)
            text = arena_printf(arena, "%s%s%s: %s", text, text[0] != '\0' ? "\n" : "", presets[i].key,
                                presets[i].value);
    return text;
}
