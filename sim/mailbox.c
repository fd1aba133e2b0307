/*
 * The mailbox: the last mails that came in over SMTP, kept in memory and shown as text. The pages also decide
 * whether the SMTP server takes mail, so that one can see what Sluis does when it does not.
 */
#include "base/clock.h"
#include "mail/amsterdam.h"
#include "mail_text.h"
#include "page.h"
#include "smtp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PART "Postvak"
#define MAILS_MAX 200
#define HEADERS_BYTES_MAX ((size_t)64 * 1024) /* what the list reads of a mail */

struct mail {
    struct arena *arena; /* holds all of it; NULL = a free place */
    int64_t id;
    int64_t received_at;
    bool is_tls;
    struct str from;
    struct str to; /* with ", " between */
    struct str data;
};

struct mailbox {
    struct smtp_server *server;
    atomic_int mode;
    pthread_mutex_t lock;
    int64_t last_id;              /* under the lock, as are the mails */
    struct mail mails[MAILS_MAX]; /* mail `id` is at id % MAILS_MAX */
};

static void keep(void *context, const struct smtp_mail *mail)
{
    struct mailbox *mailbox = context;
    struct arena *arena = arena_new();
    struct mail kept = {
        .arena = arena,
        .received_at = clock_now(),
        .is_tls = mail->is_tls,
        .from = str_copy(arena, mail->from),
        .data = str_copy(arena, mail->data),
    };
    for (size_t i = 0; i < mail->recipient_count; i++)
        kept.to = str_from_c(arena_printf(arena, "%.*s%s%.*s", STR_ARG(kept.to), i > 0 ? ", " : "",
                                          STR_ARG(mail->recipients[i])));
    pthread_mutex_lock(&mailbox->lock);
    kept.id = ++mailbox->last_id;
    struct mail *place = &mailbox->mails[kept.id % MAILS_MAX];
    struct arena *oldest = place->arena;
    *place = kept;
    pthread_mutex_unlock(&mailbox->lock);
    arena_free(&oldest);
}

static enum smtp_mode current_mode(void *context)
{
    struct mailbox *mailbox = context;
    return (enum smtp_mode)atomic_load(&mailbox->mode);
}

enum outcome mailbox_new(const struct sim_settings *settings, struct mailbox **out_mailbox,
                         struct failure *failure)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (!mailbox)
        return failure_set(failure, "no memory");
    pthread_mutex_init(&mailbox->lock, NULL);
    atomic_init(&mailbox->mode, SMTP_ACCEPT);
    struct arena *arena = arena_new();
    const struct smtp_settings smtp = {
        .address = settings->address,
        .port = settings->smtp_port,
        .certificate = arena_printf(arena, "%s/back.crt", settings->certificates),
        .key = arena_printf(arena, "%s/back.key", settings->certificates),
        .sink = keep,
        .mode = current_mode,
        .context = mailbox,
    };
    enum outcome outcome = smtp_start(&smtp, &mailbox->server, failure);
    arena_free(&arena); /* the server needs the file names only while it starts */
    *out_mailbox = mailbox;
    return outcome;
}

void mailbox_free(struct mailbox **mailbox)
{
    if (!*mailbox)
        return;
    smtp_stop(&(*mailbox)->server);
    for (size_t i = 0; i < MAILS_MAX; i++)
        arena_free(&(*mailbox)->mails[i].arena);
    pthread_mutex_destroy(&(*mailbox)->lock);
    free(*mailbox);
    *mailbox = NULL;
}

/* A copy in `arena`, of the first `data_max` bytes; false when it is not (or no longer) there. With the lock
 * held. */
static bool copy_mail(const struct mailbox *mailbox, int64_t id, size_t data_max, struct arena *arena,
                      struct mail *out_mail)
{
    const struct mail *mail = &mailbox->mails[id % MAILS_MAX];
    if (id <= 0 || !mail->arena || mail->id != id)
        return false;
    *out_mail = *mail;
    out_mail->arena = NULL;
    out_mail->from = str_copy(arena, mail->from);
    out_mail->to = str_copy(arena, mail->to);
    out_mail->data = str_copy(arena, str_slice(mail->data, 0, data_max));
    return true;
}

/* Newest first. */
static struct mail *copy_all(struct mailbox *mailbox, size_t data_max, struct arena *arena, size_t *out_count)
{
    struct mail *mails = arena_array(arena, MAILS_MAX, sizeof *mails);
    *out_count = 0;
    pthread_mutex_lock(&mailbox->lock);
    for (int64_t id = mailbox->last_id; id > mailbox->last_id - MAILS_MAX; id--) {
        if (copy_mail(mailbox, id, data_max, arena, &mails[*out_count]))
            ++*out_count;
    }
    pthread_mutex_unlock(&mailbox->lock);
    return mails;
}

static void put_mail(struct arena *arena, struct value *item, const struct mail *mail,
                     const struct mail_text *text)
{
    value_put_c(arena, item, "id", arena_printf(arena, "%lld", (long long)mail->id));
    value_put_c(arena, item, "received", amsterdam_format(arena, mail->received_at));
    value_put_text(arena, item, "from", mail->from);
    value_put_text(arena, item, "to", mail->to);
    struct str subject = mail_text_header(text, "Subject");
    value_put_text(arena, item, "subject", subject.length > 0 ? subject : STR("(geen onderwerp)"));
    value_put_bool(arena, item, "is_tls", mail->is_tls);
}

/* ---- pages ---- */

