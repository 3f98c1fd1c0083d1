/*
 * A host's memory and disk. Content is f(piece, offset), so no byte is kept:
 * an extent says which bytes of a piece have arrived and whether they were the
 * right ones. Hashing and writing take time on a few threads.
 */
#ifndef MURDER_SIM_DISK_H
#define MURDER_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct extent {
	uint32_t begin, end; /* bytes into the piece, [begin, end) */
	bool good;           /* the bytes of f(piece, .) */
};

/* A piece being put together in memory. */
struct held {
	struct extent *extents; /* ordered, disjoint */
	uint32_t n, cap;
	uint32_t piece;
	bool storing; /* the ACTION_STORE is under way */
};

struct disk {
	struct held *held;
	uint32_t n_held, cap_held;
	uint64_t free_at[8]; /* ns, per thread */
	uint32_t n_threads;
};

void disk_init(struct disk *d, uint32_t n_threads);
void disk_free(struct disk *d);

/* The piece in memory, or NULL. */
struct held *disk_find(const struct disk *d, uint32_t piece);

/* [begin, end) of piece has arrived; later bytes replace earlier ones. */
void disk_write(struct disk *d, uint32_t piece, struct extent bytes);

/* Whether all of [0, length) has arrived. */
bool held_whole(const struct held *h, uint32_t length);
/* Whether every byte that arrived was right: what the hash will say. */
bool held_good(const struct held *h);

/* Forgets the memory of piece; nothing if there is none. */
void disk_drop(struct disk *d, uint32_t piece);

/* Occupies the first free thread from now for cost ns; gives the end. */
uint64_t disk_work(struct disk *d, uint64_t now, uint64_t cost);

#endif
