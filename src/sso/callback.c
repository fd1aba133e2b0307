#include "sso/callback.h"

#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/handover.h"
#include "sso/login_report.h"
#include "sso/login_rights.h"
#include "sso/login_user.h"
#include "sso/notify.h"
#include "sso/redaction.h"
#include "sso/request.h"
#include "sso/restart.h"
#include "sso/sign_in.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

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

/* Who it is, for the log and the mail also of a login that fails later (4.11: the administrator must be able
 * to tell), and where the locations came from (CLM-9). */
static void meet(struct attempt *attempt, struct login *login, const json_t *id_token)
{
    struct str name = login_claim(attempt, login, attempt->connection->name_claim);
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
        login_rights_find(attempt, &login) && login_user_find(attempt, &login))
        sign_in_open(attempt, &login);
    if (attempt->flow.id.length > 0 && flow_end(attempt->door->store, attempt->flow.id) == FAILED)
        log_warning("flow_not_ended", LOG_STR("flow", attempt->flow.id));
    idp_identity_free(&login.identity);
}
