#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "io/engine.h"
#include "io/log.h"
#include "io/tcpinfo.h"

static struct conn *
engine_conn(struct engine *e, peer_t id)
{
	struct conn *c;

	HASH_FIND(hh, e->conns, &id, sizeof(id), c);
	return c;
}

static void
engine_mark_dirty(struct engine *e, struct conn *c)
{
	if (c->dirty || c->full || c->connecting)
		return;
	c->dirty = true;
	LL_PREPEND2(e->dirty, c, next_dirty);
}

static void engine_connected(struct engine *e, struct conn *c);

static void
engine_poll_cb(uv_poll_t *p, int status, int events)
{
	struct conn *c = p->data;
	struct engine *e = c->owner;

	if (c->fd == -1)
		return;
	if (c->connecting) {
		engine_connected(e, c);
		return;
	}
	if (status < 0) {
		engine_lost(e, c);
		return;
	}
	if ((events & UV_WRITABLE) != 0) {
		c->full = false;
		engine_mark_dirty(e, c);
	}
	if ((events & UV_READABLE) != 0)
		engine_read(e, c);
	engine_drain(e);
}

static void
engine_connected(struct engine *e, struct conn *c)
{
	if (conn_connected(c) != 0) {
		engine_lost(e, c);
		return;
	}
	conn_watch(c, UV_READABLE, engine_poll_cb);
	if (!sendq_empty(&c->out))
		engine_mark_dirty(e, c);
	engine_check(e, swarm_on_connect(e->swarm, c->id, loop_now()));
	engine_drain(e);
}

/* Puts c on the table and watches it; false (and c is gone) without memory. */
static bool
engine_adopt(struct engine *e, struct conn *c)
{
	if (c == NULL)
		return false;
	HASH_ADD(hh, e->conns, id, sizeof(c->id), c);
	if (c->lost) {
		conn_close(c);
		return false;
	}
	conn_watch(
	    c, c->connecting ? UV_WRITABLE : UV_READABLE, engine_poll_cb);
	return true;
}

void
engine_accept(void *ctx, int fd, const struct addr *from)
{
	struct engine *e = ctx;
	peer_t id = 0;

	if (!e->failed && !e->stopping)
		engine_check(
		    e, swarm_on_accept(e->swarm, from, &id, loop_now()));
	if (id == 0)
		(void)close(fd);
	else if (!engine_adopt(e, conn_new(e->loop, e->mem, fd, id, e)))
		engine_check(e, swarm_on_closed(e->swarm, id, loop_now()));
	engine_drain(e);
}

void
engine_dial(struct engine *e, const struct action *a)
{
	if (!engine_adopt(e, conn_dial(e->loop, e->mem, &a->addr, a->peer, e)))
		engine_check(e, swarm_on_closed(e->swarm, a->peer, loop_now()));
}

static void
engine_remove(struct engine *e, struct conn *c)
{
	HASH_DELETE(hh, e->conns, c);
	if (c->dirty)
		LL_DELETE2(e->dirty, c, next_dirty);
	c->dirty = false;
	conn_close(c);
}

void
engine_close_peer(struct engine *e, peer_t id)
{
	struct conn *c = engine_conn(e, id);

	if (c != NULL)
		engine_remove(e, c);
}

void
engine_lost(struct engine *e, struct conn *c)
{
	peer_t id = c->id;

	engine_remove(e, c);
	if (e->failed)
		return;
	engine_check(e, swarm_on_closed(e->swarm, id, loop_now()));
	engine_drain(e);
}

/* ---- what goes out ------------------------------------------------------- */

void
engine_send(struct engine *e, const struct action *a)
{
	struct conn *c = engine_conn(e, a->peer);
	int rc;

	if (c == NULL)
		return;
	if (a->kind == ACTION_SEND) {
		rc = sendq_put(&c->out, a->bytes);
	} else {
		/* The file may have left the page cache: fetch it ahead. */
		if (a->block.begin == 0)
			(void)posix_fadvise(e->file->fd,
			    (off_t)payload_piece_begin(e->file, a->block.piece),
			    (off_t)payload_piece_bytes(e->file, a->block.piece),
			    POSIX_FADV_WILLNEED);
		rc = sendq_put_block(&c->out, a->bytes, a->block);
	}
	if (rc != 0) {
		log_debug("peer %u does not drain", (unsigned)a->peer);
		engine_lost(e, c);
		return;
	}
	engine_mark_dirty(e, c);
}

void
engine_measure(struct engine *e, const struct action *a)
{
	struct conn *c = engine_conn(e, a->peer);

	if (c != NULL)
		engine_check(e,
		    swarm_on_unacked(e->swarm, a->peer, tcpinfo_unacked(c->fd),
			tcpinfo_shortest_trip(c->fd), loop_now()));
}

/* The file under the blocks we send failed: nothing can be served any more. */
static void
engine_source_failed(struct engine *e, int sys)
{
	if (sys != 0)
		(void)ioerr_read(e->error, e->file->path, "read", sys);
	else
		(void)ioerr_set(e->error, STATUS_NO_INPUT, e->file->path,
		    "was cut short while it was served");
	engine_fail(e);
}

static void
engine_write(struct engine *e, struct conn *c)
{
	struct sendq_source from = {
	    .fd = e->file->fd, .piece_length = e->file->piece_length};
	uint32_t payload = 0;
	enum sendq_state st = sendq_write(&c->out, c->fd, &from, &payload);
	int saved = errno;

	c->full = st == SENDQ_FULL || st == SENDQ_MORE;
	if (payload > 0)
		engine_check(
		    e, swarm_on_sent(e->swarm, c->id, payload, loop_now()));
	if (st == SENDQ_SOURCE)
		engine_source_failed(e, saved);
	else if (st == SENDQ_BROKEN)
		engine_lost(e, c);
	else
		conn_watch(c, UV_READABLE | (c->full ? UV_WRITABLE : 0),
		    engine_poll_cb);
}

bool
engine_flush(struct engine *e, bool now)
{
	struct conn *c, *next, *list = e->dirty;
	bool any = list != NULL;

	if (!now) {
		/* The loop comes back as soon as the sockets are writable. */
		LL_FOREACH_SAFE2(list, c, next, next_dirty)
		{
			c->dirty = false;
			c->full = true;
			conn_watch(
			    c, UV_READABLE | UV_WRITABLE, engine_poll_cb);
		}
		e->dirty = NULL;
		return false;
	}
	while ((c = e->dirty) != NULL && !e->failed) {
		LL_DELETE2(e->dirty, c, next_dirty);
		c->dirty = false;
		engine_write(e, c);
	}
	return any;
}

/* ---- where what comes in belongs ----------------------------------------- */

void
engine_receive(struct engine *e, const struct action *a)
{
	struct conn *c = engine_conn(e, a->peer);

	if (c == NULL)
		return;
	if (!c->receiving || a->block.length != c->block.length)
		c->got = 0;
	c->receiving = true;
	c->block = a->block;
	c->discard = a->discard || disk_is_storing(&e->disk, a->block.piece);
	if (!c->discard && disk_place(&e->disk, a->block.piece) == NULL)
		engine_check(e, ERR_NOMEM);
}

void
engine_redirect(struct engine *e, uint32_t piece)
{
	struct conn *c, *next;

	HASH_ITER(hh, e->conns, c, next)
	{
		if (c->receiving && c->block.piece == piece)
			c->discard = true;
	}
}
