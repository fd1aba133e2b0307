#include "medmij/authorization.h"

#include "base/buf.h"
#include "base/codec.h"
#include "medmij/redirect_uri.h"

#include <inttypes.h>

#define STATE_MAX 512
#define PACKED_FIELDS 7
#define PACKED_CAP 16384

const char *authorization_fault_code(enum authorization_fault fault)
{
    switch (fault) {
    case AUTHORIZATION_INVALID_REQUEST:
        return "invalid_request";
    case AUTHORIZATION_RESPONSE_TYPE:
        return "unsupported_response_type";
    case AUTHORIZATION_SCOPE:
        return "invalid_scope";
    case AUTHORIZATION_NOT_ALLOWED:
        return "unauthorized_client";
    case AUTHORIZATION_UNAVAILABLE:
        return "temporarily_unavailable";
    case AUTHORIZATION_SOUND:
    case AUTHORIZATION_CLIENT:
    case AUTHORIZATION_REDIRECT_URI:
    case AUTHORIZATION_NO_LISTS:
        break;
    }
    return NULL;
}

static enum authorization_fault fault(struct authorization *authorization, enum authorization_fault kind,
                                      const char *detail)
{
    authorization->fault_detail = detail;
    return kind;
}

/* ---- first set: client and redirect URI (exception 1a) ---- */

static enum authorization_fault find_client(const struct lists_snapshot *lists,
                                            struct authorization *authorization)
{
    switch (lists_find_client(lists, authorization->client_id, &authorization->client)) {
    case OK:
        return AUTHORIZATION_SOUND;
    case ABSENT:
        return fault(authorization, AUTHORIZATION_CLIENT, "client_id is not in the OAuth client list");
    case FAILED:
        break;
    }
    return fault(authorization, AUTHORIZATION_NO_LISTS, "the OAuth client list is missing or too old");
}

static enum authorization_fault read_client(const struct form *form, const struct conf *conf,
                                            const struct lists_snapshot *lists,
                                            struct authorization *authorization)
{
    if (form_get(form, "client_id", &authorization->client_id) != FORM_ONE)
        return fault(authorization, AUTHORIZATION_CLIENT, "client_id is missing, repeated or malformed");
    if (!medmij_is_hostname(authorization->client_id))
        return fault(authorization, AUTHORIZATION_CLIENT, "client_id is not a host name");
    enum authorization_fault found = find_client(lists, authorization);
    if (found != AUTHORIZATION_SOUND)
        return found;
    struct str redirect_uri;
    if (form_get(form, "redirect_uri", &redirect_uri) != FORM_ONE)
        return fault(authorization, AUTHORIZATION_REDIRECT_URI,
                     "redirect_uri is missing, repeated or malformed");
    if (redirect_uri_check(redirect_uri, authorization->client_id, conf->is_development) != OK)
        return fault(authorization, AUTHORIZATION_REDIRECT_URI,
                     "redirect_uri is not an https URI on the client's host");
    authorization->redirect_uri = redirect_uri;
    return AUTHORIZATION_SOUND;
}

/* ---- second set: everything else (exception 1b) ---- */

/* X-Correlation-ID and MedMij-Request-ID (core.authint.208). Optional only when the configuration says so. */
static bool read_id(const struct form *form, const char *name, const struct conf *conf, struct str *out_id)
{
    struct str id;
    enum form_lookup found = form_get(form, name, &id);
    bool is_sound = found == FORM_ONE && str_is_uuid(id);
    *out_id = is_sound ? id : STR_NONE;
    return is_sound || (found == FORM_MISSING && !conf->are_ids_required);
}

