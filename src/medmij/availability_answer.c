#include "medmij/availability_answer.h"

#include "jose/claims.h"

#include <string.h>

static const char *const reason_names[] = {
    [REASON_NONE] = "none",
    [REASON_NO_DATA] = "no_data",
    [REASON_NOT_ADMISSIBLE] = "not_admissible",
    [REASON_NO_RELATION] = "no_relation",
    [REASON_TOO_YOUNG] = "too_young",
};

/* The overall verdict and reason from those of the services. */
static void sum_up(const struct availability_question *question, struct availability_answer *answer)
{
    size_t available = 0, unknown = 0;
    enum availability_reason reason = REASON_NONE;
    for (size_t i = 0; i < question->service_count; i++) {
        switch (answer->services[i].verdict) {
        case AVAILABILITY_AVAILABLE:
            available++;
            break;
        case AVAILABILITY_UNKNOWN:
            unknown++;
            break;
        case AVAILABILITY_NOT_AVAILABLE:
            if (answer->services[i].reason > reason)
                reason = answer->services[i].reason;
            break;
        }
    }
    answer->reason = REASON_NONE;
    if (available > 0) {
        answer->verdict = AVAILABILITY_AVAILABLE;
    } else if (unknown > 0 || question->service_count == 0) {
        answer->verdict = AVAILABILITY_UNKNOWN;
    } else {
        answer->verdict = AVAILABILITY_NOT_AVAILABLE;
        answer->reason = reason;
    }
}

void availability_answer_all(const struct availability_question *question, enum availability_verdict verdict,
                             enum availability_reason reason, struct availability_answer *out_answer)
{
    memset(out_answer, 0, sizeof *out_answer);
    for (size_t i = 0; i < question->service_count && i < SCOPE_SERVICES_MAX; i++) {
        out_answer->services[i].verdict = verdict;
        out_answer->services[i].reason = reason;
    }
    sum_up(question, out_answer);
}

static enum availability_reason default_reason(const struct availability_question *question)
{
    return question->function == FUNCTION_SHARE ? REASON_NOT_ADMISSIBLE : REASON_NO_DATA;
}

/* ---- the webhook's answer ---- */

/* The member "reason", or `otherwise` when there is none. A word that we do not know is outside the contract:
 * guessing would put a wrong explanation before the person. */
static enum outcome read_reason(const json_t *object, enum availability_reason otherwise,
                                enum availability_reason *out_reason, struct failure *failure)
{
    struct str text;
    *out_reason = otherwise;
    enum outcome outcome = claim_text(object, "reason", &text);
    if (outcome == ABSENT)
        return OK;
    if (outcome == OK)
        for (int i = REASON_NO_DATA; i <= REASON_TOO_YOUNG; i++)
            if (str_equal_c(text, reason_names[i])) {
                *out_reason = (enum availability_reason)i;
                return OK;
            }
    return failure_set(failure, "the answer's reason is not one of the four");
}

/* Whether `service` was asked, and where; question->service_count when it was not. */
static size_t find_service(const struct availability_question *question, struct str service)
{
    size_t i = 0;
    while (i < question->service_count && !str_equal(question->services[i], service))
        i++;
    return i;
}

static enum outcome read_service(const json_t *item, const struct availability_question *question,
                                 enum availability_reason overall_reason, struct availability_answer *answer,
                                 struct failure *failure)
{
    struct str id;
    if (!json_is_object(item) || claim_text(item, "id", &id) != OK)
        return failure_set(failure, "a service in the answer has no id");
    const json_t *available = json_object_get(item, "available");
    if (!json_is_boolean(available))
        return failure_set(failure, "a service in the answer is not available true or false");
    enum availability_reason reason;
    if (read_reason(item, overall_reason, &reason, failure) != OK)
        return FAILED;
    size_t at = find_service(question, id);
    if (at == question->service_count)
        return OK; /* not asked for: of no consequence */
    if (answer->services[at].verdict != AVAILABILITY_UNKNOWN)
        return failure_set(failure, "the answer names a service twice");
    bool is_available = json_is_true(available);
    answer->services[at].verdict = is_available ? AVAILABILITY_AVAILABLE : AVAILABILITY_NOT_AVAILABLE;
    answer->services[at].reason = is_available ? REASON_NONE : reason;
    return OK;
}

