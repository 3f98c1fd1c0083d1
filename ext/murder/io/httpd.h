/*
 * The tracker's listening side: HTTP/1.1 by libmicrohttpd (epoll, keep-alive)
 * around one tracker engine. One thread, the caller's: the engine needs no
 * locks. Answers GET /announce, /scrape and /stats; nothing a client says
 * about its own address except ip= is believed (no X-Forwarded-For).
 */
#ifndef MURDER_IO_HTTPD_H
#define MURDER_IO_HTTPD_H

#include <stdint.h>

#include "core/addr.h"
#include "core/tracker.h"

#define HTTPD_BINDS_MAX 16u

struct httpd_config {
	struct tracker *tracker; /* outlives the httpd */
	uint16_t port;
	const struct addr *binds; /* their ports do not matter */
	unsigned n_binds;         /* 0: every address of the host */
};

struct httpd;

/* Listens. STATUS_OK, or one line printed and STATUS_PORT (an address or the
 * port cannot be had) or STATUS_FAILED. Owned by the caller: httpd_free(). */
int httpd_new(struct httpd **out, const struct httpd_config *c);

/* Serves until stop_fd is readable (or hung up), then returns. */
void httpd_run(struct httpd *h, int stop_fd);

/* Closes every connection and socket. h may be NULL. */
void httpd_free(struct httpd *h);

#endif
