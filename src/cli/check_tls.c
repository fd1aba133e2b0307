#include "cli/check.h"

#include "base/clock.h"
#include "conf/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PEM_BYTES_MAX (1024u * 1024u)
#define WARNING_DAYS 30

/* Never asks at the terminal: a key with a passphrase is one that a server cannot use. */
static int no_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)context;
    return 0;
}

static BIO *open_pem(struct check *check, const char *key, const char *path)
{
    struct str bytes;
    struct failure failure;
    if (file_read(check->arena, path, PEM_BYTES_MAX, &bytes, &failure) != OK) {
        check_fault(check, key, "put the file there, readable for the user that runs sluis", "%s",
                    failure.text);
        return NULL;
    }
    return BIO_new_mem_buf(bytes.length > 0 ? bytes.data : "", (int)bytes.length);
}

static const char *name_of(struct check *check, const X509 *certificate)
{
    char name[256];
    X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name);
    return cli_printable(check->arena, str_from_c(name));
}

static void check_validity(struct check *check, const char *key, const char *path, const X509 *certificate)
{
    int days = 0;
    int seconds = 0;
    time_t now = (time_t)clock_now();
    ASN1_TIME *today = ASN1_TIME_set(NULL, now);
    bool is_read =
        today != NULL && ASN1_TIME_diff(&days, &seconds, today, X509_get0_notAfter(certificate)) == 1;
    ASN1_TIME_free(today);
    if (!is_read)
        check_fault(check, key, "get a new certificate", "%s: the end of its validity cannot be read", path);
    else if (days < 0 || seconds < 0)
        check_fault(check, key, "get a new certificate", "%s: %s expired %d days ago", path,
                    name_of(check, certificate), -days);
    else if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
        check_fault(check, key, "look at the clock of this machine", "%s: %s is not valid yet", path,
                    name_of(check, certificate));
    else if (days < WARNING_DAYS)
        check_warning(check, key, "get a new certificate in time", "%s: %s expires in %d days", path,
                      name_of(check, certificate), days);
    else
        check_ok(check, key, "%s: %s, valid for %d days", path, name_of(check, certificate), days);
}

static void check_private_key(struct check *check, const char *key, const char *path, X509 *certificate)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        check_fault(check, key, "chmod o-rwx it", "%s: every user of this machine can read this private key",
                    path);
    BIO *pem = open_pem(check, key, path);
    if (pem == NULL)
        return;
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    if (private_key == NULL)
        check_fault(check, key, "name a PEM file with a private key without passphrase",
                    "%s: there is no usable private key in it", path);
    else if (X509_check_private_key(certificate, private_key) != 1)
        check_fault(check, key, "name the key that the certificate was made with",
                    "%s: this key does not belong to the certificate", path);
    else
        check_ok(check, key, "%s: belongs to the certificate", path);
    EVP_PKEY_free(private_key);
    BIO_free(pem);
    ERR_clear_error();
}

/* The name that clients will look for, as they look for it (RFC 6125: subjectAltName only). */
static void check_name(struct check *check, const char *key, const char *path, X509 *certificate,
                       const char *base_url)
{
    struct str host = str_from_c(strstr(base_url, "://") + 3);
    host = str_slice(host, 0, str_find(host, ':'));
    if (X509_check_host(certificate, host.data, host.length, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1)
        check_ok(check, key, "%s: is for %.*s", path, STR_ARG(host));
    else
        check_fault(check, key, "get a certificate with that name among its subjectAltNames",
                    "%s: is not for %.*s, the host of %s", path, STR_ARG(host), base_url);
}

static void check_chain(struct check *check, const char *section, const char *certificate_file,
                        const char *key_file, const char *base_url)
{
    if (certificate_file == NULL)
        return;
    const char *key = arena_printf(check->arena, "%s.certificate", section);
    BIO *pem = open_pem(check, key, certificate_file);
    if (pem == NULL)
        return;
    X509 *leaf = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
    if (leaf == NULL) {
        check_fault(check, key, "name a PEM file with the certificate first and its chain after it",
                    "%s: there is no certificate in it", certificate_file);
    } else {
        check_validity(check, key, certificate_file, leaf);
        if (base_url != NULL)
            check_name(check, key, certificate_file, leaf, base_url);
        if (key_file != NULL)
            check_private_key(check, arena_printf(check->arena, "%s.key", section), key_file, leaf);
        X509 *above;
        while ((above = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL) {
            check_validity(check, key, certificate_file, above);
            X509_free(above);
        }
    }
    X509_free(leaf);
    BIO_free(pem);
    ERR_clear_error();
}

static void check_authorities(struct check *check, const char *key, const char *path)
{
    if (path == NULL)
        return;
    BIO *pem = open_pem(check, key, path);
    if (pem == NULL)
        return;
    unsigned count = 0;
    X509 *authority;
    while ((authority = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL) {
        count++;
        check_validity(check, key, path, authority);
        X509_free(authority);
    }
    if (count == 0)
        check_fault(check, key, "name a PEM file with the certificates of the authorities",
                    "%s: there is no certificate in it", path);
    BIO_free(pem);
    ERR_clear_error();
}

void check_certificates(struct check *check)
{
    const struct conf *conf = check->conf;
    check_chain(check, "front", conf->front.certificate, conf->front.key, conf->base_url);
    check_chain(check, "back", conf->back.certificate, conf->back.key, conf->token_base_url);
    check_chain(check, "internal", conf->internal.certificate, conf->internal.key, NULL);
    check_chain(check, "lists", conf->lists_certificate, conf->lists_key, NULL);
    check_authorities(check, "back.client_ca", conf->back.client_ca);
    check_authorities(check, "internal.client_ca", conf->internal.client_ca);
    check_authorities(check, "lists.ca", conf->lists_ca);
}
