/*
 * A shelf: JSON objects kept in memory for a while under a random key. Bounded: when it is full the oldest
 * goes first. Any thread; values are copied in and out, so nobody shares one.
 */
#ifndef SIM_SHELF_H
#define SIM_SHELF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct shelf;

struct shelf *shelf_new(size_t capacity, int64_t lifetime_s);
void shelf_free(struct shelf **shelf);

/* Stores a copy of `value` under a fresh key (43 characters, 256 bits). */
struct str shelf_put(struct shelf *shelf, struct arena *arena, const json_t *value);
/* Replaces the value and starts its lifetime anew; an unknown key is put back as it was. */
void shelf_replace(struct shelf *shelf, struct str key, const json_t *value);
/* A new reference to a copy; NULL when unknown or past its time. */
json_t *shelf_look(struct shelf *shelf, struct str key);
/* The same, and gone from the shelf: only one caller gets it. */
json_t *shelf_take(struct shelf *shelf, struct str key);

/* The whole shelf in a file (mode 0600), and back. A file that is not there is an empty shelf. */
enum outcome shelf_save(struct shelf *shelf, const char *path, struct failure *failure) MUST_CHECK;
enum outcome shelf_load(struct shelf *shelf, const char *path, struct failure *failure) MUST_CHECK;

#endif
