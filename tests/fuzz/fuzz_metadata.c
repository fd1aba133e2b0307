/* Metadata: what is accepted names our issuer and only safe URLs. */
#include "base/log.h"
#include "idp/discovery.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct document_source source = {
        "fuzz", "https://idp.example/.well-known/openid-configuration", "https://idp.example", NULL, false};
    struct failure failure = {""};
    void *value = NULL;
    char detail[IDP_DETAIL_MAX] = "";
    log_init(2, LOG_LEVEL_ERROR);
    enum idp_result result =
        discovery_metadata_kind.parse(&source, size % 2 == 0, str_of(data, size), &value, detail, &failure);
    if ((result == IDP_OK) != (value != NULL))
        abort();
    if (memchr(detail, '\0', sizeof detail) == NULL || !str_is_printable_ascii(str_from_c(detail)))
        abort();
    if (result == IDP_OK)
        discovery_metadata_kind.free_value(value);

    struct arena *arena = arena_new();
    const char *url;
    if (str_to_c(arena, str_of(data, size), &url) == OK && discovery_is_url_safe(url, false) &&
        !str_starts_with(str_from_c(url), STR("https://")))
        abort();
    arena_free(&arena);
    return 0;
}
