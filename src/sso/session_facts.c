#include "sso/session_facts.h"

#include "base/clock.h"
#include "jose/claims.h"
#include "sso/patient_access.h"
#include "sso/views.h"

json_t *session_facts_list(struct str joined, char separator)
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

void session_facts_add_patient(struct professional *door, struct arena *arena, const struct sso_data *data,
                               const struct session *session, const char *landing, json_t *facts)
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
    json_object_set_new(facts, landing, json_text(view));
    json_object_set_new(facts, "patient", told);
    json_object_set_new(facts, "warnings", codes_of(session->warnings));
    json_object_set_new(facts, "banner", banner != NULL ? json_string(banner) : json_null());
}