static enum authorization_fault read_challenge(struct arena *arena, const struct form *form,
                                               struct authorization *authorization)
{
    struct str method = STR_NONE;
    enum form_lookup challenge_found = form_get(form, "code_challenge", &authorization->code_challenge);
    enum form_lookup method_found = form_get(form, "code_challenge_method", &method);
    if (challenge_found == FORM_MISSING && method_found == FORM_MISSING)
        return AUTHORIZATION_SOUND;
    /* RFC 7636: a challenge without a method means "plain", which is not implemented. */
    struct str digest;
    if (challenge_found != FORM_ONE || method_found != FORM_ONE || !str_equal(method, STR("S256")) ||
        authorization->code_challenge.length != 43 ||
        codec_base64url_decode(arena, authorization->code_challenge, &digest) != OK)
        return fault(authorization, AUTHORIZATION_INVALID_REQUEST,
                     "code_challenge is not a digest by the S256 method");
    return AUTHORIZATION_SOUND;
}

static enum authorization_fault read_rest(struct arena *arena, const struct form *form,
                                          const struct conf *conf, bool are_ids_sound,
                                          struct authorization *authorization)
{
    struct str state;
    if (form_get(form, "state", &state) != FORM_ONE || state.length == 0 || state.length > STATE_MAX ||
        !str_is_printable_ascii(state))
        return fault(authorization, AUTHORIZATION_INVALID_REQUEST,
                     "state is missing, repeated, longer than 512 or not printable ASCII");
    authorization->state = state;
    if (!are_ids_sound)
        return fault(authorization, AUTHORIZATION_INVALID_REQUEST,
                     "MedMij-Request-ID or X-Correlation-ID is missing, repeated or not a UUID");
    struct str response_type;
    if (form_get(form, "response_type", &response_type) != FORM_ONE)
        return fault(authorization, AUTHORIZATION_INVALID_REQUEST,
                     "response_type is missing, repeated or malformed");
    enum form_lookup scope_found = form_get(form, "scope", &authorization->scope_text);
    if (scope_found != FORM_ONE)
        return fault(authorization, AUTHORIZATION_INVALID_REQUEST, "scope is missing, repeated or malformed");
    if (!str_equal(response_type, STR("code")))
        return fault(authorization, AUTHORIZATION_RESPONSE_TYPE, "response_type is not code");
    return conf->is_pkce_used ? read_challenge(arena, form, authorization) : AUTHORIZATION_SOUND;
}

/* ---- what the scope means here and now ---- */

static const struct catalog_service *find_service(const struct catalog_provider *provider, struct str id,
                                                  enum medmij_function function)
{
    for (size_t i = 0; i < provider->service_count; i++)
        if (str_equal(provider->services[i].id, id) &&
            str_equal_c(provider->services[i].function, medmij_function_name(function)))
            return &provider->services[i];
    return NULL;
}

/* Whether a service of this provider can be offered to this client: in the provider list (ZAL), with a name
 * (GNL) and allowed by the client list (OCL). ABSENT leaves it out; FAILED means that a list is too old to
 * tell. */
static enum outcome admit_service(const struct lists_snapshot *lists, struct authorization *authorization,
                                  struct str id, bool *out_is_client_barred,
                                  const struct list_provider_service **out_listed)
{
    struct str name;
    enum outcome listed = lists_find_provider_service(
        lists, authorization->scope.provider, authorization->provider->interface_version, id, out_listed);
    if (listed != OK)
        return listed;
    enum outcome named = lists_find_service_name(lists, id, &name);
    if (named != OK)
        return named;
    if (!list_client_has_service(authorization->client, id)) {
        *out_is_client_barred = true;
        return ABSENT;
    }
    if (authorization->service_count == SCOPE_SERVICES_MAX)
        return ABSENT;
    authorization->services[authorization->service_count++] = (struct authorization_service){id, name};
    return OK;
}

/* Collect names the provider only; all its collect services that can be offered come along
 * (core.autorisatie.203). */
