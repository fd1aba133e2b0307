#include "facts.h"

#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECONDS_PER_YEAR 31556952
#define ADULT_AGE 16 /* spec 6: the age rule of the availability check */

const struct fact_service fact_services[] = {
    {"48", "Basisgegevens Zorg", "MM-3.0-BZB-FHIR", "Condition"},
    {"49", "Huisartsgegevens", "MM-2.0-HGB-FHIR", "Observation"},
    {"51", "Documenten", "MM-3.0-PLB-FHIR", "DocumentReference"},
    {"53", "Vragenlijsten", "MM-1.0-QUR-FHIR", "QuestionnaireResponse"},
    {"63", "Medicatiegegevens", "MM-1.0-MGB-FHIR", "MedicationRequest"},
};
const size_t fact_service_count = COUNT(fact_services);

static const struct fact_offer duinen_offers[] = {
    {"48", "collect", 0}, {"49", "collect", 0}, {"51", "collect", 0},
    {"63", "collect", 0}, {"53", "share", 0},   {"49", "subscribe", 365},
};
static const struct fact_offer meerpaal_offers[] = {
    {"48", "collect", 0},
    {"51", "collect", 0},
};

const struct fact_provider fact_providers[] = {
    {"huisartsdeduinen", "Huisartsenpraktijk De Duinen", "Huisarts in Egmond", duinen_offers,
     COUNT(duinen_offers)},
    {"ziekenhuisdemeerpaal", "Ziekenhuis De Meerpaal", "Ziekenhuis in Lelystad", meerpaal_offers,
     COUNT(meerpaal_offers)},
};
const size_t fact_provider_count = COUNT(fact_providers);

const struct fact_person fact_persons[] = {
    {"999990019", "Sanne de Wit", 42, "female", "heeft gegevens bij alle zorgaanbieders"},
    {"123456782", "Joost Bakker", 67, "male",
     "heeft alleen huisartsgegevens, bij Huisartsenpraktijk De Duinen"},
    {"111222333", "Mila Jansen", 29, "female", "heeft nergens gegevens"},
    {"426308505", "Daan Visser", 15, "male", "is te jong om gegevens uit te wisselen"},
};
const size_t fact_person_count = COUNT(fact_persons);

const struct fact_service *fact_find_service(struct str id)
{
    for (size_t i = 0; i < fact_service_count; i++) {
        if (str_equal_c(id, fact_services[i].id))
            return &fact_services[i];
    }
    return NULL;
}

const struct fact_provider *fact_find_provider(struct str name)
{
    for (size_t i = 0; i < fact_provider_count; i++) {
        if (str_equal_c(name, fact_providers[i].name))
            return &fact_providers[i];
    }
    return NULL;
}

const struct fact_person *fact_find_person(struct str bsn)
{
    for (size_t i = 0; i < fact_person_count; i++) {
        if (str_equal_c(bsn, fact_persons[i].bsn))
            return &fact_persons[i];
    }
    return NULL;
}

const struct fact_offer *fact_find_offer(const struct fact_provider *provider, struct str service,
                                         struct str function)
{
    for (size_t i = 0; i < provider->offer_count; i++) {
        const struct fact_offer *offer = &provider->offers[i];
        if (str_equal_c(service, offer->service) && str_equal_c(function, offer->function))
            return offer;
    }
    return NULL;
}

enum fact_answer fact_check(const struct fact_provider *provider, struct str service, struct str function,
                            const struct fact_person *person)
{
    if (!person)
        return FACT_NO_RELATION;
    if (person->age < ADULT_AGE)
        return FACT_TOO_YOUNG;
    if (!fact_find_offer(provider, service, function))
        return FACT_NO_DATA;
    if (str_equal_c(STR("999990019"), person->bsn))
        return FACT_AVAILABLE;
    if (str_equal_c(STR("123456782"), person->bsn)) {
        if (!str_equal_c(STR("huisartsdeduinen"), provider->name))
            return FACT_NO_RELATION;
        return str_equal_c(service, "49") ? FACT_AVAILABLE : FACT_NO_DATA;
    }
    return FACT_NO_DATA;
}

bool fact_is_known(const struct fact_provider *provider, const struct fact_person *person)
{
    for (size_t i = 0; i < provider->offer_count; i++) {
        const struct fact_offer *offer = &provider->offers[i];
        enum fact_answer answer =
            fact_check(provider, str_from_c(offer->service), str_from_c(offer->function), person);
        if (answer == FACT_AVAILABLE || answer == FACT_TOO_YOUNG)
            return true;
    }
    return false;
}

int64_t fact_granted_days(struct str scope)
{
    int64_t days;
    struct str prefix = STR("subscribe~");
    if (!str_starts_with(scope, prefix))
        return 0;
    return str_to_int64(str_slice(scope, prefix.length, str_find(scope, '/')), &days) == OK ? days : 0;
}

const char *fact_birth_date(struct arena *arena, const struct fact_person *person, int64_t now)
{
    time_t born = (time_t)(now - (int64_t)person->age * SECONDS_PER_YEAR - SECONDS_PER_YEAR / 2);
    struct tm tm;
    gmtime_r(&born, &tm);
    return arena_printf(arena, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}
