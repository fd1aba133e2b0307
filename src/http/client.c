#include "http/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/address.h"

#include <curl/curl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Connections that were opened without the address check must never serve a call that asks for it, so each
 * thread keeps two handles with separate connection caches. */
struct thread_handles {
    CURL *public_only;
    CURL *any_address;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t handles_key;
static bool is_ready;

static void handles_free(void *value)
{
    struct thread_handles *handles = value;
    if (handles == NULL)
        return;
    curl_easy_cleanup(handles->public_only);
    curl_easy_cleanup(handles->any_address);
    free(handles);
}

static void prepare(void)
{
    is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
               pthread_key_create(&handles_key, handles_free) == 0;
}

static struct thread_handles *handles_get(void)
{
    pthread_once(&once, prepare);
    if (!is_ready)
        return NULL;
    struct thread_handles *handles = pthread_getspecific(handles_key);
    if (handles != NULL)
        return handles;
    handles = calloc(1, sizeof *handles);
    if (handles == NULL)
        return NULL;
    handles->public_only = curl_easy_init();
    handles->any_address = curl_easy_init();
    if (handles->public_only == NULL || handles->any_address == NULL ||
        pthread_setspecific(handles_key, handles) != 0) {
        handles_free(handles);
        return NULL;
    }
    /* CURLOPT_NOSIGNAL leaves SIGPIPE to us. */
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    return handles;
}

void http_client_thread_end(void)
{
    pthread_once(&once, prepare);
    if (!is_ready)
        return;
    handles_free(pthread_getspecific(handles_key));
    pthread_setspecific(handles_key, NULL);
}

/* The checked URL of a call; `host` without brackets. */
struct target {
    const char *scheme;
    const char *host;
    const char *port;
    bool is_local; /* localhost or a name under it */
};

static enum outcome url_part(CURLU *url, CURLUPart part, unsigned flags, struct arena *arena,
                             const char **out_text)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, flags);
    if (code != CURLUE_OK)
        return code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD ? ABSENT : FAILED;
    *out_text = arena_strdup(arena, text);
    curl_free(text);
    return OK;
}

static enum outcome target_read(CURLU *url, struct arena *arena, const char *text, struct target *out_target)
{
    const char *ignored;
    if (!str_is_printable_ascii(str_from_c(text)) ||
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return FAILED;
    if (url_part(url, CURLUPART_SCHEME, 0, arena, &out_target->scheme) != OK ||
        url_part(url, CURLUPART_HOST, 0, arena, &out_target->host) != OK ||
        url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, arena, &out_target->port) != OK)
        return FAILED;
    if (url_part(url, CURLUPART_USER, 0, arena, &ignored) != ABSENT ||
        url_part(url, CURLUPART_PASSWORD, 0, arena, &ignored) != ABSENT)
        return FAILED;
    struct str host = str_from_c(out_target->host);
    struct str suffix = STR(".localhost");
    out_target->is_local =
        str_equal_ignoring_case(host, STR("localhost")) ||
        (host.length > suffix.length &&
         str_equal_ignoring_case(str_slice(host, host.length - suffix.length, host.length), suffix));
    return OK;
}

static enum outcome target_parse(struct arena *arena, const char *text, struct target *out_target)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return FAILED;
    enum outcome outcome = target_read(url, arena, text, out_target);
    curl_url_cleanup(url);
    return outcome;
}

static bool is_scheme_allowed(const struct http_call *call, const struct target *target)
{
    struct str scheme = str_from_c(target->scheme);
    if (str_equal_ignoring_case(scheme, STR("https")))
        return true;
    return str_equal_ignoring_case(scheme, STR("http")) && call->is_http_allowed && target->is_local;
}

static bool is_same_origin(const struct target *a, const struct target *b)
{
    return str_equal_ignoring_case(str_from_c(a->scheme), str_from_c(b->scheme)) &&
           str_equal_ignoring_case(str_from_c(a->host), str_from_c(b->host)) &&
           str_equal_c(str_from_c(a->port), b->port);
}

struct transfer {
    struct buf body;
    bool is_address_refused;
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    buf_append(&transfer->body, str_of(data, size * count));
    return transfer->body.overflowed ? 0 : size * count;
}

