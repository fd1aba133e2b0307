/* The html room besides the Mustache cases: escaping, the value tree, loading from disk, limits, hashes. */
#include "html/escape.h"
#include "html/template.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena *arena;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    strcpy(folder, "/tmp/sluis-html-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *base)
{
    (void)status, (void)flag, (void)base;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))

static const char *path_of(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static enum outcome load(const char *name, struct template_set **out_set, struct failure *failure)
{
    const char *directories[] = {path_of(name)};
    return template_set_load(directories, 1, out_set, failure);
}

static void assert_refused(const char *name, const char *text)
{
    struct template_set *set;
    struct failure failure = {""};
    assert_int_equal(load(name, &set, &failure), FAILED);
    if (strstr(failure.text, text) == NULL)
        fail_msg("got: %s", failure.text);
}

static struct str escaped(struct str text)
{
    struct buf buf = buf_new(arena, 1024);
    html_escape(&buf, text);
    return str_of(buf_c(&buf), buf.length);
}

static void escape_covers_the_five_characters(void **state)
{
    (void)state;
    assert_str(escaped(STR("a&b<c>d\"e'f")), "a&amp;b&lt;c&gt;d&quot;e&#39;f");
    assert_str(escaped(STR("")), "");
    assert_str(escaped(STR("één €")), "één €");
}

static void escape_replaces_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    assert_str(escaped(STR("a\xFF<")), "a\uFFFD&lt;");
    assert_str(escaped(STR("\xC3<b")), "\uFFFD&lt;b");              /* truncated by markup */
    assert_str(escaped(STR("\xC3\xA9\x80")), "é\uFFFD");            /* stray continuation */
    assert_str(escaped(STR("\xC0\xBC")), "\uFFFD\uFFFD");           /* overlong '<' */
    assert_str(escaped(STR("x\xE2\x82")), "x\uFFFD\uFFFD");         /* ends in the middle */
    assert_str(escaped(STR("\xED\xA0\x80")), "\uFFFD\uFFFD\uFFFD"); /* surrogate */
}

static void escape_respects_the_cap(void **state)
{
    (void)state;
    struct buf buf = buf_new(arena, 4);
    html_escape(&buf, STR("<<"));
    assert_true(buf.overflowed);
    assert_true(buf.length <= 4);
}

static void values_shadow_and_tell_truth(void **state)
{
    (void)state;
    struct value *object = value_object(arena);
    assert_null(value_get(object, STR("a")));
    value_put_c(arena, object, "a", "one");
    value_put_c(arena, object, "a", "two");
    assert_str(value_get(object, STR("a"))->text, "two");
    assert_null(value_get(value_get(object, STR("a")), STR("a")));
    assert_null(value_get(NULL, STR("a")));
    struct value *list = value_list(arena);
    struct value null = {.kind = VALUE_NULL};
    assert_false(value_is_truthy(list));
    value_append(arena, list, &null);
    assert_true(value_is_truthy(list));
    assert_true(value_is_truthy(object));
    assert_true(value_is_truthy(value_object(arena)));
    assert_false(value_is_truthy(&null));
    assert_false(value_is_truthy(NULL));
    assert_false(value_is_truthy(value_text(arena, STR_NONE)));
    assert_true(value_is_truthy(value_text(arena, STR("0"))));
    assert_false(value_is_truthy(value_bool(arena, false)));
    assert_true(value_is_truthy(value_bool(arena, true)));
}

static bool has_template(const struct template_set *set, const char *name)
{
    const char *hash;
    return template_hash(set, name, &hash) == OK;
}

