/*
 * BEP 3 request and cancel; BEP 6: whatever is not served is rejected. A
 * neighbour's requests wait in its list until swarm_serve.c takes its turn.
 */
#include "swarm_int.h"

static void
refuse(struct swarm *s, struct peer *p, struct block b)
{
	if (p->fast)
		peer_say_block(s, p, WIRE_REJECT, b);
}

void
peer_on_request(struct swarm *s, struct peer *p, struct block b)
{
	if (!bits_get(&s->have, b.piece) || s->stopping ||
	    p->wants.n >= LIMIT_REQUESTS_IN || (p->am_choking && !p->kin) ||
	    !serve_takes(s, p, b)) {
		refuse(s, p, b);
		return;
	}
	if (block_list_push(s, &p->wants, b) != 0)
		return;
	peer_mark(s, p);
	serve_on_request(s, p);
}

void
peer_on_cancel(struct swarm *s, struct peer *p, struct block b)
{
	uint32_t i = block_list_find(&p->wants, b, p->n_in_io);

	if (i == p->wants.n)
		return; /* on its way already, or never asked for */
	block_list_remove(&p->wants, i);
	peer_mark(s, p);
	refuse(s, p, b);
}
