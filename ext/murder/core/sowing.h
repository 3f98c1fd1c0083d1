/*
 * What a seeder sends next: the piece it has sent least. Until every piece has
 * gone out once this is super-seeding without its waiting (BEP 16); what goes
 * out twice before everything went out once delays everybody.
 */
#ifndef MURDER_CORE_SOWING_H
#define MURDER_CORE_SOWING_H

#include <stdbool.h>
#include <stdint.h>

#include "bits.h"
#include "mem.h"

struct sowing {
	const struct mem *mem;
	uint32_t n_pieces;
	uint16_t *n_sent; /* how often each piece went out */
	uint32_t floor;   /* the least of them */
	uint32_t n_floor; /* how many pieces stand at the floor */
	uint32_t next;    /* where to look first */
};

/* Makes a seeder's memory of n pieces, none sent; 0 or ERR_NOMEM. */
int sowing_init(struct sowing *w, const struct mem *mem, uint32_t n);
void sowing_free(struct sowing *w);

/* The least sent piece that `have` lacks; n_pieces if it lacks none. */
uint32_t sowing_pick(const struct sowing *w, const struct bits *have);

/* Whether `have` lacks no piece that was sent less often than this one. */
bool sowing_is_due(
    const struct sowing *w, uint32_t piece, const struct bits *have);

/* A piece goes out, or did not go out after all. */
void sowing_add(struct sowing *w, uint32_t piece);
void sowing_undo(struct sowing *w, uint32_t piece);

#endif
