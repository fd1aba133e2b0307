/*
 * The fixed facts of the demo: services, providers, test persons, and who has data where. All fictional;
 * docs/architecture.md names them, tests rely on them. Constant data; any thread.
 */
#ifndef SIM_FACTS_H
#define SIM_FACTS_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define FACTS_CLIENT_HOST "pgo.localhost"
#define FACTS_CLIENT_NAME "Voorbeeld-PGO"
#define FACTS_INTERFACE_VERSION "2"
/* How Sluis is known at the identity provider. */
#define FACTS_RP_CLIENT_ID "sluis"
#define FACTS_RP_CLIENT_SECRET "alleen-voor-de-demo-7Q2m9Xw4"
/* What Sluis shows at the availability check. */
#define FACTS_AVAILABILITY_SECRET "alleen-voor-de-demo-b3Kd81Tz"

struct fact_service {
    const char *id;
    const char *name;        /* Weergavenaam */
    const char *system_role; /* Systeemrolcode */
    const char *resource;    /* FHIR resource type that a PGO asks for */
};

struct fact_offer {
    const char *service;
    const char *function; /* collect, share, subscribe */
    int max_days;         /* subscribe */
};

struct fact_provider {
    const char *name; /* without @medmij */
    const char *display_name;
    const char *description;
    const struct fact_offer *offers;
    size_t offer_count;
};

struct fact_person {
    const char *bsn;
    const char *name;
    int age;
    const char *gender; /* FHIR code */
    const char *story;  /* what a tester can expect of this person */
};

extern const struct fact_service fact_services[];
extern const size_t fact_service_count;
extern const struct fact_provider fact_providers[];
extern const size_t fact_provider_count;
extern const struct fact_person fact_persons[];
extern const size_t fact_person_count;

/* NULL when unknown. */
const struct fact_service *fact_find_service(struct str id);
const struct fact_provider *fact_find_provider(struct str name);
const struct fact_person *fact_find_person(struct str bsn);
const struct fact_offer *fact_find_offer(const struct fact_provider *provider, struct str service,
                                         struct str function);

enum fact_answer { FACT_AVAILABLE, FACT_NO_DATA, FACT_NO_RELATION, FACT_TOO_YOUNG };
/* Does the provider have a record of this person, whatever is in it? */
bool fact_is_known(const struct fact_provider *provider, const struct fact_person *person);
/* May `person` (NULL = nobody we know) use `function` for `service` at `provider`? */
enum fact_answer fact_check(const struct fact_provider *provider, struct str service, struct str function,
                            const struct fact_person *person);
/* The days that a subscription's scope grants, subscribe~<days>/<provider>~<service>; 0 for any other. */
int64_t fact_granted_days(struct str scope);
/* The day on which a person of that age was born: half a year past the birthday, "2011-05-23". */
const char *fact_birth_date(struct arena *arena, const struct fact_person *person, int64_t now);

#endif
