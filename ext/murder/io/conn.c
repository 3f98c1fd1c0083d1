#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/conn.h"
#include "io/sockaddr.h"

/* A failure of these costs speed, never correctness. */
static void
conn_tune(int fd)
{
	int on = 1, lowat = CONN_NOTSENT_BYTES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
}

struct conn *
conn_new(struct loop *l, const struct mem *mem, int fd, peer_t id, void *owner)
{
	struct conn *c = mem_zalloc(mem, 1, sizeof(*c));

	if (c == NULL || uv_poll_init(&l->uv, &c->poll, fd) != 0) {
		(void)close(fd);
		mem_free(mem, c);
		return NULL;
	}
	conn_tune(fd);
	c->fd = fd;
	c->id = id;
	c->owner = owner;
	c->poll.data = c;
	sendq_init(&c->out, mem);
	return c;
}

struct conn *
conn_dial(struct loop *l, const struct mem *mem, const struct addr *to,
    peer_t id, void *owner)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_from(&ss, to);
	struct conn *c;
	int fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return NULL;
	if (connect(fd, (struct sockaddr *)&ss, n) == -1 &&
	    errno != EINPROGRESS && errno != EINTR) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return NULL;
	}
	c = conn_new(l, mem, fd, id, owner);
	if (c == NULL)
		errno = ENOMEM;
	else
		c->connecting = true;
	return c;
}

int
conn_connected(struct conn *c)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n) == -1)
		err = errno;
	if (err == 0)
		c->connecting = false;
	return err;
}

void
conn_watch(struct conn *c, int events, uv_poll_cb cb)
{
	int rc = 0;

	assert(c->fd != -1);
	if (c->events == events)
		return;
	c->events = events;
	if (events == 0)
		rc = uv_poll_stop(&c->poll);
	else
		rc = uv_poll_start(&c->poll, events, cb);
	assert(rc == 0);
}

static void
conn_closed_cb(uv_handle_t *h)
{
	struct conn *c = h->data;

	mem_free(c->out.mem, c);
}

void
conn_close(struct conn *c)
{
	const struct mem *mem = c->out.mem;

	assert(c->fd != -1);
	sendq_free(&c->out);
	c->out.mem = mem;
	uv_close((uv_handle_t *)&c->poll, conn_closed_cb);
	(void)close(c->fd);
	c->fd = -1;
}

ssize_t
conn_read(struct conn *c, const struct iovec *iov, int n)
{
	size_t room = 0;
	ssize_t r;

	for (int i = 0; i < n; i++)
		room += iov[i].iov_len;
	do
		r = readv(c->fd, iov, n);
	while (r == -1 && errno == EINTR);
	c->drained = r > 0 && (size_t)r < room;
	return r;
}
