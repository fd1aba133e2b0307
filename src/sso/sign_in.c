#include "sso/sign_in.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "http/cookie.h"
#include "jose/claims.h"
#include "sso/handover.h"
#include "sso/redaction.h"
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

/* ---- step 10 ---- */

static struct landing choose_landing(struct attempt *attempt, const struct login *login, struct str reference,
                                     struct str permissions)
{
    /* Whether the patient is known, and open to this person, is for the application to say: it gets the
     * reference, and tells at POST /sso/landing (806, 807). */
    const struct landing_question question = {
        .data = directory_data(attempt->snapshot),
        .requested = attempt->view,
        .default_view = attempt->connection->default_view,
        .patient = login->patient.length > 0 ? LANDING_PATIENT_FOUND : LANDING_PATIENT_NONE,
        .patient_reference = reference,
        .permissions = permissions,
    };
    struct landing choice = landing_choose(attempt->arena, &question);
    trail_warn(&attempt->trail, choice.warning);
    const char *check = choice.asked == NULL                   ? "niet gedaan"
                        : choice.asked->permission.length == 0 ? "niet nodig"
                        : choice.warning == 809                ? "ontbreekt"
                                                               : "ja";
    trail_step(&attempt->trail, TRAIL_LANDING, true,
               json_pack("{s:o, s:b, s:o, s:o, s:s, s:o, s:b}", "view", json_text(attempt->view),
                         "needs_patient", choice.asked != NULL && choice.asked->needs_patient, "patient",
                         json_text(login->patient.length > 0 ? login->patient_kind : STR("geen")),
                         "permission", json_text(choice.asked != NULL ? choice.asked->permission : STR("")),
                         "permitted", check, "chosen", json_text(choice.view->name), "limited",
                         choice.view->is_limited));
    return choice;
}

/* ---- step 11 ---- */

/* What the application shows about the login. */
static struct str warning_codes(struct attempt *attempt)
{
    struct buf codes = buf_new(attempt->arena, TRAIL_REMARKS_MAX * 12);
    for (size_t i = 0; i < attempt->trail.remark_count; i++)
        if (!attempt->trail.remarks[i].is_note)
            buf_printf(&codes, "%s%d", codes.length > 0 ? " " : "", attempt->trail.remarks[i].code);
    return buf_str(&codes);
}

/* VIEW-7: one patient, what that page needs, ten minutes, and nothing that would open more. */
static void limit(struct arena *arena, const struct sso_view *view, struct session *session)
{
    session->is_limited = true;
    session->permissions = views_limit(arena, view, session->permissions);
    session->groups = STR_NONE;
    if (session->idle_s > LIMITED_SESSION_S)
        session->idle_s = LIMITED_SESSION_S;
    if (session->expires_at > session->login_at + LIMITED_SESSION_S)
        session->expires_at = session->login_at + LIMITED_SESSION_S;
}

/* Not later than now: its clock may be ahead, and a max_age would not run out. */
static int64_t auth_time(const struct attempt *attempt, const struct login *login)
{
    int64_t told;
    if (claim_time(login->identity.claims, "auth_time", &told) != OK || told <= 0)
        return 0;
    return told < attempt->now ? told : attempt->now;
}

static struct session make_session(struct attempt *attempt, const struct login *login, struct str cookie)
{
    const struct sso_connection *connection = attempt->connection;
    struct arena *arena = attempt->arena;
    struct str permissions = permissions_text(arena, &login->permissions), sid;
    struct str reference = login->patient.length > 0 ? rand_token(arena) : STR_NONE;
    if (claim_text(login->identity.claims, "sid", &sid) != OK)
        sid = STR_NONE; /* optional (OUT-5) */
    struct landing choice = choose_landing(attempt, login, reference, permissions);
    struct session session = {
        .digest = codec_sha256(arena, cookie),
        .user_id = login->user.id,
        .connection = connection->id,
        .issuer = login->identity.issuer,
        .subject = login->user.sub_raw,
        .identity = login->user.subject,
        .sid = sid,
        .display_name = attempt->trail.entry.user_name,
        .groups = group_names(attempt, login),
        .permissions = permissions,
        .locations = linked_locations(attempt, login),
        .landing = choice.path,
        .warnings = warning_codes(attempt),
        .id_token = login->identity.id_token,
        .acr = login->identity.acr,
        .log_reference = attempt->trail.entry.reference,
        .auth_at = auth_time(attempt, login),
        .login_at = attempt->now,
        .seen_at = attempt->now,
        .idle_s = connection->idle_s,
        .expires_at = attempt->now + connection->absolute_s,
    };
    if (login->patient.length > 0) {
        session.patient = str_from_c(arena_printf(arena, "%.*s %.*s %.*s", STR_ARG(reference),
                                                  STR_ARG(login->patient_kind), STR_ARG(login->patient)));
        session.patient_digest = codec_sha256(arena, reference);
    }
    if (choice.view->is_limited)
        limit(arena, choice.view, &session);
    return session;
}

/* SES-3 */
static struct str previous_session(const struct attempt *attempt)
{
    struct str digest = attempt_session_digest(attempt);
    return digest.length > 0 ? digest : attempt->session_before;
}

/* The first six digits of the cookie's SHA-256, which is what a session is kept by (4.11). */
static json_t *shown_digest(struct arena *arena, struct str digest)
{
    return json_text(str_slice(codec_hex(arena, digest), 0, digest.length > 0 ? 6 : 0));
}

static void log_session(struct attempt *attempt, const struct session *session, struct str replaced_user)
{
    struct str previous = replaced_user.length > 0 ? previous_session(attempt) : STR_NONE;
    trail_step(&attempt->trail, TRAIL_SESSION, true,
               json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:o}", "session",
                         shown_digest(attempt->arena, session->digest), "user", json_text(session->user_id),
                         "replaced_session", shown_digest(attempt->arena, previous), "replaced_user",
                         json_text(replaced_user), "idle_s", (json_int_t)session->idle_s, "absolute_s",
                         (json_int_t)(session->expires_at - session->login_at), "limited",
                         session->is_limited, "sid",
                         json_text(session->sid.length > 0 ? redact_digest(attempt->arena, session->sid)
                                                           : STR(""))));
}

/* Whichever of the two it was, as far as the store still tells. */
static const char *what_came_between(struct attempt *attempt, const struct login *login)
{
    struct sso_user user;
    bool is_blocked =
        sso_user_find(attempt->door->store, login->user.id, attempt->arena, &user) != OK || user.is_blocked;
    return is_blocked ? "the user was blocked during the login" : "the user was unlinked during the login";
}

void sign_in_open(struct attempt *attempt, struct login *login)
{
    struct str cookie = rand_token(attempt->arena), replaced;
    struct session session = make_session(attempt, login, cookie);
    switch (session_create(attempt->door->store, &session, previous_session(attempt), attempt->arena,
                           &replaced)) {
    case OK:
        break;
    case ABSENT:
        attempt_fail(attempt, 801, 0, what_came_between(attempt, login));
        return;
    case FAILED:
        attempt_fail(attempt, 805, 0, "the session could not be written");
        return;
    }
    log_session(attempt, &session, replaced);
    http_response_header(attempt->response, "Set-Cookie",
                         cookie_set(attempt->arena, SSO_SESSION_COOKIE, cookie, attempt->request->is_https));
    http_response_redirect(attempt->response, handover_url(attempt, &session));
    attempt_succeed(attempt);
}
