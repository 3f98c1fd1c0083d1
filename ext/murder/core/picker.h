/*
 * Which piece next: local rarest first. Pieces that nobody here works on stand
 * in one array sorted by availability, so a neighbour's HAVE costs O(1) and a
 * pick looks at the rarest first. Ties are broken at random, from the very
 * first piece on (doc/SCHEDULER.md).
 */
#ifndef MURDER_CORE_PICKER_H
#define MURDER_CORE_PICKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bits.h"
#include "limits.h"
#include "mem.h"
#include "rng.h"
#include "stripe.h"

struct picker {
	const struct mem *mem;
	uint32_t n_pieces;
	uint32_t n_open;    /* pieces that may be picked: order[0 .. n_open) */
	uint32_t *order;    /* open pieces, rarest first; then the others */
	uint32_t *at;       /* at[order[i]] == i */
	uint16_t *n_owners; /* availability: neighbours that hold the piece */
	/* first[a]: where pieces with availability >= a begin in order */
	uint32_t first[LIMIT_PEERS + 2];
};

/* Makes a picker over n pieces, all open, none available, in random order.
 * 0 or ERR_NOMEM. */
int picker_init(
    struct picker *p, const struct mem *mem, uint32_t n, struct rng *rng);
void picker_free(struct picker *p);

/* A neighbour got, or took away with it, this piece. */
void picker_add_owner(struct picker *p, uint32_t piece);
void picker_drop_owner(struct picker *p, uint32_t piece);

/* The same for a whole bitfield of a neighbour. */
void picker_add_owner_bits(struct picker *p, const struct bits *have);
void picker_drop_owner_bits(struct picker *p, const struct bits *have);

/* Takes a piece out of the running (being fetched, or held), or back in. */
void picker_shut(struct picker *p, uint32_t piece);
void picker_open(struct picker *p, uint32_t piece);
bool picker_is_open(const struct picker *p, uint32_t piece);

/*
 * The rarest open piece of these stripes that `have` holds, ties at random;
 * p->n_pieces if there is none.
 */
uint32_t picker_pick(const struct picker *p, const struct bits *have,
    stripes_t of, struct rng *rng);

/* Whether every open piece has an owner. */
bool picker_all_owned(const struct picker *p);

#endif
