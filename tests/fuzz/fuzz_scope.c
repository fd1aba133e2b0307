/* Scope texts; what is accepted must obey the invariants that callers build on. */
#include "medmij/scope.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope scope;
    if (scope_parse(str_of(data, size), &scope) != OK)
        return 0;
    check(size <= SCOPE_LENGTH_MAX);
    check(medmij_is_provider_name(scope.provider));
    check(scope.service_count <= SCOPE_SERVICES_MAX);
    for (size_t i = 0; i < scope.service_count; i++)
        check(medmij_is_service_id(scope.services[i]));
    check((scope.form == SCOPE_PROVIDER) == (scope.service_count == 0));
    if (scope.form == SCOPE_SUBSCRIBE) {
        check(scope.service_count == 1 && scope.days >= 0 && scope.days <= 999999);
        check(!scope.is_on_behalf_of && !scope.is_on_behalf_of_child);
    }
    return 0;
}
