#include "sso/restart.h"

#include "base/codec.h"
#include "base/rand.h"
#include "jose/claims.h"
#include "sso/request.h"
#include "sso/slug.h"
#include "sso/start_request.h"

#define FLOW_ID_LENGTH (UUID_TEXT_SIZE - 1)

const char *restart_url(struct arena *arena, struct str flow, const char *prompt)
{
    return arena_printf(arena, RESTART_PATH "%.*s%s%s", STR_ARG(flow), prompt != NULL ? "/" : "",
                        prompt != NULL ? prompt : "");
}

/* Begins the new entry, with where it came from as its step 1, and sends the request. */
static void send_again(struct attempt *attempt, const struct intent *intent, struct str old_reference)
{
    struct intent again = *intent;
    struct str session = attempt_session_digest(attempt);
    if (session.length > 0)
        again.session = codec_base64url(attempt->arena, session);
    attempt->view = again.view;
    attempt->is_login_forced = again.is_login_forced;
    attempt_begin_trail(attempt, sso_slug(attempt->arena, attempt->connection));
    if (intent->is_restarted && intent->patient.length == 0 && intent->patient_kind.length > 0)
        trail_warn(&attempt->trail, 108);
    trail_step(&attempt->trail, TRAIL_START, true,
               json_pack("{s:o, s:o, s:o, s:o, s:s, s:b}", "restart_of", json_text(old_reference), "address",
                         json_text(attempt->request->peer_address), "host", json_text(attempt->host->name),
                         "view", json_text(attempt->view), "patient", again.patient.length > 0 ? "ja" : "nee",
                         "silent", again.is_restarted));
    request_send(attempt, &again);
}

bool restart_silently(struct attempt *attempt, const struct intent *intent, int code, bool is_same_browser)
{
    struct start_request ignored = {0};
    if (intent->is_restarted || start_request_check_navigation(attempt->request, &ignored) != 0)
        return false;
    struct str reference = attempt->trail.entry.reference;
    struct intent again = *intent;
    again.is_restarted = true;
    if (!is_same_browser) {
        again.patient = STR_NONE; /* its kind stays: the person is told that there was one (108) */
        again.session = STR_NONE;
    }
    attempt_abandon(attempt, code);
    send_again(attempt, &again, reference);
    return true;
}

/* ---- the button ---- */

/* INI-8 holds for third parties; who comes here has the cookie of the flow. */
static bool parse_tail(struct str tail, struct str *out_flow, struct str *out_prompt)
{
    static const char *const prompts[] = {"login", "consent", "select_account"};
    *out_flow = str_slice(tail, 0, FLOW_ID_LENGTH);
    *out_prompt = STR_NONE;
    if (!str_is_uuid(*out_flow))
        return false;
    if (tail.length == FLOW_ID_LENGTH)
        return true;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        if (tail.data[FLOW_ID_LENGTH] == '/' &&
            str_equal_c(str_slice(tail, FLOW_ID_LENGTH + 1, tail.length), prompts[i]))
            *out_prompt = str_from_c(prompts[i]);
    return out_prompt->length > 0;
}

/* The connection of the flow, when this host serves it. */
static const struct sso_connection *find_connection(struct attempt *attempt)
{
    const struct sso_connection *connection =
        directory_find_connection_by_id(attempt->snapshot, attempt->flow.connection);
    bool is_served = connection != NULL && attempt->host != NULL &&
                     str_equal(connection->platform, attempt->host->platform) &&
                     str_equal(connection->environment, attempt->host->environment);
    return is_served ? connection : NULL;
}

/* 0, or a code; one page, whatever it is that is not so. */
static int open_flow(struct attempt *attempt, struct intent *out_intent, struct str *out_reference)
{
    struct str id, prompt;
    if (!parse_tail(attempt->request->path_tail, &id, &prompt))
        return 101;
    switch (flow_find(attempt->door->store, id, attempt->now, attempt->arena, &attempt->flow)) {
    case OK:
        break;
    case ABSENT:
        return 101;
    case FAILED:
        return 911;
    }
    if (!str_equal(attempt->flow.door, STR(SSO_FLOW_DOOR)))
        return 101;
    attempt->connection = find_connection(attempt);
    if (request_check_connection(attempt->connection) != 0 || !attempt_is_browser_of_flow(attempt)) {
        attempt->connection = NULL;
        return 101;
    }
    struct trail trail;
    if (intent_unpack(attempt->arena, attempt->flow.payload, out_intent, &trail) != OK)
        return 101;
    *out_reference = trail.entry.reference;
    trail_free(&trail);
    out_intent->prompt = prompt;
    out_intent->is_restarted = false;
    return 0;
}

static void run(struct attempt *attempt)
{
    struct start_request ignored = {0};
    struct intent intent;
    struct str reference = STR_NONE;
    if (start_request_check_navigation(attempt->request, &ignored) != 0) {
        http_response_text(attempt->response, 401, ""); /* INI-4 */
        return;
    }
    int code = open_flow(attempt, &intent, &reference);
    attempt_begin_trail(attempt, attempt->connection != NULL ? sso_slug(attempt->arena, attempt->connection)
                                                             : STR_NONE);
    if (code != 0) {
        attempt->flow = (struct flow){0};
        if (attempt_is_within_rate(attempt))
            attempt_fail(attempt, code, 0, "there is nothing to start again");
        return;
    }
    if (request_is_within_rates(attempt))
        send_again(attempt, &intent, reference);
}

void restart_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    if (request->method == HTTP_HEAD) /* INI-1 */
        http_response_text(response, 200, "");
    else
        run(&attempt);
    attempt_end(&attempt);
}
