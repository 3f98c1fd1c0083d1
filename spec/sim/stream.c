/* What comes out of streams, and what the disk and the tracker answer. */
#include <assert.h>
#include <string.h>

#include "check.h"
#include "fifo.h"
#include "host.h"
#include "trace.h"

static struct instant
now(const struct world *w)
{
	return (struct instant){w->sim.now};
}

/* Gives control bytes to the receiver of a flow; false if the stream is gone
 * afterwards. */
static bool
give_bytes(struct world *w, uint32_t id, struct span in)
{
	const struct end *e = net_receiver(&w->net, id);
	uint32_t gen = net_flow(&w->net, id)->gen, host = e->host;
	peer_t p = e->peer;
	size_t used = 0;
	int rc;

	if (!e->open)
		return false;
	if (e->receive_left > 0)
		world_fail(w, "host %u: message inside a block", host);
	rc = swarm_on_bytes(w->hosts[host].swarm, p, in, &used, now(w));
	host_work(w, host, rc);
	if (net_flow(&w->net, id)->gen != gen ||
	    !net_receiver(&w->net, id)->open)
		return false;
	if (used != in.n)
		world_fail(
		    w, "host %u took %zu of %zu bytes", host, used, in.n);
	return true;
}

/* Payload from here on, of which n bytes have come. */
static bool
give_payload(struct world *w, uint32_t id, const struct item *it, uint32_t n)
{
	struct end *e = net_receiver(&w->net, id);
	uint32_t gen = net_flow(&w->net, id)->gen, host = e->host;
	struct host *h = &w->hosts[host];
	struct extent x;
	peer_t p = e->peer;

	check_payload(w, e, it, n);
	if (w->failure[0] != '\0')
		return false;
	x.begin = e->receive.begin + (e->receive.length - e->receive_left);
	x.end = x.begin + n;
	x.good = !it->bad;
	if (!e->receive_discard)
		disk_write(&h->disk, e->receive.piece, x);
	e->receive_left -= n;
	h->received += n;
	host_work(w, host, swarm_on_payload(h->swarm, p, n, now(w)));
	return net_flow(&w->net, id)->gen == gen &&
	       net_receiver(&w->net, id)->open;
}

/* n more bytes of the block at the front; false if the stream is gone. */
static bool
give_block(struct world *w, uint32_t id, struct item it, uint32_t n)
{
	uint32_t head = WIRE_PIECE_HEAD_BYTES, take;

	if (it.done < head) {
		struct span s = {it.head + it.done, head - it.done};

		if (s.n > n)
			s.n = n;
		if (!give_bytes(w, id, s))
			return false;
		n -= (uint32_t)s.n;
		it.done += (uint32_t)s.n;
	}
	take = it.n - it.done;
	if (take > n)
		take = n;
	return take == 0 || give_payload(w, id, &it, take);
}

/* Takes n (at most what is left of it) off the item at the front. */
static void
front_consume(struct flow *f, uint32_t n)
{
	struct item *it = &f->items[f->head];

	if (it->kind == ITEM_CONTROL) {
		f->bytes_at += n;
		f->n_bytes -= n;
	}
	it->done += n;
	if (it->done == it->n && f->in_item > 0) {
		f->head = (f->head + 1) & (f->cap_items - 1);
		f->n_items--;
		f->in_item--;
	}
	if (f->n_bytes == 0)
		f->bytes_at = 0;
}

/* Gives n bytes of the item at the front to the receiver; false if the stream
 * is gone afterwards. */
static bool
give_front(struct world *w, uint32_t id, uint32_t n)
{
	const struct flow *f = net_flow(&w->net, id);
	struct item it = f->items[f->head];
	struct span s = {f->bytes + f->bytes_at, n};

	switch (it.kind) {
	case ITEM_CONTROL: /* nobody touches the bytes while they are read */
		return give_bytes(w, id, s);
	case ITEM_BLOCK:
		return give_block(w, id, it, n);
	case ITEM_FIN:
		host_on_fin(w, &(struct event){.a = id, .b = f->gen});
		return false;
	default:
		assert(false);
		return false;
	}
}

static void
deliver(struct world *w, uint32_t id, uint32_t n)
{
	while (n > 0) {
		struct flow *f = net_flow(&w->net, id);
		const struct item *it = &f->items[f->head];
		uint32_t take = it->n - it->done;

		assert(f->n_items > 0);
		if (take > n)
			take = n;
		n -= take;
		if (take > 0 && !give_front(w, id, take))
			return;
		front_consume(net_flow(&w->net, id), take);
	}
}

