/*
 * An open hash of 32-bit numbers (linear probing): it knows the hashes of the
 * keys but not the keys, which are the caller's to compare. 11 to 21 bytes an
 * entry, in one block. Private to the tracker*.c files.
 */
#ifndef MURDER_CORE_TRACKER_INDEX_H
#define MURDER_CORE_TRACKER_INDEX_H

#include <stdint.h>

#include "mem.h"

/* No number of an entry. */
#define TRACKER_INDEX_NONE UINT32_MAX

struct tracker_slot {
	uint32_t hash;
	uint32_t id; /* TRACKER_INDEX_NONE: empty */
};

/* All zero is an empty one, without memory. */
struct tracker_index {
	struct tracker_slot *slot;
	uint32_t n;   /* entries */
	uint32_t cap; /* slots: 0 or a power of two */
};

/* Where a search for a hash begins; then the next entry with that hash, or
 * TRACKER_INDEX_NONE. The index must not change in between. */
uint32_t tracker_index_begin(const struct tracker_index *x, uint32_t hash);
uint32_t tracker_index_next(
    const struct tracker_index *x, uint32_t hash, uint32_t *at);

/* Adds an entry; ERR_NOMEM with nothing changed. */
int tracker_index_add(
    struct tracker_index *x, const struct mem *mem, uint32_t hash, uint32_t id);

/* Removes an entry that is there; the last one takes the memory with it. */
void tracker_index_remove(
    struct tracker_index *x, const struct mem *mem, uint32_t hash, uint32_t id);

#endif
