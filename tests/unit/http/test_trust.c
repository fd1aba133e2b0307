/* The system's certificates: read once, read again when their file changed, and nothing without them. */
#include "http/trust.h"

#include "fixture.h"

#include <openssl/pem.h>

static struct arena *arena;
static struct trust *trust;
static SSL_CTX *context;

static const char *path(const char *file)
{
    return fixture_path(arena, file);
}

static X509 *load(const char *name)
{
    FILE *file = fopen(path(name), "r");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

/* As a handshake would judge it. */
static bool is_accepted(SSL_CTX *by, const char *name)
{
    X509 *certificate = load(name);
    X509_STORE_CTX *trial = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(trial, SSL_CTX_get_cert_store(by), certificate, NULL), 1);
    bool is_good = X509_verify_cert(trial) == 1;
    X509_STORE_CTX_free(trial);
    X509_free(certificate);
    return is_good;
}

/* Takes the place of what stands there at once, as an update of the system does. */
static void put(const char *source, const char *target)
{
    char bytes[8192];
    FILE *file = fopen(path(source), "r");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fixture_write(arena, "new", bytes, length);
    assert_int_equal(rename(path("new"), path(target)), 0);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    if (rand_init() != OK)
        return -1;
    fixture_begin();
    struct identity ca = identity_make(arena, &(struct identity_wish){.name = "ca"});
    struct identity other = identity_make(arena, &(struct identity_wish){.name = "other-ca"});
    struct identity ours =
        identity_make(arena, &(struct identity_wish){.name = "ours", .issuer = &ca, .hosts = {"localhost"}});
    struct identity theirs = identity_make(
        arena, &(struct identity_wish){.name = "theirs", .issuer = &other, .hosts = {"localhost"}});
    identity_free(&ca);
    identity_free(&other);
    identity_free(&ours);
    identity_free(&theirs);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_end();
    arena_free(&arena);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    put("ca.crt", "anchors.crt");
    trust = trust_new(path("anchors.crt"), NULL);
    context = SSL_CTX_new(TLS_client_method());
    return context != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    SSL_CTX_free(context);
    trust_free(&trust);
    return 0;
}

static void judges_by_the_file_and_reads_it_once(void **state)
{
    (void)state;
    SSL_CTX *second = SSL_CTX_new(TLS_client_method());
    assert_int_equal(trust_apply(trust, context), OK);
    assert_int_equal(trust_apply(trust, second), OK);
    assert_true(is_accepted(context, "ours.crt"));
    assert_false(is_accepted(context, "theirs.crt"));
    assert_ptr_equal(SSL_CTX_get_cert_store(context), SSL_CTX_get_cert_store(second));
    SSL_CTX_free(second);
}

static void a_file_that_changed_is_read_again(void **state)
{
    (void)state;
    SSL_CTX *later = SSL_CTX_new(TLS_client_method());
    assert_int_equal(trust_apply(trust, context), OK);
    put("other-ca.crt", "anchors.crt");
    assert_int_equal(trust_apply(trust, later), OK);
    assert_false(is_accepted(later, "ours.crt"));
    assert_true(is_accepted(later, "theirs.crt"));
    assert_true(is_accepted(context, "ours.crt")); /* a handshake under way ends as it began */
    SSL_CTX_free(later);
}

static void nothing_is_trusted_while_the_file_is_gone_or_broken(void **state)
{
    (void)state;
    assert_int_equal(trust_apply(trust, context), OK);
    assert_int_equal(unlink(path("anchors.crt")), 0);
    assert_int_equal(trust_apply(trust, context), FAILED);
    fixture_write(arena, "anchors.crt", "no certificate", 14);
    assert_int_equal(trust_apply(trust, context), FAILED);
    assert_int_equal(trust_apply(trust, context), FAILED);
    put("ca.crt", "anchors.crt");
    assert_int_equal(trust_apply(trust, context), OK);
    assert_true(is_accepted(context, "ours.crt"));
}

static void a_folder_is_searched_by_hash(void **state)
{
    (void)state;
    X509 *ca = load("ca.crt");
    int is_ok;
    unsigned long hash = X509_NAME_hash_ex(X509_get_subject_name(ca), NULL, NULL, &is_ok);
    X509_free(ca);
    assert_true(is_ok);
    put("ca.crt", arena_printf(arena, "%08lx.0", hash));
    struct trust *folder = trust_new(NULL, fixture_folder);
    assert_int_equal(trust_apply(folder, context), OK);
    assert_true(is_accepted(context, "ours.crt"));
    assert_false(is_accepted(context, "theirs.crt"));
    trust_free(&folder);
}

static void without_file_and_folder_nothing_is_trusted(void **state)
{
    (void)state;
    struct trust *none = trust_new(NULL, NULL);
    assert_int_equal(trust_apply(none, context), FAILED);
    trust_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(judges_by_the_file_and_reads_it_once, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_changed_is_read_again, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_trusted_while_the_file_is_gone_or_broken, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_is_searched_by_hash, begin, end),
        cmocka_unit_test_setup_teardown(without_file_and_folder_nothing_is_trusted, begin, end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
