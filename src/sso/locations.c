#include "sso/locations.h"

#include "base/rand.h"
#include "base/vec.h"

#include <sodium.h>

#define VALUE_BYTES_MAX 256
#define SLOTS 4096 /* power of two, twice LOCATIONS_MAX */

/* A reading under way. `slots` is an open-addressed hash table of index + 1 into items; the hash is keyed, so
 * that no list of ids can be made to collide. */
struct reading {
    struct arena *arena;
    const struct sso_connection *connection;
    struct locations *out;
    VEC(struct mapping_received) items;
    uint16_t slots[SLOTS];
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
};

/* CLM-8. A step on the way that is no object means that a parent of the claim is itself handed out. */
static bool is_overage(const json_t *claims, struct str path)
{
    const json_t *names = json_object_get(claims, "_claim_names"),
                 *has_groups = json_object_get(claims, "hasgroups");
    struct str ignored;
    if (json_is_true(has_groups) ||
        (json_is_string(has_groups) && strcmp(json_string_value(has_groups), "true") == 0))
        return true;
    return json_is_object(names) && claim_path(names, path, &ignored) != ABSENT;
}

/* ---- one value ---- */

static struct str lower_case(struct arena *arena, struct str text)
{
    char *lower = arena_strndup(arena, text.data, text.length);
    for (size_t i = 0; i < text.length; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + ('a' - 'A'));
    return str_of(lower, text.length);
}

/* CLM-7, in the order given there; empty when nothing is left. Attribute types of a DN have no case (RFC 4514
 * 2.4). */
static struct str transform(struct reading *reading, struct str value)
{
    const struct sso_connection *connection = reading->connection;
    if (connection->is_location_dn_stripped && str_equal_ignoring_case(str_slice(value, 0, 3), STR("CN="))) {
        value = str_slice(value, 3, value.length);
        value = str_trim(str_slice(value, 0, str_find(value, ',')));
    }
    if (connection->is_location_slash_stripped && value.length > 0 && value.data[0] == '/')
        value = str_slice(value, 1, value.length);
    struct str prefix = connection->location_prefix;
    if (connection->is_location_case_folded) { /* CLM-6 */
        value = lower_case(reading->arena, value);
        prefix = lower_case(reading->arena, prefix);
    }
    if (!str_starts_with(value, prefix))
        return STR_NONE;
    return str_slice(value, prefix.length, value.length);
}

static uint16_t *slot_of(struct reading *reading, struct str code)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)code.data, code.length, reading->hash_key);
    uint32_t at;
    memcpy(&at, hash, sizeof at);
    for (;; at++) {
        uint16_t *slot = &reading->slots[at % SLOTS];
        if (*slot == 0 || str_equal(reading->items.items[*slot - 1].code, code))
            return slot;
    }
}

/* CLM-4, CLM-5. FAILED when there are too many. */
static enum outcome take(struct reading *reading, struct str value, struct str name)
{
    reading->out->received++;
    value = str_trim(value);
    bool is_sound = value.length > 0 && value.length <= VALUE_BYTES_MAX && str_is_printable_utf8(value);
    if (is_sound)
        value = transform(reading, value);
    if (!is_sound || value.length == 0) {
        reading->out->dropped++;
        return OK;
    }
    uint16_t *slot = slot_of(reading, value);
    if (*slot != 0) {
        reading->out->duplicates++;
        return OK;
    }
    if (reading->items.count == LOCATIONS_MAX)
        return FAILED;
    name = str_trim(name);
    bool has_name = name.length > 0 && name.length <= VALUE_BYTES_MAX && str_is_printable_utf8(name);
    struct mapping_received item = {
        .code = str_copy(reading->arena, value),
        .name = has_name ? str_copy(reading->arena, name) : STR_NONE,
    };
    vec_push(reading->arena, &reading->items, item);
    *slot = (uint16_t)reading->items.count;
    return OK;
}

static struct str string_of(const json_t *value)
{
    return str_of(json_string_value(value), json_string_length(value));
}

