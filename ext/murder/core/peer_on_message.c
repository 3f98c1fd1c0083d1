/*
 * Which reaction a message gets, and the checks all share. BEP 3 "peer
 * messages"; BEP 6 for the kinds from 13 on.
 */
#include "swarm_int.h"

/* A block must lie within its piece. */
static bool
block_ok(const struct swarm *s, struct block b, uint32_t max)
{
	uint32_t size;

	if (b.piece >= s->c.n_pieces || b.length == 0 || b.length > max)
		return false;
	size = swarm_piece_size(s, b.piece);
	return b.begin < size && b.length <= size - b.begin;
}

static void
on_block(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	struct block b = {
	    .piece = m->piece, .begin = m->begin, .length = m->length};

	if (!block_ok(s, b, LIMIT_BLOCK_BYTES)) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	switch (m->kind) {
	case WIRE_REQUEST:
		peer_on_request(s, p, b);
		break;
	case WIRE_CANCEL:
		peer_on_cancel(s, p, b);
		break;
	case WIRE_REJECT:
		peer_on_reject(s, p, b);
		break;
	default:
		peer_on_piece(s, p, b);
		break;
	}
}

static void
on_unchoke(struct swarm *s, struct peer *p)
{
	p->is_choking = false;
	p->asked_at = s->now;
	ask_more(s, p);
}

/* We unchoke whoever is interested: control is the order of service. */
static void
on_interested(struct swarm *s, struct peer *p)
{
	if (p->am_choking) {
		p->am_choking = false;
		peer_say_plain(s, p, WIRE_UNCHOKE);
	}
}

/* BEP 6's messages are only for those who both offered it. */
static bool
needs_fast(enum wire_kind k)
{
	return k == WIRE_SUGGEST || k == WIRE_HAVE_ALL || k == WIRE_HAVE_NONE ||
	       k == WIRE_REJECT || k == WIRE_ALLOWED_FAST;
}

static void
on_suggest(struct swarm *s, struct peer *p, uint32_t piece)
{
	p->suggested = piece;
	p->rest_until = s->now; /* that it would serve */
	peer_mark(s, p);
	s->recheck = true;
}

static void
on_index(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	if (m->piece >= s->c.n_pieces)
		peer_close(s, p, CLOSE_PROTOCOL);
	else if (m->kind == WIRE_HAVE)
		peer_on_have(s, p, m->piece);
	else if (m->kind == WIRE_SUGGEST)
		on_suggest(s, p, m->piece);
	/* Allowed-fast sets help the choked; nobody of ours is choked for
	 * longer than it takes to say "interested". */
}

void
peer_on_message(struct swarm *s, struct peer *p, const struct wire_msg *m)
{
	if (needs_fast(m->kind) && !p->fast) {
		peer_close(s, p, CLOSE_PROTOCOL);
		return;
	}
	switch (m->kind) {
	case WIRE_HANDSHAKE:
		peer_on_handshake(s, p, &m->handshake);
		break;
	case WIRE_CHOKE:
		peer_on_choke(s, p);
		break;
	case WIRE_UNCHOKE:
		on_unchoke(s, p);
		break;
	case WIRE_INTERESTED:
		on_interested(s, p);
		break;
	case WIRE_NOT_INTERESTED:
		break;
	case WIRE_HAVE:
	case WIRE_SUGGEST:
	case WIRE_ALLOWED_FAST:
		on_index(s, p, m);
		break;
	case WIRE_BITFIELD:
	case WIRE_HAVE_ALL:
	case WIRE_HAVE_NONE:
		peer_on_bitfield(s, p, m);
		break;
	case WIRE_REQUEST:
	case WIRE_PIECE:
	case WIRE_CANCEL:
	case WIRE_REJECT:
		on_block(s, p, m);
		break;
	case WIRE_EXTENDED:
		peer_on_extended(s, p, m);
		break;
	case WIRE_PORT:
	case WIRE_KEEPALIVE:
		break;
	}
}
