/*
 * The forest of a torrent's peers (forest.h): who of them takes part, under
 * which number, and what an answer tells of it. Hosts that name a rack do not
 * take part: they have a plan of their own (swarm_rack.c).
 */
#include <assert.h>

#include "err.h"
#include "tracker_table.h"

/* In place of a number: its senders said that it does not take what they send.
 * It is not planned for again; who sends to it goes on as far as it can. */
#define RETIRED (FOREST_NOBODY - 1)

/* Notes who has that number. */
static int
remember(struct tracker *t, struct tracker_plan *plan, struct tracker_peer *p)
{
	uint32_t cap = plan->forest.cap;
	uint32_t *q;

	if (plan->cap < cap) {
		q = mem_resize(t->c.mem, plan->id, cap, sizeof(*q));
		if (q == NULL)
			return ERR_NOMEM;
		plan->id = q;
		plan->cap = cap;
	}
	plan->id[p->planned] = p->id;
	return 0;
}

static int
join(struct tracker *t, struct tracker_plan *plan, struct tracker_peer *p)
{
	uint32_t n;
	int err = p->class == CLASS_ORIGIN ? forest_seed(&plan->forest, &n)
					   : forest_join(&plan->forest, &n);

	if (err != 0)
		return err;
	p->planned = n;
	err = remember(t, plan, p);
	if (err != 0) {
		forest_leave(&plan->forest, n);
		p->planned = FOREST_NOBODY;
	}
	return err;
}

/* p cannot get rid of what it sends to the peer at that address. */
static void
accuse(struct tracker *t, const struct tracker_peer *p, const struct addr *at)
{
	struct tracker_plan *plan = &p->rack->torrent->plan;
	const struct forest_host *h = forest_host(&plan->forest, p->planned);
	struct tracker_peer *other;
	struct addr a;
	uint32_t i, child;

	for (i = 0; i < STRIPES; i++) {
		child = h->child[i];
		if (child >= plan->forest.n)
			continue;
		other = tracker_peer_of_id(t, plan->id[child]);
		tracker_peer_addr(other, &a);
		if (!addr_equal(&a, at))
			continue;
		if (forest_accuse(&plan->forest, p->planned, child)) {
			tracker_plan_leave(other);
			other->planned = RETIRED;
		}
		return;
	}
}

int
tracker_plan_update(
    struct tracker *t, struct tracker_peer *p, const struct announce_query *q)
{
	struct tracker_plan *plan = &p->rack->torrent->plan;

	if (!q->striped || p->rack != &p->rack->torrent->nowhere) {
		tracker_plan_leave(p);
		return 0;
	}
	if (p->planned == RETIRED)
		return 0;
	if (p->planned == FOREST_NOBODY)
		return p->class == CLASS_COMPLETED ? 0 : join(t, plan, p);
	forest_crown(&plan->forest, p->planned);
	if (q->has_stuck)
		accuse(t, p, &q->stuck);
	forest_heal(&plan->forest, p->planned);
	if (q->lost != 0)
		forest_complain(&plan->forest, p->planned, q->lost);
	if (q->behind != 0)
		forest_relieve(&plan->forest, p->planned, q->behind);
	return 0;
}

void
tracker_plan_leave(struct tracker_peer *p)
{
	if (p->planned < RETIRED)
		forest_leave(&p->rack->torrent->plan.forest, p->planned);
	p->planned = FOREST_NOBODY;
}

void
tracker_plan_free(struct tracker *t, struct tracker_torrent *tor)
{
	forest_free(&tor->plan.forest);
	mem_free(t->c.mem, tor->plan.id);
}

uint32_t
tracker_plan_links(const struct tracker *t, const struct tracker_peer *self,
    struct tracker_plan_link out[ANNOUNCE_LINKS])
{
	struct tracker_plan *plan = &self->rack->torrent->plan;
	const struct forest_host *h;
	uint32_t n = 0;

	if (self->planned >= RETIRED || plan->forest.root == FOREST_NOBODY)
		return 0;
	forest_told(&plan->forest, self->planned);
	h = forest_host(&plan->forest, self->planned);
	for (uint32_t i = 0; i < STRIPES; i++) {
		if (h->parent[i] < plan->forest.n)
			out[n++] = (struct tracker_plan_link){
			    .peer =
				tracker_peer_of_id(t, plan->id[h->parent[i]]),
			    .stripe = (uint8_t)i};
		if (h->child[i] < plan->forest.n)
			out[n++] = (struct tracker_plan_link){
			    .peer =
				tracker_peer_of_id(t, plan->id[h->child[i]]),
			    .stripe = (uint8_t)forest_sends(h, i),
			    .down = true};
	}
	return n;
}