/* MET-9: judged on the address that is about to be connected to, so that no name can resolve around it. */
static curl_socket_t open_public_socket(void *context, curlsocktype purpose,
                                        struct curl_sockaddr *socket_address)
{
    (void)purpose;
    struct transfer *transfer = context;
    struct address address;
    if (address_from_socket(&socket_address->addr, &address) != OK || address_is_private(&address)) {
        transfer->is_address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(socket_address->family, socket_address->socktype | SOCK_CLOEXEC, socket_address->protocol);
}

#define SET(option, value)                                                                                   \
    do {                                                                                                     \
        if (curl_easy_setopt(curl, (option), (value)) != CURLE_OK)                                           \
            return FAILED;                                                                                   \
    } while (0)

static enum outcome set_tls(CURL *curl, const struct http_call *call)
{
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CA_CACHE_TIMEOUT, 300L);
    if (call->ca_file != NULL) {
        SET(CURLOPT_CAINFO, call->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* or the system's would be trusted beside it */
    }
    if (call->client_certificate_file != NULL) {
        SET(CURLOPT_SSLCERT, call->client_certificate_file);
        SET(CURLOPT_SSLKEY, call->client_key_file);
    }
    return OK;
}

static enum outcome set_limits(CURL *curl, const struct http_call *call)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, ""); /* none, also not from the environment: it would hide the address */
    SET(CURLOPT_PROTOCOLS_STR, call->is_http_allowed ? "http,https" : "https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, call->connect_timeout_ms > 0 ? call->connect_timeout_ms : 3000L);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->body_max);
    SET(CURLOPT_MAXAGE_CONN, 30L);
    SET(CURLOPT_USERAGENT, "sluis/" SLUIS_VERSION);
    return OK;
}

static enum outcome set_request(CURL *curl, const struct http_call *call, struct curl_slist *headers)
{
    SET(CURLOPT_HTTPHEADER, headers);
    if (strcmp(call->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
        SET(CURLOPT_POSTFIELDS, call->body.data ? call->body.data : "");
    } else if (strcmp(call->method, "GET") == 0) {
        SET(CURLOPT_HTTPGET, 1L);
    } else {
        return FAILED;
    }
    if (call->basic_user != NULL) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, call->basic_user);
        SET(CURLOPT_PASSWORD, call->basic_password ? call->basic_password : "");
    }
    return OK;
}

