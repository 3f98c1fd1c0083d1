/*
 * Where the time of the up-links goes: sampled a hundred times in T*, summed
 * by tenths of T*. Busy is exact; a link that is idle at the instant of the
 * sample has been so for the first of these reasons that holds; the idle time
 * of one that is busy then is put down as gaps.
 */
#ifndef MURDER_SIM_USAGE_H
#define MURDER_SIM_USAGE_H

#include "world.h"

enum usage_kind {
	USAGE_BUSY,     /* the link was sending */
	USAGE_ALONE,    /* no neighbours */
	USAGE_NOTHING,  /* no neighbour lacks a piece that we have */
	USAGE_UNDERWAY, /* they lack some, but are receiving those already */
	USAGE_DOWN,     /* they want some, but their down-links are full */
	USAGE_LOST,     /* they want some and could take it: lost time */
	USAGE_GAPS,     /* between chunks: held back by full windows */
	N_USAGE
};

#define USAGE_PHASES 16u /* tenths of T*; the last holds the rest */

struct usage {
	double share[USAGE_PHASES][N_USAGE]; /* host-samples */
	double down_busy[USAGE_PHASES], down_all[USAGE_PHASES];
	double seeder[USAGE_PHASES], samples[USAGE_PHASES];
	uint64_t *up_ns, *down_ns; /* busy_ns of each host last time */
	double *down; /* busy share of each down-link since last time */
	uint64_t at, step;
	uint8_t *taken; /* per host a bitfield: pieces held or coming */
	uint32_t n_bytes;
};

void usage_start(struct world *w);
void usage_sample(struct world *w);
void usage_free(struct world *w);
/* A table of per cents, one line per phase. */
void usage_print(const struct world *w, FILE *out);

#endif
