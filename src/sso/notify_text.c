#include "sso/notify_text.h"

#include "base/buf.h"
#include "mail/amsterdam.h"
#include "mail/mailer.h"
#include "mail/message.h"

#include <inttypes.h>

#define IDS_SHOWN 50 /* MAIL-4 */
#define VALUE_MAX ((size_t)255)
#define BODY_MAX (MESSAGE_BODY_MAX - 4096) /* room for what the mailer adds */

/* ---- pieces ---- */

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

static void append_list(struct buf *body, struct arena *arena, const char *label,
                        const struct trail_ids *list)
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

static void append_connection(struct buf *body, struct arena *arena, const struct sso_connection *connection)
{
    append_line(body, arena, "Koppelvlak", sso_slug(arena, connection));
    append_line(body, arena, "Omgeving", environment_nl(connection->environment));
}

static void append_error(struct buf *body, struct arena *arena, const struct sso_error *error)
{
    append_line(body, arena, "Melding", str_from_c(arena_printf(arena, "%d %s", error->code, error->title)));
}

/* ---- a failure ---- */

struct str notify_subject(struct arena *arena, const struct sso_connection *connection,
                          const struct sso_error *error, const char *title)
{
    const char *what = title != NULL ? title : error->title;
    if (connection == NULL)
        return str_from_c(arena_printf(arena, "[SSO] Sluis: %s (%d)", what, error->code));
    struct str environment = clean(arena, environment_nl(connection->environment));
    struct str customer = clean(arena, connection->customer_key);
    return str_from_c(arena_printf(arena, "[SSO %.*s] %.*s: %s (%d)", STR_ARG(environment), STR_ARG(customer),
                                   what, error->code));
}

static const char *introduction(const struct sso_error *error)
{
    if (error->is_warning)
        return "Bij het inloggen is iets opgevallen. Het inloggen zelf ging door.";
    switch (error->mail.kind) {
    case MAIL_OUTAGE:
        return "De inlogdienst van dit koppelvlak reageert niet, zodat zorgverleners niet kunnen inloggen. U "
               "krijgt hierover één mail bij het begin en één als het inloggen weer lukt.";
    case MAIL_AFTER:
        return "Bij dit koppelvlak ging een aantal keren hetzelfde mis.";
    case MAIL_ONE_PER:
        return "Bij dit koppelvlak zijn inlogverzoeken geweigerd.";
    case MAIL_OPERATOR:
        return "Een inlogpoging is vastgelopen op een storing in Sluis zelf.";
    case MAIL_NO:
    case MAIL_YES:
    case MAIL_CONSENT:
    case MAIL_DIGEST:
    case MAIL_REMINDERS:
        break;
    }
    return "Een zorgverlener kon niet inloggen.";
}

struct str notify_body(struct arena *arena, const struct notice *notice,
                       const struct trail_findings *findings)
{
    struct buf body = buf_new(arena, BODY_MAX);
    const struct sso_connection *connection = notice->connection;
    const struct sso_error *error = notice->error;
    struct str reference = clean(arena, notice->trail->entry.reference);
    const char *reference_c = arena_strndup(arena, reference.data, reference.length);
    const char *cause = notice->cause != 0
                            ? sso_cause_text(arena, error->code, notice->cause, findings->claim_path,
                                             findings->received, findings->added)
                            : NULL;
    const char *advice = sso_advice(error->code, notice->cause);
    buf_printf(&body, "%s\n\n", introduction(error));
    append_line(&body, arena, "Tijd", str_from_c(amsterdam_format(arena, notice->now)));
    if (connection != NULL)
        append_connection(&body, arena, connection);
    append_error(&body, arena, error);
    if (cause != NULL)
        append_line(&body, arena, "Oorzaak", str_from_c(cause));
    if (error->user_text != USER_TEXT_NONE)
        append_line(&body, arena, "De gebruiker zag",
                    str_from_c(sso_user_text(arena, error->user_text, reference_c, true)));
    append_line(&body, arena, "Referentie", reference);
    append_line(&body, arena, "Opzoeken",
                str_from_c(arena_printf(arena, "sluis sso log show %s", reference_c)));
    if (notice->user_shown.length > 0 && connection != NULL && connection->is_user_mailed)
        append_line(&body, arena, "Gebruiker", notice->user_shown);
    if (error->code == 701 && findings->unlinked.count > 0)
        append_list(&body, arena, "Niet-gekoppelde locaties", &findings->unlinked);
    if (error->code == 702)
        append_list(&body, arena, "Beveiligingsgroepen", &findings->groups);
    /* Of warnings once a period not every one is counted (sso/notify_queue.h). */
    if (!error->is_warning || error->mail.kind != MAIL_ONE_PER)
        buf_append_c(&body, MAILER_REPEATS "\n");
    if (advice != NULL)
        buf_printf(&body, "\n%s\n", advice);
    return buf_str(&body);
}

