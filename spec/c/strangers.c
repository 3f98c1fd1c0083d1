#include <assert.h>
#include <string.h>

#include "strangers.h"

#define INFO_HASH 0xab

static struct stranger *
stranger_of(struct strangers *t, peer_t p)
{
	unsigned i;

	for (i = 0; i < N_STRANGERS; i++)
		if (t->at[i].peer == p && !t->at[i].closed)
			return &t->at[i];
	return NULL;
}

static void
hear_stripes(struct stranger *o, const struct wire_msg *m)
{
	struct span body = m->body;
	enum wire_stripes_kind kind;
	stripes_t of;

	if (m->ext_id != STRANGERS_STRIPES_ID ||
	    wire_take_stripes(&body, &kind, &of) != 0)
		return;
	o->told[kind] = of;
	o->n_told[kind]++;
}

static void
hear(struct stranger *o, struct span bytes)
{
	struct wire_msg m;
	int rc;

	while ((rc = wire_read(&o->in, &bytes, &m)) == 1) {
		assert(o->n_heard < MAX_HEARD);
		o->heard[o->n_heard++] = m;
		if (m.kind != WIRE_EXTENDED)
			continue;
		hear_stripes(o, &m);
		buf_clear(&o->extended);
		(void)buf_put_span(&o->extended, m.body);
	}
	assert(rc == 0);
}

static void
carry_out(struct strangers *t, const struct action *a)
{
	struct stranger *o = stranger_of(t, a->peer);

	switch (a->kind) {
	case ACTION_DIAL:
		t->dialled = a->addr;
		t->n_dialled++;
		if (!t->is_far)
			(void)swarm_on_closed(t->swarm, a->peer, t->now);
		return;
	case ACTION_CLOSE:
		if (o == NULL)
			return; /* one that was dialled */
		o->closed = true;
		o->why = a->reason;
		return;
	case ACTION_SEND:
		hear(o, a->bytes);
		return;
	case ACTION_SEND_BLOCK:
		hear(o, a->bytes);
		o->undrained += a->block.length;
		return;
	case ACTION_RECEIVE:
		if (o->rx_left == 0)
			o->rx_left = a->block.length;
		return;
	case ACTION_MEASURE:
		if (o != NULL)
			(void)swarm_on_unacked(
			    t->swarm, a->peer, o->unacked, o->rtt, t->now);
		return;
	case ACTION_STORE:
		t->n_stored++;
		(void)swarm_on_stored(
		    t->swarm, a->block.piece, SWARM_STORED, t->now);
		return;
	case ACTION_FINISHED:
		t->n_finished++;
		return;
	case ACTION_ANNOUNCE:
		t->asked = a->announce.query;
		t->n_asked++;
		return;
	case ACTION_DROP:
		return;
	}
}

static void
act(struct strangers *t)
{
	struct action a;

	while (swarm_next(t->swarm, &a))
		carry_out(t, &a);
}

static void
open_with(struct strangers *t, struct swarm_config c, bool complete)
{
	struct bits have;
	unsigned i;
	int rc;

	memset(t, 0, sizeof(*t));
	failalloc_init(&t->heap, 0);
	c.length = (uint64_t)STRANGERS_PIECE * c.n_pieces;
	c.piece_length = STRANGERS_PIECE;
	c.listen_port = 6881;
	c.seed = 7;
	c.mem = &t->heap.mem;
	memset(c.info_hash, INFO_HASH, sizeof(c.info_hash));
	memset(c.peer_id, 'u', sizeof(c.peer_id));
	swarm_config_init(&c);
	t->now = (struct instant){.ns = 1000000000u};
	rc = bits_init(&have, c.mem, c.n_pieces);
	assert(rc == 0);
	if (complete)
		bits_set_all(&have);
	rc = swarm_new(&t->swarm, &c, &have, t->now);
	assert(rc == 0);
	bits_free(&have);
	for (i = 0; i < N_STRANGERS; i++) {
		wire_reader_init(&t->at[i].in, c.mem, 1 << 16, 1 << 20);
		buf_init(&t->at[i].out, c.mem, 1 << 20);
		buf_init(&t->at[i].extended, c.mem, 1 << 16);
	}
}

void
strangers_open(struct strangers *t, bool complete, bool is_private)
{
	struct swarm_config c = {.n_pieces = STRANGERS_PIECES,
	    .n_trackers = 1,
	    .is_private = is_private};

	open_with(t, c, complete);
}

void
strangers_open_striped(struct strangers *t, bool complete)
{
	struct swarm_config c = {
	    .n_pieces = STRANGERS_MANY, .n_trackers = 1, .stripes = true};

	open_with(t, c, complete);
}

void
strangers_answer(struct strangers *t, const struct announce_answer *a)
{
	struct buf body;
	int rc;

	buf_init(&body, &t->heap.mem, 1 << 16);
	rc = announce_build_answer(&body, a);
	assert(rc == 0);
	rc = swarm_on_announce(t->swarm, buf_span(&body), 0, t->now);
	assert(rc == 0);
	buf_free(&body);
	act(t);
}

