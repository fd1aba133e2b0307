#include "http/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/address.h"
#include "http/trust.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
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
static struct trust *system_trust; /* NULL = curl finds its own */

static void handles_free(void *value)
{
    struct thread_handles *handles = value;
    if (handles == NULL)
        return;
    curl_easy_cleanup(handles->public_only);
    curl_easy_cleanup(handles->any_address);
    free(handles);
}

/* Where the system keeps its certificates, curl was told when it was built. */
static void find_system_trust(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->age >= CURLVERSION_SEVENTH && (info->cainfo != NULL || info->capath != NULL))
        system_trust = trust_new(info->cainfo, info->capath);
}

static void prepare(void)
{
    find_system_trust();
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

const char *http_phase_name(enum http_phase phase)
{
    switch (phase) {
    case HTTP_PHASE_NONE:
        return "none";
    case HTTP_PHASE_NAME:
        return "dns";
    case HTTP_PHASE_CONNECT:
        return "connect";
    case HTTP_PHASE_TLS:
        return "tls";
    case HTTP_PHASE_ANSWER:
        return "answer";
    }
    return "none";
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

/* ---- what a certificate was refused for ---- */

/* The trouble of the call that this thread is making: a handshake happens within curl_easy_perform only, and
 * a connection that is used again has had its own. */
static _Thread_local struct http_trouble *watched;

static void print_name(const X509_NAME *name, char *out_text)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (bio == NULL)
        return;
    /* RFC 2253: everything that is not printable ASCII is escaped. */
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long length = BIO_get_mem_data(bio, &text);
        snprintf(out_text, HTTP_TROUBLE_NAME_MAX, "%.*s", (int)length, text);
    }
    BIO_free(bio);
}

static void note_certificate(X509 *certificate, struct http_trouble *trouble)
{
    struct tm end;
    print_name(X509_get_subject_name(certificate), trouble->subject);
    print_name(X509_get_issuer_name(certificate), trouble->issuer);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
        strftime(trouble->not_after, sizeof trouble->not_after, "%Y-%m-%dT%H:%M:%SZ", &end);
}

/* Notes the certificate that is refused, or the server's own, which may still be refused for its name. The
 * verdict stays OpenSSL's. */
static int watch_certificate(int is_accepted, X509_STORE_CTX *context)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(context);
    bool is_noted = watched != NULL && watched->is_certificate_refused;
    if (watched != NULL && certificate != NULL && !is_noted &&
        (!is_accepted || X509_STORE_CTX_get_error_depth(context) == 0))
        note_certificate(certificate, watched);
    if (watched != NULL && !is_accepted)
        watched->is_certificate_refused = true;
    return is_accepted;
}

