/*
 * What a neighbour holds: BEP 3 have and bitfield, BEP 6 have all and have
 * none. Drives availability, our interest, and how needy the neighbour is.
 */
#include "swarm_int.h"

/* Both complete: nothing will ever pass between us. */
static void
part_if_useless(struct swarm *s, struct peer *p)
{
	if (bits_full(&p->have) && swarm_complete(s) && s->c.n_pieces > 0)
		peer_close(s, p, CLOSE_USELESS);
}

void
peer_on_have(struct swarm *s, struct peer *p, uint32_t piece)
{
	p->said_have = true;
	if (!bits_set(&p->have, piece))
		return;
	picker_add_owner(&s->picker, piece);
	peer_mark(s, p);
	rack_on_have(s, p, piece);
	if (!bits_get(&s->have, piece)) {
		p->n_offers++;
		peer_say_interest(s, p);
		ask_more(s, p);
	}
	part_if_useless(s, p);
}

static void
recount(struct swarm *s, struct peer *p)
{
	uint32_t i;

	p->n_offers = 0;
	for (i = 0; i < s->c.n_pieces; i++) {
		i = bits_next_missing(&p->have, &s->have, i);
		if (i < s->c.n_pieces)
			p->n_offers++;
	}
}

/*
 * BEP 3 and 6 have these only as the first message, but aria2c sends them
 * later wherever they are shorter than the haves they stand for. Nobody loses
 * pieces.
 */
static void
more_haves(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	uint32_t i, before = p->have.n_set;
	struct bits news;

	if (bits_init(&news, s->c.mem, s->c.n_pieces) != 0) {
		(void)swarm_fail(s, ERR_NOMEM);
		return;
	}
	if (m->kind == WIRE_HAVE_ALL)
		bits_set_all(&news);
	else if (m->kind == WIRE_BITFIELD &&
		 bits_from_wire(&news, m->body) != 0)
		peer_close(s, p, CLOSE_PROTOCOL);
	for (i = 0; i < news.n && p->state != PEER_CLOSED; i++) {
		i = bits_next_missing(&news, &p->have, i);
		if (i < news.n)
			peer_on_have(s, p, i);
	}
	bits_free(&news);
	p->n_seen += p->have.n_set - before; /* not what it got just now */
}

void
peer_on_bitfield(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	int err = 0;

	if (p->said_have) {
		more_haves(s, p, m);
		return;
	}
	p->said_have = true;
	if (m->kind == WIRE_HAVE_ALL)
		bits_set_all(&p->have);
	else if (m->kind == WIRE_BITFIELD)
		err = bits_from_wire(&p->have, m->body);
	if (err != 0) {
		bits_clear_all(&p->have);
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	p->n_seen = p->have.n_set;
	picker_add_owner_bits(&s->picker, &p->have);
	peer_mark(s, p);
	rack_review(s, true);
	recount(s, p);
	peer_say_interest(s, p);
	part_if_useless(s, p);
}
