#include "sso/start_request.h"

#include "idp/issuer.h"
#include "sso/patient_context.h"
#include "sso/redaction.h"
#include "sso/views.h"

#define URI_BYTES_MAX 8192
#define BODY_BYTES_MAX 16384
#define LOGIN_HINT_BYTES_MAX 256
#define PATIENT_REFERENCE_BYTES_MAX 64
#define LAUNCH_BYTES_MAX 512

static int refuse(struct start_request *start, int code, const char *rule)
{
    start->rule = rule;
    return code;
}

static bool is_present(const struct start_request *start, const char *name)
{
    struct str ignored;
    return form_get(&start->form, name, &ignored) != FORM_MISSING;
}

/* ---- INI-1, INI-2 ---- */

static bool is_clean(struct str text)
{
    return str_is_utf8(text) && str_find(text, '\0') == text.length;
}

static int read_form(const struct http_request *request, struct start_request *start)
{
    struct str text = request->method == HTTP_POST ? request->body : request->query;
    if (request->method == HTTP_POST && text.length > 0 &&
        !http_request_has_content_type(request, "application/x-www-form-urlencoded"))
        return refuse(start, 107, "INI-2 content type");
    if (form_parse(request->arena, text, &start->form) != OK)
        return refuse(start, 107, "INI-2 parameter count");
    for (size_t i = 0; i < start->form.count; i++)
        if (start->form.fields[i].is_malformed || start->form.fields[i].name.data == NULL)
            return refuse(start, 107, "INI-2 encoding");
    return 0;
}

int start_request_open(const struct http_request *request, struct start_request *out_start)
{
    static const char *const once[] = {"state", "code", "error", "iss", "id_token", "access_token"};
    *out_start = (struct start_request){.kind = START_NOTHING};
    if (request->path.length + 1 + request->query.length > URI_BYTES_MAX)
        return refuse(out_start, 107, "INI-2 URI size");
    if (request->body.length > BODY_BYTES_MAX)
        return refuse(out_start, 107, "INI-2 body size");
    if (!is_clean(request->path) || !is_clean(request->query) || !is_clean(request->body))
        return refuse(out_start, 107, "INI-2 encoding");
    switch (request->method) {
    case HTTP_HEAD:
        return 0;
    case HTTP_GET:
    case HTTP_POST:
        break;
    case HTTP_OTHER:
        return refuse(out_start, 107, "INI-1");
    }
    out_start->kind = START_LOGIN;
    out_start->is_post = request->method == HTTP_POST;
    int code = read_form(request, out_start);
    if (code != 0)
        return code;
    struct str ignored;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (form_get(&out_start->form, once[i], &ignored) == FORM_REPEATED)
            return refuse(out_start, 107, "repeated parameter");
    return 0;
}

/* ---- start or callback ---- */

int start_request_sort(struct start_request *start, const struct sso_connection *connection,
                       enum slug_tail tail)
{
    bool is_separate = str_equal(connection->callback_mode, STR("separate"));
    bool is_callback_address = tail == SLUG_CALLBACK;
    if ((is_callback_address && !is_separate) || (tail != SLUG_START && !is_callback_address))
        return refuse(start, 101, "ADR-8");
    /* Where no callback belongs, its parameters are parameters like any other. */
    if (start->kind == START_NOTHING || (is_separate && !is_callback_address))
        return 0;
    bool has_answer = is_present(start, "code") || is_present(start, "error");
    bool has_tokens = is_present(start, "id_token") || is_present(start, "access_token");
    if (!has_answer && !has_tokens && !is_callback_address)
        return 0;
    start->kind = START_CALLBACK;
    if (start->is_post && !str_equal(connection->response_mode, STR("form_post")))
        return refuse(start, 309, "RSP-1");
    if (!is_present(start, "state"))
        return refuse(start, 301, "RSP-3");
    /* Also without a code: to start again on such an answer would go round for ever. */
    if (has_tokens)
        return refuse(start, 309, "RSP-11");
    return has_answer ? 0 : refuse(start, 308, "RSP-11");
}

/* ---- INI-4 ---- */

/* Weight of `Accept` for text/html: that of the most specific range that covers it (RFC 9110 12.5.1). */
struct acceptance {
    int precision; /* 0 = not covered; 1 = any type; 2 = text; 3 = text/html */
    bool is_zero;
};

static bool is_zero_weight(struct str parameters)
{
    struct str part;
    while (str_split_next(&parameters, ';', &part)) {
        part = str_trim(part);
        if (part.length < 3 || (part.data[0] != 'q' && part.data[0] != 'Q') || part.data[1] != '=')
            continue;
        for (size_t i = 2; i < part.length; i++)
            if (part.data[i] != '0' && part.data[i] != '.')
                return false;
        return true;
    }
    return false;
}

