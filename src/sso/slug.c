#include "sso/slug.h"

#define CUSTOMER_MIN 2
#define CUSTOMER_MAX 40
#define PROVIDER_MIN 2
#define PROVIDER_MAX 16
#define SLUG_MAX (CUSTOMER_MAX + 1 + PROVIDER_MAX)

static bool is_key(struct str key, size_t min, size_t max, bool is_hyphen_allowed)
{
    if (key.length < min || key.length > max)
        return false;
    for (size_t i = 0; i < key.length; i++) {
        char c = key.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (is_hyphen_allowed && c == '-')))
            return false;
    }
    return true;
}

static enum outcome tail_parse(struct str text, enum slug_tail *out_tail)
{
    static const struct {
        const char *text;
        enum slug_tail tail;
    } tails[] = {
        {"", SLUG_START},
        {"/callback", SLUG_CALLBACK},
        {"/backchannel-logout", SLUG_BACKCHANNEL_LOGOUT},
        {"/frontchannel-logout", SLUG_FRONTCHANNEL_LOGOUT},
        {"/logged-out", SLUG_LOGGED_OUT},
        {"/jwks", SLUG_JWKS},
    };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        if (str_equal_c(text, tails[i].text)) {
            *out_tail = tails[i].tail;
            return OK;
        }
    }
    return FAILED;
}

enum outcome slug_parse(struct arena *arena, struct str path_tail, struct slug *out_slug)
{
    size_t slash = str_find(path_tail, '/');
    if (slash > SLUG_MAX || tail_parse(str_slice(path_tail, slash, path_tail.length), &out_slug->tail) != OK)
        return FAILED;
    char *text = arena_strndup(arena, path_tail.data, slash);
    for (size_t i = 0; i < slash; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
    out_slug->text = str_of(text, slash);
    /* Neither key may hold an underscore, so the first one is the only one. */
    size_t underscore = str_find(out_slug->text, '_');
    out_slug->customer_key = str_slice(out_slug->text, 0, underscore);
    out_slug->provider_key = str_slice(out_slug->text, underscore + 1, slash);
    if (!is_key(out_slug->customer_key, CUSTOMER_MIN, CUSTOMER_MAX, true) ||
        !is_key(out_slug->provider_key, PROVIDER_MIN, PROVIDER_MAX, false))
        return FAILED;
    return OK;
}

const struct sso_host *slug_find_host(const struct sso_data *data, const struct http_request *request)
{
    struct str name;
    if (http_request_header(request, "Host", &name) != FORM_ONE)
        return NULL;
    for (size_t i = 0; i < data->host_count; i++)
        if (str_equal_ignoring_case(data->hosts[i].name, name))
            return &data->hosts[i];
    return NULL;
}

const struct sso_connection *slug_find_connection(const struct sso_data *data, const struct sso_host *host,
                                                  const struct slug *slug)
{
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *connection = &data->connections[i];
        if (str_equal(connection->platform, host->platform) &&
            str_equal(connection->environment, host->environment) &&
            str_equal(connection->customer_key, slug->customer_key) &&
            str_equal(connection->provider_key, slug->provider_key))
            return connection;
    }
    return NULL;
}

struct str slug_start_url(struct arena *arena, const struct sso_host *host,
                          const struct sso_connection *connection)
{
    return str_from_c(arena_printf(arena, "%.*s" SLUG_PATH "%.*s_%.*s", STR_ARG(host->base_url),
                                   STR_ARG(connection->customer_key), STR_ARG(connection->provider_key)));
}

struct str slug_redirect_uri(struct arena *arena, const struct sso_host *host,
                             const struct sso_connection *connection)
{
    struct str url = slug_start_url(arena, host, connection);
    if (!str_equal(connection->callback_mode, STR("separate")))
        return url;
    return str_from_c(arena_printf(arena, "%.*s/callback", STR_ARG(url)));
}
