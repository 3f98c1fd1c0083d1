#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "lan.h"

struct item {
	uint8_t *bytes; /* NULL: payload */
	uint32_t n, done;
	bool wrong;
	struct item *next;
};

struct end {
	uint32_t host; /* where this end is */
	peer_t peer;
	bool open;
	struct item *head, *tail; /* on their way to this end */
	uint32_t rx_left;
	bool discard;
	uint32_t rx_piece;
	uint32_t tx_payload; /* sent, not yet told */
};

struct wire {
	struct end end[2];
};

struct host {
	struct swarm *swarm;
	bool alive;
	uint64_t payload;
	bool *wrong_piece;
};

struct lan {
	struct lan_options o;
	struct host host[LAN_HOSTS];
	struct wire *wires;
	uint32_t n_wires, n_pieces;
	uint32_t n_closed[16];
	uint32_t n_finished;
	uint64_t between_racks;
	struct instant now;
};

static struct addr
addr_of(uint32_t host)
{
	struct addr a = {.family = ADDR_V4, .port = 6881};

	a.ip[0] = 10;
	a.ip[3] = (uint8_t)(host + 1);
	return a;
}

static void
push(struct end *e, struct span bytes, uint32_t payload, bool wrong)
{
	struct item *it = calloc(1, sizeof(*it));

	assert(it != NULL);
	it->n = payload;
	it->wrong = wrong;
	if (bytes.n > 0) {
		it->bytes = malloc(bytes.n);
		assert(it->bytes != NULL);
		memcpy(it->bytes, bytes.p, bytes.n);
		it->n = (uint32_t)bytes.n;
	}
	if (e->tail != NULL)
		e->tail->next = it;
	else
		e->head = it;
	e->tail = it;
}

static void
pop(struct end *e)
{
	struct item *it = e->head;

	e->head = it->next;
	if (e->head == NULL)
		e->tail = NULL;
	free(it->bytes);
	free(it);
}

static struct end *
end_of(struct lan *l, uint32_t host, peer_t p, struct end **other)
{
	uint32_t i, k;

	for (i = 0; i < l->n_wires; i++)
		for (k = 0; k < 2; k++)
			if (l->wires[i].end[k].open &&
			    l->wires[i].end[k].host == host &&
			    l->wires[i].end[k].peer == p) {
				*other = &l->wires[i].end[1 - k];
				return &l->wires[i].end[k];
			}
	return NULL;
}

static void
hang_up(struct end *e)
{
	e->open = false;
	while (e->head != NULL)
		pop(e);
}

static int
dial(struct lan *l, uint32_t host, const struct action *a)
{
	uint32_t to = (uint32_t)a->addr.ip[3] - 1;
	struct addr from = addr_of(host);
	struct wire *w;
	peer_t p = 0;
	int rc;

	from.port = 40000;
	if (!l->host[to].alive)
		return swarm_on_closed(l->host[host].swarm, a->peer, l->now);
	rc = swarm_on_accept(l->host[to].swarm, &from, &p, l->now);
	if (rc != 0)
		return rc;
	if (p == 0)
		return swarm_on_closed(l->host[host].swarm, a->peer, l->now);
	l->wires = realloc(l->wires, (l->n_wires + 1) * sizeof(*w));
	assert(l->wires != NULL);
	w = &l->wires[l->n_wires++];
	memset(w, 0, sizeof(*w));
	w->end[0] = (struct end){.host = host, .peer = a->peer, .open = true};
	w->end[1] = (struct end){.host = to, .peer = p, .open = true};
	return swarm_on_connect(l->host[host].swarm, a->peer, l->now);
}

static int
store(struct lan *l, uint32_t host, uint32_t piece)
{
	bool wrong = l->host[host].wrong_piece[piece];

	l->host[host].wrong_piece[piece] = false;
	return swarm_on_stored(l->host[host].swarm, piece,
	    wrong ? SWARM_HASH_WRONG : SWARM_STORED, l->now);
}

