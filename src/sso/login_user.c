#include "sso/login_user.h"

#include "jose/claims.h"

struct str login_claim(struct attempt *attempt, const struct login *login, struct str path)
{
    struct str value;
    return path.length > 0 && claim_path(login->identity.claims, path, &value) == OK &&
                   str_is_printable_utf8(value) && value.length <= 255
               ? str_copy(attempt->arena, value)
               : STR_NONE;
}

static const char *user_word(const struct sso_user_change *change)
{
    if (change->is_created)
        return "aangemaakt";
    if (change->is_linked)
        return "gekoppeld";
    return change->changed_fields.length > 0 ? "bijgewerkt" : "gevonden";
}

/* USR-2: a number of personnel is a text at one provider and a number at another. */
static struct str link_value(struct attempt *attempt, const struct login *login)
{
    struct str path = attempt->connection->link_claim;
    if (path.length == 0)
        return STR_NONE;
    const json_t *value = claims_at_path(login->identity.claims, path);
    if (json_is_integer(value))
        return str_from_c(arena_printf(attempt->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    return login_claim(attempt, login, path);
}

static void log_user(struct attempt *attempt, struct str claim, const struct sso_user *user,
                     const char *result, const struct sso_user_change *change, struct str linked_by)
{
    json_t *data = json_pack("{s:o, s:o, s:s, s:o}", "claim", json_text(claim), "user", json_text(user->id),
                             "result", result, "changed", json_text(change->changed_fields));
    json_t *rivals = json_array();
    for (size_t i = 0; i < change->rival_count; i++)
        json_array_append_new(rivals, json_text(change->rivals[i]));
    if (change->rival_count > 0)
        json_object_set(data, "users", rivals);
    if (change->is_linked || change->rival_count > 0)
        json_object_set_new(data, "link_claim", json_text(linked_by));
    json_decref(rivals);
    trail_step(&attempt->trail, TRAIL_USER, user->id.length > 0 && !user->is_blocked, data);
}

bool login_user_find(struct attempt *attempt, struct login *login)
{
    const struct sso_connection *connection = attempt->connection;
    struct str subject = connection->subject_claim.length > 0 ? connection->subject_claim : STR("sub");
    struct sso_user seen = {
        .issuer = login->identity.issuer,
        .subject = login_claim(attempt, login, subject),
        .sub_raw = str_copy(attempt->arena, login->identity.subject),
        .display_name = login_claim(attempt, login, connection->name_claim),
        .email = login_claim(attempt, login, connection->email_claim),
        .employee_number = login_claim(attempt, login, connection->employee_claim),
    };
    const struct sso_user_link link = {connection->id, link_value(attempt, login)};
    struct sso_user_change change;
    if (seen.subject.length == 0) {
        trail_step(&attempt->trail, TRAIL_USER, false, json_pack("{s:o}", "claim", json_text(subject)));
        attempt_fail(attempt, 803, 0, "the subject claim is absent");
        return false;
    }
    switch (sso_user_upsert(attempt->door->store, &seen, &link, attempt->now, attempt->arena, &login->user,
                            &change)) {
    case OK:
        break;
    case ABSENT:
        log_user(attempt, subject, &(const struct sso_user){0}, "niet gekoppeld", &change,
                 connection->link_claim);
        attempt_fail(attempt, 804, 0, "the link claim fits another user");
        return false;
    case FAILED:
        attempt_fail(attempt, 802, 0, "the user could not be written");
        return false;
    }
    attempt->trail.entry.user_id = login->user.id;
    attempt->trail.entry.user_name =
        login->user.display_name.length > 0 ? login->user.display_name : login->user.subject;
    log_user(attempt, subject, &login->user, user_word(&change), &change, connection->link_claim);
    if (login->user.is_blocked)
        attempt_fail(attempt, 801, 0, "the user is blocked");
    return !login->user.is_blocked;
}