static const struct {
    const char *key;
    const char *label;
    enum smtp_mode mode;
} modes[] = {
    {"accept", "neemt mail aan", SMTP_ACCEPT},
    {"defer", "vraagt om het later nog eens te proberen (451)", SMTP_DEFER},
    {"refuse", "weigert elke ontvanger (550)", SMTP_REFUSE},
    {"closed", "is gesloten (421)", SMTP_CLOSED},
};

static void list_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    size_t count;
    const struct mail *mails = copy_all(sim->mailbox, HEADERS_BYTES_MAX, arena, &count);
    struct value *context = page_context(sim, request, PART, "Ontvangen mail");
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) {
        struct mail_text text;
        struct value *item = value_object(arena);
        mail_text_read(arena, mails[i].data, &text);
        put_mail(arena, item, &mails[i], &text);
        value_append(arena, list, item);
    }
    value_put(arena, context, "mails", list);
    struct value *choices = value_list(arena);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct value *choice = value_object(arena);
        value_put_c(arena, choice, "key", modes[i].key);
        value_put_c(arena, choice, "label", modes[i].label);
        value_put_bool(arena, choice, "is_chosen", current_mode(sim->mailbox) == modes[i].mode);
        value_append(arena, choices, choice);
    }
    value_put(arena, context, "modes", choices);
    value_put_c(arena, context, "port", arena_printf(arena, "%u", sim->settings.smtp_port));
    page_answer(sim, response, 200, "mail_list", context);
}

static void mail_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    int64_t id;
    struct mail mail;
    bool is_there = false;
    if (str_to_int64(request->path_tail, &id) == OK) {
        pthread_mutex_lock(&sim->mailbox->lock);
        is_there = copy_mail(sim->mailbox, id, SIZE_MAX, arena, &mail);
        pthread_mutex_unlock(&sim->mailbox->lock);
    }
    if (!is_there) {
        page_message(sim, request, response, 404, PART, "Deze mail is er niet",
                     "Het postvak bewaart de laatste 200 mails, tot de simulator stopt.");
        return;
    }
    struct mail_text text;
    mail_text_read(arena, mail.data, &text);
    struct value *context = page_context(sim, request, PART, "Mail");
    put_mail(arena, context, &mail, &text);
    struct value *headers = value_list(arena);
    for (size_t i = 0; i < text.header_count; i++) {
        struct value *header = value_object(arena);
        value_put_text(arena, header, "name", text.headers[i].name);
        value_put_text(arena, header, "value", text.headers[i].value);
        value_append(arena, headers, header);
    }
    value_put(arena, context, "headers", headers);
    value_put_text(arena, context, "body", text.body);
    page_answer(sim, response, 200, "mail_show", context);
}

/* null for text that is not UTF-8: JSON cannot hold it. */
static void put_json_text(json_t *object, const char *name, struct str text)
{
    json_t *value = json_stringn(text.data ? text.data : "", text.length);
    json_object_set_new(object, name, value ? value : json_null());
}

static json_t *mail_json(struct arena *arena, const struct mail *mail)
{
    struct mail_text text;
    mail_text_read(arena, mail->data, &text);
    json_t *headers = json_object();
    for (size_t i = 0; i < text.header_count; i++) {
        const char *name;
        if (str_to_c(arena, text.headers[i].name, &name) == OK &&
            str_is_printable_ascii(text.headers[i].name))
            put_json_text(headers, name, text.headers[i].value);
    }
    json_t *object =
        json_pack("{s:I, s:I, s:b, s:o}", "id", (json_int_t)mail->id, "received_at",
                  (json_int_t)mail->received_at, "tls", mail->is_tls ? 1 : 0, "headers", headers);
    put_json_text(object, "from", mail->from);
    put_json_text(object, "to", mail->to);
    put_json_text(object, "subject", mail_text_header(&text, "Subject"));
    put_json_text(object, "body", text.body);
    return object;
}

/* For tests: the same as JSON, newest first. */
static void json_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    size_t count;
    const struct mail *mails = copy_all(sim->mailbox, SIZE_MAX, request->arena, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, mail_json(request->arena, &mails[i]));
    page_json(response, 200, list);
}

static void mode_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    if (page_form(request, &form) == OK) {
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            if (str_equal_c(page_field(&form, "mode"), modes[i].key))
                atomic_store(&sim->mailbox->mode, (int)modes[i].mode);
        }
    }
    http_response_redirect(response, "/");
}

static void clear_post(void *door, const struct http_request *request, struct http_response *response)
{
    (void)request;
    struct mailbox *mailbox = ((const struct sim *)door)->mailbox;
    pthread_mutex_lock(&mailbox->lock);
    for (size_t i = 0; i < MAILS_MAX; i++)
        arena_free(&mailbox->mails[i].arena);
    pthread_mutex_unlock(&mailbox->lock);
    http_response_redirect(response, "/");
}

static const struct route routes[] = {
    {HTTP_GET, "/", list_get, ROUTE_PLAIN},           {HTTP_GET, "/mail/*", mail_get, ROUTE_PLAIN},
    {HTTP_GET, "/mails.json", json_get, ROUTE_PLAIN}, {HTTP_POST, "/smtp", mode_post, ROUTE_PLAIN},
    {HTTP_POST, "/leeg", clear_post, ROUTE_PLAIN},
};

const struct sim_part mail_part = {"mail.localhost", routes, sizeof routes / sizeof routes[0], NULL};
