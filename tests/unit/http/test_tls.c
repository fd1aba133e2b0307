/* TLS of a listener: client certificates, what a proxy reports of them, reload, and what is refused. */
#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/client.h"
#include "http/server.h"
#include "http/tls.h"

#include "fixture.h"

#include <curl/curl.h>
#include <fcntl.h>

static struct arena *arena;
static struct http_workers *workers;
static struct http_server *server;
static int port;
static struct identity ca, other_ca;

/* "none", or the hosts of the client's certificate with a comma behind each. */
static void tell_certificate(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door;
    const struct http_client_certificate *certificate = &request->client_certificate;
    struct buf text = buf_new(request->arena, 10000);
    struct str header;
    buf_append_c(&text, certificate->is_present ? "present:" : "none");
    for (size_t i = 0; i < certificate->host_count; i++) {
        buf_append(&text, certificate->hosts[i]);
        buf_append_char(&text, ',');
    }
    if (http_request_header(request, "Client-Cert", &header) != FORM_MISSING ||
        http_request_header(request, "X-Cert", &header) != FORM_MISSING)
        buf_append_c(&text, " header");
    http_response_text(response, 200, buf_c(&text));
}

static void fault(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_text(response, response->status, "fault");
}

static const struct route routes[] = {{HTTP_GET, "/who", tell_certificate, ROUTE_PLAIN},
                                      {HTTP_GET, "/who/blocking", tell_certificate, ROUTE_BLOCKING}};
static const struct route_table table = {routes, 2, NULL, fault, fault};

static const char *path(const char *file)
{
    return fixture_path(arena, file);
}

/* Stands before libcurl's own: system.crt in our folder is where the system keeps its certificates. */
curl_version_info_data *curl_version_info(CURLversion stamp)
{
    static curl_version_info_data info;
    info = (curl_version_info_data){.age = stamp, .cainfo = path("system.crt")};
    return &info;
}

/* At once, as an update of the system does. */
static void trust_system(const struct identity *anchor)
{
    identity_save(arena, anchor, "next");
    assert_int_equal(rename(path("next.crt"), path("system.crt")), 0);
}

static void make(struct identity_wish wish)
{
    struct identity made = identity_make(arena, &wish);
    identity_free(&made);
}

static void make_server_certificate(void)
{
    make((struct identity_wish){.name = "server", .issuer = &ca, .hosts = {"localhost", "back.localhost"}});
}

static int setup(void **state)
{
    (void)state;
    struct failure failure;
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_DEBUG);
    arena = arena_new();
    if (rand_init() != OK || http_workers_start(2, &workers, &failure) != OK)
        return -1;
    fixture_begin();
    ca = identity_make(arena, &(struct identity_wish){.name = "ca"});
    other_ca = identity_make(arena, &(struct identity_wish){.name = "other-ca"});
    make_server_certificate();
    make((struct identity_wish){
        .name = "pgo", .issuer = &ca, .hosts = {"PGO.localhost", "*.wild.localhost", "node.pgo.localhost"}});
    make((struct identity_wish){.name = "nameless", .issuer = &ca});
    make((struct identity_wish){
        .name = "late", .issuer = &ca, .hosts = {"pgo.localhost"}, .expires_in = -3600});
    make((struct identity_wish){.name = "server-only",
                                .issuer = &ca,
                                .hosts = {"pgo.localhost"},
                                .purpose = GNUTLS_KP_TLS_WWW_SERVER});
    make((struct identity_wish){.name = "stranger", .issuer = &other_ca, .hosts = {"pgo.localhost"}});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_workers_stop(&workers);
    http_client_thread_end();
    identity_free(&ca);
    identity_free(&other_ca);
    fixture_end();
    arena_free(&arena);
    return 0;
}

static void start_with(struct http_listener_settings settings)
{
    struct failure failure = {""};
    port = free_port();
    settings.name = "back";
    settings.address = arena_printf(arena, "127.0.0.1:%d", port);
    if (http_server_start(&settings, &table, workers, &server, &failure) != OK)
        fail_msg("%s", failure.text);
}

static int listen_up(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){.certificate_file = path("server.crt"),
                                               .key_file = path("server.key"),
                                               .client_ca_file = path("ca.crt"),
                                               .is_https = true});
    return 0;
}

static int listen_down(void **state)
{
    (void)state;
    return http_server_drain(&server, 2) ? 0 : -1;
}

