/*
 * A bitfield over pieces, laid out as BEP 3's bitfield message: piece 0 is the
 * high bit of byte 0, spare bits at the end are zero.
 */
#ifndef MURDER_CORE_BITS_H
#define MURDER_CORE_BITS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "mem.h"
#include "span.h"

struct bits {
	const struct mem *mem;
	uint8_t *p;
	uint32_t n;     /* bits */
	uint32_t n_set; /* kept up to date by every call */
};

/* Makes n bits, all clear; 0 or ERR_NOMEM. n may be 0. */
int bits_init(struct bits *b, const struct mem *mem, uint32_t n);
void bits_free(struct bits *b);

static inline bool
bits_get(const struct bits *b, uint32_t i) /* i < n */
{
	assert(i < b->n);
	return (b->p[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* Set or clear bit i < n; true if that changed it. */
bool bits_set(struct bits *b, uint32_t i);
bool bits_clear(struct bits *b, uint32_t i);
void bits_set_all(struct bits *b);
void bits_clear_all(struct bits *b);

static inline bool
bits_full(const struct bits *b) /* every bit set */
{
	return b->n_set == b->n;
}

/* Takes over a bitfield message's payload. ERR_PROTOCOL if the length is not
 * ceil(n/8) or a spare bit is set; b is then unchanged. */
int bits_from_wire(struct bits *b, struct span wire);

/* The payload of a bitfield message, borrowed. */
struct span bits_to_wire(const struct bits *b);

/* The first i >= from that is set in a and clear in b (same n); n if none. */
uint32_t bits_next_missing(
    const struct bits *a, const struct bits *b, uint32_t from);

/* The same for one that is set in both. */
uint32_t bits_next_common(
    const struct bits *a, const struct bits *b, uint32_t from);

#endif
