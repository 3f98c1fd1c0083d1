#include "uploads.h"

static bool
before(const struct upload_view *a, const struct upload_view *b)
{
	if (a->n_sent != b->n_sent)
		return a->n_sent < b->n_sent;
	if (a->far != b->far)
		return a->far;
	return a->n_have < b->n_have;
}

static uint32_t
neediest(const struct upload_view *v, uint32_t n, bool slow, struct rng *rng)
{
	uint32_t i, best = n, n_ties = 0;

	for (i = 0; i < n; i++) {
		if (v[i].slow != slow)
			continue;
		if (best == n || before(&v[i], &v[best])) {
			best = i;
			n_ties = 1;
		} else if (!before(&v[best], &v[i])) {
			n_ties++;
			if (rng_below(rng, n_ties) == 0)
				best = i;
		}
	}
	return best;
}

uint32_t
uploads_pick(
    const struct upload_view *v, uint32_t n, bool slow_allowed, struct rng *rng)
{
	uint32_t best = n;

	if (slow_allowed)
		best = neediest(v, n, true, rng);
	if (best == n)
		best = neediest(v, n, false, rng);
	return best;
}
