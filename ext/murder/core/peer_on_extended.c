/*
 * BEP 10. The extension handshake tells who is our kin; between kin the
 * sender says when to ask (wire_ext.h, doc/PROTOCOL.md).
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
		dial_note(s, p);
	}
	if (h.id_murder == 0)
		return;
	p->kin = true;
	p->ext_murder = h.id_murder;
	if (h.block >= PARTIAL_UNIT)
		p->max_block =
		    h.block < LIMIT_BLOCK_BYTES ? h.block : LIMIT_BLOCK_BYTES;
}

static void
on_murder(struct swarm *s, struct peer *p, struct span body)
{
	struct wire_murder m;

	if (!p->kin || wire_murder_parse(&m, body) != 0) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	switch (m.kind) {
	case WIRE_GRANT:
		peer_on_grant(s, p, m.piece);
		break;
	case WIRE_DECLINE:
		p->unwilling = true;
		serve_drop(s, p);
		break;
	case WIRE_WANT:
		p->unwilling = false;
		break;
	}
}

void
peer_on_grant(struct swarm *s, struct peer *p, uint32_t suggested)
{
	p->declined = false;
	if (ask_granted(s, p, suggested))
		return;
	p->declined = true;
	peer_say_murder(s, p, WIRE_DECLINE, WIRE_NO_PIECE);
}

void
peer_on_extended(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	if (!p->extended)
		peer_close(s, p, CLOSE_PROTOCOL);
	else if (m->ext_id == WIRE_EXT_HANDSHAKE)
		on_ext_handshake(s, p, m->body);
	else if (m->ext_id == WIRE_EXT_MURDER)
		on_murder(s, p, m->body);
}
