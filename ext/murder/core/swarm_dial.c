/*
 * Addresses known and whom to connect to: at random among the untried, until
 * there are enough neighbours; rack-mates first. A failed address
 * rests, longer each time.
 */
#include "swarm_int.h"

/* Neighbours may have nothing for us for so long before one has to go. */
#define ISLAND TICK_S(3)
#define MAX_ISLANDS 4u /* times that this is doubled */

static struct known *
find(const struct swarm *s, const struct addr *a)
{
	uint32_t i;

	for (i = 0; i < s->n_known; i++)
		if (addr_equal(&s->known[i].addr, a))
			return &s->known[i];
	return NULL;
}

/* A place for one more: a new one, or that of one that never answered. */
static struct known *
place(struct swarm *s)
{
	struct known *k;
	uint32_t cap, i;

	if (s->n_known < s->cap_known)
		return &s->known[s->n_known++];
	if (s->n_known == LIMIT_ADDRESSES) {
		for (i = 0; i < s->n_known; i++)
			if (s->known[i].peer == 0 && s->known[i].n_failed > 2 &&
			    !s->known[i].banned)
				return &s->known[i];
		return NULL;
	}
	cap = s->cap_known == 0 ? 32 : s->cap_known * 2;
	if (cap > LIMIT_ADDRESSES)
		cap = LIMIT_ADDRESSES;
	k = mem_resize(s->c.mem, s->known, cap, sizeof(*k));
	if (k == NULL) {
		swarm_fail(s, ERR_NOMEM);
		return NULL;
	}
	s->known = k;
	s->cap_known = cap;
	return &s->known[s->n_known++];
}

void
dial_add(struct swarm *s, const struct addr *a)
{
	struct known *k;

	if (a->port == 0 || find(s, a) != NULL)
		return;
	k = place(s);
	if (k != NULL)
		*k = (struct known){.addr = *a, .next_try = s->now};
}

void
dial_mate(struct swarm *s, const struct addr *a)
{
	struct known *k;

	dial_add(s, a);
	k = find(s, a);
	if (k == NULL)
		return;
	k->mate = true;
	s->rack.undialled = true;
}

struct known *
dial_link(struct swarm *s, const struct addr *a)
{
	s->links_due = s->now;
	dial_add(s, a);
	return find(s, a);
}

bool
dial_is_link(const struct swarm *s, const struct peer *p)
{
	const struct known *k = find(s, &p->dialled);

	return k != NULL && (k->gives | k->takes) != 0;
}

void
dial_note(struct swarm *s, struct peer *p)
{
	const struct peer *other;
	struct known *k;

	dial_add(s, &p->dialled);
	k = find(s, &p->dialled);
	if (k == NULL)
		return;
	other = peer_of(s, k->peer);
	if (other == NULL || other->state != PEER_UP)
		k->peer = p->id; /* it came while we dialled it */
}

static bool
may_dial(const struct swarm *s, const struct known *k)
{
	return k->peer == 0 && !k->banned && tick_due(k->next_try, s->now);
}

/* Neighbours wanted: fewer where stripes come from some. */
static uint32_t
n_wanted(const struct swarm *s)
{
	return s->stripe.assigned != 0 ? s->c.want_peers / 2 + STRIPES
				       : s->c.want_peers;
}

static bool
wants_more(const struct swarm *s)
{
	uint32_t n = s->n_slots_used, half = s->c.want_peers / 2;

	return !s->stopping && !swarm_complete(s) &&
	       s->n_dialling < s->c.max_dialling && n < swarm_places(s) &&
	       (n < n_wanted(s) || s->seeks ||
		   (s->rack.active && n < half + slots_n(s->rack.mates)));
}

static struct known *
choose(struct swarm *s, bool mates_only)
{
	struct known *k, *chosen = NULL;
	uint32_t i, n = 0;

	for (i = 0; i < s->n_known; i++) {
		k = &s->known[i];
		if (may_dial(s, k) && (k->mate || !mates_only) &&
		    rng_below(&s->rng, ++n) == 0)
			chosen = k;
	}
	return chosen;
}

/* Whoever is in a rack wants to know all of it, up to half of the places. */
static struct known *
choose_mate(struct swarm *s)
{
	struct known *chosen;

	if (!s->rack.undialled || s->stopping || swarm_complete(s) ||
	    s->n_dialling >= s->c.max_dialling ||
	    slots_n(s->rack.mates) >= swarm_places(s) / 2)
		return NULL;
	chosen = choose(s, true);
	s->rack.undialled = chosen != NULL;
	return chosen;
}

/* Whom a stripe comes from, or goes to; if nobody is to be dialled, notes until
 * when that holds. */
