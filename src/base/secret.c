#include "base/secret.h"

#include <sodium.h>
#include <stdlib.h>

struct secret {
    size_t length;
    unsigned char *bytes; /* sodium_malloc */
};

struct secret *secret_new(struct str value)
{
    struct secret *secret = malloc(sizeof *secret);
    if (secret == NULL || (secret->bytes = sodium_malloc(value.length + 1)) == NULL)
        abort();
    secret->length = value.length;
    if (value.length > 0)
        memcpy(secret->bytes, value.data, value.length);
    secret->bytes[value.length] = 0;
    sodium_mprotect_readonly(secret->bytes);
    return secret;
}

void secret_free(struct secret **secret)
{
    if (secret == NULL || *secret == NULL)
        return;
    sodium_free((*secret)->bytes);
    free(*secret);
    *secret = NULL;
}

struct str secret_reveal(const struct secret *secret)
{
    return str_of(secret->bytes, secret->length);
}

bool secret_equal(struct str expected, struct str offered)
{
    return expected.length == offered.length &&
           (expected.length == 0 || sodium_memcmp(expected.data, offered.data, expected.length) == 0);
}
