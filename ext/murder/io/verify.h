/*
 * Which pieces of a file are there already: its hashes checked on libuv's
 * pool, several pieces at a time.
 */
#ifndef MURDER_IO_VERIFY_H
#define MURDER_IO_VERIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/bits.h"
#include "io/loop.h"
#include "io/payload.h"

#define VERIFY_WORKERS 4

struct verify {
	const struct payload *file;
	const struct mem *mem;
	bool skip_holes; /* what was never written is not there */
	bool stop_early; /* at the first bad piece */
	uint8_t *good;   /* one byte a piece, each written by one worker */
	atomic_uint next;
	atomic_bool stop;
	atomic_int sys; /* errno of a failed read, or 0 */
	uv_work_t work[VERIFY_WORKERS];
	uint32_t n_working;
	void (*on_done)(void *ctx);
	void *ctx;
};

/*
 * Begins; on_done() follows in every case, after which verify_result() and
 * verify_free() are due. skip_holes and stop_early are the caller's to set
 * before. 0, ERR_NOMEM, or a negative libuv error: then nothing follows.
 */
int verify_start(struct verify *v, struct loop *l, const struct payload *file,
    const struct mem *mem);

/* Gives up: on_done() follows soon. */
void verify_cancel(struct verify *v);

/* The good pieces, into bits of n_pieces, all clear before. Gives the number
 * of the first bad piece; n_pieces if there is none. */
uint32_t verify_result(const struct verify *v, struct bits *have);

void verify_free(struct verify *v);

#endif
