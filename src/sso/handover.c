#include "sso/handover.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "jose/claims.h"
#include "sso/patient_access.h"
#include "sso/views.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#define CODE_CONTEXT "sso.handover"
#define CODE_LIFETIME_S 60

/* ---- the one-time code: the session's digest and its end, sealed; used up through the replay table ---- */

static struct str make_code(struct attempt *attempt, const struct session *session)
{
    struct buf plain = buf_new(attempt->arena, 256);
    buf_printf(&plain, "%" PRId64 "\n", attempt->now + CODE_LIFETIME_S);
    buf_append(&plain, session->digest);
    return codec_base64url(attempt->arena,
                           vault_seal(attempt->door->vault, attempt->arena, CODE_CONTEXT, buf_str(&plain)));
}

const char *handover_url(struct attempt *attempt, const struct session *session)
{
    struct str application = attempt->connection->application;
    if (application.length == 0)
        return arena_printf(attempt->arena, "%.*s%.*s", STR_ARG(attempt->host->base_url),
                            STR_ARG(session->landing));
    return arena_printf(attempt->arena, "%.*s?code=%.*s", STR_ARG(application),
                        STR_ARG(make_code(attempt, session)));
}

/* OK with the digest of the session; ABSENT for a code that is damaged, expired or used; FAILED when the
 * store does not tell. */
static enum outcome open_code(struct professional *door, struct arena *arena, struct str code, int64_t now,
                              struct str *out_digest)
{
    struct str sealed, plain, expiry;
    int64_t expires_at;
    if (codec_base64url_decode(arena, code, &sealed) != OK ||
        vault_open(door->vault, arena, CODE_CONTEXT, sealed, &plain) != OK ||
        !str_split_next(&plain, '\n', &expiry) || str_to_int64(expiry, &expires_at) != OK ||
        now >= expires_at)
        return ABSENT;
    *out_digest = plain;
    return replay_take(door->store, "handover", codec_sha256(arena, code), expires_at, now);
}

/* ---- the facts of a session ---- */

static json_t *list_of(struct str joined, char separator)
{
    json_t *list = json_array();
    struct str rest = joined.length > 0 ? joined : STR_NONE, part;
    while (str_split_next(&rest, separator, &part))
        json_array_append_new(list, json_text(part));
    return list;
}

/* Codes, as numbers. */
static json_t *codes_of(struct str warnings)
{
    json_t *list = json_array();
    struct str code;
    int64_t number;
    while (str_split_next(&warnings, ' ', &code))
        if (str_to_int64(code, &number) == OK)
            json_array_append_new(list, json_integer(number));
    return list;
}

/* The patient, and where to land. Fails closed (VIEW-9): without the event in the audit trail the patient
 * stays here, and the person lands on the main menu and is told. */
static void add_patient(struct professional *door, struct arena *arena, const struct sso_data *data,
                        const struct session *session, json_t *facts)
{
    struct patient_disclosure patient;
    struct str view = session->landing;
    const char *banner = views_banner(session->warnings);
    json_t *told = NULL;
    switch (patient_access_open(door, arena, session, clock_now(), &patient)) {
    case OK:
        told = json_pack("{s:o, s:o, s:o}", "reference", json_text(patient.reference), "kind",
                         json_text(patient.kind), "value", json_text(patient.value));
        break;
    case ABSENT:
        told = json_null();
        break;
    case FAILED:
        told = json_null();
        view = views_main_path(arena, data);
        banner = VIEWS_BANNER_PATIENT;
        break;
    }
    json_object_set_new(facts, "view", json_text(view));
    json_object_set_new(facts, "patient", told);
    json_object_set_new(facts, "warnings", codes_of(session->warnings));
    json_object_set_new(facts, "banner", banner != NULL ? json_string(banner) : json_null());
}

static struct str facts(struct professional *door, struct arena *arena,
                        const struct cached_snapshot *snapshot, const struct session *session)
{
    const struct sso_connection *connection = directory_find_connection_by_id(snapshot, session->connection);
    json_t *object = json_object();
    json_object_set_new(object, "user", json_text(session->user_id));
    json_object_set_new(object, "display_name", json_text(session->display_name));
    json_object_set_new(object, "connection",
                        json_text(connection ? sso_slug(arena, connection) : session->connection));
    json_object_set_new(object, "environment", json_text(connection ? connection->environment : STR("")));
    json_object_set_new(object, "groups", list_of(session->groups, '\n'));
    json_object_set_new(object, "permissions", list_of(session->permissions, ' '));
    json_object_set_new(object, "locations", list_of(session->locations, '\n'));
    add_patient(door, arena, directory_data(snapshot), session, object);
    json_object_set_new(object, "limited", json_boolean(session->is_limited));
    json_object_set_new(object, "expires", json_integer(session->expires_at));
    char *dumped = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    struct str copy = str_copy(arena, str_from_c(dumped));
    free(dumped);
    return copy;
}

static void answer_facts(struct professional *door, const struct http_request *request,
                         struct http_response *response, struct str digest)
{
    struct session session;
    switch (session_find(door->store, digest, clock_now(), request->arena, &session)) {
    case OK: {
        struct cached_snapshot *snapshot = cached_acquire(door->data);
        http_response_json(response, 200, facts(door, request->arena, snapshot, &session));
        cached_release(&snapshot);
        return;
    }
    case ABSENT:
        http_response_json(response, 400, STR("{\"error\":\"invalid_grant\"}"));
        return;
    case FAILED:
        http_response_json(response, 503, STR("{\"error\":\"temporarily_unavailable\"}"));
        return;
    }
}

void handover_handle_exchange(void *context, const struct http_request *request,
                              struct http_response *response)
{
    struct professional *door = context;
    struct form form;
    struct str code, digest;
    if (!http_request_has_content_type(request, "application/x-www-form-urlencoded") ||
        form_parse(request->arena, request->body, &form) != OK ||
        form_get(&form, "code", &code) != FORM_ONE) {
        http_response_json(response, 400, STR("{\"error\":\"invalid_request\"}"));
        return;
    }
    switch (open_code(door, request->arena, code, clock_now(), &digest)) {
    case OK:
        answer_facts(door, request, response, digest);
        return;
    case ABSENT:
        http_response_json(response, 400, STR("{\"error\":\"invalid_grant\"}"));
        return;
    case FAILED:
        http_response_json(response, 503, STR("{\"error\":\"temporarily_unavailable\"}"));
        return;
    }
}
