/* List documents; the first byte chooses the kind and development mode. What is accepted is sorted and
 * unique. */
#include "medmij/lists_parse.h"

#include "fuzz.h"

#include <stdlib.h>

#define NOW 1800000000

static struct str key_of(const struct list_document *document, size_t i)
{
    switch (document->kind) {
    case LIST_PROVIDERS:
        return document->provider_services[i].provider;
    case LIST_CLIENTS:
        return document->clients[i].host;
    case LIST_SERVICE_NAMES:
        return document->service_names[i].service;
    case LIST_WHITELIST:
        return document->hosts[i];
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum list_kind kind = (enum list_kind)(data[0] & 3);
    struct list_document *document;
    struct failure failure = {{0}};
    if (list_document_parse(kind, str_of(data + 1, size - 1), NULL, (data[0] & 4) != 0, NOW, &document,
                            &failure) != OK) {
        check(failure.text[0] != '\0');
        return 0;
    }
    check(document->volgnummer > 0 && document->stamped_at <= NOW + 300);
    check(kind != LIST_WHITELIST || document->count > 0);
    for (size_t i = 1; i < document->count; i++) {
        int order = str_compare(key_of(document, i - 1), key_of(document, i));
        check(kind == LIST_PROVIDERS ? order <= 0 : order < 0);
    }
    list_document_release(&document);
    return 0;
}
