/* The queue of a stream, and batches of small messages. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

bool
net_flow_idle(const struct flow *f)
{
	return f->n_items == 0 && f->on_way == 0;
}

static struct item *
item_at(const struct flow *f, uint32_t i)
{
	return &f->items[(f->head + i) & (f->cap_items - 1)];
}

static struct item *
item_add(struct flow *f)
{
	struct item *bigger;
	uint32_t i, cap;

	if (f->n_items == f->cap_items) {
		cap = f->cap_items == 0 ? 4 : 2 * f->cap_items;
		bigger = sim_resize(NULL, cap, sizeof(*bigger));
		for (i = 0; i < f->n_items; i++)
			bigger[i] = *item_at(f, i);
		free(f->items);
		f->items = bigger;
		f->head = 0;
		f->cap_items = cap;
	}
	f->n_items++;
	memset(item_at(f, f->n_items - 1), 0, sizeof(struct item));
	return item_at(f, f->n_items - 1);
}

void
net_put_control(struct net *net, uint32_t id, struct span b)
{
	struct flow *f = net_flow(net, id);
	struct item *last;

	if (f->dead || b.n == 0)
		return;
	if (f->bytes_at + f->n_bytes + b.n > f->cap_bytes) {
		if (f->n_bytes > 0)
			memmove(f->bytes, f->bytes + f->bytes_at, f->n_bytes);
		f->bytes_at = 0;
		while (f->n_bytes + b.n > f->cap_bytes)
			f->cap_bytes =
			    f->cap_bytes == 0 ? 64 : 2 * f->cap_bytes;
		f->bytes = sim_resize(f->bytes, f->cap_bytes, 1);
	}
	memcpy(f->bytes + f->bytes_at + f->n_bytes, b.p, b.n);
	f->n_bytes += (uint32_t)b.n;
	last = f->n_items > 0 ? item_at(f, f->n_items - 1) : NULL;
	if (last == NULL || last->kind != ITEM_CONTROL ||
	    f->in_item == f->n_items) {
		last = item_add(f);
		last->kind = ITEM_CONTROL;
	}
	last->n += (uint32_t)b.n;
}

void
net_put_block(
    struct net *net, uint32_t id, struct span head, struct block b, bool bad)
{
	struct flow *f = net_flow(net, id);
	struct item *it;

	assert(head.n == WIRE_PIECE_HEAD_BYTES);
	if (f->dead)
		return;
	it = item_add(f);
	it->kind = ITEM_BLOCK;
	it->bad = bad;
	it->block = b;
	it->n = WIRE_PIECE_HEAD_BYTES + b.length;
	memcpy(it->head, head.p, head.n);
	net_flow_blocks(net, id, f->blocks + 1);
}

void
net_put_fin(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	struct item *it;

	if (f->dead)
		return;
	it = item_add(f);
	it->kind = ITEM_FIN;
	it->n = 1;
}

void
net_flow_blocks(struct net *net, uint32_t id, uint32_t n)
{
	struct flow *f = net_flow(net, id);
	struct port *p = &net->ports[net_sender(net, id)->host];

	if (f->blocks > 0)
		p->serving--;
	f->blocks = n;
	if (n > 0)
		p->serving++;
}

void
net_flow_truncate(struct net *net, uint32_t id)
{
	struct flow *f = net_flow(net, id);
	uint32_t keep = f->in_item;

	if (f->in_item < f->n_items && f->in_done > 0) {
		struct item *it = item_at(f, f->in_item);

		if (it->kind == ITEM_BLOCK)
			net->lost += it->n - f->in_done;
		it->n = f->in_done;
		f->in_done = 0;
		keep = ++f->in_item;
	}
	while (f->n_items > keep) {
		struct item *it = item_at(f, f->n_items - 1);

		if (it->kind == ITEM_BLOCK)
			net->lost += it->n;
		f->n_items--;
	}
	net_flow_blocks(net, id, 0);
}

uint32_t
net_batch_new(struct net *net)
{
	uint32_t i = net->free_batch;

	if (i != NONE) {
		net->free_batch = net->batches[i].next_free;
		return i;
	}
	if (net->n_batches == net->cap_batches) {
		net->cap_batches =
		    net->cap_batches == 0 ? 64 : 2 * net->cap_batches;
		net->batches = sim_resize(
		    net->batches, net->cap_batches, sizeof(*net->batches));
	}
	i = net->n_batches++;
	memset(&net->batches[i], 0, sizeof(net->batches[i]));
	return i;
}

void
net_batch_put(struct net *net, uint32_t batch, uint32_t id, struct span b)
{
	struct batch *x = &net->batches[batch];
	struct batch_item *last;

	while (x->n_bytes + b.n > x->cap_bytes) {
		x->cap_bytes = x->cap_bytes == 0 ? 128 : 2 * x->cap_bytes;
		x->bytes = sim_resize(x->bytes, x->cap_bytes, 1);
	}
	memcpy(x->bytes + x->n_bytes, b.p, b.n);
	last = x->n_items > 0 ? &x->items[x->n_items - 1] : NULL;
	if (last != NULL && last->flow == id) {
		last->n += (uint32_t)b.n;
		x->n_bytes += (uint32_t)b.n;
		return;
	}
	if (x->n_items == x->cap_items) {
		x->cap_items = x->cap_items == 0 ? 8 : 2 * x->cap_items;
		x->items =
		    sim_resize(x->items, x->cap_items, sizeof(*x->items));
	}
	x->items[x->n_items++] = (struct batch_item){.flow = id,
	    .gen = net_flow(net, id)->gen,
	    .at = x->n_bytes,
	    .n = (uint32_t)b.n};
	x->n_bytes += (uint32_t)b.n;
}

void
net_batch_free(struct net *net, uint32_t batch)
{
	struct batch *x = &net->batches[batch];

	x->n_bytes = 0;
	x->n_items = 0;
	x->next_free = net->free_batch;
	net->free_batch = batch;
}
