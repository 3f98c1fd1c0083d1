#include <assert.h>
#include <string.h>

#include "swarm_int.h"

/* A number says which slot, and which of its tenants. */
static peer_t
number(uint32_t generation, uint32_t slot)
{
	return generation * LIMIT_PEERS + slot + 1;
}

struct peer *
peer_of(const struct swarm *s, peer_t id)
{
	struct peer *p;

	if (id == 0)
		return NULL;
	p = s->peers[(id - 1) % LIMIT_PEERS];
	if (p == NULL || p->id != id || p->state == PEER_CLOSED)
		return NULL;
	return p;
}

static uint32_t
free_slot(const struct swarm *s)
{
	uint32_t i;

	if (s->n_slots_used >= s->c.max_peers)
		return LIMIT_PEERS;
	for (i = 0; i < s->c.max_peers; i++)
		if (s->peers[i] == NULL)
			return i;
	return LIMIT_PEERS;
}

/* Control messages are short; only the bitfield grows with the torrent. */
static uint32_t
max_message(const struct swarm *s)
{
	uint32_t bitfield = s->c.n_pieces / 8 + 16;

	return bitfield > LIMIT_MESSAGE_BYTES ? bitfield : LIMIT_MESSAGE_BYTES;
}

struct peer *
peer_new(struct swarm *s, const struct addr *a, bool outgoing)
{
	uint32_t slot = free_slot(s);
	struct peer *p;

	if (slot == LIMIT_PEERS)
		return NULL;
	p = mem_zalloc(s->c.mem, 1, sizeof(*p));
	if (p == NULL || bits_init(&p->have, s->c.mem, s->c.n_pieces) != 0) {
		mem_free(s->c.mem, p);
		swarm_fail(s, ERR_NOMEM);
		return NULL;
	}
	p->pushed.mem = s->c.mem;
	s->generation++;
	p->slot = slot;
	p->id = number(s->generation, slot);
	p->state = outgoing ? PEER_DIALLING : PEER_SHAKING;
	p->outgoing = outgoing;
	p->addr = *a;
	if (outgoing)
		p->dialled = *a;
	p->am_choking = true;
	p->suggested = NO_PIECE;
	p->news_due = TICK_NEVER;
	p->offered = NO_PIECE;
	p->lacks = STRIPES_ALL; /* until it says otherwise */
	p->is_choking = true;
	p->max_block = LIMIT_BLOCK_STANDARD;
	p->reqq = 250;
	p->heard = s->now;
	p->said = s->now;
	p->asked_at = s->now;
	wire_reader_init(&p->in, s->c.mem, max_message(s), LIMIT_BLOCK_BYTES);
	s->peers[slot] = p;
	s->n_slots_used++;
	s->housekeeping =
	    tick_min(s->housekeeping, tick_add(s->now, HOUSEKEEPING_BUSY));
	return p;
}

void
peer_mark(struct swarm *s, const struct peer *p)
{
	bool up = p->state == PEER_UP, wanting = up && p->wants.n > 0;
	uint32_t i = p->slot;

	slots_put(&s->set.up, i, up);
	slots_put(&s->set.kin, i, up && p->kin);
	slots_put(&s->set.fast, i, up && p->kin && p->fast);
	slots_put(&s->set.full, i, up && bits_full(&p->have));
	slots_put(&s->set.out, i, up && ask_is_out(p));
	slots_put(&s->set.extra, i, up && p->extra);
	slots_put(&s->set.coming, i, up && p->rx_left > 0);
	slots_put(&s->set.suggested, i, up && p->suggested != NO_PIECE);
	slots_put(&s->set.wanting, i, wanting);
	slots_put(&s->set.waiting, i,
	    wanting && p->n_in_io == 0 && p->upload == NULL);
	slots_put(&s->set.slow, i, up && p->slow);
	slots_put(&s->set.takers, i, up && p->takes != 0);
	slots_put(
	    &s->set.content, i, up && p->stripes_id != 0 && p->lacks == 0);
	s->n_have[i] = p->have.n_set;
}

