#include "base/arena.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)8192)
#define ALIGNMENT ((size_t)16)

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(16) unsigned char data[];
};

struct arena {
    struct block *first; /* the block being filled; older blocks follow */
};

static void *checked(void *memory)
{
    if (memory == NULL)
        abort(); /* out of memory: the process has no sane way on, and a supervisor restarts it */
    return memory;
}

static struct block *block_new(size_t size)
{
    struct block *block = checked(malloc(sizeof(struct block) + size));
    block->next = NULL;
    block->used = 0;
    block->size = size;
    return block;
}

static void block_free(struct block *block)
{
    sodium_memzero(block->data, block->used);
    free(block);
}

struct arena *arena_new(void)
{
    struct arena *arena = checked(malloc(sizeof *arena));
    arena->first = block_new(BLOCK_SIZE);
    return arena;
}

void arena_free(struct arena **arena)
{
    if (arena == NULL || *arena == NULL)
        return;
    for (struct block *block = (*arena)->first, *next; block != NULL; block = next) {
        next = block->next;
        block_free(block);
    }
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct block *keep = NULL;
    for (struct block *block = arena->first, *next; block != NULL; block = next) {
        next = block->next;
        if (next == NULL && block->size == BLOCK_SIZE)
            keep = block;
        else
            block_free(block);
    }
    if (keep == NULL) {
        keep = block_new(BLOCK_SIZE);
    } else {
        sodium_memzero(keep->data, keep->used);
        keep->used = 0;
    }
    arena->first = keep;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        abort();
    size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct block *block = arena->first;
    if (block->size - block->used < rounded) {
        if (rounded > BLOCK_SIZE / 2) {
            /* A large piece gets a block of its own, behind the one being filled, so that the rest of that
             * one is not lost. */
            struct block *own = block_new(rounded);
            own->next = block->next;
            block->next = own;
            own->used = rounded;
            return memset(own->data, 0, rounded);
        }
        struct block *fresh = block_new(BLOCK_SIZE);
        fresh->next = block;
        arena->first = block = fresh;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    return memset(memory, 0, rounded);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_alloc(arena, total);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list measure;
    va_copy(measure, arguments);
    int length = vsnprintf(NULL, 0, format, measure);
    va_end(measure);
    if (length < 0)
        abort();
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
