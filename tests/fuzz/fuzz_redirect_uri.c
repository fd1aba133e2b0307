/* Redirect URIs against a fixed client; the first byte's lowest bit chooses development mode. */
#include "medmij/redirect_uri.h"

#include "fuzz.h"

/* What an accepted URI must look like, stated without the parser's own steps. */
static void check_accepted(struct str uri, struct str host, bool is_development)
{
    size_t start = str_find(uri, ':') + sizeof "://" - 1;
    struct str authority = str_slice(uri, start, uri.length);
    authority = str_slice(authority, 0, str_find(authority, '/'));
    check(str_is_printable_ascii(uri));
    for (size_t i = 0; i < uri.length; i++)
        check(strchr(" ?#\\\"<>{}|^`", uri.data[i]) == NULL);
    if (!is_development)
        check(str_starts_with(uri, STR("https://")));
    check(str_find(authority, '@') == authority.length);
    check(str_equal(str_slice(authority, 0, str_find(authority, ':')), host));
    struct arena *arena = arena_new();
    const char *const names[] = {"state"};
    const char *full = redirect_uri_append(arena, uri, names, &uri, 1);
    check(str_starts_with(str_from_c(full), uri));
    check(str_is_printable_ascii(str_from_c(full)));
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool is_development = (data[0] & 1) == 1;
    struct str uri = str_of(data + 1, size - 1);
    const struct str hosts[] = {STR("pgo.localhost"), STR("medmij.pgo.nl")};
    for (size_t i = 0; i < 2; i++)
        if (redirect_uri_check(uri, hosts[i], is_development) == OK)
            check_accepted(uri, hosts[i], is_development && i == 0);
    (void)medmij_is_hostname(uri);
    return 0;
}
