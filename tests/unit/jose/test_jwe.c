/* Encrypted values: what opens, and everything that must not. */
#include "base/codec.h"
#include "base/rand.h"
#include "jose/gcm.h"
#include "jose/jwe.h"

#include "../support/arena.h"

#define KEY STR("0123456789abcdef0123456789abcdef")

/* A token with this header, whose content is sealed in the right way for it (RFC 7516 5.1). */
static struct str token_with_header(const char *header)
{
    struct str encoded = codec_base64url(arena, str_from_c(header)), sealed;
    assert_int_equal(gcm_seal(arena, KEY, encoded, STR("{}"), &sealed), OK);
    size_t end = sealed.length - GCM_TAG_BYTES;
    struct str nonce = codec_base64url(arena, str_slice(sealed, 0, GCM_NONCE_BYTES));
    struct str content = codec_base64url(arena, str_slice(sealed, GCM_NONCE_BYTES, end));
    struct str tag = codec_base64url(arena, str_slice(sealed, end, sealed.length));
    return str_from_c(arena_printf(arena, "%.*s..%.*s.%.*s.%.*s", STR_ARG(encoded), STR_ARG(nonce),
                                   STR_ARG(content), STR_ARG(tag)));
}

static enum jwe_result open_it(struct str token, struct str kid)
{
    const struct jwe_key key = {kid, KEY};
    struct str plaintext;
    struct failure failure = {""};
    enum jwe_result result = jwe_open(arena, token, &key, 1, &plaintext, &failure);
    if (result == JWE_OK)
        assert_true(str_equal_c(plaintext, "{}"));
    else
        assert_int_not_equal(strlen(failure.text), 0);
    return result;
}

static void what_is_sealed_opens_again(void **state)
{
    (void)state;
    struct str texts[] = {STR("x"), STR("{\"bsn\":\"999990019\"}"), STR("\x00\xff\x80")};
    for (size_t i = 0; i < 3; i++) {
        const struct jwe_key key = {STR("k1"), KEY};
        struct str token, again, plaintext;
        struct failure failure = {""};
        assert_int_equal(jwe_seal(arena, &key, texts[i], &token, &failure), OK);
        assert_int_equal(jwe_seal(arena, &key, texts[i], &again, &failure), OK);
        assert_false(str_equal(token, again)); /* a fresh nonce each time */
        assert_int_equal(jwe_open(arena, token, &key, 1, &plaintext, &failure), JWE_OK);
        assert_true(str_equal(plaintext, texts[i]));
    }
}

static void only_dir_with_A256GCM(void **state)
{
    (void)state;
    const struct {
        const char *header;
        enum jwe_result result;
    } cases[] = {
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", JWE_OK},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k1\"}", JWE_OK},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k2\"}", JWE_KEY_UNKNOWN},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":7}", JWE_MALFORMED},
        {"{\"alg\":\"A256KW\",\"enc\":\"A256GCM\"}", JWE_ALG_REFUSED},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", JWE_ALG_REFUSED},
        {"{\"alg\":\"dir\",\"enc\":\"A128CBC-HS256\"}", JWE_ALG_REFUSED},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}", JWE_ALG_REFUSED},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"crit\":[\"x\"],\"x\":1}", JWE_ALG_REFUSED},
        {"{\"alg\":\"dir\",\"alg\":\"dir\",\"enc\":\"A256GCM\"}", JWE_MALFORMED},
        {"{\"enc\":\"A256GCM\"}", JWE_MALFORMED},
        {"[]", JWE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (open_it(token_with_header(cases[i].header), STR("k1")) != cases[i].result)
            fail_msg("%s", cases[i].header);
}

/* A library that takes the tag at the length it has would let a one-byte tag be guessed. */
static void a_shortened_tag_is_refused(void **state)
{
    (void)state;
    struct str token = token_with_header("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}");
    for (size_t cut = 1; cut <= 22; cut++)
        assert_int_equal(open_it(str_slice(token, 0, token.length - cut), STR("k1")), JWE_MALFORMED);
}

static void an_encrypted_key_has_no_place_here(void **state)
{
    (void)state;
    struct str token = token_with_header("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}");
    size_t dot = str_find(token, '.');
    const char *changed = arena_printf(arena, "%.*s.AAAA%.*s", STR_ARG(str_slice(token, 0, dot)),
                                       STR_ARG(str_slice(token, dot + 1, token.length)));
    assert_int_equal(open_it(str_from_c(changed), STR("k1")), JWE_MALFORMED);
}

static void a_key_of_another_length_never_fits(void **state)
{
    (void)state;
    struct str token = token_with_header("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"), plaintext;
    struct failure failure;
    const struct jwe_key keys[] = {{STR("a"), STR("")}, {STR("b"), STR("0123456789abcdef")}, {STR("c"), KEY}};
    assert_int_equal(jwe_open(arena, token, keys, 2, &plaintext, &failure), JWE_NOT_OPENED);
    assert_int_equal(jwe_open(arena, token, keys, 3, &plaintext, &failure), JWE_OK);
    assert_int_equal(jwe_open(arena, token, keys, 0, &plaintext, &failure), JWE_KEY_UNKNOWN);
}

static void gcm_answers_the_vector_of_SP_800_38D(void **state)
{
    (void)state;
    /* Test case 14 of the GCM specification (McGrew and Viega): zero key, zero nonce, one zero block. */
    unsigned char sealed[12 + 16 + 16] = {0}, zero_key[32] = {0};
    static const unsigned char expected[] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5,
                                             0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99,
                                             0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
    memcpy(sealed + 12, expected, sizeof expected);
    struct str plaintext, key = str_of(zero_key, 32);
    assert_int_equal(gcm_open(arena, key, STR_NONE, str_of(sealed, sizeof sealed), &plaintext), OK);
    assert_int_equal(plaintext.length, 16);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(plaintext.data[i], 0);
    assert_int_equal(gcm_open(arena, key, STR("a"), str_of(sealed, sizeof sealed), &plaintext), FAILED);
    assert_int_equal(gcm_open(arena, key, STR_NONE, str_of(sealed, 27), &plaintext), FAILED);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        ARENA_TEST(what_is_sealed_opens_again),         ARENA_TEST(only_dir_with_A256GCM),
        ARENA_TEST(a_shortened_tag_is_refused),         ARENA_TEST(an_encrypted_key_has_no_place_here),
        ARENA_TEST(a_key_of_another_length_never_fits), ARENA_TEST(gcm_answers_the_vector_of_SP_800_38D),
    };
    return cmocka_run_group_tests_name("jwe", tests, NULL, NULL);
}
