/*
 * For the tests that need a live listener: free ports, raw connections, and certificates made on the spot in
 * a folder of their own. Included by one test program each, hence the static functions.
 */
#ifndef TEST_HTTP_FIXTURE_H
#define TEST_HTTP_FIXTURE_H

#include "base/arena.h"
#include "base/rand.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

#define WAIT_MS 60000 /* for what comes at once unless the machine is busy */

static UNUSED struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

#define PORT_FIRST 20000 /* below those that the system gives to outgoing connections */
#define PORT_COUNT 1400

/* Until this program ends no other takes this port: a name that the system forgets with us. */
static UNUSED bool claim_port(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "sluis-test-port-%d", port);
    if (bind(claim, (struct sockaddr *)&name, sizeof name) == 0)
        return true;
    close(claim);
    return false;
}

/* A port that nobody listens on; test programs run side by side. */
static UNUSED int free_port(void)
{
    static unsigned next;
    if (next == 0)
        next = (unsigned)getpid() * 41;
    for (int tries = 0; tries < PORT_COUNT; tries++) {
        int port = PORT_FIRST + (int)(next++ % PORT_COUNT);
        struct sockaddr_in address = loopback(port);
        int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int is_reused = 1; /* as a listener may */
        setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &is_reused, sizeof is_reused);
        bool is_free = claim_port(port) && bind(probe, (struct sockaddr *)&address, sizeof address) == 0;
        close(probe);
        if (is_free)
            return port;
    }
    fail_msg("no free port");
    return 0;
}

static UNUSED int raw_connect(int port)
{
    struct sockaddr_in address = loopback(port);
    int raw = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(raw >= 0);
    if (connect(raw, (struct sockaddr *)&address, sizeof address) != 0) {
        close(raw);
        return -1;
    }
    return raw;
}

static UNUSED void raw_send(int raw, struct str bytes)
{
    assert_int_equal(send(raw, bytes.data, bytes.length, MSG_NOSIGNAL), (ssize_t)bytes.length);
}

/* Reads until the text holds `until`, the peer closes, or `timeout_ms` of silence. NULL: until it closes. */
static UNUSED const char *raw_read(struct arena *arena, int raw, const char *until, int timeout_ms)
{
    size_t size = 65536, length = 0;
    char *text = arena_alloc(arena, size);
    while (length < size - 1) {
        struct pollfd ready = {.fd = raw, .events = POLLIN};
        if (poll(&ready, 1, timeout_ms) != 1)
            break;
        ssize_t got = recv(raw, text + length, size - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
        text[length] = '\0';
        if (until != NULL && strstr(text, until) != NULL)
            break;
    }
    return text;
}

/* One request on a connection of its own, and everything that comes back until the end of the headers. */
static UNUSED const char *raw_exchange(struct arena *arena, int port, struct str request)
{
    int raw = raw_connect(port);
    assert_true(raw >= 0);
    raw_send(raw, request);
    const char *answer = raw_read(arena, raw, "\r\n\r\n", WAIT_MS);
    close(raw);
    return answer;
}

/* True when the peer closes within `timeout_ms`; whatever it still says is thrown away. */
static UNUSED bool raw_is_closed(int raw, int timeout_ms)
{
    char scrap[4096];
    struct pollfd ready = {.fd = raw, .events = POLLIN};
    while (poll(&ready, 1, timeout_ms) == 1)
        if (recv(raw, scrap, sizeof scrap, 0) <= 0)
            return true;
    return false;
}

/* Certificates. */

struct identity {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

struct identity_wish {
    const char *name;              /* of the files: <name>.crt and <name>.key */
    const struct identity *issuer; /* NULL = self-signed CA */
    const char *hosts[4];          /* SAN dNSNames */
    const char *purpose;           /* NULL = both server and client */
    time_t expires_in;             /* seconds; 0 = an hour */
};

static UNUSED char fixture_folder[64];

static UNUSED const char *fixture_path(struct arena *arena, const char *file)
{
    return arena_printf(arena, "%s/%s", fixture_folder, file);
}

static UNUSED void fixture_begin(void)
{
    strcpy(fixture_folder, "/tmp/sluis-test-XXXXXX");
    assert_non_null(mkdtemp(fixture_folder));
}

static UNUSED int fixture_remove(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static UNUSED void fixture_end(void)
{
    nftw(fixture_folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static UNUSED void fixture_write(struct arena *arena, const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(fixture_path(arena, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static UNUSED void identity_save(struct arena *arena, const struct identity *identity, const char *name)
{
    gnutls_datum_t pem;
    assert_int_equal(gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
    fixture_write(arena, arena_printf(arena, "%s.crt", name), pem.data, pem.size);
    gnutls_free(pem.data);
    assert_int_equal(gnutls_x509_privkey_export2(identity->key, GNUTLS_X509_FMT_PEM, &pem), 0);
    fixture_write(arena, arena_printf(arena, "%s.key", name), pem.data, pem.size);
    gnutls_free(pem.data);
}

static UNUSED struct identity identity_make(struct arena *arena, const struct identity_wish *wish)
{
    struct identity made;
    unsigned char serial[8];
    time_t now = time(NULL);
    rand_bytes(serial, sizeof serial);
    serial[0] &= 0x7F;
    assert_int_equal(gnutls_x509_privkey_init(&made.key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(made.key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&made.certificate), 0);
    gnutls_x509_crt_t certificate = made.certificate;
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
    gnutls_x509_crt_set_activation_time(certificate, now - 7200);
    gnutls_x509_crt_set_expiration_time(certificate, now + (wish->expires_in ? wish->expires_in : 3600));
    gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, wish->name,
                                  (unsigned)strlen(wish->name));
    gnutls_x509_crt_set_key(certificate, made.key);
    unsigned char key_id[64];
    size_t key_id_size = sizeof key_id;
    gnutls_x509_crt_get_key_id(certificate, 0, key_id, &key_id_size);
    gnutls_x509_crt_set_subject_key_id(certificate, key_id, key_id_size);
    for (size_t i = 0; i < 4 && wish->hosts[i] != NULL; i++)
        gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, wish->hosts[i],
                                             (unsigned)strlen(wish->hosts[i]), GNUTLS_FSAN_APPEND);
    bool is_ca = wish->issuer == NULL;
    gnutls_x509_crt_set_basic_constraints(certificate, is_ca, -1);
    gnutls_x509_crt_set_key_usage(certificate,
                                  is_ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (!is_ca && wish->purpose != NULL)
        gnutls_x509_crt_set_key_purpose_oid(certificate, wish->purpose, 0);
    const struct identity *issuer = is_ca ? &made : wish->issuer;
    assert_int_equal(
        gnutls_x509_crt_sign2(certificate, issuer->certificate, issuer->key, GNUTLS_DIG_SHA256, 0), 0);
    identity_save(arena, &made, wish->name);
    return made;
}

static UNUSED void identity_free(struct identity *identity)
{
    gnutls_x509_crt_deinit(identity->certificate);
    gnutls_x509_privkey_deinit(identity->key);
}

#endif
