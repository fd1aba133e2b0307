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

/* What a path answers to besides the method that was asked. */
struct known_methods {
    bool is_path_known, has_get, has_post;
};

static bool match_table(const struct route_table *table, enum http_method wanted, struct str path,
                        const struct route **out_route, struct str *out_tail, struct known_methods *known)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        struct str tail;
        if (!pattern_matches(route->pattern, path, &tail))
            continue;
        if (route->method == wanted) {
            *out_route = route;
            *out_tail = tail;
            return true;
        }
        known->is_path_known = true;
        known->has_get = known->has_get || route->method == HTTP_GET;
        known->has_post = known->has_post || route->method == HTTP_POST;
    }
    return false;
}

enum route_match router_match(const struct route_table *table, enum http_method method, struct str path,
                              const struct route **out_route, void **out_door, struct str *out_tail,
                              const char **out_allow)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    struct known_methods known = {0};
    *out_route = NULL;
    *out_door = NULL;
    *out_tail = STR_NONE;
    *out_allow = "";
    for (; table != NULL; table = table->next) {
        if (match_table(table, wanted, path, out_route, out_tail, &known)) {
            *out_door = table->door;
            return ROUTE_FOUND;
        }
    }
    if (!known.is_path_known)
        return ROUTE_NO_PATH;
    *out_allow = allow_text(known.has_get, known.has_post);
    return ROUTE_NO_METHOD;
}