static enum outcome read_services(const json_t *object, const struct availability_question *question,
                                  struct availability_answer *answer, struct failure *failure)
{
    enum availability_reason reason;
    if (read_reason(object, default_reason(question), &reason, failure) != OK)
        return FAILED;
    const json_t *services = json_object_get(object, "services");
    if (!json_is_array(services))
        return failure_set(failure, "the answer has no list of services");
    for (size_t i = 0; i < json_array_size(services); i++)
        if (read_service(json_array_get(services, i), question, reason, answer, failure) != OK)
            return FAILED;
    /* A service that was asked and not answered is neither yes nor no, and a sign that the other side does
     * not keep the contract. */
    for (size_t i = 0; i < question->service_count; i++)
        if (answer->services[i].verdict == AVAILABILITY_UNKNOWN)
            return failure_set(failure, "the answer leaves out a service that was asked");
    return OK;
}

enum outcome availability_read_webhook(struct str body, const struct availability_question *question,
                                       struct availability_answer *out_answer, struct failure *failure)
{
    json_t *object;
    availability_answer_all(question, AVAILABILITY_UNKNOWN, REASON_NONE, out_answer);
    if (json_parse_object(body, &object, failure) != OK)
        return FAILED;
    enum outcome outcome = read_services(object, question, out_answer, failure);
    json_decref(object);
    if (outcome == OK)
        sum_up(question, out_answer);
    else
        availability_answer_all(question, AVAILABILITY_UNKNOWN, REASON_NONE, out_answer);
    return outcome;
}

/* ---- the FHIR server's answer ---- */

static bool take_number(struct str *rest, size_t digits, int *out_number)
{
    int64_t number = 0;
    if (rest->length < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9')
            return false;
        number = number * 10 + (rest->data[i] - '0');
    }
    *rest = str_slice(*rest, digits, rest->length);
    *out_number = (int)number;
    return true;
}

/* "-MM" or "-DD", from 1 to `limit`. */
static bool take_part(struct str *rest, int limit, int *out_number)
{
    if (rest->length == 0 || rest->data[0] != '-')
        return false;
    *rest = str_slice(*rest, 1, rest->length);
    return take_number(rest, 2, out_number) && *out_number >= 1 && *out_number <= limit;
}

static bool is_on_or_before(struct day a, struct day b)
{
    if (a.year != b.year)
        return a.year < b.year;
    return a.month != b.month ? a.month < b.month : a.day <= b.day;
}

enum age_verdict availability_judge_age(struct str birth_date, struct day today, int64_t minimum_age)
{
    struct day first, last; /* the days that the date may mean */
    struct str rest = birth_date;
    if (!take_number(&rest, 4, &first.year))
        return AGE_UNDECIDED;
    last = (struct day){first.year, 12, 31};
    first.month = first.day = 1;
    if (rest.length > 0) {
        if (!take_part(&rest, 12, &first.month))
            return AGE_UNDECIDED;
        last = (struct day){first.year, first.month, 31};
    }
    if (rest.length > 0) {
        if (!take_part(&rest, 31, &first.day) || rest.length > 0)
            return AGE_UNDECIDED;
        last = first;
    }
    first.year += (int)minimum_age;
    last.year += (int)minimum_age;
    if (is_on_or_before(last, today))
        return AGE_REACHED;
    return is_on_or_before(first, today) ? AGE_UNDECIDED : AGE_NOT_REACHED;
}

/* FAILED when the record carries another BSN than the one that was asked for: a server that ignores the
 * search parameter would return somebody else. */
