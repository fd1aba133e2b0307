#include "sso/notify.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "mail/mailer.h"
#include "sso/notify_backlog.h"
#include "sso/notify_queue.h"
#include "sso/notify_text.h"
#include "sso/redaction.h"

#include <stdlib.h>

#define STORE_IS_AWAY 911
#define FINGERPRINT_MAX ((size_t)1 << 20)

/* ---- the rules ---- */

static struct outbox_rule outbox_rule_of(const struct sso_mail_rule *rule)
{
    switch (rule->kind) {
    case MAIL_AFTER:
        return (struct outbox_rule){.after = rule->count, .within_s = rule->period_s};
    case MAIL_ONE_PER:
        return (struct outbox_rule){.window_s = rule->period_s};
    case MAIL_NO:
    case MAIL_YES:
    case MAIL_CONSENT:
    case MAIL_OUTAGE:
    case MAIL_OPERATOR:
    case MAIL_DIGEST:
    case MAIL_REMINDERS:
        break;
    }
    return (struct outbox_rule){0};
}

/* Empty = nobody. */
static struct str recipients_of(const struct notice *notice)
{
    struct str connection =
        notice->connection != NULL ? str_trim(notice->connection->notify_address) : STR_NONE;
    switch (notice->error->mail.kind) {
    case MAIL_YES:
    case MAIL_AFTER:
    case MAIL_ONE_PER:
    case MAIL_OUTAGE:
        return connection;
    case MAIL_CONSENT:
        return notice->is_consent_required ? connection : STR_NONE;
    case MAIL_OPERATOR:
        return notice->operator_address != NULL ? str_from_c(notice->operator_address) : STR_NONE;
    case MAIL_NO:
    case MAIL_DIGEST:
    case MAIL_REMINDERS:
        break;
    }
    return STR_NONE;
}

/* ---- fingerprint, MAIL-6 ---- */

/* With its length in front, so that no two lists of values read the same. */
static void append_value(struct buf *buf, struct str value)
{
    buf_printf(buf, "%zu:", value.length);
    buf_append(buf, value);
}

static struct str host_of(struct str url)
{
    size_t colon = str_find(url, ':');
    struct str rest = str_slice(url, colon, url.length);
    rest = str_starts_with(rest, STR("://")) ? str_slice(rest, 3, rest.length) : url;
    return str_slice(rest, 0, str_find(rest, '/'));
}

static struct str fingerprint(struct arena *arena, const struct notice *notice,
                              const struct trail_findings *findings)
{
    struct buf text = buf_new(arena, FINGERPRINT_MAX);
    int code = notice->error->code;
    const struct sso_connection *connection = notice->connection;
    append_value(&text, connection != NULL ? connection->id : STR(NOTIFY_OPERATOR));
    buf_printf(&text, "%d%c", code, notice->cause != 0 ? notice->cause : '-');
    if (code == 701 && notice->cause == 'c' && findings->unlinked.count > 0) {
        struct str *sorted = arena_array_of(arena, findings->unlinked.count, struct str);
        memcpy(sorted, findings->unlinked.items, findings->unlinked.count * sizeof *sorted);
        qsort(sorted, findings->unlinked.count, sizeof *sorted, str_compare_items);
        for (size_t i = 0; i < findings->unlinked.count; i++)
            append_value(&text, sorted[i]);
    }
    if (connection != NULL && ((code >= 200 && code < 300) || code == 401))
        append_value(&text, host_of(connection->issuer));
    return codec_hex(arena, codec_sha256(arena, buf_str(&text)));
}

/* ---- the verbs ---- */

