#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static void map_ipv4(const void *four_bytes, struct address *out_address)
{
    memcpy(out_address->bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(out_address->bytes + sizeof mapped_prefix, four_bytes, 4);
}

enum outcome address_parse(struct str text, struct address *out_address)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr four;
    if (text.length == 0 || text.length >= sizeof copy || memchr(text.data, '\0', text.length) != NULL)
        return FAILED;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (inet_pton(AF_INET, copy, &four) == 1) {
        map_ipv4(&four, out_address);
        return OK;
    }
    return inet_pton(AF_INET6, copy, out_address->bytes) == 1 ? OK : FAILED;
}

static bool is_bit_set(const struct address *address, unsigned bit)
{
    return (address->bytes[bit / 8] >> (7 - bit % 8)) & 1;
}

enum outcome address_block_parse(struct str text, struct address_block *out_block)
{
    size_t slash = str_find(text, '/');
    struct str host = str_slice(text, 0, slash);
    if (address_parse(host, &out_block->first) != OK)
        return FAILED;
    bool is_ipv4 = str_find(host, ':') == host.length;
    int64_t bits = is_ipv4 ? 32 : 128;
    if (slash < text.length) {
        int64_t given;
        if (str_to_int64(str_slice(text, slash + 1, text.length), &given) != OK || given > bits)
            return FAILED;
        bits = given;
    }
    out_block->prefix = (unsigned)bits + (is_ipv4 ? 96 : 0);
    for (unsigned bit = out_block->prefix; bit < 128; bit++)
        if (is_bit_set(&out_block->first, bit))
            return FAILED;
    return OK;
}

enum outcome address_from_socket(const struct sockaddr *socket_address, struct address *out_address)
{
    if (socket_address == NULL)
        return FAILED;
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, socket_address, sizeof four);
        map_ipv4(&four.sin_addr, out_address);
        return OK;
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, socket_address, sizeof six);
        memcpy(out_address->bytes, &six.sin6_addr, sizeof out_address->bytes);
        return OK;
    }
    return FAILED;
}

bool address_is_in(const struct address *address, const struct address_block *block)
{
    unsigned whole = block->prefix / 8, rest = block->prefix % 8;
    if (memcmp(address->bytes, block->first.bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned difference = (unsigned)(address->bytes[whole] ^ block->first.bytes[whole]);
    return (difference >> (8 - rest)) == 0;
}

void address_format(const struct address *address, char out_text[ADDRESS_TEXT_SIZE])
{
    _Static_assert(ADDRESS_TEXT_SIZE >= INET6_ADDRSTRLEN, "an address fits");
    out_text[0] = '\0';
    if (memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0)
        inet_ntop(AF_INET, address->bytes + sizeof mapped_prefix, out_text, ADDRESS_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, address->bytes, out_text, ADDRESS_TEXT_SIZE);
}

const char *address_text(struct arena *arena, const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    address_format(address, text);
    return arena_strdup(arena, text);
}

struct range {
    uint8_t bytes[16];
    unsigned prefix;
};

static bool is_in_ranges(const uint8_t *bytes, const struct range *ranges, size_t count)
{
    struct address address = {{0}};
    memcpy(address.bytes, bytes, 16);
    for (size_t i = 0; i < count; i++) {
        struct address_block block = {.prefix = ranges[i].prefix};
        memcpy(block.first.bytes, ranges[i].bytes, 16);
        if (address_is_in(&address, &block))
            return true;
    }
    return false;
}

static bool is_private_ipv4(const uint8_t *four)
{
    static const struct range ranges[] = {
        {{0}, 8},             /* this network */
        {{10}, 8},            /* private */
        {{100, 64}, 10},      /* shared, carrier NAT */
        {{127}, 8},           /* loopback */
        {{169, 254}, 16},     /* link-local, cloud metadata */
        {{172, 16}, 12},      /* private */
        {{192, 0, 0}, 24},    /* protocol assignments */
        {{192, 0, 2}, 24},    /* documentation */
        {{192, 88, 99}, 24},  /* 6to4 relay */
        {{192, 168}, 16},     /* private */
        {{198, 18}, 15},      /* benchmarking */
        {{198, 51, 100}, 24}, /* documentation */
        {{203, 0, 113}, 24},  /* documentation */
        {{224}, 3},           /* multicast, reserved, broadcast */
    };
    uint8_t wide[16] = {0};
    memcpy(wide, four, 4);
    return is_in_ranges(wide, ranges, sizeof ranges / sizeof ranges[0]);
}

bool address_is_private(const struct address *address)
{
    static const uint8_t nat64_prefix[12] = {0x00, 0x64, 0xFF, 0x9B};
    static const uint8_t six_to_four_prefix[2] = {0x20, 0x02};
    static const struct range ranges[] = {
        {{0}, 96},                                  /* unspecified, loopback, IPv4-compatible */
        {{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48}, /* local NAT64 */
        {{0x01, 0x00}, 64},                         /* discard */
        {{0x20, 0x01, 0x00, 0x00}, 23},             /* protocol assignments, Teredo */
        {{0x20, 0x01, 0x0D, 0xB8}, 32},             /* documentation */
        {{0xFC}, 7},                                /* unique local */
        {{0xFE, 0x80}, 10},                         /* link-local */
        {{0xFE, 0xC0}, 10},                         /* site-local, deprecated */
        {{0xFF}, 8},                                /* multicast */
    };
    const uint8_t *bytes = address->bytes;
    if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0 ||
        memcmp(bytes, nat64_prefix, sizeof nat64_prefix) == 0)
        return is_private_ipv4(bytes + 12);
    if (memcmp(bytes, six_to_four_prefix, sizeof six_to_four_prefix) == 0)
        return is_private_ipv4(bytes + 2);
    return is_in_ranges(bytes, ranges, sizeof ranges / sizeof ranges[0]);
}