/* The answer over a new connection with the certificate <name>.crt, or none. */
static struct str ask_as(const char *name, const char *target)
{
    struct failure failure = {""};
    struct http_answer answer;
    struct http_call call = {.method = "GET",
                             .url = arena_printf(arena, "https://localhost:%d%s", port, target),
                             .ca_file = path("ca.crt"),
                             .connect_timeout_ms = 20000, /* a busy machine, sanitizers on */
                             .total_timeout_ms = 20000,
                             .body_max = 10000,
                             .is_private_allowed = true};
    if (name != NULL) {
        call.client_certificate_file = path(arena_printf(arena, "%s.crt", name));
        call.client_key_file = path(arena_printf(arena, "%s.key", name));
    }
    http_client_thread_end();
    if (http_client_call(arena, &call, &answer, &failure) != HTTP_CALL_OK || answer.status != 200)
        fail_msg("as %s: %d %s", name ? name : "nobody", answer.status, failure.text);
    return answer.body;
}

#define assert_seen(name, expected) assert_true(str_equal_c(ask_as((name), "/who"), (expected)))

static void certificates_are_verified(void **state)
{
    (void)state;
    assert_seen("pgo", "present:pgo.localhost,node.pgo.localhost,");
    assert_true(str_equal_c(ask_as("pgo", "/who/blocking"), "present:pgo.localhost,node.pgo.localhost,"));
    assert_seen("nameless", "present:");
    assert_seen(NULL, "none");
    assert_seen("late", "none");
    assert_seen("server-only", "none");
    assert_seen("stranger", "none");
}

/* A TLS client with full say over what it offers. */
struct peer {
    int raw;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    int handshake; /* GnuTLS's verdict */
};

static struct peer peer_open(const char *priorities, const char *name)
{
    struct peer peer = {.raw = raw_connect(port)};
    assert_true(peer.raw >= 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&peer.credentials), 0);
    assert_int_equal(
        gnutls_certificate_set_x509_trust_file(peer.credentials, path("ca.crt"), GNUTLS_X509_FMT_PEM), 1);
    if (name != NULL)
        assert_int_equal(gnutls_certificate_set_x509_key_file(
                             peer.credentials, path(arena_printf(arena, "%s.crt", name)),
                             path(arena_printf(arena, "%s.key", name)), GNUTLS_X509_FMT_PEM),
                         0);
    assert_int_equal(gnutls_init(&peer.session, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_priority_set_direct(peer.session, priorities, NULL), 0);
    assert_int_equal(gnutls_credentials_set(peer.session, GNUTLS_CRD_CERTIFICATE, peer.credentials), 0);
    gnutls_session_set_verify_cert(peer.session, "localhost", 0);
    gnutls_transport_set_int(peer.session, peer.raw);
    gnutls_handshake_set_timeout(peer.session, 20000);
    do
        peer.handshake = gnutls_handshake(peer.session);
    while (peer.handshake < 0 && !gnutls_error_is_fatal(peer.handshake));
    return peer;
}

static void peer_close(struct peer *peer)
{
    gnutls_deinit(peer->session);
    gnutls_certificate_free_credentials(peer->credentials);
    close(peer->raw);
}