static int
carry_out(struct lan *l, uint32_t host, const struct action *a)
{
	struct end *other = NULL, *e = end_of(l, host, a->peer, &other);

	switch (a->kind) {
	case ACTION_DIAL:
		return dial(l, host, a);
	case ACTION_CLOSE:
		l->n_closed[a->reason]++;
		if (e == NULL)
			return 0;
		hang_up(e);
		/* What is on its way still arrives; then the end is seen. */
		return 0;
	case ACTION_SEND:
		if (e != NULL && other->open)
			push(other, a->bytes, 0, false);
		return 0;
	case ACTION_SEND_BLOCK:
		if (e != NULL && other->open) {
			push(other, a->bytes, 0, false);
			push(other, (struct span){.n = 0}, a->block.length,
			    host == l->o.liar);
		}
		if (e != NULL)
			e->tx_payload += a->block.length;
		l->host[host].payload += a->block.length;
		if (host != 0 && e != NULL && l->o.n_racks > 0 &&
		    host % l->o.n_racks != other->host % l->o.n_racks)
			l->between_racks += a->block.length;
		return 0;
	case ACTION_RECEIVE:
		if (e != NULL) {
			e->rx_left = a->block.length;
			e->discard = a->discard;
			e->rx_piece = a->block.piece;
		}
		return 0;
	case ACTION_MEASURE:
		return swarm_on_unacked(l->host[host].swarm, a->peer, 0,
		    (struct duration){0}, l->now);
	case ACTION_STORE:
		return store(l, host, a->block.piece);
	case ACTION_DROP:
		l->host[host].wrong_piece[a->block.piece] = false;
		return 0;
	case ACTION_ANNOUNCE:
		return 0;
	case ACTION_FINISHED:
		l->n_finished++;
		return 0;
	}
	return 0;
}

static int
drain(struct lan *l)
{
	struct action a;
	uint32_t h;
	int rc = 0;
	bool moved = true;

	while (moved && rc == 0) {
		moved = false;
		for (h = 0; h < l->o.n_hosts && rc == 0; h++)
			while (rc == 0 && l->host[h].alive &&
			       swarm_next(l->host[h].swarm, &a)) {
				moved = true;
				rc = carry_out(l, h, &a);
			}
	}
	return rc;
}

/* Gives end e the front of what is on its way to it. */
static int
deliver(struct lan *l, struct end *e)
{
	struct host *h = &l->host[e->host];
	struct item *it = e->head;
	size_t used;
	int rc;
	uint32_t n;

	if (it->bytes != NULL) {
		assert(e->rx_left == 0);
		rc = swarm_on_bytes(h->swarm, e->peer,
		    (struct span){it->bytes + it->done, it->n - it->done},
		    &used, l->now);
		it->done += (uint32_t)used;
		if (it->done == it->n)
			pop(e);
		return rc;
	}
	assert(e->rx_left > 0);
	n = it->n - it->done < 5000 ? it->n - it->done : 5000;
	assert(n <= e->rx_left);
	if (it->wrong && !e->discard)
		h->wrong_piece[e->rx_piece] = true;
	e->rx_left -= n;
	it->done += n;
	if (it->done == it->n)
		pop(e);
	return swarm_on_payload(h->swarm, e->peer, n, l->now);
}

static int
step_end(struct lan *l, uint32_t i, uint32_t k, bool *moved)
{
	struct end *e = &l->wires[i].end[k];
	uint32_t n;
	int rc = 0;

	if (!e->open)
		return 0;
	if (e->tx_payload > 0) {
		*moved = true;
		n = e->tx_payload < 7000 ? e->tx_payload : 7000;
		e->tx_payload -= n;
		rc = swarm_on_sent(l->host[e->host].swarm, e->peer, n, l->now);
	} else if (e->head != NULL) {
		*moved = true;
		rc = deliver(l, e);
	} else if (!l->wires[i].end[1 - k].open) {
		*moved = true;
		hang_up(e);
		rc = swarm_on_closed(l->host[e->host].swarm, e->peer, l->now);
	}
	return rc != 0 ? rc : drain(l);
}

static bool
all_complete(const struct lan *l)
{
	uint32_t h;

	for (h = 0; h < l->o.n_hosts; h++)
		if (l->host[h].alive &&
		    !bits_full(swarm_have(l->host[h].swarm)))
			return false;
	return true;
}

