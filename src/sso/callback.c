#include "sso/callback.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "http/browser.h"
#include "jose/claims.h"
#include "sso/handover.h"
#include "sso/login_report.h"
#include "sso/notify.h"
#include "sso/reference.h"
#include "sso/sign_in.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

#include <stdlib.h>

#define CALLBACK_AGE_MAX_S 900 /* REQ-8 */
#define ADDED_PER_DAY_MAX 500  /* MAP-8 */

/* ---- the flow and its trail ---- */

struct str callback_pack(struct attempt *attempt, struct str patient_kind, struct str patient)
{
    json_t *payload = json_object();
    json_object_set_new(payload, "trail", json_text(trail_pack(&attempt->trail)));
    json_object_set_new(payload, "view", json_text(attempt->view));
    json_object_set_new(payload, "patient_kind", json_text(patient_kind));
    json_object_set_new(payload, "patient", json_text(patient));
    char *dumped = json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    struct str packed = str_copy(attempt->arena, str_from_c(dumped));
    free(dumped);
    return packed;
}

static struct str member(struct arena *arena, const json_t *object, const char *name)
{
    struct str value;
    return claim_text(object, name, &value) == OK ? str_copy(arena, value) : STR_NONE;
}

static enum outcome unpack(struct attempt *attempt, struct login *login)
{
    json_t *payload;
    struct failure failure;
    if (json_parse_object(attempt->flow.payload, &payload, &failure) != OK)
        return FAILED;
    attempt->view = member(attempt->arena, payload, "view");
    login->patient_kind = member(attempt->arena, payload, "patient_kind");
    login->patient = member(attempt->arena, payload, "patient");
    struct str packed = member(attempt->arena, payload, "trail");
    json_decref(payload);
    struct trail trail;
    if (trail_unpack(&trail, attempt->arena, packed) != OK)
        return FAILED;
    trail_free(&attempt->trail);
    attempt->trail = trail;
    return OK;
}

/* A replayed callback is the browser's Back button or a double click when the session that it led to is alive
 * here (RSP-8): on to its landing. */
static bool continue_session(struct attempt *attempt, struct str reference)
{
    struct session session;
    if (session_find_by_log(attempt->door->store, reference, attempt->now, attempt->arena, &session) != OK ||
        !str_equal(session.digest, attempt_session_digest(attempt)))
        return false;
    http_response_redirect(attempt->response, handover_url(attempt, &session));
    return true;
}

/* RSP-3 to RSP-8; false when the attempt has been answered. */
static bool take_flow(struct attempt *attempt, const struct form *response, struct login *login)
{
    struct str state;
    bool is_replay;
    if (form_get(response, "state", &state) != FORM_ONE) {
        attempt_fail(attempt, 301, 0, "state is missing, repeated or malformed");
        return false;
    }
    switch (flow_take_callback(attempt->door->store, codec_sha256(attempt->arena, state), attempt->now,
                               attempt->arena, &attempt->flow, &is_replay)) {
    case OK:
        break;
    case ABSENT:
        if (attempt_is_within_rate(attempt))
            attempt_fail(attempt, 302, 0, "no such attempt");
        return false;
    case FAILED:
        attempt_fail(attempt, 911, 0, "the store failed");
        return false;
    }
    /* Both doors keep their flows in one place; one of the other door is not ours to end. */
    if (!str_equal(attempt->flow.door, STR(SSO_FLOW_DOOR))) {
        attempt->flow.id = STR_NONE;
        attempt_fail(attempt, 302, 0, "the attempt belongs to another door");
        return false;
    }
    if (unpack(attempt, login) != OK) {
        attempt_fail(attempt, 302, 0, "the attempt cannot be read");
        return false;
    }
    struct str reference = attempt->trail.entry.reference;
    /* A state that comes again gets an entry of its own: that of the login it led to must stay as it is. */
    if (is_replay)
        attempt_begin_trail(attempt, attempt->trail.entry.slug);
    if (attempt->now >= attempt->flow.created_at + CALLBACK_AGE_MAX_S) {
        attempt_fail(attempt, 302, 0, "the attempt has expired");
        return false;
    }
    if (!browser_is(attempt->request, attempt->flow.browser_digest)) {
        attempt_fail(attempt, 303, 0, "the browser's cookie is missing or another");
        return false;
    }
    if (!str_equal(attempt->flow.connection, attempt->connection->id)) {
        attempt_fail(attempt, 305, 0, "the callback came to another connection than the request");
        return false;
    }
    if (is_replay && !continue_session(attempt, reference))
        attempt_fail(attempt, 304, 0, "the state was used before");
    return !is_replay;
}

/* ---- steps 4 and 5: the provider's answer, tokens, identity ---- */

static struct str provider_error(const struct form *response)
{
    struct str error;
    return form_get(response, "error", &error) == FORM_ONE ? error : STR_NONE;
}