static void read_accept(struct str value, struct acceptance *acceptance)
{
    static const char *const ranges[] = {"*/*", "text/*", "text/html"};
    struct str item;
    while (str_split_next(&value, ',', &item)) {
        size_t semicolon = str_find(item, ';');
        struct str type = str_trim(str_slice(item, 0, semicolon));
        for (int i = 0; i < 3; i++) {
            if (i + 1 < acceptance->precision || !str_equal_ignoring_case(type, str_from_c(ranges[i])))
                continue;
            acceptance->precision = i + 1;
            acceptance->is_zero = is_zero_weight(str_slice(item, semicolon + 1, item.length));
        }
    }
}

static bool is_html_accepted(const struct http_request *request)
{
    struct acceptance acceptance = {0};
    bool is_absent = true;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_ignoring_case(request->headers[i].name, STR("Accept")))
            continue;
        is_absent = false;
        read_accept(request->headers[i].value, &acceptance);
    }
    return is_absent || (acceptance.precision > 0 && !acceptance.is_zero);
}

static bool is_absent_or(const struct http_request *request, const char *header, const char *wanted)
{
    struct str value;
    enum form_lookup lookup = http_request_header(request, header, &value);
    return lookup == FORM_MISSING || (lookup == FORM_ONE && str_equal_c(value, wanted));
}

int start_request_check_navigation(const struct http_request *request, struct start_request *start)
{
    if (!is_absent_or(request, "Sec-Fetch-Dest", "document"))
        return refuse(start, 109, "INI-4 Sec-Fetch-Dest");
    if (!is_absent_or(request, "Sec-Fetch-Mode", "navigate"))
        return refuse(start, 109, "INI-4 Sec-Fetch-Mode");
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_ignoring_case(request->headers[i].name, STR("X-Requested-With")) &&
            str_equal_ignoring_case(request->headers[i].value, STR("XMLHttpRequest")))
            return refuse(start, 109, "INI-4 X-Requested-With");
    if (!is_html_accepted(request))
        return refuse(start, 109, "INI-4 Accept");
    return 0;
}

/* ---- INI-6, INI-8 ---- */

/* The value, empty when the parameter is absent. FAILED when it is repeated. */
static enum outcome get(const struct start_request *start, const char *name, struct str *out_value)
{
    switch (form_get(&start->form, name, out_value)) {
    case FORM_ONE:
        return OK;
    case FORM_MISSING:
        return ABSENT;
    case FORM_REPEATED:
    case FORM_MALFORMED:
        return FAILED;
    }
    return FAILED;
}

static enum outcome get_named(const struct start_request *start, struct str name, struct str *out_value)
{
    enum outcome outcome = ABSENT;
    *out_value = STR_NONE;
    for (size_t i = 0; i < start->form.count; i++) {
        if (!str_equal(start->form.fields[i].name, name))
            continue;
        if (outcome != ABSENT || start->form.fields[i].is_malformed)
            return FAILED;
        *out_value = start->form.fields[i].value;
        outcome = OK;
    }
    return outcome;
}

/* What stands behind `origin` in `url`, when it is that very origin and the path begins there; so a host that
 * merely begins alike, a user name or a backslash does not pass. */
static bool behind_origin(struct str url, struct str origin, struct str *out_rest)
{
    if (!str_starts_with(url, origin))
        return false;
    *out_rest = str_slice(url, origin.length, url.length);
    return out_rest->length == 0 || out_rest->data[0] == '/' || out_rest->data[0] == '?';
}

static struct str origin_of(struct str base_url)
{
    const char *found = base_url.length > 0 ? memmem(base_url.data, base_url.length, "://", 3) : NULL;
    if (found == NULL)
        return STR_NONE;
    size_t start = (size_t)(found - base_url.data) + 3;
    return str_slice(base_url, 0, start + str_find(str_slice(base_url, start, base_url.length), '/'));
}

/* Resolves to a view: the path of one, or our own start URL with at most a view. FAILED is 105. */
static enum outcome resolve_target(struct arena *arena, struct str url, const struct sso_data *data,
                                   const struct sso_host *host, const struct sso_connection *connection,
                                   struct str *out_view)
{
    struct str origin = origin_of(host->base_url), rest;
    if (origin.length == 0 || !str_is_printable_ascii(url) || !behind_origin(url, origin, &rest))
        return FAILED;
    const struct sso_view *view = views_find_path(data, rest.length > 0 ? rest : STR("/"));
    if (view != NULL) {
        *out_view = view->name;
        return OK;
    }
    struct str start_url = slug_start_url(arena, host, connection), value;
    if (str_equal(url, start_url))
        return OK;
    if (!str_starts_with(url, start_url) || url.data[start_url.length] != '?')
        return FAILED;
    struct form form;
    if (form_parse(arena, str_slice(url, start_url.length + 1, url.length), &form) != OK || form.count != 1 ||
        form_get(&form, "view", &value) != FORM_ONE || views_find(data, value) == NULL)
        return FAILED;
    *out_view = value;
    return OK;
}