enum outcome notify_compose(struct arena *arena, const struct notice *notice, struct notify_plan *out_plan)
{
    struct str recipients = recipients_of(notice);
    const struct sso_mail_rule *rule = &notice->error->mail;
    if (recipients.length == 0)
        return ABSENT;
    struct trail_findings findings = trail_findings(arena, notice->trail->steps);
    *out_plan = (struct notify_plan){
        .is_outage = rule->kind == MAIL_OUTAGE,
        .rule = outbox_rule_of(rule),
        .report = {.mail =
                       {
                           .connection =
                               rule->kind == MAIL_OPERATOR ? STR(NOTIFY_OPERATOR) : notice->connection->id,
                           .fingerprint = fingerprint(arena, notice, &findings),
                           .recipients = recipients,
                           .subject = notify_subject(arena, notice->connection, notice->error, NULL),
                           .body = notify_body(arena, notice, &findings),
                           .code = notice->error->code,
                           .cause = notice->cause != 0 ? str_from_c(arena_printf(arena, "%c", notice->cause))
                                                       : STR_NONE,
                           .reference = notice->trail->entry.reference,
                       }},
    };
    if (out_plan->is_outage) {
        out_plan->report.recovery_subject = notify_recovery_subject(arena, notice);
        out_plan->report.recovery_body = notify_recovery_body(arena, notice);
    }
    return OK;
}

const char *notify_verdict_word(enum notify_verdict verdict)
{
    switch (verdict) {
    case NOTIFY_SENT:
        return "verstuurd";
    case NOTIFY_HANDED:
        return "aangeboden";
    case NOTIFY_SUPPRESSED:
    case NOTIFY_CAPPED:
        return "onderdrukt";
    case NOTIFY_NONE:
        break;
    }
    return "geen";
}

static enum notify_verdict verdict_of(enum outbox_verdict verdict)
{
    switch (verdict) {
    case OUTBOX_QUEUED:
        return NOTIFY_SENT;
    case OUTBOX_SUPPRESSED:
        return NOTIFY_SUPPRESSED;
    case OUTBOX_CAPPED:
        return NOTIFY_CAPPED;
    case OUTBOX_COUNTED:
        break;
    }
    return NOTIFY_NONE;
}

enum outcome notify_deliver(const struct notify_desk *desk, const struct notify_plan *plan, int64_t now,
                            enum outbox_verdict *out_verdict)
{
    enum outcome outcome = plan->is_outage
                               ? outage_report(desk->store, &plan->report, now, out_verdict)
                               : outbox_offer(desk->store, &plan->report.mail, &plan->rule, now, out_verdict);
    if (outcome == OK && *out_verdict == OUTBOX_QUEUED)
        mailer_wake(desk->mailer);
    return outcome;
}

/* Of a notice to the operator that the store cannot take. */
static enum notify_verdict keep(const struct notify_desk *desk, const struct notify_plan *plan, int64_t now)
{
    return notify_backlog_put(desk->backlog, &plan->report.mail, now) ? NOTIFY_HANDED : NOTIFY_NONE;
}

enum notify_verdict notify_send(const struct notify_desk *desk, struct arena *arena,
                                const struct notice *notice)
{
    struct notify_plan plan;
    enum outbox_verdict verdict;
    if (desk->mailer == NULL || notify_compose(arena, notice, &plan) != OK)
        return NOTIFY_NONE;
    bool is_away = notice->error->code == STORE_IS_AWAY;
    if (!is_away && notify_deliver(desk, &plan, notice->now, &verdict) == OK)
        return verdict_of(verdict);
    enum notify_verdict kept =
        notice->error->mail.kind == MAIL_OPERATOR ? keep(desk, &plan, notice->now) : NOTIFY_NONE;
    if (!is_away || kept == NOTIFY_NONE)
        log_error("notice_lost", LOG_STR("reference", notice->trail->entry.reference),
                  LOG_INT("code", notice->error->code), LOG_BOOL("kept_in_memory", kept == NOTIFY_HANDED));
    return kept;
}

enum notify_verdict notify_later(const struct notify_desk *desk, struct arena *arena,
                                 const struct notice *notice)
{
    struct notify_plan plan;
    if (desk->mailer == NULL || desk->queue == NULL || notify_compose(arena, notice, &plan) != OK)
        return NOTIFY_NONE;
    return notify_queue_put(desk->queue, &plan, notice->now);
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
