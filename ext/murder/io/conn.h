/*
 * One TCP stream to a neighbour: our own non-blocking socket watched by
 * uv_poll. It knows bytes and nothing of the protocol; io/engine decides.
 */
#ifndef MURDER_IO_CONN_H
#define MURDER_IO_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/addr.h"
#include "core/swarm.h"
#include "io/loop.h"
#include "io/sendq.h"
#include "io/table.h"

/* Unsent bytes the kernel may hold: more would freeze the core's order of
 * service into a queue nobody can change. */
#define CONN_NOTSENT_BYTES (128 << 10)

struct conn {
	peer_t id;
	int fd;     /* -1: closed */
	int events; /* what poll is set to */
	bool connecting;
	bool lost;          /* see io/table.h */
	bool dirty;         /* on the list of those with something to send */
	bool full;          /* the socket takes no more until it says so */
	bool drained;       /* the last read took all there was */
	bool receiving;     /* the next bytes of the stream are payload */
	bool discard;       /* of nobody's use */
	struct block block; /* the payload's place */
	uint32_t got;       /* bytes of it */
	struct sendq out;
	uv_poll_t poll;
	void *owner; /* for the callback */
	struct conn *next_dirty;
	UT_hash_handle hh; /* by id */
};

/* Wraps the connected, non-blocking socket fd, which it takes over in every
 * case. NULL: no memory or descriptors. Freed by conn_close(). */
struct conn *conn_new(
    struct loop *l, const struct mem *mem, int fd, peer_t id, void *owner);

/* Begins to connect; conn_connected() tells how it went, once the socket is
 * writable. NULL: failed at once, errno says why. */
struct conn *conn_dial(struct loop *l, const struct mem *mem,
    const struct addr *to, peer_t id, void *owner);

/* Ends a dial: 0 or the errno. */
int conn_connected(struct conn *c);

/* Watches for events (UV_READABLE, UV_WRITABLE; 0: none). */
void conn_watch(struct conn *c, int events, uv_poll_cb cb);

/* Closes the socket at once; the memory goes when the loop has let go of it. */
void conn_close(struct conn *c);

/* Reads into up to n places in order. Bytes read; 0: the other side closed;
 * -1 with errno, EAGAIN for nothing there. */
ssize_t conn_read(struct conn *c, const struct iovec *iov, int n);

#endif