static const char *peer_ask(struct peer *peer)
{
    static const char request[] = "GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char *answer = arena_alloc(arena, 4096);
    size_t length = 0;
    if (gnutls_record_send(peer->session, request, sizeof request - 1) < 0)
        return "";
    while (length < 4095 && strstr(answer, "present:") == NULL && strstr(answer, "none") == NULL) {
        ssize_t got = gnutls_record_recv(peer->session, answer + length, 4095 - length);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    return answer;
}

static int handshake_with(const char *priorities)
{
    struct peer peer = peer_open(priorities, NULL);
    int verdict = peer.handshake;
    peer_close(&peer);
    return verdict;
}

static void only_good_protocols_and_suites(void **state)
{
    (void)state;
    assert_int_equal(handshake_with("NORMAL"), 0);
    assert_int_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.3"), 0);
    assert_int_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.2"), 0);
    assert_int_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM"), 0);
    assert_int_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305"), 0);
    assert_int_not_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.1"), 0);
    assert_int_not_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.0"), 0);
    assert_int_not_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC"), 0);
    assert_int_not_equal(handshake_with("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM"), 0);
    assert_int_not_equal(handshake_with("NORMAL:-GROUP-ALL:+GROUP-FFDHE2048"), 0);
}

/* The suites of TLS_PRIORITIES by name: a certificate of one kind cannot show what the others would allow. */
static void suites_are_forward_secret_and_aead(void **state)
{
    (void)state;
    gnutls_priority_t priorities;
    unsigned count = 0, index;
    assert_int_equal(gnutls_priority_init(&priorities, TLS_PRIORITIES, NULL), 0);
    for (unsigned i = 0; gnutls_priority_get_cipher_suite_index(priorities, i, &index) !=
                         GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
         i++) {
        gnutls_kx_algorithm_t exchange;
        gnutls_protocol_t version;
        const char *name = gnutls_cipher_suite_info(index, NULL, &exchange, NULL, NULL, &version);
        if (name == NULL)
            continue; /* a combination that exists in no version */
        count++;
        assert_true(version == GNUTLS_TLS1_2 || version == GNUTLS_TLS1_3);
        assert_true(strstr(name, "GCM") != NULL || strstr(name, "CHACHA20_POLY1305") != NULL);
        if (version == GNUTLS_TLS1_2)
            assert_true(exchange == GNUTLS_KX_ECDHE_RSA || exchange == GNUTLS_KX_ECDHE_ECDSA);
    }
    gnutls_priority_deinit(priorities);
    assert_int_equal(count, 3 + 6);
}

static void no_tickets_and_no_renegotiation(void **state)
{
    (void)state;
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    for (size_t i = 0; i < 2; i++) {
        struct peer peer = peer_open(versions[i], "pgo");
        assert_int_equal(peer.handshake, 0);
        assert_non_null(strstr(peer_ask(&peer), "present:pgo.localhost,"));
        assert_false(gnutls_session_get_flags(peer.session) & GNUTLS_SFLAGS_SESSION_TICKET);
        peer_close(&peer);
    }
    struct peer peer = peer_open(versions[0], NULL);
    assert_int_equal(peer.handshake, 0);
    int verdict;
    do
        verdict = gnutls_handshake(peer.session);
    while (verdict < 0 && !gnutls_error_is_fatal(verdict) && verdict != GNUTLS_E_GOT_APPLICATION_DATA);
    assert_int_not_equal(verdict, 0);
    peer_close(&peer);
}

static void write_copy(const char *from, const char *to)
{
    FILE *file = fopen(path(from), "rb");
    char bytes[8192];
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fixture_write(arena, to, bytes, length);
}

static struct str serial_of(struct peer *peer)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(peer->session, &count);
    assert_true(chain != NULL && count > 0);
    return codec_sha256(arena, str_of(chain[0].data, chain[0].size));
}

static void reload_leaves_connections_alone(void **state)
{
    (void)state;
    struct failure failure = {""};
    struct peer before = peer_open("NORMAL", "pgo");
    assert_int_equal(before.handshake, 0);
    assert_non_null(strstr(peer_ask(&before), "present:pgo.localhost,"));
    make_server_certificate();
    assert_int_equal(http_server_reload(server, &failure), OK);
    assert_non_null(strstr(peer_ask(&before), "present:pgo.localhost,"));
    struct peer after = peer_open("NORMAL", "pgo");
    assert_int_equal(after.handshake, 0);
    assert_non_null(strstr(peer_ask(&after), "present:pgo.localhost,"));
    assert_false(str_equal(serial_of(&before), serial_of(&after)));
    assert_non_null(strstr(peer_ask(&before), "present:pgo.localhost,"));
    peer_close(&before);
    peer_close(&after);
}

static void failed_reload_keeps_the_old_certificate(void **state)
{
    (void)state;
    struct failure failure = {""};
    fixture_write(arena, "server.crt", "broken", 6);
    assert_int_equal(http_server_reload(server, &failure), FAILED);
    assert_non_null(strstr(failure.text, "server.crt"));
    assert_seen("pgo", "present:pgo.localhost,node.pgo.localhost,");
    /* A key that belongs to another certificate is caught too. */
    make_server_certificate();
    write_copy("pgo.key", "server.key");
    assert_int_equal(http_server_reload(server, &failure), FAILED);
    assert_seen("pgo", "present:pgo.localhost,node.pgo.localhost,");
    make_server_certificate();
    assert_int_equal(http_server_reload(server, &failure), OK);
}

static void a_withdrawn_client_ca_counts_at_once(void **state)
{
    (void)state;
    struct failure failure = {""};
    write_copy("ca.crt", "clients.crt");
    start_with((struct http_listener_settings){.certificate_file = path("server.crt"),
                                               .key_file = path("server.key"),
                                               .client_ca_file = path("clients.crt")});
    struct peer kept = peer_open("NORMAL", "pgo");
    assert_int_equal(kept.handshake, 0);
    assert_non_null(strstr(peer_ask(&kept), "present:pgo.localhost,"));
    write_copy("other-ca.crt", "clients.crt");
    assert_int_equal(http_server_reload(server, &failure), OK);
    assert_non_null(strstr(peer_ask(&kept), "none"));
    peer_close(&kept);
    assert_seen("pgo", "none");
    assert_seen("stranger", "present:pgo.localhost,");
    fixture_write(arena, "clients.crt", "", 0);
    assert_int_equal(http_server_reload(server, &failure), FAILED);
    assert_seen("stranger", "present:pgo.localhost,");
    assert_true(http_server_drain(&server, 2));
}

