#include "sso/intent.h"

#include "base/buf.h"
#include "jose/claims.h"

struct member {
    const char *name;
    struct str *value;
};

#define TEXT_COUNT 9

static void list_texts(struct intent *intent, struct member out_members[TEXT_COUNT])
{
    out_members[0] = (struct member){"view", &intent->view};
    out_members[1] = (struct member){"patient_kind", &intent->patient_kind};
    out_members[2] = (struct member){"patient", &intent->patient};
    out_members[3] = (struct member){"login_hint", &intent->login_hint};
    out_members[4] = (struct member){"launch", &intent->launch};
    out_members[5] = (struct member){"client_id", &intent->client_id};
    out_members[6] = (struct member){"redirect_uri", &intent->redirect_uri};
    out_members[7] = (struct member){"onward", &intent->onward};
    out_members[8] = (struct member){"session", &intent->session};
}

struct str intent_pack(struct arena *arena, const struct intent *intent, struct trail *trail)
{
    struct intent copy = *intent;
    struct member texts[TEXT_COUNT];
    list_texts(&copy, texts);
    json_t *payload = json_pack("{s:b, s:b, s:b, s:I}", "has_login_hint", intent->has_login_hint,
                                "is_restarted", intent->is_restarted, "is_login_forced",
                                intent->is_login_forced, "version", (json_int_t)intent->version);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        if (texts[i].value->length > 0)
            json_object_set_new(payload, texts[i].name, json_text(*texts[i].value));
    struct str line = json_print(arena, payload), packed_trail = trail_pack(trail);
    struct buf packed = buf_new(arena, line.length + 1 + packed_trail.length);
    buf_append(&packed, line);
    buf_append_char(&packed, '\n');
    buf_append(&packed, packed_trail);
    return buf_str(&packed);
}

static struct str text_of(struct arena *arena, const json_t *object, const char *name)
{
    struct str value;
    return claim_text(object, name, &value) == OK ? str_copy(arena, value) : STR_NONE;
}

enum outcome intent_unpack(struct arena *arena, struct str packed, struct intent *out_intent,
                           struct trail *out_trail)
{
    json_t *payload;
    struct str line, rest = packed;
    *out_intent = (struct intent){0};
    *out_trail = (struct trail){0};
    if (!str_split_next(&rest, '\n', &line) || json_parse_object(line, &payload, NULL) != OK)
        return FAILED;
    struct member texts[TEXT_COUNT];
    list_texts(out_intent, texts);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        *texts[i].value = text_of(arena, payload, texts[i].name);
    out_intent->has_login_hint = json_is_true(json_object_get(payload, "has_login_hint"));
    out_intent->is_restarted = json_is_true(json_object_get(payload, "is_restarted"));
    out_intent->is_login_forced = json_is_true(json_object_get(payload, "is_login_forced"));
    out_intent->version = json_integer_value(json_object_get(payload, "version"));
    json_decref(payload);
    return trail_unpack(out_trail, arena, rest);
}
