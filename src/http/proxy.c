#include "http/proxy.h"

#include "base/codec.h"
#include "http/form.h"

#include <gnutls/gnutls.h>
#include <limits.h>
#include <stdlib.h>

enum outcome proxy_list_parse(const char *const *texts, size_t count, struct proxy_list *out_list,
                              struct failure *failure)
{
    *out_list = (struct proxy_list){0};
    if (count == 0)
        return OK;
    struct address_block *blocks = calloc(count, sizeof *blocks);
    if (blocks == NULL)
        return failure_set(failure, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (address_block_parse(str_from_c(texts[i]), &blocks[i]) != OK) {
            free(blocks);
            return failure_set(failure, "%s: a trusted proxy must be an address or a CIDR block", texts[i]);
        }
    }
    *out_list = (struct proxy_list){.blocks = blocks, .count = count};
    return OK;
}

void proxy_list_free(struct proxy_list *list)
{
    free(list->blocks);
    *list = (struct proxy_list){0};
}

bool proxy_list_has(const struct proxy_list *list, const struct address *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (address_is_in(address, &list->blocks[i]))
            return true;
    return false;
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711" */
static enum outcome parse_entry(struct str entry, struct address *out_address)
{
    if (entry.length > 0 && entry.data[0] == '[') {
        size_t end = str_find(entry, ']');
        struct str port = str_slice(entry, end + 1, entry.length);
        if (end == entry.length || (port.length > 0 && port.data[0] != ':'))
            return FAILED;
        return address_parse(str_slice(entry, 1, end), out_address);
    }
    if (address_parse(entry, out_address) == OK)
        return OK;
    size_t colon = str_find(entry, ':');
    return colon < entry.length ? address_parse(str_slice(entry, 0, colon), out_address) : FAILED;
}

enum outcome proxy_forwarded_for(const struct proxy_list *list, struct str text, struct address *out_address)
{
    enum outcome outcome = ABSENT;
    size_t end = text.length;
    for (;;) {
        size_t start = end;
        while (start > 0 && text.data[start - 1] != ',')
            start--;
        struct address address;
        if (parse_entry(str_trim(str_slice(text, start, end)), &address) != OK)
            return ABSENT;
        *out_address = address;
        outcome = OK;
        if (start == 0 || !proxy_list_has(list, &address))
            return outcome;
        end = start - 1;
    }
}

static size_t count_of(struct str text, struct str piece)
{
    size_t count = 0;
    const char *at = text.data;
    for (size_t left = text.length; left >= piece.length;) {
        const char *found = memmem(at, left, piece.data, piece.length);
        if (found == NULL)
            break;
        count++;
        at = found + piece.length;
        left = text.length - (size_t)(at - text.data);
    }
    return count;
}

static enum outcome pem_to_der(struct arena *arena, struct str pem, struct str *out_der)
{
    /* Of several certificates it would be a guess which one was verified. */
    if (count_of(pem, STR("-----BEGIN")) != 1 || pem.length > UINT_MAX)
        return FAILED;
    gnutls_datum_t input = {.data = (unsigned char *)arena_strndup(arena, pem.data, pem.length),
                            .size = (unsigned)pem.length};
    gnutls_datum_t der;
    if (gnutls_pem_base64_decode2("CERTIFICATE", &input, &der) < 0)
        return FAILED;
    *out_der = str_copy(arena, str_of(der.data, der.size));
    gnutls_free(der.data);
    return OK;
}

enum outcome proxy_certificate_der(struct arena *arena, struct str text, struct str *out_der)
{
    struct str pem;
    *out_der = STR_NONE;
    /* Percent-encoding triples at most. */
    if (text.length < 2 || text.length > 3 * CERTIFICATE_DER_MAX)
        return FAILED;
    if (text.data[0] == ':') {
        if (text.data[text.length - 1] != ':' ||
            codec_base64_decode(arena, str_slice(text, 1, text.length - 1), out_der) != OK)
            return FAILED;
    } else if (form_decode_percent(arena, text, &pem) != OK || pem_to_der(arena, pem, out_der) != OK) {
        return FAILED;
    }
    return out_der->length > 0 && out_der->length <= CERTIFICATE_DER_MAX ? OK : FAILED;
}
