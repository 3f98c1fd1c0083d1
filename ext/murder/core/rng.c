#include <assert.h>

#include "rng.h"

#define MULTIPLIER UINT64_C(6364136223846793005)

uint32_t
rng_u32(struct rng *r)
{
	uint64_t old = r->state;
	uint32_t shifted = (uint32_t)((old >> 18 ^ old) >> 27);
	uint32_t rot = (uint32_t)(old >> 59);

	r->state = old * MULTIPLIER + r->inc;
	return shifted >> rot | shifted << ((32 - rot) & 31);
}

void
rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	r->state = 0;
	r->inc = stream << 1 | 1;
	(void)rng_u32(r);
	r->state += seed;
	(void)rng_u32(r);
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	uint32_t surplus;
	uint64_t product;

	/* Lemire, "Fast Random Integer Generation in an Interval", 2019: the
	 * high half of the product, drawn again while the low half lies in
	 * the 2^32 mod n values that some results would have too many. */
	assert(n > 0);
	surplus = (0u - n) % n;
	do
		product = (uint64_t)rng_u32(r) * n;
	while ((uint32_t)product < surplus);
	return (uint32_t)(product >> 32);
}
