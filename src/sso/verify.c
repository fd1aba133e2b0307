#include "sso/verify.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/browser.h"
#include "sso/attempt.h"
#include "sso/slug.h"

#define HEADER_MAX 4096

/* A header value: printable ASCII stays, anything else is percent-encoded, so that names with diacritics pass
 * a proxy; a comma separates, so one inside a value is encoded too. NULL when it grows too long. */
static const char *header_value(struct arena *arena, struct str value)
{
    struct buf encoded = buf_new(arena, HEADER_MAX);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c == '\n' || c == ' ')
            buf_append_char(&encoded, c == '\n' ? ',' : ' ');
        else if (c > 0x20 && c < 0x7F && c != '%' && c != ',')
            buf_append_char(&encoded, (char)c);
        else
            buf_printf(&encoded, "%%%02X", c);
    }
    return encoded.overflowed ? NULL : buf_c(&encoded);
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

static void tell(struct arena *arena, const struct session *session, const struct sso_connection *connection,
                 struct http_response *response)
{
    const struct {
        const char *name;
        struct str value;
    } headers[] = {
        {"X-SSO-User", session->user_id},
        {"X-SSO-Name", session->display_name},
        {"X-SSO-Groups", session->groups},
        {"X-SSO-Permissions", session->permissions},
        {"X-SSO-Locations", session->locations},
        {"X-SSO-Connection", sso_slug(arena, connection)},
        {"X-SSO-Environment", connection->environment},
        {"X-SSO-Limited", session->is_limited ? STR("true") : STR("false")},
        {"X-SSO-Warnings", session->warnings},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (headers[i].value.length == 0)
            continue; /* no header has an empty value */
        const char *value = header_value(arena, headers[i].value);
        if (value == NULL) {
            /* Half a list of permissions must not pass for all of it, nor half the headers for a session. */
            response->header_count = 0;
            http_response_text(response, 503, "session facts too long for headers\n");
            return;
        }
        http_response_header(response, headers[i].name, value);
    }
    http_response_text(response, 200, "ok\n");
}

void verify_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct professional *door = context;
    struct cached_snapshot *snapshot = cached_acquire(door->data);
    struct session session;
    const struct sso_connection *connection;
    switch (find(door, snapshot, request, &session, &connection)) {
    case OK:
        tell(request->arena, &session, connection, response);
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
