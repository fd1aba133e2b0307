/* Routes, request look-ups and response helpers: everything of a handler's view that needs no socket. */
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void noop(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request, (void)response;
}

static const struct route routes[] = {
    {HTTP_GET, "/", noop, ROUTE_PLAIN},
    {HTTP_GET, "/oauth/authorize", noop, ROUTE_BLOCKING},
    {HTTP_GET, "/oauth/callback", noop, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/callback", noop, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/token", noop, ROUTE_BLOCKING},
    {HTTP_GET, "/static/exact.css", noop, ROUTE_PLAIN},
    {HTTP_GET, "/static/*", noop, ROUTE_PLAIN},
};
static const struct route_table table = {routes, sizeof routes / sizeof routes[0], NULL, noop, noop, NULL};

static enum route_match match(enum http_method method, struct str path, const struct route **out_route,
                              struct str *out_tail, const char **out_allow)
{
    void *door;
    return router_match(&table, method, path, out_route, &door, out_tail, out_allow);
}

static void finds_routes(void **state)
{
    (void)state;
    const struct route *route;
    struct str tail;
    const char *allow;
    assert_int_equal(match(HTTP_GET, STR("/"), &route, &tail, &allow), ROUTE_FOUND);
    assert_ptr_equal(route, &routes[0]);
    assert_int_equal(match(HTTP_HEAD, STR("/oauth/authorize"), &route, &tail, &allow), ROUTE_FOUND);
    assert_ptr_equal(route, &routes[1]);
    assert_int_equal(match(HTTP_POST, STR("/oauth/callback"), &route, &tail, &allow), ROUTE_FOUND);
    assert_ptr_equal(route, &routes[3]);
    assert_int_equal(match(HTTP_GET, STR("/static/exact.css"), &route, &tail, &allow), ROUTE_FOUND);
    assert_ptr_equal(route, &routes[5]);
    assert_int_equal(tail.length, 0);
}

static void tails(void **state)
{
    (void)state;
    const struct route *route;
    struct str tail;
    const char *allow;
    assert_int_equal(match(HTTP_GET, STR("/static/a/b.css"), &route, &tail, &allow), ROUTE_FOUND);
    assert_true(str_equal_c(tail, "a/b.css"));
    assert_int_equal(match(HTTP_GET, STR("/static/"), &route, &tail, &allow), ROUTE_FOUND);
    assert_int_equal(tail.length, 0);
    assert_int_equal(match(HTTP_GET, STR("/static"), &route, &tail, &allow), ROUTE_NO_PATH);
}

static void paths_are_literal(void **state)
{
    (void)state;
    static const struct str unknown[] = {{"", 0},
                                         {"/oauth/authorize/", 17},
                                         {"/oauth//authorize", 17},
                                         {"/OAUTH/authorize", 16},
                                         {"/oauth/%61uthorize", 18},
                                         {"//", 2},
                                         {"/oauth/authorize\0x", 18}};
    const struct route *route;
    struct str tail;
    const char *allow;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(match(HTTP_GET, unknown[i], &route, &tail, &allow), ROUTE_NO_PATH);
        assert_null(route);
    }
}

