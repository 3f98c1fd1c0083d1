/*
 * PCG32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically
 * Good Algorithms for Random Number Generation", 2014; XSH RR 64/32). The
 * state belongs to the caller, so one seed decides everything.
 */
#ifndef MURDER_CORE_RNG_H
#define MURDER_CORE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
	uint64_t inc; /* odd */
};

/* Seeds r; different streams of one seed are independent. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);

/* Uniform over all 32-bit values. */
uint32_t rng_u32(struct rng *r);

/* Uniform in [0, n), without modulo bias; n > 0. */
uint32_t rng_below(struct rng *r, uint32_t n);

#endif
