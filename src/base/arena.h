/*
 * Arena: memory with one owner and one moment of release, normally that of one request.
 *
 * Not thread-safe: an arena belongs to one thread at a time (a request's arena moves with the request).
 * Memory is zeroed. Running out of memory, or past the cap, ends in arena_alloc's abort for programmer-sized
 * requests; anything whose size comes from outside is capped before it gets here. arena_wipe_free overwrites
 * before release; request arenas use it because tokens and claims pass through them.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* Wipes and releases all memory and sets *arena to NULL. NULL is fine. */
void arena_free(struct arena **arena);
/* Wipes and empties the arena but keeps its first block for the next user. */
void arena_reset(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
/* Checked count * size; aborts on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((malloc, returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *arena, const char *text, size_t length) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3)
    __attribute__((returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) PRINTF_LIKE(2, 0)
    __attribute__((returns_nonnull));

#define arena_new_of(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array_of(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

#endif
