/*
 * A peer's address as the BEPs carry it: IPv4 (BEP 23) or IPv6 (BEP 7) and a
 * port. IPv4-mapped IPv6 is stored as IPv4, so equal hosts compare equal.
 */
#ifndef MURDER_CORE_ADDR_H
#define MURDER_CORE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"

enum addr_family { ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
	enum addr_family family;
	uint8_t ip[16]; /* network order; IPv4 uses the first 4, rest zero */
	uint16_t port;  /* host order */
};

/* Room for the longest text form with its NUL. */
#define ADDR_TEXT 56

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_same_host(const struct addr *a, const struct addr *b);

/* From 4 or 16 bytes of address, network order; ERR_RANGE otherwise. */
int addr_from_bytes(struct addr *a, struct span ip, uint16_t port);

/* From text without port: dotted quad or IPv6 (RFC 4291); ERR_SYNTAX. */
int addr_from_text(struct addr *a, struct span text, uint16_t port);

/* Writes "1.2.3.4:80" or "[::1]:80" (RFC 5952) with its NUL. */
void addr_to_text(const struct addr *a, char out[ADDR_TEXT]);
/* The same without brackets and port. */
void addr_host_text(const struct addr *a, char out[ADDR_TEXT]);

/* Appends the compact form: 6 bytes (BEP 23) or 18 bytes (BEP 7). */
int addr_put_compact(struct buf *out, const struct addr *a);
/* Writes it to p, where there is room; gives its end. */
uint8_t *addr_write_compact(uint8_t *p, const struct addr *a);
/* Takes one compact address of that family off the front of in. */
int addr_take_compact(struct span *in, enum addr_family f, struct addr *out);

/* Whether it is of the host itself: 127.0.0.0/8 or ::1. */
bool addr_is_loopback(const struct addr *a);

#endif
