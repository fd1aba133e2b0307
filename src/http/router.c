#include "http/router.h"

static bool pattern_matches(const char *pattern, struct str path, struct str *out_tail)
{
    struct str literal = str_from_c(pattern);
    *out_tail = STR_NONE;
    if (literal.length == 0 || literal.data[literal.length - 1] != '*')
        return str_equal(literal, path);
    literal.length--;
    if (!str_starts_with(path, literal))
        return false;
    *out_tail = str_slice(path, literal.length, path.length);
    return true;
}

static const char *allow_text(bool has_get, bool has_post)
{
    if (has_get && has_post)
        return "GET, HEAD, POST";
    if (has_get)
        return "GET, HEAD";
    return has_post ? "POST" : "";
}

enum route_match router_match(const struct route_table *table, enum http_method method, struct str path,
                              const struct route **out_route, struct str *out_tail, const char **out_allow)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    bool is_path_known = false, has_get = false, has_post = false;
    *out_route = NULL;
    *out_tail = STR_NONE;
    *out_allow = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        struct str tail;
        if (!pattern_matches(route->pattern, path, &tail))
            continue;
        if (route->method == wanted) {
            *out_route = route;
            *out_tail = tail;
            return ROUTE_FOUND;
        }
        is_path_known = true;
        has_get = has_get || route->method == HTTP_GET;
        has_post = has_post || route->method == HTTP_POST;
    }
    if (!is_path_known)
        return ROUTE_NO_PATH;
    *out_allow = allow_text(has_get, has_post);
    return ROUTE_NO_METHOD;
}
