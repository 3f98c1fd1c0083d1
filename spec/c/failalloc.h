/*
 * An allocator for tests: counts, fails the k-th allocation, knows what was
 * not given back. Growing always moves, so that a pointer kept too long is
 * found by ASan and valgrind.
 */
#ifndef MURDER_SPEC_FAILALLOC_H
#define MURDER_SPEC_FAILALLOC_H

#include <stddef.h>

#include "core/mem.h"

struct failalloc {
	struct mem mem;    /* to be handed to the code under test */
	size_t n_asked;    /* allocations and resizes asked for */
	size_t fail_at;    /* the one that fails, from 1; 0: none */
	size_t n_live;     /* blocks not yet released */
	size_t bytes_live; /* in them */
	size_t bytes_peak; /* the most there ever were */
};

/* Makes f ready; it must not move while anything uses &f->mem. */
void failalloc_init(struct failalloc *f, size_t fail_at);

/* Fails the test if anything was not released. */
void failalloc_check(const struct failalloc *f);

/*
 * Calls run(mem, arg) with its first, second, … allocation failing until none
 * is left to fail. Each failed run must give ERR_NOMEM, the last one 0, and
 * all must release what they took. Gives the number of failed runs.
 */
size_t failalloc_each(int (*run)(const struct mem *mem, void *arg), void *arg);

#endif
