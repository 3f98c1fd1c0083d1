#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4u /* children of a heap node: one cache line pair */

void *
sim_resize(void *p, size_t n, size_t size)
{
	void *q = NULL;

	if (n <= SIZE_MAX / size)
		q = realloc(p, n * size);
	if (q == NULL) {
		fprintf(stderr, "murder_sim: out of memory\n");
		abort();
	}
	return q;
}

void *
sim_zalloc(size_t n, size_t size)
{
	void *p = sim_resize(NULL, n, size);

	memset(p, 0, n * size);
	return p;
}

void
sim_init(struct sim *s)
{
	memset(s, 0, sizeof(*s));
}

void
sim_free(struct sim *s)
{
	free(s->heap);
	memset(s, 0, sizeof(*s));
}

static bool
before(const struct event *x, const struct event *y)
{
	return x->at < y->at || (x->at == y->at && x->seq < y->seq);
}

void
sim_push(struct sim *s, uint64_t at, enum event_kind kind, uint32_t a,
    uint32_t b, uint32_t n)
{
	struct event e = {.at = at,
	    .seq = s->seq++,
	    .kind = (uint32_t)kind,
	    .a = a,
	    .b = b,
	    .n = n};
	size_t i = s->n;

	assert(at >= s->now);
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 1024 : 2 * s->cap;
		s->heap = sim_resize(s->heap, s->cap, sizeof(*s->heap));
	}
	s->n++;
	while (i > 0 && before(&e, &s->heap[(i - 1) / WAYS])) {
		s->heap[i] = s->heap[(i - 1) / WAYS];
		i = (i - 1) / WAYS;
	}
	s->heap[i] = e;
}

/* Puts e where the root was taken away. */
static void
sink(struct sim *s, struct event e)
{
	size_t i = 0;

	for (;;) {
		size_t first = i * WAYS + 1, least = first, j;

		if (first >= s->n)
			break;
		for (j = first + 1; j < first + WAYS && j < s->n; j++)
			if (before(&s->heap[j], &s->heap[least]))
				least = j;
		if (!before(&s->heap[least], &e))
			break;
		s->heap[i] = s->heap[least];
		i = least;
	}
	s->heap[i] = e;
}

bool
sim_pop(struct sim *s, struct event *out)
{
	if (s->n == 0)
		return false;
	*out = s->heap[0];
	s->n--;
	if (s->n > 0)
		sink(s, s->heap[s->n]);
	assert(out->at >= s->now);
	s->now = out->at;
	s->n_events++;
	return true;
}

uint64_t
sim_transfer_ns(uint64_t n, uint64_t rate)
{
	assert(rate > 0);
	return (n * 1000000000u + rate - 1) / rate;
}
