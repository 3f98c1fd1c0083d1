#include <assert.h>
#include <stdbool.h>

#include "err.h"
#include "tracker_index.h"

#define CAP_MIN 8u

/* Three quarters full at most: a search without success looks at 8.5 slots on
 * average, which is two lines of cache. */
static bool
is_full(const struct tracker_index *x)
{
	return x->n >= x->cap - x->cap / 4;
}

/* The slot where a search begins, and the one after. */
static uint32_t
home(const struct tracker_index *x, uint32_t hash)
{
	return hash & (x->cap - 1);
}

static uint32_t
after(const struct tracker_index *x, uint32_t at)
{
	return (at + 1) & (x->cap - 1);
}

uint32_t
tracker_index_begin(const struct tracker_index *x, uint32_t hash)
{
	return x->cap > 0 ? home(x, hash) : 0;
}

uint32_t
tracker_index_next(const struct tracker_index *x, uint32_t hash, uint32_t *at)
{
	if (x->cap == 0)
		return TRACKER_INDEX_NONE;
	for (;;) {
		struct tracker_slot s = x->slot[*at];

		if (s.id == TRACKER_INDEX_NONE)
			return TRACKER_INDEX_NONE;
		*at = after(x, *at);
		if (s.hash == hash)
			return s.id;
	}
}

/* There is an empty slot. */
static void
put(struct tracker_index *x, struct tracker_slot s)
{
	uint32_t at = home(x, s.hash);

	while (x->slot[at].id != TRACKER_INDEX_NONE)
		at = after(x, at);
	x->slot[at] = s;
}

/* Twice the slots; ERR_NOMEM with nothing changed. */
static int
grow(struct tracker_index *x, const struct mem *mem)
{
	struct tracker_index y = {
	    .n = x->n, .cap = x->cap > 0 ? 2 * x->cap : CAP_MIN};

	y.slot = mem_resize(mem, NULL, y.cap, sizeof(*y.slot));
	if (y.slot == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < y.cap; i++)
		y.slot[i].id = TRACKER_INDEX_NONE;
	for (uint32_t i = 0; i < x->cap; i++)
		if (x->slot[i].id != TRACKER_INDEX_NONE)
			put(&y, x->slot[i]);
	mem_free(mem, x->slot);
	*x = y;
	return 0;
}

int
tracker_index_add(
    struct tracker_index *x, const struct mem *mem, uint32_t hash, uint32_t id)
{
	assert(id != TRACKER_INDEX_NONE);
	if (is_full(x) && grow(x, mem) != 0)
		return ERR_NOMEM;
	put(x, (struct tracker_slot){.hash = hash, .id = id});
	x->n++;
	return 0;
}

void
tracker_index_remove(
    struct tracker_index *x, const struct mem *mem, uint32_t hash, uint32_t id)
{
	uint32_t hole = tracker_index_begin(x, hash);

	assert(x->n > 0);
	while (x->slot[hole].id != id) {
		assert(x->slot[hole].id != TRACKER_INDEX_NONE);
		hole = after(x, hole);
	}
	/* what could not be at its home closes up: no search meets a gap */
	for (uint32_t at = after(x, hole); x->slot[at].id != TRACKER_INDEX_NONE;
	     at = after(x, at)) {
		uint32_t way = (at - home(x, x->slot[at].hash)) & (x->cap - 1);

		if (way >= ((at - hole) & (x->cap - 1))) {
			x->slot[hole] = x->slot[at];
			hole = at;
		}
	}
	x->slot[hole].id = TRACKER_INDEX_NONE;
	if (--x->n > 0)
		return;
	mem_free(mem, x->slot);
	*x = (struct tracker_index){.n = 0};
}
