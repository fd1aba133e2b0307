#include "sso/patient_access.h"

#include "base/bsn.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/directory.h"
#include "sso/internal_answer.h"

#include <stdlib.h>

#define EXTERNAL_ID_CONTEXT "sso.patient.external_id"
#define SEALED_CONTEXT "audit.patient"

/* "reference kind value", as a session keeps it. */
static bool read_kept(struct str kept, struct patient_disclosure *out_patient)
{
    struct patient_disclosure patient = {0};
    if (kept.length == 0 || !str_split_next(&kept, ' ', &patient.reference) ||
        !str_split_next(&kept, ' ', &patient.kind) || kept.length == 0)
        return false;
    patient.value = kept;
    *out_patient = patient;
    return true;
}

struct str patient_access_subject(const struct vault *vault, struct arena *arena, struct str kind,
                                  struct str customer_key, struct str value)
{
    bool is_bsn = str_equal_c(kind, "bsn");
    struct str within =
        is_bsn ? value : str_from_c(arena_printf(arena, "%.*s %.*s", STR_ARG(customer_key), STR_ARG(value)));
    struct str hash =
        vault_lookup_hash(vault, arena, is_bsn ? BSN_LOOKUP_CONTEXT : EXTERNAL_ID_CONTEXT, within);
    return str_from_c(arena_printf(arena, "patient:%.*s", STR_ARG(codec_base64url(arena, hash))));
}

/* Which page of the application: the landing path without the reference. */
static struct str page_of(struct arena *arena, const struct session *session, struct str reference)
{
    struct str path = session->landing;
    for (size_t at = 0; at + reference.length <= path.length; at++)
        if (str_equal(str_slice(path, at, at + reference.length), reference))
            return str_from_c(arena_printf(arena, "%.*s{patient}%.*s", STR_ARG(str_slice(path, 0, at)),
                                           STR_ARG(str_slice(path, at + reference.length, path.length))));
    return path;
}

/* AUD-4: which event, when (the entry's own), which patient, which user, responsible user. */
static struct str details_of(struct arena *arena, const struct session *session, struct str page,
                             struct str connection, struct str kind, struct str sealed)
{
    json_t *details =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "event", "opened through single sign-on",
                  "page", json_text(page), "user_name", json_text(session->display_name), "responsible_user",
                  json_text(session->user_id), "connection", json_text(connection), "log",
                  json_text(session->log_reference), "kind", json_text(kind), AUDIT_SEALED_MEMBER,
                  json_text(codec_base64url(arena, sealed)));
    char *dumped = json_dumps(details, JSON_COMPACT);
    json_decref(details);
    struct str text = str_copy(arena, str_from_c(dumped));
    free(dumped);
    return text;
}

enum outcome patient_access_open(struct professional *door, struct arena *arena,
                                 const struct session *session, int64_t now,
                                 struct patient_disclosure *out_patient)
{
    struct patient_disclosure patient;
    *out_patient = (struct patient_disclosure){0};
    if (!read_kept(session->patient, &patient))
        return ABSENT;
    struct cached_snapshot *snapshot = cached_acquire(door->data);
    const struct sso_connection *connection = directory_find_active_connection(snapshot, session->connection);
    struct str slug = connection != NULL ? sso_slug(arena, connection) : STR_NONE;
    struct str customer_key = connection != NULL ? str_copy(arena, connection->customer_key) : STR_NONE;
    cached_release(&snapshot);
    if (slug.length == 0)
        return ABSENT; /* taken out of use since the login */
    struct str sealed = vault_seal(door->vault, arena, SEALED_CONTEXT, patient.value);
    const struct audit_entry event = {
        .at = now,
        .actor = str_from_c(arena_printf(arena, "user:%.*s", STR_ARG(session->user_id))),
        .action = STR(PATIENT_ACCESS_ACTION),
        .subject = patient_access_subject(door->vault, arena, patient.kind, customer_key, patient.value),
        .details = details_of(arena, session, page_of(arena, session, patient.reference), slug, patient.kind,
                              sealed),
    };
    enum outcome outcome = session_open_patient(door->store, session->digest, &event);
    if (outcome == OK)
        *out_patient = patient;
    if (outcome == FAILED)
        log_error("patient_access_not_audited", LOG_STR("reference", session->log_reference));
    return outcome;
}

/* ---- for applications behind forward authentication ---- */

static void answer_patient(struct professional *door, const struct http_request *request,
                           struct http_response *response, const struct session *session)
{
    struct patient_disclosure patient;
    enum outcome outcome = patient_access_open(door, request->arena, session, clock_now(), &patient);
    switch (outcome) {
    case OK:
        internal_answer_json(request->arena, response, 200,
                             json_pack("{s:o, s:o, s:o}", "reference", json_text(patient.reference), "kind",
                                       json_text(patient.kind), "value", json_text(patient.value)));
        return;
    case ABSENT:
    case FAILED:
        internal_answer_refusal(response, outcome);
        return;
    }
}

void patient_access_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct professional *door = context;
    struct form form;
    struct str reference, user;
    struct session session;
    if (!internal_read_form(request, response, &form))
        return;
    if (form_get(&form, "reference", &reference) != FORM_ONE || form_get(&form, "user", &user) != FORM_ONE) {
        internal_answer_error(response, 400, "invalid_request");
        return;
    }
    enum outcome outcome = session_find_by_patient(door->store, codec_sha256(request->arena, reference),
                                                   clock_now(), request->arena, &session);
    switch (outcome) {
    case OK:
        /* A reference that somebody was sent, or saw over a shoulder, opens nothing for that person. */
        if (str_equal(session.user_id, user))
            answer_patient(door, request, response, &session);
        else
            internal_answer_error(response, 400, "invalid_grant");
        return;
    case ABSENT:
    case FAILED:
        internal_answer_refusal(response, outcome);
        return;
    }
}