static struct str optional_claim(struct attempt *attempt, const struct login *login, struct str path)
{
    struct str value;
    return path.length > 0 && claim_path(login->identity.claims, path, &value) == OK &&
                   str_is_printable_utf8(value) && value.length <= 255
               ? str_copy(attempt->arena, value)
               : STR_NONE;
}

static bool identify(struct attempt *attempt, const struct form *response, struct login *login)
{
    struct idp_connection connection = attempt_idp_connection(attempt);
    struct idp_attempt request = {
        .nonce = attempt->flow.nonce,
        .code_verifier = attempt->flow.code_verifier,
        .issuer = attempt->flow.issuer,
        .redirect_uri = slug_redirect_uri(attempt->arena, attempt->host, attempt->connection),
    };
    struct failure failure = {""};
    struct idp_report report = {0};
    enum idp_result result = idp_finish(attempt->door->idp, &connection, &request, response, attempt->arena,
                                        &login->identity, &report, &failure);
    int code = sso_error_of_idp(result, result == IDP_TOKEN_REFUSED ? login->identity.oauth_error
                                                                    : provider_error(response));
    login_report_callback(attempt, response, result, code, login->identity.oauth_error, &report);
    idp_report_free(&report);
    if (result == IDP_OK) {
        attempt->user_shown =
            notify_user(attempt->arena, optional_claim(attempt, login, attempt->connection->name_claim),
                        login->identity.subject);
        return true;
    }
    attempt->is_consent_required = str_equal(provider_error(response), STR("consent_required"));
    attempt_fail(attempt, code, 0, failure.text);
    return false;
}

/* ---- steps 6 and 7: locations and the mapping table ---- */

static bool fail_locations(struct attempt *attempt, enum locations_result result)
{
    switch (result) {
    case LOCATIONS_OK:
        return false;
    case LOCATIONS_ABSENT:
        attempt_fail(attempt, 701, 'a', "the location claim is absent");
        break;
    case LOCATIONS_EMPTY:
        attempt_fail(attempt, 701, 'b', "the location claim is empty");
        break;
    case LOCATIONS_OVERAGE:
        attempt_fail(attempt, 704, 0, "the provider left the list out (overage)");
        break;
    case LOCATIONS_WRONG_FORMAT:
        attempt_fail(attempt, 705, 0, "the location claim has an unknown format");
        break;
    }
    return true;
}

static bool read_locations(struct attempt *attempt, struct login *login)
{
    struct locations *locations = &login->locations;
    enum locations_result result =
        locations_read(attempt->arena, login->identity.claims, attempt->connection, locations);
    json_t *ids = json_array();
    struct str *index = arena_array_of(attempt->arena, locations->count, struct str);
    for (size_t i = 0; result == LOCATIONS_OK && i < locations->count; i++) {
        index[i] = locations->items[i].code;
        json_array_append_new(ids, json_text(index[i]));
    }
    attempt->trail.entry.location_ids = index;
    attempt->trail.entry.location_count = result == LOCATIONS_OK ? locations->count : 0;
    trail_step_ids(&attempt->trail, TRAIL_LOCATIONS, result == LOCATIONS_OK,
                   json_pack("{s:o, s:s, s:I, s:I, s:I}", "claim",
                             json_text(attempt->connection->location_claim), "type",
                             locations->json_type ? locations->json_type : "absent", "received",
                             (json_int_t)locations->received, "dropped", (json_int_t)locations->dropped,
                             "duplicates", (json_int_t)locations->duplicates),
                   ids);
    return !fail_locations(attempt, result);
}

static const char *state_name(const struct mapping_found *found)
{
    if (found->is_added)
        return "nieuw toegevoegd";
    if (found->is_withheld)
        return "niet toegevoegd (daglimiet)";
    switch (found->status) {
    case MAPPING_NEW:
        break;
    case MAPPING_LINKED:
        return "gekoppeld";
    case MAPPING_IGNORED:
        return "genegeerd";
    case MAPPING_INACTIVE:
        return "inactief";
    }
    return "niet gekoppeld";
}

static void log_mapping(struct attempt *attempt, const struct login *login, size_t linked)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < login->locations.count; i++) {
        json_t *id = json_pack("{s:o, s:s}", "id", json_text(login->locations.items[i].code), "state",
                               state_name(&login->found[i]));
        if (login->found[i].status == MAPPING_LINKED)
            json_object_set_new(id, "group", json_text(login->found[i].group));
        json_array_append_new(ids, id);
    }
    trail_step_ids(&attempt->trail, TRAIL_MAPPING, linked > 0,
                   json_pack("{s:I}", "linked", (json_int_t)linked), ids);
}

