#include "sso/sign_in.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "http/cookie.h"
#include "jose/claims.h"
#include "sso/handover.h"
#include "sso/views.h"

static struct str linked_locations(struct attempt *attempt, const struct login *login)
{
    struct buf joined = buf_new(attempt->arena, (size_t)LOCATIONS_MAX * 257);
    for (size_t i = 0; i < login->locations.count; i++) {
        if (login->found[i].status != MAPPING_LINKED)
            continue;
        if (joined.length > 0)
            buf_append_char(&joined, '\n');
        buf_append(&joined, login->locations.items[i].code);
    }
    return buf_str(&joined);
}

static struct str group_names(struct attempt *attempt, const struct login *login)
{
    struct buf joined = buf_new(attempt->arena, (size_t)LOCATIONS_MAX * 257);
    for (size_t i = 0; i < login->permissions.group_count; i++) {
        if (i > 0)
            buf_append_char(&joined, '\n');
        buf_append(&joined, login->permissions.groups[i]->name);
    }
    return buf_str(&joined);
}

void sign_in_open(struct attempt *attempt, struct login *login)
{
    const struct sso_connection *connection = attempt->connection;
    struct str permissions = permissions_text(attempt->arena, &login->permissions);
    struct str reference = login->patient.length > 0 ? rand_token(attempt->arena) : STR_NONE;
    /* Whether the patient is known, and open to this person, is for the application to say: it gets the
     * reference with the hand-over and shows 806 or 807 itself. */
    const struct landing_question question = {
        .data = directory_data(attempt->snapshot),
        .requested = attempt->view,
        .default_view = connection->default_view,
        .patient = login->patient.length > 0 ? LANDING_PATIENT_FOUND : LANDING_PATIENT_NONE,
        .patient_reference = reference,
        .permissions = permissions,
    };
    struct landing choice = landing_choose(attempt->arena, &question);
    trail_warn(&attempt->trail, choice.warning);
    trail_step(&attempt->trail, TRAIL_LANDING, true,
               json_pack("{s:o, s:o, s:b}", "view", json_text(attempt->view), "chosen",
                         json_text(choice.view->name), "patient", login->patient.length > 0));
    struct str cookie = rand_token(attempt->arena), replaced, sid;
    if (claim_text(login->identity.claims, "sid", &sid) != OK)
        sid = STR_NONE; /* optional (OUT-5) */
    struct session session = {
        .digest = codec_sha256(attempt->arena, cookie),
        .user_id = login->user.id,
        .connection = connection->id,
        .issuer = attempt->flow.issuer,
        .subject = login->user.sub_raw,
        .sid = sid,
        .display_name = attempt->trail.entry.user_name,
        .groups = group_names(attempt, login),
        .permissions = permissions,
        .locations = linked_locations(attempt, login),
        .landing = choice.path,
        .patient = login->patient.length > 0
                       ? str_from_c(arena_printf(attempt->arena, "%.*s %.*s %.*s", STR_ARG(reference),
                                                 STR_ARG(login->patient_kind), STR_ARG(login->patient)))
                       : STR_NONE,
        .is_limited = choice.view->is_limited,
        .id_token = login->identity.id_token,
        .acr = login->identity.acr,
        .log_reference = attempt->trail.entry.reference,
        .login_at = attempt->now,
        .seen_at = attempt->now,
        .idle_s = connection->idle_s,
        .expires_at = attempt->now + connection->absolute_s,
    };
    switch (session_create(attempt->door->store, &session, attempt_session_digest(attempt), attempt->arena,
                           &replaced)) {
    case OK:
        break;
    case ABSENT:
        attempt_fail(attempt, 801, 0, "the user was blocked during the login");
        return;
    case FAILED:
        attempt_fail(attempt, 805, 0, "the session could not be written");
        return;
    }
    trail_step(&attempt->trail, TRAIL_SESSION, true,
               json_pack("{s:o, s:o, s:I, s:I}", "user", json_text(session.user_id), "replaced_user",
                         json_text(replaced), "idle_s", (json_int_t)session.idle_s, "absolute_s",
                         (json_int_t)connection->absolute_s));
    http_response_header(attempt->response, "Set-Cookie",
                         cookie_set(attempt->arena, SSO_SESSION_COOKIE, cookie, attempt->request->is_https));
    http_response_redirect(attempt->response, handover_url(attempt, &session));
    attempt_succeed(attempt);
}