static void load_reads_folders_in_order(void **state)
{
    (void)state;
    put_folder("a");
    put_folder("b");
    put_folder("b/je-2.2");
    put_file("a/page.mustache", "{{>je-2.2/text}}!");
    put_file("a/notes.txt", "{{");
    put_file("a/.hidden.mustache", "{{");
    put_file("b/je-2.2/text.mustache", "Dag {{name}}");
    const char *directories[] = {path_of("a"), path_of("b")};
    struct template_set *set;
    struct failure failure;
    assert_int_equal(template_set_load(directories, 2, &set, &failure), OK);
    assert_true(has_template(set, "page"));
    assert_true(has_template(set, "je-2.2/text"));
    assert_false(has_template(set, "text"));
    assert_false(has_template(set, "notes"));
    assert_false(has_template(set, ".hidden"));
    assert_int_equal(template_unescaped_count(set), 0);
    struct value *context = value_object(arena);
    value_put_c(arena, context, "name", "<Mila>");
    struct str html;
    assert_int_equal(template_render(set, "page", context, arena, 100, &html), OK);
    assert_str(html, "Dag &lt;Mila&gt;!");
    assert_int_equal(template_render(set, "page", NULL, arena, 100, &html), OK);
    assert_str(html, "Dag !");
    assert_int_equal(template_render(set, "nowhere", context, arena, 100, &html), ABSENT);
    assert_int_equal(template_render(set, "page", context, arena, 16, &html), FAILED);
    assert_int_equal(template_render(set, "page", context, arena, 17, &html), OK);
    template_set_free(&set);
    assert_null(set);
    template_set_free(&set);
}

static void load_names_file_and_line(void **state)
{
    (void)state;
    put_file("page.mustache", "een\ntwee {{#open}}\n");
    assert_refused("", "/page.mustache:2: section \"open\" is not closed");
}

static void load_refuses_a_name_twice(void **state)
{
    (void)state;
    put_folder("a");
    put_folder("b");
    put_file("a/page.mustache", "1");
    put_file("b/page.mustache", "2");
    const char *directories[] = {path_of("a"), path_of("b")};
    struct template_set *set;
    struct failure failure;
    assert_int_equal(template_set_load(directories, 2, &set, &failure), FAILED);
    assert_non_null(strstr(failure.text, "template \"page\" is also in"));
}

static void load_refuses_a_missing_folder(void **state)
{
    (void)state;
    assert_refused("nowhere", "nowhere: No such file");
}

static void load_refuses_links_that_lead_out(void **state)
{
    (void)state;
    put_folder("in");
    put_file("in/real.mustache", "x");
    assert_int_equal(symlink("real.mustache", path_of("in/inside.mustache")), 0);
    struct template_set *set;
    struct failure failure;
    assert_int_equal(load("in", &set, &failure), OK);
    assert_true(has_template(set, "inside"));
    template_set_free(&set);
    put_file("secret.mustache", "x");
    assert_int_equal(symlink("../secret.mustache", path_of("in/out.mustache")), 0);
    assert_refused("in", "in/out.mustache: a symbolic link leads out");
    /* A sibling whose name begins like the folder's is outside too. */
    put_folder("in-other");
    put_file("in-other/t.mustache", "x");
    assert_int_equal(unlink(path_of("in/out.mustache")), 0);
    assert_int_equal(symlink("../in-other/t.mustache", path_of("in/out.mustache")), 0);
    assert_refused("in", "in/out.mustache: a symbolic link leads out");
    /* A linked folder is not entered. */
    assert_int_equal(unlink(path_of("in/out.mustache")), 0);
    assert_int_equal(symlink("../in-other", path_of("in/linked")), 0);
    assert_int_equal(load("in", &set, &failure), OK);
    assert_false(has_template(set, "linked/t"));
    template_set_free(&set);
}

static void load_refuses_odd_files(void **state)
{
    (void)state;
    put_folder("n");
    put_file("n/Bad Name.mustache", "x");
    assert_refused("n", "a template's name has");
    put_folder("u");
    put_file("u/t.mustache", "caf\xE9");
    assert_refused("u", "t.mustache: not UTF-8");
    put_folder("o");
    put_file("o/t.mustache", "\xEF\xBB\xBFx");
    assert_refused("o", "byte order mark");
    put_folder("f");
    assert_int_equal(mkfifo(path_of("f/t.mustache"), 0600), 0);
    assert_refused("f", "not a regular file");
    put_folder("l");
    char *large = arena_alloc(arena, TEMPLATE_SOURCE_MAX + 2);
    memset(large, 'x', TEMPLATE_SOURCE_MAX + 1);
    put_file("l/t.mustache", large);
    assert_refused("l", "t.mustache: larger than 262144 bytes");
    put_folder("d");
    put_folder("d/1");
    put_folder("d/1/2");
    put_folder("d/1/2/3");
    put_folder("d/1/2/3/4");
    assert_refused("d", "folders are nested too deeply");
}

