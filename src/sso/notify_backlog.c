#include "sso/notify_backlog.h"

#include "mail/mailer.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 4 /* codes of the operator: 805, 910, 911 */

struct slot {
    struct arena *arena; /* NULL = free; holds the strings of `mail` */
    struct outbox_mail mail;
    int64_t at;
};

struct notify_backlog {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

struct notify_backlog *notify_backlog_new(void)
{
    struct notify_backlog *backlog = calloc(1, sizeof *backlog);
    if (backlog == NULL)
        abort();
    pthread_mutex_init(&backlog->lock, NULL);
    return backlog;
}

void notify_backlog_free(struct notify_backlog **backlog)
{
    if (backlog == NULL || *backlog == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        if ((*backlog)->slots[i].arena != NULL)
            arena_free(&(*backlog)->slots[i].arena);
    pthread_mutex_destroy(&(*backlog)->lock);
    free(*backlog);
    *backlog = NULL;
}

static struct slot *slot_for(struct notify_backlog *backlog, int code)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &backlog->slots[i];
        if (slot->arena != NULL && slot->mail.code == code)
            return slot;
        if (slot->arena == NULL && found == NULL)
            found = slot;
    }
    return found;
}

/* What comes back from a flush gives way to what was put in the meantime. */
static bool keep(struct notify_backlog *backlog, const struct outbox_mail *mail, int64_t now, bool comes_back)
{
    if (backlog == NULL)
        return false;
    pthread_mutex_lock(&backlog->lock);
    struct slot *slot = slot_for(backlog, mail->code);
    bool is_newest = slot != NULL && (slot->arena == NULL || !comes_back);
    if (is_newest) {
        if (slot->arena == NULL)
            slot->arena = arena_new();
        else
            arena_reset(slot->arena);
        slot->mail = (struct outbox_mail){
            .connection = str_copy(slot->arena, mail->connection),
            .fingerprint = str_copy(slot->arena, mail->fingerprint),
            .recipients = str_copy(slot->arena, mail->recipients),
            .subject = str_copy(slot->arena, mail->subject),
            .body = str_copy(slot->arena, mail->body),
            .code = mail->code,
            .reference = str_copy(slot->arena, mail->reference),
        };
        slot->at = now;
    }
    pthread_mutex_unlock(&backlog->lock);
    return slot != NULL;
}

bool notify_backlog_put(struct notify_backlog *backlog, const struct outbox_mail *mail, int64_t now)
{
    return keep(backlog, mail, now, false);
}

enum outcome notify_backlog_flush(const struct notify_desk *desk)
{
    static const struct outbox_rule at_once = {0};
    struct notify_backlog *backlog = desk->backlog;
    enum outcome outcome = OK;
    for (size_t i = 0; backlog != NULL && i < SLOTS && outcome == OK; i++) {
        enum outbox_verdict verdict;
        pthread_mutex_lock(&backlog->lock);
        struct slot slot = backlog->slots[i];
        backlog->slots[i] = (struct slot){0};
        pthread_mutex_unlock(&backlog->lock);
        if (slot.arena == NULL)
            continue;
        outcome = outbox_offer(desk->store, &slot.mail, &at_once, slot.at, &verdict);
        if (outcome != OK)
            (void)keep(backlog, &slot.mail, slot.at, true);
        else if (verdict == OUTBOX_QUEUED)
            mailer_wake(desk->mailer);
        arena_free(&slot.arena);
    }
    return outcome;
}