static enum outcome set_exchange(CURL *curl, const char *url, long timeout_ms, struct transfer *transfer,
                                 bool is_checked)
{
    SET(CURLOPT_URL, url);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    if (is_checked) {
        SET(CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
        SET(CURLOPT_OPENSOCKETDATA, transfer);
    }
    return OK;
}

static enum outcome headers_build(const struct http_call *call, struct curl_slist **out_headers)
{
    /* No waiting for "100 Continue": bodies are small. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; headers != NULL && i < call->header_count; i++) {
        struct curl_slist *longer = curl_slist_append(headers, call->headers[i]);
        if (longer == NULL)
            curl_slist_free_all(headers);
        headers = longer;
    }
    *out_headers = headers;
    return headers != NULL ? OK : FAILED;
}

static const char *tls_reason(CURL *curl, CURLcode code)
{
    long verdict = 0;
    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verdict) == CURLE_OK && verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    return curl_easy_strerror(code);
}

static enum http_call_result judge(CURL *curl, CURLcode code, const struct transfer *transfer,
                                   const struct target *target, bool was_sent_before, struct failure *failure)
{
    long bytes_sent = 0;
    bool is_sent = was_sent_before ||
                   curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &bytes_sent) != CURLE_OK || bytes_sent > 0;
    if (transfer->body.overflowed || code == CURLE_FILESIZE_EXCEEDED) {
        (void)failure_set(failure, "%s: the answer is larger than %zu bytes", target->host,
                          transfer->body.cap);
        return HTTP_CALL_TOO_LARGE;
    }
    if (transfer->is_address_refused && !is_sent) {
        (void)failure_set(failure, "%s: its address is not a public one", target->host);
        return HTTP_CALL_NOT_SENT;
    }
    (void)failure_set(failure, "%s: %s", target->host, tls_reason(curl, code));
    if (!is_sent)
        return HTTP_CALL_NOT_SENT;
    return code == CURLE_OPERATION_TIMEDOUT ? HTTP_CALL_TIMED_OUT : HTTP_CALL_BROKEN;
}

static void answer_read(CURL *curl, struct arena *arena, const struct transfer *transfer,
                        struct http_answer *out_answer)
{
    long status = 0;
    const char *content_type = NULL;
    struct curl_header *date = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type);
    out_answer->status = (int)status;
    out_answer->body = buf_str(&transfer->body);
    out_answer->content_type = content_type ? arena_strdup(arena, content_type) : "";
    if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK) {
        time_t seconds = curl_getdate(date->value, NULL);
        out_answer->date = seconds > 0 ? (int64_t)seconds : 0;
    }
}

/* The address of the next hop, or NULL when this answer is the last one. */
static const char *redirect_target(CURL *curl, struct arena *arena, const struct http_call *call,
                                   const struct target *origin)
{
    const char *location = NULL;
    struct target next = {0};
    if (strcmp(call->method, "GET") != 0 ||
        curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location) != CURLE_OK || location == NULL)
        return NULL;
    const char *copy = arena_strdup(arena, location);
    if (target_parse(arena, copy, &next) != OK || !is_same_origin(origin, &next))
        return NULL;
    return copy;
}

/* One hop after another, within the time of the whole call. */
static enum http_call_result perform(CURL *curl, struct arena *arena, const struct http_call *call,
                                     const struct target *target, bool is_checked,
                                     struct http_answer *out_answer, struct failure *failure)
{
    const char *url = call->url;
    int64_t until_ms = clock_monotonic_ms() + (call->total_timeout_ms > 0 ? call->total_timeout_ms : 10000);
    for (int hop = 0;; hop++) {
        struct transfer transfer = {.body = buf_new(arena, call->body_max)};
        int64_t left_ms = until_ms - clock_monotonic_ms();
        if (left_ms <= 0) {
            (void)failure_set(failure, "%s: the redirects took too long", target->host);
            return HTTP_CALL_TIMED_OUT;
        }
        if (set_exchange(curl, url, (long)left_ms, &transfer, is_checked) != OK) {
            (void)failure_set(failure, "%s: the call could not be set up", target->host);
            return hop > 0 ? HTTP_CALL_BROKEN : HTTP_CALL_NOT_SENT;
        }
        CURLcode code = curl_easy_perform(curl);
        if (code != CURLE_OK)
            return judge(curl, code, &transfer, target, hop > 0, failure);
        const char *next = hop < call->redirects_max ? redirect_target(curl, arena, call, target) : NULL;
        if (next == NULL) {
            answer_read(curl, arena, &transfer, out_answer);
            return HTTP_CALL_OK;
        }
        url = next;
    }
}

enum http_call_result http_client_call(struct arena *arena, const struct http_call *call,
                                       struct http_answer *out_answer, struct failure *failure)
{
    struct target target = {0};
    struct curl_slist *headers = NULL;
    enum http_call_result result = HTTP_CALL_NOT_SENT;
    *out_answer = (struct http_answer){.content_type = ""};

    struct thread_handles *handles = handles_get();
    if (handles == NULL) {
        (void)failure_set(failure, "the HTTP client cannot start");
        return result;
    }
    if (target_parse(arena, call->url, &target) != OK || !is_scheme_allowed(call, &target)) {
        (void)failure_set(failure, "%s: this URL is not allowed for a call", target.host ? target.host : "-");
        return result;
    }
    bool is_checked = !call->is_private_allowed && !(call->is_http_allowed && target.is_local);
    CURL *curl = is_checked ? handles->public_only : handles->any_address;
    curl_easy_reset(curl); /* keeps connections, forgets credentials and the last caller's pointers */

    if (headers_build(call, &headers) != OK || set_tls(curl, call) != OK || set_limits(curl, call) != OK ||
        set_request(curl, call, headers) != OK)
        (void)failure_set(failure, "%s: the call could not be set up", target.host);
    else
        result = perform(curl, arena, call, &target, is_checked, out_answer, failure);
    curl_easy_reset(curl);
    curl_slist_free_all(headers);
    return result;
}
