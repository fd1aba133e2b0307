#include "fhir_data.h"

struct record {
    const char *provider;
    const char *service;
    const char *bsn;
    const char *title;
    const char *detail;
    const char *date;
};

#define SANNE "999990019"
#define JOOST "123456782"

static const struct record records[] = {
    {"huisartsdeduinen", "48", SANNE, "Hooikoorts", "Elk voorjaar klachten van ogen en neus", "2019-05-14"},
    {"huisartsdeduinen", "48", SANNE, "Allergie voor penicilline", "Huiduitslag na een kuur", "2008-02-03"},
    {"huisartsdeduinen", "49", SANNE, "Bloeddruk", "128/82 mmHg", "2026-09-02"},
    {"huisartsdeduinen", "49", SANNE, "Lichaamsgewicht", "68 kg", "2026-09-02"},
    {"huisartsdeduinen", "49", SANNE, "Glucose, nuchter", "5,1 mmol/l", "2026-03-18"},
    {"huisartsdeduinen", "49", JOOST, "Bloeddruk", "146/91 mmHg", "2026-10-20"},
    {"huisartsdeduinen", "49", JOOST, "Nierfunctie (eGFR)", "71 ml/min", "2026-10-22"},
    {"huisartsdeduinen", "51", SANNE, "Verwijsbrief dermatoloog", "Brief van de huisarts, 1 pagina",
     "2026-06-11"},
    {"huisartsdeduinen", "63", SANNE, "Cetirizine 10 mg", "Eén keer per dag één tablet, zo nodig",
     "2026-04-01"},
    {"huisartsdeduinen", "63", SANNE, "Salbutamol 100 microgram", "Zo nodig één inhalatie", "2025-11-09"},
    {"ziekenhuisdemeerpaal", "48", SANNE, "Gebroken pols (links)", "Behandeld met gips", "2024-01-27"},
    {"ziekenhuisdemeerpaal", "51", SANNE, "Ontslagbrief spoedeisende hulp", "Brief, 2 pagina's",
     "2024-01-27"},
    {"ziekenhuisdemeerpaal", "51", SANNE, "Uitslag röntgenfoto pols", "Verslag van de radioloog",
     "2024-03-08"},
};

static json_t *make_patient(const struct fact_person *person, int64_t now)
{
    struct arena *arena = arena_new();
    json_t *patient = json_pack("{s:s, s:s, s:[{s:s}], s:s, s:s}", //
                                "resourceType", "Patient",         //
                                "id", "patient",                   //
                                "name", "text", person->name,      //
                                "gender", person->gender,          //
                                "birthDate", fact_birth_date(arena, person, now));
    arena_free(&arena);
    return patient;
}

/* The fields that each resource type keeps its title, detail and date in. */
static json_t *make_resource(const struct record *record, const char *type)
{
    struct str name = str_from_c(type);
    json_t *resource =
        json_pack("{s:s, s:{s:s}}", "resourceType", type, "subject", "reference", "Patient/patient");
    json_t *rest = NULL;
    if (str_equal_c(name, "Condition"))
        rest = json_pack("{s:{s:s}, s:s, s:[{s:s}]}", "code", "text", record->title, "recordedDate",
                         record->date, "note", "text", record->detail);
    else if (str_equal_c(name, "Observation"))
        rest = json_pack("{s:s, s:{s:s}, s:s, s:s}", "status", "final", "code", "text", record->title,
                         "effectiveDateTime", record->date, "valueString", record->detail);
    else if (str_equal_c(name, "DocumentReference"))
        rest = json_pack("{s:s, s:s, s:s, s:[{s:{s:s, s:s}}]}", "status", "current", "description",
                         record->title, "date", record->date, "content", "attachment", "contentType",
                         "application/pdf", "title", record->detail);
    else
        rest = json_pack("{s:s, s:s, s:{s:s}, s:s, s:[{s:s}]}", "status", "active", "intent", "order",
                         "medicationCodeableConcept", "text", record->title, "authoredOn", record->date,
                         "dosageInstruction", "text", record->detail);
    json_object_update(resource, rest);
    json_decref(rest);
    return resource;
}

static json_t *make_bundle(json_t *resources)
{
    json_t *bundle = json_pack("{s:s, s:s, s:i, s:[]}", "resourceType", "Bundle", "type", "searchset",
                               "total", (int)json_array_size(resources), "entry");
    size_t i;
    json_t *resource;
    json_array_foreach(resources, i, resource)
    {
        json_array_append_new(json_object_get(bundle, "entry"), json_pack("{s:O}", "resource", resource));
    }
    json_decref(resources);
    return bundle;
}

json_t *fhir_patient_bundle(const struct fact_person *person, int64_t now)
{
    json_t *resources = json_array();
    if (person)
        json_array_append_new(resources, make_patient(person, now));
    return make_bundle(resources);
}

json_t *fhir_search(const struct fact_provider *provider, const struct fact_service *service,
                    const struct fact_person *person, struct str type, int64_t now)
{
    if (str_equal_c(type, "Patient"))
        return fhir_patient_bundle(person, now);
    json_t *resources = json_array();
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        const struct record *record = &records[i];
        if (strcmp(record->provider, provider->name) != 0 || strcmp(record->service, service->id) != 0 ||
            strcmp(record->bsn, person->bsn) != 0 || !str_equal_c(type, service->resource))
            continue;
        json_t *resource = make_resource(record, service->resource);
        json_object_set_new(resource, "id", json_sprintf("%s-%zu", service->id, i + 1));
        json_array_append_new(resources, resource);
    }
    return make_bundle(resources);
}

json_t *fhir_fault(const char *code, const char *text)
{
    return json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "resourceType", "OperationOutcome", "issue", "severity",
                     "error", "code", code, "diagnostics", text);
}
