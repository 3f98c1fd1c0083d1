#include <assert.h>
#include <string.h>

#include "err.h"
#include "picker.h"

/* Availabilities above this share the last bucket. */
#define TOP LIMIT_PEERS

int
picker_init(
    struct picker *p, const struct mem *mem, uint32_t n, struct rng *rng)
{
	uint32_t i, j, swap;

	memset(p, 0, sizeof(*p));
	p->mem = mem;
	p->n_pieces = n;
	if (n == 0)
		return 0;
	p->order = mem_zalloc(mem, n, sizeof(*p->order));
	p->at = mem_zalloc(mem, n, sizeof(*p->at));
	p->n_owners = mem_zalloc(mem, n, sizeof(*p->n_owners));
	if (p->order == NULL || p->at == NULL || p->n_owners == NULL) {
		picker_free(p);
		return ERR_NOMEM;
	}
	for (i = 0; i < n; i++)
		p->order[i] = i;
	for (i = n - 1; i > 0; i--) {
		j = rng_below(rng, i + 1);
		swap = p->order[i];
		p->order[i] = p->order[j];
		p->order[j] = swap;
	}
	for (i = 0; i < n; i++)
		p->at[p->order[i]] = i;
	p->n_open = n;
	for (i = 1; i < TOP + 2; i++)
		p->first[i] = n;
	return 0;
}

void
picker_free(struct picker *p)
{
	mem_free(p->mem, p->order);
	mem_free(p->mem, p->at);
	mem_free(p->mem, p->n_owners);
	p->order = NULL;
	p->at = NULL;
	p->n_owners = NULL;
	p->n_pieces = 0;
	p->n_open = 0;
}

static void
place(struct picker *p, uint32_t piece, uint32_t to)
{
	uint32_t from = p->at[piece], other = p->order[to];

	p->order[to] = piece;
	p->at[piece] = to;
	p->order[from] = other;
	p->at[other] = from;
}

static uint32_t
bucket(const struct picker *p, uint32_t piece)
{
	return p->n_owners[piece] < TOP ? p->n_owners[piece] : TOP;
}

void
picker_add_owner(struct picker *p, uint32_t piece)
{
	uint32_t a;

	assert(piece < p->n_pieces);
	a = bucket(p, piece);
	p->n_owners[piece]++;
	if (!picker_is_open(p, piece) || a == TOP)
		return;
	/* To the end of its bucket, then the next bucket begins before it. */
	p->first[a + 1]--;
	place(p, piece, p->first[a + 1]);
}

void
picker_drop_owner(struct picker *p, uint32_t piece)
{
	uint32_t a;

	assert(piece < p->n_pieces);
	assert(p->n_owners[piece] > 0);
	p->n_owners[piece]--;
	a = bucket(p, piece);
	if (!picker_is_open(p, piece) || p->n_owners[piece] >= TOP)
		return;
	/* To the start of its bucket, which then begins behind it. */
	place(p, piece, p->first[a + 1]);
	p->first[a + 1]++;
}

void
picker_add_owner_bits(struct picker *p, const struct bits *have)
{
	uint32_t i;

	for (i = 0; i < have->n; i++)
		if (bits_get(have, i))
			picker_add_owner(p, i);
}

void
picker_drop_owner_bits(struct picker *p, const struct bits *have)
{
	uint32_t i;

	for (i = 0; i < have->n; i++)
		if (bits_get(have, i))
			picker_drop_owner(p, i);
}

bool
picker_is_open(const struct picker *p, uint32_t piece)
{
	assert(piece < p->n_pieces);
	return p->at[piece] < p->n_open;
}

void
picker_shut(struct picker *p, uint32_t piece)
{
	uint32_t b;

	if (!picker_is_open(p, piece))
		return;
	/* Ripple through the buckets' ends to the end of the open part. */
	for (b = bucket(p, piece); b < TOP; b++) {
		p->first[b + 1]--;
		place(p, piece, p->first[b + 1]);
	}
	p->first[TOP + 1]--;
	p->n_open--;
	place(p, piece, p->n_open);
}

void
picker_open(struct picker *p, uint32_t piece)
{
	uint32_t b, a;

	if (picker_is_open(p, piece))
		return;
	a = bucket(p, piece);
	place(p, piece, p->n_open);
	p->n_open++;
	p->first[TOP + 1]++;
	for (b = TOP; b > a; b--) {
		place(p, piece, p->first[b]);
		p->first[b]++;
	}
}

static bool
wanted(
    const struct picker *p, const struct bits *have, stripes_t of, uint32_t i)
{
	uint32_t piece = p->order[i];

	return (of & stripe_bit(stripe_of(piece))) != 0 &&
	       bits_get(have, piece);
}

uint32_t
picker_pick(const struct picker *p, const struct bits *have, stripes_t of,
    struct rng *rng)
{
	uint32_t a, i, begin, end, start;

	if (p->n_open == 0 || have->n_set == 0 || of == 0)
		return p->n_pieces;
	for (a = 1; a <= TOP; a++) {
		begin = p->first[a];
		end = p->first[a + 1];
		if (begin == end)
			continue;
		start = begin + rng_below(rng, end - begin);
		for (i = start; i < end; i++)
			if (wanted(p, have, of, i))
				return p->order[i];
		for (i = begin; i < start; i++)
			if (wanted(p, have, of, i))
				return p->order[i];
	}
	return p->n_pieces;
}

bool
picker_all_owned(const struct picker *p)
{
	return p->first[1] == 0;
}
