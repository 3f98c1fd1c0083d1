/*
 * Where the tracker keeps its peers: in blocks that never move, so that peers
 * have addresses and numbers; and the order in which they were last heard of,
 * a list linked by these numbers.
 */
#include <assert.h>
#include <string.h>

#include "tracker_table.h"

static struct tracker_peer *
peer(const struct tracker *t, uint32_t id)
{
	return &t->block[id / TRACKER_BLOCK][id % TRACKER_BLOCK];
}

struct tracker_peer *
tracker_peer_of_id(const struct tracker *t, uint32_t id)
{
	assert(id < t->n_made);
	return peer(t, id);
}

struct tracker_peer *
tracker_take_peer(struct tracker *t)
{
	uint32_t id = t->free;
	struct tracker_peer **block;

	if (t->n_free > 0) {
		t->free = peer(t, id)->newer;
		t->n_free--;
	} else {
		id = t->n_made;
		assert(id < LIMIT_TRACKER_PEERS);
		block = &t->block[id / TRACKER_BLOCK];
		if (id % TRACKER_BLOCK == 0)
			*block = mem_resize(
			    t->c.mem, NULL, TRACKER_BLOCK, sizeof(**block));
		if (*block == NULL)
			return NULL;
		t->n_made++;
	}
	memset(peer(t, id), 0, sizeof(struct tracker_peer));
	peer(t, id)->id = id;
	return peer(t, id);
}

void
tracker_give_peer(struct tracker *t, struct tracker_peer *p)
{
	p->newer = t->free;
	t->free = p->id;
	t->n_free++;
	if (t->n_free < t->n_made)
		return;
	for (uint32_t id = 0; id < t->n_made; id += TRACKER_BLOCK) {
		mem_free(t->c.mem, t->block[id / TRACKER_BLOCK]);
		t->block[id / TRACKER_BLOCK] = NULL;
	}
	t->n_made = t->n_free = 0;
}

/* ---- by age -------------------------------------------------------------- */

struct tracker_peer *
tracker_oldest_peer(const struct tracker *t)
{
	return t->n_peers > 0 ? peer(t, t->oldest) : NULL;
}

void
tracker_age_append(struct tracker *t, struct tracker_peer *p)
{
	if (t->n_peers++ > 0)
		peer(t, t->newest)->newer = p->id;
	else
		t->oldest = p->id;
	p->older = t->newest;
	t->newest = p->id;
}

void
tracker_age_remove(struct tracker *t, const struct tracker_peer *p)
{
	assert(t->n_peers > 0);
	if (p->id == t->oldest)
		t->oldest = p->newer;
	else
		peer(t, p->older)->newer = p->newer;
	if (p->id == t->newest)
		t->newest = p->older;
	else
		peer(t, p->newer)->older = p->older;
	t->n_peers--;
}
