/*
 * The listening side: one socket for IPv6 and IPv4, or for IPv4 alone where
 * IPv6 is switched off. Accepted sockets are non-blocking and close-on-exec.
 */
#ifndef MURDER_IO_LISTEN_H
#define MURDER_IO_LISTEN_H

#include <stdint.h>
#include <uv.h>

#include "core/addr.h"
#include "io/loop.h"

/* Deploys start everywhere at once: a short backlog costs SYN retries of 1 s
 * and 3 s. The kernel caps it at net.core.somaxconn (4096). */
#define LISTEN_BACKLOG 4096

struct listener {
	int fd;        /* -1 when closed */
	uint16_t port; /* the one bound */
	uv_poll_t poll;
	uv_timer_t pause; /* out of descriptors: try again soon */
	/* Takes over fd. */
	void (*on_accept)(void *ctx, int fd, const struct addr *from);
	void *ctx;
};

/* Binds port (0: any free one) on every address, IPv6 and IPv4. 0 or -errno. */
int listen_open(struct listener *l, uint16_t port);

/* Starts to accept. 0 or a negative libuv error. */
int listen_start(struct listener *l, struct loop *loop,
    void (*on_accept)(void *ctx, int fd, const struct addr *from), void *ctx);

/* Stops accepting and closes the socket; harmless when closed. */
void listen_close(struct listener *l);

#endif