static int
tick(struct lan *l)
{
	uint32_t h;
	int rc = 0;

	for (h = 0; h < l->o.n_hosts && rc == 0; h++)
		if (l->host[h].alive &&
		    tick_due(swarm_deadline(l->host[h].swarm), l->now))
			rc = swarm_on_deadline(l->host[h].swarm, l->now);
	return rc != 0 ? rc : drain(l);
}

bool
lan_run(struct lan *l, uint32_t max_steps, int *err)
{
	uint32_t step, i, k;
	bool moved;
	int rc = drain(l);

	for (step = 0; step < max_steps && rc == 0; step++) {
		if (all_complete(l))
			break;
		moved = false;
		for (i = 0; i < l->n_wires && rc == 0; i++)
			for (k = 0; k < 2 && rc == 0; k++)
				rc = step_end(l, i, k, &moved);
		l->now = tick_add(l->now, moved ? TICK_MS(1) : TICK_MS(100));
		if (rc == 0)
			rc = tick(l);
	}
	*err = rc;
	return rc == 0 && all_complete(l);
}

static int
host_new(struct lan *l, uint32_t h)
{
	struct swarm_config c = {.mem = l->o.mem,
	    .length = l->o.length,
	    .piece_length = l->o.piece_length,
	    .n_pieces = l->n_pieces,
	    .listen_port = 6881,
	    .seed = l->o.seed + h};
	struct bits have;
	int rc;

	memset(c.info_hash, 0xab, sizeof(c.info_hash));
	memset(c.peer_id, (int)h + 1, sizeof(c.peer_id));
	swarm_config_init(&c);
	if (l->o.n_racks > 0)
		(void)snprintf(c.rack, sizeof(c.rack), "r%u", h % l->o.n_racks);
	rc = bits_init(&have, l->o.mem, l->n_pieces);
	if (rc != 0)
		return rc;
	if (h == 0)
		bits_set_all(&have);
	rc = swarm_new(&l->host[h].swarm, &c, &have, l->now);
	bits_free(&have);
	l->host[h].alive = rc == 0;
	l->host[h].wrong_piece = calloc(l->n_pieces, sizeof(bool));
	assert(l->host[h].wrong_piece != NULL);
	return rc;
}

struct lan *
lan_new(const struct lan_options *o)
{
	struct lan *l = calloc(1, sizeof(*l));
	uint32_t h, k;
	struct addr a;
	int rc = 0;

	assert(l != NULL);
	assert(o->n_hosts <= LAN_HOSTS);
	l->o = *o;
	l->n_pieces =
	    (uint32_t)((o->length + o->piece_length - 1) / o->piece_length);
	l->now = (struct instant){.ns = 1000000000u};
	for (h = 0; h < o->n_hosts && rc == 0; h++)
		rc = host_new(l, h);
	for (h = 0; h < o->n_hosts && rc == 0; h++)
		for (k = 0; k < o->n_hosts && rc == 0; k++) {
			a = addr_of(k);
			if (k != h)
				rc = swarm_on_address(
				    l->host[h].swarm, &a, l->now);
		}
	if (rc == 0)
		return l;
	lan_free(l);
	return NULL;
}

void
lan_free(struct lan *l)
{
	uint32_t i;

	for (i = 0; i < l->n_wires; i++) {
		hang_up(&l->wires[i].end[0]);
		hang_up(&l->wires[i].end[1]);
	}
	for (i = 0; i < LAN_HOSTS; i++) {
		swarm_free(l->host[i].swarm);
		free(l->host[i].wrong_piece);
	}
	free(l->wires);
	free(l);
}

void
lan_kill(struct lan *l, uint32_t host)
{
	uint32_t i, k;

	l->host[host].alive = false;
	for (i = 0; i < l->n_wires; i++)
		for (k = 0; k < 2; k++)
			if (l->wires[i].end[k].host == host)
				hang_up(&l->wires[i].end[k]);
}

struct swarm *
lan_swarm(struct lan *l, uint32_t host)
{
	return l->host[host].swarm;
}

uint32_t
lan_n_closed(const struct lan *l, enum close_reason why)
{
	return l->n_closed[why];
}

uint64_t
lan_between_racks(const struct lan *l)
{
	return l->between_racks;
}

uint64_t
lan_payload(const struct lan *l, uint32_t host)
{
	return l->host[host].payload;
}

uint32_t
lan_n_finished(const struct lan *l)
{
	return l->n_finished;
}
