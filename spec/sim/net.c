#include "net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fifo.h"

/* TCP's first retransmission after a cut has healed. */
#define RETRANSMIT_NS 200000000u

void
net_init(struct net *net, struct sim *sim, uint32_t n_ports, uint32_t n_racks)
{
	uint32_t i;

	memset(net, 0, sizeof(*net));
	net->sim = sim;
	net->n_ports = n_ports;
	net->ports = sim_zalloc(n_ports, sizeof(*net->ports));
	for (i = 0; i < n_ports; i++)
		net->ports[i].ring = NONE;
	net->n_racks = n_racks;
	if (n_racks > 0) {
		net->rack_out = sim_zalloc(n_racks, sizeof(*net->rack_out));
		net->rack_in = sim_zalloc(n_racks, sizeof(*net->rack_in));
	}
	net->free_conn = NONE;
	net->free_batch = NONE;
}

void
net_free(struct net *net)
{
	uint32_t i;

	for (i = 0; i < net->n_conns; i++) {
		free(net->conns[i].flow[0].items);
		free(net->conns[i].flow[0].bytes);
		free(net->conns[i].flow[1].items);
		free(net->conns[i].flow[1].bytes);
	}
	for (i = 0; i < net->n_batches; i++) {
		free(net->batches[i].bytes);
		free(net->batches[i].items);
	}
	free(net->conns);
	free(net->batches);
	free(net->ports);
	free(net->rack_out);
	free(net->rack_in);
	free(net->tcp);
	free(net->took);
}

uint32_t
net_conn_new(struct net *net, uint32_t from, uint32_t to)
{
	struct conn *c;
	uint32_t i = net->free_conn, side;

	if (i != NONE) {
		net->free_conn = net->conns[i].next_free;
	} else {
		if (net->n_conns == net->cap_conns) {
			net->cap_conns =
			    net->cap_conns == 0 ? 64 : 2 * net->cap_conns;
			net->conns = sim_resize(
			    net->conns, net->cap_conns, sizeof(*net->conns));
			if (net->fifo)
				net->tcp = sim_resize(net->tcp,
				    2 * net->cap_conns, sizeof(*net->tcp));
		}
		i = net->n_conns++;
		memset(&net->conns[i], 0, sizeof(net->conns[i]));
	}
	c = &net->conns[i];
	c->used = true;
	c->accepted = false;
	c->end[0] = (struct end){.host = from};
	c->end[1] = (struct end){.host = to};
	for (side = 0; side < 2; side++) {
		c->flow[side].next = c->flow[side].prev = NONE;
		c->flow[side].dead = false;
		c->flow[side].filling = false;
		c->flow[side].not_before = 0;
		if (net->fifo)
			fifo_reset(net, 2 * i + side);
	}
	return i;
}

void
net_conn_free(struct net *net, uint32_t i)
{
	struct conn *c = &net->conns[i];

	assert(c->used);
	net_flow_kill(net, 2 * i);
	net_flow_kill(net, 2 * i + 1);
	c->used = false;
	c->gen++;
	c->next_free = net->free_conn;
	net->free_conn = i;
}

uint64_t
net_latency(const struct net *net, uint32_t from, uint32_t to)
{
	if (net->n_racks > 0 && net->ports[from].rack != net->ports[to].rack)
		return net->latency + net->rack_latency;
	return net->latency;
}

uint64_t
net_through(const struct net *net, uint32_t from, uint32_t to, uint64_t at)
{
	if (net->cut && net->ports[from].cut != net->ports[to].cut &&
	    at < net->healed_at + RETRANSMIT_NS)
		return net->healed_at + RETRANSMIT_NS;
	return at;
}

void
net_set_cut(struct net *net, bool cut)
{
	net->cut = cut;
}

uint64_t
link_pass(struct link *l, uint64_t now, uint64_t n)
{
	uint64_t cost = sim_transfer_ns(n, l->rate);

	l->busy_ns += cost;
	l->bytes += n;
	l->finish += cost;
	if (l->finish < now)
		l->finish = now;
	return l->finish;
}

/* ---- the ring of an up-link: flows that may send now ------------------- */

static bool
may_send(const struct net *net, const struct flow *f)
{
	return f->unsent > 0 && !f->dead &&
	       (net->fifo || f->on_way < net->window);
}

void
net_ring_add(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	struct port *p = &net->ports[net_sender(net, id)->host];

	if (f->next != NONE)
		return;
	if (p->ring == NONE) {
		f->next = f->prev = id;
		p->ring = id;
		return;
	}
	f->next = p->ring; /* in front of the next one is at the end */
	f->prev = net_flow(net, p->ring)->prev;
	net_flow(net, f->prev)->next = id;
	net_flow(net, f->next)->prev = id;
}

void
net_ring_remove(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	struct port *p = &net->ports[net_sender(net, id)->host];

	if (f->next == NONE)
		return;
	if (p->ring == id)
		p->ring = f->next == id ? NONE : f->next;
	net_flow(net, f->prev)->next = f->next;
	net_flow(net, f->next)->prev = f->prev;
	f->next = f->prev = NONE;
}

void
net_took(struct net *net, uint32_t id)
{
	if (net->n_took == net->cap_took) {
		net->cap_took = net->cap_took == 0 ? 16 : 2 * net->cap_took;
		net->took =
		    sim_resize(net->took, net->cap_took, sizeof(*net->took));
	}
	net->took[net->n_took++] = id;
}

