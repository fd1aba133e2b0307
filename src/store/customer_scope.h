/*
 * Whose rows a reader may see (ADM-8): every verb that shows or changes rows of a customer takes one, so that
 * no caller can forget to filter. A row out of scope is ABSENT, as if it were not there. The zero value sees
 * nothing.
 */
#ifndef STORE_CUSTOMER_SCOPE_H
#define STORE_CUSTOMER_SCOPE_H

#include "base/str.h"

#include <stdbool.h>

struct customer_scope {
    bool is_all; /* who works for every customer, and the command line */
    struct str customer_key;
};

#define SCOPE_ALL ((struct customer_scope){.is_all = true})
#define SCOPE_CUSTOMER(key) ((struct customer_scope){.customer_key = (key)})

/* For SQL, where '' stands for everything: rows without a customer are of nobody but who sees all, so a
 * customer without a key is one that no row has. */
static inline struct str customer_scope_key(struct customer_scope scope)
{
    if (scope.is_all)
        return STR("");
    return scope.customer_key.length > 0 ? scope.customer_key : STR("\x01");
}

#endif