static enum authorization_fault resolve_collect(const struct lists_snapshot *lists,
                                                struct authorization *authorization)
{
    const struct catalog_provider *provider = authorization->provider;
    bool is_client_barred = false;
    for (size_t i = 0; i < provider->service_count; i++) {
        const struct list_provider_service *listed;
        if (str_equal_c(provider->services[i].function, medmij_function_name(FUNCTION_COLLECT)) &&
            admit_service(lists, authorization, provider->services[i].id, &is_client_barred, &listed) ==
                FAILED)
            return fault(authorization, AUTHORIZATION_UNAVAILABLE, "a MedMij list is missing or too old");
    }
    if (authorization->service_count > 0)
        return AUTHORIZATION_SOUND;
    if (is_client_barred)
        return fault(authorization, AUTHORIZATION_NOT_ALLOWED,
                     "the client list allows no collect service here");
    return fault(authorization, AUTHORIZATION_SCOPE, "the provider offers no data service to collect");
}

/* Share, subscribe and legacy collect name their services; each must be on offer. */
static enum authorization_fault resolve_named(const struct lists_snapshot *lists,
                                              struct authorization *authorization)
{
    const struct scope *scope = &authorization->scope;
    for (size_t i = 0; i < scope->service_count; i++) {
        const struct catalog_service *service =
            find_service(authorization->provider, scope->services[i], authorization->function);
        if (service == NULL)
            return fault(authorization, AUTHORIZATION_SCOPE, "the provider does not offer this data service");
        bool is_client_barred = false;
        const struct list_provider_service *listed;
        switch (admit_service(lists, authorization, service->id, &is_client_barred, &listed)) {
        case OK:
            break;
        case ABSENT:
            return is_client_barred ? fault(authorization, AUTHORIZATION_NOT_ALLOWED,
                                            "the client list bars this data service")
                                    : fault(authorization, AUTHORIZATION_SCOPE,
                                            "the data service is not in the MedMij lists");
        case FAILED:
            return fault(authorization, AUTHORIZATION_UNAVAILABLE, "a MedMij list is missing or too old");
        }
        if (authorization->function == FUNCTION_SUBSCRIBE) {
            /* ext.abo.authint.201: the offer is bounded by the provider's policy and by MaximaleDuur. Ending
             * is always possible. */
            int64_t most = service->max_days < listed->max_days ? service->max_days : listed->max_days;
            if (most <= 0 && !authorization->is_termination)
                return fault(authorization, AUTHORIZATION_SCOPE,
                             "the provider offers no subscription to this service");
            authorization->days = scope->days < most ? scope->days : most;
        }
    }
    return AUTHORIZATION_SOUND;
}

static enum authorization_fault resolve_scope(const struct lists_snapshot *lists,
                                              const struct cached_snapshot *catalog,
                                              struct authorization *authorization)
{
    struct scope *scope = &authorization->scope;
    if (authorization->scope_text.length > SCOPE_LENGTH_MAX ||
        scope_parse(authorization->scope_text, scope) != OK)
        return fault(authorization, AUTHORIZATION_SCOPE, "scope is outside the grammar");
    authorization->provider = catalog_find_provider(catalog, scope->provider);
    if (authorization->provider == NULL)
        return fault(authorization, AUTHORIZATION_SCOPE, "the provider is not served here");
    if (scope->is_on_behalf_of || scope->is_on_behalf_of_child)
        return fault(authorization, AUTHORIZATION_SCOPE, "representation is not offered here");
    switch (scope->form) {
    case SCOPE_PROVIDER:
        authorization->function = FUNCTION_COLLECT;
        return resolve_collect(lists, authorization);
    case SCOPE_PAIRS:
        /* One pair is share, unless the service is one to collect and the provider still accepts the 1.x
         * form: the service's own function decides, not the text. */
        authorization->function = FUNCTION_SHARE;
        if (find_service(authorization->provider, scope->services[0], FUNCTION_SHARE) == NULL &&
            authorization->provider->is_legacy_scope)
            authorization->function = FUNCTION_COLLECT;
        if (authorization->function == FUNCTION_SHARE && scope->service_count != 1)
            return fault(authorization, AUTHORIZATION_SCOPE, "share takes exactly one data service");
        return resolve_named(lists, authorization);
    case SCOPE_SUBSCRIBE:
        authorization->function = FUNCTION_SUBSCRIBE;
        authorization->is_termination = scope->days == 0;
        return resolve_named(lists, authorization);
    }
    return fault(authorization, AUTHORIZATION_SCOPE, "scope is outside the grammar");
}