void
peer_check_marks(const struct swarm *s)
{
	uint32_t i;
	const struct peer *p;

	for (i = 0; i < s->c.max_peers; i++) {
		p = s->peers[i];
		assert(slots_has(&s->set.up, i) ==
		       (p != NULL && p->state == PEER_UP));
		if (peer_up(s, i) == NULL)
			continue;
		assert(s->n_have[i] == p->have.n_set);
		assert(slots_has(&s->set.kin, i) == p->kin);
		assert(slots_has(&s->set.full, i) == bits_full(&p->have));
		assert(slots_has(&s->set.out, i) == ask_is_out(p));
		assert(slots_has(&s->set.extra, i) == p->extra);
		assert(slots_has(&s->set.coming, i) == (p->rx_left > 0));
		assert(slots_has(&s->set.suggested, i) ==
		       (p->suggested != NO_PIECE));
		assert(slots_has(&s->set.wanting, i) == (p->wants.n > 0));
		assert(
		    slots_has(&s->set.waiting, i) ==
		    (p->wants.n > 0 && p->n_in_io == 0 && p->upload == NULL));
		assert(slots_has(&s->set.slow, i) == p->slow);
	}
}

void
peer_lost(struct swarm *s, struct peer *p)
{
	bool was_up = p->state == PEER_UP;

	if (p->state == PEER_CLOSED)
		return;
	p->state = PEER_CLOSED;
	peer_mark(s, p);
	s->any_closed = true;
	if (was_up) {
		s->n_up--;
		picker_drop_owner_bits(&s->picker, &p->have);
	}
	dial_ended(s, p, !was_up);
	s->stripe.review = true;
	piece_interrupt(s, p);
	piece_source_gone(s, p);
	ask_forget(s, p, false);
	serve_drop(s, p);
	rack_review(s, true);
}

void
peer_close(struct swarm *s, struct peer *p, enum close_reason why)
{
	struct action *a;

	if (p->state == PEER_CLOSED)
		return;
	a = swarm_act(s, ACTION_CLOSE, p->id);
	if (a != NULL) {
		a->reason = why;
		a->addr = p->dialled.port != 0 ? p->dialled : p->addr;
	}
	peer_lost(s, p);
}

void
peer_free(struct swarm *s, struct peer *p)
{
	s->peers[p->slot] = NULL;
	s->n_slots_used--;
	wire_reader_free(&p->in);
	bits_free(&p->have);
	bits_free(&p->pushed);
	mem_free(s->c.mem, p->asked.at);
	mem_free(s->c.mem, p->wants.at);
	mem_free(s->c.mem, p);
}

void
peer_reap(struct swarm *s)
{
	uint32_t i;

	if (!s->any_closed)
		return;
	s->any_closed = false;
	for (i = 0; i < s->c.max_peers; i++)
		if (s->peers[i] != NULL && s->peers[i]->state == PEER_CLOSED)
			peer_free(s, s->peers[i]);
}

int
block_list_push(struct swarm *s, struct block_list *l, struct block b)
{
	uint32_t cap;
	struct block *at;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 8 : l->cap * 2;
		at = mem_resize(s->c.mem, l->at, cap, sizeof(*at));
		if (at == NULL)
			return swarm_fail(s, ERR_NOMEM);
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n++] = b;
	return 0;
}

void
block_list_remove(struct block_list *l, uint32_t i)
{
	assert(i < l->n);
	memmove(l->at + i, l->at + i + 1, (l->n - i - 1) * sizeof(*l->at));
	l->n--;
}

uint32_t
block_list_find(const struct block_list *l, struct block b, uint32_t from)
{
	uint32_t i;

	for (i = from; i < l->n; i++)
		if (l->at[i].piece == b.piece && l->at[i].begin == b.begin &&
		    l->at[i].length == b.length)
			break;
	return i;
}