static bool map_locations(struct attempt *attempt, struct login *login)
{
    size_t count = login->locations.count, linked = 0, inactive = 0;
    login->found = arena_array_of(attempt->arena, count, struct mapping_found);
    if (mapping_resolve(attempt->door->store, attempt->connection->id, login->locations.items, count,
                        attempt->trail.entry.reference, ADDED_PER_DAY_MAX, attempt->now, attempt->arena,
                        login->found) != OK) {
        attempt_fail(attempt, 911, 0, "the mapping table could not be read");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        linked += login->found[i].status == MAPPING_LINKED;
        inactive += login->found[i].status == MAPPING_INACTIVE;
        if (login->found[i].is_withheld)
            trail_warn(&attempt->trail, 706);
        if (login->found[i].is_added)
            trail_note(&attempt->trail, 707);
    }
    log_mapping(attempt, login, linked);
    if (linked == 0)
        attempt_fail(attempt, 701, inactive > 0 ? 'd' : 'c', "no received location is linked");
    return linked > 0;
}

/* ---- step 8: permissions ---- */

static bool grant_permissions(struct attempt *attempt, struct login *login)
{
    struct str *names = arena_array_of(attempt->arena, login->locations.count, struct str);
    size_t count = 0;
    for (size_t i = 0; i < login->locations.count; i++)
        if (login->found[i].status == MAPPING_LINKED)
            names[count++] = login->found[i].group;
    enum permissions_result result = permissions_compute(attempt->arena, directory_data(attempt->snapshot),
                                                         attempt->connection->customer_key, names, count,
                                                         attempt->connection->ceiling, &login->permissions);
    json_t *groups = json_array();
    for (size_t i = 0; i < login->permissions.group_count; i++)
        json_array_append_new(groups, json_text(login->permissions.groups[i]->name));
    trail_step(&attempt->trail, TRAIL_PERMISSIONS, result == PERMISSIONS_OK,
               json_pack("{s:o, s:o, s:I}", "groups", groups, "ceiling",
                         json_text(attempt->connection->ceiling), "permissions",
                         (json_int_t)login->permissions.count));
    switch (result) {
    case PERMISSIONS_OK:
        return true;
    case PERMISSIONS_GROUPS_INACTIVE:
        attempt_fail(attempt, 701, 'e', "every linked group is inactive");
        return false;
    case PERMISSIONS_NONE_IN_GROUPS:
        attempt_fail(attempt, 702, 'a', "the groups have no permissions");
        return false;
    case PERMISSIONS_NONE_IN_CEILING:
        attempt_fail(attempt, 702, 'b', "the ceiling leaves no permission");
        return false;
    case PERMISSIONS_SCOPES_EMPTY:
        attempt_fail(attempt, 702, 'c', "groups and ceiling share permissions, but for no department");
        return false;
    }
    return false;
}

/* ---- step 9: the user ---- */

static bool know_user(struct attempt *attempt, struct login *login)
{
    const struct sso_connection *connection = attempt->connection;
    struct str subject = connection->subject_claim.length > 0 ? connection->subject_claim : STR("sub");
    struct sso_user seen = {
        .issuer = attempt->flow.issuer,
        .subject = optional_claim(attempt, login, subject),
        .sub_raw = str_copy(attempt->arena, login->identity.subject),
        .display_name = optional_claim(attempt, login, connection->name_claim),
        .email = optional_claim(attempt, login, connection->email_claim),
        .employee_number = optional_claim(attempt, login, connection->employee_claim),
    };
    struct sso_user_change change;
    if (seen.subject.length == 0) {
        trail_step(&attempt->trail, TRAIL_USER, false, json_pack("{s:o}", "claim", json_text(subject)));
        attempt_fail(attempt, 803, 0, "the subject claim is absent");
        return false;
    }
    if (sso_user_upsert(attempt->door->store, &seen, attempt->now, attempt->arena, &login->user, &change) !=
        OK) {
        attempt_fail(attempt, 802, 0, "the user could not be written");
        return false;
    }
    attempt->trail.entry.user_id = login->user.id;
    attempt->trail.entry.user_name =
        login->user.display_name.length > 0 ? login->user.display_name : login->user.subject;
    trail_step(&attempt->trail, TRAIL_USER, !login->user.is_blocked,
               json_pack("{s:o, s:o, s:b, s:o}", "claim", json_text(subject), "user",
                         json_text(login->user.id), "created", change.is_created, "changed",
                         json_text(change.changed_fields)));
    if (login->user.is_blocked)
        attempt_fail(attempt, 801, 0, "the user is blocked");
    return !login->user.is_blocked;
}

void callback_run(struct attempt *attempt, const struct form *response)
{
    struct login login = {0};
    if (take_flow(attempt, response, &login) && identify(attempt, response, &login) &&
        read_locations(attempt, &login) && map_locations(attempt, &login) &&
        grant_permissions(attempt, &login) && know_user(attempt, &login))
        sign_in_open(attempt, &login);
    if (attempt->flow.id.length > 0 && flow_end(attempt->door->store, attempt->flow.id) == FAILED)
        log_warning("flow_not_ended", LOG_STR("flow", attempt->flow.id));
    idp_identity_free(&login.identity);
}
