#include "store/sealed.h"

struct str sealed_close(struct store *store, struct arena *arena, const char *context, struct str value)
{
    return value.length == 0 ? STR_NONE : vault_seal(store_vault(store), arena, context, value);
}

enum outcome sealed_open(struct store *store, struct arena *arena, const char *context, struct str *value)
{
    if (value->length == 0)
        return OK;
    struct str sealed = *value;
    *value = STR_NONE;
    return vault_open(store_vault(store), arena, context, sealed, value);
}