static void without_client_ca_none_is_believed(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){.certificate_file = path("server.crt"),
                                               .key_file = path("server.key")});
    assert_seen("pgo", "none");
    assert_true(http_server_drain(&server, 2));
}

/* The value of a certificate header in both ways of writing it. */
static const char *header_rfc9440(const char *name)
{
    gnutls_datum_t pem, der;
    assert_int_equal(gnutls_load_file(path(arena_printf(arena, "%s.crt", name)), &pem), 0);
    assert_int_equal(gnutls_pem_base64_decode2("CERTIFICATE", &pem, &der), 0);
    struct str text = codec_base64(arena, str_of(der.data, der.size));
    gnutls_free(pem.data);
    gnutls_free(der.data);
    return arena_printf(arena, ":%.*s:", STR_ARG(text));
}

static const char *header_escaped_pem(const char *name)
{
    gnutls_datum_t pem;
    struct buf text = buf_new(arena, 20000);
    assert_int_equal(gnutls_load_file(path(arena_printf(arena, "%s.crt", name)), &pem), 0);
    buf_append_url_component(&text, str_of(pem.data, pem.size));
    gnutls_free(pem.data);
    return buf_c(&text);
}

static const char *ask_through_proxy(const char *header, const char *value)
{
    const char *request =
        arena_printf(arena, "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s\r\n\r\n", header,
                     header[0] ? ": " : "X: y", value);
    int raw = raw_connect(port);
    assert_true(raw >= 0);
    raw_send(raw, str_from_c(request));
    const char *answer = raw_read(arena, raw, NULL, WAIT_MS);
    close(raw);
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : answer;
}

static void proxied_certificates_are_verified_again(void **state)
{
    (void)state;
    static const char *const proxies[] = {"127.0.0.1"};
    start_with((struct http_listener_settings){.client_ca_file = path("ca.crt"),
                                               .trusted_proxies = proxies,
                                               .trusted_proxy_count = 1,
                                               .client_certificate_header = "Client-Cert"});
    const char *expected = "present:pgo.localhost,node.pgo.localhost, header";
    assert_string_equal(ask_through_proxy("Client-Cert", header_rfc9440("pgo")), expected);
    assert_string_equal(ask_through_proxy("client-cert", header_escaped_pem("pgo")), expected);
    assert_string_equal(ask_through_proxy("Client-Cert", header_rfc9440("stranger")), "none header");
    assert_string_equal(ask_through_proxy("Client-Cert", header_rfc9440("late")), "none header");
    assert_string_equal(ask_through_proxy("Client-Cert", header_escaped_pem("server-only")), "none header");
    assert_string_equal(ask_through_proxy("Client-Cert", ":AAAA:"), "none header");
    assert_string_equal(ask_through_proxy("Client-Cert", ""), "none header");
    assert_string_equal(ask_through_proxy("", ""), "none");
    const char *twice =
        arena_printf(arena, "%s\r\nClient-Cert: %s", header_rfc9440("stranger"), header_rfc9440("pgo"));
    assert_string_equal(ask_through_proxy("Client-Cert", twice), "none header");
    assert_string_equal(ask_through_proxy("Client_Cert", header_rfc9440("pgo")), "none");
    assert_true(http_server_drain(&server, 2));
}

static void strangers_cannot_report_certificates(void **state)
{
    (void)state;
    static const char *const proxies[] = {"10.0.0.1"};
    start_with((struct http_listener_settings){.client_ca_file = path("ca.crt"),
                                               .trusted_proxies = proxies,
                                               .trusted_proxy_count = 1,
                                               .client_certificate_header = "X-Cert"});
    assert_string_equal(ask_through_proxy("X-Cert", header_rfc9440("pgo")), "none");
    assert_string_equal(ask_through_proxy("Client-Cert", header_rfc9440("pgo")), "none");
    assert_true(http_server_drain(&server, 2));
}

static void a_proxy_does_not_lend_its_own_certificate(void **state)
{
    (void)state;
    static const char *const proxies[] = {"127.0.0.1"};
    start_with((struct http_listener_settings){.certificate_file = path("server.crt"),
                                               .key_file = path("server.key"),
                                               .client_ca_file = path("ca.crt"),
                                               .trusted_proxies = proxies,
                                               .trusted_proxy_count = 1,
                                               .client_certificate_header = "Client-Cert"});
    assert_seen("pgo", "none");
    assert_true(http_server_drain(&server, 2));
}