static enum outcome check_identity(const json_t *patient, struct str bsn, struct failure *failure)
{
    const json_t *identifiers = json_object_get(patient, "identifier");
    for (size_t i = 0; i < json_array_size(identifiers); i++) {
        const json_t *identifier = json_array_get(identifiers, i);
        struct str system, value;
        if (claim_text(identifier, "system", &system) != OK || !str_equal(system, STR(BSN_SYSTEM)))
            continue;
        if (claim_text(identifier, "value", &value) == OK && !str_equal(value, bsn))
            return failure_set(failure, "the server returned a record of another person");
    }
    return OK;
}

struct found {
    size_t patients;
    size_t too_young;
    size_t undecided;
};

static enum outcome read_entry(const json_t *entry, const struct availability_question *question,
                               struct day today, struct found *found, struct failure *failure)
{
    struct str type, mode, birth_date = STR_NONE;
    const json_t *resource = json_object_get(entry, "resource");
    if (claim_text(resource, "resourceType", &type) != OK)
        return failure_set(failure, "an entry of the Bundle has no resource type");
    enum outcome has_mode = claim_text(json_object_get(entry, "search"), "mode", &mode);
    if (!str_equal(type, STR("Patient")) || (has_mode == OK && !str_equal(mode, STR("match"))))
        return OK; /* an OperationOutcome, or something included */
    if (check_identity(resource, question->bsn, failure) != OK)
        return FAILED;
    found->patients++;
    if (question->minimum_age == 0)
        return OK;
    if (claim_text(resource, "birthDate", &birth_date) != OK) {
        found->undecided++;
        return OK;
    }
    switch (availability_judge_age(birth_date, today, question->minimum_age)) {
    case AGE_REACHED:
        break;
    case AGE_NOT_REACHED:
        found->too_young++;
        break;
    case AGE_UNDECIDED:
        found->undecided++;
        break;
    }
    return OK;
}

static enum outcome read_bundle(const json_t *bundle, const struct availability_question *question,
                                struct day today, struct availability_answer *answer, struct failure *failure)
{
    struct str type, kind;
    struct found found = {0};
    if (claim_text(bundle, "resourceType", &type) != OK || !str_equal(type, STR("Bundle")) ||
        claim_text(bundle, "type", &kind) != OK || !str_equal(kind, STR("searchset")))
        return failure_set(failure, "not a Bundle of search results");
    const json_t *entries = json_object_get(bundle, "entry");
    if (entries != NULL && !json_is_array(entries))
        return failure_set(failure, "the Bundle's entries are not a list");
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (read_entry(json_array_get(entries, i), question, today, &found, failure) != OK)
            return FAILED;
    const json_t *total = json_object_get(bundle, "total");
    if (total != NULL && (!json_is_integer(total) || json_integer_value(total) < 0))
        return failure_set(failure, "the Bundle's total is not a count");
    /* Without entries the total decides; without either, a first page may have been empty for another reason.
     */
    if (found.patients == 0 && total == NULL)
        return failure_set(failure, "the Bundle has neither a patient nor a total");
    if (found.patients == 0 && json_integer_value(total) == 0) {
        availability_answer_all(question, AVAILABILITY_NOT_AVAILABLE, default_reason(question), answer);
    } else if (found.too_young > 0) {
        availability_answer_all(question, AVAILABILITY_NOT_AVAILABLE, REASON_TOO_YOUNG, answer);
    } else if (found.undecided > 0 || (found.patients == 0 && question->minimum_age > 0)) {
        (void)failure_set(failure, "the patient's record does not tell whether the age is reached");
        availability_answer_all(question, AVAILABILITY_UNKNOWN, REASON_NONE, answer);
    } else {
        availability_answer_all(question, AVAILABILITY_AVAILABLE, REASON_NONE, answer);
    }
    return OK;
}

enum outcome availability_read_bundle(struct str body, const struct availability_question *question,
                                      struct day today, struct availability_answer *out_answer,
                                      struct failure *failure)
{
    json_t *bundle;
    availability_answer_all(question, AVAILABILITY_UNKNOWN, REASON_NONE, out_answer);
    if (json_parse_object(body, &bundle, failure) != OK)
        return FAILED;
    enum outcome outcome = read_bundle(bundle, question, today, out_answer, failure);
    json_decref(bundle);
    return outcome;
}
