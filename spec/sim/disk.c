#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

void
disk_init(struct disk *d, uint32_t n_threads)
{
	memset(d, 0, sizeof(*d));
	d->n_threads = n_threads > 8 ? 8 : n_threads;
}

void
disk_free(struct disk *d)
{
	while (d->n_held > 0)
		disk_drop(d, d->held[0].piece);
	free(d->held);
	d->held = NULL;
	d->cap_held = 0;
}

struct held *
disk_find(const struct disk *d, uint32_t piece)
{
	uint32_t i;

	for (i = 0; i < d->n_held; i++)
		if (d->held[i].piece == piece)
			return &d->held[i];
	return NULL;
}

static struct held *
held_add(struct disk *d, uint32_t piece)
{
	struct held *h;

	if (d->n_held == d->cap_held) {
		d->cap_held = d->cap_held == 0 ? 4 : 2 * d->cap_held;
		d->held = sim_resize(d->held, d->cap_held, sizeof(*d->held));
	}
	h = &d->held[d->n_held++];
	*h = (struct held){.piece = piece};
	return h;
}

/* Puts e at place i, moving the rest up. */
static void
extent_insert(struct held *h, uint32_t i, struct extent e)
{
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 4 : 2 * h->cap;
		h->extents =
		    sim_resize(h->extents, h->cap, sizeof(*h->extents));
	}
	memmove(&h->extents[i + 1], &h->extents[i],
	    (h->n - i) * sizeof(*h->extents));
	h->extents[i] = e;
	h->n++;
}

static void
extent_remove(struct held *h, uint32_t i)
{
	h->n--;
	memmove(&h->extents[i], &h->extents[i + 1],
	    (h->n - i) * sizeof(*h->extents));
}

/* Takes [begin, end) out of what is there; gives where it belongs. */
static uint32_t
extent_clear(struct held *h, uint32_t begin, uint32_t end)
{
	uint32_t i = 0;

	while (i < h->n && h->extents[i].end <= begin)
		i++;
	if (i < h->n && h->extents[i].begin < begin) {
		struct extent rest = h->extents[i];

		h->extents[i].end = begin;
		i++;
		if (rest.end > end) {
			rest.begin = end;
			extent_insert(h, i, rest);
			return i;
		}
	}
	while (i < h->n && h->extents[i].end <= end)
		extent_remove(h, i);
	if (i < h->n && h->extents[i].begin < end)
		h->extents[i].begin = end;
	return i;
}

void
disk_write(struct disk *d, uint32_t piece, struct extent e)
{
	struct held *h = disk_find(d, piece);
	struct extent *before;
	uint32_t i;

	if (h == NULL)
		h = held_add(d, piece);
	assert(!h->storing);
	i = extent_clear(h, e.begin, e.end);
	before = i > 0 ? &h->extents[i - 1] : NULL;
	if (before != NULL && before->end == e.begin &&
	    before->good == e.good) {
		before->end = e.end;
		i--;
	} else {
		extent_insert(h, i, e);
	}
	if (i + 1 < h->n && h->extents[i].end == h->extents[i + 1].begin &&
	    h->extents[i].good == h->extents[i + 1].good) {
		h->extents[i].end = h->extents[i + 1].end;
		extent_remove(h, i + 1);
	}
}

bool
held_whole(const struct held *h, uint32_t length)
{
	uint32_t i, at = 0;

	for (i = 0; i < h->n; i++) {
		if (h->extents[i].begin != at)
			return false;
		at = h->extents[i].end;
	}
	return at == length;
}

bool
held_good(const struct held *h)
{
	uint32_t i;

	for (i = 0; i < h->n; i++)
		if (!h->extents[i].good)
			return false;
	return true;
}

void
disk_drop(struct disk *d, uint32_t piece)
{
	struct held *h = disk_find(d, piece);

	if (h == NULL)
		return;
	free(h->extents);
	*h = d->held[--d->n_held];
}

uint64_t
disk_work(struct disk *d, uint64_t now, uint64_t cost)
{
	uint32_t i, first = 0;

	for (i = 1; i < d->n_threads; i++)
		if (d->free_at[i] < d->free_at[first])
			first = i;
	if (d->free_at[first] < now)
		d->free_at[first] = now;
	d->free_at[first] += cost;
	return d->free_at[first];
}