static enum http_call_result call_for(const char *host, const char *ca_file, bool is_private_allowed,
                                      struct failure *failure)
{
    struct http_answer answer;
    struct http_call call = {.method = "GET",
                             .url = arena_printf(arena, "https://%s:%d/who", host, port),
                             .ca_file = ca_file,
                             .connect_timeout_ms = 20000, /* a busy machine, sanitizers on */
                             .total_timeout_ms = 20000,
                             .body_max = 10000,
                             .is_private_allowed = is_private_allowed};
    return http_client_call(arena, &call, &answer, failure);
}

static void the_client_verifies_who_answers(void **state)
{
    (void)state;
    struct failure failure = {""};
    http_client_thread_end();
    assert_int_equal(call_for("localhost", path("ca.crt"), true, &failure), HTTP_CALL_OK);
    assert_int_equal(call_for("back.localhost", path("ca.crt"), true, &failure), HTTP_CALL_OK);
    assert_int_equal(call_for("other.localhost", path("ca.crt"), true, &failure), HTTP_CALL_NOT_SENT);
    assert_int_equal(call_for("127.0.0.1", path("ca.crt"), true, &failure), HTTP_CALL_NOT_SENT);
    assert_int_equal(call_for("localhost", path("other-ca.crt"), true, &failure), HTTP_CALL_NOT_SENT);
    assert_non_null(strstr(failure.text, "unable to get local issuer certificate"));
    assert_int_equal(call_for("localhost", NULL, true, &failure), HTTP_CALL_NOT_SENT);
    assert_int_equal(call_for("localhost", path("nonexistent.crt"), true, &failure), HTTP_CALL_NOT_SENT);
}

/* A connection that one call was allowed to open must not carry another that was not. */
static void kept_connections_do_not_bridge_the_address_check(void **state)
{
    (void)state;
    struct failure failure = {""};
    http_client_thread_end();
    assert_int_equal(call_for("localhost", path("ca.crt"), true, &failure), HTTP_CALL_OK);
    assert_int_equal(call_for("localhost", path("ca.crt"), false, &failure), HTTP_CALL_NOT_SENT);
    assert_non_null(strstr(failure.text, "not a public one"));
    assert_int_equal(call_for("localhost", path("ca.crt"), true, &failure), HTTP_CALL_OK);
    struct http_server_counters counters;
    http_server_read_counters(server, &counters);
    assert_int_equal(counters.requests, 2);
    assert_int_equal(counters.connections_now, 1); /* kept and used again */
}

/* Over a connection of its own, by a handle that had others. */
static void a_system_certificate_that_is_withdrawn_counts_no_more(void **state)
{
    (void)state;
    struct failure failure = {""};
    struct http_answer answer;
    const struct http_call call = {.method = "POST", /* TOK-4 */
                                   .url = arena_printf(arena, "https://localhost:%d/who", port),
                                   .connect_timeout_ms = 20000,
                                   .total_timeout_ms = 20000,
                                   .body_max = 10000,
                                   .is_private_allowed = true};
    trust_system(&ca);
    assert_int_equal(http_client_call(arena, &call, &answer, &failure), HTTP_CALL_OK);
    assert_int_equal(http_client_call(arena, &call, &answer, &failure), HTTP_CALL_OK);
    trust_system(&other_ca);
    assert_int_equal(http_client_call(arena, &call, &answer, &failure), HTTP_CALL_NOT_SENT);
    assert_true(answer.trouble.is_certificate_refused);
    trust_system(&ca);
    assert_int_equal(http_client_call(arena, &call, &answer, &failure), HTTP_CALL_OK);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, listen_up, listen_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(certificates_are_verified),
        LIVE(only_good_protocols_and_suites),
        cmocka_unit_test(suites_are_forward_secret_and_aead),
        LIVE(no_tickets_and_no_renegotiation),
        LIVE(reload_leaves_connections_alone),
        LIVE(failed_reload_keeps_the_old_certificate),
        cmocka_unit_test(a_withdrawn_client_ca_counts_at_once),
        cmocka_unit_test(without_client_ca_none_is_believed),
        cmocka_unit_test(proxied_certificates_are_verified_again),
        cmocka_unit_test(strangers_cannot_report_certificates),
        cmocka_unit_test(a_proxy_does_not_lend_its_own_certificate),
        LIVE(the_client_verifies_who_answers),
        LIVE(a_system_certificate_that_is_withdrawn_counts_no_more),
        LIVE(kept_connections_do_not_bridge_the_address_check),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
