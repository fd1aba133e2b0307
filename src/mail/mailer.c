#include "mail/mailer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "mail/amsterdam.h"
#include "mail/message.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TURN_S 5
#define LEASE_S 180 /* longer than one mail may take */
#define PURGE_INTERVAL_MS 3600000
#define PURGE_LIMIT 1000
#define PURGE_ROUNDS 500
#define KEPT_S (7 * 86400) /* what was sent; caps and windows look two days back */

struct mailer {
    struct store *store;
    struct smtp_client client;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_woken; /* under the lock */
    atomic_bool is_stopping;
    int64_t next_purge_ms; /* the thread's own */
};

/* ---- text ---- */

static void append_repeats(struct buf *out, struct arena *arena, const struct outbox_mail *mail)
{
    if (mail->repeats == 0)
        buf_append_c(out, "Onderdrukte herhalingen: geen");
    else
        buf_printf(out, "Onderdrukte herhalingen: %" PRId64 " (eerste %s, laatste %s)", mail->repeats,
                   amsterdam_format(arena, mail->first_at), amsterdam_format(arena, mail->last_at));
    if (mail->is_last)
        buf_append_c(out, "\n\nVoor dit koppelvlak is het maximum van 20 mails per uur of 100 per dag "
                          "bereikt. Dit is voorlopig de laatste mail; alles blijft te zien in het logboek.");
}

struct str mailer_body(struct arena *arena, const struct outbox_mail *mail)
{
    /* Values in the body have no line ends, so only the text itself can have this line. */
    static const struct str line = {"\n" MAILER_REPEATS "\n", sizeof("\n" MAILER_REPEATS "\n") - 1};
    struct buf out = buf_new(arena, MESSAGE_BODY_MAX);
    const char *found =
        mail->body.length > 0 ? memmem(mail->body.data, mail->body.length, line.data, line.length) : NULL;
    size_t before = found != NULL ? (size_t)(found - mail->body.data) : mail->body.length;
    buf_append(&out, str_slice(mail->body, 0, before));
    if (found != NULL || mail->repeats > 0 || mail->is_last) {
        buf_append_char(&out, '\n');
        append_repeats(&out, arena, mail);
        buf_append_char(&out, '\n');
    }
    if (found != NULL)
        buf_append(&out, str_slice(mail->body, before + line.length, mail->body.length));
    return buf_str(&out);
}

/* ---- one mail ---- */

static enum outcome send_mail(struct mailer *mailer, struct arena *arena, const struct outbox_mail *mail,
                              struct failure *failure)
{
    const struct message message = {
        .sender = str_from_c(mailer->client.sender),
        .recipients = mail->recipients,
        .subject = mail->subject,
        .body = mailer_body(arena, mail),
        .id = mail->id,
        .date = clock_now(),
    };
    struct str text;
    const char **recipients;
    size_t count, refused;
    if (message_split_recipients(arena, mail->recipients, &recipients, &count) != OK ||
        message_write(arena, &message, &text) != OK)
        return failure_set(failure, "the recipients are not addresses, or the mail is too long");
    enum outcome outcome =
        smtp_send(&mailer->client, recipients, count, text, &mailer->is_stopping, &refused, failure);
    if (outcome == OK && refused > 0)
        log_warning("mail_recipient_refused", LOG_STR("mail", mail->id),
                    LOG_STR("connection", mail->connection), LOG_INT("refused", (int64_t)refused),
                    LOG_INT("recipients", (int64_t)count));
    return outcome;
}

static void deliver(struct mailer *mailer, struct arena *arena, const struct outbox_mail *mail)
{
    struct failure failure = {""};
    enum outcome noted;
    if (send_mail(mailer, arena, mail, &failure) == OK) {
        log_info("mail_sent", LOG_STR("mail", mail->id), LOG_STR("connection", mail->connection),
                 LOG_INT("repeats", mail->repeats));
        noted = outbox_sent(mailer->store, mail->id, clock_now());
    } else if (atomic_load(&mailer->is_stopping)) {
        return; /* not the mail server's fault: the lease runs out by itself */
    } else {
        log_warning("mail_not_sent", LOG_STR("mail", mail->id), LOG_STR("connection", mail->connection),
                    LOG_INT("attempt", mail->attempts + 1), LOG_C("cause", failure.text));
        noted = outbox_failed(mailer->store, mail->id, clock_now());
    }
    if (noted == FAILED)
        log_warning("mail_not_noted", LOG_STR("mail", mail->id));
}

static void empty_outbox(struct mailer *mailer, struct arena *arena)
{
    struct outbox_mail mail;
    enum outcome outcome = OK;
    while (!atomic_load(&mailer->is_stopping)) {
        arena_reset(arena);
        outcome = outbox_take(mailer->store, clock_now(), LEASE_S, arena, &mail);
        if (outcome != OK)
            break;
        deliver(mailer, arena, &mail);
    }
    if (outcome == FAILED)
        log_warning("outbox_not_read");
}

/* ---- the thread ---- */

static void purge(struct mailer *mailer)
{
    int64_t deleted = PURGE_LIMIT;
    if (clock_monotonic_ms() < mailer->next_purge_ms)
        return;
    mailer->next_purge_ms = clock_monotonic_ms() + PURGE_INTERVAL_MS;
    /* A flood leaves more rows than one statement should take. */
    for (int i = 0; i < PURGE_ROUNDS && deleted >= PURGE_LIMIT && !atomic_load(&mailer->is_stopping); i++)
        if (outbox_purge(mailer->store, clock_now() - KEPT_S, PURGE_LIMIT, &deleted) != OK) {
            log_warning("outbox_not_purged");
            return;
        }
}

static void wait_turn(struct mailer *mailer)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TURN_S;
    pthread_mutex_lock(&mailer->lock);
    while (!mailer->is_woken && !atomic_load(&mailer->is_stopping))
        if (pthread_cond_timedwait(&mailer->changed, &mailer->lock, &until) == ETIMEDOUT)
            break;
    mailer->is_woken = false;
    pthread_mutex_unlock(&mailer->lock);
}

static void *run(void *context)
{
    struct mailer *mailer = context;
    struct arena *arena = arena_new();
    while (!atomic_load(&mailer->is_stopping)) {
        empty_outbox(mailer, arena);
        purge(mailer);
        wait_turn(mailer);
    }
    arena_free(&arena);
    return NULL;
}

struct mailer *mailer_start(struct store *store, const struct smtp_client *client)
{
    struct mailer *mailer = calloc(1, sizeof *mailer);
    pthread_condattr_t attributes;
    if (mailer == NULL)
        abort();
    mailer->store = store;
    mailer->client = *client;
    atomic_init(&mailer->is_stopping, false);
    pthread_mutex_init(&mailer->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&mailer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&mailer->thread, NULL, run, mailer) != 0)
        abort();
    return mailer;
}

void mailer_stop(struct mailer **mailer)
{
    if (mailer == NULL || *mailer == NULL)
        return;
    pthread_mutex_lock(&(*mailer)->lock);
    atomic_store(&(*mailer)->is_stopping, true);
    pthread_cond_signal(&(*mailer)->changed);
    pthread_mutex_unlock(&(*mailer)->lock);
    pthread_join((*mailer)->thread, NULL);
    pthread_cond_destroy(&(*mailer)->changed);
    pthread_mutex_destroy(&(*mailer)->lock);
    free(*mailer);
    *mailer = NULL;
}

void mailer_wake(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    pthread_mutex_lock(&mailer->lock);
    mailer->is_woken = true;
    pthread_cond_signal(&mailer->changed);
    pthread_mutex_unlock(&mailer->lock);
}
