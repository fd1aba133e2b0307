#include "store/sealed.h"

#include "store/driver.h"

#include <inttypes.h>

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

static bool has_key(const struct vault *vault, int64_t key)
{
    for (size_t i = 0; i < vault_key_count(vault); i++)
        if (vault_key_at(vault, i) == key)
            return true;
    return false;
}

struct str sealed_column(struct db_query *query, int column, const struct vault *vault, struct arena *arena,
                         const char *context)
{
    struct str value = STR_NONE, sealed = db_blob(query, column, arena);
    if (vault_open(vault, arena, context, sealed, &value) == OK)
        return value;
    if (has_key(vault, vault_key_of(sealed)))
        db_query_fault(query, "%s does not open", context);
    else
        db_query_fault(query,
                       "%s does not open: it is sealed with key %" PRId64
                       ", which is not here; add that to the key file and send SIGHUP",
                       context, vault_key_of(sealed));
    return STR_NONE;
}
