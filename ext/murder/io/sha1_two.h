/*
 * Two SHA-1 sums of equally long inputs at once. A processor's SHA-1
 * instructions wait for each other within one sum; a second one fills the
 * waiting, so that both take little longer than one. io/digest uses it where
 * the processor can.
 */
#ifndef MURDER_IO_SHA1_TWO_H
#define MURDER_IO_SHA1_TWO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/digest.h"

struct sha1_two {
	uint32_t h[2][5];
	uint64_t n; /* bytes of each so far */
};

/* Whether this processor has the instructions; without, the rest must not be
 * called. */
bool sha1_two_possible(void);

void sha1_two_begin(struct sha1_two *t);

/* Adds n bytes, a multiple of 64, from a and from b. */
void sha1_two_add(
    struct sha1_two *t, const uint8_t *a, const uint8_t *b, size_t n);

/* Adds the last n bytes of each, any number, and gives both sums. */
void sha1_two_end(struct sha1_two *t, const uint8_t *a, const uint8_t *b,
    size_t n, uint8_t out[2][SHA1_BYTES]);

#endif
