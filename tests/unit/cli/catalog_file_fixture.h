/* What the tests of import files share: parsing a text, and what a text with one piece replaced is told. */
#ifndef TEST_CATALOG_FILE_FIXTURE_H
#define TEST_CATALOG_FILE_FIXTURE_H

#include "cli/catalog_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static inline int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static inline int tear_down(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static inline enum outcome parse(struct arena *arena, const char *text, const struct business_data *stored,
                                 struct business_data *out_data, struct yaml_faults *out_faults)
{
    const struct catalog_file_settings settings = {.path = "/nowhere/c.yaml", .stored = stored};
    return catalog_file_parse(arena, &settings, str_from_c(text), out_data, out_faults);
}

static inline void must_parse(struct arena *arena, const char *text, const struct business_data *stored,
                              struct business_data *out_data)
{
    struct yaml_faults faults;
    if (parse(arena, text, stored, out_data, &faults) != OK)
        fail_msg("%s\n%s", yaml_fault_format(arena, "F", &faults.items[0]), text);
}

static inline void assert_text(struct str text, const char *expected)
{
    if (!str_equal_c(text, expected))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(text), expected);
}

/* The text with the first `from` replaced. */
static inline const char *replaced(struct arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* The file with one piece replaced must give this fault. */
static inline void expect_fault_in(struct arena *arena, const char *file, const char *from, const char *to,
                                   const char *expected)
{
    struct business_data data;
    struct yaml_faults faults;
    if (parse(arena, replaced(arena, file, from, to), NULL, &data, &faults) != FAILED)
        fail_msg("taken: %s", to);
    const char *all = "";
    for (size_t i = 0; i < faults.count; i++) {
        const char *line = yaml_fault_format(arena, "F", &faults.items[i]);
        if (strstr(line, expected) != NULL)
            return;
        all = arena_printf(arena, "%s\n%s", all, line);
    }
    fail_msg("expected %s, got%s", expected, all);
}

/* Written with its secrets and read again it is written the same; the text, and what was read. */
static inline const char *assert_reads_back(struct arena *arena, const struct business_data *data,
                                            struct business_data *out_again)
{
    struct buf first = buf_new(arena, 1 << 20);
    catalog_file_write(&first, data, true);
    must_parse(arena, buf_c(&first), NULL, out_again);
    struct buf second = buf_new(arena, 1 << 20);
    catalog_file_write(&second, out_again, true);
    assert_string_equal(buf_c(&first), buf_c(&second));
    return buf_c(&first);
}

/* ... and without its secrets it can still be read. */
static inline const char *written_open(struct arena *arena, const struct business_data *data,
                                       struct business_data *out_again)
{
    struct buf open = buf_new(arena, 1 << 20);
    catalog_file_write(&open, data, false);
    must_parse(arena, buf_c(&open), NULL, out_again);
    return buf_c(&open);
}

#define CATALOG_FILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
