#include "medmij/door.h"

#include "medmij/assets.h"
#include "medmij/authorize.h"
#include "medmij/consent_page.h"
#include "medmij/introspect.h"
#include "medmij/login.h"
#include "medmij/metadata.h"
#include "medmij/pages.h"
#include "medmij/revoke.h"
#include "medmij/token.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct route front_routes[] = {
    {HTTP_GET, "/oauth/authorize", authorize_handle, ROUTE_PLAIN},
    {HTTP_POST, "/oauth/login", authorize_handle_login, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/cancel", authorize_handle_cancel, ROUTE_PLAIN},
    {HTTP_GET, "/oauth/callback", login_handle_callback, ROUTE_BLOCKING},
    {HTTP_GET, "/oauth/cancelled", login_handle_cancelled, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/retry", login_handle_retry, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/close", login_handle_close, ROUTE_BLOCKING},
    {HTTP_GET, "/oauth/consent", consent_page_handle_show, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/consent", consent_page_handle_choice, ROUTE_BLOCKING},
    {HTTP_GET, "/.well-known/oauth-authorization-server", metadata_handle, ROUTE_PLAIN},
    {HTTP_GET, "/static/*", assets_handle_static, ROUTE_PLAIN},
    {HTTP_GET, "/logo/*", assets_handle_logo, ROUTE_PLAIN},
    {HTTP_GET, "/theme/*", assets_handle_theme, ROUTE_PLAIN},
};

static const struct route back_routes[] = {
    {HTTP_POST, "/oauth/token", token_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/oauth/revoke", revoke_handle, ROUTE_BLOCKING},
};

static const struct route internal_routes[] = {
    {HTTP_POST, "/oauth/introspect", introspect_handle, ROUTE_BLOCKING},
};

static void answer_machine(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door;
    (void)request;
    http_response_json(response, response->status, STR("{\"error\":\"invalid_request\"}"));
}

struct route_table door_front_routes(struct door *door)
{
    return (struct route_table){front_routes, COUNT(front_routes), door, page_not_found, page_too_large};
}

struct route_table door_back_routes(struct door *door)
{
    return (struct route_table){back_routes, COUNT(back_routes), door, answer_machine, answer_machine};
}

struct route_table door_internal_routes(struct door *door)
{
    return (struct route_table){internal_routes, COUNT(internal_routes), door, answer_machine,
                                answer_machine};
}