static enum outcome compile_chain(size_t length, size_t fan_out, struct failure *failure)
{
    struct template_source sources[64];
    assert_true(length <= 64);
    for (size_t i = 0; i < length; i++) {
        struct buf buf = buf_new(arena, 4096);
        for (size_t j = 0; j < fan_out && i + 1 < length; j++)
            buf_printf(&buf, "  {{>t%zu}}\n", i + 1);
        sources[i] = (struct template_source){arena_printf(arena, "t%zu", i), "file", buf_str(&buf)};
    }
    struct template_set *set = NULL;
    enum outcome outcome = template_set_compile(sources, length, &set, failure);
    template_set_free(&set);
    return outcome;
}

static void partials_stay_within_bounds(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(compile_chain(TEMPLATE_PARTIAL_DEPTH_MAX + 1, 1, &failure), OK);
    assert_int_equal(compile_chain(TEMPLATE_PARTIAL_DEPTH_MAX + 2, 1, &failure), FAILED);
    assert_non_null(strstr(failure.text, "nested too deeply"));
    /* Ten includes of ten includes of ...: refused before it fills memory. */
    assert_int_equal(compile_chain(12, 10, &failure), FAILED);
    assert_non_null(strstr(failure.text, "too large"));
}

static void unescaped_tags_are_counted(void **state)
{
    (void)state;
    const struct template_source sources[] = {{"a", "a", STR("{{{x}}} {{x}} {{>b}}")},
                                              {"b", "b", STR("{{&x}}")}};
    struct template_set *set;
    struct failure failure;
    assert_int_equal(template_set_compile(sources, 2, &set, &failure), OK);
    assert_int_equal(template_unescaped_count(set), 2);
    template_set_free(&set);
}

static const char *hash_of(const char *page, const char *part)
{
    const struct template_source sources[] = {{"page", "page", str_from_c(page)},
                                              {"part", "part", str_from_c(part)},
                                              {"other", "other", STR("{{>part}}")}};
    struct template_set *set;
    struct failure failure;
    const char *hash;
    assert_int_equal(template_set_compile(sources, 3, &set, &failure), OK);
    assert_int_equal(template_hash(set, "page", &hash), OK);
    assert_int_equal(strlen(hash), 64);
    const char *copy = arena_strdup(arena, hash);
    assert_int_equal(template_hash(set, "nowhere", &hash), ABSENT);
    template_set_free(&set);
    return copy;
}

static void hashes_follow_the_text_as_shown(void **state)
{
    (void)state;
    const char *first = hash_of("a {{>part}}", "b");
    assert_string_equal(first, hash_of("a {{>part}}", "b"));
    assert_string_not_equal(first, hash_of("a {{>part}}", "c"));
    assert_string_not_equal(first, hash_of("A {{>part}}", "b"));
    /* A partial that is not reached does not count. */
    assert_string_equal(hash_of("a", "b"), hash_of("a", "c"));
    /* SHA-256 of "page\n1\na", computed with sha256sum. */
    assert_string_equal(hash_of("a", "b"),
                        "7e27be67bd2c474990e86478931c247a704f3c11fb7bec6a092b802ccc51f9f3");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(escape_covers_the_five_characters), TEST(escape_replaces_bytes_that_are_not_utf8),
        TEST(escape_respects_the_cap),           TEST(values_shadow_and_tell_truth),
        TEST(load_reads_folders_in_order),       TEST(load_names_file_and_line),
        TEST(load_refuses_a_name_twice),         TEST(load_refuses_a_missing_folder),
        TEST(load_refuses_links_that_lead_out),  TEST(load_refuses_odd_files),
        TEST(partials_stay_within_bounds),       TEST(unescaped_tags_are_counted),
        TEST(hashes_follow_the_text_as_shown),
    };
    return cmocka_run_group_tests_name("html/html", tests, NULL, NULL);
}
