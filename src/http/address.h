/*
 * IP addresses: parsing their text, matching CIDR blocks, and telling public from private. Everything is held
 * as 16 bytes; IPv4 in its mapped form ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one comparison serves both.
 * Pure functions; any thread. Fuzz target: tests/fuzz/fuzz_proxy.c.
 */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    uint8_t bytes[16];
};

struct address_block {
    struct address first;
    unsigned prefix; /* bits, counted over 128 */
};

/* "192.0.2.1", "2001:db8::1"; nothing around it. */
enum outcome address_parse(struct str text, struct address *out_address) MUST_CHECK;
/* An address or "address/bits"; bits beyond the prefix must be zero. */
enum outcome address_block_parse(struct str text, struct address_block *out_block) MUST_CHECK;
/* FAILED for anything but IPv4 and IPv6. */
enum outcome address_from_socket(const struct sockaddr *socket_address,
                                 struct address *out_address) MUST_CHECK;
bool address_is_in(const struct address *address, const struct address_block *block);
/* Dotted quad for IPv4, RFC 5952 for IPv6. */
#define ADDRESS_TEXT_SIZE 46
void address_format(const struct address *address, char out_text[ADDRESS_TEXT_SIZE]);
const char *address_text(struct arena *arena, const struct address *address);

/* True for every address that is not a public unicast one: loopback, link-local, private, shared, unique
 * local, multicast, reserved and documentation ranges (RFC 6890), also when the IPv4 address is wrapped in
 * IPv6 (mapped, compatible, NAT64, 6to4). */
bool address_is_private(const struct address *address);

#endif
