#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "trace.h"

#define MAX_SPINS 1000u /* deadlines met at one instant */

static struct instant
now(const struct world *w)
{
	return (struct instant){w->sim.now};
}

/* ---- neighbours --------------------------------------------------------- */

/* The place of p, or where it belongs. */
static uint32_t
peer_place(const struct host *h, peer_t p)
{
	uint32_t low = 0, high = h->n_peers;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (h->peers[mid].peer < p)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t
host_find_peer(const struct host *h, peer_t p)
{
	uint32_t i = peer_place(h, p);

	if (i < h->n_peers && h->peers[i].peer == p)
		return h->peers[i].end;
	return NONE;
}

void
host_add_peer(struct host *h, peer_t p, uint32_t end)
{
	uint32_t i = peer_place(h, p);

	if (h->n_peers == h->cap_peers) {
		h->cap_peers = h->cap_peers == 0 ? 16 : 2 * h->cap_peers;
		h->peers =
		    sim_resize(h->peers, h->cap_peers, sizeof(*h->peers));
	}
	memmove(&h->peers[i + 1], &h->peers[i],
	    (h->n_peers - i) * sizeof(*h->peers));
	h->peers[i] = (struct peer_entry){.peer = p, .end = end};
	h->n_peers++;
}

void
host_drop_peer(struct host *h, peer_t p)
{
	uint32_t i = peer_place(h, p);

	if (i == h->n_peers || h->peers[i].peer != p)
		return;
	h->n_peers--;
	memmove(&h->peers[i], &h->peers[i + 1],
	    (h->n_peers - i) * sizeof(*h->peers));
}

/* ---- life --------------------------------------------------------------- */

void
host_start(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];
	struct swarm_config c;

	assert(h->swarm == NULL);
	h->life++;
	h->killed = false;
	h->timer_at = UINT64_MAX;
	disk_init(&h->disk, (uint32_t)w->sc.hash_threads);
	world_config(w, host, &c);
	if (swarm_new(&h->swarm, &c, &h->store, now(w)) != 0) {
		world_fail(w, "host %u: swarm_new failed", host);
		return;
	}
	w->n_lives++;
	h->n_have = swarm_have(h->swarm)->n_set;
	host_work(w, host, 0);
}

/* What both kinds of end have in common. */
static void
host_forget(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];

	swarm_free(h->swarm);
	h->swarm = NULL;
	disk_free(&h->disk);
	h->n_fill = 0;
}

void
host_kill(struct world *w, uint32_t host, bool power)
{
	struct host *h = &w->hosts[host];

	if (h->swarm == NULL)
		return;
	while (h->n_peers > 0)
		host_close_end(w, h->peers[h->n_peers - 1].end, !power);
	host_forget(w, host);
	h->killed = true;
}

void
host_stop(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];

	if (h->swarm == NULL)
		return;
	host_work(w, host, swarm_on_stop(h->swarm, now(w)));
	if (h->n_peers != 0)
		world_fail(
		    w, "host %u stopped with %u peers open", host, h->n_peers);
	host_kill(w, host, false);
	h->killed = false;
}

/* ---- ends of connections ------------------------------------------------ */

static struct end *
end_of(struct world *w, uint32_t end)
{
	return &w->net.conns[end / 2].end[end % 2];
}

/* This end is gone as far as its host is concerned. */
static void
end_forget(struct world *w, uint32_t end)
{
	struct end *e = end_of(w, end);

	e->open = false;
	host_drop_peer(&w->hosts[e->host], e->peer);
	net_flow_kill(&w->net, end ^ 1u); /* nothing more comes in */
}

/* Once neither end knows the connection, its place is free. */
static void
conn_settle(struct world *w, uint32_t c)
{
	const struct conn *x = &w->net.conns[c];

	if (!x->end[0].open && !x->end[1].open && x->used)
		net_conn_free(&w->net, c);
}

