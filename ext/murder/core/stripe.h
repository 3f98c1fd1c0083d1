/*
 * Stripes: piece i belongs to stripe i mod STRIPES. Each stripe flows down a
 * tree of its own, from the seeder to everybody, pushed and not asked for; a
 * host passes one stripe on to several others and receives the rest as a leaf
 * (Castro et al., SplitStream, SOSP 2003). Who sends what to whom is the
 * tracker's plan (forest.h); doc/PROTOCOL.md has the messages.
 */
#ifndef MURDER_CORE_STRIPE_H
#define MURDER_CORE_STRIPE_H

#include <stdint.h>

#define STRIPES 4u

/* A set of stripes, bit i being stripe i. */
typedef uint8_t stripes_t;

#define STRIPES_ALL ((stripes_t)((1u << STRIPES) - 1))

static inline uint32_t
stripe_of(uint32_t piece)
{
	return piece % STRIPES;
}

static inline stripes_t
stripe_bit(uint32_t stripe)
{
	return (stripes_t)(1u << stripe);
}

/* How many of n pieces belong to that stripe. */
static inline uint32_t
stripe_n_pieces(uint32_t stripe, uint32_t n)
{
	return n / STRIPES + (stripe < n % STRIPES ? 1 : 0);
}

#endif
