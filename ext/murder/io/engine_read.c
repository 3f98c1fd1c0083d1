#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "io/engine.h"

/* n bytes of the payload c receives are in their place. */
static void
engine_got(struct engine *e, struct conn *c, size_t n)
{
	c->got += (uint32_t)n;
	if (c->got == c->block.length)
		c->receiving = false;
	engine_check(
	    e, swarm_on_payload(e->swarm, c->id, (uint32_t)n, loop_now()));
	engine_drain(e);
}

/* Where the next byte of the payload belongs; NULL if nowhere. */
static uint8_t *
engine_place(struct engine *e, const struct conn *c)
{
	uint8_t *piece;

	if (c->discard)
		return NULL;
	piece = disk_place(&e->disk, c->block.piece);
	if (piece == NULL)
		return NULL;
	return piece + c->block.begin + c->got;
}

/* Bytes already read: protocol to the swarm, payload copied to its place. */
static void
engine_feed(struct engine *e, struct conn *c, struct span in)
{
	while (in.n > 0 && c->fd != -1 && !e->failed) {
		size_t n;

		if (c->receiving) {
			uint8_t *at = engine_place(e, c);

			n = c->block.length - c->got;
			if (n > in.n)
				n = in.n;
			if (at != NULL)
				memcpy(at, in.p, n);
			engine_got(e, c, n);
		} else {
			n = 0;
			engine_check(e, swarm_on_bytes(e->swarm, c->id, in, &n,
					    loop_now()));
			engine_drain(e);
			/* All is taken, or what it waits for is under way. */
			assert(n == in.n || c->receiving || c->fd == -1 ||
			       e->failed);
		}
		in.p += n;
		in.n -= n;
	}
}

/* Payload goes straight to its place; what comes behind it, up to a head of
 * the next, is copied. */
static ssize_t
engine_read_payload(struct engine *e, struct conn *c)
{
	uint8_t tail[ENGINE_TAIL_BYTES];
	uint8_t *at = engine_place(e, c);
	size_t want = c->block.length - c->got;
	struct iovec iov[2];
	int n_iov = 2;
	size_t got;
	ssize_t n;

	if (at == NULL) {
		at = e->sink;
		if (want > sizeof(e->sink)) {
			want = sizeof(e->sink);
			n_iov = 1;
		}
	}
	iov[0] = (struct iovec){at, want};
	iov[1] = (struct iovec){tail, sizeof(tail)};
	n = conn_read(c, iov, n_iov);
	if (n <= 0)
		return n;
	got = (size_t)n < want ? (size_t)n : want;
	engine_got(e, c, got);
	engine_feed(e, c, (struct span){tail, (size_t)n - got});
	return n;
}

static ssize_t
engine_read_messages(struct engine *e, struct conn *c)
{
	struct iovec iov = {e->scratch, sizeof(e->scratch)};
	ssize_t n = conn_read(c, &iov, 1);

	if (n > 0)
		engine_feed(e, c, (struct span){e->scratch, (size_t)n});
	return n;
}

void
engine_read(struct engine *e, struct conn *c)
{
	size_t turn = 0;

	while (c->fd != -1 && !e->failed && turn < ENGINE_TURN_BYTES) {
		ssize_t n = c->receiving ? engine_read_payload(e, c)
					 : engine_read_messages(e, c);

		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0 && c->fd != -1) {
			engine_lost(e, c);
			return;
		}
		turn += (size_t)n;
		if (c->drained)
			return; /* poll tells when there is more, or the end */
	}
}