/* ---- an outage that is over ---- */

struct str notify_recovery_subject(struct arena *arena, const struct notice *notice)
{
    return notify_subject(arena, notice->connection, notice->error, "Inloggen lukt weer");
}

struct str notify_recovery_body(struct arena *arena, const struct notice *notice)
{
    struct buf body = buf_new(arena, BODY_MAX);
    buf_append_c(&body, "De storing is voorbij: via dit koppelvlak is weer iemand ingelogd. Hieronder staat "
                        "wat er misging.\n\n");
    append_connection(&body, arena, notice->connection);
    append_error(&body, arena, notice->error);
    append_line(&body, arena, "Laatste referentie", notice->trail->entry.reference);
    buf_append_c(&body, MAILER_REPEATS "\n");
    return buf_str(&body);
}

/* ---- the mail of the day ---- */

static const char *status_nl(enum mapping_status status)
{
    switch (status) {
    case MAPPING_NEW:
        return "nog niet gekoppeld";
    case MAPPING_LINKED:
        return "gekoppeld";
    case MAPPING_IGNORED:
        return "genegeerd";
    case MAPPING_INACTIVE:
        return "inactief";
    }
    return "onbekend";
}

struct str notify_digest_body(struct arena *arena, const struct sso_connection *connection,
                              const struct notify_digest *digest)
{
    struct buf body = buf_new(arena, BODY_MAX);
    buf_append_c(&body,
                 "Bij het inloggen zijn locaties ontvangen die nog niet in de koppelvlaktabel stonden. "
                 "Ze zijn toegevoegd en geven geen rechten zolang ze niet zijn gekoppeld.\n\n");
    append_connection(&body, arena, connection);
    buf_printf(&body, "Periode: %s tot %s\n", amsterdam_format(arena, digest->from),
               amsterdam_format(arena, digest->until));
    buf_printf(&body, "Nieuwe locaties: %" PRId64 "\n", digest->total);
    for (size_t i = 0; i < digest->rows->count; i++) {
        const struct mapping_row *row = &digest->rows->items[i];
        struct str code = clean(arena, row->code), name = clean(arena, row->name);
        buf_printf(&body, "  - %.*s", STR_ARG(code));
        if (name.length > 0)
            buf_printf(&body, " %.*s", STR_ARG(name));
        buf_printf(&body, " (%s)\n", status_nl(row->status));
    }
    if (digest->total > (int64_t)digest->rows->count)
        buf_printf(&body, "  en nog %" PRId64 "\n", digest->total - (int64_t)digest->rows->count);
    buf_append_c(&body, "\nAdvies: koppel de locaties die deze toepassing gebruiken aan een "
                        "beveiligingsgroep, en zet de andere op genegeerd.\n");
    return buf_str(&body);
}

struct str notify_reminder_body(struct arena *arena, const struct sso_connection *connection,
                                int64_t expires_at, int64_t days)
{
    struct buf body = buf_new(arena, BODY_MAX);
    buf_printf(&body,
               "Het clientgeheim van dit koppelvlak verloopt over %" PRId64 " %s. Daarna kan niemand "
               "meer via dit koppelvlak inloggen.\n\n",
               days, days == 1 ? "dag" : "dagen");
    append_connection(&body, arena, connection);
    append_line(&body, arena, "Verloopt op", str_from_c(amsterdam_format(arena, expires_at)));
    buf_append_c(&body,
                 "\nAdvies: vraag bij de inlogdienst een nieuw geheim aan en zet het als tweede geheim "
                 "bij het koppelvlak voordat het oude verloopt. Twee geheimen kunnen naast elkaar "
                 "gelden.\n");
    return buf_str(&body);
}
