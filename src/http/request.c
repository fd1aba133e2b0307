#include "http/request.h"

enum form_lookup http_request_header(const struct http_request *request, const char *name,
                                     struct str *out_value)
{
    struct str wanted = str_from_c(name);
    bool is_found = false;
    *out_value = STR_NONE;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_ignoring_case(request->headers[i].name, wanted))
            continue;
        if (is_found) {
            *out_value = STR_NONE;
            return FORM_REPEATED;
        }
        is_found = true;
        *out_value = request->headers[i].value;
    }
    return is_found ? FORM_ONE : FORM_MISSING;
}

bool http_request_has_content_type(const struct http_request *request, const char *type)
{
    struct str value;
    if (http_request_header(request, "Content-Type", &value) != FORM_ONE)
        return false;
    return str_equal_ignoring_case(str_trim(str_slice(value, 0, str_find(value, ';'))), str_from_c(type));
}
