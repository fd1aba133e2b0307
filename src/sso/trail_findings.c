#include "sso/trail_findings.h"

#include "base/vec.h"
#include "sso/trail.h"

#define IDS_MAX 2000 /* a login has no more */

static struct str text_of(const json_t *value)
{
    return json_is_string(value) ? str_of(json_string_value(value), json_string_length(value)) : STR_NONE;
}

static void read_mapping(struct arena *arena, const json_t *ids, struct trail_findings *out)
{
    size_t index;
    json_t *id;
    json_array_foreach(ids, index, id)
    {
        struct str state = text_of(json_object_get(id, "state"));
        out->added += str_equal(state, STR("nieuw toegevoegd"));
        if (!str_equal(state, STR("gekoppeld")) && out->unlinked.count < IDS_MAX)
            vec_push(arena, &out->unlinked, text_of(json_object_get(id, "id")));
    }
}

static void read_groups(struct arena *arena, const json_t *groups, struct trail_findings *out)
{
    size_t index;
    json_t *group;
    json_array_foreach(groups, index, group) if (out->groups.count < IDS_MAX)
        vec_push(arena, &out->groups, text_of(group));
}

struct trail_findings trail_findings(struct arena *arena, const json_t *steps)
{
    struct trail_findings findings = {0};
    size_t index;
    json_t *step;
    json_array_foreach(steps, index, step)
    {
        const json_t *data = json_object_get(step, "data");
        switch (json_integer_value(json_object_get(step, "n"))) {
        case TRAIL_LOCATIONS:
            findings.claim_path = json_string_value(json_object_get(data, "claim"));
            findings.received = (size_t)json_integer_value(json_object_get(data, "received"));
            break;
        case TRAIL_MAPPING:
            read_mapping(arena, json_object_get(step, "ids"), &findings);
            break;
        case TRAIL_PERMISSIONS:
            read_groups(arena, json_object_get(data, "groups"), &findings);
            break;
        }
    }
    return findings;
}
