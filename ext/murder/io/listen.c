#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/listen.h"
#include "io/sockaddr.h"

/* Accepted in one go before others get their turn. */
#define LISTEN_BATCH 64
#define LISTEN_PAUSE_MS 100

static int
listen_bind(int family, uint16_t port)
{
	struct sockaddr_storage ss;
	struct addr any = {
	    .family = family == AF_INET ? ADDR_V4 : ADDR_V6, .port = port};
	socklen_t n = sockaddr_from(&ss, &any);
	int on = 1, off = 0, saved;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (family == AF_INET || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				      &off, sizeof(off)) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, n) == 0 &&
	    listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	return -saved;
}

int
listen_open(struct listener *l, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct addr bound;
	int fd = listen_bind(AF_INET6, port);

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		fd = listen_bind(AF_INET, port); /* IPv6 is switched off */
	if (fd < 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == -1 ||
	    sockaddr_to(&bound, &ss) != 0) {
		(void)close(fd);
		return -EINVAL;
	}
	l->fd = fd;
	l->port = bound.port;
	return 0;
}

static void listen_poll_cb(uv_poll_t *p, int status, int events);

static void
listen_resume_cb(uv_timer_t *t)
{
	struct listener *l = t->data;

	if (l->fd != -1)
		(void)uv_poll_start(&l->poll, UV_READABLE, listen_poll_cb);
}

static void
listen_poll_cb(uv_poll_t *p, int status, int events)
{
	struct listener *l = p->data;

	(void)status;
	(void)events;
	for (int i = 0; i < LISTEN_BATCH && l->fd != -1; i++) {
		struct sockaddr_storage ss;
		socklen_t n = sizeof(ss);
		struct addr from;
		int fd = accept4(l->fd, (struct sockaddr *)&ss, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			if (errno == EAGAIN)
				return;
			/* Out of descriptors or memory: the loop would spin. */
			(void)uv_poll_stop(&l->poll);
			(void)uv_timer_start(
			    &l->pause, listen_resume_cb, LISTEN_PAUSE_MS, 0);
			return;
		}
		if (sockaddr_to(&from, &ss) != 0)
			(void)close(fd);
		else
			l->on_accept(l->ctx, fd, &from);
	}
}

int
listen_start(struct listener *l, struct loop *loop,
    void (*on_accept)(void *ctx, int fd, const struct addr *from), void *ctx)
{
	int rc;

	l->ctx = ctx;
	rc = uv_timer_init(&loop->uv, &l->pause);
	if (rc == 0)
		rc = uv_poll_init(&loop->uv, &l->poll, l->fd);
	if (rc != 0)
		return rc;
	l->pause.data = l->poll.data = l;
	l->on_accept = on_accept;
	return uv_poll_start(&l->poll, UV_READABLE, listen_poll_cb);
}

void
listen_close(struct listener *l)
{
	if (l->fd == -1)
		return;
	if (l->on_accept != NULL) {
		(void)uv_poll_stop(&l->poll);
		(void)uv_timer_stop(&l->pause);
	}
	(void)close(l->fd);
	l->fd = -1;
}
