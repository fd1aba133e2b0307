#include "medmij/authorize.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/secret.h"
#include "http/browser.h"
#include "medmij/login.h"
#include "medmij/pages.h"

#include <inttypes.h>

#define SEAL_CONTEXT "landing"

/* The sealed form field: expiry, digest of the browser's cookie, the packed request. */
static struct str seal_request(const struct visit *visit, struct str browser_digest)
{
    struct buf plain = buf_new(visit->arena, 20000);
    buf_printf(&plain, "%" PRId64 "\n", visit->now + visit->conf->landing_lifetime_s);
    buf_append(&plain, codec_hex(visit->arena, browser_digest));
    buf_append_char(&plain, '\n');
    buf_append(&plain, authorization_pack(visit->arena, &visit->authorization));
    return codec_base64url(visit->arena,
                           vault_seal(visit->door->vault, visit->arena, SEAL_CONTEXT, buf_str(&plain)));
}

enum unseal_result { UNSEAL_OK, UNSEAL_EXPIRED, UNSEAL_OTHER_BROWSER, UNSEAL_DAMAGED };

/* Opens the field and resolves the request in it anew; `out_fault` is its verdict. */
static enum unseal_result unseal_request(struct visit *visit, const struct form *form,
                                         struct str *out_browser_digest, enum authorization_fault *out_fault)
{
    struct str text, sealed, plain, part, cookie_digest;
    int64_t expires_at;
    if (form_get(form, "request", &text) != FORM_ONE ||
        codec_base64url_decode(visit->arena, text, &sealed) != OK ||
        vault_open(visit->door->vault, visit->arena, SEAL_CONTEXT, sealed, &plain) != OK ||
        !str_split_next(&plain, '\n', &part) || str_to_int64(part, &expires_at) != OK ||
        !str_split_next(&plain, '\n', &cookie_digest))
        return UNSEAL_DAMAGED;
    *out_fault = authorization_unpack(visit->arena, plain, visit->conf, visit->lists, visit->catalog,
                                      &visit->authorization);
    if (visit->now >= expires_at)
        return UNSEAL_EXPIRED;
    bool is_new;
    *out_browser_digest = browser_identify(visit->request, visit->response, BROWSER_SAME_SITE, &is_new);
    if (is_new || !secret_equal(cookie_digest, codec_hex(visit->arena, *out_browser_digest)))
        return UNSEAL_OTHER_BROWSER;
    return UNSEAL_OK;
}

static void answer_fault(struct visit *visit, enum authorization_fault fault)
{
    switch (fault) {
    case AUTHORIZATION_SOUND:
        return;
    case AUTHORIZATION_CLIENT:
    case AUTHORIZATION_REDIRECT_URI:
        page_client_error(visit, fault);
        return;
    case AUTHORIZATION_NO_LISTS:
        page_technical(visit, 503, "temporarily_unavailable");
        return;
    case AUTHORIZATION_INVALID_REQUEST:
    case AUTHORIZATION_RESPONSE_TYPE:
    case AUTHORIZATION_SCOPE:
    case AUTHORIZATION_NOT_ALLOWED: {
        const char *code = authorization_fault_code(fault);
        http_response_redirect(visit->response, visit_back_url(visit, code));
        visit_event(visit, EVENT_SEND_AUTHORIZATION_REQUEST_ERROR, code);
        return;
    }
    case AUTHORIZATION_UNAVAILABLE:
        page_technical(visit, 503, authorization_fault_code(fault));
        return;
    }
}

/* Told back to the client's browser, as the back channel does in its answers; well-formed ones only. */
static void echo_ids(const struct visit *visit)
{
    const struct {
        const char *name;
        struct str id;
    } rows[] = {{"MedMij-Request-ID", visit->authorization.trace_id},
                {"X-Correlation-ID", visit->authorization.session_id}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].id.length > 0)
            http_response_header(visit->response, rows[i].name,
                                 arena_strndup(visit->arena, rows[i].id.data, rows[i].id.length));
}

void authorize_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    enum authorization_fault fault = authorization_read(visit.arena, request->query, visit.conf, visit.lists,
                                                        visit.catalog, &visit.authorization);
    visit_event(&visit, EVENT_RECEIVE_AUTHORIZATION_REQUEST, NULL);
    echo_ids(&visit);
    if (fault != AUTHORIZATION_SOUND) {
        answer_fault(&visit, fault);
    } else {
        bool is_new;
        struct str browser_digest = browser_identify(request, response, BROWSER_SAME_SITE, &is_new);
        page_landing(&visit, seal_request(&visit, browser_digest));
    }
    visit_end(&visit);
}

/* What both buttons of the landing page begin with; false when the request has been answered. */
static bool open_landing_form(struct visit *visit, const struct form *form, struct str *out_browser_digest)
{
    enum authorization_fault fault = AUTHORIZATION_SOUND;
    switch (unseal_request(visit, form, out_browser_digest, &fault)) {
    case UNSEAL_DAMAGED:
    case UNSEAL_EXPIRED:
        page_stale(visit, STALE_EXPIRED);
        return false;
    case UNSEAL_OTHER_BROWSER:
        page_stale(visit, STALE_OTHER_BROWSER);
        return false;
    case UNSEAL_OK:
        break;
    }
    answer_fault(visit, fault);
    return fault == AUTHORIZATION_SOUND;
}

void authorize_handle_login(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form form;
    struct str browser_digest;
    if (form_parse(visit.arena, request->body, &form) != OK)
        page_stale(&visit, STALE_EXPIRED);
    else if (open_landing_form(&visit, &form, &browser_digest))
        login_start(&visit, &form, browser_digest);
    visit_end(&visit);
}

void authorize_handle_cancel(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form form;
    struct str browser_digest;
    if (form_parse(visit.arena, request->body, &form) != OK) {
        page_stale(&visit, STALE_EXPIRED);
    } else if (open_landing_form(&visit, &form, &browser_digest)) {
        http_response_redirect(response, visit_back_url(&visit, "access_denied"));
        visit_event(&visit, EVENT_SEND_AUTHORIZATION_CANCELLATION, NULL);
    }
    visit_end(&visit);
}
