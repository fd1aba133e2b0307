#include "http/intake.h"

#include "base/buf.h"

#define HEADERS_MAX 100
#define FORWARDED_MAX 4096

static size_t authority_end(struct str target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < 2; i++) {
        size_t length = schemes[i].length;
        if (target.length > length && str_equal_ignoring_case(str_slice(target, 0, length), schemes[i])) {
            struct str rest = str_slice(target, length, target.length);
            size_t slash = str_find(rest, '/'), question = str_find(rest, '?');
            return length + (slash < question ? slash : question);
        }
    }
    return 0;
}

int intake_target(struct str target, size_t target_max, struct http_request *request)
{
    if (target.length > target_max)
        return 414;
    if (target.length == 0)
        return 400;
    for (size_t i = 0; i < target.length; i++) {
        unsigned char c = (unsigned char)target.data[i];
        if (c <= 0x20 || c == 0x7F)
            return 400;
    }
    struct str local = str_slice(target, authority_end(target), target.length);
    size_t question = str_find(local, '?');
    request->path = question > 0 ? str_slice(local, 0, question) : STR("/");
    request->query = str_slice(local, question + 1, local.length);
    return 0;
}

/* RFC 9110 5.6.2 */
static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_alphanumeric = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return name.length > 0;
}

static bool is_field_value(struct str value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

/* libmicrohttpd splits a header line in place, so a value stands right behind its name. When a line was
 * folded (obsolete, RFC 9112 5.2) version 0.9.75 glues the continuation to the name: a way to smuggle a
 * header past a proxy. */
static bool is_adjacent(struct str name, struct str value)
{
    uintptr_t behind = (uintptr_t)name.data + name.length + 1, at = (uintptr_t)value.data;
    if (value.data == NULL)
        return true;
    if (at < behind)
        return false;
    for (uintptr_t gap = at - behind; gap > 0; gap--) {
        char c = name.data[name.length + gap];
        if (c != ' ' && c != '\t')
            return false;
    }
    return true;
}

struct intake {
    struct http_request *request;
    const struct intake_trust *trust;
    size_t seen;
    int refusal;
};

/* Headers that say something about another than the peer. */
static bool is_hearsay(struct str name, const struct intake_trust *trust)
{
    static const char *const names[] = {"X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-Cert",
                                        "Client-Cert-Chain"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_equal_ignoring_case(name, str_from_c(names[i])))
            return true;
    return trust->certificate_header != NULL &&
           str_equal_ignoring_case(name, str_from_c(trust->certificate_header));
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                   const char *value, size_t value_size)
{
    (void)kind;
    struct intake *intake = context;
    struct http_header header = {str_of(name, name_size), str_of(value, value ? value_size : 0)};
    if (++intake->seen > HEADERS_MAX) {
        intake->refusal = 431;
        return MHD_NO;
    }
    if (!is_token(header.name) || !is_field_value(header.value) || !is_adjacent(header.name, header.value)) {
        intake->refusal = 400;
        return MHD_NO;
    }
    header.value = str_trim(header.value);
    if (intake->trust->is_proxy || !is_hearsay(header.name, intake->trust))
        intake->request->headers[intake->request->header_count++] = header;
    return MHD_YES;
}

/* RFC 9112 6.1 and 6.3: two ways of framing, or an unknown one, is how requests are smuggled. */
static int framing(const struct http_request *request, uint64_t *out_body_length)
{
    struct str coding, length;
    int64_t announced = 0;
    enum form_lookup has_coding = http_request_header(request, "Transfer-Encoding", &coding);
    enum form_lookup has_length = http_request_header(request, "Content-Length", &length);
    *out_body_length = 0;
    if (has_coding == FORM_REPEATED || has_length == FORM_REPEATED)
        return 400;
    if (has_coding == FORM_ONE) {
        if (has_length == FORM_ONE || !str_equal_ignoring_case(coding, STR("chunked")))
            return 400;
        *out_body_length = INTAKE_BODY_CHUNKED;
        return 0;
    }
    if (has_length == FORM_ONE && str_to_int64(length, &announced) != OK)
        return 400;
    *out_body_length = (uint64_t)announced;
    return 0;
}

int intake_headers(struct MHD_Connection *mhd, const char *version, const struct intake_trust *trust,
                   struct http_request *request, uint64_t *out_body_length)
{
    struct intake intake = {.request = request, .trust = trust};
    struct str host;
    *out_body_length = 0;
    request->headers = arena_array_of(request->arena, HEADERS_MAX, struct http_header);
    request->header_count = 0;
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, take_header, &intake);
    if (intake.refusal != 0)
        return intake.refusal;
    enum form_lookup has_host = http_request_header(request, "Host", &host);
    if (has_host == FORM_REPEATED || (has_host == FORM_MISSING && strcmp(version, MHD_HTTP_VERSION_1_0) != 0))
        return 400;
    return framing(request, out_body_length);
}

struct str intake_forwarded_for(const struct http_request *request, const struct proxy_list *proxies,
                                struct str otherwise)
{
    /* Several lines are one list (RFC 9110 5.3). */
    struct buf all = buf_new(request->arena, FORWARDED_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_ignoring_case(request->headers[i].name, STR("X-Forwarded-For")))
            continue;
        if (all.length > 0)
            buf_append_char(&all, ',');
        buf_append(&all, request->headers[i].value);
    }
    struct address address;
    if (all.overflowed || proxy_forwarded_for(proxies, buf_str(&all), &address) != OK)
        return otherwise;
    return str_from_c(address_text(request->arena, &address));
}

void intake_proxied_certificate(struct http_request *request, const struct intake_trust *trust,
                                const struct tls *tls)
{
    struct str text, der;
    request->client_certificate = (struct http_client_certificate){0};
    if (http_request_header(request, trust->certificate_header, &text) == FORM_ONE &&
        proxy_certificate_der(request->arena, text, &der) == OK)
        tls_read_der(tls, der, request->arena, &request->client_certificate);
}
