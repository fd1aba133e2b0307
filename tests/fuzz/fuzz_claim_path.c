/* Paths into claims: the part before the first brace is a path, the rest the claims. */
#include "jose/claims.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_of(data, size), text = STR_NONE;
    size_t brace = str_find(input, '{');
    struct str path = str_slice(input, 0, brace);
    json_t *claims = NULL;
    if (json_parse_object(str_slice(input, brace, size), &claims, NULL) != OK)
        return 0;
    const json_t *value = claims_at_path(claims, path);
    enum outcome outcome = claim_path(claims, path, &text);
    check((outcome == OK) == (value != NULL && json_is_string(value)));
    check(outcome != ABSENT || value == NULL);
    if (outcome == OK)
        check(str_is_utf8(text) && text.data == json_string_value(value));

    /* Every member is found by its own name in quotes. */
    struct arena *arena = arena_new();
    const char *name;
    json_t *member;
    json_object_foreach(claims, name, member)
    {
        char *quoted = arena_alloc(arena, 2 * strlen(name) + 3);
        size_t length = 0;
        quoted[length++] = '"';
        for (const char *c = name; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                quoted[length++] = '\\';
            quoted[length++] = *c;
        }
        quoted[length++] = '"';
        if (*name != '\0')
            check(claims_at_path(claims, str_of(quoted, length)) == member);
    }
    arena_free(&arena);
    json_decref(claims);
    return 0;
}
