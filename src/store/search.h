/*
 * A person's search text as a LIKE pattern. Private to src/store.
 *
 * "LOWER(column) LIKE LOWER($n) ESCAPE '!'" then finds the text anywhere, whatever the case of its ASCII
 * letters, on both engines.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "base/arena.h"
#include "base/str.h"

struct str search_pattern(struct arena *arena, struct str text);

#endif
