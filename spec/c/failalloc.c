#include "unit.h"

#include <stdlib.h>

#include "failalloc.h"

/* In front of every block: its size, padded to keep the alignment. */
union head {
	size_t n;
	max_align_t align;
};

static void
release(void *ctx, void *p)
{
	struct failalloc *f = ctx;
	union head *h;

	if (p == NULL)
		return;
	h = (union head *)p - 1;
	f->n_live--;
	f->bytes_live -= h->n;
	free(h);
}

static void *
resize(void *ctx, void *p, size_t n)
{
	struct failalloc *f = ctx;
	union head *h;

	assert_true(n > 0);
	if (++f->n_asked == f->fail_at)
		return NULL;
	h = malloc(sizeof(*h) + n);
	assert_non_null(h);
	memset(h + 1, 0xa5, n);
	h->n = n;
	if (p != NULL) {
		size_t before = ((union head *)p - 1)->n;

		memcpy(h + 1, p, before < n ? before : n);
	}
	f->n_live++;
	f->bytes_live += n;
	if (f->bytes_live > f->bytes_peak)
		f->bytes_peak = f->bytes_live;
	release(ctx, p);
	return h + 1;
}

void
failalloc_init(struct failalloc *f, size_t fail_at)
{
	*f = (struct failalloc){
	    .mem = {.resize = resize, .release = release, .ctx = f},
	    .fail_at = fail_at,
	};
}

void
failalloc_check(const struct failalloc *f)
{
	assert_int_equal(f->n_live, 0);
	assert_int_equal(f->bytes_live, 0);
}

size_t
failalloc_each(int (*run)(const struct mem *mem, void *arg), void *arg)
{
	for (size_t k = 1;; k++) {
		struct failalloc f;
		int rc;

		failalloc_init(&f, k);
		rc = run(&f.mem, arg);
		failalloc_check(&f);
		if (f.n_asked < k) {
			assert_int_equal(rc, 0);
			return k - 1;
		}
		assert_int_equal(rc, ERR_NOMEM);
	}
}