void
host_on_chunk(struct world *w, const struct event *e)
{
	uint32_t n = e->n;

	if (e->kind == EVENT_ARRIVE) {
		if (!net_on_arrive(&w->net, e))
			return;
	} else if (net_flow(&w->net, e->a)->gen != e->b) {
		return;
	}
	if (w->net.fifo)
		n = fifo_delivered(&w->net, e->a, n);
	else
		net_delivered(&w->net, e->a, n);
	deliver(w, e->a, n);
}

/* After a kick of the host's up-link: sockets that have room again. */
static void
refill(struct world *w, uint32_t host)
{
	host_note_took(w);
	host_work(w, host, 0);
}

void
host_on_ack(struct world *w, const struct event *e)
{
	uint32_t host = net_sender(&w->net, e->a)->host;

	if (net_flow(&w->net, e->a)->gen != e->b)
		return;
	if (e->kind == EVENT_RESEND) {
		fifo_on_resend(&w->net, e);
		return;
	}
	if (e->kind == EVENT_ACK && !fifo_on_ack(&w->net, e))
		return;
	fifo_acked(&w->net, e);
	refill(w, host);
}

void
host_on_sent(struct world *w, uint32_t host)
{
	uint32_t flow = net_on_sent(&w->net, host);

	if (w->net.fifo)
		refill(w, host);
	if (flow == NONE)
		return;
	if (!net_sender(&w->net, flow)->open) { /* only its end is to come */
		(void)net_fill(&w->net, flow);
		return;
	}
	host_want_fill(w, flow);
	host_work(w, host, 0);
}

/* Puts off a message whose way is not free before `at`. */
static void
put_off(struct world *w, uint32_t flow, struct span b, uint64_t at)
{
	uint32_t batch = net_batch_new(&w->net);

	net_flow(&w->net, flow)->not_before = at;
	net_batch_put(&w->net, batch, flow, b);
	sim_push(&w->sim, at, EVENT_BATCH, batch, 0, 1);
}

/* Queues of less than this on a down-link are not worth an event. */
#define SLACK_NS 20000u

void
host_on_batch(struct world *w, const struct event *e)
{
	struct batch x = w->net.batches[e->a]; /* the array may move */
	uint32_t i;

	for (i = 0; i < x.n_items && w->failure[0] == '\0'; i++) {
		uint32_t id = x.items[i].flow, from, to;
		struct span b = {x.bytes + x.items[i].at, x.items[i].n};
		struct flow *f = net_flow(&w->net, id);
		uint64_t at;

		if (f->gen != x.items[i].gen)
			continue;
		from = net_sender(&w->net, id)->host;
		to = net_receiver(&w->net, id)->host;
		if (e->n == 0) {
			at = link_pass(&w->net.ports[to].down, w->sim.now,
			    b.n + w->net.packet);
			if (at <= w->sim.now + SLACK_NS)
				at = w->sim.now;
			at = net_through(&w->net, from, to, at);
			if (at < f->not_before)
				at = f->not_before;
			if (at > w->sim.now) {
				put_off(w, id, b, at);
				continue;
			}
		}
		(void)give_bytes(w, id, b);
	}
	net_batch_free(&w->net, e->a);
}

void
host_on_stored(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->a];
	struct held *held;
	enum swarm_stored how = SWARM_STORED;

	if (h->swarm == NULL || h->life != e->n)
		return;
	held = disk_find(&h->disk, e->b);
	assert(held != NULL);
	if (!held_good(held))
		how = SWARM_HASH_WRONG;
	disk_drop(&h->disk, e->b);
	if (how == SWARM_STORED && bits_set(&h->store, e->b) &&
	    e->a != SEEDER && w->owners[e->b]++ == 0)
		w->out_at =
		    ++w->n_owned == w->sc.n_pieces ? w->sim.now : w->out_at;
	if (w->trace != NULL)
		trace_stored(w, e->a, e->b, how);
	host_work(w, e->a, swarm_on_stored(h->swarm, e->b, how, now(w)));
}

void
host_on_reply(struct world *w, const struct ask *a)
{
	struct host *h = &w->hosts[a->host];

	if (h->swarm == NULL || h->life != a->life)
		return;
	if (w->trace != NULL)
		trace_reply(w, a->host, a->err);
	host_work(w, a->host,
	    swarm_on_announce(h->swarm, buf_span(&a->body), a->err, now(w)));
}
