/* The base room: slices, buffers, codecs, identifiers, the vault. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/vault.h"
#include "base/vec.h"

#include "../support/arena.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))

static void split_yields_every_part(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,"), part;
    assert_true(str_split_next(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_split_next(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_split_next(&rest, ',', &part));
    assert_str(part, "b");
    assert_true(str_split_next(&rest, ',', &part));
    assert_str(part, "");
    assert_false(str_split_next(&rest, ',', &part));
    rest = STR_NONE;
    assert_false(str_split_next(&rest, ',', &part));
}

static void integers_are_strict(void **state)
{
    (void)state;
    int64_t number = -1;
    assert_int_equal(str_to_int64(STR("9223372036854775807"), &number), OK);
    assert_true(number == INT64_MAX);
    assert_int_equal(str_to_int64(STR("0"), &number), OK);
    const char *bad[] = {"", "-1", "+1", " 1", "1 ", "01", "9223372036854775808", "1e3", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(str_to_int64(str_from_c(bad[i]), &number), FAILED);
}

static void utf8_follows_table_3_7(void **state)
{
    (void)state;
    const char *good[] = {
        "", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    const char *bad[] = {"\x80",
                         "\xC0\xAF",
                         "\xC3",
                         "\xE0\x80\xAF",
                         "\xED\xA0\x80",
                         "\xF0\x80\x80\xAF",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\xE2\x82",
                         "\xFF"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(str_is_utf8(str_from_c(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_is_utf8(str_from_c(bad[i])));
    assert_false(str_is_printable_utf8(STR("a\nb")));
    assert_false(str_is_printable_utf8(STR("a\xC2\x85")));
    assert_true(str_is_printable_utf8(STR("Z\xC3\xBCrich")));
}

static void c_text_refuses_nul(void **state)
{
    (void)state;
    const char *text;
    assert_int_equal(str_to_c(arena, STR("a\0b"), &text), FAILED);
    assert_int_equal(str_to_c(arena, STR("ab"), &text), OK);
    assert_string_equal(text, "ab");
}

static void uuids_have_their_form(void **state)
{
    (void)state;
    const char *uuid7 = rand_uuid7_in(arena), *uuid4 = rand_uuid4_in(arena);
    assert_true(str_is_uuid(str_from_c(uuid7)));
    assert_true(str_is_uuid(str_from_c(uuid4)));
    assert_int_equal(uuid7[14], '7');
    assert_int_equal(uuid4[14], '4');
    assert_true(strchr("89ab", uuid7[19]) != NULL);
    assert_false(str_is_uuid(STR("c0e7b545-9606-4eef-bea7-75d8addaa54")));
    assert_false(str_is_uuid(STR("c0e7b545-9606-4eef-bea7-75d8addaa5g4")));
    assert_true(str_is_uuid(STR("C0E7B545-9606-4EEF-BEA7-75D8ADDAA54B")));
}

static void base64url_is_strict_both_ways(void **state)
{
    (void)state;
    struct str bytes;
    assert_str(codec_base64url(arena, STR("\xFB\xFF")), "-_8");
    assert_int_equal(codec_base64url_decode(arena, STR("-_8"), &bytes), OK);
    assert_true(str_equal(bytes, STR("\xFB\xFF")));
    const char *bad[] = {"-_8=", "+/8", "a", "ab c", "YQ\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(codec_base64url_decode(arena, str_from_c(bad[i]), &bytes), FAILED);
}

static void sha256_of_abc(void **state)
{
    (void)state; /* FIPS 180-2 appendix B.1 */
    assert_str(codec_hex(arena, codec_sha256(arena, STR("abc"))),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void tokens_are_256_bits_and_differ(void **state)
{
    (void)state;
    struct str a = rand_token(arena), b = rand_token(arena);
    assert_int_equal(a.length, TOKEN_TEXT_LENGTH);
    assert_false(str_equal(a, b));
}

static void buffers_stop_at_their_cap(void **state)
{
    (void)state;
    struct buf buf = buf_new(arena, 5);
    buf_append(&buf, STR("abc"));
    buf_append(&buf, STR("def"));
    assert_true(buf.overflowed);
    assert_str(buf_str(&buf), "abc");
}

static void encoders_fit_their_place(void **state)
{
    (void)state;
    struct buf url = buf_new(arena, 100);
    buf_append_url_component(&url, STR("a b&c=\xC3\xA9~"));
    assert_str(buf_str(&url), "a%20b%26c%3D%C3%A9~");
    struct buf json = buf_new(arena, 100);
    buf_append_json_string(&json, STR("a\"\\\n\x01"));
    assert_str(buf_str(&json), "\"a\\\"\\\\\\u000a\\u0001\"");
    struct buf broken = buf_new(arena, 100);
    buf_append_json_string(&broken, STR("x\xFF"));
    assert_str(buf_str(&broken), "\"x\xEF\xBF\xBD\"");
}

static void sensitive_fields_cannot_be_rendered(void **state)
{
    (void)state;
    struct buf buf = buf_new(arena, 200);
    log_render_fields(
        &buf, (struct log_field[]){LOG_SENSITIVE("code"), LOG_INT("n", -3), LOG_BOOL("ok", true), LOG_END});
    assert_str(buf_str(&buf), "\"code\":\"[redacted]\",\"n\":-3,\"ok\":true");
}

static void a_large_piece_keeps_the_small_ones(void **state)
{
    (void)state;
    char *small = arena_strdup(arena, "before");
    char *large = arena_alloc(arena, 100000);
    large[99999] = 'x';
    char *after = arena_strdup(arena, "after");
    assert_string_equal(small, "before");
    assert_string_equal(after, "after");
    arena_reset(arena);
    char *fresh = arena_alloc(arena, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(fresh[i], 0);
}

static const char *key_path(void)
{
    char *folder = arena_strdup(arena, "/tmp/sluis-vault-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return arena_printf(arena, "%s/store.keys", folder);
}

static void the_vault_opens_only_what_it_sealed_there(void **state)
{
    (void)state;
    const char *path = key_path();
    struct failure failure;
    struct vault *vault = NULL;
    assert_int_equal(vault_create_file(path, &failure), OK);
    assert_int_equal(vault_create_file(path, &failure), FAILED); /* never over an existing one */
    assert_int_equal(vault_load(path, &vault, &failure), OK);
    struct str sealed = vault_seal(vault, arena, "flow.identity", STR("999990019")), opened;
    assert_int_equal(vault_open(vault, arena, "flow.identity", sealed, &opened), OK);
    assert_str(opened, "999990019");
    assert_int_equal(vault_open(vault, arena, "consent.person", sealed, &opened), FAILED);
    char *altered = arena_strndup(arena, sealed.data, sealed.length);
    altered[sealed.length - 1] ^= 1;
    assert_int_equal(vault_open(vault, arena, "flow.identity", str_of(altered, sealed.length), &opened),
                     FAILED);
    assert_int_equal(vault_open(vault, arena, "flow.identity", str_slice(sealed, 0, 20), &opened), FAILED);

    struct str hash = vault_lookup_hash(vault, arena, "bsn", STR("999990019"));
    assert_int_equal(vault_rotate_file(path, &failure), OK);
    vault_free(&vault);
    assert_int_equal(vault_load(path, &vault, &failure), OK);
    assert_int_equal(vault_active_key(vault), 2);
    assert_int_equal(vault_open(vault, arena, "flow.identity", sealed, &opened), OK);
    assert_true(str_equal(hash, vault_lookup_hash(vault, arena, "bsn", STR("999990019"))));
    vault_free(&vault);
}

static void keys_are_added_while_the_vault_is_used(void **state)
{
    (void)state;
    const char *path = key_path(), *other = key_path();
    struct failure failure;
    struct vault *vault = NULL, *writer = NULL;
    struct str opened;
    assert_int_equal(vault_create_file(path, &failure), OK);
    assert_int_equal(vault_load(path, &vault, &failure), OK);
    assert_int_equal(vault_reload(vault, path, &failure), OK); /* nothing new */
    assert_int_equal(vault_key_count(vault), 1);

    assert_int_equal(vault_rotate_file(path, &failure), OK);
    assert_int_equal(vault_load(path, &writer, &failure), OK);
    struct str sealed = vault_seal(writer, arena, "flow.identity", STR("999990019"));
    assert_int_equal(vault_open(vault, arena, "flow.identity", sealed, &opened), FAILED);
    assert_int_equal(vault_reload(vault, path, &failure), OK);
    assert_int_equal(vault_active_key(vault), 2);
    assert_int_equal(vault_open(vault, arena, "flow.identity", sealed, &opened), OK);
    assert_str(opened, "999990019");
    sealed = vault_seal(vault, arena, "flow.identity", STR("999990019"));
    assert_int_equal(vault_open(writer, arena, "flow.identity", sealed, &opened), OK);

    /* The file of another installation, and none at all: the keys that are there go on working. */
    assert_int_equal(vault_create_file(other, &failure), OK);
    assert_int_equal(vault_rotate_file(other, &failure), OK);
    assert_int_equal(vault_rotate_file(other, &failure), OK);
    assert_int_equal(vault_reload(vault, other, &failure), FAILED);
    assert_non_null(strstr(failure.text, "other keys"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vault_reload(vault, path, &failure), FAILED);
    assert_int_equal(vault_active_key(vault), 2);
    assert_int_equal(vault_open(vault, arena, "flow.identity", sealed, &opened), OK);
    vault_free(&writer);
    vault_free(&vault);
}

static void bad_key_files_name_their_fault(void **state)
{
    (void)state;
    const char *path = key_path();
    struct failure failure;
    struct vault *vault = NULL;
    assert_int_equal(vault_load(path, &vault, &failure), FAILED);
    assert_non_null(strstr(failure.text, "sluis keys create"));
    assert_int_equal(vault_create_file(path, &failure), OK);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(vault_load(path, &vault, &failure), FAILED);
    assert_non_null(strstr(failure.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    int file = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(file, "7 short\n", 8), 8);
    close(file);
    assert_int_equal(vault_load(path, &vault, &failure), FAILED);
    assert_non_null(strstr(failure.text, ":3:"));
    assert_null(vault);
}

static void secrets_compare_whole(void **state)
{
    (void)state;
    struct secret *secret = secret_new(STR("hunter2"));
    assert_true(secret_equal(secret_reveal(secret), STR("hunter2")));
    assert_false(secret_equal(secret_reveal(secret), STR("hunter")));
    assert_false(secret_equal(secret_reveal(secret), STR("hunter3")));
    secret_free(&secret);
    assert_null(secret);
}

static void a_failure_gathers_context(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(failure_set(&failure, "line %d", 3), FAILED);
    assert_int_equal(failure_prefix(&failure, "sluis.yaml"), FAILED);
    assert_string_equal(failure.text, "sluis.yaml: line 3");
    assert_int_equal(failure_set(NULL, "nobody listens"), FAILED);
}

static void vectors_grow(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    for (int i = 0; i < 100; i++)
        vec_push(arena, &numbers, i);
    assert_int_equal(numbers.count, 100);
    assert_int_equal(numbers.items[99], 99);
}

static void the_clock_writes_iso_8601(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_format_ms(1582982645007, text); /* a leap day */
    assert_string_equal(text, "2020-02-29T13:24:05.007Z");
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        ARENA_TEST(split_yields_every_part),
        ARENA_TEST(integers_are_strict),
        ARENA_TEST(utf8_follows_table_3_7),
        ARENA_TEST(c_text_refuses_nul),
        ARENA_TEST(uuids_have_their_form),
        ARENA_TEST(base64url_is_strict_both_ways),
        ARENA_TEST(sha256_of_abc),
        ARENA_TEST(tokens_are_256_bits_and_differ),
        ARENA_TEST(buffers_stop_at_their_cap),
        ARENA_TEST(encoders_fit_their_place),
        ARENA_TEST(sensitive_fields_cannot_be_rendered),
        ARENA_TEST(a_large_piece_keeps_the_small_ones),
        ARENA_TEST(the_vault_opens_only_what_it_sealed_there),
        ARENA_TEST(keys_are_added_while_the_vault_is_used),
        ARENA_TEST(bad_key_files_name_their_fault),
        ARENA_TEST(secrets_compare_whole),
        ARENA_TEST(a_failure_gathers_context),
        ARENA_TEST(vectors_grow),
        ARENA_TEST(the_clock_writes_iso_8601),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
