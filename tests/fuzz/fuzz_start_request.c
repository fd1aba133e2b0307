/* Requests at a connection's URL: the first line is the tail of the path, the rest the parameters, sent both
 * ways. What comes out obeys the rules, and what goes to the log stays fit for it. */
#include "sso/patient_context.h"
#include "sso/redaction.h"
#include "sso/start_request.h"
#include "sso/views.h"

#include "fuzz.h"

static void check_start(const struct start_request *start, const struct sso_data *data)
{
    check(start->view.length == 0 || views_is_name(start->view));
    check(start->target_view.length == 0 || views_find(data, start->target_view) != NULL);
    check(start->patient_reference.length <= 64 && str_is_printable_ascii(start->patient_reference));
    check(start->login_hint.length <= 256 && str_is_printable_utf8(start->login_hint));
    check(!patient_context_is_clear(start->patient_ciphertext));
    check(start->launch.length <= 512 && str_is_printable_ascii(start->launch));
    check(!start->is_target_refused || start->target_view.length == 0);
    check(start->ignored_count <= start->form.count);
    for (size_t i = 0; i < start->ignored_count; i++)
        check(start->ignored[i].length <= 32 && str_is_printable_ascii(start->ignored[i]));
}

static void try(struct arena *arena, enum http_method method, enum slug_tail tail, struct str parameters)
{
    static const struct sso_data data;
    const struct sso_host host = {.base_url = STR("https://secure.voorbeeld.nl")};
    struct sso_connection connection = {.customer_key = STR("zon"),
                                        .provider_key = STR("ysis"),
                                        .issuer = STR("https://zon.ysis.example"),
                                        .callback_mode = STR("same_url"),
                                        .is_launch_passed = true,
                                        .is_target_strict = method == HTTP_POST,
                                        .patient_parameter = STR("ctx"),
                                        .patient_context = STR("bsn_encrypted")};
    if (tail == SLUG_CALLBACK)
        connection.callback_mode = STR("separate");
    struct http_header header = {STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    struct http_request request = {.arena = arena, .method = method, .headers = &header, .header_count = 1};
    if (method == HTTP_POST)
        request.body = parameters;
    else
        request.query = parameters;
    struct start_request start;
    int code = start_request_open(&request, &start);
    check(code == 0 || code == 107);
    if (code != 0)
        return;
    code = start_request_sort(&start, &connection, tail);
    check(code == 0 || code == 301 || code == 308 || code == 309);
    if (code != 0 || start.kind != START_LOGIN)
        return;
    code = start_request_check(&start, &data, &host, &connection, arena);
    check(code == 0 || code == 104 || code == 105 || code == 107);
    check(code == 0 || start.rule != NULL);
    if (code == 0)
        check_start(&start, &data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct str input = str_of(data, size);
    size_t line = str_find(input, '\n');
    struct str parameters = str_slice(input, line + 1, size);
    struct slug slug = {.tail = SLUG_START};
    if (slug_parse(arena, str_slice(input, 0, line), &slug) == OK)
        check(slug.text.length == slug.customer_key.length + 1 + slug.provider_key.length);
    else
        slug.tail = SLUG_START;
    enum slug_tail tail = slug.tail == SLUG_CALLBACK ? SLUG_CALLBACK : SLUG_START;
    try(arena, HTTP_GET, tail, parameters);
    try(arena, HTTP_POST, tail, parameters);
    check(str_is_printable_ascii(redact_url(arena, parameters)));
    check(str_is_printable_utf8(redact_error_description(arena, parameters)));
    check(str_is_printable_utf8(redact_subject(arena, parameters)));
    arena_free(&arena);
    return 0;
}
