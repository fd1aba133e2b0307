#include "sso/verify.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/browser.h"
#include "http/form.h"
#include "sso/attempt.h"
#include "sso/slug.h"

#define HEADERS_MAX ((size_t)16384) /* all together, with their names: what the connection has memory for */
#define LINE_EXTRA 4                /* ": " and the end of the line */

/* ---- the question: what need not be told ---- */

#define LISTS 4
static const char *const list_names[LISTS] = {"groups", "permissions", "locations", "warnings"};

struct question {
    bool is_left_out[LISTS];
};

static size_t find_list(struct str name)
{
    size_t i = 0;
    while (i < LISTS && !str_equal_c(name, list_names[i]))
        i++;
    return i;
}

/* FAILED for anything but nothing at all, or one `without` of known lists: who asks something else may
 * believe to have left out, or to have asked for, what is not so. */
static enum outcome read_question(const struct http_request *request, struct question *out_question)
{
    struct form query;
    struct str names, name;
    *out_question = (struct question){{false}};
    if (request->query.length == 0)
        return OK;
    if (form_parse(request->arena, request->query, &query) != OK || query.count != 1 ||
        form_get(&query, "without", &names) != FORM_ONE || names.length == 0)
        return FAILED;
    while (str_split_next(&names, ',', &name)) {
        size_t list = find_list(name);
        if (list == LISTS)
            return FAILED;
        out_question->is_left_out[list] = true;
    }
    return OK;
}

/* ---- headers ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '%' && c != ',';
}

static size_t encoded_length(struct str value)
{
    size_t length = 0;
    for (size_t i = 0; i < value.length; i++)
        length += is_plain((unsigned char)value.data[i]) || value.data[i] == '\n' ? 1 : 3;
    return length;
}

/* Printable ASCII stays, anything else is percent-encoded, so that names with diacritics pass a proxy; a
 * comma separates, so one inside a value is encoded too. */
static const char *header_value(struct arena *arena, struct str value)
{
    struct buf encoded = buf_new(arena, encoded_length(value) + 1);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c == '\n')
            buf_append_char(&encoded, ',');
        else if (is_plain(c))
            buf_append_char(&encoded, (char)c);
        else
            buf_printf(&encoded, "%%%02X", c);
    }
    return buf_c(&encoded);
}

/* A session counts in the environment it was made in. A browser keeps the cookies of acceptance and
 * production apart by their hosts; who carries one over by hand gets no further. A host that is in no table
 * is the internal listener's own, where an application asks for itself: it has X-SSO-Environment to go by. */
static bool is_elsewhere(const struct cached_snapshot *snapshot, const struct http_request *request,
                         const struct sso_connection *connection)
{
    const struct sso_host *host = slug_find_host(directory_data(snapshot), request);
    return host != NULL && !(str_equal(host->platform, connection->platform) &&
                             str_equal(host->environment, connection->environment));
}

static enum outcome find(struct professional *door, const struct cached_snapshot *snapshot,
                         const struct http_request *request, struct session *out_session,
                         const struct sso_connection **out_connection)
{
    struct str digest;
    if (!browser_cookie_digest(request, SSO_SESSION_COOKIE, &digest))
        return ABSENT;
    enum outcome outcome = session_find(door->store, digest, clock_now(), request->arena, out_session);
    if (outcome != OK)
        return outcome;
    *out_connection = directory_find_active_connection(snapshot, out_session->connection);
    return *out_connection != NULL && !is_elsewhere(snapshot, request, *out_connection) ? OK : ABSENT;
}

struct fact {
    const char *header;
    struct str value;
};

/* True when they fit; else it is told which is the longest, so that somebody can do something about it. */
static bool is_fitting(const struct fact *facts, size_t count, const struct session *session)
{
    size_t total = 0, longest = 0, longest_length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = encoded_length(facts[i].value);
        total += length > 0 ? strlen(facts[i].header) + LINE_EXTRA + length : 0;
        if (length > longest_length) {
            longest = i;
            longest_length = length;
        }
    }
    if (total <= HEADERS_MAX)
        return true;
    log_warning("session_facts_too_long", LOG_STR("reference", session->log_reference),
                LOG_INT("bytes", (int64_t)total), LOG_INT("bytes_max", (int64_t)HEADERS_MAX),
                LOG_C("longest", facts[longest].header), LOG_INT("longest_bytes", (int64_t)longest_length));
    return false;
}

static void tell(struct arena *arena, const struct session *session, const struct sso_connection *connection,
                 const struct question *question, struct http_response *response)
{
    /* The lists first, in the order of their names. */
    struct fact facts[] = {
        {"X-SSO-Groups", session->groups},
        {"X-SSO-Permissions", session->permissions},
        {"X-SSO-Locations", session->locations},
        {"X-SSO-Warnings", session->warnings},
        {"X-SSO-User", session->user_id},
        {"X-SSO-Name", session->display_name},
        {"X-SSO-Connection", sso_slug(arena, connection)},
        {"X-SSO-Environment", connection->environment},
        {"X-SSO-Limited", session->is_limited ? STR("true") : STR("false")},
    };
    size_t count = sizeof facts / sizeof *facts;
    for (size_t i = 0; i < LISTS; i++)
        if (question->is_left_out[i])
            facts[i].value = STR_NONE;
    if (!is_fitting(facts, count, session)) {
        /* Half a list of permissions must not pass for all of it, nor half the headers for a session. */
        http_response_text(response, 503, "session facts too long for headers\n");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (facts[i].value.length > 0) /* no header has an empty value */
            http_response_header(response, facts[i].header, header_value(arena, facts[i].value));
    http_response_text(response, 200, "ok\n");
}

void verify_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct professional *door = context;
    struct question question;
    if (read_question(request, &question) != OK) {
        log_warning("verify_question_wrong", LOG_C("request", request->id));
        http_response_text(response, 400, "wrong question\n");
        return;
    }
    struct cached_snapshot *snapshot = cached_acquire(door->data);
    struct session session;
    const struct sso_connection *connection;
    switch (find(door, snapshot, request, &session, &connection)) {
    case OK:
        tell(request->arena, &session, connection, &question, response);
        break;
    case ABSENT:
        http_response_text(response, 401, "no session\n");
        break;
    case FAILED:
        http_response_text(response, 503, "failed\n");
        break;
    }
    cached_release(&snapshot);
}