/* Sends the next chunk of host's up-link if it is free. */
static void
up_kick(struct net *net, uint32_t host)
{
	struct port *p = &net->ports[host];
	struct link *l = &p->up;
	struct flow *f;
	uint64_t n, cost;

	if (net->fifo)
		fifo_kick(net, host);
	if (net->fifo || p->busy || p->ring == NONE)
		return;
	f = net_flow(net, p->ring);
	n = f->unsent < net->chunk ? f->unsent : net->chunk;
	cost = sim_transfer_ns(n, l->rate);
	if (l->finish < net->sim->now)
		l->finish = net->sim->now;
	l->finish += cost;
	l->busy_ns += cost;
	p->busy = true;
	p->sending = p->ring;
	p->sending_gen = f->gen;
	p->sending_n = (uint32_t)n;
	f->unsent -= (uint32_t)n;
	f->on_way += (uint32_t)n;
	p->ring = f->next;
	if (!may_send(net, f))
		net_ring_remove(net, p->sending);
	sim_push(net->sim, l->finish, EVENT_SENT, host, 0, 0);
}

uint32_t
net_on_sent(struct net *net, uint32_t host)
{
	struct port *p = &net->ports[host];
	uint32_t id = p->sending, to;
	uint64_t at;

	assert(p->busy);
	p->busy = false;
	if (net->fifo) {
		fifo_kick(net, host);
		return NONE;
	}
	if (net_flow(net, id)->gen != p->sending_gen) {
		up_kick(net, host);
		return NONE;
	}
	to = net_receiver(net, id)->host;
	if (net->n_racks > 0 && net->ports[to].rack != p->rack)
		sim_push(net->sim, net->sim->now, EVENT_RACK_OUT, id,
		    p->sending_gen, p->sending_n);
	else {
		at = net->sim->now + net_latency(net, host, to);
		sim_push(net->sim, at, EVENT_ARRIVE, id, p->sending_gen,
		    p->sending_n);
	}
	up_kick(net, host);
	return id;
}

void
net_on_rack(struct net *net, const struct event *e)
{
	uint32_t from = net_sender(net, e->a)->host;
	uint32_t to = net_receiver(net, e->a)->host;
	uint32_t n = e->n & ~NET_AGAIN;
	uint64_t at;

	if (net_flow(net, e->a)->gen != e->b)
		return;
	if (e->kind == EVENT_RACK_OUT) {
		at = link_pass(
		    &net->rack_out[net->ports[from].rack], net->sim->now, n);
		sim_push(net->sim, at, EVENT_RACK_IN, e->a, e->b, e->n);
		return;
	}
	at = link_pass(&net->rack_in[net->ports[to].rack], net->sim->now, n);
	at += net_latency(net, from, to);
	sim_push(net->sim, at, EVENT_ARRIVE, e->a, e->b, e->n);
}

bool
net_on_arrive(struct net *net, const struct event *e)
{
	struct flow *f = net_flow(net, e->a);
	uint32_t from, to;
	uint64_t at;

	if (net->fifo)
		return fifo_on_arrive(net, e);
	if (f->gen != e->b)
		return false;
	from = net_sender(net, e->a)->host;
	to = net_receiver(net, e->a)->host;
	at = link_pass(&net->ports[to].down, net->sim->now, e->n);
	at = net_through(net, from, to, at);
	if (at < f->not_before)
		at = f->not_before;
	f->not_before = at;
	if (at == net->sim->now)
		return true;
	sim_push(net->sim, at, EVENT_DELIVER, e->a, e->b, e->n);
	return false;
}

void
net_delivered(struct net *net, uint32_t id, uint32_t n)
{
	struct flow *f = net_flow(net, id);

	assert(f->on_way >= n);
	f->on_way -= n;
	if (may_send(net, f)) {
		net_ring_add(net, id);
		up_kick(net, net_sender(net, id)->host);
	}
}

uint32_t
net_fill(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	uint32_t payload;

	if (f->dead)
		return 0;
	while (f->in_item < f->n_items && f->unsent < net->lowat) {
		struct item *it =
		    &f->items[(f->head + f->in_item) & (f->cap_items - 1)];
		uint32_t room = (uint32_t)net->lowat - f->unsent;
		uint32_t left = it->n - f->in_done;
		uint32_t take = left < room ? left : room;
		uint32_t head = WIRE_PIECE_HEAD_BYTES;

		f->unsent += take;
		if (it->kind == ITEM_BLOCK) {
			uint32_t was = f->in_done > head ? f->in_done : head;
			uint32_t is = f->in_done + take;

			f->entered += is > was ? is - was : 0;
			f->took_at = net->sim->now;
		}
		f->in_done += take;
		if (f->in_done == it->n) {
			if (it->kind == ITEM_BLOCK)
				net_flow_blocks(net, id, f->blocks - 1);
			f->in_item++;
			f->in_done = 0;
		}
	}
	payload = f->entered;
	f->entered = 0;
	if (may_send(net, f)) {
		net_ring_add(net, id);
		up_kick(net, net_sender(net, id)->host);
	}
	return payload;
}

void
net_flow_kill(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	uint32_t i;

	for (i = 0; i < f->n_items; i++) {
		struct item *it = &f->items[(f->head + i) & (f->cap_items - 1)];

		if (it->kind == ITEM_BLOCK)
			net->lost += it->n - it->done;
	}
	net_ring_remove(net, id);
	free(f->items);
	free(f->bytes);
	f->items = NULL;
	f->bytes = NULL;
	f->head = f->n_items = f->cap_items = 0;
	f->bytes_at = f->n_bytes = f->cap_bytes = 0;
	f->in_item = f->in_done = 0;
	f->unsent = f->on_way = f->entered = 0;
	net_flow_blocks(net, id, 0);
	f->gen++;
	f->dead = true;
	if (net->fifo)
		fifo_reset(net, id);
}
