#include "http/tls.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_MAX 8
#define HOSTS_MAX 64
#define HOST_LENGTH_MAX 253

struct tls {
    atomic_uint references;
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_trust_list_t trust; /* the client CA, owned by the credentials; NULL when there is none */
    bool has_certificate;
};

static enum outcome load_files(struct tls *tls, const char *certificate_file, const char *key_file,
                               const char *client_ca_file, struct failure *failure)
{
    int code = gnutls_certificate_allocate_credentials(&tls->credentials);
    if (code < 0)
        return failure_set(failure, "TLS: %s", gnutls_strerror(code));
    if (certificate_file != NULL) {
        const char *const files[] = {certificate_file, key_file ? key_file : certificate_file};
        for (size_t i = 0; i < 2; i++)
            if (access(files[i], R_OK) != 0)
                return failure_set(failure, "%s: %s", files[i], strerror(errno));
        code = gnutls_certificate_set_x509_key_file(
            tls->credentials, certificate_file, key_file ? key_file : certificate_file, GNUTLS_X509_FMT_PEM);
        if (code < 0)
            return failure_set(failure, "%s: the certificate and its key cannot be used: %s",
                               certificate_file, gnutls_strerror(code));
        tls->has_certificate = true;
    }
    if (client_ca_file != NULL) {
        code = gnutls_certificate_set_x509_trust_file(tls->credentials, client_ca_file, GNUTLS_X509_FMT_PEM);
        if (code < 0)
            return failure_set(failure, "%s: the client CA cannot be used: %s", client_ca_file,
                               gnutls_strerror(code));
        if (code == 0)
            return failure_set(failure, "%s: there is no certificate in it", client_ca_file);
        gnutls_certificate_get_trust_list(tls->credentials, &tls->trust);
    }
    return OK;
}

enum outcome tls_load(const char *certificate_file, const char *key_file, const char *client_ca_file,
                      struct tls **out_tls, struct failure *failure)
{
    *out_tls = NULL;
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return failure_set(failure, "out of memory");
    tls->references = 1;
    if (load_files(tls, certificate_file, key_file, client_ca_file, failure) != OK) {
        tls_release(&tls);
        return FAILED;
    }
    *out_tls = tls;
    return OK;
}

struct tls *tls_keep(struct tls *tls)
{
    if (tls != NULL)
        atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
    return tls;
}

void tls_release(struct tls **tls)
{
    struct tls *mine = *tls;
    *tls = NULL;
    if (mine == NULL || atomic_fetch_sub_explicit(&mine->references, 1, memory_order_acq_rel) != 1)
        return;
    if (mine->credentials != NULL)
        gnutls_certificate_free_credentials(mine->credentials);
    free(mine);
}

static bool has_client_ca(const struct tls *tls)
{
    return tls != NULL && tls->trust != NULL;
}

void tls_attach(struct tls *tls, gnutls_session_t session)
{
    if (!tls->has_certificate)
        return;
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    gnutls_certificate_server_set_request(session,
                                          tls->trust != NULL ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
}

/* A host name as core.tknint.* compares it: letters, digits, hyphens and dots, lower case. Wildcards and
 * anything else are left out, so that they match nobody. */
static bool host_read(struct arena *arena, struct str name, struct str *out_host)
{
    if (name.length == 0 || name.length > HOST_LENGTH_MAX)
        return false;
    char *host = arena_strndup(arena, name.data, name.length);
    for (size_t i = 0; i < name.length; i++) {
        char c = host[i];
        if (c >= 'A' && c <= 'Z')
            host[i] = (char)(c + 32);
        else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    *out_host = str_of(host, name.length);
    return true;
}

static void hosts_read(gnutls_x509_crt_t certificate, struct arena *arena,
                       struct http_client_certificate *out_certificate)
{
    out_certificate->hosts = arena_array_of(arena, HOSTS_MAX, struct str);
    for (unsigned i = 0; i < HOSTS_MAX; i++) {
        char name[HOST_LENGTH_MAX + 2];
        size_t size = sizeof name;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return;
        if (type != GNUTLS_SAN_DNSNAME)
            continue; /* another kind of name, or one too long to be a host */
        struct str host;
        if (host_read(arena, str_of(name, size), &host))
            out_certificate->hosts[out_certificate->host_count++] = host;
    }
}

static bool chain_is_trusted(const struct tls *tls, gnutls_x509_crt_t *chain, unsigned count)
{
    unsigned status = 0;
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st demand = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose, .size = 0};
    unsigned flags = (unsigned)GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
    int code = gnutls_x509_trust_list_verify_crt2(tls->trust, chain, count, &demand, 1, flags, &status, NULL);
    return code == GNUTLS_E_SUCCESS && status == 0;
}

static void chain_read(const struct tls *tls, const gnutls_datum_t *ders, unsigned count, struct arena *arena,
                       struct http_client_certificate *out_certificate)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned ready = 0;
    bool is_sound = count > 0 && count <= CHAIN_MAX;
    for (unsigned i = 0; is_sound && i < count; i++) {
        is_sound = gnutls_x509_crt_init(&chain[ready]) == GNUTLS_E_SUCCESS;
        if (!is_sound)
            break;
        ready++;
        is_sound = gnutls_x509_crt_import(chain[i], &ders[i], GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS;
    }
    if (is_sound && chain_is_trusted(tls, chain, count)) {
        out_certificate->is_present = true;
        hosts_read(chain[0], arena, out_certificate);
    }
    while (ready > 0)
        gnutls_x509_crt_deinit(chain[--ready]);
}

void tls_read_peer(const struct tls *tls, gnutls_session_t session, struct arena *arena,
                   struct http_client_certificate *out_certificate)
{
    *out_certificate = (struct http_client_certificate){0};
    unsigned count = 0;
    if (!has_client_ca(tls) || gnutls_certificate_type_get(session) != GNUTLS_CRT_X509)
        return;
    const gnutls_datum_t *ders = gnutls_certificate_get_peers(session, &count);
    if (ders != NULL)
        chain_read(tls, ders, count, arena, out_certificate);
}

void tls_read_der(const struct tls *tls, struct str der, struct arena *arena,
                  struct http_client_certificate *out_certificate)
{
    *out_certificate = (struct http_client_certificate){0};
    if (!has_client_ca(tls) || der.length > UINT32_MAX)
        return;
    struct str copy = str_copy(arena, der); /* GnuTLS takes a pointer to writable bytes */
    gnutls_datum_t datum = {.data = (unsigned char *)(uintptr_t)copy.data, .size = (unsigned)copy.length};
    chain_read(tls, &datum, 1, arena, out_certificate);
}
