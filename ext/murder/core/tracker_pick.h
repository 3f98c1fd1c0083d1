/*
 * Whom to hand out: a pure function over counts, so that policy can be read,
 * tested and changed in one place. The tracker keeps a swarm's peers in three
 * lists; here they are one row of indices: origins, then completed, then
 * leechers.
 */
#ifndef MURDER_CORE_TRACKER_PICK_H
#define MURDER_CORE_TRACKER_PICK_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "rng.h"

#define TRACKER_PICK_NOBODY UINT32_MAX

struct tracker_pick_view {
	uint32_t n_origins;   /* complete when they came: the seeder */
	uint32_t n_completed; /* became complete here and stayed */
	uint32_t n_leechers;
	uint32_t self;      /* the asker's index, or TRACKER_PICK_NOBODY */
	bool self_complete; /* the asker is a seed */
	uint32_t want;      /* at most LIMIT_NUMWANT are given */
};

struct tracker_mates_view {
	uint32_t n;     /* in the rack, the asker included */
	uint32_t self;  /* its index there */
	uint32_t n_all; /* in the swarm */
	uint32_t want;  /* peers in the whole answer; mates are half of it */
};

/*
 * Writes the indices of distinct peers, never the asker, and gives how many.
 * Seeds get leechers only. A leecher gets a uniform random choice of all, with
 * one exception: while there are few origins each is given to all of the first
 * joiners, and with N peers later on with probability 40/N, so that the seeder
 * is everybody's first source and nobody's hot spot. Costs O(want).
 */
uint32_t tracker_pick(const struct tracker_pick_view *v, struct rng *rng,
    uint32_t out[LIMIT_NUMWANT]);

/*
 * The same among the asker's rack-mates: indices of at most `want` distinct
 * ones of `n`, never `self`, at random. When all n_all peers of the swarm are
 * in that rack there is nobody to prefer: none.
 */
uint32_t tracker_pick_mates(const struct tracker_mates_view *v, struct rng *rng,
    uint32_t out[LIMIT_NUMWANT]);

#endif
