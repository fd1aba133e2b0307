/* Claims to location ids, under options that the first byte chooses. */
#include "sso/locations.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t options = data[0];
    const struct sso_connection connection = {
        .location_claim = options & 1 ? STR("a.locaties") : STR("locaties"),
        .location_id_key = STR("id"),
        .location_name_key = STR("naam"),
        .location_delimiter = options & 2 ? STR(";") : STR_NONE,
        .is_location_json_in_string = (options & 4) != 0,
        .is_location_case_folded = (options & 8) != 0,
        .is_location_dn_stripped = (options & 16) != 0,
        .is_location_slash_stripped = (options & 32) != 0,
        .location_prefix = options & 64 ? STR("med-") : STR_NONE,
    };
    json_t *claims = NULL;
    if (json_parse_object(str_of(data + 1, size - 1), &claims, NULL) != OK)
        return 0;
    struct arena *arena = arena_new();
    struct locations locations;
    enum locations_result result = locations_read(arena, claims, &connection, &locations);
    json_decref(claims);
    check(locations.count <= LOCATIONS_MAX && locations.json_type != NULL);
    check(result != LOCATIONS_OK || locations.count > 0);
    check((result != LOCATIONS_EMPTY && result != LOCATIONS_ABSENT) || locations.count == 0);
    if (result == LOCATIONS_OK || result == LOCATIONS_EMPTY)
        check(locations.received == locations.count + locations.dropped + locations.duplicates);
    for (size_t i = 0; i < locations.count; i++) {
        struct str code = locations.items[i].code;
        check(code.length > 0 && code.length <= 256 && str_is_printable_utf8(code));
        check(str_is_printable_utf8(locations.items[i].name));
        for (size_t j = 0; j < i && i < 50; j++)
            check(!str_equal(code, locations.items[j].code));
    }
    arena_free(&arena);
    return 0;
}
