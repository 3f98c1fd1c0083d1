/*
 * Pieces on their way from the network to the file: a buffer each from the
 * first block on, then a job on libuv's pool that checks the hash and writes.
 * Buffers are recycled. Only what its hash proved ever reaches the file.
 */
#ifndef MURDER_IO_DISK_H
#define MURDER_IO_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/mem.h"
#include "core/swarm.h"
#include "io/loop.h"
#include "io/payload.h"

/* Spare buffers kept, in bytes, for the next pieces. */
#define DISK_SPARE_BYTES (16u << 20)

/* Jobs at once, and pieces in one. */
#define DISK_JOBS 2
#define DISK_JOB_PIECES 2
/* While pieces follow each other within this time, one waits so long for the
 * next, to be hashed with it. */
#define DISK_COMPANY_MS 1u

struct disk;
struct disk_piece;
struct disk_spare;

struct disk_job {
	struct disk_piece *at[DISK_JOB_PIECES];
	uint32_t n; /* 0: not under way */
	uv_work_t work;
	struct disk *disk;
};

struct disk {
	struct loop *loop;
	const struct mem *mem;
	const struct payload *file;
	struct disk_piece *pieces; /* uthash by number */
	struct disk_spare *spare;  /* free buffers */
	uint32_t n_spare;
	struct disk_piece *ready; /* complete, in order, without a job */
	uint32_t n_ready;
	uint32_t n_storing; /* pieces with jobs, or ready */
	uint64_t ready_at;  /* when the last piece became ready, ns */
	bool brisk;         /* it soon followed the one before */
	uv_timer_t company; /* ends the wait of a piece for a second one */
	struct disk_job job[DISK_JOBS];
	/* sys is the errno of SWARM_DISK_ERROR. */
	void (*on_stored)(
	    void *ctx, uint32_t piece, enum swarm_stored how, int sys);
	void *ctx;
};

void disk_init(struct disk *d, struct loop *l, const struct mem *mem,
    const struct payload *file);
/* Frees the buffers; no job may be under way (see loop_close()). */
void disk_free(struct disk *d);

/* The memory of piece, made on first use; NULL if there is none. It stays in
 * place until disk_drop() or the end of disk_store(). */
uint8_t *disk_place(struct disk *d, uint32_t piece);

/* Whether piece is with the pool: nobody may write to its memory. */
bool disk_is_storing(struct disk *d, uint32_t piece);

/* Begins to check and write a complete piece; on_stored() tells the result.
 * Nobody may write to its memory from now on. */
void disk_store(struct disk *d, uint32_t piece);

/* Forgets the memory of piece; harmless if there is none. */
void disk_drop(struct disk *d, uint32_t piece);

#endif
