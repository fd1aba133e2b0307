#include "html/value.h"

#include <assert.h>

static struct value *value_new(struct arena *arena, enum value_kind kind)
{
    struct value *value = arena_new_of(arena, struct value);
    value->kind = kind;
    return value;
}

struct value *value_object(struct arena *arena)
{
    return value_new(arena, VALUE_OBJECT);
}

struct value *value_list(struct arena *arena)
{
    return value_new(arena, VALUE_LIST);
}

struct value *value_text(struct arena *arena, struct str text)
{
    struct value *value = value_new(arena, VALUE_TEXT);
    value->text = text;
    return value;
}

struct value *value_bool(struct arena *arena, bool is_true)
{
    struct value *value = value_new(arena, VALUE_BOOL);
    value->is_true = is_true;
    return value;
}

static void member_add(struct arena *arena, struct value *parent, struct str name, struct value *value)
{
    struct value_member *member = arena_new_of(arena, struct value_member);
    member->name = name;
    member->value = value;
    if (parent->last == NULL)
        parent->first = member;
    else
        parent->last->next = member;
    parent->last = member;
}

void value_put(struct arena *arena, struct value *object, const char *name, struct value *value)
{
    assert(object->kind == VALUE_OBJECT && value != NULL);
    member_add(arena, object, str_from_c(name), value);
}

void value_put_text(struct arena *arena, struct value *object, const char *name, struct str text)
{
    value_put(arena, object, name, value_text(arena, text));
}

void value_put_c(struct arena *arena, struct value *object, const char *name, const char *text)
{
    value_put_text(arena, object, name, str_from_c(text));
}

void value_put_bool(struct arena *arena, struct value *object, const char *name, bool is_true)
{
    value_put(arena, object, name, value_bool(arena, is_true));
}

void value_append(struct arena *arena, struct value *list, struct value *item)
{
    assert(list->kind == VALUE_LIST && item != NULL);
    member_add(arena, list, STR_NONE, item);
}

const struct value *value_get(const struct value *object, struct str name)
{
    const struct value *found = NULL;
    if (object == NULL || object->kind != VALUE_OBJECT)
        return NULL;
    for (const struct value_member *member = object->first; member != NULL; member = member->next)
        if (str_equal(member->name, name))
            found = member->value;
    return found;
}

bool value_is_truthy(const struct value *value)
{
    if (value == NULL)
        return false;
    switch (value->kind) {
    case VALUE_NULL:
        return false;
    case VALUE_BOOL:
        return value->is_true;
    case VALUE_TEXT:
        return value->text.length > 0;
    case VALUE_LIST:
        return value->first != NULL;
    case VALUE_OBJECT:
        return true;
    }
    return false;
}
