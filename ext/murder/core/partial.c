#include <assert.h>
#include <stddef.h>

#include "partial.h"

struct partial *
partial_new(
    const struct mem *mem, uint32_t piece, uint32_t size, struct instant now)
{
	uint32_t n = (size + PARTIAL_UNIT - 1) / PARTIAL_UNIT;
	struct partial *f;

	assert(size > 0);
	f = mem_zalloc(mem, 1,
	    offsetof(struct partial, unit) + n * sizeof(struct partial_unit));
	if (f == NULL)
		return NULL;
	f->piece = piece;
	f->size = size;
	f->n_units = n;
	f->begun = now;
	return f;
}

void
partial_free(const struct mem *mem, struct partial *f)
{
	mem_free(mem, f);
}

struct unit_run
partial_run_of(const struct partial *f, uint32_t begin, uint32_t length)
{
	assert(begin < f->size);
	assert(length > 0);
	assert(length <= f->size - begin);
	return (struct unit_run){.begin = begin / PARTIAL_UNIT,
	    .end = (begin + length + PARTIAL_UNIT - 1) / PARTIAL_UNIT};
}

static bool
free_unit(const struct partial_unit *u, bool duplicate)
{
	if (u->got)
		return false;
	if (duplicate)
		return u->n_asked >= 1 && u->n_asked < PARTIAL_MAX_ASKED &&
		       u->taker == 0;
	return u->n_asked == 0 && u->taker == 0;
}

struct unit_run
partial_find(
    const struct partial *f, uint32_t from, uint32_t max_bytes, bool duplicate)
{
	uint32_t max = max_bytes / PARTIAL_UNIT;
	struct unit_run r;

	assert(max > 0);
	for (r.begin = from; r.begin < f->n_units; r.begin++)
		if (free_unit(&f->unit[r.begin], duplicate))
			break;
	if (r.begin >= f->n_units) /* from may lie behind the end */
		return (struct unit_run){
		    .begin = f->n_units, .end = f->n_units};
	for (r.end = r.begin + 1; r.end < f->n_units; r.end++)
		if (r.end - r.begin >= max ||
		    !free_unit(&f->unit[r.end], duplicate))
			break;
	return r;
}

uint32_t
partial_run_begin(struct unit_run r)
{
	return r.begin * PARTIAL_UNIT;
}

uint32_t
partial_run_length(const struct partial *f, struct unit_run r)
{
	uint32_t end = r.end * PARTIAL_UNIT;

	if (end > f->size)
		end = f->size;
	return end - r.begin * PARTIAL_UNIT;
}

void
partial_ask(struct partial *f, struct unit_run r)
{
	for (; r.begin < r.end; r.begin++) {
		assert(f->unit[r.begin].n_asked < UINT8_MAX);
		f->unit[r.begin].n_asked++;
	}
}

void
partial_unask(struct partial *f, struct unit_run r)
{
	for (; r.begin < r.end; r.begin++) {
		assert(f->unit[r.begin].n_asked > 0);
		f->unit[r.begin].n_asked--;
	}
}

bool
partial_is_asked(const struct partial *f, struct unit_run r)
{
	for (; r.begin < r.end; r.begin++)
		if (f->unit[r.begin].n_asked > 0)
			return true;
	return false;
}

bool
partial_take(struct partial *f, struct unit_run r, uint32_t slot)
{
	uint32_t u;

	assert(slot < LIMIT_PEERS);
	if (f->storing)
		return false;
	for (u = r.begin; u < r.end; u++)
		if (f->unit[u].got)
			return false;
	for (u = r.begin; u < r.end; u++)
		f->unit[u].taker = (uint8_t)(slot + 1);
	return true;
}

void
partial_untake(struct partial *f, uint32_t slot)
{
	uint32_t u;

	for (u = 0; u < f->n_units; u++)
		if (f->unit[u].taker == slot + 1)
			f->unit[u].taker = 0;
}

void
partial_forget(struct partial *f, struct unit_run r)
{
	uint32_t u;

	for (u = r.begin; u < r.end; u++) {
		f->n_got -= f->unit[u].got;
		f->unit[u].got = false;
	}
}

void
partial_got(struct partial *f, uint32_t u, uint32_t slot)
{
	assert(u < f->n_units);
	assert(!f->unit[u].got);
	f->unit[u].got = true;
	f->unit[u].taker = 0;
	f->n_got++;
	f->sources[slot / 64] |= (uint64_t)1 << (slot % 64);
}

bool
partial_is_blank(const struct partial *f)
{
	uint32_t u;

	if (f->n_got > 0)
		return false;
	for (u = 0; u < f->n_units; u++)
		if (f->unit[u].n_asked > 0 || f->unit[u].taker != 0)
			return false;
	return true;
}

bool
partial_has_source(const struct partial *f, uint32_t slot)
{
	return (f->sources[slot / 64] >> (slot % 64) & 1) != 0;
}

uint32_t
partial_n_sources(const struct partial *f)
{
	uint32_t n = f->n_gone, slot;

	for (slot = 0; slot < LIMIT_PEERS; slot++)
		if (partial_has_source(f, slot))
			n++;
	return n;
}

void
partial_source_gone(struct partial *f, uint32_t slot)
{
	uint32_t u;

	if (f->owner == slot + 1)
		f->owner = 0;
	if (!partial_has_source(f, slot))
		return;
	f->sources[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	if (!f->alone || f->storing) {
		f->n_gone++;
		return;
	}
	f->n_got = 0;
	for (u = 0; u < f->n_units; u++)
		f->unit[u].got = false;
}
