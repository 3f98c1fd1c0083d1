#include <assert.h>
#include <string.h>

#include "tracker_pick.h"

/* How many of a swarm should know an origin. Our clients keep 20 to 40
 * neighbours; beyond, the choice of neighbours hardly matters. */
#define ORIGIN_DEGREE 40u

/* More origins than this are a crowd, and need no protection. */
#define ORIGINS_FEW 8u

/* At least twice the entries of a full answer, and a power of two: probing
 * stays short. A shorter answer uses, and clears, fewer. */
#define SLOTS_LOG2_MIN 5u
#define SLOTS_LOG2_MAX 9u

/*
 * The indices [0, n) in a random order, of which only the first few are ever
 * looked at: a Fisher-Yates shuffle that remembers displaced entries only.
 */
struct shuffle {
	uint32_t n;
	uint32_t done; /* taken so far */
	unsigned slots_log2;
	struct {
		uint32_t place; /* + 1; 0 is an empty slot */
		uint32_t value;
	} slot[1u << SLOTS_LOG2_MAX];
};

/* Of [0, n), at most want will be taken. */
static void
shuffle_init(struct shuffle *s, uint32_t n, uint32_t want)
{
	s->n = n;
	s->done = 0;
	s->slots_log2 = SLOTS_LOG2_MIN;
	while (UINT32_C(1) << s->slots_log2 < 2 * want)
		s->slots_log2++;
	assert(s->slots_log2 <= SLOTS_LOG2_MAX);
	memset(s->slot, 0, sizeof(s->slot[0]) << s->slots_log2);
}

/* The slot where place is, or is to be, remembered. */
static uint32_t
shuffle_slot(const struct shuffle *s, uint32_t place)
{
	uint32_t mask = (UINT32_C(1) << s->slots_log2) - 1;
	/* Knuth's multiplicative hash: its high bits */
	uint32_t i = place * UINT32_C(2654435769) >> (32 - s->slots_log2);

	while (s->slot[i].place != 0 && s->slot[i].place != place + 1)
		i = (i + 1) & mask;
	return i;
}

static uint32_t
shuffle_at(const struct shuffle *s, uint32_t place)
{
	uint32_t i = shuffle_slot(s, place);

	return s->slot[i].place != 0 ? s->slot[i].value : place;
}

/* The next of the order; s->done < s->n. */
static uint32_t
shuffle_take(struct shuffle *s, struct rng *rng)
{
	uint32_t here = s->done++;
	uint32_t there = here + rng_below(rng, s->n - here);
	uint32_t taken = shuffle_at(s, there);
	uint32_t i = shuffle_slot(s, there);
	uint32_t value = shuffle_at(s, here);

	s->slot[i].place = there + 1;
	s->slot[i].value = value;
	return taken;
}

/* Appends origins by chance; gives how many. */
static uint32_t
pick_origins(const struct tracker_pick_view *v, struct rng *rng, uint32_t want,
    uint32_t *out)
{
	uint32_t n_all = v->n_origins + v->n_completed + v->n_leechers;
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_origins && n < want; i++)
		if (rng_below(rng, n_all) < ORIGIN_DEGREE)
			out[n++] = i;
	return n;
}

uint32_t
tracker_pick(const struct tracker_pick_view *v, struct rng *rng,
    uint32_t out[LIMIT_NUMWANT])
{
	uint32_t want = v->want < LIMIT_NUMWANT ? v->want : LIMIT_NUMWANT;
	uint32_t begin = 0;
	uint32_t end = v->n_origins + v->n_completed + v->n_leechers;
	uint32_t n = 0;
	bool self_inside;
	struct shuffle s;

	if (v->self_complete) {
		begin = v->n_origins + v->n_completed;
	} else if (v->n_origins <= ORIGINS_FEW) {
		assert(v->self >= v->n_origins); /* it is no seed */
		n = pick_origins(v, rng, want, out);
		begin = v->n_origins;
	}
	self_inside = v->self >= begin && v->self < end;
	shuffle_init(&s, end - begin - (self_inside ? 1 : 0), want);
	while (n < want && s.done < s.n) {
		uint32_t i = begin + shuffle_take(&s, rng);

		out[n++] = self_inside && i >= v->self ? i + 1 : i;
	}
	return n;
}

uint32_t
tracker_pick_mates(const struct tracker_mates_view *v, struct rng *rng,
    uint32_t out[LIMIT_NUMWANT])
{
	uint32_t want = v->want < LIMIT_NUMWANT ? v->want : LIMIT_NUMWANT;
	uint32_t n = 0;
	struct shuffle s;

	assert(v->n == 0 || v->self < v->n);
	if (v->n <= 1 || v->n == v->n_all)
		return 0;
	want -= want / 2;
	shuffle_init(&s, v->n - 1, want);
	while (n < want && s.done < s.n) {
		uint32_t i = shuffle_take(&s, rng);

		out[n++] = i >= v->self ? i + 1 : i;
	}
	return n;
}
