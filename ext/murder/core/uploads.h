/*
 * Whom to serve next: a pure function over small views. Cooperative, not
 * tit-for-tat: the neediest neighbour first (fewest pieces; ties at random)
 * among those that drain at a normal speed; slow drainers always look needy,
 * so they come last and get one upload of their own (doc/SCHEDULER.md).
 */
#ifndef MURDER_CORE_UPLOADS_H
#define MURDER_CORE_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"

struct upload_view {
	uint32_t n_have; /* pieces the neighbour holds */
	uint32_t n_sent; /* times we sent the piece it asks for, if we care */
	bool far;        /* in another rack: brings it to others */
	bool slow;       /* drained far below the usual rate when last served */
};

/*
 * The index of the view to serve next, or n if there is nobody. With
 * slow_allowed (their own upload is free) a slow one goes first; without it
 * none is chosen.
 */
uint32_t uploads_pick(const struct upload_view *v, uint32_t n,
    bool slow_allowed, struct rng *rng);

#endif