void
strangers_close(struct strangers *t)
{
	unsigned i;

	for (i = 0; i < N_STRANGERS; i++) {
		wire_reader_free(&t->at[i].in);
		buf_free(&t->at[i].out);
		buf_free(&t->at[i].extended);
	}
	swarm_free(t->swarm);
	failalloc_check(&t->heap);
}

void
strangers_meet(struct strangers *t, unsigned i, bool fast, bool extended)
{
	struct wire_handshake h = {.fast = fast, .extended = extended};
	struct addr from = {.family = ADDR_V4, .port = 50000};
	int rc;

	memset(h.info_hash, INFO_HASH, sizeof(h.info_hash));
	memset(h.peer_id, (int)i, sizeof(h.peer_id));
	from.ip[0] = 10;
	from.ip[3] = (uint8_t)(i + 1);
	rc = swarm_on_accept(t->swarm, &from, &t->at[i].peer, t->now);
	assert(rc == 0);
	assert(t->at[i].peer != 0);
	(void)wire_put_handshake(&t->at[i].out, &h);
	strangers_send(t, i);
}

void
strangers_again(struct strangers *t, unsigned i)
{
	struct stranger *o = &t->at[i];

	wire_reader_free(&o->in);
	wire_reader_init(&o->in, &t->heap.mem, 1 << 16, 1 << 20);
	o->closed = false;
	o->undrained = o->rx_left = 0;
}

/* Gives the swarm what o says, and the payload among it. */
static void
deliver(struct strangers *t, struct stranger *o, struct span in)
{
	size_t n;
	int rc;

	while (in.n > 0 && !o->closed) {
		if (o->rx_left > 0) {
			n = in.n < o->rx_left ? in.n : o->rx_left;
			o->rx_left -= (uint32_t)n;
			rc = swarm_on_payload(
			    t->swarm, o->peer, (uint32_t)n, t->now);
		} else {
			rc = swarm_on_bytes(t->swarm, o->peer, in, &n, t->now);
		}
		assert(rc == 0);
		in.p += n;
		in.n -= n;
		act(t);
	}
}

void
strangers_send(struct strangers *t, unsigned i)
{
	struct stranger *o = &t->at[i];

	assert(buf_error(&o->out) == 0);
	o->n_heard = 0;
	deliver(t, o, buf_span(&o->out));
	buf_clear(&o->out);
}

void
strangers_send_block(struct strangers *t, unsigned i, struct block b)
{
	struct buf *out = &t->at[i].out;
	uint8_t *p;

	(void)wire_put_piece_head(out, b.piece, b.begin, b.length);
	p = buf_grow(out, b.length);
	assert(p != NULL);
	memset(p, 'x', b.length);
	strangers_send(t, i);
}

void
strangers_drain(struct strangers *t, unsigned i)
{
	struct stranger *o = &t->at[i];
	uint32_t n;

	while ((n = o->undrained) > 0) {
		o->undrained = 0;
		(void)swarm_on_sent(t->swarm, o->peer, n, t->now);
		act(t);
	}
}

void
strangers_wait(struct strangers *t, uint32_t ms)
{
	struct instant end = tick_add(t->now, TICK_MS(ms));

	while (t->now.ns < end.ns) {
		t->now = tick_add(t->now, TICK_MS(50));
		if (tick_due(swarm_deadline(t->swarm), t->now))
			(void)swarm_on_deadline(t->swarm, t->now);
		act(t);
	}
}

uint32_t
strangers_n(const struct strangers *t, unsigned i, enum wire_kind kind)
{
	uint32_t k, n = 0;

	for (k = 0; k < t->at[i].n_heard; k++)
		n += t->at[i].heard[k].kind == kind;
	return n;
}

struct block
strangers_block(
    const struct strangers *t, unsigned i, enum wire_kind kind, uint32_t k)
{
	const struct wire_msg *m;
	uint32_t at;

	for (at = 0; at < t->at[i].n_heard; at++) {
		m = &t->at[i].heard[at];
		if (m->kind == kind && k-- == 0)
			return (struct block){.piece = m->piece,
			    .begin = m->begin,
			    .length = m->length};
	}
	assert(false && "heard so many");
	return (struct block){0};
}

void
strangers_greet(
    struct strangers *t, unsigned i, const struct wire_ext_handshake *h)
{
	struct buf *out = &t->at[i].out, body;
	int rc;

	strangers_meet(t, i, true, true);
	buf_init(&body, &t->heap.mem, 512);
	rc = wire_ext_build(&body, h);
	assert(rc == 0);
	(void)wire_put_plain(out, WIRE_HAVE_NONE);
	(void)wire_put_extended(out, WIRE_EXT_HANDSHAKE, buf_span(&body));
	buf_free(&body);
	strangers_send(t, i);
}
