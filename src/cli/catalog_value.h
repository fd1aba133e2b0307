/*
 * Which texts a key of an import file takes. Pure; any thread.
 */
#ifndef CLI_CATALOG_VALUE_H
#define CLI_CATALOG_VALUE_H

#include "cli/catalog_table.h"

#define SECRET_MAX 1000

/* Of texts that are there and not empty; kinds that are no text are never right. */
bool field_is_right(const struct field_row *row, struct str text, bool is_development);

/* A permission or department code. */
bool field_is_permission(struct str text);

/* "2026-11-21" as the start of that day in UTC; false when there is no such day. */
bool field_read_date(struct str text, int64_t *out_seconds);

#endif
