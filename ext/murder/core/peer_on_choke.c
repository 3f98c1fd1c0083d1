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

	if (i < p->asked.n)
		ask_drop(s, p, i);
}