static CURLcode prepare_handshake(CURL *curl, void *ssl_context, void *trust)
{
    (void)curl;
    SSL_CTX_set_verify(ssl_context, SSL_CTX_get_verify_mode(ssl_context), watch_certificate);
    return trust == NULL || trust_apply(trust, ssl_context) == OK ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
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
    /* A curl on another TLS library has no such thing; then the details of a refusal are missing, and the
     * system's certificates are read for each connection. */
    bool is_prepared = curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, prepare_handshake) == CURLE_OK;
    struct trust *shared = is_prepared && call->ca_file == NULL ? system_trust : NULL;
    if (is_prepared)
        SET(CURLOPT_SSL_CTX_DATA, shared);
    /* A store that curl kept would take the place of the one that prepare_handshake brings. */
    SET(CURLOPT_CA_CACHE_TIMEOUT, shared != NULL ? 0L : 300L);
    if (call->ca_file != NULL || shared != NULL) {
        /* NULL: nothing but what prepare_handshake brings. curl keeps connections and sessions apart by it.
         */
        SET(CURLOPT_CAINFO, call->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* or the system's would be trusted beside the file */
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
        /* On a kept connection that closes before a byte of answer curl would send it again (TOK-4). */
        SET(CURLOPT_FRESH_CONNECT, 1L);
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

static bool has_happened(CURL *curl, CURLINFO moment)
{
    curl_off_t microseconds = 0;
    return curl_easy_getinfo(curl, moment, &microseconds) == CURLE_OK && microseconds > 0;
}

static enum http_phase phase_reached(CURL *curl, const struct target *target, CURLcode code)
{
    if (code == CURLE_COULDNT_RESOLVE_HOST || !has_happened(curl, CURLINFO_NAMELOOKUP_TIME_T))
        return HTTP_PHASE_NAME;
    if (code == CURLE_COULDNT_CONNECT || !has_happened(curl, CURLINFO_CONNECT_TIME_T))
        return HTTP_PHASE_CONNECT;
    bool is_tls = str_equal_ignoring_case(str_from_c(target->scheme), STR("https"));
    return is_tls && !has_happened(curl, CURLINFO_APPCONNECT_TIME_T) ? HTTP_PHASE_TLS : HTTP_PHASE_ANSWER;
}

/* Of what the handshake noted, only a refusal is kept. */
static void describe(CURL *curl, CURLcode code, const struct transfer *transfer, const struct target *target,
                     struct http_trouble *trouble)
{
    struct http_trouble seen = *trouble;
    *trouble = (struct http_trouble){.is_timeout = code == CURLE_OPERATION_TIMEDOUT};
    if (!transfer->is_address_refused)
        trouble->phase = phase_reached(curl, target, code);
    if (code != CURLE_PEER_FAILED_VERIFICATION)
        return;
    *trouble = seen;
    trouble->phase = HTTP_PHASE_TLS;
    trouble->is_certificate_refused = true;
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
    struct curl_header *date = NULL, *authentication = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type);
    out_answer->status = (int)status;
    out_answer->body = buf_str(&transfer->body);
    out_answer->content_type = content_type ? arena_strdup(arena, content_type) : "";
    if (curl_easy_header(curl, "WWW-Authenticate", 0, CURLH_HEADER, -1, &authentication) == CURLHE_OK)
        out_answer->authentication = arena_strdup(arena, authentication->value);
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
            out_answer->trouble = (struct http_trouble){.phase = HTTP_PHASE_ANSWER, .is_timeout = true};
            return HTTP_CALL_TIMED_OUT;
        }
        if (set_exchange(curl, url, (long)left_ms, &transfer, is_checked) != OK) {
            (void)failure_set(failure, "%s: the call could not be set up", target->host);
            return hop > 0 ? HTTP_CALL_BROKEN : HTTP_CALL_NOT_SENT;
        }
        out_answer->trouble = (struct http_trouble){0};
        watched = &out_answer->trouble;
        CURLcode code = curl_easy_perform(curl);
        watched = NULL;
        if (code != CURLE_OK) {
            describe(curl, code, &transfer, target, &out_answer->trouble);
            return judge(curl, code, &transfer, target, hop > 0, failure);
        }
        out_answer->trouble = (struct http_trouble){0};
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
    int64_t started_at_ms = clock_monotonic_ms();
    *out_answer = (struct http_answer){.content_type = "", .authentication = "", .host = ""};

    struct thread_handles *handles = handles_get();
    if (handles == NULL) {
        (void)failure_set(failure, "the HTTP client cannot start");
        return result;
    }
    if (target_parse(arena, call->url, &target) != OK || !is_scheme_allowed(call, &target)) {
        (void)failure_set(failure, "%s: this URL is not allowed for a call", target.host ? target.host : "-");
        return result;
    }
    out_answer->host = target.host;
    bool is_checked = !call->is_private_allowed && !(call->is_http_allowed && target.is_local);
    CURL *curl = is_checked ? handles->public_only : handles->any_address;
    curl_easy_reset(curl); /* keeps connections, forgets credentials and the last caller's pointers */

    if (headers_build(call, &headers) != OK || set_tls(curl, call) != OK || set_limits(curl, call) != OK ||
        set_request(curl, call, headers) != OK)
        (void)failure_set(failure, "%s: the call could not be set up", target.host);
    else
        result = perform(curl, arena, call, &target, is_checked, out_answer, failure);
    out_answer->ms = clock_monotonic_ms() - started_at_ms;
    curl_easy_reset(curl);
    curl_slist_free_all(headers);
    return result;
}
