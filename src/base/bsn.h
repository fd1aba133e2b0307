/*
 * The citizen service number (burgerservicenummer): exactly nine digits that pass the eleven-test. An
 * eight-digit form is not completed with a zero: a source that drops zeros is a source to repair. Pure; any
 * thread.
 */
#ifndef BASE_BSN_H
#define BASE_BSN_H

#include "base/str.h"

#include <stdbool.h>

/* Of vault_lookup_hash: by which what is kept about one person is found again, at either door. */
#define BSN_LOOKUP_CONTEXT "bsn"

bool bsn_is_valid(struct str text);

#endif
