#include "sso/callback.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/handover.h"
#include "sso/login_report.h"
#include "sso/notify.h"
#include "sso/redaction.h"
#include "sso/request.h"
#include "sso/restart.h"
#include "sso/sign_in.h"
#include "sso/slug.h"
#include "sso/sso_error.h"
#include "sso/views.h"

#define ADDED_PER_DAY_MAX 500 /* MAP-8 */

/* ---- the flow and its trail ---- */

static enum outcome unpack(struct attempt *attempt, struct login *login, struct intent *out_intent)
{
    struct trail trail;
    if (intent_unpack(attempt->arena, attempt->flow.payload, out_intent, &trail) != OK)
        return FAILED;
    attempt->view = out_intent->view;
    attempt->onward = out_intent->onward;
    attempt->is_login_forced = out_intent->is_login_forced;
    if (codec_base64url_decode(attempt->arena, out_intent->session, &attempt->session_before) != OK)
        attempt->session_before = STR_NONE;
    login->patient_kind = out_intent->patient_kind;
    login->patient = out_intent->patient;
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

/* One of RSP-1 to -12 as a line of step 4; the first that does not hold ends the attempt there. */
static bool is_kept(struct attempt *attempt, const char *rule, bool is_ok)
{
    trail_line(&attempt->trail, rule, is_ok);
    return is_ok;
}

/* Step 4 as failed, with what the log is to hold of it; `data` is stolen. False, for the caller to return. */
static bool fail_response(struct attempt *attempt, int code, const char *detail, json_t *data)
{
    trail_step(&attempt->trail, TRAIL_RESPONSE, false, data);
    attempt_fail(attempt, code, 0, detail);
    return false;
}

/* RSP-3, RSP-4; false when the attempt has been answered. */
static bool find_flow(struct attempt *attempt, const struct form *response, bool *out_is_replay)
{
    struct str state, digest;
    if (form_get(response, "state", &state) != FORM_ONE)
        return fail_response(attempt, 301, "state is missing, repeated or malformed", NULL);
    trail_line(&attempt->trail, "RSP-3", true);
    digest = redact_digest(attempt->arena, state);
    switch (flow_take_callback(attempt->door->store, codec_sha256(attempt->arena, state), attempt->now,
                               attempt->arena, &attempt->flow, out_is_replay)) {
    case OK:
        break;
    case ABSENT:
        trail_line(&attempt->trail, "RSP-4", false);
        return attempt_is_within_rate(attempt) &&
               fail_response(attempt, 302, "no such attempt", json_pack("{s:o}", "state", json_text(digest)));
    case FAILED:
        return fail_response(attempt, 911, "the store failed", NULL);
    }
    if (str_equal(attempt->flow.door, STR(SSO_FLOW_DOOR))) /* one start must not make entries for ever */
        return !*out_is_replay || attempt_is_within_rate(attempt);
    /* Both doors keep their flows in one place; one of the other door is not ours to end. */
    attempt->flow = (struct flow){0};
    trail_line(&attempt->trail, "RSP-4", false);
    return fail_response(attempt, 302, "the attempt belongs to another door",
                         json_pack("{s:o}", "state", json_text(digest)));
}

static bool fail_browser(struct attempt *attempt, const struct intent *intent, bool is_replay)
{
    struct str other;
    bool has_cookie = attempt_find_browser(attempt, &other);
    json_t *data =
        json_pack("{s:b, s:s}", "cookie", has_cookie, "user_agent", redact_user_agent(attempt->request));
    /* Tabs that started at once in a browser without a cookie: each was given one, and the last one stayed.
     * A browser without any did not start here, or keeps none. */
    bool is_same_connection = str_equal(attempt->flow.connection, attempt->connection->id);
    if (has_cookie && is_same_connection && !is_replay) {
        trail_step(&attempt->trail, TRAIL_RESPONSE, false, data);
        if (restart_silently(attempt, intent, 303, false))
            return false;
        attempt_fail(attempt, 303, 0, "the browser's cookie is another");
        return false;
    }
    return fail_response(attempt, 303, "the browser's cookie is missing or another", data);
}

/* RSP-5 to RSP-8 and RSP-12; false when the attempt has been answered. */
static bool check_flow(struct attempt *attempt, const struct intent *intent, bool is_replay,
                       struct str reference)
{
    const struct flow *flow = &attempt->flow;
    int64_t age = attempt->now - flow->created_at;
    trail_line(&attempt->trail, "RSP-4", true);
    if (!is_kept(attempt, "RSP-5", age < attempt->conf->login_lifetime_s))
        return fail_response(attempt, 302, "the attempt has expired",
                             json_pack("{s:I}", "age_s", (json_int_t)age));
    if (!is_kept(attempt, "RSP-6", attempt->is_flow_ours))
        return fail_browser(attempt, intent, is_replay);
    if (!is_kept(attempt, "RSP-7", str_equal(flow->connection, attempt->connection->id)))
        return fail_response(attempt, 305, "the callback came to another connection than the request",
                             json_pack("{s:o, s:o}", "sent_for", json_text(flow->connection), "came_to",
                                       json_text(attempt->connection->id)));
    if (is_replay) {
        if (continue_session(attempt, reference))
            return false;
        trail_line(&attempt->trail, "RSP-8", false);
        return fail_response(
            attempt, 304, "the state was used before",
            json_pack("{s:o, s:I}", "used_by", json_text(reference), "age_s", (json_int_t)age));
    }
    trail_line(&attempt->trail, "RSP-8", true);
    if (is_kept(attempt, "RSP-12", request_is_compatible(attempt, intent)))
        return true;
    trail_step(&attempt->trail, TRAIL_RESPONSE, false,
               json_pack("{s:I, s:I}", "version_sent", (json_int_t)intent->version, "version_now",
                         (json_int_t)attempt->connection->version));
    if (!restart_silently(attempt, intent, 0, true))
        attempt_fail(attempt, 302, 0, "the connection changed since the request");
    return false;
}

/* False when the attempt has been answered. */
static bool take_flow(struct attempt *attempt, const struct form *response, struct login *login)
{
    struct intent intent;
    bool is_replay;
    if (!find_flow(attempt, response, &is_replay))
        return false;
    if (unpack(attempt, login, &intent) != OK)
        return fail_response(attempt, 302, "the attempt cannot be read", NULL);
    attempt->is_flow_ours = attempt_is_browser_of_flow(attempt);
    struct str reference = attempt->trail.entry.reference;
    /* A state that comes again gets an entry of its own: that of the login it led to must stay as it is. */
    if (is_replay)
        attempt_begin_trail(attempt, attempt->trail.entry.slug);
    trail_line(&attempt->trail, "RSP-3", true);
    return check_flow(attempt, &intent, is_replay, reference);
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

/* Who it is, for the log and the mail also of a login that fails later (4.11: the administrator must be able
 * to tell), and where the locations came from (CLM-9). */
static void meet(struct attempt *attempt, struct login *login, const json_t *id_token)
{
    struct str name = optional_claim(attempt, login, attempt->connection->name_claim);
    attempt->user_shown = notify_user(attempt->arena, name, login->identity.subject);
    attempt->trail.entry.user_name =
        name.length > 0 ? name : str_copy(attempt->arena, login->identity.subject);
    const json_t *used = claims_at_path(login->identity.claims, attempt->connection->location_claim);
    const json_t *signed_one = claims_at_path(id_token, attempt->connection->location_claim);
    if (used != NULL)
        login->location_source = signed_one != NULL && json_equal(used, signed_one) ? "id_token" : "userinfo";
}

static bool identify(struct attempt *attempt, const struct form *response, struct login *login)
{
    struct idp_connection connection = attempt_idp_connection(attempt);
    struct idp_attempt request = {
        .nonce = attempt->flow.nonce,
        .code_verifier = attempt->flow.code_verifier,
        .issuer = attempt->flow.issuer,
        .redirect_uri = slug_redirect_uri(attempt->arena, attempt->host, attempt->connection),
        .asked_at = attempt->flow.created_at,
    };
    struct failure failure = {""};
    struct idp_report report = {0};
    enum idp_result result = idp_finish(attempt->door->idp, &connection, &request, response, attempt->arena,
                                        &login->identity, &report, &failure);
    int code = sso_error_of_idp(result, result == IDP_TOKEN_REFUSED ? login->identity.oauth_error
                                                                    : provider_error(response));
    login_report_callback(attempt, response, result, code, login->identity.oauth_error, &report);
    if (result == IDP_OK)
        meet(attempt, login, report.claims);
    idp_report_free(&report);
    if (result == IDP_OK)
        return true;
    attempt->is_consent_required = str_equal(provider_error(response), STR("consent_required"));
    attempt_fail(attempt, code, 0, failure.text);
    return false;
}

/* ---- steps 6 and 7: locations and the mapping table ---- */

/* PRM-7: without permissions there is no session, unless the connection says that there is one with nothing
 * in it. Where it does, the failure is a warning and the login goes on, to the main menu and without a
 * patient. */
static bool goes_on_without(struct attempt *attempt, struct login *login, int code)
{
    if (!attempt->connection->is_session_without_permissions)
        return false;
    trail_warn(&attempt->trail, code);
    login->patient = STR_NONE;
    attempt->view = STR(VIEW_MAIN_MENU);
    return true;
}

static bool fail_locations(struct attempt *attempt, struct login *login, enum locations_result result)
{
    switch (result) {
    case LOCATIONS_OK:
        return false;
    case LOCATIONS_ABSENT:
        attempt_fail(attempt, 701, 'a', "the location claim is absent");
        break;
    case LOCATIONS_EMPTY:
        if (goes_on_without(attempt, login, 701))
            return false;
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
                   json_pack("{s:o, s:s, s:s, s:I, s:I, s:I}", "claim",
                             json_text(attempt->connection->location_claim), "source",
                             login->location_source ? login->location_source : "", "type",
                             locations->json_type ? locations->json_type : "absent", "received",
                             (json_int_t)locations->received, "dropped", (json_int_t)locations->dropped,
                             "duplicates", (json_int_t)locations->duplicates),
                   ids);
    return !fail_locations(attempt, login, result);
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
    trail_step_ids(
        &attempt->trail, TRAIL_MAPPING, linked > 0,
        json_pack("{s:I, s:I}", "received", (json_int_t)login->locations.count, "linked", (json_int_t)linked),
        ids);
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
    if (linked > 0 || goes_on_without(attempt, login, 701))
        return true;
    attempt_fail(attempt, 701, inactive > 0 ? 'd' : 'c', "no received location is linked");
    return false;
}

/* ---- step 8: permissions ---- */

/* Permissions per group, their union, the ceiling and what it leaves (5.2). */
static void log_permissions(struct attempt *attempt, const struct login *login, const struct str *names,
                            size_t count, bool is_ok)
{
    const struct permissions *permissions = &login->permissions;
    struct permissions together = {0};
    json_t *groups = json_array(), *lines = json_array();
    for (size_t i = 0; i < permissions->group_count; i++) {
        const struct sso_group *group = permissions->groups[i];
        const struct permissions own = {.pairs = group->pairs, .count = group->pair_count};
        json_array_append_new(groups, json_text(group->name));
        json_array_append_new(lines, json_pack("{s:o, s:o}", "group", json_text(group->name), "permissions",
                                               json_text(permissions_text(attempt->arena, &own))));
    }
    if (permissions_compute(attempt->arena, directory_data(attempt->snapshot),
                            attempt->connection->customer_key, names, count, STR_NONE,
                            &together) != PERMISSIONS_OK)
        together.count = 0;
    trail_step_ids(&attempt->trail, TRAIL_PERMISSIONS, is_ok,
                   json_pack("{s:o, s:I, s:o, s:I, s:o}", "groups", groups, "union",
                             (json_int_t)together.count, "ceiling", json_text(attempt->connection->ceiling),
                             "permissions", (json_int_t)permissions->count, "result",
                             json_text(permissions_text(attempt->arena, permissions))),
                   lines);
}

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
    log_permissions(attempt, login, names, count, result == PERMISSIONS_OK);
    if (result != PERMISSIONS_OK &&
        goes_on_without(attempt, login, result == PERMISSIONS_GROUPS_INACTIVE ? 701 : 702))
        return true;
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

static const char *user_word(const struct sso_user_change *change)
{
    if (change->is_created)
        return "aangemaakt";
    if (change->is_linked)
        return "gekoppeld";
    return change->changed_fields.length > 0 ? "bijgewerkt" : "gevonden";
}

/* USR-2: a number of personnel is a text at one provider and a number at another. */
static struct str link_value(struct attempt *attempt, const struct login *login)
{
    struct str path = attempt->connection->link_claim;
    if (path.length == 0)
        return STR_NONE;
    const json_t *value = claims_at_path(login->identity.claims, path);
    if (json_is_integer(value))
        return str_from_c(arena_printf(attempt->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    return optional_claim(attempt, login, path);
}

static void log_user(struct attempt *attempt, struct str claim, const struct sso_user *user,
                     const char *result, const struct sso_user_change *change, struct str linked_by)
{
    json_t *data = json_pack("{s:o, s:o, s:s, s:o}", "claim", json_text(claim), "user", json_text(user->id),
                             "result", result, "changed", json_text(change->changed_fields));
    json_t *rivals = json_array();
    for (size_t i = 0; i < change->rival_count; i++)
        json_array_append_new(rivals, json_text(change->rivals[i]));
    if (change->rival_count > 0)
        json_object_set(data, "users", rivals);
    if (change->is_linked || change->rival_count > 0)
        json_object_set_new(data, "link_claim", json_text(linked_by));
    json_decref(rivals);
    trail_step(&attempt->trail, TRAIL_USER, user->id.length > 0 && !user->is_blocked, data);
}

static bool know_user(struct attempt *attempt, struct login *login)
{
    const struct sso_connection *connection = attempt->connection;
    struct str subject = connection->subject_claim.length > 0 ? connection->subject_claim : STR("sub");
    struct sso_user seen = {
        .issuer = login->identity.issuer,
        .subject = optional_claim(attempt, login, subject),
        .sub_raw = str_copy(attempt->arena, login->identity.subject),
        .display_name = optional_claim(attempt, login, connection->name_claim),
        .email = optional_claim(attempt, login, connection->email_claim),
        .employee_number = optional_claim(attempt, login, connection->employee_claim),
    };
    const struct sso_user_link link = {connection->id, link_value(attempt, login)};
    struct sso_user_change change;
    if (seen.subject.length == 0) {
        trail_step(&attempt->trail, TRAIL_USER, false, json_pack("{s:o}", "claim", json_text(subject)));
        attempt_fail(attempt, 803, 0, "the subject claim is absent");
        return false;
    }
    switch (sso_user_upsert(attempt->door->store, &seen, &link, attempt->now, attempt->arena, &login->user,
                            &change)) {
    case OK:
        break;
    case ABSENT:
        log_user(attempt, subject, &(const struct sso_user){0}, "niet gekoppeld", &change,
                 connection->link_claim);
        attempt_fail(attempt, 804, 0, "the link claim fits another user");
        return false;
    case FAILED:
        attempt_fail(attempt, 802, 0, "the user could not be written");
        return false;
    }
    attempt->trail.entry.user_id = login->user.id;
    attempt->trail.entry.user_name =
        login->user.display_name.length > 0 ? login->user.display_name : login->user.subject;
    log_user(attempt, subject, &login->user, user_word(&change), &change, connection->link_claim);
    if (login->user.is_blocked)
        attempt_fail(attempt, 801, 0, "the user is blocked");
    return !login->user.is_blocked;
}

/* 311: what the person must do at the identity provider, as the prompt that asks for it. */
static const char *retry_prompt(struct str error)
{
    if (str_equal(error, STR("consent_required")))
        return "consent";
    if (str_equal(error, STR("account_selection_required")))
        return "select_account";
    return str_equal(error, STR("login_required")) || str_equal(error, STR("interaction_required")) ? "login"
                                                                                                    : NULL;
}

void callback_run(struct attempt *attempt, const struct form *response)
{
    struct login login = {0};
    attempt->retry_prompt = retry_prompt(provider_error(response));
    if (take_flow(attempt, response, &login) && identify(attempt, response, &login) &&
        read_locations(attempt, &login) && map_locations(attempt, &login) &&
        grant_permissions(attempt, &login) && know_user(attempt, &login))
        sign_in_open(attempt, &login);
    if (attempt->flow.id.length > 0 && flow_end(attempt->door->store, attempt->flow.id) == FAILED)
        log_warning("flow_not_ended", LOG_STR("flow", attempt->flow.id));
    idp_identity_free(&login.identity);
}
