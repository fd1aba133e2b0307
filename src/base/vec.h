/*
 * A growing array in an arena. VEC(type) declares the struct; vec_push appends (doubling in the arena; the
 * old space is released with the arena). Not thread-safe, like the arena.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/arena.h"

#include <string.h>

#define VEC(type)                                                                                            \
    struct {                                                                                                 \
        type *items;                                                                                         \
        size_t count;                                                                                        \
        size_t capacity;                                                                                     \
    }

#define vec_push(arena, vec, item)                                                                           \
    do {                                                                                                     \
        if ((vec)->count == (vec)->capacity) {                                                               \
            size_t vec_capacity_ = (vec)->capacity ? (vec)->capacity * 2 : 8;                                \
            void *vec_items_ = arena_array((arena), vec_capacity_, sizeof *(vec)->items);                    \
            if ((vec)->count > 0)                                                                            \
                memcpy(vec_items_, (vec)->items, (vec)->count * sizeof *(vec)->items);                       \
            (vec)->items = vec_items_;                                                                       \
            (vec)->capacity = vec_capacity_;                                                                 \
        }                                                                                                    \
        (vec)->items[(vec)->count++] = (item);                                                               \
    } while (0)

#endif
