#include "http/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

struct trust {
    const char *file, *directory;
    pthread_mutex_t lock; /* of what follows; held while the file is read, which all others wait for */
    X509_STORE *store;    /* NULL = not read, or not to be read */
    struct stat seen;     /* of the file, just before it was read */
};

struct trust *trust_new(const char *file, const char *directory)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust == NULL)
        abort();
    trust->file = file;
    trust->directory = directory;
    pthread_mutex_init(&trust->lock, NULL);
    return trust;
}

void trust_free(struct trust **trust)
{
    if (*trust == NULL)
        return;
    X509_STORE_free((*trust)->store);
    pthread_mutex_destroy(&(*trust)->lock);
    free(*trust);
    *trust = NULL;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The flags are those that curl sets on a store of its own. */
static X509_STORE *read_store(const struct trust *trust)
{
    X509_STORE *store = X509_STORE_new();
    bool is_read = store != NULL && (trust->file != NULL || trust->directory != NULL) &&
                   (trust->file == NULL || X509_STORE_load_file(store, trust->file) == 1) &&
                   (trust->directory == NULL || X509_STORE_load_path(store, trust->directory) == 1) &&
                   X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN) == 1;
    if (is_read)
        return store;
    ERR_clear_error();
    X509_STORE_free(store);
    return NULL;
}

enum outcome trust_apply(struct trust *trust, SSL_CTX *context)
{
    struct stat now = {0};
    pthread_mutex_lock(&trust->lock);
    bool is_there = trust->file == NULL || stat(trust->file, &now) == 0;
    if (!is_there || !is_same_file(&now, &trust->seen)) {
        X509_STORE_free(trust->store); /* handshakes under way hold it too */
        trust->store = NULL;
    }
    if (is_there && trust->store == NULL) {
        trust->store = read_store(trust);
        trust->seen = now;
    }
    enum outcome outcome = trust->store != NULL ? OK : FAILED;
    if (outcome == OK)
        SSL_CTX_set1_cert_store(context, trust->store);
    pthread_mutex_unlock(&trust->lock);
    return outcome;
}