void
host_close_end(struct world *w, uint32_t end, bool tell)
{
	struct conn *c = &w->net.conns[end / 2];
	struct end *other = &c->end[1 - end % 2];
	struct flow *f = &c->flow[end % 2];
	uint32_t host = c->end[end % 2].host;

	end_forget(w, end);
	if (!other->open) { /* closed too, or dialled and never accepted */
		conn_settle(w, end / 2);
		return;
	}
	if (!tell) {
		net_flow_kill(&w->net, end);
		return;
	}
	net_flow_truncate(&w->net, end);
	if (net_flow_idle(f)) {
		uint64_t at =
		    w->sim.now + net_latency(&w->net, host, other->host);

		if (w->net.fifo)
			at += link_pass(&w->net.ports[host].up, w->sim.now,
				  w->net.packet) -
			      w->sim.now;
		at = net_through(&w->net, host, other->host, at);
		if (at < f->not_before)
			at = f->not_before;
		sim_push(&w->sim, at, EVENT_FIN, end, f->gen, 0);
		return;
	}
	net_put_fin(&w->net, end);
	(void)net_fill(&w->net, end);
}

/* The stream into `end` is over. */
static void
end_is_closed(struct world *w, uint32_t end)
{
	struct end *e = end_of(w, end);
	uint32_t host = e->host;
	peer_t p = e->peer;

	if (!e->open)
		return;
	if (w->trace != NULL)
		trace_event(w, host, p, "closed by the other side");
	end_forget(w, end);
	conn_settle(w, end / 2);
	host_work(w, host, swarm_on_closed(w->hosts[host].swarm, p, now(w)));
}

void
host_reset(struct world *w, uint32_t conn)
{
	uint32_t gen = w->net.conns[conn].gen;

	end_is_closed(w, 2 * conn);
	if (w->net.conns[conn].gen == gen)
		end_is_closed(w, 2 * conn + 1);
}

void
host_on_fin(struct world *w, const struct event *e)
{
	if (net_flow(&w->net, e->a)->gen == e->b)
		end_is_closed(w, e->a ^ 1u);
}

void
host_on_connect(struct world *w, const struct event *e)
{
	struct conn *c = &w->net.conns[e->a];
	uint32_t from = c->end[0].host, to = c->end[1].host;
	uint64_t at;

	if (c->gen != e->b)
		return;
	if (w->hosts[to].swarm == NULL || to == from) {
		end_is_closed(w, 2 * e->a);
		return;
	}
	at = w->sim.now + net_latency(&w->net, from, to);
	at = net_through(&w->net, from, to, at);
	sim_push(&w->sim, at, EVENT_ACCEPT, e->a, e->b, w->hosts[to].life);
	if (w->trace != NULL)
		trace_event(w, from, c->end[0].peer, "connected");
	host_work(w, from,
	    swarm_on_connect(w->hosts[from].swarm, c->end[0].peer, now(w)));
}

void
host_on_accept(struct world *w, const struct event *e)
{
	struct conn *c = &w->net.conns[e->a];
	uint32_t to = c->end[1].host;
	struct addr from;
	peer_t p = 0;
	int rc;

	if (c->gen != e->b)
		return;
	if (w->hosts[to].swarm == NULL || w->hosts[to].life != e->n) {
		end_is_closed(w, 2 * e->a);
		return;
	}
	from = world_addr(w, c->end[0].host);
	from.port = (uint16_t)(32768 + e->a % 28000);
	rc = swarm_on_accept(w->hosts[to].swarm, &from, &p, now(w));
	if (p == 0) {
		sim_push(&w->sim,
		    w->sim.now + net_latency(&w->net, to, c->end[0].host),
		    EVENT_FIN, 2 * e->a + 1, c->flow[1].gen, 0);
		net_flow_kill(&w->net, 2 * e->a);
		host_work(w, to, rc);
		return;
	}
	c->accepted = true;
	c->end[1].open = true;
	c->end[1].peer = p;
	host_add_peer(&w->hosts[to], p, 2 * e->a + 1);
	if (w->trace != NULL)
		trace_event(w, to, p, "accepted");
	host_work(w, to, rc);
}

/* ---- work --------------------------------------------------------------- */