enum authorization_fault authorization_read(struct arena *arena, struct str query, const struct conf *conf,
                                            const struct lists_snapshot *lists,
                                            const struct cached_snapshot *catalog,
                                            struct authorization *out_authorization)
{
    *out_authorization = (struct authorization){0};
    struct form form;
    if (form_parse(arena, query, &form) != OK)
        return fault(out_authorization, AUTHORIZATION_CLIENT, "too many parameters");
    /* Judged with the second set, but read first: pages and log lines about the first set name them too. */
    bool is_traced = read_id(&form, "MedMij-Request-ID", conf, &out_authorization->trace_id);
    bool is_correlated = read_id(&form, "X-Correlation-ID", conf, &out_authorization->session_id);
    enum authorization_fault first = read_client(&form, conf, lists, out_authorization);
    if (first != AUTHORIZATION_SOUND)
        return first;
    enum authorization_fault second =
        read_rest(arena, &form, conf, is_traced && is_correlated, out_authorization);
    return second != AUTHORIZATION_SOUND ? second : resolve_scope(lists, catalog, out_authorization);
}

/* ---- between pages ---- */

static void list_packed_fields(struct authorization *authorization, struct str *out_fields[PACKED_FIELDS])
{
    out_fields[0] = &authorization->client_id;
    out_fields[1] = &authorization->redirect_uri;
    out_fields[2] = &authorization->state;
    out_fields[3] = &authorization->scope_text;
    out_fields[4] = &authorization->trace_id;
    out_fields[5] = &authorization->session_id;
    out_fields[6] = &authorization->code_challenge;
}

struct str authorization_pack(struct arena *arena, const struct authorization *authorization)
{
    struct authorization copy = *authorization;
    struct str *fields[PACKED_FIELDS];
    list_packed_fields(&copy, fields);
    struct buf packed = buf_new(arena, PACKED_CAP);
    for (size_t i = 0; i < PACKED_FIELDS; i++) {
        /* No field can hold a newline: each passed its check, and redirect URI and scope have their own
         * grammar. */
        buf_append(&packed, *fields[i]);
        buf_append_char(&packed, '\n');
    }
    return buf_str(&packed);
}

enum authorization_fault authorization_unpack(struct arena *arena, struct str packed, const struct conf *conf,
                                              const struct lists_snapshot *lists,
                                              const struct cached_snapshot *catalog,
                                              struct authorization *out_authorization)
{
    *out_authorization = (struct authorization){0};
    struct str *fields[PACKED_FIELDS], rest = str_copy(arena, packed);
    list_packed_fields(out_authorization, fields);
    for (size_t i = 0; i < PACKED_FIELDS; i++)
        if (!str_split_next(&rest, '\n', fields[i]))
            return fault(out_authorization, AUTHORIZATION_CLIENT, "the packed request is damaged");
    enum authorization_fault found = find_client(lists, out_authorization);
    if (found == AUTHORIZATION_SOUND &&
        redirect_uri_check(out_authorization->redirect_uri, out_authorization->client_id,
                           conf->is_development) != OK)
        found = AUTHORIZATION_REDIRECT_URI;
    if (found != AUTHORIZATION_SOUND) {
        out_authorization->redirect_uri = STR_NONE;
        return found;
    }
    return resolve_scope(lists, catalog, out_authorization);
}

struct str authorization_granted_scope(struct arena *arena, struct str function, struct str provider,
                                       struct str services, int64_t days)
{
    if (str_equal(function, STR("collect")))
        return services;
    if (str_equal(function, STR("share")))
        return str_from_c(arena_printf(arena, "%.*s~%.*s", STR_ARG(provider), STR_ARG(services)));
    return str_from_c(
        arena_printf(arena, "subscribe~%" PRId64 "/%.*s~%.*s", days, STR_ARG(provider), STR_ARG(services)));
}
