/*
 * One piece being fetched, in units of 16 KiB: which have arrived, which are
 * asked for, from whom one is arriving right now. Requests of any size are
 * runs of units, so neighbours with different block sizes can share a piece.
 */
#ifndef MURDER_CORE_PARTIAL_H
#define MURDER_CORE_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "mem.h"
#include "tick.h"

#define PARTIAL_UNIT LIMIT_BLOCK_STANDARD
#define PARTIAL_MAX_ASKED 3 /* neighbours asked for the same unit, at most */

struct partial_unit {
	bool got;
	uint8_t n_asked; /* requests outstanding that cover it */
	uint8_t taker;   /* slot + 1 of the neighbour it arrives from; 0 none */
};

struct partial {
	uint32_t piece;
	uint32_t size;    /* bytes */
	uint32_t n_units; /* ceil(size / PARTIAL_UNIT) */
	uint32_t n_got;
	bool storing;   /* complete; ACTION_STORE is under way */
	bool alone;     /* only one neighbour may serve it: its hash was
			   wrong before and the culprit is not known */
	uint32_t owner; /* slot + 1 of that neighbour; 0 not chosen yet */
	struct instant begun;
	uint32_t n_gone;                    /* sources that have left since */
	uint64_t sources[LIMIT_PEERS / 64]; /* slots that sent part of it */
	struct partial_unit unit[];
};

/* [begin, end) in units of what a request of these bytes covers. */
struct unit_run {
	uint32_t begin, end;
};

struct partial *partial_new(
    const struct mem *mem, uint32_t piece, uint32_t size, struct instant now);
void partial_free(const struct mem *mem, struct partial *f);

/* The units of the bytes [begin, begin + length) of the piece. */
struct unit_run partial_run_of(
    const struct partial *f, uint32_t begin, uint32_t length);

/*
 * The first run of units, from unit `from` on, that nobody was asked for (or,
 * with duplicate, that exactly one was and that does not arrive yet), at most
 * max_bytes long. Empty (begin == end) if there is none.
 */
struct unit_run partial_find(
    const struct partial *f, uint32_t from, uint32_t max_bytes, bool duplicate);

/* The bytes of a run: offset and, cut at the piece's end, length. */
uint32_t partial_run_begin(struct unit_run r);
uint32_t partial_run_length(const struct partial *f, struct unit_run r);

/* Counts a request for the run, or takes it back. */
void partial_ask(struct partial *f, struct unit_run r);
void partial_unask(struct partial *f, struct unit_run r);

/* Whether anybody is asked for a unit of the run. */
bool partial_is_asked(const struct partial *f, struct unit_run r);

/* The run begins to arrive from slot; false if a unit of it is here already,
 * and nothing is changed. */
bool partial_take(struct partial *f, struct unit_run r, uint32_t slot);

/* Slot no longer delivers: its unfinished units are free again. */
void partial_untake(struct partial *f, uint32_t slot);

/* What has arrived of the run is to come once more. */
void partial_forget(struct partial *f, struct unit_run r);

/* Unit u has arrived from slot. */
void partial_got(struct partial *f, uint32_t u, uint32_t slot);

/* Whether nothing arrived, is asked for, or is arriving. */
bool partial_is_blank(const struct partial *f);

/* The neighbour in that slot leaves: it remains counted as a source, but no
 * longer by its slot; a piece it alone was to serve begins anew. */
void partial_source_gone(struct partial *f, uint32_t slot);

bool partial_has_source(const struct partial *f, uint32_t slot);
/* Those gone included. */
uint32_t partial_n_sources(const struct partial *f);

#endif
