/*
 * BEP 10. The extension handshake tells who is our kin, by the size of the
 * blocks it takes (wire_ext.h, doc/PROTOCOL.md).
 */
#include "swarm_int.h"

static void
on_ext_handshake(struct swarm *s, struct peer *p, struct span body)
{
	struct wire_ext_handshake h;

	if (wire_ext_parse(&h, body) != 0) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	if (h.reqq > 0)
		p->reqq = h.reqq;
	if (h.port != 0 && p->dialled.port == 0) {
		p->dialled = p->addr;
		p->dialled.port = h.port;
		p->up_at = s->now;
		dial_note(s, p);
	}
	p->haves_id = h.id_haves;
	if (stripe_takes_part(s) && h.block >= PARTIAL_UNIT)
		p->stripes_id = h.id_stripes;
	s->stripe.review = true;
	if (!s->c.is_private)
		p->pex_id = h.id_pex;
	pex_say(s, p);
	if (h.block < PARTIAL_UNIT)
		return;
	p->kin = true;
	peer_mark(s, p);
	p->rack = rack_of_label(h.rack);
	p->member = rack_member(p->peer_id);
	rack_review(s, true);
	if (rack_is_crowded(s, p) || (!h.link && stripe_is_crowded(s, p))) {
		peer_close(s, p, CLOSE_USELESS);
		return;
	}
	p->max_block =
	    h.block < LIMIT_BLOCK_BYTES ? h.block : LIMIT_BLOCK_BYTES;
	stripe_greet(s, p);
	serve_suggest(s, p);
	ask_more(s, p);
}

void
peer_on_extended(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	if (!p->extended)
		peer_close(s, p, CLOSE_PROTOCOL);
	else if (m->ext_id == WIRE_EXT_HANDSHAKE)
		on_ext_handshake(s, p, m->body);
	else if (m->ext_id == WIRE_EXT_PEX)
		pex_on_message(s, p, m->body);
	else if (m->ext_id == WIRE_EXT_HAVES)
		news_on_message(s, p, m->body);
	else if (m->ext_id == WIRE_EXT_STRIPES)
		stripe_on_message(s, p, m->body);
}
