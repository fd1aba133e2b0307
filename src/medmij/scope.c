#include "medmij/scope.h"

#include <string.h>

#define SERVICE_ID_MAX 30
#define DAYS_DIGITS_MAX 6

static const char *const function_names[] = {
    [FUNCTION_COLLECT] = "collect",
    [FUNCTION_SHARE] = "share",
    [FUNCTION_SUBSCRIBE] = "subscribe",
};

const char *medmij_function_name(enum medmij_function function)
{
    return function_names[function];
}

enum outcome medmij_function_from_name(struct str name, enum medmij_function *out_function)
{
    for (size_t i = 0; i < sizeof function_names / sizeof *function_names; i++) {
        if (str_equal_c(name, function_names[i])) {
            *out_function = (enum medmij_function)i;
            return OK;
        }
    }
    return ABSENT;
}

bool medmij_is_provider_name(struct str text)
{
    if (text.length == 0 || text.length > SCOPE_PROVIDER_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return true;
}

bool medmij_is_service_id(struct str text)
{
    if (text.length == 0 || text.length > SERVICE_ID_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        /* RFC 6749 scope-token characters without the two that this grammar uses as separators. */
        if (c < 0x21 || c > 0x7D || c == '"' || c == '\\' || c == '/')
            return false;
    }
    return true;
}

/* provider "~" service */
static enum outcome parse_pair(struct str text, struct str *out_provider, struct str *out_service)
{
    size_t tilde = str_find(text, '~');
    if (tilde == text.length)
        return FAILED;
    *out_provider = str_slice(text, 0, tilde);
    *out_service = str_slice(text, tilde + 1, text.length);
    return medmij_is_provider_name(*out_provider) && medmij_is_service_id(*out_service) ? OK : FAILED;
}

/* days "/" provider "~" service */
static enum outcome parse_subscription(struct str text, struct scope *scope)
{
    size_t slash = str_find(text, '/');
    if (slash == text.length || slash > DAYS_DIGITS_MAX)
        return FAILED;
    scope->form = SCOPE_SUBSCRIBE;
    scope->service_count = 1;
    if (str_to_int64(str_slice(text, 0, slash), &scope->days) != OK)
        return FAILED;
    return parse_pair(str_slice(text, slash + 1, text.length), &scope->provider, &scope->services[0]);
}

static enum outcome add_pair(struct scope *scope, struct str provider, struct str service)
{
    if (scope->form != SCOPE_PAIRS || !str_equal(scope->provider, provider) ||
        scope->service_count == SCOPE_SERVICES_MAX)
        return FAILED;
    for (size_t i = 0; i < scope->service_count; i++)
        if (str_equal(scope->services[i], service))
            return FAILED;
    scope->services[scope->service_count++] = service;
    return OK;
}

static enum outcome parse_first(struct str part, struct scope *scope)
{
    /* "subscribe~53" could be read as a share with a provider of that name; the reserved word wins. */
    if (str_starts_with(part, STR("subscribe~")))
        return parse_subscription(str_slice(part, sizeof "subscribe~" - 1, part.length), scope);
    if (medmij_is_provider_name(part)) {
        scope->form = SCOPE_PROVIDER;
        scope->provider = part;
        return OK;
    }
    scope->form = SCOPE_PAIRS;
    scope->service_count = 1;
    return parse_pair(part, &scope->provider, &scope->services[0]);
}

/* A modifier (once each, never on a subscription), or one more pair as long as no modifier came. */
static enum outcome parse_next(struct str part, struct scope *scope)
{
    bool is_child = str_equal(part, STR("onbehalfofchild"));
    if (is_child || str_equal(part, STR("onbehalfof"))) {
        bool *flag = is_child ? &scope->is_on_behalf_of_child : &scope->is_on_behalf_of;
        if (*flag || scope->form == SCOPE_SUBSCRIBE)
            return FAILED;
        *flag = true;
        return OK;
    }
    struct str provider, service;
    if (scope->is_on_behalf_of || scope->is_on_behalf_of_child || parse_pair(part, &provider, &service) != OK)
        return FAILED;
    return add_pair(scope, provider, service);
}

enum outcome scope_parse(struct str text, struct scope *out_scope)
{
    memset(out_scope, 0, sizeof *out_scope);
    if (text.length == 0 || text.length > SCOPE_LENGTH_MAX)
        return FAILED;
    struct str rest = text, part;
    if (!str_split_next(&rest, ' ', &part) || parse_first(part, out_scope) != OK)
        return FAILED;
    while (str_split_next(&rest, ' ', &part))
        if (parse_next(part, out_scope) != OK)
            return FAILED;
    return OK;
}