static struct known *
choose_link(struct swarm *s)
{
	struct instant next = TICK_NEVER;
	struct known *k;
	uint32_t i;

	if (s->stopping || s->n_slots_used >= swarm_places(s) ||
	    !tick_due(s->links_due, s->now))
		return NULL;
	for (i = 0; i < s->n_known; i++) {
		k = &s->known[i];
		if ((k->gives | k->takes) == 0 || k->peer != 0 || k->banned)
			continue;
		if (tick_due(k->next_try, s->now))
			return k;
		next = tick_min(next, k->next_try);
	}
	s->links_due = next;
	return NULL;
}

void
dial_more(struct swarm *s)
{
	struct known *chosen;
	struct action *a;
	struct peer *p;

	while (s->err == 0) {
		chosen = choose_link(s);
		if (chosen == NULL)
			chosen = choose_mate(s);
		if (chosen == NULL && wants_more(s)) {
			chosen = choose(s, false);
			s->seeks = false;
		}
		p = chosen == NULL ? NULL : peer_new(s, &chosen->addr, true);
		if (p == NULL)
			return;
		chosen->peer = p->id;
		s->n_dialling++;
		a = swarm_act(s, ACTION_DIAL, p->id);
		if (a != NULL)
			a->addr = chosen->addr;
	}
}

/* Whether p has what we lack and may be asked for it. */
static bool
offers(const struct peer *p)
{
	return p->n_offers > 0 && !p->snubbed && (p->kin || !p->is_choking);
}

/* Who came when all others had neighbours enough has but those who came then,
 * too: an island without a source, where nobody wants more neighbours. One of
 * them has to go, and one more is dialled, after ever longer pauses: perhaps
 * everybody waits for the seeder's first piece. */
void
dial_review(struct swarm *s)
{
	struct duration pause = {.ns = ISLAND.ns << s->n_islands};
	struct peer *p, *chosen = NULL;
	uint32_t i, n = 0;
	bool offered = swarm_complete(s) || s->stopping ||
		       s->stripe.assigned != 0 || s->offered_at.ns == 0;

	for (EACH_SLOT(i, &s->set.up)) {
		p = s->peers[i];
		offered |= offers(p);
		if (tick_since(p->up_at, s->now).ns > ISLAND.ns &&
		    rng_below(&s->rng, ++n) == 0)
			chosen = p;
	}
	if (offered)
		s->n_islands = 0;
	if (offered || (s->n_slots_used - s->n_dialling < n_wanted(s) &&
			   s->n_slots_used < swarm_places(s)))
		s->offered_at = s->now;
	if (tick_since(s->offered_at, s->now).ns <= pause.ns)
		return;
	s->offered_at = s->now;
	if (chosen == NULL || choose(s, false) == NULL)
		return;
	if (s->n_islands < MAX_ISLANDS)
		s->n_islands++;
	s->seeks = true;
	peer_close(s, chosen, CLOSE_USELESS);
}

/* The other connection of two hosts that dialled each other, or NULL. */
static struct peer *
other_of(const struct swarm *s, const struct peer *p)
{
	struct peer *q;
	uint32_t i;

	if (p->dialled.port == 0)
		return NULL;
	for (i = 0; i < s->c.max_peers; i++) {
		q = s->peers[i];
		if (q != NULL && q != p && q->state != PEER_CLOSED &&
		    addr_equal(&q->dialled, &p->dialled))
			return q;
	}
	return NULL;
}

void
dial_ended(struct swarm *s, struct peer *p, bool failed)
{
	struct peer *other = other_of(s, p);
	struct known *k;
	uint32_t i, wait = 2;

	if (p->outgoing && !p->connected)
		s->n_dialling--;
	s->links_due = s->now;
	for (i = 0; i < s->n_known; i++) {
		k = &s->known[i];
		if (k->peer != p->id)
			continue;
		k->peer = other != NULL ? other->id : 0;
		if (other != NULL || !failed)
			k->n_failed = 0;
		else if (k->n_failed < 6)
			k->n_failed++;
		if (failed)
			wait = 1u << k->n_failed;
		k->next_try = tick_add(s->now, TICK_S(wait));
	}
}

void
dial_ban(struct swarm *s, const struct peer *p, bool is_self)
{
	struct known *k;

	dial_add(s, &p->dialled);
	k = find(s, &p->dialled);
	if (k == NULL)
		return;
	k->banned = true;
	k->is_self = is_self;
}

bool
dial_is_banned(const struct swarm *s, const struct addr *a)
{
	uint32_t i;

	for (i = 0; i < s->n_known; i++)
		if (s->known[i].banned &&
		    addr_same_host(&s->known[i].addr, a) &&
		    !s->known[i].is_self)
			return true;
	return false;
}

struct instant
dial_deadline(const struct swarm *s)
{
	struct instant t = TICK_NEVER;
	uint32_t i;

	if (!wants_more(s))
		return t;
	for (i = 0; i < s->n_known; i++)
		if (s->known[i].peer == 0 && !s->known[i].banned)
			t = tick_min(t, s->known[i].next_try);
	return t;
}
