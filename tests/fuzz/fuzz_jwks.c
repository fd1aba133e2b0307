/* Key sets: whatever is taken from one must be a key that we could publish ourselves. */
#include "jose/jwk.h"

#include "fuzz.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwk_set *set = NULL;
    struct jwk *private_key = NULL;
    struct failure failure = {""};
    struct arena *arena = arena_new();
    struct str json;
    if (jwk_set_parse(str_of(data, size), &set, &failure) == OK) {
        check(jwk_set_count(set) + jwk_set_left_out(set) <= 64);
        for (size_t i = 0; i < jwk_set_count(set); i++) {
            struct jwk_set *again = NULL;
            check(jwk_export(jwk_set_at(set, i), arena, true, &json) == FAILED);
            check(jwk_export(jwk_set_at(set, i), arena, false, &json) == OK);
            const char *one = arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARG(json));
            check(jwk_set_parse(str_from_c(one), &again, &failure) == OK && jwk_set_count(again) == 1);
            jwk_set_free(&again);
        }
        jwk_set_free(&set);
    }
    if (jwk_parse_private(str_of(data, size), &private_key, &failure) == OK) {
        check(jwk_export(private_key, arena, true, &json) == OK);
        jwk_free(&private_key);
    }
    arena_free(&arena);
    return 0;
}