static enum outcome take_scalar(struct reading *reading, const json_t *value, struct str name)
{
    if (json_is_string(value))
        return take(reading, string_of(value), name);
    if (!json_is_integer(value))
        return FAILED;
    return take(reading,
                str_from_c(arena_printf(reading->arena, "%lld", (long long)json_integer_value(value))), name);
}

/* CLM-2 (d) */
static enum outcome take_object(struct reading *reading, const json_t *object)
{
    struct str id_key = reading->connection->location_id_key,
               name_key = reading->connection->location_name_key;
    if (id_key.length == 0)
        return FAILED;
    const json_t *id = json_object_getn(object, id_key.data, id_key.length), *name = NULL;
    if (name_key.length > 0)
        name = json_object_getn(object, name_key.data, name_key.length);
    return take_scalar(reading, id, json_is_string(name) ? string_of(name) : STR_NONE);
}

/* ---- the claim ---- */

/* CLM-2 (b), (c), (d): all of one kind. A list of mixed kinds is a mistake at the source, not ours to guess
 * about. */
static enum outcome take_array(struct reading *reading, const json_t *array)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (json_typeof(item) != json_typeof(json_array_get(array, 0)))
            return FAILED;
        enum outcome outcome =
            json_is_object(item) ? take_object(reading, item) : take_scalar(reading, item, STR_NONE);
        if (outcome != OK)
            return outcome;
    }
    return OK;
}

/* CLM-2 (e): with the option, text that begins as an array has to be one. */
static enum outcome take_json_text(struct reading *reading, struct str text)
{
    json_t *array;
    if (json_parse_array(text, &array, NULL) != OK)
        return FAILED;
    enum outcome outcome = take_array(reading, array);
    json_decref(array);
    return outcome;
}

/* CLM-2 (f) */
static enum outcome take_delimited(struct reading *reading, struct str text, struct str delimiter)
{
    for (;;) {
        const char *found =
            text.length > 0 ? memmem(text.data, text.length, delimiter.data, delimiter.length) : NULL;
        size_t at = found != NULL ? (size_t)(found - text.data) : text.length;
        enum outcome outcome = take(reading, str_slice(text, 0, at), STR_NONE);
        if (outcome != OK || found == NULL)
            return outcome;
        text = str_slice(text, at + delimiter.length, text.length);
    }
}

static enum outcome take_text(struct reading *reading, struct str text)
{
    const struct sso_connection *connection = reading->connection;
    struct str trimmed = str_trim(text);
    if (trimmed.length == 0) /* present but empty, not a bad value */
        return OK;
    if (connection->is_location_json_in_string && trimmed.data[0] == '[')
        return take_json_text(reading, trimmed);
    if (connection->location_delimiter.length > 0)
        return take_delimited(reading, text, connection->location_delimiter);
    return take(reading, text, STR_NONE);
}

static enum outcome take_claim(struct reading *reading, const json_t *value)
{
    if (json_is_array(value))
        return take_array(reading, value);
    if (json_is_string(value))
        return take_text(reading, string_of(value));
    return take_scalar(reading, value, STR_NONE);
}

enum locations_result locations_read(struct arena *arena, const json_t *claims,
                                     const struct sso_connection *connection, struct locations *out_locations)
{
    const json_t *value = claims_at_path(claims, connection->location_claim);
    *out_locations = (struct locations){.json_type = claim_kind(value)};
    struct reading *reading = arena_new_of(arena, struct reading);
    reading->arena = arena;
    reading->connection = connection;
    reading->out = out_locations;
    rand_bytes(reading->hash_key, sizeof reading->hash_key);
    bool is_present = value != NULL && !json_is_null(value);
    enum outcome outcome = is_present ? take_claim(reading, value) : ABSENT;
    out_locations->items = reading->items.items;
    out_locations->count = reading->items.count;
    /* An incomplete list is still shown in the log, but never used. */
    if (is_overage(claims, connection->location_claim))
        return LOCATIONS_OVERAGE;
    switch (outcome) {
    case OK:
        return out_locations->count > 0 ? LOCATIONS_OK : LOCATIONS_EMPTY;
    case ABSENT:
        return LOCATIONS_ABSENT;
    case FAILED:
        return LOCATIONS_WRONG_FORMAT;
    }
    return LOCATIONS_WRONG_FORMAT;
}
