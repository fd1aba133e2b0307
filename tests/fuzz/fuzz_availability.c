/* Answers of the availability endpoints; the first byte chooses webhook or FHIR, function and age rule. */
#include "medmij/availability_answer.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    static const struct str services[] = {STR("48"), STR("49")};
    struct availability_question question = {
        .provider = STR("x"),
        .function = (data[0] & 2) != 0 ? FUNCTION_SHARE : FUNCTION_COLLECT,
        .bsn = STR("999990019"),
        .services = services,
        .service_count = 2,
        .minimum_age = (data[0] & 4) != 0 ? 0 : 16,
    };
    struct availability_answer answer;
    struct failure failure = {{0}};
    struct str body = str_of(data + 1, size - 1);
    enum outcome outcome =
        (data[0] & 1) != 0
            ? availability_read_bundle(body, &question, (struct day){2026, 11, 21}, &answer, &failure)
            : availability_read_webhook(body, &question, &answer, &failure);
    check(outcome != ABSENT);
    /* A failure is never a verdict, and an unknown always has its reason. */
    check(outcome == OK || answer.verdict == AVAILABILITY_UNKNOWN);
    check((answer.verdict == AVAILABILITY_UNKNOWN) == (failure.text[0] != '\0'));
    check((answer.verdict == AVAILABILITY_NOT_AVAILABLE) == (answer.reason != REASON_NONE));
    for (size_t i = 0; i < 2; i++)
        if (answer.verdict != AVAILABILITY_AVAILABLE)
            check(answer.services[i].verdict != AVAILABILITY_AVAILABLE);
    check(answer.services[2].verdict == AVAILABILITY_UNKNOWN);
    return 0;
}
