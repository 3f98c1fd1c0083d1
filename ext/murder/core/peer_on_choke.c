/*
 * BEP 3 choke: requests not served are dropped. BEP 6: they are rejected one
 * by one instead, so with a fast neighbour they stay until the rejects come.
 */
#include "swarm_int.h"

void
peer_on_choke(struct swarm *s, struct peer *p)
{
	p->is_choking = true;
	if (!p->fast)
		ask_forget(s, p, false);
}

void
peer_on_reject(struct swarm *s, struct peer *p, struct block b)
{
	uint32_t i = block_list_find(&p->asked, b, 0);

	if (i >= p->asked.n)
		return;
	ask_drop(s, p, i);
	/* A seeder of ours rejects what others were sent; by and by they tell
	 * of it. To ask again at once would go round and round. */
	if (p->kin && s->n_up > 1)
		p->rest_until = tick_add(s->now, s->piece_pause);
}
