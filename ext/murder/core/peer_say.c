#include <string.h>

#include "swarm_int.h"

void
peer_say_handshake(struct swarm *s, struct peer *p)
{
	struct wire_handshake h = {.fast = true, .extended = true};

	memcpy(h.info_hash, s->c.info_hash, sizeof(h.info_hash));
	memcpy(h.peer_id, s->c.peer_id, sizeof(h.peer_id));
	wire_put_handshake(&s->scratch, &h);
	swarm_send_scratch(s, p);
}

/* BEP 6: exactly one of bitfield, have all, have none comes first. */
static void
say_pieces(struct swarm *s, struct peer *p)
{
	if (p->fast && bits_full(&s->have))
		wire_put_plain(&s->scratch, WIRE_HAVE_ALL);
	else if (p->fast && s->have.n_set == 0)
		wire_put_plain(&s->scratch, WIRE_HAVE_NONE);
	else if (s->have.n_set > 0)
		wire_put_bitfield(&s->scratch, bits_to_wire(&s->have));
}

void
peer_say_bitfield(struct swarm *s, struct peer *p)
{
	if (s->have.n_set == 0)
		return;
	news_known(s, p);
	wire_put_bitfield(&s->scratch, bits_to_wire(&s->have));
	swarm_send_scratch(s, p);
}

static void
say_extended(struct swarm *s, struct peer *p)
{
	struct wire_ext_handshake h = {
	    .id_pex = s->c.is_private ? 0 : WIRE_EXT_PEX,
	    .id_haves = WIRE_EXT_HAVES,
	    .id_stripes = stripe_takes_part(s) ? WIRE_EXT_STRIPES : 0,
	    .port = s->c.listen_port,
	    .reqq = LIMIT_REQUESTS_IN,
	    .block = LIMIT_BLOCK_BYTES,
	    .link = p->outgoing && dial_is_link(s, p),
	    .client = SPAN_LIT("murder"),
	};
	uint8_t bytes[512];
	struct buf body;
	size_t n;

	if (!p->extended)
		return;
	if (s->rack.own != RACK_UNKNOWN)
		h.rack = span_str(s->c.rack);
	buf_init(&body, s->c.mem, sizeof(bytes));
	wire_ext_build(&body, &h);
	n = body.n;
	if (buf_error(&body) != 0)
		swarm_fail(s, buf_error(&body));
	else
		memcpy(bytes, body.p, n);
	buf_free(&body);
	if (s->err == 0)
		wire_put_extended(&s->scratch, WIRE_EXT_HANDSHAKE,
		    (struct span){.p = bytes, .n = n});
}

void
peer_say_hello(struct swarm *s, struct peer *p)
{
	say_pieces(s, p);
	news_known(s, p);
	say_extended(s, p);
	swarm_send_scratch(s, p);
}

void
peer_say_plain(struct swarm *s, struct peer *p, enum wire_kind kind)
{
	wire_put_plain(&s->scratch, kind);
	swarm_send_scratch(s, p);
}

void
peer_say_block(
    struct swarm *s, struct peer *p, enum wire_kind kind, struct block b)
{
	wire_put_block(&s->scratch, kind, b.piece, b.begin, b.length);
	swarm_send_scratch(s, p);
}

void
peer_say_suggest(struct swarm *s, struct peer *p, uint32_t piece)
{
	wire_put_index(&s->scratch, WIRE_SUGGEST, piece);
	swarm_send_scratch(s, p);
}

void
peer_say_keepalive(struct swarm *s, struct peer *p)
{
	wire_put_keepalive(&s->scratch);
	swarm_send_scratch(s, p);
}

void
peer_say_interest(struct swarm *s, struct peer *p)
{
	bool want = p->n_offers > 0 && !s->stopping;

	/* Kin serve whom they choke, too. */
	if (want == p->am_interested || p->stripes_id != 0)
		return;
	p->am_interested = want;
	peer_say_plain(s, p, want ? WIRE_INTERESTED : WIRE_NOT_INTERESTED);
}