void
host_want_fill(struct world *w, uint32_t flow)
{
	struct flow *f = net_flow(&w->net, flow);
	struct host *h = &w->hosts[net_sender(&w->net, flow)->host];

	if (f->filling)
		return;
	f->filling = true;
	if (h->n_fill == h->cap_fill) {
		h->cap_fill = h->cap_fill == 0 ? 8 : 2 * h->cap_fill;
		h->fill = sim_resize(h->fill, h->cap_fill, sizeof(*h->fill));
	}
	h->fill[h->n_fill++] = flow;
}

void
host_note_took(struct world *w)
{
	while (w->net.n_took > 0) {
		uint32_t id = w->net.took[--w->net.n_took];

		if (net_sender(&w->net, id)->open)
			host_want_fill(w, id);
		else /* only its end is to come */
			(void)net_fill(&w->net, id);
	}
}

/* Lets sockets take what was queued; true if the swarm was told something. */
static bool
fill_sockets(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];
	bool told = false;

	while (h->n_fill > 0) {
		uint32_t id = h->fill[--h->n_fill], n;
		const struct end *e = net_sender(&w->net, id);

		if (!net_flow(&w->net, id)->filling)
			continue; /* closed and used again meanwhile */
		net_flow(&w->net, id)->filling = false;
		if (!e->open || e->host != host)
			continue;
		n = net_fill(&w->net, id);
		host_note_took(w);
		if (n == 0)
			continue;
		h->sent += n;
		told = true;
		if (swarm_on_sent(h->swarm, e->peer, n, now(w)) != 0)
			world_fail(w, "host %u: swarm_on_sent failed", host);
	}
	return told;
}

static void
flush_batches(struct world *w, uint32_t host)
{
	uint32_t far;

	for (far = 0; far < 2; far++) {
		uint32_t b = w->batch[far], i;
		const struct batch *x;
		uint64_t at = w->sim.now, sent = at;

		if (b == NONE)
			continue;
		x = &w->net.batches[b];
		for (i = 0; i < x->n_items; i++)
			sent = link_pass(&w->net.ports[host].up, w->sim.now,
			    x->items[i].n + w->net.packet);
		if (w->net.fifo)
			at = sent;
		at += w->net.latency;
		if (far)
			at += w->net.rack_latency;
		sim_push(&w->sim, at, EVENT_BATCH, b, 0, 0);
		w->batch[far] = NONE;
	}
}

void
host_work(struct world *w, uint32_t host, int rc)
{
	struct host *h = &w->hosts[host];
	struct action a;
	uint64_t at;

	if (rc < 0)
		world_fail(w, "host %u: the swarm gave error %d", host, rc);
	if (h->swarm == NULL)
		return;
	do {
		while (swarm_next(h->swarm, &a))
			host_act(w, host, &a);
		if (w->net.fifo) /* they stand in front of blocks */
			flush_batches(w, host);
	} while (fill_sockets(w, host));
	flush_batches(w, host);
	check_host(w, host);
	at = swarm_deadline(h->swarm).ns;
	if (at < w->sim.now)
		at = w->sim.now;
	if (at < h->timer_at) {
		h->timer_at = at;
		sim_push(&w->sim, at, EVENT_TIMER, host, h->life, 0);
	}
}

void
host_on_timer(struct world *w, uint32_t host)
{
	struct host *h = &w->hosts[host];
	uint64_t at;

	if (h->swarm == NULL || h->timer_at != w->sim.now)
		return;
	h->timer_at = UINT64_MAX;
	at = swarm_deadline(h->swarm).ns;
	if (at <= w->sim.now) {
		host_work(w, host, swarm_on_deadline(h->swarm, now(w)));
		h->spins = h->timer_at == w->sim.now ? h->spins + 1 : 0;
		if (h->spins > MAX_SPINS)
			world_fail(
			    w, "host %u: its deadline stands still", host);
	} else if (at != UINT64_MAX) {
		h->timer_at = at;
		sim_push(&w->sim, at, EVENT_TIMER, host, h->life, 0);
	}
}
