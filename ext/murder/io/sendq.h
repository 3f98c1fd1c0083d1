/*
 * What waits to be sent to one neighbour, in order: control bytes, and blocks
 * that go from file to socket by sendfile(2). Both are bounded, so a
 * neighbour that never drains costs bounded memory.
 */
#ifndef MURDER_IO_SENDQ_H
#define MURDER_IO_SENDQ_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/swarm.h"
#include "core/wire.h"

/* Control bytes: a bitfield of LIMIT_PIECES is 32 KiB, a rejection 17 bytes. */
#define SENDQ_CONTROL_MAX (256u << 10)
/* Items: every request that may wait, with control between them. */
#define SENDQ_ITEMS_MAX 8192u
/* Written in one go before other neighbours get their turn. */
#define SENDQ_TURN_BYTES (1u << 20)

/* Control bytes (is_block false) or one block behind its head. */
struct sendq_item {
	uint32_t control; /* bytes of sendq.control that are this item */
	bool is_block;
	uint8_t head[WIRE_PIECE_HEAD_BYTES];
	uint8_t head_sent;
	uint32_t sent; /* bytes of the block */
	struct block block;
};

struct sendq {
	const struct mem *mem;
	struct buf control;      /* of all control items, in order */
	struct sendq_item *item; /* ring of cap, a power of two */
	uint32_t first, n, cap;
};

/* Where blocks come from and how they lie there. */
struct sendq_source {
	int fd;
	uint32_t piece_length;
};

/* Makes an empty queue; nothing is allocated yet. */
void sendq_init(struct sendq *q, const struct mem *mem);
void sendq_free(struct sendq *q);

bool sendq_empty(const struct sendq *q);

/* Append; 0, ERR_NOMEM, or ERR_LIMIT: close that connection. */
int sendq_put(struct sendq *q, struct span bytes);
int sendq_put_block(struct sendq *q, struct span head, struct block b);

enum sendq_state {
	SENDQ_DRAINED, /* empty now */
	SENDQ_FULL,    /* the socket takes no more for now */
	SENDQ_MORE,    /* the turn is over */
	SENDQ_BROKEN,  /* the connection failed */
	SENDQ_SOURCE   /* the file failed; errno, 0 if it ended too early */
};
/* Writes to the non-blocking socket fd; adds the bytes of blocks that went
 * out to *payload. */
enum sendq_state sendq_write(struct sendq *q, int fd,
    const struct sendq_source *from, uint32_t *payload);

#endif
