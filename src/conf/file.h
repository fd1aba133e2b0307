/*
 * Whole small files and the paths in them. Any thread; results live in the arena.
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* OK, ABSENT when there is no such file, FAILED otherwise: unreadable, not a regular file (pipes and
 * terminals are taken too), or more than `cap` bytes. Both set `failure`, naming the file. */
enum outcome file_read(struct arena *arena, const char *path, size_t cap, struct str *out_bytes,
                       struct failure *failure) MUST_CHECK;

/* The same for a file with a secret: FAILED when its mode lets group or others at it, as with the key file.
 */
enum outcome file_read_secret(struct arena *arena, const char *path, size_t cap, struct str *out_bytes,
                              struct failure *failure) MUST_CHECK;

/* Standard input to its end; OK or FAILED. (Opening /dev/stdin fails when it is a socket.) */
enum outcome file_read_input(struct arena *arena, size_t cap, struct str *out_bytes,
                             struct failure *failure) MUST_CHECK;

/* `path` as meant by a file that names it: relative paths start at the directory of `naming_file`. */
const char *file_resolve(struct arena *arena, const char *naming_file, const char *path);

#endif
