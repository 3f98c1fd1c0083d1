#include "planted.h"
#include "unit.h"

bool
planted_has(const struct forest *f, uint32_t h)
{
	return f->host[h].home <= STRIPES;
}

uint32_t
planted_depth(const struct forest *f, uint32_t h, uint32_t stripe)
{
	uint32_t n = 0;

	while (h != f->root && h < f->n && n <= f->n) {
		h = f->host[h].parent[stripe];
		n++;
	}
	return h == f->root ? n : UINT32_MAX;
}

void
planted_check_links(const struct forest *f)
{
	uint32_t i, k, n;

	for (i = 0; i < f->n; i++) {
		const struct forest_host *h = &f->host[i];

		if (!planted_has(f, i))
			continue;
		for (k = 0; k < STRIPES; k++) {
			if (h->child[k] < f->n)
				assert_int_equal(
				    f->host[h->child[k]]
					.parent[forest_sends(h, k)],
				    i);
			if (h->parent[k] == FOREST_NOBODY)
				continue;
			assert_true(planted_has(f, h->parent[k]));
			for (n = 0; n < STRIPES; n++)
				if (f->host[h->parent[k]].child[n] == i &&
				    forest_sends(&f->host[h->parent[k]], n) ==
					k)
					break;
			assert_int_not_equal(n, STRIPES);
		}
	}
}

void
planted_check_fed(const struct forest *f)
{
	uint32_t i, k;

	for (i = 0; i < f->n; i++)
		for (k = 0; k < STRIPES && planted_has(f, i); k++)
			assert_int_not_equal(
			    planted_depth(f, i, k), UINT32_MAX);
}

void
planted_init(struct forest *f, struct failalloc *a, uint32_t n)
{
	uint32_t h;

	failalloc_init(a, 0);
	forest_init(f, &a->mem);
	assert_int_equal(forest_seed(f, &h), 0);
	while (n-- > 0)
		assert_int_equal(forest_join(f, &h), 0);
}

void
planted_check_loops(const struct forest *f)
{
	uint32_t i, k, h, n;

	for (i = 0; i < f->n; i++)
		for (k = 0; k < STRIPES && planted_has(f, i); k++) {
			h = f->host[i].parent[k];
			for (n = 0; n <= f->n && h < f->n; n++)
				h = f->host[h].parent[k];
			assert_true(n <= f->n);
		}
}
