#include "sso/notify.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/vec.h"
#include "mail/amsterdam.h"
#include "mail/mailer.h"
#include "mail/message.h"
#include "sso/redaction.h"

#include <stdlib.h>

#define IDS_SHOWN 50 /* MAIL-4 */
#define IDS_MAX 2000 /* a login has no more */
#define VALUE_MAX ((size_t)255)
#define FINGERPRINT_MAX ((size_t)1 << 20)

struct id_list {
    struct str *items;
    size_t count, capacity;
};

/* Everything of steps 6 to 8 that the mail is about; the strings are the trail's. */
struct findings {
    const char *claim_path;
    size_t received, added;
    struct id_list unlinked;
    struct id_list groups;
};

/* ---- reading the trail ---- */

static struct str text_of(const json_t *value)
{
    return json_is_string(value) ? str_of(json_string_value(value), json_string_length(value)) : STR_NONE;
}

static void read_mapping(struct arena *arena, const json_t *ids, struct findings *out)
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

static void read_groups(struct arena *arena, const json_t *groups, struct findings *out)
{
    size_t index;
    json_t *group;
    json_array_foreach(groups, index, group) if (out->groups.count < IDS_SHOWN)
        vec_push(arena, &out->groups, text_of(group));
}

static struct findings read_trail(struct arena *arena, const struct trail *trail)
{
    struct findings findings = {0};
    size_t index;
    json_t *step;
    json_array_foreach(trail->steps, index, step)
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

/* ---- fingerprint, MAIL-6 ---- */

/* With its length in front, so that no two lists of values read the same. */
static void append_value(struct buf *buf, struct str value)
{
    buf_printf(buf, "%zu:", value.length);
    buf_append(buf, value);
}

static int compare_ids(const void *left, const void *right)
{
    return str_compare(*(const struct str *)left, *(const struct str *)right);
}

static struct str host_of(struct str url)
{
    size_t colon = str_find(url, ':');
    struct str rest = str_slice(url, colon, url.length);
    rest = str_starts_with(rest, STR("://")) ? str_slice(rest, 3, rest.length) : url;
    return str_slice(rest, 0, str_find(rest, '/'));
}

static struct str fingerprint(struct arena *arena, const struct notice *notice,
                              const struct findings *findings)
{
    struct buf text = buf_new(arena, FINGERPRINT_MAX);
    int code = notice->error->code;
    append_value(&text, notice->connection->id);
    buf_printf(&text, "%d%c", code, notice->cause != 0 ? notice->cause : '-');
    if (code == 701 && notice->cause == 'c' && findings->unlinked.count > 0) {
        struct str *sorted = arena_array_of(arena, findings->unlinked.count, struct str);
        memcpy(sorted, findings->unlinked.items, findings->unlinked.count * sizeof *sorted);
        qsort(sorted, findings->unlinked.count, sizeof *sorted, compare_ids);
        for (size_t i = 0; i < findings->unlinked.count; i++)
            append_value(&text, sorted[i]);
    }
    if ((code >= 200 && code < 300) || code == 401)
        append_value(&text, host_of(notice->connection->issuer));
    return codec_hex(arena, codec_sha256(arena, buf_str(&text)));
}

/* ---- text ---- */

static struct str environment_nl(struct str environment)
{
    if (str_equal(environment, STR("acceptance")))
        return STR("acceptatie");
    return str_equal(environment, STR("production")) ? STR("productie") : environment;
}

static struct str clean(struct arena *arena, struct str value)
{
    return message_clean(arena, value, VALUE_MAX);
}

static void append_line(struct buf *body, struct arena *arena, const char *label, struct str value)
{
    buf_append_c(body, label);
    buf_append_c(body, ": ");
    buf_append(body, clean(arena, value));
    buf_append_char(body, '\n');
}

static void append_list(struct buf *body, struct arena *arena, const char *label, const struct id_list *list)
{
    buf_printf(body, "%s:\n", label);
    for (size_t i = 0; i < list->count && i < IDS_SHOWN; i++) {
        buf_append_c(body, "  - ");
        buf_append(body, clean(arena, list->items[i]));
        buf_append_char(body, '\n');
    }
    if (list->count > IDS_SHOWN)
        buf_printf(body, "  en nog %zu\n", list->count - IDS_SHOWN);
}

static struct str compose_subject(struct arena *arena, const struct notice *notice)
{
    struct str environment = clean(arena, environment_nl(notice->connection->environment));
    struct str customer = clean(arena, notice->connection->customer_key);
    return str_from_c(arena_printf(arena, "[SSO %.*s] %.*s: %s (%d)", STR_ARG(environment), STR_ARG(customer),
                                   notice->error->title, notice->error->code));
}

static struct str compose_body(struct arena *arena, const struct notice *notice,
                               const struct findings *findings)
{
    struct buf body = buf_new(arena, MESSAGE_BODY_MAX - 4096); /* room for what the mailer adds */
    const struct sso_connection *connection = notice->connection;
    const struct sso_error *error = notice->error;
    struct str reference = clean(arena, notice->trail->entry.reference);
    const char *reference_c = arena_strndup(arena, reference.data, reference.length);
    const char *cause = notice->cause != 0
                            ? sso_cause_text(arena, error->code, notice->cause, findings->claim_path,
                                             findings->received, findings->added)
                            : NULL;
    const char *advice = sso_advice(error->code);
    buf_append_c(&body, "Een zorgverlener kon niet inloggen.\n\n");
    append_line(&body, arena, "Tijd", str_from_c(amsterdam_format(arena, notice->now)));
    append_line(&body, arena, "Koppelvlak", sso_slug(arena, connection));
    append_line(&body, arena, "Omgeving", environment_nl(connection->environment));
    append_line(&body, arena, "Melding", str_from_c(arena_printf(arena, "%d %s", error->code, error->title)));
    if (cause != NULL)
        append_line(&body, arena, "Oorzaak", str_from_c(cause));
    append_line(&body, arena, "De gebruiker zag",
                str_from_c(sso_user_text(arena, error->user_text, reference_c, true)));
    append_line(&body, arena, "Referentie", reference);
    if (notice->user_shown.length > 0)
        append_line(&body, arena, "Gebruiker", notice->user_shown);
    if (error->code == 701 && findings->unlinked.count > 0)
        append_list(&body, arena, "Niet-gekoppelde locaties", &findings->unlinked);
    if (error->code == 702)
        append_list(&body, arena, "Beveiligingsgroepen", &findings->groups);
    buf_append_c(&body, MAILER_REPEATS "\n");
    if (advice != NULL)
        buf_printf(&body, "\n%s\n", advice);
    return buf_str(&body);
}

/* ---- the verbs ---- */

static bool is_mailed(enum sso_mail_rule rule)
{
    switch (rule) {
    case MAIL_YES:
    case MAIL_OUTAGE:
        return true;
    case MAIL_NO:
    case MAIL_DIGEST:
    case MAIL_OPERATOR:
    case MAIL_AFTER_3_IN_15_MIN:
    case MAIL_AFTER_5_IN_1_H:
    case MAIL_AFTER_20_IN_1_H:
    case MAIL_ONE_PER_HOUR:
    case MAIL_ONE_PER_DAY:
    case MAIL_CONSENT_ONLY:
        break;
    }
    return false;
}

enum outcome notify_compose(struct arena *arena, const struct notice *notice, struct outbox_mail *out_mail)
{
    if (notice->connection == NULL || str_trim(notice->connection->notify_address).length == 0 ||
        !is_mailed(notice->error->mail))
        return ABSENT;
    struct findings findings = read_trail(arena, notice->trail);
    *out_mail = (struct outbox_mail){
        .connection = notice->connection->id,
        .fingerprint = fingerprint(arena, notice, &findings),
        .recipients = notice->connection->notify_address,
        .subject = compose_subject(arena, notice),
        .body = compose_body(arena, notice, &findings),
    };
    return OK;
}

bool notify_send(struct store *store, struct mailer *mailer, struct arena *arena, const struct notice *notice)
{
    struct outbox_mail mail;
    enum outbox_verdict verdict;
    if (mailer == NULL || notify_compose(arena, notice, &mail) != OK)
        return false;
    if (outbox_offer(store, &mail, notice->now, &verdict) != OK) {
        log_error("notice_lost", LOG_STR("reference", notice->trail->entry.reference),
                  LOG_INT("code", notice->error->code));
        return false;
    }
    if (verdict == OUTBOX_QUEUED)
        mailer_wake(mailer);
    return verdict != OUTBOX_CAPPED;
}

/* Seven digits or more in a row may be a citizen service number, an @ an address: neither is a name. */
static bool is_name(struct str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        digits = text.data[i] >= '0' && text.data[i] <= '9' ? digits + 1 : 0;
        if (text.data[i] == '@' || digits >= 7)
            return false;
    }
    return text.length > 0;
}

struct str notify_user(struct arena *arena, struct str display_name, struct str subject)
{
    if (is_name(display_name))
        return display_name;
    return subject.length > 0 ? redact_subject(arena, subject) : STR_NONE;
}
