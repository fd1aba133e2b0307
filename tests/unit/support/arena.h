/*
 * The arena that a unit test's values live in: new before each test, gone after it. Brings cmocka and what it
 * needs along. One thread.
 */
#ifndef UNIT_SUPPORT_ARENA_H
#define UNIT_SUPPORT_ARENA_H

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int arena_set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int arena_tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define ARENA_TEST(test) cmocka_unit_test_setup_teardown(test, arena_set_up, arena_tear_down)

#endif
