#include "sowing.h"

#include <assert.h>
#include <string.h>

#include "err.h"

int
sowing_init(struct sowing *w, const struct mem *mem, uint32_t n)
{
	memset(w, 0, sizeof(*w));
	w->mem = mem;
	w->n_pieces = n;
	w->n_floor = n;
	if (n == 0)
		return 0;
	w->n_sent = mem_zalloc(mem, n, sizeof(*w->n_sent));
	return w->n_sent == NULL ? ERR_NOMEM : 0;
}

void
sowing_free(struct sowing *w)
{
	if (w->mem != NULL)
		mem_free(w->mem, w->n_sent);
	w->n_sent = NULL;
	w->n_pieces = 0;
}

uint32_t
sowing_pick(const struct sowing *w, const struct bits *have)
{
	uint32_t k, i, best = w->n_pieces, least = UINT32_MAX;

	for (k = 0; k < w->n_pieces && least > w->floor; k++) {
		i = (w->next + k) % w->n_pieces;
		if (w->n_sent[i] >= least || bits_get(have, i))
			continue;
		best = i;
		least = w->n_sent[i];
	}
	return best;
}

bool
sowing_is_due(const struct sowing *w, uint32_t piece, const struct bits *have)
{
	uint32_t other = sowing_pick(w, have);

	return other == w->n_pieces || w->n_sent[piece] <= w->n_sent[other];
}

/* Nothing stands at the floor: it rises. */
static void
find_floor(struct sowing *w)
{
	uint32_t i;

	w->floor = UINT16_MAX;
	for (i = 0; i < w->n_pieces; i++) {
		if (w->n_sent[i] < w->floor) {
			w->floor = w->n_sent[i];
			w->n_floor = 0;
		}
		if (w->n_sent[i] == w->floor)
			w->n_floor++;
	}
}

void
sowing_add(struct sowing *w, uint32_t piece)
{
	assert(piece < w->n_pieces);
	if (w->n_sent[piece] == UINT16_MAX)
		return;
	w->next = (piece + 1) % w->n_pieces;
	if (w->n_sent[piece]++ == w->floor && --w->n_floor == 0)
		find_floor(w);
}

void
sowing_undo(struct sowing *w, uint32_t piece)
{
	assert(piece < w->n_pieces);
	if (w->n_sent[piece] == 0)
		return;
	w->n_sent[piece]--;
	w->next = piece;
	if (w->n_sent[piece] < w->floor) {
		w->floor = w->n_sent[piece];
		w->n_floor = 0;
	}
	if (w->n_sent[piece] == w->floor)
		w->n_floor++;
}
