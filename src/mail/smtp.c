#include "mail/smtp.h"

#include <curl/curl.h>

#if LIBCURL_VERSION_NUM >= 0x080200
#define RCPT_ALLOW_FAILS CURLOPT_MAIL_RCPT_ALLOWFAILS
#else
#define RCPT_ALLOW_FAILS CURLOPT_MAIL_RCPT_ALLLOWFAILS
#endif

#define CONNECT_TIMEOUT_MS 10000L
#define TOTAL_TIMEOUT_MS 60000L
#define ANSWER_TIMEOUT_S 8L /* also of the QUIT that ends a broken-off conversation */

static struct str host_and_port(struct str url)
{
    struct str prefixes[] = {STR("smtp://"), STR("smtps://")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts_with(url, prefixes[i]))
            return str_slice(url, prefixes[i].length, url.length);
    return STR_NONE;
}

bool smtp_is_server(struct str text)
{
    struct str authority = host_and_port(text);
    struct str host = str_slice(authority, 0, str_find(authority, ':'));
    int64_t port = 0;
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (i > 0 && (c == '-' || c == '.'))))
            return false;
    }
    if (host.length == 0 || host.length > 253)
        return false;
    return host.length == authority.length ||
           (str_to_int64(str_slice(authority, host.length + 1, authority.length), &port) == OK && port >= 1 &&
            port <= 65535);
}

bool smtp_is_plain_allowed(const struct smtp_client *client)
{
    struct str authority = host_and_port(str_from_c(client->server));
    struct str host = str_slice(authority, 0, str_find(authority, ':'));
    return client->is_development && str_starts_with(str_from_c(client->server), STR("smtp://")) &&
           (str_equal(host, STR("localhost")) || str_ends_with(host, STR(".localhost")) ||
            str_equal(host, STR("127.0.0.1")));
}

static size_t give(char *buffer, size_t size, size_t count, void *context)
{
    struct str *rest = context;
    size_t length = size * count < rest->length ? size * count : rest->length;
    if (length > 0)
        memcpy(buffer, rest->data, length);
    *rest = str_slice(*rest, length, rest->length);
    return length;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load((const atomic_bool *)context) ? 1 : 0;
}

/* The conversation, as curl tells of it: which recipients were refused it says nowhere else. */
struct listener {
    bool is_recipient; /* the last command was RCPT */
    size_t refused;
};

static int listen_in(CURL *curl, curl_infotype type, char *data, size_t length, void *context)
{
    struct listener *listener = context;
    struct str line = {data, length};
    (void)curl;
    if (type == CURLINFO_HEADER_OUT)
        listener->is_recipient = str_starts_with(line, STR("RCPT "));
    /* The last line of an answer has a space behind its number. */
    else if (type == CURLINFO_HEADER_IN && listener->is_recipient && length >= 4 && data[3] == ' ' &&
             (data[0] == '4' || data[0] == '5'))
        listener->refused++;
    return 0;
}

static CURLcode set_up(CURL *curl, const struct smtp_client *client, struct curl_slist *recipients,
                       struct str *rest, struct listener *listener, const atomic_bool *is_stopping)
{
    CURLcode code = CURLE_OK;
#define SET(option, value)                                                                                   \
    if (code == CURLE_OK)                                                                                    \
    code = curl_easy_setopt(curl, option, value)
    SET(CURLOPT_URL, client->server);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_PROXY, ""); /* whatever the environment says */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USE_SSL, (long)(smtp_is_plain_allowed(client) ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->ca_file != NULL) {
        SET(CURLOPT_CAINFO, client->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* or the system's would be trusted beside it */
    }
    if (client->user != NULL && client->password != NULL) {
        struct str password = secret_reveal(client->password);
        SET(CURLOPT_USERNAME, client->user);
        SET(CURLOPT_PASSWORD, password.data); /* secret_new put a NUL behind it; curl keeps a copy */
    }
    SET(CURLOPT_MAIL_FROM, client->sender);
    SET(CURLOPT_MAIL_RCPT, recipients);
    SET(RCPT_ALLOW_FAILS, 1L);
    SET(CURLOPT_VERBOSE, 1L); /* to the listener, and nowhere else */
    SET(CURLOPT_DEBUGFUNCTION, listen_in);
    SET(CURLOPT_DEBUGDATA, (void *)listener);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, (void *)rest);
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, TOTAL_TIMEOUT_MS);
    SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, ANSWER_TIMEOUT_S);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, (void *)(uintptr_t)is_stopping);
#undef SET
    return code;
}

enum outcome smtp_send(const struct smtp_client *client, const char *const *recipients, size_t count,
                       struct str text, const atomic_bool *is_stopping, size_t *out_refused,
                       struct failure *failure)
{
    struct curl_slist *list = NULL;
    struct listener listener = {0};
    struct str rest = text;
    enum outcome outcome = FAILED;
    *out_refused = 0;
    if (atomic_load(is_stopping))
        return failure_set(failure, "the program stops");
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return failure_set(failure, "no memory");
    for (size_t i = 0; i < count; i++) {
        struct curl_slist *longer = curl_slist_append(list, recipients[i]);
        if (longer == NULL) {
            failure_set(failure, "no memory");
            goto out;
        }
        list = longer;
    }
    CURLcode code = set_up(curl, client, list, &rest, &listener, is_stopping);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    *out_refused = listener.refused;
    long answer = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    if (code != CURLE_OK)
        failure_set(failure, "%s (the server's last answer was %ld)", curl_easy_strerror(code), answer);
    else
        outcome = OK;
out:
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    return outcome;
}
