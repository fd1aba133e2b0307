#include "http/form.h"

#include "base/codec.h"

static enum outcome decode(struct arena *arena, struct str raw, bool is_plus_space, struct str *out_text)
{
    char *text = arena_alloc(arena, raw.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < raw.length; i++) {
        char c = raw.data[i];
        if (c == '+' && is_plus_space) {
            c = ' ';
        } else if (c == '%') {
            if (raw.length - i < 3)
                return FAILED;
            int high = codec_hex_digit(raw.data[i + 1]), low = codec_hex_digit(raw.data[i + 2]);
            if (high < 0 || low < 0)
                return FAILED;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return FAILED;
        text[length++] = c;
    }
    struct str decoded = str_of(text, length);
    if (!str_is_utf8(decoded))
        return FAILED;
    *out_text = decoded;
    return OK;
}

enum outcome form_decode_percent(struct arena *arena, struct str text, struct str *out_text)
{
    return decode(arena, text, false, out_text);
}

static size_t count_fields(struct str text)
{
    size_t count = 0;
    struct str rest = text, part;
    while (str_split_next(&rest, '&', &part))
        count += part.length > 0 ? 1 : 0;
    return count;
}

enum outcome form_parse(struct arena *arena, struct str text, struct form *out_form)
{
    *out_form = (struct form){0};
    size_t count = count_fields(text);
    if (count == 0)
        return OK;
    if (count > FORM_FIELDS_MAX)
        return FAILED;
    out_form->fields = arena_array_of(arena, count, struct form_field);
    struct str rest = text, part;
    while (str_split_next(&rest, '&', &part)) {
        if (part.length == 0)
            continue;
        struct form_field *field = &out_form->fields[out_form->count++];
        size_t equals = str_find(part, '=');
        if (decode(arena, str_slice(part, 0, equals), true, &field->name) != OK)
            field->name = STR_NONE;
        field->is_malformed =
            decode(arena, str_slice(part, equals + 1, part.length), true, &field->value) != OK;
    }
    return OK;
}

enum form_lookup form_get(const struct form *form, const char *name, struct str *out_value)
{
    struct str wanted = str_from_c(name);
    const struct form_field *found = NULL;
    *out_value = STR_NONE;
    for (size_t i = 0; i < form->count; i++) {
        const struct form_field *field = &form->fields[i];
        if (field->name.data == NULL || !str_equal(field->name, wanted))
            continue;
        if (found != NULL)
            return FORM_REPEATED;
        found = field;
    }
    if (found == NULL)
        return FORM_MISSING;
    if (found->is_malformed)
        return FORM_MALFORMED;
    *out_value = found->value;
    return FORM_ONE;
}