static void other_methods(void **state)
{
    (void)state;
    const struct route *route;
    struct str tail;
    const char *allow;
    assert_int_equal(match(HTTP_POST, STR("/oauth/authorize"), &route, &tail, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD");
    assert_int_equal(match(HTTP_GET, STR("/oauth/token"), &route, &tail, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "POST");
    assert_int_equal(match(HTTP_HEAD, STR("/oauth/token"), &route, &tail, &allow), ROUTE_NO_METHOD);
    assert_int_equal(match(HTTP_OTHER, STR("/oauth/callback"), &route, &tail, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, POST");
    assert_null(route);
}

/* Two doors on one listener: each handler gets the context of its own table. */
static void chained_tables(void **state)
{
    (void)state;
    static const struct route more[] = {{HTTP_POST, "/oauth/authorize", noop, ROUTE_BLOCKING},
                                        {HTTP_GET, "/oauth/authorize", noop, ROUTE_BLOCKING},
                                        {HTTP_GET, "/sso/start", noop, ROUTE_BLOCKING}};
    int first_door, second_door;
    struct route_table second = {.routes = more, .count = 3, .door = &second_door};
    struct route_table first = table;
    first.door = &first_door;
    first.next = &second;
    const struct route *route;
    void *door;
    struct str tail;
    const char *allow;
    assert_int_equal(router_match(&first, HTTP_GET, STR("/oauth/authorize"), &route, &door, &tail, &allow),
                     ROUTE_FOUND);
    assert_ptr_equal(route, &routes[1]);
    assert_ptr_equal(door, &first_door);
    assert_int_equal(router_match(&first, HTTP_POST, STR("/oauth/authorize"), &route, &door, &tail, &allow),
                     ROUTE_FOUND);
    assert_ptr_equal(route, &more[0]);
    assert_ptr_equal(door, &second_door);
    assert_int_equal(router_match(&first, HTTP_GET, STR("/sso/start"), &route, &door, &tail, &allow),
                     ROUTE_FOUND);
    assert_ptr_equal(door, &second_door);
    assert_int_equal(router_match(&first, HTTP_OTHER, STR("/oauth/authorize"), &route, &door, &tail, &allow),
                     ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, POST");
    assert_int_equal(router_match(&first, HTTP_GET, STR("/sso"), &route, &door, &tail, &allow),
                     ROUTE_NO_PATH);
}

static void header_lookup(void **state)
{
    (void)state;
    struct http_header headers[] = {{STR("Host"), STR("a")},
                                    {STR("X-Twice"), STR("1")},
                                    {STR("x-twice"), STR("2")},
                                    {STR("Empty"), STR("")}};
    struct http_request request = {.headers = headers, .header_count = 4};
    struct str value;
    assert_int_equal(http_request_header(&request, "hOST", &value), FORM_ONE);
    assert_true(str_equal_c(value, "a"));
    assert_int_equal(http_request_header(&request, "X-Twice", &value), FORM_REPEATED);
    assert_int_equal(value.length, 0);
    assert_int_equal(http_request_header(&request, "Empty", &value), FORM_ONE);
    assert_int_equal(http_request_header(&request, "Hos", &value), FORM_MISSING);
}

static bool has_type(struct str value, const char *type)
{
    struct http_header header = {STR("content-type"), value};
    struct http_request request = {.headers = &header, .header_count = 1};
    return http_request_has_content_type(&request, type);
}

static void content_types(void **state)
{
    (void)state;
    const char *form = "application/x-www-form-urlencoded";
    assert_true(has_type(STR("application/x-www-form-urlencoded"), form));
    assert_true(has_type(STR("Application/X-WWW-Form-Urlencoded ; charset=UTF-8"), form));
    assert_false(has_type(STR("application/x-www-form-urlencodedx"), form));
    assert_false(has_type(STR("application/json"), form));
    assert_false(has_type(STR(""), form));
    struct http_request none = {0};
    assert_false(http_request_has_content_type(&none, form));
}

static void responses(void **state)
{
    (void)state;
    struct http_response response = {0};
    http_response_redirect(&response, "https://pgo.example/cb?code=x");
    assert_int_equal(response.status, 303);
    assert_int_equal(response.kind, RESPONSE_PAGE);
    assert_int_equal(response.body.length, 0);
    assert_string_equal(response.headers[0].name, "Location");
    assert_string_equal(response.headers[0].value, "https://pgo.example/cb?code=x");
    http_response_json(&response, 400, STR("{}"));
    assert_string_equal(response.content_type, "application/json");
    assert_int_equal(response.kind, RESPONSE_DATA);
    http_response_page(&response, 200, STR("<p>"));
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    assert_int_equal(response.kind, RESPONSE_PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_routes),      cmocka_unit_test(tails),
        cmocka_unit_test(paths_are_literal), cmocka_unit_test(other_methods),
        cmocka_unit_test(header_lookup),     cmocka_unit_test(content_types),
        cmocka_unit_test(responses),         cmocka_unit_test(chained_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