static int check_view_and_hint(struct start_request *start)
{
    enum outcome outcome = get(start, "login_hint", &start->login_hint);
    if (outcome == FAILED || start->login_hint.length > LOGIN_HINT_BYTES_MAX ||
        !str_is_printable_utf8(start->login_hint))
        return refuse(start, 107, "INI-6 login_hint");
    start->has_login_hint = outcome == OK;
    if (get(start, "view", &start->view) == FAILED || (start->view.length > 0 && !views_is_name(start->view)))
        return refuse(start, 107, "INI-6 view");
    return 0;
}

/* The name of the parameter with the encrypted BSN. */
static struct str patient_parameter(const struct sso_connection *connection)
{
    return connection->patient_parameter.length > 0 ? connection->patient_parameter : STR("bsn");
}

/* A BSN in the clear is refused with 108 whatever the connection says of patients, and forgotten here, so
 * that nothing behind this can write it down. */
static void drop_clear_bsn(struct start_request *start, struct str parameter)
{
    for (size_t i = 0; i < start->form.count; i++) {
        struct form_field *field = &start->form.fields[i];
        bool is_bsn = str_equal(field->name, STR("bsn")) || str_equal(field->name, parameter);
        if (!is_bsn || !patient_context_is_clear(field->value))
            continue;
        field->value = STR_NONE;
        start->warning = 108;
        start->rule = patient_context_rule(PATIENT_CONTEXT_CLEAR_BSN);
    }
}

static int check_patient(struct start_request *start, const struct sso_connection *connection)
{
    bool is_bsn = str_equal(connection->patient_context, STR("bsn_encrypted"));
    bool is_external = is_bsn || str_equal(connection->patient_context, STR("external_id"));
    struct str parameter = patient_parameter(connection);
    drop_clear_bsn(start, parameter);
    if (get(start, "clientId", &start->patient_reference) == FAILED ||
        start->patient_reference.length > PATIENT_REFERENCE_BYTES_MAX ||
        !str_is_printable_ascii(start->patient_reference))
        return refuse(start, 107, "INI-6 clientId");
    if (get_named(start, parameter, &start->patient_ciphertext) == FAILED)
        return refuse(start, 107, "INI-6 bsn");
    if (!is_external)
        start->patient_reference = STR_NONE;
    if (!is_bsn)
        start->patient_ciphertext = STR_NONE;
    return 0;
}

static int check_launch(struct start_request *start, const struct sso_connection *connection)
{
    if (!connection->is_launch_passed)
        return 0;
    if (get(start, "launch", &start->launch) == FAILED || start->launch.length > LAUNCH_BYTES_MAX ||
        !str_is_printable_ascii(start->launch))
        return refuse(start, 107, "INI-6 launch");
    return 0;
}

/* By name only (INI-8: scope, prompt, acr_values and their kin end up here). */
static void list_ignored(struct start_request *start, const struct sso_connection *connection,
                         struct arena *arena)
{
    static const char *const own[] = {"iss", "login_hint", "target_link_uri", "view"};
    bool is_bsn = str_equal(connection->patient_context, STR("bsn_encrypted"));
    bool is_external = is_bsn || str_equal(connection->patient_context, STR("external_id"));
    start->ignored = arena_array_of(arena, start->form.count, struct str);
    for (size_t i = 0; i < start->form.count; i++) {
        struct str name = start->form.fields[i].name;
        bool is_own = (is_external && str_equal(name, STR("clientId"))) ||
                      (is_bsn && str_equal(name, patient_parameter(connection))) ||
                      (connection->is_launch_passed && str_equal(name, STR("launch")));
        for (size_t j = 0; j < sizeof own / sizeof *own; j++)
            is_own = is_own || str_equal_c(name, own[j]);
        if (!is_own)
            start->ignored[start->ignored_count++] = redact_parameter_name(arena, name);
    }
}

int start_request_check(struct start_request *start, const struct sso_data *data, const struct sso_host *host,
                        const struct sso_connection *connection, struct arena *arena)
{
    struct str target, tenant;
    /* Equal to a configured issuer, which is https; nothing else needs a look. */
    if (get(start, "iss", &start->iss) != ABSENT &&
        !issuer_covers(connection->issuer, connection->tenants, start->iss, &tenant))
        return refuse(start, 104, "INI-6 iss");
    int code = check_view_and_hint(start);
    if (code == 0)
        code = check_patient(start, connection);
    if (code == 0)
        code = check_launch(start, connection);
    if (code != 0)
        return code;
    enum outcome outcome = get(start, "target_link_uri", &target);
    if (outcome == FAILED)
        return refuse(start, 107, "INI-6 target_link_uri");
    start->is_target_refused =
        outcome == OK && resolve_target(arena, target, data, host, connection, &start->target_view) != OK;
    if (start->is_target_refused && connection->is_target_strict)
        return refuse(start, 105, "INI-6 target_link_uri");
    list_ignored(start, connection, arena);
    return 0;
}
